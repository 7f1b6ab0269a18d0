"""Remotes for data: a folder, S3 (also MinIO) or SSH."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from jupyter_mlws.core.errors import VersionItemNotFoundError
from jupyter_mlws.versioning.data.models import DataRemote, DataRemoteChecked, DataRemotePut
from jupyter_mlws.versioning.repository import Needs, RepositoryPart
from mlws.core.errors import Fault, InvalidRequestError
from mlws.core.i18n import Message
from mlws.core.secrets import mask_credentials
from mlws.core.urls import parts_of
from mlws.dvc.data import open_data
from mlws.dvc.settings import SECRETS, DataSettings

NAME_PATTERN = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
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

INVALID_NAME = Message(
    "must start with a lowercase letter or digit and contain only lowercase letters, "
    "digits and . _ -"
)
UNKNOWN_KIND = Message("must be a folder path, s3://BUCKET/PATH or ssh://HOST/PATH")
PASSWORD_IN_URL = Message("must not contain a password; use the password field instead")
NOT_SUPPORTED_BY_KIND = Message("is not supported for {kind} remotes")
NO_HOST = Message("has no bucket or host")
NO_ENDPOINT = Message("must be an http or https URL")
HAS_LINE_BREAKS = Message("must not contain line breaks")
INSIDE_REPOSITORY = Message("is inside a git or DVC folder")


class DataRemotes(RepositoryPart):
    """The data remotes of one project. Thread-safe."""

    def list(self) -> list[DataRemote]:
        """Return every remote, by name, without credentials."""
        data_settings = DataSettings(self._root)
        data_settings.add_shared_project()
        remotes = []
        for settings in data_settings.remotes():
            url = settings.url
            kind = _remote_kind(url)
            if kind == LOCAL and not Path(url).is_absolute():
                url = os.path.relpath(self._root / ".dvc" / url, self._root)
            options = {
                _field_name(key): mask_credentials(value)
                for key, value in settings.options.items()
                if key not in SECRETS and key != "url"
            }
            remotes.append(
                DataRemote(
                    name=settings.name,
                    url=mask_credentials(url),
                    kind=kind or url.partition("://")[0],
                    default=settings.default,
                    options=options,
                    credentials=sorted(key for key in settings.options if key in SECRETS),
                )
            )
        return remotes

    def get(self, name: str) -> DataRemote:
        """Return one remote. Raises VersionItemNotFoundError."""
        for remote in self.list():
            if remote.name == name.lower():
                return remote
        raise VersionItemNotFoundError(kind="data remote", name=name)

    def put(self, name: str, request: DataRemotePut) -> DataRemote:
        """Add a remote, or change it; InvalidRequestError names every invalid field.

        Credentials that are left out stay; empty ones are removed. The first remote of a project
        is its default.
        """
        options, secrets = self._check_request(name, request)
        with self._repository.exclusive("data remote", needs=Needs.NOTHING):
            settings = DataSettings(self._root)
            others = [remote for remote in settings.remotes() if remote.name != name]
            default = request.default or not others
            settings.put(name, options, secrets, default=default)
        return self.get(name)

    def delete(self, name: str) -> DataRemote:
        """Remove a remote and its credentials, and return it.

        The data at the remote is not deleted. Raises VersionItemNotFoundError.
        """
        with self._repository.exclusive("data remote", needs=Needs.NOTHING):
            remote = self.get(name)
            DataSettings(self._root).delete(remote.name)
        return remote

    def check(self, name: str) -> DataRemoteChecked:
        """Test the connection to a remote.

        Raises RemoteUnreachableError and DataCredentialsError with the reason of a failure.
        """
        remote = self.get(name)
        with open_data(self._root) as data:
            data.remote.test_connection(remote.name)
        return DataRemoteChecked(name=remote.name, reachable=True)

    def _check_request(
        self, name: str, request: DataRemotePut
    ) -> tuple[dict[str, str], dict[str, str]]:
        """Return the options (shared settings) and the secrets (this machine only) of a remote."""
        faults = [] if NAME_PATTERN.fullmatch(name) else [Fault("name", INVALID_NAME)]
        kind, parts = _remote_kind(request.url), parts_of(request.url)
        if kind is None or parts is None:
            raise InvalidRequestError(faults=[*faults, Fault("url", UNKNOWN_KIND)])
        if kind != LOCAL:
            if parts.password is not None:
                faults.append(Fault("url", PASSWORD_IN_URL))
            if not parts.hostname:
                faults.append(Fault("url", NO_HOST))
        else:
            place = Path(os.path.normpath(self._root / request.url))
            own_directories = (self._root / ".git", self._root / ".dvc")
            if any(own == place or own in place.parents for own in own_directories):
                faults.append(Fault("url", INSIDE_REPOSITORY))
        options = {"url": request.url}
        if kind == LOCAL and not Path(request.url).is_absolute():
            # DVC's settings hold paths relative to themselves.
            options["url"] = os.path.relpath(self._root / request.url, self._root / ".dvc")
        secrets = {}
        for field in sorted(OPTIONS[S3] | OPTIONS[SSH]):
            value = getattr(request, field)
            if value is None:
                continue
            if field not in OPTIONS[kind]:
                faults.append(Fault(field, NOT_SUPPORTED_BY_KIND.fill(kind=kind)))
            options[DVC_NAMES.get(field, field)] = str(value)
        for field in sorted(CREDENTIALS[S3] | CREDENTIALS[SSH]):
            secret = getattr(request, field)
            if secret is None:
                continue
            if field not in CREDENTIALS[kind]:
                faults.append(Fault(field, NOT_SUPPORTED_BY_KIND.fill(kind=kind)))
            secrets[field] = secret.get_secret_value()
        if request.endpoint_url is not None:
            endpoint = parts_of(request.endpoint_url)
            if (
                endpoint is None
                or endpoint.scheme not in ("http", "https")
                or not endpoint.hostname
            ):
                faults.append(Fault("endpoint_url", NO_ENDPOINT))
            elif endpoint.password is not None:
                faults.append(Fault("endpoint_url", PASSWORD_IN_URL))
        for key, value in {**options, **secrets}.items():
            if any(character in value for character in "\r\n\0"):
                faults.append(Fault(_field_name(key), HAS_LINE_BREAKS))
        if faults:
            raise InvalidRequestError(faults=faults)
        return options, secrets


def _remote_kind(url: str) -> str | None:
    if "://" not in url:
        return LOCAL
    parts = parts_of(url)
    return {"s3": S3, "ssh": SSH}.get(parts.scheme) if parts else None


def _field_name(name: str) -> str:
    return {theirs: ours for ours, theirs in DVC_NAMES.items()}.get(name, name)
