"""`mlws metrics` and `mlws params` print what DVC's commands print."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.repro.test_repro import Answer, call, template

__all__ = ["template"]

DVC_YAML = """
vars: [config/model.json, {inline: 3}]
stages:
  train:
    cmd: echo ${depth} ${layers[0].size} ${inline} ${lr} > m
    params: [lr, opt.a, config/other.toml: [x.y]]
    deps: [data.txt]
    outs: [model.txt]
    metrics: [scores.json: {cache: false}, stored.yaml]
  whole:
    wdir: sub
    cmd: echo
    params: [all.yaml:, absent.key]
    metrics: [number.json: {cache: false}]
  each:
    foreach: [1, 2]
    do:
      cmd: echo ${item} ${name}
      metrics: ["each/${item}.json": {cache: false}]
metrics: ["${folder}/more.json", folder, missing.json, broken.json]
params: [config/extra.yaml]
"""
FIRST = {
    "dvc.yaml": DVC_YAML,
    "config/model.json": '{"depth": 2, "layers": [{"size": 3}], "name": "n", "folder": "extra"}',
    "config/other.toml": "[x]\ny = 1\nz = 2\n",
    "config/extra.yaml": "e: 1\n",
    "params.yaml": "lr: 0.1\nopt: {a: [1, 2], b: x}\nunused: true\n",
    "sub/all.yaml": "p: 1\nq: null\n",
    "data.txt": "1\n",
    "scores.json": '{"auc": 0.123456789, "by": {"class": {"a": 1, "b": [1, 2]}}, "none": null}',
    "sub/number.json": "5",
    "each/1.json": '{"loss": 1}',
    "each/2.json": '{"loss": 2, "word": "good", "yes": true}',
    "extra/more.json": '{"x": -1e-7}',
    "folder/a.json": '{"in": 1}',
    "folder/b/c.yaml": "in: 2\n",
    "broken.json": "{",
}
SECOND = {
    "params.yaml": "lr: 0.2\nopt: {a: [1, 3], b: x}\nadded: 中文\n",
    "config/model.json": '{"depth": 4, "layers": [{"size": 5}], "name": "n", "folder": "extra"}',
    "config/other.toml": "[x]\ny = 3\nz = 4\n",
    "sub/all.yaml": "p: 2\n",
    "scores.json": '{"auc": 0.5, "by": {"class": {"a": 3}}, "new": 1.5}',
    "sub/number.json": "7.25",
    "each/1.json": '{"loss": 1}',
    "folder/a.json": '{"in": 3}',
}


def write(root: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)


@pytest.fixture(scope="module")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with three commits, two branches, a tag and changes that are not committed."""
    root = tmp_path_factory.mktemp("values") / "project"
    shutil.copytree(template / "ours", root)
    git(root, "config", "user.email", "a@example.org")
    git(root, "config", "user.name", "a")
    write(root, FIRST)
    for number, text in enumerate(("acc: 0.25\n", "acc: 0.75\n")):
        (root / "stored.yaml").write_text(text)
        (root / "model.txt").write_text(text)
        assert call("dvc", root, "commit", "-f", "train").code == 0
        if number:
            write(root, SECOND)
        git(root, "add", "-A")
        git(root, "commit", "-m", "one")
        if number == 0:
            git(root, "tag", "v1")
            git(root, "branch", "old")
    (root / "stored.yaml").unlink()
    write(root, {"scores.json": '{"auc": 0.6}', "params.yaml": "lr: 0.3\n"})
    return root


def compare(root: Path, *arguments: str) -> Answer:
    theirs, ours = (call(program, root, *arguments) for program in ("dvc", "mlws"))
    assert ours.code == theirs.code, ours.err
    if "--json" in arguments and ours.code == 0:
        assert without_reasons(json.loads(ours.out)) == without_reasons(json.loads(theirs.out))
        return ours
    heads = [answer.out.splitlines()[:1] for answer in (ours, theirs)]
    assert heads[0] == heads[1]
    assert sorted(ours.out.splitlines()) == sorted(theirs.out.splitlines())
    assert ours.err.splitlines()[:1] == theirs.err.splitlines()[:1]
    return ours


def without_reasons(value: object) -> object:
    """Return a result without the reasons of errors, which name places in file systems."""
    if not isinstance(value, dict):
        return value
    return {key: without_reasons(part) for key, part in value.items() if key != "msg"}


@pytest.mark.parametrize(
    "arguments",
    [
        "metrics show",
        "metrics show --json",
        "metrics show -a",
        "metrics show -T --md",
        "metrics show -a -T --json",
        "metrics show -A --json",
        "metrics show scores.json --precision 2",
        "metrics show folder each/1.json",
        "metrics diff",
        "metrics diff --json",
        "metrics diff v1",
        "metrics diff v1 HEAD --all",
        "metrics diff v1 workspace --md --no-path",
        "metrics diff HEAD~1 --targets scores.json sub/number.json --json",
        "metrics diff v1 v1",
        "metrics diff v1 v1 --md",
        "metrics diff nothing",
        "params diff",
        "params diff --json",
        "params diff v1",
        "params diff v1 HEAD --json",
        "params diff v1 --all",
        "params diff v1 --deps --md",
        "params diff v1 --targets config/other.toml --no-path",
    ],
)
def test_same_as_dvc(project: Path, arguments: str) -> None:
    compare(project, *arguments.split())


def test_values_in_the_cache_of_dvc_2(project: Path, tmp_path: Path) -> None:
    root = tmp_path / "project"
    shutil.copytree(project, root, symlinks=True)
    lines = (root / "dvc.lock").read_text().splitlines(keepends=True)
    (root / "dvc.lock").write_text("".join(one for one in lines if one.strip() != "hash: md5"))
    for folder in (root / ".dvc/cache/files/md5").iterdir():
        shutil.move(folder, root / ".dvc/cache")
    git(root, "commit", "-am", "as DVC 2")
    assert "0.75" in compare(root, "metrics", "show", "stored.yaml").out
    assert "0.75" in compare(root, "metrics", "diff", "HEAD", "--all").out
