"""The workflows of a project: what there is, what a run would do, and runs."""

from __future__ import annotations

import builtins
import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

from jupyter_mlws.components.models import Component
from jupyter_mlws.core.errors import (
    MLWSError,
    WorkflowChangedError,
    WorkflowItemNotFoundError,
    WorkflowRunningError,
    WorkflowUnreadableError,
)
from jupyter_mlws.core.i18n import ENGLISH
from jupyter_mlws.core.path_ids import escape
from jupyter_mlws.core.project import Project
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.versioning.dvc import resolved
from jupyter_mlws.versioning.dvc.lock_copy import carry_result
from jupyter_mlws.versioning.git.adapter import Git
from jupyter_mlws.workflows import graph, promotion, serializers
from jupyter_mlws.workflows.contents import Contents
from jupyter_mlws.workflows.definition import Removed, WorkflowChange, WorkflowDefinition
from jupyter_mlws.workflows.document import Document, Stage, parse
from jupyter_mlws.workflows.editing import Editor
from jupyter_mlws.workflows.importers.models import (
    Imported,
    ImportedFile,
    ImportNote,
    ImportRequest,
)
from jupyter_mlws.workflows.journal import Journal
from jupyter_mlws.workflows.models import (
    Edge,
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
    Script,
    Workflow,
    WorkflowSummary,
    WrittenNotebook,
)
from jupyter_mlws.workflows.nodes import node
from jupyter_mlws.workflows.results import Results
from jupyter_mlws.workflows.rewiring import moved_outputs, rewired
from jupyter_mlws.workflows.runs import Asked, Runs, check_targets
from jupyter_mlws.workflows.states import Status
from jupyter_mlws.workflows.sweep_models import Promoted, PromoteRequest, Sweeps, SweepsQuery
from jupyter_mlws.workflows.sweeps import Choice, chosen, followers, listed, variants_of
from jupyter_mlws.workflows.terms import Severity


class WorkflowManager:
    """The workflows of one project, by the paths of their files. Thread-safe."""

    def __init__(self, project: Project, runs: Runs | None = None) -> None:
        self._project = project
        self._root = project.root
        self._runs = runs or Runs(project)
        self._registry = self._runs.registry
        self._documents = self._runs.documents
        self._editor = Editor(project, self._documents, self._registry)
        self._results = Results(project, self._registry)

    def close(self) -> None:
        """Close the journal; runs go on."""
        self._runs.close()

    @property
    def _journal(self) -> Journal:
        return self._runs.journal

    # What there is

    def components(self) -> list[Component]:
        """Every component that nodes can be made of."""
        return list(self._registry.all().values())

    def notebook(self, path: str) -> Component:
        """What can be set of a notebook, as a component; error 40401 where there is none."""
        return self._documents.notebook(path)

    def list(self) -> builtins.list[WorkflowSummary]:
        """Every `dvc.yaml` of the project, by path; a broken one says what is wrong with it."""
        return [WorkflowSummary(**row) for row in self._runs.workflows()]

    def get(self, path: str) -> Workflow:
        """One workflow as a graph, with its problems; error 40205 where it cannot be read."""
        self.reconcile()
        return self._workflow(self._documents.read(path))

    def _workflow(self, document: Document, planned: Collection[str] = ()) -> Workflow:
        """The workflow of a document; ``planned`` are files that are as good as there."""
        stages, findings = self._documents.stages(document)
        components = self._documents.components(stages)
        edges = graph.edges(stages, components)
        run = self._journal.newest(document.path)
        states = self._journal.node_records(run) if run else {}
        findings += self._documents.validate(document, stages, planned)
        findings += self._documents.collisions(document, stages)
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
            edges=[Edge(**edge._asdict()) for edge in edges],
            problems=[finding.problem() for finding in findings],
            etag=document.etag,
        )

    def create(self, definition: WorkflowDefinition) -> Workflow:
        """Make a workflow; see :meth:`~jupyter_mlws.workflows.editing.Editor.create`."""
        return self._workflow(self._editor.create(definition))

    def import_file(self, request: ImportRequest) -> Imported:
        """Make a workflow of another tool's file, or only tell what it would be (``dry_run``).

        What cannot be carried over as it was is among the notes. Errors: 40211 for a file that is
        not what it should be, 40401 where there is none, and those of :meth:`create`.
        """
        from jupyter_mlws.workflows.importers.importing import Importer

        kind, outcome, document = Importer(self._project, self._editor).carry(request)
        return Imported(
            workflow=self._workflow(document, outcome.files),
            format=kind,
            written=not request.dry_run,
            notes=[ImportNote(place=note.place, reason=note.reason) for note in outcome.notes.rows],
            files=[ImportedFile(path=path, text=text) for path, text in outcome.files.items()],
            text=document.text,
        )

    def change(
        self,
        path: str,
        change: WorkflowChange,
        seen: Sequence[str] | None = None,
    ) -> Workflow:
        """Change a workflow; see :meth:`~jupyter_mlws.workflows.editing.Editor.change`.

        A run that goes on carries out what it read when it began.
        """
        self._runs.await_start(self._documents.checked(path))
        return self._workflow(self._editor.change(path, change, seen))

    def remove(self, path: str) -> Removed:
        """Remove a workflow's file; error 40207 while a run of it goes on."""
        live = self._runs.live(self._documents.checked(path))
        if live:
            raise WorkflowRunningError(workflow=path, run=live[0]["id"])
        return self._editor.remove(path)

    def validate(self, path: str, text: str | None = None) -> builtins.list[Problem]:
        """All problems of a file, or of a text that is to become it."""
        try:
            document = (
                self._documents.read(path)
                if text is None
                else parse(self._documents.checked(path), text)
            )
        except MLWSError as error:
            if not isinstance(error, WorkflowUnreadableError):
                raise
            return [
                Problem(
                    code=error.code,
                    severity=Severity.ERROR,
                    node=None,
                    field=None,
                    edge=None,
                    line=error.facts.get("line"),
                    message=error.message,
                    fix=error.solution,
                )
            ]
        stages, findings = self._documents.stages(document)
        findings += self._documents.validate(document, stages)
        findings += self._documents.collisions(document, stages)
        return [finding.problem() for finding in findings]

    def plan(self, path: str, asked: PlanQuery | None = None) -> Plan:
        """What a run would do with each node, why, and how long it would take."""
        from jupyter_mlws.versioning.dvc.stage_backends import open_lane
        from jupyter_mlws.workflows import plan

        asked = asked or PlanQuery()
        jobs = asked.jobs or os.cpu_count() or 1
        document = self._documents.read(path)
        self._documents.refuse_faulty(document, asked.targets)
        state = self._project.state
        data = resolved.stages(self._root, path, document.text, document.data, state)
        with open_lane(self._root, path, data, state) as lane:
            stages = document.stages(data)
            check_targets(stages, asked.targets)
            plan.remember_renamed(lane, stages, self._root)
            looks = Contents(self._root, self._journal.commits(path))
            planned = plan.make(
                lane, stages, asked.targets, asked.force, looks, asked.accept_cosmetic
            )
        makers = self._journal.makers({node.id: node.restored for node in planned})
        known = self._journal.durations(path)
        return plan.summarise(planned, stages, known, makers, jobs)

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

        The stage keeps the sweep's name, and has the variant's command, outputs and result; sweeps
        that are made of it variant by variant go along, and what read other variants reads it.
        ``seen``: the versions of the file of which it must be one (None: any). Errors: 40401 for a
        sweep or variant that is not there, 40208 for a metric, 40209 where nothing tells which is
        the best or the text cannot say it, 40207 while a run goes on, 40402 for another version.
        """
        self.reconcile()
        document = self._documents.read(path)
        if seen is not None and document.etag not in seen:
            raise WorkflowChangedError(path=path, etag=document.etag)
        live = self._runs.live(path)
        if live:
            raise WorkflowRunningError(workflow=path, run=live[0]["id"])
        found = listed(self._project, self._journal, document, SweepsQuery())
        sweep = next((one for one in found if one.name == name), None)
        if sweep is None:
            raise WorkflowItemNotFoundError(kind="sweep", name=name)
        return self._promote(document, chosen(sweep, asked))

    def _promote(self, document: Document, choice: Choice) -> Promoted:
        root, path, state = self._root, document.path, self._project.state

        def resolve(changed: Document) -> Mapping[str, Any]:
            return resolved.stages(root, path, changed.text, changed.data, state)

        groups = variants_of(self._project, document)
        stages = document.stages(resolve(document))
        also = followers(stages, groups, choice.sweep)
        key = choice.variant.partition("@")[2]
        changed = document
        for name in (choice.sweep, *also):
            variant = f"{name}@{key}"
            text = promotion.promoted(changed, name, variant, groups[name][variant], resolve)
            changed = parse(path, text)
        moved = moved_outputs(stages, [groups[name] for name in (choice.sweep, *also)], key)
        text = rewired(changed, moved)
        kept_in = self._editor.keep(document)
        written = self._editor.change(path, WorkflowChange(text=text), [document.etag])
        kept = [
            carry_result(root, path, state, f"{name}@{key}", name) for name in (choice.sweep, *also)
        ]
        return Promoted(
            sweep=choice.sweep,
            variant=choice.variant,
            also=also,
            metric=choice.metric,
            value=choice.value,
            result_kept=all(kept),
            kept_in=kept_in,
            etag=written.etag,
        )

    # Runs; see :class:`~jupyter_mlws.workflows.runs.Runs`

    def execute(self, path: str, request: ExecuteRequest) -> Run:
        """Start a run in a process of its own and return at once."""
        return Run(**self._runs.execute(path, Asked(**dict(request))))

    def resume(self, path: str, run: str) -> Run:
        """Start a run that does what another left undone."""
        return Run(**self._runs.resume(path, run))

    def retry(self, path: str, run: str, node: str) -> Run:
        """Start a run of one node of another, and of what depends on it there."""
        return Run(**self._runs.retry(path, run, node))

    def skip(self, path: str, run: str, node: str) -> Run:
        """Start a run of what depends on a node of another, with what the node left."""
        return Run(**self._runs.skip(path, run, node))

    def status(self, path: str, run: str | None = None) -> Run:
        """A run with its nodes; the newest by default."""
        return Run(**self._runs.status(path, run))

    def runs(self, path: str, limit: int = 50, cursor: str | None = None) -> Page[RunSummary]:
        """Runs of a workflow, newest first."""
        rows, following = self._runs.page(self._documents.checked(path), limit, cursor)
        items = [RunSummary(**self._journal.summary(row["id"])) for row in rows]
        return Page(items=items, next_cursor=following)

    def experiment_runs(
        self, path: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[ExperimentRun]:
        """Runs with settings and measures, newest first."""
        rows, following = self._runs.page(path, limit, cursor)
        items = [ExperimentRun(**serializers.experiment(row)) for row in rows]
        return Page(items=items, next_cursor=following)

    def untracked(self, path: str | None, limit: int) -> builtins.list[ExperimentRun]:
        """Of the newest runs those that MLflow has not heard of, newest first."""
        rows = self._journal.runs(path, limit)
        waiting = [row for row in rows if not row.get("mlflow_run")]
        return [ExperimentRun(**serializers.experiment(row)) for row in waiting]

    def experiments_of(self, runs: Sequence[str]) -> dict[str, ExperimentRun]:
        """Those of the runs that the journal has."""
        rows = self._journal.records(runs)
        return {row["id"]: ExperimentRun(**serializers.experiment(row)) for row in rows}

    def wait(
        self,
        path: str,
        run: str,
        timeout: float | None = None,
        *,
        recorded: bool = True,
    ) -> Run:
        """Return when a run has ended and (``recorded``) MLflow knows it."""
        return Run(**self._runs.wait(path, run, timeout, recorded=recorded))

    def cancel(self, path: str, run: str | None = None) -> Run:
        """Ask a run to stop; one that has ended stays as it is."""
        return Run(**self._runs.cancel(path, run))

    def reconcile(self) -> None:
        """Mark runs whose process is gone as interrupted, and end what they left running."""
        self._runs.reconcile()

    def last_seq(self) -> int:
        """The seq of the newest event."""
        return self._journal.last_seq()

    def events_after(self, seq: int, limit: int = 200) -> builtins.list[dict[str, Any]]:
        """Events after ``seq``, oldest first."""
        return self._journal.events_after(seq, limit)

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

    # Other forms

    def script(self, path: str) -> Script:
        """The workflow as a Python script: its commands in order, settings and all."""
        from jupyter_mlws.workflows.export_script import script

        document = self._documents.read(path)
        self._documents.refuse_faulty(document)
        name, text = script(document, self._resolved(document))
        return Script(name=name, text=text)

    def debug(self, path: str, run: str, node: str, language: str = ENGLISH) -> WrittenNotebook:
        """Write a notebook that does what a node did in a run, with its settings and inputs.

        The file is read as it was when the run began, where git has that. One that was written
        before stays as it is. Error 40401 for a node that the run did not have.
        """
        from jupyter_mlws.workflows.debug_notebook import Debugger, Failed

        identifier, _ = self._node_record(path, run, node)
        document = self._document_of(path, identifier)
        stage = next((one for one in self._resolved(document) if one.id == node), None)
        if stage is None:
            raise WorkflowItemNotFoundError(kind="node", name=node)
        told = self._journal.run(identifier)
        error = next(one["error"] for one in told["nodes"] if one["id"] == node)
        failed = Failed(
            run=identifier,
            workflow=path,
            stage=stage,
            component=self._registry.all().get(stage.component or ""),
            message=error["message"] if error else None,
            made={file: md5 for files in told["results"].values() for file, md5 in files.items()},
        )
        return WrittenNotebook(path=Debugger(self._root, language).write(failed))

    def _document_of(self, path: str, run: str) -> Document:
        """The file as a run read it; as it is now where no version of it is known."""
        commit = self._journal.record(run).get("commit")
        if commit:
            content = Git(self._root).blob(commit, path)
            with suppress(MLWSError, UnicodeDecodeError):
                if content is not None:
                    return parse(path, content.decode("utf-8"))
        return self._documents.read(path)

    def _resolved(self, document: Document) -> builtins.list[Stage]:
        """The stages with every template filled in, as DVC runs them."""
        data = resolved.stages(
            self._root, document.path, document.text, document.data, self._project.state
        )
        return document.stages(data)

    # Within

    def _node_record(self, path: str, run: str, node: str) -> tuple[str, dict[str, Any]]:
        identifier = self._runs.id_of(path, run)
        records = self._journal.node_records(identifier)
        if node not in records:
            raise WorkflowItemNotFoundError(kind="node", name=node)
        return identifier, records[node]

    def _stage(self, path: str, node: str) -> Stage:
        for stage in self._documents.stages(self._documents.read(path))[0]:
            if stage.id == node:
                return stage
        raise WorkflowItemNotFoundError(kind="node", name=node)
