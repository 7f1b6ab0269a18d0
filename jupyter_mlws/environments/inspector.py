"""Reads environments, each again only after its packages have changed.

They are kept in a file, so that a process that starts later only looks at the times of
the packages' directories.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from platform import python_implementation, python_version
from sysconfig import get_platform
from typing import Any

from jupyter_mlws.environments.record import Environment
from mlws.core.atomic import atomic_write
from mlws.environments.programs import Language, Program
from mlws.environments.python_packages import editable_marks, read_conda, read_file, read_packages

TIMEOUT = 20.0
"""Seconds for an interpreter to describe itself; the first start on a slow disk takes some."""
FILE = "environments.json"
FORMAT = 2
"""Files of another format are ignored."""
PYTHON_FACTS = """\
import json, platform, sys, sysconfig
print(json.dumps([platform.python_implementation(), platform.python_version(),
    sysconfig.get_platform(), sys.prefix, [path for path in sys.path if path]]))
"""
R_FACTS = """\
cat(paste(R.version$major, R.version$minor, sep = "."), R.version$platform, .libPaths(),
    sep = "\\n")
"""
VARIABLES = (
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONNOUSERSITE",
    "R_LIBS",
    "R_LIBS_USER",
    "JULIA_PROJECT",
    "MLWS_IMAGE",
)
"""Variables by which the same program has other packages."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Interpreter:
    """Facts that an interpreter gives; ``directories`` have the packages, in their order."""

    implementation: str
    version: str
    platform: str
    prefix: str
    directories: Sequence[str]


@dataclass
class _Entry:
    """An interpreter, and its environment with the times of the files that tell of changes."""

    mark: str
    interpreter: Interpreter
    state: list[list[Any]] = field(default_factory=list)
    watched: list[str] = field(default_factory=list)
    environment: Environment | None = None


class Inspector:
    """Reads the environments of programs for one project; for one thread.

    ``folder`` has the file with those that were read. If ``may_start`` is false, only programs are
    described that were described before: no program is started.
    """

    def __init__(self, folder: Path, *, may_start: bool = True) -> None:
        self._file = folder / FILE
        self._may_start = may_start
        self._entries: dict[str, _Entry] | None = None
        self._has_news = False

    def environment(self, program: Program, variables: Mapping[str, str]) -> Environment | None:
        """Return the environment of a program; None if it cannot be described."""
        try:
            return self._inspect(program, variables)
        except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
            # A package with odd files fails neither a run nor a plan.
            log.warning("The environment of %s cannot be read: %r", program.path, error)
            return None

    def _inspect(self, program: Program, variables: Mapping[str, str]) -> Environment | None:
        if program.language is Language.CONTAINER:
            return _container(program.path) if self._may_start else None
        # Other languages than Python have packages of the project that the program starts in.
        folder = "" if program.language is Language.PYTHON else program.folder
        key = "\0".join([program.path, folder, *(variables.get(name, "") for name in VARIABLES)])
        entries = self._read()
        entry = entries.get(key)
        mark = _mark(program.path)
        if entry is None or entry.mark != mark:
            if not self._may_start:
                return None
            interpreter = _ask(program, variables)
            if interpreter is None:
                return None
            entry = entries[key] = _Entry(mark, interpreter)
        state = _state([*entry.interpreter.directories, *entry.watched])
        if entry.environment is None or entry.state != state:
            # Of before: what is installed meanwhile is read the next time.
            state = _state(entry.interpreter.directories)
            entry.environment, entry.watched = READERS[program.language](program, entry.interpreter)
            entry.state = state + _state(entry.watched)
            self._has_news = True
        return entry.environment

    def save(self) -> None:
        """Keep the environments for later processes."""
        if not self._has_news or self._entries is None:
            return
        entries = {
            key: {
                "mark": entry.mark,
                "interpreter": entry.interpreter.__dict__,
                "state": entry.state,
                "watched": entry.watched,
                "environment": entry.environment.text,
            }
            for key, entry in self._entries.items()
            if entry.environment is not None
        }
        content = json.dumps({"format": FORMAT, "entries": entries}).encode()
        try:
            atomic_write(self._file, content)
        except OSError as error:
            # It only saves time; a full disk fails what needs the disk.
            log.warning("%s was not written: %s", self._file, error)
        self._has_news = False

    def _read(self) -> dict[str, _Entry]:
        if self._entries is None:
            try:
                content = json.loads(self._file.read_bytes())
                records = content["entries"] if content["format"] == FORMAT else {}
                self._entries = {
                    key: _Entry(
                        record["mark"],
                        Interpreter(**record["interpreter"]),
                        record["state"],
                        record["watched"],
                        Environment.restore(record["environment"]),
                    )
                    for key, record in records.items()
                }
            except (OSError, ValueError, KeyError, TypeError, AttributeError):
                # Damaged, or of another release: it only saves time.
                self._entries = {}
        return self._entries


def _mark(path: str) -> str:
    """Return what changes when a program is replaced: its file's time and its environment's."""
    marks = []
    for place in (path, os.path.join(os.path.dirname(path), "..", "pyvenv.cfg")):
        try:
            status = os.stat(place)
            marks.append(f"{status.st_mtime_ns}:{status.st_size}")
        except OSError:
            marks.append("")
    return " ".join(marks)


def _state(paths: Sequence[str]) -> list[list[Any]]:
    """Return the modification time of each path; 0 where there is none."""
    times: list[list[Any]] = []
    for path in paths:
        try:
            times.append([path, os.stat(path).st_mtime_ns])
        except OSError:
            times.append([path, 0])
    return times


def _ask(program: Program, variables: Mapping[str, str]) -> Interpreter | None:
    """Return what a program says about itself, None if it does not answer."""
    if program.language is Language.PYTHON:
        if _is_this_python(program.path, variables):
            paths = [path for path in sys.path if path]
            facts = (python_implementation(), python_version(), get_platform(), sys.prefix)
            return Interpreter(*facts, tuple(filter(_may_have_packages, paths)))
        text = _output([program.path, "-c", PYTHON_FACTS], variables)
        if text is None:
            return None
        try:
            implementation, version, platform, prefix, directories = json.loads(
                text.splitlines()[-1]
            )
        except (ValueError, IndexError):
            return None
        places = tuple(path for path in directories if _may_have_packages(path))
        return Interpreter(implementation, version, platform, prefix, places)
    if program.language is Language.R:
        script = str(Path(program.path).with_name("Rscript"))
        lines = (_output([script, "--no-echo", "-e", R_FACTS], variables) or "").splitlines()
        if len(lines) < 2:
            return None
        return Interpreter("R", lines[0], lines[1], "", tuple(lines[2:]))
    words = (_output([program.path, "--version"], variables) or "").split()
    if not words:
        return None
    return Interpreter("Julia", words[-1], "", "", ())


def _is_this_python(path: str, variables: Mapping[str, str]) -> bool:
    """Return whether a program is this Python, in the same environment, with the same variables."""
    folder, ours = (os.path.realpath(os.path.dirname(one)) for one in (path, sys.executable))
    return (
        folder == ours
        and os.path.realpath(path) == os.path.realpath(sys.executable)
        and all(variables.get(name) == os.environ.get(name) for name in VARIABLES)
    )


def _may_have_packages(path: str) -> bool:
    """Return whether packages are installed in a directory of Python's path.

    Others have modules only, such as the directory of a script, and change with each file there.
    """
    try:
        names = os.listdir(path)
    except OSError:
        return False
    is_site = os.path.basename(path) in ("site-packages", "dist-packages")
    return is_site or any(name.endswith((".dist-info", ".egg-info")) for name in names)


def _output(arguments: Sequence[str], variables: Mapping[str, str]) -> str | None:
    try:
        process = subprocess.run(
            arguments,
            cwd="/",
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=TIMEOUT,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return process.stdout.decode(errors="replace")


def _blank(program: Program, interpreter: Interpreter) -> Environment:
    facts = (interpreter.implementation, interpreter.version, interpreter.platform)
    # That of the Hub's container.
    return Environment(program.language, *facts, image=os.environ.get("MLWS_IMAGE", ""))


def _read_python(program: Program, interpreter: Interpreter) -> tuple[Environment, list[str]]:
    base = _blank(program, interpreter)
    versions, sources = read_packages(interpreter.directories)
    conda = read_conda(interpreter.prefix)
    watched = editable_marks(sources)
    if conda:
        watched.append(os.path.join(interpreter.prefix, "conda-meta"))
    return replace(base, packages=versions, sources=sources, conda=conda), watched


def _read_r(program: Program, interpreter: Interpreter) -> tuple[Environment, list[str]]:
    base = _blank(program, interpreter)
    lock = _file_above(program.folder, "renv.lock")
    if lock is not None:
        packages = {
            name: str(facts.get("Version", ""))
            for name, facts in _load(lock, json.loads, "Packages").items()
            if isinstance(facts, Mapping)
        }
        return replace(base, packages=_sorted(packages), lock=_lock(lock)), [str(lock)]
    packages = {}
    for directory in reversed(interpreter.directories):
        for description in Path(directory).glob("*/DESCRIPTION"):
            version = next(
                (
                    line.partition(":")[2].strip()
                    for line in read_file(description).decode(errors="replace").splitlines()
                    if line.startswith("Version:")
                ),
                "",
            )
            packages[description.parent.name] = version
    return replace(base, packages=_sorted(packages)), []


def _read_julia(program: Program, interpreter: Interpreter) -> tuple[Environment, list[str]]:
    base = _blank(program, interpreter)
    manifest = _file_above(program.folder, "Manifest.toml")
    if manifest is None:
        return base, []
    packages = {
        name: str(entries[0].get("version", ""))
        for name, entries in _load(manifest, tomllib.loads, "deps").items()
        if isinstance(entries, list) and entries and isinstance(entries[0], Mapping)
    }
    return replace(base, packages=_sorted(packages), lock=_lock(manifest)), [str(manifest)]


def _file_above(folder: str, name: str) -> Path | None:
    """Return the nearest file of a name in a directory or above it."""
    places = (Path(folder), *Path(folder).parents)
    return next((place / name for place in places if (place / name).is_file()), None)


def _load(path: Path, parse: Callable[[str], Any], key: str) -> Mapping[str, Any]:
    """Return the packages of a lock file; none of one that cannot be read: its hash tells."""
    try:
        packages = parse(read_file(path).decode())[key]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    return packages if isinstance(packages, Mapping) else {}


def _lock(path: Path) -> dict[str, str]:
    return {"path": path.name, "sha256": hashlib.sha256(read_file(path)).hexdigest()}


def _sorted(packages: Mapping[str, str]) -> dict[str, str]:
    return dict(sorted(packages.items()))


READERS = {
    Language.PYTHON: _read_python,
    Language.R: _read_r,
    Language.JULIA: _read_julia,
}
"""Functions that return an environment, and the files beside its directories that it depends on."""


def _container(image: str) -> Environment | None:
    """Return the present image of a name, by its digest."""
    for program in ("docker", "podman"):
        text = _output([program, "image", "inspect", "--format", "{{json .}}", image], os.environ)
        if text is None:
            continue
        try:
            facts = json.loads(text)
        except ValueError:
            continue
        digests = facts.get("RepoDigests") or [facts.get("Id", "")]
        platform = f"{facts.get('Os', '')}-{facts.get('Architecture', '')}"
        return Environment(
            Language.CONTAINER, "container", image, platform, image=f"{image} {digests[0]}"
        )
    return None
