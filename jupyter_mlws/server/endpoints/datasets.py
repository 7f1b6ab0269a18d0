"""Endpoints of data remotes and datasets."""

from __future__ import annotations

from jupyter_mlws.api.registry import WRITES, Endpoints, Reply, Work
from jupyter_mlws.core.errors import (
    TrackedByGitError,
    UnfinishedOperationError,
    VersionItemNotFoundError,
)
from jupyter_mlws.core.schemas import Page, PageQuery
from jupyter_mlws.server.endpoints.errors import DVC_ERRORS, GIT_ERRORS
from jupyter_mlws.versioning.data.images import preview_image
from jupyter_mlws.versioning.data.models import (
    DataRemote,
    DataRemoteChecked,
    DataRemotePut,
    Dataset,
    DatasetAdd,
    DatasetCheckout,
    DatasetDetail,
    DatasetDiff,
    DatasetDiffQuery,
    DatasetImport,
    DatasetMoved,
    DatasetPage,
    DatasetPlaces,
    DatasetsPulled,
    DatasetsQuery,
    DatasetVerified,
    DatasetVerify,
    ImagePreview,
    ImageQuery,
    StorageUse,
)
from jupyter_mlws.versioning.models import RestoreResult
from jupyter_mlws.workspace import Workspace
from mlws.core.errors import (
    DataCredentialsError,
    DataDamagedError,
    DataMissingError,
    DataTrackingError,
    DVCConfigError,
    DVCNotInitializedError,
    RemoteUnreachableError,
)

SETTINGS_ERRORS = (DVCNotInitializedError, DVCConfigError)

endpoints = Endpoints("datasets", GIT_ERRORS)

# Remotes come before the datasets, whose ids would take these paths.


@endpoints.get("datasets/remotes", "List data remotes", errors=SETTINGS_ERRORS)
def list_data_remotes(workspace: Workspace) -> Page[DataRemote]:
    return Page(items=workspace.data_remotes.list())


@endpoints.get(
    "datasets/remotes/{remote}",
    "Get a data remote",
    errors=[*SETTINGS_ERRORS, VersionItemNotFoundError],
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


@endpoints.get("datasets", "List datasets", shared=True, errors=DVC_ERRORS)
def list_datasets(workspace: Workspace, query: DatasetsQuery) -> DatasetPage:
    return workspace.datasets.list(query)


@endpoints.post(
    "datasets",
    "Track a file or folder as data, or record its current content",
    status=201,
    also=WRITES,
    errors=[*DVC_ERRORS, UnfinishedOperationError, TrackedByGitError, DataTrackingError],
)
def add_dataset(workspace: Workspace, body: DatasetAdd) -> Reply[Dataset]:
    dataset = workspace.datasets.add(body.path)
    return Reply(dataset, location=("datasets", dataset.id))


@endpoints.post(
    "datasets/import",
    "Download data from a URL and track it",
    also=WRITES,
    errors=[DataTrackingError],
)
def import_dataset(workspace: Workspace, body: DatasetImport) -> Work[Dataset]:
    workspace.datasets.check_import(body)
    return Work("dataset import", lambda progress: workspace.datasets.import_url(body, progress))


@endpoints.post(
    "datasets/places",
    "Check which datasets cache and default remote have; the operation's result is a DatasetPlaces",
)
def find_stores(workspace: Workspace) -> Work[DatasetPlaces]:
    return Work("dataset places", workspace.datasets.places)


@endpoints.post(
    "datasets/pull",
    "Pull all recorded data that is not here; the operation's result is a DatasetsPulled",
    also=WRITES,
)
def pull_all_datasets(workspace: Workspace) -> Work[DatasetsPulled]:
    return Work("dataset pull", workspace.datasets.pull_all)


@endpoints.get(
    "datasets/image",
    "Get a small copy of an image in a version, of data or in git",
    errors=[*DVC_ERRORS, VersionItemNotFoundError],
)
def get_image(workspace: Workspace, query: ImageQuery) -> ImagePreview:
    return preview_image(workspace.snapshots.comparison, query)


@endpoints.get("datasets/storage", "Get the disk usage of data", errors=DVC_ERRORS)
def get_storage(workspace: Workspace) -> StorageUse:
    return workspace.datasets.storage()


@endpoints.get(
    "datasets/{dataset}",
    "Get a dataset with its versions, producers and consumers",
    errors=[*DVC_ERRORS, VersionItemNotFoundError],
)
def get_dataset(workspace: Workspace, identifier: str, query: PageQuery) -> DatasetDetail:
    return workspace.datasets.get(identifier, query.limit, query.cursor)


@endpoints.get(
    "datasets/{dataset}/diff",
    "Compare two versions of a dataset or of a folder in git, file by file",
    errors=[
        *DVC_ERRORS,
        DataDamagedError,
        RemoteUnreachableError,
        DataCredentialsError,
        DataMissingError,
        VersionItemNotFoundError,
    ],
)
def compare_versions(workspace: Workspace, identifier: str, query: DatasetDiffQuery) -> DatasetDiff:
    return workspace.datasets.diff(identifier, query)


@endpoints.post(
    "datasets/{dataset}/verify",
    "Verify a dataset object by object; the operation's result is a DatasetVerified",
    errors=[VersionItemNotFoundError],
)
def verify_dataset(
    workspace: Workspace, identifier: str, body: DatasetVerify
) -> Work[DatasetVerified]:
    workspace.datasets.check_verify(identifier, body.version)
    return Work(
        "dataset verify",
        lambda progress: workspace.datasets.verify(identifier, body, progress),
    )


@endpoints.post(
    "datasets/{dataset}/checkout",
    "Restore a version of a dataset to the working tree",
    also=WRITES,
    errors=[VersionItemNotFoundError],
)
def checkout_dataset(
    workspace: Workspace, identifier: str, body: DatasetCheckout
) -> Work[RestoreResult]:
    workspace.datasets.check_checkout(identifier, body.version)
    return Work(
        "dataset checkout",
        lambda progress: workspace.datasets.checkout(identifier, body.version, progress),
    )


@endpoints.post("datasets/{dataset}/push", "Push a dataset", errors=[VersionItemNotFoundError])
def push_dataset(workspace: Workspace, identifier: str) -> Work[DatasetMoved]:
    workspace.datasets.check_transfer(identifier)
    return Work("dataset push", lambda progress: workspace.datasets.push(identifier, progress))


@endpoints.post(
    "datasets/{dataset}/pull", "Pull a dataset", also=WRITES, errors=[VersionItemNotFoundError]
)
def pull_dataset(workspace: Workspace, identifier: str) -> Work[DatasetMoved]:
    workspace.datasets.check_transfer(identifier)
    return Work("dataset pull", lambda progress: workspace.datasets.pull(identifier, progress))
