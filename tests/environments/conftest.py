"""Virtual environments with real packages, which are built here and installed by uv."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

UV = str(Path(sys.executable).with_name("uv"))


def build_wheel(folder: Path, name: str, version: str) -> Path:
    """Build a wheel whose module tells its version."""
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    metadata = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr(f"{name}/__init__.py", f"VERSION = {version!r}\n")
        file.writestr(
            f"{metadata}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        file.writestr(
            f"{metadata}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{metadata}/RECORD", "")
    return wheel


def uv(*arguments: str | Path) -> None:
    subprocess.run([UV, *map(str, arguments)], check=True, capture_output=True)


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions of two packages."""
    folder = tmp_path_factory.mktemp("wheels")
    for name in ("alpha", "beta_two"):
        for version in ("1.0", "2.0"):
            build_wheel(folder, name, version)
    return folder


@pytest.fixture
def install(wheels: Path) -> Callable[..., None]:
    """Install packages into an environment, which is created: ``install(folder, "alpha==1.0")``."""

    def into(folder: Path, *requirements: str) -> None:
        if not folder.exists():
            uv("venv", "--quiet", "--python", sys.executable, folder)
        options = ("--quiet", "--no-index", "--find-links", wheels, "--python", folder)
        uv("pip", "install", *options, *requirements)

    return into
