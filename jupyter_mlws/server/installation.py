"""The installation of this package in Jupyter: its two extensions, and the user's settings."""

from __future__ import annotations

import os
from pathlib import Path

from jupyter_core.paths import jupyter_config_dir, jupyter_config_path, jupyter_path

SERVER_EXTENSION, LAB_EXTENSION = "jupyter_mlws", "jupyter-mlws"


def is_server_extension_enabled() -> bool:
    """Return whether Jupyter's settings let a server load our extension."""
    from jupyter_server.extension.config import ExtensionConfigManager

    manager = ExtensionConfigManager(read_config_path=jupyter_config_path())
    return bool(manager.enabled(SERVER_EXTENSION))  # type: ignore[no-untyped-call]


def find_lab_extension() -> Path | None:
    """Return the folder from which JupyterLab loads our extension; None if there is none."""
    folders = (Path(folder, LAB_EXTENSION) for folder in jupyter_path("labextensions"))
    return next((folder for folder in folders if (folder / "package.json").is_file()), None)


def is_lab_extension_disabled() -> bool:
    """Return whether the user or an administrator has disabled our extension, or a part of it."""
    from jupyterlab_server.config import get_page_config

    names = get_page_config(jupyter_path("labextensions"))["disabledExtensions"]
    return any(name.partition(":")[0] == LAB_EXTENSION for name in names)


def user_settings() -> Path:
    """Return the folder of JupyterLab's settings of this user."""
    folder = os.environ.get("JUPYTERLAB_SETTINGS_DIR")
    return Path(folder) if folder else Path(jupyter_config_dir(), "lab", "user-settings")


def find_settings_fault() -> str | None:
    """Return why JupyterLab can't read the user's settings; None if it can."""
    from jupyterlab_server.settings_utils import get_settings
    from tornado.web import HTTPError

    schemas = next(filter(os.path.isdir, jupyter_path("lab", "schemas")), "")
    try:
        get_settings(
            "", schemas, str(user_settings()), labextensions_path=jupyter_path("labextensions")
        )
    except HTTPError as error:
        return (error.log_message or "") % error.args
    return None
