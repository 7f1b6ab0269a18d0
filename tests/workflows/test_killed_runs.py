"""SIGKILL at random moments: no result is lost, none is counted half, and a run can be resumed."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from jupyter_mlws.workflows.journal.store import RunRequest
from jupyter_mlws.workflows.manager import WorkflowManager
from jupyter_mlws.workflows.models import Run
from mlws.core.project import Project
from mlws.engine.processes import bearers
from tests.series import length
from tests.workflows import twins
from tests.workflows.conftest import COLD, LIMIT, PATH

KILLS = length(6, 20, "MLWS_KILLS")
LONGEST = 0.9
"""Seconds after which a run is killed at the latest; a whole one takes about that."""


def _graph(random: random.Random) -> str:
    """Nodes that note that they ran, take a moment, and write their output in two parts."""
    lines = ["stages:"]
    for number in range(random.randint(4, 9)):
        made = [f"{n}.txt" for n in range(number)]
        deps = random.sample(made, min(len(made), random.randint(0, 2)))
        read = " ".join(["data.txt", *deps])
        command = (
            f"echo half > {number}.txt; echo {number} >> ran;"
            f" sleep {random.choice(['0', '0.02', '0.1'])}; cat {read} > {number}.txt"
        )
        lines += [f"  n{number}:", f"    cmd: {command}", f"    outs: [{number}.txt]"]
        lines += [f"    deps: [{', '.join(['data.txt', *deps])}]"]
    return "\n".join(lines) + "\n"


def _start(workflows: WorkflowManager, root: Path, victim: str, after: float) -> str | None:
    """Start a run, and kill its starter if that is the victim; return the run, if there is one."""
    if victim != "starter":
        run = workflows.runs.execute(PATH, RunRequest(jobs=2))["id"]
        time.sleep(after)
        return run
    before = workflows.runs.journal.newest(PATH)
    program = Path(sys.executable).with_name("jupyter-mlws")
    starter = subprocess.Popen([program, "run", "-j2"], cwd=root, stdout=subprocess.DEVNULL)
    time.sleep(after + 0.3)
    starter.kill()
    starter.wait()
    newest = workflows.runs.journal.newest(PATH)
    return newest if newest != before else None


def _kill(workflows: WorkflowManager, run: str, victim: str) -> None:
    if victim == "starter":
        return
    if victim == "runner":
        pid = workflows.runs.journal.record(run)["pid"]
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return
    for pid in list(bearers(run))[:1]:
        with suppress(ProcessLookupError):
            os.killpg(os.getpgid(pid), signal.SIGKILL)


@pytest.mark.exhaustive
@COLD
@pytest.mark.timeout(1800)
@pytest.mark.slow(reason="kills run after run")
def test_runs_that_are_killed(
    project: Project, workflows: WorkflowManager, write: Callable[..., Path], tmp_path: Path
) -> None:
    dice = random.Random(int(os.environ.get("MLWS_SEED", "1")))
    root = project.root
    template = tmp_path / "template"
    shutil.copytree(root, template, symlinks=True)
    cut_short = 0
    for _ in range(KILLS):
        for name in [*root.glob("*.txt"), root / "ran", root / "dvc.lock"]:
            name.unlink(missing_ok=True)
        shutil.copy(template / ".gitignore", root)
        shutil.rmtree(root / ".dvc" / "cache", ignore_errors=True)
        write("data.txt", "1\n")
        write(PATH, _graph(dice))
        victim = dice.choice(["runner", "runner", "node", "starter"])
        run = _start(workflows, root, victim, dice.random() * LONGEST)
        if run is None:
            continue
        _kill(workflows, run, victim)
        ended = Run(**workflows.runs.wait(PATH, run, LIMIT, recorded=False))
        assert list(bearers(run)) == []
        done = {node.id for node in ended.nodes if node.status in ("COMPLETED", "CACHED")}
        cut_short += ended.status == "INTERRUPTED"
        counted = (root / "ran").read_text().split() if (root / "ran").exists() else []

        if ended.status != "COMPLETED":
            again = workflows.runs.resume(PATH, run)
            resumed = Run(**workflows.runs.wait(PATH, again["id"], LIMIT, recorded=False))
            assert resumed.status == "COMPLETED", resumed.error
            states = {node.id: node.status.value for node in resumed.nodes}
            assert {states[node] for node in done} <= {"CACHED"}
        twice = (root / "ran").read_text().split()
        for node in done:
            assert twice.count(node[1:]) == counted.count(node[1:]), node

        twin = tmp_path / "twin"
        shutil.rmtree(twin, ignore_errors=True)
        shutil.copytree(template, twin, symlinks=True)
        for name in ("data.txt", PATH):
            shutil.copy(root / name, twin / name)
        assert twins.execute(twin) == "COMPLETED"
        for name in ("dvc.lock", *(file.name for file in twin.glob("*.txt"))):
            assert (root / name).read_bytes() == (twin / name).read_bytes(), name
        # Lines that a failed run has written stay where they are.
        kept, expected = ((r / ".gitignore").read_text().splitlines() for r in (root, twin))
        assert sorted(kept) == sorted(expected)
        assert not list(root.glob(".dvc.lock.*"))
    if KILLS >= 20:
        assert cut_short > KILLS // 10

    # The journal tells the same from every point on, without a gap.
    events = workflows.runs.journal.events_after(0, limit=1_000_000)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    for start in dice.sample(range(len(events)), min(20, len(events))):
        # Since then MLflow may have told of runs that it has recorded.
        later = workflows.runs.journal.events_after(start, limit=1_000_000)
        assert later[: len(events) - start] == events[start:]
