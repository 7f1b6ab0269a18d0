"""The nodes and notebooks that use an environment are found in their files."""

from __future__ import annotations

import json
import sys

from jupyter_mlws.workspace import Workspace
from mlws.core.project import Project
from tests.command_line import call

PIPELINE = """\
vars:
  - where: torch
stages:
  train:
    cmd: cd .. && uv run --frozen --project envs/torch python train.py
  direct:
    wdir: ..
    cmd:
      - echo begin
      - envs/torch/.venv/bin/python train.py
  template:
    cmd: uv run --project ../envs/${where} python train.py
  other:
    cmd: uv run --project ../envs/torch-2 python train.py
  lab:
    cmd: python train.py
"""
LOCK = """\
schema: '2.0'
stages:
  template:
    cmd: uv run --project ../envs/torch python train.py
"""


def notebook(kernel: str) -> str:
    metadata = {"kernelspec": {"name": kernel, "display_name": kernel}}
    return json.dumps({"cells": [], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


def test_nodes_and_notebooks_of_an_environment(project: Project) -> None:
    for name in ("torch", "torch-2"):
        folder = project.root / "envs" / name
        folder.mkdir(parents=True)
        (folder / "requirements.txt").write_text("alpha==1.0\n")
        python = folder / ".venv/bin/python"
        python.parent.mkdir(parents=True)
        python.symlink_to(sys.executable)
    files = {
        "flow/dvc.yaml": PIPELINE,
        "flow/dvc.lock": LOCK,
        "a.ipynb": notebook("env-torch"),
        "notes/b.ipynb": notebook("env-torch-2"),
        "notes/c.ipynb": "env-torch, but no notebook",
        "ignored/d.ipynb": notebook("env-torch"),
        ".gitignore": "ignored/\n",
    }
    for path, text in files.items():
        (project.root / path).parent.mkdir(exist_ok=True)
        (project.root / path).write_text(text)
    uses = Workspace(project).environments.get("torch").used_by
    assert [(use.kind, use.path, use.name) for use in uses] == [
        ("node", "flow/dvc.yaml", "train"),
        ("node", "flow/dvc.yaml", "direct"),
        ("node", "flow/dvc.yaml", "template"),
        ("notebook", "a.ipynb", "a.ipynb"),
    ]
    (use,) = Workspace(project).environments.get("torch-2").used_by[1:]
    assert use.path == "notes/b.ipynb"
    output = call(project.root, "env", "show", "torch").stdout
    assert "Used by: flow/dvc.yaml: train" in output
    assert "a.ipynb" in output
