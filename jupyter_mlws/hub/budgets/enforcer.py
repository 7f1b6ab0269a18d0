"""Budgets in force while containers run: notices, and an orderly stop after a grace period."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any

from jupyter_mlws.containers.budgets import BUDGET_NAMES, BudgetUse, Meter
from jupyter_mlws.containers.models import Amount, Me
from jupyter_mlws.core.errors import BudgetExceededError
from jupyter_mlws.core.ring_stream import RingStream
from jupyter_mlws.hub.budgets.limits import LimitBook
from jupyter_mlws.hub.lifecycle.controller import LifecycleController
from jupyter_mlws.hub.lifecycle.registry import ContainerRegistry
from jupyter_mlws.hub.records.audit import Audit
from jupyter_mlws.hub.records.container_state import STOP_INTENTS, ContainerState, Intent, now
from mlws.core.i18n import Message

TICK = 5.0
"""Seconds between two checks of the budgets of running containers."""
TICKS_PER_STORE = 6
"""Checks after which the counted seconds are stored."""
NOTICE_SHARE = 0.8
CLOCK_TOLERANCE = 2.0
"""Seconds by which the wall clock may differ from the announced time of a stop."""
SERVICE = Me(name="", admin=True)

NEARLY_USED = Message(
    "More than 80 % of the monthly budget of {name!r} is used ({hours:g} {budget})."
)
USED_UP = Message("The monthly budget of {name!r} is used up ({hours:g} {budget}).")
STOPS_SOON = Message(
    "The monthly budget of {name!r} is used up ({hours:g} {budget}). Save your work: the container "
    "will be stopped."
)
STOPPED = Message("Stopped because the monthly budget of {name!r} is used up ({hours:g} {budget}).")
NOT_STARTED = Message(
    "Removed from the queue because the monthly budget of {name!r} is used up ({hours:g} {budget})."
)


class BudgetEnforcer:
    """Applies budgets to starts, to the queue and to running containers.

    Lives on the event loop. ``grace`` is the time in seconds from the notice to the stop.
    """

    def __init__(
        self,
        book: LimitBook,
        registry: ContainerRegistry,
        controller: LifecycleController,
        audit: Audit,
        grace: float,
    ) -> None:
        self._book = book
        self._registry = registry
        self._controller = controller
        self._audit = audit
        self._grace = grace
        self._deadlines: dict[str, float] = {}
        """When containers are stopped, by the monotonic clock."""
        self.notices = RingStream(first=int(time.time() * 1000))

    # Starts

    def check_start(self, user: str, amount: Amount) -> None:
        """Raise BudgetExceededError if a hard budget for what a container uses is used up."""
        use = self._exhausted(user, amount, hard=True)
        if use is not None:
            raise BudgetExceededError(
                budget=BUDGET_NAMES[use.meter],
                hours=use.hours,
                name=use.name,
                used=use.used,
                resets_at=f"{self._book.accounting.next_month:%Y-%m-%d %H:%M}",
            )

    # Running and waiting containers

    def check_all(self) -> None:
        """Count the usage until now, and apply the budgets to all containers."""
        self._book.accounting.count()
        has_changed = False
        for entry in list(self._registry.entries.values()):
            if entry.id in self._registry.scheduler.waiting:
                has_changed |= self._check_waiting(entry)
            elif entry.running and entry.intent not in STOP_INTENTS:
                before = entry.notice, entry.stop_at
                self._check_running(entry)
                if (entry.notice, entry.stop_at) != before:
                    has_changed = True
                    self._publish(entry)
            elif entry.notice is not None or entry.stop_at is not None:
                self._forget(entry)
                has_changed = True
        if has_changed:
            self._registry.settle()

    def _check_waiting(self, entry: ContainerState) -> bool:
        use = self._exhausted(entry.user, entry.resources.amount, hard=True)
        if use is None:
            return False
        entry.reason = _fill(NOT_STARTED, use)
        self._audit.record(SERVICE, "queue.drop", entry.id, reason="budget")
        self._registry.note(entry, "removed from the queue: budget used up")
        self._controller.request_stop(entry, Intent.STOP)
        return True

    def _check_running(self, entry: ContainerState) -> None:
        amount = entry.resources.amount
        use = self._exhausted(entry.user, amount, hard=True)
        if use is not None:
            self._stop_later(entry, use)
            return
        self._forget(entry)
        soft = self._exhausted(entry.user, amount, hard=False)
        if soft is not None:
            entry.notice = _fill(USED_UP, soft)
            return
        near = _first(self._relevant(entry.user, amount), NOTICE_SHARE)
        entry.notice = None if near is None else _fill(NEARLY_USED, near)

    def _stop_later(self, entry: ContainerState, use: BudgetUse) -> None:
        clock = self._book.accounting.clock.monotonic()
        deadline = self._deadlines.get(entry.id)
        if deadline is None:
            # A stop that an earlier process has announced is not put off.
            remaining = self._grace
            if entry.stop_at is not None:
                remaining = min(remaining, max(0.0, (entry.stop_at - now()).total_seconds()))
            else:
                self._audit.record(SERVICE, "budget.exceeded", entry.id, **_details(use))
            deadline = self._deadlines[entry.id] = clock + remaining
        if clock < deadline:
            entry.notice = _fill(STOPS_SOON, use)
            stop_at = now() + timedelta(seconds=deadline - clock)
            if entry.stop_at is None or _differ(entry.stop_at, stop_at):
                entry.stop_at = stop_at
            return
        self._forget(entry)
        self._audit.record(SERVICE, "container.stop", entry.id, reason="budget", **_details(use))
        self._registry.note(entry, "stopped: budget used up")
        entry.stop_reason = _fill(STOPPED, use)
        self._controller.request_stop(entry, Intent.STOP)

    def _forget(self, entry: ContainerState) -> None:
        self._deadlines.pop(entry.id, None)
        entry.notice = entry.stop_at = None

    # Notices to labs

    def _publish(self, entry: ContainerState) -> None:
        self.notices.publish(_notice(entry))

    async def follow(self, entry: ContainerState, since: int) -> AsyncIterator[dict[str, Any]]:
        """Yield the current notice of a container, and each change of it."""
        yield {"seq": since, **_notice(entry)}
        async with aclosing(self.notices.follow(since)) as stream:  # type: ignore[type-var]
            async for message in stream:
                if message.get("id") == entry.id:
                    yield message
                elif message["type"] == "reset":
                    yield {"seq": message["seq"], **_notice(entry)}

    # Parts

    def _relevant(self, user: str, amount: Amount) -> list[BudgetUse]:
        """Return the budgets for what a container of this size uses."""
        return [
            use for use in self._book.budgets(user) if use.meter is not Meter.GPU or amount.gpu > 0
        ]

    def _exhausted(self, user: str, amount: Amount, hard: bool) -> BudgetUse | None:
        uses = (use for use in self._relevant(user, amount) if use.hard is hard)
        return _first(uses, 1.0)


def _first(uses: Iterable[BudgetUse], share: float) -> BudgetUse | None:
    """Return the first budget of which at least a share is used."""
    return next((use for use in uses if use.used >= share * use.hours), None)


def _fill(message: Message, use: BudgetUse) -> Message:
    return message.fill(name=use.name, hours=use.hours, budget=BUDGET_NAMES[use.meter])


def _details(use: BudgetUse) -> dict[str, Any]:
    return {"budget": use.meter.value, "of": f"{use.kind.value} {use.name}", "hours": use.hours}


def _notice(entry: ContainerState) -> dict[str, Any]:
    return {
        "type": "budget",
        "id": entry.id,
        "notice": None if entry.notice is None else entry.notice.as_dict(),
        "stop_at": None if entry.stop_at is None else entry.stop_at.isoformat(),
    }


def _differ(one: datetime, other: datetime) -> bool:
    return abs((one - other).total_seconds()) > CLOCK_TOLERANCE
