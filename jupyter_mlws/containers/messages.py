"""Messages of the streams of containers, for the API's document."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from jupyter_mlws.containers.budgets import BudgetNotice
from jupyter_mlws.containers.models import (
    Container,
    LogLine,
    Notice,
    OutOfMemory,
    OwnUsage,
    ResourceReport,
)


class OwnUsageEvent(OwnUsage):
    """Message: the usage of this server's container."""

    type: Literal["usage"]
    seq: int


class OutOfMemoryEvent(OutOfMemory):
    """Message: kernels were killed for lack of memory."""

    type: Literal["out_of_memory"]
    seq: int


class BudgetNoticeEvent(BudgetNotice):
    """Message: the notice to the user of a container has changed; after a reset, it is unknown."""

    type: Literal["budget"]
    seq: int
    id: str


class ContainerUpdate(TypedDict):
    """Message: a container has changed."""

    type: Literal["container"]
    seq: int
    container: Container


class ContainerRemoval(TypedDict):
    """Message: a container no longer exists."""

    type: Literal["removed"]
    seq: int
    id: str


class ResourcesEvent(TypedDict):
    """Message: the Hub's resources, in use and free."""

    type: Literal["resources"]
    seq: int
    report: ResourceReport


class EnvironmentsEvent(TypedDict):
    """Message: a saved environment has changed."""

    type: Literal["environments"]
    seq: int
    id: str


class SamplesEvent(TypedDict):
    """Message: the history of usage has new samples."""

    type: Literal["samples"]
    seq: int


STATUS_MESSAGES = (
    ContainerUpdate,
    ContainerRemoval,
    ResourcesEvent,
    EnvironmentsEvent,
    SamplesEvent,
)
"""Messages of the stream of all containers."""


class NoticesEvent(TypedDict):
    """Message: all notices that the user sees now."""

    type: Literal["notices"]
    seq: int
    items: list[Notice]


NOTICE_MESSAGES = (NoticesEvent,)
"""Messages of the stream of notices."""


class LogLineEvent(LogLine):
    """Message: a line of a container's log."""

    type: Literal["log"]
