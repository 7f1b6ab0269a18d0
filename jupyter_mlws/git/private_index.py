"""A copy of the person's index, to make a commit of the working tree unseen by them."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from jupyter_mlws.core.paths import size_of
from jupyter_mlws.core.project import Project
from jupyter_mlws.git.adapter import Git, Status

SERVICE_IDENTITY = {
    "GIT_AUTHOR_NAME": "jupyter-mlws",
    "GIT_AUTHOR_EMAIL": "jupyter-mlws@localhost",
    "GIT_COMMITTER_NAME": "jupyter-mlws",
    "GIT_COMMITTER_EMAIL": "jupyter-mlws@localhost",
}
"""Who makes such commits: they must succeed where git does not know the person."""


@contextmanager
def private_index(project: Project) -> Iterator[Git]:
    """Yield a git with a copy of the user's index; its stored timestamps make adding fast."""
    index = project.state / f"{uuid.uuid4().hex[:12]}.index"
    private = Git(project.root, index, SERVICE_IDENTITY)
    theirs = project.root / Git(project.root).path("index")
    try:
        if theirs.exists():
            _copy_index(theirs, index)
        else:
            private.read_tree(private.find("HEAD"))
        yield private
    finally:
        for leftover in index.parent.glob(f"{index.name}*"):
            leftover.unlink()


def _copy_index(theirs: Path, index: Path) -> None:
    """Copy the user's index with its modification time.

    By it git knows which files may have changed later in the same second, and reads them
    although their times and sizes are those in the index.
    """
    # Taken first: an older time than that of the content only makes git read more.
    mtime_ns = theirs.stat().st_mtime_ns
    shutil.copyfile(theirs, index)
    os.utime(index, ns=(mtime_ns, mtime_ns))


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
