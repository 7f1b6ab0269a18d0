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
from jupyter_mlws.core.paths import escape
from jupyter_mlws.core.project import Project
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.dvc import resolved
from jupyter_mlws.dvc.lock_copy import copy_lock_entry
from jupyter_mlws.engine.states import Status
from jupyter_mlws.git.adapter import Git
from jupyter_mlws.versioning.experiments.models import ExperimentRun
from jupyter_mlws.workflows.contents import Contents
from jupyter_mlws.workflows.document import graph, promotion
from jupyter_mlws.workflows.document.definition import Removed, WorkflowChange, WorkflowDefinition
from jupyter_mlws.workflows.document.editing import Editor
from jupyter_mlws.workflows.document.nodes import node
from jupyter_mlws.workflows.document.parse import Document, Stage, parse
from jupyter_mlws.workflows.document.terms import Severity
from jupyter_mlws.workflows.importers.models import (
    Imported,
    ImportedFile,
    ImportRequest,
)
from jupyter_mlws.workflows.models import (
    Edge,
    ExecuteRequest,
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
from jupyter_mlws.workflows.run import serializers
from jupyter_mlws.workflows.run.journal import Journal
from jupyter_mlws.workflows.run.results import Results
from jupyter_mlws.workflows.run.runs import RunRequest, Runs, check_targets
from jupyter_mlws.workflows.sweep_models import Promoted, PromoteRequest, Sweeps, SweepsQuery
from jupyter_mlws.workflows.sweeps import (
    Choice,
    choose_variant,
    followers,
    list_sweeps,
    variants_of,
)


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
        """Return every component that nodes can use."""
        return list(self._registry.all().values())

    def notebook(self, path: str) -> Component:
        """Return the settings of a notebook as a component; raise error 40401 if it is missing."""
        return self._documents.notebook(path)

    def list(self) -> builtins.list[WorkflowSummary]:
        """Return every `dvc.yaml` of the project by path, with the error of one that is invalid."""
        return [WorkflowSummary(**row) for row in self._runs.workflows()]

    def get(self, path: str) -> Workflow:
        """Return a workflow as a graph with its problems; raise 40205 if it cannot be read."""
        self.reconcile()
        return self._workflow(self._documents.read(path))

    def _workflow(self, document: Document, planned_paths: Collection[str] = ()) -> Workflow:
        """Return the workflow of a document; ``planned_paths`` count as existing files."""
        stages, findings = self._documents.stages(document)
        components = self._documents.components(stages)
        edges = graph.edges(stages, components)
        run = self._journal.newest(document.path)
        states = self._journal.node_records(run) if run else {}
        findings += self._documents.validate(document, stages, planned_paths)
        findings += self._documents.collisions(document, stages)
        edge_paths: dict[str, set[str]] = {}
        for edge in edges:
            edge_paths.setdefault(edge.target, set()).add(edge.path)
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
                    edge_paths.get(stage.id, ()),
                    states.get(stage.id),
                )
                for stage in stages
            ],
            edges=[Edge(**edge._asdict()) for edge in edges],
            problems=[finding.problem() for finding in findings],
            etag=document.etag,
        )

    def create(self, definition: WorkflowDefinition) -> Workflow:
        """Create a workflow; see :meth:`~jupyter_mlws.workflows.document.editing.Editor.create`."""
        return self._workflow(self._editor.create(definition))

    def import_file(self, request: ImportRequest) -> Imported:
        """Create a workflow from another tool's file, or only preview it (``dry_run``).

        The notes list what could not be converted unchanged. Errors: 40211 for a file that does not
        have the expected format, 40401 if it does not exist, and those of :meth:`create`.
        """
        from jupyter_mlws.workflows.importers.importing import import_workflow

        kind, outcome, document = import_workflow(self._project, self._editor, request)
        return Imported(
            workflow=self._workflow(document, outcome.files),
            format=kind,
            written=not request.dry_run,
            notes=outcome.notes.rows,
            files=[ImportedFile(path=path, text=text) for path, text in outcome.files.items()],
            text=document.text,
        )

    def change(
        self,
        path: str,
        change: WorkflowChange,
        etags: Sequence[str] | None = None,
    ) -> Workflow:
        """Change a workflow; see :meth:`~jupyter_mlws.workflows.document.editing.Editor.change`.

        A run in progress uses the file as it was when the run started.
        """
        self._runs.await_start(self._documents.checked(path))
        return self._workflow(self._editor.change(path, change, etags))

    def remove(self, path: str) -> Removed:
        """Remove a workflow's file; raise error 40207 while a run of it is in progress."""
        live = self._runs.live(self._documents.checked(path))
        if live:
            raise WorkflowRunningError(workflow=path, run=live[0]["id"])
        return self._editor.remove(path)

    def validate(self, path: str, text: str | None = None) -> builtins.list[Problem]:
        """Return all problems of a file, or of a text that is to replace it."""
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

    def plan(self, path: str, query: PlanQuery | None = None) -> Plan:
        """Return the planned action for each node, its reasons, and the estimated time."""
        from jupyter_mlws.dvc.native.pipeline import open_backend
        from jupyter_mlws.workflows.run import plan

        query = query or PlanQuery()
        jobs = query.jobs or os.cpu_count() or 1
        document = self._documents.read(path)
        self._documents.check_runnable(document, query.targets)
        state = self._project.state
        data = resolved.stages(self._root, path, document.text, document.data, state)
        with open_backend(self._root, path, data, state) as backend:
            stages = document.stages(data)
            check_targets(stages, query.targets)
            plan.remember_renamed(backend, stages, self._root)
            looks = Contents(self._root, self._journal.commits(path))
            node_plans = plan.make_plan(
                backend, stages, query.targets, query.force, looks, query.accept_cosmetic
            )
        makers = self._journal.makers({node.id: node.restored for node in node_plans})
        durations = self._journal.durations(path)
        return plan.summarise(node_plans, stages, durations, makers, jobs)

    # Sweeps

    def sweeps(self, path: str, query: SweepsQuery | None = None) -> Sweeps:
        """Return the sweeps of a workflow with ranked variants; see :func:`.sweeps.list_sweeps`."""
        self.reconcile()
        document = self._documents.read(path)
        items = list_sweeps(self._project, self._journal, document, query or SweepsQuery())
        return Sweeps(items=items, etag=document.etag)

    def promote(
        self, path: str, name: str, request: PromoteRequest, seen: Sequence[str] | None = None
    ) -> Promoted:
        """Replace a sweep by one of its variants: the requested one, else the best.

        The stage keeps the sweep's name, and gets the variant's command, outputs and result. Sweeps
        that are derived from it variant by variant are replaced too, and stages that read other
        variants read this one. ``seen``: the accepted ETags of the file (None: any). Errors: 40401
        for a sweep or variant that does not exist, 40208 for a metric, 40209 if no metric decides
        which is the best or the text cannot express the result, 40207 while a run is in progress,
        40402 for another version of the file.
        """
        self.reconcile()
        document = self._documents.read(path)
        if seen is not None and document.etag not in seen:
            raise WorkflowChangedError(path=path, etag=document.etag)
        live = self._runs.live(path)
        if live:
            raise WorkflowRunningError(workflow=path, run=live[0]["id"])
        sweeps = list_sweeps(self._project, self._journal, document, SweepsQuery())
        sweep = next((one for one in sweeps if one.name == name), None)
        if sweep is None:
            raise WorkflowItemNotFoundError(kind="sweep", name=name)
        return self._promote(document, choose_variant(sweep, request))

    def _promote(self, document: Document, choice: Choice) -> Promoted:
        root, path, state = self._root, document.path, self._project.state

        def resolve(candidate: Document) -> Mapping[str, Any]:
            return resolved.stages(root, path, candidate.text, candidate.data, state)

        groups = variants_of(self._project, document)
        stages = document.stages(resolve(document))
        also = followers(stages, groups, choice.sweep)
        key = choice.variant.partition("@")[2]
        draft = document
        for name in (choice.sweep, *also):
            variant = f"{name}@{key}"
            draft = promotion.promote(draft, name, variant, groups[name][variant], resolve)
        replacements = promotion.moved_outputs(
            stages, [groups[name] for name in (choice.sweep, *also)], key
        )
        text = promotion.replace_dependencies(draft, replacements)
        kept_in = self._editor.keep(document)
        new_document = self._editor.change(path, WorkflowChange(text=text), [document.etag])
        outcomes = [
            copy_lock_entry(root, path, state, f"{name}@{key}", name)
            for name in (choice.sweep, *also)
        ]
        return Promoted(
            sweep=choice.sweep,
            variant=choice.variant,
            also=also,
            metric=choice.metric,
            value=choice.value,
            result_kept=all(outcomes),
            kept_in=kept_in,
            etag=new_document.etag,
        )

    # Runs; see :class:`~jupyter_mlws.workflows.run.runs.Runs`

    def execute(self, path: str, request: ExecuteRequest) -> Run:
        """Start a run in a process of its own and return at once."""
        return Run(**self._runs.execute(path, RunRequest(**dict(request))))

    def resume(self, path: str, run: str) -> Run:
        """Start a run of the nodes that another run did not complete."""
        return Run(**self._runs.resume(path, run))

    def retry(self, path: str, run: str, node: str) -> Run:
        """Start a run of one node of another run, and of the nodes that depend on it there."""
        return Run(**self._runs.retry(path, run, node))

    def skip(self, path: str, run: str, node: str) -> Run:
        """Start a run of the nodes that depend on ``node``, with its existing outputs."""
        return Run(**self._runs.skip(path, run, node))

    def status(self, path: str, run: str | None = None) -> Run:
        """Return a run with its nodes; the newest by default."""
        return Run(**self._runs.status(path, run))

    def runs(self, path: str, limit: int = 50, cursor: str | None = None) -> Page[RunSummary]:
        """Return the runs of a workflow, newest first."""
        rows, following = self._runs.page(self._documents.checked(path), limit, cursor)
        items = [RunSummary(**self._journal.summary(row["id"])) for row in rows]
        return Page(items=items, next_cursor=following)

    def experiment_runs(
        self, path: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[ExperimentRun]:
        """Return runs with settings and measures, newest first."""
        rows, following = self._runs.page(path, limit, cursor)
        items = [ExperimentRun(**serializers.experiment(row)) for row in rows]
        return Page(items=items, next_cursor=following)

    def untracked(self, path: str | None, limit: int) -> builtins.list[ExperimentRun]:
        """Return the runs among the newest ``limit`` that are not in MLflow, newest first."""
        rows = self._journal.runs(path, limit)
        waiting = [row for row in rows if not row.get("mlflow_run")]
        return [ExperimentRun(**serializers.experiment(row)) for row in waiting]

    def experiments_of(self, runs: Sequence[str]) -> dict[str, ExperimentRun]:
        """Return the runs that are in the journal, by ID; skip the others."""
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
        """Wait until a run has finished and, if ``recorded``, MLflow has its record."""
        return Run(**self._runs.wait(path, run, timeout, recorded=recorded))

    def cancel(self, path: str, run: str | None = None) -> Run:
        """Ask a run to stop; a run that has finished does not change."""
        return Run(**self._runs.cancel(path, run))

    def reconcile(self) -> None:
        """Mark runs whose process is gone as interrupted, and end the processes they started."""
        self._runs.reconcile()

    def last_seq(self) -> int:
        """Return the seq of the newest event."""
        return self._journal.last_seq()

    def events_after(self, seq: int, limit: int = 200) -> builtins.list[dict[str, Any]]:
        """Return the events after ``seq``, oldest first."""
        return self._journal.events_after(seq, limit)

    # What nodes leave

    def log(self, path: str, run: str, node: str, offset: int = 0) -> Log:
        """Return part of a node's log, from byte ``offset`` on."""
        identifier, record = self._node_record(path, run, node)
        return self._results.log(identifier, node, record, offset)

    def outputs(self, path: str, run: str, node: str) -> builtins.list[Output]:
        """Return the files that a node produced in a run."""
        _, record = self._node_record(path, run, node)
        return self._results.outputs(self._stage(path, node), record)

    def preview(self, path: str, run: str, node: str, port: str) -> Preview:
        """Return a preview of a run's output, even if a later run has replaced the file."""
        _, record = self._node_record(path, run, node)
        return self._results.preview(self._stage(path, node), record, port)

    # Other forms

    def script(self, path: str) -> Script:
        """Return the workflow as a Python script: its commands in order, with all settings."""
        from jupyter_mlws.workflows.export_script import script

        document = self._documents.read(path)
        self._documents.check_runnable(document)
        name, text = script(document, self._resolve_stages(document))
        return Script(name=name, text=text)

    def debug(self, path: str, run: str, node: str, language: str = ENGLISH) -> WrittenNotebook:
        """Write a notebook that repeats a node of a run with the same settings and inputs.

        The workflow file is read as it was when the run started, if git has that version. An
        existing notebook is not overwritten. Error 40401 for a node that the run did not have.
        """
        from jupyter_mlws.workflows.debug_notebook import Debugger, NodeFailure

        identifier, _ = self._node_record(path, run, node)
        document = self._document_of(path, identifier)
        stage = next((one for one in self._resolve_stages(document) if one.id == node), None)
        if stage is None:
            raise WorkflowItemNotFoundError(kind="node", name=node)
        run_details = self._journal.run(identifier)
        error = next(one["error"] for one in run_details["nodes"] if one["id"] == node)
        failure = NodeFailure(
            run=identifier,
            workflow=path,
            stage=stage,
            component=self._registry.all().get(stage.component or ""),
            message=error["message"] if error else None,
            made={
                file: md5
                for files in run_details["results"].values()
                for file, md5 in files.items()
            },
        )
        return WrittenNotebook(path=Debugger(self._root, language).write(failure))

    def _document_of(self, path: str, run: str) -> Document:
        """Return the file as a run read it; as it is now if that version is not known."""
        commit = self._journal.record(run).get("commit")
        if commit:
            content = Git(self._root).blob(commit, path)
            with suppress(MLWSError, UnicodeDecodeError):
                if content is not None:
                    return parse(path, content.decode("utf-8"))
        return self._documents.read(path)

    def _resolve_stages(self, document: Document) -> builtins.list[Stage]:
        """Return the stages with every template filled in, as DVC runs them."""
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
