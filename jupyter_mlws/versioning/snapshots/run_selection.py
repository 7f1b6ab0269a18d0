"""Selects the runs that a snapshot names: those of its own workflow and inputs."""

from __future__ import annotations

import json
import posixpath
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import yaml

from jupyter_mlws.git.adapter import Git
from jupyter_mlws.versioning.data_index import DataIndex
from mlws.core.i18n import Message
from mlws.core.project import Project
from mlws.dvc.pointers import LOCK_FILE, covers
from mlws.engine.processes import alive
from mlws.engine.states import Status

MAX_RUNS = 1000
"""Newest runs that are considered; older ones were named by earlier snapshots."""
TRACKING_TIMEOUT = 30.0
"""Seconds to wait for MLflow's records of runs that have just ended."""
POLL_INTERVAL = 0.05
NOT_RECORDED = "json_extract(record, '$.recorded') IS NULL"
"""SQL: nothing has been said to MLflow of a run, whether it succeeded or not."""
PARAMS_FILE = "params.yaml"
"""File of parameters that DVC reads by default."""
DRAWING_KEYS = ("meta", "desc")
"""Fields of a stage that do not change its result."""
TITLE = "workflow"
"""Variable with the title, notes and frames of a workflow."""
RUN_NOT_RECORDED = Message(
    "Run {run} is not named in this snapshot because MLflow has no record of it yet. The next "
    "snapshot of the same workflow and inputs will name it. {reason}"
)
NO_ANSWER = Message("MLflow did not respond within {seconds} s.")

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class EndedRun:
    """A workflow's run that has ended; ``mlflow_run`` is None until MLflow has its record."""

    id: str
    workflow: str
    commit: str | None
    mlflow_run: str | None
    problem: str | None


def await_tracking(project: Project) -> None:
    """Wait until MLflow has the records of the runs that have ended, for a limited time."""
    deadline = time.monotonic() + TRACKING_TIMEOUT
    while time.monotonic() < deadline and any(
        # The process of a run stays alive until it has recorded the run.
        alive(record.get("pid"), record.get("pid_start"))
        for _, _, record in _iter_ended(project, NOT_RECORDED)
    ):
        time.sleep(POLL_INTERVAL)


def ended_runs(project: Project) -> list[EndedRun]:
    """Return the runs that have ended and that MLflow has or will have, oldest first."""
    return [
        EndedRun(
            run,
            workflow,
            record.get("commit"),
            record.get("mlflow_run"),
            record.get("tracking_error"),
        )
        for run, workflow, record in _iter_ended(project)
        # A run without an MLflow run although it is recorded had nothing to compute.
        if record.get("mlflow_run") or (record.get("started") and not record.get("recorded"))
    ]


def _iter_ended(
    project: Project, condition: str = "1"
) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    if not project.has_database():
        return
    query = (
        "SELECT id, workflow, record FROM (SELECT * FROM runs ORDER BY created DESC, id DESC "  # noqa: S608
        "LIMIT ?) WHERE json_extract(record, '$.ended') IS NOT NULL "
        f"AND {condition} ORDER BY created, id"
    )
    with closing(project.history()) as history:
        rows = history.execute(query, MAX_RUNS)
    for row in rows:
        yield row["id"], row["workflow"], json.loads(row["record"])


class RunMatcher:
    """Finds the runs whose workflow and inputs are those of a version.

    ``tree`` is the id of the version's tree.
    """

    def __init__(self, project: Project, git: Git, content: DataIndex, tree: str) -> None:
        self._project = project
        self._git = git
        self._content = content
        self._tree = tree

    def select(self, runs: Sequence[EndedRun]) -> list[EndedRun]:
        """Return the runs that match the version, in their order."""
        paths = {run.workflow: self._inputs(run.workflow) for run in runs}
        names = {
            f"{revision}:{path}"
            for run in runs
            if run.commit
            for revision in (run.commit, self._tree)
            for path in (run.workflow, *paths[run.workflow])
        }
        ids = self._object_ids(names)
        return [
            run
            for run in runs
            if run.commit
            and self._has_same_workflow(run, ids)
            and all(
                ids.get(f"{run.commit}:{path}") == ids.get(f"{self._tree}:{path}")
                for path in paths[run.workflow]
            )
            and self._has_same_data(run, paths[run.workflow])
        ]

    def _object_ids(self, names: Iterable[str]) -> dict[str, str]:
        """Return the ids of the files and folders that exist, by ``REVISION:PATH``."""
        rows = sorted(names)
        if not rows:
            return {}
        text = "".join(f"{row}\n" for row in rows)
        answers = self._git.run("cat-file", "--batch-check=%(objectname)", stdin=text.encode())
        lines = answers.decode(errors="surrogateescape").splitlines()
        return {
            row: line
            for row, line in zip(rows, lines, strict=True)
            if not line.endswith((" missing", " ambiguous"))
        }

    def _has_same_workflow(self, run: EndedRun, ids: Mapping[str, str]) -> bool:
        before = ids.get(f"{run.commit}:{run.workflow}")
        now = ids.get(f"{self._tree}:{run.workflow}")
        if before is None or now is None:
            return False
        if before == now:
            return True
        texts = self._git.blobs([before, now])
        return bool(_definition(texts[before]) == _definition(texts[now]))

    def _has_same_data(self, run: EndedRun, paths: Sequence[str]) -> bool:
        """Return whether the data that the run read is that of the version."""
        assert run.commit is not None
        own_lock = posixpath.join(posixpath.dirname(run.workflow), LOCK_FILE)
        before, now = (
            {
                item.path: item.md5
                for item in self._content.data_at(version)
                if item.source != own_lock
                and any(covers([path], item.path) or covers([item.path], path) for path in paths)
            }
            for version in (run.commit, self._tree)
        )
        if not before.keys() <= now.keys():
            # The version lacks the files that name this data.
            return False
        if not now:
            return True
        query = (
            "SELECT json_extract(record, '$.inputs') AS inputs FROM nodes WHERE run = ? "
            "AND status = ?"
        )
        with closing(self._project.history()) as history:
            rows = history.execute(query, run.id, Status.COMPLETED.value)
        for row in rows:
            # Data that was changed and not recorded when the run started is named by its nodes.
            before.update(json.loads(row["inputs"] or "{}"))
        return all(before.get(path) == md5 for path, md5 in now.items())

    def _inputs(self, workflow: str) -> list[str]:
        """Return the files and folders that the version's workflow reads, by path."""
        base = posixpath.dirname(workflow)
        text = self._git.blob(self._tree, workflow) or b""
        document = _load(text)
        lock = _load(self._git.blob(self._tree, posixpath.join(base, LOCK_FILE)) or b"")
        paths = {
            posixpath.join(base, str(one).split(":")[0])
            for one in _as_list(document.get("vars"))
            if isinstance(one, str)
        }
        if b"${" in text:
            paths.add(posixpath.join(base, PARAMS_FILE))
        stages = _as_mapping(document.get("stages"))
        locked = _as_mapping(lock.get("stages"))
        outputs = set()
        for name, stage in [*stages.items(), *locked.items()]:
            definition = _as_mapping(stages.get(name) or stages.get(str(name).split("@")[0]))
            definition = _as_mapping(definition.get("do")) or definition
            folder = posixpath.join(base, str(definition.get("wdir", "")))
            one = _as_mapping(_as_mapping(stage).get("do")) or _as_mapping(stage)
            paths |= {posixpath.join(folder, path) for path in _paths(one.get("deps"))}
            paths |= {posixpath.join(folder, path) for path in _params_files(one.get("params"))}
            for kind in ("outs", "metrics", "plots"):
                outputs |= {
                    posixpath.normpath(posixpath.join(folder, path))
                    for path in _paths(one.get(kind))
                }
        # An output of the workflow is no input of it, and a template is no path.
        names = {posixpath.normpath(path) for path in paths if "${" not in path}
        return sorted(
            path
            for path in names
            if not covers(outputs, path) and "\n" not in path and not path.startswith(("../", "/"))
        )


def _definition(text: bytes) -> Any:
    """Return the part of a workflow's text that decides its results."""
    document = dict(_load(text))
    document["stages"] = {
        name: _without_drawing(stage) for name, stage in _as_mapping(document.get("stages")).items()
    }
    document["vars"] = [
        one
        for one in _as_list(document.get("vars"))
        if not (isinstance(one, dict) and set(one) == {TITLE})
    ]
    return document


def _without_drawing(stage: Any) -> Any:
    if not isinstance(stage, dict):
        return stage
    return {
        key: _without_drawing(value) if key == "do" else value
        for key, value in stage.items()
        if key not in DRAWING_KEYS
    }


def _paths(rows: Any) -> Iterator[str]:
    """Yield the paths of dependencies or outputs, of a workflow or of a lock file."""
    for row in _as_list(rows):
        if isinstance(row, str):
            yield row
        elif isinstance(row, dict) and isinstance(row.get("path"), str):
            yield row["path"]
        elif isinstance(row, dict):
            yield from map(str, row)


def _params_files(rows: Any) -> Iterator[str]:
    """Yield the files of parameters of a stage, of a workflow or of a lock file."""
    if isinstance(rows, dict):
        yield from map(str, rows)
    for row in _as_list(rows):
        yield from map(str, row) if isinstance(row, dict) else (PARAMS_FILE,)


def _load(text: bytes) -> Mapping[str, Any]:
    try:
        return _as_mapping(yaml.load(text, Loader=_LOADER))  # noqa: S506  a safe loader
    except (yaml.YAMLError, ValueError, RecursionError):
        # Not a workflow: it has no inputs, and only the same bytes are the same.
        return {"text": text}


def _as_mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
