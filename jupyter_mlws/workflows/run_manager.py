"""Details, names, notes, tags and deletion of the runs of one project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_mlws.core.errors import (
    AmbiguousRunError,
    NestedRunError,
    RunDeletedError,
    RunInProgressError,
    RunNotRecordedError,
    VersionItemNotFoundError,
)
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.git.history import LogQuery, list_commits
from jupyter_mlws.mlflow.client import RefusedError
from jupyter_mlws.mlflow.rows import INTERNAL_TAG_PREFIXES
from jupyter_mlws.mlflow.run_tags import ARCHIVED, NOTE, PARENT, SET, STARRED
from jupyter_mlws.mlflow.store import name_of
from jupyter_mlws.versioning.experiments.models import (
    DeletedRun,
    ExperimentRun,
    RunChange,
    RunDetail,
    RunEnvironmentTitle,
    RunMarks,
    RunPart,
    RunReference,
    RunsChange,
    RunSnapshot,
    RunsQuery,
)
from jupyter_mlws.versioning.experiments.run_environments import run_environments
from jupyter_mlws.versioning.experiments.run_tracking import MLFLOW_REJECTION
from jupyter_mlws.versioning.publishing.publish import TRAILER_RUN
from jupyter_mlws.versioning.repository import Repository
from jupyter_mlws.workflows.experiments import Experiments
from jupyter_mlws.workflows.models import WrittenNotebook
from jupyter_mlws.workflows.run_page import RunPage
from mlws.core.errors import Fault, InvalidRequestError
from mlws.core.i18n import Message
from mlws.engine.states import Status
from mlws.engine.usage import PREFIX

PAGE_SIZE = 500
MAX_TITLED_RUNS = 200
"""Newest runs whose titles are compared with a reference."""
MAX_CANDIDATES = 10
"""Runs that the error of an ambiguous reference lists."""
MORE_ID_LENGTH = 6
"""Characters of an ID that the error shows beyond the reference."""
MAX_SNAPSHOTS = 100
BATCH_SIZE = 100
"""Runs that one call to MLflow deletes, which has a time limit."""
RESERVED_TAG = Message("must not begin with mlflow. or mlws., which are reserved")
INVALID_TAG = Message(
    "may contain only letters, digits, spaces, and the characters _ - . : /, at most 250"
)
ACTIVE_STATUSES = (Status.PENDING, Status.QUEUED, Status.RUNNING)


class RunManager:
    """The runs of one project, one by one. Thread-safe.

    A workflow's run and the runs of its nodes, which are nested in it, are one unit.
    """

    def __init__(self, experiments: Experiments, repository: Repository, page: RunPage) -> None:
        self.page = page
        self._experiments = experiments
        self._repository = repository
        self._tracking = repository.tracking

    def get(self, identifier: str) -> RunDetail:
        """Return a run, also a deleted one. Raises MLflowFailedError, VersionItemNotFoundError."""
        run = self._experiments.get(identifier)
        rows: list[Mapping[str, Any]] = []
        data = dict(run.inputs)
        if run.id is not None:
            stage = "deleted" if run.deleted else "active"
            rows = self._parts(run.id, stage)
            own = self._tracking.ask("find_run", identifier=run.id, stages=[stage])
            data |= own["data"] if own else {}
        for row in rows:
            data |= row["inputs"]
        outputs = {path for row in rows for path in row["outputs"]}
        return RunDetail.from_object(
            run,
            data={path: md5 for path, md5 in sorted(data.items()) if path not in outputs},
            snapshots=self._snapshots(run),
            parts=[
                RunPart.from_object(
                    part,
                    id=str(part.id),
                    system_metrics=[name for name in part.metrics if name.startswith(PREFIX)],
                )
                for part in self._experiments.to_experiment_runs(rows)
            ],
            environments=[
                RunEnvironmentTitle.from_object(one)
                for one in run_environments(self._repository, vars(run))
            ],
        )

    def resolve(self, reference: RunReference) -> ExperimentRun:
        """Return the run with an ID, a name or a title, or the only one whose ID begins so.

        Raises AmbiguousRunError, MLflowFailedError or VersionItemNotFoundError.
        """
        name = reference.name
        try:
            run = self._experiments.get(name)
        except VersionItemNotFoundError:
            pass
        else:
            if run.deleted == reference.deleted:
                return run
        stage = "deleted" if reference.deleted else "active"
        limit = MAX_CANDIDATES + 1
        rows = self._tracking.ask("match_runs", text=name, limit=limit, stage=stage)
        matches = self._experiments.to_experiment_runs(rows)
        if not reference.deleted:
            matches += self._experiments.find_in_journal(name, limit)
        candidates = [run for run in matches if run.name == name]
        if not candidates:
            query = RunsQuery(limit=MAX_TITLED_RUNS, deleted=reference.deleted)
            page = self._experiments.search(query)
            candidates = [run for run in page.items if run.title == name] or matches
        if not candidates:
            raise VersionItemNotFoundError(kind="run", name=name)
        if len(candidates) > 1:
            length = len(name) + MORE_ID_LENGTH
            texts = [
                f"{run.id[:length] if run.id else run.run} ({run.title})"
                for run in candidates[:MAX_CANDIDATES]
            ]
            more = ["…"] if len(candidates) > MAX_CANDIDATES else []
            raise AmbiguousRunError(name=name, candidates=", ".join([*texts, *more]))
        return candidates[0]

    def change(self, identifier: str, change: RunChange) -> ExperimentRun:
        """Change the name, the note, the tags and the marks of a run.

        Raises RunNotRecordedError, RunDeletedError, InvalidRequestError, MLflowFailedError or
        VersionItemNotFoundError.
        """
        (run,) = self._find([identifier])
        tags = _tag_changes(change)
        if change.note is not None:
            tags[NOTE] = change.note or None
        name = change.name
        if name is not None and not name.strip():
            name = run.node or run.run
        self._update([run], tags, change.archived, name)
        return self._experiments.get(str(run.id))

    def change_all(self, change: RunsChange) -> Page[ExperimentRun]:
        """Change the tags and marks of several runs. Raises the errors of :meth:`change`."""
        runs = self._find(change.ids)
        self._update(runs, _tag_changes(change), change.archived)
        rows = [self._tracking.ask("find_run", identifier=run.id) for run in runs]
        return Page(items=self._experiments.to_experiment_runs(list(filter(None, rows))))

    def delete(self, identifier: str) -> DeletedRun:
        """Mark a run and its nested runs as deleted in MLflow, which keeps their values.

        Raises RunInProgressError, NestedRunError, and the errors of :meth:`change`.
        """
        (run,) = self._find([identifier])
        self._refuse_part(run)
        if run.status in ACTIVE_STATUSES:
            raise RunInProgressError(run=run.run)
        assert run.id is not None
        ids = [run.id, *(row["id"] for row in self._parts(run.id))]
        # The run itself comes last: what fails before is done when it is deleted again.
        self._call("delete_runs", ids[::-1])
        return DeletedRun(
            id=run.id,
            title=run.title,
            runs=ids,
            snapshots=self._snapshots(run),
            restore=f"jupyter mlws runs restore {run.id}",
        )

    def restore(self, identifier: str) -> ExperimentRun:
        """Restore a run that was deleted, with its nested runs; others stay as they are.

        Raises NestedRunError, RunNotRecordedError, MLflowFailedError or VersionItemNotFoundError.
        """
        run = self._experiments.get(identifier)
        if run.id is None:
            raise RunNotRecordedError(run=run.run)
        self._refuse_part(run)
        if not run.deleted:
            return run
        ids = [run.id, *(row["id"] for row in self._parts(run.id, "deleted"))]
        self._call("restore_runs", ids)
        return self._experiments.get(run.id)

    # Parts

    def _find(self, identifiers: Sequence[str]) -> list[ExperimentRun]:
        """Return runs that can be changed, or raise an error that names those that can't."""
        rows: dict[str, Mapping[str, Any]] = {}
        missing = []
        for identifier in identifiers:
            stages = ("active", "deleted")
            row = self._tracking.ask("find_run", identifier=identifier, stages=stages)
            if row is None:
                missing.append(identifier)
            else:
                rows[row["id"]] = row
        unknown = [one for one in missing if not self._experiments.find_in_journal(one, 1)]
        if unknown:
            raise VersionItemNotFoundError(kind="run", name=", ".join(unknown))
        if missing:
            raise RunNotRecordedError(run=missing[0])
        for identifier, row in rows.items():
            if row["deleted"]:
                raise RunDeletedError(run=identifier)
        return self._experiments.to_experiment_runs(list(rows.values()))

    def _refuse_part(self, run: ExperimentRun) -> None:
        if run.node:
            raise NestedRunError(node=run.node, run=run.parent or run.run)

    def _update(
        self,
        runs: Sequence[ExperimentRun],
        tags: Mapping[str, str | None],
        archived: bool | None,
        name: str | None = None,
    ) -> None:
        mark = {} if archived is None else {ARCHIVED: SET if archived else None}
        ids = [str(run.id) for run in runs]
        self._call("update_runs", ids, tags={**tags, **mark}, name=name)
        if mark:
            parts = [row["id"] for identifier in ids for row in self._parts(identifier)]
            self._call("update_runs", parts, tags=mark)

    def _call(self, call: str, ids: Sequence[str], **arguments: Any) -> None:
        try:
            for start in range(0, len(ids), BATCH_SIZE):
                self._tracking.ask(call, ids=ids[start : start + BATCH_SIZE], **arguments)
        except RefusedError as error:
            words = MLFLOW_REJECTION.fill(reason=error.reason)
            raise InvalidRequestError(faults=[Fault("tags", words)]) from error

    def write_notebook(self, identifier: str, language: str) -> WrittenNotebook:
        """Write a notebook that loads a run; an existing one is not overwritten.

        Raises RunNotRecordedError for a run that MLflow does not have.
        """
        from jupyter_mlws.workflows.run_notebook import RunNotebook

        run = self.get(identifier)
        if run.id is None:
            raise RunNotRecordedError(run=run.run)
        metrics, files = self.page.metrics(run.id), self.page.files(run.id)
        notebook = RunNotebook(self._repository.project.root, run, language)
        return WrittenNotebook(path=notebook.write(metrics.items, files.items))

    def _parts(self, run: str, stage: str = "active") -> list[Mapping[str, Any]]:
        """Return the runs that are nested in a run, at any depth."""
        rows: dict[str, Mapping[str, Any]] = {}
        parents = [run]
        for parent in parents:
            cursor = "0"
            while cursor is not None:
                page = self._tracking.ask(
                    "search",
                    filter="",
                    sort=[],
                    limit=PAGE_SIZE,
                    cursor=cursor,
                    nested=True,
                    tags={PARENT: parent},
                    stage=stage,
                )
                cursor = page["next"]
                new = {row["id"]: row for row in page["items"] if row["id"] not in rows}
                rows |= new
                parents += new
        return list(rows.values())

    def _snapshots(self, run: ExperimentRun) -> list[RunSnapshot]:
        """Return the snapshots whose trailers name a run, newest first."""
        if run.id is None or run.status in ACTIVE_STATUSES:
            # Snapshots name runs that have ended; the page of a live run asks again and again.
            return []
        query = LogQuery("--all", text=f"{TRAILER_RUN}: {run.id}", limit=MAX_SNAPSHOTS)
        return [
            RunSnapshot.from_object(commit, commit=commit.sha)
            for commit in list_commits(self._repository.git, query)
            if run.id in commit.trailers.get(TRAILER_RUN, [])
        ]


def _tag_changes(marks: RunMarks) -> dict[str, str | None]:
    """Return the changes of tags. Raises InvalidRequestError, which names each one at fault."""
    faults = [
        Fault(f"tags.{key}", RESERVED_TAG if key.startswith(INTERNAL_TAG_PREFIXES) else INVALID_TAG)
        for key in marks.tags
        if key.startswith(INTERNAL_TAG_PREFIXES) or not key.strip() or name_of(key) != key
    ]
    if faults:
        raise InvalidRequestError(faults=faults)
    tags = dict(marks.tags)
    if marks.starred is not None:
        tags[STARRED] = SET if marks.starred else None
    return tags
