"""Docker engine: containers, their usage and logs, images and volumes."""

from __future__ import annotations

import contextlib
import os
import struct
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
from docker import APIClient
from docker.constants import DEFAULT_TIMEOUT_SECONDS
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.types import CancellableStream
from docker.utils import kwargs_from_env

from jupyter_mlws.containers.cgroups import Sample, read_sample, read_written_bytes
from jupyter_mlws.containers.models import Amount, LogLine
from jupyter_mlws.core.errors import ContainerBackendError
from jupyter_mlws.hub.docker import container_config
from jupyter_mlws.hub.docker.events import HUB_LABEL, read_event
from jupyter_mlws.logs.formatting import plain
from mlws.core.errors import MLWSError
from mlws.core.paths import measure_folder

ID_LABEL = "mlws.id"
PENDING = "pending"
"""State of a container that waits in the queue of the engine (Docker Swarm)."""
NOT_STARTED = 128
"""Docker's exit code of containers that it could not start."""
MAX_CONNECTIONS = 32
"""Maximum number of concurrent calls to the engine."""
STREAMS = ("stdin", "stdout", "stderr")
FRAME = struct.Struct(">BxxxL")
"""Header of a log frame: the stream and the number of bytes that follow."""
STOP_TIMEOUT = 10
"""Seconds until a container that does not stop is killed."""
ZERO_TIMESTAMP = "0001-01-01"
IN_CONTAINER = Path("/.dockerenv")
UNIX_SOCKET = "http+docker://"
"""Prefix of docker-py's address of an engine on this machine."""
FILES_PER_SECOND = 20_000
"""Speed at which the homes of running labs are measured."""


@dataclass(frozen=True)
class DockerContainer:
    """A container, as Docker describes it."""

    docker: str
    id: str
    user: str
    server: str
    image: str
    amount: Amount
    devices: tuple[int, ...]
    state: str
    health: str | None
    exit_code: int | None
    oom: bool
    error: str
    restarts: int
    pid: int
    created: datetime
    started: datetime | None
    node: str | None = None
    """Name of the machine, if the engine has several."""
    container: str = ""
    """The engine's id of the container, if ``docker`` is the id of a Swarm service."""
    finished: datetime | None = None
    """When it has exited, also if Docker has started it again since."""

    @property
    def active(self) -> bool:
        """True if the container uses its resources: it runs, or Docker restarts it."""
        return self.state in ("running", "restarting", "paused")

    @property
    def ended(self) -> bool:
        """True if the container has exited."""
        return self.state in ("exited", "dead")

    @property
    def failed(self) -> bool:
        """True if the container exited with an error."""
        return self.ended and bool(self.exit_code)

    @property
    def rejected(self) -> bool:
        """True if a machine of a Swarm could not start the container."""
        return self.failed and self.exit_code == NOT_STARTED and self.node is not None


@dataclass(frozen=True)
class MachineSize:
    """Real cores of a machine, and the resources that containers on it are promised together."""

    cores: float
    capacity: Amount
    is_local: bool = False
    """True if it is the machine of this process."""

    @property
    def load(self) -> float | None:
        """Load average of the last minute; None if it is not known."""
        return round(os.getloadavg()[0], 1) if self.is_local else None


@dataclass(frozen=True)
class DiskSpace:
    """Bytes of the disk with the volumes and images of a machine."""

    machine: str
    total: int
    free: int


@dataclass(frozen=True)
class LocalImage:
    """An image on this machine."""

    size: int
    created: datetime


def size_of(
    own: Amount, capacity: Amount | None, cpu_overcommit: float, is_local: bool = False
) -> MachineSize:
    """Return the size of a machine that has the resources ``own``."""
    cpu = round(own.cpu * cpu_overcommit, 3)
    promised = capacity or own.model_copy(update={"cpu": cpu})
    return MachineSize(own.cpu, promised, is_local)


class Engine:
    """The containers of one Hub on one engine; blocking and thread-safe.

    Failures are raised as ContainerBackendError.
    """

    def __init__(self, hub_name: str) -> None:
        self.hub = hub_name
        self._client: APIClient | None = None
        self._lock = threading.Lock()
        self._disk: tuple[str, Path | None] | None = None
        """Name of the engine's machine, and a folder on its disk if that is this machine."""

    @property
    def client(self) -> APIClient:
        """The shared connection, created on first use."""
        with self._lock:
            if self._client is None:
                self._client = self.connect()
            return self._client

    @staticmethod
    def connect(limit: float = DEFAULT_TIMEOUT_SECONDS) -> APIClient:
        """Return a separate connection for long calls, with ``limit`` as its timeout."""
        environment = kwargs_from_env()
        return APIClient(
            version="auto", timeout=limit, max_pool_size=MAX_CONNECTIONS, **environment
        )

    def close(self) -> None:
        if self._client is not None:
            self._client.close()

    # Machines, containers and images

    def machines(self, capacity: Amount | None, cpu_overcommit: float) -> dict[str, MachineSize]:
        """Return the size of each machine by name.

        ``capacity`` overrides what containers are promised; else ``cpu_overcommit`` cores are
        promised for each real one.
        """
        with translate_docker_errors():
            info = self.client.info()
        # Graphics cards are counted by the device files of their driver.
        cards = [path for path in Path("/dev").glob("nvidia[0-9]*") if path.name[6:].isdecimal()]
        own = Amount(cpu=info["NCPU"], memory=info["MemTotal"], gpu=len(cards))
        is_local = self.client.base_url.startswith(UNIX_SOCKET)
        return {info["Name"]: size_of(own, capacity, cpu_overcommit, is_local)}

    def disk(self) -> DiskSpace | None:
        """Return the space of the engine's disk; None if it is the disk of another machine."""
        if self._disk is None:
            with translate_docker_errors():
                info = self.client.info()
            root = Path(info["DockerRootDir"])
            if IN_CONTAINER.exists():
                # The service's own data are in a volume of the engine.
                root = Path(os.environ.get("HUB_DATA", "."))
            is_here = self.client.base_url.startswith(UNIX_SOCKET) and root.exists()
            self._disk = info["Name"], root if is_here else None
        machine, folder = self._disk
        if folder is None:
            return None
        facts = os.statvfs(folder)
        return DiskSpace(machine, facts.f_blocks * facts.f_frsize, facts.f_bavail * facts.f_frsize)

    def all(self) -> dict[str, DockerContainer]:
        """Return all containers of this Hub, by id."""
        return self._list_containers({"label": f"{HUB_LABEL}={self.hub}"})

    def find(self, identifier: str) -> DockerContainer | None:
        """Return the container with an id; None if it does not exist."""
        labels = [f"{HUB_LABEL}={self.hub}", f"{ID_LABEL}={identifier}"]
        return self._list_containers({"label": labels}).get(identifier)

    def _list_containers(self, filters: Mapping[str, Any]) -> dict[str, DockerContainer]:
        containers: dict[str, DockerContainer] = {}
        with translate_docker_errors():
            for row in self.client.containers(all=True, filters=dict(filters)):
                with contextlib.suppress(NotFound):  # removed since it was listed
                    container = read_inspection(self.client.inspect_container(row["Id"]))
                    other = containers.get(container.id)
                    if other is None or (container.active, container.created) > (
                        other.active,
                        other.created,
                    ):
                        containers[container.id] = container
        return containers

    def exits(self, since: datetime) -> dict[str, float]:
        """Return when containers have exited, in seconds since the epoch, by Docker's id.

        Docker keeps only its last few hundred events. Containers that run again are left out.
        """
        filters = {
            "type": "container",
            "label": f"{HUB_LABEL}={self.hub}",
            "event": ["die", "start"],
        }
        exits: dict[str, float] = {}
        with translate_docker_errors():
            for raw in self.client.events(
                since=f"{since.timestamp():.6f}",
                until=f"{time.time():.6f}",
                filters=filters,
                decode=True,
            ):
                event = read_event(raw)
                exits.pop(event.container, None)
                if event.action == "die":
                    exits[event.container] = event.time
        return exits

    def image(self, name: str) -> LocalImage | None:
        """Return an image; None if it is not on this machine."""
        with translate_docker_errors():
            try:
                inspection = self.client.inspect_image(name)
            except ImageNotFound:
                return None
        created = parse_timestamp(inspection.get("Created") or ZERO_TIMESTAMP)
        return LocalImage(inspection["Size"], created or datetime.fromtimestamp(0, UTC))

    def remove_image(self, name: str) -> None:
        """Remove an image from this machine; do nothing if it is not there."""
        with translate_docker_errors(), contextlib.suppress(ImageNotFound):
            self.client.remove_image(name)

    # Changes without the Hub

    def remove(self, identifier: str) -> None:
        """Stop and remove a container; keep named volumes."""
        container = self.find(identifier)
        if container is None:
            return
        with translate_docker_errors(), contextlib.suppress(NotFound):
            self.client.stop(container.docker, timeout=STOP_TIMEOUT)
            self.client.remove_container(container.docker, v=True, force=True)

    def resize(self, docker: str, amount: Amount) -> None:
        """Change the limits of a running container."""
        with translate_docker_errors():
            self.client.update_container(docker, **container_config.limits(amount))

    # Volumes

    def volumes(self) -> list[tuple[str, str, datetime]]:
        """Return (name, user, creation time) of each user's volume of this Hub."""
        with translate_docker_errors():
            rows = self.client.volumes({"label": f"{HUB_LABEL}={self.hub}"})["Volumes"] or []
        return [
            (
                row["Name"],
                row["Labels"]["mlws.user"],
                # RFC 3339 with the machine's own zone.
                datetime.fromisoformat(row["CreatedAt"]).astimezone(UTC),
            )
            for row in rows
            if "mlws.user" in (row["Labels"] or {})
        ]

    def volume_sizes(self) -> dict[str, int]:
        """Return the bytes of each volume, by name. Slow: Docker reads all directories."""
        with translate_docker_errors():
            rows = self.client.df()["Volumes"] or []
        return {row["Name"]: row["UsageData"]["Size"] for row in rows if row.get("UsageData")}

    def volume_size(self, name: str, files_per_second: int | None = None) -> int | None:
        """Return the bytes of a volume, 0 if there is none; None if only Docker can read it.

        With ``files_per_second``, the disk is read no faster.
        """
        with translate_docker_errors():
            try:
                folder = self.client.inspect_volume(name)["Mountpoint"]
            except NotFound:
                return 0
        # Docker may run on another machine.
        if not os.access(folder, os.R_OK | os.X_OK):
            return None
        return measure_folder(Path(folder), files_per_second)

    def remove_volume(self, name: str) -> None:
        """Remove a volume with all its files; do nothing if it does not exist."""
        with translate_docker_errors(), contextlib.suppress(NotFound):
            self.client.remove_volume(name)

    # Usage

    def sample(self, container: DockerContainer) -> Sample | None:
        """Return the current counters of a container; None if it no longer runs."""
        sample = read_sample(container.pid, container.docker)
        if sample is not None:
            return sample
        # The engine's API is slower than the cgroup's files, which can't be read everywhere.
        try:
            with translate_docker_errors():
                raw = self.client.stats(container.docker, stream=False, one_shot=True)
        except (MLWSError, NotFound):
            return None
        memory = raw.get("memory_stats", {})
        if "usage" not in memory:
            return None
        details = memory.get("stats", {})
        cache = details.get("inactive_file", details.get("total_inactive_file", 0))
        return Sample(
            cpu=raw["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9,
            memory=memory["usage"] - cache,
            processes=raw.get("pids_stats", {}).get("current", 0),
            time=time.monotonic(),
        )

    def written_bytes(self, containers: Iterable[DockerContainer]) -> int | None:
        """Return the bytes that containers have written since their starts; None if unknown."""
        counts = [read_written_bytes(one.pid, one.docker) for one in containers]
        return None if None in counts else sum(count or 0 for count in counts)

    # Logs

    def tail(self, docker: str, lines: int) -> list[LogLine]:
        """Return the last lines of the log, numbered from the log's beginning."""
        last_lines: list[LogLine] = []
        with translate_docker_errors(), self._reader(docker, follow=False) as reader:
            for line in reader:
                last_lines.append(line)
                del last_lines[:-lines]
        return last_lines

    def follow(self, docker: str) -> LogReader:
        """Return a reader of the log from its beginning until it ends; to be closed."""
        with translate_docker_errors():
            return self._reader(docker, follow=True)

    def _reader(self, docker: str, follow: bool) -> LogReader:
        return LogReader(self.client, f"containers/{docker}", follow)


class LogReader:
    """The lines of one log (``containers/ID``). Iterate in a thread; close from any other."""

    def __init__(self, client: APIClient, what: str, follow: bool) -> None:
        address = f"{client.base_url}/v{client.api_version}/{what}/logs"
        query = {"stdout": "1", "stderr": "1", "timestamps": "1", "follow": str(int(follow))}
        # docker-py merges the streams. No timeout: a lab may print nothing for hours.
        self._response = client.get(address, params=query, stream=True, timeout=None)
        self._response.raise_for_status()
        self._stream = CancellableStream(self._read_frames(), self._response)

    def __enter__(self) -> LogReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the iteration, also while it waits."""
        # A log that has ended has no socket.
        with contextlib.suppress(AttributeError, OSError, DockerException):
            self._stream.close()
        self._response.close()

    def __iter__(self) -> Iterator[LogLine]:
        seq = 0
        open_: dict[str, bytes] = {}
        for stream, piece in self._stream:
            text = open_.pop(stream, b"") + piece
            *whole, rest = text.split(b"\n")
            if rest:
                open_[stream] = rest
            for line in whole:
                seq += 1
                yield _parse_line(seq, stream, line)
        for stream, line in open_.items():
            seq += 1
            yield _parse_line(seq, stream, line)

    def _read_frames(self) -> Iterator[tuple[str, bytes]]:
        raw = self._response.raw
        while True:
            head = _read_exactly(raw, FRAME.size)
            if len(head) < FRAME.size:
                return
            kind, size = FRAME.unpack(head)
            yield STREAMS[kind], _read_exactly(raw, size)


def _read_exactly(raw: Any, size: int) -> bytes:
    """Return ``size`` bytes, or fewer at the end."""
    parts = bytearray()
    while len(parts) < size:
        try:
            part = raw.read(size - len(parts))
        except (AttributeError, ValueError):
            break  # closed by the reader
        if not part:
            break
        parts += part
    return bytes(parts)


def _parse_line(seq: int, stream: str, raw: bytes) -> LogLine:
    stamp, _, text = raw.decode(errors="replace").partition(" ")
    when = parse_timestamp(stamp) or datetime.now(UTC)
    return LogLine(seq=seq, stream=stream, text=plain(text.rstrip("\r")), time=when)


def read_inspection(raw: Mapping[str, Any]) -> DockerContainer:
    """Return a container from Docker's inspection of it."""
    labels: dict[str, str] = raw["Config"]["Labels"]
    state = raw["State"]
    host = raw["HostConfig"]
    device_requests = host.get("DeviceRequests") or []
    devices = [number for row in device_requests for number in row.get("DeviceIDs") or ()]
    has_exited = state["Status"] in ("exited", "dead")
    return DockerContainer(
        docker=raw["Id"],
        id=labels[ID_LABEL],
        user=labels["mlws.user"],
        server=labels.get("mlws.server", ""),
        image=labels.get("mlws.image", raw["Config"]["Image"]),
        # Labels never change, so they have the size at creation.
        amount=Amount(
            cpu=container_config.cores(host) or float(labels["mlws.cpu"]),
            memory=host.get("Memory") or int(labels["mlws.memory"]),
            gpu=int(labels.get("mlws.gpu", "0")),
        ),
        devices=tuple(int(number) for number in devices if number.isdecimal()),
        state=state["Status"],
        health=state.get("Health", {}).get("Status"),
        exit_code=state["ExitCode"] if has_exited or state["Restarting"] else None,
        oom=state["OOMKilled"],
        error=state["Error"],
        restarts=raw["RestartCount"],
        pid=state["Pid"],
        created=parse_timestamp(raw["Created"]) or datetime.fromtimestamp(0, UTC),
        started=parse_timestamp(state["StartedAt"]),
        finished=parse_timestamp(state.get("FinishedAt") or ZERO_TIMESTAMP),
    )


def parse_timestamp(text: str) -> datetime | None:
    """Parse RFC 3339; None for Docker's zero, and for what is no time."""
    if text.startswith(ZERO_TIMESTAMP):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


@contextlib.contextmanager
def translate_docker_errors() -> Iterator[None]:
    """Raise failures of the engine as ContainerBackendError; NotFound passes through."""
    try:
        yield
    except (APIError, DockerException, requests.RequestException, OSError) as error:
        if isinstance(error, NotFound):
            raise
        raise ContainerBackendError(reason=str(error)) from error
