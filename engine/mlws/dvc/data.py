"""The data of one DVC repository: its cache, its remote storage and its paths in the working tree.

DVC's index of the repository is never built: it fails as a whole when any ``dvc.yaml`` is
invalid. The caller names the data, as read from ``*.dvc`` and ``dvc.lock``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlws.core.errors import MLWSError
from mlws.core.progress import ProgressCallback, no_progress
from mlws.dvc.cache import DataCache
from mlws.dvc.pointers import DataPointer
from mlws.dvc.repo import open_repo
from mlws.dvc.tracking import DataTracker
from mlws.dvc.worktree import DataWorktree


class DataStore:
    """The parts of one DVC repository that store data."""

    def __init__(self, root: Path, repo: Any) -> None:
        # It imports fsspec, which takes longer than most commands.
        from mlws.dvc.remote import RemoteStorage

        self.cache = DataCache(repo)
        self.remote = RemoteStorage(repo, self.cache)
        self.worktree = DataWorktree(root, repo, self.cache)
        self.tracker = DataTracker(root, repo, self.worktree)

    def fetch_available(
        self, items: Sequence[DataPointer], progress: ProgressCallback = no_progress
    ) -> tuple[list[DataPointer], list[DataPointer], MLWSError | None]:
        """Fetch what the cache lacks of the items, as far as the remote has it.

        Return the items that the cache has now, those that no store has, and the error of a remote
        that can't be reached. Raises RemoteUnreachableError or DataDamagedError.
        """
        self.remote.fetch_listings(items)
        self.cache.set_aside_damaged(items)
        absent = self.cache.missing(items)
        lacking, error = self.remote.find_unavailable(absent)
        lost_paths = {item.path for item in lacking}
        self.remote.fetch([item for item in absent if item.path not in lost_paths], progress)
        available = [item for item in items if item.path not in lost_paths]
        self.cache.check(available)
        return available, lacking, error


@contextmanager
def open_data(root: Path, spare: bytes | None = None) -> Iterator[DataStore]:
    """Open the data of the project at ``root``, for one operation on one thread.

    ``spare`` are DVC's settings to use if those in the working tree are broken; without it
    DVCConfigError.
    """
    with open_repo(root, spare=spare) as repo:
        yield DataStore(root, repo)
