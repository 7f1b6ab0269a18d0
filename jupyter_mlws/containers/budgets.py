"""API models of limits, budgets and usage, shared by Hub service and lab."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from jupyter_mlws.containers.models import Cpu, Gpu, Memory
from jupyter_mlws.core.schemas import Record, Request
from jupyter_mlws.core.validation_messages import pattern
from mlws.core.i18n import Message

MAX_HOURS = 1e9
MONTH = pattern(r"^\d{4}-(0[1-9]|1[0-2])$", Message("must be a month such as 2030-01"))


class Subject(StrEnum):
    """Kind of what a limit is for, or whose usage it is."""

    USER = "user"
    GROUP = "group"


class Meter(StrEnum):
    """What a budget counts, in hours per month."""

    CPU = "core_hours"
    MEMORY = "memory_gib_hours"
    GPU = "gpu_hours"


BUDGET_NAMES = {
    Meter.CPU: Message("core-hours"),
    Meter.MEMORY: Message("GiB-hours of memory"),
    Meter.GPU: Message("GPU-hours"),
}


def _reject_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise PydanticCustomError("float_type", "must be a number")
    return value


class Budget(Request):
    """Hours per month, in UTC. A hard budget stops containers, a soft one only informs."""

    hours: Annotated[float, BeforeValidator(_reject_boolean)] = Field(
        ge=0, le=MAX_HOURS, allow_inf_nan=False
    )
    hard: bool = False


class Limits(Request):
    """Limits of a user or a group; fields that are null set none."""

    cpu: Cpu | None = Field(default=None, description="Cores of all containers of a user.")
    memory: Memory | None = Field(default=None, description="Memory of all containers of a user.")
    gpu: Gpu | None = Field(default=None, description="GPUs of all containers of a user.")
    containers: int | None = Field(
        default=None, ge=0, le=100_000, description="Containers of a user at once."
    )
    core_hours: Budget | None = None
    memory_gib_hours: Budget | None = None
    gpu_hours: Budget | None = None

    def budget(self, meter: Meter) -> Budget | None:
        """Return the budget of one kind."""
        budget: Budget | None = getattr(self, meter.value)
        return budget


class SubjectLimits(Record):
    """The limits of a user or of each member of a group; a group shares its budgets."""

    kind: Subject
    name: str
    limits: Limits


class BudgetUse(Record):
    """A budget that applies to a user, and what is used of it."""

    meter: Meter
    kind: Subject
    name: str = Field(description="The user, or the group whose members share the budget.")
    hours: float
    hard: bool
    used: float = Field(description="Hours used in this month.")


class BudgetReport(Record):
    """The budgets that apply to the user, and when they start anew."""

    month: str
    resets_at: datetime
    items: list[BudgetUse]


class UsageQuery(Request):
    """A month and the kind of rows."""

    month: str | None = Field(
        default=None, pattern=MONTH, description="In UTC; default: all months."
    )
    kind: Subject = Field(default=Subject.USER, description="Usage per user or per group.")
    format: str | None = Field(
        default=None,
        pattern=pattern(r"^(json|csv)$", Message("must be json or csv")),
        description="`csv` for a table; so does the header `Accept: text/csv`.",
    )


class UsageItem(Record):
    """Usage of a user or group in a month."""

    month: str
    kind: Subject
    name: str
    core_hours: float
    memory_gib_hours: float
    gpu_hours: float


class UsageReport(Record):
    """Usage per month; users see their own and that of their groups, administrators all."""

    items: list[UsageItem]


class AccountQuery(Request):
    """Page and filter of a list of users or groups."""

    limit: int = Field(default=100, ge=1, le=500, description="Maximum number of items.")
    cursor: str | None = Field(default=None, max_length=300)
    q: str | None = Field(default=None, max_length=300, description="Part of the name or a group.")


class Account(Record):
    """A user or a group with limits, budgets and the usage of this month."""

    kind: Subject
    name: str
    admin: bool = False
    groups: list[str] = Field(default_factory=list, description="Groups of a user.")
    members: int = Field(default=0, description="Number of users in a group.")
    containers: int = Field(default=0, description="Containers that run, start or wait.")
    last_activity: datetime | None = None
    limits: Limits | None = Field(description="Own limits, without those of groups.")
    budgets: list[BudgetUse]
    core_hours: float
    memory_gib_hours: float
    gpu_hours: float


class BudgetNotice(Record):
    """Notice to the user of a container; the lab translates it."""

    notice: dict[str, Any] | None = Field(
        default=None, description="`text` with `facts`; null: nothing to report."
    )
    stop_at: datetime | None = Field(default=None, description="When the container is stopped.")
