"""Collects what changed between two versions. Nothing of the project runs for that."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from contextlib import ExitStack

from jupyter_mlws.components.registry import Registry
from jupyter_mlws.core.errors import NotTrustedError
from jupyter_mlws.core.trust import is_trusted
from jupyter_mlws.git.history import LogQuery, list_commits
from jupyter_mlws.notebook_format.process import NotebookRefusedError, compare_notebooks
from jupyter_mlws.reports.graph_diff import compare_workflows
from jupyter_mlws.reports.models import (
    CellChange,
    CommitSummary,
    DataChange,
    HeadCheck,
    MetricDelta,
    NotebookChange,
    PlannedNode,
    PlannedWorkflow,
    Report,
)
from jupyter_mlws.reports.versions import parse_versions
from jupyter_mlws.versioning.data_index import ChangeKind
from jupyter_mlws.versioning.experiments.ranking import Mode, guess_mode
from jupyter_mlws.versioning.models import (
    CellDiff,
    CellState,
    ChangedFile,
    ChangeState,
    DifferingValue,
    SnapshotDiff,
    TableChange,
    VersionChange,
)
from jupyter_mlws.versioning.repository import Repository, RepositoryPart
from jupyter_mlws.versioning.snapshots.compare import MAX_COMPARED_BYTES
from jupyter_mlws.versioning.snapshots.manager import SnapshotManager
from jupyter_mlws.versioning.snapshots.proof_models import ObjectProblem, Store
from jupyter_mlws.versioning.snapshots.verification import (
    code_problems,
    entries_of,
    environment_problems,
)
from jupyter_mlws.workflows.document.files import Documents
from jupyter_mlws.workflows.run.plan import make_plan
from jupyter_mlws.workflows.table_comparison import compare_table
from jupyter_mlws.workflows.table_diff import MAX_TABLE_BYTES, is_table
from mlws.core.errors import DataMissingError, MLWSError
from mlws.core.i18n import Message
from mlws.document.parse import FILE
from mlws.document.templates import resolve_stages
from mlws.dvc.cache import DataCache
from mlws.dvc.data import open_data
from mlws.dvc.native.pipeline import open_backend
from mlws.dvc.pointers import SETTINGS_FILE, DataPointer, ObjectFault, covers

MAX_TABLES = 20
"""Tables that are compared: each takes a process."""
MAX_NOTEBOOKS = 50
"""Notebooks that are compared by cell."""
MAX_HASHED_BYTES = 2_000_000_000
"""Bytes of data that is read for the verification of a report."""

NEUTRAL = re.compile(r"[.:](interval|p_value|rows|repeated)\b")
"""Metrics of which neither more nor less is better."""


class ReportCollector(RepositoryPart):
    """Collects the parts of a report for one project; changes nothing."""

    def __init__(self, repository: Repository) -> None:
        super().__init__(repository)
        self._snapshots = SnapshotManager(repository.project, repository)
        self._documents = Documents(repository.project, Registry(self._root))

    def collect(self, versions: str | None = None) -> Report:
        """Return what changed in ``BASE..HEAD``; see :func:`.parse_versions`.

        Raises NotTrustedError for a partial clone that is not trusted.
        """
        trusted = is_trusted(self._root)
        if not trusted:
            # What a partial clone lacks, git fetches by programs that its settings name.
            pattern = r"^(remote\..*\.promisor|extensions\.partialclone)$"
            if self._git.run("config", "--get-regexp", pattern, codes=(0, 1)):
                raise NotTrustedError(name=self._root.name)
        base, head = parse_versions(self._git, versions)
        diff = self._snapshots.comparison.versions(base, head)
        tables, more_tables = self.tables(base, head, diff)
        notebooks = [
            self.notebook(file, base, head)
            for file in [one for one in diff.files if one.path.endswith(".ipynb")][:MAX_NOTEBOOKS]
        ]
        graphs = [
            compare_workflows(
                file.path,
                self._git.blob(base, file.old_path or file.path),
                self._git.blob(head, file.path),
            )
            for file in diff.files
            if posixpath.basename(file.path) == FILE
        ]
        graphs = [one for one in graphs if one.problem is not None or one.is_changed]
        paths_of_sections = {
            *(one.path for one in tables if one.problem is None),
            *(one.path for one in notebooks if one.problem is None),
            *(one.path for one in graphs if one.problem is None),
        }
        check = self.check(head)
        # Without its data, each node would seem to be changed. Bundles of runs are no such data.
        data = [item.path for item in self._content.data_at(head)]
        is_checked_out = self._git.find("HEAD") == head
        is_known = is_checked_out and not any(covers(data, path) for path in check.absent)
        return Report(
            base=self._summary(base),
            head=self._summary(head),
            commits=int(self._git.run("rev-list", "--count", f"{base}..{head}")),
            graphs=graphs,
            metrics=[metric_delta(value) for value in diff.metrics],
            params=diff.params,
            notebooks=notebooks,
            tables=tables,
            more_tables=more_tables,
            data=[DataChange.from_object(item) for item in diff.data],
            environments=diff.environments,
            files=[file for file in diff.files if file.path not in paths_of_sections],
            plans=[self.plan(path) for path in self._documents.paths()] if is_known else None,
            is_checked_out=is_checked_out,
            # For it, git runs filters and a watcher that settings of the repository name.
            dirty=bool(self._git.status().entries) if trusted else None,
            check=check,
        )

    def _summary(self, sha: str) -> CommitSummary:
        commit = list_commits(self._git, LogQuery(sha, limit=1))[0]
        return CommitSummary.from_object(commit, id=sha, short=sha[:8])

    def notebook(self, file: ChangedFile, base: str, head: str) -> NotebookChange:
        """Compare a notebook by cell."""
        change = NotebookChange(path=file.path, state=file.state)
        sides = ((base, file.old_path or file.path), (head, file.path))
        if max(self._git.blob_size(*side) or 0 for side in sides) > MAX_COMPARED_BYTES:
            return change.model_copy(update={"problem": Message("it is too large to compare")})
        try:
            rows = compare_notebooks(*(self._git.blob(*side) for side in sides))
        except NotebookRefusedError as error:
            return change.model_copy(update={"problem": Message.verbatim(str(error))})
        cells = []
        old = new = 0
        for row in rows:
            cell = CellDiff(**row)
            old += cell.old is not None
            new += cell.new is not None
            if cell.state is CellState.UNCHANGED and not cell.outputs_changed:
                continue
            number = old if cell.new is None else new
            cells.append(CellChange.from_object(cell, number=number))
        return change.model_copy(update={"cells": cells})

    def tables(self, base: str, head: str, diff: SnapshotDiff) -> tuple[list[TableChange], int]:
        """Return the changed tables, and how many more there are than are compared."""
        changes: list[VersionChange] = [file for file in diff.files if is_table(file.path)]
        with ExitStack() as stack:
            if diff.data:
                cache = stack.enter_context(
                    open_data(self._root, self._git.blob(head, SETTINGS_FILE))
                ).cache
                pointers = [
                    {item.path: item for item in self._content.data_at(sha)} for sha in (base, head)
                ]
                for change in diff.data:
                    items = [one.get(change.path) for one in pointers]
                    changes += data_tables(cache, change.path, *items)
            files = stack.enter_context(
                self._snapshots.comparison.open_files(MAX_TABLE_BYTES, settings_of=head)
            )
            return (
                [
                    compare_table(
                        files, one.path, base, head, old_path=one.old_path, state=one.state
                    )
                    for one in changes[:MAX_TABLES]
                ],
                max(0, len(changes) - MAX_TABLES),
            )

    def plan(self, path: str) -> PlannedWorkflow:
        """Return the plan of a workflow in the working tree.

        Components are not read, for which code of the project would be imported.
        """
        try:
            document = self._documents.read(path)
            if document.faults:
                return PlannedWorkflow(path=path, problem=document.faults[0].message)
            graph = self._documents.resolve(document)
            data = resolve_stages(self._root, document)
            with open_backend(self._root, path, data, self._project.state) as backend:
                nodes = make_plan(backend, graph)
        except MLWSError as error:
            return PlannedWorkflow(path=path, problem=error.message)
        return PlannedWorkflow(
            path=path,
            nodes=[PlannedNode.from_object(node, reasons=list(node.reasons)) for node in nodes],
        )

    def check(self, head: str) -> HeadCheck:
        """Verify the objects of a commit that this machine has."""
        data_size = sum(item.size or 0 for item in self._content.data_at(head))
        entries, problems = entries_of(self._git, head)
        reason = None
        if data_size <= MAX_HASHED_BYTES:
            try:
                result = self._snapshots.verify(head, local=True)
            except MLWSError as error:
                reason = error.message
            else:
                absent = [one.path for one in result.problems if _is_absent(one)]
                return HeadCheck(
                    objects=result.objects - len(absent),
                    bytes=result.bytes,
                    absent=absent,
                    problems=[one for one in result.problems if not _is_absent(one)],
                )
        else:
            reason = Message("the data is too large to read it all; use `jupyter mlws verify`")
        problems += code_problems(self._git, entries)
        problems += environment_problems(self._git, head, entries)
        sizes = self._git.sizes({entry.sha for entry in entries})
        return HeadCheck(
            objects=len(entries),
            bytes=sum(sizes.values()),
            absent=[],
            problems=problems,
            problem=reason,
        )


def data_tables(
    cache: DataCache, path: str, old: DataPointer | None, new: DataPointer | None
) -> Iterator[VersionChange]:
    """Yield the tables that differ in two versions of a file or folder that DVC tracks."""
    files: list[dict[str, tuple[str, int | None]]] = []
    for item in (old, new):
        try:
            files.append({} if item is None else cache.files_of(item))
        except DataMissingError:
            # The listing of a folder: that its size has changed is known without.
            return
    before, after = files
    for inside in sorted({*before, *after}):
        one, other = before.get(inside), after.get(inside)
        place = posixpath.join(path, inside) if inside else path
        if one == other or not is_table(place):
            continue
        state = ChangeState.MODIFIED
        if one is None or other is None:
            state = ChangeState.ADDED if one is None else ChangeState.DELETED
        yield VersionChange(path=place, state=state, kind=ChangeKind.DATA)


def _is_absent(problem: ObjectProblem) -> bool:
    """Return whether a problem is data that this machine does not have, as in a fresh clone."""
    return problem.where is Store.CACHE and problem.problem is ObjectFault.MISSING


def metric_delta(value: DifferingValue) -> MetricDelta:
    """Return a metric with its change, and whether it is better by its name."""
    before, after = value.from_, value.to
    if before is None or after is None:
        return MetricDelta(name=value.name, from_=before, to=after)
    change = after - before
    wants_more = guess_mode(value.name.rpartition(":")[2]) is Mode.MAX
    is_comparable = change == change and change != 0 and not NEUTRAL.search(value.name)
    better = (change > 0) is wants_more if is_comparable else None
    return MetricDelta(name=value.name, from_=before, to=after, change=change, better=better)
