"""The environments that snapshots name: those in which their data was made."""

from __future__ import annotations

import posixpath
import tomllib
from collections.abc import Iterable, Mapping

from jupyter_mlws.environments.record import (
    FOLDER,
    INTERPRETER,
    TRAILER_ENVIRONMENT,
    Environment,
)
from jupyter_mlws.git.adapter import Git

LOCKS = ("uv.lock", "pylock.toml")
"""Files of environments that are TOML."""


def named_environments(git: Git, sha: str) -> list[str]:
    """Return the IDs of the environments that a snapshot names."""
    trailers = f"--format=%(trailers:key={TRAILER_ENVIRONMENT},valueonly)"
    return git.run("log", "-1", trailers, sha, "--").decode().split()


def environments_at(git: Git, commit: str) -> list[Environment]:
    """Return the environments of Python that a snapshot names, and whose files it has."""
    names = named_environments(git, commit)
    texts = [git.blob(commit, f"{FOLDER}/{name[:12]}.txt") for name in names]
    return [Environment.from_requirements(text.decode(errors="replace")) for text in texts if text]


def locked_at(git: Git, commit: str, path: str) -> dict[str, str]:
    """Return the versions of a lock's packages, by name with the lock's folder."""
    try:
        content = tomllib.loads((git.blob(commit, path) or b"").decode())
    except ValueError:
        # Damaged: the file's difference shows it.
        return {}
    folder = posixpath.dirname(path)
    rows = content.get("package") or content.get("packages") or []
    versions: dict[str, set[str]] = {}
    for row in rows if isinstance(rows, list) else []:
        if (
            isinstance(row, Mapping)
            and "version" in row
            and "virtual" not in (row.get("source") or {})
        ):
            name = f"{row.get('name')} ({folder})" if folder else str(row.get("name"))
            versions.setdefault(name, set()).add(str(row["version"]))
    return {name: ", ".join(sorted(several)) for name, several in versions.items()}


def merged_versions(environments: Iterable[Environment]) -> dict[str, str]:
    """Return the interpreters and packages of environments, several versions with commas."""
    versions: dict[str, set[str]] = {}
    for environment in environments:
        for name, version in {INTERPRETER: environment.title, **environment.packages}.items():
            versions.setdefault(name, set()).add(version)
    return {name: ", ".join(sorted(several)) for name, several in versions.items()}


def changed_packages(
    git: Git, first: str, last: str, files: Iterable[str]
) -> list[tuple[str, str | None, str | None]]:
    """Return name and versions of the packages that differ between two commits.

    They are those of the locks among ``files``, which differ, and those of the environments if
    both commits name some.
    """
    pairs = [
        [locked_at(git, commit, path) for commit in (first, last)]
        for path in files
        if posixpath.basename(path) in LOCKS
    ]
    recorded = [merged_versions(environments_at(git, commit)) for commit in (first, last)]
    if all(recorded):
        pairs.append(recorded)
    rows: dict[tuple[str, str | None, str | None], tuple[str, str | None, str | None]] = {}
    for before, after in pairs:
        for name in sorted(before.keys() | after.keys()):
            row = (name, before.get(name), after.get(name))
            if row[1] != row[2]:
                # A package of a lock is named once, with the lock's folder.
                rows.setdefault((name.split(" ")[0], *row[1:]), row)
    return list(rows.values())
