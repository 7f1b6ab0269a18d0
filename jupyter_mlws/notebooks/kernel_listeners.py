"""Listeners of all kernels of the server, each from its start to its end."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from typing import Any

from jupyter_mlws.notebooks.kernel_listener import KernelListener
from jupyter_mlws.notebooks.kernels import KernelPool
from jupyter_mlws.notebooks.memory import MemoryLimits
from jupyter_mlws.notebooks.persistent_kernels import OrphanedKernel, PersistentKernelStore
from jupyter_mlws.notebooks.recording import Recording
from jupyter_mlws.notebooks.tab_executions import ExecuteRequestInfo


class KernelListeners:
    """Listeners of all kernels, by Jupyter's own kernel events. Must be used on the event loop."""

    def __init__(
        self, recording: Recording, limits: MemoryLimits, store: PersistentKernelStore | None
    ) -> None:
        self.pool = KernelPool(recording.server.kernels)
        self._recording = recording
        self._server = recording.server
        self._limits = limits
        self._store = store
        self._listeners: dict[str, KernelListener] = {}
        self._adopting: set[str] = set()
        self._early_requests: dict[str, list[ExecuteRequestInfo]] = {}
        self._sessions: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def of(self, kernel: str) -> KernelListener | None:
        """Return the listener of a kernel; None if the kernel runs elsewhere or is gone."""
        return self._listeners.get(kernel)

    def expect(self, kernel: str, tab_request: ExecuteRequestInfo) -> None:
        """Register an execution that a tab requests."""
        listener = self._listeners.get(kernel)
        if listener is not None:
            listener.expect(tab_request)
        else:
            self._early_requests.setdefault(kernel, []).append(tab_request)

    def tab_connected(self, kernel: str, session: str) -> None:
        """Handle that a tab is about to connect to a kernel."""
        self._sessions[kernel][session] += 1
        listener = self._listeners.get(kernel)
        if listener is not None:
            listener.input.tab_connected(session)

    def tab_disconnected(self, kernel: str, tab: str, session: str, stdin: Any) -> bool:
        """Handle that a tab is gone; return True if its `stdin` channel is kept."""
        listener = self._listeners.get(kernel)
        if listener is not None:
            listener.handle_tab_closed(tab)
        sessions = self._sessions[kernel]
        sessions[session] -= 1
        if sessions[session] > 0:
            return False
        del sessions[session]
        return listener is not None and listener.session_ended(session, stdin)

    def file_saved(self, path: str) -> None:
        """Handle that a client has saved the document at ``path``."""
        for listener in self._listeners.values():
            listener.file_saved(path)

    async def handle_event(self, action: str, kernel: str) -> None:
        """Handle an event of Jupyter: a kernel was started, restarted or shut down."""
        if action == "start":
            await self.attach(kernel)
        elif action == "shutdown" and kernel not in self._server.kernels:
            await self.detach(kernel)
        elif action == "restart" and kernel in self._listeners:
            self._listeners[kernel].restarted()

    async def attach(self, identifier: str) -> KernelListener | None:
        """Listen to a kernel of this machine and return its listener; None for any other kernel."""
        existing = self._listeners.get(identifier)
        if existing is not None or not self._server.is_local(identifier):
            return existing
        kernel = await self.pool.of(identifier)
        if identifier in self._listeners:
            return self._listeners[identifier]
        start_paused = identifier in self._adopting
        listener = KernelListener(
            kernel,
            self._recording,
            self._limits,
            self._sessions[identifier],
            self._store.requests_of(identifier) if self._store is not None else None,
            start_paused=start_paused,
        )
        self._listeners[identifier] = listener
        for tab_request in self._early_requests.pop(identifier, []):
            listener.expect(tab_request)
        if self._store is not None:
            self._store.attend(identifier, kernel.manager.connection_file)
        return listener

    async def detach(self, identifier: str) -> None:
        """Stop listening to a kernel that is gone."""
        self._early_requests.pop(identifier, None)
        self._sessions.pop(identifier, None)
        listener = self._listeners.pop(identifier, None)
        if listener is not None:
            if self._store is not None:
                self._store.leave(identifier)
            await listener.close()

    async def adopt_orphans(self, store: PersistentKernelStore) -> None:
        """Take over all orphaned kernels, with the messages that they sent without a server."""
        orphans = await asyncio.to_thread(store.orphans)
        listeners = [(orphan, await self._adopt(store, orphan)) for orphan in orphans]
        # The listeners receive new messages now: stopping the recorders leaves no gap.
        await asyncio.to_thread(store.stop_recorders)
        for orphan, listener in listeners:
            if listener is not None:
                await listener.replay(await asyncio.to_thread(list, store.messages(orphan)))
        await asyncio.to_thread(store.remove_adopted)

    async def _adopt(
        self, store: PersistentKernelStore, orphan: OrphanedKernel
    ) -> KernelListener | None:
        """Take over a kernel that a killed server left; return None if it is gone meanwhile."""
        self._adopting.add(orphan.kernel)
        try:
            store.take(orphan)
            if not await self._server.adopt(orphan):
                return None
            listener = await self.attach(orphan.kernel)
        finally:
            self._adopting.discard(orphan.kernel)
        context = await self._recording.context_of(orphan.kernel) if listener is not None else None
        if listener is not None and context is not None:
            await listener.take_over(context)
        return listener

    async def close(self) -> None:
        """Close all listeners, and the connections to kernels."""
        for identifier in list(self._listeners):
            await self._listeners.pop(identifier).close()
        await self.pool.close()
