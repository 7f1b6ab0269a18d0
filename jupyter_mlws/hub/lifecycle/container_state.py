"""One container as the service knows it, and the status that follows from what it knows."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from enum import Enum

from jupyter_mlws.containers.models import (
    MASK,
    Container,
    ContainerConfig,
    ContainerStatus,
    QueuePlace,
    Resources,
    Usage,
)
from jupyter_mlws.containers.quantities import write_memory
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.hub.docker.engine import PENDING, DockerContainer
from jupyter_mlws.hub.hubapi import Server
from jupyter_mlws.hub.records.store import ContainerRow

OUT_OF_MEMORY = Message("Out of memory (OOM): exceeded the limit of {limit}. Restarts: {restarts}.")
EXIT_CODE_MESSAGE = Message("Exited with code {code}. Restarts: {restarts}.")
SECRETS_NOT_STORED = Message(
    "The secret variables were not stored. Recreate the container with them."
)


class Intent(str, Enum):
    """Operation that the service has yet to carry out, or whose end it has yet to see.

    A container that waits in the queue has none. With its resources it gets START, until a spawner
    of the Hub takes them: SPAWN. It has none again once it runs or its start has failed.
    """

    NONE = ""
    START = "start"
    SPAWN = "spawn"
    STOP = "stop"
    RESTART = "restart"
    DELETE = "delete"


STOP_INTENTS = (Intent.STOP, Intent.RESTART, Intent.DELETE)


def now() -> datetime:
    return datetime.now(timezone.utc)


@dataclass
class ContainerState:
    """A container: what was asked, what is intended, and what Docker and the Hub say."""

    id: str
    user: str
    name: str
    image: str
    environment: dict[str, str]
    """Masked."""
    resources: Resources
    sealed: str | None = None
    """The variables in full, closed up, until it has started: the Hub has them from then on."""
    priority: int = 0
    degrade: bool = False
    rescue: bool = False
    """Whether its next start writes nothing to the home, which may be full."""
    intent: Intent = Intent.NONE
    created_at: datetime = field(default_factory=now)
    updated_at: datetime = field(default_factory=now)
    queued_at: datetime | None = None
    turn_at: datetime | None = None
    """The moment by which its place in the queue counts, where an administrator has moved it."""
    started_at: datetime | None = None
    node: str | None = None
    restarts: int = 0
    exit_code: int | None = None
    reason: Message | None = None
    last_log: list[str] = field(default_factory=list)
    docker_container: DockerContainer | None = None
    server: Server | None = None
    usage: Usage | None = None
    hub_waits: bool = False
    """True while a spawner of the Hub waits for its resources."""
    resizing: bool = False
    """Whether its limits are just being changed: what Docker says of them is old or new."""
    last_oom_at: float = float("-inf")
    """When a lack of memory was last written down."""
    valid_since: float = field(default_factory=time.monotonic)
    """Time of the last transition or observation: observations from before it are outdated."""
    previous_container_id: str | None = None
    """The dead container in Docker that the newest start will remove."""
    last_published: Container | None = None
    """Without usage."""
    last_stored: tuple[Intent, str | None] | None = None
    """The stored values that are not published, which a restarted service needs."""

    @property
    def running(self) -> bool:
        """True if Docker runs it."""
        return self.docker_container is not None and self.docker_container.active

    @property
    def held(self) -> bool:
        """True if it waits in the engine's own queue."""
        return self.docker_container is not None and self.docker_container.state == PENDING

    @property
    def active(self) -> bool:
        """True if it has its resources, or is about to take them."""
        if self.running or self.server is None:
            return self.running
        return self.server.pending == "spawn" or (self.server.ready and not self.ended)

    @property
    def ended(self) -> bool:
        """True if its newest container in Docker has exited."""
        return self.docker_container is not None and self.docker_container.ended

    @property
    def failed(self) -> bool:
        """True if its newest container in Docker exited with an error."""
        return self.docker_container is not None and self.docker_container.failed

    @property
    def starting(self) -> bool:
        """True if its start has not ended: a container that has exited is no failure yet."""
        is_spawning = self.server is not None and self.server.pending == "spawn"
        return is_spawning or self.hub_waits or self.intent is Intent.START

    @property
    def stopping(self) -> bool:
        """True if its end was requested and is therefore no failure."""
        pending = self.server.pending if self.server is not None else None
        return self.intent in STOP_INTENTS or pending == "stop"

    @property
    def hides_values(self) -> bool:
        return MASK in self.environment.values()

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
                # It may respond already, but the proxy has no route to it yet.
                return ContainerStatus.STARTING
            # After a restart the Hub's word is old: it never noticed.
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

    def describe_exit(self) -> Message:
        """Return the reason of the end, from Docker's state."""
        assert self.docker_container is not None
        if self.docker_container.oom:
            limit = write_memory(self.docker_container.amount.memory)
            return OUT_OF_MEMORY.fill(limit=limit, restarts=self.docker_container.restarts)
        return EXIT_CODE_MESSAGE.fill(
            code=self.docker_container.exit_code, restarts=self.docker_container.restarts
        )

    def reset_result(self) -> None:
        """Reset the result of the last run, for a new start."""
        self.restarts, self.exit_code, self.reason, self.last_log = 0, None, None, []
        self.started_at = None
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

    def container(self, place: QueuePlace | None) -> Container:
        """Return the container for the API."""
        running = self.running and self.docker_container is not None
        return Container(
            id=self.id,
            user=self.user,
            name=self.name,
            status=self.status(place is not None),
            resources=self.resources,
            config=ContainerConfig(image=self.image, environment=self.environment),
            created_at=self.created_at,
            updated_at=self.updated_at,
            started_at=self.started_at if running else None,
            url=self.server.url if self.server is not None else None,
            node=self.node if self.active or self.intent is Intent.START else None,
            priority=self.priority,
            health=self.docker_container.health
            if running and self.docker_container is not None
            else None,
            restarts=self.restarts,
            exit_code=self.exit_code,
            reason=self.reason,
            last_log=self.last_log,
            queue=place,
            usage=self.usage if running else None,
        )

    def row(self, status: ContainerStatus) -> ContainerRow:
        """Return the database row."""
        return ContainerRow(
            id=self.id,
            user=self.user,
            name=self.name,
            status=status.value,
            resources=self.resources.model_dump(),
            config={
                "image": self.image,
                "environment": self.environment,
                "rescue": self.rescue,
            },
            priority=self.priority,
            degrade=self.degrade,
            intent=self.intent.value,
            node=self.node,
            restarts=self.restarts,
            exit_code=self.exit_code,
            reason=None if self.reason is None else self.reason.as_dict(),
            last_log=self.last_log,
            created_at=self.created_at,
            updated_at=self.updated_at,
            queued_at=self.queued_at,
            started_at=self.started_at,
            sealed=self.sealed,
            turn_at=self.turn_at,
        )

    @classmethod
    def of(cls, row: ContainerRow) -> ContainerState:
        """Create an entry from its database row."""
        return cls(
            id=row.id,
            user=row.user,
            name=row.name,
            image=row.config["image"],
            environment=row.config["environment"],
            resources=Resources.model_validate(row.resources),
            priority=row.priority,
            degrade=row.degrade,
            rescue=row.config.get("rescue", False),
            intent=Intent(row.intent),
            created_at=row.created_at,
            updated_at=row.updated_at,
            queued_at=row.queued_at,
            turn_at=row.turn_at,
            started_at=row.started_at,
            node=row.node,
            restarts=row.restarts,
            exit_code=row.exit_code,
            reason=None if row.reason is None else Message.parse(row.reason),
            last_log=row.last_log,
            sealed=row.sealed,
        )
