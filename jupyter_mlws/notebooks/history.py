"""History of executions: source, start, duration and outcome, of all clients of kernels.

It is stored in the database of the notebook's project. For notebooks outside projects, there is a
database with the same tables in the server's data directory.
"""

from __future__ import annotations

import difflib
import fcntl
import json
import os
import re
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jupyter_mlws.core.errors import ExecutionLostError, NotebookItemNotFoundError
from jupyter_mlws.environments import store
from jupyter_mlws.environments.inspector import Inspector
from jupyter_mlws.environments.record import Environment
from jupyter_mlws.notebooks.execution import Outcome
from jupyter_mlws.notebooks.models import (
    CellFailure,
    Execution,
    ExecutionError,
    ExecutionQuery,
    ExecutionStatus,
    Fix,
    Origin,
    Similar,
)
from mlws.core import project_schema
from mlws.core.database import Database
from mlws.core.errors import Fault, InvalidRequestError, MLWSError
from mlws.core.i18n import Message
from mlws.core.paths import own_folder
from mlws.core.project import Project
from mlws.environments.programs import Program

MAX_EXECUTIONS = 20_000
"""Maximum number of executions in a database; older ones are deleted."""
MAX_SOURCE_LENGTH = 100_000
"""Longer sources are truncated."""
MAX_OUTPUTS_LENGTH = 1_000_000
"""Larger outputs of an execution, in characters, are not stored."""
MAX_EXECUTIONS_WITH_OUTPUTS = 200
"""Outputs are stored of so many executions."""
MAX_SIMILAR_FAILURES = 5
"""Similar failures that are listed for one failure."""
MAX_SIMILAR_FAILURES_OF_CELL = 3
"""Similar failures that are listed for each failed cell of a notebook."""
FIX_CONTEXT_LINES = 2
INVALID_CURSOR = Message("is not a valid cursor for this list")
_MAX_SEQ = 2**63 - 1
_ERROR_FIELDS = ("ename", "evalue", "cell", "line", "traceback")
_VARIABLE_TEXT_PATTERN = re.compile(r"""'[^']*'|"[^"]*"|0x[0-9a-fA-F]+|\d+(?:\.\d+)?""")
_NEWEST_SEQ_QUERY = (
    "SELECT MAX(seq) FROM executions WHERE notebook = ? AND cell IS NOT NULL AND started > 0"
    " GROUP BY cell"
)
"""The execution of each cell that started last; the start of one that never started is 0."""
_FAILURE_STATUSES = (ExecutionStatus.ERROR.value, ExecutionStatus.TIMEOUT.value)


@dataclass(frozen=True)
class ExecutionStart:
    """Facts about an execution that are known when it begins.

    ``message`` is the id of the kernel's request, ``process`` identifies the kernel's process,
    ``saves`` is the hash of the document that the outputs are meant for, ``program`` starts the
    kernel.
    """

    id: str
    request: str
    notebook: str
    path: str
    cell: str | None
    source: str
    origin: Origin = Origin.API
    kernel: str | None = None
    process: str | None = None
    message: str | None = None
    snapshot: str | None = None
    saves: str | None = None
    deadline: float | None = None
    program: Program | None = None


@dataclass(frozen=True)
class OrphanedExecution:
    """Execution that an earlier server left running on a kernel that still runs."""

    execution: ExecutionStart
    started: float


class History:
    """The executions in one database. Thread-safe; several servers may share the database.

    Each server holds a lock on a file while it runs. If another server can take that lock, the
    owner is gone: executions that it left running become LOST, unless their kernel is one of
    those that ``lasting`` names; executions that it had queued become CANCELLED.
    """

    def __init__(
        self,
        database: Database,
        folder: Path,
        lasting: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self._lock = threading.Lock()
        self._server = uuid.uuid4().hex
        self._folder = folder / "servers"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock_file = (self._folder / self._server).open("w")
        fcntl.flock(self._lock_file, fcntl.LOCK_EX)
        self._database = database
        self._inspector = Inspector(folder)
        rows = database.execute(
            "SELECT server FROM executions WHERE status = 'RUNNING'"
            " UNION SELECT server FROM executions WHERE status = 'QUEUED'"
        )
        for server in {row["server"] for row in rows} - {self._server}:
            mark = self._folder / server
            try:
                with mark.open() as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    mark.unlink(missing_ok=True)
            except FileNotFoundError:
                pass
            except BlockingIOError:
                continue  # That server runs.
            self._mark_lost(server, lasting())

    def close(self) -> None:
        """Close the database; running executions become LOST, queued ones CANCELLED."""
        with self._lock:
            # The project may have been deleted, and its history with it.
            if self._folder.is_dir():
                self._mark_lost(self._server)
            self._database.close()
            (self._folder / self._server).unlink(missing_ok=True)
            self._lock_file.close()

    @property
    def _connection(self) -> sqlite3.Connection:
        return self._database.connection

    def queue(self, request: str, waiting: Sequence[ExecutionStart]) -> None:
        """Store the queued executions of a call, in place of those that it had queued before."""
        with self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._delete_queued(request)
            self._connection.executemany(
                "INSERT INTO executions (id, request, notebook, path, cell, source, status,"
                " started, server, origin) VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?)",
                [
                    (
                        one.id,
                        one.request,
                        one.notebook,
                        one.path,
                        one.cell,
                        one.source[:MAX_SOURCE_LENGTH],
                        ExecutionStatus.QUEUED.value,
                        self._server,
                        one.origin.value,
                    )
                    for one in waiting
                ],
            )

    def unqueue(self, request: str) -> None:
        """Delete the queued executions of a call that will not start; its client was informed."""
        with self._lock:
            self._delete_queued(request)

    def _delete_queued(self, request: str) -> None:
        self._database.execute(
            "DELETE FROM executions WHERE request = ? AND status = ?",
            request,
            ExecutionStatus.QUEUED.value,
        )

    def begin(self, execution: ExecutionStart) -> None:
        """Store an execution as running."""
        with self._lock:
            self._database.execute(
                "REPLACE INTO executions (id, request, notebook, path, cell, source, status,"
                " started, server, origin, kernel, process, message, snapshot, saves, deadline,"
                " environment) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                execution.id,
                execution.request,
                execution.notebook,
                execution.path,
                execution.cell,
                execution.source[:MAX_SOURCE_LENGTH],
                ExecutionStatus.RUNNING.value,
                time.time(),
                self._server,
                execution.origin.value,
                execution.kernel,
                execution.process,
                execution.message,
                execution.snapshot,
                execution.saves,
                execution.deadline,
                self._keep_environment(execution.program),
            )
            self._database.execute(
                "DELETE FROM executions WHERE seq <= (SELECT MAX(seq) FROM executions) - ?",
                MAX_EXECUTIONS,
            )

    def _keep_environment(self, program: Program | None) -> str | None:
        """Store the environment of a kernel, once; return its ID, None if it is unknown."""
        environment = program and self._inspector.environment(program, os.environ)
        if not environment:
            return None
        self._database.execute(
            "INSERT OR IGNORE INTO environments (id, record) VALUES (?, ?)",
            environment.id,
            environment.text,
        )
        self._inspector.save()
        return environment.id

    def environment(self, notebook: str, execution: str) -> Environment | None:
        """Return the environment that an execution ran in; None if it recorded none.

        Raises NotebookItemNotFoundError if there is no such execution.
        """
        identifier = self.one(notebook, execution).environment
        if identifier is None:
            return None
        with self._lock:
            return store.load(self._connection, [identifier]).get(identifier)

    def end(self, identifier: str, outcome: Outcome, *, outputs: bool = False) -> None:
        """Store how an execution ended; with ``outputs`` also its outputs, up to a size limit."""
        error = outcome.error
        facts = error.facts if error else {}
        record = json.dumps(error.record) if error else None
        outputs_json = json.dumps(outcome.outputs) if outputs else None
        if outputs_json is not None and len(outputs_json) > MAX_OUTPUTS_LENGTH:
            outputs_json = None
        with self._lock:
            self._database.execute(
                "UPDATE executions SET status = ?, duration = ?, count = ?, ename = ?, line = ?,"
                " error = ?, memory = ?, signature = ?, outputs = ? WHERE id = ?",
                outcome.status.value,
                outcome.duration,
                outcome.count,
                facts.get("ename"),
                facts.get("line"),
                record,
                outcome.memory,
                signature(facts) if facts.get("ename") else None,
                outputs_json,
                identifier,
            )
            if outputs_json is not None:
                self._database.execute(
                    "UPDATE executions SET outputs = NULL WHERE outputs IS NOT NULL AND seq <="
                    " (SELECT MAX(seq) FROM executions) - ?",
                    MAX_EXECUTIONS_WITH_OUTPUTS,
                )

    def unsaved(self, notebook: str, kernel: str) -> list[tuple[ExecutionStart, Outcome, float]]:
        """Return the last execution of each cell in a tab, if no saved file has its outputs.

        Each with its outcome, and the time of its end in seconds.
        """
        rows = self._rows(
            f"WHERE seq IN ({_NEWEST_SEQ_QUERY}) AND kernel = ? AND origin = ?"
            " AND outputs IS NOT NULL ORDER BY seq",
            (notebook, kernel, Origin.LAB.value),
        )
        return [
            (
                _execution_start(row),
                Outcome(
                    status=ExecutionStatus(row["status"]),
                    outputs=json.loads(row["outputs"]),
                    count=row["count"],
                    duration=row["duration"],
                ),
                row["started"] + (row["duration"] or 0),
            )
            for row in rows
        ]

    def drop_outputs(self, identifier: str) -> None:
        """Remove the stored outputs of an execution: a saved file has them."""
        with self._lock:
            self._database.execute("UPDATE executions SET outputs = NULL WHERE id = ?", identifier)

    def claim(self, kernel: str) -> list[OrphanedExecution]:
        """Take over what an earlier server left running on a kernel; return it, oldest first."""
        with self._lock:
            rows = self._database.execute(
                "SELECT * FROM executions WHERE kernel = ? AND status = ? ORDER BY seq",
                kernel,
                ExecutionStatus.RUNNING.value,
            )
            self._database.execute(
                "UPDATE executions SET server = ? WHERE kernel = ? AND status = ?",
                self._server,
                kernel,
                ExecutionStatus.RUNNING.value,
            )
        return [OrphanedExecution(_execution_start(row), row["started"]) for row in rows]

    def requests(self, kernel: str) -> set[str]:
        """Return the kernel's own request ids of all executions that it ran."""
        with self._lock:
            rows = self._database.execute("SELECT message FROM executions WHERE kernel = ?", kernel)
        return {row["message"] for row in rows}

    def page(
        self, notebook: str, query: ExecutionQuery | None = None
    ) -> tuple[list[Execution], str | None]:
        """Return executions of a notebook, newest first, and the cursor of the next page."""
        query = query or ExecutionQuery()
        if query.cursor is not None and not query.cursor.isdecimal():
            raise InvalidRequestError(faults=[Fault("cursor", INVALID_CURSOR)])
        before = min(int(query.cursor), _MAX_SEQ) if query.cursor else _MAX_SEQ
        conditions, values = _conditions(query)
        where = " AND ".join(["notebook = ?", "seq < ?", *conditions])
        rows = self._rows(
            f"WHERE {where} ORDER BY seq DESC LIMIT ?",
            (notebook, before, *values, query.limit + 1),
        )
        more = str(rows[query.limit - 1]["seq"]) if len(rows) > query.limit else None
        return [_execution(row) for row in rows[: query.limit]], more

    def of_request(
        self, notebook: str, identifier: str
    ) -> list[tuple[Execution, list[Any] | None]]:
        """Return the executions of one call (or the one with that id), in their order.

        Each comes with its outputs, or None if they are not stored.
        """
        rows = self._rows(
            "WHERE notebook = ? AND (request = ? OR id = ?) ORDER BY started = 0, seq",
            (notebook, identifier, identifier),
        )
        return [
            (_execution(row), json.loads(row["outputs"]) if row["outputs"] else None)
            for row in rows
        ]

    def failures(self, notebook: str) -> list[CellFailure]:
        """Return a failure for each cell whose last execution failed, in the order they ran."""
        rows = self._rows(
            f"WHERE seq IN ({_NEWEST_SEQ_QUERY}) AND status IN (?, ?) ORDER BY seq",
            (notebook, *_FAILURE_STATUSES),
        )
        return [
            CellFailure(
                execution=execution, similar=self.similar(execution, MAX_SIMILAR_FAILURES_OF_CELL)
            )
            for execution in map(_execution, rows)
        ]

    def newest(self, notebook: str) -> list[Execution]:
        """Return the newest execution of each cell."""
        rows = self._rows(
            f"WHERE seq IN ({_NEWEST_SEQ_QUERY}) ORDER BY seq",
            (notebook,),
        )
        return [_execution(row) for row in rows]

    def get_many(self, notebook: str, identifiers: Sequence[str]) -> list[Execution]:
        """Return the notebook's executions with these ids, in order."""
        rows = self._rows(
            "WHERE notebook = ? AND id IN (SELECT value FROM json_each(?)) ORDER BY seq",
            (notebook, json.dumps(list(identifiers))),
        )
        return [_execution(row) for row in rows]

    def one(self, notebook: str, identifier: str) -> Execution:
        """Return an execution; NotebookItemNotFoundError if it does not exist."""
        rows = self._rows("WHERE notebook = ? AND id = ?", (notebook, identifier))
        if not rows:
            raise NotebookItemNotFoundError(kind="execution", name=identifier)
        return _execution(rows[0])

    def similar(self, failure: Execution, limit: int = MAX_SIMILAR_FAILURES) -> list[Similar]:
        """Return earlier failures of the same kind: those with a fix first, then the most similar.

        The fix is the difference in source to the next success of the same cell.
        """
        if failure.error is None or not failure.error.ename:
            return []
        facts = {"ename": failure.error.ename, "evalue": failure.error.evalue}
        rows = self._rows(
            "WHERE ename = ? AND id != ? AND seq < (SELECT seq FROM executions WHERE id = ?)"
            " ORDER BY signature = ? DESC, seq DESC LIMIT ?",
            (failure.error.ename, failure.id, failure.id, signature(facts), limit),
        )
        matches = []
        for row in rows:
            after = self._rows(
                "WHERE notebook = ? AND cell IS ? AND cell IS NOT NULL AND seq > ? AND status = ?"
                " ORDER BY seq LIMIT 1",
                (row["notebook"], row["cell"], row["seq"], ExecutionStatus.SUCCESS.value),
            )
            fix = None
            if after and after[0]["source"] != row["source"]:
                lines = difflib.unified_diff(
                    row["source"].splitlines(),
                    after[0]["source"].splitlines(),
                    lineterm="",
                    n=FIX_CONTEXT_LINES,
                )
                success = _execution(after[0])
                fix = Fix(execution=success.id, started=success.started, diff=list(lines)[2:])
            matches.append(Similar(execution=_execution(row), fix=fix))
        return sorted(matches, key=lambda match: match.fix is None)

    def successes(self, process: str) -> list[Execution]:
        """Return the successful executions of a kernel's process, in order.

        Their effects are in the memory of that process.
        """
        rows = self._rows(
            "WHERE process = ? AND status = ? ORDER BY seq",
            (process, ExecutionStatus.SUCCESS.value),
        )
        return [_execution(row) for row in rows]

    def processes(self, notebook: str) -> list[str]:
        """Return the kernel processes that ran cells of a notebook successfully, newest first."""
        with self._lock:
            rows = self._database.execute(
                "SELECT process, MAX(seq) AS last FROM executions WHERE notebook = ? AND status = ?"
                " AND cell IS NOT NULL AND process IS NOT NULL GROUP BY process"
                " ORDER BY last DESC LIMIT 20",
                notebook,
                ExecutionStatus.SUCCESS.value,
            )
        return [row["process"] for row in rows]

    def _rows(self, rest: str, values: Iterable[Any]) -> list[sqlite3.Row]:
        with self._lock:
            sql = "SELECT * FROM executions " + rest  # noqa: S608  only of this file's own texts
            return self._database.execute(sql, *values)

    def _mark_lost(self, server: str, lasting: Collection[str] = ()) -> None:
        self._database.execute(
            "UPDATE executions SET status = ? WHERE server = ? AND status = ?"
            " AND (kernel IS NULL OR kernel NOT IN (SELECT value FROM json_each(?)))",
            ExecutionStatus.LOST.value,
            server,
            ExecutionStatus.RUNNING.value,
            json.dumps(list(lasting)),
        )
        self._database.execute(
            "UPDATE executions SET status = ?, error = ? WHERE server = ? AND status = 'QUEUED'",
            ExecutionStatus.CANCELLED.value,
            json.dumps(ExecutionLostError().record),
            server,
        )


class Histories:
    """Histories of all projects, each opened at its first use. Thread-safe."""

    def __init__(
        self, root: Path, data: Path, lasting: Callable[[], Collection[str]] = tuple
    ) -> None:
        self._root = root
        self._data = data
        self._find_running_kernels = lasting
        self._lock = threading.Lock()
        self._open: dict[Path, History] = {}

    def of(self, path: str) -> History:
        """Return the history of a notebook; ``path`` is below the server's root."""
        try:
            project: Project | None = Project.open(self._root / path)
        except MLWSError:
            project = None
        with self._lock:
            key = project.root if project else self._data
            if key not in self._open:
                folder = project.state if project else own_folder(self._data)
                database = (
                    project.history()
                    if project
                    else Database(folder / "mlws.sqlite", project_schema.connect)
                )
                self._open[key] = History(database, folder, self._find_running_kernels)
            return self._open[key]

    def close(self) -> None:
        """Close all histories."""
        with self._lock:
            for history in self._open.values():
                history.close()
            self._open.clear()


def signature(facts: dict[str, Any]) -> str:
    """Return the common part of errors of one kind: the text without names and numbers."""
    text = _VARIABLE_TEXT_PATTERN.sub("…", str(facts.get("evalue") or ""))
    return f"{facts.get('ename')}: {text[:300]}"


def to_execution_error(error: MLWSError | None) -> ExecutionError | None:
    """Return an error as the API represents it for an execution."""
    if error is None:
        return None
    return ExecutionError(
        code=error.code,
        message=error.message,
        solution=error.solution,
        details={name: fact for name, fact in error.facts.items() if name not in _ERROR_FIELDS},
        **{name: error.facts[name] for name in _ERROR_FIELDS if name in error.facts},
    )


def to_datetime(seconds: float | None) -> datetime | None:
    """Return seconds since the epoch as a UTC datetime."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _execution_start(row: sqlite3.Row) -> ExecutionStart:
    names = ["id", "request", "notebook", "path", "cell", "source", "kernel", "process"]
    names += ["message", "snapshot", "saves", "deadline"]
    return ExecutionStart(origin=Origin(row["origin"]), **{name: row[name] for name in names})


def _execution(row: sqlite3.Row) -> Execution:
    record: dict[str, Any] | None = json.loads(row["error"]) if row["error"] else None
    error = MLWSError.restore(record["code"], record["facts"]) if record else None
    return Execution.from_object(
        dict(row),
        notebook_id=row["notebook"],
        started=to_datetime(row["started"] or None),
        execution_count=row["count"],
        error=to_execution_error(error),
    )


def _conditions(query: ExecutionQuery) -> tuple[list[str], list[Any]]:
    """Return the SQL conditions of the filters, and their values."""
    conditions: list[str] = []
    values: list[Any] = []
    for column in ("cell", "origin"):
        criterion = getattr(query, column)
        if criterion is not None:
            conditions.append(f"{column} = ?")
            values.append(criterion.value if isinstance(criterion, Origin) else criterion)
    if query.status:
        marks = ", ".join("?" for _ in query.status)
        conditions.append(f"status IN ({marks})")
        values.extend(status.value for status in query.status)
    if query.q:
        pattern = re.sub(r"([%_\\])", r"\\\1", query.q)
        columns = ("source", "path", "error")
        likes = " OR ".join(f"{column} LIKE ? ESCAPE '\\'" for column in columns)
        conditions.append(f"({likes})")
        values.extend(f"%{pattern}%" for _ in columns)
    if query.since is not None:
        conditions.append("started >= ?")
        values.append(query.since.timestamp())
    if query.until is not None:
        conditions.append("started < ?")
        values.append(query.until.timestamp())
    return conditions, values
