"""A full or a read-only disk is an error with a code, and the next command works."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlws.core.trust import trust
from mlws.core.project import Project
from tests.command_line import call
from tests.disks import fill, read_only, small_disk

WORKFLOW = "stages:\n  x:\n    cmd: echo 1 > out.txt\n    outs: [out.txt]\n"
WRITING = [
    ("run", "dvc.yaml"), ("run", "--force", "dvc.yaml"), ("commit", "-m", "three"),
    ("restore", "--yes", "HEAD~1", "a.txt"), ("stash",), ("data", "add", "big.dat"), ("tag", "v1"),
    # SQLite opens the history with a log beside it, also to read.
    ("plan", "dvc.yaml"),
]  # fmt: skip
READING = [("status",), ("log",), ("diff",), ("data",)]


@pytest.fixture
def root(empty_project: Path, tmp_path: Path, git: Callable[..., str]) -> Iterator[Path]:
    """A project with two snapshots, a run and a changed file, on a disk of its own."""
    with small_disk(tmp_path / "disk", "24m") as disk:
        root = disk / "project"
        shutil.copytree(empty_project, root, symlinks=True)
        trust(root)
        (root / "dvc.yaml").write_text(WORKFLOW)
        (root / "a.txt").write_text("a")
        git(root, "add", "-A")
        git(root, "commit", "-qm", "a")
        (root / "a.txt").write_text("b")
        call(root, "run", "dvc.yaml")
        # Waits until the run is in MLflow: what writes there later would need and free room.
        call(root, "commit", "-m", "b")
        (root / "a.txt").write_text("c")
        (root / "big.dat").write_bytes(b"0" * 10_000)
        yield root


def test_a_full_disk_is_an_error_with_a_code(root: Path, git: Callable[..., str]) -> None:
    before = git(root, "log", "--format=%H")
    for words in WRITING:
        filler = fill(root.parent)
        assert "30102" in call(root, *words, code=1).stderr
    for words in READING:
        call(root, *words)
    assert Project.open(root).holder() is None
    filler.unlink()
    assert git(root, "log", "--format=%H") == before
    assert (root / "a.txt").read_text() == "c"
    for words in (
        ("run", "--force", "dvc.yaml"),
        ("data", "add", "big.dat"),
        ("commit", "-m", "d"),
    ):
        call(root, *words)


def test_a_read_only_disk_is_an_error_with_a_code(root: Path) -> None:
    with read_only(root.parent):
        for words in WRITING:
            assert "30107" in call(root, *words, code=1).stderr
        for words in READING:
            call(root, *words)
    call(root, "commit", "-m", "three")


async def test_a_server_on_a_full_or_read_only_disk_answers_507(server: Any) -> None:
    with small_disk(server.root / "small", "1m") as disk:

        async def create() -> list[tuple[int, str]]:
            answers = []
            for path, body in (
                ("projects", {"name": "small/one"}),
                ("notebooks", {"path": "small/a.ipynb"}),
            ):
                answer = await server.fetch(
                    f"mlws/api/v1/{path}", method="POST", body=json.dumps(body), raise_error=False
                )
                answers.append((answer.code, json.loads(answer.body)["code"]))
            return answers

        filler = fill(disk)
        assert await create() == [(507, "30102")] * 2
        filler.unlink()
        with read_only(disk):
            assert await create() == [(507, "30107")] * 2
        assert list(disk.iterdir()) == []
        assert [status for status, _ in await create()] == [201, 201]
