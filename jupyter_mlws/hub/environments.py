"""Saved environments of users, which are built in the background."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from jupyter_mlws.api.rest import in_thread
from jupyter_mlws.containers.models import (
    Amount,
    EnvironmentCreate,
    EnvironmentState,
    ImageInfo,
    Me,
    SavedEnvironment,
    container_id,
    split_id,
)
from jupyter_mlws.containers.quantities import write_memory
from jupyter_mlws.core.errors import (
    ContainerStateError,
    EnvironmentInUseError,
    EnvironmentNotFoundError,
    EnvironmentQuotaError,
    InvalidContainerError,
    SwarmUnsupportedError,
)
from jupyter_mlws.hub.background import BackgroundTasks
from jupyter_mlws.hub.docker.engine import Engine
from jupyter_mlws.hub.docker.personal_images import PREFIX, PersonalImage, PersonalImages, choices
from jupyter_mlws.hub.lifecycle.controller import LifecycleController
from jupyter_mlws.hub.lifecycle.registry import STOPPED_STATUSES, ContainerRegistry
from jupyter_mlws.hub.records.audit import Audit
from jupyter_mlws.hub.records.container_state import ContainerState
from jupyter_mlws.hub.scheduling.policy import Policy
from jupyter_mlws.hub.settings import Settings
from mlws.core.errors import Fault, MLWSError
from mlws.core.i18n import Message

MAX_LOG_LINES = 20
MAX_CONCURRENT_BUILDS = 2
"""Maximum number of concurrent builds, of different users."""
BUILD_LIMITS = Amount(cpu=1, memory=2 * 1024**3)
"""Limit of one build, in addition to the resources of containers."""
PIP_VARIABLE_PREFIXES = ("PIP_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE")
"""Variables of a container that configure pip; the build uses them, too."""
REQUIRED_FIELD = Message("is required")

log = logging.getLogger(__name__)


@dataclass
class SaveJob:
    """A save that is in progress, or that has failed since the service started."""

    user: str
    name: str
    base: str
    failure: Message | None = None
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=MAX_LOG_LINES))


class Environments:
    """Saved environments of all users, and the images to choose. Lives on the event loop."""

    def __init__(
        self,
        engine: Engine,
        registry: ContainerRegistry,
        controller: LifecycleController,
        audit: Audit,
        settings: Settings,
    ) -> None:
        self._engine = engine
        self._images = PersonalImages(engine)
        self._registry = registry
        self._controller = controller
        self._audit = audit
        self._settings = settings
        self._policy = settings.policy
        self._tasks = BackgroundTasks("Could not save an environment")
        self._jobs: dict[str, SaveJob] = {}
        self._omitted_packages: dict[str, list[str]] = {}
        self._saved_images: dict[str, PersonalImage] = {}
        self._slots = asyncio.Semaphore(MAX_CONCURRENT_BUILDS)
        self._user_slots: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def load(self) -> None:
        """Load the images from Docker; remove those that an earlier process left unfinished."""
        await in_thread(self._images.clean)
        await self._reload()

    async def close(self) -> None:
        """Cancel the builds in progress."""
        await self._tasks.close()

    def images(self, user: str) -> dict[str, str]:
        """Return a user's own images: name to choose → image that Docker runs."""
        return choices(one for one in self._saved_images.values() if one.user == user)

    def policy(self, user: str) -> Policy:
        """Return the policy for a user's containers, with the user's own images."""
        return self._policy.with_images(self.images(user))

    async def list_images(self, user: Me) -> list[ImageInfo]:
        """Return the images that the user may choose, including the user's own."""

        async def info(name: str, image: str) -> ImageInfo:
            local = await in_thread(self._engine.image, image)
            return ImageInfo(
                name=name,
                image=image,
                default=name == self._policy.default_image,
                present=local is not None,
                size=local.size if local else None,
                created=local.created if local else None,
            )

        pairs = self.policy(user.name).images.items()
        return [*await asyncio.gather(*(info(name, image) for name, image in pairs))]

    def list(self, user: Me) -> list[SavedEnvironment]:
        """Return the user's own environments, or all for an administrator."""
        ids = sorted({*self._saved_images, *self._jobs})
        return [self._environment(one) for one in ids if user.may_see(self._user_of(one))]

    def get(self, user: Me, identifier: str) -> SavedEnvironment:
        self._check_access(user, identifier)
        return self._environment(identifier)

    async def save(self, user: Me, request: EnvironmentCreate) -> SavedEnvironment:
        """Start to save the packages of a running container.

        ContainerStateError if it does not run, EnvironmentInUseError while the environment is being
        saved, EnvironmentQuotaError if the user has reached the maximum.
        """
        if request.container is None:
            raise InvalidContainerError(faults=[Fault("container", REQUIRED_FIELD)])
        entry = self._registry.find(user, request.container)
        container = entry.docker_container
        if container is None or not container.active:
            raise ContainerStateError(name=entry.id)
        if self._settings.swarm:
            raise SwarmUnsupportedError(operation="saving environments")
        pip_variables = {
            name: value
            for name, value in self._controller.environment(entry).items()
            if name.upper().startswith(PIP_VARIABLE_PREFIXES)
        }
        identifier = container_id(entry.user, request.name)
        job = self._jobs.get(identifier)
        if job is not None and job.failure is None:
            raise EnvironmentInUseError(name=request.name)
        most = self._check_limits(entry.user, identifier)
        # The Hub's image to build on, never a saved environment.
        label = entry.config.image
        own = self._saved_images.get(container_id(entry.user, label.removeprefix(PREFIX)))
        if own is not None and label.startswith(PREFIX):
            label = own.base
        base = label if label in self._policy.images else self._policy.default_image
        self._jobs[identifier] = job = SaveJob(entry.user, request.name, base)
        try:
            docker = container.container or container.docker
            packages = await in_thread(self._images.installed, docker)
        except MLWSError:
            del self._jobs[identifier]
            raise
        next_user = entry if request.use else None
        self._tasks.run(self._build(identifier, job, packages, pip_variables, most, next_user))
        self._audit.record(user, "environment.save", identifier, container=entry.id)
        return self.get(user, identifier)

    async def delete(self, actor: Me, identifier: str) -> None:
        """Remove an environment; EnvironmentInUseError while it is used or being saved.

        Stopped containers that were to start in it start in the default image.
        """
        self._check_access(actor, identifier)
        user, name = split_id(identifier)
        label = f"{PREFIX}{name}"
        users = [
            entry
            for entry in self._registry.entries.values()
            if (entry.user, entry.config.image) == (user, label)
        ]
        in_use = any(self._registry.status(entry) not in STOPPED_STATUSES for entry in users)
        job = self._jobs.get(identifier)
        if in_use or (job is not None and job.failure is None):
            raise EnvironmentInUseError(name=name)
        await in_thread(self._images.remove, user, name)
        self._jobs.pop(identifier, None)
        self._saved_images.pop(identifier, None)
        self._publish(identifier)
        for entry in users:
            entry.configure(image=self._policy.default_image)
        self._registry.settle()
        self._audit.record(actor, "environment.delete", identifier)

    async def _build(
        self,
        identifier: str,
        job: SaveJob,
        packages: Mapping[str, str],
        pip_variables: Mapping[str, str],
        most: int | None,
        next_user: ContainerState | None,
    ) -> None:
        """Build the image, which the next start of the container ``next_user`` uses."""
        self._publish(identifier)
        try:
            async with self._user_slots[job.user], self._slots:
                spec = self._policy.check(self._policy.read({"image": job.base}))
                package_lock = await in_thread(
                    self._images.build,
                    spec,
                    job.user,
                    job.name,
                    packages,
                    pip_variables,
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
            if next_user is not None and next_user.id in self._registry.entries:
                next_user.configure(image=f"{PREFIX}{job.name}")
                self._registry.note(next_user, f"the next start uses the environment {job.name}")
                self._registry.settle()
        finally:
            self._publish(identifier)

    def _check_limits(self, user: str, identifier: str) -> int | None:
        """Return the maximum bytes of an environment.

        EnvironmentQuotaError if the quota is used up.
        """
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
        max_count, max_bytes = self._settings.environments, self._settings.environment_size
        if count >= max_count:
            raise EnvironmentQuotaError(size=str(count + 1), most=str(max_count))
        used = sum(one.size for one in others)
        if max_bytes is not None and used >= max_bytes:
            raise EnvironmentQuotaError(size=write_memory(used), most=write_memory(max_bytes))
        return None if max_bytes is None else max_bytes - used

    async def _reload(self) -> None:
        rows = await in_thread(self._images.all)
        self._saved_images = {container_id(row.user, row.name): row for row in rows}

    def _check_access(self, user: Me, identifier: str) -> None:
        exists = identifier in self._saved_images or identifier in self._jobs
        # Ids contain user names, so other users must not learn whether one exists.
        if not exists or not user.may_see(self._user_of(identifier)):
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
        self._registry.stream.publish(
            {"type": "environments", "user": self._user_of(identifier), "id": identifier}
        )
