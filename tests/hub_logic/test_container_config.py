"""How a container is made: values, without an engine."""

from __future__ import annotations

from jupyter_mlws.containers.models import Amount
from jupyter_mlws.hub.docker import container_config
from jupyter_mlws.hub.scheduling.policy import ResolvedSpec

GIB = 1024**3
HALF = ResolvedSpec("Lab", "lab", Amount(cpu=0.5, memory=GIB), {})


def test_a_small_container_has_more_cores_until_it_has_started() -> None:
    starting = container_config.confinement(HALF, 64, 3, start_cpu=2)
    assert starting["cpu_quota"] / starting["cpu_period"] == 2
    assert starting["mem_limit"] == starting["memswap_limit"] == GIB
    # Nobody takes that for what it was granted: its label says so.
    host = {"CpuQuota": starting["cpu_quota"], "CpuPeriod": starting["cpu_period"]}
    assert container_config.cores(host) == 0
    limits = container_config.limits(HALF.resources)
    assert (
        container_config.cores({"CpuQuota": limits["cpu_quota"], "CpuPeriod": limits["cpu_period"]})
        == 0.5
    )


def test_one_that_has_as_many_anyway_starts_within_its_own_limit() -> None:
    assert container_config.starting(Amount(cpu=2, memory=GIB), 2) == {}
    own = container_config.confinement(HALF, 64, 3, start_cpu=0)
    assert own["cpu_quota"] / own["cpu_period"] == 0.5
