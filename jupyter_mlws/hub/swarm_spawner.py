"""A person's lab as a service of Docker Swarm: on whichever node has room."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

from docker.errors import NotFound
from dockerspawner import SwarmSpawner
from traitlets import Bool

from jupyter_mlws.containers.models import Amount
from jupyter_mlws.core.errors import NotQueuedError, PlacementTimeoutError
from jupyter_mlws.hub import container_config, swarm, words
from jupyter_mlws.hub.engine import PENDING, Seen
from jupyter_mlws.hub.events import HUB_LABEL, EngineEvent
from jupyter_mlws.hub.spawner import LAST_LINES, MLWSSpawner

LOOK_AGAIN = 0.2
"""Seconds between two questions to Swarm, which has no events of tasks."""
STOP_LIMIT = 15.0
DECISION_LIMIT = 10.0
"""Seconds in which Swarm says whether it starts another task instead of one that has ended."""


class MLWSSwarmSpawner(MLWSSpawner, SwarmSpawner):  # type: ignore[misc]
    """The same profiles, limits and confinement, placed, queued and started again by Swarm."""

    publish_labs = Bool(
        False,
        config=True,
        help="""Whether labs are reached at a port of their node.

        Required with several nodes: each node has its own containers' network, so that labs
        cannot reach each other. The nodes' ports must then be closed to everyone else.
        """,
    )

    @property
    def run_limit(self) -> float:
        """What waits for room waits here; see :meth:`start_object`."""
        return float(self.queue_wait + self.start_limit)

    # Starting

    async def _ensure_network(self) -> None:
        """It is made when the Hub is installed, on every node."""

    async def _limit_cpu(self, resources: Amount) -> None:
        """Swarm knows no other limit for the start."""

    async def _ensure_volume(self, name: str) -> None:
        """Swarm makes it on the node where the lab runs."""

    async def _remove_leftover(self) -> None:
        if await self.get_object():
            await self.remove_object()
            self.object_id = ""

    async def create_object(self) -> dict[str, Any]:
        """Create the service; what confines it wins over what is configured."""
        labels = container_config.labels(self.hub_name, self.user.name, self.name, self.wanted)
        driver = self.mount_driver_config
        home = swarm.home(self.mounted, self.home, self.hub_name, self.user.name, driver)
        container = swarm.container(
            self.wanted,
            await self.get_command(),
            self.get_env(),
            labels,
            [*self.mounts, home],
            await self._configured(self.extra_container_spec),
        )
        task = swarm.task(
            container,
            swarm.resources(self.wanted.resources, self.processes),
            self.network_name,
            self.restarts,
            await self._configured(self.extra_placement_spec) or None,
        )
        created: dict[str, Any] = await self.docker(
            "create_service",
            task,
            name=self.service_name,
            labels=labels,
            endpoint_spec=swarm.endpoint(self.port, self.publish_labs),
        )
        return created

    async def start_object(self) -> None:
        """Wait until Swarm has found a node; error 10212 where there is none in time."""
        deadline = time.monotonic() + self.queue_wait
        told = 0
        while True:
            seen = await self._seen()
            if seen is None and not await self.get_object():
                raise NotQueuedError(name=self.user.name)
            if seen is not None and seen.state != PENDING:
                break
            if time.monotonic() > deadline:
                await self.remove_object()
                raise PlacementTimeoutError(seconds=self.queue_wait)
            place = await self._place()
            if place and place != told:
                told = place
                self._steps.tell(60, words.PLACE.fill(position=place))
            await asyncio.sleep(LOOK_AGAIN)
        if told:
            self._steps.tell(60, words.STARTING)

    async def _until_it_answers(self) -> tuple[str, int]:
        async def ask_again() -> None:
            while True:
                await asyncio.sleep(1.0)
                self._news.set()

        # A node elsewhere sends no events here.
        asking = asyncio.create_task(ask_again())
        try:
            return await super()._until_it_answers()
        finally:
            asking.cancel()

    async def _place(self) -> int:
        """Its place among all of this Hub that Swarm holds back, from 1; 0 for none."""
        tasks = await self.docker("tasks", filters={"label": f"{HUB_LABEL}={self.hub_name}"})
        held = sorted(
            (row["CreatedAt"], row["ServiceID"])
            for row in tasks
            if swarm.state_of(row) == PENDING and row["DesiredState"] == "running"
        )
        ids = [service for _, service in held]
        return ids.index(self.object_id) + 1 if self.object_id in ids else 0

    # Looking

    async def _seen(self) -> Seen | None:
        tasks = await self._tasks()
        return swarm.read(tasks, {}, None)

    async def _tasks(self) -> list[dict[str, Any]]:
        filters = {"label": f"{HUB_LABEL}={self.hub_name}"}
        rows = await self.docker("tasks", filters=filters)
        return [row for row in rows if row["ServiceID"] == self.object_id]

    async def _state(self) -> dict[str, Any]:
        seen = await self._seen()
        if seen is None:
            return {"Running": False, "ExitCode": 0, "OOMKilled": False, "Error": "removed"}
        return {
            "Running": seen.state != "exited",
            "ExitCode": seen.exit_code,
            "OOMKilled": seen.oom,
            "Error": seen.error,
        }

    async def poll(self) -> str | int | None:
        """None as long as Swarm runs it, or is about to."""
        if not await self.get_object():
            return 0
        seen = await self._seen()
        if seen is None or seen.state != "exited":
            return None
        return f"ExitCode={seen.exit_code}, Error={seen.error!r}"

    async def get_ip_and_port(self) -> tuple[str, int]:
        """In the network of this node, or at its node's own port; no address between two tries."""
        task = swarm.newest(await self._tasks())
        if task is None or task["Status"]["State"] != "running":
            return "", self.port
        if self.publish_labs:
            return swarm.published(task, await self.docker("inspect_node", task["NodeID"]))
        container = task["Status"]["ContainerStatus"]["ContainerID"]
        try:
            found = await self.docker("inspect_container", container)
        except NotFound:
            return "", self.port
        return str(self.get_network_ip(found["NetworkSettings"])), self.port

    async def _last_words(self) -> bytes:
        def read() -> bytes:
            parts: bytes = self.client.service_logs(
                self.object_id, stdout=True, stderr=True, tail=LAST_LINES, is_tty=False
            )
            return parts if isinstance(parts, bytes) else b"".join(parts)

        return await asyncio.wrap_future(self.executor.submit(read))

    # Watching

    def is_about(self, event: EngineEvent) -> bool:
        """Whether it is told of a container of this service."""
        return bool(self.object_id and event.labels.get(swarm.SERVICE_LABEL) == self.object_id)

    async def heard(self, event: EngineEvent) -> None:
        """React to what became of a container, once Swarm has decided what becomes of its task."""
        await super().heard(event)
        deadline = time.monotonic() + DECISION_LIMIT
        while event.action == "die" and time.monotonic() < deadline:
            await asyncio.sleep(LOOK_AGAIN)
            seen = await self._seen()
            if seen is None or seen.state in ("exited", "running"):
                await self.look()
                return

    # Stopping

    async def remove_object(self) -> None:
        """Remove the service, and wait until its task has ended."""
        with contextlib.suppress(NotFound):
            await self.docker("remove_service", self.object_id)
        deadline = time.monotonic() + STOP_LIMIT
        while time.monotonic() < deadline:
            if not any(swarm.state_of(row) == "running" for row in await self._tasks()):
                return
            await asyncio.sleep(LOOK_AGAIN)

    async def delete_forever(self) -> None:
        """The server is deleted: so is its service. The person's files stay."""
        if await self.get_object():
            await self.remove_object()
