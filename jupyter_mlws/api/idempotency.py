"""A request that is sent again gets the first answer again, by its ``Idempotency-Key``."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from jupyter_mlws.api.registry import IDEMPOTENCY_KEY
from jupyter_mlws.core.errors import Fault, InvalidRequestError
from jupyter_mlws.core.i18n import Message

REPLAYED_HEADER = "Idempotent-Replayed"
"""The header of an answer that is given again."""
MAX_KEY_LENGTH = 255
"""Characters of a key."""
RESPONSE_TTL = 24 * 3600.0
"""Seconds for which an answer is kept, while the server runs."""
MAX_CACHED_RESPONSES = 500
"""Answers that are kept; of more the oldest goes."""

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class _Entry(Generic[Answer]):
    fingerprint: str
    answer: asyncio.Future[Answer]
    time: float


class IdempotencyCache(Generic[Answer]):
    """The answers of one server, for use on its event loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._entries: OrderedDict[tuple[str, ...], _Entry[Answer]] = OrderedDict()

    async def once(
        self, key: tuple[str, ...], content: bytes, work: Callable[[], Awaitable[Answer]]
    ) -> tuple[Answer, bool]:
        """The answer to ``key`` and whether it was given before; ``work`` is done once.

        ``key`` ends with what the client sent, and begins with whatever else the answer depends
        on: the URL, and who asks where that is not one person. Work that fails is not kept. Error
        50201 for a key that another ``content`` was sent with.
        """
        if not key[-1].strip() or len(key[-1]) > MAX_KEY_LENGTH:
            words = Message("Must have 1 to {longest} characters.", longest=MAX_KEY_LENGTH)
            raise InvalidRequestError(faults=[Fault(IDEMPOTENCY_KEY, words)])
        self._evict_expired()
        fingerprint = hashlib.sha256(content).hexdigest()
        entry = self._entries.get(key)
        if entry is not None:
            if entry.fingerprint != fingerprint:
                words = Message("This key was already used for another request. Use a new key.")
                raise InvalidRequestError(faults=[Fault(IDEMPOTENCY_KEY, words)])
            # Shielded: one client that goes away does not take the answer from the others.
            return await asyncio.shield(entry.answer), True
        entry = _Entry(fingerprint, asyncio.get_running_loop().create_future(), self._clock())
        self._entries[key] = entry
        try:
            answer = await work()
        except BaseException as error:
            self._entries.pop(key, None)
            entry.answer.set_exception(error)
            # Whoever waits is told; nobody need.
            entry.answer.exception()
            raise
        entry.answer.set_result(answer)
        return answer, False

    def _evict_expired(self) -> None:
        oldest = self._clock() - RESPONSE_TTL
        while self._entries:
            entry = next(iter(self._entries.values()))
            if entry.time > oldest and len(self._entries) < MAX_CACHED_RESPONSES:
                return
            self._entries.popitem(last=False)
