"""Counters of a container in the kernel's control groups, version 2 or 1.

Source: the kernel's "Control Group v2" and "Memory Resource Controller" (version 1) guides.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from time import monotonic

ROOT = Path("/sys/fs/cgroup")
PROCESSES = Path("/proc")
UNLIMITED_MEMORY_BYTES = 2**60
"""Bytes; version 1 has a number of this size if there is no limit."""


@dataclass(frozen=True)
class Sample:
    """Counters at a time: seconds of cpu, bytes that can't be dropped, processes."""

    cpu: float
    memory: int
    processes: int
    time: float


def read_sample(pid: int, container: str, root: Path = ROOT) -> Sample | None:
    """Return the counters of a container; None if they can't be read."""
    try:
        groups = _groups(pid, container)
        # If both are mounted, version 1 has the controllers.
        if "memory" in groups:
            return _read_v1(root, groups)
        return _read_v2(root / groups[""])
    except (OSError, KeyError, ValueError):
        # The process has ended, or this service cannot read the machine's files.
        return None


def read_written_bytes(
    pid: int, container: str, root: Path = ROOT, processes: Path = PROCESSES
) -> int | None:
    """Return the bytes that a container has written to disks; None if they can't be read.

    Version 1 does not count what goes through the page cache, so its counter is not used.
    """
    try:
        groups = _groups(pid, container, processes)
        if "memory" in groups:
            return None
        rows = (root / groups[""] / "io.stat").read_text().splitlines()
        counters = [part.partition("=") for row in rows for part in row.split()[1:]]
        return sum(int(value) for name, _, value in counters if name == "wbytes")
    except (OSError, KeyError, ValueError):
        return None


def _groups(pid: int, container: str, processes: Path = PROCESSES) -> dict[str, str]:
    """Return controller → directory below its root; the controller is empty for version 2."""
    groups: dict[str, str] = {}
    for line in (processes / str(pid) / "cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if container in path:
            groups.update(dict.fromkeys(controllers.split(","), path.lstrip("/")))
    return groups


def _read_v2(folder: Path) -> Sample:
    cpu = _table(folder / "cpu.stat")["usage_usec"] / 1e6
    memory = _number(folder / "memory.current") - _table(folder / "memory.stat")["inactive_file"]
    return Sample(cpu, max(0, memory), _number(folder / "pids.current"), monotonic())


def _read_v1(root: Path, groups: dict[str, str]) -> Sample:
    memory = root / "memory" / groups["memory"]
    used = _number(memory / "memory.usage_in_bytes")
    cache = _table(memory / "memory.stat")["total_inactive_file"]
    return Sample(
        cpu=_number(root / "cpuacct" / groups["cpuacct"] / "cpuacct.usage") / 1e9,
        memory=max(0, used - cache),
        processes=_number(root / "pids" / groups["pids"] / "pids.current"),
        time=monotonic(),
    )


def _number(path: Path) -> int:
    return int(path.read_text())


def _table(path: Path) -> dict[str, int]:
    rows = (line.split() for line in path.read_text().splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) == 2}


@dataclass(frozen=True)
class UsageSnapshot(Sample):
    """Counters and limits of the container that this process runs in.

    ``killed`` is the number of processes that the kernel has killed for lack of memory.
    """

    cpu_limit: float | None
    memory_limit: int
    killed: int


def read_own(root: Path = ROOT) -> UsageSnapshot | None:
    """Return the counters of this process's container; None outside a container with a limit."""
    try:
        version_1 = (root / "memory").is_dir()
        return _read_own_v1(root) if version_1 else _read_own_v2(root)
    except (OSError, KeyError, ValueError):
        # No control groups, or those of a whole machine.
        return None


def _read_own_v2(root: Path) -> UsageSnapshot | None:
    most = (root / "memory.max").read_text().strip()
    if most == "max":
        return None
    quota, period = (root / "cpu.max").read_text().split()
    sample = _read_v2(root)
    return UsageSnapshot(
        **vars(sample),
        cpu_limit=None if quota == "max" else int(quota) / int(period),
        memory_limit=int(most),
        killed=_table(root / "memory.events")["oom_kill"],
    )


def _read_own_v1(root: Path) -> UsageSnapshot | None:
    memory, cpu = root / "memory", root / "cpu"
    limit = _number(memory / "memory.limit_in_bytes")
    if limit >= UNLIMITED_MEMORY_BYTES:
        return None
    quota = _number(cpu / "cpu.cfs_quota_us")
    period = _number(cpu / "cpu.cfs_period_us")
    sample = _read_v1(root, {"memory": "", "cpuacct": "", "pids": ""})
    return UsageSnapshot(
        **vars(sample),
        cpu_limit=None if quota < 0 else quota / period,
        memory_limit=limit,
        killed=_table(memory / "memory.oom_control")["oom_kill"],
    )
