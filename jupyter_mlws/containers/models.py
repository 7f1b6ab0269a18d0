"""API models of containers and resources, shared by Hub service and lab."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from jupyter_mlws.containers.quantities import (
    parse_cpu,
    parse_gpu,
    parse_memory,
    write_cpu,
    write_memory,
)
from jupyter_mlws.core.schemas import PageQuery, Record, Request
from mlws.core.i18n import Message

DEFAULT_SERVER = "default"
"""Name of a user's default server in an id."""
SEPARATOR = "--"
MASK = "***"
_CREDENTIAL = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|API_?KEY|ACCESS_?KEY|PRIVATE", re.I)


def container_id(user: str, server: str) -> str:
    """Return ``user--server``; the default server is ``default``."""
    return f"{user}{SEPARATOR}{server or DEFAULT_SERVER}"


def split_id(identifier: str) -> tuple[str, str]:
    """Return (user, server name), empty for the default server; ValueError if it is no id."""
    user, separator, server = identifier.rpartition(SEPARATOR)
    if not (user and separator and server):
        raise ValueError(identifier)
    return user, "" if server == DEFAULT_SERVER else server


class ContainerStatus(StrEnum):
    """Status of a container."""

    CREATED = "CREATED"
    QUEUED = "QUEUED"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    UNHEALTHY = "UNHEALTHY"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    CRASHED = "CRASHED"


def _as_text(value: Any) -> Any:
    """Return a number as text: ``"cpu": 2`` is accepted, too."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"{value:g}" if isinstance(value, float) else str(value) if is_number else value


def _quantity(example: str, parse: Callable[[str], float]) -> AfterValidator:
    def check(value: str) -> str:
        try:
            parse(value)
        except ValueError:
            raise PydanticCustomError(
                "amount",
                "is not a valid amount; use a value such as {example}",
                {"example": example},
            ) from None
        return value.strip()

    return AfterValidator(check)


Cpu = Annotated[str, BeforeValidator(_as_text), _quantity('"2", "500m"', parse_cpu)]
"""Cores, as text."""
Memory = Annotated[str, BeforeValidator(_as_text), _quantity('"4Gi", "512M"', parse_memory)]
"""Bytes with a suffix, as text."""
Gpu = Annotated[str, BeforeValidator(_as_text), _quantity('"1"', parse_gpu)]
"""Whole devices, as text."""


class Amount(Record):
    """Resources as numbers: cores, bytes, devices."""

    cpu: float
    memory: int
    gpu: int = 0

    def fits(self, other: Amount) -> bool:
        """Return whether this much fits into ``other``."""
        return self.cpu <= other.cpu and self.memory <= other.memory and self.gpu <= other.gpu

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            cpu=round(self.cpu + other.cpu, 3),
            memory=self.memory + other.memory,
            gpu=self.gpu + other.gpu,
        )

    def __sub__(self, other: Amount) -> Amount:
        return Amount(
            cpu=round(self.cpu - other.cpu, 3),
            memory=self.memory - other.memory,
            gpu=self.gpu - other.gpu,
        )


class Resources(Request):
    """Resources in the notation of users: ``{"cpu": "2", "memory": "4Gi", "gpu": "1"}``."""

    cpu: Cpu = Field(description='Cores: "2", "500m".')
    memory: Memory = Field(description='Bytes with a suffix: "4Gi", "512M".')
    gpu: Gpu | None = Field(default=None, description="Number of devices.")

    @classmethod
    def of(cls, amount: Amount) -> Resources:
        """Return an amount in the notation of users."""
        return cls(
            cpu=write_cpu(amount.cpu),
            memory=write_memory(amount.memory),
            gpu=str(amount.gpu) if amount.gpu else None,
        )

    @property
    def amount(self) -> Amount:
        return Amount(
            cpu=parse_cpu(self.cpu),
            memory=parse_memory(self.memory),
            gpu=parse_gpu(self.gpu or "0"),
        )


class ResourceChange(Request):
    """New size of a container; omitted fields stay unchanged."""

    cpu: Cpu | None = Field(default=None, description='Cores: "2", "500m".')
    memory: Memory | None = Field(default=None, description='Bytes with a suffix: "4Gi", "512M".')
    gpu: Gpu | None = Field(default=None, description="Number of devices; only while stopped.")

    def over(self, before: Resources) -> Resources:
        """Return the complete size."""
        return before.model_copy(update=self.model_dump(exclude_none=True))


class ContainerChange(Request):
    """Changes to a container."""

    resources: ResourceChange


def is_server_name(value: str) -> bool:
    """Return whether a name is valid for a server: two hyphens would end the user's name.

    The Hub's database has room for 40 characters.
    """
    pattern = r"[a-z0-9]+(-[a-z0-9]+)*"
    return value != DEFAULT_SERVER and len(value) <= 40 and bool(re.fullmatch(pattern, value))


def _validate_name(value: str) -> str:
    if not is_server_name(value):
        raise PydanticCustomError(
            "container_name",
            "must contain only lowercase letters, digits, and single hyphens between them, and "
            "must not be {reserved}",
            {"reserved": DEFAULT_SERVER},
        )
    return value


_RESERVED_PREFIXES = (
    "JUPYTERHUB_",
    "JPY_",
    "JUPYTER_",
    "MLWS_",
    "LD_",
    "PYTHONSTARTUP",
    "PATH",
    "HOME",
)


def _validate_environment(value: dict[str, str]) -> dict[str, str]:
    """Reject names that the Hub sets, and names that change which programs run."""
    for name in value:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise PydanticCustomError(
                "environment_name", "{name} is not a valid variable name", {"name": name}
            )
        if name.upper().startswith(_RESERVED_PREFIXES):
            raise PydanticCustomError(
                "environment_reserved", "{name} is set by the Hub", {"name": name}
            )
    return value


Environment = Annotated[dict[str, str], AfterValidator(_validate_environment)]


class ContainerCreate(Request):
    """Request for a container; omitted fields have the Hub's defaults."""

    image: str | None = Field(default=None, min_length=1, max_length=300)
    resources: Resources | None = None
    environment: Environment = Field(default_factory=dict)
    name: Annotated[str, AfterValidator(_validate_name)] | None = Field(
        default=None, max_length=30, description="Name of a second server; null: the default one."
    )
    user: str | None = Field(
        default=None,
        min_length=1,
        max_length=255,
        description="Owner, by default the user who asks; another one: administrators only.",
    )
    priority: int = Field(default=0, ge=-100, le=100, description="Above 0: administrators only.")
    wait: bool = Field(default=True, description="Queue if resources are short.")
    degrade: bool = Field(default=False, description="Accept less if resources are short.")
    rescue: bool = Field(
        default=False,
        description="Start even if the home folder is full, without writing to it, to free space.",
    )


class ContainerConfig(Record):
    """Settings that a container was requested with; values like credentials are masked."""

    image: str
    environment: dict[str, str] = Field(default_factory=dict)
    rescue: bool = Field(
        default=False, description="Runs without writing to the home folder, which may be full."
    )
    started_by: str | None = Field(
        default=None, description="Administrator who started it for the user; null: the user."
    )


def mask_credentials(environment: dict[str, str]) -> dict[str, str]:
    """Return the variables with masked credentials."""
    return {
        name: MASK if _CREDENTIAL.search(name) else value for name, value in environment.items()
    }


class QueuePlace(Record):
    """``position`` counts from 1; ``eta_seconds`` is null if unknown."""

    position: int
    eta_seconds: float | None = None


class Usage(Record):
    """Current usage of a container: cores, bytes, and number of processes."""

    cpu: float
    memory: int
    memory_limit: int
    processes: int
    time: datetime


class OutOfMemory(Record):
    """The kernel has killed processes because the container's memory was used up."""

    time: datetime
    memory_limit: int = Field(description="Bytes.")
    kernels: list[str] = Field(description="IDs of the affected kernels.")
    paths: list[str] = Field(description="Notebooks of these kernels.")


class OwnUsage(Record):
    """Usage of the server's container; null outside a container."""

    cpu: float | None = Field(default=None, description="Cores.")
    cpu_limit: float | None = None
    memory: int | None = Field(default=None, description="Bytes.")
    memory_limit: int | None = None
    processes_killed: int = Field(description="Processes killed for lack of memory since start.")
    out_of_memory: OutOfMemory | None = Field(default=None, description="Latest event.")
    notice: Message | None = Field(default=None, description="Notice of the Hub about a budget.")
    stop_at: datetime | None = Field(
        default=None, description="When the Hub stops the container because of a budget."
    )


class Container(Record):
    """A user's server: ``name`` is empty for the default one."""

    id: str
    user: str
    name: str
    status: ContainerStatus
    resources: Resources
    config: ContainerConfig
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None = None
    url: str | None = Field(default=None, description="URL of the lab on this host.")
    node: str | None = None
    priority: int = 0
    health: str | None = Field(default=None, description="healthy, unhealthy or starting.")
    restarts: int = 0
    exit_code: int | None = None
    reason: Message | None = Field(default=None, description="Why it stopped or did not start.")
    last_log: list[str] = Field(default_factory=list)
    queue: QueuePlace | None = None
    usage: Usage | None = None
    notice: Message | None = Field(default=None, description="Notice about a budget.")
    stop_at: datetime | None = Field(
        default=None, description="When it is stopped because a budget is used up."
    )


class ImageInfo(Record):
    """An available image; containers are requested with ``name``."""

    name: str
    image: str = Field(description="Name in Docker.")
    default: bool
    present: bool = Field(description="Whether it is on the machine or has to be pulled.")
    size: int | None = Field(default=None, description="Bytes.")
    created: datetime | None = None


class EnvironmentState(StrEnum):
    """State of an environment."""

    SAVING = "SAVING"
    READY = "READY"
    FAILED = "FAILED"


class EnvironmentCreate(Request):
    """Request to save the packages of a container."""

    name: Annotated[str, AfterValidator(_validate_name)] = Field(max_length=30)
    container: str | None = Field(
        default=None, max_length=300, description="ID. Default in a lab: the lab's own container."
    )
    use: bool = Field(default=True, description="Used by the next start of the container.")


class SavedEnvironment(Record):
    """A user's saved environment: an image of the user's own, requested by ``image``."""

    id: str
    user: str
    name: str
    image: str = Field(description="Name for requesting a container with it.")
    state: EnvironmentState
    base: str | None = Field(default=None, description="Base image.")
    packages: int | None = Field(default=None, description="Number of packages beyond the base.")
    size: int | None = Field(default=None, description="Bytes beyond the base image.")
    created_at: datetime | None = None
    left_out: list[str] = Field(
        default_factory=list, description="Packages that are not available elsewhere."
    )
    reason: Message | None = Field(default=None, description="Why saving failed.")
    last_log: list[str] = Field(default_factory=list)


class LogLine(Record):
    """One line of a container's log; ``seq`` counts from its start."""

    seq: int
    stream: str = Field(description="stdout, stderr, or event (a container event).")
    text: str
    time: datetime


class LogTail(Record):
    """The end of a container's log."""

    lines: list[LogLine]


class ContainerEvent(Record):
    """Something that happened to a container."""

    time: datetime
    text: str


class ContainerEvents(Record):
    """Events of a container, oldest first."""

    items: list[ContainerEvent]


class UsageSubject(StrEnum):
    """What usage is recorded of."""

    MACHINE = "machine"
    USER = "user"


class Volume(Record):
    """A user's files: mounted in all containers of the user, or in the trash."""

    name: str
    user: str
    created_at: datetime
    trashed_at: datetime | None = None
    purge_at: datetime | None = Field(default=None, description="When it is deleted permanently.")
    size: int | None = Field(default=None, description="Bytes, if measured.")
    measured_at: datetime | None = Field(default=None, description="When it was measured last.")
    quota: int | None = Field(default=None, description="Bytes, if limited.")
    node: str | None = Field(default=None, description="The node that alone has the files.")
    in_use: bool


class VolumeQuery(PageQuery):
    """A part of the list of volumes."""

    sort: Literal["user", "size"] = Field(
        default="user", description="size: the largest first, those not measured last."
    )
    trashed: bool | None = Field(default=None, description="Only those in the trash, or not.")
    q: str | None = Field(default=None, max_length=300, description="Text in the user or name.")


class Move(Request):
    """New position in the queue, from 1."""

    position: int = Field(ge=1, le=100_000)


class Hours(Record):
    """Usage of one user: hours of containers, and those hours times the resources of each."""

    user: str
    hours: float
    cpu_hours: float
    memory_gib_hours: float
    gpu_hours: float


class HoursReport(Record):
    """The user's hours; for an administrator, those of all users."""

    days: int
    items: list[Hours]


class HoursQuery(Request):
    """Number of days before now."""

    days: int = Field(default=30, ge=1, le=3650)


class StorageTotal(Record):
    """Objects of one kind on the disk, and their bytes as far as they are known."""

    count: int
    size: int

    @classmethod
    def of(cls, sizes: Iterable[int | None]) -> StorageTotal:
        """Return the total of sizes, of which some are unknown."""
        rows = list(sizes)
        return cls(count=len(rows), size=sum(size or 0 for size in rows))


class StorageReport(Record):
    """What fills the disk, and what needs attention."""

    homes: StorageTotal
    trash: StorageTotal
    environments: StorageTotal = Field(description="Beyond their base images.")
    images: StorageTotal
    alerts: list[Message]


class ImageUse(Record):
    """An image of the Hub or a saved environment, with the containers that use it."""

    id: str
    name: str
    image: str | None = Field(default=None, description="Name in Docker of a Hub's image.")
    default: bool = False
    environment: str | None = Field(default=None, description="ID of the saved environment.")
    user: str | None = Field(default=None, description="Owner of the saved environment.")
    base: str | None = Field(default=None, description="Base image of the saved environment.")
    present: bool = Field(description="Whether it is on the machine or has to be pulled.")
    size: int | None = Field(
        default=None, description="Bytes; of a saved environment, beyond its base image."
    )
    created: datetime | None = None
    running: list[str] = Field(description="IDs of the containers that run with it, or start.")
    stopped: list[str] = Field(description="IDs of the stopped containers that start with it.")


HistorySpan = Literal["hour", "day", "week", "month"]


class HistoryQuery(Request):
    """A part of the history of usage."""

    span: HistorySpan = "day"
    subject: Literal["machine", "user"] = "machine"
    name: str | None = Field(default=None, max_length=255, description="One machine or user.")
    metric: Literal["cpu", "memory", "gpu", "disk"] = Field(
        default="cpu", description="Without a name: those with the most of this are returned."
    )


class UsageSeries(Record):
    """Average usage of a machine or a user: cores, bytes, devices, bytes; null if unknown."""

    name: str
    cpu: list[float | None]
    memory: list[int | None]
    gpu: list[float | None]
    disk: list[int | None]


class UsageHistory(Record):
    """Series with a value for each ``width`` seconds, from ``since`` to ``until`` (Unix time)."""

    since: int
    until: int
    width: int
    items: list[UsageSeries]


class NoticeLevel(StrEnum):
    """How urgent a notice is."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Notice(Record):
    """A notice in open labs and on the Hub's pages."""

    id: str
    level: NoticeLevel
    text: Message = Field(description="Plain text.")
    created_at: datetime
    until: datetime | None = Field(default=None, description="When it ends, if known.")
    author: str | None = Field(
        default=None, description="Administrator who announced it to all users; null: the Hub."
    )


class AnnouncementCreate(Request):
    """Request to announce something to all users."""

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
    level: Literal[NoticeLevel.INFO, NoticeLevel.WARNING] = NoticeLevel.INFO
    until: AwareDatetime = Field(description="When it ends.")


class Announcement(Record):
    """An announcement to all users, in plain text."""

    id: str
    text: str
    level: NoticeLevel
    author: str
    created_at: datetime
    until: datetime


class AuditEntry(Record):
    """An entry of the audit log: an action of a user on a target."""

    id: int
    time: datetime
    actor: str
    action: str
    target: str
    details: dict[str, Any]


class HubSetting(Record):
    """A setting of the Hub's installation; ``value`` is as in ``variable``, without secrets.

    ``changed``: it is not the default. ``about``: what it means, by language.
    """

    name: str
    variable: str
    value: str
    changed: bool
    about: dict[str, str]


class AuditQuery(Request):
    """A part of the log, the newest first."""

    limit: int = Field(default=50, ge=1, le=500)
    cursor: int | None = Field(default=None, ge=1, description="Only lines before this row.")
    target: str | None = Field(default=None, max_length=300)
    q: str | None = Field(
        default=None, max_length=300, description="Text in the actor, the action or the target."
    )


class LogQuery(Request):
    """Number of lines of a log."""

    tail: int = Field(default=200, ge=1, le=5000, description="Maximum number of lines.")


class Me(Record):
    """The user who makes the request; a service of the Hub has no name."""

    name: str
    admin: bool

    def may_see(self, user: str) -> bool:
        """Return whether the user may see what belongs to ``user``."""
        return self.admin or self.name == user


class AllocateRequest(Request):
    """Request to plan resources, or to reserve them."""

    resources: Resources
    priority: int = Field(default=0, ge=-100, le=100)
    reserve: bool = False
    degrade: bool = False


class Allocation(Record):
    """A plan: node and resources; or the queue position that the request would get."""

    success: bool
    node: str | None = None
    resources: Resources | None = None
    queue: QueuePlace | None = None
    reservation: str | None = None
    expires_at: datetime | None = None


class Disk(Record):
    """The disk with the volumes and images of a machine, in bytes.

    New containers start only while more than ``reserve`` is free.
    """

    total: int
    free: int
    reserve: int
    is_low: bool = Field(description="Free space is below the reserve.")


class Machine(Record):
    """A machine: its capacity, and the allocated and the used resources."""

    name: str
    cores: float = Field(description="Real cores; the capacity may promise more.")
    load: float | None = Field(
        default=None, description="Load average of one minute; null on other machines."
    )
    capacity: Amount
    allocated: Amount
    used: Amount
    containers: int
    disk: Disk | None = Field(default=None, description="Null if the service cannot read it.")


class Waiting(Record):
    """A request that waits for resources."""

    id: str
    user: str
    position: int
    priority: int
    resources: Resources
    since: datetime
    eta_seconds: float | None = None


class ResourceReport(Record):
    """All machines and the queue; users see their own requests in it, administrators all."""

    nodes: list[Machine]
    queue: list[Waiting]
    limits: Amount = Field(description="Limit per container of this user.")
    defaults: Resources
    images: list[str]
    profiles: dict[str, Resources] = Field(description="Sizes to choose from, by name.")
