"""Notebooks by API, on the server's own documents, sessions and kernels."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from jupyter_mlws.api.models import Page
from jupyter_mlws.api.streams import RingStream
from jupyter_mlws.containers.models import container_id, split_id
from jupyter_mlws.errors import ENGLISH, Fault, MLWSError, Words
from jupyter_mlws.notebooks.history import Histories
from jupyter_mlws.notebooks.models import (
    Cell,
    ExecuteRequest,
    Execution,
    ExecutionResult,
    Notebook,
    NotebookCreate,
    NotebookDetail,
    NotebookPage,
    StatusReport,
)
from jupyter_mlws.notebooks.outputs import stdout
from jupyter_mlws.notebooks.runtime import (
    Job,
    KernelPool,
    NotebookRuntime,
    Session,
    cell_id,
    session_of,
    status_of,
)
from jupyter_mlws.notebooks.server import Facts, JupyterServer
from jupyter_mlws.notebooks.walk import find

LOCAL = "local"
"""The container id of a server that no Hub started."""
NO_FOLDER = Words("its folder does not exist", "其所在文件夹不存在")


def own_container() -> str:
    """The container that this server runs in, by what the Hub told it."""
    person = os.environ.get("JUPYTERHUB_USER")
    name = os.environ.get("JUPYTERHUB_SERVER_NAME", "")
    return container_id(person, name) if person else LOCAL


class NotebookManager:
    """The notebooks of one server. Lives on the event loop; blocking work goes to threads.

    ``container`` is the id of the container that the server runs in, or :data:`LOCAL`.
    """

    def __init__(self, server: JupyterServer, container: str = LOCAL) -> None:
        self.container = container
        self._server = server
        self._histories = Histories(server.root, server.data)
        self._pool = KernelPool(server)
        self._runtimes: dict[str, NotebookRuntime] = {}
        self._creating = asyncio.Lock()

    async def create_notebook(
        self,
        container_id: str | None = None,
        path: str | None = None,
        kernel: str | None = None,
    ) -> Notebook:
        """Make an empty notebook; its kernel starts with the first execution.

        Errors: 50203 where ``path`` is taken, 50201 for a kernel or folder that is not there,
        50302 where it leads outside, 10404 and 10301 for a container that is not this server's.
        """
        self._check_container(container_id)
        wanted = NotebookCreate(path=path, kernel=kernel)
        async with self._creating:
            if faults := await self._faults(wanted):
                raise MLWSError("50201", *faults)
            target = wanted.path or await self._server.free_name()
            self._server.check_inside(target)
            if await self._server.exists(target):
                raise MLWSError("50203", name=target)
            await self._server.save(target, await self._empty(kernel))
        return await self.get(self._server.identify(target))

    async def list(self, limit: int = 50, cursor: str | None = None) -> NotebookPage:
        """The notebooks below the server's root, by path."""
        found = await asyncio.to_thread(find, self._server.root)
        rest = [path for path in found.paths if cursor is None or path > cursor]
        sessions = await self._server.sessions()
        items = []
        for path in rest[:limit]:
            try:
                facts = await self._server.facts(path)
            except MLWSError:
                # Deleted since it was found, or a link that leads outside.
                continue
            items.append(self._notebook(self._server.identify(path), path, facts, sessions))
        more = rest[limit - 1] if len(rest) > limit else None
        return NotebookPage(items=items, next_cursor=more, complete=found.complete)

    async def get(self, identifier: str) -> NotebookDetail:
        """A notebook with its cells. Errors: 20401, 20402."""
        path = await self._server.path_of(identifier)
        document = await self._server.read(path)
        notebook = self._notebook(identifier, path, document, await self._server.sessions())
        spec = dict(document.content["metadata"].get("kernelspec", {}))
        return NotebookDetail(
            **{**dict(notebook), "kernel_info": {**spec, **notebook.kernel_info}},
            cells=[
                _cell(identifier, position, cell)
                for position, cell in enumerate(document.content["cells"], 1)
            ],
        )

    async def delete(self, identifier: str) -> None:
        """Cancel what runs, end the session with its kernel, and remove the file."""
        path = await self._server.path_of(identifier)
        runtime = await self._runtime(identifier)
        runtime.cancel(queued=True)
        session = session_of(path, await self._server.sessions(), runtime)
        if session is not None:
            await self._server.end_session(session["id"])
        await runtime.settled()
        await self._server.delete(path)
        self._runtimes.pop(identifier, None)

    async def execute_code(
        self, notebook_id: str, code: str, timeout: float | None = None
    ) -> ExecutionResult:
        """Run ``code`` on the notebook's kernel and wait for its end; seconds for ``timeout``.

        The result tells of code that failed; raised is only what kept it from being queued.
        """
        job = await self.submit(notebook_id, ExecuteRequest(code=code, timeout=timeout))
        return await self.result(job)

    async def submit(self, identifier: str, request: ExecuteRequest) -> Job:
        """Queue a call behind those of the same notebook. Errors: 20401, 20402."""
        return await (await self._runtime(identifier)).submit(request)

    async def result(self, job: Job, language: str = ENGLISH) -> ExecutionResult:
        """What a call came to, when it has ended."""
        await job.ended.wait()
        return job.result(language)

    async def status(self, identifier: str, language: str = ENGLISH) -> StatusReport:
        """What the notebook does now."""
        path = await self._server.path_of(identifier)
        runtime = self._runtimes.get(identifier)
        session = session_of(path, await self._server.sessions(), runtime)
        running = runtime.running if runtime else None
        last = runtime.last if runtime else None
        return StatusReport(
            notebook_id=identifier,
            status=status_of(session, runtime),
            kernel_info=_kernel_info(session),
            running=running[0].execution(running[1], language)
            if running is not None and running[1] is not None
            else None,
            queued=[job.id for job in runtime.queued] if runtime else [],
            last=last[0].execution(last[1], language) if last else None,
        )

    async def interrupt(self, identifier: str) -> StatusReport:
        """What Ctrl-C does; the other cells of the same call do not run. Queued calls do."""
        path = await self._server.path_of(identifier)
        runtime = await self._runtime(identifier)
        session = session_of(path, await self._server.sessions(), runtime)
        runtime.cancel(queued=False)
        if session is not None:
            await (await self._pool.of(session["kernel"]["id"])).interrupt()
        return await self.status(identifier)

    async def restart(self, identifier: str) -> StatusReport:
        """A fresh kernel; what runs and what waits is cancelled."""
        path = await self._server.path_of(identifier)
        runtime = await self._runtime(identifier)
        runtime.cancel(queued=True)
        session = session_of(path, await self._server.sessions(), runtime)
        if session is None:
            await runtime.kernel(path, await self._server.read(path))
        else:
            await (await self._pool.of(session["kernel"]["id"])).restart()
        return await self.status(identifier)

    async def executions(
        self, identifier: str, limit: int, cursor: str | None, language: str = ENGLISH
    ) -> Page[Execution]:
        """The notebook's history, newest first."""
        path = await self._server.path_of(identifier)
        history = await asyncio.to_thread(self._histories.of, path)
        items, more = await asyncio.to_thread(history.page, identifier, limit, cursor, language)
        return Page(items=items, next_cursor=more)

    async def execution(
        self, identifier: str, call: str, language: str = ENGLISH
    ) -> ExecutionResult:
        """A call by its id: as it stands, or from the history. Error 20401."""
        path = await self._server.path_of(identifier)
        runtime = self._runtimes.get(identifier)
        job = runtime.jobs.get(call) if runtime else None
        if job is not None:
            return job.result(language)
        history = await asyncio.to_thread(self._histories.of, path)
        rows = await asyncio.to_thread(history.of_request, identifier, call, language)
        if not rows:
            raise MLWSError("20401", kind="execution", name=call)
        return _remembered(rows)

    async def stream(self, identifier: str) -> RingStream:
        """The notebook's outputs and states, live."""
        return (await self._runtime(identifier)).stream

    async def close(self) -> None:
        """End all calls and let go of the kernels, which are the server's to stop."""
        await asyncio.gather(*(runtime.close() for runtime in self._runtimes.values()))
        await self._pool.close()
        await asyncio.to_thread(self._histories.close)

    def _check_container(self, identifier: str | None) -> None:
        if identifier is None or identifier == self.container:
            return
        if self.container != LOCAL:
            try:
                person, _ = split_id(identifier)
            except ValueError:
                raise MLWSError("10404", name=identifier) from None
            if person != split_id(self.container)[0]:
                raise MLWSError("10301", name=identifier)
        raise MLWSError("10404", name=identifier)

    async def _faults(self, wanted: NotebookCreate) -> Sequence[Fault]:
        faults = []
        folder = str(PurePosixPath(wanted.path or "").parent)
        if folder != "." and not await self._server.folder_exists(folder):
            faults.append(Fault("path", NO_FOLDER))
        installed = await self._server.specs()
        if wanted.kernel is not None and wanted.kernel not in installed:
            names = ", ".join(sorted(installed))
            unknown = Words(f"is not installed; there are: {names}", f"未安装；可用：{names}")
            faults.append(Fault("kernel", unknown))
        return faults

    async def _empty(self, kernel: str | None) -> Any:
        import nbformat

        name = kernel or self._server.default_kernel
        spec = (await self._server.specs()).get(name, {})
        content: Any = nbformat.v4.new_notebook()  # type: ignore[no-untyped-call]
        content["metadata"]["kernelspec"] = {
            "name": name,
            "display_name": spec.get("display_name", name),
            "language": spec.get("language", ""),
        }
        return content

    async def _runtime(self, identifier: str) -> NotebookRuntime:
        await self._server.path_of(identifier)
        if identifier not in self._runtimes:
            self._runtimes[identifier] = NotebookRuntime(
                identifier, self._server, self._pool, self._histories
            )
        return self._runtimes[identifier]

    def _notebook(
        self, identifier: str, path: str, facts: Facts, sessions: Sequence[Session]
    ) -> Notebook:
        runtime = self._runtimes.get(identifier)
        session = session_of(path, sessions, runtime)
        return Notebook(
            id=identifier,
            container_id=self.container,
            path=path,
            name=PurePosixPath(path).name,
            status=status_of(session, runtime),
            kernel_info=_kernel_info(session),
            created_at=facts.created,
            modified_at=facts.modified,
        )


def _kernel_info(session: Session | None) -> dict[str, Any]:
    """The server's own words on a kernel; empty where none runs."""
    return dict(session["kernel"]) if session else {}


def _cell(notebook: str, position: int, cell: Any) -> Cell:
    return Cell(
        id=cell_id(cell, position),
        notebook_id=notebook,
        type=cell["cell_type"],
        content=cell["source"],
        outputs=[dict(output) for output in cell.get("outputs", [])],
        execution_count=cell.get("execution_count"),
    )


def _remembered(rows: list[Execution]) -> ExecutionResult:
    """A call as the history knows it, without its outputs."""
    failed = next((row for row in rows if row.error is not None), None)
    worst = failed or next((row for row in rows if row.status.value != "SUCCESS"), rows[-1])
    took = [row.duration for row in rows if row.duration is not None]
    return ExecutionResult(
        id=rows[0].request,
        notebook_id=rows[0].notebook_id,
        status=worst.status,
        output=stdout([]),
        outputs=[],
        execution_count=rows[-1].execution_count,
        started=rows[0].started,
        duration=round(sum(took), 3) if took else None,
        error=worst.error,
        outputs_kept=False,
    )
