"""Docker Swarm as the service needs it: the same questions, asked of services and their tasks."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from docker.errors import NotFound

from jupyter_mlws.containers.cgroups import Sample
from jupyter_mlws.containers.models import Amount
from jupyter_mlws.core.errors import SwarmUnsupportedError
from jupyter_mlws.hub import container_config, swarm
from jupyter_mlws.hub.engine import ID_LABEL, Engine, LogReader, Seen, told
from jupyter_mlws.hub.events import HUB_LABEL


class SwarmEngine(Engine):
    """The services of one Hub, by the API of a manager node. Blocking and thread-safe.

    Usage is known of what runs on the manager itself.
    """

    def machines(self, capacity: Amount | None) -> dict[str, Amount]:
        """What each node has that takes tasks; ``capacity`` instead, where it is given."""
        with told():
            rows = self.client.nodes()
        usable = [
            row
            for row in rows
            if row["Status"]["State"] == "ready" and row["Spec"]["Availability"] == "active"
        ]
        return {name_of(row): capacity or capacity_of(row) for row in usable}

    def all(self) -> dict[str, Seen]:
        """Every service of this Hub, by id."""
        return self._read({"label": f"{HUB_LABEL}={self.hub}"})

    def find(self, identifier: str) -> Seen | None:
        """The service with an id, if there is one."""
        labels = [f"{HUB_LABEL}={self.hub}", f"{ID_LABEL}={identifier}"]
        return self._read({"label": labels}).get(identifier)

    def _read(self, filters: Mapping[str, Any]) -> dict[str, Seen]:
        with told():
            tasks = self.client.tasks(filters=dict(filters))
            if not tasks:
                return {}
            nodes = {row["ID"]: name_of(row) for row in self.client.nodes()}
        groups: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for task in tasks:
            groups[task["ServiceID"]].append(task)
        found: dict[str, Seen] = {}
        for rows in groups.values():
            seen = swarm.read(rows, nodes, self._inspect(swarm.newest(rows)))
            if seen is None:
                continue
            other = found.get(seen.id)
            # A service that is just being removed, and the one that was made after it.
            if other is None or seen.created > other.created:
                found[seen.id] = seen
        return found

    def _inspect(self, task: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        """The task's container; None where another node runs it."""
        container = ((task or {}).get("Status", {}).get("ContainerStatus") or {}).get("ContainerID")
        if not container:
            return None
        with told(), contextlib.suppress(NotFound):
            inspected: Mapping[str, Any] = self.client.inspect_container(container)
            return inspected
        return None

    def remove(self, identifier: str) -> None:
        """Remove the service; Swarm stops its task. The volumes stay."""
        with told():
            labels = [f"{HUB_LABEL}={self.hub}", f"{ID_LABEL}={identifier}"]
            for row in self.client.services(filters={"label": labels}):
                with contextlib.suppress(NotFound):
                    self.client.remove_service(row["ID"])

    def resize(self, docker: str, amount: Amount) -> None:
        """Error 10211: Swarm would start the lab anew for it."""
        raise SwarmUnsupportedError(operation="live resizing")

    def sample(self, seen: Seen) -> Sample | None:
        """Its counters now; None where it does not run, or not on this node."""
        if not seen.container:
            return None
        return super().sample(replace(seen, docker=seen.container))

    def _reader(self, docker: str, follow: bool) -> LogReader:
        return LogReader(self.client, f"tasks/{docker}", follow)


def name_of(node: Mapping[str, Any]) -> str:
    """A node's name."""
    return str(node["Description"]["Hostname"])


def capacity_of(node: Mapping[str, Any]) -> Amount:
    """What a node has."""
    has = node["Description"]["Resources"]
    return Amount(
        cpu=has["NanoCPUs"] / container_config.NANOSECONDS,
        memory=has["MemoryBytes"],
        gpu=_devices(has.get("GenericResources") or ()),
    )


def _devices(generic: Iterable[Mapping[str, Any]]) -> int:
    """Devices, whether they are named one by one or counted."""
    found = 0
    for row in generic:
        named, counted = row.get("NamedResourceSpec"), row.get("DiscreteResourceSpec")
        if named and named["Kind"] == swarm.GPU:
            found += 1
        if counted and counted["Kind"] == swarm.GPU:
            found += int(counted["Value"])
    return found
