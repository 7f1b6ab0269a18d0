"""Endpoints of notebooks and their executions, and the stream of their output."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from jupyter_mlws.api.base import APIHandler, StreamHandler
from jupyter_mlws.api.models import Page, PageQuery
from jupyter_mlws.api.rest import Reply, endpoint, location, to_json
from jupyter_mlws.errors import MLWSError
from jupyter_mlws.notebooks.manager import NotebookManager
from jupyter_mlws.notebooks.models import (
    ExecuteRequest,
    Execution,
    ExecutionResult,
    ExecutionStatus,
    Notebook,
    NotebookCreate,
    NotebookDetail,
    NotebookPage,
    StatusReport,
)

NO_NOTEBOOK = ("20401", "20402", "50302")
FAILURES = ("20101", "20102", "20201", "20202", "20203", "20204")
"""Codes that an execution may end with."""


class NotebooksBase(APIHandler):
    """Base of the handlers here."""

    resource = "notebooks"

    @property
    def notebooks(self) -> NotebookManager:
        """The server's one manager."""
        return self.services.notebooks


class NotebooksHandler(NotebooksBase):
    """All notebooks below the server's root."""

    @endpoint("List notebooks", NotebookPage, query=PageQuery, also=[("read", "contents")])
    async def get(self, query: PageQuery) -> NotebookPage:
        return await self.notebooks.list(query.limit, query.cursor)

    @endpoint(
        "Create a notebook",
        Notebook,
        body=NotebookCreate,
        status=201,
        also=[("write", "contents")],
        errors=("10301", "10404", "20104", "50203", "50302"),
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
        errors=NO_NOTEBOOK,
    )
    async def get(self, identifier: str) -> NotebookDetail:
        return await self.notebooks.get(identifier)

    @endpoint(
        "Delete a notebook and end its session",
        also=[("write", "contents"), ("write", "kernels")],
        errors=("20104", "20401", "50302"),
    )
    async def delete(self, identifier: str) -> None:
        await self.notebooks.delete(identifier)


class ExecuteHandler(NotebooksBase):
    """Executions, begun and (unless `wait` is false) waited for."""

    @endpoint(
        "Run code or cells; with `wait: false` the answer is 202 and Location tells what to follow",
        ExecutionResult,
        body=ExecuteRequest,
        also=[("execute", "kernels")],
        errors=(*NO_NOTEBOOK, *FAILURES),
        idempotent=True,
    )
    async def post(self, identifier: str, body: ExecuteRequest) -> ExecutionResult | Reply:
        if body.saves:
            await self.permit(("write", "contents"))
        job = await self.notebooks.submit(identifier, body)
        if not body.wait:
            where = location(self, "notebooks", identifier, "executions", job.id)
            return Reply(job.result(self.language), 202, where)
        result = await self.notebooks.result(job, self.language)
        if result.status is not ExecutionStatus.SUCCESS:
            raise _failure(job.error, result)
        return result


class StatusHandler(NotebooksBase):
    """What a notebook does now."""

    @endpoint("Get kernel, running execution and queue", StatusReport, errors=("20401", "50302"))
    async def get(self, identifier: str) -> StatusReport:
        return await self.notebooks.status(identifier, self.language)


class InterruptHandler(NotebooksBase):
    """Ctrl-C."""

    @endpoint(
        "Interrupt the running execution",
        StatusReport,
        also=[("write", "kernels")],
        errors=("20401", "50302"),
    )
    async def post(self, identifier: str) -> StatusReport:
        return await self.notebooks.interrupt(identifier)


class RestartHandler(NotebooksBase):
    """A fresh kernel."""

    @endpoint(
        "Restart the kernel; what runs and waits is cancelled",
        StatusReport,
        also=[("write", "kernels")],
        errors=(*NO_NOTEBOOK, "20102"),
    )
    async def post(self, identifier: str) -> StatusReport:
        return await self.notebooks.restart(identifier)


class ExecutionsHandler(NotebooksBase):
    """The history of a notebook."""

    @endpoint(
        "List the executions, newest first",
        Page[Execution],
        query=PageQuery,
        also=[("read", "contents")],
        errors=("20401", "50302"),
    )
    async def get(self, identifier: str, query: PageQuery) -> Page[Execution]:
        return await self.notebooks.executions(identifier, query.limit, query.cursor, self.language)


class ExecutionHandler(NotebooksBase):
    """One call of execute."""

    @endpoint(
        "Get what a call of execute came to, or where it stands",
        ExecutionResult,
        also=[("read", "contents")],
        errors=("20401", "50302"),
    )
    async def get(self, identifier: str, call: str) -> ExecutionResult:
        return await self.notebooks.execution(identifier, call, self.language)


class OutputStream(StreamHandler):
    """Outputs, executions and states of one notebook, in order."""

    resource = "notebooks"

    async def permit(self, *also: tuple[str, str]) -> None:
        await super().permit(("read", "contents"), *also)

    async def attach(self, *ids: str) -> None:
        self.ring = await self.services.notebooks.stream(ids[0])

    async def newest(self) -> int:
        return self.ring.seq

    def follow(self, since: int) -> AsyncIterator[dict[str, Any]]:
        return self.ring.follow(since)


def _failure(error: MLWSError | None, result: ExecutionResult) -> MLWSError:
    """The error of a call, with all that it came to until then."""
    known = error or MLWSError("20204", by="stop")
    return MLWSError(known.code, **{**known.facts, "result": to_json(result)})


HANDLERS = [
    (r"notebooks", NotebooksHandler),
    (r"notebooks/([^/]+)", NotebookHandler),
    (r"notebooks/([^/]+)/execute", ExecuteHandler),
    (r"notebooks/([^/]+)/status", StatusHandler),
    (r"notebooks/([^/]+)/interrupt", InterruptHandler),
    (r"notebooks/([^/]+)/restart", RestartHandler),
    (r"notebooks/([^/]+)/executions", ExecutionsHandler),
    (r"notebooks/([^/]+)/executions/([^/]+)", ExecutionHandler),
    (r"notebooks/([^/]+)/output", OutputStream),
]
