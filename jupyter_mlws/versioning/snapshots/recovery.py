"""Recovery from crashed operations: completes or undoes them, under the project's lock.

Later changes by the user are kept: only paths that are unchanged since the crash are touched.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from jupyter_mlws.core.atomic import remove_temp_paths
from jupyter_mlws.core.errors import MLWSError
from jupyter_mlws.core.project import Project
from jupyter_mlws.dvc.worktree import remove_link_tests
from jupyter_mlws.git.adapter import Git
from jupyter_mlws.git.diffs import differences
from jupyter_mlws.mlflow.client import TrackingClient
from jupyter_mlws.versioning.data.data_index import DataIndex
from jupyter_mlws.versioning.snapshots.publish import discard, finish, read_journals
from jupyter_mlws.versioning.worktree.data_status import WorktreeStatus
from jupyter_mlws.versioning.worktree.restore import Restore, find_leftovers, remove_leftovers
from jupyter_mlws.versioning.worktree.switch_journal import Switch, end_switch, is_switching

ORPHAN_LOCK_AGE = 10.0
"""Seconds after which a lock of git's index is orphaned if no git process is visible."""

log = logging.getLogger(__name__)


def has_leftovers(project: Project) -> bool:
    """Return whether a crash may have left something behind; checks only file names."""
    state = project.state
    return is_switching(project) or any(state.glob("snapshot-*")) or bool(find_leftovers(state))


class Recovery:
    """Recovery of one project to a consistent state."""

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
            tip = self._git.find(pending.ref)
            if pending.sha is None or tip is None or not self._git.contains(tip, pending.sha):
                discard(self._project, pending)
                continue
            for warning in finish(self._project, pending, self._tracking, lambda step: None):
                log.warning("Recovery of %s: %s", pending.sha, warning.en)
        remove_leftovers(self._project.state)
        if switch is not None:
            self._complete_switch(switch)

    def _complete_switch(self, switch: Switch) -> None:
        """Complete the switch; return to its start if git did not move HEAD."""
        head = self._git.find("HEAD")
        if (
            switch.moves
            and head is not None
            and self._git.tree_of(head) == self._git.tree_of(switch.goal)
        ):
            # The commit at the end of a merge has the tree that was the goal.
            switch = replace(switch, goal=head)
        goal = head if switch.moves else switch.goal
        if goal is None:
            # The first checkout failed: there is no version to return to.
            end_switch(self._project)
            return
        for path in (*switch.code, *switch.data):
            remove_temp_paths(self._project.root / path)
        for folder in {(self._project.root / path).parent for path in switch.data}:
            remove_link_tests(folder)
        data = self._select_data_paths(switch, goal)
        # Restoring a file that names data would restore the data, too.
        changed_data = set(switch.data) - set(data)
        changed_sources = {
            item.source
            for version in (goal, head)
            if version
            for item in self._content.data_at(version)
            if item.path in changed_data
        }
        code_paths = self._select_code_paths(switch, goal, head)
        paths = [*(path for path in code_paths if path not in changed_sources), *data]
        # Changes of the user inside a folder are not known: a new safety commit keeps it.
        folders = any((self._project.root / path).is_dir() for path in data)
        try:
            if paths:
                restore = Restore(self._project, self._content, self._working)
                restore.run(
                    goal, sorted(set(paths)), safety_commit=None if folders else switch.safety
                )
        except (MLWSError, OSError) as error:
            # `status` reports it, and commits are refused until it is done.
            log.warning("Could not finish an interrupted switch of the working tree: %s", error)
            return
        end_switch(self._project)

    def _select_code_paths(self, switch: Switch, goal: str, head: str | None) -> list[str]:
        """Return the files to bring to the goal that are unchanged since the crash."""
        if not switch.moves:
            before = switch.code
        elif head == switch.goal or switch.base is None:
            # git has written all files, or had none to write.
            return []
        else:
            rows = differences(self._git, switch.base, switch.goal, renames=False)
            goal_blobs = self._blob_ids(switch.goal)
            before = {row.path: goal_blobs.get(row.path) for row in rows}
        target = self._blob_ids(goal)
        now = _hash_files(self._git, before)
        return [path for path in before if now[path] in (None, before[path], target.get(path))]

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
        paths = []
        for path in switch.data:
            target = self._project.root / path
            items = [items_by_path[path] for items_by_path in versions if path in items_by_path]
            if (
                target.is_dir()
                or not target.exists()
                or any(item.md5 and self._working.state(item) is None for item in items)
            ):
                paths.append(path)
        return paths

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
    """Wait for a git process that outlived ours; remove the lock of one that died with it."""
    lock = git.root / git.path("index.lock")
    deadline = time.monotonic() + 2 * ORPHAN_LOCK_AGE
    while time.monotonic() < deadline:
        try:
            age = time.time() - lock.stat().st_mtime
        except FileNotFoundError:
            return
        # A git process of another container is not visible, but updates the file.
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
