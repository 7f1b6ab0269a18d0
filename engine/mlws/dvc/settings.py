"""Remotes in DVC's settings: those of the project, which git versions, and those of this machine.

Credentials are written to ``.dvc/config.local`` alone, which git ignores and only its owner reads.
Files are replaced as a whole; comments in them stay.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlws.core.atomic import atomic_write
from mlws.core.errors import DVCConfigError, DVCNotInitializedError
from mlws.core.hub_environment import shared_data
from mlws.core.i18n import Message
from mlws.core.secrets import mask_credentials

LINK = Message("{path} is a symbolic link, through which DVC would write; replace it by a folder")
SHARED = "config"
LOCAL = "config.local"
SHARED_PROJECT = "team"
"""Name of the remote with the data of a shared project."""
SECRETS = frozenset(
    {
        "access_key_id", "secret_access_key", "session_token", "password", "passphrase",
        "sse_customer_key", "connection_string", "account_key", "sas_token", "client_secret",
        "custom_auth_header", "cert_path", "key_path", "gdrive_client_secret", "oss_key_secret",
    }
)  # fmt: skip
"""Names of settings that are never shown."""

Values = dict[str, str]


@dataclass(frozen=True)
class RemoteSettings:
    """A remote for data. ``shared``: its URL is versioned by git, and so the same for all users."""

    name: str
    options: Values
    default: bool
    shared: bool

    @property
    def url(self) -> str:
        return self.options.get("url", "")


def require_dvc(root: Path) -> None:
    """Raise DVCNotInitializedError unless DVC is set up, DVCConfigError if it would write through a
    link.
    """
    directory = root / ".dvc"
    for path in (directory, directory / "tmp"):
        if path.is_symlink():
            raise DVCConfigError(reason=LINK.fill(path=path.relative_to(root).as_posix()))
    if not directory.is_dir():
        # DVC would search the folders above, and find another repository.
        raise DVCNotInitializedError()


class DataSettings:
    """The settings of the DVC repository at ``root``.

    Raises DVCNotInitializedError or DVCConfigError.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / ".dvc"
        require_dvc(root)

    def remotes(self) -> list[RemoteSettings]:
        """Return every remote, by name; DVCConfigError if the settings can't be read."""
        shared, local = self._load(SHARED), self._load(LOCAL)
        options_by_name: dict[str, Values] = {}
        for config in (shared, local):
            for name, options in remote_sections(config):
                options_by_name.setdefault(name, {}).update(options)
        default = str({**shared.get("core", {}), **local.get("core", {})}.get("remote", ""))
        shared_names = {name for name, _ in remote_sections(shared)}
        return [
            RemoteSettings(
                name, options_by_name[name], name == default.lower(), name in shared_names
            )
            for name in sorted(options_by_name)
        ]

    def add_shared_project(self) -> None:
        """Add the data remote of a shared project to its clone, for this machine alone.

        It follows from git's remote, so a versioned copy would only differ between the members'
        clones. It becomes the default unless there is another.
        """
        url = shared_data(self._root)
        if url is None:
            return
        remotes = {remote.name: remote for remote in self.remotes()}
        if url in [remote.url for remote in remotes.values()]:
            return
        name = SHARED_PROJECT
        if name in remotes and not remotes[name].url.endswith(url[url.index("/services/") :]):
            # Someone else's of that name; an old address of this one is replaced.
            name = f"{name}-hub"
        local = self._load(LOCAL)
        options = {
            "url": url,
            "method": "PUT",
            # The password is the user's token, which is never stored.
            "auth": "custom",
            "custom_auth_header": "Authorization",
        }
        _replace(local, name, options)
        if not any(remote.default for remote in remotes.values()):
            local.setdefault("core", {})["remote"] = name
        self._store(LOCAL, local)

    def put(
        self, name: str, options: Mapping[str, str], secrets: Mapping[str, str], *, default: bool
    ) -> None:
        """Create a remote, or replace its options.

        The entries of ``secrets`` are set, or removed if they are empty; other secrets stay.
        """
        shared, local = self._load(SHARED), self._load(LOCAL)
        previous = {**_section(shared, name), **_section(local, name)}
        # What was set for this machine alone would otherwise hide the new address.
        private = {key: value for key, value in previous.items() if key in SECRETS}
        private.update(secrets)
        private = {key: value for key, value in private.items() if value}
        _replace(shared, name, dict(options))
        _replace(local, name, private)
        if default:
            shared.setdefault("core", {})["remote"] = name
            local.get("core", {}).pop("remote", None)
        # First the credentials: with the address alone nothing could be reached.
        if private or (self._folder / LOCAL).exists():
            self._store(LOCAL, local)
        self._store(SHARED, shared)

    def delete(self, name: str) -> bool:
        """Delete a remote and its credentials; return False if there is none."""
        exists = False
        for file in (SHARED, LOCAL):
            config = self._load(file)
            there = _replace(config, name, {})
            if str(config.get("core", {}).get("remote", "")).lower() == name:
                del config["core"]["remote"]
                there = True
            if there:
                self._store(file, config)
            exists = exists or there
        return exists

    def share(self, worktree: Path) -> None:
        """Let a worktree of the project use its cache, its remotes and its credentials."""
        local = self._load(LOCAL)
        cache = dict(local.get("cache", {}))
        place = cache.get("dir") or self._load(SHARED).get("cache", {}).get("dir") or "cache"
        local["cache"] = {**cache, "dir": os.path.normpath(self._folder / str(place))}
        for remote in self.remotes():
            # A folder is named relative to the settings, which lie elsewhere there.
            if remote.url and "://" not in remote.url:
                absolute = os.path.normpath(self._folder / remote.url)
                _replace(local, remote.name, {**_section(local, remote.name), "url": absolute})
        DataSettings(worktree)._store(LOCAL, local)

    def use_own_cache(self) -> None:
        """Let the repository use the cache in its own directory, whatever other settings say.

        Nothing is written if no other setting names a cache: DVC's default is the same.
        """
        from dvc.config import Config

        if "dir" in self._load(SHARED).get("cache", {}) or "dir" in Config().get("cache", {}):
            local = self._load(LOCAL)
            local["cache"] = {**local.get("cache", {}), "dir": "cache"}
            self._store(LOCAL, local)

    def _load(self, name: str) -> Any:
        from configobj import ConfigObj, ConfigObjError

        path = self._folder / name
        try:
            lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
            return ConfigObj(lines, encoding="utf-8", interpolation=False)
        except (ConfigObjError, UnicodeDecodeError) as error:
            # The text of the error may quote a line with a password.
            reason = f"{name}: {type(error).__name__}"
            raise DVCConfigError(reason=mask_credentials(reason)) from None

    def _store(self, name: str, config: Any) -> None:
        path = self._folder / name
        for section in [key for key, value in config.items() if key == "core" and not value]:
            del config[section]
        lines = (line.decode() if isinstance(line, bytes) else line for line in config.write())
        text = "".join(f"{line}\n" for line in lines)
        atomic_write(path, text, mode=0o600 if name == LOCAL else None, durable=True)


def _title(name: str) -> str:
    return f'remote "{name}"'


def remote_sections(config: Any) -> Iterator[tuple[str, Values]]:
    """Yield the remotes of a file; DVC takes their names without regard to case."""
    for title, section in config.items():
        lower_title = str(title).lower()
        if lower_title.startswith('remote "') and isinstance(section, dict):
            name = lower_title.removeprefix('remote "').removesuffix('"')
            yield name, {str(key).lower(): str(value) for key, value in section.items()}


def _section(config: Any, name: str) -> Values:
    return dict(remote_sections(config)).get(name, {})


def _replace(config: Any, name: str, options: Values) -> bool:
    """Replace a remote's section, or delete it if ``options`` is empty.

    Return True if there was one.
    """
    titles = [title for title in config if str(title).lower() == _title(name)]
    for title in titles[1:]:
        del config[title]
    if options:
        config[titles[0] if titles else _title(name)] = options
    elif titles:
        del config[titles[0]]
    return bool(titles)
