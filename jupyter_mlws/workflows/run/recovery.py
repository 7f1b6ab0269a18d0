"""Recovers results that an interrupted run could not write to `dvc.lock`.

They are in the journal, and the next run of the file writes them if the lock file is still the one
that the run had: a checkout or another tool may have replaced it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from jupyter_mlws.workflows.journal.store import SUCCESS_STATES, Journal
from mlws.dvc.native.pipeline import LockBase, NativeBackend
from mlws.dvc.stages import DvcBackend

MAX_EARLIER_RUNS = 20
"""Runs before this one that may have ended before they could write."""


@contextmanager
def track_lock_file(
    journal: Journal, run: str, backend: NativeBackend | DvcBackend
) -> Iterator[None]:
    """Note the lock file that a run starts from, and afterwards that its results are written."""
    if not isinstance(backend, NativeBackend):
        yield
        return

    def note(base: LockBase) -> None:
        journal.note(run, lock_from=base)

    note(backend.base)
    backend.on_fold = note
    yield
    journal.note(run, lock_from=None, lock_left=backend.base)


def adopt(journal: Journal, path: str, backend: NativeBackend, resumes: str | None = None) -> None:
    """Adopt the results of earlier runs of the file that they could not write, the newest last.

    Entries of the resumed run get the place that they would have without the interruption.
    """
    if resumes is not None and journal.record(resumes).get("lock_left"):
        backend.adopt(LockBase(*journal.record(resumes)["lock_left"]), {})
    for row in reversed(journal.runs(path, MAX_EARLIER_RUNS)):
        if not row.get("lock_from"):
            continue
        nodes = journal.node_records(row["id"])
        lock_entries = {
            node: record["lock"]
            for node, record in nodes.items()
            if record["status"] in SUCCESS_STATES and record.get("lock")
        }
        backend.adopt(LockBase(*row["lock_from"]), lock_entries)


def has_unwritten_results(journal: Journal, path: str) -> bool:
    """Return whether an earlier run of the file has results that it could not write."""
    return any(row.get("lock_from") for row in journal.runs(path, MAX_EARLIER_RUNS))


def mark_results_written(journal: Journal, path: str, run: str) -> None:
    """Mark the results of earlier runs as written: ``run`` has written them."""
    for row in journal.runs(path, MAX_EARLIER_RUNS):
        if row.get("lock_from") and row["id"] != run:
            journal.note(row["id"], lock_from=None)
