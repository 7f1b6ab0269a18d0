"""Reads bundles of runs from an SQLite store of MLflow, without MLflow, whose import takes seconds.

A push looks at every run that its commits name, so what has not changed must cost little.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from jupyter_mlws.mlflow.bundles import (
    ARTIFACTS_FOLDER,
    BUNDLE_TAG,
    DOCUMENT,
    FORMAT,
    MAX_RUNS,
    MODELS_FOLDER,
    NUMBER_TAG,
    POINTS_PER_LINE,
    RECEIVED_TAG,
    REMOTE_SCHEMES,
    RUN_ID,
    write_lines,
)
from jupyter_mlws.mlflow.registry import parse_alias_tag
from jupyter_mlws.mlflow.rows import ALIAS_TAG_PREFIX
from jupyter_mlws.mlflow.run_tags import PARENT
from jupyter_mlws.mlflow.sqlite_reader import BUSY_TIMEOUT, DELETED_VERSION, IDS_PER_QUERY

FINAL_STATUSES = ("FINISHED", "FAILED", "KILLED")
MAX_TEXT = 500_000
"""Characters of the schema or profile of a dataset that travel; MLflow has up to 16 million."""
RUN_FIELDS = (
    "run_uuid, name, user_id, status, start_time, end_time, artifact_uri, experiment_id, "
    "lifecycle_stage"
)

log = logging.getLogger(__name__)

Row = tuple[Any, ...]
VersionKey = tuple[str, int]
"""Run and time of creation, which identify a version of a model in every store."""


class BundleState(NamedTuple):
    """State of a run when it was last sent or received.

    ``entry`` names the bundle. ``state`` is the :meth:`~BundleReader.state` of the run then; it is
    empty while the run has changes that were not sent. ``versions`` are the
    :func:`version_mark` of its model versions then: what is missing since was deleted.
    """

    entry: str
    state: str
    versions: Sequence[str]

    @classmethod
    def parse(cls, tag: str | None) -> BundleState | None:
        """Return the state that a tag holds; None for any other text."""
        try:
            row = json.loads(tag or "")
            return cls(str(row["entry"]), str(row["state"]), [str(one) for one in row["versions"]])
        except (ValueError, KeyError, TypeError):
            return None

    def format(self) -> str:
        """Return the text of the tag."""
        return json.dumps(self._asdict(), separators=(",", ":"))


def version_mark(name: str, key: VersionKey) -> str:
    """Return a short name for a version of a model, the same in every store."""
    text = json.dumps([name, *key])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@contextmanager
def open_store(file: Path) -> Iterator[BundleReader]:
    """Open a store for reading. Raises ``sqlite3.Error`` if MLflow must migrate it first."""
    uri = f"{file.resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, BUSY_TIMEOUT, uri=True)) as connection:
        connection.execute("BEGIN")
        yield BundleReader(connection)


class BundleReader:
    """Reader of the runs of one store, through one connection to its SQLite file.

    Used in one transaction: which runs are nested is read once.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def received_tip(self, remote: str) -> str | None:
        """Return the commit of a remote up to which this store has received its runs."""
        query = "SELECT value FROM experiment_tags WHERE experiment_id = 0 AND key = ?"
        row = self._connection.execute(query, (f"{RECEIVED_TAG}{remote}",)).fetchone()
        return str(row[0]) if row else None

    def final_runs(self, runs: Iterable[str]) -> list[str]:
        """Return those of the runs that are in the store, have ended and are not deleted."""
        rows = self._select("runs", "run_uuid, status, lifecycle_stage", "run_uuid", runs)
        finals = {
            run for run, status, stage in rows if status in FINAL_STATUSES and stage == "active"
        }
        return [run for run in runs if run in finals]

    def deleted_runs(self, runs: Iterable[str]) -> set[str]:
        """Return those of the runs that were deleted in MLflow."""
        rows = self._select("runs", "run_uuid, lifecycle_stage", "run_uuid", runs)
        return {run for run, stage in rows if stage == "deleted"}

    def bundle_states(self, runs: Iterable[str]) -> dict[str, BundleState]:
        """Return what was last sent or received of the runs."""
        rows = self._select("tags", "run_uuid, key, value", "run_uuid", runs, key=BUNDLE_TAG)
        states = {run: BundleState.parse(value) for run, _, value in rows}
        return {run: state for run, state in states.items() if state is not None}

    def state(self, run: str) -> str:
        """Return a hash of all that may change in a run, its nested runs and its models.

        It is of this store. The history of a metric and the files are not read: their ends are.
        """
        family = [row for row, _ in self._family(run)]
        ids = [row[0] for row in family]
        places = {row[6]: {"run": row[0]} for row in family}
        models = self._select(
            "logged_models",
            "artifact_location, model_id, last_updated_timestamp_ms, status, lifecycle_stage",
            "source_run_id",
            ids,
        )
        places |= {row[0]: {"model": row[1]} for row in models}
        tags = self._select("tags", "run_uuid, key, value", "run_uuid", ids)
        metrics = "run_uuid, key, value, timestamp, step"
        folders = [folder_of(address) for address in places]
        parts = [
            family,
            models,
            [row for row in tags if row[1] != BUNDLE_TAG],
            self._select("latest_metrics", metrics, "run_uuid", ids),
            self._select("params", "run_uuid, key", "run_uuid", ids),
            # The time of a model's last change is that of its other versions, too.
            [(kind, {**row, "updated": None}) for kind, row in self._models(ids, places)],
            [path.stat().st_mtime_ns for path in folders if path and path.is_dir()],
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]

    def version_marks(self, run: str) -> list[str]:
        """Return the marks of the model versions of a run and its nested runs."""
        ids = [row[0] for row, _ in self._family(run)]
        rows = self._select("model_versions", "run_id, name, creation_time", "run_id", ids)
        return sorted(version_mark(name, (owner, created)) for owner, name, created in rows)

    def write(self, run: str, path: Path) -> dict[str, Path]:
        """Write the document of a run's bundle; return the bundle's files by their paths in it.

        Raises :class:`BundleError` if the run is too large.
        """
        files = {DOCUMENT: path}
        write_lines(path, self.iter_lines(run, files))
        return files

    @cached_property
    def _children(self) -> Mapping[str, Sequence[str]]:
        """The runs within each run; read at once, as there is no index of the values of tags."""
        query = "SELECT value, run_uuid FROM tags WHERE key = ? ORDER BY value, run_uuid"
        rows = self._connection.execute(query, (PARENT,)).fetchall()
        return {
            parent: [run for _, run in group]
            for parent, group in groupby(rows, lambda row: str(row[0]))
        }

    def iter_lines(self, run: str, files: dict[str, Path]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the lines of a run's document, and add its artifacts to ``files``."""
        yield "bundle", {"format": FORMAT, "run": run}
        family = list(self._family(run))
        ids = [row[0] for row, _ in family]
        places: dict[str, dict[str, str]] = {}
        """Addresses of artifacts → what they are of."""
        for row, parent in family:
            identifier, name, user, status, start, end, address, experiment, _ = row
            query = "SELECT name FROM experiments WHERE experiment_id = ?"
            (experiment_name,) = self._connection.execute(query, (experiment,)).fetchone()
            folder = folder_of(address)
            if folder is not None:
                add_files(files, f"{ARTIFACTS_FOLDER}/{identifier}", folder)
            places[address] = {"run": identifier}
            yield (
                "run",
                {
                    "id": identifier,
                    "parent": parent,
                    "experiment": experiment_name,
                    "name": name,
                    "user": user,
                    "status": status,
                    "start": start,
                    "end": end,
                    "artifacts": address if address.startswith(REMOTE_SCHEMES) else None,
                },
            )
            for kind in ("params", "tags"):
                query = f"SELECT key, value FROM {kind} WHERE run_uuid = ? ORDER BY key"  # noqa: S608
                for key, value in self._connection.execute(query, (identifier,)):
                    if key != BUNDLE_TAG:
                        yield kind, {"values": {key: value}}
            yield from self._metrics(identifier)
            yield from self._datasets(identifier)
            yield from self._logged_models(identifier, files, places)
        yield from self._models(ids, places)

    def _family(self, run: str) -> Iterator[tuple[Row, str | None]]:
        """Yield the row of a run and of the runs within it, each with its parent in the bundle."""
        waiting: list[tuple[str, str | None]] = [(run, None)]
        ids = {run}
        for identifier, parent in waiting:
            query = f"SELECT {RUN_FIELDS} FROM runs WHERE run_uuid = ?"  # noqa: S608
            row = self._connection.execute(query, (identifier,)).fetchone()
            # What travels has ids as MLflow makes them; a parent's tag may name anything.
            if row is None or row[8] != "active" or not RUN_ID.fullmatch(identifier):
                continue
            yield row, parent
            for child in self._children.get(identifier, ()):
                if child not in ids and len(ids) < MAX_RUNS:
                    ids.add(child)
                    waiting.append((child, identifier))

    def _metrics(self, run: str) -> Iterator[tuple[str, dict[str, Any]]]:
        rows = self._connection.execute(
            "SELECT key, value, timestamp, step, is_nan FROM metrics WHERE run_uuid = ? "
            "ORDER BY key, step, timestamp, is_nan, value",
            (run,),
        )
        for key, points in groupby(rows, lambda row: row[0]):
            part = []
            for _, value, timestamp, step, is_nan in points:
                part.append([value, timestamp, step, bool(is_nan)])
                if len(part) == POINTS_PER_LINE:
                    yield "metric", {"key": key, "points": part}
                    part = []
            if part:
                yield "metric", {"key": key, "points": part}

    def _datasets(self, run: str) -> Iterator[tuple[str, dict[str, Any]]]:
        rows = self._connection.execute(
            "SELECT input_uuid, datasets.name, digest, dataset_source_type, dataset_source, "
            "dataset_schema, dataset_profile FROM inputs JOIN datasets ON dataset_uuid = source_id "
            "WHERE source_type = 'DATASET' AND destination_type = 'RUN' AND destination_id = ? "
            "ORDER BY datasets.name, digest",
            (run,),
        ).fetchall()
        for link, name, digest, kind, source, schema, profile in rows:
            if len(source) > MAX_TEXT:
                continue
            query = "SELECT name, value FROM input_tags WHERE input_uuid = ? ORDER BY name"
            yield (
                "dataset",
                {
                    "name": name,
                    "digest": digest,
                    "source_type": kind,
                    "source": source,
                    "schema": schema if len(schema or "") <= MAX_TEXT else None,
                    "profile": profile if len(profile or "") <= MAX_TEXT else None,
                    "tags": dict(self._connection.execute(query, (link,)).fetchall()),
                },
            )

    def _logged_models(
        self, run: str, files: dict[str, Path], places: dict[str, dict[str, str]]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        rows = self._connection.execute(
            "SELECT model_id, name, artifact_location, creation_timestamp_ms, "
            "last_updated_timestamp_ms, status, model_type, status_message FROM logged_models "
            "WHERE source_run_id = ? AND lifecycle_stage = 'active' ORDER BY model_id",
            (run,),
        ).fetchall()
        for model, name, address, created, updated, status, kind, message in rows:
            folder = folder_of(address)
            if folder is not None:
                add_files(files, f"{MODELS_FOLDER}/{model}", folder)
            places[address] = {"model": model}
            step = self._connection.execute(
                "SELECT step FROM inputs WHERE source_type = 'RUN_OUTPUT' AND source_id = ? "
                "AND destination_id = ?",
                (run, model),
            ).fetchone()
            pairs = {
                part: dict(
                    self._connection.execute(
                        f"SELECT {part}_key, {part}_value FROM logged_model_{part}s "  # noqa: S608
                        f"WHERE model_id = ? ORDER BY {part}_key",
                        (model,),
                    ).fetchall()
                )
                for part in ("param", "tag")
            }
            metrics = self._connection.execute(
                "SELECT metric_name, metric_value, metric_timestamp_ms, metric_step "
                "FROM logged_model_metrics WHERE model_id = ? AND run_id = ? ORDER BY 1, 4, 3, 2",
                (model, run),
            ).fetchall()
            yield (
                "logged_model",
                {
                    "id": model,
                    "name": name,
                    "created": created,
                    "updated": updated,
                    "status": status,
                    "type": kind,
                    "message": message,
                    "step": step[0] if step else None,
                    "params": pairs["param"],
                    "tags": pairs["tag"],
                    "metrics": [list(row) for row in metrics if row[1] is not None],
                },
            )

    def _models(
        self, runs: Sequence[str], places: Mapping[str, dict[str, str]]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the models of which the runs have versions, the versions and their aliases."""
        fields = (
            "run_id, name, version, creation_time, last_updated_time, description, user_id, "
            "source, status, current_stage"
        )
        rows = [
            row
            for row in self._select("model_versions", fields, "run_id", runs)
            if row[9] != DELETED_VERSION
        ]
        for name in sorted({row[1] for row in rows}):
            created, updated, description = self._connection.execute(
                "SELECT creation_time, last_updated_time, description FROM registered_models "
                "WHERE name = ?",
                (name,),
            ).fetchone()
            tags = dict(
                self._connection.execute(
                    "SELECT key, value FROM registered_model_tags WHERE name = ? ORDER BY key",
                    (name,),
                ).fetchall()
            )
            yield (
                "model",
                {
                    "name": name,
                    "created": created,
                    "updated": updated,
                    "description": description,
                    "tags": {k: v for k, v in tags.items() if not k.startswith(ALIAS_TAG_PREFIX)},
                },
            )
            for run, its, number, created, updated, description, user, source, status, _ in rows:
                if its != name:
                    continue
                place = portable_source(source, places)
                if place is None:
                    log.warning("Version %s of %s stays here: it is of files elsewhere, %s", number,
                                name, source)  # fmt: skip
                    continue
                version_tags = dict(
                    self._connection.execute(
                        "SELECT key, value FROM model_version_tags WHERE name = ? AND version = ? "
                        "ORDER BY key",
                        (name, number),
                    ).fetchall()
                )
                yield (
                    "version",
                    {
                        "name": name,
                        "key": [run, created],
                        "number": int(version_tags.pop(NUMBER_TAG, number)),
                        "updated": updated,
                        "description": description,
                        "user": user,
                        "status": status,
                        "source": place,
                        "tags": version_tags,
                    },
                )
            yield from self._aliases(name, tags, set(runs))

    def _aliases(
        self, name: str, tags: Mapping[str, str], runs: set[str]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the changes of a model's aliases that concern versions of the runs."""
        keys = self.version_keys(name)
        newest: dict[str, tuple[float, int | None]] = {}
        for text, value in tags.items():
            for alias, moment in parse_alias_tag(text):
                change = parse_alias_change(value)
                if moment > newest.get(alias, (-1, None))[0]:
                    newest[alias] = (moment, change["version"])
                version, before = keys.get(change["version"]), keys.get(change["before"])
                if change["version"] is not None and version is None:
                    continue
                if {key[0] for key in (version, before) if key} & runs:
                    yield "alias", _alias(name, alias, moment, change["by"], version, before)
        query = "SELECT alias, version FROM registered_model_aliases WHERE name = ? ORDER BY alias"
        for alias, number in self._connection.execute(query, (name,)).fetchall():
            key = keys.get(number)
            if key is not None and key[0] in runs and newest.get(alias, (-1, None))[1] != number:
                # Another program has set it, at an unknown time.
                yield "alias", _alias(name, alias, None, "", key, None)

    def version_keys(self, name: str) -> dict[int | None, VersionKey]:
        """Return the versions of a model that are not deleted: number → key."""
        rows = self._connection.execute(
            "SELECT version, run_id, creation_time FROM model_versions WHERE name = ? "
            "AND current_stage <> ?",
            (name, DELETED_VERSION),
        )
        return {
            number: (run, created) for number, run, created in rows if run and RUN_ID.fullmatch(run)
        }

    def _select(
        self, table: str, fields: str, column: str, ids: Iterable[str], key: str | None = None
    ) -> list[Row]:
        """Return fields of the rows of a table whose column has one of the ids, in order."""
        rows: list[Row] = []
        every = list(ids)
        for start in range(0, len(every), IDS_PER_QUERY):
            some = every[start : start + IDS_PER_QUERY]
            marks = ", ".join("?" * len(some))
            extra = " AND key = ?" if key is not None else ""
            query = f"SELECT {fields} FROM {table} WHERE {column} IN ({marks}){extra}"  # noqa: S608
            values = [*some, *([key] if key is not None else [])]
            rows += self._connection.execute(query, values).fetchall()
        return sorted(rows, key=lambda row: [str(value) for value in row])


def parse_alias_change(text: str) -> dict[str, Any]:
    """Return the change of an alias that a tag of its model records; an empty one for others."""
    try:
        change = json.loads(text)
        return {
            "version": None if change["version"] is None else int(change["version"]),
            "before": None if change["before"] is None else int(change["before"]),
            "by": str(change["by"]),
        }
    except (ValueError, KeyError, TypeError):
        return {"version": None, "before": None, "by": ""}


def _alias(
    name: str,
    alias: str,
    moment: float | None,
    by: str,
    version: VersionKey | None,
    before: VersionKey | None,
) -> dict[str, Any]:
    return {
        "name": name,
        "alias": alias,
        "time": round(moment * 1000) if moment is not None else None,
        "by": by,
        "version": list(version) if version else None,
        "before": list(before) if before else None,
    }


def folder_of(address: str) -> Path | None:
    """Return the folder of an address of artifacts; None if it is not on this machine."""
    parts = urlsplit(address)
    if parts.scheme not in ("", "file") or parts.netloc:
        return None
    return Path(unquote(parts.path) if parts.scheme else address)


def add_files(files: dict[str, Path], prefix: str, folder: Path) -> None:
    """Add the files below a folder; links that lead out of it are no artifacts."""
    root = folder.resolve()
    for place, _, names in os.walk(root):
        for name in names:
            path = Path(place, name)
            if path.is_symlink() and root not in path.resolve().parents:
                continue
            if path.is_file():
                files[f"{prefix}/{path.relative_to(root).as_posix()}"] = path


def portable_source(source: str, places: Mapping[str, dict[str, str]]) -> dict[str, str] | None:
    """Return a model version's source as it is in every store; None if others cannot have it."""
    for address, owner in places.items():
        if source == address or source.startswith(f"{address}/"):
            return {**owner, "path": source[len(address) + 1 :]}
    if source.startswith((*REMOTE_SCHEMES, "runs:/")):
        return {"uri": source}
    models = {owner.get("model") for owner in places.values()}
    is_ours = source.removeprefix("models:/").split("/")[0] in models
    return {"uri": source} if source.startswith("models:/") and is_ours else None
