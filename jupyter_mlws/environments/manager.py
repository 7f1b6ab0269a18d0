"""Creates, changes, locks and installs the environments of a project, by uv and its like.

An environment is installed beside the present one, which is replaced at the end: after an error or
a kill the present one is as before.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from jupyter_mlws.core.errors import (
    AlreadyExistsError,
    EnvironmentToolError,
    ProjectEnvironmentNotFoundError,
)
from jupyter_mlws.core.trust import require_trust
from jupyter_mlws.environments.models import (
    CreateEnvironment,
    EnvironmentDeleted,
    EnvironmentUse,
    LockDifference,
    ProjectEnvironment,
    ProjectEnvironmentDetail,
)
from jupyter_mlws.environments.tools import find_tool, remove_directory, run_tool, uv
from mlws.core.atomic import atomic_write
from mlws.core.errors import Fault, InvalidRequestError, OutsideWorkspaceError
from mlws.core.i18n import Message
from mlws.core.locking import FileLock
from mlws.core.paths import size_of
from mlws.core.progress import ProgressCallback, no_progress, report_waiting
from mlws.core.project import Project
from mlws.environments.definitions import FOLDER, ROOT, Definition, Tool, find_definitions
from mlws.environments.python_packages import site_packages

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
INVALID_NAME = Message(
    "A name has only letters, digits, _ and -, begins with a letter or digit, and has at most 63."
)
VERSION = re.compile(r"3\.\d+")
INVALID_VERSION = Message("A version of Python is, for example, 3.12.")
INVALID_PACKAGE = Message("A package is a name with an optional version, not an option.")
LOCK_TIMEOUT = 600.0
"""Seconds to wait for another process that changes the same environment."""
PYPROJECT = """\
[project]
name = "{name}"
version = "0"
requires-python = "{python}"
dependencies = []

[tool.uv]
package = false
"""
NEW, OLD = ".new", ".old"
"""Suffixes of an environment that is being installed, and of one that was replaced."""


class EnvironmentManager:
    """The environments of one project. Thread-safe.

    ``find_uses`` returns the nodes and notebooks that use an environment.
    """

    def __init__(
        self,
        project: Project,
        find_uses: Callable[[Definition], list[EnvironmentUse]] = lambda _: [],
    ) -> None:
        self._project = project
        self._root = project.root
        self._find_uses = find_uses

    def all(self) -> list[ProjectEnvironment]:
        """Return the environments that the project defines, that of its root first."""
        return [self._model(definition) for definition in find_definitions(self._root)]

    def get(self, name: str) -> ProjectEnvironmentDetail:
        """Return an environment with packages, differences from its lock, size and uses.

        Raises ProjectEnvironmentNotFoundError.
        """
        definition = self._find(name)
        return ProjectEnvironmentDetail(
            **dict(self._model(definition)),
            packages=definition.packages(),
            required=definition.required(),
            differences=[
                LockDifference(name=package, version=version or None, locked=locked or None)
                for package, version, locked in definition.differences()
            ]
            if definition.python.exists()
            else [],
            size=_size(
                definition.prefix,
                *(site.stat().st_mtime_ns for site in site_packages(definition.prefix)),
            ),
            used_by=self._find_uses(definition),
        )

    def create(
        self, request: CreateEnvironment, progress: ProgressCallback = no_progress
    ) -> ProjectEnvironment:
        """Create an environment in `envs/`, or in the root, with packages, and install it.

        Raises AlreadyExistsError, InvalidRequestError for a name, version or package,
        OutsideWorkspaceError if `envs/` is a link to elsewhere, and PackageChangeError if uv cannot
        resolve or install it; then nothing is left.
        """
        require_trust(self._project)
        check_creation(request)
        folder = self._root if request.name == ROOT else self._root / FOLDER / request.name
        with self._hold(request.name, "create environment", progress):
            file = folder / "pyproject.toml"
            definition = Definition(request.name, folder, Tool.UV, (file.name,), "uv.lock")
            if any(one.folder == folder for one in find_definitions(self._root)):
                raise AlreadyExistsError(name=request.name)
            # An environment without a definition was made by hand.
            for path in (file, definition.prefix):
                if os.path.lexists(path):
                    raise AlreadyExistsError(name=path.relative_to(self._root).as_posix())
            if folder.resolve() != folder:
                raise OutsideWorkspaceError(path=folder.relative_to(self._root).as_posix())
            is_new = not folder.exists()
            folder.mkdir(parents=True, exist_ok=True)
            python = (
                f"=={request.python}.*"
                if request.python
                else f">={sys.version_info.major}.{sys.version_info.minor}"
            )
            atomic_write(file, PYPROJECT.format(name=request.name, python=python).encode())
            try:
                self._change(definition, ["add", *request.packages], progress)
                self._install(definition, progress)
            except BaseException:
                if is_new:
                    shutil.rmtree(folder, ignore_errors=True)
                else:
                    for name in (file.name, "uv.lock"):
                        (folder / name).unlink(missing_ok=True)
                raise
        return self._model(definition)

    def add(
        self, name: str, packages: Sequence[str], progress: ProgressCallback = no_progress
    ) -> ProjectEnvironment:
        """Add packages, lock and install. Raises as :meth:`create`; then files are as before."""
        return self._change_packages(name, "add", packages, progress)

    def remove(
        self, name: str, packages: Sequence[str], progress: ProgressCallback = no_progress
    ) -> ProjectEnvironment:
        """Remove packages, lock and install. Raises as :meth:`add`."""
        return self._change_packages(name, "remove", packages, progress)

    def lock(self, name: str, progress: ProgressCallback = no_progress) -> ProjectEnvironment:
        """Write the lock from the definition; nothing is installed."""
        require_trust(self._project)
        definition = self._find(name)
        with self._hold(name, "lock environment", progress), _kept(definition):
            if definition.tool is Tool.REQUIREMENTS:
                output = ["--format", "pylock.toml", "--output-file", "pylock.toml"]
                source = next((f for f in definition.files if f.endswith(".txt")), None)
                if source is None:
                    raise EnvironmentToolError(name=name, tool=definition.tool)
                run_tool(
                    definition.name,
                    definition.folder,
                    [*uv(), "pip", "compile", "--universal", *output, source],
                    progress,
                )
            elif definition.tool is Tool.PIXI:
                run_tool(
                    definition.name, definition.folder, [find_tool("pixi", name), "lock"], progress
                )
            elif definition.tool is Tool.UV:
                run_tool(definition.name, definition.folder, [*uv(), "lock"], progress)
            else:
                raise EnvironmentToolError(name=name, tool=definition.tool)
        return self._model(self._find(name))

    def sync(self, name: str, progress: ProgressCallback = no_progress) -> ProjectEnvironment:
        """Install an environment as its lock says, or its definition if there is no lock."""
        require_trust(self._project)
        definition = self._find(name)
        with self._hold(name, "install environment", progress):
            self._install(definition, progress)
        return self._model(definition)

    def delete(self, name: str) -> EnvironmentDeleted:
        """Delete an environment of `envs/` with its files; of the root, only what is installed.

        Files that git versions can be restored from it.
        """
        definition = self._find(name)
        with self._hold(name, "delete environment", no_progress):
            paths = [definition.prefix] if name == ROOT else [definition.folder]
            for path in paths:
                # Out of the way at once: deleting takes seconds.
                trash = path.with_name(path.name + OLD)
                remove_directory(trash)
                if os.path.lexists(path):
                    path.rename(trash)
                    remove_directory(trash)
        return EnvironmentDeleted(
            name=name, paths=[p.relative_to(self._root).as_posix() for p in paths]
        )

    # One environment

    def _find(self, name: str) -> Definition:
        for definition in find_definitions(self._root):
            if definition.name == name:
                return definition
        raise ProjectEnvironmentNotFoundError(name=name)

    def _model(self, definition: Definition) -> ProjectEnvironment:
        folder = definition.folder.relative_to(self._root)
        lock = definition.lock
        has_lock = lock is not None and (definition.folder / lock).is_file()
        return ProjectEnvironment(
            name=definition.name,
            tool=definition.tool,
            files=[(folder / file).as_posix() for file in definition.files],
            lock=(folder / str(lock)).as_posix() if has_lock else None,
            prefix=definition.prefix.relative_to(self._root).as_posix(),
            state=definition.state(),
            kernel=definition.kernel,
            needs_ipykernel=definition.needs_ipykernel,
        )

    @contextmanager
    def _hold(self, name: str, operation: str, progress: ProgressCallback) -> Iterator[None]:
        """Keep others from changing the same environment; others may change at the same time."""
        lock = FileLock(self._project.state / f"environment-{name}.lock")
        with lock.hold(f"{operation} {name}", LOCK_TIMEOUT, report_waiting(progress)):
            yield

    def _change_packages(
        self, name: str, action: str, packages: Sequence[str], progress: ProgressCallback
    ) -> ProjectEnvironment:
        require_trust(self._project)
        check_packages(packages)
        definition = self._find(name)
        with self._hold(name, f"{action} packages", progress), _kept(definition):
            self._change(definition, [action, *packages], progress)
            self._install(definition, progress)
        return self._model(definition)

    def _change(
        self, definition: Definition, words: Sequence[str], progress: ProgressCallback
    ) -> None:
        """Change definition and lock without installing."""
        if definition.tool is Tool.PIXI:
            program = find_tool("pixi", definition.name)
            run_tool(
                definition.name,
                definition.folder,
                [program, words[0], "--no-install", *words[1:]],
                progress,
            )
        elif definition.tool is Tool.UV:
            arguments = [*words, "--no-sync"] if words[1:] else ["lock"]
            run_tool(definition.name, definition.folder, [*uv(), *arguments], progress)
        else:
            raise EnvironmentToolError(name=definition.name, tool=definition.tool)

    def _install(self, definition: Definition, progress: ProgressCallback) -> None:
        """Install an environment beside the present one, and put it in its place."""
        if definition.tool is Tool.PIXI:
            # It changes what differs, and repairs what was cut short.
            run_tool(
                definition.name,
                definition.folder,
                [find_tool("pixi", definition.name), "install", "--frozen"],
                progress,
            )
            return
        new, old = (
            definition.prefix.with_name(definition.prefix.name + suffix) for suffix in (NEW, OLD)
        )
        if not os.path.lexists(definition.prefix) and os.path.lexists(old):
            # Killed between the two moves.
            old.rename(definition.prefix)
        remove_directory(new)
        remove_directory(old)
        try:
            for command in _installation(definition, new):
                run_tool(
                    definition.name,
                    definition.folder,
                    command,
                    progress,
                    {"UV_PROJECT_ENVIRONMENT": str(new)},
                )
            if os.path.lexists(definition.prefix):
                definition.prefix.rename(old)
            new.rename(definition.prefix)
        except BaseException:
            remove_directory(new)
            raise
        remove_directory(old)


def check_creation(request: CreateEnvironment) -> None:
    """Raise InvalidRequestError for a name, version or package that cannot be."""
    faults = []
    if not NAME.fullmatch(request.name):
        faults.append(Fault("name", INVALID_NAME))
    if request.python and not VERSION.fullmatch(request.python):
        faults.append(Fault("python", INVALID_VERSION))
    if faults:
        raise InvalidRequestError(faults=faults)
    check_packages(request.packages)


def check_packages(packages: Sequence[str]) -> None:
    """Raise InvalidRequestError for what would be an option of a program."""
    faults = [
        Fault(f"packages.{place}", INVALID_PACKAGE)
        for place, package in enumerate(packages)
        if not package.strip() or package.startswith("-")
    ]
    if faults:
        raise InvalidRequestError(faults=faults)


@lru_cache(maxsize=32)
def _size(prefix: Path, *_: int) -> int:
    """Return the bytes of all files; the other arguments change when packages do."""
    return sum(
        size_of(Path(folder, name)) or 0 for folder, _, names in os.walk(prefix) for name in names
    )


@contextmanager
def _kept(definition: Definition) -> Iterator[None]:
    """Restore definition and lock if the body fails."""
    names = {*definition.files, *([definition.lock] if definition.lock else [])}
    before = {
        path: path.read_bytes() if path.is_file() else None
        for path in (definition.folder / name for name in names)
    }
    try:
        yield
    except BaseException:
        for path, content in before.items():
            if content is None:
                path.unlink(missing_ok=True)
            elif not path.is_file() or path.read_bytes() != content:
                atomic_write(path, content)
        raise


def _installation(definition: Definition, prefix: Path) -> Iterator[list[str]]:
    """Yield the commands that install an environment into an empty directory."""
    has_lock = definition.lock is not None and (definition.folder / definition.lock).is_file()
    if definition.tool is Tool.CONDA:
        program = next((p for p in ("micromamba", "mamba", "conda") if shutil.which(p)), "conda")
        words = ["create"] if program == "micromamba" else ["env", "create"]
        yield [
            find_tool(program, definition.name),
            *words,
            "-y",
            "-p",
            str(prefix),
            "-f",
            definition.files[0],
        ]
        return
    # Its programs find their Python wherever the directory is moved.
    yield [*uv(), "venv", "--relocatable", str(prefix)]
    if definition.tool is Tool.UV:
        yield [*uv(), "sync", *(["--frozen"] if has_lock else [])]
    elif has_lock:
        yield [*uv(), "pip", "sync", "--python", str(prefix), str(definition.lock)]
    else:
        files = [word for file in definition.files for word in ("--requirements", file)]
        yield [*uv(), "pip", "install", "--python", str(prefix), *files]
