"""Reads, writes, validates, plans and exports the workflows of a project."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from jupyter_mlws.components.columns import Schema, table_of
from jupyter_mlws.components.learned_checks import learn_in_process
from jupyter_mlws.components.query_preview import preview_query
from jupyter_mlws.components.source_columns import Source
from jupyter_mlws.components.table_profile import Request as ProfileRequest
from jupyter_mlws.components.table_profile import SourceProfiles, profile_in_process
from jupyter_mlws.core.errors import PreviewError, WorkflowItemNotFoundError, WorkflowRunningError
from jupyter_mlws.workflows.contents import Contents
from jupyter_mlws.workflows.document.columns import Columns, all_settings
from jupyter_mlws.workflows.document.definition import Removed, WorkflowChange, WorkflowDefinition
from jupyter_mlws.workflows.document.editing import Editor
from jupyter_mlws.workflows.document.graph import Problem, WorkflowGraph
from jupyter_mlws.workflows.export_script import script
from jupyter_mlws.workflows.importers.models import (
    Imported,
    ImportedFile,
    ImportRequest,
)
from jupyter_mlws.workflows.journal.history import RunHistory
from jupyter_mlws.workflows.models import (
    LearnedChecks,
    NodeColumns,
    NodeColumnsRequest,
    Plan,
    PlanQuery,
    Preview,
    RunText,
    Script,
    SourceProfile,
    TableColumn,
    TableColumns,
    TableProfile,
    TableProfileRequest,
    Workflow,
    WrittenNotebook,
)
from jupyter_mlws.workflows.nodes import node
from jupyter_mlws.workflows.previews import to_cell
from jupyter_mlws.workflows.run.results import Results
from jupyter_mlws.workflows.run.runs import Runs, check_targets
from jupyter_mlws.workflows.run_comparison import RunComparer
from jupyter_mlws.workflows.summaries import ResultSummaries
from jupyter_mlws.workflows.sweeps import SweepManager
from mlws.core.errors import WorkflowUnreadableError
from mlws.core.i18n import ENGLISH, Message
from mlws.core.paths import escape
from mlws.core.project import Project
from mlws.document.parse import Document, Stage
from mlws.document.templates import resolve_stages
from mlws.document.terms import Action, EnvironmentPolicy
from mlws.engine.states import Status

if TYPE_CHECKING:
    from mlws.dvc.native.pipeline import NativeBackend
    from mlws.dvc.stages import DvcBackend


class WorkflowManager:
    """The workflows of one project, by the paths of their files. Thread-safe.

    ``results`` are those of nodes, ``sweeps`` those of the files, and ``summaries`` the results of
    a whole workflow in one line each.
    """

    def __init__(self, project: Project, runs: Runs) -> None:
        self.runs = runs
        self.documents = runs.documents
        self.registry = runs.registry
        self._project = project
        self._profiles = SourceProfiles(project.root)
        self._editor = Editor(project, runs.documents, runs.registry)
        self.results = Results(project, runs)
        self.comparer = RunComparer(runs, self.results)
        self.sweeps = SweepManager(project, runs, self._editor)
        self.summaries = ResultSummaries(runs, self.results, self.sweeps)

    def get(self, path: str) -> Workflow:
        """Return a workflow as a graph with its problems.

        Raises WorkflowUnreadableError if it cannot be read.
        """
        self.runs.reconcile()
        return self._workflow(self.documents.read(path))

    def _workflow(self, document: Document, planned_paths: Collection[str] = ()) -> Workflow:
        """Return the workflow of a document; ``planned_paths`` count as existing files."""
        workflow = self.documents.graph(document)
        run = self.runs.journal.newest(document.path)
        states = self.runs.journal.node_records(run) if run else {}
        findings = self.documents.validate(workflow, planned_paths)
        findings += self.documents.collisions(workflow)
        return Workflow(
            id=escape(document.path),
            path=document.path,
            name=document.name,
            status=Status(self.runs.journal.record(run)["status"]) if run else None,
            nodes=[
                node(
                    stage,
                    workflow.components.get(stage.described_by),
                    document.folder,
                    workflow.edge_files.get(stage.id, ()),
                    states.get(stage.id),
                )
                for stage in workflow.stages
            ],
            edges=workflow.edges,
            problems=findings,
            etag=document.etag,
        )

    def create(self, definition: WorkflowDefinition) -> Workflow:
        """Create a workflow; see :meth:`~jupyter_mlws.workflows.document.editing.Editor.create`."""
        return self._workflow(self._editor.create(definition))

    def import_file(self, request: ImportRequest) -> Imported:
        """Create a workflow from another tool's file, or only preview it (``dry_run``).

        The notes list what could not be converted unchanged. Raises ImportFailedError for a file
        that does not have the expected format, WorkflowItemNotFoundError if it does not exist, and
        those of :meth:`create`.
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
        self.runs.await_start(self.documents.checked(path))
        return self._workflow(self._editor.change(path, change, etags))

    def remove(self, path: str) -> Removed:
        """Remove a workflow's file; WorkflowRunningError while a run of it is in progress."""
        live = self.runs.live(self.documents.checked(path))
        if live:
            raise WorkflowRunningError(workflow=path, run=live[0]["id"])
        return self._editor.remove(path)

    def validate(self, path: str, text: str | None = None) -> Sequence[Problem]:
        """Return all problems of a file, or of a text that is to replace it."""
        try:
            document = self.documents.read(path, text)
        except WorkflowUnreadableError as error:
            line = error.facts.get("line")
            return [Problem(error.code, error.message, line=line, fix=error.solution)]
        workflow = self.documents.graph(document)
        findings = self.documents.validate(workflow)
        findings += self.documents.collisions(workflow)
        findings += self.documents.changed_origins(workflow)
        findings += self.documents.columns(workflow).findings()
        return findings

    def columns(self, request: NodeColumnsRequest) -> NodeColumns:
        """Return the columns of the tables at a node's inputs, as far as they are known.

        Where a run decides, they are those of the last run.

        Raises WorkflowItemNotFoundError if the workflow has no such node, WorkflowUnreadableError
        if it cannot be read.
        """
        stage, columns = self._node_columns(request)
        inputs = columns.offers(stage.id)
        return NodeColumns(
            inputs={
                port: [
                    TableColumns(
                        columns=[
                            TableColumn(name=name, **column._asdict())
                            for name, column in table.columns.items()
                        ],
                        complete=table.complete,
                    )
                    for table in tables
                    if isinstance(table, Schema)
                ]
                for port, tables in inputs.items()
            }
        )

    def learned_checks(self, request: NodeColumnsRequest) -> LearnedChecks:
        """Return rules that the table at a node's input meets.

        Raises WorkflowItemNotFoundError if the workflow has no such node, or no file has the table
        yet; PreviewError if the table cannot be read.
        """
        stage, columns = self._node_columns(request)
        path = next(iter(stage.ports.get("data", ())), None)
        if path is None:
            raise WorkflowItemNotFoundError(kind="table", name="data")
        root = self._project.root
        # A source is read as it is now; the file of a node may be outdated.
        source = columns.sources.get(path, Source({"": path}))
        if source.key(root) is None:
            raise WorkflowItemNotFoundError(kind="output", name=path)
        try:
            checks = LearnedChecks(**learn_in_process(root, source))
        except ValueError as error:
            raise PreviewError(kind="table", reason=str(error)) from None
        table = table_of(columns.inputs(stage.id), "data")
        if table.complete and set(table.columns) != set(checks.columns):
            reason = Message("it is outdated. Run the node that writes it, then try again.")
            raise PreviewError(kind="table", reason=reason)
        return checks

    def profile_table(self, request: TableProfileRequest) -> TableProfile:
        """Return what a table file holds, and what could be predicted of it.

        Raises WorkflowItemNotFoundError if there is no such file, PreviewError if it cannot be
        read.
        """
        file = self._project.resolve(request.path)
        if not file.is_file():
            raise WorkflowItemNotFoundError(kind="output", name=request.path)
        words = request.model_dump(exclude={"path"})
        try:
            return TableProfile(**profile_in_process(ProfileRequest(str(file), **words)))
        except ValueError as error:
            raise PreviewError(kind="table", reason=str(error)) from None

    def profile_source(self, request: NodeColumnsRequest) -> SourceProfile:
        """Return what the table holds that a node loads from local files.

        Raises WorkflowItemNotFoundError if the workflow has no such node, it reads no local files
        or they do not exist; PreviewError if they cannot be read.
        """
        stage, columns = self._node_columns(request)
        source = columns.source(stage.id)
        if source is None:
            raise WorkflowItemNotFoundError(kind="table", name=request.node)
        for path in source.files.values():
            if not self._project.resolve(path).is_file():
                raise WorkflowItemNotFoundError(kind="file", name=path)
        try:
            return SourceProfile(**self._profiles.read(source))
        except ValueError as error:
            raise PreviewError(kind="table", reason=str(error)) from None

    def preview_query(self, request: NodeColumnsRequest) -> Preview:
        """Return the first rows of the query of a `load_sql` node, read without changing any.

        Raises WorkflowItemNotFoundError if the workflow has no such node, or an input of it is no
        file yet; PreviewError if the query fails.
        """
        stage, _ = self._node_columns(request)
        component = self.registry.all().get(stage.component or "")
        if component is None or component.name != "load_sql":
            raise WorkflowItemNotFoundError(kind="query", name=request.node)
        files = {}
        for port in component.inputs:
            for path in stage.ports.get(port.name, ())[:1]:
                files[port.name] = self._project.resolve(path)
                if not files[port.name].is_file():
                    raise WorkflowItemNotFoundError(kind="output", name=path)
        try:
            preview = preview_query(files, all_settings(stage, component))
        except ValueError as error:
            raise PreviewError(kind="query", reason=str(error)) from None
        rows = [[to_cell(value) for value in row] for row in preview["rows"]]
        return Preview(type="Table", columns=preview["columns"], rows=rows)

    def _node_columns(self, request: NodeColumnsRequest) -> tuple[Stage, Columns]:
        """Return the stage of a node, and the columns of its workflow."""
        workflow = self.documents.graph(self.documents.read(request.path, request.text))
        # The variants of a sweep have the same inputs, or inputs of the same kind.
        stage = next(
            (s for s in workflow.stages if request.node in (s.id, s.id.split("@")[0])), None
        )
        if stage is None:
            raise WorkflowItemNotFoundError(kind="node", name=request.node)
        return stage, self.documents.columns(workflow)

    def plan(self, path: str, query: PlanQuery | None = None, text: str | None = None) -> Plan:
        """Return the planned action for each node, its reasons, and the estimated time.

        ``text``: plan a run of this text, which is to replace the file's.
        """
        from jupyter_mlws.workflows.run import plan
        from mlws.dvc.native.pipeline import open_backend

        query = query or PlanQuery()
        jobs = query.jobs or os.cpu_count() or 1
        document = self.documents.read(path, text)
        workflow = self.documents.check_runnable(document, query.targets)
        check_targets(workflow, query.targets)
        root, state = self._project.root, self._project.state
        history = RunHistory(self.runs.journal)
        data = resolve_stages(root, document)
        with open_backend(root, path, data, state, text) as backend:
            plan.remember_renamed(backend, workflow, root)
            looks = Contents(root, history.commits(path))
            notes = self._environment_notes(document, workflow, backend, history)
            reruns = document.environment_policy is EnvironmentPolicy.RERUN
            node_plans = plan.make_plan(
                backend,
                workflow,
                query.targets,
                query.force,
                looks,
                query.accept_cosmetic,
                notes if reruns else None,
            )
            if not reruns:
                node_plans = [
                    replace(node, environment=notes.get(node.id))
                    if node.action is Action.CACHED
                    else node
                    for node in node_plans
                ]
        makers = history.makers({node.id: node.restored for node in node_plans})
        return plan.summarise(node_plans, workflow, history.durations(path), makers, jobs)

    def _environment_notes(
        self,
        document: Document,
        workflow: WorkflowGraph,
        backend: NativeBackend | DvcBackend,
        history: RunHistory,
    ) -> dict[str, Message]:
        """Return, by node, in what its environment differs from the one that made its result."""
        from jupyter_mlws.workflows.run import packages

        if document.environment_policy is EnvironmentPolicy.IGNORE:
            return {}
        outputs = {name: backend.hashes(name) for name in workflow.order}
        changes = packages.changes_since(self._project, history, workflow.by_id, outputs)
        return {name: packages.describe_changes(one) for name, one in changes.items()}

    def run_text(self, path: str, run: str) -> RunText:
        """Return the text of a workflow as a run read it; without one, the file's."""
        identifier = self.runs.id_of(path, run)
        return RunText(run=identifier, text=self.runs.document(path, identifier).text)

    # Other forms

    def script(self, path: str) -> Script:
        """Return the workflow as a Python script: its commands in order, with all settings."""
        document = self.documents.read(path)
        self.documents.check_runnable(document)
        name, text = script(document, self.documents.resolve(document))
        return Script(name=name, text=text)

    def debug(self, path: str, run: str, node: str, language: str = ENGLISH) -> WrittenNotebook:
        """Write a notebook that repeats a node of a run with the same settings and inputs.

        The workflow is that of the run. An existing notebook is not overwritten. Raises
        WorkflowItemNotFoundError for a node that the run did not have.
        """
        from jupyter_mlws.workflows.debug_notebook import Debugger, DebugTarget

        identifier, _ = self.runs.node(path, run, node)
        document = self.runs.document(path, identifier)
        workflow = self.documents.resolve(document)
        check_targets(workflow, [node])
        stage = workflow.by_id[node]
        run_details = self.runs.journal.run(identifier)
        error = next(one["error"] for one in run_details["nodes"] if one["id"] == node)
        target = DebugTarget(
            run=identifier,
            workflow=path,
            stage=stage,
            component=self.registry.all().get(stage.component or ""),
            message=error["message"] if error else None,
            made={
                file: md5
                for files in run_details["results"].values()
                for file, md5 in files.items()
            },
        )
        return WrittenNotebook(path=Debugger(self._project.root, language).write(target))
