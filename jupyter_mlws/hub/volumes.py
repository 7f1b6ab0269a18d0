"""Volumes of users: the mounted one, sizes, and the trash."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from jupyter_mlws.api.rest import in_thread
from jupyter_mlws.containers.models import Me, Volume, VolumeQuery
from jupyter_mlws.containers.quantities import write_memory
from jupyter_mlws.core.errors import StorageQuotaError, VolumeInUseError, VolumeNotFoundError
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.hub.docker.engine import FILES_PER_SECOND, Engine
from jupyter_mlws.hub.records.audit import Audit
from jupyter_mlws.hub.records.container_state import now
from jupyter_mlws.hub.records.store import RecordQueue, Records, VolumeRecord
from mlws.core.errors import MLWSError

TRASH_RETENTION = timedelta(days=30)
"""Time that a volume stays in the trash."""
MAX_SIZE_AGE = 900.0
"""Seconds between two measurements by Docker, which reads the directories of all volumes."""
PURGE_INTERVAL = 3600.0
MEASURE_NEW_INTERVAL = 60.0
MEBIBYTE = 1024**2

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Volumes:
    """Volumes of the users. Must be used on the event loop.

    ``in_use`` checks whether containers of a user run or wait.
    """

    _records: RecordQueue
    _engine: Engine
    _audit: Audit
    _quota: int | None
    _in_use: Callable[[str], bool]
    is_on_one_node: bool = False
    """True on Docker Swarm without a volume driver that its nodes share."""
    _volumes: dict[str, VolumeRecord] = field(init=False, default_factory=dict)
    _measured_at: float = field(init=False, default=0.0)
    _measure_lock: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)

    async def load(self) -> None:
        """Load the stored volumes, and add volumes of Docker for users without one."""
        for volume in await self._records.read(Records.all, VolumeRecord):
            self._volumes[volume.name] = volume
        for name, user, created in await in_thread(self._engine.volumes):
            if name not in self._volumes and self._current(user) is None:
                self._save(VolumeRecord(name=name, user=user, created_at=created))

    async def mounted(self, user: str, usual: str, rescue: bool) -> str:
        """Return the volume to mount at a start; StorageQuotaError if it is over the quota.

        The quota does not apply to a rescue.
        """
        current = self._current(user)
        if current is None:
            name, number = usual, 2
            while name in self._volumes:
                name, number = f"{usual}-{number}", number + 1
            current = VolumeRecord(name=name, user=user, created_at=now())
            self._save(current)
        if self._quota is not None and not rescue:
            await self._measure(current)
            used = current.size or 0
            if used > self._quota:
                whole = -(-used // MEBIBYTE) * MEBIBYTE
                raise StorageQuotaError(used=write_memory(whole), quota=write_memory(self._quota))
        return current.name

    def node_of(self, user: str) -> str | None:
        """Return the only node that has the user's files; None if there is no such restriction."""
        volume = self._current(user) if self.is_on_one_node else None
        return volume.node if volume is not None else None

    def note_node(self, user: str, node: str) -> None:
        """Note the node where the user's volume is, or is about to be created."""
        volume = self._current(user) if self.is_on_one_node else None
        if volume is not None and volume.node is None:
            volume.node = node
            self._save(volume)

    # Sizes

    def size(self, user: str) -> int | None:
        """Return the bytes of a user's current volume when it was measured last, if it was."""
        current = self._current(user)
        return None if current is None else current.size

    async def measure(self, user: str) -> None:
        """Measure the current volume of a user at a limited speed."""
        current = self._current(user)
        if current is not None:
            await self._measure(current, FILES_PER_SECOND)

    async def measure_new_periodically(self) -> None:
        """Measure volumes that never were measured, one after another, at regular intervals."""
        while True:
            for volume in list(self._volumes.values()):
                if volume.size is None and volume.name in self._volumes:
                    try:
                        await self._measure(volume, FILES_PER_SECOND)
                    except MLWSError as error:
                        log.warning("Could not measure volume %s: %s", volume.name, error)
            await asyncio.sleep(MEASURE_NEW_INTERVAL)

    async def _measure(self, volume: VolumeRecord, files_per_second: int | None = None) -> None:
        size = await in_thread(self._engine.volume_size, volume.name, files_per_second)
        if size == 0 and self.is_on_one_node:
            return  # The files may be on another node.
        if size is not None:
            self._set_size(volume, size)
        elif files_per_second is None or self._is_all_outdated:
            # Only Docker can read the files, and it measures all volumes at once.
            async with self._measure_lock:
                sizes = await in_thread(self._engine.volume_sizes)
                self._measured_at = time.monotonic()
            for name, one in sizes.items():
                if name in self._volumes:
                    self._set_size(self._volumes[name], one)

    @property
    def _is_all_outdated(self) -> bool:
        return not self._measured_at or time.monotonic() - self._measured_at > MAX_SIZE_AGE

    def _set_size(self, volume: VolumeRecord, size: int) -> None:
        is_changed = volume.size != size
        volume.size, volume.measured_at = size, now()
        if is_changed and volume.name in self._volumes:
            self._records.save(volume)

    def list(self, user: Me) -> list[Volume]:
        """Return the user's own volumes, or all for an administrator, with their last sizes."""
        return [
            self._to_response(volume)
            for _, volume in sorted(self._volumes.items())
            if user.may_see(volume.user)
        ]

    def page(self, user: Me, query: VolumeQuery) -> Page[Volume]:
        """Return a part of the list, sorted."""
        text = (query.q or "").lower()
        rows = [
            volume
            for volume in self.list(user)
            if query.trashed in (None, volume.trashed_at is not None)
            and (text in volume.user.lower() or text in volume.name.lower())
        ]
        if query.sort == "size":
            rows.sort(key=lambda volume: -1 if volume.size is None else volume.size, reverse=True)
        else:
            rows.sort(key=lambda volume: (volume.user, volume.name))
        names = [volume.name for volume in rows]
        start = names.index(query.cursor) + 1 if query.cursor in names else 0
        items = rows[start : start + query.limit]
        has_more = start + query.limit < len(rows)
        return Page(items=items, next_cursor=items[-1].name if has_more else None)

    def get(self, user: Me, name: str) -> Volume:
        return self._to_response(self._get_visible(user, name))

    def trash(self, user: Me, name: str) -> Volume:
        """Move a volume to the trash; the next start gets an empty one.

        Raises VolumeInUseError while it is in use.
        """
        volume = self._get_visible(user, name)
        if self._in_use(volume.user):
            raise VolumeInUseError(name=name)
        if volume.trashed_at is None:
            volume.trashed_at = now()
            self._save(volume)
        self._audit.record(user, "volume.trash", name)
        return self.get(user, name)

    def restore(self, user: Me, name: str) -> Volume:
        """Restore a volume from the trash; the one used instead is moved there."""
        volume = self._get_visible(user, name)
        if volume.trashed_at is not None:
            if self._in_use(volume.user):
                raise VolumeInUseError(name=name)
            current = self._current(volume.user)
            if current is not None:
                current.trashed_at = now()
                self._save(current)
            volume.trashed_at = None
            self._save(volume)
        self._audit.record(user, "volume.restore", name)
        return self.get(user, name)

    async def purge(self, user: Me, name: str) -> None:
        """Delete a volume for good; VolumeInUseError unless it is in the trash."""
        volume = self._get_visible(user, name)
        if volume.trashed_at is None:
            raise VolumeInUseError(name=name)
        await self._remove(volume)
        self._audit.record(user, "volume.purge", name)

    async def purge_periodically(self) -> None:
        """Delete volumes that have reached the maximum time in the trash, at regular intervals."""
        while True:
            for volume in list(self._volumes.values()):
                if volume.trashed_at is not None and volume.trashed_at + TRASH_RETENTION < now():
                    try:
                        await self._remove(volume)
                    except MLWSError as error:
                        log.warning("Could not delete volume %s: %s", volume.name, error)
            await asyncio.sleep(PURGE_INTERVAL)

    async def _remove(self, volume: VolumeRecord) -> None:
        await in_thread(self._engine.remove_volume, volume.name)
        self._volumes.pop(volume.name, None)
        self._records.write(Records.delete, VolumeRecord, volume.name)

    def _get_visible(self, user: Me, name: str) -> VolumeRecord:
        volume = self._volumes.get(name)
        # Names contain user names, so other users must not learn whether a volume exists.
        if volume is None or not user.may_see(volume.user):
            raise VolumeNotFoundError(name=name)
        return volume

    def _current(self, user: str) -> VolumeRecord | None:
        mine = (volume for volume in self._volumes.values() if volume.user == user)
        return next((volume for volume in mine if volume.trashed_at is None), None)

    def _save(self, volume: VolumeRecord) -> None:
        self._volumes[volume.name] = volume
        self._records.save(volume)

    def _to_response(self, volume: VolumeRecord) -> Volume:
        trashed_at = volume.trashed_at
        return Volume(
            **volume.values(),
            purge_at=None if trashed_at is None else trashed_at + TRASH_RETENTION,
            quota=self._quota,
            in_use=trashed_at is None and self._in_use(volume.user),
        )
