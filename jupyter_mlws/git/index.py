"""git's index: the user's, and private ones, which build commits without a change to it."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from jupyter_mlws.core.paths import size_of
from jupyter_mlws.core.project import Project
from jupyter_mlws.git.adapter import Git, Status, decode, join_nul, split_nul

SERVICE_IDENTITY = {
    "GIT_AUTHOR_NAME": "jupyter-mlws",
    "GIT_AUTHOR_EMAIL": "jupyter-mlws@localhost",
    "GIT_COMMITTER_NAME": "jupyter-mlws",
    "GIT_COMMITTER_EMAIL": "jupyter-mlws@localhost",
}
"""Author and committer of such commits, which must succeed without an identity of the user."""
TIMEOUT = 600.0
"""Seconds for git to read or write the files of a whole working tree."""
PATHSPEC_OPTIONS = ("--pathspec-from-file=-", "--pathspec-file-nul")


@dataclass(frozen=True)
class PrivateIndex(Git):
    """The repository with an index of its own at ``index``, for building commits."""

    index: Path = field(kw_only=True)

    def variables(self) -> dict[str, str]:
        """Return the variables that are added to the environment of git."""
        return {**super().variables(), "GIT_INDEX_FILE": str(self.index)}

    def read_tree(self, revision: str | None) -> None:
        """Fill the index with a version, or empty it."""
        self.run("read-tree", revision or "--empty")

    def add(self, paths: Iterable[str], *, force: bool = False) -> None:
        """Update ``paths`` to the working tree's state; remove missing ones.

        ``force``: by ``git add --force``, for ignored paths.
        """
        stdin = join_nul(paths)
        if stdin and force:
            self.run("add", "--force", *PATHSPEC_OPTIONS, stdin=stdin, timeout=TIMEOUT)
        elif stdin:
            options = ("-z", "--add", "--remove", "--replace", "--stdin")
            self.run("update-index", *options, stdin=stdin, timeout=TIMEOUT)

    def remove(self, paths: Iterable[str]) -> None:
        """Remove ``paths``, whatever the working tree has."""
        stdin = join_nul(paths)
        if stdin:
            self.run("update-index", "-z", "--force-remove", "--stdin", stdin=stdin)

    def put(self, path: str, content: bytes) -> None:
        """Set ``path`` to ``content``, whatever the working tree has."""
        row = f"100644 {self.hash(content, write=True)}\t{path}"
        options = ("-z", "--add", "--replace", "--index-info")
        self.run("update-index", *options, stdin=join_nul([row]))

    def write_tree(self) -> str:
        """Write the index as a tree, and return its id."""
        return decode(self.run("write-tree")).strip()

    def export(self, paths: Iterable[str], folder: Path) -> None:
        """Write files of the index below ``folder``, as a checkout would."""
        options = ("--force", f"--prefix={folder}/", "-z", "--stdin")
        self.run("checkout-index", *options, stdin=join_nul(paths), timeout=TIMEOUT)


@contextmanager
def private_index(project: Project) -> Iterator[PrivateIndex]:
    """Yield a git with a copy of the user's index; its stored timestamps make adding fast."""
    index = project.state / f"{uuid.uuid4().hex[:12]}.index"
    private = PrivateIndex(project.root, SERVICE_IDENTITY, index=index)
    theirs = project.root / Git(project.root).path("index")
    try:
        if theirs.exists():
            # By the modification time git knows which files may have changed later in the same
            # second, and reads them although their times and sizes are those in the index. Taken
            # first: an older time than that of the content only makes git read more.
            mtime_ns = theirs.stat().st_mtime_ns
            shutil.copyfile(theirs, index)
            os.utime(index, ns=(mtime_ns, mtime_ns))
        else:
            private.read_tree(private.find("HEAD"))
        yield private
    finally:
        for leftover in index.parent.glob(f"{index.name}*"):
            leftover.unlink()


def staged_entries(git: Git, paths: Iterable[str]) -> dict[str, str]:
    """Return mode, blob and stage of ``paths`` in the user's index, as git prints them."""
    path_set = set(paths)
    rows = [row.partition("\t") for row in split_nul(git.run("ls-files", "--stage", "-z"))]
    return {path: facts for facts, _, path in rows if path in path_set}


def reset_index(git: Git, paths: Iterable[str]) -> None:
    """Set ``paths`` in the user's index to HEAD's; all else in it stays as it is."""
    stdin = join_nul(paths)
    if stdin:
        git.run("reset", "--quiet", *PATHSPEC_OPTIONS, stdin=stdin)


def uncommitted_paths(
    root: Path, status: Status, limit: int, included_paths: Collection[str] = ()
) -> Iterator[str]:
    """Yield the paths that differ from HEAD, including deleted ones.

    Untracked files of at least ``limit`` bytes are left out unless they are in
    ``included_paths``.
    """
    paths = set()
    for entry in status.entries:
        size = size_of(root / entry.path) or 0
        stays = entry.state == "untracked" and size >= limit and entry.path not in included_paths
        # Another repository inside this one; git would make a link without content.
        if not stays and not entry.path.endswith("/"):
            paths |= {entry.path, entry.old_path or entry.path}
    yield from paths
