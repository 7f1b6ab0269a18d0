"""Moves the working tree from one commit to another: code by git, data by DVC.

What is not committed and does not stand in the way stays, as with git itself. Everything is
looked at, fetched and checked before the first file changes.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from jupyter_mlws.core.errors import DataMissingError, DiskFullError, UncommittedChangesError
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.core.progress import ProgressCallback, no_progress
from jupyter_mlws.dvc.pointers import DataPointer, covers
from jupyter_mlws.git.adapter import GitFailedError, Status, TreeEntry
from jupyter_mlws.git.diffs import differences
from jupyter_mlws.git.merge import SUBMODULE
from jupyter_mlws.versioning.data.data_index import format_paths
from jupyter_mlws.versioning.data.storage import full_disk_told
from jupyter_mlws.versioning.repository import Repository
from jupyter_mlws.versioning.worktree.switch_journal import (
    Switch,
    begin_switch,
    end_switch,
)

if TYPE_CHECKING:
    from jupyter_mlws.dvc.data import DataStore

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


class Switching:
    """Switches of one project; the caller holds the project's lock for :meth:`run`."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._project = repository.project
        self._root = repository.project.root
        self._git = repository.git
        self._content = repository.content
        self._working = repository.working

    def check(self, target: str) -> Steps:
        """Return the steps of :meth:`run`.

        Error 30201 during a merge, 30202 if uncommitted work would be lost.
        """
        status = self._git.status()
        self._repository.refuse_unfinished(status.conflicts)
        steps, before, written_paths = self._begin(status.head, target)
        steps.now = {item.path: item for item in self._content.data_now(status)}
        self._check_code(steps, status, written_paths, set(steps.now) & set(before))
        self._check_data(steps, written_paths, before)
        return self._unless_lost(steps)

    def check_data(self, target: str) -> Steps:
        """Return the steps of :meth:`follow`; error 30202 if changed data would be lost."""
        steps, before, written_paths = self._begin(self._git.find("HEAD"), target)
        # The files that name the data are the target's already; the data is that of HEAD.
        steps.now = before
        self._check_data(steps, written_paths, before)
        return self._unless_lost(steps)

    def _begin(
        self, head: str | None, target: str
    ) -> tuple[Steps, dict[str, DataPointer], set[str]]:
        """Return the steps with changed code, the data named now, and git's new files."""
        start = head or self._git.tree_of(None)
        rows = differences(self._git, start, target, renames=False)
        steps = Steps(head, target, code={row.path for row in rows})
        before = {item.path: item for item in self._content.data_at(head)} if head else {}
        return steps, before, {entry.path for entry in self._git.tree(target)} & steps.code

    def _unless_lost(self, steps: Steps) -> Steps:
        if steps.lost:
            paths = format_paths(steps.lost)
            raise UncommittedChangesError(paths=paths, named=", ".join(paths))
        return steps

    def run(
        self,
        target: str,
        move: Callable[[], None],
        progress: ProgressCallback = no_progress,
        *,
        thorough: bool = False,
    ) -> list[str]:
        """Switch code and data to the commit ``target``; ``move`` makes git go there.

        ``thorough``: an unreachable remote is an error even if only data is missing that both
        versions have.

        Returns the paths of data that changed. Error 30402 if data is in no store, 30401 if it is
        damaged, 30101 if the remote that may have it cannot be reached; nothing has changed then.
        """
        progress(0, message="plan")
        return self._go(self.check(target), move, progress, thorough=thorough)

    def follow(
        self, target: str, move: Callable[[], None], progress: ProgressCallback = no_progress
    ) -> list[str]:
        """Switch only the data to the tree ``target``, to which the code was switched already.

        Used at the end of a merge; otherwise as :meth:`run`.
        """
        progress(0, message="plan")
        return self._go(self.check_data(target), move, progress, thorough=False)

    def _go(
        self, steps: Steps, move: Callable[[], None], progress: ProgressCallback, *, thorough: bool
    ) -> list[str]:
        with ExitStack() as stack, full_disk_told():
            moving = steps.place or steps.give_way or steps.remove or steps.there
            data = self._open(stack) if moving else None
            if data is not None:
                self._make_ready(steps, data, progress, thorough=thorough)
            self.check_space(steps)
            progress(0, message="switch")
            # From here on nothing asks whether to stop: half a version is worse than a whole one.
            changing = [item.path for item in [*steps.place, *steps.give_way, *steps.remove]]
            switch = Switch(steps.target, steps.head, moves=True, data=changing)
            begin_switch(self._project, switch)
            self._switch(steps, move, data)
            end_switch(self._project)
        return format_paths(_paths([*steps.place, *steps.give_way, *steps.remove]))

    def _switch(self, steps: Steps, move: Callable[[], None], data: DataStore | None) -> None:
        try:
            for item in steps.give_way:
                self._take_away(item, data)
            self._move(steps, move)
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

    # Code

    def _check_code(
        self, steps: Steps, status: Status, written_paths: set[str], data_paths: set[str]
    ) -> None:
        above = {parent for path in written_paths for parent in _parents(path)}
        for entry in status.entries:
            path = entry.path.rstrip("/")
            if entry.state == "deleted" and not entry.staged:
                # git writes such a file anew, and nothing is lost by that.
                continue
            overlap = steps.code & {path, entry.old_path or path}
            blocks = entry.state == "untracked" and (
                path in above or written_paths & set(_parents(path))
            )
            if overlap or blocks:
                steps.lost.add(path)
        tracked_paths = set(self._git.files())
        for path in written_paths - tracked_paths - steps.lost:
            steps.lost.update(self._ignored_in_the_way(path, tracked_paths, data_paths))

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
        output = self._git.run("ls-files", "--others", "-z", "--", path)
        return [
            file_path
            for file_path in output.decode(errors="surrogateescape").split("\0")
            if file_path
        ]

    def _move(self, steps: Steps, move: Callable[[], None]) -> None:
        try:
            move()
        except GitFailedError as error:
            if self._git.find("HEAD") != steps.target:
                self.put_back(steps)
                raise error.to_mlws_error() from error
            # As with git itself: a hook that fails after the switch leaves it as it is.
            log.warning("%s: %s", error.command, error.reason)

    def check_space(self, steps: Steps) -> None:
        """Raise error 30102 if the target's files need more than the free disk space."""
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
        stdin_text = "".join(f"{path}\0" for path in written_paths if path in tracked_paths)
        if stdin_text:
            stdin = stdin_text.encode(errors="surrogateescape")
            self._git.run("checkout-index", "--force", "-z", "--stdin", stdin=stdin)

    # Data

    def _check_data(
        self,
        steps: Steps,
        written_paths: set[str],
        before: dict[str, DataPointer],
    ) -> None:
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
        # What is the same in both and only not there is brought along, as far as there is any.
        absent_items = [
            item
            for item in target.values()
            if _same(before.get(item.path), item) and not (self._root / item.path).exists()
        ]
        steps.place = [*placements, *absent_items]
        for item in steps.place:
            steps.lost.update(self._files_above(item.path, steps.code))

    def _files_above(self, path: str, code: set[str]) -> Iterator[str]:
        """Yield files where data needs a folder, unless git removes them."""
        for place in _parents(path):
            target = self._root / place
            if target.is_file() and place not in code:
                yield place

    def _make_ready(
        self, steps: Steps, data: DataStore, progress: ProgressCallback, *, thorough: bool
    ) -> None:
        """Ensure that all data to place and all data to remove is in the cache."""
        absent = data.cache.missing(steps.place)
        changing = {item.path for item in absent if not self._named_now(item)}
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
        leaving = self._there(steps, [*steps.give_way, *steps.remove, *steps.place])
        for item in data.cache.missing([*leaving, *steps.there]):
            data.worktree.store(item)

    def _named_now(self, item: DataPointer) -> bool:
        head = self._git.find("HEAD")
        before = self._content.data_at(head) if head else []
        return any(previous.path == item.path and _same(previous, item) for previous in before)

    def _there(self, steps: Steps, items: Iterable[DataPointer]) -> list[DataPointer]:
        """Return the data recorded now at the items' paths in the working tree."""
        paths = _paths(items)
        return [item for item in steps.now.values() if item.path in paths and item.md5]

    def _take_away(self, item: DataPointer, data: DataStore | None) -> None:
        """Remove data and the folders that became empty, as git does."""
        if data is not None:
            data.worktree.remove(item)
        folder = (self._root / item.path).parent
        while folder != self._root and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
            folder = folder.parent

    def _open(self, stack: ExitStack) -> DataStore:
        from jupyter_mlws.dvc.data import open_data

        return stack.enter_context(open_data(self._root))


def _same(one: DataPointer | None, other: DataPointer) -> bool:
    return one is not None and (one.md5, one.legacy) == (other.md5, other.legacy)


def _paths(items: Iterable[DataPointer]) -> set[str]:
    return {item.path for item in items}


def _parents(path: str) -> list[str]:
    return [parent.as_posix() for parent in PurePosixPath(path).parents if parent.name]
