"""The log of the container that this server runs in, as the Hub's service tells it.

It is asked for with the person's own rights. What the server itself logged is in the store
already and is left out; the rest is what other programs wrote, and what was said before the
server's own log began.
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
"""Lines that are asked for at once."""
_OF_SERVER = re.compile(r"\[[DIWEC] \d{4}-\d\d-\d\d [\d:.]+ [^\]]+\] ")


class ContainerLog:
    """Copies the log of the container ``identifier`` into the store. Thread-safe.

    ``began`` is when the server's own log began, in seconds since the epoch.
    """

    def __init__(
        self, store: LogStore, containers: ContainerManager, identifier: str, began: float
    ) -> None:
        self.identifier = identifier
        self._store = store
        self._containers = containers
        self._began = began
        self._place = f"container {identifier}"
        self._lock = threading.Lock()

    def collect(self) -> int:
        """Fetch new lines, blocking; return the number of the newest one.

        Errors of the service are raised with their code; 50102 if it does not respond.
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
                if not (line.time.timestamp() >= self._began and _OF_SERVER.match(line.text)):
                    self._store.add(self._entry(line))
            if new:
                self._store.set_read(self._place, _microseconds(new[-1].time))

    def _entry(self, line: LogLine) -> Entry:
        facts = {"container.id": self.identifier, "log.iostream": line.stream}
        level = level_of(line.text)
        when = line.time.timestamp()
        return Entry(Source.CONTAINER, level, line.text, self.identifier, facts, when)


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1e6)
