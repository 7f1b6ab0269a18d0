"""Endpoints of MLflow runs: search, tracking and reproduction."""

from __future__ import annotations

from jupyter_mlws.api.registry import WRITES, Context, Endpoints, Reply, Work
from jupyter_mlws.core.errors import (
    AlreadyExistsError,
    AlreadyReproducedError,
    AmbiguousRunError,
    MLflowFailedError,
    NestedRunError,
    PreviewError,
    RunCommitMissingError,
    RunDeletedError,
    RunInProgressError,
    RunNotRecordedError,
    RunViewsInvalidError,
    VersionItemNotFoundError,
)
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.server.endpoints.errors import DVC_ERRORS, GIT_ERRORS
from jupyter_mlws.versioning.experiments.models import (
    BaselineQuery,
    Curves,
    CurvesQuery,
    DeletedRun,
    ExperimentRun,
    GroupsQuery,
    LayoutChange,
    ReproduceRequest,
    Reproduction,
    RunBegin,
    RunChange,
    RunColumns,
    RunDetail,
    RunEnded,
    RunFile,
    RunFileQuery,
    RunGroups,
    RunMetric,
    RunOutput,
    RunPackages,
    RunReference,
    RunsChange,
    RunsQuery,
    RunState,
    RunViewChange,
    RunViewName,
    RunViews,
    TrackedRun,
)
from jupyter_mlws.versioning.model_registry.models import ModelVersion
from jupyter_mlws.workflows.models import Preview, WrittenNotebook
from jupyter_mlws.workspace import Workspace
from mlws.core.errors import OutsideWorkspaceError
from mlws.core.paths import unescape

endpoints = Endpoints("runs", GIT_ERRORS)
CHANGE_ERRORS = [
    MLflowFailedError,
    RunDeletedError,
    RunNotRecordedError,
    VersionItemNotFoundError,
]

VIEW_ERRORS = [OutsideWorkspaceError, RunViewsInvalidError]


@endpoints.get(
    "runs", "Search runs with parameters and metrics", shared=True, errors=[MLflowFailedError]
)
def search_runs(workspace: Workspace, query: RunsQuery) -> Page[ExperimentRun]:
    return workspace.experiments.search(query)


@endpoints.post(
    "runs",
    "Start a run, with a commit of the working tree",
    status=201,
    errors=[*DVC_ERRORS, MLflowFailedError, VersionItemNotFoundError],
)
def begin_run(workspace: Workspace, body: RunBegin) -> Reply[TrackedRun]:
    run = workspace.run_tracker.begin(body)
    return Reply(run, location=("runs", run.id))


@endpoints.get(
    "runs/columns",
    "List the names of parameters and metrics",
    shared=True,
    errors=[MLflowFailedError],
)
def get_columns(workspace: Workspace) -> RunColumns:
    return workspace.experiments.columns()


@endpoints.get(
    "runs/groups",
    "Group runs by a parameter, tag, experiment, workflow or name, with the means of metrics",
    shared=True,
    errors=[MLflowFailedError],
)
def get_groups(workspace: Workspace, query: GroupsQuery) -> RunGroups:
    return workspace.experiments.groups(query)


@endpoints.get(
    "runs/commits",
    "List tags and latest commits at which the metrics of DVC differ, as runs",
    shared=True,
    errors=DVC_ERRORS,
)
def list_commit_runs(workspace: Workspace) -> Page[ExperimentRun]:
    return workspace.experiments.commits.list()


@endpoints.get(
    "runs/views",
    "Get the layout of the table of runs and the saved views",
    errors=[RunViewsInvalidError],
)
def get_views(workspace: Workspace) -> RunViews:
    return workspace.experiments.views.list()


@endpoints.put("runs/layout", "Save the layout of the table of runs", errors=VIEW_ERRORS)
def set_layout(workspace: Workspace, body: LayoutChange) -> RunViews:
    return workspace.experiments.views.set_layout(body.layout, in_project=body.in_project)


@endpoints.delete(
    "runs/layout",
    "Delete your layout of the table of runs, so that the project's is used",
    errors=VIEW_ERRORS,
)
def delete_layout(workspace: Workspace) -> RunViews:
    return workspace.experiments.views.set_layout(None)


@endpoints.put(
    "runs/views/{view}", "Save a view of the table of runs under a name", errors=VIEW_ERRORS
)
def save_view(workspace: Workspace, identifier: str, body: RunViewChange) -> RunViews:
    return workspace.experiments.views.save(unescape(identifier), body)


@endpoints.patch(
    "runs/views/{view}",
    "Rename a saved view",
    errors=[*VIEW_ERRORS, AlreadyExistsError, VersionItemNotFoundError],
)
def rename_view(workspace: Workspace, identifier: str, body: RunViewName) -> RunViews:
    return workspace.experiments.views.rename(unescape(identifier), body.name)


@endpoints.delete(
    "runs/views/{view}",
    "Delete a saved view",
    errors=[*VIEW_ERRORS, VersionItemNotFoundError],
)
def delete_view(workspace: Workspace, identifier: str) -> RunViews:
    return workspace.experiments.views.delete(unescape(identifier))


@endpoints.get(
    "runs/curves",
    "Get the metrics of runs by step",
    errors=[MLflowFailedError, VersionItemNotFoundError],
)
def get_curves(workspace: Workspace, query: CurvesQuery) -> Curves:
    return workspace.experiments.curves(query)


@endpoints.post(
    "runs/state",
    "Save the state of the working tree for a run",
    errors=[*DVC_ERRORS, VersionItemNotFoundError],
)
def save_state(workspace: Workspace) -> RunState:
    return workspace.run_tracker.state()


@endpoints.get(
    "runs/resolve",
    "Find the run with a name, a title or an ID, or the only one whose ID begins so",
    errors=[AmbiguousRunError, MLflowFailedError, VersionItemNotFoundError],
)
def resolve_run(workspace: Workspace, query: RunReference) -> ExperimentRun:
    return workspace.run_manager.resolve(query)


@endpoints.post(
    "runs/tags", "Change tags, stars and archiving of several runs", errors=CHANGE_ERRORS
)
def change_runs(workspace: Workspace, body: RunsChange) -> Page[ExperimentRun]:
    return workspace.run_manager.change_all(body)


@endpoints.get(
    "runs/{run}",
    "Get a run, with its nested runs and the snapshots that name it",
    errors=[MLflowFailedError, VersionItemNotFoundError],
)
def get_run(workspace: Workspace, identifier: str) -> RunDetail:
    return workspace.run_manager.get(identifier)


@endpoints.patch(
    "runs/{run}", "Change the name, note, tags, star or archiving of a run", errors=CHANGE_ERRORS
)
def change_run(workspace: Workspace, identifier: str, body: RunChange) -> ExperimentRun:
    return workspace.run_manager.change(identifier, body)


@endpoints.delete(
    "runs/{run}",
    "Delete a run and the runs of its nodes in MLflow, where they can be restored",
    errors=[*CHANGE_ERRORS, NestedRunError, RunInProgressError],
)
def delete_run(workspace: Workspace, identifier: str) -> DeletedRun:
    return workspace.run_manager.delete(identifier)


@endpoints.post(
    "runs/{run}/restore",
    "Restore a deleted run",
    errors=[MLflowFailedError, NestedRunError, RunNotRecordedError, VersionItemNotFoundError],
)
def restore_run(workspace: Workspace, identifier: str) -> ExperimentRun:
    return workspace.run_manager.restore(identifier)


@endpoints.post(
    "runs/{run}/notebook",
    "Create a notebook that loads a run: its values, curves, data, files and code",
    also=[("read", "contents"), ("write", "contents")],
    errors=[*DVC_ERRORS, MLflowFailedError, RunNotRecordedError, VersionItemNotFoundError],
)
def create_run_notebook(workspace: Workspace, identifier: str, context: Context) -> WrittenNotebook:
    return workspace.run_manager.write_notebook(identifier, context.language)


@endpoints.get(
    "runs/{run}/outputs",
    "List the outputs of a run, and the stores that have them",
    errors=[*DVC_ERRORS, MLflowFailedError, VersionItemNotFoundError],
)
def list_outputs(workspace: Workspace, identifier: str) -> Page[RunOutput]:
    return workspace.run_outputs.list(identifier)


@endpoints.get(
    "runs/{run}/metrics",
    "List the metrics of a run, and which of them are curves",
    errors=[MLflowFailedError, VersionItemNotFoundError],
)
def list_metrics(workspace: Workspace, identifier: str) -> Page[RunMetric]:
    return workspace.run_manager.page.metrics(identifier)


@endpoints.get(
    "runs/{run}/files",
    "List the files of a run: its nodes' outputs and its artifacts",
    errors=[*DVC_ERRORS, MLflowFailedError, VersionItemNotFoundError],
)
def list_files(workspace: Workspace, identifier: str) -> Page[RunFile]:
    return workspace.run_manager.page.files(identifier)


@endpoints.get(
    "runs/{run}/preview",
    "Preview a file of a run",
    also=[("read", "contents")],
    errors=[*DVC_ERRORS, MLflowFailedError, VersionItemNotFoundError, PreviewError],
)
def preview_file(workspace: Workspace, identifier: str, query: RunFileQuery) -> Preview:
    return workspace.run_manager.page.preview(identifier, query.path)


@endpoints.get(
    "runs/{run}/environments",
    "Get the environments of a run, and what changed since another run",
    errors=[MLflowFailedError, VersionItemNotFoundError],
)
def get_environments(workspace: Workspace, identifier: str, query: BaselineQuery) -> RunPackages:
    return workspace.run_manager.page.packages(identifier, query.previous)


@endpoints.get(
    "runs/{run}/models",
    "List the model versions that were registered from a run",
    errors=[MLflowFailedError, VersionItemNotFoundError],
)
def list_run_models(workspace: Workspace, identifier: str) -> Page[ModelVersion]:
    return workspace.models.versions_of(identifier)


@endpoints.post(
    "runs/{run}/end", "End a tracked run", errors=[MLflowFailedError, VersionItemNotFoundError]
)
def end_run(workspace: Workspace, identifier: str, body: RunEnded) -> ExperimentRun:
    workspace.run_tracker.end(identifier, body)
    return workspace.experiments.get(identifier)


@endpoints.post(
    "runs/{run}/reproduce",
    "Recreate the code and data of a run (or MODEL:VERSION) in a git worktree; the operation's "
    "result is a Reproduction",
    also=WRITES,
    errors=[
        MLflowFailedError,
        RunCommitMissingError,
        AlreadyReproducedError,
        VersionItemNotFoundError,
    ],
)
def reproduce(workspace: Workspace, identifier: str, body: ReproduceRequest) -> Work[Reproduction]:
    workspace.reproductions.check(identifier, body)
    return Work(
        "reproduction",
        lambda progress: workspace.reproductions.create(identifier, body, progress),
    )


@endpoints.get("reproductions", "List reproductions")
def list_reproductions(workspace: Workspace) -> Page[Reproduction]:
    return workspace.reproductions.list()


@endpoints.delete(
    "reproductions/{reproduction}",
    "Delete a reproduction, including all work in it",
    also=WRITES,
    errors=[*DVC_ERRORS, VersionItemNotFoundError],
)
def delete_reproduction(workspace: Workspace, identifier: str) -> Reproduction:
    return workspace.reproductions.delete(identifier)
