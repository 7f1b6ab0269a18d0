"""Virtual environments with real packages, which are built here and installed by uv."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
UV = str(BIN / "uv")


def build_wheel(folder: Path, name: str, version: str, *, size: int = 0) -> Path:
    """Build a wheel whose module tells its version, with files of ``size`` bytes in all."""
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    metadata = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr(f"{name}/__init__.py", f"VERSION = {version!r}\n")
        for number in range(size // 100_000):
            file.writestr(f"{name}/data_{number}.bin", os.urandom(100_000))
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


class Person:
    """Types commands in a folder, with a home of their own."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self.folder = folder
        self.variables = variables

    def __call__(self, command: str, code: int = 0) -> str:
        answer = subprocess.run(
            command, shell=True, cwd=self.folder, env=self.variables, capture_output=True, text=True
        )
        assert answer.returncode == code, answer.stdout + answer.stderr
        return answer.stdout


@pytest.fixture
def index(tmp_path: Path) -> Path:
    for version in ("1.0", "2.0"):
        build_wheel(tmp_path / "index", "alpha", version)
    return tmp_path / "index"


@pytest.fixture
def person(tmp_path: Path, index: Path) -> Person:
    """Person with a project in Git and DVC, and a remote for its data."""
    home = tmp_path / "home"
    settings = home / ".config/uv/uv.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(f"no-index = true\nfind-links = ['{index}']\n")
    keep = ("LANG", "TMPDIR", "PYTHONPATH")
    person = Person(
        tmp_path / "project",
        {
            **{name: os.environ[name] for name in keep if name in os.environ},
            "HOME": str(home),
            "PATH": f"{BIN}:/usr/bin:/bin",
            "UV_PYTHON": sys.executable,
        },
    )
    person.folder.mkdir()
    person(
        "git init -q -b main . && git config --global user.name Ada &&"
        " git config --global user.email ada@example.org && dvc init -q &&"
        f" dvc remote add -q -d store {tmp_path / 'remote'} &&"
        " dvc config core.autostage true && jupyter mlws trust"
    )
    (person.folder / "tell.py").write_text("import alpha\nprint(alpha.VERSION)\n")
    return person
