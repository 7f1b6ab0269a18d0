"""Stashes of code and data, as git's own.

A stash names changed data by its hash, as a commit does; the content is in the DVC cache.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from jupyter_mlws.core.errors import (
    NothingToStashError,
    StashConflictError,
    UncommittedChangesError,
    VersionItemNotFoundError,
)
from jupyter_mlws.git.adapter import decode, join_nul
from jupyter_mlws.git.commits import check_identity, commit_tree
from jupyter_mlws.git.diffs import differences
from jupyter_mlws.git.index import private_index
from jupyter_mlws.git.merge import merge_tree
from jupyter_mlws.git.refs import STASHES, delete_ref
from jupyter_mlws.versioning.branch_copies import keep_tip
from jupyter_mlws.versioning.code.models import Stash, StashApplied
from jupyter_mlws.versioning.code.switching import Switching
from jupyter_mlws.versioning.data_index import format_paths
from jupyter_mlws.versioning.repository import Needs, Repository, RepositoryPart
from jupyter_mlws.versioning.worktree.switch_journal import STASH
from mlws.core.progress import ProgressCallback, no_progress


class StashManager(RepositoryPart):
    """The stashes of one project. Thread-safe.

    Methods that write hold the project's lock.
    """

    def __init__(self, repository: Repository) -> None:
        super().__init__(repository)
        self._switching = Switching(repository)

    def list(self) -> Sequence[Stash]:
        """Return the stashes, newest first."""
        return [self._to_stash(*row) for row in self._rows()]

    def _rows(self) -> Sequence[tuple[str, str, str, str]]:
        """Return (id, parents, time, message) of every stash, newest first."""
        if self._git.find(STASHES) is None:
            return []
        form = "%H%x00%P%x00%cI%x00%gs%x00"
        output = self._git.run("log", "-g", "--first-parent", f"--format={form}", STASHES, "--")
        parts = decode(output).split("\0")
        rows = [parts[at : at + 4] for at in range(0, len(parts) - 1, 4)]
        return [(sha.strip("\n"), parents, moment, text) for sha, parents, moment, text in rows]

    def get(self, identifier: str) -> Stash:
        """Return one stash. Raises VersionItemNotFoundError."""
        for row in self._rows():
            if row[0] == identifier:
                return self._to_stash(*row)
        raise VersionItemNotFoundError(kind="stash", name=identifier)

    def push(
        self,
        message: str | None = None,
        *,
        include_untracked: bool = True,
        progress: ProgressCallback = no_progress,
    ) -> Stash:
        """Stash all changes; the working tree matches HEAD afterwards.

        Raises UnfinishedOperationError during a merge, GitIdentityMissingError, NothingToStashError
        if nothing has changed, DataMissingError if HEAD's data is in no store. If the process is
        killed, the changes are in the stash, in the files, or in both.
        """
        with self._repository.exclusive("stash"):
            check_identity(self._git)
            head = self._git.resolve("HEAD")
            restore = self._repository.restore
            progress(0, message="keep")
            name = f"stash/{uuid.uuid4().hex[:12]}"
            worktree_commit = restore.keep(name)
            stash = None
            try:
                if worktree_commit:
                    stash = self._create_stash(head, worktree_commit, message, include_untracked)
            finally:
                delete_ref(self._git, f"refs/mlws/{name}")
            if stash is None:
                raise NothingToStashError()
            sha, text, new = stash
            self._git.run("stash", "store", "--quiet", "-m", text, sha)
            progress(0, message="restore")
            restore.run(head, None, progress, remove=new, operation=STASH)
        return self.get(sha)

    def apply(
        self, identifier: str, *, keep: bool = False, progress: ProgressCallback = no_progress
    ) -> StashApplied:
        """Apply a stash to the working tree; without ``keep`` the stash is dropped afterwards.

        Raises VersionItemNotFoundError, UnfinishedOperationError during a merge,
        UncommittedChangesError if uncommitted work would be lost, StashConflictError if it
        conflicts with HEAD. Nothing has changed then.
        """
        with self._repository.exclusive("stash"):
            stash = self.get(identifier)
            head = self._git.resolve("HEAD")
            new = self._untracked_files(identifier)
            in_the_way = [p for p in new if (self._root / p).exists()]
            if in_the_way:
                paths = format_paths(in_the_way)
                raise UncommittedChangesError(paths=paths)
            # As commits with one parent: the stash's own parents are not history.
            alone = self._commit(self._git.tree_of(stash.id), [stash.base], "stash")
            onto = self._commit(self._git.tree_of(head), [stash.base], "head")
            merged = merge_tree(self._git, onto, alone)
            if merged.conflicts:
                paths = format_paths(merged.conflicts)
                base = stash.base[:8]
                raise StashConflictError(paths=paths, base=base)
            command = ("stash", "apply", "--quiet", identifier)
            data = self._switching.run(merged.tree, command, progress, created=new)
            if not keep:
                self._drop(identifier)
        return StashApplied(id=identifier, files=stash.files, data=[*data])

    def drop(self, identifier: str) -> Stash:
        """Drop a stash and return it; a safety copy keeps it. Raises VersionItemNotFoundError."""
        with self._repository.exclusive("stash", needs=Needs.NOTHING):
            stash = self.get(identifier)
            keep_tip(self._git, STASHES, identifier, "stash drop")
            self._drop(identifier)
        return stash

    def _create_stash(
        self, head: str, worktree_commit: str, message: str | None, include_untracked: bool
    ) -> tuple[str, str, Sequence[str]] | None:
        """Return (stash, its message, its new files); None if there is nothing to stash."""
        status = self._git.status()
        entries = {entry.path: entry for entry in self._git.tree(worktree_commit)}
        new = [e.path for e in status.entries if e.state == "untracked" and e.path in entries]
        index = self._git.run("write-tree").decode().strip()
        with private_index(self._project) as private:
            private.read_tree(worktree_commit)
            private.remove(new)
            tree = private.write_tree()
            before = self._git.tree_of(head)
            if tree == before == index and not (include_untracked and new):
                return None
            branch = (status.branch or "(no branch)").rsplit("/", 1)[-1]
            text = f"On {branch}: {message}" if message else f"WIP on {branch}: {head[:8]}"
            parents = [head, self._commit(index, [head], f"index on {branch}")]
            if include_untracked and new:
                rows = join_nul(f"{entries[p].mode} {entries[p].sha}\t{p}" for p in new)
                private.read_tree(None)
                private.run("update-index", "-z", "--add", "--index-info", stdin=rows)
                tree_of_new = private.write_tree()
                parents.append(self._commit(tree_of_new, [], f"untracked files on {branch}"))
        return self._commit(tree, parents, text), text, new if include_untracked else []

    def _commit(self, tree: str, parents: Sequence[str], message: str) -> str:
        return commit_tree(self._git, tree, parents, f"{message}\n")

    def _untracked_files(self, identifier: str) -> dict[str, str]:
        """Return the untracked files that the stash holds, with their blobs."""
        third = self._git.find(f"{identifier}^3")
        return {entry.path: entry.sha for entry in self._git.tree(third)} if third else {}

    def _drop(self, identifier: str) -> None:
        # git drops by position, which newer stashes change: it is determined last.
        for place, (sha, *_) in enumerate(self._rows()):
            if sha == identifier:
                self._git.run("stash", "drop", "--quiet", f"stash@{{{place}}}")
                return

    def _to_stash(self, sha: str, parents: str, moment: str, message: str) -> Stash:
        base = parents.split()[0]
        changed_paths = [row.path for row in differences(self._git, base, sha, renames=False)]
        text = message.removeprefix("WIP on ").removeprefix("On ")
        branch, _, rest = text.partition(": ")
        return Stash(
            id=sha,
            message=rest or message,
            branch=None if branch == "(no branch)" or not rest else branch,
            base=base,
            timestamp=moment,
            files=format_paths({*changed_paths, *self._untracked_files(sha)}),
        )
