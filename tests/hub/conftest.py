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

Use names of people that no other test uses, and stop what you start: memory is shared. Its
capacity is 16 cores and 24 GiB whatever the machine has. Images are `Lab` and `Light`: the latter
has a small web server in JupyterLab's place, for tests about containers that need no lab.

Where the tests of a file need other settings of the service, it has entries of ``MLWS_SETTINGS`` in
``SETTINGS``; those in ``PEOPLE`` have accounts before its first test. A test that stops the Hub, or
needs other settings of the Hub itself, uses ``own``. After a failure all fixtures end, so that the
next test, or the same one again, gets a new Hub: see tests/second_try.py.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from hub_config import requirements
from hub_config.engine import Engine, NoEngineError
from hub_config.settings import Settings
from tests.browser import browser, jp_asyncio_loop, jp_server_cleanup, page, shoot
from tests.hub.docker_engine import cache_folder, engine, lab_image, light_image, locked
from tests.hub.installation import FAILED, Hub, tested
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
    name = os.environ.get("MLWS_TEST_IMAGE")
    if not name:
        wheel: Path = request.getfixturevalue("wheel")
        try:
            name = lab_image(docker, wheel, tmp_path_factory.mktemp("image") / "log")
        except NoEngineError as error:
            absent(str(error))
    light_image(docker, name)
    return name


@pytest.fixture(scope="session")
def shared_hub(
    docker: Engine,
    image: str,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Hub]:
    """The Hub of most tests, whatever settings its service has."""
    with tested(docker, image, tmp_path_factory.mktemp("hub"), request) as running:
        yield running


@pytest.fixture(scope="module")
def hub(shared_hub: Hub, request: pytest.FixtureRequest) -> Hub:
    """The Hub of most tests, with the settings that the file has for its service."""
    shared_hub.change(getattr(request.module, "SETTINGS", {}))
    for user in getattr(request.module, "PEOPLE", ()):
        shared_hub.sign_up(user)
    return shared_hub


@pytest.fixture(scope="session")
def own(
    docker: Engine,
    image: str,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Hub]:
    """A Hub that tests may stop and kill; ``own.again(...)`` starts it with other settings."""
    with tested(docker, image, tmp_path_factory.mktemp("own"), request) as running:
        yield running


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    item.session.stash[FAILED] = False


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        item.session.stash[FAILED] = True
    return report
