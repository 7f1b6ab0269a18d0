"""The server's own log, on its way into the store. Imported at its start, so it imports little."""

from __future__ import annotations

import logging
from typing import Any

from jupyter_mlws.logs.entries import LEVELS, Entry, Source
from jupyter_mlws.logs.store import LogStore


class ServerLog(logging.Handler):
    """What the server itself logs."""

    def __init__(self, store: LogStore) -> None:
        super().__init__(logging.INFO)
        self._store = store

    def emit(self, record: logging.LogRecord) -> None:
        """Have the line written."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            # Arguments that do not fit its text: whoever logged so is told by the other handlers.
            message = str(record.msg)
        facts: dict[str, Any] = {
            "log.logger": record.name,
            "log.origin": {"file": {"name": record.filename, "line": record.lineno}},
            "process.pid": record.process,
        }
        if record.exc_info and record.exc_info[0] is not None:
            facts["error.type"] = record.exc_info[0].__name__
            facts["error.message"] = str(record.exc_info[1])
        level = next(
            (name for name, number in reversed(LEVELS.items()) if record.levelno >= number), "debug"
        )
        self._store.add(Entry(Source.SERVER, level, message, facts=facts, time=record.created))
