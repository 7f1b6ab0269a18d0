"""The journal of a snapshot that is being made: what recovery needs after a crash."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from jupyter_mlws.core.atomic import atomic_write

PREFIX = "snapshot-"
REF = "refs/mlws/pending/"


@dataclass
class SnapshotJournal:
    """A snapshot on its way.

    ``ref`` is the ref to be moved from ``base`` to ``sha`` (None until the commit object is
    made). ``index`` is what the person's index held of the committed paths.
    """

    id: str
    ref: str
    base: str | None
    started: float
    runs: list[str] = field(default_factory=list)
    sha: str | None = None
    index: dict[str, str | None] = field(default_factory=dict)

    @property
    def held(self) -> str:
        """The hidden ref that keeps the commit object from git's garbage collection."""
        return REF + self.id

    def write(self, folder: Path) -> None:
        """Store the journal so that it is there, whole, after a crash."""
        # Names that are no UTF-8 stay escaped surrogates here.
        atomic_write(folder / f"{PREFIX}{self.id}.json", json.dumps(asdict(self)), durable=True)

    def drop(self, folder: Path) -> None:
        """Forget the journal and the private index."""
        (folder / f"{PREFIX}{self.id}.json").unlink(missing_ok=True)
        for path in folder.glob(f"{self.id}.index*"):
            path.unlink(missing_ok=True)


def left_behind(folder: Path) -> Iterator[SnapshotJournal]:
    """The journals in ``folder``, oldest first; halves that were never finished are removed."""
    for half in folder.glob(f"{PREFIX}*.tmp"):
        half.unlink(missing_ok=True)
    found = []
    for path in folder.glob(f"{PREFIX}*.json"):
        try:
            found.append(SnapshotJournal(**json.loads(path.read_text(encoding="utf-8"))))
        except (ValueError, TypeError):
            # Damaged by something else than us: nothing was published that it could finish.
            path.rename(path.with_suffix(".damaged"))
    yield from sorted(found, key=lambda pending: pending.started)
