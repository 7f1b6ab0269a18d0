"""The watch of every kernel of the server, from its start to its end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from jupyter_mlws.notebooks.kernel_listener import ExecutionObserver, KernelListener
from jupyter_mlws.notebooks.kernel_websocket import ExecuteRequestInfo
from jupyter_mlws.notebooks.kernels import Kernel
from jupyter_mlws.notebooks.memory import MemoryLimits
from jupyter_mlws.notebooks.persistent_kernels import OrphanedKernel, PersistentKernelStore
from jupyter_mlws.notebooks.server import JupyterServer

KernelOf = Callable[[str], Awaitable[Kernel]]


class KernelListeners:
    """Listeners of all kernels, by Jupyter's own kernel events. Must be used on the event loop."""

    def __init__(
        self,
        server: JupyterServer,
        kernel_of: KernelOf,
        around: ExecutionObserver,
        limits: MemoryLimits,
        folder: PersistentKernelStore | None,
    ) -> None:
        self._server = server
        self._kernel_of = kernel_of
        self._observer = around
        self._limits = limits
        self._folder = folder
        self._watches: dict[str, KernelListener] = {}
        self._adopting: set[str] = set()
        self._early_requests: dict[str, list[ExecuteRequestInfo]] = {}

    def of(self, kernel: str) -> KernelListener | None:
        """Return the listener of a kernel; None if the kernel runs elsewhere or is gone."""
        return self._watches.get(kernel)

    def expect(self, kernel: str, tab_request: ExecuteRequestInfo) -> None:
        """Register an execution that a tab requests."""
        watch = self._watches.get(kernel)
        if watch is not None:
            watch.expect(tab_request)
        else:
            self._early_requests.setdefault(kernel, []).append(tab_request)

    def handle_tab_message(self, kernel: str, tab: str, frames: list[bytes]) -> None:
        """Process a message that a tab receives from its kernel."""
        watch = self._watches.get(kernel)
        if watch is not None:
            watch.handle_tab_message(tab, frames)

    async def handle_event(self, action: str, kernel: str) -> None:
        """Handle an event of Jupyter: a kernel was started, restarted or shut down."""
        if action == "start":
            await self.attach(kernel)
        elif action == "shutdown" and kernel not in self._server.kernels:
            await self.detach(kernel)
        elif action == "restart" and kernel in self._watches:
            self._watches[kernel].restarted()

    async def attach(self, identifier: str) -> KernelListener | None:
        """Listen to a kernel of this machine and return its listener; None for any other kernel."""
        existing = self._watches.get(identifier)
        if existing is not None or not self._server.is_local(identifier):
            return existing
        kernel = await self._kernel_of(identifier)
        if identifier in self._watches:
            return self._watches[identifier]
        start_paused = identifier in self._adopting
        watch = KernelListener(kernel, self._observer, self._limits, start_paused=start_paused)
        self._watches[identifier] = watch
        for tab_request in self._early_requests.pop(identifier, []):
            watch.expect(tab_request)
        if self._folder is not None:
            self._folder.attend(identifier, kernel.manager.connection_file)
        return watch

    async def detach(self, identifier: str) -> None:
        """Stop listening to a kernel that is gone."""
        self._early_requests.pop(identifier, None)
        watch = self._watches.pop(identifier, None)
        if watch is not None:
            if self._folder is not None:
                self._folder.leave(identifier)
            await watch.close()

    async def adopt(self, left: OrphanedKernel) -> KernelListener | None:
        """Take over a kernel that a killed server left; return None if it is gone meanwhile."""
        assert self._folder is not None  # it is what has found it
        self._adopting.add(left.kernel)
        try:
            self._folder.take(left)
            if not await self._server.adopt(left):
                return None
            watch = await self.attach(left.kernel)
        finally:
            self._adopting.discard(left.kernel)
        if watch is None:
            return None
        place = await self._observer.place_of(left.kernel)
        if place is not None:
            await watch.take_over(place)
        return watch

    async def close(self) -> None:
        """Close all listeners."""
        for identifier in list(self._watches):
            await self._watches.pop(identifier).close()
