"""Resources of this machine (or container), and their allocation to the nodes of a run."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlws.core.errors import NodeResourcesError
from mlws.engine.graph import Stage
from mlws.engine.policy import Policy

CGROUP = Path("/sys/fs/cgroup")
LIMITS = ("memory.max", "memory/memory.limit_in_bytes")
"""Files with the memory limit of a container: cgroup v2, cgroup v1."""
DEVICES = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class Amounts:
    """Processors, bytes, and the names of devices."""

    cpu: float
    memory: int
    gpus: tuple[str, ...] = ()

    def lacks(self, policy: Policy) -> tuple[str, str, str] | None:
        """Return the name of the first resource that is too small, its demand and its total.

        None if all of them suffice.
        """
        if policy.cpu > self.cpu:
            return "cpu", f"{policy.cpu:g}", f"{self.cpu:g}"
        if (policy.memory or 0) > self.memory:
            return "memory", str(policy.memory), str(self.memory)
        if policy.gpu > len(self.gpus):
            return "gpu", str(policy.gpu), str(len(self.gpus))
        return None


def of_this_machine(jobs: int) -> Amounts:
    """Return processors (never fewer than ``jobs``), memory by the tightest limit, visible GPUs."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for name in LIMITS:
        try:
            limit = (CGROUP / name).read_text().strip()
        except OSError:
            continue
        if limit.isdecimal():
            memory = min(memory, int(limit))
    visible = os.environ.get(DEVICES)
    if visible is not None:
        gpus = [part.strip() for part in visible.split(",") if part.strip()]
    else:
        files = Path("/dev").glob("nvidia[0-9]*")
        gpus = sorted((file.name.removeprefix("nvidia") for file in files), key=int)
    return Amounts(float(max(jobs, os.cpu_count() or 1)), memory, tuple(gpus))


def refuse_oversized(stages: Sequence[Stage], total: Amounts) -> None:
    """Raise NodeResourcesError for the first node that requires more than ``total``."""
    for stage in stages:
        lack = total.lacks(stage.policy)
        if lack is not None:
            resource, required, available = lack
            raise NodeResourcesError(
                node=stage.id, resource=resource, required=required, available=available
            )


@dataclass
class Pool:
    """Resources that the running nodes of one run hold; never more than ``total``.

    ``jobs`` limits the processors: a node that requests none takes one of them.
    """

    total: Amounts
    jobs: int
    _held: dict[str, tuple[float, int, tuple[str, ...]]] = field(default_factory=dict)

    def take(self, node: str, policy: Policy) -> Mapping[str, str] | None:
        """Allocate the resources of a node, and return the environment variables that name them.

        None if the node must wait. A node that requests more processors than ``jobs`` runs alone.
        """
        cpu = sum(allocation[0] for allocation in self._held.values())
        memory = sum(allocation[1] for allocation in self._held.values())
        used_gpus = {gpu for allocation in self._held.values() for gpu in allocation[2]}
        free = [gpu for gpu in self.total.gpus if gpu not in used_gpus]
        fits = cpu + policy.cpu <= self.jobs or not self._held
        if not fits or memory + (policy.memory or 0) > self.total.memory or policy.gpu > len(free):
            return None
        gpus = tuple(free[: policy.gpu])
        self._held[node] = (policy.cpu, policy.memory or 0, gpus)
        return {DEVICES: ",".join(gpus)} if policy.gpu else {}

    def give_back(self, node: str) -> None:
        """Release the resources of a node that has finished."""
        self._held.pop(node, None)
