"""Endpoints of the remotes for data."""

from __future__ import annotations

from jupyter_mlws.api.registry import WRITES, Endpoints
from jupyter_mlws.core.errors import (
    DataCredentialsError,
    DVCConfigError,
    DVCNotInitializedError,
    RemoteUnreachableError,
    VersionItemNotFoundError,
)
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.versioning.data.models import DataRemote, DataRemoteChecked, DataRemotePut
from jupyter_mlws.versioning.endpoint_errors import DVC_ERRORS, GIT_ERRORS
from jupyter_mlws.workspace import Workspace

NO_SETTINGS = (DVCNotInitializedError, DVCConfigError)
"""Before those of datasets, whose ids would take these paths."""

endpoints = Endpoints("datasets", GIT_ERRORS)


@endpoints.get("datasets/remotes", "List data remotes", errors=NO_SETTINGS)
def list_data_remotes(workspace: Workspace) -> Page[DataRemote]:
    return Page(items=workspace.data_remotes.list())


@endpoints.get(
    "datasets/remotes/{remote}",
    "Get a data remote",
    errors=[*NO_SETTINGS, VersionItemNotFoundError],
)
def get_data_remote(workspace: Workspace, name: str) -> DataRemote:
    return workspace.data_remotes.get(name)


@endpoints.put(
    "datasets/remotes/{remote}", "Add or change a data remote", also=WRITES, errors=DVC_ERRORS
)
def put_data_remote(workspace: Workspace, name: str, body: DataRemotePut) -> DataRemote:
    return workspace.data_remotes.put(name, body)


@endpoints.delete(
    "datasets/remotes/{remote}",
    "Remove a data remote; its stored data is kept",
    also=WRITES,
    errors=[*DVC_ERRORS, VersionItemNotFoundError],
)
def delete_data_remote(workspace: Workspace, name: str) -> DataRemote:
    return workspace.data_remotes.delete(name)


@endpoints.post(
    "datasets/remotes/{remote}/check",
    "Test the connection to a data remote",
    errors=[*DVC_ERRORS, RemoteUnreachableError, DataCredentialsError, VersionItemNotFoundError],
)
def check_data_remote(workspace: Workspace, name: str) -> DataRemoteChecked:
    return workspace.data_remotes.check(name)
