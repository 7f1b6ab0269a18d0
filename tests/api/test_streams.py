"""Streams: nothing missed, nothing twice, nothing buffered without bound."""

from __future__ import annotations

import asyncio
from typing import Any

from jupyter_mlws.core.ring_stream import RingStream


async def _take(stream: RingStream, since: int, count: int) -> list[dict[str, Any]]:
    taken = []
    follower = stream.follow(since)
    while len(taken) < count:
        taken.append(await asyncio.wait_for(anext(follower), 5))
    await follower.aclose()  # type: ignore[attr-defined]
    return taken


async def test_a_reader_gets_what_it_missed_then_what_comes() -> None:
    stream = RingStream()
    stream.publish({"n": 1})
    stream.publish({"n": 2})
    reader = asyncio.create_task(_take(stream, 1, 2))
    await asyncio.sleep(0)
    stream.publish({"n": 3})
    assert await reader == [{"seq": 2, "n": 2}, {"seq": 3, "n": 3}]


async def test_a_reader_that_missed_too_much_is_told_to_begin_anew() -> None:
    stream = RingStream(size=2)
    for n in range(5):
        stream.publish({"n": n})
    assert await _take(stream, 1, 1) == [{"seq": 5, "type": "reset"}]


async def test_a_number_of_an_earlier_server_begins_anew() -> None:
    stream = RingStream()
    stream.publish({"n": 1})
    assert await _take(stream, 99, 1) == [{"seq": 1, "type": "reset"}]
