"""Responses stored by ``Idempotency-Key``, and replayed when a request is repeated."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from jupyter_mlws.api.registry import IDEMPOTENCY_KEY
from mlws.core.errors import Fault, InvalidRequestError
from mlws.core.i18n import Message

REPLAYED_HEADER = "Idempotent-Replayed"
"""Header of a replayed response."""
MAX_KEY_LENGTH = 255
"""Maximum length of a key."""
RESPONSE_TTL = 24 * 3600.0
"""Seconds for which a response is stored, while the server runs."""
MAX_CACHED_RESPONSES = 500
"""Maximum number of stored responses; the oldest is removed first."""

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class _Entry(Generic[Answer]):
    fingerprint: str
    answer: asyncio.Future[Answer]
    time: float


class IdempotencyCache(Generic[Answer]):
    """Stored responses of one server, for use on its event loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._entries: OrderedDict[tuple[str, ...], _Entry[Answer]] = OrderedDict()

    async def once(
        self, key: tuple[str, ...], content: bytes, work: Callable[[], Awaitable[Answer]]
    ) -> tuple[Answer, bool]:
        """Return the response for ``key``, and whether it was stored; ``work`` runs once.

        ``key`` ends with the key that the client sent; the other parts are what the response also
        depends on: the user and the URL. Failures are not stored. Raises InvalidRequestError for a
        key that was sent with other ``content``.
        """
        if not key[-1].strip() or len(key[-1]) > MAX_KEY_LENGTH:
            words = Message("Must have 1 to {longest} characters.", longest=MAX_KEY_LENGTH)
            raise InvalidRequestError(faults=[Fault(IDEMPOTENCY_KEY, words)])
        expired_at = self._clock() - RESPONSE_TTL
        while self._entries:
            oldest = next(iter(self._entries.values()))
            if oldest.time > expired_at and len(self._entries) < MAX_CACHED_RESPONSES:
                break
            self._entries.popitem(last=False)
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
            # Mark it as retrieved: asyncio logs an exception that nothing retrieves.
            entry.answer.exception()
            raise
        entry.answer.set_result(answer)
        return answer, False
