"""What a container may be, and how Docker is told: values, without an engine."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlws.containers.models import Amount, Resources
from jupyter_mlws.hub.docker import container_config
from jupyter_mlws.hub.scheduling.policy import Policy, ResolvedSpec
from mlws.core.errors import MLWSError
from mlws.core.i18n import CHINESE

GIB = 1024**3


@pytest.fixture(scope="module")
def policy() -> Policy:
    return Policy.from_settings(
        {
            "images": {"Lab": "team/lab:2", "R": "r-lab"},
            "default_image": "Lab",
            "default_resources": {"cpu": "1", "memory": "2Gi"},
            "max_resources": {"cpu": "4", "memory": "8Gi", "gpu": "1"},
        }
    )


def check(policy: Policy, options: dict[str, Any]) -> ResolvedSpec:
    return policy.check(policy.read(options))


def faults(policy: Policy, options: dict[str, Any]) -> dict[str, str]:
    """field → what is said of it in English; the code is 10201."""
    with pytest.raises(MLWSError) as refused:
        check(policy, options)
    assert refused.value.code == "10201"
    assert all(fault.message.in_(CHINESE) for fault in refused.value.faults)
    return {fault.field: fault.message.en for fault in refused.value.faults}


def test_who_asks_for_nothing_gets_the_defaults(policy: Policy) -> None:
    wanted = check(policy, {})
    assert wanted == ResolvedSpec("Lab", "team/lab:2", Amount(cpu=1, memory=2 * GIB), {})


@pytest.mark.parametrize("image", ["R", "r-lab"])
def test_an_image_is_called_by_its_label_or_its_name(policy: Policy, image: str) -> None:
    wanted = check(policy, {"image": image})
    assert (wanted.label, wanted.image) == ("R", "r-lab")


def test_every_field_above_its_limit_is_named_with_the_limit(policy: Policy) -> None:
    told = faults(
        policy, {"image": "S", "resources": {"cpu": "4500m", "memory": "9Gi", "gpu": "2"}}
    )
    assert set(told) == {"image", "resources.cpu", "resources.memory", "resources.gpu"}
    assert "Lab, R" in told["image"]
    assert "8Gi" in told["resources.memory"]


def test_the_limits_themselves_are_allowed(policy: Policy) -> None:
    most = {"cpu": "4", "memory": "8Gi", "gpu": "1"}
    assert check(policy, {"resources": most}).resources == Amount(cpu=4, memory=8 * GIB, gpu=1)


@settings(deadline=None)
@given(
    cpu=st.integers(1, 9000),
    memory=st.integers(1, 16 * 1024),
    gpu=st.integers(0, 3),
)
def test_nothing_above_the_limits_ever_passes(cpu: int, memory: int, gpu: int) -> None:
    policy = Policy(
        images={"Lab": "lab"},
        default_image="Lab",
        default_resources=Resources(cpu="1", memory="1Gi"),
        max_resources=Resources(cpu="4", memory="8Gi", gpu="1"),
    )
    asked = {"cpu": f"{cpu}m", "memory": f"{memory}Mi", "gpu": str(gpu)}
    fits = cpu <= 4000 and memory <= 8 * 1024 and gpu <= 1
    if fits:
        assert check(policy, {"resources": asked}).resources.fits(policy.max_resources.amount)
    else:
        assert faults(policy, {"resources": asked})


def test_confinement_leaves_nothing_open() -> None:
    wanted = ResolvedSpec("Lab", "lab", Amount(cpu=0.25, memory=GIB), {})
    told = container_config.confinement(wanted, processes=99, restarts=3)
    assert told["cpu_quota"] / told["cpu_period"] == 0.25
    assert told["mem_limit"] == told["memswap_limit"] == GIB
    assert told["pids_limit"] == 99
    assert told["cap_drop"] == ["ALL"]
    assert told["security_opt"] == ["no-new-privileges"]
    assert told["restart_policy"] == {"Name": "on-failure", "MaximumRetryCount": 3}
    assert "device_requests" not in told


def test_devices_are_requested_where_they_were_granted() -> None:
    wanted = ResolvedSpec("Lab", "lab", Amount(cpu=1, memory=GIB, gpu=2), {}, devices=(1, 3))
    told = container_config.confinement(wanted, processes=99, restarts=3)
    (request,) = told["device_requests"]
    assert (request.device_ids, request.capabilities) == (["1", "3"], [["gpu"]])


def test_the_hubs_variables_win_over_the_persons() -> None:
    wanted = ResolvedSpec("Lab", "lab", Amount(cpu=1, memory=GIB), {"A": "person", "B": "person"})
    assert container_config.environment({"A": "hub"}, wanted) == {"A": "hub", "B": "person"}


@pytest.mark.parametrize(
    ("version", "told"),
    [("1.43", {"Interval": 2_000_000_000}), ("1.44", {"StartInterval": 1_000_000_000})],
)
def test_health_is_asked_often_while_a_lab_starts(version: str, told: dict[str, int]) -> None:
    assert container_config.health_check(version) == told


def test_the_host_has_the_first_address_of_the_network() -> None:
    assert container_config.gateway("198.18.0.0/20") == "198.18.0.1"
