"""Admission: never more than there is, in order, nobody starves, nothing counted twice."""

from __future__ import annotations

import contextlib
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from jupyter_mlws.containers.models import Amount
from jupyter_mlws.hub.scheduling.scheduler import (
    AGING_THRESHOLD,
    Grant,
    Request,
    Scheduler,
    UserLimit,
)
from mlws.core.errors import MLWSError

GIB = 1024**3
MACHINE = Amount(cpu=4, memory=8 * GIB, gpu=2)
LONG = settings(max_examples=60, stateful_step_count=40, deadline=None)


def amount(cpu: float, memory: int = 1, gpu: int = 0) -> Amount:
    return Amount(cpu=cpu, memory=memory * GIB, gpu=gpu)


amounts = st.builds(
    amount,
    st.sampled_from([0.25, 0.5, 1, 1.5, 2, 3, 4]),
    st.integers(1, 8),
    st.integers(0, 2),
)


def asked(
    name: str, wanted: Amount, at: float = 0.0, priority: int = 0, degrade: bool = False
) -> Request:
    return Request(name, name.split("-")[0], wanted, priority, at, degrade)


def started(scheduler: Scheduler, request: Request, now: float = 0.0) -> bool:
    """Ask, and whether it starts at once."""
    scheduler.submit(request, now)
    scheduler.dispatch(now)
    return request.id in scheduler.grants


@pytest.fixture
def one() -> Scheduler:
    return Scheduler({"one": MACHINE})


# What a person meets


def test_without_machines_a_request_is_refused_with_what_it_lacks() -> None:
    with pytest.raises(MLWSError) as caught:
        Scheduler({}).check(asked("ada", amount(2)))
    assert caught.value.code == "10101"
    assert caught.value.facts["resource_type"] == "cpu"


def test_what_fits_starts_at_once_and_gets_what_it_asked_for(one: Scheduler) -> None:
    assert started(one, asked("ada", amount(2, 4, 1)))
    assert one.grants["ada"] == Grant("ada", "ada", "one", amount(2, 4, 1), (0,))
    assert one.free() == {"one": amount(2, 4, 1)}


def test_what_can_never_fit_is_refused_with_what_there_is(one: Scheduler) -> None:
    with pytest.raises(MLWSError) as refused:
        one.submit(asked("ada", amount(1, 16)), 0)
    assert refused.value.code == "10101"
    facts = refused.value.facts
    assert (facts["resource_type"], facts["required"], facts["available"]) == (
        "memory",
        "16Gi",
        "8Gi",
    )
    assert not one.waiting


def test_a_machine_made_of_two_does_not_fit_what_neither_has() -> None:
    two = Scheduler({"a": amount(2, 8), "b": amount(8, 2)})
    with pytest.raises(MLWSError) as refused:
        two.submit(asked("ada", amount(4, 4)), 0)
    assert refused.value.facts["resource_type"] in ("cpu", "memory")


def test_the_queue_is_in_order_of_priority_then_arrival(one: Scheduler) -> None:
    assert started(one, asked("full", MACHINE))
    for at, (name, priority) in enumerate([("a", 0), ("b", 5), ("c", 0), ("d", 5), ("e", -5)]):
        assert not started(one, asked(name, MACHINE, at, priority), at)
    assert [request.id for request in one.queue(10)] == ["b", "d", "a", "c", "e"]
    assert one.positions(10)["a"].position == 3
    order = []
    last = "full"
    for _ in range(5):
        one.release(last)
        (grant,) = one.dispatch(10)
        order.append(last := grant.id)
    assert order == ["b", "d", "a", "c", "e"]


def test_who_has_used_least_recently_comes_first_within_a_priority(one: Scheduler) -> None:
    use = {"ada": (9.0, 5.0), "ben": (9.0, 1.0), "cy": (2.0, 8.0), "dee": (2.0, 8.0)}
    one.share_of = lambda user: use.get(user, ())
    started(one, asked("full", MACHINE))
    for at, name in enumerate(["ada-1", "ben-1", "dee-1", "cy-1"]):
        started(one, asked(name, MACHINE, at), at)
    started(one, asked("ada-2", MACHINE, 9, 1), 9)
    # The group counts before the user, and equal ones come in order of arrival.
    order = ["ada-2", "dee-1", "cy-1", "ben-1", "ada-1"]
    assert [request.id for request in one.queue(10)] == order
    one.move("ada-1", 2, 10)
    order = ["ada-2", "ada-1", "dee-1", "cy-1", "ben-1"]
    assert [request.id for request in one.queue(10)] == order
    one.move("ada-2", 5, 10)
    assert [request.id for request in one.queue(10)] == [*order[1:], "ada-2"]


def test_whoever_has_waited_long_goes_before_the_urgent(one: Scheduler) -> None:
    started(one, asked("full", MACHINE))
    started(one, asked("patient", MACHINE, 0, -100))
    started(one, asked("urgent", MACHINE, AGING_THRESHOLD, 100), AGING_THRESHOLD)
    assert [request.id for request in one.queue(AGING_THRESHOLD - 1)] == ["urgent", "patient"]
    assert [request.id for request in one.queue(AGING_THRESHOLD)] == ["patient", "urgent"]


def test_small_ones_do_not_pass_a_large_one_that_needs_what_they_take(one: Scheduler) -> None:
    started(one, asked("half", amount(2, 2)))
    assert not started(one, asked("large", amount(4, 2), 1), 1)
    assert not started(one, asked("small", amount(1, 1), 2), 2)
    one.release("half")
    assert [grant.id for grant in one.dispatch(3)] == ["large"]


def test_a_wait_for_a_device_does_not_hold_back_those_who_need_none(one: Scheduler) -> None:
    started(one, asked("gpus", amount(1, 1, 2)))
    assert not started(one, asked("trainer", amount(1, 1, 1), 1), 1)
    assert started(one, asked("reader", amount(2, 1), 2), 2)
    # One core is set aside for the trainer; it is not the next reader's.
    assert not started(one, asked("third", amount(1, 1), 3), 3)
    one.release("gpus")
    assert [grant.id for grant in one.dispatch(4)] == ["trainer", "third"]


def test_less_is_taken_by_those_who_said_so(one: Scheduler) -> None:
    started(one, asked("most", amount(3, 6, 2)))
    assert started(one, asked("modest", amount(2, 4, 1), 1, degrade=True), 1)
    assert one.grants["modest"].amount == amount(1, 2, 0)
    assert not started(one, asked("late", amount(2, 4), 2, degrade=True), 2)


def test_more_than_the_machine_is_possible_only_for_those_who_take_less(one: Scheduler) -> None:
    assert started(one, asked("greedy", amount(64, 512), degrade=True))
    assert one.grants["greedy"].amount == amount(4, 8)


def test_devices_are_leased_to_one_at_a_time(one: Scheduler) -> None:
    for name in ("a", "b"):
        assert started(one, asked(name, amount(1, 1, 1)))
    assert {one.grants["a"].devices, one.grants["b"].devices} == {(0,), (1,)}
    one.release("a")
    assert started(one, asked("c", amount(1, 1, 1)))
    assert one.grants["c"].devices == (0,)


def test_a_reservation_is_used_up_by_the_same_persons_next_container(one: Scheduler) -> None:
    held = one.reserve(asked("ada", amount(3, 4)), 0, 100)
    assert held is not None
    assert not started(one, asked("ben", amount(2, 1)))
    assert started(one, asked("ada-lab", amount(2, 4), 1), 1)
    assert not one.reservations
    # What she reserved and did not use is free again.
    assert [grant.id for grant in one.dispatch(1)] == []
    assert "ben" in one.grants


def test_a_reservation_ends_by_itself_and_tells_those_who_wait_when(one: Scheduler) -> None:
    one.reserve(asked("ada", MACHINE), 0, 300)
    assert not started(one, asked("ben", amount(1, 1), 10), 10)
    assert one.positions(10)["ben"].eta_seconds == 290
    assert [grant.id for grant in one.dispatch(300)] == ["ben"]


def test_a_second_reservation_replaces_the_first(one: Scheduler) -> None:
    one.reserve(asked("ada", amount(3, 4)), 0, 100)
    assert one.reserve(asked("ada", amount(4, 8)), 0, 100) is not None
    assert one.free()["one"].cpu == 0


def test_a_plan_changes_nothing(one: Scheduler) -> None:
    assert one.plan(asked("ada", amount(1, 1)), 0) == ("one", amount(1, 1))
    assert one.free() == {"one": MACHINE}
    started(one, asked("full", MACHINE))
    started(one, asked("first", amount(1, 1), 1), 1)
    wish = asked("ada", amount(1, 1), 2)
    assert one.plan(wish, 2) is None
    assert one.position_of_new(wish, 2).position == 2
    assert "ada" not in one.waiting


def test_a_persons_limit_counts_all_that_is_theirs_and_names_the_field() -> None:
    limited = Scheduler({"one": MACHINE}, lambda user: UserLimit(cpu=2, memory=4 * GIB))
    assert started(limited, asked("ada-a", amount(1, 2)))
    with pytest.raises(MLWSError) as refused:
        limited.submit(asked("ada-b", amount(2, 3)), 0)
    assert refused.value.code == "10201"
    assert [fault.field for fault in refused.value.faults] == [
        "resources.cpu",
        "resources.memory",
    ]
    assert started(limited, asked("ben-a", amount(2, 4)))


def test_the_number_of_a_persons_containers_is_limited() -> None:
    limited = Scheduler({"one": MACHINE}, lambda user: UserLimit(containers=1))
    assert started(limited, asked("ada-a", amount(1, 1)))
    assert limited.resize("ada-a", amount(2, 1), 1).amount == amount(2, 1)
    with pytest.raises(MLWSError) as refused:
        limited.submit(asked("ada-b", amount(1, 1)), 0)
    assert [fault.field for fault in refused.value.faults] == ["containers"]
    assert started(limited, asked("ben-a", amount(1, 1)))


def test_load_is_spread_over_machines() -> None:
    two = Scheduler({"a": amount(4, 8), "b": amount(4, 8)})
    for name in ("p", "q", "r", "s"):
        started(two, asked(name, amount(1, 1)))
    assert [two.allocated(node).cpu for node in ("a", "b")] == [2, 2]


def test_asking_again_keeps_the_place_unless_more_is_wanted(one: Scheduler) -> None:
    started(one, asked("full", MACHINE))
    started(one, asked("a", amount(2, 2), 1), 1)
    started(one, asked("b", amount(2, 2), 2), 2)
    started(one, asked("a", amount(1, 1), 3), 3)
    assert [request.id for request in one.queue(4)] == ["a", "b"]
    started(one, asked("a", amount(3, 3), 4), 4)
    assert [request.id for request in one.queue(5)] == ["b", "a"]


# What Docker says


def test_what_runs_counts_once_however_often_it_is_told(one: Scheduler) -> None:
    assert started(one, asked("ada", amount(1, 1)))
    for _ in range(3):
        one.restore(Grant("ada", "ada", "one", amount(1, 1)))
    one.restore(Grant("ben", "ben", "one", amount(2, 1)))
    assert one.allocated("one") == amount(3, 2)


def test_what_runs_does_not_wait_any_more(one: Scheduler) -> None:
    started(one, asked("full", MACHINE))
    started(one, asked("ada", amount(1, 1), 1), 1)
    one.restore(Grant("ada", "ada", "one", amount(1, 1)))
    assert not one.waiting


def test_nothing_starts_where_more_runs_than_there_should(one: Scheduler) -> None:
    one.restore(Grant("huge", "huge", "one", amount(16, 2)))
    assert not started(one, asked("ada", amount(1, 1)))
    one.release("huge")
    assert [grant.id for grant in one.dispatch(1)] == ["ada"]


def test_what_runs_grows_into_what_is_free_and_gives_back_what_it_needs_no_more(
    one: Scheduler,
) -> None:
    started(one, asked("ada", amount(1, 2)))
    started(one, asked("ben", amount(2, 2)))
    assert one.resize("ada", amount(2, 6), 1).amount == amount(2, 6)
    with pytest.raises(MLWSError) as refused:
        one.resize("ada", amount(3, 6), 1)
    assert (refused.value.code, refused.value.facts["available"]) == ("10101", "2")
    assert one.resize("ada", amount(0.5, 2), 1).amount == amount(0.5, 2)
    assert one.free()["one"] == amount(1.5, 4, 2)


def test_nobody_grows_into_what_others_wait_for(one: Scheduler) -> None:
    started(one, asked("ada", amount(1, 1)))
    started(one, asked("ben", amount(1, 1)))
    assert not started(one, asked("waits", amount(4, 2), 1), 1)
    with pytest.raises(MLWSError):
        one.resize("ada", amount(2, 1), 2)
    assert one.resize("ada", amount(1, 5), 2).amount == amount(1, 5)
    one.release("ben")
    assert not one.dispatch(3)


def test_growing_stays_within_the_persons_limit() -> None:
    scheduler = Scheduler({"one": MACHINE}, lambda user: UserLimit(cpu=2, memory=4 * GIB))
    started(scheduler, asked("ada-a", amount(1, 2)))
    started(scheduler, asked("ada-b", amount(1, 1)))
    with pytest.raises(MLWSError) as refused:
        scheduler.resize("ada-a", amount(1, 4), 1)
    assert [fault.field for fault in refused.value.faults] == ["resources.memory"]
    assert scheduler.resize("ada-a", amount(1, 3), 1).amount.memory == 3 * GIB


# Properties


class Life(RuleBasedStateMachine):
    """Any sequence of asking, stopping, reserving, giving up and waiting."""

    @initialize(nodes=st.sampled_from([{"one": MACHINE}, {"a": amount(4, 8), "b": MACHINE}]))
    def begin(self, nodes: dict[str, Amount]) -> None:
        self.now = 0.0
        self.names = (f"p{number}" for number in count())
        self.scheduler = Scheduler(nodes)

    def settle(self) -> None:
        before = self.scheduler.queue(self.now)
        free = self.scheduler.free()
        granted = self.scheduler.dispatch(self.now)
        ranks = {request.id: rank for rank, request in enumerate(before)}
        order = [ranks[grant.id] for grant in granted]
        assert order == sorted(order)
        # Nobody is passed over who could have had it: the first always starts if it fits.
        if before and any(before[0].amount.fits(amount) for amount in free.values()):
            assert before[0].id in self.scheduler.grants

    @rule(wanted=amounts, priority=st.integers(-2, 2), degrade=st.booleans())
    def ask(self, wanted: Amount, priority: int, degrade: bool) -> None:
        self.now += 1
        request = asked(next(self.names), wanted, self.now, priority, degrade)
        try:
            self.scheduler.submit(request, self.now)
        except MLWSError:
            return
        self.settle()

    @precondition(lambda self: self.scheduler.grants)
    @rule(data=st.data())
    def stop(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.scheduler.grants)))
        self.scheduler.release(name)
        self.settle()

    @precondition(lambda self: self.scheduler.waiting)
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        self.scheduler.withdraw(data.draw(st.sampled_from(sorted(self.scheduler.waiting))))
        self.settle()

    @rule(wanted=amounts, seconds=st.floats(1, 100))
    def reserve(self, wanted: Amount, seconds: float) -> None:
        self.scheduler.reserve(
            asked(next(self.names), wanted, self.now), self.now, self.now + seconds
        )
        self.settle()

    @precondition(lambda self: self.scheduler.grants)
    @rule(data=st.data())
    def docker_says_it_runs(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.scheduler.grants)))
        before = self.scheduler.grants[name]
        self.scheduler.restore(before)
        assert self.scheduler.grants[name] == before

    @precondition(lambda self: self.scheduler.grants)
    @rule(data=st.data(), wanted=amounts)
    def resize(self, data: st.DataObject, wanted: Amount) -> None:
        name = data.draw(st.sampled_from(sorted(self.scheduler.grants)))
        before = self.scheduler.grants[name]
        wanted = wanted.model_copy(update={"gpu": before.amount.gpu})
        after = before
        with contextlib.suppress(MLWSError):
            after = self.scheduler.resize(name, wanted, self.now)
        assert self.scheduler.grants[name] == after
        assert after.devices == before.devices
        self.settle()

    @rule(seconds=st.floats(0, 2 * AGING_THRESHOLD))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.settle()

    @invariant()
    def never_more_than_there_is(self) -> None:
        for node, free in self.scheduler.free().items():
            assert free.cpu >= 0, node
            assert free.memory >= 0, node
            assert free.gpu >= 0, node

    @invariant()
    def no_device_is_leased_twice(self) -> None:
        held = [*self.scheduler.grants.values(), *self.scheduler.reservations.values()]
        leases = [(one.node, device) for one in held for device in one.devices]
        assert len(leases) == len(set(leases))
        assert all(len(one.devices) == one.amount.gpu for one in held)

    @invariant()
    def nothing_both_waits_and_runs(self) -> None:
        assert not set(self.scheduler.grants) & set(self.scheduler.waiting)


TestLife = Life.TestCase
TestLife.settings = LONG


@settings(max_examples=80, deadline=None)
@given(
    large=amounts,
    others=st.lists(st.tuples(amounts, st.integers(-3, 3)), min_size=1, max_size=30),
    used=st.lists(st.floats(0, 10), min_size=1, max_size=10),
    lives=st.lists(st.integers(1, 5), min_size=1, max_size=10),
)
def test_nobody_starves(
    large: Amount, others: list[tuple[Amount, int]], used: list[float], lives: list[int]
) -> None:
    """An endless stream of more urgent, smaller and less active ones does not keep one waiting."""

    def share(user: str) -> tuple[float, ...]:
        # Those who ask now have used less than the one who waits.
        return (100.0,) if user == "large" else (used[len(user) % len(used)],)

    scheduler = Scheduler({"one": MACHINE}, share_of=share)
    scheduler.submit(asked("full", MACHINE), 0)
    scheduler.dispatch(0)
    scheduler.submit(asked("large", large, 0, -100), 0)
    ends = {"full": 1.0}
    step = AGING_THRESHOLD / 20
    for number in range(20 * 6):
        now = (number + 1) * step
        for name, end in list(ends.items()):
            if end <= now:
                scheduler.release(name)
                del ends[name]
        wanted, priority = others[number % len(others)]
        scheduler.submit(asked(f"n{number}", wanted, now, priority), now)
        for grant in scheduler.dispatch(now):
            ends[grant.id] = now + lives[number % len(lives)] * step
        if "large" in scheduler.grants:
            return
    pytest.fail("it starved")


@settings(deadline=None)
@given(runs=st.lists(st.tuples(st.sampled_from("abcdef"), amounts), max_size=12))
def test_a_rebuilt_scheduler_has_what_runs_and_no_more(runs: list[tuple[str, Amount]]) -> None:
    """Told in any order and as often as you like: the last word on each container counts."""
    scheduler = Scheduler({"one": MACHINE})
    for name, wanted in runs:
        scheduler.restore(Grant(name, name, "one", wanted))
    truth = dict(runs)
    total = sum(truth.values(), Amount(cpu=0, memory=0))
    assert scheduler.allocated("one") == total
    devices = [device for grant in scheduler.grants.values() for device in grant.devices]
    assert len(devices) == len(set(devices))
