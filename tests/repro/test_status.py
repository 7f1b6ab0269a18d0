"""`mlws status` prints what `dvc status` prints."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.repro.test_repro import CHAIN, Answer, Pair, call, pair, template

__all__ = ["pair", "template"]

STAGES = {
    **CHAIN,
    "params": {"cmd": "echo > p", "params": ["lr", "opt.a", "new"], "outs": ["p"]},
    "whole": {"cmd": "echo > w", "params": [{"more.yaml": None}], "outs": ["w"]},
    "always": {"cmd": "echo > always", "always_changed": True, "outs": ["always"]},
    "callback": {"cmd": "true"},
    "frozen": {"cmd": "cat data.txt > f", "deps": ["data.txt"], "outs": ["f"]},
    "metric": {"cmd": "echo 1 > m.json", "metrics": [{"m.json": {"cache": False}}]},
    "folder": {"cmd": "mkdir -p d && echo 1 > d/x", "outs": ["d"]},
    "inside": {"cmd": "cat ../a > i", "wdir": "sub", "deps": ["../a"], "outs": ["i"]},
}


def remove_from_cache(root: Path) -> None:
    shutil.rmtree(root / ".dvc" / "cache" / "files")


CHANGES: list[Callable[[Path], object]] = [
    lambda root: None,
    lambda root: (root / "data.txt").write_text("other\n"),
    lambda root: (root / "data.txt").unlink(),
    lambda root: (root / "params.yaml").write_text("lr: 2\nopt: {a: 1}\nnew: 1\n"),
    lambda root: (root / "params.yaml").write_text("opt: {a: [3]}\n"),
    lambda root: (root / "params.yaml").unlink(),
    lambda root: (root / "more.yaml").write_text("x: 1\nz: 3\n"),
    lambda root: (root / "a").unlink(),
    lambda root: ((root / "a").unlink(), (root / "a").write_text("edited\n")),
    lambda root: (root / "d" / "y").write_text("more\n"),
    remove_from_cache,
    lambda root: (root / "dvc.lock").unlink(),
    lambda root: (root / "dvc.yaml").write_text(
        (root / "dvc.yaml").read_text().replace("cat b > c", "cat b b > c")
    ),
    lambda root: (root / "added.txt").write_text("changed\n"),
    lambda root: (root / "added.txt").unlink(),
]


@pytest.fixture(scope="module")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with results, in which something is to be changed."""
    folder = tmp_path_factory.mktemp("status")
    shutil.copytree(template, folder / "pair", symlinks=True)
    pair = Pair(folder / "pair" / "theirs", folder / "pair" / "ours")
    for path, text in (
        ("data.txt", "1\n"),
        ("params.yaml", "lr: 1\nopt: {a: 1}\nnew: 1\n"),
        ("more.yaml", "x: 1\ny: 2\n"),
        ("sub/.keep", ""),
        ("added.txt", "added\n"),
    ):
        pair.change(path, text)
    pair.write(STAGES)
    assert call("dvc", pair.ours, "add", "added.txt").code == 0
    assert call("mlws", pair.ours, "repro").code == 0
    pair.write({**STAGES, "frozen": {**STAGES["frozen"], "frozen": True}})
    return pair.ours


def compare(root: Path, *arguments: str) -> Answer:
    theirs, ours = (call(program, root, "status", *arguments) for program in ("dvc", "mlws"))
    assert ours.out == theirs.out
    assert ours.code == theirs.code
    return ours


@pytest.mark.parametrize("number", range(len(CHANGES)))
def test_every_change_is_shown_as_by_dvc(project: Path, tmp_path: Path, number: int) -> None:
    root = tmp_path / "project"
    shutil.copytree(project, root, symlinks=True)
    CHANGES[number](root)
    compare(root)
    if number:
        theirs, ours = (call(one, root, "status", "--json").out for one in ("dvc", "mlws"))
        assert json.loads(ours) == json.loads(theirs)


def test_targets_folders_and_exit_codes(project: Path, tmp_path: Path) -> None:
    root = tmp_path / "project"
    shutil.copytree(project, root, symlinks=True)
    compare(root, "b", "metric")
    (root / "data.txt").write_text("other\n")
    (root / "a").unlink()
    compare(root, "c")
    answers = (call(one, root, "status", "c", "-d", "--json").out for one in ("dvc", "mlws"))
    theirs, ours = map(json.loads, answers)
    # In no order.
    assert ours == theirs
    assert set(ours) == {"a", "b"}
    compare(root, "added.txt.dvc")
    compare(root, "-q")
    compare(root / "sub")
    compare(root, "-R", "sub")
    assert call("dvc", root, "status", "none").code == 1
    answer = call("mlws", root, "status", "none")
    assert answer.code == 255
    assert "'none'" in answer.err


def test_an_empty_project_says_how_to_begin(template: Path) -> None:
    assert "no data or pipelines" in compare(template / "ours").out


def test_commands_of_dvc_are_handed_to_it(project: Path, tmp_path: Path) -> None:
    root = tmp_path / "project"
    shutil.copytree(project, root, symlinks=True)
    (root / "more.txt").write_text("more\n")
    assert call("mlws", root, "add", "--quiet", "more.txt").code == 0
    (root / "more.txt").unlink()
    assert call("mlws", root, "checkout", "more.txt.dvc").out.split() == ["A", "more.txt"]
    refusal = call("mlws", root, "commit", "--wrong")
    assert (refusal.code, "--wrong" in refusal.err) == (254, True)
