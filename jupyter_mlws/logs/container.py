"""The log of the container that this server runs in, from the Hub's service.

Lines that the server itself logged are in the store already and are skipped. The others are of
other programs, or older than the server's own log.
"""

from __future__ import annotations

import re
import threading
from datetime import datetime

from jupyter_mlws.containers.manager import ContainerManager
from jupyter_mlws.containers.models import LogLine
from jupyter_mlws.logs.entries import Entry, Source, level_of
from jupyter_mlws.logs.store import LogStore

TAIL = 5000
"""Lines of one request."""
_OF_SERVER = re.compile(r"\[[DIWEC] \d{4}-\d\d-\d\d [\d:.]+ [^\]]+\] ")


class ContainerLog:
    """Copies the log of the container ``identifier`` into the store. Thread-safe.

    ``log_started_at`` is when the server's own log started, in seconds since the epoch.
    """

    def __init__(
        self, store: LogStore, containers: ContainerManager, identifier: str, log_started_at: float
    ) -> None:
        self.identifier = identifier
        self._store = store
        self._containers = containers
        self._log_started_at = log_started_at
        self._place = f"container {identifier}"
        self._lock = threading.Lock()

    def collect(self) -> int:
        """Fetch new lines, blocking; return the number of the newest one.

        Errors of the service are raised with their code; RequestFailedError if it does not respond.
        """
        lines = self._containers.logs(self.identifier, TAIL).lines
        self.take(lines)
        self._store.flush()
        return lines[-1].seq if lines else 0

    def take(self, lines: list[LogLine]) -> None:
        """Add those of the lines, which are in order, that are not in the store yet."""
        with self._lock:
            last_timestamp = self._store.read_until(self._place) or 0
            new = [line for line in lines if _microseconds(line.time) > last_timestamp]
            for line in new:
                when = line.time.timestamp()
                if when >= self._log_started_at and _OF_SERVER.match(line.text):
                    continue
                facts = {"container.id": self.identifier, "log.iostream": line.stream}
                self._store.add(
                    Entry(
                        Source.CONTAINER,
                        level_of(line.text),
                        line.text,
                        self.identifier,
                        facts,
                        when,
                    )
                )
            if new:
                self._store.set_read(self._place, _microseconds(new[-1].time))


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1e6)
