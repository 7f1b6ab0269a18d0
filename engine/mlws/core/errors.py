"""Errors with codes (AABCC): what all have in common, and those of the engine.

AA names the part: 10 containers, 20 notebooks, 30 versioning, 40 workflows, 50 the server itself.
B names the kind: 1 system, 2 business, 3 permission, 4 data. CC counts. Only the replies and this
file have the codes: code and texts name the classes.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, dataclass_transform

from mlws.core.i18n import Message, context_language, parse_fact, store_fact, translate


@dataclass(frozen=True)
class Fault:
    """A fault in one field of an input, for the ``errors`` list of a response."""

    field: str
    message: Message


class ProgramError(Exception):
    """The error of another program, for callers that can raise a more specific one."""

    def to_mlws_error(self) -> MLWSError:
        """Return the error of the catalogue."""
        raise NotImplementedError


CATALOGUE: dict[str, type[MLWSError]] = {}
"""All classes of errors by their codes."""


@dataclass_transform(kw_only_default=True)
@dataclass(kw_only=True, eq=False, repr=False)
class MLWSError(Exception):
    """An error that people and programs can act on.

    The annotated fields of a class are its facts: they fill ``message`` and ``solution`` and become
    the reply's ``details``. A fact that is a sentence of ours is a :class:`Message`; what another
    program says is a plain string. ``faults`` name every field at fault.
    """

    code: ClassVar[str]
    status: ClassVar[int]
    message: ClassVar[Message]
    solution: ClassVar[Message]
    faults: Sequence[Fault] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Details beside the fields, such as what had run before the error."""

    def __init_subclass__(cls, code: str | None = None, status: int | None = None) -> None:
        dataclass(kw_only=True, eq=False, repr=False)(cls)
        if status is not None:
            cls.status = status
        if code is not None:
            cls.code = code
            CATALOGUE[code] = cls

    def __post_init__(self) -> None:
        facts = {name: getattr(self, name) for name in self.names()}
        # Those of an instance have its facts.
        vars(self).update(message=self.message.fill(**facts), solution=self.solution.fill(**facts))
        super().__init__(f"{self.code}: {self.message.en}")

    @staticmethod
    def restore(code: str, facts: Mapping[str, Any], faults: Sequence[Fault] = ()) -> MLWSError:
        """The error that was stored or sent by its code and its facts."""
        error = CATALOGUE[code]
        names = error.names()
        facts = {name: parse_fact(fact) for name, fact in facts.items()}
        # A fact that is None is in the details too.
        extra = {name: fact for name, fact in facts.items() if name not in names or fact is None}
        return error(faults=faults, extra=extra, **{name: facts.get(name) for name in names})

    @classmethod
    def names(cls) -> list[str]:
        """The names of its own facts."""
        return [field.name for field in fields(cls) if field.name not in ("faults", "extra")]

    @property
    def facts(self) -> dict[str, Any]:
        """The fields by their names, without those that may be left out and are; and the extra."""
        defaults = vars(type(self))
        own = {name: getattr(self, name) for name in self.names()}
        set_ones = {
            name: fact for name, fact in own.items() if fact is not None or name not in defaults
        }
        return {**set_ones, **self.extra}

    def with_facts(self, **facts: Any) -> MLWSError:
        """Return the same error with other or additional facts."""
        return self.restore(self.code, {**self.facts, **facts}, self.faults)

    @property
    def record(self) -> dict[str, Any]:
        """The code and the facts as JSON, for :meth:`restore`."""
        facts = {name: store_fact(fact) for name, fact in self.facts.items()}
        return {"code": self.code, "facts": facts}

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Like :class:`Message`, the reply's fields in the language of the context."""
        from pydantic_core import core_schema

        return core_schema.is_instance_schema(
            cls,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda error, info: error.as_dict(context_language(info)),
                info_arg=True,
                return_schema=core_schema.dict_schema(core_schema.str_schema()),
                when_used="json",
            ),
        )

    def as_dict(self, language: str) -> dict[str, Any]:
        """The reply's fields, without the timestamp."""
        return {
            "code": self.code,
            "message": self.message.in_(language),
            "details": translate(self.facts, language),
            "errors": [
                {"field": fault.field, "message": fault.message.in_(language)}
                for fault in self.faults
            ],
            "solution": self.solution.in_(language),
        }


LIST_COMMANDS = {
    "alias": "models NAME --aliases",
    "branch": "branch",
    "commit": "log",
    "conflict": "merge",
    "data remote": "data remote",
    "dataset": "data list",
    "model": "models",
    "model version": "models NAME",
    "node": "plan",
    "reproduction": "reproduce",
    "run": "runs",
    "safety copy": "safety",
    "stash": "stash list",
    "sweep": "sweep",
    "tag": "tag",
    "variant": "sweep",
    "version": "data show PATH",
    "workflow": "plan",
}
"""Commands that list the items of a kind."""


class ItemError(MLWSError):
    """Base of the errors about a thing that has a name."""

    name: str


class PathError(MLWSError):
    """Base of the errors about a file or folder."""

    path: str


class ItemNotFoundError(MLWSError, status=404):
    """Base of the errors of an item that does not exist."""

    message = Message("The {kind} {name!r} was not found.")
    solution = Message("Check the name or ID.")
    kind: str
    name: str

    def __post_init__(self) -> None:
        super().__post_init__()
        command = LIST_COMMANDS.get(self.kind)
        if command is not None and type(self).solution == ItemNotFoundError.solution:
            words = Message("Check the name or ID. `jupyter mlws {command}` lists what there is.")
            vars(self).update(solution=words.fill(command=command))


class ReasonError(MLWSError):
    """Base of the errors with a reason: a sentence of ours, or what another program says."""

    reason: str | Message


class PathsError(MLWSError):
    """Base of the errors of some paths, which ``named`` lists in the message."""

    paths: Sequence[str]
    named: str = ""

    def __post_init__(self) -> None:
        self.named = self.named or ", ".join(self.paths)
        super().__post_init__()


# 10: containers.


# 20: notebooks.


# 30: versioning.


class RemoteUnreachableError(ReasonError, code="30101", status=502):
    message = Message("Can't reach the remote {remote!r}: {reason}")
    solution = Message(
        "Check the network connection and the remote's URL and credentials, then try again."
    )
    remote: str | None


class DiskFullError(ReasonError, code="30102", status=507):
    message = Message("Out of disk space: {reason}")
    solution = Message("Free up some space and try again. Nothing was changed.")


class OperationInProgressError(MLWSError, code="30103", status=423):
    message = Message("Another operation is in progress: {operation} ({who}, since {since}).")
    solution = Message(
        "Wait until it finishes, then try again. If its process has exited, the lock is "
        "released automatically."
    )
    operation: str
    since: Any
    who: str | Message


class DVCUnavailableError(ReasonError, code="30104", status=503):
    message = Message("This needs DVC, which can't be loaded: {reason}.")
    solution = Message("Run `pip install 'mlws[dvc]'` in the same environment.")


class DVCNotInitializedError(MLWSError, code="30204", status=409):
    message = Message("DVC is not initialized in this project.")
    solution = Message(
        "Run `dvc init` in the project's root folder, then commit the files that it created. If "
        "DVC is set up in another folder of the repository, run `jupyter mlws repro` there instead."
    )


class DataTrackingError(PathError, ReasonError, code="30219", status=409):
    message = Message("Can't track {path!r} with DVC: {reason}")
    solution = Message("Choose another path, or fix the problem first.")


class DVCConfigError(ReasonError, code="30220", status=409):
    message = Message("Can't read the DVC configuration: {reason}")
    solution = Message("Fix `.dvc/config`, or restore it from a snapshot.")


class SharedCacheError(PathError, code="30231", status=409):
    message = Message(
        "The cache {path!r} is outside this project and may contain data of other projects."
    )
    solution = Message(
        "Free up space with `dvc gc --projects`, listing every project that uses the cache."
    )


class DataCredentialsError(ReasonError, code="30270", status=403):
    message = Message("The remote {remote!r} rejected the credentials: {reason}")
    solution = Message(
        "Set them with `jupyter mlws data remote --credentials NAME URL` (API: `PUT "
        "/datasets/remotes/NAME`) or environment variables. Nothing was changed."
    )
    remote: str | None


class DataDamagedError(MLWSError, code="30401", status=409):
    message = Message("The stored data of {path!r} does not match its hash {md5}.")
    solution = Message("Pull it again from the remote, or add the data again.")
    md5: str
    path: str


class DataMissingError(MLWSError, code="30402", status=404):
    message = Message("Data of this version is not available: {paths}")
    solution = Message("Connect a remote that has the data, or restore other paths only.")
    paths: Any


# 40: workflows.


class NodeFailedError(MLWSError, code="40101", status=500):
    message = Message("The node {node!r} failed with exit code {exit_code}.")
    solution = Message(
        "Check its log, fix the cause and run again. Completed nodes are not run again."
    )
    exit_code: Any
    node: str


class NodeResourcesError(MLWSError, code="40102", status=409):
    message = Message(
        "Not enough {resource} for the node {node!r}: {required} requested, {available} available."
    )
    solution = Message("Request less in the node's settings, or run it on a larger machine.")
    available: Any
    node: Any = None
    required: Any
    resource: str


class NodeLimitError(MLWSError, code="40103", status=409):
    message = Message("The node {node!r} exceeded its {resource} limit of {limit} and was stopped.")
    solution = Message("Raise the limit in the node's settings, or reduce what the node needs.")
    limit: Any
    node: str
    resource: str


class RunStoppedError(ReasonError, code="40104", status=500):
    message = Message("The run stopped: {reason}")
    solution = Message("Fix the cause and run again. Completed nodes are not run again.")


class DaskUnreachableError(ReasonError, code="40106", status=503):
    message = Message("Can't reach the Dask scheduler at {address}: {reason}")
    solution = Message(
        "Correct the address or start the scheduler, then run again, or use `--executor local`."
    )
    address: str


class DaskLostError(ReasonError, code="40107", status=503):
    message = Message("Lost the connection to the Dask scheduler at {address}: {reason}")
    solution = Message(
        "Resume the run when the scheduler is available again. Completed nodes are not run again."
    )
    address: str


class DaskNotInstalledError(MLWSError, code="40108", status=409):
    message = Message("Running on Dask requires the package distributed, which is not installed.")
    solution = Message("Run `pip install 'jupyter-mlws[dask]'`.")


class WorkerMismatchError(MLWSError, code="40109", status=409):
    message = Message("The worker {worker} does not match this machine: {differences}")
    solution = Message(
        "Install the same jupyter-mlws, distributed and Python on the cluster as here."
    )
    differences: Any
    worker: str


class NoWorkersError(MLWSError, code="40110", status=503):
    message = Message("The Dask cluster at {address} has no workers.")
    solution = Message("Start workers and run again.")
    address: str


class ProjectNotSharedError(MLWSError, code="40111", status=409):
    message = Message(
        "The workers can't access the project's folder, and no DVC remote is configured for "
        "its data."
    )
    solution = Message(
        "Share the folder with the workers, or set a default DVC remote that both can reach."
    )


class WorkflowUnreadableError(ReasonError, code="40205", status=400):
    message = Message("Can't read {path!r} as a workflow: {reason}")
    solution = Message("Open the file in a text editor and fix the reported problem.")
    line: int | None
    path: str


class InvalidExecutorError(MLWSError, code="40210", status=400):
    message = Message("Invalid executor {executor!r}.")
    solution = Message("Use `local`, or the address of a Dask scheduler: `dask://HOST:PORT`.")
    executor: str


# 50: the server itself.


class NewerDatabaseError(MLWSError, code="50103", status=503):
    message = Message(
        "The database {file} was written by a newer version of jupyter-mlws (its schema is "
        "{version}, the newest that this version reads is {newest})."
    )
    solution = Message(
        "Upgrade jupyter-mlws. To go on with this version, move the file away: a new one is "
        "created, without the history in the old one."
    )
    file: str
    newest: str
    version: str


class InvalidRequestError(MLWSError, code="50201", status=400):
    message = Message("Invalid request.")
    solution = Message("Correct the fields listed and try again.")


class OutsideWorkspaceError(PathError, code="50302", status=403):
    message = Message("{path!r} is outside the workspace.")
    solution = Message("Use a path inside the project's folder.")


class ProjectNotFoundError(ItemError, code="50402", status=404):
    message = Message("The project {name!r} was not found.")
    solution = Message("Create a project or open the example. A project is a git repository.")


MIN_FREE_BYTES = 32768
"""SQLite allocates as much to open a database, even to read."""


def disk_error(path: Path) -> OSError | None:
    """Return an error if the disk of a path is full or read-only.

    For programs that say only that they cannot write.
    """
    disk = os.statvfs(path)
    if disk.f_flag & os.ST_RDONLY:
        return OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
    if disk.f_bavail * disk.f_frsize < MIN_FREE_BYTES:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    return None


def is_full_disk(error: BaseException) -> bool:
    """Return whether an error means that no disk space or quota is left."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    # SQLite has no class for it.
    return isinstance(error, sqlite3.OperationalError) and "disk is full" in str(error)
