"""Starts, reads and cancels the runs of a project's workflows, and ends those that were killed.

Answers are plain JSON in the API's shapes. Nothing here needs the server's models, so that the
command line starts a run in a fraction of the time that those take to import.
"""

from __future__ import annotations

import logging
import os
import posixpath
import signal
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from typing import Any

from jupyter_mlws.components.registry import Registry
from jupyter_mlws.core.errors import (
    InputsNotPulledError,
    RunInterruptedError,
    WorkflowItemNotFoundError,
    WorkflowRunningError,
)
from jupyter_mlws.core.ids import time_ordered_id
from jupyter_mlws.versioning.worktree.switch_journal import is_switching
from jupyter_mlws.workflows.document.files import Documents
from jupyter_mlws.workflows.document.graph import WorkflowGraph
from jupyter_mlws.workflows.journal import serializers
from jupyter_mlws.workflows.journal.store import Journal, NewRun, Row, RunRequest, run_folder
from jupyter_mlws.workflows.run import interruptions
from jupyter_mlws.workflows.run.detaching import can_fork, reap_if_exited, run_starter
from jupyter_mlws.workflows.run.inputs import unpulled_inputs
from mlws.core.errors import (
    DVCNotInitializedError,
    Fault,
    InvalidRequestError,
    MLWSError,
    OperationInProgressError,
)
from mlws.core.i18n import Message
from mlws.core.paths import escape
from mlws.core.project import Project
from mlws.document.parse import FILE, Document, Stage, parse
from mlws.dvc.native import up_to_date_cache
from mlws.engine.executors import config
from mlws.engine.graph import StageGraph
from mlws.engine.processes import alive, await_starts, end_bearers, start_time
from mlws.engine.resources import of_this_machine, refuse_oversized
from mlws.engine.states import Status, TransitionError

log = logging.getLogger(__name__)
JSON = dict[str, Any]
LATEST = "latest"
START_TIMEOUT = 15.0
"""Seconds in which a run's process must have entered itself."""
POLL_INTERVAL = 0.05
"""Seconds between two looks while waiting."""


class Runs:
    """The runs of one project, by the paths of their workflows. Thread-safe."""

    def __init__(self, project: Project) -> None:
        self.registry = Registry(project.root)
        self.documents = Documents(project, self.registry)
        self._project = project
        self._root = project.root
        self._lock = threading.Lock()
        self._journal: Journal | None = None
        self._children: set[int] = set()
        self._active: set[str] = set()
        """Runs that this process has started, or found in progress."""

    def close(self) -> None:
        """Close the journal; runs go on."""
        with self._lock:
            if self._journal is not None:
                self._journal.close()
                self._journal = None

    @property
    def journal(self) -> Journal:
        """The project's journal, opened on first use."""
        with self._lock:
            if self._journal is None:
                self._journal = Journal(self._project)
            return self._journal

    # What there is

    def workflows(self) -> list[JSON]:
        """Return every `dvc.yaml` with its newest run, by path, and the error of an invalid one."""
        self.reconcile()
        workflows = []
        for path in self.documents.paths():
            run = self.journal.newest(path)
            name, count, error = posixpath.dirname(path) or path, 0, None
            try:
                document = self.documents.read(path)
                name, count = document.name, len(document.stages_data)
                if document.faults:
                    error = {
                        "message": document.faults[0].message,
                        "line": document.faults[0].line,
                    }
            except MLWSError as failure:
                error = {"message": failure.message, "line": failure.facts.get("line")}
            workflows.append(
                {
                    "id": escape(path),
                    "path": path,
                    "name": name,
                    "node_count": count,
                    "error": error,
                    "run": self.journal.summary(run) if run else None,
                }
            )
        return workflows

    # Starting

    def execute(self, path: str, request: RunRequest) -> JSON:
        """Start a run in a process of its own and return at once.

        A run of a whole workflow continues the one before if that was interrupted. The values of
        ``params`` (`node.key`: value) are written to the file first. Raises
        WorkflowProblemsError, InvalidConnectionError, WorkflowCycleError or WorkflowUnreadableError
        for a faulty workflow, InvalidRunParameterError for a parameter, InvalidExecutorError and
        DaskNotInstalledError for the executor, OperationInProgressError if a run of this file is in
        progress, UnfinishedOperationError if a restore or a stash was interrupted.
        """
        self.reconcile()
        if is_switching(self._project):
            self._await_switch()
        if not (self._root / ".dvc").is_dir():
            raise DVCNotInitializedError()
        request = replace(request, executor=config.resolve(request.executor))
        if can_fork():
            # Opened again when it is next asked for.
            self.close()
        with ExitStack() as stack:
            start = stack.enter_context(run_starter(self._root))
            if request.params:
                # From reading to writing: what another writes in between would be lost.
                stack.enter_context(self._project.lock(f"params of {path}"))
            text = self.documents.text(path)
            request = interruptions.continuing(self._project, self.journal, path, request, text)
            nodes = self._known_nodes(path, text, request)
            if nodes is None:
                document = parse(path, text)
                if request.params:
                    document = self.documents.with_params(document, request.params)
                nodes = self._checked_nodes(document, request)
                text = document.text
            # A cluster's processors are counted by the run.
            is_local = request.executor == config.LOCAL
            run = NewRun(
                id=time_ordered_id(),
                path=path,
                jobs=request.jobs or ((os.cpu_count() or 1) if is_local else 0),
                origin=request.origin,
                nodes=nodes,
                request=request.stored_options,
            )
            self.journal.create(run)
            if request.params:
                self.documents.write(path, text)
            folder = run_folder(self._project, run.id)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / FILE).write_bytes(text.encode())
            pid = start(run.id, folder)
            self._children.add(pid)
            self._active.add(run.id)
            started = start_time(pid)
            if started is not None:
                self.journal.note(run.id, pid=pid, pid_start=started)
        return self.journal.run(run.id)

    def _await_switch(self) -> None:
        """Wait for, or recover, a change of the working tree.

        Raises UnfinishedOperationError if it waits for the user.

        Else a run would read files of two versions, and its results would have no version.
        """
        from jupyter_mlws.versioning.repository import Needs, Repository

        with (
            closing(Repository(self._project)) as repository,
            repository.exclusive("run", needs=Needs.FILES),
        ):
            pass

    def _known_nodes(self, path: str, text: str, request: RunRequest) -> list[str] | None:
        """Return the nodes of a whole workflow that ran before with this text and was sound.

        None for all other runs.
        """
        if request.names_nodes or request.params:
            return None
        entry = up_to_date_cache.find(self._project.state, path, text)
        if entry is None or not entry.sound:
            return None
        return entry.order if all(map(self.documents.exists, entry.external)) else None

    def _checked_nodes(self, document: Document, request: RunRequest) -> list[str]:
        """Return the nodes of a run, in order; raise an error if it cannot run as requested."""
        workflow = self.documents.check_runnable(
            document, request.targets, request.skip, keep_going=request.keep_going
        )
        for names in (request.targets, request.again, request.accept, request.skip):
            check_targets(workflow, names)
        if not (request.pull or request.keep_going):
            absent = unpulled_inputs(self._project, workflow, request.targets, request.skip)
            if absent:
                paths = [item.path for item in absent]
                raise InputsNotPulledError(paths=paths)
        if request.executor == config.LOCAL:
            refuse_oversized(workflow.stages, of_this_machine(request.jobs or 1))
        selection = workflow.required(request.targets)
        return [node for node in workflow.order if node in selection]

    def resume(self, path: str, run: str, origin: str = "rest", *, pull: bool = False) -> JSON:
        """Start a run of the nodes that another run did not complete.

        No node that completed runs again, even if the other run was forced. ``pull`` as for
        :meth:`execute`.
        """
        identifier, request = self._finished_run_request(path, run, pull)
        request = interruptions.resuming(self.journal, identifier, replace(request, origin=origin))
        return self.execute(path, request)

    def resume_interrupted(self) -> None:
        """Continue the newest run of each workflow if nothing watched its interruption.

        A run stays interrupted, with the reason in the log, if its workflow has changed since it
        started, or if it cannot start.
        """
        self.reconcile()
        for run, path in interruptions.take_resumable(self.journal):
            try:
                if not interruptions.has_text(self._project, run, self.documents.text(path)):
                    log.warning("Run %s is not resumed: %s has changed since it started", run, path)
                    continue
                started = self.resume(path, run, interruptions.AUTOMATIC)
            except MLWSError as error:
                log.warning("Run %s of %s is not resumed: %s", run, path, error.message)
            else:
                log.info("Run %s continues run %s of %s", started["id"], run, path)

    def retry(
        self, path: str, run: str, node: str, origin: str = "rest", *, pull: bool = False
    ) -> JSON:
        """Start a run of one node of another run, and of the nodes that depend on it there."""
        return self._with_node(path, run, node, {"again": [node]}, origin, pull)

    def skip(
        self, path: str, run: str, node: str, origin: str = "rest", *, pull: bool = False
    ) -> JSON:
        """Start a run of the nodes that depend on ``node``, with its existing outputs."""
        return self._with_node(path, run, node, {"skip": [node]}, origin, pull)

    def _with_node(
        self, path: str, run: str, node: str, change: Mapping[str, Any], origin: str, pull: bool
    ) -> JSON:
        identifier, request = self._finished_run_request(path, run, pull)
        self.node(path, identifier, node)
        nodes = self.journal.nodes_of(identifier)
        below = self.documents.graph(self.documents.read(path)).downstream(node)
        targets = [name for name in nodes if name == node or name in below]
        request = replace(request, targets=targets, force=False, origin=origin, **change)
        return self.execute(path, replace(request, resumes=identifier, done=()))

    def _finished_run_request(self, path: str, run: str, pull: bool) -> tuple[str, RunRequest]:
        """Return the ID and the options of a finished run.

        Raises OperationInProgressError while it goes on.

        ``pull``: pull missing data also if that run did not.
        """
        self.reconcile()
        identifier = self.id_of(path, run)
        row = self.journal.record(identifier)
        if not Status(row["status"]).ended:
            raise OperationInProgressError(
                operation=f"run {identifier}",
                who=row["origin"],
                since=serializers.iso(row["created"]),
            )
        request = RunRequest.restore(row["request"])
        return identifier, replace(request, pull=pull or request.pull)

    # Looking

    def status(self, path: str, run: str | None = None) -> JSON:
        """Return a run with its nodes; the newest by default."""
        self.reconcile()
        return self.journal.run(self.id_of(path, run))

    def has_ended(self, path: str, run: str) -> bool:
        """Return whether the journal has the end of a run.

        A run whose process was killed is found by :meth:`reconcile`.
        """
        return Status(self.journal.record(self.id_of(path, run))["status"]).ended

    def summaries(
        self, path: str, limit: int = 50, cursor: str | None = None
    ) -> tuple[list[JSON], str | None]:
        """Return the runs of a workflow, newest first, and the cursor of the next page."""
        rows, following = self.page(self.documents.checked(path), limit, cursor)
        return [self.journal.summary(row["id"]) for row in rows], following

    def page(
        self, path: str | None, limit: int = 50, cursor: str | None = None
    ) -> tuple[list[Row], str | None]:
        """Return the records of runs, newest first, and the cursor of the next page.

        ``path``: one workflow; None: all.
        """
        self.reconcile()
        before = None
        if cursor is not None:
            moment, _, identifier = cursor.partition("~")
            try:
                before = (float(moment), identifier)
            except ValueError:
                words = Message("is not a valid cursor for this list")
                raise InvalidRequestError(faults=[Fault("cursor", words)]) from None
        rows = self.journal.runs(path, limit + 1, before)
        if len(rows) <= limit:
            return rows, None
        last = rows[limit - 1]
        return rows[:limit], f"{last['created']!r}~{last['id']}"

    def node(self, path: str, run: str, node: str) -> tuple[str, Row]:
        """Return the ID of a run and the record of one of its nodes.

        Raises WorkflowItemNotFoundError for no node.
        """
        identifier = self.id_of(path, run)
        records = self.journal.node_records(identifier)
        if node not in records:
            raise WorkflowItemNotFoundError(kind="node", name=node)
        return identifier, records[node]

    def document(self, path: str, run: str) -> Document:
        """Return the workflow as a run read it; for runs without a stored text, as it is now."""
        file = run_folder(self._project, run) / FILE
        text = file.read_bytes().decode() if file.exists() else self.documents.text(path)
        return parse(path, text)

    def graph(self, path: str, run: str) -> WorkflowGraph:
        """Return the graph of the workflow as a run read it."""
        return self.documents.graph(self.document(path, run))

    def id_of(self, path: str, run: str | None) -> str:
        """Return the ID of a workflow's run; of the newest by default."""
        self.documents.checked(path)
        if run is None or run == LATEST:
            newest = self.journal.newest(path)
            if newest is None:
                raise WorkflowItemNotFoundError(kind="run", name=LATEST)
            return newest
        if self.journal.record(run)["workflow"] != path:
            raise WorkflowItemNotFoundError(kind="run", name=run)
        return run

    def wait(
        self,
        path: str,
        run: str,
        timeout: float | None = None,
        *,
        recorded: bool = True,
    ) -> JSON:
        """Wait until a run has finished and, if ``recorded``, MLflow has its record.

        :class:`TimeoutError` after ``timeout`` seconds.
        """
        deadline = float("inf") if timeout is None else time.monotonic() + timeout
        identifier = self.id_of(path, run)
        while True:
            row = self.journal.record(identifier)
            if Status(row["status"]).ended:
                # Its process stays alive until MLflow has its record.
                has_process = alive(row.get("pid"), row.get("pid_start"))
                if not recorded or "recorded" in row or not has_process:
                    return self.journal.run(identifier)
            if time.monotonic() > deadline:
                raise TimeoutError(f"the run {run} did not finish within {timeout} s")
            self.reconcile()
            time.sleep(POLL_INTERVAL)

    # Ending

    def cancel(self, path: str, run: str | None = None) -> JSON:
        """Ask a run to stop; a run that has finished does not change."""
        identifier = self.id_of(path, run)
        row = self.journal.record(identifier)
        if not Status(row["status"]).ended:
            # Noted first: the process may die of the signal before it can take it as a wish.
            self.journal.note(identifier, cancel=True)
            if alive(row.get("pid"), row.get("pid_start")):
                os.kill(row["pid"], signal.SIGTERM)
        self.reconcile()
        return self.journal.run(identifier)

    def reconcile(self) -> None:
        """Mark runs whose process is gone as interrupted, and end the processes they started."""
        self._children = {pid for pid in self._children if not reap_if_exited(pid)}
        for row in self.journal.live():
            if alive(row.get("pid"), row.get("pid_start")):
                self._active.add(row["id"])
                continue
            if "pid" not in row and time.time() - row["created"] < START_TIMEOUT:
                continue
            run, is_cancelled = row["id"], row.get("cancel", False)
            await_starts(run_folder(self._project, run))
            end_bearers(run)
            status = Status.CANCELLED if is_cancelled else Status.INTERRUPTED
            facts: JSON = {"error": None}
            if not is_cancelled:
                facts["error"] = RunInterruptedError(extra={"run": run}).record
                facts |= {} if run in self._active else interruptions.facts_of(row)
            # The run ended properly meanwhile, or another reader was first.
            with suppress(TransitionError):
                self.journal.end_nodes(run, status)
                self.journal.set_run(run, status, **facts)

    def live(self, path: str) -> list[Row]:
        """Return the runs of a workflow that are in progress."""
        self.reconcile()
        return self.journal.live(path)

    def has_active_runs(self) -> bool:
        """Return whether any run of the project is in progress.

        Does not open a journal if there is none.
        """
        if not self._project.has_database():
            return False
        self.reconcile()
        return bool(self.journal.live())

    def await_start(self, path: str) -> None:
        """Wait until each run of the file that was started has the working tree in a commit."""
        deadline = time.monotonic() + START_TIMEOUT
        while any(row["status"] == Status.PENDING.value for row in self.journal.live(path)):
            if time.monotonic() > deadline:
                raise WorkflowRunningError(workflow=path, run=self.journal.live(path)[0]["id"])
            time.sleep(POLL_INTERVAL)


def check_targets(workflow: StageGraph[Stage], targets: Iterable[str]) -> None:
    """Raise WorkflowItemNotFoundError for the first of ``targets`` that is not a stage."""
    for target in targets:
        if target not in workflow.by_id:
            raise WorkflowItemNotFoundError(kind="node", name=target)
