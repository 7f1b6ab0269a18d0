"""Trusted projects, whose code may run.

Opening a project runs code of its authors: components are imported, and git runs hooks and
filters. So the user must trust the authors of a project that was cloned. The decision is stored
outside the project, so that a project cannot contain it. It holds for the repository at a path, and
not for another one that takes its place: both sides store the same random token.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from jupyter_mlws.core.errors import NotTrustedError
from mlws.core.atomic import atomic_write
from mlws.core.errors import ProjectNotFoundError
from mlws.core.paths import own_folder
from mlws.core.project import Project

TOKEN_LENGTH = 32
"""Bytes."""


def is_trusted(root: Path) -> bool:
    """Return whether the authors of the project at ``root`` (absolute, no links) are trusted."""
    record = _record(root)
    try:
        stored = record.read_bytes()
        # Not a device or pipe that a project has put there: reading it could take forever.
        token = os.open(_token(root, record), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (OSError, ProjectNotFoundError):
        return False
    with os.fdopen(token, "rb") as file:
        return stored == file.read(TOKEN_LENGTH) + os.fsencode(root)


def require_trust(project: Project) -> None:
    """Raise NotTrustedError unless the project's authors are trusted."""
    if not is_trusted(project.root):
        raise NotTrustedError(name=project.root.name)


def trust(root: Path) -> None:
    """Trust the repository at ``root`` from now on; ProjectNotFoundError if there is none."""
    from jupyter_core.paths import jupyter_data_dir

    record = _record(root)
    own_folder(Path(jupyter_data_dir()))
    record.parent.mkdir(exist_ok=True)
    token = secrets.token_bytes(TOKEN_LENGTH)
    atomic_write(_token(root, record), token, mode=0o600)
    atomic_write(record, token + os.fsencode(root), mode=0o600)


def withdraw_trust(root: Path) -> None:
    """Trust the project at ``root`` no longer."""
    _record(root).unlink(missing_ok=True)


def _record(root: Path) -> Path:
    from jupyter_core.paths import jupyter_data_dir

    name = hashlib.sha256(os.fsencode(root)).hexdigest()
    return Path(jupyter_data_dir(), "mlws", "trusted-projects", name)


def _token(root: Path, record: Path) -> Path:
    """Return the path of the repository's copy of the token; each user has another one."""
    name = hashlib.sha256(os.fsencode(record)).hexdigest()[:16]
    return Project(root).git_directory / f"mlws-trust-{name}"
