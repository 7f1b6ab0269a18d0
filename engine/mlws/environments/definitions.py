"""The environments that a project defines, in the standard files of their tools.

The root has one, and so has each directory of `envs/`.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from mlws.environments.python_packages import (
    installed_packages,
    normalize,
    read_file,
    site_packages,
)

FOLDER = "envs"
ROOT = "project"
"""Name of the environment whose files are in the project's root."""
KERNEL_PREFIX = "env-"
KERNEL_NAME = re.compile(r"[^a-z0-9._-]+")
"""Characters that names of Jupyter's kernels may not have."""
REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*(==\s*([^\s;,#]+))?")


class Tool(StrEnum):
    """The program that installs an environment."""

    UV = "uv"
    REQUIREMENTS = "requirements"
    PIXI = "pixi"
    CONDA = "conda"


class State(StrEnum):
    """State of an installed environment beside its lock."""

    MISSING = "missing"
    UNLOCKED = "unlocked"
    CHANGED = "changed"
    READY = "ready"


@dataclass(frozen=True)
class Definition:
    """An environment of a project.

    ``files`` define it; ``lock`` is the file with exact versions, whether it exists or not. Both
    are in ``folder``.
    """

    name: str
    folder: Path
    tool: Tool
    files: tuple[str, ...]
    lock: str | None

    @property
    def prefix(self) -> Path:
        """The directory that it is installed into."""
        if self.tool is Tool.PIXI:
            return self.folder / ".pixi" / "envs" / "default"
        return self.folder / (".conda" if self.tool is Tool.CONDA else ".venv")

    @property
    def python(self) -> Path:
        return self.prefix / "bin" / "python"

    @property
    def kernel(self) -> str:
        """Name of its kernel in Jupyter: the same in each clone, since notebooks have it."""
        return KERNEL_PREFIX + KERNEL_NAME.sub("-", self.name.lower())

    @property
    def needs_ipykernel(self) -> bool:
        """True if it has no ipykernel, and its Python cannot import that of the lab either."""
        lab = f"python{sys.version_info.major}.{sys.version_info.minor}"
        sites = site_packages(self.prefix)
        return bool(sites) and not any(
            site.parent.name == lab or any(site.glob("ipykernel-*.dist-info")) for site in sites
        )

    def required(self) -> list[str]:
        """Return the normalized names of the packages that its files name; none for conda."""
        content = _read(self.folder / self.files[0])
        rows: list[Any] = []
        if self.tool is Tool.UV:
            dependencies = _table(content, "project").get("dependencies")
            rows = dependencies if isinstance(dependencies, list) else []
        elif self.tool is Tool.PIXI:
            pixi = _table(_table(content, "tool"), "pixi") or content
            rows = [*_table(pixi, "dependencies"), *_table(pixi, "pypi-dependencies")]
        elif self.tool is Tool.REQUIREMENTS:
            files = [file for file in self.files if file.endswith(".txt")]
            rows = [line for file in files for line in _lines(self.folder / file)]
        matches = [REQUIREMENT.match(row) for row in rows if isinstance(row, str)]
        return sorted({normalize(match[1]) for match in matches if match})

    def packages(self) -> dict[str, str]:
        """Return the installed packages with their versions."""
        return installed_packages(self.prefix)

    def differences(self) -> list[tuple[str, str, str]]:
        """Return packages whose version is not that of the lock: name, version and versions there.

        The version is empty for a direct requirement that is not installed. Only the locks of uv
        and requirements files are read.
        """
        versions, required = self._locked()
        here = self.packages()
        changed = [
            (name, version, " ".join(sorted(versions[name])))
            for name, version in here.items()
            if name in versions and versions[name] and version not in versions[name]
        ]
        missing = [
            (name, "", " ".join(sorted(versions.get(name, ()))))
            for name in sorted(required)
            if name not in here
        ]
        return changed + missing

    def allows(self, packages: Mapping[str, str]) -> bool:
        """Return whether packages of these versions may come from its lock."""
        versions, _ = self._locked()
        return bool(versions) and all(
            version in versions.get(name, ()) for name, version in packages.items()
        )

    def state(self) -> State:
        """Return whether it is installed, and as its lock says."""
        if not self.python.exists():
            return State.MISSING
        if self.lock is None or not (self.folder / self.lock).is_file():
            return State.UNLOCKED
        return State.CHANGED if self.differences() else State.READY

    def _locked(self) -> tuple[dict[str, set[str]], set[str]]:
        """Return the versions of the lock by name, and the names of what is required directly."""
        versions: dict[str, set[str]] = {}
        required: set[str] = set()
        if self.lock is None:
            return versions, required
        path = self.folder / self.lock
        if path.suffix == ".txt":
            for line in _lines(path):
                if (match := REQUIREMENT.match(line)) and not line.lstrip().startswith(("-", "#")):
                    versions.setdefault(normalize(match[1]), set()).update(
                        [match[3]] if match[3] else []
                    )
                    if ";" not in line:
                        required.add(normalize(match[1]))
            return versions, required
        content = _read(path)
        for package in _tables(content, "package") or _tables(content, "packages"):
            name = normalize(str(package.get("name", "")))
            if "version" in package:
                versions.setdefault(name, set()).add(str(package["version"]))
            source = package.get("source")
            if isinstance(source, Mapping) and ("virtual" in source or "editable" in source):
                # The project itself.
                versions.pop(name, None)
                required |= {
                    normalize(str(one.get("name", "")))
                    for one in _tables(package, "dependencies")
                    if "marker" not in one
                }
        return versions, required


def find_definitions(root: Path) -> list[Definition]:
    """Return the environments of the project at ``root``, that of the root first."""
    folders = [(ROOT, root)]
    envs = root / FOLDER
    if envs.is_dir() and not envs.is_symlink():
        # Links would lead to what other projects install.
        folders += [
            (path.name, path)
            for path in sorted(envs.iterdir())
            if path.is_dir() and not path.is_symlink()
        ]
    return [found for name, folder in folders for found in _definitions(name, folder)]


def project_root(folder: Path) -> Path | None:
    """Return the root of the repository that a folder is in, None outside of one."""
    return next((one for one in (folder, *folder.parents) if (one / ".git").exists()), None)


def find_by_kernel(kernel: str, folder: Path) -> Definition | None:
    """Return the installed environment of a kernel's name in the project of ``folder``, if any."""
    # Most kernels are none of these, and nothing is read for them.
    root = project_root(folder) if kernel.startswith(KERNEL_PREFIX) else None
    for definition in find_definitions(root) if root else ():
        if definition.kernel == kernel and definition.python.exists():
            return definition
    return None


def find_definition(folder: Path) -> Definition | None:
    """Return the first environment that a directory defines, None if it defines none."""
    return next(_definitions(folder.name, folder), None)


def _definitions(name: str, folder: Path) -> Iterator[Definition]:
    """Yield the environment of a directory, if it has one."""
    project = _read(folder / "pyproject.toml")
    tool = project.get("tool")
    if (folder / "pixi.toml").is_file():
        yield Definition(name, folder, Tool.PIXI, ("pixi.toml",), "pixi.lock")
    elif isinstance(tool, Mapping) and "pixi" in tool:
        yield Definition(name, folder, Tool.PIXI, ("pyproject.toml",), "pixi.lock")
    elif "project" in project:
        yield Definition(name, folder, Tool.UV, ("pyproject.toml",), "uv.lock")
    elif conda := [
        file for file in ("environment.yml", "environment.yaml") if (folder / file).is_file()
    ]:
        yield Definition(name, folder, Tool.CONDA, (conda[0],), None)
    else:
        files = sorted(path.name for path in folder.glob("requirements*.txt"))
        locks = [file for file in ("pylock.toml",) if (folder / file).is_file()]
        if files or locks:
            if locks:
                lock = locks[0]
            else:
                rows = [line.strip() for line in _lines(folder / files[0])]
                rows = [row for row in rows if row and not row.startswith("#")]
                # Exact versions are a lock.
                is_exact = bool(rows) and all("==" in row or row.startswith("--") for row in rows)
                lock = files[0] if is_exact else "pylock.toml"
            yield Definition(name, folder, Tool.REQUIREMENTS, tuple(files or locks), lock)


def _lines(path: Path) -> list[str]:
    try:
        return read_file(path).decode().splitlines()
    except (OSError, ValueError):
        return []


def _read(path: Path) -> Mapping[str, Any]:
    """Return the content of a TOML file; nothing of one that is missing or cannot be read."""
    try:
        return tomllib.loads(read_file(path).decode())
    except (OSError, ValueError, RecursionError):
        return {}


def _table(content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return a table; an empty one if there is none."""
    table = content.get(key)
    return table if isinstance(table, Mapping) else {}


def _tables(content: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """Return an array of tables; the tables of one that is faulty."""
    rows = content.get(key)
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
