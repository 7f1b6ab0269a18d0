"""Workers that are lost, seen by the engine alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from jupyter_mlws.workflows.journal.store import Journal, NewRun
from mlws.core.errors import MLWSError
from mlws.core.i18n import CHINESE
from mlws.core.project import Project
from mlws.document.parse import parse
from mlws.dvc.native.pipeline import open_backend
from mlws.engine import scheduler as engine
from mlws.engine.executor import Outcome, OutcomeCallback, Task, WorkerLoss
from mlws.engine.executors.factory import ExecutorContext
from mlws.engine.graph import StageGraph
from mlws.engine.policy import RunOptions
from mlws.engine.process_loop import ProcessLoop
from mlws.engine.scheduler import Engine
from mlws.engine.states import Status

TEXT = "stages:\n  a:\n    cmd: 'true'\n    meta: {{retries: {retries}, backoff: 0.01}}\n"


class Told:
    """An executor whose nodes end as they are told to."""

    whole_nodes = True

    def __init__(self, tell: OutcomeCallback, outcomes: Sequence[Outcome]) -> None:
        self._tell = tell
        self._outcomes = list(outcomes)
        self.cookies: list[str] = []

    def start(self, task: Task) -> int:
        self.cookies.append(task.cookie)
        self._tell(len(self.cookies), self._outcomes.pop(0))
        return len(self.cookies)

    def memory(self, handle: int) -> int:
        return 0

    def stop(self, cookies: Mapping[int, str]) -> None:
        raise AssertionError

    def abandon(self, handles: Sequence[int], run: str) -> None:
        raise AssertionError


@pytest.mark.parametrize(
    ("outcomes", "retries", "expected", "attempts"),
    [
        ([WorkerLoss("w")] * 3 + [0], 0, Status.COMPLETED, 4),
        ([WorkerLoss("w")] * 4, 5, Status.FAILED, 4),
        # What is lost is none of the attempts that a node may have.
        ([WorkerLoss("w"), 1, WorkerLoss("w"), 0], 1, Status.COMPLETED, 4),
        ([WorkerLoss("w"), 1, WorkerLoss("w"), 1], 1, Status.FAILED, 4),
    ],
)
def test_a_lost_worker_is_no_failed_attempt_up_to_a_limit(
    outcomes: list[Outcome],
    retries: int,
    expected: Status,
    attempts: int,
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(project.root)
    monkeypatch.setattr(engine, "WORKER_LOSS_DELAY", 0.01)
    text = TEXT.format(retries=retries)
    (project.root / "dvc.yaml").write_text(text)
    document = parse("dvc.yaml", text)
    stages = document.data["stages"]
    journal = Journal(project)
    made: list[Told] = []

    def make(loop: ProcessLoop) -> Told:
        made.append(Told(loop.report, outcomes))
        return made[0]

    try:
        journal.create(NewRun("run", "dvc.yaml", 1, "test", ["a"]))
        journal.set_run("run", Status.RUNNING)
        with open_backend(project.root, "dvc.yaml", stages, project.state) as backend:
            logs = project.state / "runs" / "run"
            graph = StageGraph(document.stages(stages))
            target = ExecutorContext(1, executor=make)
            running = Engine(journal, "run", backend, graph, RunOptions(), logs, target=target)
            status, error = running.execute()
        record = journal.node_records("run")["a"]
    finally:
        journal.close()
    assert (status, record["attempt"]) == (expected, attempts)
    assert len(set(made[0].cookies)) == attempts
    if outcomes[-1] == WorkerLoss("w") and error is not None:
        said = MLWSError.restore(error["code"], error["facts"])
        assert said.code == "40101"
        assert "its worker was lost" in said.message.en
        assert "丢失" in said.message.in_(CHINESE)
