"""The data of one DVC repository: its cache, its remote storage and its paths in the working tree.

DVC's index of the repository is never built: it fails as a whole when any ``dvc.yaml`` is
invalid. The caller names the data, as read from ``*.dvc`` and ``dvc.lock``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_mlws.dvc.cache import DataCache
from jupyter_mlws.dvc.remote import RemoteStorage
from jupyter_mlws.dvc.repo import open_repo
from jupyter_mlws.dvc.tracking import DataTracker
from jupyter_mlws.dvc.worktree import DataWorktree


class DataStore:
    """The parts of one DVC repository that store data."""

    def __init__(self, root: Path, repo: Any) -> None:
        self.cache = DataCache(repo)
        self.remote = RemoteStorage(repo, self.cache)
        self.worktree = DataWorktree(root, repo, self.cache)
        self.tracker = DataTracker(root, repo, self.worktree)


@contextmanager
def open_data(root: Path, spare: bytes | None = None) -> Iterator[DataStore]:
    """Open the data of the project at ``root``, for one operation on one thread.

    ``spare`` are DVC's settings to use if those in the working tree are broken; without it
    error 30220.
    """
    with open_repo(root, spare=spare) as repo:
        yield DataStore(root, repo)
