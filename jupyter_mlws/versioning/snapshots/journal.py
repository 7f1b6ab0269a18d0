"""The journal of a snapshot that is being made: what recovery needs after a crash."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from jupyter_mlws.core.atomic import atomic_write

JOURNAL_PREFIX = "snapshot-"
PENDING_REF_PREFIX = "refs/mlws/pending/"


@dataclass
class SnapshotJournal:
    """Journal of a snapshot in progress.

    ``ref`` is the ref to move from ``base`` to ``sha`` (None until the commit object exists).
    ``index`` holds the entries of the committed paths in the user's index.
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
        """Hidden ref that keeps the commit object from git's garbage collection."""
        return PENDING_REF_PREFIX + self.id

    def write(self, folder: Path) -> None:
        """Write the journal atomically and durably, so that it survives a crash."""
        # Names that are no UTF-8 stay escaped surrogates here.
        atomic_write(
            folder / f"{JOURNAL_PREFIX}{self.id}.json", json.dumps(asdict(self)), durable=True
        )

    def drop(self, folder: Path) -> None:
        """Delete the journal and the private index."""
        (folder / f"{JOURNAL_PREFIX}{self.id}.json").unlink(missing_ok=True)
        for path in folder.glob(f"{self.id}.index*"):
            path.unlink(missing_ok=True)


def read_journals(folder: Path) -> Iterator[SnapshotJournal]:
    """Yield the journals in ``folder``, oldest first, and delete half-written ones."""
    for half in folder.glob(f"{JOURNAL_PREFIX}*.tmp"):
        half.unlink(missing_ok=True)
    journals = []
    for path in folder.glob(f"{JOURNAL_PREFIX}*.json"):
        try:
            journals.append(SnapshotJournal(**json.loads(path.read_text(encoding="utf-8"))))
        except (ValueError, TypeError):
            # Damaged by something else than us: nothing was published that it could finish.
            path.rename(path.with_suffix(".damaged"))
    yield from sorted(journals, key=lambda pending: pending.started)
