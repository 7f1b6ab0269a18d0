"""What a run has done is never lost: results that its end kept out of `dvc.lock` are in the
journal, and the next run of the file writes them.

They are taken over only where the lock file is still the one that the run had: a checkout or
another tool may have put another in its place since.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from jupyter_mlws.versioning.dvc.fast.pipeline import FastPipeline
from jupyter_mlws.versioning.dvc.stages import Pipeline
from jupyter_mlws.workflows.journal import DONE, Journal

LOOKED_AT = 20
"""Runs before this one that may have ended before they could write."""


@contextmanager
def recorded(journal: Journal, run: str, lane: FastPipeline | Pipeline) -> Iterator[None]:
    """Note the lock file that a run starts from, and that it wrote all it did."""
    if not isinstance(lane, FastPipeline):
        yield
        return
    journal.note(run, lock_from=lane.lock_digest)
    lane.on_fold = lambda digest: journal.note(run, lock_from=digest)
    yield
    journal.note(run, lock_from=None)


def adopt(journal: Journal, path: str, lane: FastPipeline, order: Sequence[str]) -> None:
    """Write what earlier runs of the file did and could not write."""
    for row in journal.runs(path, LOOKED_AT):
        base = row.get("lock_from")
        if base is None:
            continue
        if base == lane.lock_digest:
            nodes = journal.node_records(row["id"])
            lane.adopt(
                {
                    node: record["lock"]
                    for node, record in nodes.items()
                    if record["status"] in DONE and record.get("lock")
                }
            )
            lane.fold(order)
        journal.note(row["id"], lock_from=None)
