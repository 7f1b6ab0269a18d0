"""Spawner of labs as services of Docker Swarm."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from typing import Any

from docker.errors import NotFound
from dockerspawner import SwarmSpawner
from traitlets import Bool

from jupyter_mlws.core.errors import (
    ContainerBackendError,
    NotQueuedError,
    PlacementTimeoutError,
)
from jupyter_mlws.hub import words
from jupyter_mlws.hub.docker import container_config, swarm
from jupyter_mlws.hub.docker.engine import PENDING, DockerContainer
from jupyter_mlws.hub.docker.events import HUB_LABEL, EngineEvent
from jupyter_mlws.hub.docker.spawner import CRASH_LOG_LINES, MLWSSpawner
from jupyter_mlws.hub.docker.swarm_engine import name_of
from mlws.core.i18n import Message

POLL_INTERVAL = 0.2
"""Seconds between queries of tasks, for which Swarm has no events."""
STOP_TIMEOUT = 15.0
RESTART_DECISION_TIMEOUT = 10.0
"""Seconds in which Swarm decides whether it replaces a task that has ended."""
NOT_PUBLISHED = Message(
    "JupyterLab runs on the machine {node}, where the Hub cannot reach it: an administrator must"
    " set HUB_PUBLISH_LABS=1"
)
SILENT = Message(
    "JupyterLab on the machine {node} did not respond at {address} within {seconds:g} s; perhaps a"
    " firewall between the machines blocks that port"
)


class MLWSSwarmSpawner(MLWSSpawner, SwarmSpawner):  # type: ignore[misc]
    """MLWSSpawner with the same profiles, limits and confinement, on Docker Swarm.

    Swarm places, queues and restarts the containers.
    """

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
        """Seconds for the whole start, including the wait for room in :meth:`start_object`."""
        return float(self.queue_wait + self.start_limit)

    # Starting

    async def prepare_engine(self) -> None:
        """Remove the previous service.

        The network is created on every node when the Hub is installed, and the volume by Swarm on
        the node where the lab runs.
        """
        if await self.get_object():
            await self.remove_object()
            self.object_id = ""

    async def end_start_limits(self) -> None:
        """Do nothing: Swarm has no separate limit for the start."""

    async def create_object(self) -> dict[str, Any]:
        """Create the service; confinement overrides the configured options."""
        labels = container_config.labels(self.hub_name, self.user.name, self.name, self.wanted)
        driver = self.mount_driver_config
        home = swarm.home(self.mounted, self.home, self.hub_name, self.user.name, driver)
        container = swarm.container(
            self.wanted,
            await self.get_command(),
            self.get_env(),
            labels,
            [*self.mounts, home],
            await self._resolve_options(self.extra_container_spec),
        )
        task = swarm.task(
            container,
            swarm.resources(self.wanted.resources, self.processes),
            self.network_name,
            self.restarts,
            swarm.placement(await self._resolve_options(self.extra_placement_spec), self.home_node),
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
        """Wait until Swarm has found a node; PlacementTimeoutError if it finds none in time."""
        deadline = time.monotonic() + self.queue_wait
        last_position = 0
        while True:
            container = await self._inspect_service()
            if container is None and not await self.get_object():
                raise NotQueuedError(name=self.user.name)
            if container is not None and container.state != PENDING:
                break
            if time.monotonic() > deadline:
                await self.remove_object()
                raise PlacementTimeoutError(seconds=self.queue_wait)
            tasks = await self.docker("tasks", filters={"label": f"{HUB_LABEL}={self.hub_name}"})
            pending_ids = [
                row["ServiceID"]
                for row in sorted(tasks, key=lambda row: (row["CreatedAt"], row["ServiceID"]))
                if swarm.state_of(row) == PENDING and row["DesiredState"] == "running"
            ]
            is_pending = self.object_id in pending_ids
            position = pending_ids.index(self.object_id) + 1 if is_pending else 0
            if position and position != last_position:
                last_position = position
                self._steps.report(60, words.QUEUE_POSITION.fill(position=position))
            await asyncio.sleep(POLL_INTERVAL)
        if last_position:
            self._steps.report(60, words.STARTING)

    async def wait_until_ready(self) -> tuple[str, int]:
        """Wait for the lab's first response and return (address, port)."""

        async def ask_again() -> None:
            while True:
                await asyncio.sleep(1.0)
                self._change_event.set()

        # A node elsewhere sends no events here.
        asking = asyncio.create_task(ask_again())
        try:
            return await super().wait_until_ready()
        finally:
            asking.cancel()

    async def describe_silence(self) -> Message:
        """Return why a start took too long, with the address at which the lab was expected."""
        task = swarm.newest(await self._tasks())
        ip, port = await self.get_ip_and_port()
        if task is None or not ip:
            return await super().describe_silence()
        node = await self._name_of_node(task)
        return SILENT.fill(node=node, address=f"{ip}:{port}", seconds=self.start_limit)

    async def _name_of_node(self, task: Mapping[str, Any]) -> str:
        return name_of(await self.docker("inspect_node", task["NodeID"]))

    # The current state

    async def _inspect_service(self) -> DockerContainer | None:
        tasks = await self._tasks()
        return swarm.read(tasks, {}, None)

    async def _tasks(self) -> list[dict[str, Any]]:
        filters = {"label": f"{HUB_LABEL}={self.hub_name}"}
        rows = await self.docker("tasks", filters=filters)
        return [row for row in rows if row["ServiceID"] == self.object_id]

    async def read_state(self) -> dict[str, Any]:
        """Return the state of the service as Docker describes that of a container."""
        container = await self._inspect_service()
        if container is None:
            return {"Running": False, "ExitCode": 0, "OOMKilled": False, "Error": "removed"}
        return {
            "Running": container.state != "exited",
            "ExitCode": container.exit_code,
            "OOMKilled": container.oom,
            "Error": container.error,
        }

    async def poll(self) -> str | int | None:
        """Return None as long as Swarm runs the lab or is about to, else its exit status."""
        if not await self.get_object():
            return 0
        container = await self._inspect_service()
        if container is None or container.state != "exited":
            return None
        return f"ExitCode={container.exit_code}, Error={container.error!r}"

    async def get_ip_and_port(self) -> tuple[str, int]:
        """Return the address in the network of this node, or the node's own address and port.

        The address is empty between two tries.
        """
        task = swarm.newest(await self._tasks())
        if task is None or task["Status"]["State"] != "running":
            return "", self.port
        if self.publish_labs:
            return swarm.published_address(task, await self.docker("inspect_node", task["NodeID"]))
        container = task["Status"]["ContainerStatus"]["ContainerID"]
        try:
            inspection = await self.docker("inspect_container", container)
        except NotFound:
            own = (await self.docker("info"))["Swarm"]["NodeID"]
            if task["NodeID"] != own:
                node = await self._name_of_node(task)
                raise ContainerBackendError(reason=NOT_PUBLISHED.fill(node=node)) from None
            return "", self.port
        return str(self.get_network_ip(inspection["NetworkSettings"])), self.port

    async def read_log_tail(self) -> bytes:
        """Return the end of the lab's log."""

        def read() -> bytes:
            parts: bytes = self.client.service_logs(
                self.object_id, stdout=True, stderr=True, tail=CRASH_LOG_LINES, is_tty=False
            )
            return parts if isinstance(parts, bytes) else b"".join(parts)

        return await asyncio.wrap_future(self.executor.submit(read))

    # Watching

    def is_about(self, event: EngineEvent) -> bool:
        """Return True if the event is about a container of this service."""
        return bool(self.object_id and event.labels.get(swarm.SERVICE_LABEL) == self.object_id)

    async def handle_event(self, event: EngineEvent) -> None:
        """Handle a Docker event; after a container's end, wait for Swarm's decision on the task."""
        await super().handle_event(event)
        deadline = time.monotonic() + RESTART_DECISION_TIMEOUT
        while event.action == "die" and time.monotonic() < deadline:
            await asyncio.sleep(POLL_INTERVAL)
            container = await self._inspect_service()
            if container is None or container.state in ("exited", "running"):
                await self.refresh()
                return

    # Stopping

    async def remove_object(self) -> None:
        """Remove the service, and wait until its task has ended."""
        with contextlib.suppress(NotFound):
            await self.docker("remove_service", self.object_id)
        deadline = time.monotonic() + STOP_TIMEOUT
        while time.monotonic() < deadline:
            if not any(swarm.state_of(row) == "running" for row in await self._tasks()):
                return
            await asyncio.sleep(POLL_INTERVAL)

    async def delete_forever(self) -> None:
        """Remove the service of a deleted server; the user's files stay."""
        if await self.get_object():
            await self.remove_object()
