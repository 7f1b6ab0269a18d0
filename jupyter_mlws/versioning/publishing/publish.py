"""Journal of a snapshot in progress; completion after its publication, or its disposal."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from jupyter_mlws.git.adapter import Git
from jupyter_mlws.git.commits import run_late_hook
from jupyter_mlws.git.refs import delete_ref
from jupyter_mlws.mlflow.client import TrackingClient
from jupyter_mlws.versioning.data_index import DataIndex
from jupyter_mlws.versioning.publishing.outbox import Outbox
from mlws.core.atomic import atomic_write
from mlws.core.errors import MLWSError
from mlws.core.i18n import Message
from mlws.core.project import Project

JOURNAL_PREFIX = "snapshot-"
TRAILER_RUN = "Mlws-Run"
TAG_SNAPSHOT = "mlws.snapshot"
"""Tag of an MLflow run: the commit that names it, or ``pending`` before it is published."""
RUNS_LEFT_OUT = Message(
    "Runs were not recorded because MLflow did not respond. The next snapshot will "
    "record them. {reason}"
)

log = logging.getLogger(__name__)

StepCallback = Callable[[str], None]
"""Receives the name of each step when it starts."""


@dataclass
class SnapshotJournal:
    """Journal of a snapshot in progress.

    ``ref`` is the ref to move from ``base`` to ``sha`` (None until the commit object exists).
    ``index`` holds the entries of the committed paths in the user's index; ``environments`` are the
    files of environments that the commit adds.
    """

    id: str
    ref: str
    base: str | None
    started: float
    runs: list[str] = field(default_factory=list)
    sha: str | None = None
    index: dict[str, str | None] = field(default_factory=dict)
    environments: list[str] = field(default_factory=list)

    @property
    def held(self) -> str:
        """Hidden ref that keeps the commit object from git's garbage collection."""
        return f"refs/mlws/pending/{self.id}"

    def write(self, folder: Path) -> None:
        """Write the journal atomically and durably, so that it survives a crash."""
        # Names that are not UTF-8 are escaped surrogates here.
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
            # Not damaged by a crash of ours: nothing was published that it could finish.
            path.rename(path.with_suffix(".damaged"))
    yield from sorted(journals, key=lambda pending: pending.started)


def finish(
    project: Project, pending: SnapshotJournal, tracking: TrackingClient, on_step: StepCallback
) -> list[Message]:
    """Complete a published snapshot and return warnings about steps to repeat later.

    All steps can be repeated.
    """
    git = Git(project.root)
    assert pending.sha is not None
    on_step("environments")
    for path in pending.environments:
        if not (project.root / path).exists():
            (project.root / path).parent.mkdir(parents=True, exist_ok=True)
            atomic_write(project.root / path, git.blob(pending.sha, path) or b"")
    on_step("tag")
    if pending.runs:
        try:
            tracking.tag_runs(pending.runs, {TAG_SNAPSHOT: pending.sha})
        except MLWSError as error:
            log.warning("Could not tag the runs of %s yet: %s", pending.sha, error)
            return [RUNS_LEFT_OUT.fill(reason=error.message)]
    on_step("tidy")
    delete_ref(git, pending.held)
    pending.drop(project.state)
    run_late_hook(git, "post-commit")
    on_step("done")
    return []


def discard(project: Project, pending: SnapshotJournal) -> None:
    """Discard a snapshot that was not published."""
    git = Git(project.root)
    if pending.sha is not None:
        Outbox(git, DataIndex(git)).drop([pending.sha])
    delete_ref(git, pending.held)
    pending.drop(project.state)
