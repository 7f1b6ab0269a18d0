"""So many at once, and what hangs delays nobody for long."""

from __future__ import annotations

import asyncio
import os

from jupyter_mlws.hub.lifecycle.controller import ConcurrencyLimiter

PLACES = 2 * (os.cpu_count() or 1)


async def most_at_once(slots: ConcurrencyLimiter) -> int:
    working: set[int] = set()
    most = 0

    async def work(number: int) -> None:
        nonlocal most
        async with slots.one():
            working.add(number)
            most = max(most, len(working))
            await asyncio.sleep(0)
            working.remove(number)

    await asyncio.gather(*(work(number) for number in range(5 * PLACES)))
    return most


async def test_no_more_at_once_than_there_are_places() -> None:
    assert await most_at_once(ConcurrencyLimiter(patience=60)) == PLACES


async def test_what_hangs_gives_its_place_away_once() -> None:
    slots = ConcurrencyLimiter(patience=0.01)
    begun = asyncio.Semaphore(0)
    go_on = asyncio.Event()

    async def hang() -> None:
        async with slots.one():
            begun.release()
            await go_on.wait()

    tasks = [asyncio.create_task(hang()) for _ in range(2 * PLACES)]
    for _ in tasks:
        await asyncio.wait_for(begun.acquire(), 10)
    go_on.set()
    await asyncio.gather(*tasks)
    assert await most_at_once(slots) == PLACES
