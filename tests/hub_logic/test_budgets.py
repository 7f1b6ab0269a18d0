"""Limits and budgets: which apply, and what happens when one is used up."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlws.containers.budgets import (
    Budget,
    Limits,
    Meter,
    Subject,
    UsageItem,
    UsageReport,
)
from jupyter_mlws.containers.models import Amount, Resources
from jupyter_mlws.core import validation_messages
from jupyter_mlws.core.errors import BudgetExceededError
from jupyter_mlws.hub.budgets.enforcer import BudgetEnforcer
from jupyter_mlws.hub.budgets.limits import LimitBook
from jupyter_mlws.hub.budgets.manager import to_csv
from jupyter_mlws.hub.lifecycle.registry import ContainerRegistry
from jupyter_mlws.hub.records.audit import Audit
from jupyter_mlws.hub.records.container_state import ContainerState, Intent
from jupyter_mlws.hub.records.store import RecordQueue, Records
from jupyter_mlws.hub.records.usage import UsageAccounting
from jupyter_mlws.hub.scheduling.policy import Policy, ResolvedSpec
from jupyter_mlws.hub.scheduling.scheduler import Scheduler, UserLimit
from mlws.core.errors import InvalidRequestError
from mlws.core.i18n import Message
from tests.hub_logic.test_usage import Machine

GIB = 1024**3
ONE = Amount(cpu=1, memory=GIB)
GROUPS = {"ada": ("lab", "guests"), "ben": ("lab",)}
HOUR = 3600.0


def book_of(limits: dict[str, Limits], machine: Machine | None = None) -> LimitBook:
    """Limits by user, or by group with ``@``."""
    clock = (machine or Machine()).clock
    book = LimitBook(
        lambda user: GROUPS.get(user, ()),
        UsageAccounting(lambda rows: None, clock),
        UserLimit(cpu=8, memory=8 * GIB, gpu=0),
    )
    book.limits = {
        (Subject.GROUP if name[0] == "@" else Subject.USER, name.lstrip("@")): one
        for name, one in limits.items()
    }
    return book


def test_a_users_own_limit_precedes_those_of_groups_and_the_most_generous_group_counts() -> None:
    book = book_of(
        {
            "ada": Limits(cpu="500m"),
            "@lab": Limits(cpu="2", memory="1Gi", containers=3),
            "@guests": Limits(cpu="4", memory="2Gi"),
        }
    )
    assert book.user_limit("ada") == UserLimit(cpu=0.5, memory=2 * GIB, gpu=0, containers=3)
    assert book.user_limit("ben") == UserLimit(cpu=2, memory=GIB, gpu=0, containers=3)
    assert book.user_limit("cy") == UserLimit(cpu=8, memory=8 * GIB, gpu=0, containers=None)


def test_a_groups_budget_is_shared_and_a_soft_or_larger_one_is_more_generous() -> None:
    hard = Limits(core_hours=Budget(hours=10, hard=True), gpu_hours=Budget(hours=1, hard=True))
    book = book_of({"@lab": hard, "@guests": Limits(core_hours=Budget(hours=4, hard=True))})
    totals = book.accounting.totals[book.accounting.month]
    totals[Subject.GROUP, "lab"].add(8 * HOUR, 0, 0)
    (cores, gpus) = book.budgets("ada")
    assert (cores.name, cores.hours, cores.used) == ("guests", 4, 0)
    assert (gpus.name, gpus.meter) == ("lab", Meter.GPU)
    assert book.budgets("ben")[0].used == 8
    book.limits[Subject.GROUP, "guests"] = Limits(core_hours=Budget(hours=0))
    assert not book.budgets("ada")[0].hard
    book.limits[Subject.USER, "ada"] = Limits(core_hours=Budget(hours=1, hard=True))
    assert [one.name for one in book.budgets("ada")] == ["ada", "lab"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"cpu": "-1"}, "cpu"),
        ({"memory": "many"}, "memory"),
        ({"containers": -1}, "containers"),
        ({"core_hours": {"hours": -1}}, "core_hours.hours"),
        ({"core_hours": {"hours": float("nan")}}, "core_hours.hours"),
        ({"gpu_hours": {"hours": float("inf")}}, "gpu_hours.hours"),
        ({"gpu_hours": {"hours": True}}, "gpu_hours.hours"),
        ({"memory_gib_hours": {}}, "memory_gib_hours.hours"),
        ({"cores": 1}, "cores"),
    ],
)
def test_what_is_no_limit_is_refused_by_its_field(body: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        validation_messages.validate(Limits, body)
    assert [fault.field for fault in refused.value.faults] == [field]


@given(name=st.text(max_size=20))
def test_no_cell_of_the_usage_is_a_formula(name: str) -> None:
    item = UsageItem(
        month="2026-12",
        kind=Subject.USER,
        name=name,
        core_hours=1,
        memory_gib_hours=2,
        gpu_hours=0,
    )
    rows = list(csv.reader(io.StringIO(to_csv(UsageReport(items=[item])), newline="")))
    assert len(rows) == 2
    assert rows[1][2].lstrip("'") == name.lstrip("'")
    assert not rows[1][2].startswith(("=", "+", "-", "@", "\t", "\r"))


# While containers run


@dataclass
class Stops:
    """Records what is stopped, in place of a Hub."""

    stopped: list[str] = field(default_factory=list)

    def request_stop(self, entry: ContainerState, intent: Intent) -> None:
        self.stopped.append(entry.id)
        entry.intent = intent


@dataclass
class Hub:
    """A registry with the container of ada, which runs."""

    machine: Machine
    registry: ContainerRegistry
    book: LimitBook
    stops: Stops
    enforcer: BudgetEnforcer
    audit_records: RecordQueue

    @property
    def entry(self) -> ContainerState:
        return self.registry.entries["ada--default"]

    def limit(self, hours: float, *, hard: bool, meter: Meter = Meter.CPU) -> None:
        self.book.limits[Subject.USER, "ada"] = Limits(
            **{meter.value: Budget(hours=hours, hard=hard)}
        )

    def passes(self, seconds: float) -> None:
        self.machine.monotonic += seconds
        self.enforcer.check_all()

    async def actions(self) -> list[tuple[str, str]]:
        rows = await self.audit_records.read(Records.read_audit_log, None, 50, None, None)
        return [(row.action, row.details.get("reason", "")) for row in reversed(rows)]


@asynccontextmanager
async def running(tmp_path: Path) -> AsyncIterator[Hub]:
    """A service's parts, for the time of a test."""
    records = RecordQueue(Records(f"sqlite:///{tmp_path}/records.sqlite"))
    await records.read(Records.migrate)
    size = Resources(cpu="1", memory="1Gi")
    policy = Policy({"Lab": "lab"}, "Lab", size, size)
    scheduler = Scheduler({"one": Amount(cpu=4, memory=8 * GIB)})
    registry = ContainerRegistry(policy, scheduler, records, lambda entry: None)
    machine = Machine(datetime.now(UTC).replace(day=2))
    registry.usage_accounting.clock = machine.clock
    entry = registry.enter("ada", "", ResolvedSpec("Lab", "lab", ONE, {}))
    entry.docker_container = machine.container("ada", ONE)
    registry.usage_accounting.update(entry)
    book = LimitBook(registry.groups_of, registry.usage_accounting, UserLimit())
    stops = Stops()
    audit = Audit(records)
    enforcer = BudgetEnforcer(book, registry, stops, audit, 900)  # type: ignore[arg-type]
    yield Hub(machine, registry, book, stops, enforcer, records)
    await records.close()


async def test_a_hard_budget_gives_notice_then_time_to_save_then_stops(tmp_path: Path) -> None:
    async with running(tmp_path) as hub:
        hub.limit(1, hard=True)
        hub.passes(0.79 * HOUR)
        assert hub.entry.notice is None
        hub.passes(0.02 * HOUR)
        assert "More than 80 %" in str(hub.entry.notice)
        hub.enforcer.check_start("ada", ONE)
        hub.passes(0.2 * HOUR)
        assert "Save your work" in str(hub.entry.notice)
        assert hub.entry.stop_at is not None
        with pytest.raises(BudgetExceededError) as refused:
            hub.enforcer.check_start("ada", ONE)
        assert refused.value.facts["name"] == "ada"
        hub.passes(890)
        assert hub.stops.stopped == []
        hub.passes(20)
        assert hub.stops.stopped == ["ada--default"]
        assert "Stopped because the monthly budget" in str(hub.entry.stop_reason)
        assert (hub.entry.notice, hub.entry.stop_at) == (None, None)
        assert await hub.actions() == [("budget.exceeded", ""), ("container.stop", "budget")]


async def test_a_soft_budget_only_informs(tmp_path: Path) -> None:
    async with running(tmp_path) as hub:
        hub.limit(1, hard=False)
        hub.passes(2 * HOUR)
        assert "is used up" in str(hub.entry.notice)
        hub.passes(24 * HOUR)
        assert (hub.stops.stopped, hub.entry.stop_at) == ([], None)
        hub.enforcer.check_start("ada", ONE)


async def test_a_raised_budget_and_a_new_month_call_off_the_stop(tmp_path: Path) -> None:
    async with running(tmp_path) as hub:
        hub.limit(1, hard=True)
        hub.passes(HOUR + 1)
        assert hub.entry.stop_at is not None
        hub.limit(10, hard=True)
        hub.passes(1)
        assert (hub.entry.notice, hub.entry.stop_at) == (None, None)
        hub.limit(1, hard=True)
        hub.passes(1)
        assert hub.entry.stop_at is not None
        hub.machine.offset += timedelta(days=32)
        hub.passes(60)
        assert (hub.entry.notice, hub.entry.stop_at) == (None, None)
        hub.passes(1000)
        assert hub.stops.stopped == []


async def test_a_gpu_budget_does_not_concern_containers_without_gpus(tmp_path: Path) -> None:
    async with running(tmp_path) as hub:
        hub.limit(0, hard=True, meter=Meter.GPU)
        hub.passes(HOUR)
        assert hub.entry.notice is None
        hub.enforcer.check_start("ada", ONE)
        with pytest.raises(BudgetExceededError):
            hub.enforcer.check_start("ada", ONE.model_copy(update={"gpu": 1}))


async def test_a_stop_is_not_put_off_by_a_restart_or_the_clock(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as hub:
        hub.limit(1, hard=True)
        hub.passes(HOUR + 1)
        hub.machine.monotonic += 600
        hub.entry.stop_at = datetime.now(UTC) + timedelta(seconds=300)
        again = BudgetEnforcer(
            hub.book,
            hub.registry,
            hub.stops,
            Audit(hub.audit_records),
            900,  # type: ignore[arg-type]
        )
        again.check_all()
        hub.machine.offset += timedelta(hours=5)
        hub.machine.monotonic += 290
        again.check_all()
        assert hub.stops.stopped == []
        hub.machine.monotonic += 15
        again.check_all()
        assert hub.stops.stopped == ["ada--default"]
        actions = await hub.actions()
        assert actions.count(("budget.exceeded", "")) == 1


async def test_what_waits_leaves_the_queue_when_the_budget_is_used_up(tmp_path: Path) -> None:
    async with running(tmp_path) as hub:
        waiting = hub.registry.enter("ada", "second", ResolvedSpec("Lab", "lab", ONE, {}))
        hub.registry.scheduler.waiting[waiting.id] = hub.registry.request(waiting)
        hub.limit(1, hard=True)
        hub.passes(HOUR + 1)
        assert hub.stops.stopped == [waiting.id]
        assert "Removed from the queue" in str(waiting.reason)
        hub.registry.scheduler.withdraw(waiting.id)


async def test_a_lab_gets_the_notice_that_is_there_and_those_that_follow(tmp_path: Path) -> None:
    async with running(tmp_path) as hub:
        hub.limit(1, hard=True)
        hub.passes(0.9 * HOUR)
        stream = hub.enforcer.follow(hub.entry, hub.enforcer.notices.seq)
        first = await anext(stream)
        assert "More than 80 %" in Message.parse(first["notice"]).in_("en")
        hub.passes(0.2 * HOUR)
        second = await asyncio.wait_for(anext(stream), 5)
        assert second["stop_at"] is not None
        await stream.aclose()
