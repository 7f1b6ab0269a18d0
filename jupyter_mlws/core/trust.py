"""Trusted projects, whose code may run.

Opening a project runs code of its authors: components are imported, and git runs hooks and
filters. So the user must trust the authors of a project that was cloned. The decision is stored
outside the project, so that a project cannot contain it.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from jupyter_core.paths import jupyter_data_dir

from jupyter_mlws.core.errors import NotTrustedError
from jupyter_mlws.core.project import Project


def is_trusted(root: Path) -> bool:
    """Return whether the authors of the project at ``root`` (absolute, no links) are trusted."""
    return _record(root).exists()


def require_trust(project: Project) -> None:
    """Raise error 50303 unless the project's authors are trusted."""
    if not is_trusted(project.root):
        raise NotTrustedError(name=project.root.name)


def trust(root: Path) -> None:
    """Trust the project at ``root`` from now on."""
    record = _record(root)
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_bytes(os.fsencode(root))


def withdraw_trust(root: Path) -> None:
    """Trust the project at ``root`` no longer."""
    _record(root).unlink(missing_ok=True)


def _record(root: Path) -> Path:
    name = hashlib.sha256(os.fsencode(root)).hexdigest()
    return Path(jupyter_data_dir(), "mlws", "trusted-projects", name)
