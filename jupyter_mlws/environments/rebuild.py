"""Builds the environments of a run again: from a lock of the project, or else from their records.

They are built in a directory of their own; the present environments stay as they are.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from jupyter_mlws.core.errors import PackageChangeError
from jupyter_mlws.environments.inspector import Inspector
from jupyter_mlws.environments.manager import EnvironmentManager
from jupyter_mlws.environments.models import PackageChange, RebuiltEnvironment, UnavailablePackage
from jupyter_mlws.environments.record import Environment, differences
from jupyter_mlws.environments.tools import remove_directory, run_tool, uv
from mlws.core.progress import ProgressCallback
from mlws.core.project import Project
from mlws.environments.definitions import Definition, find_definitions
from mlws.environments.programs import Language, Program
from mlws.environments.python_packages import installed_packages, normalize

OUR_PACKAGE = "jupyter-mlws"
PINNED = re.compile(r"([A-Za-z0-9][\w.-]*)==([\w.!+-]+)")
"""A package with its version in a message of uv."""
MAX_UNAVAILABLE = 50
"""Maximum number of packages that are not available; with more, the rebuild fails."""


def rebuild(
    project: Project, records: Iterable[Environment], progress: ProgressCallback
) -> list[RebuiltEnvironment]:
    """Build the environments in which a run's nodes ran in the worktree of ``project``.

    What cannot be installed is named in the result: single packages, or the whole environment
    without its interpreter or a package index. The others are installed.
    """
    definitions = find_definitions(project.root)
    here = Inspector(project.state).environment(
        Program(Language.PYTHON, sys.executable, str(project.root)), os.environ
    )
    rebuilt = []
    for record in records:
        if record.language is not Language.PYTHON:
            continue
        progress(0, message=record.title)
        if here is not None and (here.title, here.packages) == (record.title, record.packages):
            rebuilt.append(RebuiltEnvironment(id=record.id, title=record.title, source="present"))
        elif locked := next((one for one in definitions if one.allows(record.packages)), None):
            rebuilt.append(_from_lock(project, locked, record, progress))
        else:
            rebuilt.append(_from_record(project.root, record, progress))
    return rebuilt


def _from_lock(
    project: Project, definition: Definition, record: Environment, progress: ProgressCallback
) -> RebuiltEnvironment:
    unavailable: list[UnavailablePackage] = []
    changes: list[PackageChange] = []
    prefix = None
    try:
        EnvironmentManager(project).sync(definition.name, progress)
        prefix = definition.prefix.relative_to(project.root).as_posix()
        changes = _compare(record, definition.packages())
    except PackageChangeError as error:
        reason = str(error.facts["reason"])
        unavailable = [UnavailablePackage(name=definition.name, version=None, reason=reason)]
    return RebuiltEnvironment(
        id=record.id,
        title=record.title,
        source="lock",
        name=definition.name,
        prefix=prefix,
        unavailable=unavailable,
        differences=changes,
    )


def _from_record(root: Path, record: Environment, progress: ProgressCallback) -> RebuiltEnvironment:
    prefix = root / f".venv-{record.id[:8]}"
    create = [*uv(), "venv", "--clear", "--python"]
    try:
        try:
            run_tool(record.title, root, [*create, record.version, str(prefix)], progress)
        except PackageChangeError:
            # Another release of the same version has the same features.
            minor = ".".join(record.version.split(".")[:2])
            run_tool(record.title, root, [*create, minor, str(prefix)], progress)
        unavailable = _install(root, record, prefix, progress)
    except PackageChangeError as error:
        remove_directory(prefix)
        reason = str(error.facts["reason"])
        missing = [UnavailablePackage(name=record.title, version=None, reason=reason)]
        return RebuiltEnvironment(
            id=record.id, title=record.title, source="record", unavailable=missing
        )
    except BaseException:
        remove_directory(prefix)
        raise
    left_out = {one.name for one in unavailable} | {OUR_PACKAGE}
    return RebuiltEnvironment(
        id=record.id,
        title=record.title,
        source="record",
        prefix=prefix.relative_to(root).as_posix(),
        unavailable=unavailable,
        differences=[
            change
            for change in _compare(record, installed_packages(prefix))
            if change.name not in left_out
        ],
    )


def _install(
    root: Path, record: Environment, prefix: Path, progress: ProgressCallback
) -> list[UnavailablePackage]:
    """Install the packages of a record; return those that are not available."""
    lines: dict[str, str] = {}
    for line in record.requirements.splitlines():
        name = normalize(re.split(r"==| @ ", line)[0])
        if not line.startswith("#") and name != OUR_PACKAGE:
            lines[name] = line
    unavailable = [
        UnavailablePackage(name=name, version=record.packages[name], reason=None)
        for name in record.packages
        if name not in lines and name != OUR_PACKAGE
    ]
    file = prefix / "requirements.txt"
    install = [*uv(), "pip", "install", "--no-deps", "--python", str(prefix), "-r", str(file)]
    # Each attempt names one package that is not available; nothing is installed by it.
    while len(unavailable) < MAX_UNAVAILABLE:
        file.write_text("\n".join(lines.values()) + "\n", encoding="utf-8")
        try:
            run_tool(record.title, root, [*install, "--dry-run"], progress)
        except PackageChangeError as error:
            reason = str(error.facts["reason"])
            names = [normalize(one[1]) for one in PINNED.finditer(reason)]
            name = next((one for one in names if one in lines), "")
            if not name:
                raise
            del lines[name]
            unavailable.append(
                UnavailablePackage(name=name, version=record.packages[name], reason=reason)
            )
        else:
            break
    run_tool(record.title, root, install, progress)
    return unavailable


def _compare(record: Environment, packages: dict[str, str]) -> list[PackageChange]:
    """Return in what packages differ from those of a record."""
    now = replace(record, packages=packages)
    return [PackageChange.of(change) for change in differences(record, now)]
