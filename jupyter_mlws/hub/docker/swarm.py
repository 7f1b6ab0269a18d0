"""Docker Swarm services of labs: their configuration and state. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from docker.types import (
    ContainerSpec,
    DriverConfig,
    EndpointSpec,
    Mount,
    Resources,
    RestartPolicy,
    TaskTemplate,
)

from jupyter_mlws.containers.models import Amount
from jupyter_mlws.hub.docker import container_config
from jupyter_mlws.hub.docker.engine import (
    ID_LABEL,
    NOT_STARTED,
    PENDING,
    DockerContainer,
    parse_timestamp,
)
from jupyter_mlws.hub.docker.events import HUB_LABEL
from jupyter_mlws.hub.scheduling.policy import ResolvedSpec

GPU_RESOURCE = "gpu"
"""Name of GPUs in ``node-generic-resources`` of the nodes' dockerd configuration."""
RESTART_DELAY = container_config.NANOSECONDS // 10
STOP_GRACE_PERIOD = 10 * container_config.NANOSECONDS
"""Nanoseconds until a lab that does not stop is killed."""
SERVICE_LABEL = "com.docker.swarm.service.id"
"""Label with the id of a container's service, set by Swarm."""
_STARTING_STATES = ("assigned", "accepted", "preparing", "ready", "starting")
_FINISHED_STATES = ("complete", "shutdown", "failed", "rejected", "remove", "orphaned")


def resources(amount: Amount, processes: int) -> Resources:
    """Return limits with equal reservations: Swarm places and queues by reservations."""
    nano = round(amount.cpu * container_config.NANOSECONDS)
    requirements = Resources(
        cpu_limit=nano,
        cpu_reservation=nano,
        mem_limit=amount.memory,
        mem_reservation=amount.memory,
        generic_resources={GPU_RESOURCE: amount.gpu} if amount.gpu else None,
    )
    # docker-py does not support it as an argument.
    requirements["Limits"]["Pids"] = processes
    return requirements


def container(
    spec: ResolvedSpec,
    command: Sequence[str],
    environment: Mapping[str, str],
    labels: Mapping[str, str],
    mounts: Sequence[Mount],
    more: Mapping[str, Any],
) -> ContainerSpec:
    """Return the container of a task; confinement overrides the options in ``more``."""
    arguments = {
        **more,
        "image": spec.image,
        "args": list(command),
        "env": dict(environment),
        "labels": dict(labels),
        "mounts": list(mounts),
        "cap_drop": ["ALL"],
        "privileges": {"NoNewPrivileges": True},
        "stop_grace_period": STOP_GRACE_PERIOD,
        # Swarm would kill a lab that is too busy to answer its check.
        "healthcheck": {"Test": ["NONE"]},
    }
    return ContainerSpec(**arguments)


def task(
    container_: ContainerSpec, resources_: Resources, network: str, restarts: int, placement: Any
) -> TaskTemplate:
    """Return the template of a task: its container and how often it restarts after failures."""
    return TaskTemplate(
        container_,
        resources=resources_,
        restart_policy=RestartPolicy("on-failure", delay=RESTART_DELAY, max_attempts=restarts),
        networks=[network],
        placement=placement,
        log_driver=DriverConfig(
            "json-file",
            {"max-size": container_config.LOG_SIZE, "max-file": container_config.LOG_FILES},
        ),
    )


def placement(options: Mapping[str, Any], node: str | None) -> Mapping[str, Any] | None:
    """Return the placement of a task; ``node`` is the host name of the only one with its files."""
    if node is None:
        return options or None
    constraints = [*(options.get("constraints") or ()), f"node.hostname=={node}"]
    return {**options, "constraints": constraints}


def endpoint(port: int, publish: bool) -> EndpointSpec:
    """Return an endpoint without a virtual address.

    ``publish`` makes the lab reachable at a free port of its node, too.
    """
    # The kernel may lack IPVS, which virtual addresses need.
    spec = EndpointSpec(mode="dnsrr")
    if publish:
        spec["Ports"] = [{"Protocol": "tcp", "TargetPort": port, "PublishMode": "host"}]
    return spec


def home(volume: str, target: str, hub: str, user: str, driver: DriverConfig | None) -> Mount:
    """Return the mount of the user's home volume, created on the node where the lab runs."""
    labels = {HUB_LABEL: hub, "mlws.user": user}
    return Mount(target, volume, type="volume", labels=labels, driver_config=driver)


def published_address(task_: Mapping[str, Any], node: Mapping[str, Any]) -> tuple[str, int]:
    """Return (address, port) of a task at its node; the address is empty until it has a port."""
    ports = task_["Status"].get("PortStatus", {}).get("Ports") or []
    return (node["Status"]["Addr"], ports[0]["PublishedPort"]) if ports else ("", 0)


def newest(tasks: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the current task of a service: the one that is to run, else the last one."""
    rows = sorted(tasks, key=lambda row: (not _is_shutting_down(row), row["CreatedAt"]))
    return rows[-1] if rows else None


def _is_shutting_down(task_: Mapping[str, Any]) -> bool:
    return task_["DesiredState"] in ("shutdown", "remove")


def state_of(task_: Mapping[str, Any]) -> str:
    """Return a task's state as the corresponding state of a container."""
    state = task_["Status"]["State"]
    if state == "running":
        return "running"
    if state in _FINISHED_STATES:
        # Swarm has not decided yet whether it starts another task.
        is_final = _is_shutting_down(task_) or state == "complete"
        return "exited" if is_final else "restarting"
    if state in _STARTING_STATES:
        return "created"
    return PENDING


def read(
    tasks: Sequence[Mapping[str, Any]],
    nodes: Mapping[str, str],
    inspection: Mapping[str, Any] | None,
) -> DockerContainer | None:
    """Return a service in the form of a container, or None if it was removed and has ended.

    ``docker`` is the id of its current task. ``nodes``: id → name. ``inspection`` is the
    container itself, if this machine runs it.
    """
    current_task = newest(tasks)
    if current_task is None:
        return None
    status = current_task["Status"]
    if current_task["DesiredState"] == "remove" and status["State"] != "running":
        # Its service was removed; Swarm lists the task for a moment longer, and starts none that
        # did not run yet.
        return None
    spec = current_task["Spec"]["ContainerSpec"]
    labels: Mapping[str, str] = spec["Labels"]
    own = status.get("ContainerStatus") or {}
    state = state_of(current_task)
    limits = current_task["Spec"]["Resources"]["Limits"]
    created = parse_timestamp(current_task["CreatedAt"]) or datetime.fromtimestamp(0, UTC)
    inside = (inspection or {}).get("State", {})
    # A task that was rejected has no code.
    exit_code = NOT_STARTED if status["State"] == "rejected" else own.get("ExitCode", 0)
    return DockerContainer(
        docker=current_task["ID"],
        id=labels[ID_LABEL],
        user=labels["mlws.user"],
        server=labels.get("mlws.server", ""),
        image=labels.get("mlws.image", spec["Image"]),
        amount=Amount(
            cpu=round(limits["NanoCPUs"] / container_config.NANOSECONDS, 3),
            memory=limits["MemoryBytes"],
            gpu=int(labels.get("mlws.gpu", "0")),
        ),
        devices=(),
        state=state,
        health=None,
        exit_code=exit_code if state in ("exited", "restarting") else None,
        oom=bool(inside.get("OOMKilled")),
        error=status.get("Err") or "",
        restarts=max(0, len(tasks) - 1),
        pid=inside.get("Pid") or own.get("PID") or 0,
        created=created,
        started=parse_timestamp(inside.get("StartedAt") or status["Timestamp"])
        if state == "running"
        else None,
        node=nodes.get(current_task.get("NodeID", "")),
        container=own.get("ContainerID", ""),
    )
