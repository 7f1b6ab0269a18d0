"""The steps of a snapshot's workflows and their runs, as `dvc.lock` and MLflow record them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

from jupyter_mlws.environments import store
from jupyter_mlws.git.adapter import Git, TreeEntry
from jupyter_mlws.mlflow.client import TrackingClient, sqlite_file
from jupyter_mlws.versioning.experiments.run_outputs import MAX_NODE_RUNS, list_node_runs
from mlws.core.project import Project
from mlws.dvc.pointers import LOCK_FILE, PIPELINE_FILE, as_mapping, load_mapping

FINISHED = "FINISHED"
"""MLflow's status of a run without errors."""


@dataclass(frozen=True)
class Artifact:
    """A file or directory with DVC's hash, which is None for what DVC cannot hash by MD5.

    ``path`` is from the project's root; of what lies elsewhere it is as the workflow has it.
    """

    path: str
    md5: str | None
    size: int | None = None

    @property
    def folder(self) -> bool:
        return self.md5 is not None and self.md5.endswith(".dir")


@dataclass(frozen=True)
class Step:
    """A stage as `dvc.lock` has it: a variant of a sweep is a step of its own."""

    name: str
    command: str
    about: str
    inputs: tuple[Artifact, ...]
    outputs: tuple[Artifact, ...]
    params: Mapping[str, Any]
    is_frozen: bool = False
    environment: str | None = None
    """ID of the environment in which the outputs were made, if it is known."""


@dataclass(frozen=True)
class StepRun:
    """One execution of a step; without an ID it is known from `dvc.lock` alone."""

    step: Step
    id: str | None = None
    run: str | None = None
    status: str = FINISHED
    started: float | None = None
    finished: float | None = None


@dataclass(frozen=True)
class WorkflowRun:
    """A run of a workflow, with the executions that its results come from; times are Unix times.

    The result of a step that the run did not execute comes from an earlier run.
    """

    name: str
    steps: Sequence[StepRun]
    id: str | None = None
    status: str = FINISHED
    started: float | None = None
    finished: float | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Workflow:
    """A `dvc.yaml` whose stages have run, with its steps in order and its runs."""

    path: str
    steps: Sequence[Step]
    runs: Sequence[WorkflowRun]


def read_steps(path: str, text: bytes, lock: bytes) -> list[Step]:
    """Return the stages of the workflow at ``path`` that `dvc.lock` has, in the workflow's order.

    Files that do not parse have none.
    """
    base = posixpath.dirname(path)
    stages = as_mapping(load_mapping(text).get("stages"))
    locked = as_mapping(load_mapping(lock).get("stages"))
    order = {name: place for place, name in enumerate(stages)}
    steps = []
    for name, entry in locked.items():
        origin = str(name).split("@")[0]
        stage = as_mapping(stages.get(name) or stages.get(origin))
        definition = as_mapping(stage.get("do")) or stage
        wdir = str(definition.get("wdir", ""))
        if not definition or "${" in wdir:
            # The lock has the stages that were deleted, too; of a template, no path is known.
            continue
        folder = posixpath.join(base, wdir)
        entry = as_mapping(entry)
        command = entry.get("cmd", "")
        params = entry.get("params")
        step = Step(
            str(name),
            "\n".join(map(str, command)) if isinstance(command, list) else str(command),
            str(definition.get("desc") or ""),
            tuple(_artifacts(folder, entry.get("deps"))),
            tuple(_artifacts(folder, entry.get("outs"))),
            {
                str(key): value
                for values in as_mapping(params).values()
                for key, value in as_mapping(values).items()
            },
            is_frozen=definition.get("frozen") is True,
        )
        steps.append((order.get(name, order.get(origin, 0)), step))
    return [step for _, step in sorted(steps, key=lambda row: row[0])]


def add_environments(project: Project, steps: Sequence[Step]) -> list[Step]:
    """Return the steps with the environments that the project's journal has of their outputs."""
    if not project.has_database():
        return list(steps)
    files = {(out.path, out.md5) for step in steps for out in step.outputs}
    with closing(project.database()) as connection:
        makers = store.makers(connection, files)
    result = []
    for step in steps:
        ids = [makers.get((out.path, out.md5)) for out in step.outputs]
        result.append(replace(step, environment=next(filter(None, ids), None)))
    return result


def read_runs(
    tracking: TrackingClient, runs: Iterable[str], workflow: str, steps: Sequence[Step]
) -> list[WorkflowRun]:
    """Return the runs of a workflow among MLflow's ``runs``; those that MLflow lacks are left out.

    Without any, a run that has the results of `dvc.lock` and no time.
    """
    rows: list[Mapping[str, Any]] = []
    earlier: list[Mapping[str, Any]] = []
    file = sqlite_file(tracking.uri)
    # Asking for runs would create a store that does not exist.
    if file is None or file.exists():
        answers = [tracking.ask("find_run", identifier=run) for run in runs]
        rows = [row for row in answers if row is not None and row["workflow"] == workflow]
        safe_path = workflow.replace("'", "")
        page = tracking.ask(
            "search",
            filter=f"tags.`mlws.workflow` = '{safe_path}'",
            sort=[],
            limit=MAX_NODE_RUNS,
            cursor=None,
            columns=[],
            nested=True,
        )
        earlier = [row for row in page.get("items", ()) if row["status"] == FINISHED]
    result = []
    for row in rows:
        nodes = {one["node"]: one for one in list_node_runs(tracking, row["run"]) if one["node"]}
        executions = [_execution(step, nodes.get(step.name), earlier) for step in steps]
        result.append(
            WorkflowRun(
                row["run"] or row["name"],
                executions,
                row["id"],
                row["status"],
                *_times(row),
                row["params"],
                row["metrics"],
            )
        )
    return result or [WorkflowRun(LOCK_FILE, [_execution(step, None, earlier) for step in steps])]


def read_workflows(
    project: Project, tracking: TrackingClient, entries: Sequence[TreeEntry], runs: Sequence[str]
) -> list[Workflow]:
    """Return the workflows of a snapshot that have run, those of its MLflow ``runs`` first."""
    git = Git(project.root)
    ids = {entry.path: entry.sha for entry in entries}
    workflows = []
    for path in ids:
        if posixpath.basename(path) == PIPELINE_FILE and lock_of(path) in ids:
            texts = git.blobs([ids[path], ids[lock_of(path)]])
            steps = read_steps(path, texts[ids[path]], texts[ids[lock_of(path)]])
            steps = add_environments(project, steps)
            if steps:
                workflows.append(Workflow(path, steps, read_runs(tracking, runs, path, steps)))
    return sorted(workflows, key=lambda one: (one.runs[0].id is None, one.path.count("/")))


def lock_of(path: str) -> str:
    """Return the path of the lock of a `dvc.yaml`."""
    return posixpath.join(posixpath.dirname(path), LOCK_FILE)


def _execution(
    step: Step, row: Mapping[str, Any] | None, earlier: Sequence[Mapping[str, Any]]
) -> StepRun:
    """Return a step's execution in a run, or the newest one with the same outputs."""
    outputs = {out.path: out.md5 for out in step.outputs}
    if row is None and outputs:
        row = next(
            (one for one in earlier if one["node"] == step.name and one["outputs"] == outputs),
            None,
        )
    if row is None:
        return StepRun(step)
    return StepRun(step, row["id"], row["run"], row["status"], *_times(row))


def _times(row: Mapping[str, Any]) -> tuple[float | None, float | None]:
    started, duration = row["started"], row["duration"]
    return started, None if started is None or duration is None else started + duration


def _artifacts(folder: str, rows: Any) -> Iterator[Artifact]:
    for row in rows if isinstance(rows, list) else ():
        row = as_mapping(row)
        path, md5, size = row.get("path"), row.get("md5"), row.get("size")
        if isinstance(path, str):
            is_local = "://" not in path and not path.startswith("/")
            yield Artifact(
                posixpath.normpath(posixpath.join(folder, path)) if is_local else path,
                str(md5) if md5 else None,
                size if isinstance(size, int) else None,
            )
