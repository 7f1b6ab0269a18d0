"""The words on a project's files, where no server of it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from jupyter_mlws.cli.prompt import Ask
from jupyter_mlws.cli.session import JSON, Origin, RemoteSession, Session, Told, version_id
from jupyter_mlws.client import Server, find_server
from jupyter_mlws.core.i18n import translate
from jupyter_mlws.core.locking import Waiting
from jupyter_mlws.core.path_ids import escape
from jupyter_mlws.core.project import Project
from jupyter_mlws.projects.trust import require_trust
from jupyter_mlws.workspace import Workspace

if TYPE_CHECKING:
    from pydantic import BaseModel

    from jupyter_mlws.core.progress import ProgressCallback
    from jupyter_mlws.core.schemas import Page
    from jupyter_mlws.versioning.models import Snapshot

AnyModel = TypeVar("AnyModel", bound="BaseModel")
Data = TypeVar("Data")
PAGE = 500
"""Items asked for at a time."""


class LocalSession:
    """A project through its managers, in this process."""

    def __init__(self, project: Project, language: str, origin: Origin) -> None:
        self.project = project
        self._workspace = Workspace(project)
        self._language = language
        self._origin = origin
        self.ask: Ask | None = None

    def status(self) -> JSON:
        return self._plain(self._workspace.snapshots.status())

    def commit(
        self,
        message: str,
        paths: Sequence[str],
        allow_secrets: bool,
        *,
        allow_many: bool = False,
        staged: bool = False,
        waiting: Waiting = lambda holder: None,
    ) -> JSON:
        from jupyter_mlws.versioning.models import SnapshotCreate

        request = validate(SnapshotCreate, {"message": message})
        created = self._workspace.snapshots.create(
            request.message,
            list(paths) or None,
            allow_secrets=allow_secrets,
            allow_many=allow_many,
            staged=staged,
            waiting=waiting,
        )
        return self._plain(created)

    def merge(self, ref: str | None, message: str | None, told: Told) -> JSON:
        merges = self._workspace.versions.merges
        if ref is None:
            return self._plain(merges.finish(message, _telling(told)))
        return self._plain(merges.merge(ref, message, _telling(told)))

    def abort_merge(self) -> JSON:
        return self._plain(self._workspace.versions.merges.abort())

    def conflicts(self) -> JSON:
        return self._plain(self._workspace.versions.merges.conflicts())

    def resolve(self, path: str, resolution: Mapping[str, Any]) -> JSON:
        from jupyter_mlws.versioning.code.merge_models import Resolution

        return self._plain(
            self._workspace.versions.merges.resolve(path, validate(Resolution, resolution))
        )

    def rollback(self, to: str, message: str | None, told: Told) -> JSON:
        from jupyter_mlws.versioning.code.history_models import RollbackMode

        rollbacks = self._workspace.versions.rollbacks
        return self._plain(rollbacks.run(to, RollbackMode.REVERT, message, _telling(told)))

    def stage(self, how: str, chosen: Mapping[str, Any]) -> JSON:
        from jupyter_mlws.versioning.code.staging_models import StageRequest

        staging = self._workspace.versions.staging
        {"stage": staging.stage, "unstage": staging.unstage}[how](validate(StageRequest, chosen))
        return self.status()

    def tags(self) -> list[JSON]:
        return [self._plain(tag) for tag in self._workspace.versions.tags.list()]

    def create_tag(self, name: str, ref: str, message: str | None) -> JSON:
        return self._plain(self._workspace.versions.tags.create(name, ref, message))

    def delete_tag(self, name: str) -> JSON:
        return self._plain(self._workspace.versions.tags.delete(name))

    def stashes(self) -> list[JSON]:
        return [self._plain(stash) for stash in self._workspace.versions.stashes.list()]

    def push_stash(self, message: str | None, told: Told) -> JSON:
        return self._plain(self._workspace.versions.stashes.push(message, progress=_telling(told)))

    def apply_stash(self, identifier: str, keep: bool, told: Told) -> JSON:
        stashes = self._workspace.versions.stashes
        return self._plain(stashes.apply(identifier, keep=keep, progress=_telling(told)))

    def drop_stash(self, identifier: str) -> JSON:
        return self._plain(self._workspace.versions.stashes.drop(identifier))

    def safety_copies(self) -> list[JSON]:
        return [self._plain(copy) for copy in self._workspace.versions.safety.list()]

    def restore_safety(self, identifier: str, told: Told) -> JSON:
        return self._plain(self._workspace.versions.safety.restore(identifier, _telling(told)))

    def fetch(self, asked: Mapping[str, Any], told: Told) -> JSON:
        remotes = self._workspace.versions.remotes
        prune = bool(asked.get("prune"))
        return self._plain(
            remotes.fetch(asked.get("remote"), _telling(told), prune=prune, ask=self.ask)
        )

    def history(self, path: str | None, text: str | None, limit: int) -> list[JSON]:
        from jupyter_mlws.versioning.models import HistoryQuery

        snapshots = self._workspace.snapshots

        def page(size: int, cursor: str | None) -> Page[Snapshot]:
            return snapshots.list(HistoryQuery(path=path, q=text, limit=size, cursor=cursor))

        return self._all(page, limit)

    def diff(self, start: str, end: str | None, path: str | None) -> JSON:
        snapshots = self._workspace.snapshots
        if path is not None:
            return self._plain(snapshots.file_diff(path, start, end))
        if end is None:
            return {"files": [self._plain(row) for row in snapshots.diff(start)]}
        return self._plain(snapshots.compare(start, end))

    def restore_plan(self, snapshot: str, paths: Sequence[str]) -> JSON:
        return self._plain(self._workspace.snapshots.restore_plan(snapshot, list(paths) or None))

    def restore(self, snapshot: str, paths: Sequence[str], told: Told) -> JSON:
        snapshots = self._workspace.snapshots
        return self._plain(snapshots.restore(snapshot, list(paths) or None, _telling(told)))

    def verify(self, snapshot: str, quick: bool, told: Told) -> JSON:
        snapshots = self._workspace.snapshots
        return self._plain(snapshots.verify(snapshot, quick=quick, progress=_telling(told)))

    def repair(self, snapshot: str, quick: bool, told: Told) -> JSON:
        snapshots = self._workspace.snapshots
        return self._plain(snapshots.repair(snapshot, quick=quick, progress=_telling(told)))

    def collect(self, confirm: bool, told: Told) -> JSON:
        snapshots = self._workspace.snapshots
        return self._plain(snapshots.collect(confirm=confirm, progress=_telling(told)))

    def branches(self) -> list[JSON]:
        return [self._plain(branch) for branch in self._workspace.versions.branches.list()]

    def create_branch(self, name: str, start: str) -> JSON:
        return self._plain(self._workspace.versions.branches.create(name, start))

    def delete_branch(self, name: str, force: bool) -> JSON:
        return self._plain(self._workspace.versions.branches.delete(name, force=force))

    def checkout(self, place: Mapping[str, Any], told: Told) -> JSON:
        branches = self._workspace.versions.branches
        return self._plain(
            branches.checkout(
                place.get("branch"),
                place.get("ref"),
                create=bool(place.get("create")),
                progress=_telling(told),
            )
        )

    def push(self, place: Mapping[str, Any], told: Told) -> JSON:
        remotes = self._workspace.versions.remotes
        where = (place.get("remote"), place.get("branch"))
        return self._plain(remotes.push(*where, _telling(told), self.ask))

    def pull(self, place: Mapping[str, Any], told: Told) -> JSON:
        remotes = self._workspace.versions.remotes
        where = (place.get("remote"), place.get("branch"))
        return self._plain(remotes.pull(*where, _telling(told), self.ask))

    def models(self, text: str | None, limit: int) -> list[JSON]:
        from jupyter_mlws.versioning.registry.models import Model, ModelsQuery

        models = self._workspace.versions.models

        def page(size: int, cursor: str | None) -> Page[Model]:
            return models.list(ModelsQuery(q=text, limit=size, cursor=cursor))

        return self._all(page, limit)

    def model(self, name: str) -> JSON:
        return self._plain(self._workspace.versions.models.get(escape(name)))

    def datasets(self, text: str | None, limit: int) -> list[JSON]:
        from jupyter_mlws.versioning.data.models import Dataset, DatasetsQuery

        datasets = self._workspace.versions.datasets

        def page(size: int, cursor: str | None) -> Page[Dataset]:
            return datasets.list(DatasetsQuery(q=text, limit=size, cursor=cursor))

        return self._all(page, limit)

    def dataset(self, path: str) -> JSON:
        return self._plain(self._workspace.versions.datasets.get(escape(path)))

    def add_dataset(self, path: str) -> JSON:
        return self._plain(self._workspace.versions.datasets.add(path))

    def checkout_dataset(self, path: str, version: str, told: Told) -> JSON:
        datasets = self._workspace.versions.datasets
        return self._plain(datasets.checkout(escape(path), version, _telling(told)))

    def push_dataset(self, path: str, told: Told) -> JSON:
        return self._plain(self._workspace.versions.datasets.push(escape(path), _telling(told)))

    def pull_dataset(self, path: str, told: Told) -> JSON:
        return self._plain(self._workspace.versions.datasets.pull(escape(path), _telling(told)))

    def import_dataset(self, request: Mapping[str, Any], told: Told) -> JSON:
        from jupyter_mlws.versioning.data.models import DatasetImport

        given = validate(DatasetImport, request)
        return self._plain(self._workspace.versions.datasets.import_url(given, _telling(told)))

    def diff_dataset(self, path: str, start: str | None, end: str | None) -> JSON:
        from jupyter_mlws.versioning.data.models import DatasetDiffQuery

        asked = {key: value for key, value in (("from", start), ("to", end)) if value is not None}
        query = DatasetDiffQuery.model_validate(asked)
        return self._plain(self._workspace.versions.datasets.diff(escape(path), query))

    def verify_dataset(self, path: str, asked: Mapping[str, Any], told: Told) -> JSON:
        from jupyter_mlws.versioning.data.models import DatasetVerify

        given = validate(DatasetVerify, asked)
        datasets = self._workspace.versions.datasets
        return self._plain(datasets.verify(escape(path), given, _telling(told)))

    def storage(self) -> JSON:
        return self._plain(self._workspace.versions.datasets.storage())

    def data_remotes(self) -> list[JSON]:
        return [self._plain(remote) for remote in self._workspace.versions.data_remotes.list()]

    def put_data_remote(self, name: str, request: Mapping[str, Any]) -> JSON:
        from jupyter_mlws.versioning.data.models import DataRemotePut

        return self._plain(
            self._workspace.versions.data_remotes.put(name, validate(DataRemotePut, request))
        )

    def delete_data_remote(self, name: str) -> JSON:
        return self._plain(self._workspace.versions.data_remotes.delete(name))

    def check_data_remote(self, name: str) -> JSON:
        return self._plain(self._workspace.versions.data_remotes.check(name))

    def best_models(self, asked: Mapping[str, Any]) -> JSON:
        from jupyter_mlws.versioning.registry.models import BestQuery

        return self._plain(self._workspace.versions.models.best(validate(BestQuery, asked)))

    def alias_history(self, name: str) -> list[JSON]:
        history = self._workspace.versions.models.alias_history(escape(name))
        return [self._plain(change) for change in history.items]

    def compare_models(self, ids: Sequence[str]) -> JSON:
        return self._plain(
            self._workspace.versions.models.compare([version_id(one) for one in ids])
        )

    def experiment(self, run: str) -> JSON:
        return self._plain(self._workspace.experiments.get(run))

    def begin_run(self, request: Mapping[str, Any]) -> JSON:
        from jupyter_mlws.versioning.tracking.models import RunBegin

        return self._plain(self._workspace.versions.runs.begin(validate(RunBegin, request)))

    def end_run(self, run: str, request: Mapping[str, Any]) -> JSON:
        from jupyter_mlws.versioning.tracking.models import RunEnded

        self._workspace.versions.runs.end(run, validate(RunEnded, request))
        return self.experiment(run)

    def run_state(self) -> JSON:
        return self._plain(self._workspace.versions.runs.state())

    def reproduce(self, run: str, request: Mapping[str, Any], told: Told) -> JSON:
        from jupyter_mlws.versioning.tracking.models import ReproduceRequest

        given = validate(ReproduceRequest, request)
        reproductions = self._workspace.versions.reproductions
        return self._plain(reproductions.create(version_id(run), given, _telling(told)))

    def reproductions(self) -> list[JSON]:
        return [self._plain(one) for one in self._workspace.versions.reproductions.list().items]

    def delete_reproduction(self, identifier: str) -> JSON:
        return self._plain(self._workspace.versions.reproductions.delete(identifier))

    def lineage(self, of: str) -> JSON:
        from jupyter_mlws.versioning.lineage.models import LineageQuery

        return self._plain(self._workspace.versions.lineage.read(LineageQuery(of=of)))

    def components(self) -> list[JSON]:
        return [self._plain(component) for component in self._workspace.workflows.components()]

    def workflows(self) -> list[JSON]:
        return self._translate(self._workspace.runs.workflows())

    def workflow_paths(self) -> list[str]:
        return self._workspace.runs.documents.paths()

    def workflow(self, path: str) -> JSON:
        return self._plain(self._workspace.workflows.get(path))

    def import_file(self, request: Mapping[str, Any]) -> JSON:
        from jupyter_mlws.workflows.importers.models import ImportRequest

        asked = validate(ImportRequest, request)
        return self._plain(self._workspace.workflows.import_file(asked))

    def plan(self, path: str, asked: Mapping[str, Any]) -> JSON:
        from jupyter_mlws.workflows.models import PlanQuery

        query = validate(PlanQuery, asked)
        return self._plain(self._workspace.workflows.plan(path, query))

    def sweeps(self, path: str, asked: Mapping[str, Any]) -> JSON:
        from jupyter_mlws.workflows.sweep_models import SweepsQuery

        return self._plain(self._workspace.workflows.sweeps(path, validate(SweepsQuery, asked)))

    def promote(self, path: str, name: str, asked: Mapping[str, Any], etag: str) -> JSON:
        from jupyter_mlws.workflows.sweep_models import PromoteRequest

        request = validate(PromoteRequest, asked)
        return self._plain(self._workspace.workflows.promote(path, name, request, [etag]))

    def execute(self, path: str, request: Mapping[str, Any]) -> JSON:
        from jupyter_mlws.workflows.runs import Asked

        asked = Asked(**request, origin=self._origin.value)
        return self._translate(self._workspace.runs.execute(path, asked))

    def run(self, path: str, run: str) -> JSON:
        return self._translate(self._workspace.runs.status(path, run))

    def has_ended(self, path: str, run: str) -> bool | None:
        return self._workspace.runs.has_ended(path, run)

    def runs_of(self, path: str) -> list[JSON]:
        workflows = self._workspace.workflows
        return self._all(lambda size, cursor: workflows.runs(path, size, cursor), None)

    def runs(self, asked: Mapping[str, Any], limit: int) -> list[JSON]:
        from jupyter_mlws.workflows.models import ExperimentRun, RunsQuery

        def page(size: int, cursor: str | None) -> Page[ExperimentRun]:
            query = validate(RunsQuery, {**asked, "limit": size, "cursor": cursor})
            return self._workspace.experiments.search(query)

        return self._all(page, limit)

    def resume(self, path: str, run: str) -> JSON:
        runs = self._workspace.runs
        return self._translate(runs.resume(path, run, self._origin.value))

    def go_on(self, path: str, run: str, node: str, how: str) -> JSON:
        runs = self._workspace.runs
        start = {"retry": runs.retry, "skip": runs.skip}[how]
        return self._translate(start(path, run, node, self._origin.value))

    def cancel(self, path: str, run: str) -> None:
        self._workspace.runs.cancel(path, run)

    def log(self, path: str, run: str, node: str, offset: int) -> JSON:
        return self._plain(self._workspace.workflows.log(path, run, node, offset))

    def close(self) -> None:
        self._workspace.close()

    def _translate(self, data: Data) -> Data:
        translated: Data = translate(data, self._language)
        return translated

    def _plain(self, record: BaseModel) -> JSON:
        """``record`` as the API would send it."""
        return record.model_dump(mode="json", by_alias=True, context={"language": self._language})

    def _all(self, page: Callable[[int, str | None], Any], limit: int | None) -> list[JSON]:
        """Up to ``limit`` items (all for None), page after page."""
        items: list[JSON] = []
        cursor: str | None = None
        while limit is None or len(items) < limit:
            size = PAGE if limit is None else min(PAGE, limit - len(items))
            part = page(size, cursor)
            items.extend(map(self._plain, part.items))
            cursor = part.next_cursor
            if cursor is None:
                break
        return items


def validate(model: type[AnyModel], given: Mapping[str, Any]) -> AnyModel:
    """Return ``given`` as ``model``, as the HTTP API would; error 50201 names the faults."""
    from jupyter_mlws.core import validation_messages

    return validation_messages.validate(model, given)


def _telling(told: Told) -> ProgressCallback:
    """A listener of progress that passes on what the work is at, when that changes."""
    last = ""

    def telling(done: float, total: float | None = None, unit: str = "", message: str = "") -> None:
        nonlocal last
        if message != last:
            last = message
            told(message)

    return telling


def open_session(folder: Path, language: str, origin: Origin) -> Session:
    """The project that ``folder`` lies in, through its server where one runs."""
    project = Project.open(folder)
    require_trust(project)
    places = dict.fromkeys((project.root, folder.resolve()))
    server = next(filter(None, (find_server(place, language) for place in places)), None)
    if server is not None:
        identifier = _project_id(server, project)
        if identifier is not None:
            return RemoteSession(project, server, identifier, origin)
    return LocalSession(project, language, origin)


def _project_id(server: Server, project: Project) -> str | None:
    """The id under which ``server`` knows ``project``; None where it serves other projects."""
    below = server.root in project.root.parents
    expected = project.root.relative_to(server.root).as_posix() if below else "."
    for known in server.get("projects")["items"]:
        if known["path"] == expected and known["name"] == project.root.name:
            return str(known["id"])
    return None
