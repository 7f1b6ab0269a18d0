"""The history of usage: samples, their averages, and the series of a span."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from jupyter_mlws.containers.models import UsageSubject
from jupyter_mlws.hub.records.store import Records, UsageSampleRow
from jupyter_mlws.hub.usage_history import (
    MINUTE,
    QUARTER,
    SAMPLES,
    Sum,
    to_rows,
    to_series,
)

NOON = 1_800_000_000 // QUARTER * QUARTER
USER = UsageSubject.USER


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    with closing(Records(f"sqlite:///{tmp_path}/records.sqlite")) as records:
        records.migrate()
        yield records


def sample(name: str, moment: int, cpu: float, disk: int | None = None) -> UsageSampleRow:
    (row,) = to_rows({(USER, name): Sum(cpu, 100, 1, disk)}, moment)
    return row


def read(records: Records, sample_width: int, width: int, name: str | None = None) -> list[tuple]:
    rows = records.read_samples(sample_width, width, USER, name, "cpu", NOON, 8)
    return [(row.name, row.time - NOON, row.cpu) for row in rows]


def record(records: Records, name: str, cpu_by_minute: list[float]) -> None:
    for number, cpu in enumerate(cpu_by_minute, 1):
        moment = NOON + number * MINUTE
        records.save_samples([sample(name, moment, cpu)], moment, SAMPLES)


def test_a_sample_is_of_the_minute_that_has_just_ended() -> None:
    for late in (0, 1, 20):
        assert sample("ada", NOON + MINUTE + late, 1.0).time == NOON


def test_minutes_become_a_quarter_of_an_hour_when_it_is_over(records: Records) -> None:
    record(records, "ada", [1.0] * 10 + [4.0] * 4)
    assert read(records, QUARTER, QUARTER) == []
    record(records, "ada", [1.0] * 10 + [4.0] * 5)
    assert read(records, QUARTER, QUARTER) == [("ada", 0, 2.0)]
    # Points of an answer are averages, too.
    assert read(records, MINUTE, 5 * MINUTE) == [
        ("ada", 0, 1.0),
        ("ada", 300, 1.0),
        ("ada", 600, 4.0),
    ]


def test_quarters_that_ended_while_the_service_was_down_are_made_up_for(records: Records) -> None:
    record(records, "ada", [2.0] * 5)
    later = NOON + 3 * QUARTER + MINUTE
    records.save_samples([sample("ada", later, 8.0)], later, SAMPLES)
    assert read(records, QUARTER, QUARTER) == [("ada", 0, 2.0)]


def test_old_samples_are_deleted(records: Records) -> None:
    record(records, "ada", [2.0] * 15)
    later = NOON + SAMPLES[MINUTE] + QUARTER
    records.save_samples([sample("ada", later, 8.0)], later, SAMPLES)
    assert [time for _, time, _ in read(records, MINUTE, MINUTE)] == [later - MINUTE - NOON]
    later = NOON + SAMPLES[QUARTER] + QUARTER
    records.save_samples([sample("ada", later, 8.0)], later, SAMPLES)
    assert ("ada", 0, 2.0) not in read(records, QUARTER, QUARTER)


def test_a_clock_that_jumps_back_replaces_samples(records: Records) -> None:
    record(records, "ada", [2.0])
    record(records, "ada", [5.0])
    assert read(records, MINUTE, MINUTE) == [("ada", 0, 5.0)]


def test_those_that_used_the_most_come_first(records: Records) -> None:
    for name, cpu in (("ada", 1.0), ("bob", 3.0), ("eve", 2.0)):
        record(records, name, [cpu] * 2)
    names = [name for name, _, _ in read(records, MINUTE, QUARTER)]
    assert names == ["bob", "eve", "ada"]
    assert [name for name, _, _ in read(records, MINUTE, QUARTER, "eve")] == ["eve"]
    rows = records.read_samples(MINUTE, QUARTER, USER, None, "disk", NOON, 1)
    assert [row.name for row in rows] == ["ada"]


def test_a_series_has_null_where_nothing_was_recorded() -> None:
    rows = [sample("ada", NOON + 3 * MINUTE, 1.5, disk=7)]
    (series,) = to_series(rows, NOON, NOON + 3 * MINUTE, MINUTE)
    assert series.cpu == [None, None, 1.5, None]
    assert series.disk == [None, None, 7, None]
