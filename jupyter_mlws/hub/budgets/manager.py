"""Requests about limits, budgets and usage: permissions, storage and reports."""

from __future__ import annotations

import asyncio
import csv
import io
import logging
from collections.abc import Iterable

from jupyter_mlws.containers.budgets import (
    Account,
    AccountQuery,
    BudgetReport,
    BudgetUse,
    Limits,
    Meter,
    Subject,
    SubjectLimits,
    UsageItem,
    UsageQuery,
    UsageReport,
)
from jupyter_mlws.containers.models import ContainerStatus, Me
from jupyter_mlws.core.errors import AccountNotFoundError, AdministratorRequiredError
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.hub.budgets.enforcer import TICK, TICKS_PER_STORE, BudgetEnforcer
from jupyter_mlws.hub.budgets.limits import LimitBook
from jupyter_mlws.hub.hubapi import HubAPI, HubRefusedError
from jupyter_mlws.hub.lifecycle.registry import STOPPED_STATUSES, ContainerRegistry
from jupyter_mlws.hub.records.audit import Audit
from jupyter_mlws.hub.records.store import LimitsRecord, Records
from jupyter_mlws.hub.records.usage import Sums
from mlws.core.errors import Fault, MLWSError
from mlws.core.i18n import Message

FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings of a cell that a spreadsheet evaluates (OWASP, "CSV Injection")."""
UNKNOWN = Message("is not known to JupyterHub")

log = logging.getLogger(__name__)


class Budgets:
    """Limits, budgets and usage of users and groups. Lives on the event loop."""

    def __init__(
        self,
        hub: HubAPI,
        registry: ContainerRegistry,
        book: LimitBook,
        enforcer: BudgetEnforcer,
        audit: Audit,
    ) -> None:
        self._hub = hub
        self._registry = registry
        self._book = book
        self._audit = audit
        self.enforcer = enforcer

    async def load(self) -> None:
        """Load the stored limits."""
        self._book.load(await self._registry.records.read(Records.all, LimitsRecord))

    async def run(self) -> None:
        """Count usage and apply budgets, without end."""
        while True:
            for _ in range(TICKS_PER_STORE):
                self.enforcer.check_all()
                await asyncio.sleep(TICK)
            self._book.accounting.store()

    async def refresh_user(self, name: str) -> None:
        """Read the groups of a user, if groups have limits."""
        if not any(kind is Subject.GROUP for kind, _ in self._book.limits):
            return
        try:
            user = await self._hub.user(name)
        except (HubRefusedError, MLWSError) as error:
            log.info("Could not read the groups of %s: %s", name, error)
            return
        if user is not None:
            self._registry.users[name] = user

    # Limits

    def all_limits(self, user: Me) -> Page[SubjectLimits]:
        """Return all limits of users and groups, for administrators."""
        _require_admin(user)
        return Page(
            items=[
                SubjectLimits(kind=kind, name=name, limits=limits)
                for (kind, name), limits in sorted(self._book.limits.items())
            ]
        )

    async def get_limits(self, user: Me, kind: Subject, name: str) -> SubjectLimits:
        """Return the limits of a user or group; AccountNotFoundError if the Hub has no such one."""
        _require_admin(user)
        limits = self._book.limits.get((kind, name))
        if limits is None:
            await self._require_known(kind, name)
        return SubjectLimits(kind=kind, name=name, limits=limits or Limits())

    async def set_limits(self, user: Me, kind: Subject, name: str, limits: Limits) -> SubjectLimits:
        """Replace the limits of a user or group; they are in force at once."""
        _require_admin(user)
        await self._require_known(kind, name)
        self._book.limits[kind, name] = limits
        records = self._registry.records
        records.save(LimitsRecord(kind=kind, name=name, limits=limits))
        self._audit.record(
            user, "limits.set", f"{kind.value} {name}", **limits.model_dump(exclude_none=True)
        )
        self.enforcer.check_all()
        await records.written()
        return SubjectLimits(kind=kind, name=name, limits=limits)

    async def delete_limits(self, user: Me, kind: Subject, name: str) -> None:
        """Delete the limits of a user or group; do nothing if it has none."""
        _require_admin(user)
        if self._book.limits.pop((kind, name), None) is None:
            return
        records = self._registry.records
        records.write(Records.delete_limits, kind, name)
        self._audit.record(user, "limits.delete", f"{kind.value} {name}")
        self.enforcer.check_all()
        await records.written()

    # Reports

    def report(self, user: Me) -> BudgetReport:
        """Return the budgets that apply to the user."""
        accounting = self._book.accounting
        accounting.count()
        return BudgetReport(
            month=accounting.month,
            resets_at=accounting.next_month,
            items=self._book.budgets(user.name),
        )

    def usage(self, user: Me, query: UsageQuery) -> UsageReport:
        """Return the usage of all users or groups by month, the newest first.

        Users see their own, and that of their groups.
        """
        accounting = self._book.accounting
        accounting.count()
        own = [user.name] if query.kind is Subject.USER else self._book.groups_of(user.name)
        items = [
            UsageItem(month=month, kind=kind, name=name, **_hours(sums))
            for month, totals in accounting.totals.items()
            for (kind, name), sums in totals.items()
            if kind is query.kind and query.month in (None, month)
            if user.admin or name in own
        ]
        items.sort(key=lambda item: item.name)
        items.sort(key=lambda item: item.month, reverse=True)
        return UsageReport(items=items)

    def month_usage(self) -> list[UsageItem]:
        """Return the usage of all users and groups in this month."""
        accounting = self._book.accounting
        accounting.count()
        month = accounting.month
        return [
            UsageItem(month=month, kind=kind, name=name, **_hours(sums))
            for (kind, name), sums in accounting.totals[month].items()
        ]

    def all_budgets(self) -> list[BudgetUse]:
        """Return the budgets that are set for users and groups."""
        subjects = list(self._book.limits)
        return [use for kind, name in subjects for use in self._book.budgets_of(kind, name)]

    def users(self, user: Me, query: AccountQuery) -> Page[Account]:
        """Return a page of the users, for administrators."""
        _require_admin(user)
        text = (query.q or "").casefold()
        names = {
            one.name
            for one in self._registry.users.values()
            if any(text in part.casefold() for part in (one.name, *one.groups))
        }
        names |= self._names_with_limits(Subject.USER, text)
        return self._page(Subject.USER, names, query)

    def groups(self, user: Me, query: AccountQuery) -> Page[Account]:
        """Return a page of the groups with members or limits, for administrators."""
        _require_admin(user)
        text = (query.q or "").casefold()
        hub_users = self._registry.users.values()
        names = {name for one in hub_users for name in one.groups if text in name.casefold()}
        names |= self._names_with_limits(Subject.GROUP, text)
        return self._page(Subject.GROUP, names, query)

    def _names_with_limits(self, kind: Subject, text: str) -> set[str]:
        return {name for one, name in self._book.limits if one is kind and text in name.casefold()}

    def _page(self, kind: Subject, names: Iterable[str], query: AccountQuery) -> Page[Account]:
        self._book.accounting.count()
        rest = [name for name in sorted(names) if name > (query.cursor or "")]
        rows = [self._account(kind, name) for name in rest[: query.limit]]
        return Page(items=rows, next_cursor=rows[-1].name if len(rest) > len(rows) else None)

    def _account(self, kind: Subject, name: str) -> Account:
        users = self._registry.users
        members = (
            {name}
            if kind is Subject.USER
            else {one.name for one in users.values() if name in one.groups}
        )
        hub_user = users.get(name) if kind is Subject.USER else None
        active = [
            entry
            for entry in self._registry.entries.values()
            if entry.user in members and self._is_active(self._registry.status(entry))
        ]
        return Account(
            kind=kind,
            name=name,
            admin=hub_user is not None and hub_user.admin,
            groups=list(hub_user.groups) if hub_user is not None else [],
            members=len(members) if kind is Subject.GROUP else 0,
            containers=len(active),
            last_activity=hub_user.last_activity if hub_user is not None else None,
            limits=self._book.limits.get((kind, name)),
            budgets=self._book.budgets(name)
            if kind is Subject.USER
            else self._book.budgets_of(kind, name),
            **_hours(self._book.accounting.used(kind, name)),
        )

    @staticmethod
    def _is_active(status: ContainerStatus) -> bool:
        return status not in STOPPED_STATUSES

    async def _require_known(self, kind: Subject, name: str) -> None:
        try:
            exists = (
                await self._hub.user(name) is not None
                if kind is Subject.USER
                else await self._hub.has_group(name)
            )
        except HubRefusedError as refused:
            if refused.status not in (400, 404):
                raise
            exists = False
        if not exists:
            raise AccountNotFoundError(
                kind=kind.value, name=name, faults=[Fault(kind.value, UNKNOWN)]
            )


def to_csv(report: UsageReport) -> str:
    """Return the usage as CSV (RFC 4180); no cell is a formula."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["month", "kind", "name", *(meter.value for meter in Meter)])
    for item in report.items:
        name = f"'{item.name}" if item.name.startswith(FORMULA_PREFIXES) else item.name
        hours = [f"{getattr(item, meter.value):.6f}" for meter in Meter]
        writer.writerow([item.month, item.kind.value, name, *hours])
    return text.getvalue()


def _hours(sums: Sums) -> dict[str, float]:
    return {meter.value: round(sums.hours(meter), 6) for meter in Meter}


def _require_admin(user: Me) -> None:
    if not user.admin:
        raise AdministratorRequiredError()
