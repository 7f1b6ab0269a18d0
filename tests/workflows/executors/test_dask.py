"""Runs on a Dask cluster: the same lock and journal as here, whatever becomes of its workers."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlws.workflows.journal.store import RunRequest
from jupyter_mlws.workflows.manager import WorkflowManager
from jupyter_mlws.workflows.models import Run
from mlws.core.project import Project
from mlws.engine.processes import bearers
from tests.workflows import twins
from tests.workflows.conftest import LIMIT, PATH
from tests.workflows.test_engine import DIAMOND

SLOW = """\
stages:
  slow:
    cmd: echo half > slow.txt; echo $$ >> tries; echo begun; (setsid sleep 61 &); {then}
    outs: [slow.txt]
  after:
    cmd: cp slow.txt after.txt
    deps: [slow.txt]
    outs: [after.txt]
"""


def until(condition: Callable[[], Any], seconds: float = LIMIT) -> Any:
    """The first true value of a condition."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return value


def kinds(workflows: WorkflowManager, run: str) -> dict[str | None, list[str]]:
    """The states of a run and of each of its nodes, in order; not what else is noted of them."""
    states: dict[str | None, list[str]] = {}
    for event in workflows.runs.journal.events_after(0, limit=10_000):
        if event["run"] == run:
            known = states.setdefault(event["node"], [])
            if known[-1:] != [event["status"]]:
                known.append(event["status"])
    return states


@pytest.mark.exhaustive
@pytest.mark.parametrize("shared", ["", "?shared=false"])
def test_the_same_lock_and_events_as_here(
    shared: str,
    project: Project,
    workflows: WorkflowManager,
    write: Callable[..., Path],
    run: Callable[..., Run],
    address: str,
    tmp_path: Path,
    git: Callable[..., str],
) -> None:
    (project.root / ".dvc" / "config").write_text(
        f"[core]\n    remote = store\n['remote \"store\"']\n    url = {tmp_path / 'store'}\n"
    )
    git(project.root, "add", "-A")
    write("data.txt", "1\n")
    write(
        PATH,
        DIAMOND + "  tool:\n    cmd: sh make.sh folder\n    deps: [make.sh, last.txt]\n"
        "    outs: [folder]\n",
    )
    write("make.sh", "mkdir -p $1/in; cp last.txt $1/in/a; echo '#!/bin/sh' > $1/b; echo $PWD\n")
    twin = tmp_path / "twin"
    shutil.copytree(project.root, twin, symlinks=True)
    ended = run(jobs=2, executor=f"{address}{shared}")
    assert ended.status == "COMPLETED", ended.error
    elsewhere = (project.state / "runs" / ended.id / "tool.log").read_text().splitlines()
    assert elsewhere[0] == "> sh make.sh folder"
    assert (elsewhere[1] == str(project.root)) == (not shared)

    assert twins.execute(twin) == "COMPLETED"
    for name in ("dvc.lock", ".gitignore", "last.txt", "folder/in/a", "folder/b", "right.json"):
        assert (project.root / name).read_bytes() == (twin / name).read_bytes(), name
        assert (project.root / name).stat().st_mode == (twin / name).stat().st_mode, name

    here = run(jobs=2, force=True)
    assert kinds(workflows, ended.id) == kinds(workflows, here.id)
    assert set(kinds(workflows, run(executor=f"{address}{shared}").id)["last"]) == {"CACHED"}


def test_one_setting_moves_runs_there_and_nodes_have_the_environment_of_the_worker(
    write: Callable[..., Path],
    run: Callable[..., Run],
    address: str,
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SECRET_OF_THIS_MACHINE", "1")
    monkeypatch.setenv("MLWS_EXECUTOR", address)
    write(PATH, "stages:\n  a:\n    cmd: env > env.txt\n    outs: [env.txt]\n")
    ended = run()
    assert ended.status == "COMPLETED", ended.error
    told = dict(
        line.partition("=")[::2] for line in (project.root / "env.txt").read_text().splitlines()
    )
    assert told["ONLY_ON_WORKERS"] == "here"
    assert told["MLWS_RUN_ID"] == ended.id
    assert told["DVC_STAGE"] == "a"
    assert "SECRET_OF_THIS_MACHINE" not in told


def test_a_failure_is_told_as_here(
    write: Callable[..., Path],
    run: Callable[..., Run],
    address: str,
    states: Any,
    project: Project,
) -> None:
    write(
        PATH,
        "stages:\n  bad:\n    cmd: ['echo half > bad.txt', 'echo oh no >&2; exit 3', 'echo never']"
        "\n    outs: [bad.txt]\n"
        "  after:\n    cmd: cp bad.txt after.txt\n    deps: [bad.txt]\n    outs: [after.txt]\n",
    )
    failed = run(executor=address)
    assert states(failed) == {"bad": "FAILED", "after": "SKIPPED"}
    assert failed.error is not None
    assert (failed.error.code, failed.error.details["exit_code"]) == ("40101", 3)
    assert failed.error.details["log"][-1] == "oh no"
    assert not (project.root / "bad.txt").exists()


def test_the_node_of_a_killed_worker_is_run_again(
    write: Callable[..., Path],
    workflows: WorkflowManager,
    address: str,
    project: Project,
    worker_pids: Callable[[], list[int]],
    log_of: Callable[[str, str], Path],
) -> None:
    write(PATH, SLOW.format(then="test -e go || sleep 60; echo whole > slow.txt"))
    execution = workflows.runs.execute(PATH, RunRequest(executor=address))
    tries = project.root / "tries"
    until(tries.exists)
    first = int(until(tries.read_text))
    os.kill(_ancestor(first, worker_pids()), signal.SIGKILL)
    (project.root / "go").touch()
    ended = Run(**workflows.runs.wait(PATH, execution["id"], LIMIT, recorded=False))
    assert ended.status == "COMPLETED", ended.error
    assert [(node.id, node.attempt, node.error) for node in ended.nodes] == [
        ("slow", 2, None),
        ("after", 1, None),
    ]
    assert len(tries.read_text().split()) == 2
    assert (project.root / "after.txt").read_text() == "whole\n"
    assert "was lost (1 of 4)" in log_of(execution["id"], "slow").read_text()
    assert kinds(workflows, execution["id"])["slow"] == [
        "RUNNING",
        "QUEUED",
        "RUNNING",
        "COMPLETED",
    ]
    # The first attempt is gone with all that it had started.
    assert not Path(f"/proc/{first}").exists()


def _ancestor(pid: int, wanted: list[int]) -> int:
    while pid not in wanted:
        assert pid > 1
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return pid


@pytest.mark.exhaustive
@pytest.mark.parametrize("shared", ["", "?shared=false"])
def test_cancel_ends_the_whole_tree_on_the_worker(
    shared: str,
    write: Callable[..., Path],
    workflows: WorkflowManager,
    address: str,
    project: Project,
    states: Any,
    tmp_path: Path,
    log_of: Callable[[str, str], Path],
) -> None:
    (project.root / ".dvc" / "config").write_text(
        f"[core]\n    remote = store\n['remote \"store\"']\n    url = {tmp_path / 'store'}\n"
    )
    write(PATH, SLOW.format(then="trap '' TERM; sleep 60; sleep 60"))
    execution = workflows.runs.execute(PATH, RunRequest(executor=f"{address}{shared}"))
    log = log_of(execution["id"], "slow")
    # Followed while it runs.
    until(lambda: log.exists() and "begun\n" in log.read_text())
    until(lambda: len(list(bearers(execution["id"]))) >= 3)
    workflows.runs.cancel(PATH, execution["id"])
    ended = Run(**workflows.runs.wait(PATH, execution["id"], LIMIT, recorded=False))
    assert ended.status == "CANCELLED"
    assert states(ended) == {"slow": "CANCELLED", "after": "CANCELLED"}
    assert list(bearers(execution["id"])) == []
    assert not (project.root / "slow.txt").exists()


def test_what_a_killed_run_had_on_workers_ends(
    write: Callable[..., Path], workflows: WorkflowManager, address: str, project: Project
) -> None:
    write(PATH, SLOW.format(then="sleep 60"))
    execution = workflows.runs.execute(PATH, RunRequest(executor=address))
    tries = project.root / "tries"
    until(tries.exists)
    until(tries.read_text)
    os.kill(workflows.runs.journal.record(execution["id"])["pid"], signal.SIGKILL)
    (pid,) = tries.read_text().split()
    # By the worker itself: no one else could on another machine.
    until(lambda: not Path(f"/proc/{pid}").exists())
    until(lambda: Run(**workflows.runs.status(PATH, execution["id"])).status == "INTERRUPTED")


def test_limits_are_kept_on_the_worker(
    write: Callable[..., Path], run: Callable[..., Run], address: str
) -> None:
    write(
        PATH,
        "stages:\n  fat:\n"
        "    cmd: python3 -c 'import time; a = bytearray(300_000_000); time.sleep(60)'\n"
        "    meta: {memory: 100Mi}\n"
        "  late:\n    cmd: sleep 60\n    meta: {timeout: 1, on_failure: skip}\n",
    )
    ended = run(executor=address, keep_going=True)
    errors = {node.id: node.error for node in ended.nodes}
    assert {name: e and (e.code, e.details["resource"]) for name, e in errors.items()} == {
        "fat": ("40103", "memory"),
        "late": ("40103", "time"),
    }


def test_what_fits_no_worker_is_refused(
    write: Callable[..., Path], run: Callable[..., Run], address: str
) -> None:
    write(PATH, "stages:\n  big:\n    cmd: 'true'\n    meta: {gpu: 1}\n")
    ended = run(executor=address)
    assert ended.error is not None
    assert (ended.error.code, ended.error.details["resource"]) == ("40102", "gpu")
