"""A real Docker engine, and the image of the later Hub built in it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub.docker_engine import Engine, NoEngineError, base_image, engine

ROOT = Path(__file__).parents[2]
IMAGE = "mlws-test-lab"
BUILD_LIMIT = 1200.0


def absent(reason: str) -> None:
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
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, or the one that ``MLWS_WHEEL`` names."""
    given = os.environ.get("MLWS_WHEEL")
    if given:
        return Path(given).resolve(strict=True)
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)],
        check=True,
        timeout=BUILD_LIMIT,
    )
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="session")
def image(docker: Engine, wheel: Path) -> str:
    """The Hub's user image with that wheel inside, built by the script that people use."""
    try:
        base = base_image(docker)
    except NoEngineError as error:
        absent(str(error))
    authority = os.environ.get("PIP_CERT", "")
    secret = ["--secret", f"id=extra_ca,src={authority}"] if Path(authority).is_file() else []
    subprocess.run(
        [
            str(ROOT / "hub_config" / "image" / "build.sh"),
            "--progress=plain",
            "--tag",
            IMAGE,
            "--label",
            IMAGE,
            "--build-arg",
            f"BASE_IMAGE={base}",
            *secret,
        ],
        env={**docker.environment, "MLWS_WHEEL": str(wheel)},
        check=True,
        timeout=BUILD_LIMIT,
    )
    # The image of the run before has lost its name to this one; what both share stays.
    docker.run("image", "prune", "--force", "--filter", f"label={IMAGE}")
    return IMAGE
