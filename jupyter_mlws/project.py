"""A project: its root, its state folder, its cross-process lock and its database.

A project is a git repository. Our own state lives in ``git rev-parse --git-path mlws``, so that
it is never versioned and each worktree has its own.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path

from jupyter_mlws import schema
from jupyter_mlws.errors import MLWSError

GIT_TIMEOUT = 30
"""Seconds after which asking git for a path is given up."""


@dataclass(frozen=True)
class Project:
    """One git repository on this machine; ``root`` is absolute and free of symlinks."""

    root: Path

    @classmethod
    def open(cls, path: Path) -> Project:
        """The project that ``path`` lies in; error 50402 where there is none."""
        start = path.resolve()
        for folder in (start, *start.parents):
            if (folder / ".git").exists():
                return cls(folder)
        raise MLWSError("50402", name=path.name)

    @cached_property
    def state(self) -> Path:
        """The folder of our own state; made on first use."""
        folder = self.root / ".git"
        if not folder.is_dir():
            # A worktree or submodule: `.git` is a file, and only git knows where it points.
            answer = subprocess.run(
                ["git", "rev-parse", "--absolute-git-dir"],
                cwd=self.root,
                check=True,
                capture_output=True,
                text=True,
                timeout=GIT_TIMEOUT,
            )
            folder = Path(answer.stdout.strip())
        state = folder / "mlws"
        state.mkdir(exist_ok=True)
        return state

    def resolve(self, path: str) -> Path:
        """``path`` (relative to the root) as an absolute path, symlinks followed.

        Error 50302 where it leads outside the project or into git's own folder.
        """
        try:
            target = (self.root / path).resolve()
        except (ValueError, OSError) as error:
            raise MLWSError("50302", path=path) from error
        inside = target == self.root or self.root in target.parents
        if not inside or ".git" in target.relative_to(self.root).parts:
            raise MLWSError("50302", path=path)
        return target

    def relative(self, path: Path) -> str:
        """``path`` as shown to people: relative to the root, with forward slashes."""
        return path.relative_to(self.root).as_posix()

    @contextmanager
    def lock(self, operation: str, timeout: float = 30.0) -> Iterator[None]:
        """Hold the project for ``operation``; wait at most ``timeout`` seconds.

        The kernel frees the lock when its holder dies. Error 30103 names who holds it.
        """
        with (self.state / "lock").open("a+", encoding="utf-8") as file:
            self._acquire(file.fileno(), timeout)
            try:
                file.truncate(0)
                json.dump(_holder(operation), file)
                file.flush()
                yield
            finally:
                file.truncate(0)
                fcntl.flock(file.fileno(), fcntl.LOCK_UN)

    def _acquire(self, descriptor: int, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise MLWSError("30103", **self._held_by()) from None
                # flock can't be waited for with a time limit; 20 ms is below what a person sees.
                time.sleep(0.02)
            else:
                return

    def _held_by(self) -> dict[str, str]:
        try:
            held: dict[str, str] = json.loads((self.state / "lock").read_text(encoding="utf-8"))
        except ValueError:
            # The holder has taken the lock and not yet written its name, or has just left.
            held = {"operation": "?", "who": "?", "since": "?"}
        return held

    def database(self) -> sqlite3.Connection:
        """A new connection to the project's database (:func:`schema.connect`)."""
        return schema.connect(self.state / "mlws.sqlite")

    def ring(self) -> None:
        """Wake the watchers of this project in every process: there is news in the database."""
        try:
            os.utime(self._bell)
        except FileNotFoundError:
            Path(self._bell).touch()

    @cached_property
    def _bell(self) -> str:
        return str(self.state / "bell")


def person() -> str:
    """Whose process this is, as the Hub or the system says."""
    return os.environ.get("JUPYTERHUB_USER") or os.environ.get("USER", "process")


def _holder(operation: str) -> dict[str, str]:
    return {
        "operation": operation,
        "who": f"{person()}@{os.uname().nodename} (pid {os.getpid()})",
        "since": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }
