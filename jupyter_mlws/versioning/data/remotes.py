"""The remotes that data goes to: a folder, S3 (MinIO too), SSH. What handlers and words call."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from jupyter_mlws.core.errors import Fault, InvalidRequestError, VersionItemNotFoundError
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.versioning.data.models import DataRemote, DataRemoteChecked, DataRemotePut
from jupyter_mlws.versioning.data.storage import full_disk_told
from jupyter_mlws.versioning.dvc.settings import SECRETS, DataSettings, RemoteSettings
from jupyter_mlws.versioning.git.secrets import masked
from jupyter_mlws.versioning.git.urls import parts_of
from jupyter_mlws.versioning.repository import Repository

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
LOCAL, S3, SSH = "local", "s3", "ssh"
OPTIONS: Mapping[str, frozenset[str]] = {
    LOCAL: frozenset(),
    S3: frozenset({"endpoint_url", "region", "profile"}),
    SSH: frozenset({"user", "port", "keyfile"}),
}
CREDENTIALS: Mapping[str, frozenset[str]] = {
    LOCAL: frozenset(),
    S3: frozenset({"access_key_id", "secret_access_key", "session_token"}),
    SSH: frozenset({"password", "passphrase"}),
}
DVC_NAMES = {"endpoint_url": "endpointurl"}

BAD_NAME = Message(
    "must start with a lowercase letter or digit and contain only lowercase letters, "
    "digits and . _ -"
)
NO_KIND = Message("must be a folder path, s3://BUCKET/PATH or ssh://HOST/PATH")
PASSWORD = Message("must not contain a password; use the password field instead")
NOT_FOR = Message("is not supported for {kind} remotes")
NO_HOST = Message("has no bucket or host")
NO_ENDPOINT = Message("must be an http or https URL")
CONTROL = Message("must not contain line breaks")
INSIDE = Message("is inside a git or DVC folder")


class DataRemotes:
    """The remotes for the data of one project. Thread-safe."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._root = repository.project.root

    def list(self) -> list[DataRemote]:
        """Every remote, by name; no credentials."""
        return [self._shown(settings) for settings in DataSettings(self._root).remotes()]

    def get(self, name: str) -> DataRemote:
        """One remote; error 30404."""
        for remote in self.list():
            if remote.name == name.lower():
                return remote
        raise VersionItemNotFoundError(kind="data remote", name=name)

    def put(self, name: str, given: DataRemotePut) -> DataRemote:
        """Set a remote up, or change it; error 50201 names every field at fault.

        Credentials that are left out stay; empty ones are removed. The first remote of a project
        is its default.
        """
        options, secrets = self._check(name, given)
        with self._repository.exclusive("data remote"), full_disk_told():
            settings = DataSettings(self._root)
            others = [remote for remote in settings.remotes() if remote.name != name]
            default = given.default or not others
            settings.put(name, options, secrets, default=default)
        return self.get(name)

    def delete(self, name: str) -> DataRemote:
        """Forget a remote and its credentials, not what it stores; what it was. Error 30404."""
        with self._repository.exclusive("data remote"), full_disk_told():
            known = self.get(name)
            DataSettings(self._root).delete(known.name)
        return known

    def check(self, name: str) -> DataRemoteChecked:
        """Ask the remote something; errors 30101 and 30270 say why it does not answer."""
        from jupyter_mlws.versioning.dvc.data import open_data

        remote = self.get(name)
        with open_data(self._root) as data:
            data.reach(remote.name)
        return DataRemoteChecked(name=remote.name, reachable=True)

    # Parts

    def _shown(self, settings: RemoteSettings) -> DataRemote:
        url = settings.url
        if _kind(url) == LOCAL:
            url = self._from_settings(url)
        shown = {
            _our_name(key): masked(value)
            for key, value in settings.options.items()
            if key not in SECRETS and key != "url"
        }
        return DataRemote(
            name=settings.name,
            url=masked(url),
            kind=_kind(url) or url.partition("://")[0],
            default=settings.default,
            options=shown,
            credentials=sorted(key for key in settings.options if key in SECRETS),
        )

    def _check(self, name: str, given: DataRemotePut) -> tuple[dict[str, str], dict[str, str]]:
        """What is written for everybody, and what for this machine alone."""
        faults = [] if NAME.fullmatch(name) else [Fault("name", BAD_NAME)]
        kind, parts = _kind(given.url), parts_of(given.url)
        if kind is None or parts is None:
            raise InvalidRequestError(faults=[*faults, Fault("url", NO_KIND)])
        if kind != LOCAL:
            if parts.password is not None:
                faults.append(Fault("url", PASSWORD))
            if not parts.hostname:
                faults.append(Fault("url", NO_HOST))
        elif self._is_own(given.url):
            faults.append(Fault("url", INSIDE))
        options = {"url": given.url if kind != LOCAL else self._for_settings(given.url)}
        secrets = {}
        for field in sorted(OPTIONS[S3] | OPTIONS[SSH]):
            value = getattr(given, field)
            if value is None:
                continue
            if field not in OPTIONS[kind]:
                faults.append(Fault(field, NOT_FOR.fill(kind=kind)))
            options[DVC_NAMES.get(field, field)] = str(value)
        for field in sorted(CREDENTIALS[S3] | CREDENTIALS[SSH]):
            secret = getattr(given, field)
            if secret is None:
                continue
            if field not in CREDENTIALS[kind]:
                faults.append(Fault(field, NOT_FOR.fill(kind=kind)))
            secrets[field] = secret.get_secret_value()
        if given.endpoint_url is not None:
            endpoint = parts_of(given.endpoint_url)
            if (
                endpoint is None
                or endpoint.scheme not in ("http", "https")
                or not endpoint.hostname
            ):
                faults.append(Fault("endpoint_url", NO_ENDPOINT))
            elif endpoint.password is not None:
                faults.append(Fault("endpoint_url", PASSWORD))
        for key, value in {**options, **secrets}.items():
            if any(character in value for character in "\r\n\0"):
                faults.append(Fault(_our_name(key), CONTROL))
        if faults:
            raise InvalidRequestError(faults=faults)
        return options, secrets

    def _is_own(self, url: str) -> bool:
        place = Path(os.path.normpath(self._root / url))
        return any(
            place == own or own in place.parents
            for own in (self._root / ".git", self._root / ".dvc")
        )

    def _for_settings(self, path: str) -> str:
        """A folder as DVC writes it: relative to its settings, where it is not absolute."""
        if Path(path).is_absolute():
            return path
        return os.path.relpath(self._root / path, self._root / ".dvc")

    def _from_settings(self, path: str) -> str:
        if Path(path).is_absolute():
            return path
        return os.path.relpath(self._root / ".dvc" / path, self._root)


def _kind(url: str) -> str | None:
    if "://" not in url:
        return LOCAL
    parts = parts_of(url)
    return {"s3": S3, "ssh": SSH}.get(parts.scheme) if parts else None


def _our_name(name: str) -> str:
    return {theirs: ours for ours, theirs in DVC_NAMES.items()}.get(name, name)
