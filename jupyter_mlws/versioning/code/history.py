"""History page by page: commits, and what they changed."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass

from jupyter_mlws.core.errors import VersionItemNotFoundError
from jupyter_mlws.core.project import Project
from jupyter_mlws.versioning.data.data_index import Content, normal
from jupyter_mlws.versioning.git.adapter import Commit, Entry, Git, GitFailedError, LogQuery
from jupyter_mlws.versioning.models import HistoryQuery

PLAIN_NAME = re.compile(r"[0-9A-Za-z_][\w/]*(?:[.-][\w/]+)*", re.ASCII)
"""Names that mean one commit or none, with no operator of git's in them."""
REMEMBERED = 500
"""Commits whose changes are kept in memory."""


@dataclass(frozen=True)
class HistoryPage:
    """Commits, each with what it changed against its first parent; ``following`` is a cursor."""

    rows: list[tuple[Commit, list[Entry]]]
    following: str | None


class History:
    """The history of one project. Thread-safe."""

    def __init__(self, project: Project, git: Git, content: Content) -> None:
        self._project = project
        self._git = git
        self._content = content
        self._lock = threading.Lock()
        self._changes: dict[str, list[Entry]] = {}

    def page(self, query: HistoryQuery, *, trailers: bool = True) -> HistoryPage:
        """Newest first; a page stays the same while new commits are made (but of ``all``).

        ``trailers``: the commits' are wanted, which takes git a tenth of the time.

        Error 30404 for a version that is not there.
        """
        start, skip = self._begin(query)
        path = self._path(query.path) if query.path else None
        wanted = LogQuery(
            start,
            path,
            query.author,
            query.q,
            skip,
            query.limit + 1,
            follow=path is not None,
            trailers=trailers,
        )
        try:
            rows = self._rows(wanted)
        except GitFailedError as error:
            return self._explained(start, error)
        begin = start if skip or query.all else rows[0][0].sha if rows else start
        if path is not None or query.author or query.q:
            # The first that was found need not be where the search began.
            begin = start if query.all else self._git.resolve(start)
        following = f"{begin}.{skip + query.limit}" if len(rows) > query.limit else None
        return HistoryPage(rows[: query.limit], following)

    def _rows(self, wanted: LogQuery) -> list[tuple[Commit, list[Entry]]]:
        """What a commit changed never changes. Pages that were not seen are had by one call."""
        with self._lock:
            seen = {} if wanted.skip else dict(self._changes)
        rows = self._git.log_with_changes(wanted, seen)
        with self._lock:
            for commit, entries in rows:
                self._changes[commit.sha] = entries
            while len(self._changes) > REMEMBERED:
                self._changes.pop(next(iter(self._changes)))
        return rows

    def _explained(self, start: str, error: GitFailedError) -> HistoryPage:
        if start in ("HEAD", "--all") and self._git.find("HEAD") is None:
            # Before the first commit there is no history, which is no error.
            return HistoryPage([], None)
        if start != "--all":
            self._git.resolve(start)
        raise error.told() from error

    def _begin(self, query: HistoryQuery) -> tuple[str, int]:
        """What git is told to begin at, and how many commits were shown."""
        start, skip = query.ref, 0
        if query.cursor is not None:
            start, _, given = query.cursor.rpartition(".")
            if not (given.isascii() and given.isdigit() and len(given) < 10):
                raise VersionItemNotFoundError(kind="page", name=query.cursor)
            skip = int(given)
        if query.all:
            return "--all", skip
        if PLAIN_NAME.fullmatch(start) is None:
            start = self._git.resolve(start)
        return start, skip

    def _path(self, given: str) -> str:
        """Data has no history of its own: that of the file that names it is meant."""
        path = normal(self._project, given)
        if self._git.tracked(path):
            return path
        named = {item.path: item.source for item in self._content.data_now()}
        return named.get(path, path)
