"""The setup of a repository, if the native backend supports it."""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from mlws.core.i18n import Message
from mlws.dvc.native.ignored_paths import IgnoredPaths
from mlws.dvc.unsupported import UnsupportedStageError

TESTED_RELEASES = {
    "dvc": ("3.67.",),
    "dvc_data": ("3.18.",),
    "dvc_objects": ("5.2.",),
    "ruamel_yaml": ("0.19.",),
}
"""The releases with which the differential tests compare the native backend."""
SETTINGS: dict[str, dict[str, tuple[str, ...]]] = {
    "core": {
        "remote": (),
        "analytics": (),
        "autostage": ("true", "false"),
        "check_update": (),
        "interactive": (),
        "no_scm": ("true", "false"),
        "site_cache_dir": (),
    },
    "cache": {"dir": (), "slow_link_warning": (), "type": ("copy", "reflink,copy")},
    "hydra": {"enabled": ("false",)},
    "parsing": {"bool": (), "list": ()},
}
"""Supported settings with their supported values, or none for any value."""


@dataclass(frozen=True)
class Setup:
    """Where DVC keeps its objects, whether git is told about stored files, and what is ignored.

    ``stages_files``: the files that a run writes for git are added to its index.
    """

    cache: Path
    uses_git: bool
    stages_files: bool
    ignored: IgnoredPaths

    @property
    def objects(self) -> Path:
        """The folder of files by their hash."""
        return self.cache / "files" / "md5"


def read_setup(root: Path) -> Setup:
    """Return the setup; :class:`UnsupportedStageError` for links and other unusual settings."""
    packages = next((p for p in sys.path if os.path.isfile(f"{p}/dvc/__init__.py")), None)
    if packages is not None:
        check_releases(packages)
    no_scm = stages_files = False
    configs = list(_iter_configs(root))
    for _, config in configs:
        for section in config.sections():
            if section.startswith(("remote ", "'remote ")):
                continue
            for name, value in config[section].items():
                values = SETTINGS.get(section, {}).get(name)
                if values is None or (values and value.lower().replace(" ", "") not in values):
                    raise UnsupportedStageError(
                        Message("DVC setting {section}.{unknown}", section=section, unknown=name)
                    )
        no_scm = config.get("core", "no_scm", fallback=str(no_scm)).lower() == "true"
        autostage = config.get("core", "autostage", fallback=str(stages_files))
        stages_files = autostage.lower() == "true"
    if not no_scm and not any((folder / ".git").exists() for folder in (root, *root.parents)):
        raise UnsupportedStageError(Message("not a git repository"))
    return Setup(
        _cache_folder(root, configs),
        uses_git=not no_scm,
        stages_files=stages_files and not no_scm,
        ignored=IgnoredPaths(root),
    )


def cache_folder(root: Path) -> Path:
    """Return the folder of the cache; the default one if the settings are unreadable."""
    try:
        return _cache_folder(root, list(_iter_configs(root)))
    except UnsupportedStageError:
        return _cache_folder(root, ())


def read_parsing_settings(root: Path) -> dict[str, str]:
    """Return how settings that are lists or false are written in commands; defaults are absent."""
    settings: dict[str, str] = {}
    with suppress(UnsupportedStageError):
        for _, config in _iter_configs(root):
            if config.has_section("parsing"):
                settings.update(config["parsing"])
    return settings


def _cache_folder(root: Path, configs: Sequence[tuple[Path, configparser.ConfigParser]]) -> Path:
    folder = root / ".dvc" / "cache"
    for path, config in configs:
        if config.has_option("cache", "dir"):
            # Relative to the file that says so.
            named = os.path.expanduser(config["cache"]["dir"])
            folder = Path(os.path.normpath(path.parent.absolute() / named))
    return folder


def _iter_configs(root: Path) -> Iterator[tuple[Path, configparser.ConfigParser]]:
    for path in config_files(root):
        try:
            yield path, read_config(path)
        except (configparser.Error, UnicodeDecodeError) as error:
            raise UnsupportedStageError(Message("unreadable DVC file {path}", path=path)) from error


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
