"""Endpoints of notebooks and their executions, and the stream of their output."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from jupyter_mlws.api.base import APIHandler, StreamHandler
from jupyter_mlws.api.rest import Reply, endpoint, location
from jupyter_mlws.core.errors import (
    AlreadyExistsError,
    CodeBlockedError,
    CodeCheckError,
    CodeFailedError,
    ContainerForbiddenError,
    ContainerNotFoundError,
    ExecutionCanceledError,
    ExecutionTimeoutError,
    KernelDiedError,
    KernelStartError,
    MLWSError,
    NotebookItemNotFoundError,
    NotebookSaveError,
    NotebookUnreadableError,
    OutOfMemoryError,
    OutsideWorkspaceError,
    ProjectNotFoundError,
)
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.notebooks.manager import NotebookManager
from jupyter_mlws.notebooks.models import (
    ExecuteRequest,
    Execution,
    ExecutionQuery,
    ExecutionResult,
    ExecutionStatus,
    Failure,
    InputRequest,
    LimitsRequest,
    Needs,
    Notebook,
    NotebookCreate,
    NotebookDetail,
    NotebookPage,
    NotebookQuery,
    Similar,
    StatusReport,
)

WRITTEN = ("output", "clear", "update")
"""Messages about what code wrote."""
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
"""Codes that an execution may end with."""


class NotebooksBase(APIHandler):
    """Base of the handlers here."""

    resource = "notebooks"
    errors = (
        NotebookSaveError,
        NotebookItemNotFoundError,
        NotebookUnreadableError,
        OutsideWorkspaceError,
        ProjectNotFoundError,
    )

    @property
    def notebooks(self) -> NotebookManager:
        """The server's one manager."""
        return self.services.notebooks


class NotebooksHandler(NotebooksBase):
    """All notebooks below the server's root."""

    @endpoint("List notebooks", NotebookPage, query=NotebookQuery, also=[("read", "contents")])
    async def get(self, query: NotebookQuery) -> NotebookPage:
        if query.path is not None:
            return await self.notebooks.at(query.path)
        return await self.notebooks.list(query.limit, query.cursor)

    @endpoint(
        "Create a notebook",
        Notebook,
        body=NotebookCreate,
        status=201,
        also=[("write", "contents")],
        errors=(ContainerForbiddenError, ContainerNotFoundError, AlreadyExistsError),
        idempotent=True,
    )
    async def post(self, body: NotebookCreate) -> Reply:
        made = await self.notebooks.create_notebook(body.container_id, body.path, body.kernel)
        return Reply(made, 201, location(self, "notebooks", made.id))


class NotebookHandler(NotebooksBase):
    """One notebook."""

    @endpoint(
        "Get a notebook with its cells",
        NotebookDetail,
        also=[("read", "contents")],
    )
    async def get(self, identifier: str) -> NotebookDetail:
        return await self.notebooks.get(identifier)

    @endpoint(
        "Delete a notebook and stop its session",
        also=[("write", "contents"), ("write", "kernels")],
    )
    async def delete(self, identifier: str) -> None:
        await self.notebooks.delete(identifier)


class ExecuteHandler(NotebooksBase):
    """Executions, begun and (unless `wait` is false) waited for."""

    @endpoint(
        "Run code or cells; with `wait: false`, respond with 202 and the execution's Location",
        ExecutionResult,
        body=ExecuteRequest,
        also=[("execute", "kernels")],
        errors=FAILURES,
        idempotent=True,
    )
    async def post(self, identifier: str, body: ExecuteRequest) -> ExecutionResult | Reply:
        if body.saves:
            await self.permit(("write", "contents"))
        job = await self.notebooks.submit(identifier, body)
        if not body.wait:
            where = location(self, "notebooks", identifier, "executions", job.id)
            return Reply(job.result(), 202, where)
        result = await self.notebooks.result(job)
        if result.status is not ExecutionStatus.SUCCESS:
            raise _failure(job.error, result)
        return result


class StatusHandler(NotebooksBase):
    """What a notebook does now."""

    @endpoint("Get kernel, running execution and queue", StatusReport)
    async def get(self, identifier: str) -> StatusReport:
        return await self.notebooks.status(identifier)


class InterruptHandler(NotebooksBase):
    """Ctrl-C."""

    @endpoint(
        "Interrupt the running execution",
        StatusReport,
        also=[("write", "kernels")],
    )
    async def post(self, identifier: str) -> StatusReport:
        return await self.notebooks.interrupt(identifier)


class RestartHandler(NotebooksBase):
    """A fresh kernel."""

    @endpoint(
        "Restart the kernel; running and queued executions are canceled",
        StatusReport,
        also=[("write", "kernels")],
        errors=(KernelStartError,),
    )
    async def post(self, identifier: str) -> StatusReport:
        return await self.notebooks.restart(identifier)


class ExecutionsHandler(NotebooksBase):
    """The history of a notebook."""

    @endpoint(
        "List the executions, newest first",
        Page[Execution],
        query=ExecutionQuery,
        also=[("read", "contents")],
    )
    async def get(self, identifier: str, query: ExecutionQuery) -> Page[Execution]:
        return await self.notebooks.executions(identifier, query)


class CellsHandler(NotebooksBase):
    """What is known of each cell."""

    @endpoint(
        "List the last execution of each cell",
        Page[Execution],
        also=[("read", "contents")],
    )
    async def get(self, identifier: str) -> Page[Execution]:
        return await self.notebooks.newest(identifier)


class NeedsHandler(NotebooksBase):
    """What a cell needs."""

    @endpoint(
        "Get the cells that `up_to` reruns for a cell, from the history",
        Needs,
        also=[("read", "contents")],
    )
    async def get(self, identifier: str, cell: str) -> Needs:
        return await self.notebooks.needs(identifier, cell)


class ErrorsHandler(NotebooksBase):
    """What is broken."""

    @endpoint(
        "List the cells that failed when they last ran, with similar earlier failures",
        Page[Failure],
        also=[("read", "contents")],
    )
    async def get(self, identifier: str) -> Page[Failure]:
        return await self.notebooks.failures(identifier)


class SimilarHandler(NotebooksBase):
    """What is alike."""

    @endpoint(
        "List similar earlier failures, and the changes that fixed them",
        Page[Similar],
        also=[("read", "contents")],
    )
    async def get(self, identifier: str, execution: str) -> Page[Similar]:
        return await self.notebooks.similar(identifier, execution)


class InputHandler(NotebooksBase):
    """An answer to running code."""

    @endpoint(
        "Answer an input request of the running code (an execution with `stdin`)",
        StatusReport,
        body=InputRequest,
        also=[("execute", "kernels")],
    )
    async def post(self, identifier: str, body: InputRequest) -> StatusReport:
        return await self.notebooks.answer(identifier, body.value)


class LimitsHandler(NotebooksBase):
    """Limits of the cells that tabs run."""

    @endpoint(
        "Set the time limit of cells run in tabs, until the server stops",
        StatusReport,
        body=LimitsRequest,
        also=[("write", "kernels")],
    )
    async def put(self, identifier: str, body: LimitsRequest) -> StatusReport:
        return await self.notebooks.set_limits(identifier, body.timeout)


class ExecutionHandler(NotebooksBase):
    """One call of execute."""

    @endpoint(
        "Get the result or the status of an execution",
        ExecutionResult,
        also=[("read", "contents")],
    )
    async def get(self, identifier: str, call: str) -> ExecutionResult:
        return await self.notebooks.execution(identifier, call)


class OutputStream(StreamHandler):
    """Outputs, executions and states of one notebook, in order."""

    resource = "notebooks"

    async def permit(self, *also: tuple[str, str]) -> None:
        await super().permit(("read", "contents"), *also)

    async def attach(self, *ids: str) -> None:
        self.ring = await self.services.notebooks.stream(ids[0])

    async def newest(self) -> int:
        return self.ring.seq

    async def follow(self, since: int) -> AsyncIterator[dict[str, Any]]:
        """All messages; with ``?outputs=false`` without what was written."""
        silent = self.get_query_argument("outputs", "true") == "false"
        async with aclosing(self.ring.follow(since)) as messages:  # type: ignore[type-var]
            async for message in messages:
                if not (silent and message["type"] in WRITTEN):
                    yield message


def _failure(error: MLWSError | None, result: ExecutionResult) -> MLWSError:
    """The error of a call, with all that it came to until then."""
    return (error or ExecutionCanceledError(by="stop")).with_facts(result=result)


HANDLERS = [
    (r"notebooks", NotebooksHandler),
    (r"notebooks/([^/]+)", NotebookHandler),
    (r"notebooks/([^/]+)/execute", ExecuteHandler),
    (r"notebooks/([^/]+)/status", StatusHandler),
    (r"notebooks/([^/]+)/interrupt", InterruptHandler),
    (r"notebooks/([^/]+)/restart", RestartHandler),
    (r"notebooks/([^/]+)/input", InputHandler),
    (r"notebooks/([^/]+)/limits", LimitsHandler),
    (r"notebooks/([^/]+)/cells", CellsHandler),
    (r"notebooks/([^/]+)/cells/([^/]+)/needs", NeedsHandler),
    (r"notebooks/([^/]+)/errors", ErrorsHandler),
    (r"notebooks/([^/]+)/executions", ExecutionsHandler),
    (r"notebooks/([^/]+)/executions/([^/]+)/similar", SimilarHandler),
    (r"notebooks/([^/]+)/executions/([^/]+)", ExecutionHandler),
    (r"notebooks/([^/]+)/output", OutputStream),
]
