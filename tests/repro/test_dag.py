"""`mlws dag` prints the graphs that `dvc dag` prints, and a tree of its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.repro.test_repro import Answer, call, template

__all__ = ["template"]

STAGES = """
stages:
  prepare: {cmd: a, deps: [raw.csv], outs: [clean.csv]}
  split: {cmd: a, deps: [clean.csv], outs: [train.csv, test.csv]}
  train: {foreach: [a, b], do: {cmd: x, deps: [train.csv], outs: ["m-${item}"]}}
  evaluate: {cmd: a, deps: [m-a, m-b, test.csv], outs: [result]}
  frozen: {cmd: a, deps: [result], outs: [f], frozen: true}
  alone: {cmd: a, outs: [z]}
"""
TREE = """\
alone
└── sub/dvc.yaml:inside
raw.csv.dvc
└── prepare
    └── split
        ├── train@a
        │   └── evaluate
        │       └── frozen
        ├── train@b
        │   └── evaluate (*)
        └── evaluate (*)
"""


@pytest.fixture(scope="module")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("dag") / "project"
    shutil.copytree(template / "ours", root)
    (root / "sub").mkdir()
    (root / "sub/dvc.yaml").write_text("stages: {inside: {cmd: a, deps: [../z], outs: [y]}}\n")
    (root / "dvc.yaml").write_text(STAGES)
    (root / "raw.csv").write_text("1\n")
    assert call("dvc", root, "add", "raw.csv").code == 0
    return root


@pytest.mark.parametrize("folder", [".", "sub"])
@pytest.mark.parametrize(
    "arguments",
    [
        "--mermaid",
        "--md",
        "--dot",
        "--dot --md",
        "--mermaid --outs",
        "--mermaid --collapse-foreach-matrix",
        "--outs --collapse-foreach-matrix",
    ],
)
def test_same_as_dvc(project: Path, folder: str, arguments: str) -> None:
    compare(project / folder, arguments)


@pytest.mark.parametrize(
    "arguments",
    ["--mermaid split", "--mermaid --full split", "--dot sub/dvc.yaml", "--mermaid test.csv", "no"],
)
def test_targets_as_of_dvc(project: Path, arguments: str) -> None:
    compare(project, arguments)


def compare(folder: Path, arguments: str) -> Answer:
    theirs, ours = (call(program, folder, "dag", *arguments.split()) for program in ("dvc", "mlws"))
    assert ours.code == theirs.code, ours.err
    # Files are in an order of the file system.
    assert sorted(ours.out.splitlines()) == sorted(theirs.out.splitlines())
    return ours


def test_the_tree_has_each_part_once(project: Path) -> None:
    answer = call("mlws", project, "dag")
    assert (answer.out, answer.code) == (TREE, 0)
    assert call("mlws", project, "dag", "train").out.splitlines()[-1].endswith("train@b")


def test_a_long_chain_and_json(template: Path, tmp_path: Path) -> None:
    shutil.copytree(template / "ours", tmp_path / "project")
    stages = "".join(f"  s{n}: {{cmd: a, deps: [f{n}], outs: [f{n + 1}]}}\n" for n in range(2000))
    (tmp_path / "project/dvc.yaml").write_text(f"stages:\n{stages}")
    lines = call("mlws", tmp_path / "project", "dag").out.splitlines()
    assert [len(lines), lines[0], lines[-1].split()[-1]] == [2000, "s0", "s1999"]
    graph = json.loads(call("mlws", tmp_path / "project", "dag", "--json", "s2").out)
    assert graph == {"s0": [], "s1": ["s0"], "s2": ["s1"]}
