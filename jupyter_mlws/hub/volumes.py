"""People's volumes: which one is mounted, how large it is, the trash."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from jupyter_mlws.api.rest import in_thread
from jupyter_mlws.containers.models import Volume
from jupyter_mlws.containers.quantities import write_memory
from jupyter_mlws.core.errors import (
    MLWSError,
    StorageQuotaError,
    VolumeInUseError,
    VolumeNotFoundError,
)
from jupyter_mlws.hub.engine import Engine
from jupyter_mlws.hub.lifecycle import now
from jupyter_mlws.hub.person import Person
from jupyter_mlws.hub.records import Records

KEPT = timedelta(days=30)
"""How long a volume stays in the trash."""
FRESH = 60.0
"""Seconds for which the engine's word on sizes holds: it walks through all files for it."""
JUST_NOW = 2.0
"""The same, where a start depends on it: somebody may just have made room."""
EMPTY_EVERY = 3600.0
MEBIBYTE = 1024**2

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kept:
    """A volume as it is recorded."""

    name: str
    user: str
    created_at: datetime
    trashed_at: datetime | None = None


class Volumes:
    """Lives on the event loop. ``in_use`` tells whose containers run or wait."""

    def __init__(
        self,
        records: Records,
        engine: Engine,
        quota: int | None,
        write: Callable[..., None],
        read: Callable[..., Awaitable[Any]],
        in_use: Callable[[str], bool],
    ) -> None:
        self._records = records
        self._engine = engine
        self._quota = quota
        self._write = write
        self._read = read
        self._in_use = in_use
        self._kept: dict[str, Kept] = {}
        self._sizes: dict[str, int] = {}
        self._measured = 0.0
        self._measuring = asyncio.Lock()

    async def load(self) -> None:
        """What was recorded, and what Docker has beside it."""
        for row in await self._read(self._records.volumes):
            self._kept[row.name] = Kept(row.name, row.user, row.created_at, row.trashed_at)
        for name, user, created in await in_thread(self._engine.volumes):
            if name not in self._kept and self._current(user) is None:
                self._keep(Kept(name, user, created))

    async def mounted(self, user: str, usual: str, rescue: bool) -> str:
        """The volume for a start; error 10107 where it is over the quota, unless for a rescue."""
        current = self._current(user)
        if current is None:
            current = Kept(self._free_name(usual), user, now())
            self._keep(current)
        if self._quota is not None and not rescue:
            await self._measure(JUST_NOW)
            used = self._sizes.get(current.name, 0)
            if used > self._quota:
                whole = -(-used // MEBIBYTE) * MEBIBYTE
                raise StorageQuotaError(used=write_memory(whole), quota=write_memory(self._quota))
        return current.name

    async def list(self, person: Person) -> list[Volume]:
        """One's own, or all for an administrator, with their sizes."""
        await self._measure()
        return [
            self._told(kept) for _, kept in sorted(self._kept.items()) if person.may_see(kept.user)
        ]

    def get(self, person: Person, name: str) -> Volume:
        return self._told(self._own(person, name))

    def trash(self, person: Person, name: str) -> Volume:
        """Put it into the trash: the next start gets an empty one. Error 10206 while it is used."""
        kept = self._own(person, name)
        if self._in_use(kept.user):
            raise VolumeInUseError(name=name)
        if kept.trashed_at is None:
            self._keep(replace(kept, trashed_at=now()))
        return self.get(person, name)

    def restore(self, person: Person, name: str) -> Volume:
        """Take it out of the trash; what was used instead goes there."""
        kept = self._own(person, name)
        if kept.trashed_at is None:
            return self._told(kept)
        if self._in_use(kept.user):
            raise VolumeInUseError(name=name)
        current = self._current(kept.user)
        if current is not None:
            self._keep(replace(current, trashed_at=now()))
        self._keep(replace(kept, trashed_at=None))
        return self.get(person, name)

    async def purge(self, person: Person, name: str) -> None:
        """Remove it for good; error 10206 unless it is in the trash."""
        kept = self._own(person, name)
        if kept.trashed_at is None:
            raise VolumeInUseError(name=name)
        await self._remove(kept)

    async def empty_for_ever(self) -> None:
        """Remove what has been in the trash for long, now and then."""
        while True:
            for kept in list(self._kept.values()):
                if kept.trashed_at is not None and kept.trashed_at + KEPT < now():
                    try:
                        await self._remove(kept)
                    except MLWSError as error:
                        log.warning("Could not delete volume %s: %s", kept.name, error)
            await asyncio.sleep(EMPTY_EVERY)

    async def _remove(self, kept: Kept) -> None:
        await in_thread(self._engine.remove_volume, kept.name)
        self._kept.pop(kept.name, None)
        self._write(self._records.forget_volume, kept.name)

    async def _measure(self, age: float = FRESH) -> None:
        async with self._measuring:
            if self._measured and time.monotonic() - self._measured < age:
                return
            self._sizes = await in_thread(self._engine.volume_sizes)
            self._measured = time.monotonic()

    def _own(self, person: Person, name: str) -> Kept:
        kept = self._kept.get(name)
        # Names hold those of people: who may not see it is not told whether it is there.
        if kept is None or not person.may_see(kept.user):
            raise VolumeNotFoundError(name=name)
        return kept

    def _current(self, user: str) -> Kept | None:
        mine = (kept for kept in self._kept.values() if kept.user == user)
        return next((kept for kept in mine if kept.trashed_at is None), None)

    def _free_name(self, usual: str) -> str:
        name, number = usual, 2
        while name in self._kept:
            name, number = f"{usual}-{number}", number + 1
        return name

    def _keep(self, kept: Kept) -> None:
        self._kept[kept.name] = kept
        values = {
            "name": kept.name,
            "user": kept.user,
            "created_at": kept.created_at,
            "trashed_at": kept.trashed_at,
        }
        self._write(self._records.keep_volume, values)

    def _told(self, kept: Kept) -> Volume:
        trashed = kept.trashed_at
        return Volume(
            name=kept.name,
            user=kept.user,
            created_at=kept.created_at,
            trashed_at=trashed,
            purge_at=None if trashed is None else trashed + KEPT,
            size=self._sizes.get(kept.name),
            quota=self._quota,
            in_use=trashed is None and self._in_use(kept.user),
        )
