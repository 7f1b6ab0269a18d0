"""Reads lists from an SQLite store of MLflow without MLflow, whose import takes seconds.

Only what the lists of runs and models show at first. A condition, an order or an artifact
elsewhere than in a local folder is left to MLflow.
"""

from __future__ import annotations

import glob
import math
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from jupyter_mlws.mlflow import sampling
from jupyter_mlws.mlflow.rows import (
    RunValues,
    VersionValues,
    is_user_tag,
    model_row,
    run_row,
    summarize,
    version_row,
)
from jupyter_mlws.mlflow.run_tags import PARENT, RUN, RUN_NAME

JSON = dict[str, Any]
Condition = tuple[str, Sequence[str]]
"""SQL, and the values of its placeholders."""
WORKSPACE = "default"
"""MLflow's workspace of a store that has no others."""
METRICS = "latest_metrics"
DELETED_VERSION = "Deleted_Internal"
PROMPT_TAG = "mlflow.prompt.is_prompt"
"""Tag of a registered prompt, which MLflow keeps among the models."""
EMPTY: Mapping[str, Any] = {
    "search": {"items": [], "next": None},
    "find_run": None,
    "match_runs": [],
    "models": [],
    "columns": {"params": [], "metrics": [], "tags": [], "experiments": []},
    "groups": {"items": []},
}
"""The calls that are answered here, with the answers of a store that does not exist yet."""
HAS_TAG = "EXISTS (SELECT 1 FROM tags WHERE tags.run_uuid = runs.run_uuid AND key = ?"
HAS_PARAM = "EXISTS (SELECT 1 FROM params WHERE params.run_uuid = runs.run_uuid AND key = ?"
CALLS = (*EMPTY, "curves", "metrics")
"""The calls that are answered here."""
MAX_CURVES = 256
"""Curves that are kept for the next request: charts ask again whenever a run logs something."""
IDS_PER_QUERY = 500
BUSY_TIMEOUT = 10.0
"""Seconds to wait for a writer."""


_CURVES: dict[tuple[Any, ...], JSON] = {}
"""Sampled curves, by what they were read for and the number of points, the oldest first."""


class NeedsMLflowError(Exception):
    """A request that only MLflow can answer."""


def read(file: Path, call: str, arguments: Mapping[str, Any]) -> Any:
    """Answer a call of :class:`~.search.MLflowSearch`; :class:`NeedsMLflowError` if MLflow must.

    A store that does not exist yet is read as an empty one.
    """
    if call not in CALLS or not file.parent.is_dir():
        raise NeedsMLflowError
    if call in ("search", "groups") and (arguments["filter"] or arguments.get("sort")):
        raise NeedsMLflowError
    if not file.exists():
        if call not in EMPTY:
            raise NeedsMLflowError
        return EMPTY[call]
    try:
        uri = f"{file.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, BUSY_TIMEOUT, uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("BEGIN")
            return getattr(_Reader(connection), call)(**arguments)
    except sqlite3.Error as error:
        # Another version's tables, a locked or damaged file: MLflow migrates it, or says why not.
        raise NeedsMLflowError from error


class _Reader:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def search(
        self,
        filter: str,  # noqa: A002  as the call that this answers
        sort: Sequence[str],
        limit: int,
        cursor: str | None,
        columns: Sequence[str] | None = None,
        *,
        nested: bool = False,
        tags: Mapping[str, str] | None = None,
        lacking: Sequence[str] = (),
        experiment: str | None = None,
        stage: str = "active",
        equal: Sequence[tuple[str, str, str | None]] = (),
    ) -> JSON:
        if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 10):
            raise NeedsMLflowError
        offset = int(cursor or 0)
        conditions = _conditions(nested, tags, lacking, experiment, stage)
        for kind, key, value in equal:
            has_key = HAS_TAG if kind == "tag" else HAS_PARAM
            conditions.append(
                (f"NOT {has_key})", [key])
                if value is None
                else (f"{has_key} AND value = ?)", [key, value])
            )
        rows = self._select_runs(conditions, limit + 1, offset)
        return {
            "items": self._to_rows(rows[:limit], columns),
            "next": str(offset + limit) if len(rows) > limit else None,
        }

    def groups(
        self,
        by: Sequence[str],
        filter: str,  # noqa: A002  as the call that this answers
        *,
        nested: bool = False,
        tags: Mapping[str, str] | None = None,
        lacking: Sequence[str] = (),
        experiment: str | None = None,
        stage: str = "active",
    ) -> JSON:
        kind, key = by
        table = "params" if kind == "parameter" else "tags"
        value = f"(SELECT value FROM {table} AS own WHERE own.run_uuid = runs.run_uuid AND key = ?)"  # noqa: S608
        conditions = _conditions(nested, tags, lacking, experiment, stage)
        matches = (
            "FROM runs JOIN experiments ON experiments.experiment_id = runs.experiment_id "
            f"WHERE {self._in_workspace('experiments')} "
            f"AND {' AND '.join(condition for condition, _ in conditions)}"
        )
        arguments = [one for _, values in conditions for one in values]
        is_experiment = kind == "experiment"
        column = "experiments.name" if is_experiment else value
        rows = self._connection.execute(
            f"SELECT runs.run_uuid, {column} {matches}",
            [*([] if is_experiment else [key]), *arguments],
        )
        metrics = self._connection.execute(
            f"SELECT run_uuid, key, value FROM {METRICS} "  # noqa: S608
            f"WHERE NOT is_nan AND run_uuid IN (SELECT runs.run_uuid {matches})",
            arguments,
        )
        return {"items": summarize(dict(rows.fetchall()), metrics)}

    def columns(self) -> JSON:
        def select(column: str, tables: str, condition: str = "1") -> list[str]:
            query = f"SELECT DISTINCT {column} FROM {tables} WHERE {condition} ORDER BY 1"  # noqa: S608
            return [name for (name,) in self._connection.execute(query)]

        in_experiments = (
            f"{self._in_workspace('experiments')} AND experiments.lifecycle_stage = 'active' "  # noqa: S608
            "AND EXISTS (SELECT 1 FROM runs WHERE runs.experiment_id = experiments.experiment_id "
            "AND runs.lifecycle_stage = 'active')"
        )
        return {
            "params": select("key", "params"),
            "metrics": select("key", METRICS),
            "tags": [key for key in select("key", "tags") if is_user_tag(key)],
            "experiments": select("name", "experiments", in_experiments),
        }

    def metrics(self, run: str) -> list[JSON]:
        self._check_run(run)
        # Values are not counted: a run may have millions.
        second = "SELECT 1 FROM metrics WHERE run_uuid = ? AND key = latest.key LIMIT 1 OFFSET 1"
        rows = self._connection.execute(
            f"SELECT key, EXISTS ({second}) FROM {METRICS} AS latest "  # noqa: S608
            "WHERE run_uuid = ? ORDER BY key",
            (run, run),
        )
        return [{"name": name, "is_curve": bool(has_second)} for name, has_second in rows]

    def curves(
        self, runs: Sequence[str], metric: str, limit: int, first: int | None, last: int | None
    ) -> list[JSON]:
        bounds = (-(2**63) if first is None else first, 2**63 - 1 if last is None else last)
        curves = []
        for run in runs:
            self._check_run(run)
            condition = "FROM metrics WHERE run_uuid = ? AND key = ? AND step BETWEEN ? AND ?"
            extent = self._connection.execute(
                f"SELECT count(*), max(step) {condition}",
                (run, metric, *bounds),
            ).fetchone()
            key = (run, metric, limit, bounds, tuple(extent))
            curve = _CURVES.get(key)
            if curve is None:
                rows = self._connection.execute(
                    "SELECT step, timestamp, CASE is_nan WHEN 1 THEN NULL ELSE value END "
                    f"{condition} ORDER BY step",
                    (run, metric, *bounds),
                )
                # Those of one step in the order of time.
                points = sorted(
                    (step, time, math.nan if value is None else value) for step, time, value in rows
                )
                curve = sampling.curve(points, limit)
                _CURVES[key] = curve
                while len(_CURVES) > MAX_CURVES:
                    _CURVES.pop(next(iter(_CURVES)), None)
            curves.append(curve)
        return curves

    def _check_run(self, run: str) -> None:
        """Raise NeedsMLflowError if there is no such run, so that MLflow says so."""
        if not self._connection.execute("SELECT 1 FROM runs WHERE run_uuid = ?", (run,)).fetchone():
            raise NeedsMLflowError

    def find_run(self, identifier: str, stages: Sequence[str] = ("active",)) -> JSON | None:
        by_id = ("runs.run_uuid = ?", [identifier])
        by_run = (f"NOT {HAS_TAG}) AND {HAS_TAG} AND value = ?)", [PARENT, RUN, identifier])
        for condition in (by_id, by_run):
            for stage in stages:
                rows = self._select_runs([condition, ("runs.lifecycle_stage = ?", [stage])], 1)
                if rows:
                    return self._to_rows(rows, None)[0]
        return None

    def match_runs(self, text: str, limit: int, stage: str) -> list[JSON]:
        in_stage = ("runs.lifecycle_stage = ?", [stage])
        start = f"{glob.escape(text)}*"
        conditions: list[Condition] = [
            (f"NOT {HAS_TAG}) AND {HAS_TAG} AND value = ?)", [PARENT, RUN_NAME, text]),
            ("runs.run_uuid GLOB ?", [start]),
            (f"NOT {HAS_TAG}) AND {HAS_TAG} AND value GLOB ?)", [PARENT, RUN, start]),
        ]
        rows: dict[str, sqlite3.Row] = {}
        for condition in conditions:
            for row in self._select_runs([condition, in_stage], limit):
                rows.setdefault(row["run_uuid"], row)
        return self._to_rows(list(rows.values())[:limit], None)

    def models(self, text: str, after: str, limit: int) -> list[JSON]:
        rows = self._connection.execute(
            f"SELECT * FROM registered_models WHERE {self._in_workspace('registered_models')}"  # noqa: S608
        ).fetchall()
        names = sorted(
            (row["name"], place)
            for place, row in enumerate(rows)
            if text.lower() in row["name"].lower() and row["name"] > after
        )
        models = (self._to_model(rows[place]) for _, place in names)
        return list(islice(filter(None, models), limit))

    def _select_runs(
        self, conditions: Sequence[Condition], limit: int, offset: int = 0
    ) -> list[sqlite3.Row]:
        """Return the runs that match all conditions, newest first."""
        return self._connection.execute(
            "SELECT runs.*, experiments.name AS experiment FROM runs "  # noqa: S608
            "JOIN experiments ON experiments.experiment_id = runs.experiment_id "
            f"WHERE {self._in_workspace('experiments')} "
            f"AND {' AND '.join(condition for condition, _ in conditions)} "
            "ORDER BY start_time IS NULL, start_time DESC, run_uuid LIMIT ? OFFSET ?",
            (*(value for _, values in conditions for value in values), limit, offset),
        ).fetchall()

    def _to_rows(self, rows: Sequence[sqlite3.Row], columns: Sequence[str] | None) -> list[JSON]:
        runs = self._to_runs(rows)
        return [run_row(runs[row["run_uuid"]], row["experiment"], columns) for row in rows]

    def _in_workspace(self, table: str) -> str:
        columns = self._connection.execute(f"PRAGMA table_info({table})").fetchall()
        has_workspaces = any(column["name"] == "workspace" for column in columns)
        return f"{table}.workspace = '{WORKSPACE}'" if has_workspaces else "1"

    def _pairs(self, table: str, key: str, value: str, name: str) -> dict[str, Any]:
        rows = self._connection.execute(
            f"SELECT {key}, {value} FROM {table} "  # noqa: S608
            f"WHERE name = ? AND {self._in_workspace(table)}",
            (name,),
        )
        return dict(rows.fetchall())

    def _to_model(self, row: sqlite3.Row) -> JSON | None:
        name = row["name"]
        tags = self._pairs("registered_model_tags", "key", "value", name)
        if str(tags.get(PROMPT_TAG)).lower() == "true":
            return None
        aliases = self._pairs("registered_model_aliases", "alias", "version", name)
        newest = self._connection.execute(
            "SELECT * FROM model_versions WHERE name = ? AND current_stage <> ? "  # noqa: S608
            f"AND {self._in_workspace('model_versions')} ORDER BY version DESC LIMIT 1",
            (name, DELETED_VERSION),
        ).fetchone()
        return model_row(
            name,
            row["description"],
            row["creation_time"],
            row["last_updated_time"],
            tags,
            aliases,
            self._to_version(newest, aliases) if newest else None,
        )

    def _to_version(self, row: sqlite3.Row, aliases: Mapping[str, Any]) -> JSON:
        tags = self._connection.execute(
            "SELECT key, value FROM model_version_tags WHERE name = ? AND version = ? "  # noqa: S608
            f"AND {self._in_workspace('model_version_tags')}",
            (row["name"], row["version"]),
        )
        version = VersionValues(
            row["name"], row["version"], row["creation_time"], row["run_id"], dict(tags.fetchall())
        )
        run = self._connection.execute(
            "SELECT * FROM runs WHERE run_uuid = ? AND lifecycle_stage = 'active'",
            (row["run_id"],),
        ).fetchall()
        values = next(iter(self._to_runs(run).values()), None)
        return version_row(version, values, _iter_files(row["source"]), aliases)

    def _to_runs(self, rows: Sequence[sqlite3.Row]) -> dict[str, RunValues]:
        ids = [row["run_uuid"] for row in rows]
        params, metrics, tags = (self._values(table, ids) for table in ("params", METRICS, "tags"))
        return {
            run: RunValues(
                run,
                row["name"] or tags[run].get(RUN_NAME),
                row["status"],
                row["start_time"],
                row["end_time"],
                params[run],
                metrics[run],
                tags[run],
                row["lifecycle_stage"],
            )
            for run, row in zip(ids, rows, strict=True)
        }

    def _values(self, table: str, runs: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the keys and values of each run in a table."""
        values: dict[str, dict[str, Any]] = {run: {} for run in runs}
        value = "CASE is_nan WHEN 1 THEN NULL ELSE value END" if table == METRICS else "value"
        for start in range(0, len(runs), IDS_PER_QUERY):
            some = runs[start : start + IDS_PER_QUERY]
            marks = ", ".join("?" * len(some))
            query = f"SELECT run_uuid, key, {value} FROM {table} WHERE run_uuid IN ({marks})"  # noqa: S608
            for run, key, one in self._connection.execute(query, some):
                values[run][key] = float("nan") if one is None else one
        return values


def _conditions(
    nested: bool,
    tags: Mapping[str, str] | None,
    lacking: Sequence[str],
    experiment: str | None,
    stage: str,
) -> list[Condition]:
    """Return the conditions that a search or a list of groups has for runs."""
    conditions: list[Condition] = [
        ("experiments.lifecycle_stage = 'active'", []),
        ("runs.lifecycle_stage = ?", [stage]),
        *((f"NOT {HAS_TAG})", [key]) for key in (*lacking, *([] if nested else [PARENT]))),
        *((f"{HAS_TAG} AND value = ?)", [key, value]) for key, value in (tags or {}).items()),
    ]
    if experiment is not None:
        conditions.append(("experiments.name = ?", [experiment]))
    return conditions


def _iter_files(source: str) -> Iterator[str]:
    """Yield the files below a local artifact URI, relative to it."""
    parts = urlsplit(source)
    if parts.scheme not in ("", "file") or parts.netloc:
        raise NeedsMLflowError
    root = unquote(parts.path) if parts.scheme else source
    for folder, _, names in os.walk(root):
        for name in names:
            yield Path(folder, name).relative_to(root).as_posix()
