"""Guard of the disk: the reserve of the machine, and the quota of homes while labs run."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from jupyter_mlws.api.rest import in_thread
from jupyter_mlws.containers.models import Disk, Me, Notice, NoticeLevel
from jupyter_mlws.containers.quantities import write_memory
from jupyter_mlws.core.errors import DiskReserveError
from jupyter_mlws.hub.docker.engine import DiskSpace, DockerContainer, Engine
from jupyter_mlws.hub.lifecycle.controller import LifecycleController
from jupyter_mlws.hub.lifecycle.registry import ContainerRegistry
from jupyter_mlws.hub.notices import Notices
from jupyter_mlws.hub.records.audit import Audit
from jupyter_mlws.hub.records.container_state import Intent, now
from jupyter_mlws.hub.settings import Settings
from jupyter_mlws.hub.volumes import Volumes
from mlws.core.errors import MLWSError
from mlws.core.i18n import Message

NEAR_SHARE = 0.9
"""Part of the quota from which the user is warned."""
REST_PER_WALK = 20
"""A home is not measured again for this many times as long as it took to measure it."""
MEBIBYTE = 1024**2
SERVICE = Me(name="", admin=True)
NEAR_QUOTA = Message(
    "Your home folder is almost full: {used} of {quota}. Delete files that you no longer need."
)
OVER_QUOTA = Message(
    "Your home folder is over its quota: {used} of {quota}. Free up space now. If it is still over "
    "the quota after {minutes} minutes, your lab restarts in rescue mode, and unsaved work is lost."
)
IN_RESCUE = Message(
    "Your home folder is over its quota ({used} of {quota}), so your lab runs in rescue mode. "
    "Delete files, then stop the container and start it again."
)

log = logging.getLogger(__name__)


class HomeLevel(Enum):
    """How full a home is."""

    FREE = "free"
    NEAR = "near"
    OVER = "over"

    @classmethod
    def of(cls, size: int, quota: int) -> HomeLevel:
        if size > quota:
            return cls.OVER
        return cls.NEAR if size >= NEAR_SHARE * quota else cls.FREE


class Judgement(NamedTuple):
    """Consequences of the size of a home."""

    level: HomeLevel
    is_new: bool
    """True if the level differs from that of the last time."""
    rescues: bool
    """True if the grace period over the quota has ended."""


@dataclass
class Home:
    """State of the home of a user with running labs; times are monotonic."""

    writes: int | None = None
    """Bytes that the user's labs had written when the home was measured last."""
    next_walk: float = 0.0
    level: HomeLevel = HomeLevel.FREE
    over_since: float | None = None

    def is_due(self, writes: int | None, moment: float) -> bool:
        """Return whether to measure the home: the labs wrote, and the last walk is long ago."""
        is_unchanged = writes is not None and writes == self.writes
        return not is_unchanged and moment >= self.next_walk

    def judge(self, size: int, quota: int, grace: float, moment: float) -> Judgement:
        """Update the level to the size. The grace period starts again when the service restarts."""
        before, self.level = self.level, HomeLevel.of(size, quota)
        if self.level is not HomeLevel.OVER:
            self.over_since = None
        elif self.over_since is None:
            self.over_since = moment
        is_late = self.over_since is not None and moment - self.over_since >= grace
        return Judgement(self.level, self.level is not before, is_late)


class StorageGuard:
    """Watches the disk and the homes of running labs. Lives on the event loop."""

    def __init__(
        self,
        registry: ContainerRegistry,
        engine: Engine,
        volumes: Volumes,
        controller: LifecycleController,
        notices: Notices,
        audit: Audit,
        settings: Settings,
    ) -> None:
        self._registry = registry
        self._engine = engine
        self._volumes = volumes
        self._controller = controller
        self._notices = notices
        self._audit = audit
        self._settings = settings
        self._homes: dict[str, Home] = {}

    async def watch(self) -> None:
        """Check the disk and the homes at regular intervals."""
        while True:
            try:
                await self.check_disk()
                await self.check_homes()
            except (MLWSError, OSError) as error:
                log.warning("Could not check the disk and the homes: %s", error)
            await asyncio.sleep(self._settings.storage_interval)

    # The disk

    async def check_disk(self) -> None:
        """Read the free space, and record when it falls below the reserve or is free again."""
        space = await in_thread(self._engine.disk)
        if space is None:
            return
        disk = to_disk(space, self._settings.disk_reserve)
        before = self._registry.disks.get(space.machine)
        self._registry.disks[space.machine] = disk
        was_low = before is not None and before.is_low
        if disk.is_low is not was_low:
            action = "storage.low" if disk.is_low else "storage.free"
            log.warning("%s: %d of %d bytes are free", action, disk.free, disk.total)
            self._audit.record(SERVICE, action, space.machine, free=disk.free, reserve=disk.reserve)
        self._registry.settle()

    async def require_space(self) -> None:
        """Raise DiskReserveError if a start would use the space that is kept for the machine."""
        await self.check_disk()
        for machine, disk in self._registry.disks.items():
            if disk.is_low:
                raise DiskReserveError(
                    machine=machine,
                    free=write_memory(disk.free // MEBIBYTE * MEBIBYTE),
                    reserve=write_memory(disk.reserve),
                )

    # Homes

    async def check_homes(self) -> None:
        """Measure the homes whose labs wrote since the last time, and enforce the quota."""
        containers: defaultdict[str, list[DockerContainer]] = defaultdict(list)
        for container in self._registry.running().values():
            containers[container.user].append(container)
        # Those that ran the last time are measured once more.
        for user in {*containers, *self._homes}:
            home = self._homes.setdefault(user, Home())
            runs = user in containers
            writes = await in_thread(self._engine.written_bytes, containers[user])
            if home.is_due(writes, time.monotonic()) or not runs:
                started = time.monotonic()
                await self._volumes.measure(user)
                finished = time.monotonic()
                home.writes = writes
                home.next_walk = finished + REST_PER_WALK * (finished - started)
            if not runs:
                del self._homes[user]
                self._notices.set_home_notice(user, None)
                continue
            self._enforce(user, home)

    def _enforce(self, user: str, home: Home) -> None:
        """Notify the user of a change; restart the user's labs in rescue mode after the grace."""
        quota, size = self._settings.home_quota, self._volumes.size(user)
        if quota is None or size is None:
            return
        grace = self._settings.home_quota_grace
        judgement = home.judge(size, quota, grace, time.monotonic())
        labs = [
            entry
            for entry in self._registry.entries.values()
            if entry.user == user and entry.running and entry.intent is Intent.NONE
        ]
        amounts = {"used": _round_up(size), "quota": write_memory(quota)}
        usual = [entry for entry in labs if not entry.config.rescue]
        if judgement.rescues and usual:
            for entry in usual:
                entry.configure(rescue=True)
                self._registry.note(entry, "restarted in rescue mode: the home is over its quota")
                self._audit.record(SERVICE, "container.rescue", entry.id, **amounts)
                self._controller.request_stop(entry, Intent.RESTART)
            self._set_notice(user, NoticeLevel.ERROR, IN_RESCUE.fill(**amounts))
        elif judgement.is_new and judgement.level is HomeLevel.OVER:
            message = OVER_QUOTA.fill(minutes=round(grace / 60)) if usual else IN_RESCUE
            self._set_notice(user, NoticeLevel.ERROR, message.fill(**amounts))
        elif judgement.is_new and judgement.level is HomeLevel.NEAR:
            self._set_notice(user, NoticeLevel.WARNING, NEAR_QUOTA.fill(**amounts))
        elif judgement.is_new:
            self._notices.set_home_notice(user, None)

    def _set_notice(self, user: str, level: NoticeLevel, text: Message) -> None:
        created = now()
        identifier = f"home-{int(created.timestamp())}"
        notice = Notice(id=identifier, level=level, text=text, created_at=created)
        self._notices.set_home_notice(user, notice)


def to_disk(space: DiskSpace, reserve: int) -> Disk:
    """Return the disk for the API."""
    return Disk(total=space.total, free=space.free, reserve=reserve, is_low=space.free < reserve)


def _round_up(size: int) -> str:
    return write_memory(-(-size // MEBIBYTE) * MEBIBYTE)
