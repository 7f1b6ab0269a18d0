"""The process of a run stays for the next ones, for the same person, code and project alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_mlws.core.project import Project
from jupyter_mlws.engine.processes import alive, start_time
from jupyter_mlws.workflows.manager import WorkflowManager
from jupyter_mlws.workflows.models import Run
from jupyter_mlws.workflows.run import live
from jupyter_mlws.workflows.run.journal import NewRun, run_folder
from jupyter_mlws.workflows.run.runs import RunRequest
from tests.workflows.conftest import COLD, LIMIT, PATH

pytestmark = COLD

TELLS = "stages:\n  tells:\n    cmd: echo $WORD > told.txt\n    outs: [told.txt]\n"


@pytest.fixture
def pid_of(
    workflows: WorkflowManager, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Run], int]]:
    """The process that carried a run out; all of them are ended after the test."""
    monkeypatch.setenv("MLWS_RUNNER_IDLE", "30")
    seen = set()

    def pid(run: Run) -> int:
        seen.add(workflows.runs.journal.record(run.id)["pid"])
        return int(workflows.runs.journal.record(run.id)["pid"])

    yield pid
    for process in seen:
        if start_time(process) is not None:
            os.kill(process, signal.SIGTERM)


def gone(pid: int) -> bool:
    started = start_time(pid)
    deadline = time.monotonic() + LIMIT
    while alive(pid, started) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid, started)


def listening(root: Path) -> bool:
    """Wait until the process of an earlier run listens."""
    deadline = time.monotonic() + LIMIT
    name = live._address(root)[1:].decode()
    while time.monotonic() < deadline:
        if f"@{name}" in Path("/proc/net/unix").read_text():
            return True
        time.sleep(0.02)
    return False


def test_the_next_run_has_the_same_process_and_its_own_environment(
    write, run: Callable[..., Run], pid_of, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(PATH, TELLS)
    monkeypatch.setenv("WORD", "one")
    first = run()
    assert (project.root / "told.txt").read_text() == "one\n"
    assert listening(project.root)
    monkeypatch.setenv("WORD", "two")
    second = run(force=True)
    assert (project.root / "told.txt").read_text() == "two\n"
    assert pid_of(first) == pid_of(second)


def test_a_process_that_is_gone_is_replaced(
    write, run: Callable[..., Run], pid_of, project: Project
) -> None:
    write(PATH, TELLS)
    first = pid_of(run())
    assert listening(project.root)
    os.kill(first, signal.SIGKILL)
    assert gone(first)
    second = run(force=True)
    assert second.status == "COMPLETED"
    assert pid_of(second) != first


@pytest.mark.slow(reason="many real runs")
def test_between_two_runs_a_signal_ends_it(
    write, run: Callable[..., Run], pid_of, project: Project
) -> None:
    write(PATH, TELLS)
    pid = pid_of(run())
    assert listening(project.root)
    os.kill(pid, signal.SIGTERM)
    assert gone(pid)


def test_other_code_makes_it_go(
    write, run: Callable[..., Run], pid_of, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(PATH, TELLS)
    first = pid_of(run())
    assert listening(project.root)
    monkeypatch.setattr(live, "stamp", lambda: "newer")
    second = run(force=True)
    assert second.status == "COMPLETED"
    assert pid_of(second) != first
    assert gone(first)


def test_a_second_process_leaves_its_record_to_the_one_that_waits(
    workflows: WorkflowManager, write, run: Callable[..., Run], pid_of, project: Project
) -> None:
    write(PATH, TELLS)
    waiting = pid_of(run())
    assert listening(project.root)
    workflows.runs.journal.create(NewRun("second", PATH, 1, "rest", ["tells"], {"force": True}))
    folder = run_folder(project, "second")
    folder.mkdir(parents=True)
    (folder / PATH).write_text(TELLS)
    second = subprocess.run(
        [sys.executable, "-m", "jupyter_mlws.workflows.run.runner", "second", project.root],
        check=True,
        timeout=LIMIT,
        stdin=subprocess.DEVNULL,
    )
    assert second.returncode == 0
    assert workflows.runs.journal.record("second")["pid"] == waiting
    assert Run(**workflows.runs.wait(PATH, "second", LIMIT)).mlflow_run
    assert listening(project.root)


def test_an_ended_process_leaves_no_zombie(
    workflows: WorkflowManager, write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLWS_RUNNER_IDLE", "0")
    write(PATH, TELLS)
    # As in a server: a process with several threads starts a new one.
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    started = workflows.runs.execute(PATH, RunRequest())
    over.set()
    thread.join()
    pid = workflows.runs.journal.record(started["id"])["pid"]
    deadline = time.monotonic() + LIMIT
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert workflows.runs.journal.record(started["id"])["status"] == "COMPLETED"


def test_python_nodes_start_warm_in_the_second_run(
    write, run: Callable[..., Run], pid_of, project: Project
) -> None:
    write("heavy.py", "import os, pandas\nprint(pandas.__name__, os.getppid(), flush=True)\n")
    write(PATH, "stages:\n  heavy:\n    cmd: python heavy.py\n")
    first = run(force=True)
    assert first.status == "COMPLETED"
    deadline = time.monotonic() + LIMIT
    pid = pid_of(first)
    while time.monotonic() < deadline:
        assert listening(project.root)
        ended = run(force=True)
        assert ended.status == "COMPLETED"
        log = (project.state / "runs" / ended.id / "heavy.log").read_text()
        _, parent = log.splitlines()[-1].split()
        if pid_of(ended) == pid and int(parent) != pid:
            return
    pytest.fail("no run had a warm node")
