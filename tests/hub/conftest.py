"""A real Docker engine, the image of a lab built in it, and a whole Hub.

``hub`` is an installation of its own, made by the code of ``make hub`` and shared by all tests of
a run; see :class:`tests.hub.installation.Hub` for what it can do::

    def test_something(hub: Hub) -> None:
        token = hub.sign_up("ada")          # agreed to by the administrator; her token
        hub.start("ada", {"resources": {"cpu": "500m", "memory": "1Gi"}})
        assert hub.lab("GET", "ada", "api/status").ok
        hub.service("GET", "containers", "ada").json()
        hub.shell("ada", "id -u")           # in her container
        hub.stop("ada")

Use names of people that no other test uses, and stop what you start: memory is shared. Its capacity
is 16 cores and 24 GiB whatever the machine has. Where a test needs settings of its own, or stops
the Hub, it makes its own ``own_hub(name, HUB_CAPACITY=...)``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from hub_config import requirements
from hub_config.engine import Engine, NoEngineError
from hub_config.settings import Settings
from tests.browser import browser, jp_asyncio_loop, jp_server_cleanup, page, shoot
from tests.hub.docker_engine import cache_folder, engine, lab_image, locked
from tests.hub.installation import Hub, tested
from tests.hub.stack import stack, stack_images, trust

__all__ = [
    "browser",
    "jp_asyncio_loop",
    "jp_server_cleanup",
    "page",
    "shoot",
    "stack",
    "stack_images",
    "trust",
]


def absent(reason: str) -> NoReturn:
    """Skip aloud; fail where the engine was promised."""
    if os.environ.get("MLWS_REQUIRE_DOCKER") == "1":
        pytest.fail(f"Docker is required here: {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def docker() -> Iterator[Engine]:
    """A Docker engine."""
    try:
        with engine() as found:
            yield found
    except NoEngineError as error:
        absent(str(error))


@pytest.fixture(scope="session")
def wheel() -> Path:
    """The wheel of this checkout, or the one that ``MLWS_WHEEL`` names."""
    with locked("wheel"):
        return requirements.wheel(Settings.read({"HUB_DATA": str(cache_folder())}))


@pytest.fixture(scope="session")
def image(
    docker: Engine, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The Hub's user image with that wheel inside, built by the script that people use.

    ``MLWS_TEST_IMAGE`` names one that is there already, to save the build while working on a test.
    """
    given = os.environ.get("MLWS_TEST_IMAGE")
    if given:
        return given
    wheel: Path = request.getfixturevalue("wheel")
    try:
        return lab_image(docker, wheel, tmp_path_factory.mktemp("image") / "log")
    except NoEngineError as error:
        absent(str(error))


@pytest.fixture(scope="session")
def hub(
    docker: Engine,
    image: str,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Hub]:
    """The Hub of most tests."""
    with tested(docker, image, tmp_path_factory.mktemp("hub"), request) as running:
        yield running
