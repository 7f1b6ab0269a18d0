"""Usage accounting: rows of used resources, hours per user, and typical run lengths."""

from __future__ import annotations

import time
import uuid
from collections import deque
from collections.abc import Iterable
from datetime import datetime
from statistics import median

from jupyter_mlws.containers.models import Amount, Hours
from jupyter_mlws.hub.records.container_state import ContainerState, now
from jupyter_mlws.hub.records.store import RecordQueue, UsageRow

MAX_RUN_LENGTHS = 200
"""Number of the last runs from which the length of the next is estimated."""
MIN_RUN_LENGTHS = 3
"""Minimum number of runs for an estimate."""
SECONDS_PER_HOUR = 3600.0
GIBIBYTE = 1024**3


class UsageAccounting:
    """Stores a row for each period in which a container ran with one size.

    Must be used on the event loop.
    """

    def __init__(self, records: RecordQueue) -> None:
        self._records = records
        self._open: dict[str, UsageRow] = {}
        self._run_lengths: deque[float] = deque(maxlen=MAX_RUN_LENGTHS)

    def load(self, open_: Iterable[UsageRow], lengths: Iterable[float]) -> None:
        """Load the open rows and the run lengths of an earlier process."""
        self._open = {row.container_id: row for row in open_}
        self._run_lengths.extend(lengths)

    def update(self, entry: ContainerState) -> None:
        """Update a container's row if its state or size has changed."""
        row = self._open.get(entry.id)
        amount = entry.resources.amount
        if not entry.running:
            if row is not None:
                self._close(entry.id, row)
            return
        if row is not None and Amount(cpu=row.cpu, memory=row.memory, gpu=row.gpu) == amount:
            return
        if row is not None:
            self._close(entry.id, row)
        began = now() if row is not None else entry.started_at or now()
        new_row = UsageRow(
            id=uuid.uuid4().hex,
            container_id=entry.id,
            user=entry.user,
            started_at=began,
            **amount.model_dump(),
        )
        self._open[entry.id] = new_row
        self._records.save(new_row)

    def forget(self, entry: ContainerState) -> None:
        """Close the row of a deleted container."""
        row = self._open.get(entry.id)
        if row is not None:
            self._close(entry.id, row)

    def _close(self, identifier: str, row: UsageRow) -> None:
        del self._open[identifier]
        row.ended_at = now()
        self._run_lengths.append((row.ended_at - row.started_at).total_seconds())
        self._records.save(row)

    def ends(self, entries: Iterable[ContainerState]) -> dict[str, float]:
        """Return estimated end times of running containers, in seconds since the epoch.

        An estimate is the median of the earlier runs that were longer than the current one.
        """
        end_times = {}
        moment = time.time()
        for entry in entries:
            if not entry.running or entry.started_at is None:
                continue
            age = moment - entry.started_at.timestamp()
            longer = [length for length in self._run_lengths if length > age]
            if len(longer) >= MIN_RUN_LENGTHS:
                end_times[entry.id] = moment + median(longer) - age
        return end_times


def totals(rows: Iterable[UsageRow], since: datetime, until: datetime) -> list[Hours]:
    """Return the hours of every user between two times, by name."""
    sums: dict[str, dict[str, float]] = {}
    for row in rows:
        start, end = max(row.started_at, since), row.ended_at or until
        hours = max(0.0, (end - start).total_seconds() / SECONDS_PER_HOUR)
        mine = sums.setdefault(row.user, dict.fromkeys(("hours", "cpu", "memory", "gpu"), 0.0))
        mine["hours"] += hours
        mine["cpu"] += hours * row.cpu
        mine["memory"] += hours * row.memory / GIBIBYTE
        mine["gpu"] += hours * row.gpu
    return [
        Hours(
            user=user,
            hours=round(mine["hours"], 3),
            cpu_hours=round(mine["cpu"], 3),
            memory_gib_hours=round(mine["memory"], 3),
            gpu_hours=round(mine["gpu"], 3),
        )
        for user, mine in sorted(sums.items())
    ]
