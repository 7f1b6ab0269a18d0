"""The notebook of a run runs as it is, and shows what the run had."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from jupyter_mlws.workspace import Workspace
from mlws.core.project import Project

NAME = "<b>best</b> [x](javascript:alert(1))"
SCRIPT = "print('the script')\n"
pytestmark = pytest.mark.kernel


def texts(notebook: Any) -> str:
    """Return all outputs of a notebook as text."""
    return "\n".join(
        str(output.get("text") or output.get("data"))
        for cell in notebook.cells
        for output in cell.get("outputs", ())
    )


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a kernel imports MLflow and pandas")
def test_it_loads_the_values_the_data_and_the_code(
    project: Project, mlflow_store: None, git: Callable[..., str]
) -> None:
    import mlflow

    root = project.root
    (root / "a table.csv").write_text("x,y\n1,2\n")
    (root / "fit.py").write_text(SCRIPT)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Begin")
    commit = git(root, "rev-parse", "HEAD").strip()
    (root / "a table.csv").write_text("x,y\n5,6\n")
    workspace = Workspace(project)
    client = mlflow.MlflowClient(workspace.tracking.uri)
    experiment = client.create_experiment("E", (root / "mlruns").as_uri())
    run = client.create_run(experiment, run_name=NAME).info.run_id
    client.log_param(run, "depth", 3)
    for step in range(3):
        client.log_metric(run, "a/loss", 1 / (1 + step), step=step)
    client.log_text(run, "hello", "notes.txt")
    tags = {
        "mlflow.source.git.commit": commit,
        "mlflow.source.name": "fit.py",
        "mlws.inputs": '{"a table.csv": "0"}',
    }
    for key, value in tags.items():
        client.set_tag(run, key, value)
    client.set_terminated(run)
    path = workspace.run_manager.write_notebook(run, "en").path
    assert workspace.run_manager.write_notebook(run, "zh-CN").path == path
    workspace.close()
    file: Path = root / path
    notebook = nbformat.read(file, as_version=4)
    nbformat.validate(notebook)
    assert "<b>" not in notebook.cells[0].source
    (load,) = (cell for cell in notebook.cells if "dvc.api" in cell.source)
    load.source += "\nprint(data['a table.csv'].to_dict('list'))"
    folder = {"metadata": {"path": str(file.parent)}}
    NotebookClient(notebook, timeout=120, resources=folder).execute()
    shown = texts(notebook)
    # The table as it was, not as it is now.
    for text in ("depth", "a/loss", "notes.txt", "the script", "{'x': [1], 'y': [2]}"):
        assert text in shown
    assert str(file.relative_to(root)) not in git(root, "status", "--porcelain")
