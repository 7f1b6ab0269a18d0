"""The journal of runs: every change of a run or node is stored as an event before it is reported.

SQLite in the project's state folder. `seq` grows without end; a reader that knows the last one
it saw misses nothing and sees nothing twice.
"""

from __future__ import annotations

import json
import re
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from jupyter_mlws.core.errors import WorkflowItemNotFoundError
from jupyter_mlws.workflows.journal import serializers
from jupyter_mlws.workflows.journal.serializers import iso
from mlws.core.database import is_damaged
from mlws.core.errors import OperationInProgressError
from mlws.core.i18n import Message
from mlws.core.project import Project
from mlws.engine.policy import RunOptions
from mlws.engine.states import NODE_CHANGES, RUN_CHANGES, Status, check

ACTIVE_STATES = (Status.PENDING.value, Status.RUNNING.value)
SUCCESS_STATES = (Status.COMPLETED.value, Status.CACHED.value)
"""Nodes in these states have their result."""
UNSTORED_OPTIONS = ("params", "origin", "looks")
"""Options that a run which resumes another does not use again."""
ID_PART = re.compile(r"[0-9a-f-]+")
"""Characters of the IDs of runs."""
Row = dict[str, Any]


@dataclass(frozen=True)
class RunRequest(RunOptions):
    """The nodes to run, and how. ``resumes``: the run of which this one runs the rest.

    See :class:`~jupyter_mlws.workflows.models.ExecuteRequest`.
    """

    params: Mapping[str, Any] = field(default_factory=dict)
    pull: bool = False
    executor: str | None = None
    accept_cosmetic: bool = False
    origin: str = "rest"
    resumes: str | None = None

    @classmethod
    def restore(cls, options: Mapping[str, Any]) -> RunRequest:
        """Return the request of a stored run, which may be one of an earlier release."""
        names = cls().stored_options.keys() & options.keys()
        return cls(**{name: options[name] for name in names if options[name] is not None})

    @property
    def names_nodes(self) -> bool:
        """True if an option names single nodes."""
        return bool(self.targets or self.again or self.accept or self.skip)

    @property
    def stored_options(self) -> Row:
        """The options that a run stores, and that a run that resumes it uses again."""
        options = asdict(self)
        return {name: options[name] for name in options if name not in UNSTORED_OPTIONS}


@dataclass(frozen=True)
class NewRun:
    """Properties of a run that are known before it starts."""

    id: str
    path: str
    jobs: int
    origin: str
    nodes: Sequence[str]
    request: Mapping[str, Any] = field(default_factory=dict)


class Journal:
    """Journal of one project's runs, thread-safe and shared by several processes.

    If the database file is damaged or deleted, a new one replaces it, without the earlier runs.
    If ``follow`` is false, a deleted file stays in use: a run does not change its journal.
    """

    def __init__(self, project: Project, *, follow: bool = True) -> None:
        self._project = project
        self._lock = threading.RLock()
        self._batch = False
        self._has_new_events = False
        self._database = project.history(follow=follow)
        # Created at once: others ask whether the file exists.
        self._connection  # noqa: B018

    @property
    def _connection(self) -> sqlite3.Connection:
        return self._database.connection

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._database.close()

    # Writing

    def create(self, run: NewRun) -> None:
        """Insert a run and its nodes.

        Raises OperationInProgressError while another run of the file goes on.
        """
        try:
            self._create(run)
        except sqlite3.DatabaseError as error:
            # The damaged file was moved aside: a new one has no runs.
            if not is_damaged(error):
                raise
            self._create(run)

    def _create(self, run: NewRun) -> None:
        now = time.time()
        record = {"jobs": run.jobs, "origin": run.origin, "request": dict(run.request)}
        with self._transaction():
            live = self._first(
                "SELECT * FROM runs WHERE workflow = ? AND status IN (?, ?)",
                run.path,
                *ACTIVE_STATES,
            )
            if live is not None:
                raise OperationInProgressError(
                    operation=f"run {live['id']} of {run.path}",
                    who=json.loads(live["record"])["origin"],
                    since=iso(live["created"]),
                )
            self._connection.execute(
                "INSERT INTO runs (id, workflow, status, created, record) VALUES (?, ?, ?, ?, ?)",
                (run.id, run.path, Status.PENDING.value, now, json.dumps(record)),
            )
            self._connection.executemany(
                "INSERT INTO nodes (run, node, position, status, record) VALUES (?, ?, ?, ?, ?)",
                [(run.id, node, n, Status.PENDING.value, "{}") for n, node in enumerate(run.nodes)],
            )
            self._emit_run_event(run.id)

    def note(self, run: str, **facts: Any) -> None:
        """Store facts about a run without emitting an event."""
        with self._transaction():
            record = {**json.loads(self._run(run)["record"]), **facts}
            self._connection.execute(
                "UPDATE runs SET record = ? WHERE id = ?", (json.dumps(record), run)
            )

    def set_run(self, run: str, status: Status | None = None, **facts: Any) -> None:
        """Change a run's state; if ``status`` is None, only add facts."""
        with self._transaction():
            row = self._run(run)
            record = {**json.loads(row["record"]), **facts}
            if status is not None:
                check(RUN_CHANGES, Status(row["status"]), status)
                record["started" if status is Status.RUNNING else "ended"] = time.time()
            self._connection.execute(
                "UPDATE runs SET status = ?, record = ? WHERE id = ?",
                ((status or Status(row["status"])).value, json.dumps(record), run),
            )
            self._emit_run_event(run)

    def set_node(self, run: str, node: str, status: Status, **facts: Any) -> None:
        """Change a node's state."""
        with self._transaction():
            self._change_node(run, node, status, facts)

    def keep_environment(self, identifier: str, record: str) -> None:
        """Store what an environment consists of, once."""
        with self._transaction():
            self._connection.execute(
                "INSERT OR IGNORE INTO environments (id, record) VALUES (?, ?)",
                (identifier, record),
            )

    def set_progress(self, run: str, node: str, share: float) -> None:
        """Store and emit the progress of a running node; its state does not change."""
        with self._transaction():
            row = self._first("SELECT * FROM nodes WHERE run = ? AND node = ?", run, node)
            if row is None or row["status"] != Status.RUNNING.value:
                return
            text = json.dumps({**json.loads(row["record"]), "progress": share})
            self._emit_event(run, {"type": "node", "node": node, "status": row["status"]}, text)
            self._connection.execute(
                "UPDATE nodes SET record = ? WHERE run = ? AND node = ?", (text, run, node)
            )

    def cache_nodes(self, run: str, outputs: Mapping[str, Mapping[str, str]], why: Message) -> None:
        """Change all nodes of a run at once, from PENDING to CACHED, each with its outputs."""
        now = time.time()
        texts = {
            node: json.dumps({"reasons": [why.as_dict()], "outputs": dict(files), "ended": now})
            for node, files in outputs.items()
        }
        status = Status.CACHED.value
        with self._transaction():
            self._connection.executemany(
                "UPDATE nodes SET status = ?, record = ? WHERE run = ? AND node = ?",
                [(status, text, run, node) for node, text in texts.items()],
            )
            heads = {node: {"type": "node", "node": node, "status": status} for node in texts}
            for node, text in texts.items():
                self._emit_event(run, heads[node], text)

    def end_nodes(self, run: str, status: Status) -> None:
        """Set every node that has not finished to ``status``.

        Running nodes that cannot change to ``status`` become INTERRUPTED.
        """
        with self._transaction():
            for row in self.query("SELECT * FROM nodes WHERE run = ? ORDER BY position", run):
                allowed = NODE_CHANGES.get(Status(row["status"]), frozenset())
                if allowed:
                    end = status if status in allowed else Status.INTERRUPTED
                    self._change_node(run, row["node"], end, {})

    def _change_node(self, run: str, node: str, status: Status, facts: Row) -> None:
        row = self._first("SELECT * FROM nodes WHERE run = ? AND node = ?", run, node)
        if row is None:
            raise WorkflowItemNotFoundError(kind="node", name=node)
        check(NODE_CHANGES, Status(row["status"]), status)
        record = {**json.loads(row["record"]), **facts}
        record.pop("progress", None)
        now = time.time()
        if status is Status.RUNNING:
            record["started"] = now
            record["attempt"] = record.get("attempt", 0) + 1
        elif status.ended:
            record["ended"] = facts.get("ended") or now
        event_record = {name: fact for name, fact in record.items() if name != "lock"}
        text = json.dumps(event_record)
        self._emit_event(run, {"type": "node", "node": node, "status": status.value}, text)
        if record.get("lock") is not None:
            text = f'{text[:-1]}, "lock": {json.dumps(record["lock"])}}}'
        self._connection.execute(
            "UPDATE nodes SET status = ?, record = ? WHERE run = ? AND node = ?",
            (status.value, text, run, node),
        )
        if status is Status.COMPLETED and record.get("environment") and record.get("outputs"):
            self._connection.executemany(
                "INSERT OR REPLACE INTO result_environments (path, hash, environment)"
                " VALUES (?, ?, ?)",
                [(path, md5, record["environment"]) for path, md5 in record["outputs"].items()],
            )

    def _emit_run_event(self, run: str) -> None:
        row = self._run(run)
        record = {**json.loads(row["record"]), "counts": self._counts(run)}
        news = {"type": "run", "node": None, "status": row["status"]}
        self._emit_event(run, news, json.dumps(record))

    def _emit_event(self, run: str, news: Row, record: str) -> None:
        """Store an event; ``record`` is the JSON text of the run's or node's record."""
        self._connection.execute(
            "INSERT INTO events (run, time, record) VALUES (?, ?, ?)",
            (run, time.time(), f'{json.dumps(news)[:-1]}, "record": {record}}}'),
        )
        self._has_new_events = True

    # Reading

    def record(self, run: str) -> Row:
        """Return the columns and facts of a run, not converted to the API's format."""
        return _to_record(self._run(run))

    def live(self, path: str | None = None) -> list[Row]:
        """Return the runs that have not finished, of one workflow or of all."""
        rows = self.query("SELECT * FROM runs WHERE status IN (?, ?)", *ACTIVE_STATES)
        records = [_to_record(row) for row in rows]
        return [row for row in records if path is None or row["workflow"] == path]

    def newest(self, path: str) -> str | None:
        """Return the ID of a workflow's newest run."""
        row = self._first(
            "SELECT id FROM runs WHERE workflow = ? ORDER BY created DESC, id DESC LIMIT 1", path
        )
        return row["id"] if row else None

    def summary(self, run: str) -> Row:
        """Return a run without its nodes, in the API's format."""
        with self._lock:
            row = self._run(run)
            counts = self._counts(run)
        return serializers.run_summary(_to_record(row), counts)

    def run(self, run: str) -> Row:
        """Return a run with its nodes and the seq of its last event, in the API's format.

        All parts are read in one transaction, so that they are consistent.
        """
        with self.reading() as connection:
            connection.execute("BEGIN")
            row = self._run(run)
            nodes = self.query("SELECT * FROM nodes WHERE run = ? ORDER BY position", run)
            last = self._first("SELECT MAX(seq) AS seq FROM events WHERE run = ?", run)
            counts = self._counts(run)
        facts = [(node["node"], node["status"], json.loads(node["record"])) for node in nodes]
        return {
            **serializers.run_summary(_to_record(row), counts),
            "nodes": [serializers.node_run(*fact) for fact in facts],
            "results": {
                name: record.get("outputs", {})
                for name, status, record in facts
                if status in SUCCESS_STATES
            },
            "last_seq": last["seq"] if last and last["seq"] else 0,
        }

    def nodes_of(self, run: str) -> list[str]:
        """Return the nodes of a run, in order."""
        rows = self.query("SELECT node FROM nodes WHERE run = ? ORDER BY position", run)
        return [row["node"] for row in rows]

    def node_records(self, run: str) -> dict[str, Row]:
        """Return the status and facts of each node of a run, not converted to the API's format."""
        with self._lock:
            self._run(run)
            rows = self.query("SELECT * FROM nodes WHERE run = ? ORDER BY position", run)
        return {
            row["node"]: {**json.loads(row["record"]), "status": Status(row["status"])}
            for row in rows
        }

    def runs(
        self, path: str | None, limit: int, before: tuple[float, str] | None = None
    ) -> list[Row]:
        """Return runs, newest first, not converted to the API's format.

        ``before``: only runs older than this (created, id).
        """
        created, identifier = before or (float("inf"), "")
        where = "" if path is None else "workflow = ? AND "
        rows = self.query(
            f"SELECT * FROM runs WHERE {where}(created, id) < (?, ?) "  # noqa: S608
            "ORDER BY created DESC, id DESC LIMIT ?",
            *(() if path is None else (path,)),
            created,
            identifier,
            limit,
        )
        return [_to_record(row) for row in rows]

    def records(self, runs: Sequence[str]) -> list[Row]:
        """Return the records of ``runs``, not converted; skip runs that are not in the journal."""
        marks = ", ".join("?" * len(runs))
        rows = self.query(f"SELECT * FROM runs WHERE id IN ({marks})", *runs)  # noqa: S608
        return [_to_record(row) for row in rows]

    def find_unrecorded(self, text: str, limit: int) -> list[Row]:
        """Return the runs that MLflow does not have and whose ID begins or ends with a text."""
        if not ID_PART.fullmatch(text):
            return []
        rows = self.query(
            "SELECT * FROM runs WHERE (id GLOB ? OR id GLOB ?) "
            "AND json_extract(record, '$.mlflow_run') IS NULL ORDER BY created DESC LIMIT ?",
            f"{text}*", f"*-{text}", limit,
        )  # fmt: skip
        return [_to_record(row) for row in rows]

    def last_seq(self) -> int:
        """Return the seq of the newest event; 0 before the first."""
        row = self._first("SELECT MAX(seq) AS seq FROM events")
        return (row["seq"] if row else 0) or 0

    def events_after(self, seq: int, limit: int = 200) -> list[Row]:
        """Return the events after ``seq``, oldest first, as `/workflows/status` sends them."""
        if seq > self.last_seq():
            # It is of a file whose place another has taken.
            seq = 0
        rows = self.query(
            "SELECT events.*, runs.workflow AS workflow, runs.created AS created "
            "FROM events JOIN runs ON runs.id = events.run "
            "WHERE events.seq > ? ORDER BY events.seq LIMIT ?",
            seq,
            limit,
        )
        return [serializers.event(dict(row), json.loads(row["record"])) for row in rows]

    def query(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """Execute one statement and return its rows."""
        with self._lock:
            return self._database.execute(query, *values)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection for several statements; other threads are blocked meanwhile."""
        with self._lock, self._outermost():
            yield self._connection

    def _run(self, run: str) -> sqlite3.Row:
        row = self._first("SELECT * FROM runs WHERE id = ?", run)
        if row is None:
            raise WorkflowItemNotFoundError(kind="run", name=run)
        return row

    def _counts(self, run: str) -> dict[str, int]:
        rows = self.query(
            "SELECT status, COUNT(*) AS n FROM nodes WHERE run = ? GROUP BY status", run
        )
        return {row["status"]: row["n"] for row in rows}

    def _first(self, query: str, *values: Any) -> sqlite3.Row | None:
        return next(iter(self.query(query, *values)), None)

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Combine all changes in the body into one transaction, and emit their events after it.

        Other threads are blocked meanwhile, so the body must not wait for anything.
        """
        with self._lock, self._outermost():
            yield

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            if self._batch:
                self._begin()
                yield
            else:
                with self._outermost():
                    self._begin()
                    yield

    @contextmanager
    def _outermost(self) -> Iterator[None]:
        self._batch = True
        try:
            yield
        except BaseException as error:
            self._has_new_events = False
            self._end("ROLLBACK")
            # What was to be written is lost; the next call has a sound file.
            self._database.replace(error)
            raise
        self._end("COMMIT")
        if self._has_new_events:
            self._has_new_events = False
            self._project.ring()

    def _begin(self) -> None:
        """Begin a write transaction at the first change, so that an empty batch costs nothing."""
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN IMMEDIATE")

    def _end(self, how: str) -> None:
        self._batch = False
        if self._connection.in_transaction:
            self._connection.execute(how)


def run_folder(project: Project, run: str) -> Path:
    """Return the directory with the workflow's text and the logs of a run.

    Like the run in the journal, it is never removed.
    """
    return project.state / "runs" / run


def _to_record(row: sqlite3.Row) -> Row:
    """Return the facts and columns of a run as one mapping."""
    return {
        **json.loads(row["record"]),
        "id": row["id"],
        "workflow": row["workflow"],
        "status": row["status"],
        "created": row["created"],
    }
