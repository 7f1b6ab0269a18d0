"""What was executed: when, how long, with which outcome, and the source as it was then.

Kept in the database of the project that a notebook lies in, or in one of the same form in the
server's data folder where it lies in none.
"""

from __future__ import annotations

import fcntl
import json
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from jupyter_mlws import schema
from jupyter_mlws.errors import ENGLISH, Fault, MLWSError, Words
from jupyter_mlws.notebooks.execution import Outcome
from jupyter_mlws.notebooks.models import Execution, ExecutionError, ExecutionStatus
from jupyter_mlws.project import Project

KEPT = 20_000
"""Executions that a database keeps; older ones are forgotten."""
SOURCE_LIMIT = 100_000
"""Characters of a source that are kept."""
NO_CURSOR = Words("is no cursor of this list", "不是此列表的游标")
_MOST = 2**63 - 1
_OWN_FIELDS = ("ename", "evalue", "cell", "line", "traceback")


@dataclass(frozen=True)
class Begun:
    """What is known of an execution when it begins."""

    id: str
    request: str
    notebook: str
    path: str
    cell: str | None
    source: str


class History:
    """The executions in one database. Thread-safe; several servers may share the database.

    A server holds a lock file while it lives. Whose lock can be taken is gone, and what it
    left running becomes LOST.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection], folder: Path) -> None:
        self._lock = threading.Lock()
        self._server = uuid.uuid4().hex
        self._folder = folder / "servers"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._mark = (self._folder / self._server).open("w")
        fcntl.flock(self._mark, fcntl.LOCK_EX)
        self._connection = connect()
        self._lose_abandoned()

    def close(self) -> None:
        """Close the database; what still runs is lost."""
        with self._lock:
            self._lose(self._server)
            self._connection.close()
            (self._folder / self._server).unlink(missing_ok=True)
            self._mark.close()

    def begin(self, begun: Begun) -> None:
        """Enter an execution as running."""
        with self._lock:
            self._connection.execute(
                "INSERT INTO executions (id, request, notebook, path, cell, source, status,"
                " started, server) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    begun.id,
                    begun.request,
                    begun.notebook,
                    begun.path,
                    begun.cell,
                    begun.source[:SOURCE_LIMIT],
                    ExecutionStatus.RUNNING.value,
                    time.time(),
                    self._server,
                ),
            )
            self._connection.execute(
                "DELETE FROM executions WHERE seq <= (SELECT MAX(seq) FROM executions) - ?",
                (KEPT,),
            )

    def end(self, identifier: str, outcome: Outcome) -> None:
        """Enter how it ended."""
        error = outcome.error
        facts = error.facts if error else {}
        record = json.dumps({"code": error.code, "facts": facts}) if error else None
        with self._lock:
            self._connection.execute(
                "UPDATE executions SET status = ?, duration = ?, count = ?, ename = ?, line = ?,"
                " error = ? WHERE id = ?",
                (
                    outcome.status.value,
                    outcome.duration,
                    outcome.count,
                    facts.get("ename"),
                    facts.get("line"),
                    record,
                    identifier,
                ),
            )

    def page(
        self, notebook: str, limit: int, cursor: str | None, language: str = ENGLISH
    ) -> tuple[list[Execution], str | None]:
        """Executions of a notebook, newest first, and the cursor of what follows."""
        if cursor is not None and not cursor.isdecimal():
            raise MLWSError("50201", Fault("cursor", NO_CURSOR))
        before = min(int(cursor), _MOST) if cursor else _MOST
        with self._lock:
            rows = self._connection.execute(
                "SELECT * FROM executions WHERE notebook = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
                (notebook, before, limit + 1),
            ).fetchall()
        more = str(rows[limit - 1]["seq"]) if len(rows) > limit else None
        return [_execution(row, language) for row in rows[:limit]], more

    def of_request(
        self, notebook: str, identifier: str, language: str = ENGLISH
    ) -> list[Execution]:
        """The executions of one call (or the one with that id), in their order."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT * FROM executions WHERE notebook = ? AND (request = ? OR id = ?)"
                " ORDER BY seq",
                (notebook, identifier, identifier),
            ).fetchall()
        return [_execution(row, language) for row in rows]

    def _lose_abandoned(self) -> None:
        rows = self._connection.execute(
            "SELECT DISTINCT server FROM executions WHERE status = ?",
            (ExecutionStatus.RUNNING.value,),
        ).fetchall()
        for row in rows:
            if row["server"] != self._server and self._is_gone(row["server"]):
                self._lose(row["server"])

    def _is_gone(self, server: str) -> bool:
        mark = self._folder / server
        try:
            with mark.open() as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                mark.unlink(missing_ok=True)
        except FileNotFoundError:
            return True
        except BlockingIOError:
            return False
        return True

    def _lose(self, server: str) -> None:
        self._connection.execute(
            "UPDATE executions SET status = ? WHERE server = ? AND status = ?",
            (ExecutionStatus.LOST.value, server, ExecutionStatus.RUNNING.value),
        )


class Histories:
    """The history of each project, opened when it is first asked for. Thread-safe."""

    def __init__(self, root: Path, data: Path) -> None:
        self._root = root
        self._data = data
        self._lock = threading.Lock()
        self._open: dict[Path, History] = {}

    def of(self, path: str) -> History:
        """The history that a notebook (path below the server's root) belongs to."""
        try:
            project: Project | None = Project.open(self._root / path)
        except MLWSError:
            project = None
        with self._lock:
            key = project.root if project else self._data
            if key not in self._open:
                self._open[key] = self._opened(project)
            return self._open[key]

    def close(self) -> None:
        """Close all."""
        with self._lock:
            for history in self._open.values():
                history.close()
            self._open.clear()

    def _opened(self, project: Project | None) -> History:
        if project is not None:
            return History(project.database, project.state)
        folder = self._data / "mlws"
        folder.mkdir(parents=True, exist_ok=True)
        return History(lambda: schema.connect(folder / "mlws.sqlite"), folder)


def said(error: MLWSError | None, language: str) -> ExecutionError | None:
    """An error as the API tells it of an execution."""
    if error is None:
        return None
    body = error.as_dict(language)
    return ExecutionError(
        code=error.code,
        message=body["message"],
        solution=body["solution"],
        details={name: fact for name, fact in error.facts.items() if name not in _OWN_FIELDS},
        **{name: error.facts[name] for name in _OWN_FIELDS if name in error.facts},
    )


def moment(seconds: float | None) -> datetime | None:
    """Seconds since the epoch as the API writes them."""
    return None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc)


def _execution(row: sqlite3.Row, language: str) -> Execution:
    record: dict[str, Any] | None = json.loads(row["error"]) if row["error"] else None
    error = MLWSError(record["code"], **record["facts"]) if record else None
    return Execution(
        id=row["id"],
        request=row["request"],
        notebook_id=row["notebook"],
        path=row["path"],
        cell=row["cell"],
        source=row["source"],
        status=ExecutionStatus(row["status"]),
        started=moment(row["started"]),
        duration=row["duration"],
        execution_count=row["count"],
        error=said(error, language),
    )
