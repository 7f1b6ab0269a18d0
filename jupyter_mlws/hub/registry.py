"""All containers of one Hub: what is known of them, what they hold, and the news of them."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from copy import copy
from datetime import datetime, timezone
from typing import Any

from jupyter_mlws.api.rest import in_thread
from jupyter_mlws.containers.models import (
    Container,
    ContainerStatus,
    LogLine,
    Node,
    QueuePlace,
    ResourceReport,
    Resources,
    Usage,
    Waiting,
    container_id,
    masked,
    split_id,
)
from jupyter_mlws.core.errors import MLWSError
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.core.ring_stream import RingStream
from jupyter_mlws.hub.engine import Engine, Seen
from jupyter_mlws.hub.hubapi import HubAPI, Server
from jupyter_mlws.hub.lifecycle import Entry, Intent, now
from jupyter_mlws.hub.policy import Policy, Wanted
from jupyter_mlws.hub.records import Records, ReservationRow
from jupyter_mlws.hub.scheduler import Grant, Request, Reservation, Scheduler
from jupyter_mlws.hub.swarm_queue import SwarmQueue
from jupyter_mlws.hub.usage_records import REMEMBERED, UsageAccounting

LAST_LINES = 20
ONE_LACK = 5.0
"""Seconds in which the same lack of memory may be told again."""

log = logging.getLogger(__name__)


class ContainerRegistry:
    """Live state. Lives on the event loop; what blocks crosses to threads.

    ``begin`` is called with each container that got its resources and is to be started.
    """

    def __init__(
        self,
        policy: Policy,
        scheduler: Scheduler,
        engine: Engine,
        hub: HubAPI,
        records: Records,
        begin: Callable[[Entry], None],
    ) -> None:
        self.policy = policy
        self.scheduler = scheduler
        self.entries: dict[str, Entry] = {}
        # Numbers of an earlier process are all smaller, so that its readers begin anew.
        self.stream = RingStream(first=int(time.time() * 1000))
        self._engine = engine
        self._hub = hub
        self._records = records
        self._begin = begin
        self.counted = False
        """Whether all that runs is counted; nothing is granted before."""
        # One thread: what is written last is what was true last.
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="mlws-records")
        self._writes: set[asyncio.Future[Any]] = set()
        self._reported: ResourceReport | None = None
        self._held: dict[str, Reservation] = {}
        self.ledger = UsageAccounting(records, self.record)

    async def close(self) -> None:
        """Wait for what is being written."""
        await asyncio.gather(*self._writes, return_exceptions=True)
        self._writer.shutdown()

    # The records

    async def load(self) -> list[Entry]:
        """What an earlier process of the service has left."""
        rows = await self.recorded(self._records.containers)
        self.entries = {row.id: Entry.of(row) for row in rows}
        ended = await self.recorded(self._records.last_usage, REMEMBERED)
        self.ledger.load(
            await self.recorded(self._records.running_usage),
            [(row.ended_at - row.started_at).total_seconds() for row in ended],
        )
        moment = time.time()
        for kept in await self.recorded(self._records.reservations):
            amount = Resources.model_validate(kept.resources).amount
            held = Reservation(
                kept.id,
                kept.user,
                kept.node,
                amount,
                tuple(kept.devices),
                kept.expires_at.timestamp(),
            )
            if held.expires > moment and held.node in self.scheduler.nodes:
                self.scheduler.reservations[held.user] = held
        return list(self.entries.values())

    async def recorded(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """Read or write the records, after all that was asked for before."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, call, *arguments)

    def record(self, call: Callable[..., Any], *arguments: Any) -> None:
        """Write, without waiting for it."""
        write = asyncio.ensure_future(self.recorded(call, *arguments))
        self._writes.add(write)
        write.add_done_callback(self._written)

    async def written(self) -> None:
        """Until all of it is on the disk: what is answered then outlives this process."""
        await asyncio.gather(*self._writes)

    def _written(self, write: asyncio.Future[Any]) -> None:
        self._writes.discard(write)
        if not write.cancelled() and write.exception() is not None:
            log.error("Could not write a record", exc_info=write.exception())

    def keep(self, entry: Entry) -> None:
        """Write down how it stands."""
        entry.kept = entry.untold
        waits = entry.id in self.scheduler.waiting
        self.record(self._records.save, entry.row(entry.status(waits)))

    def drop(self, entry: Entry) -> None:
        """It is no more."""
        self.scheduler.withdraw(entry.id)
        self.scheduler.release(entry.id)
        self.ledger.forget(entry)
        del self.entries[entry.id]
        self.record(self._records.remove, entry.id)
        self.stream.publish({"type": "removed", "id": entry.id, "user": entry.user})
        self.settle()

    # What Docker and the Hub say

    async def observed(
        self, identifier: str, seen: Seen | None, server: Server | None, since: float
    ) -> bool:
        """Take their views, which are not older than ``since``; whether to look again soon."""
        entry = self.entries.get(identifier) or self._adopt(identifier, seen, server)
        if entry is None:
            return False
        # Read before the crash is published, so that both are published together.
        lines = await self._last_lines(entry, seen, server)
        if since < entry.asked:
            return True
        entry.look(seen, server)
        if self._is_gone(entry):
            self.drop(entry)
            return False
        self._count(entry)
        await self._follow(entry, lines)
        self.ledger.saw(entry)
        self.settle()
        restarting = seen is not None and seen.state == "restarting"
        settled = entry.running == (server is not None and server.ready) and not restarting
        pending = server is not None and server.pending is not None
        return pending or not settled or entry.spawning

    def happened(self, identifier: str, action: str) -> None:
        """Docker did something to it: what no state shows is kept here."""
        entry = self.entries.get(identifier)
        if entry is None or action != "oom":
            return
        # The kernel tells of one lack of memory several times.
        if time.monotonic() - entry.oom_noted > ONE_LACK:
            entry.oom_noted = time.monotonic()
            self.note(entry, "out of memory: a process was killed")

    def _adopt(self, identifier: str, seen: Seen | None, server: Server | None) -> Entry | None:
        """A container that this service has no record of."""
        if seen is None and (server is None or not (server.active or server.name)):
            return None
        user, name = split_id(identifier)
        image, amount = self.policy.default_image, self.policy.default_resources.amount
        environment: dict[str, str] = {}
        if server is not None:
            try:
                wanted = self.policy.check(self.policy.read(server.options))
                image, amount = wanted.label, wanted.resources
                environment = masked(dict(wanted.environment))
            except MLWSError as error:
                log.info("Ignoring invalid options of %s: %s", identifier, error)
        if seen is not None:
            image, amount = seen.image, seen.amount
        created = seen.created if seen is not None else now()
        entry = Entry(
            identifier,
            user,
            name,
            image,
            environment,
            Resources.of(amount),
            created_at=created,
            updated_at=created,
        )
        entry.asked = 0.0
        self.entries[identifier] = entry
        return entry

    def _is_gone(self, entry: Entry) -> bool:
        """A server with a name that was deleted on the Hub's own pages, or whose person was."""
        nowhere = entry.server is None and entry.seen is None
        waits = entry.id in self.scheduler.waiting
        return nowhere and not waits and not entry.spawning and entry.intent is Intent.NONE

    def _count(self, entry: Entry) -> None:
        """Hold what it has, once; give back what it has no more."""
        if isinstance(self.scheduler, SwarmQueue) and self._placed_by_swarm(entry, self.scheduler):
            return
        if entry.id in self.scheduler.waiting and not entry.running:
            return  # The Hub says that it starts, and it waits for its resources.
        if entry.active:
            seen, grant = entry.seen, self.scheduler.grants.get(entry.id)
            known = grant is not None and (
                seen is None or entry.resizing or grant.amount == seen.amount
            )
            if not known:
                amount = seen.amount if seen is not None else entry.resources.amount
                devices = seen.devices if seen is not None else ()
                node = entry.node if entry.node in self.scheduler.nodes else None
                node = node or next(iter(self.scheduler.nodes))
                self.scheduler.restore(Grant(entry.id, entry.user, node, amount, devices))
            entry.node = self.scheduler.grants[entry.id].node
        elif entry.intent not in (Intent.START, Intent.RESTART) and not self._is_starting(entry):
            self.scheduler.release(entry.id)

    def _placed_by_swarm(self, entry: Entry, queue: SwarmQueue) -> bool:
        """Take where Swarm has put it, or that it waits there; whether it waits."""
        seen = entry.seen
        if seen is None or entry.ended:
            return False
        if entry.held and not entry.stopping:
            entry.queued_at = entry.queued_at or seen.created
            queue.hold(self.request(entry))
            return True
        if entry.id in queue.waiting or seen.node not in (None, entry.node):
            known = [name for name in queue.nodes if name == seen.node]
            node = next(iter(known or queue.nodes))
            entry.node = node
            entry.queued_at = entry.turn_at = None
            queue.restore(Grant(entry.id, entry.user, node, seen.amount))
        return False

    async def _last_lines(
        self, entry: Entry, seen: Seen | None, server: Server | None
    ) -> list[LogLine]:
        """Return the end of the log if the container has just crashed."""
        after = copy(entry)
        after.look(seen, server)
        crashed = after.failed and not self._is_starting(after) and not after.stopping
        if after.seen is None or not crashed or entry.exit_code is not None:
            return []
        return await in_thread(self._engine.tail, after.seen.docker, LAST_LINES)

    async def _follow(self, entry: Entry, lines: list[LogLine]) -> None:
        """Record starts and ends with their reasons; ``lines``: the end of the log of a crash."""
        seen, server = entry.seen, entry.server
        if entry.running and seen is not None:
            if seen.restarts > entry.restarts:
                self.note(entry, f"restarted by Docker ({seen.restarts} times so far)")
            entry.started_at, entry.restarts = seen.started, seen.restarts
            entry.exit_code, entry.reason, entry.last_log = None, None, []
            if server is not None and server.ready:
                entry.spawning, entry.sealed = False, None
        elif self._is_starting(entry) or entry.stopping:
            return
        elif entry.failed and seen is not None:
            if entry.exit_code is None:
                self._remember_the_end(entry, seen, lines)
        elif entry.spawning:
            failure = await self._hub.failure(entry.user, entry.name)
            if failure:
                entry.reason = Message.verbatim(failure)
        if not self._is_starting(entry):
            entry.spawning = False

    def _is_starting(self, entry: Entry) -> bool:
        pending = entry.server is not None and entry.server.pending == "spawn"
        return pending or entry.admitting or entry.intent is Intent.START

    def _remember_the_end(self, entry: Entry, seen: Seen, lines: list[LogLine]) -> None:
        entry.exit_code, entry.reason = seen.exit_code, entry.why_it_ended()
        entry.restarts = seen.restarts
        entry.last_log = [line.text for line in lines]
        self.keep(entry)
        self.record(
            self._records.log, entry.id, [(line.stream, line.text, line.time) for line in lines]
        )

    # Starting whoever's turn it is, and telling everybody

    def settle(self) -> None:
        """Start what can start now, then tell what has changed."""
        if not self.counted:
            return
        for grant in self.scheduler.dispatch(time.time()):
            entry = self.entries[grant.id]
            self.granted(entry, grant)
        self._keep_reservations()
        self.tell()

    def granted(self, entry: Entry, grant: Grant) -> None:
        """It has its resources; ``begin`` starts it, unless the Hub is doing so itself."""
        entry.node = grant.node
        entry.resources = Resources.of(grant.amount)
        entry.queued_at = entry.turn_at = None
        entry.asked = time.monotonic()
        entry.forget_the_end()
        if not entry.admitting:
            entry.intent = Intent.START
            self._begin(entry)

    def tell(self) -> None:
        """Publish and keep every container, and the report, as far as they have changed."""
        places = self.places()
        for entry in self.entries.values():
            told = entry.container(places.get(entry.id))
            plain = told.model_copy(update={"usage": None, "updated_at": entry.created_at})
            if plain == entry.told:
                if entry.kept != entry.untold:
                    self.keep(entry)
                continue
            before, entry.told = entry.told, plain
            entry.updated_at = now()
            self.keep(entry)
            if before is not None and before.status is not told.status:
                self.note(entry, f"{before.status.value} → {told.status.value}")
            self.publish(entry, places)
        report = self.report(places)
        if report != self._reported:
            self._reported = report
            self.stream.publish({"type": "resources", "report": report})

    def publish(self, entry: Entry, places: dict[str, QueuePlace]) -> None:
        """One container."""
        container = entry.container(places.get(entry.id))
        self.stream.publish({"type": "container", "user": entry.user, "container": container})

    async def changed(self, identifier: str, seq: int) -> None:
        """Return once there are news of a container after ``seq`` in the stream."""
        async with aclosing(self.stream.follow(seq)) as stream:  # type: ignore[type-var]
            async for message in stream:
                container = message.get("container")
                named = message.get("id") if container is None else container.id
                if message["type"] == "reset" or named == identifier:
                    return

    def measured(self, usage: dict[str, Usage]) -> None:
        """Tell of usage, where it has changed."""
        places = self.places()
        for identifier, used in usage.items():
            entry = self.entries.get(identifier)
            if entry is None:
                continue
            before, entry.usage = entry.usage, used
            same = before is not None and before.model_copy(update={"time": used.time}) == used
            if not same:
                self.publish(entry, places)
        self.tell()

    def note(self, entry: Entry, message: str) -> None:
        """Keep what happened to it, for its log."""
        log.info("%s: %s", entry.id, message)
        self.record(self._records.log, entry.id, [("event", message, now())])

    def _keep_reservations(self) -> None:
        if self._held == self.scheduler.reservations:
            return
        self._held = dict(self.scheduler.reservations)
        rows = [
            ReservationRow(
                user=held.user,
                id=held.id,
                node=held.node,
                resources=Resources.of(held.amount).model_dump(),
                devices=list(held.devices),
                expires_at=datetime.fromtimestamp(held.expires, timezone.utc),
            )
            for held in self._held.values()
        ]
        self.record(self._records.keep_reservations, rows)

    # Looking

    def places(self) -> dict[str, QueuePlace]:
        """Everybody's place in the queue."""
        places = self.scheduler.places(time.time(), self.ends())
        return {
            name: QueuePlace(position=place.position, eta_seconds=_rounded(place.eta))
            for name, place in places.items()
        }

    def ends(self) -> dict[str, float]:
        """When what runs may end; only asked where somebody waits for it."""
        return self.ledger.ends(self.entries.values()) if self.scheduler.waiting else {}

    def container(self, entry: Entry) -> Container:
        """As the API tells of it."""
        return entry.container(self.places().get(entry.id))

    def status(self, entry: Entry) -> ContainerStatus:
        return entry.status(entry.id in self.scheduler.waiting)

    def request(self, entry: Entry) -> Request:
        """What it is to ask the scheduler for."""
        queued = entry.turn_at or entry.queued_at or now()
        return Request(
            entry.id,
            entry.user,
            entry.resources.amount,
            entry.priority,
            queued.timestamp(),
            entry.degrade,
        )

    def report(self, places: dict[str, QueuePlace]) -> ResourceReport:
        """All machines and the whole queue."""
        waiting = [
            Waiting(
                id=request.id,
                user=request.user,
                position=places[request.id].position,
                priority=request.priority,
                resources=Resources.of(request.amount),
                since=self.entries[request.id].queued_at or now(),
                eta_seconds=places[request.id].eta_seconds,
            )
            for request in self.scheduler.queue(time.time())
        ]
        return ResourceReport(
            nodes=[self._node(name) for name in self.scheduler.nodes],
            queue=waiting,
            limits=self.policy.max_resources.amount,
            defaults=self.policy.default_resources,
            images=list(self.policy.images),
            profiles=self.policy.profiles,
        )

    def _node(self, name: str) -> Node:
        here = [
            self.entries[grant.id]
            for grant in self.scheduler.grants.values()
            if grant.node == name and grant.id in self.entries
        ]
        used = [entry.usage for entry in here if entry.usage is not None and entry.running]
        capacity, allocated = self.scheduler.nodes[name], self.scheduler.allocated(name)
        return Node(
            name=name,
            capacity=capacity,
            allocated=allocated,
            used=capacity.model_copy(
                update={
                    "cpu": round(sum(one.cpu for one in used), 2),
                    "memory": sum(one.memory for one in used),
                    "gpu": allocated.gpu,
                }
            ),
            containers=len(here),
        )

    def running(self) -> dict[str, Seen]:
        """What can be measured."""
        return {
            key: entry.seen
            for key, entry in self.entries.items()
            if entry.running and entry.seen is not None
        }

    def enter(self, user: str, name: str, wanted: Wanted) -> Entry:
        """What is wanted now of a container, whether there was one of that id or not."""
        identifier = container_id(user, name)
        resources = Resources.of(wanted.resources)
        shown = masked(dict(wanted.environment))
        entry = self.entries.get(identifier)
        if entry is None:
            entry = Entry(identifier, user, name, wanted.label, shown, resources)
            self.entries[identifier] = entry
        entry.image, entry.environment, entry.resources = wanted.label, shown, resources
        entry.created_at, entry.asked = now(), time.monotonic()
        return entry


def _rounded(seconds: float | None) -> float | None:
    """To ten seconds, so that the passing of time alone is no news."""
    return None if seconds is None else math.ceil(seconds / 10) * 10.0
