"""Projects by words: init, clone, show, open; and questions in place of errors."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mlws.core.project import Project
from tests.command_line import call, in_terminal
from tests.server import Server

Git = Callable[..., str]
TRACK = ("track", "--name", "tried", "--json", "true")


def test_init_makes_a_project_of_a_folder_and_leaves_its_files(tmp_path: Path, git: Git) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "data.csv").write_text("a\n1\n")
    for _ in range(2):
        assert "main" in call(folder, "init").stdout
    assert git(folder, "status", "--short").split()[1::2] == [
        *(".dvc/", ".dvcignore", ".gitignore", "data.csv")
    ]
    call(folder, "commit", "-m", "First")
    assert json.loads(call(tmp_path, "init", "new/one", "--json").stdout)["dvc"]
    assert (tmp_path / "new" / "one" / ".dvc" / "config").is_file()


def test_init_adds_dvc_to_a_repository_and_refuses_one_inside(tmp_path: Path, git: Git) -> None:
    git(tmp_path, "init", "-q", "-b", "work", "project")
    (tmp_path / "project" / "inner").mkdir()
    refusal = call(tmp_path / "project" / "inner", "init", code=2).stderr
    assert f"jupyter mlws init {tmp_path / 'project'}" in refusal
    assert "work" in call(tmp_path / "project", "init").stdout
    assert (tmp_path / "project" / ".dvc" / "config").is_file()
    (tmp_path / "file").write_text("")
    assert "50203" in call(tmp_path, "init", "file", code=1).stderr


def test_clone_with_its_data_where_the_authors_are_trusted(
    project: Project, tmp_path: Path, git: Git
) -> None:
    (project.root / "table.csv").write_text("a\n1\n")
    call(project.root, "data", "add", "table.csv")
    call(project.root, "data", "remote", "--default", "store", str(tmp_path / "store"))
    call(project.root, "commit", "-m", "Data")
    git(tmp_path, "init", "-q", "--bare", "origin.git")
    git(project.root, "remote", "add", "origin", str(tmp_path / "origin.git"))
    call(project.root, "push")
    cloned = call(tmp_path, "clone", "origin.git").stdout
    assert cloned.split()[4:6] == ["origin", "origin"]
    assert not (tmp_path / "origin" / "table.csv").exists()
    # Nobody who could trust its authors is asked.
    assert "50303" in call(tmp_path, "clone", "origin.git", "there/mine", "--pull", code=1).stderr
    assert "50203" in call(tmp_path, "clone", "origin.git", code=1).stderr
    in_terminal(tmp_path, 80, "clone", "origin.git", "other", "--pull", keys=b"y\n")
    assert (tmp_path / "other" / "table.csv").read_text() == "a\n1\n"
    secret = call(tmp_path, "clone", "https://me:secret@host.example/a.git", code=2)
    assert "secret@" not in secret.stdout + secret.stderr


def test_show_a_snapshot_or_a_run(project: Project, git: Git, mlflow_store: None) -> None:
    (project.root / "params.yaml").write_text("lr: 1\n")
    call(project.root, "commit", "-m", "First")
    (project.root / "params.yaml").write_text("lr: 2\n")
    call(project.root, "commit", "-m", "Second\n\nFor a reason.")
    head = git(project.root, "rev-parse", "HEAD").strip()
    shown = call(project.root, "show").stdout
    assert shown.startswith(head)
    assert "For a reason." in shown
    assert "params.yaml" in shown
    assert call(project.root, "show", head[:8]).stdout == shown
    assert "added" in call(project.root, "show", "main~2").stdout
    detail = json.loads(call(project.root, "show", "main~1", "--json").stdout)
    assert detail["subject"] == "First"
    run = json.loads(call(project.root, *TRACK).stdout)["id"]
    assert call(project.root, "show", "tried").stdout == call(project.root, "show", run[:12]).stdout
    assert "snapshot or run 'none'" in call(project.root, "show", "none", code=1).stderr


def test_open_a_file_or_run_in_the_browser(
    project: Project,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mlflow_store: None,
) -> None:
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >> {opened}\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(home / "runtime"))
    (project.root / "a folder").mkdir()
    (project.root / "a folder" / "数据.csv").write_text("a\n")
    assert "jupyter mlws open" in call(project.root, "open", "--print", code=2).stderr
    with Server(home, project.root) as server:
        run = json.loads(call(project.root, *TRACK).stdout)["id"]
        call(project.root / "a folder", "open", "数据.csv")
        call(project.root, "open", "tried")
        call(project.root, "open")
        printed = call(project.root, "open", "--print").stdout
        assert "50302" in call(project.root, "open", "/", code=1).stderr
        assert "file or run 'none'" in call(project.root, "open", "none", code=1).stderr
        assert "token" not in printed
        address = printed.strip().removesuffix("lab")
    assert opened.read_text().splitlines() == [
        f"{address}lab/tree/a%20folder/%E6%95%B0%E6%8D%AE.csv",
        f"{address}lab?mlws-run={run}&mlws-project=.",
        f"{address}lab",
    ]
    assert server.root == project.root


def test_a_terminal_is_asked_for_the_identity(project: Project, home: Path, git: Git) -> None:
    (home / ".gitconfig").write_text("")
    (project.root / "new.py").write_text("x = 1\n")
    assert "30205" in call(project.root, "commit", "-m", "New", code=1).stderr
    words = ("commit", "-m", "New")
    assert "30205" in "".join(in_terminal(project.root, 80, *words, keys=b"\n\n", code=1))
    lines = in_terminal(project.root, 80, *words, keys="李 雷\nlei@example.com\n".encode())
    assert "Your email:" in "".join(lines)
    assert git(project.root, "log", "-1", "--format=%an <%ae>").strip() == "李 雷 <lei@example.com>"


@pytest.mark.parametrize(("answer", "is_data"), [("y", True), ("n", False)])
def test_a_terminal_is_asked_where_large_files_belong(
    project: Project, git: Git, answer: str, is_data: bool
) -> None:
    git(project.root, "config", "mlws.largefile", "1000")
    (project.root / "big.bin").write_bytes(b"1" * 2000)
    (project.root / "new.py").write_text("x = 1\n")
    lines = in_terminal(project.root, 80, "commit", "-m", "New", keys=f"{answer}\n".encode())
    assert "Too large for git: big.bin" in "".join(lines)
    files = git(project.root, "ls-files").split()
    assert "new.py" in files
    assert ("big.bin.dvc" in files) == is_data
    assert "big.bin" not in files


def test_a_terminal_is_asked_for_a_folder_of_many_files(project: Project, git: Git) -> None:
    (project.root / "images").mkdir()
    for number in range(1001):
        (project.root / "images" / f"{number}.txt").write_text(f"{number}")
    words = ("commit", "-m", "New")
    assert "30221" in "".join(in_terminal(project.root, 80, *words, keys=b"n\n", code=1))
    in_terminal(project.root, 80, *words, keys=b"y\n")
    assert "images.dvc" in git(project.root, "ls-files").split()
    assert (
        subprocess.run(
            ["git", "status", "--porcelain"], cwd=project.root, capture_output=True, check=True
        ).stdout
        == b""
    )
