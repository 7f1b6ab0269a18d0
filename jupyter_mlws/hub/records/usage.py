"""Usage accounting: seconds of used resources per user, group and month, and run lengths.

Seconds are counted by the kernel's monotonic clock, which no one can set, and which is the same
for all processes of one boot of the machine. So a killed service, a killed Docker engine and a
wall clock that jumps change no sum. The wall clock only decides the month, in UTC. The end of a
container that nobody observed is the one that Docker has recorded, else the time of the last count.
"""

from __future__ import annotations

import time
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from jupyter_mlws.containers.budgets import Meter, Subject
from jupyter_mlws.containers.models import Amount, Hours
from jupyter_mlws.hub.docker.engine import DockerContainer
from jupyter_mlws.hub.records.container_state import ContainerState
from jupyter_mlws.hub.records.store import UsageRow

MAX_RUN_LENGTHS = 200
"""Number of the last runs from which the length of the next is estimated."""
MIN_RUN_LENGTHS = 3
"""Minimum number of runs for an estimate."""
SECONDS_PER_HOUR = 3600.0
GIBIBYTE = 1024**3
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
SHARE_HALF_LIFE = 24 * SECONDS_PER_HOUR
"""Seconds after which usage counts half in the queue."""
SHARE_PERIOD = timedelta(days=7)
"""Usage before it no longer counts in the queue."""
MEMORY_PER_CORE = 4 * GIBIBYTE
"""Bytes that count as much as one core in the queue."""
CORES_PER_GPU = 8


@dataclass(frozen=True)
class Clock:
    """The clocks of this machine. ``boot`` names the boot that ``monotonic`` belongs to."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], datetime] = lambda: datetime.now(UTC)
    boot: str = field(
        default_factory=lambda: (
            BOOT_ID.read_text().strip() if BOOT_ID.exists() else uuid.uuid4().hex
        )
    )

    def at(self, wall: datetime) -> float:
        """Return the monotonic time of a time of the wall clock as it is set now."""
        return self.monotonic() - (self.wall() - wall).total_seconds()


@dataclass
class Sums:
    """Seconds times cores, GiB and devices."""

    cpu: float = 0.0
    memory: float = 0.0
    gpu: float = 0.0

    def add(self, cpu: float, memory: float, gpu: float) -> None:
        self.cpu += cpu
        self.memory += memory
        self.gpu += gpu

    def hours(self, meter: Meter) -> float:
        """Return the hours of one kind."""
        names = {Meter.CPU: self.cpu, Meter.MEMORY: self.memory, Meter.GPU: self.gpu}
        return max(0.0, names[meter]) / SECONDS_PER_HOUR


@dataclass
class Share:
    """Usage that halves every :data:`SHARE_HALF_LIFE`; ``clock`` is the time of the last change."""

    value: float = 0.0
    clock: float = 0.0

    def at(self, clock: float) -> float:
        """Return the value at a time."""
        return self.value * float(0.5 ** (max(0.0, clock - self.clock) / SHARE_HALF_LIFE))

    def add(self, value: float, clock: float) -> None:
        """Add usage that has ended at a time."""
        if clock < self.clock:
            self.value += Share(value, clock).at(self.clock)
        else:
            self.value, self.clock = self.at(clock) + value, clock


Key = tuple[Subject, str]


class UsageAccounting:
    """Counts the seconds of each container by size, and stores them by ``save``.

    Must be used on the event loop.
    """

    def __init__(self, save: Callable[[Sequence[UsageRow]], None], clock: Clock | None = None):
        self._save = save
        self.clock = clock or Clock()
        self._open: dict[str, UsageRow] = {}
        self._inherited: set[str] = set()
        """Open rows of an earlier process, whose container was not observed since."""
        self._ends: dict[str, float] = {}
        """Time of the last exit, by Docker's id of the container."""
        self._idle_since: dict[str, float] = {}
        """Last time at which a container was seen not to run."""
        self._run_lengths: deque[float] = deque(maxlen=MAX_RUN_LENGTHS)
        self.totals: defaultdict[str, defaultdict[Key, Sums]] = defaultdict(
            lambda: defaultdict(Sums)
        )
        """Sums by month."""
        self._shares: defaultdict[Key, Share] = defaultdict(Share)

    def load(
        self,
        open_rows: Iterable[UsageRow],
        past_rows: Iterable[UsageRow],
        totals: Iterable[tuple[str, str, Sequence[str], float, float, float]],
        recent_rows: Iterable[UsageRow] = (),
    ) -> None:
        """Load what an earlier process has stored: ``recent_rows`` are of :data:`SHARE_PERIOD`."""
        self._open = {row.container_id: row for row in open_rows}
        self._inherited = set(self._open)
        self._run_lengths.extend(row.seconds for row in past_rows)
        for month, user, groups, cpu, memory, gpu in totals:
            for key in _keys(user, groups):
                self.totals[month][key].add(cpu, memory / GIBIBYTE, gpu)
        now = self.clock.monotonic()
        for row in recent_rows:
            age = (self.clock.wall() - (row.ended_at or row.started_at)).total_seconds()
            for key in _keys(row.user, row.groups):
                self._shares[key].add(row.seconds * _weight(row), now - max(0.0, age))

    @property
    def inherited_since(self) -> datetime | None:
        """When an earlier process has last counted the containers that ran; None if none did."""
        rows = (self._open[identifier] for identifier in self._inherited)
        return min((row.counted_at for row in rows if row.counted_at is not None), default=None)

    # Observations

    def on_exit(self, docker: str, moment: float) -> None:
        """Note when a container has exited, by Docker's id."""
        if any(row.docker == docker for row in self._open.values()):
            self._ends[docker] = moment

    def on_start(self, docker: str) -> None:
        """Note that Docker has started a container again."""
        self._ends.pop(docker, None)

    def expect(self, identifier: str) -> None:
        """Note that a container does not run yet."""
        if identifier not in self._open:
            self._idle_since[identifier] = self.clock.monotonic()

    def update(self, entry: ContainerState, groups: Sequence[str] = ()) -> None:
        """Count until now if a container's state, size or groups have changed."""
        row = self._open.get(entry.id)
        container = entry.docker_container
        if row is not None and not self._continues(row, entry):
            is_same = container is not None and container.docker == row.docker
            self._end(row, container if is_same else None)
            row = None
        self._inherited.discard(entry.id)
        if not entry.running or container is None:
            self._idle_since[entry.id] = self.clock.monotonic()
            return
        amount = entry.resources.amount
        if row is None:
            now = self.clock.monotonic()
            began = min(now, self.clock.at(container.started)) if container.started else now
            began = max(began, self._idle_since.pop(entry.id, began))
            row = self._new_row(entry.id, entry.user, container.docker, amount, groups, began)
            self._open[entry.id] = row
            self._save([self._count(row)])
        elif (_amount(row), row.groups) != (amount, sorted(groups)):
            self._replace(self._count(row), amount, groups)

    def forget(self, identifier: str) -> None:
        """End the row of a deleted container."""
        row = self._open.get(identifier)
        if row is not None:
            self._end(row, None)
        self._inherited.discard(identifier)
        self._idle_since.pop(identifier, None)

    def end_inherited(self) -> None:
        """End the rows of containers that an earlier process counted and that are gone."""
        for identifier in list(self._inherited):
            self.forget(identifier)

    def count(self) -> None:
        """Count all running containers until now."""
        for row in list(self._open.values()):
            if row.container_id not in self._inherited:
                self._count(row)

    def store(self) -> None:
        """Store the counts, for a process that continues after this one."""
        rows = [row for name, row in self._open.items() if name not in self._inherited]
        if rows:
            self._save(rows)

    # Reports

    def used(self, kind: Subject, name: str) -> Sums:
        """Return the sums of this month of a user or group."""
        return self.totals[self.month].get((kind, name), Sums())

    @property
    def month(self) -> str:
        return f"{self.clock.wall():%Y-%m}"

    @property
    def next_month(self) -> datetime:
        """When the next month begins, in UTC."""
        first = _month_start(self.clock.wall())
        return (first + timedelta(days=32)).replace(day=1)

    def share(self, kind: Subject, name: str) -> float:
        """Return the decayed usage of a user or group, in core-minutes."""
        share = self._shares.get((kind, name))
        return 0.0 if share is None else round(share.at(self.clock.monotonic()) / 60)

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

    # Parts

    def _continues(self, row: UsageRow, entry: ContainerState) -> bool:
        container = entry.docker_container
        if not entry.running or container is None or row.docker != container.docker:
            return False
        # Docker may have started it again after a boot of the machine.
        return row.boot == self.clock.boot

    def _replace(
        self, row: UsageRow, amount: Amount, groups: Sequence[str], month: str = ""
    ) -> UsageRow:
        """Continue a row by another one; both are stored together."""
        following = self._new_row(row.container_id, row.user, row.docker, amount, groups, row.clock)
        following.month = month or following.month
        row.ended_at = following.started_at
        self._open[row.container_id] = following
        self._save([row, following])
        return following

    def _new_row(
        self,
        identifier: str,
        user: str,
        docker: str,
        amount: Amount,
        groups: Sequence[str],
        began: float,
    ) -> UsageRow:
        wall = self._wall_at(began)
        return UsageRow(
            id=uuid.uuid4().hex,
            container_id=identifier,
            user=user,
            started_at=wall,
            month=f"{wall:%Y-%m}",
            groups=sorted(groups),
            docker=docker,
            clock=began,
            boot=self.clock.boot,
            counted_at=wall,
            **amount.model_dump(),
        )

    def _count(self, row: UsageRow, until: float | None = None) -> UsageRow:
        """Count until now, or until an earlier time; return the row of the current month."""
        until = self.clock.monotonic() if until is None else until
        seconds, wall = until - row.clock, self._wall_at(until)
        if f"{wall:%Y-%m}" == row.month or seconds <= 0:
            self._add(row, seconds)
        else:
            later = min(seconds, (wall - _month_start(wall)).total_seconds())
            self._add(row, seconds - later)
            row.clock = until - later
            # Rounded, the boundary itself may be in the month before.
            row = self._replace(row, _amount(row), row.groups, f"{wall:%Y-%m}")
            self._add(row, later)
        row.clock, row.counted_at = until, wall
        return row

    def _add(self, row: UsageRow, seconds: float) -> None:
        row.seconds += seconds
        for key in _keys(row.user, row.groups):
            sums = self.totals[row.month][key]
            sums.add(row.cpu * seconds, row.memory / GIBIBYTE * seconds, row.gpu * seconds)
            self._shares[key].add(_weight(row) * seconds, self.clock.monotonic())

    def _end(self, row: UsageRow, container: DockerContainer | None) -> None:
        """Count until the container's end, and close its row."""
        now = self.clock.monotonic()
        was_seen = row.container_id not in self._inherited
        finished = container.finished if container is not None else None
        if row.boot != self.clock.boot:
            # Its clock is that of an earlier boot, so only the difference of wall clocks is known.
            more = 0.0
            if finished is not None and row.counted_at is not None:
                more = max(0.0, (finished - row.counted_at).total_seconds())
            row.boot, row.clock = self.clock.boot, now - more
            end = now
        elif row.docker in self._ends:
            end = self._ends[row.docker]
        elif finished is not None:
            end = self.clock.at(finished)
        else:
            end = now if was_seen else row.clock
        # While Docker did not respond, the end may have been before the last count.
        earliest = row.clock - row.seconds if was_seen else row.clock
        row = self._count(row, min(now, max(end, earliest)))
        self._ends.pop(row.docker, None)
        self._close(row)

    def _close(self, row: UsageRow) -> None:
        del self._open[row.container_id]
        row.ended_at = self._wall_at(row.clock)
        self._run_lengths.append(row.seconds)
        self._save([row])

    def _wall_at(self, moment: float) -> datetime:
        return self.clock.wall() - timedelta(seconds=self.clock.monotonic() - moment)


def totals(rows: Iterable[UsageRow], since: datetime, until: datetime) -> list[Hours]:
    """Return the hours of every user between two times, by name."""
    sums: dict[str, dict[str, float]] = {}
    for row in rows:
        seconds = row.seconds
        if row.started_at < since:
            end = min(until, row.started_at + timedelta(seconds=seconds))
            seconds = max(0.0, (end - since).total_seconds())
        hours = seconds / SECONDS_PER_HOUR
        mine = sums.setdefault(row.user, dict.fromkeys(("hours", "cpu", "memory", "gpu"), 0.0))
        mine["hours"] += hours
        mine["cpu"] += hours * row.cpu
        mine["memory"] += hours * row.memory / GIBIBYTE
        mine["gpu"] += hours * row.gpu
    return [
        Hours(
            user=user,
            hours=round(mine["hours"], 6),
            cpu_hours=round(mine["cpu"], 6),
            memory_gib_hours=round(mine["memory"], 6),
            gpu_hours=round(mine["gpu"], 6),
        )
        for user, mine in sorted(sums.items())
    ]


def _amount(row: UsageRow) -> Amount:
    return Amount(cpu=row.cpu, memory=row.memory, gpu=row.gpu)


def _weight(row: UsageRow) -> float:
    """Return the cores that the row counts as in the queue."""
    return max(row.cpu, row.memory / MEMORY_PER_CORE) + CORES_PER_GPU * row.gpu


def _keys(user: str, groups: Iterable[str]) -> Iterator[Key]:
    yield Subject.USER, user
    for group in groups:
        yield Subject.GROUP, group


def _month_start(moment: datetime) -> datetime:
    return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
