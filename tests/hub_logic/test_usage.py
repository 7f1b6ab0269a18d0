"""Usage: seconds add up whatever restarts, is killed, or sets the clock."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from jupyter_mlws.containers.budgets import Meter, Subject
from jupyter_mlws.containers.models import Amount, ContainerConfig, Resources
from jupyter_mlws.hub.docker.engine import DockerContainer
from jupyter_mlws.hub.records.container_state import ContainerState
from jupyter_mlws.hub.records.store import UsageRow
from jupyter_mlws.hub.records.usage import Clock, UsageAccounting

GIB = 1024**3
START = datetime(2026, 11, 25, 12, tzinfo=UTC)
USERS = ("ada", "ben")
GROUPS = ((), ("lab",), ("guests", "lab"))
amounts = st.builds(
    Amount, cpu=st.sampled_from([0.5, 1, 2]), memory=st.just(GIB), gpu=st.integers(0, 1)
)


class Machine:
    """A machine with a clock that can be set, and what Docker knows of its containers."""

    def __init__(self, wall: datetime = START) -> None:
        self.monotonic = 1000.0
        self.offset = wall - timedelta(seconds=self.monotonic)
        self.boot = "first"
        self.numbers = count()

    @property
    def wall(self) -> datetime:
        return self.offset + timedelta(seconds=self.monotonic)

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.monotonic, lambda: self.wall, self.boot)

    def container(self, user: str, amount: Amount) -> DockerContainer:
        return DockerContainer(
            docker=f"c{next(self.numbers)}", id=f"{user}--default", user=user, server="",
            image="Lab", amount=amount, devices=(), state="running", health="healthy",
            exit_code=None, oom=False, error="", restarts=0, pid=1, created=self.wall,
            started=self.wall,
        )  # fmt: skip


def entry_of(user: str, container: DockerContainer | None, amount: Amount) -> ContainerState:
    entry = ContainerState(
        id=f"{user}--default",
        user=user,
        name="",
        config=ContainerConfig(image="Lab"),
        resources=Resources.of(amount),
    )
    entry.docker_container = container
    return entry


def accounting_of(machine: Machine, rows: dict[str, UsageRow]) -> UsageAccounting:
    """The accounting of a new process, with the rows that the processes before it have stored."""
    accounting = UsageAccounting(
        lambda changed: rows.update({row.id: row.copy() for row in changed}), machine.clock
    )
    totals = [
        (row.month, row.user, row.groups,
         *(row.seconds * size for size in (row.cpu, row.memory, row.gpu)))
        for row in rows.values()
    ]  # fmt: skip
    accounting.load(running(rows), [], totals, rows.values())
    return accounting


def running(rows: dict[str, UsageRow]) -> list[UsageRow]:
    return [row.copy() for row in rows.values() if row.ended_at is None]


class Life(RuleBasedStateMachine):
    """A service that is killed and restarted while containers start, stop, and the clock is set."""

    @initialize()
    def begin(self) -> None:
        self.records: dict[str, UsageRow] = {}
        self.machine = Machine()
        self.running: dict[str, DockerContainer] = {}
        self.groups: dict[str, tuple[str, ...]] = dict.fromkeys(USERS, ())
        self.truth: defaultdict[tuple[Subject, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
        self.service = accounting_of(self.machine, self.records)

    def passes(self, seconds: float) -> None:
        self.machine.monotonic += seconds
        for user, container in self.running.items():
            keys = [(Subject.USER, user), *((Subject.GROUP, one) for one in self.groups[user])]
            for key in keys:
                self.truth[key][0] += container.amount.cpu * seconds
                self.truth[key][1] += container.amount.gpu * seconds

    def observe(self, user: str, container: DockerContainer | None, amount: Amount) -> None:
        self.service.update(entry_of(user, container, amount), self.groups[user])

    @rule(seconds=st.floats(0, 20 * 24 * 3600), stores=st.booleans())
    def wait(self, seconds: float, stores: bool) -> None:
        self.passes(seconds)
        self.service.count()
        if stores:
            self.service.store()

    @rule(user=st.sampled_from(USERS), amount=amounts)
    def start(self, user: str, amount: Amount) -> None:
        if user not in self.running:
            self.service.expect(f"{user}--default")
            self.running[user] = self.machine.container(user, amount)
            self.passes(0.5)
            self.observe(user, self.running[user], amount)

    @precondition(lambda self: self.running)
    @rule(data=st.data(), is_event=st.booleans(), late=st.floats(0, 5))
    def stop(self, data: st.DataObject, is_event: bool, late: float) -> None:
        """Docker reports the end by an event, or only later by the container's state."""
        user = data.draw(st.sampled_from(sorted(self.running)))
        container = self.running.pop(user)
        finished = self.machine.wall
        if is_event:
            self.service.on_exit(container.docker, self.machine.monotonic)
        self.passes(late)
        self.service.count()
        ended = replace(container, state="exited", exit_code=0, finished=finished)
        self.observe(user, None if is_event else ended, container.amount)

    @precondition(lambda self: self.running)
    @rule(data=st.data(), amount=amounts)
    def resize(self, data: st.DataObject, amount: Amount) -> None:
        user = data.draw(st.sampled_from(sorted(self.running)))
        amount = amount.model_copy(update={"gpu": self.running[user].amount.gpu})
        self.running[user] = replace(self.running[user], amount=amount)
        self.observe(user, self.running[user], amount)

    @rule(user=st.sampled_from(USERS), groups=st.sampled_from(GROUPS))
    def regroup(self, user: str, groups: tuple[str, ...]) -> None:
        self.groups[user] = groups
        if user in self.running:
            self.observe(user, self.running[user], self.running[user].amount)

    @rule(hours=st.floats(-24 * 90, 24 * 400))
    def set_clock(self, hours: float) -> None:
        self.service.count()
        self.machine.offset += timedelta(hours=hours)
        self.service.count()

    @rule(
        before=st.floats(0, 1e5),
        hours=st.floats(-24 * 40, 24 * 40),
        ends=st.sets(st.sampled_from(USERS)),
        after=st.floats(0, 1e5),
        is_event=st.booleans(),
    )
    def is_killed(
        self, before: float, hours: float, ends: set[str], after: float, is_event: bool
    ) -> None:
        """The service is killed; the clock is set and containers end until it is there again."""
        self.passes(before)
        self.machine.offset += timedelta(hours=hours)
        ended: dict[str, DockerContainer | None] = {}
        exits = {}
        for user in ends & set(self.running):
            container = self.running.pop(user)
            exits[container.docker] = self.machine.wall
            ended[user] = replace(
                container, state="exited", exit_code=0, finished=self.machine.wall
            )
        self.passes(after)
        self.service = accounting_of(self.machine, self.records)
        if is_event:
            for docker, when in exits.items():
                self.service.on_exit(docker, self.service.clock.at(when))
            ended = dict.fromkeys(ended)
        for user, container in {**self.running, **ended}.items():
            amount = container.amount if container is not None else Amount(cpu=1, memory=GIB)
            self.observe(user, container, amount)
        self.service.end_inherited()

    @invariant()
    def sums_are_true(self) -> None:
        if not hasattr(self, "service"):
            return
        self.service.count()
        for key, (cpu, gpu) in self.truth.items():
            months = self.service.totals.values()
            sums = [month[key] for month in months if key in month]
            assert sum(one.cpu for one in sums) == pytest.approx(cpu, abs=0.01)
            assert sum(one.gpu for one in sums) == pytest.approx(gpu, abs=0.01)


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
)


@pytest.fixture
def records() -> dict[str, UsageRow]:
    """The stored rows by id."""
    return {}


@settings(deadline=None, max_examples=30)
@given(seconds=st.lists(st.floats(1, 40 * 24 * 3600), min_size=1, max_size=6))
def test_usage_belongs_to_the_month_in_which_it_was(seconds: list[float]) -> None:
    machine = Machine()
    saved: dict[str, UsageRow] = {}
    accounting = UsageAccounting(
        lambda rows: saved.update({row.id: row.copy() for row in rows}), machine.clock
    )
    amount = Amount(cpu=1, memory=GIB)
    container = machine.container("ada", amount)
    accounting.update(entry_of("ada", container, amount))
    for step in seconds:
        machine.monotonic += step
        accounting.count()
    accounting.store()
    truth: defaultdict[str, float] = defaultdict(float)
    moment, end = START, machine.wall
    while moment < end:
        following = (moment.replace(day=1, hour=0) + timedelta(days=32)).replace(day=1)
        # A count that is longer than a month belongs to its last one and those before.
        part = min(following, end)
        truth[f"{moment:%Y-%m}"] += (part - moment).total_seconds()
        moment = part
    counted: defaultdict[str, float] = defaultdict(float)
    for row in saved.values():
        counted[row.month] += row.seconds
    if all(step < 28 * 24 * 3600 for step in seconds):
        assert counted == pytest.approx(truth, abs=0.01)
    assert sum(counted.values()) == pytest.approx(sum(seconds), abs=0.01)


def test_a_container_that_ended_with_the_machine_is_counted_until_its_end(
    records: dict[str, UsageRow],
) -> None:
    machine = Machine()
    amount = Amount(cpu=2, memory=GIB)
    accounting = accounting_of(machine, records)
    container = machine.container("ada", amount)
    accounting.update(entry_of("ada", container, amount))
    machine.monotonic += 100
    accounting.count()
    accounting.store()
    machine.monotonic += 20
    finished = machine.wall
    machine.monotonic += 500
    wall = machine.wall
    machine.monotonic, machine.boot = 10.0, "second"
    machine.offset = wall - timedelta(seconds=10)
    again = accounting_of(machine, records)
    ended = replace(container, state="exited", exit_code=137, finished=finished)
    again.update(entry_of("ada", ended, amount))
    assert again.used(Subject.USER, "ada").hours(Meter.CPU) == pytest.approx(240 / 3600)
    assert running(records) == []


def test_a_start_that_no_process_saw_is_the_one_that_docker_knows(
    records: dict[str, UsageRow],
) -> None:
    machine = Machine()
    amount = Amount(cpu=1, memory=GIB)
    container = machine.container("ada", amount)
    machine.monotonic += 300
    accounting = accounting_of(machine, records)
    accounting.update(entry_of("ada", container, amount))
    accounting.count()
    assert accounting.used(Subject.USER, "ada").cpu == pytest.approx(300)


def test_a_start_is_not_counted_from_before_it_was_requested(records: dict[str, UsageRow]) -> None:
    machine = Machine()
    amount = Amount(cpu=1, memory=GIB)
    accounting = accounting_of(machine, records)
    accounting.expect("ada--default")
    container = machine.container("ada", amount)
    machine.offset += timedelta(days=3)
    machine.monotonic += 2
    accounting.update(entry_of("ada", container, amount))
    assert accounting.used(Subject.USER, "ada").cpu == pytest.approx(2)


def test_what_was_used_long_ago_counts_less_in_the_queue(records: dict[str, UsageRow]) -> None:
    machine = Machine()
    amount = Amount(cpu=1, memory=GIB)
    accounting = accounting_of(machine, records)
    accounting.update(entry_of("ada", machine.container("ada", amount), amount), ["lab"])
    machine.monotonic += 6000
    accounting.update(entry_of("ada", None, amount), ["lab"])
    assert accounting.share(Subject.USER, "ada") == 100
    assert accounting.share(Subject.GROUP, "lab") == 100
    machine.monotonic += 24 * 3600
    assert accounting.share(Subject.USER, "ada") == 50
    assert accounting.share(Subject.USER, "ben") == 0
    again = UsageAccounting(lambda rows: None, machine.clock)
    again.load([], [], [], records.values())
    assert again.share(Subject.USER, "ada") == pytest.approx(50, abs=1)
