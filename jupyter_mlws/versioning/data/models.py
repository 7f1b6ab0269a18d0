"""What the API says and takes of datasets."""

from __future__ import annotations

from enum import Enum

from pydantic import ConfigDict, Field, SecretStr

from jupyter_mlws.core.schemas import PageQuery, Record, Request
from jupyter_mlws.versioning.models import Plain, Text


class DatasetState(str, Enum):
    """How the working tree's data stands to what is recorded of it."""

    UNCHANGED = "unchanged"
    MODIFIED = "modified"
    DELETED = "deleted"
    NOT_PULLED = "not_pulled"
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

    q: Plain | None = Field(default=None, description="Text in the path.")


class DatasetAdd(Request):
    """A file or folder of the project."""

    path: Plain = Field(min_length=1)


class DatasetCheckout(Request):
    """A commit that names the wanted version, or the version's own hash."""

    version: Plain = Field(min_length=1)


class DatasetImport(Request):
    """Data from elsewhere: ``path`` is where in the project it is to be.

    ``link``: the address stays recorded, so that `dvc update` can bring what is new there.
    """

    url: Plain = Field(min_length=1, max_length=4000)
    path: Plain = Field(min_length=1)
    link: bool = True


class RemoteLook(str, Enum):
    """How a remote is verified: not, by asking for each object, or by reading each of them."""

    NONE = "none"
    ASK = "ask"
    READ = "read"


class DatasetVerify(Request):
    """What to verify: the recorded content, or that of another version."""

    version: Plain | None = Field(default=None, min_length=1)
    remote: RemoteLook = RemoteLook.ASK


class FaultyObject(Record):
    """An object that a store lacks or has damaged, and which of the dataset's files it is."""

    md5: str
    state: str
    files: list[Text]


class VerifiedStore(Record):
    """What a store holds of a dataset; ``read``: each object was read and hashed anew."""

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


class DatasetDiffQuery(Request):
    """Which versions: commits, or hashes of the dataset; without ``to`` the working tree.

    Without ``from`` what is recorded now.
    """

    from_: Plain | None = Field(default=None, alias="from", min_length=1)
    to: Plain | None = Field(default=None, min_length=1)
    limit: int = Field(default=50, ge=1, le=500, description="Maximum number of files.")
    cursor: str | None = Field(default=None, description="`next_cursor` of the previous page.")


class DatasetSide(Record):
    """One side of a diff; ``commit`` is null for the working tree. Empty where it has no data."""

    commit: str | None
    md5: str | None
    size: int | None
    files: int | None


class FileState(str, Enum):
    """How a file differs between two versions of a dataset."""

    ADDED = "added"
    DELETED = "deleted"
    MODIFIED = "modified"


class ChangedDataFile(Record):
    """A file of a dataset that differs; sizes are null where the cache lacks the content."""

    path: Text
    state: FileState
    from_size: int | None
    to_size: int | None


class DatasetDiff(Record):
    """Two versions of a dataset, file by file; the counts are of all, ``items`` may be a part."""

    model_config = ConfigDict(populate_by_name=True)

    path: Text
    from_: DatasetSide = Field(serialization_alias="from")
    to: DatasetSide
    added: int
    deleted: int
    modified: int
    unchanged: int
    items: list[ChangedDataFile]
    next_cursor: str | None


class StorageUse(Record):
    """What data takes of this machine's disk, in bytes.

    ``current`` is what the working tree's versions need of the cache. ``unfinished`` are parts of
    interrupted transfers, which go on from there; ``damaged`` objects were put aside.
    """

    objects: int
    size: int
    current: int
    unfinished: int
    damaged: int
    free: int
    remote: str | None


class DataRemote(Record):
    """Where data goes. ``credentials`` names those that are set, and never shows them."""

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
    """A remote that answered."""

    name: str
    reachable: bool


class DatasetMoved(Record):
    """What a push or pull of one dataset did: its content is at the remote, or here."""

    path: Text
    md5: str
    size: int | None
    remote: Text


class DatasetPlace(Record):
    """Where the recorded content of a dataset is; ``remote`` is null where nobody can say.

    ``cached``: the cache has every object of it. ``remote``: the default remote has it; of a folder
    its list is asked for, which goes there after the files.
    """

    id: Text
    path: Text
    md5: str
    cached: bool
    remote: bool | None


class DatasetPlaces(Record):
    """Where the content of all datasets is; ``unreachable``: why the remote could not be asked."""

    remote: str | None
    unreachable: str | None
    items: list[DatasetPlace]
