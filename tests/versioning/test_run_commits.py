"""Every run has a commit of exactly what it starts from, and nobody's work is touched for it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mlws.versioning.experiments import run_commits
from mlws.core.project import Project
from tests.versioning.working_trees import tree_of

Git = Callable[..., str]


def theirs(project: Project, git: Git) -> tuple[str, ...]:
    """What belongs to the person: branches and HEAD, the index, what git says of the files."""
    return (
        git(project.root, "for-each-ref", "refs/heads", "refs/tags"),
        (project.root / ".git/HEAD").read_text(),
        git(project.root, "ls-files", "--stage"),
        git(project.root, "status", "--porcelain"),
    )


def at(project: Project, git: Git, commit: str, place: Path) -> dict[str, bytes]:
    """The files of a commit, checked out elsewhere."""
    git(project.root, "worktree", "add", "--quiet", "--detach", str(place), commit)
    return tree_of(place)


@pytest.fixture
def dirty(project: Project, git: Git) -> Project:
    """A project with one change of each kind."""
    root = project.root
    for name in ("stays.py", "changes.py", "goes.py", "moves.py", "staged.py", "both.py"):
        (root / name).write_text(f"{name}\n" * 9)
    (root / ".gitignore").write_text("*.log\n.mlws/\n/mlflow.db\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "Code")
    (root / "changes.py").write_text("changed\n")
    (root / "goes.py").unlink()
    git(root, "mv", "moves.py", "moved.py")
    (root / "staged.py").write_text("staged\n")
    git(root, "add", "staged.py")
    (root / "both.py").write_text("staged\n")
    git(root, "add", "both.py")
    (root / "both.py").write_text("staged, then changed\n")
    (root / "新 文件.py").write_text("new\n")
    (root / "data.csv.dvc").write_text("outs: []\n")
    (root / "ignored.log").write_text("ignored\n")
    (root / "large.bin").write_bytes(b"\0" * 3000)
    git(root, "config", "mlws.largefile", "2000")
    return project


def test_a_dirty_workspace_is_a_commit_that_holds_exactly_its_files(
    dirty: Project, git: Git, tmp_path: Path
) -> None:
    before = theirs(dirty, git)
    kept = run_commits.commit_worktree(dirty, "20260101-000000-abc")
    assert theirs(dirty, git) == before
    assert kept.dirty
    assert kept.sha == git(dirty.root, "rev-parse", "refs/mlws/runs/20260101-000000-abc").strip()
    head = git(dirty.root, "rev-parse", "HEAD").strip()
    assert git(dirty.root, "rev-parse", f"{kept.sha}^").strip() == head
    expected = tree_of(dirty.root)
    for name in [name for name in expected if name.startswith(".mlws/")]:
        del expected[name]
    del expected["ignored.log"], expected["large.bin"]
    assert at(dirty, git, str(kept.sha), tmp_path / "there") == expected
    assert not list(dirty.state.glob("*.index*"))


def test_a_clean_workspace_is_its_head(project: Project, git: Git) -> None:
    head = git(project.root, "rev-parse", "HEAD").strip()
    (project.root / ".gitignore").open("a").write("*.log\n")
    git(project.root, "commit", "-qam", "Ignore logs")
    (project.root / "run.log").write_text("1")
    kept = run_commits.commit_worktree(project, "one")
    assert (kept.sha, kept.dirty) == (git(project.root, "rev-parse", "HEAD").strip(), False)
    assert kept.sha != head
    assert git(project.root, "for-each-ref", "refs/mlws") == ""
    # Staged, and undone in the file: the files are HEAD's.
    name = project.root / ".gitignore"
    before = name.read_bytes()
    name.write_text("staged\n")
    git(project.root, "add", ".gitignore")
    name.write_bytes(before)
    assert run_commits.commit_worktree(project, "two") == kept


def test_a_change_in_the_second_of_the_last_commit_is_seen(project: Project, git: Git) -> None:
    """Of the same size, and at the same time as far as git looks."""
    file, index = project.root / "train.py", project.root / ".git/index"
    moment = time.time() - 100
    git(project.root, "config", "core.trustctime", "false")
    file.write_text("print('one')\n")
    os.utime(file, (moment, moment))
    git(project.root, "add", "-A")
    git(project.root, "commit", "-qm", "One")
    file.write_text("print('now')\n")
    for place in (file, index):
        os.utime(place, (moment, moment))
    kept = run_commits.commit_worktree(project, "run")
    assert git(project.root, "show", f"{kept.sha}:train.py") == "print('now')\n"


def test_before_the_first_commit_the_runs_commit_has_no_parent(
    tmp_path: Path, home: Path, git: Git
) -> None:
    git(tmp_path, "init", "-q")
    project = Project.open(tmp_path)
    (tmp_path / "a.py").write_text("1\n")
    kept = run_commits.commit_worktree(project, "one")
    assert git(tmp_path, "log", "--format=%P", str(kept.sha)).strip() == ""
    assert git(tmp_path, "show", f"{kept.sha}:a.py") == "1\n"
    assert git(tmp_path, "status", "--porcelain").splitlines()[-1].startswith("?? ")


def test_during_a_merge_the_files_are_kept_with_their_markers(project: Project, git: Git) -> None:
    root = project.root
    for branch, text in (("one", "1\n"), ("two", "2\n")):
        git(root, "checkout", "-q", "-b", branch, "main")
        (root / "a.py").write_text(text)
        git(root, "add", "a.py")
        git(root, "commit", "-qm", branch)
    with pytest.raises(subprocess.CalledProcessError):
        git(root, "merge", "one")
    before = theirs(project, git)
    kept = run_commits.commit_worktree(project, "run")
    assert theirs(project, git) == before
    assert git(root, "show", f"{kept.sha}:a.py") == (root / "a.py").read_text()
    assert "<<<<<<<" in (root / "a.py").read_text()


def test_old_runs_are_forgotten_the_newest_stay(
    project: Project, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_commits, "MAX_RUN_REFS", 3)
    monkeypatch.setattr(run_commits, "PRUNE_BATCH_SIZE", 1)
    for number in range(5):
        git(project.root, "update-ref", f"refs/mlws/runs/2026010{number}-000000-abc", "HEAD")
    git(project.root, "update-ref", "refs/mlws/safety/one", "HEAD")
    run_commits.prune(project)
    names = git(project.root, "for-each-ref", "--format=%(refname)", "refs/mlws").splitlines()
    assert names == [
        *(f"refs/mlws/runs/2026010{number}-000000-abc" for number in (2, 3, 4)),
        "refs/mlws/safety/one",
    ]


def test_gitpython_is_not_imported_for_it(project: Project) -> None:
    (project.root / "a.py").write_text("1\n")
    code = (
        "import sys, pathlib\n"
        "from mlws.core.project import Project\n"
        "from jupyter_mlws.versioning.experiments import run_commits\n"
        "kept = run_commits.commit_worktree(Project.open(pathlib.Path(sys.argv[1])), 'one')\n"
        "print(kept.dirty, 'git' in sys.modules)\n"
    )
    command = [sys.executable, "-c", code, str(project.root)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert said.split() == ["True", "False"]
