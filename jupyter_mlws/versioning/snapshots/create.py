"""Creation of snapshots: a commit of code, of the data that it names and of the ended runs.

A compare-and-swap of git's ref publishes the snapshot. After a crash, everything before it is
garbage, and :class:`~.recovery.Recovery` repeats everything after it.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field

from jupyter_mlws.core.errors import (
    BranchMovedError,
    DamagedDVCFilesError,
    FileTooLargeError,
    ManyNewFilesError,
    NothingToCommitError,
    SecretsFoundError,
)
from jupyter_mlws.environments.record import TRAILER_ENVIRONMENT, file_path, file_text
from jupyter_mlws.environments.store import load, makers
from jupyter_mlws.git.adapter import Status
from jupyter_mlws.git.commits import (
    CommitObject,
    add_trailers,
    check_identity,
    commit_tree,
    is_signing,
    own_trailers,
    read_commit,
    run_hook,
    run_post_rewrite,
    without_trailers,
)
from jupyter_mlws.git.diffs import differences
from jupyter_mlws.git.history import LogQuery, list_commits
from jupyter_mlws.git.index import (
    PrivateIndex,
    locked_index,
    reset_locked_index,
    staged_entries,
)
from jupyter_mlws.git.refs import current_branch, move_branch, refuse_pushed, update_ref
from jupyter_mlws.versioning.branch_copies import keep_tip
from jupyter_mlws.versioning.data_index import (
    format_paths,
    large_file_threshold,
    normalize_path,
    select_new_content,
)
from jupyter_mlws.versioning.models import Proof
from jupyter_mlws.versioning.publishing.outbox import Outbox
from jupyter_mlws.versioning.publishing.pre_push_hook import install
from jupyter_mlws.versioning.publishing.publish import (
    RUNS_LEFT_OUT,
    TAG_SNAPSHOT,
    TRAILER_RUN,
    SnapshotJournal,
    StepCallback,
    discard,
    finish,
)
from jupyter_mlws.versioning.repository import Repository, RepositoryPart
from jupyter_mlws.versioning.snapshots.run_selection import (
    NO_ANSWER,
    RUN_NOT_RECORDED,
    TRACKING_TIMEOUT,
    RunMatcher,
    ended_runs,
)
from jupyter_mlws.versioning.snapshots.verification import utc_now
from mlws.core.errors import DataMissingError, MLWSError
from mlws.core.i18n import Message
from mlws.core.paths import fold_paths, size_of
from mlws.core.secrets import find_secret, find_secrets
from mlws.dvc.data import DataStore, open_data
from mlws.dvc.pointers import DataPointer, covers, read_pointers
from mlws.dvc.remote_errors import UNREACHABLE_ERRORS

TRAILER_SNAPSHOT = "Mlws-Snapshot"
TRAILER_DATA = "Mlws-Data"
MAX_GIT_FILE_BYTES = 5_000_000_000
"""Bytes from which on no file is added to git: every later operation would take minutes and
gigabytes of memory."""
MANY_NEW_FILES = 1000
MANY_NEW_BYTES = 100 * 1024 * 1024
"""New files of one commit from which on the user must confirm: they may be data."""
LARGE_FILE_SKIPPED = Message(
    "{path} ({size} MB) was not committed: track it as data with `jupyter mlws data add {path}`."
)
DETACHED_HEAD = Message(
    "You are in detached HEAD state: this snapshot is not on any branch. Keep it "
    "with `jupyter mlws branch NAME`."
)
DATA_LOCAL = Message("The data is stored on this machine only: {reason}")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CreatedSnapshot:
    """A published snapshot with the state of its data and runs."""

    sha: str
    proof: Proof
    warnings: list[Message]
    left_out: list[str]


@dataclass
class Selection:
    """Content of the snapshot.

    ``paths`` are committed as they are in the working tree. ``removed`` paths are deleted from
    the version (the files may still exist, but are no longer versioned). ``sources`` are the
    ``.dvc`` files whose data has changed. With an ``index`` (a tree), that tree is committed
    instead of the working tree.
    """

    paths: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    sources: list[str] = field(default_factory=list)
    index: str | None = None

    @property
    def empty(self) -> bool:
        return not (self.paths or self.removed or self.sources)


@dataclass(frozen=True)
class DataInventory:
    """Data that a commit names: ``present`` in the cache, or ``absent`` from it.

    ``unstored`` data is absent and named for the first time.
    """

    data: DataStore
    present: list[DataPointer]
    absent: list[DataPointer]
    unstored: list[DataPointer]


@dataclass(frozen=True)
class VersionEnvironments:
    """Environments of a version: their IDs, and the files that its tree lacks yet."""

    ids: Sequence[str] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)


class SnapshotBuilder(RepositoryPart):
    """Builder of one snapshot; used once, under the project's lock."""

    def __init__(self, repository: Repository, on_step: StepCallback) -> None:
        super().__init__(repository)
        self._tracking = repository.tracking
        self._on_step = on_step
        self._warnings: list[Message] = []
        self._left_out: list[str] = []
        self._old: CommitObject | None = None

    def run(
        self,
        message: str | None,
        paths: Sequence[str] | None,
        *,
        leave_out: Sequence[str] = (),
        allow_secrets: bool,
        allow_many: bool = False,
        refuse_large: bool = False,
        staged_only: bool = False,
        amend: bool = False,
        force: bool = False,
    ) -> CreatedSnapshot:
        """Create the snapshot: select, journal, store data, commit, publish, tidy."""
        self._on_step("select")
        status = self._git.status()
        check_identity(self._git)
        if amend:
            head = self._git.resolve("HEAD")
            refuse_pushed(self._git, [head], force=force)
            self._old = read_commit(self._git, head)
            message = message or without_trailers(self._old.message)
        assert message is not None
        selection = (
            self._select_staged(status) if staged_only else self._select(status, paths, leave_out)
        )
        if refuse_large and self._left_out:
            raise FileTooLargeError(paths=format_paths(self._left_out))
        if not allow_many and not staged_only:
            self._refuse_many(status, selection)
        if not allow_secrets:
            if selection.index is None:
                secrets = find_secrets(self._project.root, sorted(selection.paths))
            else:
                entries = [e for e in self._git.tree(selection.index) if e.path in selection.paths]
                shas = sorted({entry.sha for entry in entries if entry.mode.startswith("100")})
                blobs = self._git.blobs(shas)
                matches = (find_secret(e.path, blobs.get(e.sha, b"")) for e in entries)
                secrets = [secret for secret in matches if secret is not None]
            if secrets:
                places = ", ".join(f"{one.place} ({one.rule})" for one in secrets)
                raise SecretsFoundError(places=places, paths=[one.path for one in secrets])
        if status.branch is None and status.head is not None:
            self._warnings.append(DETACHED_HEAD)
        self._on_step("journal")
        pending = SnapshotJournal(
            id=uuid.uuid4().hex[:12],
            ref=current_branch(self._git) or "HEAD",
            base=status.head,
            started=time.time(),
        )
        pending.write(self._project.state)
        with ExitStack() as stack:
            try:
                result = self._build_commit(pending, message, selection)
                self._on_step("publish")
                # Branch and index change together: to git, a commit that the index lacks is undone.
                stack.enter_context(locked_index(self._git))
            except BaseException:
                discard(self._project, pending)
                raise
            if self._old is not None:
                keep_tip(self._git, pending.ref, self._old.sha, "amend")
            reason = self._reflog_message(result.sha)
            try:
                move_branch(self._git, pending.ref, result.sha, pending.base, reason)
            except BranchMovedError:
                discard(self._project, pending)
                raise
            self._on_step("index")
            reset_locked_index(self._project, self._git, result.sha, pending.index)
        if self._old is not None:
            run_post_rewrite(self._git, [(self._old.sha, result.sha)], "amend")
        self._warnings += finish(self._project, pending, self._tracking, self._on_step)
        return result

    def _reflog_message(self, sha: str) -> str:
        """Return the words of `git commit` for a commit."""
        commit = read_commit(self._git, sha)
        kind = " (amend)" if self._old else "" if commit.parents else " (initial)"
        return f"commit{kind}: {commit.subject}"

    def _select(
        self, status: Status, paths: Sequence[str] | None, leave_out: Sequence[str]
    ) -> Selection:
        left_out = [normalize_path(self._project, path) for path in leave_out]
        path_filter = None
        if paths is not None:
            path_filter = [normalize_path(self._project, path) for path in paths]
        items = [item for item in self._content.data_now(status) if not item.pipeline]
        states = self._working.states(items)
        selection = Selection()
        for item in items:
            if states.get(item.path) == "modified" and (
                path_filter is None
                or covers(path_filter, item.path)
                or covers(path_filter, item.source)
            ):
                selection.sources.append(item.source)
        # Data chosen by its own path brings the file that names it.
        sources = {item.source for item in items if path_filter and covers(path_filter, item.path)}
        large = []
        limit = large_file_threshold(self._git)
        for entry in status.entries:
            if entry.path.endswith("/"):
                # A nested repository: git would make a link without content.
                continue
            if covers(left_out, entry.path):
                continue
            if (
                path_filter is not None
                and not covers(path_filter, entry.path)
                and entry.path not in sources
            ):
                continue
            size = size_of(self._project.root / entry.path) or 0
            if size >= MAX_GIT_FILE_BYTES and entry.state != "untracked":
                # It is versioned already, so it can't be left out.
                raise FileTooLargeError(paths=[entry.path])
            if entry.state == "untracked" and size >= limit:
                large.append(entry.path)
                self._left_out.append(entry.path)
                megabytes = size // (1024 * 1024)
                self._warnings.append(LARGE_FILE_SKIPPED.fill(path=entry.path, size=megabytes))
                continue
            destination = selection.removed if entry.state == "deleted" else selection.paths
            destination.add(entry.path)
            if entry.old_path is not None:
                selection.removed.add(entry.old_path)
        self._refuse_broken(selection, status.head)
        if selection.empty and self._old is None:
            if large:
                raise FileTooLargeError(paths=large)
            raise NothingToCommitError()
        return selection

    def _refuse_many(self, status: Status, selection: Selection) -> None:
        """Raise ManyNewFilesError if a commit adds so many new files that they may be data."""
        new = [e.path for e in status.entries if e.state == "untracked" and not e.staged]
        new = [path for path in new if path in selection.paths]
        size = sum(size_of(self._project.root / path) or 0 for path in new)
        if len(new) < MANY_NEW_FILES and size < MANY_NEW_BYTES:
            return
        folders = [path for path, _ in sorted(fold_paths(new), key=lambda row: -row[1])]
        summary = ", ".join(folders[:3]) + (", …" if len(folders) > 3 else "")
        paths = format_paths(folders[:20])
        raise ManyNewFilesError(
            count=len(new), size=f"{size / 1e6:.1f}", named=summary, paths=paths
        )

    def _refuse_broken(self, selection: Selection, base: str | None) -> None:
        """Reject truncated ``.dvc`` files, which would drop data from the version."""
        sources = {i.source for i in self._content.data_at(base) if i.md5} if base else set()
        paths = {path for path in selection.paths & sources if path.endswith(".dvc")}
        if selection.index is None:
            texts = {path: (self._project.root / path).read_bytes() for path in paths}
        else:
            shas = {e.path: e.sha for e in self._git.tree(selection.index) if e.path in paths}
            blobs = self._git.blobs(sorted(set(shas.values())))
            texts = {path: blobs[sha] for path, sha in shas.items()}
        broken = [path for path, text in texts.items() if not read_pointers({path: text})]
        if broken:
            raise DamagedDVCFilesError(paths=format_paths(broken))

    def _select_staged(self, status: Status) -> Selection:
        """Return the staged changes in git's index as a selection."""
        staged_entries = {e.path: e for e in status.entries if e.staged}
        if not staged_entries and self._old is None:
            raise NothingToCommitError()
        paths = {path for path, entry in staged_entries.items() if entry.index_state != "deleted"}
        index = self._git.run("write-tree").decode().strip()
        selection = Selection(paths, set(staged_entries) - paths, index=index)
        self._refuse_broken(selection, status.head)
        return selection

    def _build_commit(
        self, pending: SnapshotJournal, message: str, selection: Selection
    ) -> CreatedSnapshot:
        self._on_step("data")
        paths = set(selection.paths)
        if selection.sources:
            with open_data(self._project.root) as data:
                for source in selection.sources:
                    paths.update(data.tracker.add(source))
        self._on_step("tree")
        private = PrivateIndex(
            self._project.root, index=self._project.state / f"{pending.id}.index"
        )
        private.read_tree(selection.index or pending.base)
        if selection.index is None:
            private.remove(sorted(selection.removed - paths))
            private.add(sorted(paths))
        run_hook(private, "pre-commit")
        tree = private.write_tree()
        before = self._parents(pending)
        # As with git, a commit that was empty already may be amended, and a merge may be empty.
        if len(before) < 2 and tree == self._git.tree_of(before[0] if before else None):
            raise NothingToCommitError()
        with ExitStack() as stack:
            self._on_step("check")
            inventory = self._ensure_cached(tree, pending.base, stack)
            self._on_step("commit")
            old = own_trailers(self._old.message) if self._old else []
            old_runs = [run for name, run in old if name == TRAILER_RUN]
            pending.runs = [*old_runs, *self._select_runs(tree)]
            environments = self._environments_at(tree)
            for path, content in environments.files.items():
                private.put(path, content)
            tree = private.write_tree()
            pending.environments = list(environments.files)
            text = self._build_message(private, pending, message, environments.ids)
            pending.sha = self._create_commit(tree, pending, text)
            start = self._git.tree_of(pending.base)
            changed_paths = {
                entry.path for entry in differences(self._git, start, tree, renames=False)
            }
            index_entries = staged_entries(self._git, changed_paths)
            pending.index = {path: index_entries.get(path) for path in changed_paths}
            self._protect_commit(pending, None)
            remote = self._upload_data(inventory)
        if remote is False:
            previous_sha = pending.sha
            local = add_trailers(self._git, text, [(TRAILER_DATA, "local")])
            pending.sha = self._create_commit(tree, pending, local)
            self._protect_commit(pending, previous_sha)
            Outbox(self._git, self._content).put(pending.sha)
        self._on_step("runs")
        if pending.runs:
            self._tracking.tag_runs(pending.runs, {TAG_SNAPSHOT: "pending"})
        proof = Proof(
            code=True,
            data_local=None if inventory is None else not inventory.absent,
            data_remote=remote,
            runs=True if pending.runs else None,
            checked=utc_now(),
        )
        return CreatedSnapshot(pending.sha, proof, self._warnings, self._left_out)

    def _protect_commit(self, pending: SnapshotJournal, before: str | None) -> None:
        """Protect the commit from git's garbage collection and record it for recovery."""
        self._on_step("hold")
        assert pending.sha is not None
        # First the journal, by which recovery finds the other records of this commit.
        pending.write(self._project.state)
        if not update_ref(self._git, pending.held, pending.sha, before, "snapshot"):
            raise BranchMovedError(branch=pending.held)

    def _ensure_cached(self, tree: str, base: str | None, stack: ExitStack) -> DataInventory | None:
        """Ensure that all data that the tree names is in the cache, intact and on disk.

        Data that ``base`` names already is not verified again, but must be on the remote, too.
        Raises DataMissingError if a newly named item is in no store.
        """
        items = self._content.data_at(tree)
        if not items:
            return None
        new = select_new_content(items, self._content.data_at(base) if base else [])
        data = stack.enter_context(open_data(self._project.root))
        for item in data.cache.missing(new):
            # A run without commit to the cache leaves its outputs in the working tree alone.
            data.worktree.store(item)
        absent = data.cache.missing(items)
        fresh = [item for item in new if item not in absent]
        data.cache.check(fresh)
        data.cache.sync(data.cache.objects(fresh))
        new_absent = [item for item in new if item in absent]
        if data.remote.name is None and new_absent:
            raise DataMissingError(paths=", ".join(item.path for item in new_absent))
        present = [item for item in items if item not in absent]
        return DataInventory(data, present, absent, new_absent)

    def _upload_data(self, inventory: DataInventory | None) -> bool | None:
        """Upload the data and verify each object on the remote.

        Return False if the data stays on this machine for now, and None without data or without a
        remote.
        """
        if inventory is None or inventory.data.remote.name is None:
            return None
        install(self._git)
        new_absent = inventory.unstored
        try:
            self._on_step("push")
            inventory.data.remote.upload(inventory.present)
            self._on_step("verify")
            inventory.data.remote.confirm(inventory.present)
            elsewhere = {each.item.path for each in inventory.data.remote.missing(new_absent)}
        except MLWSError as error:
            # Rejected credentials are treated as an unreachable remote.
            if not isinstance(error, UNREACHABLE_ERRORS):
                raise
            if new_absent:
                # Only the remote can have this data, and nothing is committed without it.
                raise
            self._warnings.append(DATA_LOCAL.fill(reason=error.message))
            return False
        if elsewhere:
            raise DataMissingError(paths=", ".join(sorted(elsewhere)))
        return True

    def _select_runs(self, tree: str) -> list[str]:
        """Return the runs of the version's workflows and inputs that no snapshot names yet.

        Snapshots of all branches count. A run that MLflow does not have is left out with a warning.
        """
        candidates = ended_runs(self._project)
        if not candidates:
            return []
        query = LogQuery("--all", text=f"{TRAILER_RUN}:", limit=10_000)
        recorded_runs = {
            run
            for commit in list_commits(self._git, query)
            for run in commit.trailers.get(TRAILER_RUN, [])
        }
        new_runs = [run for run in candidates if run.mlflow_run not in recorded_runs]
        matcher = RunMatcher(self._project, self._git, self._content, tree)
        runs = []
        for run in matcher.select(new_runs):
            if run.mlflow_run is not None:
                runs.append(run.mlflow_run)
            else:
                reason = run.problem or NO_ANSWER.fill(seconds=f"{TRACKING_TIMEOUT:g}")
                self._warnings.append(RUN_NOT_RECORDED.fill(run=run.id, reason=reason))
        if not runs:
            return []
        try:
            return self._tracking.finished(runs)
        except MLWSError as error:
            self._warnings.append(RUNS_LEFT_OUT.fill(reason=error.message))
            return []

    def _environments_at(self, tree: str) -> VersionEnvironments:
        """Return the environments in which the data of the version was made."""
        files = [(item.path, item.md5) for item in self._content.data_at(tree) if item.md5]
        if not files or not self._project.has_database():
            return VersionEnvironments()
        with closing(self._project.database()) as database:
            ids = sorted(set(makers(database, files).values()))
            environments = load(database, ids)
        return VersionEnvironments(
            list(environments),
            {
                path: file_text(one).encode()
                for one in environments.values()
                if self._git.blob(tree, path := file_path(one)) is None
            },
        )

    def _create_commit(self, tree: str, pending: SnapshotJournal, text: str) -> str:
        sign = is_signing(self._git)
        author = self._old.author if self._old else None
        parents = self._parents(pending)
        return commit_tree(self._git, tree, parents, text, sign=sign, author=author)

    def _parents(self, pending: SnapshotJournal) -> list[str]:
        if self._old is not None:
            return self._old.parents
        return [pending.base] if pending.base else []

    def _build_message(
        self,
        private: PrivateIndex,
        pending: SnapshotJournal,
        message: str,
        environments: Sequence[str],
    ) -> str:
        """Return the message with its trailers, after the repository's hooks ran.

        The hooks may change the message.
        """
        trailers = [
            (TRAILER_SNAPSHOT, "v1"),
            *((TRAILER_RUN, run) for run in pending.runs),
            *((TRAILER_ENVIRONMENT, one) for one in environments),
        ]
        text = add_trailers(self._git, message.strip() + "\n", trailers)
        file = self._project.state / f"{pending.id}.index.message"
        file.write_text(text, encoding="utf-8")
        run_hook(private, "prepare-commit-msg", str(file), "message")
        run_hook(private, "commit-msg", str(file))
        return file.read_text(encoding="utf-8")
