"""MLflow's model registry, as plain data. Helper process only.

A version's files are artifacts of its run, in a folder of their own and by their paths in the
project.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from operator import itemgetter
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from jupyter_mlws.mlflow.rows import (
    ALIAS_TAG_PREFIX,
    FOLDER_TAG,
    MAX_LISTED_FILES,
    RunValues,
    VersionValues,
    model_row,
    version_row,
)
from jupyter_mlws.mlflow.run_tags import COMMIT, ENVIRONMENTS
from jupyter_mlws.mlflow.store import MLflowStore, artifact_repository, iter_items

FILES_FOLDER = re.compile(r"model-[0-9a-f]{8}")
"""Folder of a version's files among the artifacts of its run."""
MLMODEL = "MLmodel"
"""The file that makes a folder a model that MLflow can load."""
MAX_ALIAS_CHANGES = 100
"""Changes of an alias that are kept."""

JSON = dict[str, Any]


class MLflowRegistry(MLflowStore):
    """A store with its model registry. Rejections are MLflow's own exceptions."""

    def logged_outputs(self, run: str) -> list[JSON]:
        """Return the files, folders and models that a run's code logged, by path."""
        sizes = {entry.path: entry.file_size for entry in self._client.list_artifacts(run)}
        outputs = self._client.get_run(run).outputs
        for model in outputs.model_outputs if outputs is not None else ():
            sizes.setdefault(self._client.get_logged_model(model.model_id).name, None)
        return [
            {"path": path, "size": sizes[path]}
            for path in sorted(sizes)
            if path != ENVIRONMENTS and not FILES_FOLDER.fullmatch(path)
        ]

    def artifact_files(self, run: str, limit: int) -> list[JSON]:
        """Return the files that a run's code logged, at most ``limit``, in all their folders.

        Copies that versions of models have are left out.
        """
        folders: list[str | None] = [None]
        files: list[JSON] = []
        while folders and len(files) < limit:
            entries = self._client.list_artifacts(run, folders.pop(0))
            for entry in entries:
                is_own = entry.path == ENVIRONMENTS or FILES_FOLDER.fullmatch(entry.path)
                if entry.is_dir and not is_own:
                    folders.append(entry.path)
                elif not entry.is_dir:
                    files.append({"path": entry.path, "size": entry.file_size})
        return sorted(files[:limit], key=itemgetter("path"))

    def artifact(self, run: str, path: str, folder: str) -> str:
        """Download a file that a run's code logged into ``folder``, and return where it is."""
        return str(self._client.download_artifacts(run, path, folder))

    def register(
        self,
        name: str,
        params: Mapping[str, Any],
        metrics: Mapping[str, float],
        artifacts: Mapping[str, str],
        tags: Mapping[str, str],
        run: str | None = None,
        commit: str | None = None,
        logged: Sequence[str] = (),
    ) -> JSON:
        """Register a new version of a model, of a new run if none is given.

        ``artifacts``: path in the project → file or folder on this machine. ``logged``: paths of
        what the run's code logged.
        """
        moment = round(time.time() * 1000)
        is_new_run = run is None
        if run is None:
            run_tags = {COMMIT: commit} if commit else {}
            created = self._client.create_run(self._experiment(name), moment, tags=run_tags)
            run = str(created.info.run_id)
        try:
            self._log_values(run, params, metrics, moment)
            folder = f"model-{uuid.uuid4().hex[:8]}"
            loadable = None
            with TemporaryDirectory(prefix="mlws-") as downloads:
                places = {path: Path(place) for path, place in artifacts.items()}
                for path in logged:
                    uri = partial(str, f"runs:/{run}/{path}")
                    places[path] = self._download(path, uri, Path(downloads))
                for path, place in places.items():
                    target = PurePosixPath(folder, path)
                    if place.is_dir():
                        self._client.log_artifacts(run, str(place), str(target))
                    else:
                        self._client.log_artifact(run, str(place), str(target.parent))
                    if len(places) == 1 and (place / MLMODEL).is_file():
                        loadable = path
        except BaseException:
            if is_new_run:
                self._client.set_terminated(run, "FAILED")
            raise
        if is_new_run:
            self._client.set_terminated(run, "FINISHED")
        source = f"{self._client.get_run(run).info.artifact_uri}/{folder}"
        version_tags = dict(tags)
        if loadable is not None:
            # MLflow can load this folder: it becomes the version's source.
            source, version_tags[FOLDER_TAG] = f"{source}/{loadable}", loadable
        try:
            self._client.create_registered_model(name)
        except Exception as error:
            if getattr(error, "error_code", None) != "RESOURCE_ALREADY_EXISTS":
                raise
        version = self._client.create_model_version(
            name, source, run, tags=version_tags, await_creation_for=0
        )
        return self._describe_version(version)

    def models(self, text: str, after: str, limit: int) -> list[JSON]:
        """Return the models after ``after``, by name, whose names contain ``text``."""
        models = iter_items(self._client.search_registered_models)
        matches = [model for model in models if text.lower() in model.name.lower()]
        matches.sort(key=lambda model: str(model.name))
        behind = (model for model in matches if model.name > after)
        return [self._describe_model(model) for model in islice(behind, limit)]

    def model(self, name: str) -> JSON:
        """Return one model with its newest version."""
        return self._describe_model(self._client.get_registered_model(name))

    def versions(self, name: str, before: int | None, limit: int) -> list[JSON]:
        """Return versions of a model, newest first, older than ``before``."""
        quote = "'" if '"' in name else '"'
        older = f" AND version_number < {int(before)}" if before is not None else ""
        model_versions = self._client.search_model_versions(
            f"name={quote}{name}{quote}{older}",
            max_results=limit,
            order_by=["version_number DESC"],
        )
        aliases = self._client.get_registered_model(name).aliases
        return [self._describe_version(version, aliases) for version in model_versions]

    def versions_of(self, run: str) -> list[JSON]:
        """Return the model versions that a run has logged."""
        safe_id = run.replace("'", "")
        return [
            self._describe_version(version)
            for version in self._client.search_model_versions(f"run_id='{safe_id}'")
        ]

    def version(self, name: str, number: int) -> JSON:
        """Return one version of a model."""
        return self._describe_version(self._client.get_model_version(name, str(number)))

    def fetch(self, name: str, number: int, folder: Path) -> list[Path]:
        """Download the files of a version into ``folder``; return their sorted paths.

        Raises :class:`ValueError` with the version and the reason if they cannot be downloaded.
        """
        version = f"models:/{name}/{number}"
        place = self._download(
            version, lambda: self._client.get_model_version(name, str(number)).source, folder
        )
        return sorted(path for path in place.rglob("*") if path.is_file())

    def description_file(self, name: str, number: int, folder: str, limit: int) -> JSON | None:
        """Download the file that says what a version reads and returns into ``folder``.

        MLflow's own, or the version's only skops file; None if there is none, or if it has more
        than ``limit`` bytes. Returns the ``path`` in the version and the ``place`` on this machine.
        """
        source = str(self._client.get_model_version(name, str(number)).source)
        sizes = dict(islice(self._sized_files_at(source), MAX_LISTED_FILES))
        paths = sorted(path for path in sizes if PurePosixPath(path).name == MLMODEL)
        models = [path for path in sizes if PurePosixPath(path).suffix == ".skops"]
        if not paths and len(models) == 1:
            paths = models
        if not paths or (sizes[paths[0]] or 0) > limit:
            return None
        place = artifact_repository(source).download_artifacts(paths[0], folder)
        return {"path": paths[0], "place": str(place)}

    def describe(self, name: str, description: str) -> None:
        """Set the description of a model."""
        self._client.update_registered_model(name, description)

    def set_alias(self, name: str, alias: str, number: int, by: str = "") -> None:
        """Point ``alias`` at a version, also if it exists; ``by`` is the user."""
        before = self._client.get_registered_model(name).aliases.get(alias)
        self._client.set_registered_model_alias(name, alias, str(number))
        if before is None or int(before) != number:
            self._record_alias_change(name, alias, number, before, by)

    def delete_alias(self, name: str, alias: str, by: str = "") -> bool:
        """Delete an alias; return False if there is none."""
        before = self._client.get_registered_model(name).aliases.get(alias)
        if before is None:
            return False
        self._client.delete_registered_model_alias(name, alias)
        self._record_alias_change(name, alias, None, before, by)
        return True

    def alias_history(self, name: str) -> list[JSON]:
        """Return the changes of a model's aliases, newest first.

        A change by another program is inferred from the alias's current version; its time is
        unknown.
        """
        model = self._client.get_registered_model(name)
        changes = [
            {**json.loads(text), "alias": alias, "time": time, "key": key}
            for key, text in model.tags.items()
            for alias, time in parse_alias_tag(key)
        ]
        changes.sort(key=lambda row: (row["time"], row["key"]), reverse=True)
        newest: dict[str, JSON] = {}
        for row in changes:
            newest.setdefault(row["alias"], row)
        unseen = []
        for alias in sorted({*newest, *model.aliases}):
            last_version = newest.get(alias, {}).get("version")
            current_version = model.aliases.get(alias)
            now = int(current_version) if current_version is not None else None
            if now != last_version:
                unseen.append(
                    {"alias": alias, "version": now, "before": last_version, "by": "", "time": None}
                )
        return [
            *unseen,
            *(
                {key: row[key] for key in ("alias", "version", "before", "by", "time")}
                for row in changes
            ),
        ]

    def _record_alias_change(
        self, name: str, alias: str, number: int | None, before: str | None, by: str
    ) -> None:
        # A tag for each change: two people at once then both have theirs.
        key = f"{ALIAS_TAG_PREFIX}{alias}.{time.time_ns() // 1_000_000}"
        change = {"version": number, "before": int(before) if before else None, "by": by}
        self._client.set_registered_model_tag(name, key, json.dumps(change))
        history = sorted(
            (moment, key)
            for key in self._client.get_registered_model(name).tags
            for its, moment in parse_alias_tag(key)
            if its == alias
        )
        for _, old in history[:-MAX_ALIAS_CHANGES]:
            self._client.delete_registered_model_tag(name, old)

    # Parts

    def _run(self, identifier: str, stages: Sequence[str] = ("active",)) -> Any:
        """Return a run that is in one of the stages; None if there is none."""
        try:
            run = self._client.get_run(identifier)
        except Exception as error:
            # The second: no run can have such an id.
            if getattr(error, "error_code", None) not in (
                "RESOURCE_DOES_NOT_EXIST",
                "INVALID_PARAMETER_VALUE",
            ):
                raise
            return None
        return run if run.info.lifecycle_stage in stages else None

    def _describe_model(self, model: Any) -> JSON:
        newest = max(model.latest_versions, key=lambda v: int(v.version), default=None)
        return model_row(
            model.name,
            model.description,
            model.creation_timestamp,
            model.last_updated_timestamp,
            model.tags,
            model.aliases,
            self._describe_version(newest, model.aliases) if newest else None,
        )

    def _describe_version(self, version: Any, aliases: Mapping[str, Any] | None = None) -> JSON:
        if aliases is None:
            aliases = self._client.get_registered_model(version.name).aliases
        run = self._run(version.run_id) if version.run_id else None
        values = VersionValues(
            version.name,
            int(version.version),
            version.creation_timestamp,
            version.run_id,
            version.tags,
        )
        files = self._files_at(version.source)
        return version_row(values, run_values(run) if run else None, files, aliases)


def run_values(run: Any) -> RunValues:
    """Return the values of MLflow's object of a run."""
    info, data = run.info, run.data
    return RunValues(
        info.run_id,
        info.run_name,
        info.status,
        info.start_time,
        info.end_time,
        data.params,
        data.metrics,
        data.tags,
        info.lifecycle_stage,
    )


def parse_alias_tag(key: str) -> Iterator[tuple[str, float]]:
    """Yield the alias and the time that a tag records, if it records a change."""
    alias, _, moment = key.removeprefix(ALIAS_TAG_PREFIX).rpartition(".")
    if key.startswith(ALIAS_TAG_PREFIX) and alias and moment.isascii() and moment.isdigit():
        yield alias, int(moment) / 1000
