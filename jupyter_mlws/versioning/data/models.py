"""API models of datasets and data remotes."""

from __future__ import annotations

from enum import StrEnum

from pydantic import ConfigDict, Field, SecretStr

from jupyter_mlws.core.schemas import Page, PageQuery, Record, Request
from jupyter_mlws.versioning.models import Plain, Text
from mlws.core.i18n import Message


class DatasetState(StrEnum):
    """State of a dataset in the working tree, compared with what is recorded."""

    UNCHANGED = "unchanged"
    MODIFIED = "modified"
    DELETED = "deleted"
    NOT_PULLED = "not_pulled"
    UNRECORDED = "unrecorded"


class Dataset(Record):
    """Data that DVC tracks, as recorded now; ``source`` is the file that names it.

    ``output``: a workflow generates it. ``files`` counts those of a folder.
    """

    id: Text
    path: Text
    source: Text
    output: bool
    md5: str | None
    size: int | None
    files: int | None
    state: DatasetState


class DatasetTotal(Record):
    """Number and size of the datasets of a group; ``size`` leaves out those without a size."""

    count: int
    size: int


class DatasetPage(Page[Dataset]):
    """Part of the list of datasets; the totals are those of the whole list.

    ``own``: data that a person tracks. ``outputs``: data that workflows generate.
    """

    own: DatasetTotal
    outputs: DatasetTotal


class DatasetVersion(Record):
    """A version of a dataset; ``commit`` is the first commit with this content."""

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
    """A node of a workflow that generates or uses a dataset."""

    workflow: Text
    node: Text


class DatasetDetail(Dataset):
    """A dataset with its versions, newest first, its producers and its consumers.

    ``local``: the cache has the recorded content. ``next_cursor`` asks for older versions.
    """

    local: bool | None
    versions: list[DatasetVersion]
    next_cursor: str | None
    producers: list[DatasetUse]
    consumers: list[DatasetUse]


class DatasetsQuery(PageQuery):
    """Filter for a list of datasets."""

    q: Plain | None = Field(default=None, description="Text in the path.")


class DatasetAdd(Request):
    """A file or folder of the project."""

    path: Plain = Field(min_length=1)


class DatasetCheckout(Request):
    """A commit that names the wanted version, or the version's own hash."""

    version: Plain = Field(min_length=1)


class DatasetImport(Request):
    """Data to import from a URL; ``path`` is the target in the project.

    ``link``: the URL stays recorded, so that `dvc update` can fetch newer data.
    """

    url: Plain = Field(min_length=1, max_length=4000)
    path: Plain = Field(min_length=1)
    link: bool = True


class RemoteLook(StrEnum):
    """Way to verify a remote: not at all, by asking for each object, or by reading each."""

    NONE = "none"
    ASK = "ask"
    READ = "read"


class DatasetVerify(Request):
    """Version to verify; default: the recorded content."""

    version: Plain | None = Field(default=None, min_length=1)
    remote: RemoteLook = RemoteLook.ASK


class FaultyObject(Record):
    """An object that is missing or damaged in a store, and the dataset's files that use it."""

    md5: str
    state: str
    files: list[Text]


class VerifiedStore(Record):
    """Content of a dataset in one store; ``read``: each object was read and hashed."""

    name: str
    read: bool
    whole: bool
    faulty: list[FaultyObject]


class DatasetVerified(Record):
    """A dataset in its stores, object by object."""

    path: Text
    md5: str
    objects: int
    size: int | None
    whole: bool
    stores: list[VerifiedStore]


class FileState(StrEnum):
    """State of a file in a comparison of two versions of a dataset."""

    ADDED = "added"
    DELETED = "deleted"
    MODIFIED = "modified"
    RENAMED = "renamed"


class DatasetDiffQuery(Request):
    """Versions to compare: commits, or hashes of the dataset; without ``to`` the working tree.

    Without ``from`` the recorded content.
    """

    from_: Plain | None = Field(default=None, alias="from", min_length=1)
    to: Plain | None = Field(default=None, min_length=1)
    state: FileState | None = Field(default=None, description="Only files of this state.")
    limit: int = Field(default=50, ge=1, le=500, description="Maximum number of files.")
    cursor: str | None = Field(default=None, description="`next_cursor` of the previous page.")


class DatasetSide(Record):
    """One side of a diff, empty if it has no data; ``commit`` is null for the working tree.

    ``md5`` and ``size`` are those that are recorded.
    """

    commit: str | None = None
    md5: str | None = None
    size: int | None = None
    files: int | None = None


class ChangedDataFile(Record):
    """A file that differs; a size is null if the cache lacks the content.

    ``old_path`` is that of a renamed file, whose content is the same.
    """

    path: Text
    old_path: Text | None
    state: FileState
    from_size: int | None
    to_size: int | None


class DatasetDiff(Record):
    """Two versions of a dataset or of a folder in git, file by file.

    The counts cover all files, ``items`` is one page. ``images``: files that differ and are images.
    """

    model_config = ConfigDict(populate_by_name=True)

    path: Text
    from_: DatasetSide = Field(serialization_alias="from")
    to: DatasetSide
    added: int
    deleted: int
    modified: int
    renamed: int
    unchanged: int
    images: int
    items: list[ChangedDataFile]
    next_cursor: str | None


class AbsentData(Record):
    """Recorded data that is neither in the working tree nor in the cache, and could be pulled.

    ``size`` is null if that of some is not recorded.
    """

    files: int
    size: int | None


class StorageUse(Record):
    """Disk space that data uses on this machine, in bytes.

    ``current`` is the part of the cache that the working tree's versions need. ``unfinished``
    are parts of interrupted transfers, which can be resumed; ``damaged`` objects are set aside.
    ``absent`` was found without asking the remote.
    """

    objects: int
    size: int
    current: int
    unfinished: int
    damaged: int
    free: int
    absent: AbsentData
    remote: str | None


class DataRemote(Record):
    """A remote for data; ``credentials`` lists the names of those that are set, without values."""

    name: str
    url: str
    kind: str
    default: bool
    options: dict[str, str]
    credentials: list[str]


class DataRemotePut(Request):
    """A remote for data: a folder, S3 or SSH. Credentials stay on this machine."""

    url: Plain = Field(min_length=1, max_length=4000)
    default: bool = False
    endpoint_url: Plain | None = Field(default=None, description="S3: endpoint URL, such as MinIO.")
    region: Plain | None = None
    profile: Plain | None = None
    user: Plain | None = None
    port: int | None = Field(default=None, ge=1, le=65535)
    keyfile: Plain | None = Field(default=None, description="SSH: path to a private key.")
    access_key_id: SecretStr | None = None
    secret_access_key: SecretStr | None = None
    session_token: SecretStr | None = None
    password: SecretStr | None = None
    passphrase: SecretStr | None = None


class DataRemoteChecked(Record):
    """Result of a connection test: the remote responded."""

    name: str
    reachable: bool


class DatasetMoved(Record):
    """Result of a push or pull of one dataset: the remote, or this machine, has its content."""

    path: Text
    md5: str
    size: int | None
    remote: Text


class DatasetPlace(Record):
    """Places that have the recorded content of a dataset; ``remote`` is null if unknown.

    ``cached``: the cache has every object of it. ``remote``: the default remote has it; for a
    folder only its listing is checked, which is sent after the files.
    """

    id: Text
    path: Text
    md5: str
    cached: bool
    remote: bool | None


class DatasetPlaces(Record):
    """Places of all datasets; ``unreachable``: reason why the remote could not be asked.

    ``absent`` leaves out data that the remote is known to lack.
    """

    remote: str | None
    unreachable: str | None
    absent: AbsentData
    items: list[DatasetPlace]


class DatasetsPulled(Record):
    """The datasets that were pulled."""

    items: list[DatasetMoved]


class ImageQuery(Request):
    """An image in a version of the project; without a version the working tree."""

    path: Plain = Field(min_length=1)
    version: Plain | None = Field(default=None, min_length=1)


class ImagePreview(Record):
    """A small copy of an image as base64; ``problem`` says why there is none.

    ``width`` and ``height`` are those of the image itself. ``stored`` is false if the content is
    not on this machine.
    """

    path: Text
    media: str | None = None
    content: str | None = None
    width: int | None = None
    height: int | None = None
    stored: bool = True
    problem: Message | None = None
