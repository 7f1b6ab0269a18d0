"""The journal of a snapshot that is being made: what recovery needs after a crash."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

PREFIX = "snapshot-"
REF = "refs/mlws/pending/"


@dataclass
class Pending:
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
        write_whole(folder / f"{PREFIX}{self.id}.json", json.dumps(asdict(self)))

    def drop(self, folder: Path) -> None:
        """Forget the journal and the private index."""
        (folder / f"{PREFIX}{self.id}.json").unlink(missing_ok=True)
        for path in folder.glob(f"{self.id}.index*"):
            path.unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> None:
    """Write a file so that after a crash, of the machine too, it is there whole or not at all."""
    beside = path.with_suffix(".tmp")
    with beside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def left_behind(folder: Path) -> Iterator[Pending]:
    """The journals in ``folder``, oldest first; halves that were never finished are removed."""
    for half in folder.glob(f"{PREFIX}*.tmp"):
        half.unlink(missing_ok=True)
    found = []
    for path in folder.glob(f"{PREFIX}*.json"):
        try:
            found.append(Pending(**json.loads(path.read_text(encoding="utf-8"))))
        except (ValueError, TypeError):
            # Damaged by something else than us: nothing was published that it could finish.
            path.rename(path.with_suffix(".damaged"))
    yield from sorted(found, key=lambda pending: pending.started)
