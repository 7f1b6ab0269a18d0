"""The environments that snapshots name: those in which their data was made."""

from __future__ import annotations

import posixpath
import tomllib
from collections.abc import Mapping

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
    found: dict[str, set[str]] = {}
    for row in rows if isinstance(rows, list) else []:
        if (
            isinstance(row, Mapping)
            and "version" in row
            and "virtual" not in (row.get("source") or {})
        ):
            name = f"{row.get('name')} ({folder})" if folder else str(row.get("name"))
            found.setdefault(name, set()).add(str(row["version"]))
    return {name: ", ".join(sorted(versions)) for name, versions in found.items()}


def versions_at(git: Git, commit: str) -> dict[str, str]:
    """Return the interpreters and packages of a snapshot's environments, several with commas."""
    found: dict[str, set[str]] = {}
    for environment in environments_at(git, commit):
        for name, version in {INTERPRETER: environment.title, **environment.packages}.items():
            found.setdefault(name, set()).add(version)
    return {name: ", ".join(sorted(versions)) for name, versions in found.items()}
