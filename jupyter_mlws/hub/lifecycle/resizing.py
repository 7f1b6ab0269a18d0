"""Resizing of containers: live if running, else at the next start."""

from __future__ import annotations

import time
from dataclasses import replace

from jupyter_mlws.api.rest import in_thread
from jupyter_mlws.containers.models import (
    Amount,
    ContainerStatus,
    ResourceChange,
    Resources,
)
from jupyter_mlws.containers.quantities import write_memory
from jupyter_mlws.core.errors import ContainerStateError, InvalidContainerError
from jupyter_mlws.hub.docker.engine import Engine
from jupyter_mlws.hub.lifecycle.registry import STOPPED_STATUSES, ContainerRegistry
from jupyter_mlws.hub.records.container_state import ContainerState
from jupyter_mlws.hub.scheduling.scheduler import Request, larger
from mlws.core.errors import Fault, MLWSError
from mlws.core.i18n import Message

MIN_HEADROOM_BYTES = 16 * 1024**2
"""Minimum bytes between memory usage and a smaller limit, so that nothing is killed at once."""
LIVE_STATUSES = (ContainerStatus.RUNNING, ContainerStatus.UNHEALTHY)
NO_GPU_LIVE = Message("can't be changed while the container is running; stop it first")
MEMORY_IN_USE = Message(
    "{used} is in use; close notebooks or shut down kernels to free memory first"
)


class Resizer:
    """Changes the resources of a container. Must be used on the event loop."""

    def __init__(self, registry: ContainerRegistry, engine: Engine) -> None:
        self._scheduler = registry.scheduler
        self._registry = registry
        self._engine = engine

    async def resize(self, entry: ContainerState, change: ResourceChange) -> None:
        """Change the size of a container; fields that the change leaves out stay as they are.

        Raises InvalidContainerError above the limits or below the memory in use,
        InsufficientResourcesError if the resources are not free now, ContainerStateError while the
        container starts or stops.
        """
        before = entry.resources.amount
        target = change.over(entry.resources).amount
        self._registry.policy.check_size(target)
        status = self._registry.status(entry)
        if status is ContainerStatus.QUEUED:
            waiting, moment = self._scheduler.waiting[entry.id], time.time()
            request = Request(
                entry.id, entry.user, target, waiting.priority, moment, waiting.degrade
            )
            self._scheduler.submit(request, moment)
            entry.resources = Resources.of(target)
        elif status in STOPPED_STATUSES:
            entry.resources = Resources.of(target)
        elif status in LIVE_STATUSES and not entry.resizing:
            if target.gpu != before.gpu:
                raise InvalidContainerError(faults=[Fault("resources.gpu", NO_GPU_LIVE)])
            await self._resize_live(entry, target)
        else:
            raise ContainerStateError(name=entry.id)
        if target != before:
            self._registry.note(
                entry, f"resized from {_format_amount(before)} to {_format_amount(target)}"
            )
        self._registry.settle()

    async def _resize_live(self, entry: ContainerState, target: Amount) -> None:
        container, before = entry.docker_container, self._scheduler.grants[entry.id]
        assert container is not None
        entry.resizing = True
        try:
            if target.memory < before.amount.memory:
                sample = await in_thread(self._engine.sample, container)
                if sample is not None and sample.memory + MIN_HEADROOM_BYTES > target.memory:
                    used = write_memory(sample.memory // 1024**2 * 1024**2)
                    raise InvalidContainerError(
                        faults=[Fault("resources.memory", MEMORY_IN_USE.fill(used=used))]
                    )
            # Additional resources are reserved before the change, returned ones released after it.
            self._scheduler.resize(entry.id, larger(before.amount, target), time.time())
            try:
                await in_thread(self._engine.resize, container.docker, target)
            except MLWSError:
                self._scheduler.grants[entry.id] = before
                raise
            self._scheduler.resize(entry.id, target, time.time())
            entry.resources = Resources.of(target)
            groups = self._registry.groups_of(entry.user)
            self._registry.usage_accounting.update(entry, groups)
            # Earlier observations have the old size.
            entry.valid_since = time.monotonic()
            if (
                entry.docker_container is not None
                and entry.docker_container.docker == container.docker
            ):
                # Docker emits no event for it; usage is reported relative to this amount.
                entry.docker_container = replace(entry.docker_container, amount=target)
        finally:
            entry.resizing = False


def _format_amount(amount: Amount) -> str:
    resources = Resources.of(amount)
    return f"{resources.cpu} cpu, {resources.memory}"
