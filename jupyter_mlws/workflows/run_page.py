"""Details of a run for its page: metrics with several values, files, previews, environments."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from jupyter_mlws.core.errors import PreviewError, VersionItemNotFoundError
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.environments.models import EnvironmentRecord, PackageChange
from jupyter_mlws.environments.record import differences
from jupyter_mlws.mlflow.client import RefusedError, TrackingClient
from jupyter_mlws.versioning.experiments.models import RunFile, RunMetric, RunPackages
from jupyter_mlws.versioning.experiments.run_environments import run_environments
from jupyter_mlws.versioning.experiments.run_outputs import RunOutputs
from jupyter_mlws.versioning.repository import Repository
from jupyter_mlws.workflows.models import Preview
from jupyter_mlws.workflows.previews import preview, type_of
from jupyter_mlws.workflows.run.results import Results
from mlws.core.i18n import Message

MAX_FILES = 1000
MAX_PREVIEW_BYTES = 50_000_000
"""Bytes of an artifact that is fetched for a preview."""
GONE = Message("its content is in no cache of this machine; `jupyter mlws data pull` may bring it")
TOO_LARGE = Message("it is larger than 50 MB")


class RunPage:
    """The details of one project's runs. Thread-safe. Errors name a run that does not exist."""

    def __init__(self, repository: Repository, outputs: RunOutputs, results: Results) -> None:
        self._repository = repository
        self._outputs = outputs
        self._results = results

    @property
    def _tracking(self) -> TrackingClient:
        return self._repository.tracking

    def metrics(self, identifier: str) -> Page[RunMetric]:
        """Return the metrics of a run, and which of them have more than one value."""
        run = self._outputs.find(identifier)
        rows = self._tracking.ask("metrics", run=run["id"])
        return Page(items=[RunMetric(**row) for row in rows])

    def files(self, identifier: str) -> Page[RunFile]:
        """Return the files of a run: its nodes' outputs, then what its code logged."""
        run = self._outputs.find(identifier)
        outputs = [
            RunFile(
                path=path,
                kind=type_of(path),
                node=output.node,
                md5=output.md5,
                available=self._results.find_content(path, output.md5) is not None,
            )
            for path, output in self._outputs.recorded(run).items()
        ]
        artifacts = [
            RunFile(path=row["path"], kind=type_of(row["path"]), size=row["size"], available=True)
            for row in self._artifacts(run)
        ]
        return Page(items=[*outputs, *artifacts])

    def preview(self, identifier: str, path: str) -> Preview:
        """Return a preview of a file of a run.

        Raises VersionItemNotFoundError if the run has no such file, PreviewError if its content is
        too large, not here, or not what its name says.
        """
        run = self._outputs.find(identifier)
        suffix = Path(path).suffix.lower()
        output = self._outputs.recorded(run).get(path)
        if output is not None:
            content = self._results.find_content(path, output.md5)
            if content is None:
                raise PreviewError(kind="output", reason=GONE)
            return preview(type_of(path), content, suffix)
        sizes = {row["path"]: row["size"] for row in self._artifacts(run)}
        if path not in sizes:
            raise VersionItemNotFoundError(kind="file", name=path)
        if (sizes[path] or 0) > MAX_PREVIEW_BYTES:
            raise PreviewError(kind="file", reason=TOO_LARGE)
        with TemporaryDirectory(prefix="mlws-") as folder:
            try:
                place = self._tracking.ask("artifact", run=run["id"], path=path, folder=folder)
            except RefusedError as error:
                raise VersionItemNotFoundError(kind="file", name=path) from error
            return preview(type_of(path), Path(place), suffix)

    def packages(self, identifier: str, previous: str | None) -> RunPackages:
        """Return the environments of a run, and what differs from those of ``previous``."""
        now = run_environments(self._repository, self._outputs.find(identifier))
        before = (
            run_environments(self._repository, self._outputs.find(previous)) if previous else []
        )
        # Of each language the environment of the most nodes.
        main = [{one.language: one for one in reversed(some)} for some in (before, now)]
        changes = [
            PackageChange.of(change)
            for language, new in main[1].items()
            if language in main[0]
            for change in differences(main[0][language], new)
        ]
        return RunPackages(
            environments=[EnvironmentRecord.from_object(one) for one in now], changes=changes
        )

    def _artifacts(self, run: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        rows: list[Mapping[str, Any]] = self._tracking.ask(
            "artifact_files", run=run["id"], limit=MAX_FILES
        )
        return rows
