"""Pages of the history: commits with their changes."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass

from jupyter_mlws.core.errors import VersionItemNotFoundError
from jupyter_mlws.git.adapter import Entry, Git, GitFailedError
from jupyter_mlws.git.history import Commit, LogQuery, list_commits_with_changes
from jupyter_mlws.versioning.data_index import DataIndex, normalize_path
from jupyter_mlws.versioning.models import HistoryQuery
from mlws.core.project import Project

PLAIN_REVISION = re.compile(r"[0-9A-Za-z_][\w/]*(?:[.-][\w/]+)*", re.ASCII)
"""Revisions without operators of git."""
MAX_CACHED_COMMITS = 500
"""Commits whose changes are kept in memory."""


@dataclass(frozen=True)
class HistoryPage:
    """Commits, each with its changes against its first parent.

    ``following`` is the cursor of the next page.
    """

    rows: list[tuple[Commit, list[Entry]]]
    following: str | None


class History:
    """The history of one project. Thread-safe."""

    def __init__(self, project: Project, git: Git, content: DataIndex) -> None:
        self._project = project
        self._git = git
        self._content = content
        self._lock = threading.Lock()
        self._changes: dict[str, list[Entry]] = {}

    def page(self, query: HistoryQuery, *, trailers: bool = True) -> HistoryPage:
        """Return one page of commits, newest first.

        A page stays the same while new commits are made, except with ``all``. With ``trailers`` the
        commits' trailers are read as well, which is about a tenth of git's time.

        Raises VersionItemNotFoundError for a version that does not exist.
        """
        start, skip = query.ref, 0
        if query.cursor is not None:
            start, _, offset = query.cursor.rpartition(".")
            if not (offset.isascii() and offset.isdigit() and len(offset) < 10):
                raise VersionItemNotFoundError(kind="page", name=query.cursor)
            skip = int(offset)
        if query.all:
            start = "--all"
        elif PLAIN_REVISION.fullmatch(start) is None:
            start = self._git.resolve(start)
        path = None
        if query.path:
            path = normalize_path(self._project, query.path)
            if not self._git.tracked(path):
                # Data has no history of its own: that of the file that names it is meant.
                sources = {item.path: item.source for item in self._content.data_now()}
                path = sources.get(path, path)
        log_query = LogQuery(
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
            rows = self._rows(log_query)
        except GitFailedError as error:
            if start in ("HEAD", "--all") and self._git.find("HEAD") is None:
                # Without any commit the history is empty.
                return HistoryPage([], None)
            if start != "--all":
                self._git.resolve(start)
            raise error.to_mlws_error() from error
        begin = start if skip or query.all else rows[0][0].sha if rows else start
        if path is not None or query.author or query.q:
            # The first match need not be the start of the search.
            begin = start if query.all else self._git.resolve(start)
        following = f"{begin}.{skip + query.limit}" if len(rows) > query.limit else None
        return HistoryPage(rows[: query.limit], following)

    def _rows(self, query: LogQuery) -> list[tuple[Commit, list[Entry]]]:
        """Return the commits of a query, each with its changes.

        The changes of a commit are immutable, so the first page reuses those in memory. One call of
        git reads a later page.
        """
        with self._lock:
            known_changes = {} if query.skip else dict(self._changes)
        rows = list_commits_with_changes(self._git, query, known_changes)
        with self._lock:
            for commit, entries in rows:
                self._changes[commit.sha] = entries
            while len(self._changes) > MAX_CACHED_COMMITS:
                self._changes.pop(next(iter(self._changes)))
        return rows
