"""Finds current and earlier contents of the project's files by MD5."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from jupyter_mlws.git.adapter import Git
from jupyter_mlws.workflows.document import semantic_diff
from mlws.core.errors import MLWSError
from mlws.dvc.native.objects import object_path

MD5 = re.compile("[0-9a-f]{32}")
MAX_FILE_VERSIONS = 30
"""Versions of a file that are searched in git's history, newest first."""


class Contents:
    """Finds file contents by MD5 in the working tree, DVC's cache and git.

    Each result has the requested hash.
    """

    def __init__(self, root: Path, commits: Sequence[str] = ()) -> None:
        """``commits``: git commits to search before the history of the branch."""
        self._root = root
        self._commits = commits
        self._comparison_cache: dict[tuple[str, str, str], bool] = {}

    def is_cosmetic_change(self, path: str, old: str, new: str | None) -> bool:
        """Return whether two contents of ``path`` have the same meaning.

        ``old`` and ``new`` are MD5 hashes; a ``new`` of None is the current content of the file.
        """
        if not semantic_diff.is_comparable(path) or not MD5.fullmatch(old or ""):
            return False
        current = _read_small(self._root / path) if new is None else self.find(path, new)
        if current is None:
            return False
        mark = path, old, hashlib.md5(current, usedforsecurity=False).hexdigest()
        if mark not in self._comparison_cache:
            before = self.find(path, old)
            self._comparison_cache[mark] = before is not None and semantic_diff.same_meaning(
                path, before, current
            )
        return self._comparison_cache[mark]

    def find(self, path: str, md5: str) -> bytes | None:
        """Return the content of ``path`` (from the root) with this hash; None if not found."""
        for content in self._candidates(path, md5):
            if hashlib.md5(content, usedforsecurity=False).hexdigest() == md5:
                return content
        return None

    def _candidates(self, path: str, md5: str) -> Iterator[bytes]:
        for file in (self._root / path, object_path(self._root, md5)):
            content = _read_small(file)
            if content is not None:
                yield content
        git = Git(self._root)
        for commit in dict.fromkeys(self._commits):
            content = git.blob(commit, path)
            if content is not None:
                yield content
        with suppress(MLWSError):
            limit = f"--max-count={MAX_FILE_VERSIONS}"
            raw = git.run("log", "--format=", "--raw", "--no-abbrev", limit, "HEAD", "--", path)
            rows = (row.split() for row in raw.decode("utf-8", "replace").splitlines())
            blobs = [row[3] for row in rows if len(row) > 4 and set(row[3]) != {"0"}]
            yield from git.blobs(list(dict.fromkeys(blobs))).values()


def _read_small(file: Path) -> bytes | None:
    with suppress(OSError):
        if file.stat().st_size <= semantic_diff.MAX_FILE_BYTES:
            return file.read_bytes()
    return None
