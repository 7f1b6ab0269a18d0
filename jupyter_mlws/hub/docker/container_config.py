"""Docker configuration of a container. Pure functions that return values."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from docker.types import DeviceRequest, IPAMConfig, IPAMPool
from docker.utils import version_lt

from jupyter_mlws.containers.models import Amount, container_id
from jupyter_mlws.hub.docker.events import HUB_LABEL
from jupyter_mlws.hub.scheduling.policy import ResolvedSpec

CPU_PERIOD = 100_000
"""Microseconds; the kernel's own default."""
START_PERIOD = 50_000
"""CPU period of a container that has more cores while it starts; identifies the start limits."""
NANOSECONDS = 10**9
START_INTERVAL_VERSION = "1.44"
"""The first version of Docker's API with a shorter health check interval during the start."""
LOG_SIZE = "10m"
LOG_FILES = "2"
RESCUE = {
    "MLWS_RESCUE": "1",
    "JUPYTER_RUNTIME_DIR": "/tmp/rescue/runtime",  # noqa: S108  the container's own
    "JUPYTER_DATA_DIR": "/tmp/rescue/data",  # noqa: S108
    "JUPYTERLAB_WORKSPACES_DIR": "/tmp/rescue/workspaces",  # noqa: S108
    "IPYTHONDIR": "/tmp/rescue/ipython",  # noqa: S108
}
"""Directories outside the home, for a lab that starts although the home is full."""


def labels(hub_name: str, user: str, server: str, spec: ResolvedSpec) -> dict[str, str]:
    """Return the labels by which the service identifies a container and its resources."""
    return {
        HUB_LABEL: hub_name,
        "mlws.id": container_id(user, server),
        "mlws.user": user,
        "mlws.server": server,
        "mlws.cpu": f"{spec.resources.cpu:g}",
        "mlws.memory": str(spec.resources.memory),
        "mlws.gpu": str(spec.resources.gpu),
        "mlws.image": spec.label,
    }


def limits(resources: Amount) -> dict[str, int]:
    """Return the arguments of ``create_host_config`` and ``update_container`` for the limits."""
    return {
        "cpu_period": CPU_PERIOD,
        "cpu_quota": round(resources.cpu * CPU_PERIOD),
        "mem_limit": resources.memory,
        # Without it, Docker allows the same amount as swap in addition.
        "memswap_limit": resources.memory,
    }


def starting(resources: Amount, cpu: float) -> dict[str, int]:
    """Return the limits that differ during the start: at least ``cpu`` cores."""
    if resources.cpu >= cpu:
        return {}
    return {"cpu_period": START_PERIOD, "cpu_quota": round(cpu * START_PERIOD)}


def cores(host: Mapping[str, Any]) -> float:
    """Return the limit in a container's ``HostConfig``; 0 for none or start limits."""
    if host.get("CpuPeriod") == START_PERIOD:
        return 0.0
    return round((host.get("CpuQuota") or 0) / (host.get("CpuPeriod") or CPU_PERIOD), 3)


def confinement(
    spec: ResolvedSpec, processes: int, restarts: int, start_cpu: float = 0.0
) -> dict[str, Any]:
    """Return the arguments of ``create_host_config`` that limit and confine a container."""
    arguments: dict[str, Any] = {
        **limits(spec.resources),
        **starting(spec.resources, start_cpu),
        "pids_limit": processes,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        # Not removed by Docker itself, which would rule out restarts and lose the last log.
        "auto_remove": False,
        "restart_policy": {"Name": "on-failure", "MaximumRetryCount": restarts},
        "log_config": {
            "Type": "json-file",
            "Config": {"max-size": LOG_SIZE, "max-file": LOG_FILES},
        },
    }
    if spec.resources.gpu:
        # By number: with a count, Docker would give the first devices to every container.
        devices = [str(number) for number in spec.devices]
        request = DeviceRequest(device_ids=devices, capabilities=[["gpu"]])
        arguments["device_requests"] = [request]
    return arguments


def health_check(api_version: str) -> dict[str, int]:
    """Return the health check of the image, run every second until it first passes."""
    if version_lt(api_version, START_INTERVAL_VERSION):
        return {"Interval": 2 * NANOSECONDS}
    return {"StartInterval": NANOSECONDS}


def network(name: str, bridge: str, subnet: str) -> dict[str, Any]:
    """Return the arguments of ``create_network`` for containers that can't reach each other."""
    pool = IPAMPool(subnet=subnet, gateway=gateway(subnet))
    return {
        "name": name,
        "driver": "bridge",
        "ipam": IPAMConfig(pool_configs=[pool]),
        "options": {
            "com.docker.network.bridge.enable_icc": "false",
            "com.docker.network.bridge.name": bridge,
        },
        "labels": {HUB_LABEL: name},
    }


def gateway(subnet: str) -> str:
    """Return the host's address in a network, at which containers reach the Hub."""
    return str(ipaddress.ip_network(subnet)[1])


def environment(hub_variables: Mapping[str, str], spec: ResolvedSpec) -> dict[str, str]:
    """Return the user's variables, overridden by the Hub's own, which users can't replace."""
    rescue = RESCUE if spec.rescue else {}
    return {**spec.environment, **hub_variables, **rescue}


def credentials(service_url: str) -> dict[str, str]:
    """Return variables with which git authenticates to the service by the lab's token.

    The token stays in the lab's environment: it is in no file, URL or argument of a program.
    """
    answer = "echo username=$JUPYTERHUB_USER; echo password=$JUPYTERHUB_API_TOKEN"
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"credential.{service_url}.helper",
        "GIT_CONFIG_VALUE_0": f'!f() {{ if [ "$1" = get ]; then {answer}; fi; }}; f',
    }
