"""Finds the components of the library, of other packages and of the project.

A project's code is not imported in this process, but in a separate one, and only if the project is
trusted.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import pkgutil
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlws.core.trust import is_trusted

if TYPE_CHECKING:
    from jupyter_mlws.components.columns import Rule
    from jupyter_mlws.components.models import Component
    from jupyter_mlws.components.needs import Needs

FOLDER = "components"
"""The project's folder of components."""
PROJECT_MODULES = "mlws_project_components"
"""The package that its files are imported as."""
ENTRY_POINT_GROUP = "jupyter_mlws.components"
"""The entry points of other packages: each names a module."""
IMPORT_TIMEOUT = 30
"""Seconds for importing a project's components."""

Key = tuple[str, int, int]


class Registry:
    """The components of one project; files are read again only when they change. Thread-safe."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._cache: dict[Key, list[Component]] = {}
        self._last_keys: frozenset[Key] = frozenset()
        self._lock = threading.Lock()

    def all(self) -> dict[str, Component]:
        """Return every component by name, the library's first."""
        components = {component.name: component for component in library()}
        for component in (*_packages(), *self._project()):
            if component.name in components and component.error is None:
                continue
            components[component.name] = component
        return components

    def _project(self) -> list[Component]:
        from jupyter_mlws.components.models import Component

        files = project_files(self.root)
        if not is_trusted(self.root):
            reason = "the project is not trusted, so its components are not imported"
            return [Component(**error_row(f"{FOLDER}/{file.name}", reason)) for file in files]
        keys = {file: _key(file) for file in files}
        all_keys = frozenset(_key(file) for file in (self.root / FOLDER).glob("*.py"))
        with self._lock:
            if all_keys != self._last_keys:
                # The fault of one file may be fixed in another that it imports.
                self._cache = {
                    key: components
                    for key, components in self._cache.items()
                    if all(component.error is None for component in components)
                }
                self._last_keys = all_keys
            news = [file for file in files if keys[file] not in self._cache]
            fresh: dict[Path, list[Component]] = {file: [] for file in news}
            paths = [str(file) for file in news]
            rows = ask_inspector(str(self.root), *paths) if news else []
            if len(news) > 1 and all(row["error"] for row in rows):
                # A file that ends the process or blocks it must not hide the others.
                rows = [row for path in paths for row in ask_inspector(str(self.root), path)]
            for row in rows:
                fresh[self.root / row["path"]].append(Component(**row))
            cache_hits = {key: self._cache[key] for key in keys.values() if key in self._cache}
            self._cache = cache_hits | {keys[file]: fresh[file] for file in news}
            return [item for file in files for item in self._cache[keys[file]]]


@lru_cache(maxsize=1)
def library() -> tuple[Component, ...]:
    """Return the library's components, in the order of their categories."""
    from jupyter_mlws.components.declaration import describe, find_components

    return tuple(
        describe(function, "library")
        for module in _library_modules()
        for function in find_components(module).values()
    )


@lru_cache(maxsize=1)
def library_rules() -> Mapping[str, Rule]:
    """Return the rules for the columns of the library's components, by name."""
    from jupyter_mlws.components.declaration import MARK, find_components

    return {
        name: getattr(function, MARK).columns
        for module in _library_modules()
        for name, function in find_components(module).items()
        if getattr(function, MARK).columns is not None
    }


@lru_cache(maxsize=1)
def library_needs() -> Mapping[str, Needs]:
    """Return what the library's components need of columns, by name."""
    from jupyter_mlws.components.declaration import MARK, find_components

    return {
        name: getattr(function, MARK).needs
        for module in _library_modules()
        for name, function in find_components(module).items()
        if getattr(function, MARK).needs is not None
    }


def load_function(name: str, root: Path) -> tuple[Callable[..., Any], str] | None:
    """Return the function of a component and its source; imports the project's code."""
    from importlib.metadata import entry_points

    from jupyter_mlws.components.declaration import find_components

    for module in _library_modules():
        if name in find_components(module):
            return find_components(module)[name], "library"
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        try:
            functions = find_components(entry.load())
        except Exception:  # noqa: BLE001, S112  another package's fault; the palette tells it
            continue
        if name in functions:
            return functions[name], "library"
    defines = re.compile(rf"^def {re.escape(name)}\b", re.MULTILINE)
    for file in project_files(root):
        if defines.search(file.read_text(encoding="utf-8")):
            functions = find_components(load_file(root, file))
            if name in functions:
                return functions[name], "project"
    return None


def project_files(root: Path) -> list[Path]:
    """Return the project's files of components."""
    return sorted(p for p in (root / FOLDER).glob("*.py") if not p.name.startswith("_"))


def load_file(root: Path, file: Path) -> Any:
    """Import one file of components; it may import its neighbours and the project's modules."""
    for folder in (str(file.parent), str(root / FOLDER), str(root)):
        if folder not in sys.path:
            sys.path.insert(0, folder)
    name = f"{PROJECT_MODULES}.{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _library_modules() -> Iterator[Any]:
    from jupyter_mlws.components import library as package

    for name in package.ORDER:
        yield importlib.import_module(f"{package.__name__}.{name}")
    module_names = {entry.name for entry in pkgutil.iter_modules(package.__path__)}
    assert module_names == set(package.ORDER), "a file is missing from ORDER"


def _key(file: Path) -> Key:
    status = file.stat()
    return str(file), status.st_mtime_ns, status.st_size


@lru_cache(maxsize=1)
def _packages() -> list[Component]:
    from importlib.metadata import entry_points

    from jupyter_mlws.components.models import Component

    # Cached: installed packages do not change while the server runs, and the search is slow.
    if not entry_points(group=ENTRY_POINT_GROUP):
        return []
    return [Component(**row) for row in ask_inspector("--packages")]


def ask_inspector(*arguments: str) -> list[dict[str, Any]]:
    """Return the rows of a separate process for a root's files, or for ``--packages``."""
    command = [sys.executable, "-m", "jupyter_mlws.components.inspector", *arguments]
    try:
        answer = subprocess.run(
            command,
            # Modules of the project would shadow those of Python.
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=IMPORT_TIMEOUT,
            check=True,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        stderr_lines = (
            (error.stderr or "").strip().splitlines() if isinstance(error.stderr, str) else []
        )
        reason = stderr_lines[-1] if stderr_lines else str(error)
        if arguments == ("--packages",):
            return [error_row(ENTRY_POINT_GROUP, reason) | {"path": None}]
        # A file calls `exit`, for example, or its import does not end.
        return [error_row(f"{FOLDER}/{Path(file).name}", reason) for file in arguments[1:]]
    rows: list[dict[str, Any]] = json.loads(answer.stdout)
    return rows


def error_row(path: str, reason: str) -> dict[str, Any]:
    """Return the row of a file that could not be read."""
    return {
        "name": Path(path).stem,
        "title": Path(path).stem,
        "category": "Project",
        "description": "",
        "inputs": [],
        "outputs": [],
        "settings": {},
        "source": "project",
        "path": path,
        "error": reason,
    }
