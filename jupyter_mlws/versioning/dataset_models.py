"""What the API says and takes of datasets."""

from __future__ import annotations

from enum import Enum

from pydantic import Field

from jupyter_mlws.api.models import PageQuery, Record, Request
from jupyter_mlws.versioning.models import Plain, Text


class DatasetState(str, Enum):
    """How the working tree's data stands to what is recorded of it."""

    UNCHANGED = "unchanged"
    MODIFIED = "modified"
    DELETED = "deleted"
    UNRECORDED = "unrecorded"


class Dataset(Record):
    """Data that DVC tracks, as recorded now; ``source`` is the file that names it.

    ``output``: a workflow makes it. ``files`` counts those of a folder.
    """

    id: Text
    path: Text
    source: Text
    output: bool
    md5: str | None
    size: int | None
    files: int | None
    state: DatasetState


class DatasetVersion(Record):
    """What a dataset was from a commit on, until the next newer version."""

    commit: str
    short: str
    timestamp: str
    author: Text
    subject: Text
    md5: str
    size: int | None
    files: int | None
    current: bool


class DatasetUse(Record):
    """A node of a workflow that makes or needs a dataset."""

    workflow: Text
    node: Text


class DatasetDetail(Dataset):
    """A dataset with its versions, newest first, and who makes and needs it.

    ``local``: the cache has the recorded content. ``next_cursor`` asks for older versions.
    """

    local: bool | None
    versions: list[DatasetVersion]
    next_cursor: str | None
    producers: list[DatasetUse]
    consumers: list[DatasetUse]


class DatasetsQuery(PageQuery):
    """Which datasets."""

    q: Plain | None = Field(default=None, description="Part of the path.")


class DatasetAdd(Request):
    """A file or folder of the project."""

    path: Plain = Field(min_length=1)


class DatasetCheckout(Request):
    """A commit that names the wanted version, or the version's own hash."""

    version: Plain = Field(min_length=1)


class DatasetMoved(Record):
    """What a push or pull of one dataset did: its content is at the remote, or here."""

    path: Text
    md5: str
    size: int | None
    remote: Text
