"""Engine for Docker Swarm, with services and their tasks in place of containers."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from docker.errors import NotFound

from jupyter_mlws.containers.cgroups import Sample
from jupyter_mlws.containers.models import Amount
from jupyter_mlws.core.errors import SwarmUnsupportedError
from jupyter_mlws.hub.docker import container_config, swarm
from jupyter_mlws.hub.docker.engine import (
    ID_LABEL,
    DockerContainer,
    Engine,
    LogReader,
    MachineSize,
    size_of,
    translate_docker_errors,
)
from jupyter_mlws.hub.docker.events import HUB_LABEL


class SwarmEngine(Engine):
    """Services of one Hub, by the API of a manager node. Blocking and thread-safe.

    Usage is available only for containers that run on the manager itself.
    """

    def machines(self, capacity: Amount | None, cpu_overcommit: float) -> dict[str, MachineSize]:
        """Return the size of each node that takes tasks; ``capacity`` overrides it.

        Swarm itself places no more than the real cores.
        """
        with translate_docker_errors():
            rows = self.client.nodes()
        usable = [
            row
            for row in rows
            if row["Status"]["State"] == "ready" and row["Spec"]["Availability"] == "active"
        ]
        return {name_of(row): size_of(capacity_of(row), capacity, 1.0) for row in usable}

    def all(self) -> dict[str, DockerContainer]:
        """Return every service of this Hub, by id."""
        return self._read({"label": f"{HUB_LABEL}={self.hub}"})

    def find(self, identifier: str) -> DockerContainer | None:
        """Return the service with an id, or None."""
        labels = [f"{HUB_LABEL}={self.hub}", f"{ID_LABEL}={identifier}"]
        return self._read({"label": labels}).get(identifier)

    def _read(self, filters: Mapping[str, Any]) -> dict[str, DockerContainer]:
        with translate_docker_errors():
            tasks = self.client.tasks(filters=dict(filters))
            if not tasks:
                return {}
            nodes = {row["ID"]: name_of(row) for row in self.client.nodes()}
        groups: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for task in tasks:
            groups[task["ServiceID"]].append(task)
        containers: dict[str, DockerContainer] = {}
        for rows in groups.values():
            status = (swarm.newest(rows) or {}).get("Status", {})
            own = (status.get("ContainerStatus") or {}).get("ContainerID")
            inspection = None
            # It remains None for a container of another node.
            with translate_docker_errors(), contextlib.suppress(NotFound):
                inspection = self.client.inspect_container(own) if own else None
            container = swarm.read(rows, nodes, inspection)
            if container is None:
                continue
            other = containers.get(container.id)
            # A service that is being removed, and its successor.
            if other is None or container.created > other.created:
                containers[container.id] = container
        return containers

    def remove(self, identifier: str) -> None:
        """Remove the service; Swarm stops its task. The volumes stay."""
        with translate_docker_errors():
            labels = [f"{HUB_LABEL}={self.hub}", f"{ID_LABEL}={identifier}"]
            for row in self.client.services(filters={"label": labels}):
                with contextlib.suppress(NotFound):
                    self.client.remove_service(row["ID"])

    def resize(self, docker: str, amount: Amount) -> None:
        """Raise SwarmUnsupportedError: Swarm would have to restart the lab."""
        raise SwarmUnsupportedError(operation="live resizing")

    def sample(self, container: DockerContainer) -> Sample | None:
        """Return the container's counters; None if it does not run, or not on this node."""
        if not container.container:
            return None
        return super().sample(replace(container, docker=container.container))

    def _reader(self, docker: str, follow: bool) -> LogReader:
        return LogReader(self.client, f"tasks/{docker}", follow)


def name_of(node: Mapping[str, Any]) -> str:
    """Return a node's host name."""
    return str(node["Description"]["Hostname"])


def capacity_of(node: Mapping[str, Any]) -> Amount:
    """Return the resources of a node; its devices are listed by name or counted."""
    has = node["Description"]["Resources"]
    gpu = 0
    for row in has.get("GenericResources") or ():
        one, several = row.get("NamedResourceSpec"), row.get("DiscreteResourceSpec")
        if one and one["Kind"] == swarm.GPU_RESOURCE:
            gpu += 1
        if several and several["Kind"] == swarm.GPU_RESOURCE:
            gpu += int(several["Value"])
    return Amount(
        cpu=has["NanoCPUs"] / container_config.NANOSECONDS, memory=has["MemoryBytes"], gpu=gpu
    )
