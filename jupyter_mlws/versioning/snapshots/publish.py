"""Completes a published snapshot, or discards one that was not published."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from jupyter_mlws.core.errors import MLWSError
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.core.project import Project
from jupyter_mlws.git.adapter import Git
from jupyter_mlws.git.commits import run_hook
from jupyter_mlws.git.index import reset_index, staged_entries
from jupyter_mlws.git.refs import delete_ref
from jupyter_mlws.mlflow.client import TrackingClient
from jupyter_mlws.versioning.data.data_index import DataIndex
from jupyter_mlws.versioning.snapshots.journal import SnapshotJournal
from jupyter_mlws.versioning.snapshots.outbox import Outbox

TAG_SNAPSHOT = "mlws.snapshot"
"""The tag of an MLflow run: the commit that names it, or ``pending`` while that is made."""
REFRESH_TRIES = 20
"""Tries to refresh the index while another git program holds it, 50 ms apart."""
RUNS_LEFT_OUT = Message(
    "Runs were not recorded because MLflow did not respond. The next snapshot will "
    "record them. {reason}"
)
INDEX_LATER = Message(
    "The index is in use by another git process and will be refreshed by the next operation."
)

log = logging.getLogger(__name__)

StepCallback = Callable[[str], None]
"""Hears the name of each step when it begins."""


def finish(
    project: Project, pending: SnapshotJournal, tracking: TrackingClient, on_step: StepCallback
) -> list[Message]:
    """Complete a published snapshot and return warnings about steps to repeat later.

    ``on_step`` receives the name of each step. All steps can be repeated.
    """
    git = Git(project.root)
    assert pending.sha is not None
    on_step("index")
    if not _refresh_index(git, pending.index):
        return [INDEX_LATER]
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
    try:
        run_hook(git, "post-commit")
    except MLWSError as error:
        # As with `git commit`: the commit stands, whatever this hook says.
        log.warning("%s", error)
    on_step("done")
    return []


def _refresh_index(git: Git, before: dict[str, str | None]) -> bool:
    """Update the committed paths in the user's index to HEAD.

    Paths whose entries differ from ``before`` are left alone. False if another program holds
    the index.
    """
    for _ in range(REFRESH_TRIES):
        now = staged_entries(git, before)
        try:
            reset_index(git, [path for path, row in before.items() if now.get(path) == row])
        except MLWSError:
            if not (git.root / git.path("index.lock")).exists():
                raise
            time.sleep(0.05)
        else:
            return True
    return False


def discard(project: Project, pending: SnapshotJournal) -> None:
    """Discard a snapshot that was not published."""
    git = Git(project.root)
    if pending.sha is not None:
        Outbox(git, DataIndex(git)).drop([pending.sha])
    delete_ref(git, pending.held)
    pending.drop(project.state)
