"""Endpoints of workflows, their runs, components, and the stream of their events."""

from __future__ import annotations

from typing import Any

from jupyter_mlws.api.registry import WRITES, Context, Endpoints, Reply
from jupyter_mlws.components import code
from jupyter_mlws.components.code import Code, CodeRequest
from jupyter_mlws.components.models import Component
from jupyter_mlws.core.errors import (
    AlreadyExistsError,
    ImportFailedError,
    InputsNotPulledError,
    InvalidConnectionError,
    InvalidRunParameterError,
    MetricMissingError,
    PreviewError,
    PromotionError,
    UnfinishedOperationError,
    WorkflowChangedError,
    WorkflowCycleError,
    WorkflowItemNotFoundError,
    WorkflowProblemsError,
    WorkflowRunningError,
)
from jupyter_mlws.core.schemas import Page, PageQuery
from jupyter_mlws.server.endpoints.errors import DVC_ERRORS
from jupyter_mlws.workflows.document.definition import Removed, WorkflowChange, WorkflowDefinition
from jupyter_mlws.workflows.importers.models import Imported, ImportRequest
from jupyter_mlws.workflows.models import (
    ColumnRequest,
    ColumnStatistics,
    ContinueRequest,
    EnvironmentQuery,
    ExecuteRequest,
    LearnedChecks,
    Log,
    LogQuery,
    NodeColumns,
    NodeColumnsRequest,
    Output,
    Plan,
    PlanQuery,
    PlanRequest,
    Preview,
    Problems,
    Run,
    RunComparison,
    RunEnvironments,
    RunQuery,
    RunSummary,
    RunText,
    Script,
    SourceProfile,
    TablePage,
    TableProfile,
    TableProfileRequest,
    TableRequest,
    ValidateRequest,
    Workflow,
    WorkflowResults,
    WorkflowSummary,
    WrittenNotebook,
)
from jupyter_mlws.workflows.sweep_models import Promoted, PromoteRequest, Sweeps, SweepsQuery
from jupyter_mlws.workspace import Workspace
from mlws.core.errors import (
    DaskNotInstalledError,
    InvalidExecutorError,
    NodeResourcesError,
    OperationInProgressError,
    WorkflowUnreadableError,
)
from mlws.core.paths import unescape

NO_WORKFLOW = (WorkflowUnreadableError, WorkflowItemNotFoundError)
WRONG = (WorkflowProblemsError, InvalidConnectionError, WorkflowCycleError, WorkflowUnreadableError)
"""Errors of an invalid definition."""
IF_MATCH = {
    "If-Match": "The ETag of the GET that the change was made of, or * for any version. Required."
}


STARTS = (
    *WRONG,
    *DVC_ERRORS,
    WorkflowItemNotFoundError,
    OperationInProgressError,
    DaskNotInstalledError,
    InputsNotPulledError,
    InvalidExecutorError,
    NodeResourcesError,
    InvalidRunParameterError,
    UnfinishedOperationError,
)
"""Errors that keep a run from starting."""
EXECUTES = [("execute", "kernels"), ("write", "contents")]


endpoints = Endpoints("workflows")


@endpoints.get(
    "components",
    "List the components: the library's and the project's own",
    resource="components",
    untrusted=True,
)
def list_components(workspace: Workspace) -> Page[Component]:
    return Page(items=list(workspace.runs.registry.all().values()))


@endpoints.post(
    "components",
    "Create a component of the project, whose code is to be written",
    resource="components",
    status=201,
    also=WRITES,
)
def create_component(workspace: Workspace) -> Reply[Component]:
    registry = workspace.runs.registry
    name, _ = code.create(registry.root, registry.all())
    return Reply(registry.all()[name])


@endpoints.post(
    "components/code",
    "Check the code of a component without running it, and change its ports",
    resource="components",
)
def edit_code(workspace: Workspace, body: CodeRequest) -> Code:
    return code.edit(body)


@endpoints.get(
    "components/notebooks/{notebook}",
    "Get the parameters of a notebook: the variables assigned in its cell tagged `parameters`",
    resource="components",
    also=[("read", "contents")],
    errors=(WorkflowItemNotFoundError,),
)
def get_notebook_component(workspace: Workspace, identifier: str) -> Component:
    return workspace.runs.documents.notebook(unescape(identifier))


@endpoints.get("workflows", "List the workflows", shared=True)
def list_workflows(workspace: Workspace) -> Page[WorkflowSummary]:
    return Page(items=[WorkflowSummary(**row) for row in workspace.runs.workflows()])


@endpoints.post(
    "workflows",
    "Create a workflow",
    status=201,
    also=WRITES,
    errors=(*WRONG, *DVC_ERRORS, OperationInProgressError, AlreadyExistsError),
    idempotent=True,
)
def create_workflow(workspace: Workspace, body: WorkflowDefinition) -> Reply[Workflow]:
    workflow = workspace.workflows.create(body)
    headers = ("workflows", workflow.id)
    return Reply(workflow, location=headers, version=workflow.etag)


@endpoints.post("workflows/validate", "Check a workflow", errors=(*DVC_ERRORS, *NO_WORKFLOW))
def validate(workspace: Workspace, body: ValidateRequest) -> Problems:
    problems = workspace.workflows.validate(body.path, body.text)
    return Problems(problems=problems)


@endpoints.post(
    "workflows/columns",
    "Get the columns of the tables at a node's inputs, before it runs",
    errors=(*DVC_ERRORS, *NO_WORKFLOW),
)
def get_columns(workspace: Workspace, body: NodeColumnsRequest) -> NodeColumns:
    return workspace.workflows.columns(body)


@endpoints.post(
    "workflows/checks",
    "Learn the rules of a data check from the table at a node's input",
    also=[("read", "contents")],
    errors=(*DVC_ERRORS, *NO_WORKFLOW, PreviewError),
)
def learn_checks(workspace: Workspace, body: NodeColumnsRequest) -> LearnedChecks:
    return workspace.workflows.learned_checks(body)


@endpoints.post(
    "workflows/table",
    "Describe the columns of a table file, and propose what to predict",
    also=[("read", "contents")],
    errors=(*WRONG, *NO_WORKFLOW, PreviewError),
)
def profile_table(workspace: Workspace, body: TableProfileRequest) -> TableProfile:
    return workspace.workflows.profile_table(body)


@endpoints.post(
    "workflows/source",
    "Describe the columns of the table that a node loads",
    also=[("read", "contents")],
    errors=(*DVC_ERRORS, *NO_WORKFLOW, PreviewError),
)
def profile_source(workspace: Workspace, body: NodeColumnsRequest) -> SourceProfile:
    return workspace.workflows.profile_source(body)


@endpoints.post(
    "workflows/query",
    "Preview the query of a node that loads from a database; changes nothing in it",
    also=[("execute", "kernels"), ("read", "contents")],
    errors=(*DVC_ERRORS, *NO_WORKFLOW, PreviewError),
)
def preview_query(workspace: Workspace, body: NodeColumnsRequest) -> Preview:
    return workspace.workflows.preview_query(body)


@endpoints.post(
    "workflows/import",
    "Import an Elyra pipeline, a notebook or a definition as a workflow",
    status=201,
    also=[("read", "contents"), ("write", "contents")],
    errors=(
        *WRONG,
        *DVC_ERRORS,
        OperationInProgressError,
        ImportFailedError,
        WorkflowItemNotFoundError,
        AlreadyExistsError,
    ),
    idempotent=True,
    dry_status=200,
)
def import_workflow(workspace: Workspace, body: ImportRequest) -> Reply[Imported]:
    result = workspace.workflows.import_file(body)
    if body.dry_run:
        return Reply(result, 200)
    workflow = result.workflow
    return Reply(result, location=("workflows", workflow.id), version=workflow.etag)


@endpoints.get(
    "workflows/{workflow}",
    "Get a workflow as a graph",
    shared=True,
    errors=(*DVC_ERRORS, *NO_WORKFLOW),
)
def get_workflow(workspace: Workspace, identifier: str) -> Reply[Workflow]:
    workflow = workspace.workflows.get(unescape(identifier))
    return Reply(workflow, version=workflow.etag)


@endpoints.put(
    "workflows/{workflow}",
    "Change a workflow: its nodes and edges, or the text of its file",
    also=WRITES,
    errors=(
        *WRONG,
        *DVC_ERRORS,
        OperationInProgressError,
        WorkflowRunningError,
        WorkflowChangedError,
        WorkflowItemNotFoundError,
    ),
    headers=IF_MATCH,
)
def change_workflow(
    workspace: Workspace, identifier: str, body: WorkflowChange, context: Context
) -> Reply[Workflow]:
    expected_etags = context.expected_versions()
    workflow = workspace.workflows.change(unescape(identifier), body, expected_etags)
    return Reply(workflow, version=workflow.etag)


@endpoints.delete(
    "workflows/{workflow}",
    "Delete a workflow's file; its results are kept",
    also=WRITES,
    errors=(*NO_WORKFLOW, OperationInProgressError, WorkflowRunningError),
)
def delete_workflow(workspace: Workspace, identifier: str) -> Removed:
    return workspace.workflows.remove(unescape(identifier))


@endpoints.get(
    "workflows/{workflow}/plan",
    "Plan a run: what would run, and why",
    shared=True,
    errors=(*WRONG, *DVC_ERRORS, WorkflowItemNotFoundError),
)
def plan_run(workspace: Workspace, identifier: str, query: PlanQuery) -> Plan:
    return workspace.workflows.plan(unescape(identifier), query)


@endpoints.post(
    "workflows/{workflow}/plan",
    "Plan a run of a workflow's text that is not saved yet; nothing is written",
    errors=(*WRONG, *DVC_ERRORS, WorkflowItemNotFoundError),
)
def plan_draft(workspace: Workspace, identifier: str, body: PlanRequest) -> Plan:
    return workspace.workflows.plan(unescape(identifier), body, body.text)


@endpoints.get(
    "workflows/{workflow}/script",
    "Export a workflow as a Python script",
    errors=(*WRONG, *DVC_ERRORS, WorkflowItemNotFoundError),
)
def export_script(workspace: Workspace, identifier: str) -> Script:
    return workspace.workflows.script(unescape(identifier))


@endpoints.get(
    "workflows/{workflow}/sweeps",
    "List a workflow's sweeps, with variants ranked by a metric",
    errors=(*DVC_ERRORS, *NO_WORKFLOW, MetricMissingError),
)
def list_sweeps(workspace: Workspace, identifier: str, query: SweepsQuery) -> Reply[Sweeps]:
    sweeps = workspace.workflows.sweeps.list(unescape(identifier), query)
    return Reply(sweeps, version=sweeps.etag)


@endpoints.post(
    "workflows/{workflow}/sweeps/{sweep}/promote",
    "Replace a sweep with its best variant, or with the specified one",
    also=WRITES,
    errors=(
        *WRONG,
        *DVC_ERRORS,
        OperationInProgressError,
        WorkflowRunningError,
        MetricMissingError,
        PromotionError,
        WorkflowChangedError,
        WorkflowItemNotFoundError,
    ),
    headers=IF_MATCH,
)
def promote_variant(
    workspace: Workspace, identifier: str, name: str, body: PromoteRequest, context: Context
) -> Reply[Promoted]:
    expected_etags = context.expected_versions()
    result = workspace.workflows.sweeps.promote(unescape(identifier), name, body, expected_etags)
    return Reply(result, version=result.etag)


@endpoints.post(
    "workflows/{workflow}/execute",
    "Run a workflow",
    status=202,
    also=EXECUTES,
    errors=STARTS,
    idempotent=True,
)
def execute(workspace: Workspace, identifier: str, body: ExecuteRequest) -> Reply[Run]:
    from jupyter_mlws.workflows.journal.store import RunRequest

    request = RunRequest(**dict(body))
    return _started(workspace.runs.execute(unescape(identifier), request))


@endpoints.get(
    "workflows/{workflow}/status",
    "Get the latest run, or a specific one",
    shared=True,
    errors=(WorkflowItemNotFoundError,),
)
def get_latest_run(workspace: Workspace, identifier: str, query: RunQuery) -> Run:
    return Run(**workspace.runs.status(unescape(identifier), query.run))


@endpoints.get(
    "workflows/{workflow}/runs",
    "List a workflow's runs",
    shared=True,
    errors=(WorkflowItemNotFoundError,),
)
def list_runs(workspace: Workspace, identifier: str, query: PageQuery) -> Page[RunSummary]:
    rows, cursor = workspace.runs.summaries(unescape(identifier), query.limit, query.cursor)
    return Page(items=[RunSummary(**row) for row in rows], next_cursor=cursor)


@endpoints.get("workflows/{workflow}/runs/{run}", "Get a run", errors=(WorkflowItemNotFoundError,))
def get_run(workspace: Workspace, identifier: str, run: str) -> Run:
    return Run(**workspace.runs.status(unescape(identifier), run))


@endpoints.post(
    "workflows/{workflow}/runs/{run}/cancel",
    "Cancel a run",
    status=202,
    also=[("execute", "kernels")],
    errors=(WorkflowItemNotFoundError,),
)
def cancel_run(workspace: Workspace, identifier: str, run: str) -> Run:
    return Run(**workspace.runs.cancel(unescape(identifier), run))


@endpoints.post(
    "workflows/{workflow}/runs/{run}/resume",
    "Resume a run",
    status=202,
    also=EXECUTES,
    errors=STARTS,
    idempotent=True,
)
def resume_run(
    workspace: Workspace, identifier: str, run: str, body: ContinueRequest
) -> Reply[Run]:
    return _started(workspace.runs.resume(unescape(identifier), run, pull=body.pull))


@endpoints.post(
    "workflows/{workflow}/runs/{run}/nodes/{node}/retry",
    "Retry a node",
    status=202,
    also=EXECUTES,
    errors=STARTS,
    idempotent=True,
)
def retry_node(
    workspace: Workspace, identifier: str, run: str, node: str, body: ContinueRequest
) -> Reply[Run]:
    return _started(workspace.runs.retry(unescape(identifier), run, node, pull=body.pull))


@endpoints.post(
    "workflows/{workflow}/runs/{run}/nodes/{node}/skip",
    "Skip a node",
    status=202,
    also=EXECUTES,
    errors=STARTS,
    idempotent=True,
)
def skip_node(
    workspace: Workspace, identifier: str, run: str, node: str, body: ContinueRequest
) -> Reply[Run]:
    return _started(workspace.runs.skip(unescape(identifier), run, node, pull=body.pull))


@endpoints.post(
    "workflows/{workflow}/runs/{run}/nodes/{node}/notebook",
    "Create a notebook that debugs a node of a run with its exact inputs",
    also=[("read", "contents"), ("write", "contents")],
    errors=(*DVC_ERRORS, *NO_WORKFLOW),
)
def create_debug_notebook(
    workspace: Workspace, identifier: str, run: str, node: str, context: Context
) -> WrittenNotebook:
    return workspace.workflows.debug(unescape(identifier), run, node, context.language)


@endpoints.get(
    "workflows/{workflow}/results",
    "Summarize the newest result of every node",
    also=[("read", "contents")],
    shared=True,
    errors=(*DVC_ERRORS, *NO_WORKFLOW),
)
def list_results(workspace: Workspace, identifier: str) -> WorkflowResults:
    return workspace.workflows.summaries.list(unescape(identifier))


@endpoints.get(
    "workflows/{workflow}/runs/{run}/nodes/{node}/log",
    "Read a node's log",
    errors=(WorkflowItemNotFoundError,),
)
def read_log(workspace: Workspace, identifier: str, run: str, node: str, query: LogQuery) -> Log:
    return workspace.workflows.results.log(unescape(identifier), run, node, query.offset)


@endpoints.get(
    "workflows/{workflow}/runs/{run}/nodes/{node}/outputs",
    "List a node's outputs",
    errors=(*DVC_ERRORS, *NO_WORKFLOW),
)
def list_outputs(workspace: Workspace, identifier: str, run: str, node: str) -> Page[Output]:
    outputs = workspace.workflows.results.outputs(unescape(identifier), run, node)
    return Page(items=outputs)


@endpoints.get(
    "workflows/{workflow}/runs/{run}/nodes/{node}/outputs/{output}/preview",
    "Preview an output",
    also=[("read", "contents")],
    errors=(*DVC_ERRORS, *NO_WORKFLOW, PreviewError),
)
def preview_output(
    workspace: Workspace, identifier: str, run: str, node: str, port: str
) -> Preview:
    return workspace.workflows.results.preview(unescape(identifier), run, node, port)


@endpoints.post(
    "workflows/{workflow}/runs/{run}/nodes/{node}/outputs/{output}/table",
    "Read rows of a table, filtered and sorted",
    also=[("read", "contents")],
    errors=(*DVC_ERRORS, *NO_WORKFLOW, PreviewError),
)
def read_table(
    workspace: Workspace, identifier: str, run: str, node: str, port: str, body: TableRequest
) -> TablePage:
    return workspace.workflows.results.table(unescape(identifier), run, node, port, body)


@endpoints.post(
    "workflows/{workflow}/runs/{run}/nodes/{node}/outputs/{output}/statistics",
    "Describe a column of a table",
    also=[("read", "contents")],
    errors=(*DVC_ERRORS, *NO_WORKFLOW, PreviewError),
)
def describe_column(
    workspace: Workspace, identifier: str, run: str, node: str, port: str, body: ColumnRequest
) -> ColumnStatistics:
    return workspace.workflows.results.statistics(unescape(identifier), run, node, port, body)


@endpoints.get(
    "workflows/{workflow}/runs/{run}/text",
    "Get the text of a workflow as a run read it",
    errors=(*NO_WORKFLOW,),
)
def get_run_text(workspace: Workspace, identifier: str, run: str) -> RunText:
    return workspace.workflows.run_text(unescape(identifier), run)


@endpoints.get(
    "workflows/{workflow}/runs/{run}/results",
    "Summarize every node's result as of a run",
    also=[("read", "contents")],
    errors=(*DVC_ERRORS, *NO_WORKFLOW),
)
def list_results_of_run(workspace: Workspace, identifier: str, run: str) -> WorkflowResults:
    return workspace.workflows.summaries.list_of_run(unescape(identifier), run)


@endpoints.get(
    "workflows/{workflow}/runs/{run}/comparison",
    "Compare a run with the one before: settings and metrics",
    also=[("read", "contents")],
    errors=(*DVC_ERRORS, *NO_WORKFLOW),
)
def compare_run(workspace: Workspace, identifier: str, run: str) -> RunComparison:
    return workspace.workflows.comparer.compare(unescape(identifier), run)


@endpoints.get(
    "workflows/{workflow}/runs/{run}/environments",
    "Get the environments that the nodes of a run ran in, and what changed since another run",
    errors=(*DVC_ERRORS, *NO_WORKFLOW),
)
def read_environments(
    workspace: Workspace, identifier: str, run: str, query: EnvironmentQuery
) -> RunEnvironments:
    path = unescape(identifier)
    return workspace.workflows.comparer.environments(path, run, query.previous)


def _started(state: dict[str, Any]) -> Reply[Run]:
    run = Run(**state)
    return Reply(run, location=("workflows", run.workflow, "runs", run.id))
