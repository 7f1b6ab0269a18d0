"""A project: its root, its state folder, its cross-process lock and its database.

A project is a git repository. Our own state lives in ``git rev-parse --git-path mlws``, so that
it is never versioned and each worktree has its own.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mlws.core import project_schema
from mlws.core.database import Database, open_or_replace
from mlws.core.errors import OutsideWorkspaceError, ProjectNotFoundError
from mlws.core.locking import FileLock, Holder, Waiting

DATABASE = "mlws.sqlite"
LOCK_TIMEOUT = 30.0
"""Seconds to wait for the project's lock."""
GIT_FILE_PREFIX = "gitdir: "
"""Beginning of a file ``.git``, as in gitrepository-layout(5)."""
OPERATIONS_BY_FILE = {
    "rebase-merge": "rebase",
    "rebase-apply/applying": "am",
    "rebase-apply": "rebase",
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "sequencer/todo": "cherry-pick",
    "BISECT_LOG": "bisect",
}
"""In git's own order: a rebase stops at merges and picks, which have a file each as well."""


@dataclass(frozen=True)
class Project:
    """One git repository on this machine; ``root`` is absolute and free of symlinks."""

    root: Path

    @classmethod
    def open(cls, path: Path) -> Project:
        """Return the project that ``path`` lies in; ProjectNotFoundError if there is none."""
        start = path.resolve()
        for folder in (start, *start.parents):
            if (folder / ".git").exists():
                return cls(folder)
        raise ProjectNotFoundError(name=path.name)

    @cached_property
    def git_directory(self) -> Path:
        """The directory of git's own files; a worktree or submodule has a file that names it."""
        path = self.root / ".git"
        if path.is_dir():
            return path
        text = path.read_text(encoding="utf-8", errors="surrogateescape") if path.is_file() else ""
        directory = Path(self.root, text.removeprefix(GIT_FILE_PREFIX).rstrip("\n")).resolve()
        if not text.startswith(GIT_FILE_PREFIX) or not directory.is_dir():
            raise ProjectNotFoundError(name=self.root.name)
        return directory

    @cached_property
    def state(self) -> Path:
        """The directory of our own state, created on first use."""
        state = self.git_directory / "mlws"
        state.mkdir(exist_ok=True)
        return state

    def resolve(self, path: str) -> Path:
        """Return ``path`` (relative to the root) as an absolute path, with symlinks resolved.

        Raises OutsideWorkspaceError if it leads outside the project or into ``.git``.
        """
        try:
            target = (self.root / path).resolve()
        except (ValueError, OSError) as error:
            raise OutsideWorkspaceError(path=path) from error
        inside = target == self.root or self.root in target.parents
        if not inside or ".git" in target.relative_to(self.root).parts:
            raise OutsideWorkspaceError(path=path)
        return target

    def relative(self, path: Path) -> str:
        """Return ``path`` as shown to people: relative to the root, with forward slashes."""
        return path.relative_to(self.root).as_posix()

    @contextmanager
    def lock(
        self,
        operation: str,
        timeout: float | None = None,
        waiting: Waiting = lambda holder: None,
    ) -> Iterator[None]:
        """Hold the project for ``operation``.

        Waits at most ``timeout`` seconds (default: :data:`LOCK_TIMEOUT`); calls ``waiting`` with
        the holder meanwhile. OperationInProgressError names the holder.
        """
        with self._lock.hold(operation, LOCK_TIMEOUT if timeout is None else timeout, waiting):
            yield

    def holder(self) -> Holder | None:
        """Return the current holder of the project's lock; None if it is free."""
        return self._lock.holder()

    @cached_property
    def _lock(self) -> FileLock:
        return FileLock(self.state / "lock")

    def database(self) -> sqlite3.Connection:
        """Return a new connection to the project's database."""
        return open_or_replace(self.state / DATABASE, project_schema.connect)

    def history(self, *, follow: bool = True) -> Database:
        """Return the project's database, for callers that keep it open."""
        return Database(self.state / DATABASE, project_schema.connect, follow=follow)

    def has_database(self) -> bool:
        """Return whether the project has a database, which the first record creates."""
        return (self.state / DATABASE).exists()

    def ring(self) -> None:
        """Notify the watchers of this project, in every process, that the database changed."""
        try:
            os.utime(self.bell)
        except FileNotFoundError:
            Path(self.bell).touch()

    @cached_property
    def bell(self) -> str:
        return str(self.state / "bell")


def unfinished_operation(git_directory: Path) -> str | None:
    """Return the merge, rebase… that is in progress in a repository, if any."""
    for name, operation in OPERATIONS_BY_FILE.items():
        file = git_directory / name
        if not file.exists():
            continue
        if file.name == "todo" and file.read_bytes().startswith(b"revert"):
            return "revert"
        return operation
    return None
