"""Creates the example project: copies its files, runs its workflow and commits.

``python -m jupyter_mlws.projects.example DIRECTORY`` creates it unless it exists.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from jupyter_mlws.core.trust import trust
from jupyter_mlws.projects.setup import initialize
from jupyter_mlws.versioning.model_registry.models import ModelChange, ModelCreate, ModelVersion
from jupyter_mlws.workspace import Workspace
from mlws.core.errors import RunStoppedError
from mlws.dvc.data import open_data

WORKFLOW = "workflows/wine/dvc.yaml"
MODEL = "wine-forest"
MODEL_FILE = "workflows/wine/out/forest.model.skops"
MODEL_CARD = """\
A random forest that tells which of three growers made a wine, by four measurements.

- **Data**: 178 wines of the UCI Machine Learning Repository, `data/wine.csv`.
- **Limits**: wines of one region of Italy; 54 of them are too few to tell close models apart.
"""
UNFINISHED_MARKER = "example-unfinished"
"""Marker in the project's state while the example is created; after a crash, it is recreated."""
RUN_TIMEOUT = 600.0
"""Seconds for one run of the workflow."""


def example_directory() -> Path:
    """Return the directory of the example's files, in the installed package or in a checkout."""
    directory = Path(__file__).parent / "example_files"
    return directory if directory.is_dir() else Path(__file__).parents[2] / "examples" / "wine"


def create_example(target: Path) -> None:
    """Fill the empty or missing directory ``target``: files, runs, snapshots and a model."""
    shutil.copytree(example_directory(), target, dirs_exist_ok=True)
    initialize(target)
    trust(target)
    for key, value in (("user.name", "Example"), ("user.email", "example@localhost")):
        # A name and an address for commits, unless the user has configured them in git.
        command = ["git", "config", key]
        result = subprocess.run(command, cwd=target, check=False, capture_output=True, timeout=30)
        if result.returncode != 0:
            subprocess.run([*command, value], cwd=target, check=True, timeout=30)
    workspace = Workspace.open(target)
    marker = workspace.project.state / UNFINISHED_MARKER
    marker.touch()
    try:
        with open_data(target) as data:
            data.tracker.track("data/wine.csv")
        first = _run_workflow(workspace, {})
        _register(workspace, first, "First models of the wine")
        _run_workflow(workspace, {"linear.C": 0.01})
        # Back to the first linear model, so that the last run ends as the last snapshot is.
        last = _run_workflow(
            workspace, {"linear.C": 1.0, "forest.n_estimators": 100, "forest.max_depth": 3}
        )
        version = _register(workspace, last, "A larger, shallower forest")
        workspace.models.describe(MODEL, ModelChange(description=MODEL_CARD))
        workspace.models.set_alias(MODEL, "production", version.version)
    finally:
        workspace.close()
    marker.unlink()


def _register(workspace: Workspace, run: str, message: str) -> ModelVersion:
    """Register the forest of a run, and create a snapshot."""
    version = workspace.models.register(ModelCreate(name=MODEL, run_id=run, artifacts=[MODEL_FILE]))
    workspace.snapshots.create(message)
    return version


def _run_workflow(workspace: Workspace, settings: dict[str, object]) -> str:
    """Run the workflow and return the run's ID."""
    from jupyter_mlws.workflows.journal.store import RunRequest

    started = workspace.runs.execute(WORKFLOW, RunRequest(params=settings))
    result = workspace.runs.wait(WORKFLOW, started["id"], RUN_TIMEOUT)
    if result["error"] is not None:
        raise RunStoppedError(reason=result["error"]["message"].en)
    return str(started["id"])


def main(arguments: list[str]) -> int:
    """Create the example in the given directory, unless there is a project already."""
    target = Path(arguments[0]).resolve()
    if (target / ".git").exists():
        if not (target / ".git" / "mlws" / UNFINISHED_MARKER).exists():
            return 0
        shutil.rmtree(target)
    print(f"Creating the example workspace in {target} …", flush=True)  # noqa: T201
    create_example(target)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
