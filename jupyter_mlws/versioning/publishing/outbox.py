"""Outbox: snapshots whose data is not on the remote yet, each as a ref that keeps its data.

``refs/mlws/outbox/<id>`` exists from before the branch moves until every object of the snapshot is
on the remote.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from jupyter_mlws.git.adapter import Git
from jupyter_mlws.git.refs import delete_ref, list_refs
from jupyter_mlws.versioning.data_index import DataIndex
from mlws.core.errors import DataDamagedError, DataMissingError, MLWSError
from mlws.core.progress import ProgressCallback, no_progress
from mlws.dvc.data import open_data
from mlws.dvc.pointers import DataPointer

REFS = "refs/mlws/outbox/"

log = logging.getLogger(__name__)


class Outbox:
    """Snapshots of one project whose data waits for the remote.

    Thread-safe. Needs no lock, because delivery is idempotent.
    """

    def __init__(self, git: Git, content: DataIndex) -> None:
        self._git = git
        self._content = content

    def waiting(self) -> list[str]:
        """Return the snapshots whose data has not been delivered yet."""
        return sorted(set(list_refs(self._git, REFS).values()))

    def put(self, sha: str) -> None:
        """Add a snapshot; no error if it waits already."""
        self._git.run("update-ref", f"{REFS}{sha}", sha)

    def drop(self, shas: Iterable[str]) -> None:
        """Remove snapshots whose data was delivered or that were never published."""
        for sha in shas:
            delete_ref(self._git, f"{REFS}{sha}")

    def deliver(self, progress: ProgressCallback = no_progress) -> list[str]:
        """Upload the data of all waiting snapshots; return the delivered ones.

        Raises RemoteUnreachableError if the remote still cannot be reached. A snapshot whose data
        is lost or damaged in the cache keeps waiting; verification reports it.
        """
        waiting = self.waiting()
        delivered_shas = []
        if waiting:
            with open_data(self._git.root) as data:
                if data.remote.name is None:
                    return []
                for sha in waiting:
                    try:
                        data.remote.push(sent_of(self._content.data_at(sha)), progress)
                    except MLWSError as error:
                        if not isinstance(error, (DataDamagedError, DataMissingError)):
                            raise
                        log.warning("Could not send the data of %s: %s", sha, error)
                        continue
                    self.drop([sha])
                    delivered_shas.append(sha)
        return delivered_shas

    def try_deliver(self, progress: ProgressCallback = no_progress) -> list[str]:
        """Call :meth:`deliver`, but log an error instead of raising it.

        Delivery is tried again later.
        """
        try:
            return self.deliver(progress)
        except MLWSError as error:
            log.info("Could not send the outbox yet: %s", error)
            return []


def sent_of(items: Iterable[DataPointer]) -> list[DataPointer]:
    """Return the items that belong on the remote."""
    return [item for item in items if item.md5 and item.pushed]
