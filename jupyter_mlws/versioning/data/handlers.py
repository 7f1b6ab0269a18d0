"""Endpoints of datasets."""

from __future__ import annotations

from jupyter_mlws.api.rest import Reply, endpoint, in_thread, location
from jupyter_mlws.core.errors import (
    DataCredentialsError,
    DataMissingError,
    DataTrackingError,
    RemoteUnreachableError,
    TrackedByGitError,
    VersionItemNotFoundError,
)
from jupyter_mlws.core.operations import Operation
from jupyter_mlws.core.schemas import Page, PageQuery
from jupyter_mlws.versioning.data.models import (
    Dataset,
    DatasetAdd,
    DatasetCheckout,
    DatasetDetail,
    DatasetDiff,
    DatasetDiffQuery,
    DatasetImport,
    DatasetsQuery,
    DatasetVerify,
    StorageUse,
)
from jupyter_mlws.versioning.handling import DVC_ERRORS, WRITES, VersioningHandler


class DatasetsHandler(VersioningHandler):
    """All datasets."""

    resource = "datasets"

    @endpoint("List datasets", Page[Dataset], query=DatasetsQuery, shared=True, errors=DVC_ERRORS)
    async def get(self, query: DatasetsQuery) -> Page[Dataset]:
        datasets = (await self.managers()).datasets
        return await in_thread(datasets.list, query)

    @endpoint(
        "Track a file or folder as data, or record its current content",
        Dataset,
        body=DatasetAdd,
        status=201,
        also=WRITES,
        errors=[*DVC_ERRORS, TrackedByGitError, DataTrackingError],
    )
    async def post(self, body: DatasetAdd) -> Reply:
        datasets = (await self.managers()).datasets
        made = await in_thread(datasets.add, body.path)
        return Reply(made, 201, location(self, "datasets", made.id))


class DatasetHandler(VersioningHandler):
    """One dataset."""

    resource = "datasets"

    @endpoint(
        "Get a dataset with its versions, producers and consumers",
        DatasetDetail,
        query=PageQuery,
        errors=[*DVC_ERRORS, VersionItemNotFoundError],
    )
    async def get(self, identifier: str, query: PageQuery) -> DatasetDetail:
        datasets = (await self.managers()).datasets
        return await in_thread(datasets.get, identifier, query.limit, query.cursor)


class DatasetCheckoutHandler(VersioningHandler):
    """A version of a dataset, brought back."""

    resource = "datasets"

    @endpoint(
        "Restore a version of a dataset to the working tree",
        Operation,
        body=DatasetCheckout,
        status=202,
        also=WRITES,
        errors=[VersionItemNotFoundError],
    )
    async def post(self, identifier: str, body: DatasetCheckout) -> Reply:
        datasets = (await self.managers()).datasets
        await in_thread(datasets.check_checkout, identifier, body.version)
        return self.begin(
            "dataset checkout", lambda told: datasets.checkout(identifier, body.version, told)
        )


class DatasetPushHandler(VersioningHandler):
    """A dataset, brought to its remote."""

    resource = "datasets"

    @endpoint("Push a dataset", Operation, status=202, errors=[VersionItemNotFoundError])
    async def post(self, identifier: str) -> Reply:
        datasets = (await self.managers()).datasets
        await in_thread(datasets.check_transfer, identifier)
        return self.begin("dataset push", lambda told: datasets.push(identifier, told))


class DatasetPullHandler(VersioningHandler):
    """A dataset, brought from its remote."""

    resource = "datasets"

    @endpoint(
        "Pull a dataset",
        Operation,
        status=202,
        also=WRITES,
        errors=[VersionItemNotFoundError],
    )
    async def post(self, identifier: str) -> Reply:
        datasets = (await self.managers()).datasets
        await in_thread(datasets.check_transfer, identifier)
        return self.begin("dataset pull", lambda told: datasets.pull(identifier, told))


class DatasetImportHandler(VersioningHandler):
    """Data from elsewhere."""

    resource = "datasets"

    @endpoint(
        "Download data from a URL and track it",
        Operation,
        body=DatasetImport,
        status=202,
        also=WRITES,
        errors=[DataTrackingError],
    )
    async def post(self, body: DatasetImport) -> Reply:
        datasets = (await self.managers()).datasets
        await in_thread(datasets.check_import, body)
        return self.begin("dataset import", lambda told: datasets.import_url(body, told))


class DatasetDiffHandler(VersioningHandler):
    """Two versions of a dataset."""

    resource = "datasets"

    @endpoint(
        "Compare two versions of a dataset, file by file",
        DatasetDiff,
        query=DatasetDiffQuery,
        errors=[
            *DVC_ERRORS,
            RemoteUnreachableError,
            DataCredentialsError,
            DataMissingError,
            VersionItemNotFoundError,
        ],
    )
    async def get(self, identifier: str, query: DatasetDiffQuery) -> DatasetDiff:
        datasets = (await self.managers()).datasets
        return await in_thread(datasets.diff, identifier, query)


class DatasetVerifyHandler(VersioningHandler):
    """A dataset in its stores."""

    resource = "datasets"

    @endpoint(
        "Verify a dataset object by object; the operation's result is a DatasetVerified",
        Operation,
        body=DatasetVerify,
        status=202,
        errors=[VersionItemNotFoundError],
    )
    async def post(self, identifier: str, body: DatasetVerify) -> Reply:
        datasets = (await self.managers()).datasets
        await in_thread(datasets.check_verify, identifier, body.version)
        return self.begin("dataset verify", lambda told: datasets.verify(identifier, body, told))


class StorageHandler(VersioningHandler):
    """What data takes of the disk."""

    resource = "datasets"

    @endpoint("Get the disk usage of data", StorageUse, errors=DVC_ERRORS)
    async def get(self) -> StorageUse:
        datasets = (await self.managers()).datasets
        return await in_thread(datasets.storage)


class PlacesHandler(VersioningHandler):
    """Where the data is."""

    resource = "datasets"

    @endpoint(
        "Check which datasets cache and default remote have; the operation's result is a "
        "DatasetPlaces",
        Operation,
        status=202,
    )
    async def post(self) -> Reply:
        datasets = (await self.managers()).datasets
        return self.begin("dataset places", datasets.places)


HANDLERS = [
    (r"datasets", DatasetsHandler),
    (r"datasets/import", DatasetImportHandler),
    (r"datasets/places", PlacesHandler),
    (r"datasets/storage", StorageHandler),
    (r"datasets/([^/]+)", DatasetHandler),
    (r"datasets/([^/]+)/diff", DatasetDiffHandler),
    (r"datasets/([^/]+)/verify", DatasetVerifyHandler),
    (r"datasets/([^/]+)/checkout", DatasetCheckoutHandler),
    (r"datasets/([^/]+)/push", DatasetPushHandler),
    (r"datasets/([^/]+)/pull", DatasetPullHandler),
]
