"""The experiment table: every run that MLflow has, whoever began it, or will have soon."""

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
from jupyter_mlws.versioning.tracking.client import RefusedError, TrackingClient
from jupyter_mlws.workflows.manager import WorkflowManager
from jupyter_mlws.workflows.models import (
    Curve,
    CurvePoint,
    Curves,
    CurvesQuery,
    ExperimentRun,
    RunColumns,
    RunsQuery,
)
from jupyter_mlws.workflows.serializers import iso
from jupyter_mlws.workflows.states import Status

STATUSES = {
    "RUNNING": Status.RUNNING,
    "SCHEDULED": Status.QUEUED,
    "FINISHED": Status.COMPLETED,
    "FAILED": Status.FAILED,
    "KILLED": Status.CANCELLED,
}
"""MLflow's words for ours."""
JOURNAL_CURSOR = "~"
"""Is in the cursors of the journal's list, and in none of MLflow's."""
REFUSED = Message("MLflow can't parse this: {reason}")


class Experiments:
    """The runs of one project. Thread-safe."""

    def __init__(self, workflows: WorkflowManager, tracking: TrackingClient) -> None:
        self._workflows = workflows
        self._tracking = tracking

    def search(self, query: RunsQuery | None = None) -> Page[ExperimentRun]:
        """A part of the runs, the newest first where nothing else is asked for.

        Runs of workflows that MLflow has not heard of yet come first. Where nothing is searched
        for and MLflow does not answer, those of the journal are the list, if it has any. Errors:
        50201 names what of the query cannot be read, 30105.
        """
        query = query or RunsQuery()
        self._workflows.reconcile()
        if query.plain and JOURNAL_CURSOR in (query.cursor or ""):
            return self._workflows.experiment_runs(query.workflow, query.limit, query.cursor)
        newest = query.plain and query.cursor is None
        waiting = self._workflows.untracked(query.workflow, query.limit) if newest else []
        try:
            found = self._ask(query, query.limit - len(waiting))
        except MLWSError as error:
            if not isinstance(error, MLflowFailedError) or not newest:
                raise
            known = self._workflows.experiment_runs(query.workflow, query.limit)
            if not known.items:
                # An empty list would say that there is no run.
                raise
            return known
        # A run may have come to MLflow between the two questions.
        there = {row["run"] for row in found["items"]}
        items = [run for run in waiting if run.run not in there]
        items += self._told(found["items"], query.columns)
        if newest:
            items.sort(key=lambda run: run.started or "", reverse=True)
        return Page(items=items, next_cursor=found["next"])

    def columns(self) -> RunColumns:
        """The names of parameters and metrics that runs have; error 30105."""
        found = self._tracking.ask("columns")
        return RunColumns(params=found["params"], metrics=found["metrics"])

    def curves(self, query: CurvesQuery) -> Curves:
        """A metric of several runs, step by step; errors 30105, 30404."""
        items = []
        for run in query.ids:
            try:
                points = self._tracking.ask(
                    "curve", run=run, metric=query.metric, limit=query.points
                )
            except RefusedError as error:
                raise VersionItemNotFoundError(kind="run", name=run) from error
            items.append(Curve(run=run, points=[CurvePoint(**point) for point in points]))
        return Curves(metric=query.metric, items=items)

    def get(self, identifier: str) -> ExperimentRun:
        """One run by MLflow's id or the workflow run's; errors 30105, 30404."""
        found = self._tracking.ask("find_run", identifier=identifier)
        if found is None:
            raise VersionItemNotFoundError(kind="run", name=identifier)
        return self._told([found], None)[0]

    # Parts

    def _ask(self, query: RunsQuery, limit: int) -> Mapping[str, Any]:
        conditions = [query.filter] if query.filter else []
        if query.q:
            text = query.q.replace("'", "").replace("%", "")
            conditions.append(f"attributes.run_name ILIKE '%{text}%'")
        found: Mapping[str, Any] = self._tracking.ask(
            "search",
            filter=" AND ".join(conditions),
            sort=query.sort,
            limit=max(limit, 0),
            cursor=query.cursor,
            columns=query.columns,
            nested=query.nested,
            tags={"mlws.workflow": query.workflow} if query.workflow else {},
        )
        if "field" in found:
            words = REFUSED.fill(reason=found["reason"])
            raise InvalidRequestError(faults=[Fault(found["field"], words)])
        return found

    def _told(
        self, rows: Sequence[Mapping[str, Any]], columns: Sequence[str] | None
    ) -> list[ExperimentRun]:
        whole = [row["run"] for row in rows if row["run"] and not row["node"]]
        known = self._workflows.experiments_of(whole)
        return [
            _shown(row, known.get(row["run"] or "") if not row["node"] else None, columns)
            for row in rows
        ]


def _shown(
    row: Mapping[str, Any], known: ExperimentRun | None, columns: Sequence[str] | None
) -> ExperimentRun:
    """A run as MLflow has it; the journal knows more of a workflow's."""
    params = row["params"]
    if known is not None:
        # MLflow keeps text; the journal has numbers and lists as they were.
        params = {
            key: value
            for key, value in known.params.items()
            if columns is None or f"params.{key}" in columns
        } or params
    return ExperimentRun(
        id=row["id"],
        run=row["run"] or row["id"],
        node=row["node"],
        name=row["name"],
        experiment=row["experiment"],
        workflow=row["workflow"],
        status=known.status if known else STATUSES.get(row["status"], Status.RUNNING),
        started=iso(row["started"]),
        duration=row["duration"],
        params=params,
        metrics=row["metrics"],
        commit=row["commit"],
        dirty=row["dirty"],
        inputs=row["inputs"],
        tags=row["tags"],
    )
