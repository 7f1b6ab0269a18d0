"""Endpoints of workflows, their runs, components, and the stream of their events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from jupyter_mlws.api.base import APIHandler, StreamHandler
from jupyter_mlws.api.rest import Reply, endpoint, in_thread, location
from jupyter_mlws.components.models import Component
from jupyter_mlws.core.errors import (
    AlreadyExistsError,
    DaskNotInstalledError,
    ImportFailedError,
    InvalidConnectionError,
    InvalidExecutorError,
    InvalidRunParameterError,
    MetricMissingError,
    NodeResourcesError,
    OperationInProgressError,
    PreviewError,
    PromotionError,
    WorkflowChangedError,
    WorkflowCycleError,
    WorkflowItemNotFoundError,
    WorkflowProblemsError,
    WorkflowRunningError,
    WorkflowUnreadableError,
)
from jupyter_mlws.core.path_ids import unescape
from jupyter_mlws.core.schemas import Page, PageQuery
from jupyter_mlws.versioning.handling import DVC_ERRORS
from jupyter_mlws.workflows.definition import Removed, WorkflowChange, WorkflowDefinition
from jupyter_mlws.workflows.importers.models import Imported, ImportRequest
from jupyter_mlws.workflows.models import (
    ExecuteRequest,
    Log,
    LogQuery,
    Output,
    Plan,
    PlanQuery,
    Preview,
    Problems,
    Run,
    RunQuery,
    RunSummary,
    Script,
    ValidateRequest,
    Workflow,
    WorkflowSummary,
    WrittenNotebook,
)
from jupyter_mlws.workflows.sweep_models import Promoted, PromoteRequest, Sweeps, SweepsQuery

NO_WORKFLOW = (WorkflowUnreadableError, WorkflowItemNotFoundError)
WRONG = (WorkflowProblemsError, InvalidConnectionError, WorkflowCycleError, WorkflowUnreadableError)
"""What is wrong with a definition."""
IF_MATCH = {
    "If-Match": "The ETag of the GET that the change was made of, or * for any version. Required."
}
EVENTS_AT_ONCE = 500
NET = 5.0
"""Seconds after which the journal is read although no bell rang: the net under the events."""


STARTS = (
    *WRONG,
    *DVC_ERRORS,
    WorkflowItemNotFoundError,
    OperationInProgressError,
    DaskNotInstalledError,
    InvalidExecutorError,
    NodeResourcesError,
    InvalidRunParameterError,
)
"""What keeps a run from starting."""
EXECUTES = [("execute", "kernels"), ("write", "contents")]


class ComponentsHandler(APIHandler):
    """The node library."""

    resource = "components"

    @endpoint("List the components: the library's and the project's own", Page[Component])
    async def get(self) -> Page[Component]:
        workspace = await self.open_workspace(untrusted=True)
        return Page(items=await in_thread(workspace.workflows.components))


class NotebookComponentHandler(APIHandler):
    """A notebook as a component."""

    resource = "components"

    @endpoint(
        "Get the parameters of a notebook: the variables assigned in its cell tagged `parameters`",
        Component,
        also=[("read", "contents")],
        errors=(WorkflowItemNotFoundError,),
    )
    async def get(self, identifier: str) -> Component:
        workspace = await self.open_workspace()
        return await in_thread(workspace.workflows.notebook, unescape(identifier))


class WorkflowsHandler(APIHandler):
    """All workflows."""

    resource = "workflows"

    @endpoint("List the workflows", Page[WorkflowSummary], shared=True)
    async def get(self) -> Page[WorkflowSummary]:
        workspace = await self.open_workspace()
        return Page(items=await in_thread(workspace.workflows.list))

    @endpoint(
        "Create a workflow",
        Workflow,
        body=WorkflowDefinition,
        status=201,
        also=[("write", "contents")],
        errors=(*WRONG, *DVC_ERRORS, OperationInProgressError, AlreadyExistsError),
        idempotent=True,
    )
    async def post(self, body: WorkflowDefinition) -> Reply:
        workspace = await self.open_workspace()
        workflow = await in_thread(workspace.workflows.create, body)
        headers = location(self, "workflows", workflow.id)
        return Reply(workflow, 201, headers, workflow.etag)


class ValidateHandler(APIHandler):
    """Checks of a text that need not be saved."""

    resource = "workflows"

    @endpoint(
        "Check a workflow", Problems, body=ValidateRequest, errors=(*DVC_ERRORS, *NO_WORKFLOW)
    )
    async def post(self, body: ValidateRequest) -> Problems:
        workspace = await self.open_workspace()
        problems = await in_thread(workspace.workflows.validate, body.path, body.text)
        return Problems(problems=problems)


class ImportHandler(APIHandler):
    """Workflows made of other tools' files."""

    resource = "workflows"

    @endpoint(
        "Import an Elyra pipeline, a notebook or a definition as a workflow",
        Imported,
        body=ImportRequest,
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
    async def post(self, body: ImportRequest) -> Reply:
        workspace = await self.open_workspace()
        imported = await in_thread(workspace.workflows.import_file, body)
        if body.dry_run:
            return Reply(imported)
        workflow = imported.workflow
        headers = location(self, "workflows", workflow.id)
        return Reply(imported, 201, headers, workflow.etag)


class WorkflowHandler(APIHandler):
    """One workflow."""

    resource = "workflows"

    @endpoint(
        "Get a workflow as a graph", Workflow, shared=True, errors=(*DVC_ERRORS, *NO_WORKFLOW)
    )
    async def get(self, identifier: str) -> Reply:
        workspace = await self.open_workspace()
        workflow = await in_thread(workspace.workflows.get, unescape(identifier))
        return Reply(workflow, version=workflow.etag)

    @endpoint(
        "Change a workflow: its nodes and edges, or the text of its file",
        Workflow,
        body=WorkflowChange,
        also=[("write", "contents")],
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
    async def put(self, identifier: str, body: WorkflowChange) -> Reply:
        seen = self.versions()
        workspace = await self.open_workspace()
        workflow = await in_thread(workspace.workflows.change, unescape(identifier), body, seen)
        return Reply(workflow, version=workflow.etag)

    @endpoint(
        "Delete a workflow's file; its results are kept",
        Removed,
        also=[("write", "contents")],
        errors=(*NO_WORKFLOW, OperationInProgressError, WorkflowRunningError),
    )
    async def delete(self, identifier: str) -> Removed:
        workspace = await self.open_workspace()
        return await in_thread(workspace.workflows.remove, unescape(identifier))


class PlanHandler(APIHandler):
    """What a run would do."""

    resource = "workflows"

    @endpoint(
        "Plan a run: what would run, and why",
        Plan,
        query=PlanQuery,
        shared=True,
        errors=(*WRONG, *DVC_ERRORS, WorkflowItemNotFoundError),
    )
    async def get(self, identifier: str, query: PlanQuery) -> Plan:
        workspace = await self.open_workspace()
        return await in_thread(workspace.workflows.plan, unescape(identifier), query)


class ScriptHandler(APIHandler):
    """A workflow as a program."""

    resource = "workflows"

    @endpoint(
        "Export a workflow as a Python script",
        Script,
        errors=(*WRONG, *DVC_ERRORS, WorkflowItemNotFoundError),
    )
    async def get(self, identifier: str) -> Script:
        workspace = await self.open_workspace()
        return await in_thread(workspace.workflows.script, unescape(identifier))


class SweepsHandler(APIHandler):
    """Stages that generate variants."""

    resource = "workflows"

    @endpoint(
        "List a workflow's sweeps, with variants ranked by a metric",
        Sweeps,
        query=SweepsQuery,
        errors=(*DVC_ERRORS, *NO_WORKFLOW, MetricMissingError),
    )
    async def get(self, identifier: str, query: SweepsQuery) -> Reply:
        workspace = await self.open_workspace()
        sweeps = await in_thread(workspace.workflows.sweeps, unescape(identifier), query)
        return Reply(sweeps, version=sweeps.etag)


class PromoteHandler(APIHandler):
    """A sweep that becomes one of its variants."""

    resource = "workflows"

    @endpoint(
        "Replace a sweep with its best variant, or with the specified one",
        Promoted,
        body=PromoteRequest,
        also=[("write", "contents")],
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
    async def post(self, identifier: str, name: str, body: PromoteRequest) -> Reply:
        seen = self.versions()
        workspace = await self.open_workspace()
        promoted = await in_thread(
            workspace.workflows.promote, unescape(identifier), name, body, seen
        )
        return Reply(promoted, version=promoted.etag)


class ExecuteHandler(APIHandler):
    """Runs of a workflow, begun."""

    resource = "workflows"

    @endpoint(
        "Run a workflow",
        Run,
        body=ExecuteRequest,
        status=202,
        also=EXECUTES,
        errors=STARTS,
        idempotent=True,
    )
    async def post(self, identifier: str, body: ExecuteRequest) -> Reply:
        workspace = await self.open_workspace()
        run = await in_thread(workspace.workflows.execute, unescape(identifier), body)
        return _begun(self, run)


class StatusHandler(APIHandler):
    """The newest run, or a given one."""

    resource = "workflows"

    @endpoint(
        "Get the latest run, or a specific one",
        Run,
        query=RunQuery,
        shared=True,
        errors=(WorkflowItemNotFoundError,),
    )
    async def get(self, identifier: str, query: RunQuery) -> Run:
        workspace = await self.open_workspace()
        return await in_thread(
            workspace.workflows.status, unescape(identifier), query.run or "latest"
        )


class RunsHandler(APIHandler):
    """The runs of one workflow."""

    resource = "workflows"

    @endpoint(
        "List a workflow's runs",
        Page[RunSummary],
        query=PageQuery,
        shared=True,
        errors=(WorkflowItemNotFoundError,),
    )
    async def get(self, identifier: str, query: PageQuery) -> Page[RunSummary]:
        workspace = await self.open_workspace()
        return await in_thread(
            workspace.workflows.runs,
            unescape(identifier),
            query.limit,
            query.cursor,
        )


class RunHandler(APIHandler):
    """One run."""

    resource = "workflows"

    @endpoint("Get a run", Run, errors=(WorkflowItemNotFoundError,))
    async def get(self, identifier: str, run: str) -> Run:
        workspace = await self.open_workspace()
        return await in_thread(workspace.workflows.status, unescape(identifier), run)


class CancelHandler(APIHandler):
    """A run's end, asked for."""

    resource = "workflows"

    @endpoint(
        "Cancel a run",
        Run,
        status=202,
        also=[("execute", "kernels")],
        errors=(WorkflowItemNotFoundError,),
    )
    async def post(self, identifier: str, run: str) -> Run:
        workspace = await self.open_workspace()
        return await in_thread(workspace.workflows.cancel, unescape(identifier), run)


class ResumeHandler(APIHandler):
    """What a run left undone."""

    resource = "workflows"

    @endpoint("Resume a run", Run, status=202, also=EXECUTES, errors=STARTS, idempotent=True)
    async def post(self, identifier: str, run: str) -> Reply:
        workspace = await self.open_workspace()
        begun = await in_thread(workspace.workflows.resume, unescape(identifier), run)
        return _begun(self, begun)


class RetryHandler(APIHandler):
    """A node of a run, and what depends on it, once more."""

    resource = "workflows"

    @endpoint("Retry a node", Run, status=202, also=EXECUTES, errors=STARTS, idempotent=True)
    async def post(self, identifier: str, run: str, node: str) -> Reply:
        workspace = await self.open_workspace()
        begun = await in_thread(workspace.workflows.retry, unescape(identifier), run, node)
        return _begun(self, begun)


class SkipHandler(APIHandler):
    """What depends on a node of a run, without the node."""

    resource = "workflows"

    @endpoint("Skip a node", Run, status=202, also=EXECUTES, errors=STARTS, idempotent=True)
    async def post(self, identifier: str, run: str, node: str) -> Reply:
        workspace = await self.open_workspace()
        begun = await in_thread(workspace.workflows.skip, unescape(identifier), run, node)
        return _begun(self, begun)


def _begun(handler: APIHandler, run: Run) -> Reply:
    return Reply(run, 202, location(handler, "workflows", run.workflow, "runs", run.id))


class NotebookHandler(APIHandler):
    """A node of a run as a notebook."""

    resource = "workflows"

    @endpoint(
        "Create a notebook that debugs a node of a run with its exact inputs",
        WrittenNotebook,
        also=[("read", "contents"), ("write", "contents")],
        errors=(*DVC_ERRORS, *NO_WORKFLOW),
    )
    async def post(self, identifier: str, run: str, node: str) -> WrittenNotebook:
        workspace = await self.open_workspace()
        return await in_thread(
            workspace.workflows.debug, unescape(identifier), run, node, self.language
        )


class LogHandler(APIHandler):
    """What a node printed."""

    resource = "workflows"

    @endpoint("Read a node's log", Log, query=LogQuery, errors=(WorkflowItemNotFoundError,))
    async def get(self, identifier: str, run: str, node: str, query: LogQuery) -> Log:
        workspace = await self.open_workspace()
        return await in_thread(
            workspace.workflows.log, unescape(identifier), run, node, query.offset
        )


class OutputsHandler(APIHandler):
    """The files that a node made."""

    resource = "workflows"

    @endpoint("List a node's outputs", Page[Output], errors=(*DVC_ERRORS, *NO_WORKFLOW))
    async def get(self, identifier: str, run: str, node: str) -> Page[Output]:
        workspace = await self.open_workspace()
        outputs = await in_thread(workspace.workflows.outputs, unescape(identifier), run, node)
        return Page(items=outputs)


class PreviewHandler(APIHandler):
    """What an output looks like."""

    resource = "workflows"

    @endpoint(
        "Preview an output",
        Preview,
        also=[("read", "contents")],
        errors=(*DVC_ERRORS, *NO_WORKFLOW, PreviewError),
    )
    async def get(self, identifier: str, run: str, node: str, port: str) -> Preview:
        workspace = await self.open_workspace()
        return await in_thread(workspace.workflows.preview, unescape(identifier), run, node, port)


class WorkflowStream(StreamHandler):
    """Events of all runs of the project, whoever started them; replayed from the journal."""

    resource = "workflows"

    async def attach(self, *ids: str) -> None:
        self.workspace = await self.open_workspace()
        self.watcher = self.services.watchers.of(self.workspace.project)

    async def newest(self) -> int:
        return await in_thread(self.workspace.workflows.last_seq)

    async def follow(self, since: int) -> AsyncIterator[dict[str, Any]]:
        workflows = self.workspace.workflows
        newest = await in_thread(workflows.last_seq)
        if since > newest:
            # A number of a journal that was deleted: everything must be fetched anew.
            yield {"seq": newest, "type": "reset"}
            since = newest
        while True:
            bell = self.watcher.bell()
            events = await self.watcher.read_once(workflows.events_after, since, EVENTS_AT_ONCE)
            for event in events:
                yield event
                since = event["seq"]
            if len(events) < EVENTS_AT_ONCE and not await _heard(bell):
                # A run whose process was killed rings no bell; somebody has to look.
                await self.watcher.read_once(workflows.reconcile)


async def _heard(bell: asyncio.Event) -> bool:
    """Whether the bell rang; without, the journal is read all the same, only later."""
    try:
        await asyncio.wait_for(bell.wait(), NET)
    except asyncio.TimeoutError:
        return False
    return True


RUN = r"workflows/([^/]+)/runs/([^/]+)"
HANDLERS = [
    (r"components", ComponentsHandler),
    (r"components/notebooks/([^/]+)", NotebookComponentHandler),
    (r"workflows", WorkflowsHandler),
    (r"workflows/status", WorkflowStream),
    (r"workflows/validate", ValidateHandler),
    (r"workflows/import", ImportHandler),
    (r"workflows/([^/]+)", WorkflowHandler),
    (r"workflows/([^/]+)/plan", PlanHandler),
    (r"workflows/([^/]+)/script", ScriptHandler),
    (r"workflows/([^/]+)/sweeps", SweepsHandler),
    (r"workflows/([^/]+)/sweeps/([^/]+)/promote", PromoteHandler),
    (r"workflows/([^/]+)/execute", ExecuteHandler),
    (r"workflows/([^/]+)/status", StatusHandler),
    (r"workflows/([^/]+)/runs", RunsHandler),
    (RUN, RunHandler),
    (rf"{RUN}/cancel", CancelHandler),
    (rf"{RUN}/resume", ResumeHandler),
    (rf"{RUN}/nodes/([^/]+)/retry", RetryHandler),
    (rf"{RUN}/nodes/([^/]+)/skip", SkipHandler),
    (rf"{RUN}/nodes/([^/]+)/notebook", NotebookHandler),
    (rf"{RUN}/nodes/([^/]+)/log", LogHandler),
    (rf"{RUN}/nodes/([^/]+)/outputs", OutputsHandler),
    (rf"{RUN}/nodes/([^/]+)/outputs/([^/]+)/preview", PreviewHandler),
]
