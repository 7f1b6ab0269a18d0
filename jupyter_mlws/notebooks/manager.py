"""Manager of the notebooks of a server, on the server's own documents, sessions and kernels."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from jupyter_mlws.containers.models import split_id
from jupyter_mlws.core.errors import (
    AlreadyExistsError,
    ContainerForbiddenError,
    ContainerNotFoundError,
    NotebookItemNotFoundError,
)
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.notebooks.discovery import find
from jupyter_mlws.notebooks.documents import cell_id, stale_outputs
from jupyter_mlws.notebooks.history import Histories, History
from jupyter_mlws.notebooks.kernel_listener import KernelListener
from jupyter_mlws.notebooks.kernel_listeners import KernelListeners
from jupyter_mlws.notebooks.memory import MemoryLimits
from jupyter_mlws.notebooks.models import (
    Attachment,
    Cell,
    CellExecuteRequest,
    Execution,
    ExecutionOutput,
    ExecutionResult,
    Notebook,
    NotebookCreate,
    NotebookDetail,
    NotebookPage,
    StaleNotebook,
    StatusReport,
)
from jupyter_mlws.notebooks.outputs import stdout
from jupyter_mlws.notebooks.persistent_kernels import PersistentKernelStore
from jupyter_mlws.notebooks.policy import CodeCheck, Policy
from jupyter_mlws.notebooks.recording import Recording
from jupyter_mlws.notebooks.runtime import (
    Job,
    NotebookRuntime,
    Session,
    session_of,
    status_of,
)
from jupyter_mlws.notebooks.server import DocumentMetadata, JupyterServer
from jupyter_mlws.notebooks.variables import VariableReader
from mlws.core.errors import Fault, InvalidRequestError, MLWSError
from mlws.core.i18n import Message

LOCAL = "local"
"""The container id of a server that no Hub started."""
DIRECTORY_NOT_FOUND = Message("is in a folder that does not exist")


class NotebookManager:
    """Notebooks of one server. Must be used on the event loop; blocking work goes to threads.

    ``container`` is the id of the container that the server runs in, or :data:`LOCAL`;
    ``store`` holds the server's kernels; None if they stop with the server.
    """

    def __init__(
        self,
        server: JupyterServer,
        container: str = LOCAL,
        *,
        store: PersistentKernelStore | None = None,
        limits: MemoryLimits | None = None,
        policy: Policy = Policy.OFF,
    ) -> None:
        self.container = container
        self._server = server
        self._store = store
        self._histories = Histories(
            server.root, server.data, store.find_running_kernels if store is not None else tuple
        )
        self.recording = Recording(server, self._histories)
        self.listeners = KernelListeners(self.recording, limits or MemoryLimits(), store)
        self._check = CodeCheck(policy)
        self._adoption_task: asyncio.Task[None] | None = None
        self._runtimes: dict[str, NotebookRuntime] = {}
        self._create_lock = asyncio.Lock()
        self.variables = VariableReader(self._listener)

    def adopt(self) -> None:
        """Take over the kernels that a killed server left; later calls wait for it."""
        if self._store is not None and self._adoption_task is None:
            self._adoption_task = asyncio.create_task(self.listeners.adopt_orphans(self._store))

    async def create_notebook(
        self,
        container_id: str | None = None,
        path: str | None = None,
        kernel: str | None = None,
    ) -> Notebook:
        """Create an empty notebook; its kernel starts with the first execution.

        Raises AlreadyExistsError if ``path`` is taken, InvalidRequestError for a kernel or
        directory that does not exist, OutsideWorkspaceError if it leads outside,
        ContainerNotFoundError and ContainerForbiddenError for a container that is not this
        server's.
        """
        import nbformat

        self._check_container(container_id)
        request = NotebookCreate(path=path, kernel=kernel)
        async with self._create_lock:
            faults = []
            folder = str(PurePosixPath(request.path or "").parent)
            if folder != "." and not await self._server.folder_exists(folder):
                faults.append(Fault("path", DIRECTORY_NOT_FOUND))
            installed = await self._server.specs()
            if kernel is not None and kernel not in installed:
                names = ", ".join(sorted(installed))
                unknown = Message("is not installed; available: {names}", names=names)
                faults.append(Fault("kernel", unknown))
            if faults:
                raise InvalidRequestError(faults=faults)
            target = request.path or await self._server.free_name()
            self._server.check_inside(target)
            if await self._server.exists(target):
                raise AlreadyExistsError(name=target)
            name = kernel or self._server.default_kernel
            spec = installed.get(name, {})
            content: Any = nbformat.v4.new_notebook()  # type: ignore[no-untyped-call]
            content["metadata"]["kernelspec"] = {
                "name": name,
                "display_name": spec.get("display_name", name),
                "language": spec.get("language", ""),
            }
            try:
                await self._server.save(target, content)
            except MLWSError:
                # Jupyter leaves an empty file where the disk is full.
                (self._server.root / target).unlink(missing_ok=True)
                raise
        return await self.get(self._server.identify(target))

    async def list(self, limit: int = 50, cursor: str | None = None) -> NotebookPage:
        """Return the notebooks below the server's root, by path."""
        scan = await asyncio.to_thread(find, self._server.root)
        rest = [path for path in scan.paths if cursor is None or path > cursor]
        sessions = await self._server.sessions()
        items = []
        for path in rest[:limit]:
            try:
                facts = await self._server.facts(path)
            except MLWSError:
                # Deleted meanwhile, or a link that leads outside.
                continue
            items.append(self._notebook(self._server.identify(path), path, facts, sessions))
        more = rest[limit - 1] if len(rest) > limit else None
        return NotebookPage(items=items, next_cursor=more, complete=scan.complete)

    async def at(self, path: str) -> NotebookPage:
        """Return a page with the notebook at that path, if there is one."""
        if not await self._server.exists(path):
            return NotebookPage(items=[])
        facts = await self._server.facts(path)
        sessions = await self._server.sessions()
        return NotebookPage(
            items=[self._notebook(self._server.identify(path), path, facts, sessions)]
        )

    async def get(self, identifier: str) -> NotebookDetail:
        """Return a notebook with its cells.

        Raises NotebookItemNotFoundError or NotebookUnreadableError.
        """
        path = await self._server.path_of(identifier)
        document = await self._server.read(path)
        notebook = self._notebook(identifier, path, document, await self._server.sessions())
        spec = dict(document.content["metadata"].get("kernelspec", {}))
        return NotebookDetail(
            **{**dict(notebook), "kernel_info": {**spec, **notebook.kernel_info}},
            cells=[
                Cell(
                    id=cell_id(cell, position),
                    notebook_id=identifier,
                    type=cell["cell_type"],
                    content=cell["source"],
                    outputs=[dict(output) for output in cell.get("outputs", [])],
                    execution_count=cell.get("execution_count"),
                )
                for position, cell in enumerate(document.content["cells"], 1)
            ],
        )

    async def delete(self, identifier: str) -> None:
        """Cancel all calls, end the session with its kernel, and remove the file."""
        path = await self._server.path_of(identifier)
        runtime = await self.runtime(identifier)
        runtime.cancel(include_queued=True)
        session = session_of(path, await self._server.sessions(), runtime)
        if session is not None:
            await self._server.end_session(session["id"])
        await runtime.settled()
        await self._server.delete(path)
        self._runtimes.pop(identifier, None)
        self.variables.forget(identifier)
        self.recording.forget(identifier)

    async def execute_code(
        self, notebook_id: str, code: str, timeout: float | None = None
    ) -> ExecutionResult:
        """Run ``code`` on the notebook's kernel and wait for its end; ``timeout`` is in seconds.

        Failures of the code are in the result; only what prevents its queueing is raised.
        """
        runtime = await self.runtime(notebook_id)
        job = await runtime.submit(CellExecuteRequest(code=code, timeout=timeout))
        return await self.result(job)

    async def result(self, job: Job) -> ExecutionResult:
        """Wait until a call has ended, and return its result."""
        await job.ended.wait()
        return job.result()

    async def status(self, identifier: str) -> StatusReport:
        """Return the current status of the notebook."""
        path = await self._server.path_of(identifier)
        runtime = self._runtimes.get(identifier)
        session = session_of(path, await self._server.sessions(), runtime)
        running = runtime.running if runtime else None
        last = runtime.last if runtime else None
        return StatusReport(
            notebook_id=identifier,
            status=status_of(session, runtime),
            kernel_info=_kernel_info(session),
            running=running[0].execution(running[1])
            if running is not None and running[1] is not None
            else None,
            queued=[job.id for job in runtime.queued] if runtime else [],
            last=last[0].execution(last[1]) if last else None,
            timeout=self.recording.timeout_of(identifier),
        )

    async def interrupt(self, identifier: str) -> StatusReport:
        """Interrupt the running call, as Ctrl-C does.

        The other cells of the same call do not run. Queued calls do.
        """
        path = await self._server.path_of(identifier)
        runtime = await self.runtime(identifier)
        session = session_of(path, await self._server.sessions(), runtime)
        runtime.cancel(include_queued=False)
        if session is not None:
            await runtime.wait_until_interruptible()
            await (await self.listeners.pool.of(session["kernel"]["id"])).interrupt()
        return await self.status(identifier)

    async def restart(self, identifier: str) -> StatusReport:
        """Restart the kernel; running and queued calls are canceled."""
        path = await self._server.path_of(identifier)
        runtime = await self.runtime(identifier)
        runtime.cancel(include_queued=True)
        session = session_of(path, await self._server.sessions(), runtime)
        if session is None:
            await runtime.kernel(path, await self._server.read(path))
        else:
            await (await self.listeners.pool.of(session["kernel"]["id"])).restart()
        return await self.status(identifier)

    async def answer(self, identifier: str, value: str) -> StatusReport:
        """Send input to the running code; NotebookItemNotFoundError if it requests none."""
        listener = await self._listener(identifier)
        if listener is None or not listener.input.answer(identifier, value):
            (await self.runtime(identifier)).answer(value)
        return await self.status(identifier)

    async def attach(self, identifier: str, session: str, waiting: Sequence[str]) -> Attachment:
        """Return the executions that a tab takes over. Raises NotebookItemNotFoundError."""
        listener = await self._listener(identifier)
        stream = self.recording.stream_of(identifier)
        if listener is None or self._server.keeps_outputs_itself:
            return Attachment(seq=stream.seq, executions=[], queued=[])
        live = listener.attach(identifier, session, list(waiting))
        return Attachment(seq=stream.seq, executions=live, queued=listener.queued_cells)

    def file_saved(self, path: str) -> None:
        """Handle that a file was saved."""
        if self._server.is_of_client(path):
            self.listeners.file_saved(path)

    async def stale(self, paths: Sequence[str]) -> Page[StaleNotebook]:
        """Return the notebooks of ``paths`` that have outputs of other code than theirs.

        What is no notebook, or cannot be read, has no such outputs.
        """
        items = []
        for path in paths:
            try:
                document = await self._server.read(path)
            except MLWSError:
                continue
            history = await asyncio.to_thread(self._histories.of, path)
            newest = await asyncio.to_thread(history.newest, self._server.identify(path))
            stale = stale_outputs(path, document.content, newest)
            if stale.edited or stale.out_of_order:
                items.append(stale)
        return Page(items=items)

    async def _listener(self, identifier: str) -> KernelListener | None:
        """Return the listener of the notebook's kernel; None if it has none."""
        await self._adopted()
        path = await self._server.path_of(identifier)
        runtime = self._runtimes.get(identifier)
        session = session_of(path, await self._server.sessions(), runtime)
        return self.listeners.of(session["kernel"]["id"]) if session is not None else None

    async def set_limits(self, identifier: str, timeout: float | None) -> StatusReport:
        """Set the time limit for cells that a tab runs, in seconds; None for no limit."""
        await self._server.path_of(identifier)
        self.recording.set_timeout(identifier, timeout)
        return await self.status(identifier)

    async def execution(self, identifier: str, call: str) -> ExecutionResult:
        """Return a call by its id, live or from the history. Raises NotebookItemNotFoundError."""
        runtime = self._runtimes.get(identifier)
        job = runtime.jobs.get(call) if runtime else None
        if job is not None:
            return job.result()
        history = await self.history(identifier)
        rows = await asyncio.to_thread(history.of_request, identifier, call)
        if not rows:
            raise NotebookItemNotFoundError(kind="execution", name=call)
        return _result_from_history(rows)

    async def close(self) -> None:
        """End all calls and disconnect from the kernels, which the server itself stops."""
        if self._adoption_task is not None:
            await asyncio.gather(self._adoption_task, return_exceptions=True)
        await asyncio.gather(*(runtime.close() for runtime in self._runtimes.values()))
        await self.listeners.close()
        await asyncio.to_thread(self._histories.close)
        if self._store is not None:
            await asyncio.to_thread(self._store.close)

    def _check_container(self, identifier: str | None) -> None:
        if identifier is None or identifier == self.container:
            return
        if self.container != LOCAL:
            try:
                person, _ = split_id(identifier)
            except ValueError:
                raise ContainerNotFoundError(name=identifier) from None
            if person != split_id(self.container)[0]:
                raise ContainerForbiddenError(name=identifier)
        raise ContainerNotFoundError(name=identifier)

    async def history(self, identifier: str) -> History:
        """Return the executions of a notebook. Raises NotebookItemNotFoundError."""
        await self._adopted()
        path = await self._server.path_of(identifier)
        return await asyncio.to_thread(self._histories.of, path)

    async def _adopted(self) -> None:
        """Wait until the kernels that a killed server left are taken over."""
        if self._adoption_task is not None:
            await asyncio.wait([self._adoption_task])

    async def runtime(self, identifier: str) -> NotebookRuntime:
        """Return the calls of a notebook. Raises NotebookItemNotFoundError."""
        await self._adopted()
        await self._server.path_of(identifier)
        if identifier not in self._runtimes:
            self._runtimes[identifier] = NotebookRuntime(
                identifier, self.recording, self.listeners, self._check
            )
        return self._runtimes[identifier]

    def _notebook(
        self, identifier: str, path: str, facts: DocumentMetadata, sessions: Sequence[Session]
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
    """Return the server's description of a kernel; empty if none runs."""
    return dict(session["kernel"]) if session else {}


def _result_from_history(rows: list[tuple[Execution, list[Any] | None]]) -> ExecutionResult:
    """Return a call from the history; without its outputs if they are not stored."""
    executions = [execution for execution, _ in rows]
    has_outputs = all(outputs is not None for _, outputs in rows)
    outputs = [output for _, cell_outputs in rows for output in cell_outputs or ()]
    failure = next((row for row in executions if row.error is not None), None)
    running = next((row for row in executions if not row.status.ended), None)
    worst = (
        running
        or failure
        or next((row for row in executions if row.status.value != "SUCCESS"), executions[-1])
    )
    took = [row.duration for row in executions if row.duration is not None]
    return ExecutionResult(
        id=executions[0].request,
        notebook_id=executions[0].notebook_id,
        status=worst.status,
        output=stdout(outputs),
        outputs=outputs,
        execution_count=executions[-1].execution_count,
        started=executions[0].started,
        duration=round(sum(took), 3) if took else None,
        error=worst.error,
        outputs_kept=has_outputs,
        executions=[
            ExecutionOutput(**dict(execution), outputs=cell_outputs or [])
            for execution, cell_outputs in rows
        ],
    )
