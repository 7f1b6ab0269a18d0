"""Endpoints of the remotes for data."""

from __future__ import annotations

from jupyter_mlws.api.rest import endpoint, in_thread
from jupyter_mlws.core.errors import (
    DataCredentialsError,
    DVCConfigError,
    DVCNotInitializedError,
    RemoteUnreachableError,
    VersionItemNotFoundError,
)
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.versioning.data.models import DataRemote, DataRemoteChecked, DataRemotePut
from jupyter_mlws.versioning.handling import DVC_ERRORS, WRITES, VersioningHandler

NO_SETTINGS = (DVCNotInitializedError, DVCConfigError)


class DataRemotesHandler(VersioningHandler):
    """All remotes for data."""

    resource = "datasets"

    @endpoint("List data remotes", Page[DataRemote], errors=NO_SETTINGS)
    async def get(self) -> Page[DataRemote]:
        remotes = (await self.managers()).data_remotes
        return Page(items=await in_thread(remotes.list))


class DataRemoteHandler(VersioningHandler):
    """One remote for data."""

    resource = "datasets"

    @endpoint("Get a data remote", DataRemote, errors=[*NO_SETTINGS, VersionItemNotFoundError])
    async def get(self, name: str) -> DataRemote:
        remotes = (await self.managers()).data_remotes
        return await in_thread(remotes.get, name)

    @endpoint(
        "Add or change a data remote",
        DataRemote,
        body=DataRemotePut,
        also=WRITES,
        errors=DVC_ERRORS,
    )
    async def put(self, name: str, body: DataRemotePut) -> DataRemote:
        remotes = (await self.managers()).data_remotes
        return await in_thread(remotes.put, name, body)

    @endpoint(
        "Remove a data remote; its stored data is kept",
        DataRemote,
        also=WRITES,
        errors=[*DVC_ERRORS, VersionItemNotFoundError],
    )
    async def delete(self, name: str) -> DataRemote:
        remotes = (await self.managers()).data_remotes
        return await in_thread(remotes.delete, name)


class DataRemoteCheckHandler(VersioningHandler):
    """Whether a remote answers."""

    resource = "datasets"

    @endpoint(
        "Test the connection to a data remote",
        DataRemoteChecked,
        errors=[
            *DVC_ERRORS,
            RemoteUnreachableError,
            DataCredentialsError,
            VersionItemNotFoundError,
        ],
    )
    async def post(self, name: str) -> DataRemoteChecked:
        remotes = (await self.managers()).data_remotes
        return await in_thread(remotes.check, name)


HANDLERS = [
    (r"datasets/remotes", DataRemotesHandler),
    (r"datasets/remotes/([^/]+)", DataRemoteHandler),
    (r"datasets/remotes/([^/]+)/check", DataRemoteCheckHandler),
]
"""Before those of datasets, whose ids would take these paths."""
