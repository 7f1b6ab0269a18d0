"""Search for runs among thousands. Helper process only.

MLflow's own search takes a second to sort 5,000 runs by a metric in SQLite: it joins all values of
all runs and then looks for duplicates. Here the key of each table is used. A store that is a
server, not a database, is searched by MLflow's own search.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Any

from sqlalchemy import Float, cast, select
from sqlalchemy.orm import aliased, selectinload

from jupyter_mlws.mlflow.registry import run_values
from jupyter_mlws.mlflow.rows import is_user_tag, run_row, summarize
from jupyter_mlws.mlflow.run_tags import PARENT, RUN, RUN_NAME
from jupyter_mlws.mlflow.runs import MLflowRuns
from jupyter_mlws.mlflow.sampling import curve
from jupyter_mlws.mlflow.store import PAGE_SIZE, iter_items, search_utils, tables, view_type

JSON = dict[str, Any]
FieldValue = tuple[str, str, str | None]
"""Kind (`parameter` or `tag`), key and value."""
NEWEST_FIRST = "attributes.start_time DESC"
KINDS = {
    "metric": "metrics",
    "parameter": "params",
    "tag": "tags",
    "attribute": "attributes",
    "dataset": "datasets",
}
LIST_COMPARATORS = ("IN", "NOT IN")
DATASET_CONTEXT = "mlflow.data.context"
ID_START = re.compile(r"[0-9A-Za-z-]+")
"""Text that an id can begin with; it holds no wildcard."""


class SearchFaultError(Exception):
    """A ``field`` of a search (``filter``, ``sort`` or ``cursor``) that cannot be parsed."""

    def __init__(self, field: str, reason: str) -> None:
        self.field = field
        super().__init__(reason)


class MLflowSearch(MLflowRuns):
    """A store with a search for runs."""

    def search(
        self,
        filter: str,  # noqa: A002  MLflow's own word
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
        equal: Sequence[FieldValue] = (),
    ) -> JSON:
        """Return a page of runs (``items``, ``next``) or a fault (``field``, ``reason``).

        ``filter`` and ``sort`` use MLflow's syntax. ``columns``: only these parameters and metrics,
        as ``params.a``. ``nested``: include runs within runs. ``tags``: only runs with these tags;
        ``lacking``: without these. ``experiment``: only runs of the one with this name.
        ``stage``: `active`, or `deleted` for runs that were deleted. ``equal``: only runs with
        these parameters or tags, or without those whose value is None.
        """
        try:
            if cursor is not None and not (
                cursor.isascii() and cursor.isdigit() and len(cursor) < 10
            ):
                raise SearchFaultError("cursor", "not a cursor of this list")
            offset = int(cursor or 0)
            filters = self._parse_filters(filter, nested, tags, lacking, equal)
            orders: list[JSON] = []
            for text in (*sort, NEWEST_FIRST):
                parse_order = search_utils().parse_order_by_for_search_runs
                kind, key, ascending = _parse_with_mlflow("sort", parse_order, text)
                if kind == "dataset":
                    raise SearchFaultError("sort", f"runs can't be sorted by {kind}.{key}")
                # MLflow's own search rejects a field that is there twice; the first one decides.
                if (kind, key) not in [(order["type"], order["key"]) for order in orders]:
                    orders.append({"type": kind, "key": key, "ascending": ascending, "text": text})
            store = self._sql_store()
            experiments = self._list_experiment_ids(experiment)
            if not experiments:
                runs = []
            elif store is None:
                matches = iter_items(
                    self._client.search_runs,
                    experiments,
                    " AND ".join(row["text"] for row in filters),
                    run_view_type=view_type(stage),
                    order_by=[row["text"] for row in orders],
                    page_size=min(offset + limit + 1, PAGE_SIZE),
                )
                runs = list(islice(matches, offset, offset + limit + 1))
            else:
                run = tables().SqlRun
                query: Any = select(run.run_uuid).where(
                    run.experiment_id.in_(list(map(int, experiments))),
                    run.lifecycle_stage == stage,
                )
                runs = self._search_database(store, query, filters, orders, limit, offset)
        except SearchFaultError as fault:
            return {"field": fault.field, "reason": str(fault)}
        return {
            "items": [self._to_row(run, columns) for run in runs[:limit]],
            "next": str(offset + limit) if len(runs) > limit else None,
        }

    def groups(
        self,
        by: Sequence[str],
        filter: str,  # noqa: A002  MLflow's own word
        *,
        nested: bool = False,
        tags: Mapping[str, str] | None = None,
        lacking: Sequence[str] = (),
        experiment: str | None = None,
        stage: str = "active",
    ) -> JSON:
        """Return the groups of the runs that match (``items``), or a fault as :meth:`search` does.

        ``by``: the kind and the key of a parameter or tag, or ``experiment`` and an empty key. The
        other arguments are those of :meth:`search`.
        """
        try:
            filters = self._parse_filters(filter, nested, tags, lacking, ())
        except SearchFaultError as fault:
            return {"field": fault.field, "reason": str(fault)}
        kind, key = by
        names = self._list_experiments()
        ids = [one for one, name in names.items() if experiment in (None, name)]
        if not ids:
            return {"items": []}
        store = self._sql_store()
        values: dict[str, str | None] = {}
        metrics: list[tuple[str, str, float]] = []
        if store is None:
            condition = " AND ".join(row["text"] for row in filters)
            for match in iter_items(
                self._client.search_runs, ids, condition, run_view_type=view_type(stage)
            ):
                run_id = match.info.run_id
                own = match.data.params if kind == "parameter" else match.data.tags
                in_experiment = names[match.info.experiment_id]
                values[run_id] = in_experiment if kind == "experiment" else own.get(key)
                metrics += [(run_id, name, value) for name, value in match.data.metrics.items()]
            return {"items": summarize(values, metrics)}
        run, latest = tables().SqlRun, tables().SqlLatestMetric
        with store.ManagedSessionMaker() as session:
            dialect = session.get_bind().dialect.name
            conditions = [
                run.experiment_id.in_(list(map(int, ids))),
                run.lifecycle_stage == stage,
                *(_build_condition(row, dialect) for row in filters),
            ]
            if kind == "experiment":
                query: Any = select(run.run_uuid, run.experiment_id)
            else:
                # Conditions have the same table in queries of their own.
                table = aliased(_get_table(kind))
                same = (table.run_uuid == run.run_uuid) & (table.key == key)
                query = select(run.run_uuid, table.value).outerjoin(table, same)
            values = dict(session.execute(query.where(*conditions)).all())
            if kind == "experiment":
                values = {run_id: names[str(value)] for run_id, value in values.items()}
            matches: Any = select(run.run_uuid).where(*conditions)
            rows: Any = select(latest.run_uuid, latest.key, latest.value).where(
                latest.run_uuid.in_(matches), latest.is_nan.is_(False)
            )
            metrics = [tuple(row) for row in session.execute(rows)]
        return {"items": summarize(values, metrics)}

    def find_run(self, identifier: str, stages: Sequence[str] = ("active",)) -> JSON | None:
        """Return one run by MLflow's id or by the workflow run's id.

        None if there is none. ``stages``: `active`, `deleted` or both.
        """
        run = self._run(identifier, stages)
        if run is not None:
            return self._to_row(run, None)
        if "'" in identifier:
            return None
        for stage in stages:
            page = self.search("", [], 1, None, tags={RUN: identifier}, stage=stage)
            if page["items"]:
                return dict(page["items"][0])
        return None

    def match_runs(self, text: str, limit: int, stage: str) -> list[JSON]:
        """Return the runs with a name, and those with an id that begins with it.

        A name is that of a run which is not nested, an id MLflow's or the workflow run's.
        """
        literal = _quote(text)
        conditions = [(f"attributes.run_name = {literal}", False)]
        if ID_START.fullmatch(text):
            conditions += [
                (f"attributes.run_id LIKE '{text}%'", True),
                (f"tags.`{RUN}` LIKE '{text}%'", False),
            ]
        rows: dict[str, JSON] = {}
        for condition, nested in conditions:
            page = self.search(condition, [], limit, None, nested=nested, stage=stage)
            rows |= {row["id"]: row for row in page.get("items", ()) if row["id"] not in rows}
        return list(rows.values())[:limit]

    def columns(self) -> JSON:
        """Return the names of parameters, metrics, tags of users, and experiments with runs."""
        store = self._sql_store()
        names = self._list_experiments()
        if store is not None:
            schema = tables()
            run = schema.SqlRun

            with store.ManagedSessionMaker() as session:
                columns = {
                    name: sorted(session.execute(select(table.key).distinct()).scalars())
                    for name, table in (
                        ("params", schema.SqlParam),
                        ("metrics", schema.SqlLatestMetric),
                        ("tags", schema.SqlTag),
                    )
                }
                active: Any = select(run.experiment_id).where(run.lifecycle_stage == "active")
                used = {str(one) for one in session.execute(active.distinct()).scalars()}
        else:
            runs = self._client.search_runs(list(names), max_results=1000)
            columns = {
                "params": sorted({key for run in runs for key in run.data.params}),
                "metrics": sorted({key for run in runs for key in run.data.metrics}),
                "tags": sorted({key for run in runs for key in run.data.tags}),
            }
            used = {run.info.experiment_id for run in runs}
        columns["tags"] = [key for key in columns["tags"] if is_user_tag(key)]
        experiments = sorted(name for one, name in names.items() if one in used)
        return {**columns, "experiments": experiments}

    def best(self, metric: str, *, largest: bool, name: str | None, limit: int) -> list[JSON]:
        """Return the model versions with the best values, best first.

        ``name``: only versions of this model.
        """
        quote = "'" if name and '"' in name else '"'
        condition = f"name={quote}{name}{quote}" if name else None
        versions = [
            version
            for version in iter_items(self._client.search_model_versions, condition)
            if version.run_id
        ]
        values = self.values_of((version.run_id for version in versions), metric)
        candidates = [version for version in versions if version.run_id in values]
        # Of equal ones the older counts: it was there first.
        candidates.sort(key=lambda version: version.creation_timestamp)
        candidates.sort(key=lambda version: values[version.run_id], reverse=largest)
        return [
            {"value": values[version.run_id], **self._describe_version(version)}
            for version in candidates[:limit]
        ]

    def values_of(self, runs: Iterable[str], metric: str) -> dict[str, float]:
        """Return the last value of a metric for each of the runs."""
        run_ids = sorted(set(runs))
        store = self._sql_store()
        if store is None:
            rows = {run: self._run(run) for run in run_ids}
            values = {
                run: row.data.metrics[metric]
                for run, row in rows.items()
                if row is not None and metric in row.data.metrics
            }
        else:
            latest = tables().SqlLatestMetric

            values = {}
            with store.ManagedSessionMaker() as session:
                for start in range(0, len(run_ids), 500):
                    query: Any = select(latest.run_uuid, latest.value).where(
                        latest.key == metric,
                        latest.run_uuid.in_(run_ids[start : start + 500]),
                        latest.is_nan.is_(False),
                    )
                    values.update(dict(session.execute(query).all()))
        return {run: float(value) for run, value in values.items() if math.isfinite(value)}

    def curves(
        self, runs: Sequence[str], metric: str, limit: int, first: int | None, last: int | None
    ) -> list[JSON]:
        """Return a metric of each run from step ``first`` to ``last``, sampled to ``limit``."""
        for run in runs:
            # Of runs that are not there, some stores have empty histories.
            self._client.get_run(run)
        return [
            curve(
                sorted(
                    (point.step, point.timestamp, point.value)
                    for point in self._client.get_metric_history(run, metric)
                    if (first is None or point.step >= first)
                    and (last is None or point.step <= last)
                ),
                limit,
            )
            for run in runs
        ]

    def metrics(self, run: str) -> list[JSON]:
        """Return the metrics of a run; all as curves, since MLflow does not say how many values."""
        metrics = self._client.get_run(run).data.metrics
        return [{"name": name, "is_curve": True} for name in sorted(metrics)]

    # Parts

    def _parse_filters(
        self,
        text: str,
        nested: bool,
        tags: Mapping[str, str] | None,
        lacking: Sequence[str],
        equal: Sequence[FieldValue],
    ) -> list[JSON]:
        """Return the conditions of a search. Raises SearchFaultError."""
        parse = search_utils().parse_search_filter
        filters = [dict(row) for row in _parse_with_mlflow("filter", parse, text)]
        for row in filters:
            _parse_with_mlflow("filter", _check_comparator, row)
            row["text"] = _format_filter(row)
        absent_tags = [*lacking, *([] if nested else [PARENT])]
        filters += [_make_filter("tag", key, "IS NULL", None) for key in absent_tags]
        filters += [_make_filter("tag", key, "=", value) for key, value in (tags or {}).items()]
        for kind, key, value in equal:
            filters.append(_make_filter(kind, key, "IS NULL" if value is None else "=", value))
        return filters

    def _sql_store(self) -> Any:
        """Return the database behind the client; None if it connects to a server."""
        store = self._client._tracking_client.store
        return store if hasattr(store, "ManagedSessionMaker") else None

    def _list_experiments(self) -> dict[str, str]:
        """Return the names of the experiments by their IDs."""
        experiments = iter_items(self._client.search_experiments)
        return {one.experiment_id: str(one.name) for one in experiments}

    def _list_experiment_ids(self, name: str | None = None) -> list[str]:
        return [one for one, its in self._list_experiments().items() if name in (None, its)]

    def _search_database(
        self,
        store: Any,
        query: Any,
        filters: list[JSON],
        orders: list[JSON],
        limit: int,
        offset: int,
    ) -> list[Any]:
        run = tables().SqlRun

        with store.ManagedSessionMaker() as session:
            dialect = session.get_bind().dialect.name
            for row in filters:
                query = query.where(_build_condition(row, dialect))
            for place, row in enumerate(orders):
                query = _apply_order(query, row, place, dialect)
            query = query.order_by(run.run_uuid).offset(offset).limit(limit + 1)
            identifiers = list(session.execute(query).scalars())
            options = [selectinload(part) for part in (run.latest_metrics, run.params, run.tags)]
            rows = session.execute(
                select(run).where(run.run_uuid.in_(identifiers)).options(*options)
            ).scalars()
            by_id = {row.run_uuid: row.to_mlflow_entity() for row in rows}
        return [by_id[identifier] for identifier in identifiers if identifier in by_id]

    def _to_row(self, run: Any, columns: Sequence[str] | None) -> JSON:
        experiment_id = run.info.experiment_id
        if experiment_id not in self._experiment_names:
            experiment = self._client.get_experiment(experiment_id)
            self._experiment_names[experiment_id] = str(experiment.name)
        return run_row(run_values(run), self._experiment_names[experiment_id], columns)

    @cached_property
    def _experiment_names(self) -> dict[str, str]:
        return {}


def _parse_with_mlflow(field: str, read: Callable[[Any], Any], part: Any) -> Any:
    """Parse a part of a query with MLflow; a rejection becomes a fault of the field."""
    try:
        return read(part)
    except Exception as error:
        if getattr(error, "error_code", None) != "INVALID_PARAMETER_VALUE":
            raise
        raise SearchFaultError(field, str(error)) from error


def _check_comparator(row: Mapping[str, Any]) -> None:
    """Check that a condition's comparator is one for its kind of field, as MLflow's search does.

    MLflow's parser accepts every comparator for every field. Its search checks them with these
    functions, which raise its own exception.
    """
    utils = search_utils()
    kind, comparator = row["type"], row["comparator"].upper()
    if isinstance(row["value"], list | tuple) and comparator not in LIST_COMPARATORS:
        raise SearchFaultError("filter", f"{comparator} takes one value, not a list")
    if kind == "attribute":
        utils.is_attribute(kind, utils.translate_key_alias(row["key"]), comparator)
        return
    for check in (utils.is_metric, utils.is_param, utils.is_tag, utils.is_dataset):
        check(kind, comparator)


def _make_filter(kind: str, key: str, comparator: str, value: str | None) -> JSON:
    row = {"type": kind, "key": key, "comparator": comparator, "value": value}
    return {**row, "text": _format_filter(row)}


def _format_filter(row: Mapping[str, Any]) -> str:
    """Return a condition in MLflow's syntax."""
    value = row["value"]
    if value is None:
        literal = ""
    elif isinstance(value, list | tuple):
        literal = "(" + ", ".join(_quote(str(one)) for one in value) + ")"
    else:
        numeric = row["type"] == "metric" or isinstance(value, int | float)
        literal = str(value) if numeric else _quote(str(value))
    return f"{KINDS[row['type']]}.`{row['key']}` {row['comparator']} {literal}".rstrip()


def _quote(text: str) -> str:
    return f'"{text}"' if "'" in text else f"'{text}'"


def _build_condition(row: Mapping[str, Any], dialect: str) -> Any:
    utils, run = search_utils(), tables().SqlRun

    kind, comparator = row["type"], row["comparator"].upper()
    key = utils.translate_key_alias(row["key"])
    compare = utils.get_sql_comparison_func(comparator, dialect)
    if kind == "attribute" and key != "run_name":
        return compare(getattr(run, run.get_attribute_name(key)), row["value"])
    if kind == "dataset":
        schema = tables()
        link, dataset, tag = schema.SqlInput, schema.SqlDataset, schema.SqlInputTag
        inputs = select(link.input_uuid).where(
            link.destination_id == run.run_uuid, link.source_type == "DATASET"
        )
        if key == "context":
            inputs = inputs.join(tag, tag.input_uuid == link.input_uuid)
            inputs = inputs.where(tag.name == DATASET_CONTEXT, compare(tag.value, row["value"]))
        else:
            inputs = inputs.join(dataset, dataset.dataset_uuid == link.source_id)
            inputs = inputs.where(compare(getattr(dataset, key), row["value"]))
        return inputs.exists()
    if kind == "attribute":
        # As MLflow does it: the name of a run of old versions is in its tag alone.
        kind, key = "tag", RUN_NAME
    table = _get_table(kind)
    there = select(table.run_uuid).where(table.run_uuid == run.run_uuid, table.key == key)
    if comparator in ("IS NULL", "IS NOT NULL"):
        return there.exists() if comparator == "IS NOT NULL" else ~there.exists()
    if kind != "metric":
        return there.where(compare(table.value, row["value"])).exists()
    # MLflow stores NaN as 0 with a mark. NaN differs from every number, and is nothing else.
    comparison = compare(table.value, float(row["value"]))
    matches = table.is_nan | comparison if comparator == "!=" else ~table.is_nan & comparison
    return there.where(matches).exists()


def _apply_order(query: Any, row: Mapping[str, Any], place: int, dialect: str) -> Any:
    utils, run = search_utils(), tables().SqlRun

    kind, key = row["type"], utils.translate_key_alias(row["key"])
    if kind == "attribute" and key != "run_name":
        columns = [getattr(run, run.get_attribute_name(key))]
        missing = [columns[0].is_(None)]
    else:
        if kind == "attribute":
            kind, key = "tag", RUN_NAME
        table = aliased(_get_table(kind), name=f"sort{place}")
        query = query.outerjoin(table, (table.run_uuid == run.run_uuid) & (table.key == key))
        missing = [table.run_uuid.is_(None)]
        if kind == "metric":
            missing.append(table.is_nan)
        # Parameters are text: 10 is to come after 9 all the same.
        numbers = kind == "parameter" and dialect == "sqlite"
        columns = [*([cast(table.value, Float)] if numbers else []), table.value]
    ways = [column.asc() if row["ascending"] else column.desc() for column in columns]
    return query.order_by(*missing, *ways)


def _get_table(kind: str) -> Any:
    schema = tables()
    return {
        "metric": schema.SqlLatestMetric,
        "parameter": schema.SqlParam,
        "tag": schema.SqlTag,
    }[kind]
