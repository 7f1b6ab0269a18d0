"""Settings that a Hub passes to a lab in environment variables: its service and shared projects.

A clone of a shared project is recognized by its remote, so that `git clone` in a terminal
suffices. Imports the standard library only: it is imported at the start of many processes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urljoin

SERVICE = "services/mlws/"
TEAM_URL = "MLWS_TEAM_URL"
"""The variable with the address below which each project's MLflow is."""


def service_address(environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the URL of the Hub's service; None without a Hub.

    The Hub sets ``MLWS_SERVICE_URL``, the address at which containers reach the service.
    """
    address = environment.get("MLWS_SERVICE_URL")
    if not address:
        return None
    return urljoin(address, f"{environment.get('JUPYTERHUB_BASE_URL', '/')}{SERVICE}")


def shared_name(root: Path) -> str | None:
    """Return the name of the shared project that the repository at ``root`` has as a remote."""
    service = service_address()
    if service is None:
        return None
    directory = root / ".git"
    try:
        if directory.is_file():
            # A worktree: `.git` and `commondir` name the directory with the settings.
            path = directory.read_text(encoding="utf-8").strip().removeprefix("gitdir: ")
            directory = root / path
            common = directory / "commondir"
            if common.is_file():
                directory /= common.read_text(encoding="utf-8").strip()
        text = (directory / "config").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    url = re.escape(f"{service}git/")
    match = re.search(rf"(?m)^\s*url\s*=\s*{url}([a-z0-9-]+)\.git/?\s*$", text)
    return match[1] if match else None


def shared_tracking(root: Path) -> str | None:
    """Return the MLflow URL of the shared project that ``root`` is a clone of; None for others."""
    team = os.environ.get(TEAM_URL)
    name = shared_name(root) if team else None
    return f"{team}/{name}/mlflow" if name else None


def shared_data(root: Path) -> str | None:
    """Return the data URL of the shared project that ``root`` is a clone of; None for others."""
    name = shared_name(root)
    return f"{service_address()}data/{name}" if name else None


def shared_variables(folder: Path) -> dict[str, str]:
    """Return variables that send the runs of a process in ``folder`` to its shared project."""
    for place in (folder.absolute(), *folder.absolute().parents):
        if (place / ".git").exists():
            uri = shared_tracking(place)
            return {"MLFLOW_TRACKING_URI": uri} if uri else {}
    return {}


def data_password(url: str) -> str | None:
    """Return the password for a DVC remote at ``url``; None if it is not one of this Hub's."""
    service, token = service_address(), os.environ.get("JUPYTERHUB_API_TOKEN")
    if service is None or not token or not url.startswith(f"{service}data/"):
        return None
    return f"token {token}"
