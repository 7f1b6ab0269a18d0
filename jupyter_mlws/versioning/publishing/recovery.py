"""Recovery from crashed operations: completes or undoes them, under the project's lock.

A restore or a stash replaces the working tree's content without a commit of its own: it waits
for the user, who finishes or aborts it, so that no commit publishes the half or the whole of it.

Later changes by the user are kept: only paths that are unchanged since the crash are touched.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Collection
from dataclasses import replace

from jupyter_mlws.git.adapter import Git
from jupyter_mlws.git.diffs import differences
from jupyter_mlws.git.index import await_index_lock, locked_index, reset_locked_index
from jupyter_mlws.mlflow.client import TrackingClient
from jupyter_mlws.versioning.data_index import DataIndex
from jupyter_mlws.versioning.publishing.publish import discard, finish, read_journals
from jupyter_mlws.versioning.worktree.data_status import WorktreeStatus
from jupyter_mlws.versioning.worktree.restore import Restore, find_leftovers, remove_leftovers
from jupyter_mlws.versioning.worktree.switch_journal import (
    FOLLOWING,
    Switch,
    end_switch,
    is_switching,
)
from mlws.core.atomic import remove_temp_paths
from mlws.core.errors import MLWSError
from mlws.core.project import Project
from mlws.dvc.worktree import remove_link_tests

log = logging.getLogger(__name__)


def has_leftovers(project: Project) -> bool:
    """Return whether a crash may have left something behind; checks only file names."""
    state = project.state
    return (
        is_switching(project)
        or is_switching(project, FOLLOWING)
        or any(state.glob("snapshot-*"))
        or bool(find_leftovers(state))
    )


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
        """Finish published snapshots, discard others, complete or undo a switch of HEAD."""
        journals = list(read_journals(self._project.state))
        switch = Switch.read(self._project)
        if journals or switch is not None:
            await_index_lock(self._git)
        for pending in journals:
            tip = self._git.find(pending.ref)
            if pending.sha is None or tip is None or not self._git.contains(tip, pending.sha):
                discard(self._project, pending)
                continue
            with locked_index(self._git):
                reset_locked_index(self._project, self._git, "HEAD", pending.index)
            for warning in finish(self._project, pending, self._tracking, lambda step: None):
                log.warning("Recovery of %s: %s", pending.sha, warning.en)
        remove_leftovers(self._project.state)
        # At the end of a merge, the merge itself is what is unfinished.
        following = Switch.read(self._project, FOLLOWING)
        if (switch is None and following is None) or self._git.unfinished():
            return
        try:
            if switch is not None and switch.moves:
                self._complete_switch(switch)
            if following is not None:
                # Someone finished or aborted in git what began here; the data is still the old.
                self._bring(following, self._git.resolve("HEAD"))
                end_switch(self._project, FOLLOWING)
        except (MLWSError, OSError) as error:
            # `status` reports it, and commits are refused until it is done.
            log.warning("Could not finish an interrupted switch of the working tree: %s", error)

    def go_on(self) -> None:
        """Finish the interrupted operation; what the user changed since stays."""
        switch = Switch.read(self._project)
        if switch is None:
            return
        if switch.moves:
            self._complete_switch(switch)
            return
        self._bring(switch, switch.goal)
        if switch.whole:
            self._restore.note_version(switch.goal)
        end_switch(self._project)

    def abort(self) -> None:
        """Restore the content from before the operation; later changes of the user stay.

        A switch that moved HEAD ends where it is: its data is what `status` reports.
        """
        switch = Switch.read(self._project)
        if switch is None:
            return
        before = switch.safety or self._git.find("HEAD")
        if not switch.moves and before is not None:
            self._bring(switch, before)
            base, index = (self._git.find(f"{before}^{number}") for number in (1, 2))
            if switch.safety and index and base == self._git.find("HEAD"):
                self._git.run("read-tree", index)
                self._git.run("update-index", "-q", "--refresh", codes=(0, 1))
        end_switch(self._project)

    @property
    def _restore(self) -> Restore:
        return Restore(self._project, self._content, self._working)

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
        # Without HEAD, the first checkout failed: there is no version to return to.
        if head is not None:
            self._bring(switch, head)
        end_switch(self._project)

    def _bring(self, switch: Switch, goal: str) -> None:
        """Bring the paths of a switch to a version, except what the user changed since."""
        head = self._git.find("HEAD")
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
        code_paths = [
            path
            for path in self._select_code_paths(switch, goal, head)
            if path not in changed_sources
        ]
        target = self._blob_ids(goal)
        remove = [path for path in code_paths if path not in target]
        for path, sha in switch.created.items():
            place = self._project.root / path
            # A killed git may have written the beginning alone.
            if place.is_symlink() or (
                place.is_file() and self._git.blobs([sha])[sha].startswith(place.read_bytes())
            ):
                remove.append(path)
        paths = [*code_paths, *data]
        # Changes of the user inside a folder are not known: a new safety commit keeps it.
        folders = any((self._project.root / path).is_dir() for path in data)
        if paths or remove:
            self._restore.run(
                goal,
                sorted(set(paths)),
                safety_commit=None if folders else switch.safety,
                keep_index=goal != switch.goal and not switch.moves,
                remove=remove,
                operation=switch.operation,
            )

    def _select_code_paths(self, switch: Switch, goal: str, head: str | None) -> list[str]:
        """Return the files to bring to the goal that are unchanged since the crash."""
        before = switch.code
        if switch.moves:
            if head == switch.goal or switch.base is None:
                # git has written all files, or had none to write.
                return []
            rows = differences(self._git, switch.base, switch.goal, renames=False)
            before = dict.fromkeys(row.path for row in rows)
        written, target = self._blob_ids(switch.goal), self._blob_ids(goal)
        now = _hash_files(self._git, before)
        return [
            path
            for path in before
            if now[path] in (None, before[path], written.get(path), target.get(path))
        ]

    def _select_data_paths(self, switch: Switch, goal: str) -> list[str]:
        """Return the data to bring to the goal, as :meth:`_select_code_paths` does for files.

        A folder may be partly switched, so it is always included.
        """
        before = switch.base if switch.moves else switch.safety or self._git.find("HEAD")
        versions = [
            {item.path: item for item in self._content.data_at(version)}
            for version in {goal, switch.goal, before}
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
