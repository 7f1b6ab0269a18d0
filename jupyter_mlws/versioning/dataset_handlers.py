"""Endpoints of datasets."""

from __future__ import annotations

from jupyter_mlws.api.models import Page, PageQuery
from jupyter_mlws.api.rest import Reply, endpoint, in_thread, location
from jupyter_mlws.operations import Operation
from jupyter_mlws.versioning.dataset_models import (
    Dataset,
    DatasetAdd,
    DatasetCheckout,
    DatasetDetail,
    DatasetsQuery,
)
from jupyter_mlws.versioning.handling import VersioningHandler


class DatasetsHandler(VersioningHandler):
    """All datasets."""

    resource = "datasets"

    @endpoint("List datasets", Page[Dataset], query=DatasetsQuery)
    async def get(self, query: DatasetsQuery) -> Page[Dataset]:
        datasets = (await self.managers()).datasets
        return await in_thread(datasets.list, query)

    @endpoint(
        "Track a file or folder as data, or record what it is now",
        Dataset,
        body=DatasetAdd,
        status=201,
        also=[("write", "contents")],
        errors=["30102", "30103", "30104", "30204", "30218", "30219", "30220", "50302"],
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
        errors=["30104", "30204", "30220", "30404"],
    )
    async def get(self, identifier: str, query: PageQuery) -> DatasetDetail:
        datasets = (await self.managers()).datasets
        return await in_thread(datasets.get, identifier, query.limit, query.cursor)


class DatasetCheckoutHandler(VersioningHandler):
    """A version of a dataset, brought back."""

    resource = "datasets"

    @endpoint(
        "Bring a version of a dataset into the working tree",
        Operation,
        body=DatasetCheckout,
        status=202,
        also=[("write", "contents")],
        errors=["30404"],
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

    @endpoint("Push a dataset", Operation, status=202, errors=["30404"])
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
        also=[("write", "contents")],
        errors=["30404"],
    )
    async def post(self, identifier: str) -> Reply:
        datasets = (await self.managers()).datasets
        await in_thread(datasets.check_transfer, identifier)
        return self.begin("dataset pull", lambda told: datasets.pull(identifier, told))


HANDLERS = [
    (r"datasets", DatasetsHandler),
    (r"datasets/([^/]+)", DatasetHandler),
    (r"datasets/([^/]+)/checkout", DatasetCheckoutHandler),
    (r"datasets/([^/]+)/push", DatasetPushHandler),
    (r"datasets/([^/]+)/pull", DatasetPullHandler),
]
