"""Adapter of MLflow tracking: the only importer of MLflow, inside the functions that need it.

Importing MLflow takes about a second and 150 MB, so this runs neither in the server nor where a
workflow runs, but in the helper process of :mod:`~jupyter_mlws.mlflow.client`.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import Any, TypeVar

import platformdirs

from jupyter_mlws.mlflow.client import ARTIFACTS, SQLITE, sqlite_file
from mlws.core.atomic import atomic_path, atomic_write
from mlws.core.hub_environment import shared_tracking

DEFAULT_FILE = "mlflow.db"
GIT_EXCLUDE_PATTERNS = (f"/{DEFAULT_FILE}*", "/mlruns")
GIT_TIMEOUT = 30
UPGRADE_TIMEOUT = 600
"""Seconds for the migration of a store made by an older MLflow."""
PAGE_SIZE = 1000
"""Items of a page of a search, which no search of MLflow rejects."""
BATCH_SIZE = 100
"""Parameters, metrics and tags each that MLflow takes at once."""
MAX_VALUE_LENGTH = 6000
"""Characters of a parameter that MLflow stores."""
STATUSES = {
    "COMPLETED": "FINISHED",
    "CACHED": "FINISHED",
    "CANCELLED": "KILLED",
    "INTERRUPTED": "KILLED",
    "SKIPPED": "KILLED",
}
"""Our statuses to MLflow's; FAILED and RUNNING are the same in both."""

Item = TypeVar("Item")


def tracking_uri(root: Path) -> str:
    """Return the tracking URI of the project at ``root``.

    That of a shared project, else ``MLFLOW_TRACKING_URI``, else the project's own SQLite file.
    """
    configured_uri = shared_tracking(root) or os.environ.get("MLFLOW_TRACKING_URI")
    return configured_uri or f"{SQLITE}{root}/{DEFAULT_FILE}"


class MLflowStore:
    """One tracking store, by an explicit URI. Not thread-safe.

    ``artifacts`` is the folder of new experiments of an SQLite store; by default ``mlruns``
    beside the file. MLflow creates it with the first artifact.
    """

    def __init__(self, uri: str, artifacts: Path | None = None) -> None:
        self.uri = uri
        self._file = sqlite_file(uri)
        self._artifacts = artifacts or (self._file.parent / ARTIFACTS if self._file else None)

    @property
    def awaits_creation(self) -> bool:
        """True while the SQLite file does not exist; the first write creates it."""
        return self._file is not None and self._file.parent.is_dir() and not self._file.exists()

    def log_run(
        self,
        experiment: str,
        params: Mapping[str, Any],
        metrics: Mapping[str, float],
        tags: Mapping[str, str],
        start: float,
        end: float,
        status: str,
        name: str | None = None,
    ) -> str:
        """Record a run that has ended and return its id.

        ``start`` and ``end`` are epoch seconds.
        """
        start_ms, end_ms = round(start * 1000), round(end * 1000)
        run = self._client.create_run(
            self._experiment(experiment), start_time=start_ms, tags=dict(tags), run_name=name
        )
        identifier: str = run.info.run_id
        self._log_values(identifier, params, metrics, end_ms)
        self._client.set_terminated(identifier, STATUSES.get(status, status), end_ms)
        return identifier

    def _log_values(
        self,
        run: str,
        params: Mapping[str, Any],
        metrics: Mapping[str, float],
        moment: int,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        from mlflow.entities import Metric, Param, RunTag

        # Of two names that MLflow takes for one, the last counts: it refuses a second value.
        values = {name_of(key): str(value)[:MAX_VALUE_LENGTH] for key, value in params.items()}
        metric_values = {name_of(key): float(value) for key, value in metrics.items()}
        parts = (
            _iter_batches([Param(key, value) for key, value in values.items()]),
            _iter_batches([Metric(key, value, moment, 0) for key, value in metric_values.items()]),
            _iter_batches([RunTag(key, value) for key, value in (tags or {}).items()]),
        )
        for some_params, some_metrics, some_tags in zip_longest(*parts, fillvalue=()):
            self._client.log_batch(run, params=some_params, metrics=some_metrics, tags=some_tags)

    def _log_steps(
        self, run: str, values: Iterable[tuple[str, float, int, int]], tags: Mapping[str, str]
    ) -> None:
        """Log metrics, each as key, value, milliseconds and step; tags with the first of them."""
        from mlflow.entities import Metric, RunTag

        mark = [RunTag(key, value) for key, value in tags.items()]
        for batch in _iter_batches([Metric(*one) for one in values]):
            self._client.log_batch(run, metrics=batch, tags=mark)
            mark = []

    def tag_runs(self, ids: Iterable[str], tags: Mapping[str, str]) -> None:
        """Set the tags on each of the runs."""
        from mlflow.entities import RunTag

        rows = [RunTag(key, value) for key, value in tags.items()]
        for identifier in ids:
            self._client.log_batch(identifier, tags=rows)

    def finished(self, ids: Iterable[str]) -> list[str]:
        """Return the runs that exist, were not deleted, and have ended."""
        from mlflow.exceptions import MlflowException

        run_ids = []
        for identifier in ids:
            try:
                info = self._client.get_run(identifier).info
            except MlflowException as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise
                continue
            has_ended = info.status in ("FINISHED", "FAILED", "KILLED")
            if has_ended and info.lifecycle_stage == "active":
                run_ids.append(identifier)
        return run_ids

    @classmethod
    def _files_at(cls, uri: str) -> Iterator[str]:
        """Yield the paths of the files below an artifact URI, relative to it."""
        return (path for path, _ in cls._sized_files_at(uri))

    @staticmethod
    def _sized_files_at(uri: str) -> Iterator[tuple[str, int | None]]:
        """Yield the files below an artifact URI with their sizes in bytes, if known."""
        repository = artifact_repository(uri)
        folders: list[str | None] = [None]
        while folders:
            for entry in repository.list_artifacts(folders.pop()):
                if entry.is_dir:
                    folders.append(entry.path)
                else:
                    yield entry.path, entry.file_size

    @cached_property
    def _client(self) -> Any:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        from mlflow import MlflowClient

        if self._file is not None:
            # Four first opens at once raced: one process creates or migrates, the others wait.
            with self._file.with_name(self._file.name + ".lock").open("a") as lock:
                fcntl.flock(lock.fileno(), fcntl.LOCK_EX)
                _exclude_from_git(self._file)
                self._prepare_schema(self._file)
                return MlflowClient(self.uri, registry_uri=self.uri)
        return MlflowClient(self.uri, registry_uri=self.uri)

    def _download(self, what: str, source: Callable[[], str], folder: Path) -> Path:
        """Download the files of a source into ``folder`` and return their path.

        Raises :class:`ValueError` with ``what`` and the reason if they cannot be downloaded.
        """
        from mlflow.artifacts import download_artifacts
        from mlflow.exceptions import MlflowException

        try:
            place = download_artifacts(
                artifact_uri=source(), dst_path=str(folder), tracking_uri=self.uri
            )
        except (MlflowException, OSError) as error:
            raise ValueError(f"{what}: {error}") from error
        return Path(place)

    def _prepare_schema(self, file: Path) -> None:
        """Create the tables, or migrate those of an older MLflow.

        A copy of the file is kept before a migration.
        """
        from mlflow.store.db import utils
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        latest_revision: Any = utils._get_latest_schema_revision
        revision = None
        if file.exists():
            with closing(sqlite3.connect(file)) as connection:
                query = "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
                if connection.execute(query).fetchone() is not None:
                    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
                    revision = str(row[0]) if row else None
        if revision is None:
            if not file.exists():
                _copy_empty_tables(latest_revision(), file)
            # Made here and not by the client, which would put artifacts into the current folder.
            make: Any = SqlAlchemyStore
            make(self.uri, self._artifacts.as_uri() if self._artifacts else "mlruns")
        elif revision != latest_revision():
            shutil.copy2(file, file.with_name(f"{file.name}.{revision}.backup"))
            subprocess.run(
                [sys.executable, "-m", "mlflow", "db", "upgrade", self.uri],
                check=True,
                capture_output=True,
                timeout=UPGRADE_TIMEOUT,
            )

    def _experiment(self, name: str) -> str:
        from mlflow.exceptions import MlflowException

        for _ in range(2):
            experiment = self._client.get_experiment_by_name(name)
            if experiment is not None:
                return str(experiment.experiment_id)
            location = (self._artifacts / name_of(name)).as_uri() if self._artifacts else None
            try:
                return str(self._client.create_experiment(name, artifact_location=location))
            except MlflowException as error:
                # Another process has just made it: look again, once.
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
        raise ValueError(f"the experiment {name!r} was deleted in MLflow; restore it there")


def _copy_empty_tables(revision: str, file: Path) -> None:
    """Copy the tables that MLflow made for an earlier store: its migrations take two seconds.

    They are kept in the user's cache. Where that cannot be written, MLflow makes them for each
    store.
    """
    from mlflow.store.db import utils
    from sqlalchemy import create_engine
    from sqlalchemy.exc import SQLAlchemyError

    template = platformdirs.user_cache_path("jupyter-mlws") / f"mlflow-{revision}.db"
    with suppress(OSError, SQLAlchemyError):
        if not template.exists():
            template.parent.mkdir(parents=True, exist_ok=True)
            with atomic_path(template) as new:
                engine = create_engine(f"{SQLITE}{new}")
                initialize: Any = utils._initialize_tables
                initialize(engine)
                engine.dispose()
        atomic_write(file, template.read_bytes())


def tables() -> Any:
    """Return the tables of MLflow's database, for queries that its own search answers slowly."""
    from mlflow.store.tracking.dbmodels import models

    return models


def artifact_repository(uri: str) -> Any:
    """Return MLflow's access to the files below an artifact URI."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    return get_artifact_repository(uri)


def upload_artifacts(uri: str, folder: str) -> None:
    """Upload the files of a folder to an artifact URI."""
    artifact_repository(uri).log_artifacts(folder)


def search_utils() -> Any:
    """Return MLflow's parser of filters and orders."""
    from mlflow.utils.search_utils import SearchUtils

    return SearchUtils


def view_type(stage: str) -> Any:
    """Return MLflow's word for the runs in a stage: `active` or `deleted`."""
    from mlflow.entities import ViewType

    return ViewType.DELETED_ONLY if stage == "deleted" else ViewType.ACTIVE_ONLY


def name_of(name: str) -> str:
    """Return ``name`` with leading slashes and characters that MLflow rejects replaced."""
    return re.sub(r"[^\w.\- :/]|^/|(?<=/)\.+(?=/|$)|//+", "_", name)[:250]


def iter_items(
    search: Callable[..., Any], *arguments: Any, page_size: int = PAGE_SIZE, **options: Any
) -> Iterator[Any]:
    """Yield the items of all pages of one of MLflow's searches."""
    token = None
    while True:
        page = search(*arguments, **options, max_results=page_size, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _iter_batches(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), BATCH_SIZE):
        yield items[start : start + BATCH_SIZE]


def _exclude_from_git(file: Path) -> None:
    """Keep the default store of a repository, its lock and its artifacts out of commits.

    Uses the repository's own exclude file, because `.gitignore` is shared with others.
    """
    root = file.parent
    if file.name != DEFAULT_FILE or not (root / ".git").exists():
        return
    answer = subprocess.run(
        ["git", "rev-parse", "--git-path", "info/exclude"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
        timeout=GIT_TIMEOUT,
    )
    exclude = root / answer.stdout.rstrip("\n")
    before = exclude.read_text(encoding="utf-8") if exclude.exists() else ""
    missing = [line for line in GIT_EXCLUDE_PATTERNS if line not in before.splitlines()]
    if missing:
        exclude.parent.mkdir(exist_ok=True)
        gap = "\n" if before and not before.endswith("\n") else ""
        exclude.write_text(before + gap + "\n".join(missing) + "\n", encoding="utf-8")
