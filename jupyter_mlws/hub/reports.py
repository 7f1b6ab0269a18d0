"""Usage, logs and events of containers, and reports on resources."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

from jupyter_mlws.api.rest import in_thread
from jupyter_mlws.containers.cgroups import Sample
from jupyter_mlws.containers.models import (
    ContainerEvent,
    HoursReport,
    LogLine,
    LogTail,
    Me,
    ResourceReport,
    Usage,
)
from jupyter_mlws.hub.docker.engine import DockerContainer, Engine, LogReader
from jupyter_mlws.hub.environments import Environments
from jupyter_mlws.hub.lifecycle.registry import ContainerRegistry
from jupyter_mlws.hub.records.container_state import now
from jupyter_mlws.hub.records.store import Records
from jupyter_mlws.hub.records.usage import totals
from mlws.core.errors import MLWSError

MEASURE_INTERVAL = 2.0
MAX_LOG_READERS = 256
"""Maximum number of logs that are followed at the same time."""
MAX_LINES_AHEAD = 200
"""Maximum number of lines that a thread reads ahead."""

log = logging.getLogger(__name__)


class Reports:
    """Reports about containers and resources. Lives on the event loop."""

    def __init__(
        self, engine: Engine, registry: ContainerRegistry, environments: Environments
    ) -> None:
        self._engine = engine
        self._registry = registry
        self._environments = environments
        self._meter = Meter(engine)
        # Separate threads: a log that is followed uses its thread for hours.
        self._log_threads = ThreadPoolExecutor(MAX_LOG_READERS, thread_name_prefix="mlws-log")
        self._listeners = 0
        self._measuring: asyncio.Task[None] | None = None

    def close(self) -> None:
        """Stop measuring; all readers of logs are closed by then."""
        if self._measuring is not None:
            self._measuring.cancel()
        self._log_threads.shutdown(wait=False)

    # One container

    async def usage(self, user: Me, identifier: str) -> Usage:
        """Return the current usage; zero if the container does not run."""
        entry = self._registry.find(user, identifier)
        limit = entry.resources.amount.memory
        nothing = Usage(cpu=0, memory=0, memory_limit=limit, processes=0, time=now())
        if not entry.running or entry.docker_container is None:
            return nothing
        usage = await self._meter.usage({identifier: entry.docker_container})
        return usage.get(identifier, nothing)

    async def log_tail(self, user: Me, identifier: str, lines: int) -> LogTail:
        """Return the end of the log: Docker's, or the lines stored when it ended."""
        entry = self._registry.find(user, identifier)
        container = entry.docker_container
        docker = entry.previous_container_id if container is None else container.docker
        if docker is not None:
            return LogTail(lines=await in_thread(self._engine.tail, docker, lines))
        rows = await self._registry.records.read(Records.logs, identifier, lines)
        return LogTail(
            lines=[
                LogLine(seq=seq, stream=row.log_type, text=row.message, time=row.timestamp)
                for seq, row in enumerate(rows, 1)
            ]
        )

    async def follow_log(
        self, user: Me, identifier: str, since: int
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield the log after the line ``since`` as it grows, across restarts and new starts."""
        current = None
        while True:
            seq = self._registry.stream.seq
            container = self._registry.find(user, identifier).docker_container
            if container is not None and (container.active or container.docker != current):
                is_new = current is not None
                if not is_new and since:
                    # The number of a line that the log lacks belongs to another container's log.
                    last = await in_thread(self._engine.tail, container.docker, 1)
                    is_new = not last or last[-1].seq < since
                if container.docker != current and is_new:
                    yield {"seq": 0, "type": "reset"}
                    since = 0
                current = container.docker
                reader = await in_thread(self._engine.follow, container.docker)
                async with aclosing(self._read_lines(reader)) as lines:  # type: ignore[type-var]
                    async for line in lines:
                        if line.seq > since:
                            since = line.seq
                            yield {"type": "log", **line.model_dump(mode="json")}
            await self._registry.changed(identifier, seq)

    async def _read_lines(self, reader: LogReader) -> AsyncIterator[LogLine]:
        """Yield the lines of a log until it ends; a thread reads them on demand.

        Closes the reader.
        """
        loop = asyncio.get_running_loop()
        lines: asyncio.Queue[LogLine | None] = asyncio.Queue(MAX_LINES_AHEAD)

        def pump() -> None:
            for line in reader:
                asyncio.run_coroutine_threadsafe(lines.put(line), loop).result()
            asyncio.run_coroutine_threadsafe(lines.put(None), loop).result()

        pumping = loop.run_in_executor(self._log_threads, pump)
        try:
            while (line := await lines.get()) is not None:
                yield line
        finally:
            await in_thread(reader.close)
            while not pumping.done():
                # Make room, so that the thread can finish.
                while not lines.empty():
                    lines.get_nowait()
                await asyncio.wait({pumping}, timeout=0.05)

    async def events(self, user: Me, identifier: str, limit: int) -> list[ContainerEvent]:
        """Return the events of a container, oldest first."""
        self._registry.find(user, identifier)
        rows = await self._registry.records.read(Records.logs, identifier, limit, "event")
        return [ContainerEvent(time=row.timestamp, text=row.message) for row in rows]

    # All containers

    async def resources(self, user: Me) -> ResourceReport:
        """Return all machines, the user's part of the queue, and the user's choices."""
        await self._measure()
        return self._filter_report(user, self._registry.report(self._registry.positions()))

    async def hours(self, actor: Me, days: int) -> HoursReport:
        """Return the hours of use in the last days: one's own, or all for an administrator."""
        since = now() - timedelta(days=days)
        user = None if actor.admin else actor.name
        self._registry.usage_accounting.count()
        self._registry.usage_accounting.store()
        rows = await self._registry.records.read(Records.usage_since, since, user)
        return HoursReport(days=days, items=totals(rows, since, now()))

    async def changes(self, user: Me, since: int) -> AsyncIterator[dict[str, Any]]:
        """Yield the changes that the user may see; usage is measured while there are listeners."""

        async def measure_periodically() -> None:
            while True:
                try:
                    await self._measure()
                except MLWSError as error:
                    log.info("Could not measure resource usage: %s", error)
                await asyncio.sleep(MEASURE_INTERVAL)

        self._listeners += 1
        if self._measuring is None:
            self._measuring = asyncio.create_task(measure_periodically())
        try:
            async with aclosing(self._registry.stream.follow(since)) as stream:  # type: ignore[type-var]
                async for message in stream:
                    visible_message = dict(message)
                    if message["type"] == "resources":
                        report = self._filter_report(user, message["report"])
                        visible_message["report"] = report
                    elif "user" in message and not user.may_see(visible_message.pop("user")):
                        continue
                    yield visible_message
        finally:
            self._listeners -= 1
            if not self._listeners and self._measuring is not None:
                self._measuring.cancel()
                self._measuring = None

    def _filter_report(self, user: Me, report: ResourceReport) -> ResourceReport:
        visible_rows = [row for row in report.queue if user.may_see(row.user)]
        images = [*report.images, *self._environments.images(user.name)]
        return report.model_copy(update={"queue": visible_rows, "images": images})

    async def _measure(self) -> None:
        usage = await self._meter.usage(self._registry.running())
        self._meter.forget(self._registry.running())
        self._registry.apply_usage(usage)


FRESH = 10.0
"""Maximum seconds between the two samples of a rate."""
SHORT = 0.25
"""Seconds between two samples if there is no earlier one."""
MEBIBYTE = 1024 * 1024
"""Unit to which memory is rounded, so that an idle container causes no events."""


class Meter:
    """Measures usage; stores the last sample of each container.

    A rate is that since the last sample, unless that is older than ``max_age`` seconds.
    """

    def __init__(self, engine: Engine, max_age: float = FRESH) -> None:
        self._engine = engine
        self._max_age = max_age
        self._samples: dict[str, Sample] = {}

    async def usage(self, running: Mapping[str, DockerContainer]) -> dict[str, Usage]:
        """Return the current usage of the running containers, by id."""
        before = self._samples
        after = await in_thread(self._read, running)
        stale = {
            identifier: container
            for identifier, container in running.items()
            if container.docker in after
            and not self._is_comparable(before.get(container.docker), after[container.docker])
        }
        if stale:
            first = {container.docker: after[container.docker] for container in stale.values()}
            before = {**before, **first}
            await asyncio.sleep(SHORT)
            after = {**after, **await in_thread(self._read, stale)}
        self._samples = {**self._samples, **after}
        usage = {}
        for identifier, container in running.items():
            old, new = before.get(container.docker), after.get(container.docker)
            if old is None or new is None or not self._is_comparable(old, new):
                continue
            usage[identifier] = Usage(
                # A container that was started again counts from zero.
                cpu=round(max(0.0, new.cpu - old.cpu) / (new.time - old.time), 2),
                memory=round(new.memory / MEBIBYTE) * MEBIBYTE,
                memory_limit=container.amount.memory,
                processes=new.processes,
                time=datetime.now(UTC),
            )
        return usage

    def forget(self, running: Mapping[str, DockerContainer]) -> None:
        """Drop the samples of all containers but these."""
        there = {container.docker for container in running.values()}
        self._samples = {key: value for key, value in self._samples.items() if key in there}

    def _read(self, running: Mapping[str, DockerContainer]) -> dict[str, Sample]:
        samples = {
            container.docker: self._engine.sample(container) for container in running.values()
        }
        return {docker: sample for docker, sample in samples.items() if sample is not None}

    def _is_comparable(self, before: Sample | None, after: Sample) -> bool:
        return before is not None and 0 < after.time - before.time < self._max_age
