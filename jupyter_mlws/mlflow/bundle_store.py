"""Stores bundles of runs in MLflow's own SQLite store. Helper process only.

A run keeps its id, so that nothing is there twice. The bundle of a run that exists adds what is
new in it; what is deleted here stays deleted.
"""

from __future__ import annotations

import filecmp
import json
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, func, select

from jupyter_mlws.mlflow.bundle_reader import (
    BundleReader,
    BundleState,
    folder_of,
    parse_alias_change,
    version_mark,
)
from jupyter_mlws.mlflow.bundles import (
    ARTIFACTS_FOLDER,
    BUNDLE_TAG,
    DOCUMENT,
    MODELS_FOLDER,
    NUMBER_TAG,
    RECEIVED_TAG,
    BundleError,
    check_files,
    read_lines,
)
from jupyter_mlws.mlflow.registry import MAX_ALIAS_CHANGES, parse_alias_tag
from jupyter_mlws.mlflow.rows import ALIAS_TAG_PREFIX
from jupyter_mlws.mlflow.run_tags import PARENT
from jupyter_mlws.mlflow.search import MLflowSearch
from jupyter_mlws.mlflow.sqlite_reader import DELETED_VERSION
from jupyter_mlws.mlflow.store import tables, upload_artifacts
from mlws.core.atomic import atomic_path, remove_temp_paths, sync, temp_path

JSON = Mapping[str, Any]


class StoreLocation(NamedTuple):
    """Location of a run or logged model in this store: experiment, and address of its artifacts."""

    experiment: int
    stage: str
    address: str
    is_new: bool


class MLflowBundles(MLflowSearch):
    """A store that receives bundles."""

    def migrate(self) -> None:
        """Create the store, or migrate that of an older MLflow."""
        # Opened by its first use.
        self._client.search_experiments(max_results=1)

    def set_bundles(self, states: Mapping[str, JSON]) -> None:
        """Record what was sent of runs."""
        with self._transaction() as database:
            database.set_bundles({run: BundleState(**row) for run, row in states.items()})

    def set_received(self, remote: str, commit: str) -> None:
        """Record the commit of a remote up to which its runs were received."""
        row = {"experiment_id": 0, "key": f"{RECEIVED_TAG}{remote}", "value": commit}
        with self._transaction() as database:
            if database.values("experiments", "experiment_id", experiment_id=0):
                database.insert("experiment_tags", [row], replace=True)

    def settle_bundles(self, runs: Sequence[str]) -> None:
        """Record the state of runs whose bundles were received one after the other.

        A later one may have changed the model of an earlier one. What changed here before remains
        to be sent.
        """
        with self._transaction() as database:
            states = database.reader.bundle_states(runs)
            database.set_bundles(
                {
                    run: row._replace(state=database.reader.state(run))
                    for run, row in states.items()
                    if row.state
                }
            )

    def receive_bundle(self, run: str, entry: str, files: Mapping[str, str]) -> bool:
        """Store a bundle: ``files`` are its files on this machine, by their paths in it.

        ``entry`` names it for the next time. Returns False for a run that was deleted here. Raises
        :class:`~.bundles.BundleError` if it is not valid; nothing is stored then.
        """
        check_files(files)
        document = Path(files[DOCUMENT])
        owners: dict[str, JSON] = {}
        """Runs and logged models, which have artifacts, by id."""
        current: JSON = {}
        for kind, value in read_lines(document, run):
            if kind == "run":
                owners[value["id"]] = current = value
            elif kind == "logged_model":
                facts = {"run": current["id"], "experiment": current["experiment"]}
                owners[value["id"]] = {**value, **facts}
        for path in files:
            if path != DOCUMENT and path.split("/")[1] not in owners:
                raise BundleError(f"{path!r} is an artifact of another run")
        with self._transaction() as database:
            is_there = bool(database.values("runs", "run_uuid", run_uuid=run))
            skip = database.reader.deleted_runs(owners)
            previous = database.reader.bundle_states([run]).get(run)
            has_changes = is_there and (
                previous is None or previous.state != database.reader.state(run)
            )
            strangers = [
                owner for owner, value in owners.items() if not database.is_same(owner, value)
            ]
        if strangers:
            raise BundleError(f"{strangers[0]} belongs to another run here")
        if run in skip:
            return False
        places = self._places(owners)
        for owner, place in places.items():
            folder = ARTIFACTS_FOLDER if "parent" in owners[owner] else MODELS_FOLDER
            prefix = f"{folder}/{owner}/"
            artifacts = {
                path.removeprefix(prefix): Path(source)
                for path, source in files.items()
                if path.startswith(prefix)
            }
            if artifacts and owners[owner].get("run", owner) not in skip:
                store_artifacts(place, artifacts, replace=not has_changes)
        with self._transaction() as database:
            merge = BundleMerge(database, places, skip, previous, replace=not has_changes)
            for kind, value in read_lines(document, run):
                merge.add_line(kind, value)
            merge.set_aliases()
            marks = set(database.reader.version_marks(run))
            # What changed here was not sent yet, and what another clone has deleted is still here:
            # the next push sends the whole.
            is_sent = not has_changes and marks <= merge.marks
            state = database.reader.state(run) if is_sent else ""
            versions = sorted(marks | merge.marks)
            database.set_bundles({run: BundleState(entry, state, versions)})
        return True

    @contextmanager
    def _transaction(self) -> Iterator[StoreTables]:
        with self._sql_store().ManagedSessionMaker(read_only=False) as session:
            connection = session.connection()
            # Others wait from here on: a transaction that begins with a read may fail to write.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield StoreTables(connection)

    def _places(self, owners: Mapping[str, JSON]) -> dict[str, StoreLocation]:
        """Return the places of runs and logged models, which may be new in this store."""
        experiments = {}
        for name in sorted({value["experiment"] for value in owners.values()}):
            experiment = self._client.get_experiment_by_name(name)
            if experiment is None:
                experiment = self._client.get_experiment(self._experiment(name))
            experiments[name] = experiment
        places = {}
        with self._transaction() as database:
            for owner, value in owners.items():
                is_run = "parent" in value
                experiment = experiments[value["experiment"]]
                location = str(experiment.artifact_location).rstrip("/")
                address = f"{location}/{owner if is_run else f'models/{owner}'}/artifacts"
                here = (
                    database.values("runs", "artifact_uri", run_uuid=owner)
                    if is_run
                    else database.values("logged_models", "artifact_location", model_id=owner)
                )
                places[owner] = StoreLocation(
                    int(experiment.experiment_id),
                    # Of an experiment that was deleted here, the runs are deleted as well.
                    str(experiment.lifecycle_stage),
                    str(here[0] if here else value.get("artifacts") or address),
                    not here,
                )
        return places


class StoreTables:
    """MLflow's tables, in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tables: Mapping[str, Table] = tables().SqlRun.metadata.tables
        self.reader = BundleReader(connection.connection.driver_connection)  # type: ignore[arg-type]

    def values(self, table: str, field: str, **conditions: Any) -> list[Any]:
        """Return a field of the rows whose fields have these values."""
        columns = self._tables[table].c
        query = select(columns[field]).where(*(columns[k] == v for k, v in conditions.items()))
        return list(self._connection.execute(query).scalars())

    def is_same(self, owner: str, value: JSON) -> bool:
        """Return whether a nested run or logged model is of the same run here, or new."""
        if "parent" not in value:
            here = self.values("logged_models", "source_run_id", model_id=owner)
            return here in ([], [value["run"]])
        if value["parent"] is None or not self.values("runs", "run_uuid", run_uuid=owner):
            return True
        return self.values("tags", "value", run_uuid=owner, key=PARENT) == [value["parent"]]

    def insert(self, table: str, rows: Sequence[JSON], *, replace: bool = False) -> None:
        """Insert rows; of those whose key is there, the new or the old one stays."""
        if rows:
            word = "OR REPLACE" if replace else "OR IGNORE"
            self._connection.execute(self._tables[table].insert().prefix_with(word), list(rows))

    def update(self, table: str, values: JSON, **conditions: Any) -> None:
        """Set fields of the rows whose fields have the values of ``conditions``."""
        columns = self._tables[table].c
        where = [columns[key] == value for key, value in conditions.items()]
        self._connection.execute(self._tables[table].update().where(*where).values(**values))

    def delete(self, table: str, **conditions: Any) -> None:
        """Delete the rows whose fields have these values."""
        columns = self._tables[table].c
        where = [columns[key] == value for key, value in conditions.items()]
        self._connection.execute(self._tables[table].delete().where(*where))

    def next_version(self, name: str) -> int:
        """Return a number that no version of a model has or had."""
        versions = self._tables["model_versions"].c
        query = select(func.max(versions.version)).where(versions.name == name)
        return int(self._connection.execute(query).scalar() or 0) + 1

    def alias_history(self, name: str, alias: str) -> dict[int, JSON]:
        """Return the recorded changes of an alias, by their time in milliseconds."""
        history: dict[int, JSON] = {}
        for key in self.values("registered_model_tags", "key", name=name):
            for its, moment in parse_alias_tag(key):
                if its == alias:
                    (text,) = self.values("registered_model_tags", "value", name=name, key=key)
                    history[round(moment * 1000)] = parse_alias_change(text)
        return history

    def set_bundles(self, states: Mapping[str, BundleState]) -> None:
        """Record what was sent or received of runs."""
        rows = [
            {"run_uuid": run, "key": BUNDLE_TAG, "value": state.format()}
            for run, state in states.items()
        ]
        self.insert("tags", rows, replace=True)

    def set_latest(self, run: str, key: str) -> None:
        """Set the last value of a metric from its history, as MLflow does when it is logged."""
        metrics = self._tables["metrics"].c
        query = (
            select(metrics.value, metrics.timestamp, metrics.step, metrics.is_nan)
            .where(metrics.run_uuid == run, metrics.key == key)
            .order_by(metrics.step.desc(), metrics.timestamp.desc(), metrics.value.desc())
            .limit(1)
        )
        row = self._connection.execute(query).mappings().one()
        self.insert("latest_metrics", [{"run_uuid": run, "key": key, **row}], replace=True)


class BundleMerge:
    """Adds the lines of a bundle to the tables.

    ``replace``: of two values, that of the bundle counts, because nothing was changed here since
    the last one.
    """

    def __init__(
        self,
        database: StoreTables,
        places: Mapping[str, StoreLocation],
        skip: set[str],
        previous: BundleState | None,
        *,
        replace: bool,
    ) -> None:
        self._database = database
        self._places = places
        self._skip = skip
        self._earlier_marks = set(previous.versions if previous else ())
        self._replace = replace
        self._run = ""
        self._models: dict[str, JSON] = {}
        self._aliases: dict[str, list[JSON]] = {}
        self.marks: set[str] = set()
        """Marks of the bundle's versions, also of those that were deleted here."""

    def add_line(self, kind: str, value: JSON) -> None:
        """Add a line, unless it is of a run that was deleted here."""
        if kind == "run":
            self._run = value["id"]
        owner = value["key"][0] if kind == "version" else self._run
        if owner not in self._skip or kind in ("model", "alias"):
            getattr(self, f"add_{kind}")(value)

    def add_run(self, value: JSON) -> None:
        run, place = value["id"], self._places[value["id"]]
        row = {
            "name": value["name"],
            "user_id": value["user"],
            "status": value["status"],
            "start_time": value["start"],
            "end_time": value["end"],
        }
        if not place.is_new:
            if self._replace:
                self._database.update("runs", row, run_uuid=run)
            return
        row |= {
            "run_uuid": run,
            "source_type": "UNKNOWN",
            "source_name": "",
            "entry_point_name": "",
            "source_version": "",
            "lifecycle_stage": place.stage,
            "artifact_uri": place.address,
            "experiment_id": place.experiment,
        }
        self._database.insert("runs", [row])

    def add_params(self, value: JSON) -> None:
        rows = [{"run_uuid": self._run, "key": k, "value": v} for k, v in value["values"].items()]
        self._database.insert("params", rows)

    def add_tags(self, value: JSON) -> None:
        rows = [
            {"run_uuid": self._run, "key": key, "value": text}
            for key, text in value["values"].items()
            if key != BUNDLE_TAG
        ]
        self._database.insert("tags", rows, replace=self._replace)

    def add_metric(self, value: JSON) -> None:
        fields = ("value", "timestamp", "step", "is_nan")
        rows = [
            {"run_uuid": self._run, "key": value["key"], **dict(zip(fields, point, strict=True))}
            for point in value["points"]
        ]
        self._database.insert("metrics", rows)
        if rows:
            self._database.set_latest(self._run, value["key"])

    def add_dataset(self, value: JSON) -> None:
        key = {
            "experiment_id": self._places[self._run].experiment,
            "name": value["name"],
            "digest": value["digest"],
        }
        row = {
            **key,
            "dataset_uuid": uuid.uuid4().hex,
            "dataset_source_type": value["source_type"],
            "dataset_source": value["source"],
            "dataset_schema": value["schema"],
            "dataset_profile": value["profile"],
        }
        self._database.insert("datasets", [row])
        (dataset,) = self._database.values("datasets", "dataset_uuid", **key)
        link = {
            "source_type": "DATASET",
            "source_id": dataset,
            "destination_type": "RUN",
            "destination_id": self._run,
        }
        self._database.insert("inputs", [{**link, "input_uuid": uuid.uuid4().hex}])
        (identifier,) = self._database.values("inputs", "input_uuid", **link)
        tags = [
            {"input_uuid": identifier, "name": name, "value": text}
            for name, text in value["tags"].items()
        ]
        self._database.insert("input_tags", tags, replace=self._replace)

    def add_logged_model(self, value: JSON) -> None:
        model = {"model_id": value["id"]}
        place = self._places[value["id"]]
        both = {**model, "experiment_id": place.experiment}
        if place.is_new:
            row = {
                **both,
                "name": value["name"],
                "artifact_location": place.address,
                "creation_timestamp_ms": value["created"],
                "last_updated_timestamp_ms": value["updated"],
                "status": value["status"],
                "lifecycle_stage": place.stage,
                "model_type": value["type"],
                "source_run_id": self._run,
                "status_message": value["message"],
            }
            self._database.insert("logged_models", [row])
        for part in ("param", "tag"):
            rows = [
                {**both, f"{part}_key": key, f"{part}_value": text}
                for key, text in value[f"{part}s"].items()
            ]
            self._database.insert(f"logged_model_{part}s", rows, replace=self._replace)
        names = ("metric_name", "metric_value", "metric_timestamp_ms", "metric_step")
        rows = [
            {**both, "run_id": self._run, **dict(zip(names, row, strict=True))}
            for row in value["metrics"]
        ]
        self._database.insert("logged_model_metrics", rows)
        if value["step"] is not None:
            link = {
                "source_type": "RUN_OUTPUT",
                "source_id": self._run,
                "destination_type": "MODEL_OUTPUT",
                "destination_id": value["id"],
                "step": value["step"],
                "input_uuid": uuid.uuid4().hex,
            }
            self._database.insert("inputs", [link])

    # Models

    def add_model(self, value: JSON) -> None:
        name = value["name"]
        # If it is new, it comes with its first version: all of them may have been deleted here.
        self._models[name] = value
        for updated in self._database.values("registered_models", "last_updated_time", name=name):
            is_newer = value["updated"] > updated
            (here,) = self._database.values("registered_models", "description", name=name)
            (created,) = self._database.values("registered_models", "creation_time", name=name)
            # The same on both sides in the end, so that they send the same of it.
            row = {
                "creation_time": min(created, value["created"]),
                "last_updated_time": max(updated, value["updated"]),
            }
            if value["description"] and (is_newer or not here):
                row["description"] = value["description"]
            self._database.update("registered_models", row, name=name)
            self._set_model_tags(name, value["tags"], replace=is_newer)

    def _set_model_tags(self, name: str, tags: Mapping[str, str], *, replace: bool) -> None:
        rows = [{"name": name, "key": key, "value": text} for key, text in tags.items()]
        self._database.insert("registered_model_tags", rows, replace=replace)

    def add_version(self, value: JSON) -> None:
        name, (run, created) = value["name"], value["key"]
        mark = version_mark(name, (run, created))
        self.marks.add(mark)
        number = self._number(name, (run, created))
        row = {
            "description": value["description"],
            "last_updated_time": value["updated"],
            "status": value["status"],
        }
        if number is not None:
            if self._replace:
                self._database.update("model_versions", row, name=name, version=number)
        elif mark in self._earlier_marks or self._database.values(
            "model_versions",
            "version",
            name=name,
            creation_time=created,
            current_stage=DELETED_VERSION,
        ):
            # Deleted here.
            return
        else:
            number = self._insert_version(value, row)
        tags = [
            {"name": name, "version": number, "key": key, "value": text}
            for key, text in value["tags"].items()
            if key != NUMBER_TAG
        ]
        self._database.insert("model_version_tags", tags, replace=self._replace)

    def _number(self, name: str, key: Sequence[Any] | None) -> int | None:
        """Return the number that a version has in this store; None if it is not in it."""
        if key is None:
            return None
        run, created = key
        numbers = self._database.values(
            "model_versions", "version", name=name, run_id=run, creation_time=created
        )
        return int(numbers[0]) if numbers else None

    def _insert_version(self, value: JSON, row: JSON) -> int:
        """Insert a version under its number, or the next one if another version has that."""
        name, (run, created), source = value["name"], value["key"], value["source"]
        model = self._models[name]
        if not self._database.values("registered_models", "name", name=name):
            fields = {
                "name": name,
                "creation_time": model["created"],
                "last_updated_time": model["updated"],
                "description": model["description"],
            }
            self._database.insert("registered_models", [fields])
            self._set_model_tags(name, model["tags"], replace=True)
        number = int(value["number"])
        if self._database.values("model_versions", "version", name=name, version=number):
            number = self._database.next_version(name)
            tag = {"name": name, "version": number, "key": NUMBER_TAG}
            tags = [{**tag, "value": str(value["number"])}]
        else:
            tags = []
        if "uri" in source:
            address = location = source["uri"]
            model_place = self._places.get(address.removeprefix("models:/"))
            if model_place is not None:
                location = model_place.address
        else:
            place = self._places[source.get("run") or source["model"]]
            address = location = f"{place.address}/{source['path']}".rstrip("/")
        fields = {
            **row,
            "name": name,
            "version": number,
            "creation_time": created,
            "run_id": run,
            "user_id": value["user"],
            "current_stage": "None",
            "source": address,
            "storage_location": location,
        }
        self._database.insert("model_versions", [fields])
        self._database.insert("model_version_tags", tags)
        return number

    def add_alias(self, value: JSON) -> None:
        self._aliases.setdefault(value["name"], []).append(value)

    def set_aliases(self) -> None:
        """Merge the changes of aliases; the newest change says where an alias is."""
        for name, changes in self._aliases.items():
            # After its versions were deleted here, a model may be gone.
            if self._database.values("registered_models", "name", name=name):
                for alias in sorted({change["alias"] for change in changes}):
                    some = [change for change in changes if change["alias"] == alias]
                    self._set_alias(name, alias, some)

    def _set_alias(self, name: str, alias: str, changes: Sequence[JSON]) -> None:
        current = next(
            iter(
                self._database.values("registered_model_aliases", "version", name=name, alias=alias)
            ),
            None,
        )
        history = self._database.alias_history(name, alias)
        # Another program may have moved it since, at an unknown time: that stays.
        is_recorded = current == (history[max(history)]["version"] if history else None)
        unknown = None
        for change in changes:
            version = self._number(name, change["version"])
            if change["version"] is not None and version is None:
                # Of a version that is not here.
                continue
            if change["time"] is None:
                unknown = version
                continue
            before = self._number(name, change["before"])
            here = history.get(change["time"])
            if here is None or (here["before"] is None and here["version"] == version):
                history[change["time"]] = {"version": version, "before": before, "by": change["by"]}
        newest = sorted(history)[-MAX_ALIAS_CHANGES:]
        for moment in history.keys() - set(newest):
            key = f"{ALIAS_TAG_PREFIX}{alias}.{moment}"
            self._database.delete("registered_model_tags", name=name, key=key)
        rows = [
            {
                "name": name,
                "key": f"{ALIAS_TAG_PREFIX}{alias}.{moment}",
                "value": json.dumps(history[moment]),
            }
            for moment in newest
        ]
        self._database.insert("registered_model_tags", rows, replace=True)
        target = history[max(history)]["version"] if history else None
        if not history and current is None:
            target = unknown
        if is_recorded and target != current:
            self._database.delete("registered_model_aliases", name=name, alias=alias)
            if target is not None:
                row = {"name": name, "alias": alias, "version": target}
                self._database.insert("registered_model_aliases", [row])


def store_artifacts(place: StoreLocation, files: Mapping[str, Path], *, replace: bool) -> None:
    """Store artifacts: those of a new run all at once, else each one that is new.

    ``replace``: those with another content as well.
    """
    folder = folder_of(place.address)
    if folder is None:
        with TemporaryDirectory(prefix="mlws-") as directory:
            _copy(files, Path(directory))
            upload_artifacts(place.address, directory)
        return
    if place.is_new:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # An earlier attempt may have been killed.
        remove_temp_paths(folder)
        with atomic_path(folder) as beside:
            _copy(files, beside)
        return
    folder.mkdir(parents=True, exist_ok=True)
    root = folder.resolve()
    for path, source in files.items():
        target = folder / path
        # A link that was logged as an artifact may lead elsewhere.
        inside = target.resolve()
        if root not in inside.parents or any(
            parent.exists() and not parent.is_dir() for parent in target.parents
        ):
            raise BundleError(f"the artifact {path!r} is below a file or a link here")
        if target.is_dir():
            raise BundleError(f"the artifact {path!r} is a folder here")
        remove_temp_paths(target)
        if target.exists() and (not replace or filecmp.cmp(source, target, shallow=False)):
            continue
        beside = temp_path(target)
        _copy({beside.name: source}, target.parent)
        beside.replace(target)


def _copy(files: Mapping[str, Path], folder: Path) -> None:
    """Copy files to their paths below a folder, durably."""
    for path, source in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        sync(target)
