"""Queries of earlier runs, such as the durations of nodes and the run that made a result."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence

from jupyter_mlws.environments import store
from jupyter_mlws.environments.record import Environment
from jupyter_mlws.workflows.journal.store import ACTIVE_STATES, SUCCESS_STATES, Journal, Row
from mlws.engine.states import Status

MAX_SEARCHED_NODES = 10_000
"""Nodes that are searched for the run that made a result, newest first."""


class RunHistory:
    """Searches the journal of a project. Thread-safe."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def durations(self, path: str, last: int = 20) -> dict[str, float]:
        """Return the seconds that each node took when it last completed."""
        rows = self._journal.query(
            "SELECT nodes.node, json_extract(nodes.record, '$.ended')"
            " - json_extract(nodes.record, '$.started') AS seconds FROM nodes JOIN ("
            " SELECT id, created FROM runs WHERE workflow = ? ORDER BY created DESC LIMIT ?"
            ") AS recent ON recent.id = nodes.run "
            "WHERE nodes.status = ? ORDER BY recent.created",
            path,
            last,
            Status.COMPLETED.value,
        )
        return {row["node"]: row["seconds"] for row in rows if row["seconds"] is not None}

    def newest_of(
        self, path: str, nodes: Sequence[str], last: int = 50
    ) -> dict[str, tuple[str, Row]]:
        """Return each node's newest run and its record in that run.

        Only the newest ``last`` runs of the workflow are considered.
        """
        newest: dict[str, tuple[str, Row]] = {}
        node_ids = set(nodes)
        for run in self._journal.runs(path, last):
            if len(newest) == len(node_ids):
                break
            for node, record in self._journal.node_records(run["id"]).items():
                if node in node_ids:
                    newest.setdefault(node, (run["id"], record))
        return newest

    def results(
        self, path: str, last: int = 20, until: float = float("inf")
    ) -> dict[str, list[tuple[str, dict[str, str]]]]:
        """Return each node's two newest results, newest first: the run, and hashes by path.

        Only the newest ``last`` runs of the workflow are considered, of those created ``until``.
        """
        rows = self._journal.query(
            "SELECT node, run, outputs FROM ("
            " SELECT nodes.node, nodes.run, json_extract(nodes.record, '$.outputs') AS outputs,"
            " ROW_NUMBER() OVER (PARTITION BY nodes.node ORDER BY recent.created DESC) AS place"
            " FROM nodes JOIN ("
            "  SELECT id, created FROM runs WHERE workflow = ? AND created <= ?"
            "  ORDER BY created DESC LIMIT ?"
            " ) AS recent ON recent.id = nodes.run WHERE nodes.status IN (?, ?)"
            ") WHERE place <= 2 ORDER BY place",
            path,
            until,
            last,
            *SUCCESS_STATES,
        )
        results: dict[str, list[tuple[str, dict[str, str]]]] = {}
        for row in rows:
            outputs = json.loads(row["outputs"] or "{}")
            results.setdefault(row["node"], []).append((row["run"], outputs))
        return results

    def commits(self, path: str, last: int = 20) -> list[str]:
        """Return the commits of a workflow's newest runs, newest first."""
        shas = (run.get("commit") for run in self._journal.runs(path, last))
        return list(dict.fromkeys(commit for commit in shas if commit))

    def makers(self, outputs: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
        """Return the newest run in which a node made these outputs.

        ``outputs`` has hashes by path for each key; the result has the run's ID for the same key.
        """
        pending: dict[frozenset[tuple[str, str]], list[str]] = {}
        for name, hashes in outputs.items():
            if hashes:
                pending.setdefault(frozenset(hashes.items()), []).append(name)
        run_ids: dict[str, str] = {}
        if not pending:
            return run_ids
        with self._journal.reading() as connection:
            rows = connection.execute(
                "SELECT nodes.run, nodes.record FROM nodes JOIN runs ON runs.id = nodes.run "
                "WHERE nodes.status = ? ORDER BY runs.created DESC LIMIT ?",
                (Status.COMPLETED.value, MAX_SEARCHED_NODES),
            )
            for row in rows:
                key = frozenset((json.loads(row["record"]).get("outputs") or {}).items())
                run_ids.update(dict.fromkeys(pending.pop(key, ()), row["run"]))
                if not pending:
                    break
        return run_ids

    def environments(self, identifiers: Collection[str]) -> dict[str, Environment]:
        """Return the stored environments of these IDs."""
        with self._journal.reading() as connection:
            return store.load(connection, identifiers)

    def result_environments(
        self, outputs: Mapping[str, Mapping[str, str | None]]
    ) -> dict[str, str]:
        """Return the ID of the environment in which each node's result was made, if it is known.

        ``outputs``: hashes by path, by node.
        """
        with self._journal.reading() as connection:
            ids_by_file = store.makers(
                connection, [file for files in outputs.values() for file in files.items()]
            )
        ids = {
            name: next((ids_by_file[file] for file in files.items() if file in ids_by_file), None)
            for name, files in outputs.items()
        }
        return {name: one for name, one in ids.items() if one is not None}

    def has_computed(self, run: str) -> bool:
        """Return whether any node of the run was started."""
        return bool(
            self._journal.query(
                "SELECT 1 FROM nodes WHERE run = ? AND json_extract(record, '$.started') LIMIT 1",
                run,
            )
        )

    def unrecorded_runs(self, last: int) -> list[str]:
        """Return the finished runs that are not in MLflow, newest first.

        Only the newest ``last`` runs are considered.
        """
        rows = self._journal.query(
            "SELECT id FROM ("
            " SELECT id, status, created, record FROM runs ORDER BY created DESC, id DESC"
            " LIMIT ?) "
            "WHERE status NOT IN (?, ?) AND json_extract(record, '$.started') IS NOT NULL "
            "AND json_extract(record, '$.recorded') IS NOT 1 "
            "AND json_extract(record, '$.mlflow_run') IS NULL "
            "ORDER BY created DESC, id DESC",
            last,
            *ACTIVE_STATES,
        )
        return [row["id"] for row in rows]

    def counts(self) -> tuple[dict[str, int], dict[str, int]]:
        """Return the number of runs and the number of nodes of runs in each state."""
        runs = self._journal.query("SELECT status, COUNT(*) AS n FROM runs GROUP BY status")
        nodes = self._journal.query("SELECT status, COUNT(*) AS n FROM nodes GROUP BY status")
        return {row["status"]: row["n"] for row in runs}, {row["status"]: row["n"] for row in nodes}
