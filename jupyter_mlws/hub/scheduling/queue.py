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
from jupyter_mlws.hub.lifecycle.container_state import ContainerState, Intent
from jupyter_mlws.hub.lifecycle.registry import ContainerRegistry
from jupyter_mlws.hub.scheduling.scheduler import Grant, Scheduler

HUB_RETRY_TIMEOUT = 5.0
"""Seconds after which the Hub has given up a start that it does not ask for again."""
REMOVED_FROM_QUEUE = Message("Removed from the queue by {by}.")


class AdmissionQueue:
    """Queue of containers that wait for resources; lives on the event loop.

    ``begin`` starts the containers that the Hub does not start itself.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        fleet: ContainerRegistry,
        begin: Callable[[ContainerState], None],
    ) -> None:
        self._scheduler = scheduler
        self._registry = fleet
        self._start_container = begin

    def move(self, entry: ContainerState, position: int) -> None:
        """Put it at another place, from 1; error 10205 where it does not wait."""
        self._require_waiting(entry)
        self._scheduler.move(entry.id, position, time.time())
        for request in self._scheduler.waiting.values():
            other = self._registry.entries[request.id]
            turn = datetime.fromtimestamp(request.arrival, timezone.utc)
            if turn != (other.turn_at or other.queued_at):
                other.turn_at = turn
                self._registry.keep(other)
        entry.priority = self._scheduler.waiting[entry.id].priority
        self._registry.keep(entry)
        self._registry.note(entry, f"moved to position {position} in the queue")
        self._registry.settle()

    def drop(self, entry: ContainerState, by: str) -> None:
        """Take it out; error 10205 where it does not wait."""
        self._require_waiting(entry)
        self._scheduler.withdraw(entry.id)
        entry.queued_at = entry.turn_at = None
        entry.intent = Intent.NONE
        entry.reason = REMOVED_FROM_QUEUE.fill(by=by)
        self._registry.note(entry, "removed from the queue")
        self._registry.settle()

    async def granted(
        self, entry: ContainerState, last_place: QueuePlace | None, patience: float
    ) -> Grant | QueuePlace:
        """Return the grant, or the place if it differs from ``last_place``.

        After ``patience`` seconds the place is returned in any case. Error 10205 if the container
        was removed from the queue meanwhile.
        """
        deadline = time.monotonic() + patience
        entry.hub_retry_deadline = deadline + HUB_RETRY_TIMEOUT
        while True:
            seq = self._registry.stream.seq
            grant = self._scheduler.grants.get(entry.id)
            if grant is not None:
                entry.hub_retry_deadline = 0.0
                return grant
            place = self._registry.places().get(entry.id)
            if place is None:
                entry.hub_retry_deadline = 0.0
                raise NotQueuedError(name=entry.id)
            left = deadline - time.monotonic()
            if place != last_place or left <= 0:
                self._start_after_timeout(entry)
                return place
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._registry.changed(entry.id, seq), left)

    def _require_waiting(self, entry: ContainerState) -> None:
        if entry.id not in self._scheduler.waiting:
            raise NotQueuedError(name=entry.id)

    def _start_after_timeout(self, entry: ContainerState) -> None:
        """Start the container here if the Hub does not ask again soon."""
        entry.hub_retry_deadline = time.monotonic() + HUB_RETRY_TIMEOUT

        def check() -> None:
            grant = self._scheduler.grants.get(entry.id)
            if entry.admitting or grant is None or entry.spawning or entry.active:
                return
            entry.intent = Intent.START
            self._start_container(entry)

        asyncio.get_running_loop().call_later(HUB_RETRY_TIMEOUT + 0.1, check)
