"""What the Hub of compose.yaml may ask Docker for: rules over the Docker library's requests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from docker.types import ContainerConfig, HostConfig, Mount

from hub_config import docker_proxy
from hub_config.docker_proxy import Head, RefusedError, Rules
from jupyter_mlws.containers.models import Amount
from jupyter_mlws.hub.docker import container_config
from jupyter_mlws.hub.docker.personal_images import BUILDER
from jupyter_mlws.hub.scheduling.policy import ResolvedSpec

VERSION = "1.45"
HUB = "team"
RULES = Rules(HUB, ("/srv/data",))
Data = dict[str, Any]


def lab(**host: Any) -> Data:
    """The body with which a spawner creates a lab."""
    wanted = ResolvedSpec("Lab", "lab", Amount(cpu=1, memory=2**30, gpu=1), {}, (0,))
    confined = container_config.confinement(wanted, 1024, 3, 2.0)
    options = {
        "binds": {f"{HUB}-home-ann": {"bind": "/home/mlws", "mode": "rw"}},
        "network_mode": HUB,
        **confined,
        **host,
    }
    labels = container_config.labels(HUB, "ann", "", wanted)
    config = ContainerConfig(
        VERSION, "lab", ["start-lab"], labels=labels, environment={"host_config": "x"}
    )
    return json.loads(json.dumps({**config, "HostConfig": HostConfig(VERSION, **options)}))


def builder() -> Data:
    """That of an environment that is being saved."""
    host = HostConfig(
        VERSION, cap_drop=["ALL"], security_opt=["no-new-privileges"], network_mode=HUB,
        mem_limit="1g", pids_limit=512,
    )  # fmt: skip
    config = ContainerConfig(VERSION, "lab", ["sleep"], labels={BUILDER: HUB})
    return json.loads(json.dumps({**config, "HostConfig": host}))


def test_labs_and_builders_are_created_with_the_volumes_that_they_mount() -> None:
    assert RULES.check_container(lab()) == [f"{HUB}-home-ann"]
    assert RULES.check_container(builder()) == []
    folders = {"/srv/data/wine": {"bind": "/data", "mode": "ro"}}
    assert RULES.check_container(lab(binds=folders)) == []
    shared = [Mount("/x", f"{HUB}-shared"), Mount("/y", "/srv/data", type="bind")]
    assert RULES.check_container(lab(mounts=shared, binds=None)) == [f"{HUB}-shared"]
    network = container_config.network(HUB, "br-team", "198.18.0.0/20")
    RULES.check_network({**_network(), "IPAM": network["ipam"], "Options": network["options"]})
    RULES.check_volume({"Name": f"{HUB}-home-ann", "Driver": None, "Labels": {"mlws.hub": HUB}})
    RULES.check_limits({"Memory": 2**30, "MemorySwap": 2**30, "CpuQuota": 100, "CpuPeriod": 0})


def _network() -> Data:
    return {"Name": HUB, "Driver": "bridge", "Labels": {"mlws.hub": HUB}}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Privileged": True}, "Privileged"),
        ({"privileged": True}, "privileged"),
        ({"PidMode": "host"}, "PidMode"),
        ({"IpcMode": "host"}, "IpcMode"),
        ({"UsernsMode": "host"}, "UsernsMode"),
        ({"CgroupParent": "/"}, "CgroupParent"),
        ({"Runtime": "other"}, "Runtime"),
        ({"CapAdd": ["SYS_ADMIN"]}, "CapAdd"),
        ({"Devices": [{"PathOnHost": "/dev/sda"}]}, "Devices"),
        ({"DeviceCgroupRules": ["b *:* rwm"]}, "DeviceCgroupRules"),
        ({"VolumesFrom": ["postgres"]}, "VolumesFrom"),
        ({"PortBindings": {"80/tcp": [{}]}}, "PortBindings"),
        ({"MaskedPaths": []}, "MaskedPaths"),
        ({"readonlypaths": []}, "readonlypaths"),
        ({"Sysctls": {"kernel.x": "1"}}, "Sysctls"),
        ({"CapDrop": []}, "CapDrop"),
        ({"capdrop": ["ALL"], "CapDrop": None}, "capdrop"),
        ({"SecurityOpt": []}, "SecurityOpt"),
        ({"SecurityOpt": ["no-new-privileges", "seccomp=unconfined"]}, "SecurityOpt"),
        ({"NetworkMode": "host"}, "NetworkMode"),
        ({"NetworkMode": "container:postgres"}, "NetworkMode"),
        ({"NetworkMode": "team_default"}, "NetworkMode"),
        ({"LogConfig": {"Type": "syslog"}}, "LogConfig"),
        ({"Binds": ["/:/machine"]}, "/"),
        ({"Binds": ["/srv/data/../../etc:/x"]}, "HUB_BINDS"),
        ({"Binds": ["/srv/database:/x"]}, "HUB_BINDS"),
        ({"Binds": ["../x:/x"]}, "volume"),
        ({"Mounts": [{"Type": "bind", "Source": "/etc", "Target": "/x"}]}, "HUB_BINDS"),
        ({"Mounts": [{"Type": "bind", "source": "/etc", "Target": "/x"}]}, "source"),
        ({"Mounts": [{"Type": "cluster", "Source": "x"}]}, "Mounts"),
        (
            {"Mounts": [{"Type": "volume", "VolumeOptions": {"DriverConfig": {"Name": "local"}}}]},
            "Mounts",
        ),
        ({"DeviceRequests": [{"Driver": "cdi", "DeviceIDs": ["x"]}]}, "DeviceRequests"),
    ],
)
def test_what_is_more_than_a_lab_is_refused(change: Data, reason: str) -> None:
    body = lab()
    body["HostConfig"] |= change
    with pytest.raises(RefusedError, match=reason):
        RULES.check_container(body)


@pytest.mark.parametrize(
    ("check", "body", "reason"),
    [
        ("check_container", {**lab(), "Labels": {}}, "label"),
        ("check_container", {**lab(), "Labels": {"mlws.hub": "other"}}, "label"),
        ("check_container", {**lab(), "hostconfig": {"Privileged": True}}, "hostconfig"),
        ("check_container", {**lab(), "Ho\u017ftConfig": {}}, "spelled"),
        ("check_container", {**lab(), "NetworkingConfig": {"EndpointsConfig": {"x": {}}}}, "Netw"),
        ("check_volume", {"Name": "team_database", "Labels": {"mlws.hub": HUB}}, "must start"),
        ("check_volume", {"Name": "team-x", "Labels": {}}, "label"),
        (
            "check_volume",
            {
                "Name": "team-x",
                "Labels": {"mlws.hub": HUB},
                "DriverOpts": {"type": "none", "o": "bind", "device": "/"},
            },
            "options",
        ),
        ("check_network", {**_network(), "Name": "other"}, "team"),
        ("check_network", {**_network(), "Driver": "macvlan"}, "bridge"),
        ("check_limits", {"Memory": 1, "Devices": [{}]}, "Devices"),
    ],
)
def test_nothing_but_what_is_the_hubs_is_created(check: str, body: Data, reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        getattr(RULES, check)(body)


@pytest.mark.parametrize(
    "text",
    [
        b"GET /info",
        b"GET /info HTTP/1.0",
        b"GET /info HTTP/1.1\r\nHost : x",
        b"GET /info HTTP/1.1\r\nX: y\nTransfer-Encoding: chunked",
        b"GET /info HTTP/1.1\r\n folded",
    ],
)
def test_a_request_that_can_be_read_in_two_ways_is_refused(text: bytes) -> None:
    with pytest.raises(RefusedError):
        Head.read(text)


def test_a_body_has_one_length() -> None:
    def read(*rows: str) -> int:
        return Head.read("\r\n".join(("POST /x HTTP/1.1", *rows)).encode()).size

    assert read("Content-Length: 12") == 12
    assert read() == 0
    for rows in (
        ("Transfer-Encoding: chunked",),
        ("Content-Length: 1", "content-length: 2"),
        ("Content-Length: +1",),
        ("Content-Length: 1, 1",),
    ):
        with pytest.raises(RefusedError):
            read(*rows)


Ask = Callable[..., tuple[bytes, list[bytes]]]


@pytest.fixture
def asked(tmp_path: Path) -> Ask:
    """Send a request through the proxy; its answer, and what the engine got to read.

    What the proxy itself asks is answered with ``known``: path → description.
    """

    def ask(request: bytes, known: Data | None = None) -> tuple[bytes, list[bytes]]:
        got: list[bytes] = []

        async def engine(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            if b" HTTP/1.0\r\n" in head:
                description = (known or {})[head.split()[1].decode()]
                writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + json.dumps(description).encode())
            else:
                got.append(head)
                writer.write(b"HTTP/1.1 200 OK\r\n\r\nhere")
            writer.close()

        async def run() -> bytes:
            path = tmp_path / "engine"
            async with await asyncio.start_unix_server(engine, path):
                listening = docker_proxy.listen(tmp_path / "proxy")
                serving = asyncio.create_task(docker_proxy.serve(listening, str(path), RULES))
                reader, writer = await asyncio.open_unix_connection(tmp_path / "proxy")
                writer.write(request)
                answer = await reader.read()
                writer.close()
                serving.cancel()
                await asyncio.wait({serving})
                return answer

        return asyncio.run(run()), got

    return ask


def message(line: str, body: bytes = b"", *headers: str) -> bytes:
    """A request of Docker's API."""
    rows = ["Host: docker", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join((f"{line} HTTP/1.1", *rows, "", "")).encode() + body


OWN, FOREIGN = {"Labels": {"mlws.hub": HUB}}, {"Labels": {}}
SAVED = {"Labels": {"mlws.environment.hub": HUB}}
KNOWN = {
    "/containers/own/json": {"Config": OWN},
    "/containers/grafana/json": {"Config": FOREIGN},
    "/exec/e1/json": {"ContainerID": "own"},
    "/exec/e2/json": {"ContainerID": "grafana"},
    "/images/saved/json": {"Config": SAVED},
    "/images/postgres:17/json": {"Config": FOREIGN},
    "/images/lab/json": {"Config": OWN},
}
TARGET, CONFIG = f"repo={HUB}-environment&tag=x", json.dumps(SAVED).encode()
FILTERS = quote(json.dumps({"dangling": ["true"], "label": [f"mlws.environment.hub={HUB}"]}))


@pytest.mark.parametrize(
    ("line", "body"),
    [
        (f"POST /v1.45/commit?container=own&{TARGET}&pause=True", CONFIG),
        (f"POST /v1.45/images/saved/tag?{TARGET}&force=0", b""),
        ("DELETE /images/saved?force=False&noprune=True", b""),
        (f"POST /images/prune?filters={FILTERS}", b""),
        ("POST /images/create?fromImage=ghcr.io/x/lab&tag=1", b""),
        ("GET /exec/e1/json", b""),
        ("POST /exec/e1/start", b"{}"),
        (f"POST /containers/create?name={HUB}-ann", json.dumps(lab(binds=None)).encode()),
        ("POST /containers/create", json.dumps(builder()).encode()),
    ],
)
def test_a_person_saves_and_removes_an_own_image(line: str, body: bytes, asked: Ask) -> None:
    answer, got = asked(message(line, body, "Content-Type: application/json"), KNOWN)
    assert answer.endswith(b"here"), answer
    assert len(got) == 1


@pytest.mark.parametrize(
    ("line", "body", "reason"),
    [
        # Docker takes the first of two parameters, and those of a form before all others.
        (f"POST /commit?container=grafana&container=own&{TARGET}", CONFIG, "repeated"),
        (f"POST /commit?container=&container=own&{TARGET}", CONFIG, "repeated"),
        (f"POST /commit?c%6Fntainer=grafana&container=own&{TARGET}", CONFIG, "repeated"),
        (f"POST /commit?container=own&{TARGET}&repo=mlws-hub", CONFIG, "repeated"),
        ("GET /containers/own/logs?stdout=1&stdout=0", b"", "repeated"),
        ("GET /events?filters=%7B%7D&filters=%7B%7D", b"", "repeated"),
        (f"POST /commit?container=own#&{TARGET}", CONFIG, "address"),
        (f"POST /commit?container=grafana&{TARGET}", CONFIG, "does not belong"),
        (f"POST /commit?container=own%2F..%2Fgrafana&{TARGET}", CONFIG, "container name"),
        (f"POST /commit?{TARGET}", CONFIG, "container name"),
        ("POST /commit?container=own&repo=mlws-hub&tag=latest", CONFIG, "repository"),
        ("POST /commit?container=own", CONFIG, "repository"),
        (f"POST /commit?container=own&{TARGET}&changes=USER%20root", CONFIG, "changes"),
        (f"POST /commit?container=own&{TARGET}", b"{}", "label"),
        (f"POST /commit?container=own&{TARGET}", b'{"labels": {}}', "spelled"),
        ("POST /images/saved/tag?repo=postgres&tag=17", b"", "repository"),
        ("POST /images/saved/tag?tag=17", b"", "repository"),
        (f"POST /images/postgres:17/tag?{TARGET}", b"", "does not belong"),
        (f"POST /images/lab/tag?{TARGET}", b"", "does not belong"),
        ("DELETE /images/postgres:17?force=1", b"", "does not belong"),
        ("DELETE /images/lab", b"", "does not belong"),
        ("POST /images/prune", b"", "label"),
        ("POST /images/prune?filters=%7B%22dangling%22%3A%5B%22false%22%5D%7D", b"", "label"),
        ("POST /images/create?fromSrc=-&repo=mlws-hub&tag=latest", b"", "fromSrc"),
        ("POST /images/create?fromImage=lab&repo=postgres", b"", "repo"),
        ("GET /exec/e2/json", b"", "does not belong"),
        ("POST /exec/e2/start", b"{}", "does not belong"),
        # The beginning of a container's id is a name for it as well.
        ("POST /containers/create?name=e3b0c4", json.dumps(builder()).encode(), "name"),
        ("POST /volumes/create", b"[" * 100_000, "nested"),
        ("POST /volumes/create", b'{"Labels":' * 50_000 + b"1" + b"}" * 50_000, "nested"),
    ],
)
def test_what_belongs_to_others_is_neither_read_nor_overwritten(
    line: str, body: bytes, reason: str, asked: Ask
) -> None:
    answer, got = asked(message(line, body), KNOWN)
    assert answer.startswith(b"HTTP/1.1 403 "), answer
    assert reason in json.loads(answer.partition(b"\r\n\r\n")[2])["message"]
    assert got == []


@pytest.mark.parametrize(
    "media_type", ["application/x-www-form-urlencoded", "Multipart/Form-Data; boundary=x"]
)
def test_a_form_has_no_parameters_for_the_engine(media_type: str, asked: Ask) -> None:
    request = message(
        f"POST /images/saved/tag?{TARGET}", b"repo=mlws-hub", f"content-type: {media_type}"
    )
    answer, got = asked(request, KNOWN)
    assert answer.startswith(b"HTTP/1.1 403 "), answer
    assert got == []


@pytest.mark.parametrize(
    "line",
    [
        "GET /containers/postgres/export",
        "GET /v1.45/containers/x/archive?path=/",
        "POST /v1.45/containers/x/attach",
        "POST /containers/x/rename?name=y",
        "GET /images/lab/get",
        "POST /images/lab/push",
        "POST /images/load",
        "POST /build",
        "POST /swarm/init",
        "GET /secrets",
        "POST /plugins/pull",
        "POST /networks/team/connect",
        "DELETE /networks/team",
        "GET /v1.45/../info",
        "GET /v1.45//info",
        "GET /info%0d%0aX:%20y",
        "GET http://docker/info",
        "TRACE /info",
        "get /info",
    ],
)
def test_other_addresses_never_reach_the_engine(line: str, asked: Ask) -> None:
    answer, got = asked(f"{line} HTTP/1.1\r\nHost: docker\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["message"]
    assert got == []


def test_one_request_of_a_connection_is_passed_on(
    asked: Ask,
) -> None:
    one = b"GET /v1.45/info HTTP/1.1\r\nHost: docker\r\nConnection: keep-alive, Upgrade\r\n"
    other = b"POST /containers/create HTTP/1.1\r\nHost: docker\r\n\r\n"
    answer, got = asked(one + b"Upgrade: tcp\r\n\r\n" + other)
    assert answer.endswith(b"here")
    assert got == [b"GET /v1.45/info HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n"]
