"""Commits with metrics of DVC as rows of the table of runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_mlws.workspace import Workspace
from mlws.core.project import Project
from mlws.dvc import repo

Command = Callable[..., str]
PIPELINE = """
stages:
  train:
    cmd: touch was-run
    params: [depth]
    metrics:
    - metrics.json:
        cache: false
"""


@pytest.fixture
def opened(project: Project) -> Iterator[Workspace]:
    opened = Workspace(project)
    yield opened
    opened.close()


@pytest.fixture
def commit(project: Project, git: Command) -> Callable[..., None]:
    """Commit a file: ``commit("metrics.json", text)``."""

    def run(path: str, text: str) -> None:
        (project.root / path).write_text(text)
        git(project.root, "add", "-A")
        git(project.root, "commit", "-q", "-m", f"{path}: {text[:20]}")

    return run


def test_commits_whose_metrics_differ_are_rows(
    opened: Workspace, commit: Callable[..., None], git: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = opened.project.root
    assert opened.experiments.commits.list().items == []
    commit("dvc.yaml", PIPELINE)
    commit("params.yaml", "depth: 3\nmodel: {kind: forest}\n")
    for accuracy in (0.5, 0.9):
        commit("metrics.json", json.dumps({"accuracy": accuracy, "test": {"f1": 1}}))
    commit("params.yaml", "depth: 4\n")
    git(root, "tag", "v1")
    # Only where the metrics changed, or with a tag.
    commit("params.yaml", "depth: 5\n")
    commit("notes.txt", "x")
    assert len(opened.experiments.commits.list().items) == 3
    # Its settings name a remote that must not be asked, and its metrics are not in the cache.
    (root / ".dvc" / "config").write_text(
        "[core]\nremote = x\n['remote \"x\"']\nurl = ssh://no/x\n"
    )
    commit("dvc.yaml", PIPELINE.replace("cache: false", "cache: true"))
    git(root, "rm", "-q", "--cached", "metrics.json")
    (root / "metrics.json").unlink()
    commit("dvc.lock", LOCK)

    rows = opened.experiments.commits.list().items
    assert [(row.title, row.metrics, row.params) for row in rows] == [
        ("v1", {"accuracy": 0.9, "test.f1": 1}, {"depth": 4}),
        ('metrics.json: {"accuracy": 0.9, "t', {"accuracy": 0.9, "test.f1": 1},
         {"depth": 3, "model.kind": "forest"}),
        ('metrics.json: {"accuracy": 0.5, "t', {"accuracy": 0.5, "test.f1": 1},
         {"depth": 3, "model.kind": "forest"}),
    ]  # fmt: skip
    assert {(row.kind, row.id, row.run == row.commit) for row in rows} == {("commit", None, True)}
    assert not (root / "was-run").exists()

    # Commits are read once. The last one, whose metrics may yet be pulled, is read again.
    read = []
    monkeypatch.setattr(
        repo.DataSettings, "add_shared_project", lambda _: read.append(1), raising=True
    )
    assert opened.experiments.commits.list().items == rows
    (opened.project.state / "commit-metrics.json").write_text("damaged")
    assert opened.experiments.commits.list().items == rows


LOCK = """schema: '2.0'
stages:
  train:
    cmd: touch was-run
    outs:
    - path: metrics.json
      hash: md5
      md5: 0123456789abcdef0123456789abcdef
      size: 3
"""


def test_invalid_files_are_no_rows(
    opened: Workspace, commit: Callable[..., None], tmp_path: Path, git: Command
) -> None:
    commit("dvc.yaml", PIPELINE)
    commit("metrics.json", '{"a": 1}')
    commit("metrics.json", "{broken")
    commit("dvc.yaml", "stages: [")
    rows = opened.experiments.commits.list().items
    assert [row.metrics for row in rows] == [{"a": 1}]
    plain = tmp_path / "plain"
    plain.mkdir()
    git(plain, "init", "-q")
    git(plain, "commit", "-q", "--allow-empty", "-m", "x")
    other = Workspace.open(plain)
    assert other.experiments.commits.list().items == []
    other.close()
