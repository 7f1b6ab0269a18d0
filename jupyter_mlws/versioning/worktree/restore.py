"""Restores of the working tree to a version; a safety commit keeps the previous content.

Everything is fetched, checked and laid out beside the working tree before the first file in it
changes. HEAD and branch do not move.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from jupyter_mlws.core.ids import time_ordered_id
from jupyter_mlws.git.adapter import Git, Status, TreeEntry
from jupyter_mlws.git.commits import commit_tree
from jupyter_mlws.git.diffs import differences
from jupyter_mlws.git.index import PrivateIndex, private_index, reset_index, uncommitted_paths
from jupyter_mlws.git.merge import LINK, SUBMODULE
from jupyter_mlws.versioning.data_index import (
    DEFAULT_LARGE_FILE_BYTES,
    DataIndex,
    normalize_path,
)
from jupyter_mlws.versioning.models import (
    CodeAction,
    DataAction,
    Lost,
    Missing,
    RestorePlan,
    RestoreResult,
    UnreachableRemote,
)
from jupyter_mlws.versioning.worktree.data_status import WorktreeStatus
from jupyter_mlws.versioning.worktree.switch_journal import (
    RESTORE,
    Switch,
    begin_switch,
    end_switch,
)
from mlws.core.atomic import atomic_write, temp_path
from mlws.core.errors import DataMissingError, MLWSError
from mlws.core.i18n import Message
from mlws.core.progress import ProgressCallback, no_progress
from mlws.core.project import Project
from mlws.dvc.data import DataStore, open_data
from mlws.dvc.pointers import SETTINGS_FILE, DataPointer, covers

SAFETY = "safety/"
"""Below ``refs/mlws/``: commits that keep what a restore replaced."""
RESTORED_VERSION_FILE = "restored.json"
"""In the project's state: the snapshot that was restored last as a whole, and HEAD then."""
SAFETY_MESSAGE_PREFIX = "Before: "
"""Prefix of a safety commit's message, before the command that replaced its content."""
STALE_INDEX_AGE = 600.0
"""Seconds after which a private index is left over: the longest call of git on one is shorter."""
EXECUTABLE = "100755"
"""Mode of an executable file in a tree."""

REASONS = {
    "modified": Message("changed since the last snapshot"),
    "added": Message("not committed yet"),
    "untracked": Message("not committed yet"),
    "ignored": Message("ignored by git"),
    "renamed": Message("renamed since the last snapshot"),
}


@dataclass
class RestoreSteps:
    """Steps of a restore: files to write and delete, data to check out, fetch and delete."""

    sha: str
    write: list[str] = field(default_factory=list)
    delete: list[str] = field(default_factory=list)
    checkout: list[DataPointer] = field(default_factory=list)
    fetch: list[DataPointer] = field(default_factory=list)
    remove: list[DataPointer] = field(default_factory=list)
    missing: list[DataPointer] = field(default_factory=list)
    unreachable: MLWSError | None = None
    lost: dict[str, str] = field(default_factory=dict)
    conflicting_paths: dict[str, str] = field(default_factory=dict)
    index: list[str] = field(default_factory=list)

    @property
    def nothing(self) -> bool:
        """True if the working tree holds this version already (the index may not)."""
        return not (self.write or self.delete or self.checkout or self.fetch or self.remove)


class Restore:
    """Restores of one project, and their plans."""

    def __init__(self, project: Project, content: DataIndex, working: WorktreeStatus) -> None:
        self._project = project
        self._root = project.root
        self._git = Git(project.root)
        self._content = content
        self._working = working

    def plan(self, sha: str, paths: Sequence[str] | None = None) -> RestorePlan:
        """Return the plan of :meth:`run`."""
        with ExitStack() as stack:
            steps = self._plan_steps(sha, paths, stack)
        return RestorePlan(
            snapshot=sha,
            code=[
                *(CodeAction(path=path, action="write") for path in steps.write),
                *(CodeAction(path=path, action="delete") for path in steps.delete),
            ],
            data=[
                *(_to_data_action(item, "checkout") for item in steps.checkout),
                *(_to_data_action(item, "fetch") for item in steps.fetch),
                *(_to_data_action(item, "delete") for item in steps.remove),
            ],
            bytes_to_fetch=sum(item.size or 0 for item in steps.fetch),
            lost=[
                Lost(path=path, reason=REASONS[state]) for path, state in sorted(steps.lost.items())
            ],
            missing=[Missing(path=item.path, md5=item.md5 or "") for item in steps.missing],
            unreachable=(
                UnreachableRemote(**steps.unreachable.facts) if steps.unreachable else None
            ),
            nothing=steps.nothing and not steps.missing,
        )

    def run(
        self,
        sha: str,
        paths: Sequence[str] | None = None,
        progress: ProgressCallback = no_progress,
        *,
        safety_commit: str | None = None,
        keep_index: bool = False,
        remove: Collection[str] = (),
        operation: str = RESTORE,
    ) -> RestoreResult:
        """Restore; the caller holds the project's lock.

        ``safety_commit``: a commit that already contains everything that is replaced.
        ``keep_index``: staged changes of the restored paths stay staged. ``remove``: untracked
        files to delete. ``operation`` names an interrupted restore.
        """
        remove_leftovers(self._project.state)
        with ExitStack() as stack:
            progress(0, message="plan")
            steps = self._plan_steps(sha, paths, stack)
            untracked = dict.fromkeys(remove, "untracked")
            for path in sorted(untracked.keys() - {*steps.delete}):
                if os.path.lexists(self._root / path):
                    steps.delete.append(path)
                    self._record_lost_work(steps, path, untracked, ())
            if keep_index:
                steps.index = []
            if steps.unreachable is not None:
                raise steps.unreachable
            if steps.missing:
                raise DataMissingError(paths=", ".join(item.path for item in steps.missing))
            if steps.nothing:
                self._tidy_index(steps)
                self._end(sha, whole=paths is None)
                return RestoreResult(safety=None, restored=[])
            data = None
            changed_data = [*steps.checkout, *steps.fetch, *steps.remove]
            if changed_data or self._working.states(self._content.data_now()):
                data = self._open(steps, stack)
                progress(0, message="fetch")
                data.remote.fetch(steps.fetch)
                progress(0, message="check")
                data.cache.check([*steps.checkout, *steps.fetch])
            progress(0, message="lay out")
            export_directory = stack.enter_context(self._export_files(sha, steps.write))
            progress(0, message="keep")
            safety = safety_commit or self._save_worktree(
                f"{SAFETY}{time_ordered_id()}", data, steps
            )
            # Recovery compares with the previous blobs, to recognise later changes by the user.
            previous_commit = safety or self._git.find("HEAD")
            entries = self._git.tree(previous_commit) if previous_commit else []
            before = {entry.path: entry.sha for entry in entries}
            switch = Switch(
                goal=steps.sha,
                safety=safety,
                code={path: before.get(path) for path in [*steps.write, *steps.delete]},
                data=[item.path for item in changed_data],
                operation=operation,
                whole=paths is None,
            )
            # From here on nothing asks whether to stop: half a version is worse than a whole one.
            begin_switch(self._project, switch)
            self._apply_steps(steps, export_directory, data)
            self._end(sha, whole=paths is None)
        return RestoreResult(safety=safety, restored=sorted({*switch.code, *switch.data}))

    def _end(self, sha: str, *, whole: bool) -> None:
        """Delete the journal; of a whole restore, note the version that the files are of."""
        if whole:
            self.note_version(sha)
        end_switch(self._project)

    def note_version(self, sha: str) -> None:
        """Record that the files are those of a snapshot other than HEAD."""
        file = self._project.state / RESTORED_VERSION_FILE
        head = self._git.find("HEAD")
        if sha == head or self._git.run("for-each-ref", "--points-at", sha, f"refs/mlws/{SAFETY}"):
            file.unlink(missing_ok=True)
        else:
            atomic_write(file, json.dumps({"commit": sha, "head": head}))

    def keep(self, name: str, message: str | None = None) -> str | None:
        """Commit the working tree as it is to ``refs/mlws/<name>``.

        None if HEAD has everything.
        """
        if not self._working.states(self._content.data_now()):
            return self._save_worktree(name, None, None, message)
        with open_data(self._root) as data:
            return self._save_worktree(name, data, None, message)

    def _plan_steps(self, sha: str, paths: Sequence[str] | None, stack: ExitStack) -> RestoreSteps:
        path_filter = None
        if paths is not None:
            path_filter = [normalize_path(self._project, path) for path in paths]
        status = self._git.status()
        steps = RestoreSteps(sha)
        self._plan_data(steps, path_filter, status, stack)
        self._plan_code(steps, path_filter, status)
        return steps

    def _plan_code(
        self, steps: RestoreSteps, path_filter: list[str] | None, status: Status
    ) -> None:
        target = {e.path: e for e in self._git.tree(steps.sha) if e.mode != SUBMODULE}
        index = set(self._git.files())
        tracked_paths = index | (
            {e.path for e in self._git.tree(status.head)} if status.head else set()
        )
        # Data that is restored by its own path brings the file that names it.
        sources = {i.source for i in self._content.data_at(steps.sha) if not i.pipeline} & {
            item.source
            for item in self._content.data_at(steps.sha)
            if path_filter is not None and covers(path_filter, item.path)
        }

        def wanted(path: str) -> bool:
            return path_filter is None or path in sources or covers(path_filter, path)

        differing = {d.path for d in differences(self._git, steps.sha, renames=False)}
        entries = {entry.path: entry.state for entry in status.entries}
        for path in sorted(filter(wanted, target)):
            # git compares what the index has; other files at these paths are ours to compare.
            if path in differing if path in index else not self._is_unchanged(target[path]):
                steps.write.append(path)
                self._record_lost_work(steps, path, entries, tracked_paths)
        for path in sorted(filter(wanted, tracked_paths - set(target))):
            if (self._root / path).is_file() or (self._root / path).is_symlink():
                steps.delete.append(path)
                self._record_lost_work(steps, path, entries, tracked_paths)
        staged_paths = [
            entry.path for entry in status.entries if entry.staged and wanted(entry.path)
        ]
        steps.index = sorted({*steps.write, *steps.delete, *staged_paths})

    def _is_unchanged(self, entry: TreeEntry) -> bool:
        """Return whether the working tree's file matches the version, filters applied."""
        target = self._root / entry.path
        if target.is_symlink() or entry.mode == LINK:
            same_kind = target.is_symlink() and entry.mode == LINK
            return same_kind and self._git.hash(os.fsencode(target.readlink())) == entry.sha
        if not target.is_file():
            return False
        executable = bool(target.stat().st_mode & 0o100)
        return executable == (entry.mode == EXECUTABLE) and (
            self._git.hash_file(entry.path) == entry.sha
        )

    def _record_lost_work(
        self,
        steps: RestoreSteps,
        path: str,
        entries: dict[str, str],
        tracked_paths: Collection[str],
    ) -> None:
        """Record the uncommitted work that is lost if ``path`` is written or deleted."""
        target = self._root / path
        if target.is_dir() and not target.is_symlink():
            steps.lost[path] = steps.conflicting_paths[path] = "untracked"
        elif entries.get(path) in REASONS:
            steps.lost[path] = entries[path]
        elif path not in tracked_paths and os.path.lexists(target):
            steps.lost[path] = steps.conflicting_paths[path] = "ignored"
        for parent in Path(path).parents:
            above = parent.as_posix()
            if above not in tracked_paths and (
                (self._root / above).is_file() or (self._root / above).is_symlink()
            ):
                steps.lost[above] = steps.conflicting_paths[above] = "untracked"

    def _plan_data(
        self, steps: RestoreSteps, path_filter: list[str] | None, status: Status, stack: ExitStack
    ) -> None:
        target = [item for item in self._content.data_at(steps.sha) if item.md5]
        now = self._content.data_now(status)

        def wanted(item: DataPointer) -> bool:
            return (
                path_filter is None
                or covers(path_filter, item.path)
                or covers(path_filter, item.source)
            )

        names = {item.path for item in target}
        steps.remove = [
            item
            for item in now
            if item.path not in names and wanted(item) and (self._root / item.path).exists()
        ]
        states = self._working.states([item for item in target if wanted(item)])
        differing = [item for item in target if item.path in states]
        current = {item.path: item for item in now}
        changed_paths = {item.path for item in [*differing, *steps.remove]}
        for path, state in self._working.states([*current.values()]).items():
            if path in changed_paths and state == "modified":
                steps.lost[path] = "modified"
        for path in changed_paths - set(current):
            if (self._root / path).exists():
                steps.lost[path] = steps.conflicting_paths[path] = "untracked"
        if not differing:
            return
        data = self._open(steps, stack)
        absent = data.cache.missing(differing)
        steps.checkout = [item for item in differing if item not in absent]
        unavailable, unreachable = data.remote.find_unavailable(absent)
        lacking = {item.path for item in unavailable}
        steps.fetch = [item for item in absent if item.path not in lacking]
        # An output of a workflow that no store has is made again by running it.
        steps.missing = [i for i in absent if i.path in lacking and not i.pipeline]
        steps.unreachable = unreachable if steps.missing else None

    def _save_worktree(
        self,
        name: str,
        data: DataStore | None,
        steps: RestoreSteps | None,
        message: str | None = None,
    ) -> str | None:
        """Commit everything in the working tree and the index; None if HEAD has it all."""
        head = self._git.find("HEAD")
        with private_index(self._project) as private:
            index_tree = private.write_tree()
            # Large untracked files are included only if the restore replaces them.
            lost_paths = steps.lost if steps else {}
            status = self._git.status()
            private.add(
                sorted(uncommitted_paths(self._root, status, DEFAULT_LARGE_FILE_BYTES, lost_paths))
            )
            if steps is not None:
                # Ignored files go as well where the version has something of that name.
                private.add(steps.conflicting_paths, force=True)
            if data is not None:
                self._save_data(private, data, steps)
            tree = private.write_tree()
            before = self._git.tree_of(head)
            if tree == before and index_tree == before:
                return None
            parents = [head] if head else []
            if index_tree != before and (index_tree != tree or steps is not None):
                # What was staged is kept as with git stash, so that it can be staged again.
                parents.append(commit_tree(private, index_tree, parents, "The index\n"))
            text = message or f"Working tree kept: {name}\n"
            sha = commit_tree(private, tree, parents, text)
        self._git.run("update-ref", f"refs/mlws/{name}", sha)
        return sha

    def _save_data(
        self, private: PrivateIndex, data: DataStore, steps: RestoreSteps | None
    ) -> None:
        """Store changed data and record it in the safety commit (not in the working tree)."""
        now = self._content.data_now()
        states = self._working.states(now)
        replaced_items = [*steps.checkout, *steps.fetch, *steps.remove] if steps else []
        paths = {item.path for item in replaced_items}
        pointers_by_source: dict[str, dict[str, DataPointer]] = {}
        pointers = []
        for item in now:
            state = states.get(item.path)
            if state == "modified" or (state is None and item.path in paths):
                pointer = data.worktree.store(item)
                if pointer is not None:
                    pointers.append(pointer)
                    if state == "modified":
                        pointers_by_source.setdefault(item.source, {})[item.written] = pointer
        data.cache.sync(data.cache.objects(pointers))
        for source, items in pointers_by_source.items():
            private.put(source, with_hashes((self._root / source).read_bytes(), items))

    @contextmanager
    def _export_files(self, sha: str, paths: list[str]) -> Iterator[Path]:
        """Yield a temporary folder with the version's files, ready to be moved."""
        name = uuid.uuid4().hex[:12]
        folder = self._project.state / f"restore-{name}"
        private = PrivateIndex(self._root, index=self._project.state / f"restore-{name}.index")
        folder.mkdir()
        try:
            private.read_tree(sha)
            private.export(paths, folder)
            absent = [path for path in paths if not os.path.lexists(folder / path)]
            if absent:
                raise DataMissingError(paths=", ".join(absent))
            yield folder
        finally:
            shutil.rmtree(folder)
            for leftover in private.index.parent.glob(f"{private.index.name}*"):
                leftover.unlink()

    def _apply_steps(
        self, steps: RestoreSteps, export_directory: Path, data: DataStore | None
    ) -> None:
        for path in steps.delete:
            (self._root / path).unlink(missing_ok=True)
            remove_empty_directories(self._root, path)
        for item in steps.remove:
            if data is not None:
                data.worktree.remove(item)
                remove_empty_directories(self._root, item.path)
        for path in steps.write:
            source, target = export_directory / path, self._root / path
            self._remove_blocking_files(target.parent)
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.is_dir() and not target.is_symlink():
                shutil.rmtree(target)
            try:
                source.replace(target)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                # The git folder is on another file system: copy beside the target first.
                beside = temp_path(target)
                shutil.copy2(source, beside, follow_symlinks=False)
                beside.replace(target)
        for item in [*steps.checkout, *steps.fetch]:
            if data is not None:
                self._remove_blocking_files((self._root / item.path).parent)
                data.worktree.checkout(item)
        self._tidy_index(steps)

    def _remove_blocking_files(self, folder: Path) -> None:
        """Remove files where the version has a folder; the safety commit has them."""
        for part in (folder, *folder.parents):
            if part == self._root:
                return
            if part.is_symlink() or part.is_file():
                part.unlink()

    def _tidy_index(self, steps: RestoreSteps) -> None:
        """Reset the restored paths in the index to HEAD.

        The restored content is then an unstaged change.
        """
        if steps.index and self._git.find("HEAD"):
            reset_index(self._git, steps.index)

    def _open(self, steps: RestoreSteps, stack: ExitStack) -> DataStore:
        # The version's settings can be restored even if the current ones are broken.
        spare = self._git.blob(steps.sha, SETTINGS_FILE)
        return stack.enter_context(open_data(self._root, spare))


def remove_empty_directories(root: Path, path: str) -> None:
    """Remove the folders above ``path`` that became empty, as git does."""
    folder = (root / path).parent
    while folder != root and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def find_leftovers(state: Path) -> list[Path]:
    """Return what killed restores left behind, and private indexes that are no longer in use."""
    aged = time.time() - STALE_INDEX_AGE
    indexes = [path for path in state.glob("*.index*") if path.lstat().st_mtime < aged]
    return [*state.glob("restore-*"), *state.glob("switching.tmp"), *indexes]


def remove_leftovers(state: Path) -> None:
    """Remove these leftovers; the caller holds the project's lock, so that none is in use."""
    for path in find_leftovers(state):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def with_hashes(text: bytes, items: dict[str, DataPointer]) -> bytes:
    """Return a ``.dvc`` or lock file with the hashes of ``items`` (path as written → data)."""
    document = yaml.safe_load(text)
    stages = document.get("stages")
    for owner in stages.values() if isinstance(stages, dict) else [document]:
        for out in owner.get("outs", []):
            item = items.get(out["path"])
            if item is not None:
                out.update({"md5": item.md5, "size": item.size})
                if item.files is not None:
                    out["nfiles"] = item.files
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True).encode()


def _to_data_action(item: DataPointer, action: str) -> DataAction:
    return DataAction(path=item.path, action=action, size=item.size)
