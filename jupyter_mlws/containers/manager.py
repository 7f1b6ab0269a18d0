"""Client for the user's containers at the Hub's service, with the user's token."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from jupyter_mlws.api.client import API, RemoteError, segment
from jupyter_mlws.containers.models import (
    AllocateRequest,
    Allocation,
    Container,
    ContainerCreate,
    ContainerEvents,
    HoursReport,
    ImageInfo,
    LogTail,
    Me,
    ResourceChange,
    ResourceReport,
    Resources,
    SavedEnvironment,
    Usage,
    Volume,
    container_id,
)
from jupyter_mlws.core.schemas import Page, Record
from mlws.core.hub_environment import service_address

Answer = TypeVar("Answer", bound=Record)


class HubService(API):
    """The Hub's service ``mlws``, below its own address."""

    prefix: ClassVar[str] = "api/v1"

    def ask(self, verb: str, *arguments: Any) -> Any:
        """Call the method of that name; raise errors of the service as our own."""
        try:
            return getattr(self, verb)(*arguments)
        except RemoteError as error:
            raise error.as_ours(self.url) from error


def hub_service(environment: Mapping[str, str] = os.environ) -> HubService | None:
    """Return the service of the Hub that started this server; None without a Hub."""
    address = service_address(environment)
    token = environment.get("JUPYTERHUB_API_TOKEN")
    return HubService(address, token) if address and token else None


def own_container(environment: Mapping[str, str] = os.environ) -> str | None:
    """The id of the container that this runs in; None outside a Hub's."""
    user = environment.get("JUPYTERHUB_USER")
    return container_id(user, environment.get("JUPYTERHUB_SERVER_NAME", "")) if user else None


class ContainerManager:
    """Creates, starts, stops and lists containers.

    Blocking and thread-safe. Errors of the service are raised as
    :class:`~jupyter_mlws.core.errors.MLWSError` with its code; RequestFailedError if it does not
    respond.
    """

    def __init__(self, service: HubService) -> None:
        self.service = service

    def create_container(self, config: ContainerCreate | Mapping[str, Any]) -> Container:
        """Create a container; it is CREATED or QUEUED, and RUNNING later.

        ``config``: ``image``, ``resources`` (cpu in cores, memory with a suffix, gpu),
        ``environment`` and the other fields of :class:`ContainerCreate`.
        """
        if isinstance(config, ContainerCreate):
            config = config.model_dump(exclude_unset=True)
        return self._ask(Container, "post", "containers", dict(config))

    def start_container(self, container_id: str) -> bool:
        """Start a stopped container; return False if it waits in the queue."""
        return self.start(container_id).queue is None

    def start(self, container_id: str) -> Container:
        return self._act(container_id, "start")

    def stop(self, container_id: str) -> Container:
        return self._act(container_id, "stop")

    def restart(self, container_id: str) -> Container:
        return self._act(container_id, "restart")

    def list(self, limit: int = 50, cursor: str | None = None) -> Page[Container]:
        """Return the user's containers; for an administrator, all."""
        query = {"limit": limit, "cursor": cursor}
        return self._ask(Page[Container], "get", "containers", query)

    def get(self, container_id: str) -> Container:
        return self._ask(Container, "get", f"containers/{segment(container_id)}")

    def resize(self, container_id: str, resources: ResourceChange | Mapping[str, Any]) -> Container:
        """Resize a container, live if it runs: ``{"memory": "4Gi"}``.

        Omitted fields keep their values; GPUs change only while the container is stopped.
        """
        if isinstance(resources, ResourceChange):
            resources = resources.model_dump(exclude_none=True)
        body = {"resources": dict(resources)}
        path = f"containers/{segment(container_id)}"
        return self._ask(Container, "patch", path, body)

    def delete(self, container_id: str) -> Container:
        """Remove the container; the home stays."""
        return self._ask(Container, "delete", f"containers/{segment(container_id)}")

    def stats(self, container_id: str) -> Usage:
        """Return the container's current usage."""
        return self._ask(Usage, "get", f"containers/{segment(container_id)}/stats")

    def logs(self, container_id: str, tail: int = 200) -> LogTail:
        """Return the last ``tail`` lines of a container's log, also after its end."""
        path = f"containers/{segment(container_id)}/logs"
        return self._ask(LogTail, "get", path, {"tail": tail})

    def events(self, container_id: str, tail: int = 200) -> ContainerEvents:
        """Return states, restarts, sizes and lack of memory, oldest first."""
        path = f"containers/{segment(container_id)}/events"
        return self._ask(ContainerEvents, "get", path, {"tail": tail})

    def volumes(self) -> Page[Volume]:
        """Return the user's volumes: the mounted one, and those in the trash."""
        return self._ask(Page[Volume], "get", "volumes")

    def hours(self, days: int = 30) -> HoursReport:
        """Return the user's usage hours of the last ``days`` days."""
        return self._ask(HoursReport, "get", "resources/hours", {"days": days})

    def images(self) -> Page[ImageInfo]:
        """The images that may be chosen."""
        return self._ask(Page[ImageInfo], "get", "images")

    def environments(self) -> Page[SavedEnvironment]:
        """Return the user's environments, saved or being saved."""
        return self._ask(Page[SavedEnvironment], "get", "environments")

    def environment(self, identifier: str) -> SavedEnvironment:
        return self._ask(SavedEnvironment, "get", f"environments/{segment(identifier)}")

    def save_environment(
        self, name: str, container_id: str | None = None, *, use: bool = True
    ) -> SavedEnvironment:
        """Start to save a container's packages, by default of this one.

        With ``use``, the container's next start uses the environment. Its ``state`` is READY once
        it is saved.
        """
        body = {"name": name, "container": container_id or own_container(), "use": use}
        return self._ask(SavedEnvironment, "post", "environments", body)

    def delete_environment(self, identifier: str) -> None:
        """Remove a saved environment that no container runs in."""
        self.service.ask("delete", f"environments/{segment(identifier)}")

    def me(self) -> Me:
        """Return the current user."""
        return self._ask(Me, "get", "me")

    def resources(self) -> ResourceReport:
        """Return the machines with their free resources, and the queue."""
        return self._ask(ResourceReport, "get", "resources")

    def allocate(
        self, request: AllocateRequest | Resources | Mapping[str, Any], *, reserve: bool = False
    ) -> Allocation:
        """Plan resources; with ``reserve``, reserve them for the next container."""
        if isinstance(request, Resources):
            request = AllocateRequest(resources=request, reserve=reserve)
        if isinstance(request, AllocateRequest):
            request = request.model_dump(exclude_unset=True)
        return self._ask(Allocation, "post", "resources/allocate", dict(request))

    def _act(self, container_id: str, action: str) -> Container:
        path = f"containers/{segment(container_id)}/{action}"
        return self._ask(Container, "post", path)

    def _ask(self, model: type[Answer], verb: str, *arguments: Any) -> Answer:
        return model.model_validate(self.service.ask(verb, *arguments))
