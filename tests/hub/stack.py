"""The stack of compose.yaml on a real Docker engine, started once for all tests of a run."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from hub_config.compose import FILE, build_hub, make_secrets, up
from hub_config.engine import Engine, base_image
from hub_config.settings import Settings
from tests.hub.docker_engine import OWN_BASE
from tests.hub.installation import Hub, free_slot

STANDINS = ("postgres", "nginx", "prometheus")
PORTS = ("TLS", "HTTP", "POSTGRES", "PROMETHEUS", "PROXY_API", "TEAM")
IMAGES = Path(__file__).parent / "images"
SMALL = {"cpu": "500m", "memory": "1Gi"}


@dataclass
class Stack(Hub):
    """The Hub behind nginx."""

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.environment['HUB_TLS_PORT']}"

    @property
    def prometheus(self) -> str:
        return f"http://127.0.0.1:{self.environment['HUB_PROMETHEUS_PORT']}/api/v1"


@pytest.fixture(scope="session")
def stack_images(docker: Engine, request: pytest.FixtureRequest) -> None:
    """The Hub's image from this wheel, and Debian's programs instead of registries' images."""
    if os.environ.get("MLWS_TEST_IMAGE") and docker.has_image("mlws-test-hub"):
        return
    base = base_image(docker, OWN_BASE)
    for name in STANDINS:
        docker.run(
            "buildx", "build", "--load", f"--build-arg=BASE_IMAGE={base}", f"--target={name}",
            f"--tag=mlws-test-{name}", f"--file={IMAGES / 'Dockerfile.debian'}", str(IMAGES),
            timeout=900,
        )  # fmt: skip
    build_hub(docker, request.getfixturevalue("wheel"), "mlws-test-hub", base)


@pytest.fixture(scope="session")
def stack(
    docker: Engine, image: str, stack_images: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("compose")
    name = f"mlws-c-{secrets.token_hex(3)}"
    slot = free_slot(docker)
    environment = {
        **docker.environment,
        "HUB_NAME": name,
        "HUB_SUBNET": slot.subnet,
        "HUB_SECRETS": str(folder / "secrets"),
        "HUB_IMAGE": image,
        "HUB_PUBLIC_IP": "127.0.0.1",
        # More than a small machine has, so that tests don't queue behind each other.
        "HUB_CAPACITY": '{"cpu": "16", "memory": "24Gi"}',
        "DOCKER_SOCKET": (
            docker.host or os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
        ).removeprefix("unix://"),
        **{f"{one.upper()}_IMAGE": f"mlws-test-{one}" for one in STANDINS},
        **{f"HUB_{name}_PORT": str(port) for name, port in zip(PORTS, slot.ports, strict=False)},
    }
    settings = Settings.read(environment)
    environment["HUB_GATEWAY"] = settings.gateway
    assert len(make_secrets(folder / "secrets", "localhost")) == 6
    assert make_secrets(folder / "secrets", "localhost") == []
    docker.run("tag", "mlws-test-hub", f"{name}-hub")
    password = (folder / "secrets" / "admin_password").read_text()
    found = Stack(settings, docker, environment, password)
    try:
        done = up(docker, environment)
        assert done.returncode == 0, done.stderr + compose(found, "logs", "--tail=40")
        yield found
    finally:
        leave = found.containers()
        if leave:
            docker.run("rm", "--force", *leave)
        print(compose(found, "logs", "--tail=60", "hub", "mlflow", "nginx"))
        compose(found, "down", "--volumes", "--timeout=5")
        volumes = docker.run("volume", "ls", "-q", f"--filter=label=mlws.hub={name}").split()
        if volumes:
            docker.run("volume", "rm", "--force", *volumes)
        docker.run("network", "rm", name)
        docker.run("rmi", f"{name}-hub")


@pytest.fixture(scope="module")
def trust() -> Iterator[None]:
    """The certificate is one that signs itself."""
    with pytest.MonkeyPatch.context() as patch:
        original = requests.Session.request

        def request(self: requests.Session, *arguments: Any, **more: Any) -> requests.Response:
            more.setdefault("verify", False)
            return original(self, *arguments, **more)

        patch.setattr(requests.Session, "request", request)
        yield


def compose(stack: Stack, *arguments: str) -> str:
    return subprocess.run(
        ["docker", "compose", "--file", str(FILE), *arguments],
        env=dict(stack.environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=180,
    ).stdout
