"""CPU, memory, disk and GPU use of the nodes of a run, under the names of MLflow's system metrics.

MLflow measures the whole machine; this measures the processes of one node, of which several may
run at a time. CPU and memory are shares of the machine, as in MLflow. GPUs are measured whole.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mlws.engine.resources import DEVICES

PREFIX = "system/"
"""Begins the names of MLflow's system metrics."""
SWITCH_VARIABLE = "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING"
"""MLflow's own variable: true lets MLflow's logger measure, false lets nothing measure."""
INTERVAL_VARIABLE = "MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL"
DEFAULT_INTERVAL = 1.0
"""Seconds from the start of a command to its first sample, and between the next ones."""
SAMPLES_AT_FULL_RATE = 120
"""After these, an interval is this fraction of the time so far: 120 samples in two minutes, about
600 in two hours and 900 in a day."""
MAX_CPU_SHARE = 0.005
"""Of a core; on a machine with many processes samples are taken less often."""
PUBLISH_INTERVAL = 10.0
FIRST_PUBLICATION = 30.0
"""Seconds before samples go to MLflow. MLflow's own logger has begun by then if the code of the
node has started one, and then MLflow gets the values of that one only."""
MEGABYTE = 1e6

Sample = dict[str, Any]
"""``step``, ``time`` in epoch seconds, and the ``values`` by the names of the metrics."""


@dataclass
class Session:
    """A running command whose processes are those of a session."""

    node: str
    devices: str | None
    started: float
    due: float
    cpu_time: float = 0.0
    sample_time: float = 0.0
    totals: dict[str, float] = field(default_factory=dict)


class UsageMonitor:
    """Samples the processes of the nodes of one run, and appends to a file for each node.

    ``publish`` is called with a node that has new samples, now and then. Not thread-safe.
    """

    def __init__(self, directory: Path, publish: Callable[[str], None]) -> None:
        self._directory = directory
        self._publish = publish
        self._interval = DEFAULT_INTERVAL
        with suppress(ValueError):
            self._interval = max(float(os.environ.get(INTERVAL_VARIABLE, "")), DEFAULT_INTERVAL)
        self._sessions: dict[int, Session] = {}
        self._steps: dict[str, int] = {}
        self._publications: dict[str, float] = {}
        self._pending: set[str] = set()

    def add(self, session: int, node: str, variables: Mapping[str, str]) -> None:
        """Measure the processes of a session from now on."""
        now = time.monotonic()
        due = now + self._interval
        self._sessions[session] = Session(node, variables.get(DEVICES), now, due, sample_time=now)
        self._publications.setdefault(node, now + FIRST_PUBLICATION)

    def remove(self, session: int) -> None:
        """Forget a session whose command has ended."""
        self._sessions.pop(session, None)

    def next_moment(self) -> float:
        """Return when the next sample is due; infinity without a session."""
        return min((one.due for one in self._sessions.values()), default=math.inf)

    def poll(self, now: float) -> None:
        """Sample the sessions that are due."""
        due = {session: one for session, one in self._sessions.items() if one.due <= now}
        if not due:
            return
        started = time.thread_time()
        values = measure(due)
        for session, one in due.items():
            if session in values:
                self._append(one, values[session], now)
        rest = (time.thread_time() - started) / MAX_CPU_SHARE
        for one in due.values():
            age = (now - one.started) / SAMPLES_AT_FULL_RATE
            one.due = now + max(self._interval, age, rest)
        for node in sorted(self._pending):
            if self._publications[node] <= now:
                self._publications[node] = now + PUBLISH_INTERVAL
                self._pending.discard(node)
                self._publish(node)

    def _append(self, one: Session, values: Mapping[str, float], now: float) -> None:
        path = usage_path(self._directory, one.node)
        if one.node not in self._steps:
            # A run that was resumed continues the file.
            self._steps[one.node] = sum(1 for _ in read_samples(path))
        period = max(now - one.sample_time, 1e-6)
        cpu_time = max(values["cpu_time"], one.cpu_time)
        share = (cpu_time - one.cpu_time) / period / (os.cpu_count() or 1)
        one.cpu_time, one.sample_time = cpu_time, now
        # Of processes that have ended without a parent to take them over, nothing is known.
        for name, value in values.items():
            if name.startswith("disk_"):
                one.totals[name] = max(value, one.totals.get(name, 0.0))
        metrics = {
            "cpu_utilization_percentage": min(share, 1.0) * 100,
            **{name: value for name, value in values.items() if name != "cpu_time"},
            **one.totals,
        }
        sample = {
            "step": self._steps[one.node],
            "time": round(time.time(), 3),
            "values": {PREFIX + name: round(value, 3) for name, value in metrics.items()},
        }
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(sample) + "\n")
        self._steps[one.node] += 1
        self._pending.add(one.node)


def is_enabled() -> bool:
    """Return False if MLflow's variable turns system metrics off."""
    return os.environ.get(SWITCH_VARIABLE, "").strip().lower() not in ("false", "0")


def measures_itself(environment: Mapping[str, str]) -> bool:
    """Return whether MLflow's own logger is to measure code in an environment."""
    return environment.get(SWITCH_VARIABLE, "").strip().lower() in ("true", "1")


def usage_path(folder: Path, node: str) -> Path:
    """Return the path of a node's samples in the folder of its run."""
    return folder / f"{quote(node, safe='@ ')}.usage"


def read_samples(path: Path) -> Iterator[Sample]:
    """Yield the samples of a node. The last one may have been cut off when its writer died."""
    with suppress(FileNotFoundError), path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            with suppress(ValueError):
                yield json.loads(line)


def measure(sessions: Mapping[int, Session]) -> dict[int, dict[str, float]]:
    """Return what the processes of each session use; a session without processes is left out."""
    import psutil

    usage: dict[int, dict[str, float]] = {}
    for pid in psutil.pids():
        try:
            session = os.getsid(pid)
            if session not in sessions:
                continue
            process = psutil.Process(pid)
            with process.oneshot():
                cpu = process.cpu_times()
                memory = process.memory_info().rss
        except (OSError, psutil.Error):
            # It has ended meanwhile, or belongs to someone else.
            continue
        read = write = 0
        with suppress(OSError, psutil.Error, AttributeError):
            # Not on macOS. Linux counts what a process's ended children have read, too.
            counters = process.io_counters()
            read, write = counters.read_bytes, counters.write_bytes
        total = usage.setdefault(
            session,
            {
                "cpu_time": 0.0,
                "system_memory_usage_megabytes": 0.0,
                "disk_read_megabytes": 0.0,
                "disk_written_megabytes": 0.0,
            },
        )
        total["cpu_time"] += cpu.user + cpu.system + cpu.children_user + cpu.children_system
        total["system_memory_usage_megabytes"] += memory / MEGABYTE
        total["disk_read_megabytes"] += read / MEGABYTE
        total["disk_written_megabytes"] += write / MEGABYTE
    whole = psutil.virtual_memory().total / MEGABYTE
    for session, total in usage.items():
        share = total["system_memory_usage_megabytes"] / whole
        total["system_memory_usage_percentage"] = share * 100
        total.update(measure_gpus(sessions[session].devices))
    return usage


def measure_gpus(devices: str | None) -> dict[str, float]:
    """Return the use of NVIDIA GPUs: those that a node was given, or all. Empty without any."""
    try:
        import pynvml
    except ImportError:
        return {}
    usage = {}
    with suppress(pynvml.NVMLError):
        # Cheap if the library is in use already; it fails without a driver.
        pynvml.nvmlInit()
        own = None if devices is None else devices.split(",")
        for number in range(pynvml.nvmlDeviceGetCount()):
            handle = pynvml.nvmlDeviceGetHandleByIndex(number)
            if own is not None and not {str(number), pynvml.nvmlDeviceGetUUID(handle)} & {*own}:
                continue
            memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
            gpu = f"gpu_{number}"
            usage[f"{gpu}_memory_usage_megabytes"] = memory.used / MEGABYTE
            usage[f"{gpu}_memory_usage_percentage"] = memory.used / memory.total * 100
            with suppress(pynvml.NVMLError):
                # Not of a part of a GPU (MIG).
                rates = pynvml.nvmlDeviceGetUtilizationRates(handle)
                usage[f"{gpu}_utilization_percentage"] = float(rates.gpu)
    return usage
