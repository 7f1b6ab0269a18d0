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
from jupyter_mlws.mlflow.client import RefusedError, TrackingClient
from jupyter_mlws.versioning.experiments.models import (
    Curve,
    Curves,
    CurvesQuery,
    ExperimentRun,
    RunColumns,
    RunsQuery,
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
        items = [run for run in waiting if run.run not in there]
        items += self._to_experiment_runs(result["items"], query.columns)
        if newest:
            items.sort(key=lambda run: run.started or "", reverse=True)
        return Page(items=items, next_cursor=result["next"])

    def columns(self) -> RunColumns:
        """Return the names of parameters and metrics that runs have. Raises MLflowFailedError."""
        names = self._tracking.ask("columns")
        return RunColumns(params=names["params"], metrics=names["metrics"])

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
        """Return a run by its ID in MLflow or by its workflow run's ID.

        Raises MLflowFailedError or VersionItemNotFoundError.
        """
        row = self._tracking.ask("find_run", identifier=identifier)
        if row is not None:
            return self._to_experiment_runs([row], None)[0]
        # MLflow has no runs whose nodes were all cached.
        for record in self._runs.journal.records([identifier]):
            return _from_journal(record)
        raise VersionItemNotFoundError(kind="run", name=identifier)

    # Parts

    def _search_journal(self, query: RunsQuery) -> Page[ExperimentRun]:
        rows, cursor = self._runs.page(query.workflow, query.limit, query.cursor)
        return Page(items=[_from_journal(row) for row in rows], next_cursor=cursor)

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
            columns=query.columns,
            nested=query.nested,
            tags={"mlws.workflow": query.workflow} if query.workflow else {},
        )
        if "field" in result:
            words = QUERY_PARSE_ERROR.fill(reason=result["reason"])
            raise InvalidRequestError(faults=[Fault(result["field"], words)])
        return result

    def _to_experiment_runs(
        self, rows: Sequence[Mapping[str, Any]], columns: Sequence[str] | None
    ) -> list[ExperimentRun]:
        whole = [row["run"] for row in rows if row["run"] and not row["node"]]
        journal_runs = {row["id"]: _from_journal(row) for row in self._runs.journal.records(whole)}
        return [
            _to_experiment_run(
                row, journal_runs.get(row["run"] or "") if not row["node"] else None, columns
            )
            for row in rows
        ]


def _from_journal(row: Row) -> ExperimentRun:
    return ExperimentRun(**serializers.experiment(row))


def _to_experiment_run(
    row: Mapping[str, Any], journal_run: ExperimentRun | None, columns: Sequence[str] | None
) -> ExperimentRun:
    """Return a run as MLflow has it; status and parameters are those of ``journal_run``, if any."""
    params, duration = row["params"], row["duration"]
    if journal_run is not None:
        # MLflow may hear of the end a moment later.
        duration = journal_run.duration if duration is None else duration
        # MLflow keeps text; the journal has numbers and lists as they were.
        params = {
            key: value
            for key, value in journal_run.params.items()
            if columns is None or f"params.{key}" in columns
        } or params
    status = journal_run.status if journal_run else STATUSES.get(row["status"], Status.RUNNING)
    facts = {"status": status, "duration": duration, "params": params}
    facts |= {"run": row["run"] or row["id"], "started": serializers.iso(row["started"])}
    return ExperimentRun(**{**row, **facts})
