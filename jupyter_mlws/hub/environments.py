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
from jupyter_mlws.hub.docker.personal_images import PREFIX, PersonalImage, PersonalImages, choices
from jupyter_mlws.hub.lifecycle.container_state import ContainerState
from jupyter_mlws.hub.person import Person
from jupyter_mlws.hub.scheduling.policy import Policy

MAX_LOG_LINES = 20
MAX_CONCURRENT_BUILDS = 2
"""Builds at a time, of different users."""
BUILD_LIMITS = Amount(cpu=1, memory=2 * 1024**3)
"""Limit of one build, beside what containers are granted."""
PIP_VARIABLE_PREFIXES = ("PIP_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE")
"""Variables of a container by which pip finds packages: its build finds the same."""

log = logging.getLogger(__name__)


@dataclass
class SaveJob:
    """A save that is in progress, or that has failed since the service was started."""

    user: str
    name: str
    base: str
    failure: Message | None = None
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=MAX_LOG_LINES))


class Environments:
    """Saved environments of all users; lives on the event loop.

    ``begin`` runs work in the background, ``tell`` publishes changes.
    """

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
        self._max_environments = most
        self._max_bytes = size
        self._run_in_background = begin
        self._on_change = tell
        self._jobs: dict[str, SaveJob] = {}
        self._omitted_packages: dict[str, list[str]] = {}
        self._saved_images: dict[str, PersonalImage] = {}
        self._slots = asyncio.Semaphore(MAX_CONCURRENT_BUILDS)
        self._user_slots: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def load(self) -> None:
        """Load the images from Docker; remove those that an earlier process left unfinished."""
        await in_thread(self._images.clean)
        await self._reload()

    def images(self, user: str) -> dict[str, str]:
        """Return a user's own images: name to choose → image that Docker runs."""
        return choices(one for one in self._saved_images.values() if one.user == user)

    def policy(self, user: str) -> Policy:
        """Return the policy for a user's containers, with the user's own images."""
        return self._policy.with_images(self.images(user))

    def list(self, person: Person) -> list[SavedEnvironment]:
        """Return the user's own environments, or all for an administrator."""
        ids = sorted({*self._saved_images, *self._jobs})
        return [self._environment(one) for one in ids if person.may_see(self._user_of(one))]

    def get(self, person: Person, identifier: str) -> SavedEnvironment:
        self._check_access(person, identifier)
        return self._environment(identifier)

    async def save(
        self,
        entry: ContainerState,
        request: EnvironmentCreate,
        variables: Mapping[str, str],
        on_saved: Callable[[], None],
    ) -> str:
        """Start to save the packages of a running container; return the environment's id.

        ``on_saved`` is called once the environment can be used. Error 10213 while it is being saved
        already, 10210 if the user has reached the maximum.
        """
        identifier = container_id(entry.user, request.name)
        job = self._jobs.get(identifier)
        if job is not None and job.failure is None:
            raise EnvironmentInUseError(name=request.name)
        most = self._check_limits(entry.user, identifier)
        assert entry.docker_container is not None
        self._jobs[identifier] = job = SaveJob(entry.user, request.name, self._base_of(entry))
        try:
            docker = entry.docker_container.container or entry.docker_container.docker
            now = await in_thread(self._images.installed, docker)
        except MLWSError:
            del self._jobs[identifier]
            raise
        settings = {
            name: value
            for name, value in variables.items()
            if name.upper().startswith(PIP_VARIABLE_PREFIXES)
        }
        self._run_in_background(self._build(identifier, job, now, settings, most, on_saved))
        return identifier

    async def remove(self, person: Person, identifier: str, in_use: bool) -> None:
        """Remove an environment; error 10213 while it is used or being saved."""
        self._check_access(person, identifier)
        job = self._jobs.get(identifier)
        user, name = self._user_of(identifier), identifier.rpartition("--")[2]
        if in_use or (job is not None and job.failure is None):
            raise EnvironmentInUseError(name=name)
        await in_thread(self._images.remove, user, name)
        self._jobs.pop(identifier, None)
        self._saved_images.pop(identifier, None)
        self._publish(identifier)

    async def _build(
        self,
        identifier: str,
        job: SaveJob,
        now: Mapping[str, str],
        settings: Mapping[str, str],
        most: int | None,
        on_saved: Callable[[], None],
    ) -> None:
        self._publish(identifier)
        try:
            async with self._user_slots[job.user], self._slots:
                spec = self._policy.check(self._policy.read({"image": job.base}))
                package_lock = await in_thread(
                    self._images.build,
                    spec,
                    job.user,
                    job.name,
                    now,
                    settings,
                    most,
                    BUILD_LIMITS,
                    job.lines.append,
                )
            await self._reload()
        except MLWSError as error:
            log.warning("Could not save environment %s: %s", identifier, error)
            job.failure = error.message
        else:
            self._omitted_packages[identifier] = list(package_lock.left_out)
            del self._jobs[identifier]
            on_saved()
        finally:
            self._publish(identifier)

    def _check_limits(self, user: str, identifier: str) -> int | None:
        """Return the bytes that it may have; error 10210 if there is no room."""
        others = [
            one for key, one in self._saved_images.items() if one.user == user and key != identifier
        ]
        making = [
            key
            for key, job in self._jobs.items()
            if job.user == user
            and job.failure is None
            and key not in (identifier, *self._saved_images)
        ]
        count = len(others) + len(making)
        if count >= self._max_environments:
            raise EnvironmentQuotaError(size=str(count + 1), most=str(self._max_environments))
        used = sum(one.size for one in others)
        if self._max_bytes is not None and used >= self._max_bytes:
            raise EnvironmentQuotaError(size=write_memory(used), most=write_memory(self._max_bytes))
        return None if self._max_bytes is None else self._max_bytes - used

    def _base_of(self, entry: ContainerState) -> str:
        """Return the Hub's image to build on, never a saved environment."""
        own = self._saved_images.get(container_id(entry.user, entry.image.removeprefix(PREFIX)))
        label = own.base if own is not None and entry.image.startswith(PREFIX) else entry.image
        return label if label in self._policy.images else self._policy.default_image

    async def _reload(self) -> None:
        rows = await in_thread(self._images.all)
        self._saved_images = {container_id(row.user, row.name): row for row in rows}

    def _check_access(self, person: Person, identifier: str) -> None:
        exists = identifier in self._saved_images or identifier in self._jobs
        # Ids hold names of people: who may not see it is not told whether it is there.
        if not exists or not person.may_see(self._user_of(identifier)):
            raise EnvironmentNotFoundError(name=identifier)

    @staticmethod
    def _user_of(identifier: str) -> str:
        return split_id(identifier)[0]

    def _environment(self, identifier: str) -> SavedEnvironment:
        user, name = split_id(identifier)
        job, image = self._jobs.get(identifier), self._saved_images.get(identifier)
        state = EnvironmentState.READY
        if job is not None:
            state = EnvironmentState.FAILED if job.failure else EnvironmentState.SAVING
        return SavedEnvironment(
            id=identifier,
            user=user,
            name=name,
            image=f"{PREFIX}{name}",
            state=state,
            base=image.base if image else job.base if job else None,
            packages=image.packages if image else None,
            size=image.size if image else None,
            created_at=image.created if image else None,
            left_out=self._omitted_packages.get(identifier, []),
            reason=job.failure if job else None,
            last_log=list(job.lines) if job and job.failure else [],
        )

    def _publish(self, identifier: str) -> None:
        self._on_change(
            {"type": "environments", "user": self._user_of(identifier), "id": identifier}
        )
