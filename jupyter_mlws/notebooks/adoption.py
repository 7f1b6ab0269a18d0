"""At a server's start: takes over the kernels that go on from one that was killed."""

from __future__ import annotations

import asyncio

from jupyter_mlws.notebooks.kernel_listeners import KernelListeners
from jupyter_mlws.notebooks.persistent_kernels import PersistentKernelStore


async def adopt(folder: PersistentKernelStore, watches: KernelListeners) -> int:
    """Take all over, with what they said meanwhile; how many they were."""
    left = await asyncio.to_thread(folder.left)
    taken = [(one, await watches.adopt(one)) for one in left]
    # They are heard from here now: what the keepers heard until their end leaves no gap.
    await asyncio.to_thread(folder.end_keepers)
    for one, adopted in taken:
        if adopted is not None:
            heard = await asyncio.to_thread(list, folder.heard(one))
            await adopted.replay(heard)
    await asyncio.to_thread(folder.forget)
    return sum(adopted is not None for _, adopted in taken)
