"""At a server's start: takes over the kernels that go on from one that was killed."""

from __future__ import annotations

import asyncio

from jupyter_mlws.notebooks.kernel_listeners import KernelListeners
from jupyter_mlws.notebooks.persistent_kernels import PersistentKernelStore


async def adopt(folder: PersistentKernelStore, watches: KernelListeners) -> int:
    """Take over all orphaned kernels, with the messages they sent meanwhile; return how many."""
    left = await asyncio.to_thread(folder.left)
    adoptions = [(one, await watches.adopt(one)) for one in left]
    # They are heard from here now: what the keepers heard until their end leaves no gap.
    await asyncio.to_thread(folder.stop_recorders)
    for one, listener in adoptions:
        if listener is not None:
            messages = await asyncio.to_thread(list, folder.heard(one))
            await listener.replay(messages)
    await asyncio.to_thread(folder.forget)
    return sum(listener is not None for _, listener in adoptions)
