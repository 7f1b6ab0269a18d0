"""git's index: the user's, and private ones, which build commits without a change to it."""

from __future__ import annotations

import logging
import os
import shutil
import time
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from jupyter_mlws.git.adapter import Git, Status, decode, join_nul, split_nul
from mlws.core.errors import OperationInProgressError
from mlws.core.i18n import Message
from mlws.core.paths import size_of
from mlws.core.project import Project

SERVICE_IDENTITY = {
    "GIT_AUTHOR_NAME": "jupyter-mlws",
    "GIT_AUTHOR_EMAIL": "jupyter-mlws@localhost",
    "GIT_COMMITTER_NAME": "jupyter-mlws",
    "GIT_COMMITTER_EMAIL": "jupyter-mlws@localhost",
}
"""Author and committer of such commits, which must succeed without an identity of the user."""
TIMEOUT = 600.0
"""Seconds for git to read or write the files of a whole working tree."""
ORPHAN_LOCK_AGE = 10.0
"""Seconds after which a lock of git's index is orphaned if no git process is visible."""
LOCK_CONTENT = b"jupyter-mlws\n"
"""Content of the lock while this package holds it, which it does only with the project's lock."""
PATHSPEC_OPTIONS = ("--pathspec-from-file=-", "--pathspec-file-nul")

log = logging.getLogger(__name__)


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


@contextmanager
def locked_index(git: Git) -> Iterator[None]:
    """Hold git's own lock of the user's index, as `git commit` does; no git can write it then.

    The caller holds the project's lock. Raises OperationInProgressError while another git process
    holds it.
    """
    lock = await_index_lock(git)
    try:
        with lock.open("xb") as file:
            file.write(LOCK_CONTENT)
    except FileExistsError as error:
        raise OperationInProgressError(
            operation="git", who=Message("another git process"), since="?"
        ) from error
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def reset_locked_index(
    project: Project, git: Git, revision: str, before: Mapping[str, str | None]
) -> None:
    """Set paths in the user's index to a version; the caller holds :func:`locked_index`.

    Paths whose entries differ from ``before`` are left alone.
    """
    now = staged_entries(git, before)
    stdin = join_nul(path for path, row in before.items() if now.get(path) == row)
    if stdin:
        with private_index(project) as private:
            private.run("reset", "--quiet", *PATHSPEC_OPTIONS, revision, stdin=stdin)
            private.index.replace(git.root / git.path("index"))


def await_index_lock(git: Git) -> Path:
    """Wait for a git process that writes the index, and return the path of git's lock.

    The lock of a process that is no longer there is removed.
    """
    lock = git.root / git.path("index.lock")
    deadline = time.monotonic() + 2 * ORPHAN_LOCK_AGE
    while time.monotonic() < deadline:
        try:
            age = time.time() - lock.stat().st_mtime
            is_ours = lock.read_bytes() == LOCK_CONTENT
        except FileNotFoundError:
            return lock
        # A git process of another container is not visible, but updates the file.
        if is_ours or (age > ORPHAN_LOCK_AGE and not _is_git_running(git.root)):
            log.warning("Removing %s, left behind by a killed process", lock)
            lock.unlink(missing_ok=True)
            return lock
        time.sleep(0.05)
    return lock


def _is_git_running(root: Path) -> bool:
    """Return whether a git works at or below ``root``; true if that cannot be determined."""
    if not Path("/proc/self/cwd").exists():
        return True
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError):
            if (entry / "comm").read_text().strip() == "git":
                folder = (entry / "cwd").resolve()
                if folder == root or root in folder.parents:
                    return True
    return False


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
