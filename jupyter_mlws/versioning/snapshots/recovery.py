"""Finishes or undoes what crashed operations left behind; under the project's lock.

What a person did since then stays: a path is touched only where it still is as the crash left it.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from jupyter_mlws.core.atomic import remove_temp_paths
from jupyter_mlws.core.errors import MLWSError
from jupyter_mlws.core.project import Project
from jupyter_mlws.dvc.pointers import DataPointer
from jupyter_mlws.dvc.worktree import remove_link_tests
from jupyter_mlws.git.adapter import Git
from jupyter_mlws.git.diffs import differences
from jupyter_mlws.mlflow.client import TrackingClient
from jupyter_mlws.versioning.data.data_index import DataIndex
from jupyter_mlws.versioning.snapshots.journal import SnapshotJournal, read_journals
from jupyter_mlws.versioning.snapshots.publish import discard, finish
from jupyter_mlws.versioning.worktree.data_status import WorktreeStatus
from jupyter_mlws.versioning.worktree.restore import Restore, find_leftovers, remove_leftovers
from jupyter_mlws.versioning.worktree.switch_journal import Switch, end_switch, is_switching

ORPHAN_LOCK_AGE = 10.0
"""Seconds after which a lock of git's index, which no git is seen to hold, was left by one."""

log = logging.getLogger(__name__)


def has_leftovers(project: Project) -> bool:
    """Return whether a crash may have left something behind; checks only file names."""
    state = project.state
    return is_switching(project) or any(state.glob("snapshot-*")) or bool(find_leftovers(state))


class Recovery:
    """Brings one project back to a consistent state."""

    def __init__(
        self,
        project: Project,
        content: DataIndex,
        working: WorktreeStatus,
        tracking: TrackingClient,
    ) -> None:
        self._project = project
        self._git = Git(project.root)
        self._content = content
        self._working = working
        self._tracking = tracking

    def run(self) -> None:
        """Finish published snapshots, discard others, complete or undo a switch."""
        journals = list(read_journals(self._project.state))
        switch = Switch.read(self._project)
        if journals or switch is not None:
            _release_index_lock(self._git)
        for pending in journals:
            self._finish_or_discard(pending)
        remove_leftovers(self._project.state)
        if switch is not None:
            self._complete_switch(switch)

    def _finish_or_discard(self, pending: SnapshotJournal) -> None:
        if pending.sha is None or not self._is_published(pending):
            discard(self._project, pending)
            return
        for warning in finish(self._project, pending, self._tracking, lambda step: None):
            log.warning("Recovery of %s: %s", pending.sha, warning.en)

    def _is_published(self, pending: SnapshotJournal) -> bool:
        tip = self._git.find(pending.ref)
        return tip is not None and pending.sha is not None and self._git.contains(tip, pending.sha)

    # Switches

    def _complete_switch(self, switch: Switch) -> None:
        """Complete the switch; return to its start if git did not move HEAD."""
        head = self._git.find("HEAD")
        if switch.moves and head is not None and self._has_tree_of(head, switch.goal):
            # The commit that a merge ends with has the tree that was the goal.
            switch = replace(switch, goal=head)
        goal = head if switch.moves else switch.goal
        if goal is None:
            # The first checkout of all, undone: there is no version to hold.
            end_switch(self._project)
            return
        for path in (*switch.code, *switch.data):
            remove_temp_paths(self._project.root / path)
        for folder in {(self._project.root / path).parent for path in switch.data}:
            remove_link_tests(folder)
        data = self._select_data_paths(switch, goal)
        changed_sources = self._source_paths(set(switch.data) - set(data), (goal, head))
        paths = [
            path
            for path in self._select_code_paths(switch, goal, head)
            if path not in changed_sources
        ] + data
        # Of a folder nobody can say what in it a person changed since: it is kept once more.
        folders = any((self._project.root / path).is_dir() for path in data)
        try:
            if paths:
                restore = Restore(self._project, self._content, self._working)
                restore.run(
                    goal, sorted(set(paths)), safety_commit=None if folders else switch.safety
                )
        except (MLWSError, OSError) as error:
            # Told by `status` and refused by the next commit until it can be done.
            log.warning("Could not finish an interrupted switch of the working tree: %s", error)
            return
        end_switch(self._project)

    def _has_tree_of(self, commit: str, goal: str) -> bool:
        return self._git.tree_of(commit) == self._git.tree_of(goal)

    def _select_code_paths(self, switch: Switch, goal: str, head: str | None) -> list[str]:
        """Return the files to bring to the goal that are unchanged since the crash."""
        if not switch.moves:
            before = switch.code
        elif head == switch.goal or switch.base is None:
            # git is through with the files, or had none to begin with.
            return []
        else:
            rows = differences(self._git, switch.base, switch.goal, renames=False)
            goal_blobs = self._blob_ids(switch.goal)
            before = {row.path: goal_blobs.get(row.path) for row in rows}
        target = self._blob_ids(goal)
        now = _hash_files(self._git, before)
        return [path for path in before if now[path] in (None, before[path], target.get(path))]

    def _source_paths(self, paths: Collection[str], versions: Iterable[str | None]) -> set[str]:
        """Return the files that name the data at ``paths``.

        Restoring them would restore the data, too.
        """
        items = [i for version in versions if version for i in self._content.data_at(version)]
        return {item.source for item in items if item.path in paths}

    def _select_data_paths(self, switch: Switch, goal: str) -> list[str]:
        """Return the data to bring to the goal, as :meth:`_select_code_paths` does for files.

        A folder may be partly switched, so it is always included.
        """
        other = switch.safety or self._git.find("HEAD")
        if switch.moves:
            other = switch.base if goal == switch.goal else switch.goal
        versions = [
            {item.path: item for item in self._content.data_at(version)}
            for version in (goal, other)
            if version is not None
        ]
        return [
            path
            for path in switch.data
            if self._is_unchanged(path, [v.get(path) for v in versions])
        ]

    def _is_unchanged(self, path: str, candidates: Iterable[DataPointer | None]) -> bool:
        target = self._project.root / path
        if target.is_dir() or not target.exists():
            return True
        return any(
            item is not None and item.md5 is not None and self._working.state(item) is None
            for item in candidates
        )

    def _blob_ids(self, revision: str) -> dict[str, str]:
        return {entry.path: entry.sha for entry in self._git.tree(revision)}


def _hash_files(git: Git, paths: Collection[str]) -> dict[str, str | None]:
    """Return the blob id of each path's content; None if there is no file."""
    hashes: dict[str, str | None] = dict.fromkeys(paths)
    together = []
    for path in paths:
        target = git.root / path
        if target.is_symlink():
            hashes[path] = git.hash(os.fsencode(target.readlink()))
        elif target.is_file() and "\n" in path:
            hashes[path] = git.hash_file(path)
        elif target.is_file():
            together.append(path)
    stdin = "".join(f"{path}\n" for path in together).encode(errors="surrogateescape")
    output = git.run("hash-object", "--stdin-paths", stdin=stdin, timeout=600)
    hashes.update(zip(together, output.decode().split(), strict=True))
    return hashes


def _release_index_lock(git: Git) -> None:
    """Wait for a git that outlived our process; remove the lock of one that died with it."""
    lock = git.root / git.path("index.lock")
    deadline = time.monotonic() + 2 * ORPHAN_LOCK_AGE
    while time.monotonic() < deadline:
        try:
            age = time.time() - lock.stat().st_mtime
        except FileNotFoundError:
            return
        # Another container's git is not seen here, but it writes.
        if age > ORPHAN_LOCK_AGE and not _is_git_running(git.root):
            log.warning("Removing %s, left behind by a killed git process", lock)
            lock.unlink(missing_ok=True)
            return
        time.sleep(0.05)


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
