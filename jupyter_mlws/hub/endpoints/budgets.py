"""The endpoints of limits, budgets and usage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlws.api.registry import Endpoints
from jupyter_mlws.containers.budgets import (
    Account,
    AccountQuery,
    BudgetReport,
    Limits,
    Subject,
    SubjectLimits,
    UsageQuery,
    UsageReport,
)
from jupyter_mlws.containers.models import Me
from jupyter_mlws.core.errors import AccountNotFoundError, AdministratorRequiredError
from jupyter_mlws.core.schemas import Page

if TYPE_CHECKING:
    from jupyter_mlws.hub.manager import HubManager

ERRORS = (AccountNotFoundError, AdministratorRequiredError)

own = Endpoints("resources")
"""Endpoints for users, which labs forward."""
endpoints = Endpoints("limits", errors=(AdministratorRequiredError,))
usage_endpoints = Endpoints("resources")


@own.get("resources/budgets", "Get the budgets that apply to the current user")
def get_budgets(manager: HubManager, user: Me) -> BudgetReport:
    return manager.budgets.report(user)


@usage_endpoints.get("resources/usage", "Get usage per user or group and month")
def get_usage(manager: HubManager, user: Me, query: UsageQuery) -> UsageReport:
    return manager.budgets.usage(user, query)


@endpoints.get("users", "List users with limits and usage")
def list_users(manager: HubManager, user: Me, query: AccountQuery) -> Page[Account]:
    return manager.budgets.users(user, query)


@endpoints.get("groups", "List groups with limits and usage")
def list_groups(manager: HubManager, user: Me, query: AccountQuery) -> Page[Account]:
    return manager.budgets.groups(user, query)


@endpoints.get("limits", "List the limits of users and groups")
def list_limits(manager: HubManager, user: Me) -> Page[SubjectLimits]:
    return manager.budgets.all_limits(user)


@endpoints.get("limits/users/{user}", "Get the limits of a user", errors=ERRORS)
async def get_user_limits(manager: HubManager, user: Me, name: str) -> SubjectLimits:
    return await manager.budgets.get_limits(user, Subject.USER, name)


@endpoints.put("limits/users/{user}", "Set the limits of a user", errors=ERRORS)
async def set_user_limits(manager: HubManager, user: Me, name: str, body: Limits) -> SubjectLimits:
    return await manager.budgets.set_limits(user, Subject.USER, name, body)


@endpoints.delete("limits/users/{user}", "Delete the limits of a user", errors=ERRORS)
async def delete_user_limits(manager: HubManager, user: Me, name: str) -> None:
    await manager.budgets.delete_limits(user, Subject.USER, name)


@endpoints.get("limits/groups/{group}", "Get the limits of a group", errors=ERRORS)
async def get_group_limits(manager: HubManager, user: Me, name: str) -> SubjectLimits:
    return await manager.budgets.get_limits(user, Subject.GROUP, name)


@endpoints.put("limits/groups/{group}", "Set the limits of a group", errors=ERRORS)
async def set_group_limits(manager: HubManager, user: Me, name: str, body: Limits) -> SubjectLimits:
    return await manager.budgets.set_limits(user, Subject.GROUP, name, body)


@endpoints.delete("limits/groups/{group}", "Delete the limits of a group", errors=ERRORS)
async def delete_group_limits(manager: HubManager, user: Me, name: str) -> None:
    await manager.budgets.delete_limits(user, Subject.GROUP, name)
