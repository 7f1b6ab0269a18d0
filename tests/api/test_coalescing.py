"""Readings that several ask for at once: done once, never older than the question."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from jupyter_mlws.api.coalescing import RequestCoalescer
from mlws.core.project import Project


class Source:
    """Something that changes, and takes until ``let_go`` to be read."""

    def __init__(self) -> None:
        self.content = 0
        self.times = 0
        self.begun = asyncio.Event()
        self.let_go = asyncio.Event()

    async def read(self) -> int:
        self.times += 1
        content = self.content
        self.begun.set()
        await self.let_go.wait()
        return content


async def test_who_asks_while_a_reading_goes_on_shares_the_next_one() -> None:
    readings, source = RequestCoalescer[int](), Source()
    first = asyncio.create_task(readings.read("a", source.read))
    await source.begun.wait()
    source.content = 1
    late = [asyncio.create_task(readings.read("a", source.read)) for _ in range(100)]
    await asyncio.sleep(0)
    assert source.times == 1
    source.let_go.set()
    assert await first == 0
    assert await asyncio.gather(*late) == [1] * 100
    assert source.times == 2


async def test_what_is_asked_later_is_read_anew() -> None:
    readings, source = RequestCoalescer[int](), Source()
    source.let_go.set()
    assert await readings.read("a", source.read) == 0
    source.content = 1
    assert await readings.read("a", source.read) == 1


async def test_different_questions_do_not_wait_for_each_other() -> None:
    readings, slow, quick = RequestCoalescer[int](), Source(), Source()
    waiting = asyncio.create_task(readings.read("slow", slow.read))
    await slow.begun.wait()
    quick.let_go.set()
    assert await readings.read("quick", quick.read) == 0
    slow.let_go.set()
    await waiting


async def test_a_failure_is_told_to_all_who_shared_it_and_to_nobody_else() -> None:
    readings, source = RequestCoalescer[int](), Source()
    source.let_go.set()

    async def fail() -> int:
        raise OSError("the disk is gone")

    asked = [readings.read("a", fail) for _ in range(3)]
    for answer in await asyncio.gather(*asked, return_exceptions=True):
        assert isinstance(answer, OSError)
    assert await readings.read("a", source.read) == 0


async def test_one_who_goes_away_does_not_take_the_answer_from_the_others() -> None:
    readings, source = RequestCoalescer[int](), Source()
    gone, stays = (asyncio.create_task(readings.read("a", source.read)) for _ in range(2))
    await source.begun.wait()
    gone.cancel()
    source.let_go.set()
    assert await stays == 0
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert source.times == 1


async def test_each_page_is_told_what_was_saved_before_it_asked(
    fetch: Any, project: Project
) -> None:
    async def changed() -> set[str]:
        answer = await fetch("mlws", "api", "v1", "git", "status")
        return {change["path"] for change in json.loads(answer.body)["data"]["changes"]}

    pages: list[asyncio.Task[set[str]]] = []
    for number in range(5):
        (project.root / f"saved{number}.py").write_text("value = 1\n")
        pages += [asyncio.create_task(changed()) for _ in range(10)]
        await asyncio.sleep(0.01)
    for place, seen in enumerate(await asyncio.gather(*pages)):
        assert seen >= {f"saved{number}.py" for number in range(place // 10 + 1)}
