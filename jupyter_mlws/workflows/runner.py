"""The process that carries runs out, detached from whoever starts them.

``python -m jupyter_mlws.workflows.runner RUN ROOT``: reads the run from the journal, carries it
out, tells everything through the journal. SIGTERM cancels. Then it is there for the project's next
run for a while (:mod:`.live`), which so has what takes long to import.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from jupyter_mlws.errors import MLWSError
from jupyter_mlws.project import Project
from jupyter_mlws.versioning.dvc import resolved
from jupyter_mlws.versioning.dvc.fast.pipeline import FastPipeline
from jupyter_mlws.versioning.dvc.lanes import open_lane
from jupyter_mlws.versioning.dvc.stages import Pipeline, StageError
from jupyter_mlws.workflows import live, recovery, tracking
from jupyter_mlws.workflows.document import Document, Stage, parse
from jupyter_mlws.workflows.engine import Engine, Order
from jupyter_mlws.workflows.executors import choice
from jupyter_mlws.workflows.executors.opening import Place, opened
from jupyter_mlws.workflows.graph import external_inputs
from jupyter_mlws.workflows.journal import Journal
from jupyter_mlws.workflows.processes import start_time
from jupyter_mlws.workflows.states import Status
from jupyter_mlws.workflows.warm.pool import WarmPool

GIT_TIMEOUT = 30

log = logging.getLogger(__name__)


class Runner:
    """Carries one run out."""

    def __init__(self, project: Project, run: str, warm: WarmPool | None = None) -> None:
        self._project = project
        self._id = run
        self._warm = warm
        self._journal = Journal(project)
        self._engine: Engine | None = None
        self._cancelled = threading.Event()

    def cancel(self, number: int = 0, frame: FrameType | None = None) -> None:
        """A signal's handler: the engine is told, or will be when it is there."""
        self._cancelled.set()
        if self._engine is not None:
            self._engine.cancel()

    def run(self) -> None:
        """Carry the run out, to one of its ends, and then record it in MLflow."""
        row = self._journal.record(self._id)
        if Status(row["status"]).ended:
            return
        if row.get("cancel"):
            self._cancelled.set()
        self._journal.note(self._id, pid=os.getpid(), pid_start=start_time(os.getpid()))
        name = row["workflow"]
        try:
            text = self._project.resolve(row["workflow"]).read_text(encoding="utf-8")
            document = parse(row["workflow"], text)
            name = document.name
            root, state = self._project.root, self._project.state
            data = resolved.stages(root, document.path, text, document.data, state)
            with open_lane(root, document.path, data, state) as lane:
                self._execute(row, document.stages(data), lane, document)
        except MLWSError as error:
            self._fail({"code": error.code, "facts": error.facts})
        except StageError as error:
            self._fail({"code": "40104", "facts": {"reason": str(error)}})
        except Exception as error:
            # The edge of this process: whatever it was, the run must not seem to go on.
            log.exception("the run %s failed", self._id)
            self._fail({"code": "40104", "facts": {"reason": f"{type(error).__name__}: {error}"}})
        self._track(name)

    def close(self) -> None:
        """Close the journal."""
        self._journal.close()

    def _execute(
        self,
        row: dict[str, Any],
        stages: Sequence[Stage],
        lane: FastPipeline | Pipeline,
        document: Document,
    ) -> None:
        request = row["request"]
        if isinstance(lane, FastPipeline):
            recovery.adopt(self._journal, document.path, lane, request.get("resumes"))
        where = request.get("executor") or choice.LOCAL
        with opened(where, row["jobs"], self._project, self._id, stages) as place:
            self._journal.set_run(
                self._id,
                Status.RUNNING,
                commit=head(self._project.root),
                params=tracking.params_of(document, stages),
                jobs=place.jobs,
            )
            lane.refresh(external_inputs(stages, request.get("targets", ())))
            self._engine = self._built(request, stages, lane, place)
            if self._cancelled.is_set():
                self._engine.cancel()
            with recovery.recorded(self._journal, self._id, lane):
                status, error = self._engine.execute()
        recovery.settle(self._journal, document.path, self._id)
        metrics = tracking.metrics_of(self._project.root, stages)
        facts: dict[str, Any] = {"metrics": metrics}
        self._journal.set_run(self._id, status, **facts, **({"error": error} if error else {}))

    def _built(
        self,
        request: dict[str, Any],
        stages: Sequence[Stage],
        lane: FastPipeline | Pipeline,
        place: Place,
    ) -> Engine:
        sets = ("again", "accept", "skip", "done")
        return Engine(
            self._journal,
            self._id,
            lane,
            stages,
            Order(
                targets=request.get("targets", ()),
                force=request.get("force", False),
                keep_going=request.get("keep_going", False),
                jobs=place.jobs,
                **{name: frozenset(request.get(name, ())) for name in sets},
            ),
            logs=runs_folder(self._project, self._id),
            environment=_tracking_environment(self._project),
            warm=self._warm,
            total=place.total,
            executor=place.executor,
        )

    def _fail(self, error: dict[str, Any]) -> None:
        self._journal.end_nodes(self._id, Status.SKIPPED)
        if not Status(self._journal.record(self._id)["status"]).ended:
            self._journal.set_run(self._id, Status.FAILED, error=error)

    def _track(self, name: str) -> None:
        if self._journal.record(self._id).get("started") is None:
            return
        states = {node["status"] for node in self._journal.node_records(self._id).values()}
        if states <= {Status.CACHED, Status.SKIPPED}:
            # Nothing was computed: it would be a copy of an earlier experiment.
            return
        try:
            tracking.track(self._project, self._journal, self._id, name)
        except Exception:
            # Already journaled; the traceback is for whoever looks for the cause.
            log.exception("the run %s could not be recorded in MLflow", self._id)


def runs_folder(project: Project, run: str) -> Path:
    """Where the logs of a run are."""
    return project.state / "runs" / run


def head(root: Path) -> str | None:
    """The commit that the working tree is at; None before the first."""
    answer = subprocess.run(
        ["git", "rev-parse", "--verify", "--quiet", "HEAD"],
        cwd=root,
        check=False,
        capture_output=True,
        text=True,
        timeout=GIT_TIMEOUT,
    )
    return answer.stdout.strip() or None


def _tracking_environment(project: Project) -> dict[str, str]:
    """So that MLflow in a node's code lands in the project's store."""
    from jupyter_mlws.versioning.mlflow import tracking_uri

    return {"MLFLOW_TRACKING_URI": tracking_uri(project.root)}


class Process:
    """This process: one run after the other, with the same warm workers."""

    def __init__(self, root: Path) -> None:
        self._project = Project(root)
        self._warm = WarmPool()
        self._runner: Runner | None = None
        self._asked_to_end = False

    def carry_out(self, run: str) -> None:
        """One run, from what the journal has of it."""
        os.chdir(self._project.root)
        self._runner = Runner(self._project, run, self._warm)
        try:
            self._runner.run()
        finally:
            self._runner.close()
            self._runner = None

    def end(self, number: int, frame: FrameType | None) -> None:
        """SIGTERM: the run is cancelled; between two runs the process ends."""
        if self._runner is None:
            sys.exit(0)
        self._runner.cancel()

    def close(self) -> None:
        """End the warm workers."""
        self._warm.close()

    def await_more(self) -> None:
        """Carry out what comes, until nothing has come for a while."""
        for run, log in live.offers(self._project):
            for target in (1, 2):
                os.dup2(log, target)
            self.carry_out(run)


def main(arguments: list[str]) -> int:
    """Carry out the run that the arguments name, and those that follow."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    run, root = arguments
    # DVC shows and stores paths by the process's folder. Not at the start: Python would have
    # put that folder before the installed packages.
    os.chdir(root)
    process = Process(Path(root))
    signal.signal(signal.SIGTERM, process.end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process.carry_out(run)
        process.await_more()
    finally:
        process.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
