"""Merges: start, conflicts, resolution, commit and abort.

A merge without conflicts is one commit, made before a file changes. With conflicts it is git's own
unfinished merge, which git's own commands can also finish; the data is checked out at its end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from jupyter_mlws.core.errors import (
    GitCommandError,
    HookRejectedError,
    NoMergeError,
    SigningFailedError,
    UncommittedChangesError,
    UnfinishedOperationError,
    UnresolvedCellsError,
    VersionItemNotFoundError,
)
from jupyter_mlws.git.adapter import GitFailedError, join_nul
from jupyter_mlws.git.commits import check_identity, is_signing, run_late_hook
from jupyter_mlws.git.index import PATHSPEC_OPTIONS, uncommitted_paths
from jupyter_mlws.git.merge import (
    BASE,
    LINK,
    OURS,
    STAGES,
    SUBMODULE,
    THEIRS,
    TIMEOUT,
    Side,
    Sides,
    commit_at_stop,
    content,
    incoming,
    merged_text,
    name_of,
    read_conflicts,
    rebase_target,
    set_sides,
    without_editor,
)
from jupyter_mlws.git.refs import current_branch
from jupyter_mlws.notebook_format.process import (
    CellChoice,
    NotebookRefusedError,
    check_notebook,
    merge_notebooks,
)
from jupyter_mlws.versioning.code.merge_tree import MergeResult, merge_commits
from jupyter_mlws.versioning.code.models import (
    Aborted,
    CellSides,
    CellText,
    Conflict,
    ConflictDetail,
    ConflictHow,
    Conflicts,
    Merged,
    MergeOutcome,
    Resolution,
    SideChoice,
)
from jupyter_mlws.versioning.code.safety import keep_code
from jupyter_mlws.versioning.code.switching import Switching
from jupyter_mlws.versioning.data_index import (
    format_paths,
    kind_of,
    large_file_threshold,
    normalize_path,
)
from jupyter_mlws.versioning.models import SnapshotData
from jupyter_mlws.versioning.repository import Needs, Repository, RepositoryPart
from mlws.core.atomic import atomic_write
from mlws.core.errors import Fault, InvalidRequestError
from mlws.core.i18n import Message
from mlws.core.progress import ProgressCallback, no_progress
from mlws.dvc.pointers import is_yaml_mapping, names_data, read_pointers

MAX_TEXT_BYTES = 4 * 1024 * 1024
"""Bytes of a text that is sent; of longer ones only the size is sent."""
CONFLICT_MARKERS = (b"<<<<<<<", b"=======", b">>>>>>>")
CONFLICT_TYPES = {
    (BASE, OURS, THEIRS): ConflictHow.BOTH_MODIFIED,
    (OURS, THEIRS): ConflictHow.BOTH_ADDED,
    (BASE, THEIRS): ConflictHow.DELETED_BY_US,
    (BASE, OURS): ConflictHow.DELETED_BY_THEM,
    (OURS,): ConflictHow.ADDED_BY_US,
    (THEIRS,): ConflictHow.ADDED_BY_THEM,
    (BASE,): ConflictHow.BOTH_DELETED,
}
"""Kinds of conflicts by the sides that have the path."""

EXACTLY_ONE_RESOLUTION = Message("specify exactly one of take, text and cells")
NOT_A_CONFLICT_CELL = Message("is not a cell in conflict")
NOTEBOOKS_ONLY = Message("is supported for notebooks only")
HAS_CONFLICT_MARKERS = Message("still contains conflict markers")
INVALID_YAML = Message("is not valid YAML")
INVALID_NOTEBOOK = Message("is not a valid notebook: {reason}")
SIDES_ONLY = Message("can only be resolved with ours or theirs")
NO_BASE_VERSION = Message("the base version has no such file")


class MergeManager(RepositoryPart):
    """The merges of one project. Thread-safe.

    Methods that write hold the project's lock.
    """

    def __init__(self, repository: Repository) -> None:
        super().__init__(repository)
        self._switching = Switching(repository)

    def check_merge(self, ref: str) -> None:
        """Raise the errors of :meth:`merge` that can be found immediately."""
        self._git.resolve(ref)
        self._repository.refuse_unfinished()

    def merge(
        self, ref: str, message: str | None = None, progress: ProgressCallback = no_progress
    ) -> Merged:
        """Merge the commit ``ref`` into the current branch, with its data.

        Raises VersionItemNotFoundError, UnfinishedOperationError during another merge,
        UncommittedChangesError if uncommitted work would be lost, GitIdentityMissingError,
        UnrelatedHistoriesError without a common commit, HookRejectedError if a hook refuses,
        RemoteUnreachableError, DataDamagedError and DataMissingError of data. Nothing has changed
        then. Conflicts are an outcome, not an error.
        """
        with self._repository.exclusive("merge"):
            theirs = self._git.resolve(ref)
            head = self._git.find("HEAD")
            if head is not None and self._git.contains(head, theirs):
                return self._outcome(MergeOutcome.UP_TO_DATE, head, head)
            if head is None or self._git.contains(theirs, head):
                data = self._switching.fast_forward(theirs, f"merge {ref}", progress)
                return self._outcome(MergeOutcome.FAST_FORWARD, head, theirs, data)
            check_identity(self._git)
            progress(0, message="merge")
            merge_result = merge_commits(self._project, self._git, head, theirs, progress)
            text = message or f"Merge {ref}"
            if merge_result.conflicts:
                return self._stop_with_conflicts(ref, text, head, merge_result)
            sha = self._switching.commit(merge_result.tree, [head, theirs], text, "merge")
            reason = f"merge {ref}: Merge made by the 'ort' strategy."
            data = self._switching.move_branch(sha, reason, progress)
            run_late_hook(self._git, "post-merge", "0")
        return self._outcome(MergeOutcome.MERGED, head, sha, data)

    def _stop_with_conflicts(
        self, ref: str, message: str, head: str, merge_result: MergeResult
    ) -> Merged:
        """Leave git's unfinished merge in the working tree, with notebooks that can be opened."""
        steps = self._switching.check(merge_result.tree)
        staged_paths = {entry.path for entry in self._git.status().entries if entry.staged}
        if staged_paths:
            # git would refuse as well: its index becomes the merge's.
            raise UncommittedChangesError(paths=format_paths(staged_paths))
        assert steps.head == head
        self._switching.check_space(steps)
        # Histories that must not be merged were refused before.
        options = ("--no-commit", "--no-ff", "--quiet", "--allow-unrelated-histories")
        arguments = ("merge", *options, "-m", message, ref)
        try:
            self._git.attempt(*arguments, codes=(0, 1), timeout=TIMEOUT)
            if incoming(self._git) is None:
                raise GitCommandError(
                    command="git merge", reason=Message("the merge did not start")
                )
            self._write_merge_result(merge_result)
        except GitFailedError as error:
            self._abort_merge()
            self._switching.put_back(steps)
            raise error.to_mlws_error() from error
        except BaseException:
            self._abort_merge()
            raise
        outcome = self._outcome(MergeOutcome.CONFLICTS, head, head)
        return outcome.model_copy(update={"conflicts": self.conflicts().items})

    def _write_merge_result(self, merge_result: MergeResult) -> None:
        for path, notebook in merge_result.notebooks.items():
            self._write(path, notebook.text)
            if path not in merge_result.conflicts:
                self._stage(path)
        for path, lines in merge_result.lists.items():
            self._write_and_stage(path, lines)
        for path, sides in merge_result.conflicts.items():
            if not path.endswith(".ipynb"):
                continue
            set_sides(self._git, path, sides)
            if path not in merge_result.notebooks and OURS in sides:
                # With git's markers it would not be a notebook.
                self._check_out(path, sides[OURS])

    def merge_cells(self, operation: str) -> None:
        """Merge the notebooks of git's unfinished pick, revert or rebase by their cells.

        Where no conflict is left by that, the operation goes on to the next.
        """
        while self._git.unfinished() == operation and read_conflicts(self._git):
            sha = commit_at_stop(self._git)
            parent = self._git.find(f"{sha}~1") if sha is not None else None
            if sha is None or parent is None:
                return
            base, theirs = (sha, parent) if operation == "revert" else (parent, sha)
            head = self._git.resolve("HEAD")
            self._write_merge_result(
                merge_commits(self._project, self._git, head, theirs, base=base)
            )
            if read_conflicts(self._git):
                return
            command = (operation, "--continue")
            without_editor(self._git).attempt(*command, codes=(0, 1), timeout=TIMEOUT)

    def _abort_merge(self) -> None:
        if incoming(self._git) is not None:
            self._git.run("merge", "--abort", timeout=TIMEOUT)

    def conflicts(self) -> Conflicts:
        """Return the current conflicts, and the two sides of the merge."""
        theirs = commit_at_stop(self._git)
        branch = current_branch(self._git)
        # A rebase applies commits where no branch is yet.
        here = rebase_target(self._git) or self._git.find("HEAD")
        ours = branch.removeprefix("refs/heads/") if branch else here and name_of(self._git, here)
        return Conflicts(
            operation=self._git.unfinished(),
            ours=ours,
            theirs=name_of(self._git, theirs) if theirs else None,
            commit=theirs,
            items=self._to_conflicts(read_conflicts(self._git)),
        )

    def conflict(self, path: str) -> ConflictDetail:
        """Return one path with its three sides.

        Raises VersionItemNotFoundError if it is not in conflict.
        """
        path, sides = self._find_conflict(path)
        texts = {name: content(self._git, sides.get(stage)) for name, stage in STAGES.items()}
        now = self._root / path
        texts["merged"] = now.read_bytes() if now.is_file() and not now.is_symlink() else None
        binary = any(b"\0" in text[:8000] for text in texts.values() if text is not None)
        decoded_texts: dict[str, Any] = {
            name: None
            if text is None or binary or len(text) > MAX_TEXT_BYTES
            else text.decode(errors="replace")
            for name, text in texts.items()
        }
        cells = None
        if path.endswith(".ipynb") and texts["ours"] is not None and texts["theirs"] is not None:
            with suppress(NotebookRefusedError):
                notebook = merge_notebooks(texts["base"], texts["ours"], texts["theirs"])
                cells = [CellSides(**row) for row in notebook.rows]
        data = {}
        if names_data(path):
            for name in STAGES:
                text = texts[name]
                data[name] = [
                    SnapshotData.from_object(item)
                    for item in read_pointers({} if text is None else {path: text})
                ]
        return ConflictDetail(
            **self._to_conflicts({path: sides})[0].__dict__,
            **decoded_texts,
            binary=binary,
            truncated=any(len(text or b"") > MAX_TEXT_BYTES for text in texts.values()),
            cells=cells,
            data=data,
        )

    def _to_conflicts(self, conflicts: Mapping[str, Sides]) -> list[Conflict]:
        files = [s for sides in conflicts.values() for s in sides.values() if s.mode != SUBMODULE]
        sizes = self._git.sizes([side.sha for side in files])
        return [
            Conflict(
                path=path,
                kind=kind_of(path),
                how=CONFLICT_TYPES[tuple(s for s in STAGES.values() if s in sides)],
                sizes={
                    name: sizes.get(sides[stage].sha)
                    for name, stage in STAGES.items()
                    if stage in sides
                },
            )
            for path, sides in sorted(conflicts.items())
        ]

    def resolve(self, path: str, resolution: Resolution) -> Conflicts:
        """Resolve one path by a side, both sides' lines, cells or a text; return what is left.

        Raises VersionItemNotFoundError if it is not in conflict, InvalidRequestError for an invalid
        resolution, UnresolvedCellsError if cells are still in conflict.
        """
        with self._repository.exclusive("merge", needs=Needs.FILES):
            path, sides = self._find_conflict(path)
            ways = (resolution.take, resolution.text, resolution.cells)
            if sum(way is not None for way in ways) != 1:
                raise InvalidRequestError(
                    faults=[
                        Fault(name, EXACTLY_ONE_RESOLUTION) for name in ("take", "text", "cells")
                    ]
                )
            take = resolution.take
            if take is None or take is SideChoice.BOTH:
                self._write_and_stage(path, self._resolve_content(path, sides, resolution))
            elif (entry := sides.get(STAGES[take.value])) is not None:
                self._check_out(path, entry)
                set_sides(self._git, path, {0: entry})
            elif take is SideChoice.BASE:
                raise InvalidRequestError(faults=[Fault("take", NO_BASE_VERSION)])
            else:
                (self._root / path).unlink(missing_ok=True)
                set_sides(self._git, path, {})
        return self.conflicts()

    def _resolve_content(self, path: str, sides: Sides, resolution: Resolution) -> bytes:
        field = "take" if resolution.take else "cells" if resolution.cells else "text"
        if any(side.mode in (SUBMODULE, LINK) for side in sides.values()):
            raise InvalidRequestError(faults=[Fault(field, SIDES_ONLY)])
        if resolution.text is not None:
            text = resolution.text.encode(errors="surrogateescape")
            lines = text.splitlines()
            if all(any(line.startswith(mark) for line in lines) for mark in CONFLICT_MARKERS):
                raise InvalidRequestError(faults=[Fault("text", HAS_CONFLICT_MARKERS)])
            if names_data(path) and not is_yaml_mapping(text):
                raise InvalidRequestError(faults=[Fault("text", INVALID_YAML)])
            if path.endswith(".ipynb"):
                try:
                    check_notebook(text)
                except NotebookRefusedError as error:
                    fault = Fault("text", INVALID_NOTEBOOK.fill(reason=str(error)))
                    raise InvalidRequestError(faults=[fault]) from error
            return text
        if path.endswith(".ipynb"):
            return self._merge_chosen_cells(sides, resolution, field)
        if resolution.cells is not None:
            raise InvalidRequestError(faults=[Fault("cells", NOTEBOOKS_ONLY)])
        both = None if names_data(path) else merged_text(self._git, sides)
        if both is None:
            raise InvalidRequestError(faults=[Fault("take", SIDES_ONLY)])
        return both

    def _merge_chosen_cells(self, sides: Sides, resolution: Resolution, field: str) -> bytes:
        base, ours, theirs = (content(self._git, sides.get(s)) for s in (BASE, OURS, THEIRS))
        choices: dict[str, CellChoice] = {
            name: {"source": side.source} if isinstance(side, CellText) else side.value
            for name, side in (resolution.cells or {}).items()
        }
        try:
            if resolution.take is not None:
                choices = {"*": resolution.take.value}
            else:
                notebook = merge_notebooks(base, ours, theirs)
                wrong = [name for name in choices if name not in (*notebook.conflicts, "*")]
                if wrong:
                    raise InvalidRequestError(
                        faults=[Fault(f"cells.{name}", NOT_A_CONFLICT_CELL) for name in wrong]
                    )
            merged = merge_notebooks(base, ours, theirs, choices)
        except NotebookRefusedError as error:
            raise InvalidRequestError(faults=[Fault(field, SIDES_ONLY)]) from error
        if merged.conflicts:
            raise UnresolvedCellsError(paths=merged.conflicts)
        return merged.text

    def _write_and_stage(self, path: str, text: bytes) -> None:
        self._write(path, text)
        self._stage(path)

    def check_finish(self) -> None:
        """Raise NoMergeError without a merge in progress, UnfinishedOperationError while there are
        conflicts.
        """
        self._require_merge()
        paths = format_paths(read_conflicts(self._git))
        if paths:
            raise UnfinishedOperationError(operation="merge", paths=paths)

    def _require_merge(self) -> None:
        operation = self._git.unfinished()
        if operation is None:
            raise NoMergeError()
        if operation != "merge":
            raise UnfinishedOperationError(
                operation=operation, paths=format_paths(read_conflicts(self._git))
            )

    def finish(
        self, message: str | None = None, progress: ProgressCallback = no_progress
    ) -> Merged:
        """Commit the merge, and check out its data.

        Raises NoMergeError without a merge in progress, UnfinishedOperationError while there are
        conflicts, UncommittedChangesError if changed data would be lost, GitIdentityMissingError,
        HookRejectedError if a hook refuses, SigningFailedError, DataDamagedError and
        DataMissingError of data. The merge is still in progress then.
        """
        with self._repository.exclusive("merge", needs=Needs.NOTHING):
            self.check_finish()
            check_identity(self._git)
            head = self._git.find("HEAD")
            tree = self._git.run("write-tree").decode().strip()

            def commit() -> None:
                options = ("-m", message) if message else ("--no-edit", "--cleanup=strip")
                try:
                    self._git.attempt("commit", "--quiet", *options, timeout=TIMEOUT)
                except GitFailedError as error:
                    is_signed = is_signing(self._git)
                    if is_signed and "sign" in error.reason:
                        raise SigningFailedError(
                            command=error.command, reason=error.reason
                        ) from error
                    raise HookRejectedError(hook="git commit", reason=error.reason) from error

            data = self._switching.follow(tree, commit, progress)
            sha = self._git.resolve("HEAD")
        return self._outcome(MergeOutcome.MERGED, head, sha, data)

    def abort(self) -> Aborted:
        """Abort the merge; a safety commit keeps what was resolved.

        Raises NoMergeError without a merge in progress.
        """
        with self._repository.exclusive("merge", needs=Needs.NOTHING):
            self._require_merge()
            head = self._git.resolve("HEAD")
            limit = large_file_threshold(self._git)
            paths = {*uncommitted_paths(self._root, self._git.status(), limit)}
            safety = keep_code(self._project, self._git, paths, "merge --abort")
            self._git.run("merge", "--abort", timeout=TIMEOUT)
        return Aborted(commit=head, safety=safety)

    def _find_conflict(self, path: str) -> tuple[str, Sides]:
        path = normalize_path(self._project, path)
        sides = read_conflicts(self._git).get(path)
        if sides is None:
            raise VersionItemNotFoundError(kind="conflict", name=path)
        return path, sides

    def _check_out(self, path: str, side: Side) -> None:
        """Write a side as a checkout would; do nothing for a submodule."""
        if side.mode == SUBMODULE:
            return
        sides = read_conflicts(self._git).get(path, {})
        set_sides(self._git, path, {0: side})
        try:
            command = ("checkout-index", "--force", "--quiet", "-z", "--stdin")
            self._git.run(*command, stdin=join_nul([path]))
        finally:
            set_sides(self._git, path, sides or {0: side})

    def _write(self, path: str, text: bytes) -> None:
        """Replace a file atomically, keeping its mode."""
        target = self._root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(target, text)

    def _stage(self, path: str) -> None:
        self._git.run("add", "--force", *PATHSPEC_OPTIONS, stdin=join_nul([path]))

    def _outcome(
        self, outcome: MergeOutcome, head: str | None, sha: str, data: Sequence[str] = ()
    ) -> Merged:
        return Merged(outcome=outcome, previous=head, commit=sha, data=[*data], conflicts=[])
