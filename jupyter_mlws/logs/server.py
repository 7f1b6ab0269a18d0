"""The server's own log, on its way into the store. Imported at its start, so it imports little."""

from __future__ import annotations

import logging

from jupyter_mlws.logs.formatting import read
from jupyter_mlws.logs.store import LogStore


class ServerLog(logging.Handler):
    """Logging handler that adds the server's own log to the store."""

    def __init__(self, store: LogStore) -> None:
        super().__init__(logging.INFO)
        self._store = store

    def emit(self, record: logging.LogRecord) -> None:
        """Add the record to the store."""
        self._store.add(read(record))
