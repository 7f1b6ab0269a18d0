"""Components and notebooks run in an environment of the project that has none of our packages."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import time
from pathlib import Path

import nbformat
import pytest

from jupyter_mlws.forkserver import launched
from jupyter_mlws.forkserver.pool import WarmPool
from tests.environments.conftest import BIN, Person

START = "uv run --frozen --project envs/ml "
LOAD = START + "jupyter mlws node load_table --file data.csv --table out/data.parquet"
TRAIN = START + "jupyter mlws node train_regressor --data out/data.parquet --target y --model"
FLOW = f"""\
stages:
  load:
    cmd: {LOAD}
    deps: [data.csv, envs/ml/uv.lock]
    outs: [out/data.parquet]
  train:
    cmd: {TRAIN} out/model.skops
    deps: [out/data.parquet, envs/ml/uv.lock]
    outs: [out/model.skops]
  look:
    cmd: {START}jupyter mlws notebook look.ipynb --out out/look.ipynb
    deps: [look.ipynb, envs/ml/uv.lock]
    outs: [out/look.ipynb]
  own:
    cmd: jupyter mlws notebook own.ipynb --out out/own.ipynb
    deps: [own.ipynb]
    outs: [out/own.ipynb]
"""
PYPROJECT = f"""\
[project]
name = "ml"
version = "0"
requires-python = ">={sys.version_info.major}.{sys.version_info.minor}"
dependencies = ["pandas", "pyarrow", "scikit-learn"]

[tool.uv]
package = false
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with what the library's components compute with, from the package index."""
    folder = tmp_path_factory.mktemp("prepared") / "ml"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(PYPROJECT)
    variables = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    Person(folder, variables)("uv lock -q && uv sync -q --frozen --link-mode copy")
    return folder


@pytest.fixture
def project(person: Person, prepared: Path) -> Person:
    # Relocatable enough: its programs are not used, only its Python.
    shutil.copytree(prepared, person.folder / "envs/ml", symlinks=True)
    rows = "".join(f"{n},{2 * n + 1}\n" for n in range(40))
    (person.folder / "data.csv").write_text("x,y\n" + rows)
    (person.folder / "out").mkdir()
    for name, kernel in (("look", "python3"), ("own", "env-ml")):
        notebook = nbformat.v4.new_notebook(
            metadata={"kernelspec": {"name": kernel, "display_name": kernel}},
            cells=[nbformat.v4.new_code_cell("import sys\nprint(sys.prefix)")],
        )
        nbformat.write(notebook, person.folder / f"{name}.ipynb")
    (person.folder / "dvc.yaml").write_text(FLOW)
    return person


@pytest.mark.exhaustive
def test_components_and_notebooks_run_in_it(project: Person) -> None:
    project("jupyter mlws run")
    prefix = str(project.folder / "envs/ml/.venv")
    for name in ("look", "own"):
        cells = json.loads((project.folder / f"out/{name}.ipynb").read_text())["cells"]
        assert "".join(cells[0]["outputs"][0]["text"]).strip() == prefix
    assert (project.folder / "out/model.skops").stat().st_size > 1000
    (used,) = json.loads(project("jupyter mlws env used --json"))["environments"]
    assert sorted(used["nodes"]) == ["load", "look", "own", "train"]
    assert "scikit-learn" in used["packages"]
    assert not {"jupyter-mlws", "pydantic", "skops"} & used["packages"].keys()
    lock = (project.folder / "dvc.lock").read_bytes()
    project("dvc repro -q --force")
    assert (project.folder / "dvc.lock").read_bytes() == lock


@pytest.mark.exhaustive
def test_a_missing_package_is_named_with_what_to_type(project: Person) -> None:
    project("uv pip uninstall -q --python envs/ml/.venv pyarrow scikit-learn")
    output = project(LOAD.replace("--frozen", "--frozen --no-sync") + " 2>&1", code=2)
    assert "jupyter mlws env add --name ml pyarrow scikit-learn" in output


@pytest.mark.exhaustive
def test_a_warm_worker_is_the_same_and_only_while_the_lock_is_installed(project: Person) -> None:
    lock = project.folder / "envs/ml/uv.lock"
    # With it uv may take another environment, so that it has to be asked.
    del project.variables["UV_PYTHON"]
    cwd, variables = str(project.folder), project.variables
    pool = WarmPool()
    log = project.folder / "log"
    try:
        with log.open("wb") as file:
            assert pool.launch(LOAD, cwd, variables, file.fileno()) is None
            assert pool.wait_ready(120)
            assert pool.launch(LOAD, cwd, variables, file.fileno()) is not None
        deadline = time.monotonic() + 60
        while not (exits := pool.collect()) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert [code for _, code in exits] == [0], log.read_text()
    finally:
        pool.close()
    warm = (project.folder / "out/data.parquet").read_bytes()
    project(LOAD)
    assert (project.folder / "out/data.parquet").read_bytes() == warm
    # What is installed is not what the lock says any more: uv has to look.
    version = re.compile(r'(name = "pyarrow"\nversion = ")[^"]+')
    lock.write_text(version.sub(r"\g<1>0.0.1", lock.read_text()))
    assert launched.read(LOAD, cwd, variables) is None
    assert launched.read(LOAD.replace("--frozen ", ""), cwd, variables) is None
    assert launched.read(START + "python a.py", cwd, variables) is None
