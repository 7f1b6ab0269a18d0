"""The process that executes runs, detached from the process that starts them.

``python -m jupyter_mlws.workflows.run.runner RUN ROOT``: reads the run from the journal and its
workflow from the run's folder, executes it, and reports everything through the journal. SIGTERM
ends it: canceled if a user asked for that, else interrupted. Then it waits some time for the
project's next run (:mod:`.live`), which saves that run the imports.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from jupyter_mlws.core.errors import RunInterruptedError
from jupyter_mlws.forkserver.pool import WarmPool
from jupyter_mlws.git.adapter import Git
from jupyter_mlws.git.index import await_index_lock
from jupyter_mlws.mlflow.store import tracking_uri
from jupyter_mlws.versioning.experiments import run_commits
from jupyter_mlws.versioning.experiments.run_commits import RunCommit
from jupyter_mlws.workflows.contents import Contents
from jupyter_mlws.workflows.journal.history import RunHistory
from jupyter_mlws.workflows.journal.store import Journal, RunRequest, run_folder
from jupyter_mlws.workflows.run import inputs, interruptions, live, plan, recovery
from jupyter_mlws.workflows.run.packages import NodePackages, changes_since
from jupyter_mlws.workflows.tracking import run_summary as tracking
from jupyter_mlws.workflows.tracking.mlflow_use import MLflowRunIds
from jupyter_mlws.workflows.tracking.recording import Recorder
from mlws.core.errors import DiskFullError, MLWSError, RunStoppedError, is_full_disk
from mlws.core.project import Project
from mlws.document.parse import FILE, Document, Stage, parse
from mlws.document.templates import definition_sources, resolve_stages
from mlws.document.terms import EnvironmentPolicy
from mlws.dvc.native import up_to_date_cache
from mlws.dvc.native.pipeline import NativeBackend, open_backend
from mlws.dvc.stages import DvcBackend, StageError
from mlws.engine.executors import config
from mlws.engine.executors.factory import ExecutorContext, open_executor
from mlws.engine.graph import StageGraph
from mlws.engine.policy import DEFAULT
from mlws.engine.processes import start_time, starting
from mlws.engine.reasons import UP_TO_DATE_REASON
from mlws.engine.scheduler import Engine
from mlws.engine.states import Status
from mlws.engine.usage import UsageMonitor, is_enabled

GC_THRESHOLD = 500_000
"""New objects after which Python looks for cycles among them: what a workflow is made of stays,
and looking through it every few nodes would cost as much as they do."""
log = logging.getLogger(__name__)


class Runner:
    """Executes one run."""

    def __init__(
        self, project: Project, run: str, recorder: Recorder, warm: WarmPool | None = None
    ) -> None:
        self._project = project
        self._id = run
        self._warm = warm
        self._journal = Journal(project, follow=False)
        self._recorder = recorder
        self._engine: Engine | None = None
        self._commit: Future[RunCommit]
        self._cancel_event = threading.Event()

    def cancel(self, number: int = 0, frame: FrameType | None = None) -> None:
        """Handle a signal: cancel the engine, or start it canceled once it exists."""
        self._cancel_event.set()
        if self._engine is not None:
            self._engine.cancel()

    def run(self) -> None:
        """Execute the run to its end, and have it recorded in MLflow."""
        row = self._journal.record(self._id)
        if Status(row["status"]).ended:
            return
        if row.get("cancel"):
            self._cancel_event.set()
        self._journal.note(self._id, pid=os.getpid(), pid_start=start_time(os.getpid()))
        folder = run_folder(self._project, self._id)
        # While the stages are read and the backend opened; nodes change files only after its end.
        with ThreadPoolExecutor(1, "mlws-commit") as beside, starting(folder):
            self._commit = beside.submit(self._save_commit)
            try:
                text = (folder / FILE).read_bytes().decode()
                if not self._complete_if_up_to_date(row, text):
                    self._execute(row, parse(row["workflow"], text))
            except MLWSError as error:
                self._fail(error)
            except StageError as error:
                self._fail(RunStoppedError(reason=str(error)))
            except Exception as error:
                # The edge of this process: after any error the run must have an end.
                log.exception("Run %s failed", self._id)
                kind = DiskFullError if is_full_disk(error) else RunStoppedError
                self._fail(kind(reason=f"{type(error).__name__}: {error}"))
        if not live.hand_over(self._project.root, self._id, self._recorder.uri):
            self._recorder.record(self._id)

    def _complete_if_up_to_date(self, row: dict[str, Any], text: str) -> bool:
        """Complete the run if all nodes are up to date; return whether they are."""
        path, request = row["workflow"], RunRequest.restore(row["request"])
        if request.names_nodes or request.force or self._cancel_event.is_set():
            return False
        if request.executor not in (None, config.LOCAL) or EnvironmentPolicy.RERUN in text:
            return False
        entry = up_to_date_cache.find(self._project.state, path, text)
        if entry is None or self._journal.nodes_of(self._id) != entry.order:
            return False
        if recovery.has_unwritten_results(self._journal, path) or not entry.holds(
            self._project.root, path
        ):
            return False
        commit = self._commit.result()
        facts = {name: entry.facts[name] for name in ("params", "experiment")}
        measures = entry.facts["measures"]
        with self._journal.batch():
            self._journal.set_run(
                self._id, Status.RUNNING, commit=commit.sha, dirty=commit.dirty, **facts
            )
            self._journal.cache_nodes(self._id, entry.outputs, UP_TO_DATE_REASON)
            self._journal.note(self._id, measures=measures)
            metrics = tracking.metrics_of(measures)
            self._journal.set_run(self._id, Status.COMPLETED, metrics=metrics)
        return True

    def _save_commit(self) -> RunCommit:
        """Return the state that the run starts from, as a commit; without one if git fails."""
        try:
            return run_commits.commit_worktree(self._project, self._id)
        except (MLWSError, OSError) as error:
            log.warning("Could not save the state of the working tree: %s", error)
            return RunCommit(None, dirty=True)

    def close(self) -> None:
        """Remove the commits of old runs, and close the journal."""
        try:
            run_commits.prune(self._project)
        except (MLWSError, OSError) as error:
            log.warning("Could not remove the commits of old runs: %s", error)
        self._journal.close()

    def _execute(self, row: dict[str, Any], document: Document) -> None:
        root, state = self._project.root, self._project.state
        request = RunRequest.restore(row["request"])
        sources = definition_sources(root, document)
        data = resolve_stages(root, document)
        with open_backend(root, document.path, data, state) as backend:
            graph = StageGraph(document.stages(data))
            plan.remember_renamed(backend, graph, root)
            if isinstance(backend, NativeBackend):
                recovery.adopt(self._journal, document.path, backend, request.resumes)
            commit = self._commit.result()
            params = tracking.params_of(graph.stages)
            where = request.executor or config.LOCAL
            with open_executor(
                where, row["jobs"], self._project, self._id, graph.stages
            ) as context:
                self._journal.set_run(
                    self._id,
                    Status.RUNNING,
                    commit=commit.sha,
                    dirty=commit.dirty,
                    params=params,
                    experiment=document.name,
                    jobs=context.jobs,
                )
                if request.pull:
                    absent = inputs.unpulled_inputs(
                        self._project, graph, request.targets, request.skip
                    )
                    inputs.pull(self._project, absent)
                backend.refresh(graph.external_inputs(request.targets))
                if document.environment_policy is EnvironmentPolicy.RERUN:
                    request = self._with_reruns(request, graph, backend)
                reader = None if config.read(where) else NodePackages(self._project, self._journal)
                self._engine = self._build_engine(
                    request, graph, backend, context, document.path, reader
                )
                if (root / ".git" / "index.lock").exists():
                    # DVC may stage files, and a process that was killed left the index locked.
                    await_index_lock(Git(root))
                if self._cancel_event.is_set():
                    self._engine.cancel()
                with recovery.track_lock_file(self._journal, self._id, backend):
                    status, error = self._engine.execute()
                if reader is not None:
                    reader.save()
            recovery.mark_results_written(self._journal, document.path, self._id)
            measures = tracking.measures_of(root, graph.stages)
            if measures:
                self._journal.note(self._id, measures=measures)
            facts: dict[str, Any] = {"metrics": tracking.metrics_of(measures)}
            if status is Status.CANCELLED and not self._journal.record(self._id).get("cancel"):
                # No user did: the machine shuts down.
                status, error = Status.INTERRUPTED, RunInterruptedError().record
                facts |= interruptions.facts_of(row)
            self._journal.set_run(self._id, status, **facts, **({"error": error} if error else {}))
            whole = not (request.targets or request.skip)
            if whole and status is Status.COMPLETED and isinstance(backend, NativeBackend):
                # For the next run; after the end of this one, so that no client waits for it.
                up_to_date_cache.note(
                    backend,
                    root,
                    state,
                    document.path,
                    document.text,
                    sources,
                    graph.external_inputs(),
                    order=graph.order,
                    sound=not document.needs_resolving()
                    and not any(one.described_by or one.policy != DEFAULT for one in graph.stages),
                    facts={"params": params, "experiment": document.name, "measures": measures},
                )

    def _build_engine(
        self,
        request: RunRequest,
        graph: StageGraph[Stage],
        backend: NativeBackend | DvcBackend,
        context: ExecutorContext,
        path: str,
        reader: NodePackages | None,
    ) -> Engine:
        history = RunHistory(self._journal)
        contents = None
        if request.accept_cosmetic:
            contents = Contents(self._project.root, history.commits(path))
        options = replace(
            request,
            looks=contents,
            again=frozenset(request.again),
            accept=frozenset(request.accept),
            skip=frozenset(request.skip),
            done=frozenset(request.done),
        )
        logs = run_folder(self._project, self._id)
        usage = None
        if is_enabled():
            usage = UsageMonitor(logs, partial(self._recorder.publish_usage, self._id))
        return Engine(
            self._journal,
            self._id,
            backend,
            graph,
            options,
            logs=logs,
            durations=history.durations(path),
            # So that MLflow in a node's code lands in the project's store.
            environment={"MLFLOW_TRACKING_URI": self._recorder.uri},
            tracker=MLflowRunIds(self._recorder, self._project.root, self._id, graph),
            warm=self._warm,
            target=context,
            reader=reader,
            usage=usage,
        )

    def _with_reruns(
        self, request: RunRequest, graph: StageGraph[Stage], backend: NativeBackend | DvcBackend
    ) -> RunRequest:
        """Return the request with the nodes whose result was made in another environment."""
        nodes = graph.required(request.targets)
        outputs = {name: backend.hashes(name) for name in nodes if not graph.by_id[name].frozen}
        changes = changes_since(
            self._project, RunHistory(self._journal), graph.by_id, outputs, may_start=True
        )
        return replace(request, again=[*request.again, *changes])

    def _fail(self, error: MLWSError) -> None:
        self._journal.end_nodes(self._id, Status.SKIPPED)
        if not Status(self._journal.record(self._id)["status"]).ended:
            self._journal.set_run(self._id, Status.FAILED, error=error.record)


class Process:
    """Executes one run after the other in this process, with the same warm workers."""

    def __init__(self, root: Path) -> None:
        self._project = Project(root)
        self._warm = WarmPool()
        self._recorder = Recorder(self._project)
        self._runner: Runner | None = None

    def carry_out(self, run: str) -> None:
        """Execute one run, as the journal describes it."""
        os.chdir(self._project.root)
        if self._recorder.uri != tracking_uri(self._project.root):
            # This run has another tracking store than those before.
            self._recorder.close()
            self._recorder = Recorder(self._project)
        self._runner = Runner(self._project, run, self._recorder, self._warm)
        try:
            self._runner.run()
        finally:
            self._runner.close()
            self._runner = None

    def _record(self, run: str, uri: str) -> bool:
        """Record a run that another process has executed; return whether it will be recorded."""
        if uri != self._recorder.uri:
            return False
        try:
            self._recorder.take_over(run)
        except MLWSError as error:
            # The journal was deleted meanwhile.
            log.warning("Run %s is not recorded: %s", run, error)
            return False
        return True

    def end(self, number: int, frame: FrameType | None) -> None:
        """Handle SIGTERM: cancel the run, or exit between two runs."""
        if self._runner is None:
            sys.exit(0)
        self._runner.cancel()

    def close(self) -> None:
        """End the warm workers; return when MLflow has the runs, or has failed."""
        self._warm.close()
        self._recorder.close()

    def execute_offers(self) -> None:
        """Execute the runs that are offered, until none is offered for a while."""
        for run, log in live.offers(self._project, self._record):
            for target in (1, 2):
                os.dup2(log, target)
            self.carry_out(run)


def preload_workflow() -> None:
    """Parse the workflow that a run in this directory most likely uses.

    The process has time for this while the run is still being entered. It is left out if the run
    may have nothing to do.
    """
    file = Path(FILE)
    if not (file.is_file() and Path(".dvc").is_dir() and Path(".git").is_dir()):
        return
    try:
        text = file.read_bytes().decode()
        if up_to_date_cache.find(Project(Path.cwd()).state, FILE, text) is not None:
            return
        document = parse(FILE, text)
    except (MLWSError, OSError, ValueError):
        # The run reports the error.
        return
    if not document.needs_resolving():
        document.stages()


def main(arguments: list[str]) -> int:
    """Carry out the run that the arguments name, and those that follow."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    gc.set_threshold(GC_THRESHOLD)
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
        process.execute_offers()
    finally:
        process.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
