"""CPU and memory usage of containers, from the differences of the kernel's counters."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

from jupyter_mlws.api.rest import in_thread
from jupyter_mlws.containers.cgroups import Sample
from jupyter_mlws.containers.models import Usage
from jupyter_mlws.hub.docker.engine import DockerContainer, Engine

FRESH = 10.0
"""Maximum seconds between the two samples of a rate."""
SHORT = 0.25
"""Seconds between two samples if there is no earlier one."""
MEBIBYTE = 1024 * 1024
"""Unit to which memory is rounded, so that an idle container causes no events."""


class Meter:
    """Measures usage; stores the last sample of each container."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._samples: dict[str, Sample] = {}

    async def usage(self, running: Mapping[str, DockerContainer]) -> dict[str, Usage]:
        """Return the current usage of the running containers, by id."""
        before = self._samples
        after = await in_thread(self._read, running)
        stale = {
            identifier: container
            for identifier, container in running.items()
            if container.docker in after
            and not _is_comparable(before.get(container.docker), after[container.docker])
        }
        if stale:
            first = {container.docker: after[container.docker] for container in stale.values()}
            before = {**before, **first}
            await asyncio.sleep(SHORT)
            after = {**after, **await in_thread(self._read, stale)}
        self._samples = {**self._samples, **after}
        usage = {}
        for identifier, container in running.items():
            old, new = before.get(container.docker), after.get(container.docker)
            if old is None or new is None or not _is_comparable(old, new):
                continue
            usage[identifier] = Usage(
                # A container that was started again counts from zero.
                cpu=round(max(0.0, new.cpu - old.cpu) / (new.time - old.time), 2),
                memory=round(new.memory / MEBIBYTE) * MEBIBYTE,
                memory_limit=container.amount.memory,
                processes=new.processes,
                time=datetime.now(UTC),
            )
        return usage

    def forget(self, running: Mapping[str, DockerContainer]) -> None:
        """Drop the samples of all containers but these."""
        there = {container.docker for container in running.values()}
        self._samples = {key: value for key, value in self._samples.items() if key in there}

    def _read(self, running: Mapping[str, DockerContainer]) -> dict[str, Sample]:
        samples = {
            container.docker: self._engine.sample(container) for container in running.values()
        }
        return {docker: sample for docker, sample in samples.items() if sample is not None}


def _is_comparable(before: Sample | None, after: Sample) -> bool:
    return before is not None and 0 < after.time - before.time < FRESH
