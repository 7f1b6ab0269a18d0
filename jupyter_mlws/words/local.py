"""The words on a project's files, where no server of it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jupyter_mlws.project import Project
from jupyter_mlws.words.session import JSON, Origin, Told
from jupyter_mlws.workspace import Workspace

if TYPE_CHECKING:
    from pydantic import BaseModel

    from jupyter_mlws.api.models import Page
    from jupyter_mlws.versioning.models import Snapshot

PAGE = 500
"""Items asked for at a time."""


class LocalSession:
    """A project through its managers, in this process."""

    def __init__(self, project: Project, language: str, origin: Origin) -> None:
        self.project = project
        self._workspace = Workspace(project)
        self._language = language
        self._origin = origin

    def status(self) -> JSON:
        return _plain(self._workspace.snapshots.status())

    def commit(self, message: str, paths: Sequence[str], allow_secrets: bool) -> JSON:
        snapshots = self._workspace.snapshots
        created = snapshots.create(
            message, list(paths) or None, allow_secrets=allow_secrets, language=self._language
        )
        return _plain(created)

    def history(self, path: str | None, text: str | None, limit: int) -> list[JSON]:
        from jupyter_mlws.versioning.models import HistoryQuery

        snapshots = self._workspace.snapshots

        def page(size: int, cursor: str | None) -> Page[Snapshot]:
            return snapshots.list(HistoryQuery(path=path, q=text, limit=size, cursor=cursor))

        return _all(page, limit)

    def diff(self, start: str, end: str | None, path: str | None) -> JSON:
        snapshots = self._workspace.snapshots
        if path is not None:
            return _plain(snapshots.file_diff(path, start, end))
        if end is None:
            return {"files": [_plain(row) for row in snapshots.diff(start)]}
        return _plain(snapshots.compare(start, end))

    def restore_plan(self, snapshot: str, paths: Sequence[str]) -> JSON:
        return _plain(self._workspace.snapshots.restore_plan(snapshot, list(paths) or None))

    def restore(self, snapshot: str, paths: Sequence[str], told: Told) -> JSON:
        return _plain(self._workspace.snapshots.restore(snapshot, list(paths) or None))

    def components(self) -> list[JSON]:
        return [_plain(component) for component in self._workspace.workflows.components()]

    def workflows(self) -> list[JSON]:
        return [_plain(row) for row in self._workspace.workflows.list(self._language)]

    def workflow(self, path: str) -> JSON:
        return _plain(self._workspace.workflows.get(path, self._language))

    def plan(self, path: str, targets: Sequence[str]) -> JSON:
        return _plain(self._workspace.workflows.plan(path, list(targets), self._language))

    def execute(self, path: str, request: Mapping[str, Any]) -> JSON:
        from jupyter_mlws.workflows.models import ExecuteRequest

        asked = ExecuteRequest(**request, origin=self._origin.value)
        return _plain(self._workspace.workflows.execute(path, asked, self._language))

    def run(self, path: str, run: str) -> JSON:
        return _plain(self._workspace.workflows.status(path, run, self._language))

    def runs_of(self, path: str) -> list[JSON]:
        workflows = self._workspace.workflows
        return _all(lambda size, cursor: workflows.runs(path, size, cursor), None)

    def runs(self, path: str | None, limit: int) -> list[JSON]:
        workflows = self._workspace.workflows
        return _all(lambda size, cursor: workflows.experiment_runs(path, size, cursor), limit)

    def cancel(self, path: str, run: str) -> None:
        self._workspace.workflows.cancel(path, run, self._language)

    def log(self, path: str, run: str, node: str, offset: int) -> JSON:
        return _plain(self._workspace.workflows.log(path, run, node, offset))

    def close(self) -> None:
        self._workspace.close()


def _plain(record: BaseModel) -> JSON:
    """``record`` as the API would send it."""
    return record.model_dump(mode="json", by_alias=True)


def _all(page: Callable[[int, str | None], Any], limit: int | None) -> list[JSON]:
    """Up to ``limit`` items (all for None), page after page."""
    items: list[JSON] = []
    cursor: str | None = None
    while limit is None or len(items) < limit:
        size = PAGE if limit is None else min(PAGE, limit - len(items))
        part = page(size, cursor)
        items.extend(map(_plain, part.items))
        cursor = part.next_cursor
        if cursor is None:
            break
    return items
