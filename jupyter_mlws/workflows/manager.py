"""The workflows of a project: what there is, what a run would do, and runs."""

from __future__ import annotations

import builtins
import os
import posixpath
import secrets
import signal
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from jupyter_mlws.api.ids import escape
from jupyter_mlws.api.models import Page
from jupyter_mlws.components.models import Component
from jupyter_mlws.components.registry import Registry
from jupyter_mlws.errors import ENGLISH, Fault, MLWSError, Words
from jupyter_mlws.project import Project
from jupyter_mlws.versioning.dvc import resolved
from jupyter_mlws.versioning.dvc.renaming import carry_result
from jupyter_mlws.workflows import graph, promotion
from jupyter_mlws.workflows.capacity import of_this_machine, refuse_oversized
from jupyter_mlws.workflows.contents import Contents
from jupyter_mlws.workflows.definition import Removed, WorkflowChange, WorkflowDefinition
from jupyter_mlws.workflows.detaching import collected, detach, forks
from jupyter_mlws.workflows.document import Document, Stage, parse
from jupyter_mlws.workflows.documents import Documents
from jupyter_mlws.workflows.editing import Editor
from jupyter_mlws.workflows.executors import choice
from jupyter_mlws.workflows.importers.models import (
    Imported,
    ImportedFile,
    ImportNote,
    ImportRequest,
)
from jupyter_mlws.workflows.journal import DONE, Journal, NewRun, experiment, iso
from jupyter_mlws.workflows.models import (
    DocumentError,
    ExecuteRequest,
    ExperimentRun,
    Log,
    Output,
    Plan,
    PlanQuery,
    Preview,
    Problem,
    Run,
    RunSummary,
    Severity,
    Workflow,
    WorkflowSummary,
)
from jupyter_mlws.workflows.nodes import node
from jupyter_mlws.workflows.processes import alive, end_bearers, start_time
from jupyter_mlws.workflows.results import Results
from jupyter_mlws.workflows.states import Status, TransitionError
from jupyter_mlws.workflows.sweep_models import Promoted, PromoteRequest, Sweeps, SweepsQuery
from jupyter_mlws.workflows.sweeps import Choice, chosen, listed, variants_of

LATEST = "latest"
START_LIMIT = 15.0
"""Seconds in which a run's process must have entered itself."""
POLL = 0.05
"""Seconds between two looks while waiting."""


ASKED = (
    "targets", "force", "keep_going", "again", "accept", "accept_cosmetic", "skip", "jobs",
    "executor",
)  # fmt: skip
"""What of a request a run remembers, and one that resumes it asks for again."""


class WorkflowManager:
    """The workflows of one project, by the paths of their files. Thread-safe.

    What people read is said in ``language`` where a method takes it.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._root = project.root
        self._registry = Registry(project.root)
        self._documents = Documents(project, self._registry)
        self._editor = Editor(project, self._documents, self._registry)
        self._results = Results(project, self._registry)
        self._lock = threading.Lock()
        self._opened: Journal | None = None
        self._children: set[int] = set()

    def close(self) -> None:
        """Close the journal; runs go on."""
        with self._lock:
            if self._opened is not None:
                self._opened.close()
                self._opened = None

    @property
    def _journal(self) -> Journal:
        with self._lock:
            if self._opened is None:
                self._opened = Journal(self._project)
            return self._opened

    # What there is

    def components(self) -> list[Component]:
        """Every component that nodes can be made of."""
        return list(self._registry.all().values())

    def list(self, language: str = ENGLISH) -> builtins.list[WorkflowSummary]:
        """Every `dvc.yaml` of the project, by path; a broken one says what is wrong with it."""
        self.reconcile()
        return [self._summary(path, language) for path in self._documents.paths()]

    def get(self, path: str, language: str = ENGLISH) -> Workflow:
        """One workflow as a graph, with its problems; error 40205 where it cannot be read."""
        self.reconcile()
        return self._told(self._documents.read(path), language)

    def _told(self, document: Document, language: str, planned: Collection[str] = ()) -> Workflow:
        """The workflow of a document; ``planned`` are files that are as good as there."""
        stages, findings = self._documents.stages(document)
        components = self._documents.components(stages)
        edges = graph.edges(stages, components)
        run = self._journal.newest(document.path)
        states = self._journal.node_records(run) if run else {}
        findings += self._documents.validate(document, stages, planned)
        brought: dict[str, set[str]] = {}
        for edge in edges:
            brought.setdefault(edge.target, set()).add(edge.path)
        return Workflow(
            id=escape(document.path),
            path=document.path,
            name=document.name,
            status=Status(self._journal.record(run)["status"]) if run else None,
            nodes=[
                node(
                    stage,
                    components.get(stage.described_by),
                    document.folder,
                    brought.get(stage.id, ()),
                    states.get(stage.id),
                )
                for stage in stages
            ],
            edges=edges,
            problems=[finding.told(language) for finding in findings],
            etag=document.etag,
        )

    def create(self, definition: WorkflowDefinition, language: str = ENGLISH) -> Workflow:
        """Make a workflow; see :meth:`~jupyter_mlws.workflows.editing.Editor.create`."""
        return self._told(self._editor.create(definition), language)

    def import_file(self, request: ImportRequest, language: str = ENGLISH) -> Imported:
        """Make a workflow of another tool's file, or only tell what it would be (``dry_run``).

        What cannot be carried over as it was is among the notes. Errors: 40211 for a file that is
        not what it should be, 40401 where there is none, and those of :meth:`create`.
        """
        from jupyter_mlws.workflows.importers.importing import Importer

        kind, outcome, document = Importer(self._project, self._editor).carry(request)
        return Imported(
            workflow=self._told(document, language, outcome.files),
            format=kind,
            written=not request.dry_run,
            notes=[
                ImportNote(place=note.place, reason=note.reason.in_(language))
                for note in outcome.notes.rows
            ],
            files=[ImportedFile(path=path, text=text) for path, text in outcome.files.items()],
            text=document.text,
        )

    def change(
        self,
        path: str,
        change: WorkflowChange,
        seen: Sequence[str] | None = None,
        language: str = ENGLISH,
    ) -> Workflow:
        """Change a workflow; see :meth:`~jupyter_mlws.workflows.editing.Editor.change`.

        A run that goes on carries out what it read when it began.
        """
        self._await_start(self._documents.checked(path))
        return self._told(self._editor.change(path, change, seen), language)

    def remove(self, path: str) -> Removed:
        """Remove a workflow's file; error 40207 while a run of it goes on."""
        self.reconcile()
        live = self._journal.live(self._documents.checked(path))
        if live:
            raise MLWSError("40207", workflow=path, run=live[0]["id"])
        return self._editor.remove(path)

    def _await_start(self, path: str) -> None:
        """Return when no run of the file is about to read it."""
        deadline = time.monotonic() + START_LIMIT
        while any(row["status"] == Status.PENDING.value for row in self._journal.live(path)):
            if time.monotonic() > deadline:
                raise MLWSError("40207", workflow=path, run=self._journal.live(path)[0]["id"])
            time.sleep(POLL)

    def validate(
        self, path: str, text: str | None = None, language: str = ENGLISH
    ) -> builtins.list[Problem]:
        """All problems of a file, or of a text that is to become it."""
        try:
            document = (
                self._documents.read(path)
                if text is None
                else parse(self._documents.checked(path), text)
            )
        except MLWSError as error:
            if error.code != "40205":
                raise
            return [
                Problem(
                    code=error.code,
                    severity=Severity.ERROR,
                    node=None,
                    field=None,
                    edge=None,
                    line=error.facts.get("line"),
                    message=error.message.in_(language),
                    fix=error.solution.in_(language),
                )
            ]
        return [finding.told(language) for finding in self._documents.findings(document)]

    def plan(self, path: str, asked: PlanQuery | None = None, language: str = ENGLISH) -> Plan:
        """What a run would do with each node, why, and how long it would take."""
        from jupyter_mlws.versioning.dvc.lanes import open_lane
        from jupyter_mlws.workflows import plan

        asked = asked or PlanQuery()
        jobs = asked.jobs or os.cpu_count() or 1
        document = self._documents.read(path)
        self._documents.refuse_faulty(document)
        state = self._project.state
        data = resolved.stages(self._root, path, document.text, document.data, state)
        with open_lane(self._root, path, data, state) as lane:
            stages = document.stages(data)
            _check_targets(stages, asked.targets)
            looks = Contents(self._root, self._journal.commits(path))
            planned = plan.make(
                lane, stages, asked.targets, asked.force, looks, asked.accept_cosmetic
            )
        makers = self._journal.makers({node.id: node.restored for node in planned})
        known = self._journal.durations(path)
        return plan.summarise(planned, stages, known, makers, jobs, language)

    # Sweeps

    def sweeps(self, path: str, asked: SweepsQuery | None = None) -> Sweeps:
        """The sweeps of a workflow, their variants ranked; see :func:`.sweeps.listed`."""
        self.reconcile()
        document = self._documents.read(path)
        items = listed(self._project, self._journal, document, asked or SweepsQuery())
        return Sweeps(items=items, etag=document.etag)

    def promote(
        self, path: str, name: str, asked: PromoteRequest, seen: Sequence[str] | None = None
    ) -> Promoted:
        """Let a sweep become one of its variants: the best, or the one that is named.

        The stage keeps the sweep's name, and has the variant's command, outputs and result.
        ``seen``: the versions of the file of which it must be one (None: any). Errors: 40401 for a
        sweep or variant that is not there, 40208 for a metric, 40209 where nothing tells which is
        the best or the text cannot say it, 40207 while a run goes on, 40402 for another version.
        """
        self.reconcile()
        document = self._documents.read(path)
        if seen is not None and document.etag not in seen:
            raise MLWSError("40402", path=path, etag=document.etag)
        live = self._journal.live(path)
        if live:
            raise MLWSError("40207", workflow=path, run=live[0]["id"])
        found = listed(self._project, self._journal, document, SweepsQuery())
        sweep = next((one for one in found if one.name == name), None)
        if sweep is None:
            raise MLWSError("40401", kind="sweep", name=name)
        return self._promote(document, chosen(sweep, asked))

    def _promote(self, document: Document, choice: Choice) -> Promoted:
        root, path, state = self._root, document.path, self._project.state

        def resolve(changed: Document) -> Mapping[str, Any]:
            return resolved.stages(root, path, changed.text, changed.data, state)

        given = variants_of(self._project, document)[choice.sweep][choice.variant]
        text = promotion.promoted(document, choice.sweep, choice.variant, given, resolve)
        kept_in = self._editor.keep(document)
        change = WorkflowChange(text=text)
        changed = self._editor.change(path, change, [document.etag])
        kept = carry_result(root, path, state, choice.variant, choice.sweep)
        return Promoted(
            sweep=choice.sweep,
            variant=choice.variant,
            metric=choice.metric,
            value=choice.value,
            result_kept=kept,
            kept_in=kept_in,
            etag=changed.etag,
        )

    # Runs

    def execute(self, path: str, request: ExecuteRequest, language: str = ENGLISH) -> Run:
        """Start a run in a process of its own and return at once.

        The request's ``params`` (`node.key`: value) are written into the file first. Errors:
        40201 to 40205 for a faulty workflow, 40204 for a parameter, 40210 and 40108 for the
        executor, 30103 where a run of this file goes on.
        """
        return self._start(path, request, language)

    def _start(self, path: str, request: ExecuteRequest, language: str, **more: Any) -> Run:
        self.reconcile()
        if not (self._root / ".dvc").is_dir():
            raise MLWSError("30204")
        executor = choice.resolve(request.executor)
        request = request.model_copy(update={"executor": executor})
        with ExitStack() as stack:
            if request.params:
                # From reading to writing: what another writes in between would be lost.
                stack.enter_context(self._project.lock(f"params of {path}"))
            document = self._documents.read(path)
            document = self._documents.with_params(document, request.params)
            self._documents.refuse_faulty(document)
            stages, _ = self._documents.stages(document)
            _check_targets(stages, request.targets)
            for field in ("again", "accept", "skip"):
                _check_targets(stages, getattr(request, field))
            if executor == choice.LOCAL:
                refuse_oversized(stages, of_this_machine(request.jobs or 1))
            run = self._enter(path, request, stages, more)
            if request.params:
                self._documents.write(path, document.text)
        self._spawn(run)
        return self._journal.run(run, language)

    def resume(self, path: str, run: str, language: str = ENGLISH, origin: str = "rest") -> Run:
        """Start a run that does what another left undone.

        Nothing is done twice: also where the other was forced, what it did stays done.
        """
        identifier, request = self._ended_request(path, run)
        done = self._journal.nodes_in(identifier, DONE) if request.force else []
        request = request.model_copy(update={"origin": origin})
        return self._start(path, request, language, resumes=identifier, done=done)

    def retry(
        self, path: str, run: str, node: str, language: str = ENGLISH, origin: str = "rest"
    ) -> Run:
        """Start a run of one node of another, and of what depends on it there."""
        return self._with_node(path, run, node, {"again": [node]}, language, origin)

    def skip(
        self, path: str, run: str, node: str, language: str = ENGLISH, origin: str = "rest"
    ) -> Run:
        """Start a run of what depends on a node of another, with what the node left."""
        return self._with_node(path, run, node, {"skip": [node]}, language, origin)

    def _with_node(
        self, path: str, run: str, node: str, change: dict[str, Any], language: str, origin: str
    ) -> Run:
        identifier, request = self._ended_request(path, run)
        nodes = self._journal.node_records(identifier)
        if node not in nodes:
            raise MLWSError("40401", kind="node", name=node)
        stages = self._documents.stages(self._documents.read(path))[0]
        below = graph.downstream(stages, node)
        targets = [name for name in nodes if name == node or name in below]
        change = {**change, "targets": targets, "force": False, "origin": origin}
        request = request.model_copy(update=change)
        return self._start(path, request, language, resumes=identifier)

    def _ended_request(self, path: str, run: str) -> tuple[str, ExecuteRequest]:
        """What was asked of a run that is over; error 30103 while it goes on."""
        self.reconcile()
        identifier = self._run_id(path, run)
        row = self._journal.record(identifier)
        if not Status(row["status"]).ended:
            raise MLWSError(
                "30103", operation=f"run {identifier}", who=row["origin"], since=iso(row["created"])
            )
        known = {name: row["request"].get(name) for name in ASKED}
        asked = {name: value for name, value in known.items() if value is not None}
        return identifier, ExecuteRequest(**asked)

    def _enter(
        self,
        path: str,
        request: ExecuteRequest,
        stages: Sequence[Stage],
        more: Mapping[str, Any],
    ) -> str:
        wanted = graph.closure(graph.upstream(stages), request.targets or [s.id for s in stages])
        run = NewRun(
            id=_new_id(),
            path=path,
            jobs=request.jobs or _processors(request.executor),
            origin=request.origin,
            nodes=[stage.id for stage in graph.ordered(stages) if stage.id in wanted],
            request={**request.model_dump(include=set(ASKED)), **more},
        )
        self._journal.create(run)
        return run.id

    def status(self, path: str, run: str | None = None, language: str = ENGLISH) -> Run:
        """A run with its nodes; the newest by default."""
        self.reconcile()
        return self._journal.run(self._run_id(path, run), language)

    def has_ended(self, path: str, run: str) -> bool:
        """Whether a run is over."""
        self.reconcile()
        return Status(self._journal.record(self._run_id(path, run))["status"]).ended

    def runs(
        self, path: str, limit: int = 50, cursor: str | None = None, language: str = ENGLISH
    ) -> Page[RunSummary]:
        """Runs of a workflow, newest first."""
        self.reconcile()
        rows, following = self._rows(self._documents.checked(path), limit, cursor)
        items = [self._journal.summary(row["id"], language) for row in rows]
        return Page(items=items, next_cursor=following)

    def experiment_runs(
        self, path: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[ExperimentRun]:
        """Runs with settings and measures, newest first."""
        self.reconcile()
        rows, following = self._rows(path, limit, cursor)
        return Page(items=[experiment(row) for row in rows], next_cursor=following)

    def wait(
        self,
        path: str,
        run: str,
        timeout: float | None = None,
        language: str = ENGLISH,
        *,
        recorded: bool = True,
    ) -> Run:
        """Return when a run has ended and (``recorded``) MLflow knows it.

        :class:`TimeoutError` after ``timeout`` seconds.
        """
        deadline = float("inf") if timeout is None else time.monotonic() + timeout
        identifier = self._run_id(path, run)
        while self._goes_on(identifier, recorded):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the run {run} did not end within {timeout} s")
            self.reconcile()
            time.sleep(POLL)
        return self._journal.run(identifier, language)

    def _goes_on(self, run: str, recorded: bool) -> bool:
        """Also after its end a run's process lives on, until MLflow has its record."""
        row = self._journal.record(run)
        if not Status(row["status"]).ended:
            return True
        if not recorded or "recorded" in row:
            return False
        return alive(row.get("pid"), row.get("pid_start"))

    def cancel(self, path: str, run: str | None = None, language: str = ENGLISH) -> Run:
        """Ask a run to stop; one that has ended stays as it is."""
        identifier = self._run_id(path, run)
        row = self._journal.record(identifier)
        if not Status(row["status"]).ended:
            # Noted first: the process may die of the signal before it can take it as a wish.
            self._journal.note(identifier, cancel=True)
            if alive(row.get("pid"), row.get("pid_start")):
                os.kill(row["pid"], signal.SIGTERM)
        self.reconcile()
        return self._journal.run(identifier, language)

    def reconcile(self) -> None:
        """Mark runs whose process is gone as interrupted, and end what they left running."""
        self._children = {pid for pid in self._children if not collected(pid)}
        for row in self._journal.live():
            if alive(row.get("pid"), row.get("pid_start")):
                continue
            if "pid" not in row and time.time() - row["created"] < START_LIMIT:
                continue
            self._bury(row["id"], cancelled=row.get("cancel", False))

    def _bury(self, run: str, *, cancelled: bool) -> None:
        end_bearers(run)
        end = Status.CANCELLED if cancelled else Status.INTERRUPTED
        error = None if cancelled else {"code": "40105", "facts": {"run": run}}
        try:
            self._journal.end_nodes(run, end)
            self._journal.set_run(run, end, error=error)
        except TransitionError:
            # It ended properly, or another reader was first, between our look and our word.
            return

    def last_seq(self) -> int:
        """The seq of the newest event."""
        return self._journal.last_seq()

    def events_after(
        self, seq: int, limit: int = 200, language: str = ENGLISH
    ) -> builtins.list[dict[str, Any]]:
        """Events after ``seq``, oldest first."""
        return self._journal.events_after(seq, limit, language)

    # What nodes leave

    def log(self, path: str, run: str, node: str, offset: int = 0) -> Log:
        """Part of a node's log, from byte ``offset`` on."""
        identifier, record = self._node_record(path, run, node)
        return self._results.log(identifier, node, record, offset)

    def outputs(self, path: str, run: str, node: str) -> builtins.list[Output]:
        """The files that a node made in a run."""
        _, record = self._node_record(path, run, node)
        return self._results.outputs(self._stage(path, node), record)

    def preview(self, path: str, run: str, node: str, port: str) -> Preview:
        """What an output of a run looks like, also after a later run made another."""
        _, record = self._node_record(path, run, node)
        return self._results.preview(self._stage(path, node), record, port)

    # Within

    def _summary(self, path: str, language: str) -> WorkflowSummary:
        run = self._journal.newest(path)
        name, count, error = posixpath.dirname(path) or path, 0, None
        try:
            document = self._documents.read(path)
            name, count = document.name, len(document.stages_data)
            if document.faults:
                first = document.faults[0]
                error = DocumentError(message=first.message.in_(language), line=first.line)
        except MLWSError as failure:
            line = failure.facts.get("line")
            error = DocumentError(message=failure.message.in_(language), line=line)
        return WorkflowSummary(
            id=escape(path),
            path=path,
            name=name,
            node_count=count,
            error=error,
            run=self._journal.summary(run, language) if run else None,
        )

    def _run_id(self, path: str, run: str | None) -> str:
        self._documents.checked(path)
        if run is None or run == LATEST:
            newest = self._journal.newest(path)
            if newest is None:
                raise MLWSError("40401", kind="run", name=LATEST)
            return newest
        if self._journal.record(run)["workflow"] != path:
            raise MLWSError("40401", kind="run", name=run)
        return run

    def _node_record(self, path: str, run: str, node: str) -> tuple[str, dict[str, Any]]:
        identifier = self._run_id(path, run)
        records = self._journal.node_records(identifier)
        if node not in records:
            raise MLWSError("40401", kind="node", name=node)
        return identifier, records[node]

    def _stage(self, path: str, node: str) -> Stage:
        for stage in self._documents.stages(self._documents.read(path))[0]:
            if stage.id == node:
                return stage
        raise MLWSError("40401", kind="node", name=node)

    def _rows(
        self, path: str | None, limit: int, cursor: str | None
    ) -> tuple[builtins.list[dict[str, Any]], str | None]:
        before = None
        if cursor is not None:
            moment, _, identifier = cursor.partition("~")
            try:
                before = (float(moment), identifier)
            except ValueError:
                words = Words("no cursor of this list", "不是此列表的游标")
                raise MLWSError("50201", Fault("cursor", words)) from None
        rows = self._journal.runs(path, limit + 1, before)
        if len(rows) <= limit:
            return rows, None
        last = rows[limit - 1]
        return rows[:limit], f"{last['created']!r}~{last['id']}"

    def _spawn(self, run: str) -> None:
        folder = self._project.state / "runs" / run
        folder.mkdir(parents=True, exist_ok=True)
        if forks():
            # Opened again when it is next asked for.
            self.close()
        with (folder / "runner.log").open("ab") as log:
            pid = detach(run, self._root, folder, log.fileno())
        self._children.add(pid)
        started = start_time(pid)
        if started is not None:
            self._journal.note(run, pid=pid, pid_start=started)


def _processors(executor: str | None) -> int:
    """Those of this machine; 0 for a cluster, whose run finds out."""
    return (os.cpu_count() or 1) if executor in (None, choice.LOCAL) else 0


def _check_targets(stages: Sequence[Stage], targets: Sequence[str]) -> None:
    known = {stage.id for stage in stages}
    for target in targets:
        if target not in known:
            raise MLWSError("40401", kind="node", name=target)


def _new_id() -> str:
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"
