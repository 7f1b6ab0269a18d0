"""History of the usage of machines and users, from samples in the records."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from jupyter_mlws.containers.models import (
    HistoryQuery,
    HistorySpan,
    Me,
    UsageHistory,
    UsageSeries,
    UsageSubject,
)
from jupyter_mlws.hub.docker.engine import Engine
from jupyter_mlws.hub.lifecycle.registry import ContainerRegistry
from jupyter_mlws.hub.records.store import RecordQueue, Records, UsageSampleRow
from jupyter_mlws.hub.reports import Meter
from jupyter_mlws.hub.volumes import Volumes
from mlws.core.errors import MLWSError

MINUTE, QUARTER, DAY = 60, 15 * 60, 24 * 3600
SAMPLES = {MINUTE: DAY + QUARTER, QUARTER: 32 * DAY}
"""Seconds that a sample covers → seconds for which it is kept."""
MAX_SUBJECTS = 8
"""Number of series in one answer: those that used the most."""
SPANS: dict[HistorySpan, tuple[int, int, int]] = {
    "hour": (3600, MINUTE, MINUTE),
    "day": (DAY, MINUTE, 5 * MINUTE),
    "week": (7 * DAY, QUARTER, 2 * QUARTER),
    "month": (31 * DAY, QUARTER, 8 * QUARTER),
}
"""Span → its length, the width of its samples and the width of the points in an answer."""

log = logging.getLogger(__name__)


@dataclass
class Sum:
    """Usage of all containers of a machine or a user."""

    cpu: float = 0.0
    memory: int = 0
    gpu: int = 0
    disk: int | None = None


@dataclass(eq=False)
class UsageRecorder:
    """Stores the usage of each minute, and averages of it for longer. Lives on the event loop."""

    _registry: ContainerRegistry
    _engine: Engine
    _records: RecordQueue
    _volumes: Volumes
    _meter: Meter = field(init=False)

    def __post_init__(self) -> None:
        # The usage of the whole minute, not of the moment.
        self._meter = Meter(self._engine, max_age=2.0 * MINUTE)

    async def record_periodically(self) -> None:
        """Record at the end of each minute."""
        while True:
            await asyncio.sleep(MINUTE - time.time() % MINUTE)
            try:
                rows = to_rows(await self._measure(), int(time.time()))
            except MLWSError as error:
                log.warning("Could not record the usage: %s", error)
                continue
            self._records.write(Records.save_samples, rows, int(time.time()), SAMPLES)
            self._registry.stream.publish({"type": "samples"})

    async def _measure(self) -> dict[tuple[UsageSubject, str], Sum]:
        containers = self._registry.running()
        usage = await self._meter.usage(containers)
        self._meter.forget(containers)
        sums: defaultdict[tuple[UsageSubject, str], Sum] = defaultdict(Sum)
        for machine in self._registry.scheduler.nodes:
            disk = self._registry.disks.get(machine)
            used = None if disk is None else disk.total - disk.free
            sums[UsageSubject.MACHINE, machine].disk = used
        for identifier, container in containers.items():
            entry = self._registry.entries.get(identifier)
            sums[UsageSubject.USER, container.user].disk = self._volumes.size(container.user)
            subjects = [(UsageSubject.USER, container.user)]
            if entry is not None and entry.node is not None:
                subjects.append((UsageSubject.MACHINE, entry.node))
            for subject in subjects:
                total = sums[subject]
                total.gpu += container.amount.gpu
                if identifier in usage:
                    total.cpu += usage[identifier].cpu
                    total.memory += usage[identifier].memory
        return dict(sums)

    async def history(self, user: Me, query: HistoryQuery) -> UsageHistory:
        """Return the series of a span; users who are no administrators see their own alone."""
        length, sample_width, width = SPANS[query.span]
        subject = UsageSubject(query.subject)
        is_own = subject is UsageSubject.USER and not user.admin
        since = int(time.time()) // width * width - length
        rows = await self._records.read(
            Records.read_samples,
            sample_width,
            width,
            subject,
            user.name if is_own else query.name,
            query.metric,
            since,
            MAX_SUBJECTS,
        )
        return UsageHistory(
            since=since,
            until=since + length,
            width=width,
            items=to_series(rows, since, since + length, width),
        )


def to_rows(sums: dict[tuple[UsageSubject, str], Sum], moment: int) -> list[UsageSampleRow]:
    """Return the samples of the minute that ends about ``moment``."""
    minute = (moment - MINUTE // 2) // MINUTE * MINUTE
    return [
        UsageSampleRow(
            width=MINUTE,
            subject=subject,
            name=name,
            time=minute,
            cpu=round(total.cpu, 3),
            memory=total.memory,
            gpu=total.gpu,
            disk=total.disk,
        )
        for (subject, name), total in sums.items()
    ]


def to_series(
    rows: Iterable[UsageSampleRow], since: int, until: int, width: int
) -> list[UsageSeries]:
    """Return the samples as series with a value or null for each of the times."""
    count = (until - since) // width + 1
    series: dict[str, UsageSeries] = {}
    for row in rows:
        one = series.get(row.name)
        if one is None:
            one = series[row.name] = UsageSeries(
                name=row.name,
                cpu=[None] * count,
                memory=[None] * count,
                gpu=[None] * count,
                disk=[None] * count,
            )
        place = (row.time - since) // width
        if 0 <= place < count:
            one.cpu[place] = round(row.cpu, 3)
            one.memory[place] = row.memory
            one.gpu[place] = round(row.gpu, 2)
            one.disk[place] = row.disk
    return list(series.values())
