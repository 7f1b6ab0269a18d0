"""Outputs of runs, by the hashes that the runs recorded.

A path has other content after every run. An output of an earlier run is therefore taken from a
store by its hash, never by its path alone.
"""

from __future__ import annotations

import builtins
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from jupyter_mlws.core.errors import VersionItemNotFoundError
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.mlflow.client import TrackingClient
from jupyter_mlws.versioning.experiments.models import OutputStore, RunOutput
from jupyter_mlws.versioning.models import UnreachableRemote
from jupyter_mlws.versioning.repository import Repository
from mlws.core.errors import DataMissingError
from mlws.dvc.data import DataStore, open_data
from mlws.dvc.pointers import LOCK_FILE, DataPointer
from mlws.engine.states import Status

MAX_NODE_RUNS = 500

Row = Mapping[str, Any]


class RecordedOutput(NamedTuple):
    """An output that a node of a workflow's run recorded."""

    node: str
    md5: str


class RunOutputs:
    """The outputs of one project's runs. Thread-safe."""

    def __init__(self, repository: Repository) -> None:
        self._project = repository.project
        self._tracking = repository.tracking

    def list(self, identifier: str) -> Page[RunOutput]:
        """Return the outputs of a run, each with the store that has it.

        ``identifier`` is MLflow's id or that of a workflow's run. Raises MLflowFailedError or
        VersionItemNotFoundError.
        """
        run = self.find(identifier)
        outputs = [*self._iter_recorded(self.recorded(run))]
        outputs += [
            RunOutput(path=row["path"], size=row["size"], store=OutputStore.MLFLOW)
            for row in self.logged(run)
        ]
        return Page(items=outputs)

    def find(self, identifier: str) -> Row:
        """Return a run of MLflow. Raises VersionItemNotFoundError."""
        run: Row | None = self._tracking.ask("find_run", identifier=identifier)
        if run is None:
            raise VersionItemNotFoundError(kind="run", name=identifier)
        return run

    def recorded(self, run: Row) -> dict[str, RecordedOutput]:
        """Return the outputs that the nodes of a workflow's run recorded, by path."""
        if not run["run"]:
            return {}
        rows: Iterable[tuple[str, Mapping[str, str]]] = ()
        if self._project.has_database():
            query = (
                "SELECT node, json_extract(record, '$.outputs') AS outputs FROM nodes "
                "WHERE run = ? AND status IN (?, ?) ORDER BY position"
            )
            states = (Status.COMPLETED.value, Status.CACHED.value)
            with closing(self._project.history()) as history:
                rows = [
                    (row["node"], json.loads(row["outputs"] or "{}"))
                    for row in history.execute(query, run["run"], *states)
                ]
        if not rows:
            # The run is another clone's.
            rows = [
                (row["node"], row["outputs"])
                for row in list_node_runs(self._tracking, run["run"])
                if row["node"]
            ]
        return {
            path: RecordedOutput(node, md5)
            for node, hashes in rows
            if run["node"] in (None, node)
            for path, md5 in hashes.items()
        }

    def logged(self, run: Row) -> builtins.list[Row]:
        """Return the files, folders and models that the run's code logged in MLflow."""
        rows: builtins.list[Row] = self._tracking.ask("logged_outputs", run=run["id"])
        return rows

    @contextmanager
    def fetched(self, outputs: Mapping[str, RecordedOutput]) -> Iterator[dict[str, str]]:
        """Yield the locations of the outputs' content on this machine, by path.

        Raises DataDamagedError if an output is damaged, DataMissingError if no store has it,
        RemoteUnreachableError.
        """
        if not outputs:
            yield {}
            return
        with open_data(self._project.root) as data, TemporaryDirectory(prefix="mlws-") as folder:
            available, lacking, error = data.fetch_available(list(_iter_items(data, outputs)))
            unchanged = [item for item in lacking if _is_unchanged(data, item)]
            lost = sorted({item.path for item in lacking} - {item.path for item in unchanged})
            if lost:
                raise error or DataMissingError(paths=", ".join(lost))
            for item in available:
                target = Path(folder, item.path)
                if item.folder:
                    target.mkdir(parents=True, exist_ok=True)
                for obj in data.cache.objects([item]):
                    if not obj.listing:
                        file = target / obj.inside if obj.inside else target
                        file.parent.mkdir(parents=True, exist_ok=True)
                        file.symlink_to(data.cache.path_of(obj))
            places = {item.path: str(Path(folder, item.path)) for item in available}
            places |= {item.path: str(self._project.root / item.path) for item in unchanged}
            yield places

    def _iter_recorded(self, outputs: Mapping[str, RecordedOutput]) -> Iterator[RunOutput]:
        if not outputs:
            return
        with open_data(self._project.root) as data:
            items = list(_iter_items(data, outputs))
            absent = data.cache.missing(items)
            lacking, error = data.remote.find_unavailable(absent)
            unreachable = UnreachableRemote(**error.facts) if error else None
            for item in items:
                store: OutputStore | None = OutputStore.CACHE
                if item in lacking:
                    store = OutputStore.WORKING_TREE if _is_unchanged(data, item) else None
                elif item in absent:
                    store = OutputStore.REMOTE
                size = None
                if store is OutputStore.CACHE:
                    size = sum(map(data.cache.size_of, data.cache.objects([item])))
                yield RunOutput(
                    path=item.path,
                    node=outputs[item.path].node,
                    md5=item.md5,
                    size=size,
                    store=store,
                    unreachable=None if store else unreachable,
                )


def list_node_runs(tracking: TrackingClient, run: str) -> list[Row]:
    """Return the MLflow runs of a workflow's run: its own, and those of its nodes."""
    safe_id = run.replace("'", "")
    rows: list[Row] = tracking.ask(
        "search",
        filter=f"tags.`mlws.run` = '{safe_id}'",
        sort=[],
        limit=MAX_NODE_RUNS,
        cursor=None,
        columns=[],
        nested=True,
    )["items"]
    return rows


def _iter_items(data: DataStore, outputs: Mapping[str, RecordedOutput]) -> Iterator[DataPointer]:
    for path, output in outputs.items():
        item = DataPointer(path, LOCK_FILE, output.md5)
        # A run does not record which kind of hash it is; DVC 2 made others.
        old = replace(item, legacy=True)
        is_old = data.cache.missing([item]) and not data.cache.missing([old])
        yield old if is_old else item


def _is_unchanged(data: DataStore, item: DataPointer) -> bool:
    """Return whether the working tree still has the content of an output."""
    current = data.worktree.measure(item)
    return current is not None and current.md5 == item.md5
