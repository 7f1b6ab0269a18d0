"""The experiment table: all runs in MLflow, and workflow runs that are not recorded there yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_mlws.core.errors import MLflowFailedError, VersionItemNotFoundError
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.mlflow.client import ARTIFACTS, RefusedError
from jupyter_mlws.mlflow.run_tags import ARCHIVED, RUN_NAME, SET, STARRED, WORKFLOW
from jupyter_mlws.versioning.experiments.models import (
    Curve,
    Curves,
    CurvesQuery,
    ExperimentRun,
    GroupsQuery,
    RunColumns,
    RunGroups,
    RunsFilter,
    RunsQuery,
)
from jupyter_mlws.versioning.experiments.run_views import RunViewStore
from jupyter_mlws.versioning.experiments.titles import (
    NO_PEERS,
    Peers,
    group_of,
    is_named,
    read_peers,
    title_of,
)
from jupyter_mlws.versioning.lineage.graph import LineageReader
from jupyter_mlws.versioning.repository import Repository
from jupyter_mlws.workflows.commit_runs import CommitRuns
from jupyter_mlws.workflows.journal import serializers
from jupyter_mlws.workflows.journal.store import Row
from jupyter_mlws.workflows.run.runs import Runs
from mlws.core.errors import Fault, InvalidRequestError, MLWSError
from mlws.core.i18n import Message
from mlws.engine.states import Status
from mlws.engine.usage import PREFIX

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
MAX_GROUPS = 500
"""Groups of runs that are returned."""
MIGRATION = f"mlflow migrate-filestore --source {ARTIFACTS} --target sqlite:///mlflow.db"
"""Command that copies the runs of a file store, where MLflow 2 keeps them by default."""
QUERY_PARSE_ERROR = Message("MLflow can't parse this: {reason}")


class Experiments:
    """The runs of one project. Thread-safe.

    ``views`` are those of the table of runs; ``commits`` are its rows that are no runs; ``lineage``
    is where runs, models and data come from.
    """

    def __init__(self, runs: Runs, repository: Repository) -> None:
        self._runs = runs
        self._tracking = repository.tracking
        self._file_store = repository.project.root / ARTIFACTS
        self.views = RunViewStore(repository.project)
        self.commits = CommitRuns(repository)
        self.lineage = LineageReader(repository)

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
        """Return the names of what runs have, without system metrics. Raises MLflowFailedError."""
        names = self._tracking.ask("columns")
        metrics = [name for name in names["metrics"] if not name.startswith(PREFIX)]
        migration = None
        if not names["experiments"] and any(self._file_store.glob("*/*/meta.yaml")):
            migration = MIGRATION
        return RunColumns(**{**names, "metrics": metrics, "migration": migration})

    def groups(self, query: GroupsQuery) -> RunGroups:
        """Return the groups of the runs that match.

        Raises InvalidRequestError for a condition that cannot be parsed, MLflowFailedError.
        """
        self._runs.reconcile()
        items = self._ask("groups", query, by=_group_key(query.by))["items"]
        return RunGroups(items=items[:MAX_GROUPS], more=max(0, len(items) - MAX_GROUPS))

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
        equal = []
        experiment = query.experiment
        if query.group is not None:
            kind, key = _group_key(query.group)
            if kind == "experiment":
                experiment = query.value or ""
            else:
                equal = [(kind, key, query.value)]
        return self._ask(
            "search",
            query.model_copy(update={"experiment": experiment}),
            sort=query.sort,
            limit=max(limit, 0),
            cursor=query.cursor,
            **({"equal": equal} if equal else {}),
        )

    def _ask(self, call: str, query: RunsFilter, **arguments: Any) -> Mapping[str, Any]:
        """Ask MLflow for runs that match; InvalidRequestError names what it cannot parse."""
        conditions = [query.filter] if query.filter else []
        if query.q:
            text = query.q.replace("'", "").replace("%", "")
            conditions.append(f"attributes.run_name ILIKE '%{text}%'")
        result: Mapping[str, Any] = self._tracking.ask(
            call,
            filter=" AND ".join(conditions),
            nested=query.nested,
            tags={
                **({WORKFLOW: query.workflow} if query.workflow else {}),
                **({STARRED: SET} if query.starred else {}),
            },
            lacking=[] if query.archived or query.deleted else [ARCHIVED],
            experiment=query.experiment,
            stage="deleted" if query.deleted else "active",
            **arguments,
        )
        if "field" in result:
            words = QUERY_PARSE_ERROR.fill(reason=result["reason"])
            raise InvalidRequestError(faults=[Fault(result["field"], words)])
        return result

    def _with_titles(self, runs: Sequence[ExperimentRun]) -> list[ExperimentRun]:
        """Return the runs with titles, which take one small search a group of the page."""
        rows = [vars(run) for run in runs]
        untitled: dict[tuple[str | None, str | None], list[dict[str, Any]]] = {}
        for row in rows:
            if not row["node"] and not is_named(row):
                untitled.setdefault(group_of(row), []).append(row)
        peers = {}
        for place, (group, own) in enumerate(untitled.items()):
            is_read = place < MAX_TITLE_SEARCHES
            peers[group] = Peers.of((is_read and read_peers(self._tracking, *group)) or own)
        return [
            run.model_copy(update={"title": title_of(row, peers.get(group_of(row), NO_PEERS))})
            for run, row in zip(runs, rows, strict=True)
        ]


def _group_key(field: str) -> tuple[str, str]:
    """Return the kind and the key, as MLflow has them, of what runs are grouped by."""
    kind, _, key = field.partition(".")
    if field == "experiment":
        return "experiment", ""
    if kind in ("params", "tags"):
        return ("parameter" if kind == "params" else "tag"), key
    return "tag", {"workflow": WORKFLOW, "name": RUN_NAME}[field]


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
