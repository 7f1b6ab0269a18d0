"""Runs that a crash interrupts go on by themselves, once, and what a user ended stays ended."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from jupyter_mlws.core.trust import withdraw_trust
from jupyter_mlws.projects.manager import ProjectManager
from jupyter_mlws.workflows.journal.store import RunRequest
from jupyter_mlws.workflows.manager import WorkflowManager
from jupyter_mlws.workflows.run.interruptions import AUTOMATIC
from jupyter_mlws.workflows.run.runs import Runs
from mlws.core.project import Project
from mlws.engine.processes import alive, bearers
from tests.workflows.conftest import COLD, LIMIT, PATH

WORKFLOW = """\
stages:
  before:
    cmd: echo before >> ran; echo 1 > before.txt
    outs: [before.txt]
  slow:
    cmd: echo slow >> ran; test -e ready || sleep 300; cp before.txt slow.txt
    deps: [before.txt]
    outs: [slow.txt]
  after:
    cmd: cp slow.txt after.txt
    deps: [slow.txt]
    outs: [after.txt]
"""
pytestmark = COLD
"""Every run has a process of its own, which is killed."""


class Machine:
    """A project whose processes end all at once, and whose servers are opened anew."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def start(self, **options: object) -> str:
        """Start a run and return its ID when its second node runs."""
        with closing(Runs(self.project)) as runs:
            run = str(runs.execute(PATH, RunRequest(**options))["id"])
        self.await_slow(run)
        return run

    def await_slow(self, run: str) -> None:
        with closing(Runs(self.project)) as runs:
            deadline = time.monotonic() + LIMIT
            while self.states(runs, run).get("slow") != "RUNNING":
                assert time.monotonic() < deadline
                time.sleep(0.01)

    def crash(self, run: str, number: signal.Signals = signal.SIGKILL) -> None:
        """End the processes of a run, as a crash of the machine does."""
        with closing(Runs(self.project)) as runs:
            record = runs.journal.record(run)
        os.kill(record["pid"], number)
        for pid in bearers(run) if number is signal.SIGKILL else ():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        while alive(record["pid"], record["pid_start"]):
            time.sleep(0.01)

    def open(self, *, resumes_runs: bool = True) -> str:
        """Open the project as a server does and return the ID of the newest run."""
        with closing(ProjectManager(self.project.root, resumes_runs=resumes_runs)) as projects:
            return str(projects.trusted_workspace().runs.id_of(PATH, None))

    def status(self, run: str) -> str:
        with closing(Runs(self.project)) as runs:
            return str(runs.status(PATH, run)["status"])

    @staticmethod
    def states(runs: Runs, run: str) -> dict[str, str]:
        return {node["id"]: node["status"] for node in runs.status(PATH, run)["nodes"]}


@pytest.fixture
def machine(project: Project, workflows: WorkflowManager, write: Callable[..., Path]) -> Machine:
    write(PATH, WORKFLOW)
    return Machine(project)


def test_a_server_continues_a_run_that_a_crash_interrupted(
    machine: Machine, workflows: WorkflowManager, write: Callable[..., Path]
) -> None:
    interrupted = machine.start()
    machine.crash(interrupted)
    write("ready", "")
    resumed = machine.open()
    ended = workflows.runs.wait(PATH, resumed, LIMIT, recorded=False)
    assert (ended["status"], ended["origin"]) == ("COMPLETED", AUTOMATIC)
    assert ended["resumes"] == interrupted
    assert (machine.project.root / "ran").read_text().split().count("before") == 1
    assert machine.open() == resumed


def test_a_command_that_only_lists_leaves_the_run_to_the_next_server(
    machine: Machine, write: Callable[..., Path]
) -> None:
    interrupted = machine.start()
    machine.crash(interrupted)
    assert machine.status(interrupted) == "INTERRUPTED"
    assert machine.open(resumes_runs=False) == interrupted
    write("ready", "")
    assert machine.open() != interrupted


def test_a_forced_run_repeats_no_node_that_it_had_completed(
    machine: Machine, workflows: WorkflowManager, write: Callable[..., Path]
) -> None:
    machine.crash(machine.start(force=True))
    write("ready", "")
    workflows.runs.wait(PATH, machine.open(), LIMIT, recorded=False)
    assert (machine.project.root / "ran").read_text().split().count("before") == 1


def test_a_run_is_continued_once(machine: Machine) -> None:
    machine.crash(machine.start())
    second = machine.open()
    machine.await_slow(second)
    machine.crash(second)
    assert machine.open() == second
    assert machine.status(second) == "INTERRUPTED"


def test_a_shutdown_of_the_machine_interrupts_a_run(
    machine: Machine, write: Callable[..., Path]
) -> None:
    interrupted = machine.start()
    machine.crash(interrupted, signal.SIGTERM)
    assert machine.status(interrupted) == "INTERRUPTED"
    write("ready", "")
    assert machine.open() != interrupted


def test_a_canceled_run_is_not_continued(machine: Machine, workflows: WorkflowManager) -> None:
    run = machine.start()
    workflows.runs.cancel(PATH, run)
    workflows.runs.wait(PATH, run, LIMIT, recorded=False)
    assert machine.open() == run
    assert machine.status(run) == "CANCELLED"


def test_a_failed_run_is_not_continued(
    machine: Machine, workflows: WorkflowManager, write: Callable[..., Path]
) -> None:
    write(PATH, WORKFLOW.replace("echo slow >> ran;", "exit 3;"))
    run = workflows.runs.execute(PATH, RunRequest())["id"]
    assert workflows.runs.wait(PATH, run, LIMIT, recorded=False)["status"] == "FAILED"
    assert machine.open() == run


def test_a_run_that_a_process_saw_end_waits_for_the_user(
    machine: Machine, workflows: WorkflowManager
) -> None:
    run = machine.start()
    assert workflows.runs.status(PATH, run)["status"] == "RUNNING"
    machine.crash(run)
    assert workflows.runs.status(PATH, run)["status"] == "INTERRUPTED"
    assert machine.open() == run


def test_a_run_of_another_workflow_text_is_not_continued(
    machine: Machine, write: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    run = machine.start()
    machine.crash(run)
    write(PATH, f"# Edited\n{WORKFLOW}")
    assert machine.open() == run
    assert f"Run {run} is not resumed: {PATH} has changed since it started" in caplog.text
    write(PATH, WORKFLOW)
    assert machine.open() == run


def test_a_run_that_cannot_start_stays_interrupted(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    run = machine.start()
    machine.crash(run)
    (machine.project.root / ".dvc").rename(machine.project.root / ".dvc-away")
    assert machine.open() == run
    (machine.project.root / ".dvc-away").rename(machine.project.root / ".dvc")
    assert f"Run {run} of {PATH} is not resumed: " in caplog.text


def test_a_project_that_is_not_trusted_runs_nothing(machine: Machine) -> None:
    run = machine.start()
    machine.crash(run)
    withdraw_trust(machine.project.root)
    with closing(ProjectManager(machine.project.root, resumes_runs=True)) as projects:
        projects.resume_runs()
        assert projects.workspace().runs.id_of(PATH, None) == run


def test_the_next_run_of_the_workflow_continues_the_interrupted_one(
    machine: Machine, workflows: WorkflowManager, write: Callable[..., Path]
) -> None:
    interrupted = machine.start(force=True)
    machine.crash(interrupted)
    write("ready", "")
    run = workflows.runs.execute(PATH, RunRequest(jobs=2))
    assert run["resumes"] == interrupted
    ended = workflows.runs.wait(PATH, run["id"], LIMIT, recorded=False)
    assert machine.states(workflows.runs, run["id"])["before"] == "CACHED"
    assert ended["status"] == "COMPLETED"
    assert workflows.runs.execute(PATH, RunRequest())["resumes"] is None


@pytest.mark.parametrize("options", [{"force": True}, {"targets": ["slow"]}])
def test_a_run_of_something_else_does_not_continue_it(
    machine: Machine,
    workflows: WorkflowManager,
    write: Callable[..., Path],
    options: dict[str, object],
) -> None:
    machine.crash(machine.start())
    write("ready", "")
    run = workflows.runs.execute(PATH, RunRequest(**options))
    assert run["resumes"] is None
    workflows.runs.wait(PATH, run["id"], LIMIT, recorded=False)
