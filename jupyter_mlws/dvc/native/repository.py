"""Whether a repository is set up as the fast lane knows it."""

from __future__ import annotations

import configparser
import os
import sys
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from jupyter_mlws.core.i18n import Message
from jupyter_mlws.dvc.native.unsupported import UnsupportedStageError

TESTED_RELEASES = {
    "dvc": ("3.67.",),
    "dvc_data": ("3.18.",),
    "dvc_objects": ("5.2.",),
    "ruamel_yaml": ("0.19.",),
}
"""The releases that the fast lane was held to by the differential tests."""
HARMLESS_SETTINGS = {
    "core": {"remote", "analytics", "check_update", "interactive", "site_cache_dir"},
    "parsing": {"bool", "list"},
}
"""Settings that do not change what a run does to the workspace, the cache or the lock file."""


def check(root: Path) -> None:
    """:class:`UnsupportedStageError` unless DVC keeps plain files in its default places."""
    check_releases(str(next((p for p in sys.path if _has_dvc(p)), "")))
    for config in config_files(root):
        _check_config(config)
    if not (root / ".git").exists():
        raise UnsupportedStageError(Message("not a git repository"))
    if (root / ".dvc" / "cache").is_symlink():
        raise UnsupportedStageError(Message("a cache in another location"))
    _check_ignores(root / ".dvcignore")


def _has_dvc(folder: str) -> bool:
    return os.path.isfile(f"{folder}/dvc/__init__.py")


@lru_cache(maxsize=4)
def check_releases(packages: str) -> None:
    """:class:`UnsupportedStageError` unless the packages in a folder are tested releases."""
    try:
        names = os.listdir(packages)
    except FileNotFoundError:
        names = []
    installed = dict(
        name.removesuffix(".dist-info").rsplit("-", 1)
        for name in names
        if name.endswith(".dist-info")
    )
    for name, releases in TESTED_RELEASES.items():
        version = installed.get(name) or installed.get(name.replace("_", "."), "")
        if not version.startswith(releases):
            raise UnsupportedStageError(Message.verbatim(f"{name} {version or '?'}"))


def config_files(root: Path) -> list[Path]:
    """DVC's configuration files: of the machine, the person and the repository; the last win."""
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    machine = os.environ.get("DVC_SYSTEM_CONFIG_DIR", "/etc/xdg/dvc")
    person = os.environ.get("DVC_GLOBAL_CONFIG_DIR", str(home / "dvc"))
    folders = [Path(machine), Path(person)]
    return [
        *(folder / "config" for folder in folders),
        *(root / ".dvc" / name for name in ("config", "config.local")),
    ]


def _check_config(path: Path) -> None:
    try:
        config = read_config(path)
    except (configparser.Error, UnicodeDecodeError) as error:
        raise UnsupportedStageError(Message("unreadable DVC file {path}", path=path)) from error
    for section in config.sections():
        if section.startswith(("remote ", "'remote ")):
            continue
        unknown = set(config[section]) - HARMLESS_SETTINGS.get(section, set())
        if unknown:
            raise UnsupportedStageError(
                Message("DVC setting {section}.{unknown}", section=section, unknown=min(unknown))
            )


def read_config(path: Path) -> configparser.ConfigParser:
    """Parse a configuration file of DVC; a missing one is empty."""
    config = configparser.ConfigParser(interpolation=None, strict=False)
    with suppress(FileNotFoundError):
        # DVC's files indent their settings, which configparser would take for continued lines.
        lines = path.read_text(encoding="utf-8").splitlines()
        config.read_string("\n".join(line.strip() for line in lines))
    return config


def _check_ignores(path: Path) -> None:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return
    if any(line.strip() and not line.startswith("#") for line in lines):
        raise UnsupportedStageError(Message("patterns in .dvcignore"))
