"""The guard of the disk: how full a home is, what follows, and which homes are measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlws.containers.cgroups import read_written_bytes
from jupyter_mlws.hub.docker.engine import DiskSpace
from jupyter_mlws.hub.storage_guard import Home, HomeLevel, to_disk
from mlws.core.paths import measure_folder

QUOTA = 1000
GRACE = 900.0


@pytest.mark.parametrize(
    ("size", "level"),
    [
        (0, HomeLevel.FREE),
        (899, HomeLevel.FREE),
        (900, HomeLevel.NEAR),
        (1000, HomeLevel.NEAR),
        (1001, HomeLevel.OVER),
    ],
)
def test_a_home_is_near_its_quota_at_90_percent_and_over_it_above(
    size: int, level: HomeLevel
) -> None:
    assert HomeLevel.of(size, QUOTA) is level


def test_a_lab_is_rescued_when_its_home_stays_over_the_quota_for_the_grace() -> None:
    home = Home()
    assert home.judge(950, QUOTA, GRACE, 0.0) == (HomeLevel.NEAR, True, False)
    assert home.judge(960, QUOTA, GRACE, 60.0) == (HomeLevel.NEAR, False, False)
    assert home.judge(1100, QUOTA, GRACE, 120.0) == (HomeLevel.OVER, True, False)
    assert home.judge(1200, QUOTA, GRACE, 120.0 + GRACE - 1) == (HomeLevel.OVER, False, False)
    assert home.judge(1200, QUOTA, GRACE, 120.0 + GRACE) == (HomeLevel.OVER, False, True)


def test_the_grace_begins_anew_after_the_home_was_below_the_quota() -> None:
    home = Home()
    home.judge(1100, QUOTA, GRACE, 0.0)
    assert home.judge(100, QUOTA, GRACE, 800.0) == (HomeLevel.FREE, True, False)
    assert home.judge(1100, QUOTA, GRACE, 1000.0) == (HomeLevel.OVER, True, False)


def test_only_homes_that_were_written_to_are_measured_and_large_ones_less_often() -> None:
    home = Home(writes=10, next_walk=500.0)
    assert not home.is_due(10, 600.0)
    assert not home.is_due(11, 499.0)
    assert home.is_due(11, 500.0)
    # Without a counter, each round may have changed the home.
    assert home.is_due(None, 500.0)


def test_the_reserve_is_reached_below_it() -> None:
    space = DiskSpace("one", total=100, free=20)
    assert not to_disk(space, 20).is_low
    assert to_disk(space, 21).is_low
    assert not to_disk(DiskSpace("one", total=100, free=0), 0).is_low


def test_bytes_written_are_those_of_all_disks(tmp_path: Path) -> None:
    root, processes = tmp_path / "cgroup", tmp_path / "proc"
    folder = root / "docker" / "c0ffee"
    folder.mkdir(parents=True)
    (processes / "7").mkdir(parents=True)
    (processes / "7" / "cgroup").write_text("0::/docker/c0ffee\n")
    (folder / "io.stat").write_text("8:0 rbytes=5 wbytes=100 rios=1\n8:16 rbytes=5 wbytes=20\n")
    assert read_written_bytes(7, "c0ffee", root, processes) == 120
    assert read_written_bytes(8, "c0ffee", root, processes) is None
    (processes / "7" / "cgroup").write_text("4:memory:/docker/c0ffee\n0::/docker/c0ffee\n")
    assert read_written_bytes(7, "c0ffee", root, processes) is None


def test_a_folder_is_measured_no_faster_than_asked(tmp_path: Path) -> None:
    for number in range(10):
        (tmp_path / str(number)).write_bytes(b"12")
    assert measure_folder(tmp_path, files_per_second=1000) == 20
