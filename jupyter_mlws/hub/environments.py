"""People's saved environments: made in the background, listed, limited, removed."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_mlws.api.rest import in_thread
from jupyter_mlws.containers.models import (
    Amount,
    EnvironmentCreate,
    EnvironmentState,
    SavedEnvironment,
    container_id,
    split_id,
)
from jupyter_mlws.containers.quantities import write_memory
from jupyter_mlws.core.errors import (
    EnvironmentInUseError,
    EnvironmentNotFoundError,
    EnvironmentQuotaError,
    MLWSError,
)
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.hub.lifecycle import Entry
from jupyter_mlws.hub.person import Person
from jupyter_mlws.hub.personal_images import PREFIX, PersonalImage, PersonalImages, choices
from jupyter_mlws.hub.policy import Policy

LAST_LINES = 20
BUILDS = 2
"""Builds at a time, of different users."""
BUILD_LIMITS = Amount(cpu=1, memory=2 * 1024**3)
"""Limit of one build, beside what containers are granted."""
PIP_SETTINGS = ("PIP_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE")
"""Variables of a container by which pip finds packages: its build finds the same."""

log = logging.getLogger(__name__)


@dataclass
class Job:
    """A save that goes on, or has failed since this service was started."""

    user: str
    name: str
    base: str
    failure: Message | None = None
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))


class Environments:
    """Lives on the event loop. ``begin`` runs work in the background, ``tell`` publishes news."""

    def __init__(
        self,
        images: PersonalImages,
        policy: Policy,
        most: int,
        size: int | None,
        begin: Callable[[Coroutine[Any, Any, None]], None],
        tell: Callable[[dict[str, Any]], None],
    ) -> None:
        self._images = images
        self._policy = policy
        self._most = most
        self._size = size
        self._begin = begin
        self._tell = tell
        self._jobs: dict[str, Job] = {}
        self._left_out: dict[str, list[str]] = {}
        self._saved: dict[str, PersonalImage] = {}
        self._slots = asyncio.Semaphore(BUILDS)
        self._user_slots: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def load(self) -> None:
        """What Docker has; what an earlier process was just making is removed."""
        await in_thread(self._images.clean)
        await self._read()

    def images(self, user: str) -> dict[str, str]:
        """What a person may choose of the person's own → what Docker runs."""
        return choices(one for one in self._saved.values() if one.user == user)

    def policy(self, user: str) -> Policy:
        """What a container of that person may be."""
        return self._policy.with_images(self.images(user))

    def list(self, person: Person) -> list[SavedEnvironment]:
        """One's own, or all for an administrator."""
        ids = sorted({*self._saved, *self._jobs})
        return [self._environment(one) for one in ids if person.may_see(self._user_of(one))]

    def get(self, person: Person, identifier: str) -> SavedEnvironment:
        self._own(person, identifier)
        return self._environment(identifier)

    async def save(
        self,
        entry: Entry,
        asked: EnvironmentCreate,
        variables: Mapping[str, str],
        saved: Callable[[], None],
    ) -> str:
        """Begin to save what a running container has installed; the environment's id.

        ``saved`` is called once it can be used. Error 10213 while it is being saved already,
        10210 where the person has as many as may be.
        """
        identifier = container_id(entry.user, asked.name)
        job = self._jobs.get(identifier)
        if job is not None and job.failure is None:
            raise EnvironmentInUseError(name=asked.name)
        most = self._check_limits(entry.user, identifier)
        assert entry.seen is not None
        self._jobs[identifier] = job = Job(entry.user, asked.name, self._base_of(entry))
        try:
            docker = entry.seen.container or entry.seen.docker
            now = await in_thread(self._images.installed, docker)
        except MLWSError:
            del self._jobs[identifier]
            raise
        settings = {
            name: value
            for name, value in variables.items()
            if name.upper().startswith(PIP_SETTINGS)
        }
        self._begin(self._make(identifier, job, now, settings, most, saved))
        return identifier

    async def remove(self, person: Person, identifier: str, in_use: bool) -> None:
        """Remove it; error 10213 while it is used or made."""
        self._own(person, identifier)
        job = self._jobs.get(identifier)
        user, name = self._user_of(identifier), identifier.rpartition("--")[2]
        if in_use or (job is not None and job.failure is None):
            raise EnvironmentInUseError(name=name)
        await in_thread(self._images.remove, user, name)
        self._jobs.pop(identifier, None)
        self._saved.pop(identifier, None)
        self._publish(identifier)

    async def _make(
        self,
        identifier: str,
        job: Job,
        now: Mapping[str, str],
        settings: Mapping[str, str],
        most: int | None,
        saved: Callable[[], None],
    ) -> None:
        self._publish(identifier)
        try:
            async with self._user_slots[job.user], self._slots:
                wanted = self._policy.check(self._policy.read({"image": job.base}))
                found = await in_thread(
                    self._images.build,
                    wanted,
                    job.user,
                    job.name,
                    now,
                    settings,
                    most,
                    BUILD_LIMITS,
                    job.lines.append,
                )
            await self._read()
        except MLWSError as error:
            log.warning("Could not save environment %s: %s", identifier, error)
            job.failure = error.message
        else:
            self._left_out[identifier] = list(found.left_out)
            del self._jobs[identifier]
            saved()
        finally:
            self._publish(identifier)

    def _check_limits(self, user: str, identifier: str) -> int | None:
        """Bytes that it may have; error 10210 where there is no room for it at all."""
        others = [one for key, one in self._saved.items() if one.user == user and key != identifier]
        making = [
            key
            for key, job in self._jobs.items()
            if job.user == user and job.failure is None and key not in (identifier, *self._saved)
        ]
        count = len(others) + len(making)
        if count >= self._most:
            raise EnvironmentQuotaError(size=str(count + 1), most=str(self._most))
        used = sum(one.size for one in others)
        if self._size is not None and used >= self._size:
            raise EnvironmentQuotaError(size=write_memory(used), most=write_memory(self._size))
        return None if self._size is None else self._size - used

    def _base_of(self, entry: Entry) -> str:
        """Always an image of the Hub's: what is saved again is not built on what was saved."""
        own = self._saved.get(container_id(entry.user, entry.image.removeprefix(PREFIX)))
        label = own.base if own is not None and entry.image.startswith(PREFIX) else entry.image
        return label if label in self._policy.images else self._policy.default_image

    async def _read(self) -> None:
        rows = await in_thread(self._images.all)
        self._saved = {container_id(row.user, row.name): row for row in rows}

    def _own(self, person: Person, identifier: str) -> None:
        known = identifier in self._saved or identifier in self._jobs
        # Ids hold names of people: who may not see it is not told whether it is there.
        if not known or not person.may_see(self._user_of(identifier)):
            raise EnvironmentNotFoundError(name=identifier)

    @staticmethod
    def _user_of(identifier: str) -> str:
        return split_id(identifier)[0]

    def _environment(self, identifier: str) -> SavedEnvironment:
        user, name = split_id(identifier)
        job, saved = self._jobs.get(identifier), self._saved.get(identifier)
        state = EnvironmentState.READY
        if job is not None:
            state = EnvironmentState.FAILED if job.failure else EnvironmentState.SAVING
        return SavedEnvironment(
            id=identifier,
            user=user,
            name=name,
            image=f"{PREFIX}{name}",
            state=state,
            base=saved.base if saved else job.base if job else None,
            packages=saved.packages if saved else None,
            size=saved.size if saved else None,
            created_at=saved.created if saved else None,
            left_out=self._left_out.get(identifier, []),
            reason=job.failure if job else None,
            last_log=list(job.lines) if job and job.failure else [],
        )

    def _publish(self, identifier: str) -> None:
        self._tell({"type": "environments", "user": self._user_of(identifier), "id": identifier})
