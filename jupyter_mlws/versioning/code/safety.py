"""Safety copies: commits on hidden refs of work that was replaced, discarded or deleted."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from jupyter_mlws.core.errors import VersionItemNotFoundError
from jupyter_mlws.core.ids import time_ordered_id
from jupyter_mlws.git.adapter import Git, decode
from jupyter_mlws.git.commits import commit_tree, read_commit
from jupyter_mlws.git.diffs import differences
from jupyter_mlws.git.index import private_index
from jupyter_mlws.git.refs import HEADS, STASHES, current_branch, move_branch, update_ref
from jupyter_mlws.versioning.branch_copies import keep_tip
from jupyter_mlws.versioning.code.models import SafetyCopy
from jupyter_mlws.versioning.code.switching import Switching
from jupyter_mlws.versioning.data_index import format_paths
from jupyter_mlws.versioning.models import RestoreResult
from jupyter_mlws.versioning.repository import RepositoryPart
from jupyter_mlws.versioning.worktree.restore import (
    SAFETY,
    SAFETY_MESSAGE_PREFIX,
)
from mlws.core.progress import ProgressCallback, no_progress
from mlws.core.project import Project

FIELDS = ("refname", "objectname", "parent", "creatordate:iso-strict", "subject", "body")
MAX_COPIES = 200
"""Newest copies that are listed."""
RESTORE = "restore"


@dataclass(frozen=True)
class Copy:
    """A safety commit; ``paths`` are the paths that it was made for, None for the working tree.

    ``base`` is the commit that was checked out, ``index`` holds what was staged, if anything. With
    a ``branch`` (its ref, or that of the stashes) the copy keeps what it was at: ``base``.
    """

    id: str
    base: str | None
    index: str | None
    timestamp: str
    reason: str
    paths: list[str] | None
    branch: str | None = None


class SafetyManager(RepositoryPart):
    """The safety copies of one project. Thread-safe.

    Methods that write hold the project's lock.
    """

    def list(self) -> Sequence[SafetyCopy]:
        """Return the safety copies, newest first."""
        safety_copies = []
        for copy in self._copies():
            files, branch = copy.paths, copy.branch and copy.branch.removeprefix(HEADS)
            if files is None:
                start = copy.base or self._git.tree_of(None)
                if branch == STASHES:
                    start, branch = f"{start}^1", None
                files = [row.path for row in differences(self._git, start, copy.id)]
            safety_copies.append(
                SafetyCopy.from_object(copy, files=format_paths(files), branch=branch)
            )
        return safety_copies

    def check(self, identifier: str) -> Copy:
        """Return the copy with that id. Raises VersionItemNotFoundError."""
        for copy in self._copies():
            if copy.id == identifier:
                return copy
        raise VersionItemNotFoundError(kind="safety copy", name=identifier)

    def restore(self, identifier: str, progress: ProgressCallback = no_progress) -> RestoreResult:
        """Restore the content of a safety copy, including the staged changes, or its branch.

        Another safety copy keeps what this replaces. Raises VersionItemNotFoundError, those of a
        restore, and of a switch for a branch.
        """
        with self._repository.exclusive("restore"):
            copy = self.check(identifier)
            if copy.branch == STASHES and copy.base is not None:
                message = read_commit(self._git, copy.base).subject
                self._git.run("stash", "store", "--quiet", "--message", message, copy.base)
                return RestoreResult(safety=None, restored=[])
            if copy.branch is not None and copy.base is not None:
                return self._return_branch(copy.branch, copy.base, progress)
            # A discard does not change the index: what was staged then is still staged.
            result = self._repository.restore.run(
                copy.id, copy.paths, progress, keep_index=copy.paths is not None
            )
            if copy.index is not None and copy.base == self._git.find("HEAD"):
                self._git.run("read-tree", copy.index)
                self._git.run("update-index", "-q", "--refresh", codes=(0, 1))
        return result

    def _return_branch(self, ref: str, tip: str, progress: ProgressCallback) -> RestoreResult:
        """Move a branch back; the working tree follows if the branch is checked out."""
        before = self._git.find(ref)
        reason = f"reset: moving to {tip}"
        safety = keep_tip(self._git, ref, before, RESTORE) if before else None
        is_current = ref == (current_branch(self._git) or "HEAD")
        # As after an undo: the files are those of the commit already.
        is_there = not self._git.run("diff", "--name-only", "--no-ext-diff", "-z", tip, "--")
        if is_current and not is_there:
            files = Switching(self._repository).move_branch(tip, reason, progress)
            return RestoreResult(safety=safety, restored=files)
        move_branch(self._git, ref, tip, before, reason)
        if is_current:
            self._git.run("read-tree", tip)
            self._git.run("update-index", "-q", "--refresh", codes=(0, 1))
        return RestoreResult(safety=safety, restored=[])

    def _copies(self) -> Sequence[Copy]:
        form = "%00".join(f"%({field})" for field in FIELDS) + "%00"
        options = ("--sort=-refname", f"--count={MAX_COPIES}", f"--format={form}")
        output = self._git.run("for-each-ref", *options, "--", f"refs/mlws/{SAFETY}")
        parts = decode(output).split("\0")
        rows = [parts[at : at + len(FIELDS)] for at in range(0, len(parts) - 1, len(FIELDS))]
        copies = []
        for _, sha, parents, timestamp, subject, body in rows:
            base, _, index = parents.partition(" ")
            before, _, reason = subject.partition(SAFETY_MESSAGE_PREFIX)
            has_paths = not before and body.strip()
            content = json.loads(body) if has_paths else None
            branch = content["branch"] if isinstance(content, dict) else None
            paths = content if isinstance(content, list) else None
            copies.append(
                Copy(sha, base or None, index or None, timestamp, reason or RESTORE, paths, branch)
            )
        return copies


def safety_message(command: str, paths: Collection[str]) -> str:
    """Return the message of a safety commit that is made before ``command`` replaces ``paths``."""
    return f"{SAFETY_MESSAGE_PREFIX}{command}\n\n{json.dumps(sorted(paths))}\n"


def keep_code(project: Project, git: Git, paths: Collection[str], command: str) -> str:
    """Commit the working tree's ``paths`` on top of the index, and return the safety commit."""
    head = git.find("HEAD")
    with private_index(project) as private:
        private.add(sorted(paths))
        parents = [head] if head else []
        message = safety_message(command, paths)
        sha = commit_tree(private, private.write_tree(), parents, message)
    update_ref(git, f"refs/mlws/{SAFETY}{time_ordered_id()}", sha, None, "safety")
    return sha
