"""A failed node as a notebook: with the settings and inputs that it had, and it fails the same."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from jupyter_mlws.core.errors import WorkflowItemNotFoundError
from jupyter_mlws.workflows.manager import WorkflowManager
from jupyter_mlws.workflows.models import Run
from mlws.core.project import Project

pytestmark = pytest.mark.kernel

PATH = "dvc.yaml"
COMPONENT = '''\
from jupyter_mlws.components import Table, component


@component(category="Test")
def keep_rows(data: Table, *, column: str = "a", least: float = 0.0) -> Table:
    """Keep rows.

    column: Which column.
    """
    return data[data[column] >= least]
'''
TEXT = """\
vars:
  - keep: {column: gone, least: 2.5}
stages:
  load:
    cmd: jupyter mlws node load_table --file data.csv --table out/load.parquet
    deps: [data.csv]
    outs: [out/load.parquet]
  keep:
    cmd: jupyter mlws node keep_rows --data out/load.parquet --table out/keep.parquet ${keep}
    deps: [out/load.parquet]
    outs: [out/keep.parquet]
"""


def cells(root: Path, path: str) -> list[str]:
    notebook = nbformat.read(root / path, as_version=4)
    nbformat.validate(notebook)
    return [cell.source for cell in notebook.cells]


def execute(root: Path, path: str) -> subprocess.CompletedProcess[str]:
    """The notebook's code, as its kernel would run it."""
    notebook = nbformat.read(root / path, as_version=4)
    code = "\n".join(c.source for c in notebook.cells if c.cell_type == "code")
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=root / "debug",
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def failed(write: Callable[..., Path], run: Callable[..., Run], project: Project) -> Run:
    write("components/keep.py", COMPONENT)
    write("data.csv", "a,b\n1,2\n3,4\n")
    write(PATH, TEXT)
    ended = run()
    assert {node.id: node.status.value for node in ended.nodes} == {
        "load": "COMPLETED",
        "keep": "FAILED",
    }
    return ended


@pytest.mark.exhaustive
def test_component_fails_the_same_and_runs_once_it_is_mended(
    failed: Run, workflows: WorkflowManager, project: Project, write: Callable[..., Path]
) -> None:
    # What was changed since does not matter: the node is seen as it was.
    write(PATH, TEXT.replace("gone", "b"))
    write("data.csv", "a,b\n9,9\n")
    (project.root / "out/load.parquet").write_bytes(b"other")

    path = workflows.debug(PATH, failed.id, "keep").path
    assert path == f"debug/{failed.id}-keep.ipynb"
    assert (project.root / "debug/.gitignore").read_text() == "*\n"
    assert failed.id in cells(project.root, path)[0]
    seen = execute(project.root, path)
    assert "KeyError: 'gone'" in seen.stderr

    # The code is that of the file, where a breakpoint stops it and a correction counts.
    assert "[components/keep.py](../components/keep.py)" in "".join(cells(project.root, path))
    assert 'File "' + str(project.root / "components/keep.py") in seen.stderr
    file = project.root / path
    file.write_text(file.read_text().replace("'gone'", "'a'"))
    mended = execute(project.root, path)
    assert mended.returncode == 0, mended.stderr
    # What a person wrote into it stays.
    workflows.debug(PATH, failed.id, "keep")
    assert "'gone'" not in file.read_text()


def test_script_runs_in_the_kernel_and_a_command_in_a_shell(
    write: Callable[..., Path],
    run: Callable[..., Run],
    workflows: WorkflowManager,
    project: Project,
) -> None:
    write("src/fail.py", "import sys\nsys.exit(sys.argv[1])\n")
    write(
        PATH,
        "stages:\n"
        "  script: {cmd: python fail.py 3, wdir: src}\n"
        "  shell: {cmd: cat nothing | wc -l && exit 1}\n",
    )
    ended = run(keep_going=True)
    script = cells(project.root, workflows.debug(PATH, ended.id, "script").path)
    assert script[2] == "%run fail.py 3"
    assert script[1].endswith(f"os.chdir({str(project.root / 'src')!r})")
    shell = cells(project.root, workflows.debug(PATH, ended.id, "shell").path)
    assert shell[2] == "%%bash\ncat nothing | wc -l && exit 1"


@pytest.mark.exhaustive
def test_notebook_keeps_its_cells_and_gets_its_parameters(
    write: Callable[..., Path],
    run: Callable[..., Run],
    workflows: WorkflowManager,
    project: Project,
) -> None:
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [
        nbformat.v4.new_code_cell("epochs = 1", metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell("assert epochs < 5"),
    ]
    write("nb/train.ipynb", nbformat.writes(notebook))
    write(
        PATH,
        "vars:\n  - train: {epochs: 7}\nstages:\n  train:\n"
        "    cmd: jupyter mlws notebook nb/train.ipynb --out out/train.ipynb ${train}\n"
        "    deps: [nb/train.ipynb]\n    outs: [out/train.ipynb]\n",
    )
    ended = run()
    path = workflows.debug(PATH, ended.id, "train").path
    sources = cells(project.root, path)
    assert "epochs = 7" in "\n".join(sources)
    assert "AssertionError" in execute(project.root, path).stderr


@pytest.mark.exhaustive
def test_node_that_the_run_did_not_have_is_refused(failed: Run, workflows: WorkflowManager) -> None:
    with pytest.raises(WorkflowItemNotFoundError):
        workflows.debug(PATH, failed.id, "nothing")


@pytest.mark.exhaustive
def test_script_of_a_workflow_makes_the_same_files(
    failed: Run, workflows: WorkflowManager, project: Project, write: Callable[..., Path]
) -> None:
    write(PATH, TEXT.replace("gone", "a"))
    made = workflows.script(PATH)
    (project.root / "out/load.parquet").unlink()
    write(made.name, made.text)
    seen = subprocess.run(
        [sys.executable, made.name], cwd=project.root, capture_output=True, text=True, timeout=120
    )
    assert seen.returncode == 0, seen.stderr
    assert "--least 2.5" in made.text
    assert (project.root / "out/keep.parquet").is_file()
