"""Endpoints of notebooks and their executions, and the stream of a notebook's output."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from jupyter_mlws.api.registry import WRITES, Context, Endpoints, Reply
from jupyter_mlws.api.rest import in_thread
from jupyter_mlws.core.errors import (
    AlreadyExistsError,
    CodeBlockedError,
    CodeCheckError,
    CodeFailedError,
    ContainerForbiddenError,
    ContainerNotFoundError,
    ExecutionCanceledError,
    ExecutionTimeoutError,
    KernelBusyError,
    KernelDiedError,
    KernelStartError,
    NotebookItemNotFoundError,
    NotebookSaveError,
    NotebookUnreadableError,
    OutOfMemoryError,
    VariableError,
)
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.environments.models import EnvironmentRecord
from jupyter_mlws.notebooks.messages import NOTEBOOK_MESSAGES
from jupyter_mlws.notebooks.models import (
    Attachment,
    AttachRequest,
    CellExecuteRequest,
    CellFailure,
    Execution,
    ExecutionQuery,
    ExecutionResult,
    ExecutionStatus,
    InputRequest,
    LimitsRequest,
    Needs,
    Notebook,
    NotebookCreate,
    NotebookDetail,
    NotebookPage,
    NotebookQuery,
    Similar,
    StaleNotebook,
    StaleQuery,
    StatusReport,
    VariableColumnRequest,
    VariableItems,
    VariableItemsRequest,
    Variables,
    VariableTablePage,
    VariableTableRequest,
)
from jupyter_mlws.server.handlers import StreamHandler
from jupyter_mlws.server.services import Services
from jupyter_mlws.workflows.models import ColumnStatistics
from mlws.core.errors import OutsideWorkspaceError, ProjectNotFoundError

FAILURES = (
    KernelDiedError,
    KernelStartError,
    CodeCheckError,
    ExecutionTimeoutError,
    CodeFailedError,
    OutOfMemoryError,
    ExecutionCanceledError,
    CodeBlockedError,
)
"""Errors of an execution."""
OUTPUT_MESSAGE_TYPES = ("output", "clear", "update")
"""Messages about the output of code."""

endpoints = Endpoints(
    "notebooks",
    (
        NotebookSaveError,
        NotebookItemNotFoundError,
        NotebookUnreadableError,
        OutsideWorkspaceError,
        ProjectNotFoundError,
    ),
)


@endpoints.get("notebooks", "List notebooks", also=[("read", "contents")])
async def list_notebooks(services: Services, query: NotebookQuery) -> NotebookPage:
    if query.path is not None:
        return await services.notebooks.at(query.path)
    return await services.notebooks.list(query.limit, query.cursor)


@endpoints.post(
    "notebooks",
    "Create a notebook",
    status=201,
    also=WRITES,
    errors=(ContainerForbiddenError, ContainerNotFoundError, AlreadyExistsError),
    idempotent=True,
)
async def create_notebook(services: Services, body: NotebookCreate) -> Reply[Notebook]:
    notebook = await services.notebooks.create_notebook(body.container_id, body.path, body.kernel)
    return Reply(notebook, location=("notebooks", notebook.id))


@endpoints.get("notebooks/{notebook}", "Get a notebook with its cells", also=[("read", "contents")])
async def get_notebook(services: Services, identifier: str) -> NotebookDetail:
    return await services.notebooks.get(identifier)


@endpoints.delete(
    "notebooks/{notebook}",
    "Delete a notebook and stop its session",
    also=[("write", "contents"), ("write", "kernels")],
)
async def delete_notebook(services: Services, identifier: str) -> None:
    await services.notebooks.delete(identifier)


@endpoints.post(
    "notebooks/{notebook}/execute",
    "Run code or cells; with `wait: false`, respond with 202 and the execution's Location",
    reply=ExecutionResult,
    also=[("execute", "kernels")],
    errors=FAILURES,
    idempotent=True,
)
async def execute(
    services: Services, identifier: str, body: CellExecuteRequest, context: Context
) -> ExecutionResult | Reply[ExecutionResult]:
    if body.saves:
        await context.permit(("write", "contents"))
    job = await (await services.notebooks.runtime(identifier)).submit(body)
    if not body.wait:
        where = ("notebooks", identifier, "executions", job.id)
        return Reply(job.result(), 202, where)
    result = await services.notebooks.result(job)
    if result.status is not ExecutionStatus.SUCCESS:
        # The error comes with the results of the cells that ran before it.
        raise (job.error or ExecutionCanceledError(by="stop")).with_facts(result=result)
    return result


@endpoints.get("notebooks/{notebook}/status", "Get kernel, running execution and queue")
async def get_status(services: Services, identifier: str) -> StatusReport:
    return await services.notebooks.status(identifier)


@endpoints.post(
    "notebooks/{notebook}/interrupt", "Interrupt the running execution", also=[("write", "kernels")]
)
async def interrupt(services: Services, identifier: str) -> StatusReport:
    return await services.notebooks.interrupt(identifier)


@endpoints.post(
    "notebooks/{notebook}/restart",
    "Restart the kernel; running and queued executions are canceled",
    also=[("write", "kernels")],
    errors=(KernelStartError,),
)
async def restart(services: Services, identifier: str) -> StatusReport:
    return await services.notebooks.restart(identifier)


@endpoints.post(
    "notebooks/{notebook}/input",
    "Answer an input request of the running code (an execution with `stdin`)",
    also=[("execute", "kernels")],
)
async def answer_input(services: Services, identifier: str, body: InputRequest) -> StatusReport:
    return await services.notebooks.answer(identifier, body.value)


@endpoints.post(
    "notebooks/{notebook}/attach",
    "Take over running cells, and outputs that no open tab has received",
    also=[("read", "contents"), ("execute", "kernels")],
)
async def attach(services: Services, identifier: str, body: AttachRequest) -> Attachment:
    return await services.notebooks.attach(identifier, body.session, body.waiting)


@endpoints.get(
    "stale-notebooks",
    "List those of some notebooks whose outputs are not of their code",
    resource="notebooks",
    also=[("read", "contents")],
)
async def list_stale_notebooks(services: Services, query: StaleQuery) -> Page[StaleNotebook]:
    return await services.notebooks.stale(query.path)


@endpoints.get(
    "notebooks/{notebook}/variables",
    "List the variables of the notebook's kernel",
    errors=(KernelStartError,),
    also=[("execute", "kernels")],
)
async def list_variables(services: Services, identifier: str) -> Variables:
    return await services.notebooks.variables.list(identifier)


VARIABLE_ERRORS = (KernelBusyError, KernelStartError, VariableError)


@endpoints.post(
    "notebooks/{notebook}/variables/{variable}/items",
    "Read items of a dictionary, a list or a model in the kernel",
    also=[("execute", "kernels")],
    errors=VARIABLE_ERRORS,
)
async def read_variable_items(
    services: Services, identifier: str, variable: str, body: VariableItemsRequest
) -> VariableItems:
    answer = await services.notebooks.variables.read(identifier, variable, "items", body)
    return VariableItems.model_validate(answer)


@endpoints.post(
    "notebooks/{notebook}/variables/{variable}/table",
    "Read rows of a frame or an array in the kernel, filtered and sorted",
    also=[("execute", "kernels")],
    errors=VARIABLE_ERRORS,
)
async def read_variable_table(
    services: Services, identifier: str, variable: str, body: VariableTableRequest
) -> VariableTablePage:
    answer = await services.notebooks.variables.read(identifier, variable, "table", body)
    return VariableTablePage.model_validate(answer)


@endpoints.post(
    "notebooks/{notebook}/variables/{variable}/statistics",
    "Describe a column of a frame or an array in the kernel",
    also=[("execute", "kernels")],
    errors=VARIABLE_ERRORS,
)
async def describe_variable_column(
    services: Services, identifier: str, variable: str, body: VariableColumnRequest
) -> ColumnStatistics:
    answer = await services.notebooks.variables.read(identifier, variable, "statistics", body)
    return ColumnStatistics.model_validate(answer)


@endpoints.put(
    "notebooks/{notebook}/limits",
    "Set the time limit of cells run in tabs, until the server stops",
    also=[("write", "kernels")],
)
async def set_limits(services: Services, identifier: str, body: LimitsRequest) -> StatusReport:
    return await services.notebooks.set_limits(identifier, body.timeout)


@endpoints.get(
    "notebooks/{notebook}/cells",
    "List the last execution of each cell",
    also=[("read", "contents")],
)
async def list_cells(services: Services, identifier: str) -> Page[Execution]:
    history = await services.notebooks.history(identifier)
    return Page(items=await in_thread(history.newest, identifier))


@endpoints.get(
    "notebooks/{notebook}/cells/{cell}/needs",
    "Get the cells that `up_to` reruns for a cell, from the history",
    also=[("read", "contents")],
)
async def get_needed_cells(services: Services, identifier: str, cell: str) -> Needs:
    runtime = await services.notebooks.runtime(identifier)
    return Needs(cells=await runtime.needs(cell))


@endpoints.get(
    "notebooks/{notebook}/errors",
    "List the cells that failed when they last ran, with similar earlier failures",
    also=[("read", "contents")],
)
async def list_failures(services: Services, identifier: str) -> Page[CellFailure]:
    history = await services.notebooks.history(identifier)
    return Page(items=await in_thread(history.failures, identifier))


@endpoints.get(
    "notebooks/{notebook}/executions",
    "List the executions, newest first",
    also=[("read", "contents")],
)
async def list_executions(
    services: Services, identifier: str, query: ExecutionQuery
) -> Page[Execution]:
    history = await services.notebooks.history(identifier)
    items, more = await in_thread(history.page, identifier, query)
    return Page(items=items, next_cursor=more)


@endpoints.get(
    "notebooks/{notebook}/executions/{execution}/similar",
    "List similar earlier failures, and the changes that fixed them",
    also=[("read", "contents")],
)
async def list_similar_failures(
    services: Services, identifier: str, execution: str
) -> Page[Similar]:
    history = await services.notebooks.history(identifier)
    failure = await in_thread(history.one, identifier, execution)
    return Page(items=await in_thread(history.similar, failure))


@endpoints.get(
    "notebooks/{notebook}/executions/{execution}/environment",
    "Get the environment that an execution ran in",
)
async def get_environment(services: Services, identifier: str, execution: str) -> EnvironmentRecord:
    history = await services.notebooks.history(identifier)
    environment = await in_thread(history.environment, identifier, execution)
    if environment is None:
        raise NotebookItemNotFoundError(kind="environment", name=execution)
    return EnvironmentRecord.from_object(environment)


@endpoints.get(
    "notebooks/{notebook}/executions/{execution}",
    "Get the result or the status of an execution",
    also=[("read", "contents")],
)
async def get_execution(services: Services, identifier: str, call: str) -> ExecutionResult:
    return await services.notebooks.execution(identifier, call)


class OutputStream(StreamHandler):
    """Outputs, executions and states of one notebook, in order."""

    resource = "notebooks"
    messages = NOTEBOOK_MESSAGES

    async def permit(self, *also: tuple[str, str]) -> None:
        await super().permit(("read", "contents"), *also)

    async def attach(self, *ids: str) -> None:
        self.ring = (await self.services.notebooks.runtime(ids[0])).stream

    async def newest(self) -> int:
        return self.ring.seq

    async def follow(self, since: int) -> AsyncIterator[dict[str, Any]]:
        """Yield all messages; without those about output for ``?outputs=false``."""
        silent = self.get_query_argument("outputs", "true") == "false"
        async with aclosing(self.ring.follow(since)) as messages:  # type: ignore[type-var]
            async for message in messages:
                if not (silent and message["type"] in OUTPUT_MESSAGE_TYPES):
                    yield message
