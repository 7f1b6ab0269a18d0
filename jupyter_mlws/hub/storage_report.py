"""What fills the disk: homes, the trash, saved environments and images."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from jupyter_mlws.api.rest import in_thread
from jupyter_mlws.containers.models import (
    ImageUse,
    Me,
    StorageReport,
    StorageTotal,
    container_id,
)
from jupyter_mlws.containers.quantities import write_memory
from jupyter_mlws.core.errors import (
    AdministratorRequiredError,
    ImageInUseError,
    ImageNotFoundError,
)
from jupyter_mlws.core.schemas import Page, PageQuery
from jupyter_mlws.hub.docker.engine import Engine
from jupyter_mlws.hub.docker.personal_images import PREFIX
from jupyter_mlws.hub.environments import Environments
from jupyter_mlws.hub.lifecycle.registry import STOPPED_STATUSES, ContainerRegistry
from jupyter_mlws.hub.records.audit import Audit
from jupyter_mlws.hub.settings import Settings
from jupyter_mlws.hub.storage_guard import MEBIBYTE, SERVICE, HomeLevel
from jupyter_mlws.hub.volumes import Volumes
from mlws.core.i18n import Message

LOW_DISK = Message(
    "The disk of {machine} has {free} free, less than the reserve of {reserve}. No container "
    "starts until space is freed."
)
NEARLY_LOW_DISK = Message("The disk of {machine} has {free} free; the reserve is {reserve}.")
HOMES_OVER_QUOTA = Message("Homes over their quota: {users}.")
HOMES_NEAR_QUOTA = Message("Homes that use 90 % of their quota or more: {users}.")
MAX_NAMES = 10
"""Number of users that an alert names."""


class StorageReports:
    """Reports on the disk, for administrators. Lives on the event loop."""

    def __init__(
        self,
        engine: Engine,
        registry: ContainerRegistry,
        environments: Environments,
        volumes: Volumes,
        audit: Audit,
        settings: Settings,
    ) -> None:
        self._engine = engine
        self._registry = registry
        self._environments = environments
        self._volumes = volumes
        self._audit = audit
        self._settings = settings

    async def report(self, user: Me) -> StorageReport:
        """Return what fills the disk, and what needs attention."""
        if not user.admin:
            raise AdministratorRequiredError()
        volumes = self._volumes.list(user)
        homes = [one for one in volumes if one.trashed_at is None]
        trash = [one for one in volumes if one.trashed_at is not None]
        images = await self._hub_images()
        return StorageReport(
            homes=StorageTotal.of(one.size for one in homes),
            trash=StorageTotal.of(one.size for one in trash),
            environments=StorageTotal.of(one.size for one in self._environments.list(user)),
            images=StorageTotal.of(one.size for one in images if one.present),
            alerts=self._alerts(),
        )

    def _alerts(self) -> list[Message]:
        alerts = []
        for machine, disk in self._registry.disks.items():
            if disk.free < 2 * disk.reserve:
                alert = LOW_DISK if disk.is_low else NEARLY_LOW_DISK
                free = write_memory(disk.free // MEBIBYTE * MEBIBYTE)
                reserve = write_memory(disk.reserve)
                alerts.append(alert.fill(machine=machine, free=free, reserve=reserve))
        by_level: defaultdict[HomeLevel, list[str]] = defaultdict(list)
        for volume in self._volumes.list(SERVICE):
            if volume.trashed_at is None and volume.size is not None and volume.quota is not None:
                by_level[HomeLevel.of(volume.size, volume.quota)].append(volume.user)
        for level, alert in (
            (HomeLevel.OVER, HOMES_OVER_QUOTA),
            (HomeLevel.NEAR, HOMES_NEAR_QUOTA),
        ):
            users = by_level[level]
            if users:
                more = ["…"] if len(users) > MAX_NAMES else []
                alerts.append(alert.fill(users=", ".join([*users[:MAX_NAMES], *more])))
        return alerts

    # Images

    async def images(self, user: Me, query: PageQuery) -> Page[ImageUse]:
        """Return the Hub's images, then the saved environments, each with its containers."""
        if not user.admin:
            raise AdministratorRequiredError()
        rows = await self._hub_images()
        running, stopped = self._containers_by_image()
        for environment in self._environments.list(user):
            key = environment.user, environment.image
            rows.append(
                ImageUse(
                    id=f"environment:{environment.id}",
                    name=environment.name,
                    environment=environment.id,
                    user=environment.user,
                    base=environment.base,
                    present=True,
                    size=environment.size,
                    created=environment.created_at,
                    running=running[key],
                    stopped=stopped[key],
                )
            )
        ids = [row.id for row in rows]
        start = ids.index(query.cursor) + 1 if query.cursor in ids else 0
        page = rows[start : start + query.limit]
        has_more = start + query.limit < len(rows)
        return Page(items=page, next_cursor=page[-1].id if has_more else None)

    async def remove_image(self, user: Me, name: str) -> None:
        """Remove an image of the Hub from its machine; a start pulls it again if it can.

        ImageInUseError if it is the default, or containers or saved environments need it.
        """
        if not user.admin:
            raise AdministratorRequiredError()
        image = next((one for one in await self._hub_images() if one.name == name), None)
        if image is None:
            raise ImageNotFoundError(name=name)
        bases = [one.id for one in self._environments.list(user) if one.base == name]
        if image.default or image.running or image.stopped or bases:
            raise ImageInUseError(name=name)
        await in_thread(self._engine.remove_image, self._settings.policy.images[name])
        self._audit.record(user, "image.remove", name)

    async def _hub_images(self) -> list[ImageUse]:
        """Return the images that all users may choose."""
        running, stopped = self._containers_by_image()
        images = self._settings.policy.images
        local = await asyncio.gather(
            *(in_thread(self._engine.image, image) for image in images.values())
        )
        # An image of the Hub is the same for all users, a saved environment is one user's.
        return [
            ImageUse(
                id=f"image:{name}",
                name=name,
                image=image,
                default=name == self._settings.policy.default_image,
                present=one is not None,
                size=one.size if one else None,
                created=one.created if one else None,
                running=running["", name],
                stopped=stopped["", name],
            )
            for (name, image), one in zip(images.items(), local, strict=True)
        ]

    def _containers_by_image(
        self,
    ) -> tuple[defaultdict[tuple[str, str], list[str]], defaultdict[tuple[str, str], list[str]]]:
        """Return the running and the stopped containers by (owner of the image, image)."""
        running: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        stopped: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for entry in self._registry.entries.values():
            label = entry.config.image
            owner = entry.user if label.startswith(PREFIX) else ""
            is_stopped = self._registry.status(entry) in STOPPED_STATUSES
            (stopped if is_stopped else running)[owner, label].append(
                container_id(entry.user, entry.name)
            )
        return running, stopped
