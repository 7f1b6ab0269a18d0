"""Models and their versions, in MLflow's registry."""

from __future__ import annotations

import builtins
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from jupyter_mlws.core.errors import VersionItemNotFoundError
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.mlflow.client import ARTIFACTS, RefusedError, sqlite_file
from jupyter_mlws.versioning.data_index import normalize_path
from jupyter_mlws.versioning.experiments.ranking import Mode, guess_mode
from jupyter_mlws.versioning.experiments.run_environments import run_environments
from jupyter_mlws.versioning.experiments.run_outputs import RecordedOutput, RunOutputs
from jupyter_mlws.versioning.model_registry.models import (
    AliasChange,
    BestModels,
    BestQuery,
    ComparedValue,
    Model,
    ModelChange,
    ModelComparison,
    ModelCreate,
    ModelDetail,
    ModelsQuery,
    ModelUse,
    ModelVersion,
    RankedVersion,
)
from jupyter_mlws.versioning.repository import Needs, Repository, RepositoryPart
from jupyter_mlws.versioning.snapshots.environments import merged_versions
from jupyter_mlws.versioning.snapshots.manager import SnapshotManager
from mlws.core.errors import Fault, InvalidRequestError, MLWSError, OutsideWorkspaceError
from mlws.core.i18n import Message
from mlws.core.locking import person
from mlws.core.paths import escape, unescape

STORE_TIMEOUT = 3600.0
"""Seconds for MLflow to copy a version's files."""
SEARCH_TIMEOUT = 20.0
"""Seconds for git to search the project's files."""
MATCH = re.compile(rb"([^\0]+)\0(\d+)\0([^\n]*)\n")
"""A line that `git grep -z` found: path, number, text."""
MAX_MENTIONS = 100
MAX_LINE = 200
"""Characters of a line that names a model."""

BAD_NAME = Message('must not be a path or contain "/", ":" or quotation marks')
NO_FILE = Message("no such file or folder")
OUTSIDE = Message("is outside the workspace")
NOT_A_MODEL = Message("is the project itself, or holds files of DVC or MLflow")
NOT_AN_OUTPUT = Message("is not an output of this run; choose from: {outputs}")
NO_RUN = Message("MLflow has no such run")
BAD_VALUES = Message("rejected by MLflow: {reason}")
BAD_ALIAS = Message(
    "may only contain letters, digits, - and _, and must not be latest or look like v1"
)


@dataclass
class VersionFiles:
    """Run and files of a new version.

    ``places`` are files of the working tree, by path in the project. ``recorded`` are outputs of
    the run by hash. ``logged`` is what the run's code logged in MLflow.
    """

    run: str | None = None
    places: dict[str, str] = field(default_factory=dict)
    recorded: dict[str, RecordedOutput] = field(default_factory=dict)
    logged: list[str] = field(default_factory=list)


class ModelRegistry(RepositoryPart):
    """The models of one project. Thread-safe."""

    def __init__(
        self, repository: Repository, snapshots: SnapshotManager, outputs: RunOutputs
    ) -> None:
        super().__init__(repository)
        self._snapshots = snapshots
        self._outputs = outputs

    def register(self, request: ModelCreate) -> ModelVersion:
        """Register a model version with its parameters, metrics and files.

        Without a run, a new one is logged; it records the commit of the working tree, which is
        created if there are uncommitted changes. The files of an existing run are its own outputs:
        its recorded hashes select their content, or the run has logged them in MLflow. Only a run
        in progress, of a notebook or script, can have files of the working tree.

        Raises InvalidRequestError or OutsideWorkspaceError names every invalid field,
        DataMissingError an output that no store has, DataDamagedError a damaged one; nothing is
        logged then.
        """
        files = self._check(request)
        commit = None
        if files.run is None and self._repository.git.find("HEAD") is not None:
            commit = self._snapshots.keep_state(f"models/{uuid.uuid4().hex[:12]}")
        with ExitStack() as stack:
            artifacts = files.places
            if files.recorded:
                # No garbage collection may remove what is being copied.
                stack.enter_context(
                    self._repository.exclusive("model registration", needs=Needs.NOTHING)
                )
                fetched = stack.enter_context(self._outputs.fetched(files.recorded))
                artifacts = {**artifacts, **fetched}
            try:
                row = self._repository.tracking.ask(
                    "register",
                    STORE_TIMEOUT,
                    name=request.name,
                    params=request.params,
                    metrics=request.metrics,
                    artifacts=artifacts,
                    logged=files.logged,
                    tags=request.tags,
                    run=files.run,
                    commit=commit,
                )
            except RefusedError as error:
                faults = [Fault("params", BAD_VALUES.fill(reason=error.reason))]
                raise InvalidRequestError(faults=faults) from error
        return _to_model_version(row)

    def list(self, query: ModelsQuery | None = None) -> Page[Model]:
        """Return models by name, each with its newest version."""
        query = query or ModelsQuery()
        after = unescape(query.cursor) if query.cursor else ""
        rows = self._repository.tracking.ask(
            "models", text=query.q or "", after=after, limit=query.limit + 1
        )
        items = [_model(row) for row in rows[: query.limit]]
        following = items[-1].id if len(rows) > query.limit else None
        return Page(items=items, next_cursor=following)

    def get(self, identifier: str, limit: int = 50, cursor: str | None = None) -> ModelDetail:
        """Return a model with its versions. Raises VersionItemNotFoundError."""
        name = unescape(identifier)
        before = _parse_number(cursor, "page") if cursor is not None else None
        model = self._call_tracking("model", "model", name, name=name)
        rows = self._call_tracking(
            "versions", "model", name, name=name, before=before, limit=limit + 1
        )
        versions = [_to_model_version(row) for row in rows[:limit]]
        return ModelDetail(
            **_model(model).__dict__,
            versions=versions,
            next_cursor=str(versions[-1].version) if len(rows) > limit else None,
        )

    def version(self, identifier: str, number: str) -> ModelVersion:
        """Return one version. Raises VersionItemNotFoundError."""
        name = unescape(identifier)
        label = f"{name}:{number}"
        version_number = _parse_number(number, "model version")
        return _to_model_version(
            self._call_tracking("version", "model version", label, name=name, number=version_number)
        )

    def versions_of(self, run: str) -> Page[ModelVersion]:
        """Return the versions that were registered from a run. Raises VersionItemNotFoundError."""
        identifier = self._outputs.find(run)["id"]
        rows = self._repository.tracking.ask("versions_of", run=identifier)
        return Page(items=[_to_model_version(row) for row in rows])

    def describe(self, identifier: str, change: ModelChange) -> Model:
        """Change the description of a model. Raises VersionItemNotFoundError."""
        name = unescape(identifier)
        self._call_tracking("describe", "model", name, name=name, description=change.description)
        return self._model(name)

    @contextmanager
    def description_file(
        self, identifier: str, number: str, limit: int
    ) -> Iterator[tuple[str, Path] | None]:
        """Fetch the file that says what a version reads and returns.

        Yields its path in the version and where it is meanwhile; None if there is none of at most
        ``limit`` bytes. Raises VersionItemNotFoundError.
        """
        version = self.version(identifier, number)
        with TemporaryDirectory(prefix="mlws-") as folder:
            file = self._call_tracking(
                "description_file",
                "model version",
                version.id,
                name=version.name,
                number=version.version,
                folder=folder,
                limit=limit,
            )
            yield (file["path"], Path(file["place"])) if file else None

    def mentions(self, identifier: str) -> builtins.list[ModelUse]:
        """Return the lines of the project's text files that name a model by its address."""
        address = f"models:/{unescape(identifier)}"
        pattern = re.compile(re.escape(address) + r"(?:/(\d+)|@([\w-]+))?(?![\w.-])")
        output = self._repository.git.run(
            *("grep", "-z", "-n", "-I", "-F", "--untracked", "-e", address),
            codes=(0, 1),
            timeout=SEARCH_TIMEOUT,
        )
        uses: builtins.list[ModelUse] = []
        for path, number, line in MATCH.findall(output):
            text = line.decode(errors="replace")
            match = pattern.search(text)
            if match and len(uses) < MAX_MENTIONS:
                version = match[1] or match[2]
                excerpt = text.strip()[:MAX_LINE]
                name = path.decode(errors="replace")
                uses.append(ModelUse(path=name, line=int(number), text=excerpt, version=version))
        return uses

    def compare(self, ids: Sequence[str]) -> ModelComparison:
        """Compare versions side by side; VersionItemNotFoundError names the first missing one."""
        versions = []
        for identifier in ids:
            name, _, number = identifier.rpartition(":")
            versions.append(self.version(name, number))
        return ModelComparison(
            versions=versions,
            params=list(_compare_values([version.params for version in versions])),
            metrics=list(_compare_values([version.metrics for version in versions])),
            environments=list(self._compare_environments(versions)),
        )

    def set_alias(self, identifier: str, alias: str, number: int) -> Model:
        """Point an alias at a version.

        Raises VersionItemNotFoundError, InvalidRequestError for a name that MLflow rejects.
        """
        name = unescape(identifier)
        try:
            self._repository.tracking.ask(
                "set_alias", name=name, alias=alias, number=number, by=person()
            )
        except RefusedError as error:
            if error.kind == "RESOURCE_DOES_NOT_EXIST":
                label = f"{name}:{number}"
                raise VersionItemNotFoundError(kind="model version", name=label) from error
            raise InvalidRequestError(faults=[Fault("alias", BAD_ALIAS)]) from error
        return self._model(name)

    def delete_alias(self, identifier: str, alias: str) -> Model:
        """Delete an alias. Raises VersionItemNotFoundError."""
        name = unescape(identifier)
        if not self._call_tracking(
            "delete_alias", "model", name, name=name, alias=alias, by=person()
        ):
            raise VersionItemNotFoundError(kind="alias", name=alias)
        return self._model(name)

    def alias_history(self, identifier: str) -> Page[AliasChange]:
        """Return the changes of a model's aliases, newest first.

        Raises VersionItemNotFoundError.
        """
        name = unescape(identifier)
        rows = self._call_tracking("alias_history", "model", name, name=name)
        return Page(
            items=[
                AliasChange.from_object(
                    row,
                    timestamp=_format_timestamp(row["time"]) if row["time"] is not None else None,
                )
                for row in rows
            ]
        )

    def best(self, query: BestQuery) -> BestModels:
        """Return the versions with the best values of a metric."""
        mode = query.mode or guess_mode(query.metric)
        rows = self._repository.tracking.ask(
            "best",
            metric=query.metric,
            largest=mode is Mode.MAX,
            name=query.name,
            limit=query.limit,
        )
        versions = [
            RankedVersion(value=row["value"], version=_to_model_version(row)) for row in rows
        ]
        return BestModels(metric=query.metric, mode=mode, items=versions)

    def _compare_environments(self, versions: Sequence[ModelVersion]) -> Iterator[ComparedValue]:
        """Yield the packages that differ between versions whose environment is known."""
        packages: builtins.list[Mapping[str, str]] = []
        for version in versions:
            run = None
            # A run may have been deleted since.
            with suppress(VersionItemNotFoundError):
                run = self._outputs.find(version.run_id) if version.run_id else None
            environments = run_environments(self._repository, run) if run else []
            packages.append(merged_versions(environments))
        for value in _compare_values(packages):
            versions_of_known = {
                one for one, row in zip(value.values, packages, strict=True) if row
            }
            if len(versions_of_known) > 1:
                yield value

    def _model(self, name: str) -> Model:
        return _model(self._call_tracking("model", "model", name, name=name))

    def _call_tracking(self, call: str, kind: str, label: str, **arguments: Any) -> Any:
        """Call MLflow; VersionItemNotFoundError if the item does not exist."""
        try:
            return self._repository.tracking.ask(call, **arguments)
        except RefusedError as error:
            # MLflow also rejects names that no item can have.
            raise VersionItemNotFoundError(kind=kind, name=label) from error

    def _check(self, request: ModelCreate) -> VersionFiles:
        """Return the run and the files of a new version; the error lists every fault."""
        faults = []
        if set("/:\"'") & set(request.name) or request.name == "." or request.name.startswith(".."):
            faults.append(Fault("name", BAD_NAME))
        files = VersionFiles()
        outside = None
        run = None
        if request.run_id is not None:
            with suppress(VersionItemNotFoundError):
                run = self._outputs.find(request.run_id)
        if run is not None:
            files.run = run["id"]
            recorded = self._outputs.recorded(run)
            logged = {row["path"] for row in self._outputs.logged(run)}
            # The code of a notebook or script; nodes have recorded what they wrote.
            is_running = run["run"] is None and run["status"] in ("RUNNING", "SCHEDULED")
        for position, path in enumerate(request.artifacts):
            field = f"artifacts.{position}"
            try:
                inside = normalize_path(self._project, path)
                place = self._project.resolve(path)
            except MLWSError:
                outside = path
                faults.append(Fault(field, OUTSIDE))
                continue
            if run is not None and inside in recorded:
                files.recorded[inside] = recorded[inside]
            elif run is not None and inside in logged:
                files.logged.append(inside)
            elif run is not None and not is_running:
                names = ", ".join(sorted({*recorded, *logged})) or "-"
                faults.append(Fault(field, NOT_AN_OUTPUT.fill(outputs=names)))
            elif not place.exists():
                faults.append(Fault(field, NO_FILE))
            elif inside.split("/")[0] in (".", ".dvc") or self._holds_store(place):
                faults.append(Fault(field, NOT_A_MODEL))
            else:
                files.places[inside] = str(place)
        if request.run_id is not None and run is None:
            faults.append(Fault("run_id", NO_RUN))
        if outside is not None:
            raise OutsideWorkspaceError(faults=faults, path=outside)
        if faults:
            raise InvalidRequestError(faults=faults)
        return files

    def _holds_store(self, place: Path) -> bool:
        """Return whether a path holds MLflow's own files, or lies in them."""
        file = sqlite_file(self._repository.tracking.uri)
        parts = [] if file is None else [file.resolve(), (file.parent / ARTIFACTS).resolve()]
        return any(place in (part, *part.parents) or part in place.parents for part in parts)


def _to_model_version(row: Mapping[str, Any]) -> ModelVersion:
    return ModelVersion.from_object(
        row,
        id=f"{escape(row['name'])}:{row['version']}",
        timestamp=_format_timestamp(row["created"]),
        run_id=row["run"],
        uri=f"models:/{row['name']}/{row['version']}",
    )


def _model(row: Mapping[str, Any]) -> Model:
    return Model.from_object(
        row,
        id=escape(row["name"]),
        created=_format_timestamp(row["created"]),
        updated=_format_timestamp(row["updated"]),
        newest=_to_model_version(row["newest"]) if row["newest"] else None,
    )


def _compare_values(rows: Sequence[Mapping[str, Any]]) -> Iterator[ComparedValue]:
    for name in sorted({name for row in rows for name in row}):
        values = [row.get(name) for row in rows]
        yield ComparedValue(name=name, values=values, differs=len(set(values)) > 1)


def _parse_number(text: str, kind: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise VersionItemNotFoundError(kind=kind, name=text)
    return int(text)


def _format_timestamp(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
