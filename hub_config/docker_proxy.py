"""Proxy of Docker's API for the Hub of compose.yaml, limited to the Hub's own containers.

    python -m hub_config.docker_proxy SOCKET

A list of paths would be no boundary: a client that may create a container can mount the machine's
root. So the proxy validates the configuration of new containers, and the owner of each container
and volume. It serves ``SOCKET`` and forwards to the engine at ``DOCKER_SOCKET``. `HUB_NAME` is the
name of the Hub; `HUB_BINDS` has the directories of the machine, separated by commas, that labs may
mount, by default none.

Imports only the standard library.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import responses
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

ENGINE = "/var/run/docker.sock"
HUB_LABEL, BUILDER_LABEL = "mlws.hub", "mlws.builder"
IMAGE_LABEL = "mlws.environment.hub"
"""Prefix of the labels of saved images."""
HEAD_LIMIT = 64 * 1024
BODY_LIMIT = 1024 * 1024
"""Bytes of a request that is read here."""
ARCHIVE_LIMIT = 64 * 1024**2
BLOCK = 64 * 1024
VERSION = re.compile(r"/v1\.\d+(?=/)")
NAME = r"[a-zA-Z0-9][a-zA-Z0-9_.-]*"
IMAGE = r"[a-zA-Z0-9][a-zA-Z0-9_./:@-]*"
LIMITS = frozenset(
    {
        "BlkioWeight", "CpuPeriod", "CpuQuota", "CpuRealtimePeriod", "CpuRealtimeRuntime",
        "CpuShares", "CpusetCpus", "CpusetMems", "Memory", "MemoryReservation", "MemorySwap",
        "MemorySwappiness", "NanoCpus", "PidsLimit", "RestartPolicy", "ShmSize", "Ulimits",
    }
)  # fmt: skip
"""Fields of a container's ``HostConfig`` that may have any value; ``CHECKED`` are validated."""
CHECKED = frozenset(
    {"Binds", "CapDrop", "DeviceRequests", "LogConfig", "Mounts", "NetworkMode", "SecurityOpt"}
)
HARMLESS = frozenset(
    {
        "AutoRemove", "ConsoleSize", "Dns", "DnsOptions", "DnsSearch", "ExtraHosts", "GroupAdd",
        "Init", "ReadonlyRootfs", "StorageOpt", "Tmpfs",
    }
)  # fmt: skip
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
TARGET = re.compile(r"/[!-\"$-~]*")
"""A fragment would be part of the query for Docker alone."""
MEDIA_TYPES = ("", "application/json", "application/x-tar")
"""Docker prefers the parameters in the body of a form to those of the query."""
SERVED = [
    (re.compile(pattern), kind)
    for pattern, kind in (
        (r"(GET|HEAD) /_ping", ""),
        (r"GET /(version|info|events|system/df|containers/json|images/json|volumes|networks)", ""),
        (rf"GET /(images/{IMAGE}/json|(networks|volumes)/{NAME})", ""),
        (r"POST /containers/create", "create"),
        (rf"GET /containers/({NAME})/(json|logs|stats)", "container"),
        (rf"POST /containers/({NAME})/(start|stop|kill|wait)", "container"),
        (rf"POST /containers/({NAME})/update", "update"),
        (rf"PUT /containers/({NAME})/archive", "container"),
        (rf"POST /containers/({NAME})/exec", "exec"),
        (rf"DELETE /containers/({NAME})", "container"),
        (rf"GET /exec/({NAME})/json", "execution"),
        (rf"POST /exec/({NAME})/start", "execution"),
        (r"POST /commit", "commit"),
        (r"POST /images/create", "pull"),
        (r"POST /images/prune", "prune"),
        (rf"POST /images/({IMAGE})/tag", "tag"),
        (rf"DELETE /images/({IMAGE})", "image"),
        (r"POST /volumes/create", "create volume"),
        (rf"DELETE /volumes/({NAME})", "volume"),
        (r"POST /networks/create", "create network"),
    )
]
"""Methods and addresses that are forwarded, and the kind of check for each."""
PARAMETERS = {
    "create": {"name"},
    "commit": {"container", "repo", "tag", "comment", "author", "pause"},
    "tag": {"repo", "tag", "force"},
    # Without `fromSrc`, which makes an image of any name from a file or an address.
    "pull": {"fromImage", "tag"},
    "prune": {"filters"},
}
"""For each kind of check, the parameters that are allowed; for other kinds, all are."""


class RefusedError(Exception):
    """Why a request is not passed on."""


class AbsentError(Exception):
    """Return the engine's message for a missing container or volume."""


@dataclass(frozen=True)
class Rules:
    """The rules for requests of the Hub ``hub``."""

    hub: str
    binds: tuple[str, ...] = ()

    def check_container(self, body: Mapping[str, Any]) -> list[str]:
        """A container of the Hub's own, as confined as a lab; the volumes that it mounts."""
        self._check_labels(body)
        _must_spell(body, "HostConfig", "NetworkingConfig")
        host = body.get("HostConfig") or {}
        fields = LIMITS | CHECKED | HARMLESS
        # An empty list is also a value: without masked paths, all kernel paths are visible.
        set_ones = (name for name, value in host.items() if value or value == [])
        other = sorted(name for name in set_ones if name not in fields)
        if other:
            raise RefusedError(f"HostConfig.{other[0]} is not allowed for a lab")
        if host.get("NetworkMode") != self.hub:
            raise RefusedError(f"HostConfig.NetworkMode must be {self.hub}")
        networking = body.get("NetworkingConfig") or {}
        _must_spell(networking, "EndpointsConfig")
        if set(networking.get("EndpointsConfig") or {}) - {self.hub}:
            raise RefusedError(f"NetworkingConfig must contain only {self.hub}")
        if "ALL" not in (host.get("CapDrop") or []):
            raise RefusedError("HostConfig.CapDrop must be ALL")
        options = host.get("SecurityOpt") or []
        if "no-new-privileges" not in options or len(options) > 1:
            raise RefusedError("HostConfig.SecurityOpt must contain only no-new-privileges")
        logs = host.get("LogConfig") or {}
        _must_spell(logs, "Type")
        if logs.get("Type") not in (None, "", "json-file"):
            raise RefusedError("HostConfig.LogConfig.Type must be json-file")
        for request in host.get("DeviceRequests") or []:
            _must_spell(request, "Driver")
            if request.get("Driver") not in (None, "", "nvidia"):
                raise RefusedError("HostConfig.DeviceRequests must be for NVIDIA GPUs")
        sources = [str(bind).partition(":")[0] for bind in host.get("Binds") or []]
        for mount in host.get("Mounts") or []:
            _must_spell(mount, "Type", "Source", "VolumeOptions")
            if mount.get("Type") not in ("bind", "volume", "tmpfs") or mount.get("VolumeOptions"):
                raise RefusedError("HostConfig.Mounts must be plain volumes or folders")
            if mount["Type"] != "tmpfs":
                sources.append(str(mount.get("Source") or ""))
        return [source for source in sources if not self._is_folder(source)]

    def check_volume(self, body: Mapping[str, Any]) -> None:
        """Validate a volume of the Hub: one with options could be any directory of the machine."""
        self._check_labels(body)
        _must_spell(body, "Name", "Driver", "DriverOpts")
        if not str(body.get("Name") or "").startswith(f"{self.hub}-"):
            # Compose's volumes have an underscore after the name.
            raise RefusedError(f"the volume name must start with {self.hub}-")
        if body.get("Driver") not in (None, "", "local") or body.get("DriverOpts"):
            raise RefusedError("a volume must use the local driver without options")

    def check_network(self, body: Mapping[str, Any]) -> None:
        """The labs' own network."""
        self._check_labels(body)
        _must_spell(body, "Name", "Driver")
        if body.get("Name") != self.hub or body.get("Driver") not in (None, "", "bridge"):
            raise RefusedError(f"only the bridge network {self.hub} can be created")

    def check_name(self, name: str) -> None:
        """A name for a container, none that could be the beginning of another's id."""
        if not name.startswith(f"{self.hub}-"):
            raise RefusedError(f"the container name must start with {self.hub}-")

    def check_target(self, query: Mapping[str, str]) -> None:
        """Validate an image name: it must be in the repository of saved images."""
        if query.get("repo") != f"{self.hub}-environment":
            raise RefusedError(f"the repository must be {self.hub}-environment")

    def check_saved_image(self, body: Mapping[str, Any]) -> None:
        """Validate the configuration of an image that a user saves."""
        _must_spell(body, "Labels")
        if not self.owns_image(body.get("Labels") or {}):
            raise RefusedError(f"the label {IMAGE_LABEL} must be {self.hub}")

    def check_prune(self, filters: Mapping[str, Any]) -> None:
        """Removal of unused images of the Hub."""
        if f"{IMAGE_LABEL}={self.hub}" not in filters["label"]:
            raise RefusedError(f"the filter must contain the label {IMAGE_LABEL}={self.hub}")

    def check_limits(self, body: Mapping[str, Any]) -> None:
        """Other limits for a container."""
        other = sorted(name for name, value in body.items() if value and name not in LIMITS)
        if other:
            raise RefusedError(f"{other[0]} is not a resource limit")

    def _check_labels(self, body: Mapping[str, Any]) -> None:
        _must_spell(body, "Labels")
        if not self.owns(body.get("Labels") or {}):
            raise RefusedError(f"the label {HUB_LABEL} must be {self.hub}")

    def owns(self, labels: Mapping[str, str]) -> bool:
        """Return True for the labels of a container or volume of the Hub."""
        return self.hub in (labels.get(HUB_LABEL), labels.get(BUILDER_LABEL))

    def owns_image(self, labels: Mapping[str, str]) -> bool:
        """Return True for the labels of an image that a user of the Hub has saved."""
        return labels.get(IMAGE_LABEL) == self.hub

    def _is_folder(self, source: str) -> bool:
        """Return True for a directory that labs may mount, False for a volume."""
        if source.startswith("/"):
            inside = os.path.normpath(source)
            if any(inside == one or inside.startswith(f"{one}/") for one in self.binds):
                return True
            raise RefusedError(f"the folder {source} is not listed in HUB_BINDS")
        if not re.fullmatch(NAME, source):
            raise RefusedError(f"{source!r} is not a valid volume name")
        return False


def _must_spell(body: Mapping[str, Any], *names: str) -> None:
    """Refuse other spellings of names that are checked: Docker accepts them in any case."""
    lowercase = {name.casefold() for name in names}
    wrong = [name for name in body if name.casefold() in lowercase and name not in names]
    if wrong:
        raise RefusedError(f"{wrong[0]} must be spelled as in Docker's API")


@dataclass(frozen=True)
class Head:
    """The first line and the headers of a request."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, text: bytes) -> Head:
        first, *rows = text.decode("latin-1").split("\r\n")
        if any(re.search(r"[\r\n\0]", row) for row in (first, *rows)):
            raise RefusedError("not a valid HTTP request")
        try:
            method, target, version = first.split(" ")
            pairs = [row.split(":", 1) for row in rows]
            headers = tuple((name, value.strip()) for name, value in pairs)
        except ValueError as error:
            raise RefusedError("not a valid HTTP request") from error
        if version != "HTTP/1.1" or not all(TOKEN.fullmatch(name) for name, _ in headers):
            raise RefusedError("not a valid HTTP/1.1 request")
        if not TARGET.fullmatch(target):
            raise RefusedError("this address is not allowed")
        head = cls(method, target, headers)
        media_type = head.header("content-type").partition(";")[0].strip().lower()
        if media_type not in MEDIA_TYPES:
            raise RefusedError(f"the content type {media_type} is not allowed")
        return head

    def header(self, name: str) -> str:
        values = [value for key, value in self.headers if key.lower() == name]
        if len(values) > 1:
            raise RefusedError(f"duplicate header {name}")
        return values[0] if values else ""

    @property
    def size(self) -> int:
        """Bytes of the body; 0 without a body."""
        length = self.header("content-length")
        if self.header("transfer-encoding") or not (length.isdecimal() or not length):
            raise RefusedError("the request body needs a Content-Length")
        return int(length or 0)

    @property
    def path(self) -> str:
        """Without the API's version; nothing in it is escaped."""
        path = unquote(VERSION.sub("", self.target.partition("?")[0], count=1))
        if ".." in path.split("/") or "//" in path:
            raise RefusedError("this path is not allowed")
        return path

    @property
    def query(self) -> dict[str, str]:
        """The parameters; a repeated one is an error, because programs differ in which they use."""
        pairs = parse_qsl(self.target.partition("?")[2], keep_blank_values=True)
        query = dict(pairs)
        if len(query) < len(pairs):
            raise RefusedError("repeated query parameter")
        return query

    def passed_on(self) -> bytes:
        """The bytes for the engine: this request alone, since no other is checked."""
        headers = [row for row in self.headers if row[0].lower() not in ("connection", "upgrade")]
        rows = "".join(
            f"{name}: {value}\r\n" for name, value in [*headers, ("Connection", "close")]
        )
        return f"{self.method} {self.target} HTTP/1.1\r\n{rows}\r\n".encode("latin-1")


class Proxy:
    """Answers one request of each connection."""

    def __init__(self, engine: str, rules: Rules) -> None:
        self._engine = engine
        self._rules = rules

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass a request on, or answer 403 with the reason."""
        try:
            await self._pass_on(reader, writer)
        except RefusedError as error:
            print(f"Refused: {error}", file=sys.stderr, flush=True)
            writer.write(_answer(403, str(error)))
        except AbsentError as error:
            writer.write(_answer(404, str(error)))
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            writer.write(_answer(502, f"Docker does not respond: {error}"))
        finally:
            with contextlib.suppress(OSError):
                await writer.drain()
                writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = Head.read((await reader.readuntil(b"\r\n\r\n"))[:-4])
        except asyncio.IncompleteReadError as error:
            if error.partial:
                raise
            return
        limit = ARCHIVE_LIMIT if head.method == "PUT" else BODY_LIMIT
        if head.size > limit:
            raise RefusedError(f"the request body exceeds {limit} bytes")
        body = await reader.readexactly(head.size)
        await self._check(head, body)
        answer, request = await asyncio.open_unix_connection(self._engine)
        try:
            request.write(head.passed_on() + body)
            await request.drain()
            # Data after the request would be another request, which is not validated.
            end = asyncio.create_task(_until_closed(reader))
            copy = asyncio.create_task(_copy(answer, writer))
            await asyncio.wait({end, copy}, return_when=asyncio.FIRST_COMPLETED)
            for task in (end, copy):
                task.cancel()
        finally:
            request.close()

    async def _check(self, head: Head, body: bytes) -> None:
        line = f"{head.method} {head.path}"
        matches = ((pattern.fullmatch(line), kind) for pattern, kind in SERVED)
        match, kind = next((one for one in matches if one[0]), (None, ""))
        if match is None:
            raise RefusedError(f"{line!r} is not allowed")
        query = head.query
        other = sorted(set(query) - PARAMETERS.get(kind, set(query)))
        if other:
            raise RefusedError(f"the parameter {other[0]} is not allowed for {line!r}")
        if kind in ("container", "update", "exec"):
            await self._check_owner(f"/containers/{match[1]}/json")
        elif kind == "execution":
            execution = await self._ask(f"/exec/{match[1]}/json")
            await self._check_owner(f"/containers/{execution['ContainerID']}/json")
        elif kind == "volume":
            await self._check_owner(f"/volumes/{match[1]}")
        elif kind == "commit":
            self._rules.check_target(query)
            container = query.get("container", "")
            if not re.fullmatch(NAME, container):
                raise RefusedError(f"{container!r} is not a valid container name")
            await self._check_owner(f"/containers/{container}/json")
        elif kind in ("tag", "image"):
            if kind == "tag":
                self._rules.check_target(query)
            await self._check_owner(f"/images/{match[1]}/json", self._rules.owns_image)
        elif kind == "create" and "name" in query:
            self._rules.check_name(query["name"])
        elif kind == "prune":
            body = query.get("filters", "").encode()
        checks: dict[str, Callable[[Mapping[str, Any]], list[str] | None]] = {
            "create": self._rules.check_container,
            "create volume": self._rules.check_volume,
            "create network": self._rules.check_network,
            "update": self._rules.check_limits,
            "exec": _check_exec,
            "commit": self._rules.check_saved_image,
            "prune": self._rules.check_prune,
        }
        if kind in checks:
            try:
                volumes = checks[kind](json.loads(body or b"{}", object_pairs_hook=_unique))
            except RecursionError as error:
                raise RefusedError("the request body is nested too deeply") from error
            except (ValueError, AttributeError, TypeError, KeyError) as error:
                raise RefusedError(f"invalid request: {error}") from error
            for name in volumes or ():
                await self._check_owner(f"/volumes/{name}")

    async def _check_owner(
        self, path: str, owns: Callable[[Mapping[str, str]], bool] | None = None
    ) -> None:
        """Reject objects that are not the Hub's; ``owns`` decides by their labels."""
        description = await self._ask(path)
        labels = (description.get("Config") or description).get("Labels") or {}
        if not (owns or self._rules.owns)(labels):
            raise RefusedError(f"{path} does not belong to this Hub")

    async def _ask(self, path: str) -> dict[str, Any]:
        answer, request = await asyncio.open_unix_connection(self._engine)
        try:
            request.write(f"GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
            text = await answer.read()
        finally:
            request.close()
        head, _, body = text.partition(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        if status == 404:
            raise AbsentError(json.loads(body)["message"])
        if status != 200:
            raise OSError(f"{path}: {status}")
        description: dict[str, Any] = json.loads(body)
        return description


def _check_exec(body: Mapping[str, Any]) -> None:
    _must_spell(body, "Privileged")
    if body.get("Privileged"):
        raise RefusedError("Privileged is not allowed for a lab")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; names that differ only in case are an error, as Docker ignores case."""
    if len({name.casefold() for name, _ in pairs}) < len(pairs):
        raise ValueError("duplicate field name")
    return dict(pairs)


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while block := await source.read(BLOCK):
            target.write(block)
            await target.drain()


async def _until_closed(reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(ConnectionError):
        while await reader.read(BLOCK):
            pass


def _answer(status: int, message: str) -> bytes:
    body = json.dumps({"message": message}).encode()
    head = (
        f"HTTP/1.1 {status} {responses[status]}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


async def serve(listening: socket.socket, engine: str, rules: Rules) -> None:
    """Serve until the process ends."""
    server = await asyncio.start_unix_server(
        Proxy(engine, rules).serve, sock=listening, limit=HEAD_LIMIT
    )
    async with server:
        await server.serve_forever()


def listen(path: Path) -> socket.socket:
    """Open the socket for the Hub; the mode of its directory controls access to the proxy."""
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    path.chmod(0o666)
    listening.listen()
    return listening


def main() -> None:
    binds = [os.path.normpath(one) for one in os.environ.get("HUB_BINDS", "").split(",") if one]
    rules = Rules(os.environ["HUB_NAME"], tuple(binds))
    asyncio.run(serve(listen(Path(sys.argv[1])), os.environ.get("DOCKER_SOCKET", ENGINE), rules))


if __name__ == "__main__":
    main()
