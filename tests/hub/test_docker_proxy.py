"""The Docker proxy of compose.yaml between the Docker library and a real engine."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker import APIClient

from hub_config.engine import Engine as Docker
from jupyter_mlws.containers.models import Amount
from jupyter_mlws.hub.docker import container_config
from jupyter_mlws.hub.docker.engine import Engine
from jupyter_mlws.hub.docker.personal_images import BUILDER, PersonalImages, image_name
from jupyter_mlws.hub.scheduling.policy import ResolvedSpec
from tests.hub.docker_engine import LIGHT
from tests.hub.installation import free_slot

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

HUB = "mlws-proxied"
OTHER = "mlws-of-others"
"""An image and a container that are not the Hub's."""
ENVIRONMENTS = f"{HUB}-environment"


@pytest.fixture
def machine(docker: Docker, image: str) -> Iterator[APIClient]:
    """The engine itself, with an image and a container of others and the labs' network."""
    client = APIClient(base_url=docker.host or os.environ.get("DOCKER_HOST"), version="auto")
    with contextlib.closing(client):
        client.tag(LIGHT, OTHER)
        subnet = free_slot(docker).subnet
        client.create_network(**container_config.network(HUB, "br-proxied", subnet))
        secret = {"PASSWORD": "of-others"}
        client.create_container(OTHER, ["sleep", "infinity"], name=OTHER, environment=secret)
        client.start(OTHER)
        try:
            yield client
        finally:
            builders = client.containers(all=True, filters={"label": f"{BUILDER}={HUB}"})
            for row in [*builders, {"Id": OTHER}]:
                client.remove_container(row["Id"], force=True)
            client.remove_network(HUB)
            for row in client.images(ENVIRONMENTS):
                client.remove_image(row["Id"], force=True)
            client.remove_image(OTHER)


@pytest.fixture
def engine(
    machine: APIClient, docker: Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Engine]:
    """The Hub's own client, which has the proxy alone."""
    socket = tmp_path / "proxy"
    host = docker.host or os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    environment = {
        **os.environ, "HUB_NAME": HUB, "DOCKER_SOCKET": host.removeprefix("unix://"),
    }  # fmt: skip
    command = [sys.executable, "-m", "hub_config.docker_proxy", str(socket)]
    with subprocess.Popen(command, env=environment) as proxy:
        try:
            while not socket.exists() or socket.stat().st_mode & 0o777 != 0o666:
                assert proxy.poll() is None
            monkeypatch.setenv("DOCKER_HOST", f"unix://{socket}")
            with contextlib.closing(Engine(HUB)) as engine:
                yield engine
        finally:
            proxy.terminate()


@pytest.mark.exhaustive
def test_a_hub_saves_images_and_neither_reads_nor_replaces_those_of_others(
    machine: APIClient, engine: Engine
) -> None:
    client: Any = engine.client
    images = PersonalImages(engine)
    spec = ResolvedSpec("Lab", LIGHT, Amount(cpu=1, memory=2**29), {})
    builder = images._builder(spec, spec.resources)
    client.start(builder)
    packages = images.installed(builder)
    execution = machine.exec_create(OTHER, ["env"])["Id"]
    before = {row["Id"]: sorted(row["RepoTags"] or ()) for row in machine.images(all=True)}

    def is_refused(method: str, path: str, *query: tuple[str, str], **more: Any) -> bool:
        url = f"{client.base_url}/v{client.api_version}{path}"
        return client.request(method, url, params=query, **more).status_code == 403

    target, saved = [("repo", ENVIRONMENTS), ("tag", "x")], {"mlws.environment.hub": HUB}
    for containers in ((OTHER, builder), (OTHER,), ("", builder)):
        parameters = [("container", name) for name in containers]
        assert is_refused("POST", "/commit", *parameters, *target, json={"Labels": saved})
    own = ("container", builder)
    form = {"repo": OTHER, "container": OTHER}
    assert is_refused("POST", "/commit", own, ("repo", OTHER), json={"Labels": saved})
    assert is_refused("POST", "/commit", own, *target, data=form)
    assert is_refused("POST", f"/images/{LIGHT}/tag", ("repo", OTHER))
    assert is_refused("POST", f"/images/{LIGHT}/tag", *target)
    assert is_refused("POST", f"/images/{LIGHT}/tag", *target, data=form)
    assert is_refused("POST", "/images/create", ("fromSrc", "-"), ("repo", OTHER), data=b"")
    assert is_refused("DELETE", f"/images/{OTHER}")
    assert is_refused("POST", "/images/prune", ("filters", '{"dangling":["false"]}'))
    assert is_refused("GET", f"/exec/{execution}/json")
    assert is_refused("POST", f"/exec/{execution}/start", json={"Detach": False})
    after = {row["Id"]: sorted(row["RepoTags"] or ()) for row in machine.images(all=True)}
    assert after == before
    client.remove_container(builder, force=True)

    images.build(spec, "ann", "mine", packages, {}, None, spec.resources, lambda line: None)
    assert [(one.user, one.name) for one in images.all()] == [("ann", "mine")]
    image = image_name(HUB, "ann", "mine")
    # Saved once more: the first is removed.
    images.build(spec, "ann", "mine", packages, {}, None, spec.resources, lambda line: None)
    assert machine.inspect_image(image)["RepoTags"] == [image]
    images.remove("ann", "mine")
    assert images.all() == []
