"""Operations: followed, cancelled, and never lost without a word."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from jupyter_mlws.core.errors import AlreadyExistsError, OperationNotFoundError
from jupyter_mlws.core.operations import (
    MAX_FINISHED_OPERATIONS,
    OperationManager,
    OperationState,
    Progress,
)
from jupyter_mlws.core.schemas import encode_json
from mlws.core.i18n import CHINESE, ENGLISH


@asynccontextmanager
async def running() -> AsyncIterator[OperationManager]:
    manager = OperationManager()
    yield manager
    await manager.close()


async def _end(operations: OperationManager, identifier: str) -> OperationState:
    async for message in operations.stream.follow(0):
        if message["id"] == identifier and message["state"] not in ("PENDING", "RUNNING"):
            return OperationState(message["state"])
    raise AssertionError


async def test_it_tells_its_progress_and_its_result() -> None:
    async with running() as operations:

        def work(progress: Progress) -> dict[str, int]:
            progress(5, 10, "files", "half")
            return {"files": 10}

        started = operations.start("restore", work)
        assert await asyncio.wait_for(_end(operations, started.id), 5) is OperationState.COMPLETED
        ended = operations.get(started.id)
        assert ended.result == {"files": 10}
        assert (ended.done, ended.total, ended.unit) == (5, 10, "files")


async def test_cancelled_work_stops_at_its_next_report() -> None:
    async with running() as operations:
        begun = threading.Event()

        def work(progress: Progress) -> None:
            begun.set()
            for step in range(100_000_000):
                progress(step)

        started = operations.start("push", work)
        await asyncio.to_thread(begun.wait, 5)
        operations.cancel(started.id)
        assert await asyncio.wait_for(_end(operations, started.id), 5) is OperationState.CANCELLED


async def test_a_full_disk_is_told_as_such() -> None:
    async with running() as operations:

        def work(progress: Progress) -> None:
            Path("/dev/full").write_text("more")

        started = operations.start("pull", work)
        assert await asyncio.wait_for(_end(operations, started.id), 5) is OperationState.FAILED
        error = operations.get(started.id).error
        assert error is not None
        assert error.code == "30102"


async def test_an_error_is_sent_in_each_readers_language() -> None:
    async with running() as operations:

        def work(progress: Progress) -> None:
            raise AlreadyExistsError(name="wine")

        started = operations.start("create", work)
        assert await asyncio.wait_for(_end(operations, started.id), 5) is OperationState.FAILED
        ended = operations.get(started.id)
        sent = await anext(operations.stream.follow(operations.stream.seq - 1))
        for body in (ended, sent):
            assert _message(body, ENGLISH) == "'wine' already exists."
            assert _message(body, CHINESE) == "'wine' 已存在。"


def _message(body: object, language: str) -> str:
    error = json.loads(encode_json({"data": body}, language))["data"]["error"]
    assert error["code"] == "50203"
    return str(error["message"])


async def test_a_fault_of_ours_ends_the_operation_with_an_id() -> None:
    async with running() as operations:
        told = []
        asyncio.get_running_loop().set_exception_handler(lambda _, facts: told.append(facts))

        def work(progress: Progress) -> None:
            raise ZeroDivisionError

        started = operations.start("x", work)
        assert await asyncio.wait_for(_end(operations, started.id), 5) is OperationState.FAILED
        assert operations.get(started.id).error.code == "50101"  # type: ignore[union-attr]
        assert isinstance(told[0]["exception"], ZeroDivisionError)


async def test_old_operations_are_forgotten() -> None:
    async with running() as operations:
        first = operations.start("x", lambda progress: None)
        for _ in range(MAX_FINISHED_OPERATIONS + 5):
            last = operations.start("x", lambda progress: None)
            await _end(operations, last.id)
        with pytest.raises(OperationNotFoundError):
            operations.get(first.id)
