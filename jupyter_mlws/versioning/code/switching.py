"""Switches of the working tree from one commit to another: code by git, data by DVC.

Uncommitted work that is not in the way stays, as with git itself. Everything is checked and
fetched before the first file changes.
"""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from jupyter_mlws.core.errors import BranchMovedError, UncommittedChangesError
from jupyter_mlws.git.adapter import GitFailedError, TreeEntry, join_nul, split_nul
from jupyter_mlws.git.commits import Author, commit_tree, is_signing, run_hook
from jupyter_mlws.git.diffs import differences
from jupyter_mlws.git.merge import SUBMODULE
from jupyter_mlws.git.refs import current_branch, move_branch
from jupyter_mlws.versioning.data_index import format_paths
from jupyter_mlws.versioning.repository import RepositoryPart
from jupyter_mlws.versioning.worktree.restore import remove_empty_directories
from jupyter_mlws.versioning.worktree.switch_journal import (
    CHECKOUT,
    Switch,
    begin_switch,
    end_switch,
)
from mlws.core.errors import DataMissingError, DiskFullError
from mlws.core.i18n import Message
from mlws.core.progress import ProgressCallback, no_progress
from mlws.dvc.data import DataStore, open_data
from mlws.dvc.pointers import DataPointer, covers

GIT_TIMEOUT = 600.0
"""Seconds for git to write the files of another version."""

log = logging.getLogger(__name__)


@dataclass
class Steps:
    """Data steps of a switch, and the uncommitted paths that it would lose.

    Data in ``give_way`` is removed first: git has files of its own at these paths afterwards.
    Data in ``there`` matches the target already and is not touched.
    """

    head: str | None
    target: str
    now: dict[str, DataPointer] = field(default_factory=dict)
    code: set[str] = field(default_factory=set)
    place: list[DataPointer] = field(default_factory=list)
    give_way: list[DataPointer] = field(default_factory=list)
    remove: list[DataPointer] = field(default_factory=list)
    there: list[DataPointer] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    created: dict[str, str] = field(default_factory=dict)


class Switching(RepositoryPart):
    """Switches of one project; the caller holds the project's lock for :meth:`run`."""

    def check(self, target: str) -> Steps:
        """Return the steps of :meth:`run`.

        Raises UncommittedChangesError if uncommitted work would be lost.
        """
        status = self._git.status()
        steps, before, written_paths = self._begin(status.head, target)
        steps.now = {item.path: item for item in self._content.data_now(status)}
        above = {parent for path in written_paths for parent in _parents(path)}
        for entry in status.entries:
            path = entry.path.rstrip("/")
            if entry.state == "deleted" and not entry.staged:
                # git writes such a file again, and nothing is lost by that.
                continue
            overlap = steps.code & {path, entry.old_path or path}
            blocks = entry.state == "untracked" and (
                path in above or written_paths & set(_parents(path))
            )
            if overlap or blocks:
                steps.lost.add(path)
        tracked_paths = set(self._git.files())
        data_paths = set(steps.now) & set(before)
        for path in written_paths - tracked_paths - steps.lost:
            steps.lost.update(self._ignored_in_the_way(path, tracked_paths, data_paths))
        self._check_data(steps, written_paths, before)
        return steps

    def _begin(
        self, head: str | None, target: str
    ) -> tuple[Steps, dict[str, DataPointer], set[str]]:
        """Return the steps with changed code, the data named now, and git's new files."""
        start = head or self._git.tree_of(None)
        rows = differences(self._git, start, target, renames=False)
        steps = Steps(head, target, code={row.path for row in rows})
        before = {item.path: item for item in self._content.data_at(head)} if head else {}
        return steps, before, {entry.path for entry in self._git.tree(target)} & steps.code

    def run(
        self,
        target: str,
        command: Sequence[str],
        progress: ProgressCallback = no_progress,
        *,
        thorough: bool = False,
        created: Mapping[str, str] | None = None,
    ) -> list[str]:
        """Switch code and data to the commit ``target``; git's ``command`` moves HEAD there.

        ``thorough``: an unreachable remote is an error even if only data is missing that both
        versions have. ``created``: untracked files that the command writes as well, with their
        blobs.

        Returns the paths of data that changed. Raises DataMissingError if data is in no store,
        DataDamagedError if it is damaged, RemoteUnreachableError if the remote that may have it
        cannot be reached; nothing has changed then.
        """

        def move() -> None:
            self._git.attempt(*command, timeout=GIT_TIMEOUT)

        progress(0, message="plan")
        steps = self.check(target)
        steps.created = dict(created or {})
        return self._go(steps, move, progress, thorough=thorough)

    def fast_forward(
        self, target: str, action: str, progress: ProgressCallback, *, thorough: bool = False
    ) -> list[str]:
        """Switch to a commit that HEAD is an ancestor of, as :meth:`run` does.

        ``action`` is what git's reflog says: "merge other".
        """
        variables = {**self._git.environment, "GIT_REFLOG_ACTION": action}
        git = replace(self._git, environment=variables)

        def move() -> None:
            git.attempt("merge", "--ff-only", "--quiet", target, timeout=GIT_TIMEOUT)

        progress(0, message="plan")
        return self._go(self.check(target), move, progress, thorough=thorough)

    def move_branch(
        self, target: str, reason: str, progress: ProgressCallback = no_progress
    ) -> list[str]:
        """Switch to a commit, and move the current branch there, wherever it is.

        ``reason`` is what git's reflog says. Otherwise as :meth:`run`; BranchMovedError if another
        process moved the branch.
        """
        head = self._git.resolve("HEAD")
        ref = current_branch(self._git) or "HEAD"

        def move() -> None:
            self._git.run("update-index", "-q", "--refresh", codes=(0, 1), timeout=GIT_TIMEOUT)
            self._git.attempt("read-tree", "-m", "-u", head, target, timeout=GIT_TIMEOUT)
            try:
                move_branch(self._git, ref, target, head, reason)
            except BranchMovedError:
                self._git.run("read-tree", "-m", "-u", target, head, timeout=GIT_TIMEOUT)
                raise

        progress(0, message="plan")
        return self._go(self.check(target), move, progress, thorough=False)

    def follow(
        self,
        target: str,
        move: Callable[[], None],
        progress: ProgressCallback = no_progress,
        start: str | None = None,
    ) -> list[str]:
        """Switch only the data to the tree ``target``, to which the code was switched already.

        Used at the end of a merge or rebase; otherwise as :meth:`run`. ``start``: the commit whose
        data the working tree has, by default HEAD. Raises UncommittedChangesError if changed data
        would be lost.
        """
        progress(0, message="plan")
        steps, before, written_paths = self._begin(start or self._git.find("HEAD"), target)
        # The files that name the data are the target's already; the data is that of HEAD.
        steps.now = before
        self._check_data(steps, written_paths, before)
        return self._go(steps, move, progress, thorough=False)

    def commit(
        self,
        tree: str,
        parents: Sequence[str],
        message: str,
        source: str,
        *,
        author: Author | None = None,
    ) -> str:
        """Return a new commit that no ref names yet, after the repository's hooks ran.

        ``source`` is git's word for the origin of the message; ``author`` as for
        :func:`.commit_tree`. Raises HookRejectedError if a hook refuses, SigningFailedError if the
        commit can't be signed.
        """
        if len(parents) > 1:
            run_hook(self._git, "pre-merge-commit")
        file = self._project.state / f"{uuid.uuid4().hex[:12]}.index.message"
        file.write_text(message.strip() + "\n", encoding="utf-8")
        try:
            run_hook(self._git, "prepare-commit-msg", str(file), source)
            run_hook(self._git, "commit-msg", str(file))
            text = file.read_text(encoding="utf-8")
        finally:
            file.unlink(missing_ok=True)
        sign = is_signing(self._git)
        return commit_tree(self._git, tree, parents, text, sign=sign, author=author)

    def _go(
        self, steps: Steps, move: Callable[[], None], progress: ProgressCallback, *, thorough: bool
    ) -> list[str]:
        with ExitStack() as stack:
            data = None
            if steps.place or steps.give_way or steps.remove or steps.there:
                data = stack.enter_context(open_data(self._root))
                self._make_ready(steps, data, progress, thorough=thorough)
            self.check_space(steps)
            progress(0, message="switch")
            # From here on nothing asks whether to stop: half a version is worse than a whole one.
            changing = [item.path for item in [*steps.place, *steps.give_way, *steps.remove]]
            switch = Switch(
                goal=steps.target,
                base=steps.head,
                moves=True,
                data=changing,
                operation=CHECKOUT,
                created=steps.created,
            )
            begin_switch(self._project, switch)
            try:
                for item in steps.give_way:
                    self._take_away(item, data)
                try:
                    move()
                except GitFailedError as error:
                    if self._git.find("HEAD") != steps.target:
                        self.put_back(steps)
                        raise error.to_mlws_error() from error
                    # As with git itself: a hook that fails after the switch leaves it as it is.
                    log.warning("%s: %s", error.command, error.reason)
            except BaseException:
                # git changed nothing, so that nothing has changed once the data is back.
                for item in steps.give_way:
                    if data is not None:
                        data.worktree.checkout(item)
                end_switch(self._project)
                raise
            for item in steps.remove:
                self._take_away(item, data)
            for item in steps.place:
                if data is not None:
                    data.worktree.checkout(item)
            end_switch(self._project)
        return format_paths(set(changing))

    def _ignored_in_the_way(
        self, path: str, tracked_paths: set[str], data_paths: set[str]
    ) -> Iterator[str]:
        """Yield the ignored files that git would replace by ``path``.

        Files in ``data_paths`` may be removed.
        """
        for place in (path, *_parents(path)):
            target = self._root / place
            if place in tracked_paths or covers(data_paths, place) or not os.path.lexists(target):
                continue
            if not target.is_dir() or target.is_symlink():
                yield place
            elif place == path:
                yield from (
                    file_path
                    for file_path in self._others(place)
                    if not covers(data_paths, file_path)
                )

    def _others(self, path: str) -> list[str]:
        """Return the files at and below ``path`` that git does not version.

        Ignored files are included.
        """
        return split_nul(self._git.run("ls-files", "--others", "-z", "--", path))

    def check_space(self, steps: Steps) -> None:
        """Raise DiskFullError if the target's files need more than the free disk space."""
        if not steps.code:
            return
        new = [entry.sha for entry in self._files_in(steps.target, steps.code)]
        old = [entry.sha for entry in self._files_in(steps.head, steps.code)]
        # Old ones make room one by one, and only after the new one is written.
        sizes = self._git.sizes([*new, *old])
        needed = sum(sizes[sha] for sha in new) - sum(sizes[sha] for sha in old)
        disk = os.statvfs(self._root)
        free = disk.f_bavail * disk.f_frsize
        if needed > free:
            words = Message("{needed} bytes required, {free} available", needed=needed, free=free)
            raise DiskFullError(reason=words)

    def _files_in(self, tree: str | None, paths: set[str]) -> list[TreeEntry]:
        entries = self._git.tree(tree) if tree else []
        return [e for e in entries if e.path in paths and e.mode != SUBMODULE]

    def put_back(self, steps: Steps) -> None:
        """Undo the files that git wrote before it failed; the user's work is not affected."""
        tracked_paths = set(self._git.files())
        written_paths = [
            entry.path
            for entry in self._git.status().entries
            if entry.path in steps.code and not entry.staged
        ]
        for path in written_paths:
            if path not in tracked_paths:
                (self._root / path).unlink(missing_ok=True)
        stdin = join_nul(path for path in written_paths if path in tracked_paths)
        if stdin:
            self._git.run("checkout-index", "--force", "-z", "--stdin", stdin=stdin)

    def _check_data(
        self, steps: Steps, written_paths: set[str], before: dict[str, DataPointer]
    ) -> None:
        """Add the steps of the data; UncommittedChangesError if uncommitted work would be lost."""
        now = steps.now
        target = {item.path: item for item in self._content.data_at(steps.target) if item.md5}
        changing = [item for item in target.values() if not _same(before.get(item.path), item)]
        there = self._working.states(changing)
        steps.there = [item for item in changing if item.path not in there]
        # git takes its own files away, even where data of the same content comes.
        around = steps.code | {parent for path in steps.code for parent in _parents(path)}
        placements = [item for item in changing if item.path in there or item.path in around]
        removals = [item for path, item in before.items() if path not in target and path in now]
        removals = [item for item in removals if (self._root / item.path).exists()]
        above = written_paths | {parent for path in written_paths for parent in _parents(path)}
        steps.give_way = [item for item in removals if item.path in above]
        steps.remove = [item for item in removals if item not in steps.give_way]
        changed_paths = {item.path for item in [*placements, *removals]}
        states = self._working.states([now[path] for path in sorted(changed_paths) if path in now])
        for path in changed_paths:
            if states.get(path) == "modified":
                steps.lost.add(path)
            elif path not in now:
                steps.lost.update(self._others(path))
        # Missing data that both versions have is checked out too, if a store has it.
        absent_items = [
            item
            for item in target.values()
            if _same(before.get(item.path), item) and not (self._root / item.path).exists()
        ]
        steps.place = [*placements, *absent_items]
        # Files where data needs a folder are lost, unless git removes them.
        needed_folders = {parent for item in steps.place for parent in _parents(item.path)}
        steps.lost.update(
            path for path in needed_folders - steps.code if (self._root / path).is_file()
        )
        if steps.lost:
            paths = format_paths(steps.lost)
            raise UncommittedChangesError(paths=paths)

    def _make_ready(
        self, steps: Steps, data: DataStore, progress: ProgressCallback, *, thorough: bool
    ) -> None:
        """Ensure that all data to place and all data to remove is in the cache."""
        absent = data.cache.missing(steps.place)
        before = {i.path: i for i in self._content.data_at(steps.head)} if steps.head else {}
        changing = {item.path for item in absent if not _same(before.get(item.path), item)}
        needed = [item for item in absent if item.path in changing and not item.pipeline]
        unavailable, unreachable = data.remote.find_unavailable(absent)
        if unreachable is not None and (absent if thorough else needed):
            raise unreachable
        lacking = _paths(unavailable)
        unknown = [item.path for item in needed if item.path in lacking]
        if unknown:
            raise DataMissingError(paths=", ".join(format_paths(unknown)))
        # An output of a workflow that no store has is made again by running it.
        steps.place = [item for item in steps.place if item.path not in lacking]
        progress(0, message="fetch")
        data.remote.fetch([item for item in absent if item.path not in lacking], progress)
        progress(0, message="check")
        data.cache.check(steps.place)
        paths = _paths([*steps.give_way, *steps.remove, *steps.place])
        leaving = [item for item in steps.now.values() if item.path in paths and item.md5]
        for item in data.cache.missing([*leaving, *steps.there]):
            data.worktree.store(item)

    def _take_away(self, item: DataPointer, data: DataStore | None) -> None:
        """Remove data and the folders that became empty, as git does."""
        if data is not None:
            data.worktree.remove(item)
        remove_empty_directories(self._root, item.path)


def _same(one: DataPointer | None, other: DataPointer) -> bool:
    return one is not None and (one.md5, one.legacy) == (other.md5, other.legacy)


def _paths(items: Iterable[DataPointer]) -> set[str]:
    return {item.path for item in items}


def _parents(path: str) -> list[str]:
    return [parent.as_posix() for parent in PurePosixPath(path).parents if parent.name]
