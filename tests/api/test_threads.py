"""Worker threads end with the server, although tasks are left over."""

from __future__ import annotations

import asyncio
import threading

import anyio

from jupyter_mlws.api.threads import end_workers


async def test_a_worker_ends_before_its_task() -> None:
    made: list[threading.Thread] = []
    ready = asyncio.Event()

    async def endless() -> None:
        made.append(await anyio.to_thread.run_sync(threading.current_thread))
        ready.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(endless())
    await ready.wait()
    end_workers()
    await asyncio.to_thread(made[0].join, 5)
    assert not made[0].is_alive()
    assert await anyio.to_thread.run_sync(lambda: 1) == 1
    task.cancel()
