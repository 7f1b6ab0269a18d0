"""What a container's control group says of itself, in both versions' files, and who was killed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from jupyter_mlws.containers.cgroups import UsageSnapshot, read_own
from jupyter_mlws.containers.self_usage import ContainerUsageMonitor, KernelProcess

MIB = 1024**2


def written(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


VERSION_2 = {
    "cpu.max": "150000 100000\n",
    "cpu.stat": "usage_usec 2500000\nuser_usec 2000000\n",
    "memory.current": f"{300 * MIB}\n",
    "memory.max": f"{768 * MIB}\n",
    "memory.stat": f"anon 1\ninactive_file {100 * MIB}\n",
    "memory.events": "low 0\nhigh 0\nmax 7\noom 2\noom_kill 1\n",
    "pids.current": "12\n",
}
VERSION_1 = {
    "cpu/cpu.cfs_quota_us": "150000\n",
    "cpu/cpu.cfs_period_us": "100000\n",
    "cpuacct/cpuacct.usage": "2500000000\n",
    "memory/memory.usage_in_bytes": f"{300 * MIB}\n",
    "memory/memory.limit_in_bytes": f"{768 * MIB}\n",
    "memory/memory.stat": f"cache 1\ntotal_inactive_file {100 * MIB}\n",
    "memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
    "pids/pids.current": "12\n",
}


@pytest.mark.parametrize("files", [VERSION_1, VERSION_2], ids=["version 1", "version 2"])
def test_both_versions_tell_the_same(tmp_path: Path, files: Mapping[str, str]) -> None:
    own = read_own(written(tmp_path, files))
    assert own is not None
    assert (own.cpu, own.cpu_limit) == (2.5, 1.5)
    assert (own.memory, own.memory_limit, own.killed) == (200 * MIB, 768 * MIB, 1)


@pytest.mark.parametrize(
    "change",
    [
        {**VERSION_2, "memory.max": "max\n"},
        {**VERSION_1, "memory/memory.limit_in_bytes": "9223372036854771712\n"},
        {},
        {**VERSION_2, "memory.current": "nonsense"},
    ],
    ids=["no limit in 2", "no limit in 1", "no control groups", "damaged"],
)
def test_a_whole_machine_is_no_container(tmp_path: Path, change: Mapping[str, str]) -> None:
    assert read_own(written(tmp_path, change)) is None


def test_no_limit_of_processors_is_none(tmp_path: Path) -> None:
    own = read_own(written(tmp_path, {**VERSION_2, "cpu.max": "max 100000\n"}))
    assert own is not None
    assert own.cpu_limit is None


class Played:
    """Counters that the test moves, and kernels whose processes are real."""

    def __init__(self) -> None:
        self.killed = 0
        self.time = 0.0
        self.memory = 100 * MIB
        self.kernels: dict[str, KernelProcess] = {}

    def read(self) -> UsageSnapshot:
        self.time += 1
        return UsageSnapshot(self.time, self.memory, 1, self.time, 2.0, 768 * MIB, self.killed)

    async def list(self) -> dict[str, KernelProcess]:
        return dict(self.kernels)


def test_the_kernel_whose_process_ended_is_named_and_others_are_not() -> None:
    async def scene(hungry: Popen[bytes], other: Popen[bytes]) -> list[dict[str, Any]]:
        played = Played()
        own = ContainerUsageMonitor(played.list, played.read)
        played.kernels = {
            "h": KernelProcess("h", hungry.pid, "hungry.ipynb"),
            "o": KernelProcess("o", other.pid, "other.ipynb"),
        }
        told = []
        async with aclosing(own.changes(own.stream.seq)) as changes:  # type: ignore[type-var]
            async for message in changes:
                told.append(message)
                if message["type"] == "out_of_memory":
                    break
                hungry.kill()
                played.killed = 1
        await own.close()
        assert (await own.usage()).out_of_memory is not None
        return told

    with Popen(["sleep", "60"]) as hungry, Popen(["sleep", "60"]) as other:
        told = asyncio.run(scene(hungry, other))
        other.kill()
    assert told[0]["type"] == "usage"
    assert (told[0]["memory"], told[0]["memory_limit"]) == (100 * MIB, 768 * MIB)
    assert (told[-1]["kernels"], told[-1]["paths"]) == (["h"], ["hungry.ipynb"])


def test_nothing_is_known_outside_a_container() -> None:
    async def scene() -> None:
        own = ContainerUsageMonitor(Played().list, lambda: None)
        usage = await own.usage()
        assert usage.memory_limit is None
        assert usage.cpu is None
        assert usage.processes_killed == 0

    asyncio.run(scene())
