"""Limits of users and groups, and what follows from them for a user."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from jupyter_mlws.containers.budgets import Budget, BudgetUse, Limits, Meter, Subject
from jupyter_mlws.containers.quantities import parse_cpu, parse_gpu, parse_memory
from jupyter_mlws.hub.records.store import LimitsRecord
from jupyter_mlws.hub.records.usage import UsageAccounting
from jupyter_mlws.hub.scheduling.scheduler import UserLimit

NO_LIMITS = Limits()


@dataclass
class LimitBook:
    """Limits of users and groups in memory. Must be used on the event loop.

    A user's own limit takes precedence; else the most generous of the user's groups, else
    ``default``. ``groups_of`` returns the groups of a user.
    """

    groups_of: Callable[[str], Sequence[str]]
    accounting: UsageAccounting
    default: UserLimit

    def __post_init__(self) -> None:
        self.limits: dict[tuple[Subject, str], Limits] = {}

    def load(self, records: Iterable[LimitsRecord]) -> None:
        """Load the stored limits."""
        self.limits = {(record.kind, record.name): record.limits for record in records}

    def user_limit(self, user: str) -> UserLimit:
        """Return the limit of all containers of a user together."""
        own = self.limits.get((Subject.USER, user), NO_LIMITS)
        groups = self._of_groups(user)

        def pick(name: str, parse: Callable[[str], float]) -> float | None:
            text = getattr(own, name)
            if text is not None:
                return parse(text)
            values = [parse(text) for one in groups if (text := getattr(one, name)) is not None]
            default: float | None = getattr(self.default, name)
            return max(values, default=default)

        return UserLimit(
            cpu=pick("cpu", parse_cpu),
            memory=pick("memory", parse_memory),
            gpu=pick("gpu", parse_gpu),
            containers=pick("containers", int),
        )

    def budgets(self, user: str) -> list[BudgetUse]:
        """Return the budgets that apply to a user, at most one of each kind.

        A user's own budget takes precedence. Of several groups, a soft budget counts, else the one
        with the most hours left.
        """
        own = self.limits.get((Subject.USER, user), NO_LIMITS)
        budgets = []
        for meter in Meter:
            budget = own.budget(meter)
            if budget is not None:
                budgets.append(self._use(meter, Subject.USER, user, budget))
                continue
            uses = [
                self._use(meter, Subject.GROUP, group, budget)
                for group in self.groups_of(user)
                if (budget := self._limits_of(group).budget(meter)) is not None
            ]
            if uses:
                budgets.append(max(uses, key=lambda use: (not use.hard, use.hours - use.used)))
        return budgets

    def budgets_of(self, kind: Subject, name: str) -> list[BudgetUse]:
        """Return the budgets that are set for a user or group itself."""
        limits = self.limits.get((kind, name), NO_LIMITS)
        budgets = {meter: limits.budget(meter) for meter in Meter}
        return [
            self._use(meter, kind, name, budget)
            for meter, budget in budgets.items()
            if budget is not None
        ]

    def share(self, user: str) -> tuple[float, float]:
        """Return the decayed usage of the user's least active group, and of the user."""
        own = self.accounting.share(Subject.USER, user)
        groups = [self.accounting.share(Subject.GROUP, name) for name in self.groups_of(user)]
        return min(groups, default=own), own

    def _use(self, meter: Meter, kind: Subject, name: str, budget: Budget) -> BudgetUse:
        used = self.accounting.used(kind, name).hours(meter)
        return BudgetUse(
            meter=meter, kind=kind, name=name, hours=budget.hours, hard=budget.hard, used=used
        )

    def _limits_of(self, group: str) -> Limits:
        return self.limits.get((Subject.GROUP, group), NO_LIMITS)

    def _of_groups(self, user: str) -> list[Limits]:
        return [self._limits_of(group) for group in self.groups_of(user)]
