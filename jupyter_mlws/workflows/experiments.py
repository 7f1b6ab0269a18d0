"""The experiment table: all runs in MLflow, and workflow runs that are not recorded there yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_mlws.core.errors import (
    Fault,
    InvalidRequestError,
    MLflowFailedError,
    MLWSError,
    VersionItemNotFoundError,
)
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.engine.states import Status
from jupyter_mlws.engine.usage import PREFIX
from jupyter_mlws.mlflow.client import RefusedError, TrackingClient
from jupyter_mlws.mlflow.run_tags import ARCHIVED, SET, STARRED, WORKFLOW
from jupyter_mlws.versioning.experiments.models import (
    Curve,
    Curves,
    CurvesQuery,
    ExperimentRun,
    RunColumns,
    RunsQuery,
)
from jupyter_mlws.versioning.experiments.titles import (
    NO_PEERS,
    Peers,
    is_named,
    read_peers,
    title_of,
)
from jupyter_mlws.workflows.journal import serializers
from jupyter_mlws.workflows.journal.store import Row
from jupyter_mlws.workflows.run.runs import Runs

STATUSES = {
    "RUNNING": Status.RUNNING,
    "SCHEDULED": Status.QUEUED,
    "FINISHED": Status.COMPLETED,
    "FAILED": Status.FAILED,
    "KILLED": Status.CANCELLED,
}
"""Our statuses by those of MLflow."""
JOURNAL_CURSOR = "~"
"""Character in the cursors of the journal's list, and in none of MLflow's."""
MAX_TITLE_SEARCHES = 10
"""Experiments of a page whose newest runs are read for the titles; others are their own peers."""
QUERY_PARSE_ERROR = Message("MLflow can't parse this: {reason}")


class Experiments:
    """The runs of one project. Thread-safe."""

    def __init__(self, runs: Runs, tracking: TrackingClient) -> None:
        self._runs = runs
        self._tracking = tracking

    def search(self, query: RunsQuery | None = None) -> Page[ExperimentRun]:
        """Return a page of runs, newest first unless the query sorts them otherwise.

        Runs of workflows that MLflow does not have yet come first. If the query has no conditions
        and MLflow does not answer, the runs of the journal are returned, if there are any. Raises
        InvalidRequestError, which names the part of the query that cannot be parsed,
        MLflowFailedError.
        """
        query = query or RunsQuery()
        self._runs.reconcile()
        if query.plain and JOURNAL_CURSOR in (query.cursor or ""):
            return self._search_journal(query)
        newest = query.plain and query.cursor is None
        waiting = []
        if newest:
            rows = self._runs.journal.runs(query.workflow, query.limit)
            waiting = [_from_journal(row) for row in rows if not row.get("mlflow_run")]
        try:
            result = self._search_mlflow(query, query.limit - len(waiting))
        except MLWSError as error:
            if not isinstance(error, MLflowFailedError) or not newest:
                raise
            journal_page = self._search_journal(query)
            if not journal_page.items:
                # An empty list would say that there is no run.
                raise
            return journal_page
        # A run may have come to MLflow between the two questions.
        there = {row["run"] for row in result["items"]}
        items = self._with_titles([run for run in waiting if run.run not in there])
        items += self.to_experiment_runs(result["items"], query.columns)
        if newest:
            items.sort(key=lambda run: run.started or "", reverse=True)
        return Page(items=items, next_cursor=result["next"])

    def columns(self) -> RunColumns:
        """Return the names of parameters and metrics that runs have, without system metrics.

        Raises MLflowFailedError.
        """
        names = self._tracking.ask("columns")
        metrics = [name for name in names["metrics"] if not name.startswith(PREFIX)]
        return RunColumns(params=names["params"], metrics=metrics)

    def curves(self, query: CurvesQuery) -> Curves:
        """Return a metric of several runs, step by step.

        Raises MLflowFailedError or VersionItemNotFoundError.
        """
        try:
            curves = self._tracking.ask(
                "curves",
                runs=query.ids,
                metric=query.metric,
                limit=query.points,
                first=query.first,
                last=query.last,
            )
        except RefusedError as error:
            raise VersionItemNotFoundError(kind="run", name=", ".join(query.ids)) from error
        items = [Curve(run=run, **curve) for run, curve in zip(query.ids, curves, strict=True)]
        return Curves(metric=query.metric, items=items)

    def get(self, identifier: str) -> ExperimentRun:
        """Return a run by its ID in MLflow or by its workflow run's ID, also a deleted one.

        Raises MLflowFailedError or VersionItemNotFoundError.
        """
        row = self._tracking.ask("find_run", identifier=identifier, stages=["active", "deleted"])
        if row is not None:
            return self.to_experiment_runs([row])[0]
        # MLflow has no runs whose nodes were all cached.
        records = self._runs.journal.records([identifier])
        if not records:
            raise VersionItemNotFoundError(kind="run", name=identifier)
        return self._with_titles(list(map(_from_journal, records)))[0]

    def find_in_journal(self, text: str, limit: int) -> list[ExperimentRun]:
        """Return the runs that MLflow does not have and whose ID begins or ends with a text."""
        return self._with_titles(
            list(map(_from_journal, self._runs.journal.find_unrecorded(text, limit)))
        )

    def to_experiment_runs(
        self, rows: Sequence[Mapping[str, Any]], columns: Sequence[str] | None = None
    ) -> list[ExperimentRun]:
        """Return MLflow's runs with what the journal knows of them, and with their titles."""
        whole = [row["run"] for row in rows if row["run"] and not row["node"]]
        journal_runs = {row["id"]: _from_journal(row) for row in self._runs.journal.records(whole)}
        runs = [
            _to_experiment_run(row, journal_runs.get(row["run"] or "") if not row["node"] else None)
            for row in rows
        ]
        # The title is of all parameters, whichever are asked for.
        return [_select_columns(run, columns) for run in self._with_titles(runs)]

    # Parts

    def _search_journal(self, query: RunsQuery) -> Page[ExperimentRun]:
        rows, cursor = self._runs.page(query.workflow, query.limit, query.cursor)
        runs = [_from_journal(row) for row in rows]
        peers = Peers.of([vars(run) for run in runs])
        items = [run.model_copy(update={"title": title_of(vars(run), peers)}) for run in runs]
        return Page(items=items, next_cursor=cursor)

    def _search_mlflow(self, query: RunsQuery, limit: int) -> Mapping[str, Any]:
        conditions = [query.filter] if query.filter else []
        if query.q:
            text = query.q.replace("'", "").replace("%", "")
            conditions.append(f"attributes.run_name ILIKE '%{text}%'")
        result: Mapping[str, Any] = self._tracking.ask(
            "search",
            filter=" AND ".join(conditions),
            sort=query.sort,
            limit=max(limit, 0),
            cursor=query.cursor,
            nested=query.nested,
            tags={
                **({WORKFLOW: query.workflow} if query.workflow else {}),
                **({STARRED: SET} if query.starred else {}),
            },
            lacking=[] if query.archived or query.deleted else [ARCHIVED],
            stage="deleted" if query.deleted else "active",
        )
        if "field" in result:
            words = QUERY_PARSE_ERROR.fill(reason=result["reason"])
            raise InvalidRequestError(faults=[Fault(result["field"], words)])
        return result

    def _with_titles(self, runs: Sequence[ExperimentRun]) -> list[ExperimentRun]:
        """Return the runs with titles, which take one small search an experiment of the page."""
        rows = [vars(run) for run in runs]
        untitled = [row for row in rows if not row["node"] and not is_named(row)]
        peers = {}
        for place, experiment in enumerate(dict.fromkeys(row["experiment"] for row in untitled)):
            own = [row for row in untitled if row["experiment"] == experiment]
            is_read = place < MAX_TITLE_SEARCHES
            peers[experiment] = Peers.of(
                (is_read and read_peers(self._tracking, experiment)) or own
            )
        return [
            run.model_copy(update={"title": title_of(row, peers.get(run.experiment, NO_PEERS))})
            for run, row in zip(runs, rows, strict=True)
        ]


def _from_journal(row: Row) -> ExperimentRun:
    return ExperimentRun(**serializers.experiment(row))


def _to_experiment_run(row: Mapping[str, Any], journal_run: ExperimentRun | None) -> ExperimentRun:
    """Return a run as MLflow has it; status and parameters are those of ``journal_run``, if any."""
    params, duration = row["params"], row["duration"]
    if journal_run is not None:
        # MLflow may hear of the end a moment later.
        duration = journal_run.duration if duration is None else duration
        # MLflow keeps text; the journal has numbers and lists as they were.
        params = journal_run.params or params
    status = journal_run.status if journal_run else STATUSES.get(row["status"], Status.RUNNING)
    facts = {"status": status, "duration": duration, "params": params}
    facts |= {"run": row["run"] or row["id"], "started": serializers.iso(row["started"])}
    return ExperimentRun(**{**row, **facts})


def _select_columns(run: ExperimentRun, columns: Sequence[str] | None) -> ExperimentRun:
    if columns is None:
        return run
    values = {
        kind: {key: value for key, value in values.items() if f"{kind}.{key}" in columns}
        for kind, values in (("params", run.params), ("metrics", run.metrics))
    }
    return run.model_copy(update=values)
