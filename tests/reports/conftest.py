"""A project with two versions that differ in all that a report tells."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import nbformat
import pandas as pd
import pytest

from jupyter_mlws.projects.setup import initialize
from jupyter_mlws.reports.collect import ReportCollector
from jupyter_mlws.reports.models import Report
from jupyter_mlws.versioning.repository import Repository
from mlws.core.project import Project
from tests.conftest import _set_up_home
from tests.versioning.working_trees import add_data

BEFORE = """\
stages:
  load:
    cmd: python load.py
    deps: [load.py, data/raw.parquet]
    outs: [out/rows.csv]
  train:
    cmd: python train.py --rate 1
    deps: [train.py, out/rows.csv]
    metrics: [{metrics.json: {cache: false}}]
"""
AFTER = """\
stages:
  load:
    cmd: python load.py
    deps: [load.py, data/raw.parquet]
    outs: [out/rows.csv]
  clean:
    cmd: python clean.py
    deps: [out/rows.csv]
    outs: [out/clean.csv]
  train:
    cmd: python train.py --rate 2
    deps: [train.py, out/clean.csv]
    metrics: [{metrics.json: {cache: false}}]
"""
LOCK = """\
version = 1
[[package]]
name = "numpy"
version = "{version}"
source = {{ registry = "https://pypi.org/simple" }}
"""
HOSTILE = "<img src=x onerror=alert(1)>|`a`[b](http://evil.example)@user #1 </code></summary>"
FILE = "a|b`c`<img src=x onerror=alert(1)>.csv"


class Versions(NamedTuple):
    """A project with the commits of both versions."""

    root: Path
    base: str
    head: str


def write_version(root: Path, *, new: bool) -> None:
    (root / "dvc.yaml").write_text(AFTER if new else BEFORE)
    for name in ("load.py", "train.py", "clean.py"):
        (root / name).write_text("raise SystemExit('never runs')\n")
    (root / "params.yaml").write_text(f"rate: {2 if new else 1}\n'{HOSTILE}': {int(new)}\n")
    (root / "metrics.json").write_text(json.dumps({"accuracy": 0.75 + new / 8, "loss": 1 + new}))
    (root / "uv.lock").write_text(LOCK.format(version="2.1.0" if new else "2.0.0"))
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [
        nbformat.v4.new_code_cell("x = 1", id="first"),
        nbformat.v4.new_code_cell("print('```')" if new else "print(1)", id="second"),
    ]
    (root / "notes.ipynb").write_text(nbformat.writes(notebook))
    rows = pd.DataFrame({"id": [1, 2, 3], "price": [1.0, 2.0, 3.0], "name": ["a", "b", "c"]})
    if new:
        rows = pd.DataFrame(
            {"id": [2, 3, 4], "price": [2.0, 9.5, 4.0], "name": ["b", HOSTILE, "d"], "at": "x"}
        )
    rows.to_csv(root / "prices.csv", index=False)
    rows.to_csv(root / FILE, index=False)
    (root / "data").mkdir(exist_ok=True)
    values = [0.5, 0.5, 1.5] if new else [0.5, 0.5]
    pd.DataFrame({"value": values}).to_parquet(root / "data/raw.parquet")
    add_data(root, "data/raw.parquet")


def commit(root: Path, message: str) -> str:
    subprocess.run(["git", "add", "-A"], cwd=root, check=True)
    subprocess.run(["git", "commit", "-qm", message], cwd=root, check=True)
    return subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=root, check=True, capture_output=True, text=True
    ).stdout.strip()


def collect(root: Path, versions: str | None = None) -> Report:
    with closing(Repository(Project.open(root))) as repository:
        return ReportCollector(repository).collect(versions)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Versions:
    root = tmp_path_factory.mktemp("reports") / "project"
    root.mkdir()
    with pytest.MonkeyPatch.context() as monkeypatch:
        _set_up_home(tmp_path_factory, monkeypatch)
        initialize(root)
        write_version(root, new=False)
        base = commit(root, "First")
        write_version(root, new=True)
        return Versions(root, base, commit(root, f"Second {HOSTILE}"))


@pytest.fixture(scope="session")
def report(template: Versions, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The report of both versions, of a project that nobody trusts."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        _set_up_home(tmp_path_factory, monkeypatch)
        return collect(template.root, f"{template.base}..{template.head}")


@pytest.fixture
def versions(template: Versions, tmp_path: Path, git: Callable[..., str]) -> Versions:
    """A copy that a test may change."""
    root = tmp_path / "project"
    shutil.copytree(template.root, root, symlinks=True)
    git(root, "update-index", "--refresh")
    return template._replace(root=root)
