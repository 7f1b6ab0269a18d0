"""Check of a repository for a setup that the native backend supports."""

from __future__ import annotations

import configparser
import os
import sys
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from jupyter_mlws.core.i18n import Message
from jupyter_mlws.dvc.unsupported import UnsupportedStageError

TESTED_RELEASES = {
    "dvc": ("3.67.",),
    "dvc_data": ("3.18.",),
    "dvc_objects": ("5.2.",),
    "ruamel_yaml": ("0.19.",),
}
"""The releases with which the differential tests compare the native backend."""
HARMLESS_SETTINGS = {
    "core": {"remote", "analytics", "check_update", "interactive", "site_cache_dir"},
    "parsing": {"bool", "list"},
}
"""Settings that do not change what a run does to the workspace, the cache or the lock file."""


def check(root: Path) -> None:
    """Raise :class:`UnsupportedStageError` unless DVC keeps plain files in its default places."""
    packages = next((p for p in sys.path if os.path.isfile(f"{p}/dvc/__init__.py")), "")
    check_releases(str(packages))
    for path in config_files(root):
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
                    Message(
                        "DVC setting {section}.{unknown}", section=section, unknown=min(unknown)
                    )
                )
    if not (root / ".git").exists():
        raise UnsupportedStageError(Message("not a git repository"))
    if (root / ".dvc" / "cache").is_symlink():
        raise UnsupportedStageError(Message("a cache in another location"))
    with suppress(FileNotFoundError):
        lines = (root / ".dvcignore").read_text(encoding="utf-8").splitlines()
        if any(line.strip() and not line.startswith("#") for line in lines):
            raise UnsupportedStageError(Message("patterns in .dvcignore"))


@lru_cache(maxsize=4)
def check_releases(packages: str) -> None:
    """Raise :class:`UnsupportedStageError` unless the packages in a folder are tested releases."""
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
    """Return DVC's configuration files: of the machine, the user and the repository; last wins."""
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    machine = os.environ.get("DVC_SYSTEM_CONFIG_DIR", "/etc/xdg/dvc")
    user = os.environ.get("DVC_GLOBAL_CONFIG_DIR", str(home / "dvc"))
    folders = [Path(machine), Path(user)]
    return [
        *(folder / "config" for folder in folders),
        *(root / ".dvc" / name for name in ("config", "config.local")),
    ]


def read_config(path: Path) -> configparser.ConfigParser:
    """Parse a configuration file of DVC; a missing one is empty."""
    config = configparser.ConfigParser(interpolation=None, strict=False)
    with suppress(FileNotFoundError):
        # DVC's files indent their settings, which configparser would take for continued lines.
        lines = path.read_text(encoding="utf-8").splitlines()
        config.read_string("\n".join(line.strip() for line in lines))
    return config
