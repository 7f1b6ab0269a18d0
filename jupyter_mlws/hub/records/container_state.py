"""State of one container, and the status that follows from it."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from jupyter_mlws.containers.models import (
    MASK,
    Container,
    ContainerConfig,
    ContainerStatus,
    QueuePlace,
    Resources,
    Usage,
    mask_credentials,
)
from jupyter_mlws.containers.quantities import write_memory
from jupyter_mlws.hub.docker.engine import PENDING, DockerContainer
from jupyter_mlws.hub.hubapi import Server
from jupyter_mlws.hub.records.store import (
    Base,
    JSONModel,
    StoredMessage,
    UTCDateTime,
    enum_column,
)
from jupyter_mlws.hub.scheduling.policy import ResolvedSpec
from mlws.core.i18n import Message

OUT_OF_MEMORY = Message("Out of memory (OOM): exceeded the limit of {limit}. Restarts: {restarts}.")
EXIT_CODE_MESSAGE = Message("Exited with code {code}. Restarts: {restarts}.")
REJECTED = Message("Docker on the machine {node} could not start it: {error}")
SECRETS_NOT_STORED = Message(
    "The secret variables were not stored. Recreate the container with them."
)


class Intent(StrEnum):
    """Operation that the service has yet to carry out, or whose end it has yet to observe.

    A container in the queue has none. When its resources are granted, the intent is START, and from
    the admission of the Hub's spawner SPAWN. It is none again once the container runs or the start
    has failed.
    """

    NONE = ""
    START = "start"
    SPAWN = "spawn"
    STOP = "stop"
    RESTART = "restart"
    DELETE = "delete"


STOP_INTENTS = (Intent.STOP, Intent.RESTART, Intent.DELETE)


def now() -> datetime:
    return datetime.now(UTC)


class ContainerState(Base):
    """A container: the stored request and intent, and the current views of Docker and the Hub."""

    __tablename__ = "containers"

    id: Mapped[str] = mapped_column(String(300), primary_key=True)
    user: Mapped[str] = mapped_column(String(255), index=True)
    name: Mapped[str] = mapped_column(String(40))
    resources: Mapped[Resources] = mapped_column(JSONModel(Resources))
    config: Mapped[ContainerConfig] = mapped_column(JSONModel(ContainerConfig))
    stored_status: Mapped[str] = mapped_column("status", String(20), default="")
    """Status at the last write, for readers of the database."""
    priority: Mapped[int] = mapped_column(default=0)
    degrade: Mapped[bool] = mapped_column(default=False)
    intent: Mapped[Intent] = mapped_column(enum_column(Intent), default=Intent.NONE)
    node: Mapped[str | None] = mapped_column(String(255), default=None)
    restarts: Mapped[int] = mapped_column(default=0)
    exit_code: Mapped[int | None] = mapped_column(default=None)
    reason: Mapped[Message | None] = mapped_column(StoredMessage, default=None)
    last_log: Mapped[list[str]] = mapped_column(JSON, default_factory=list)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default_factory=now)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime, default_factory=now)
    queued_at: Mapped[datetime | None] = mapped_column(UTCDateTime, default=None)
    started_at: Mapped[datetime | None] = mapped_column(UTCDateTime, default=None)
    sealed: Mapped[str | None] = mapped_column(Text, default=None)
    """All variables, encrypted, until the container has started and the Hub stores them."""
    turn_at: Mapped[datetime | None] = mapped_column(UTCDateTime, default=None)
    """The arrival that determines the queue position, if an administrator has moved it."""

    turn_as: Mapped[str | None] = mapped_column(String(255), default=None)
    """The user whose share determines the queue position, if an administrator has moved it."""
    stop_at: Mapped[datetime | None] = mapped_column(UTCDateTime, default=None)
    """When it is stopped because a budget is used up."""

    notice: Message | None = None
    """Notice to the user about a budget."""
    docker_container: DockerContainer | None = None
    server: Server | None = None
    usage: Usage | None = None
    hub_waits: bool = False
    """True while a spawner of the Hub waits for its resources."""
    spec: ResolvedSpec | None = None
    """The validated request, until the Hub spawns it."""
    resizing: bool = False
    """True while the limits are being changed: Docker may report the old or the new ones."""
    stop_reason: Message | None = None
    """Why it is being stopped, if its user did not ask for that; ``reason`` after the stop."""
    last_oom_at: float = float("-inf")
    """Time of the last recorded lack of memory."""
    valid_since: float = 0.0
    """Time of the last transition or observation: observations from before it are outdated."""
    previous_container_id: str | None = None
    """The exited container in Docker that the newest start will remove."""
    last_published: Container | None = None
    """The last published state, without usage."""
    last_stored: tuple[Intent, str | None] | None = None
    """The stored values that are not published, which a restarted service needs."""

    @property
    def running(self) -> bool:
        """True if Docker runs the container."""
        return self.docker_container is not None and self.docker_container.active

    @property
    def held(self) -> bool:
        """True if the container waits in the queue of Docker Swarm."""
        return self.docker_container is not None and self.docker_container.state == PENDING

    @property
    def active(self) -> bool:
        """True if the container uses its resources, or is about to."""
        if self.running or self.server is None:
            return self.running
        return self.server.pending == "spawn" or (self.server.ready and not self.ended)

    @property
    def ended(self) -> bool:
        """True if the newest container in Docker has exited."""
        return self.docker_container is not None and self.docker_container.ended

    @property
    def failed(self) -> bool:
        """True if the newest container in Docker exited with an error."""
        return self.docker_container is not None and self.docker_container.failed

    @property
    def starting(self) -> bool:
        """True during a start: an exit of the container is no failure yet."""
        is_spawning = self.server is not None and self.server.pending == "spawn"
        return is_spawning or self.hub_waits or self.intent is Intent.START

    @property
    def stopping(self) -> bool:
        """True if a stop was requested, so that the end is no failure."""
        pending = self.server.pending if self.server is not None else None
        return self.intent in STOP_INTENTS or pending == "stop"

    @property
    def hides_values(self) -> bool:
        return MASK in self.config.environment.values()

    def status(self, waits: bool) -> ContainerStatus:
        """Return the status; ``waits`` is True while it is in the queue."""
        pending = self.server.pending if self.server is not None else None
        if waits:
            return ContainerStatus.QUEUED
        container = self.docker_container
        remains = self.active or (container is not None and not self.held)
        if self.stopping and (remains or self.intent is Intent.DELETE or pending == "stop"):
            return ContainerStatus.STOPPING
        if container is not None and container.active:
            if container.state == "restarting":
                return ContainerStatus.STARTING
            if container.health == "unhealthy":
                return ContainerStatus.UNHEALTHY
            if pending == "spawn":
                # The lab may respond already, but the proxy has no route to it yet.
                return ContainerStatus.STARTING
            # The Hub does not notice restarts by Docker, so its view is outdated after one.
            is_fresh = container.restarts == 0 or container.health is None
            is_ready = is_fresh and self.server is not None and self.server.ready
            responds = is_ready or container.health == "healthy"
            return ContainerStatus.RUNNING if responds else ContainerStatus.STARTING
        if pending == "spawn" or self.intent in (Intent.SPAWN, Intent.RESTART):
            return ContainerStatus.STARTING
        if self.intent is Intent.START:
            return ContainerStatus.CREATED
        has_crashed = self.failed or self.exit_code is not None
        return ContainerStatus.CRASHED if has_crashed else ContainerStatus.STOPPED

    def configure(self, **settings: Any) -> None:
        """Change settings for the next start."""
        self.config, self.spec = self.config.model_copy(update=settings), None

    @property
    def end_reason(self) -> Message | None:
        """Why it stopped or did not start, also before the stop is written down as done."""
        has_stopped = not (self.active or self.starting)
        return self.reason or (self.stop_reason if has_stopped else None)

    def describe_exit(self) -> Message:
        """Return the reason of the end, from Docker's state."""
        assert self.docker_container is not None
        if self.docker_container.oom:
            limit = write_memory(self.docker_container.amount.memory)
            return OUT_OF_MEMORY.fill(limit=limit, restarts=self.docker_container.restarts)
        if self.docker_container.rejected:
            node, error = self.docker_container.node, self.docker_container.error
            return REJECTED.fill(node=node, error=error)
        return EXIT_CODE_MESSAGE.fill(
            code=self.docker_container.exit_code, restarts=self.docker_container.restarts
        )

    def reset_result(self) -> None:
        """Reset the result of the last run, for a new start."""
        self.restarts, self.exit_code, self.reason, self.last_log = 0, None, None, []
        self.started_at = self.stop_reason = self.notice = self.stop_at = None
        if self.ended and self.docker_container is not None:
            self.previous_container_id, self.docker_container = self.docker_container.docker, None

    def observe(self, docker_container: DockerContainer | None, server: Server | None) -> None:
        """Update the entry to the current views of Docker and the Hub."""
        is_old = (
            docker_container is not None
            and not docker_container.active
            and docker_container.docker == self.previous_container_id
        )
        self.docker_container, self.server = None if is_old else docker_container, server
        if server is None or server.pending != "spawn":
            self.hub_waits = False

    @property
    def unpublished_values(self) -> tuple[Intent, str | None]:
        """The values that are stored, but not published."""
        return self.intent, self.sealed

    def container(self, position: QueuePlace | None) -> Container:
        """Return the container for the API."""
        docker_container = self.docker_container if self.running else None
        is_placed = self.active or self.intent is Intent.START
        return Container(
            **{
                **self.values(),
                "status": self.status(position is not None),
                "reason": self.end_reason,
                "started_at": self.started_at if docker_container else None,
                "url": self.server.url if self.server is not None else None,
                "node": self.node if is_placed else None,
                "health": docker_container.health if docker_container else None,
                "queue": position,
                "usage": self.usage if docker_container else None,
                "notice": self.notice,
            }
        )


def to_config(spec: ResolvedSpec) -> ContainerConfig:
    """Return what is stored of a specification, with credentials masked."""
    environment = mask_credentials(dict(spec.environment))
    return ContainerConfig(image=spec.label, environment=environment, rescue=spec.rescue)
