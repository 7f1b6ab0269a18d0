"""Endpoints of the remotes for data."""

from __future__ import annotations

from jupyter_mlws.api.models import Page
from jupyter_mlws.api.rest import endpoint, in_thread
from jupyter_mlws.versioning.data.models import DataRemote, DataRemoteChecked, DataRemotePut
from jupyter_mlws.versioning.handling import WRITES, VersioningHandler

NO_SETTINGS = ("30204", "30220")


class DataRemotesHandler(VersioningHandler):
    """All remotes for data."""

    resource = "datasets"

    @endpoint("List remotes for data", Page[DataRemote], errors=NO_SETTINGS)
    async def get(self) -> Page[DataRemote]:
        remotes = (await self.managers()).data_remotes
        return Page(items=await in_thread(remotes.list))


class DataRemoteHandler(VersioningHandler):
    """One remote for data."""

    resource = "datasets"

    @endpoint("Get a remote for data", DataRemote, errors=[*NO_SETTINGS, "30404"])
    async def get(self, name: str) -> DataRemote:
        remotes = (await self.managers()).data_remotes
        return await in_thread(remotes.get, name)

    @endpoint(
        "Set a remote for data up, or change it",
        DataRemote,
        body=DataRemotePut,
        also=WRITES,
        errors=[*NO_SETTINGS, "30102", "30103"],
    )
    async def put(self, name: str, body: DataRemotePut) -> DataRemote:
        remotes = (await self.managers()).data_remotes
        return await in_thread(remotes.put, name, body)

    @endpoint(
        "Forget a remote for data; what it stores stays",
        DataRemote,
        also=WRITES,
        errors=[*NO_SETTINGS, "30102", "30103", "30404"],
    )
    async def delete(self, name: str) -> DataRemote:
        remotes = (await self.managers()).data_remotes
        return await in_thread(remotes.delete, name)


class DataRemoteCheckHandler(VersioningHandler):
    """Whether a remote answers."""

    resource = "datasets"

    @endpoint(
        "Ask a remote for data whether it answers",
        DataRemoteChecked,
        errors=[*NO_SETTINGS, "30101", "30104", "30270", "30404"],
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
