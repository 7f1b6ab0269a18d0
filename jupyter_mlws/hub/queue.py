"""The queue as administrators change it, and as the Hub waits in it for a start of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timezone

from jupyter_mlws.containers.models import QueuePlace
from jupyter_mlws.core.errors import NotQueuedError
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.hub.lifecycle import Entry, Intent
from jupyter_mlws.hub.registry import ContainerRegistry
from jupyter_mlws.hub.scheduler import Grant, Scheduler

LAPSE = 5.0
"""Seconds after which the Hub has given up a start that it does not ask for again."""
DROPPED = Message("Removed from the queue by {by}.")


class AdmissionQueue:
    """Queue of containers that wait for resources; lives on the event loop.

    ``begin`` starts the containers that the Hub does not start itself.
    """

    def __init__(
        self, scheduler: Scheduler, fleet: ContainerRegistry, begin: Callable[[Entry], None]
    ) -> None:
        self._scheduler = scheduler
        self._fleet = fleet
        self._begin = begin

    def move(self, entry: Entry, position: int) -> None:
        """Put it at another place, from 1; error 10205 where it does not wait."""
        self._must_wait(entry)
        self._scheduler.move(entry.id, position, time.time())
        for request in self._scheduler.waiting.values():
            other = self._fleet.entries[request.id]
            turn = datetime.fromtimestamp(request.arrival, timezone.utc)
            if turn != (other.turn_at or other.queued_at):
                other.turn_at = turn
                self._fleet.keep(other)
        entry.priority = self._scheduler.waiting[entry.id].priority
        self._fleet.keep(entry)
        self._fleet.note(entry, f"moved to position {position} in the queue")
        self._fleet.settle()

    def drop(self, entry: Entry, by: str) -> None:
        """Take it out; error 10205 where it does not wait."""
        self._must_wait(entry)
        self._scheduler.withdraw(entry.id)
        entry.queued_at = entry.turn_at = None
        entry.intent = Intent.NONE
        entry.reason = DROPPED.fill(by=by)
        self._fleet.note(entry, "removed from the queue")
        self._fleet.settle()

    async def granted(
        self, entry: Entry, last_place: QueuePlace | None, patience: float
    ) -> Grant | QueuePlace:
        """Return the grant, or the place if it differs from ``last_place``.

        After ``patience`` seconds the place is returned in any case. Error 10205 if the container
        was removed from the queue meanwhile.
        """
        deadline = time.monotonic() + patience
        entry.asks_until = deadline + LAPSE
        while True:
            seq = self._fleet.stream.seq
            grant = self._scheduler.grants.get(entry.id)
            if grant is not None:
                entry.asks_until = 0.0
                return grant
            place = self._fleet.places().get(entry.id)
            if place is None:
                entry.asks_until = 0.0
                raise NotQueuedError(name=entry.id)
            left = deadline - time.monotonic()
            if place != last_place or left <= 0:
                self._expect(entry)
                return place
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._fleet.changed(entry.id, seq), left)

    def _must_wait(self, entry: Entry) -> None:
        if entry.id not in self._scheduler.waiting:
            raise NotQueuedError(name=entry.id)

    def _expect(self, entry: Entry) -> None:
        """Start the container here if the Hub does not ask again soon."""
        entry.asks_until = time.monotonic() + LAPSE

        def check() -> None:
            grant = self._scheduler.grants.get(entry.id)
            if entry.admitting or grant is None or entry.spawning or entry.active:
                return
            entry.intent = Intent.START
            self._begin(entry)

        asyncio.get_running_loop().call_later(LAPSE + 0.1, check)
