"""Branches on real git and DVC: the data goes along, and nothing uncommitted is ever lost."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mlws.workspace import Workspace
from mlws.core.errors import MLWSError
from mlws.core.i18n import CHINESE
from mlws.core.project import Project
from tests import python
from tests.versioning.working_trees import add_data, tree_of

Command = Callable[..., str]


@pytest.fixture
def two(versions: Workspace, workspace: Project, git: Command) -> Workspace:
    """``main`` as it is, and ``other`` with other code, other and more data; main checked out."""
    root = workspace.root
    git(root, "checkout", "-qb", "other")
    (root / "train.py").write_text("print('other')\n")
    (root / "other.py").write_text("other\n")
    (root / "data" / "wine.csv").write_text("other\n")
    (root / "data" / "images" / "deep" / "1.bin").write_text("other")
    (root / "data" / "more.csv").write_text("more\n")
    add_data(root, "data/wine.csv", "data/images", "data/more.csv")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "Other")
    git(root, "checkout", "-q", "main")
    versions.snapshots.restore("main")
    (root / "data" / "more.csv").unlink(missing_ok=True)
    assert git(root, "status", "--porcelain") == ""
    return versions


def refused(call: Callable[[], object]) -> MLWSError:
    with pytest.raises(MLWSError) as error:
        call()
    return error.value


def test_a_switch_brings_code_and_data(two: Workspace, git: Command, dvc: Command) -> None:
    root = two.snapshots.project.root
    main = tree_of(root)
    gone = two.branches.checkout("other")
    assert (gone.branch, gone.commit) == ("other", git(root, "rev-parse", "other").strip())
    assert gone.data == ["data/images", "data/more.csv", "data/wine.csv"]
    assert (root / "data" / "wine.csv").read_text() == "other\n"
    assert (root / "data" / "more.csv").read_text() == "more\n"
    assert (root / "data" / "images" / "deep" / "1.bin").read_text() == "other"
    assert two.snapshots.status().changes == []
    assert "up to date" in dvc(root, "status")

    back = two.branches.checkout("main")
    assert back.previous == gone.commit
    assert tree_of(root) == main
    assert two.snapshots.status().changes == []
    assert two.snapshots.status().operation is None


def test_what_would_be_lost_is_named_and_nothing_changes(two: Workspace, git: Command) -> None:
    root = two.snapshots.project.root
    (root / "train.py").write_text("mine\n")
    (root / "data" / "wine.csv").write_text("mine\n")
    (root / "data" / "images" / "deep" / "9.bin").write_text("mine")
    (root / "data" / "more.csv").write_text("mine, and ignored by nobody\n")
    (root / "other.py").write_text("mine, untracked\n")
    before = tree_of(root)
    error = refused(lambda: two.branches.checkout("other"))
    assert error.code == "30202"
    assert error.facts["paths"] == [
        "data/images", "data/more.csv", "data/wine.csv", "other.py", "train.py"
    ]  # fmt: skip
    assert "data/wine.csv" in error.message.en
    assert "未提交" in error.message.in_(CHINESE)
    assert tree_of(root) == before
    assert git(root, "symbolic-ref", "--short", "HEAD") == "main\n"
    assert two.snapshots.status().operation is None


def test_changes_that_are_not_in_the_way_come_along(two: Workspace, git: Command) -> None:
    root = two.snapshots.project.root
    (root / "训练 笔记.ipynb").write_text('{"cells": [1]}\n')
    (root / "new.py").write_text("new\n")
    (root / "train.py").unlink()
    (root / "data" / "wine.csv").unlink()
    two.branches.checkout("other")
    assert (root / "训练 笔记.ipynb").read_text() == '{"cells": [1]}\n'
    assert (root / "new.py").read_text() == "new\n"
    assert (root / "train.py").read_text() == "print('other')\n"
    assert (root / "data" / "wine.csv").read_text() == "other\n"
    assert {c.path for c in two.snapshots.status().changes} == {"训练 笔记.ipynb", "new.py"}


def test_data_that_git_versions_elsewhere_gives_way_and_comes_back(
    two: Workspace, git: Command
) -> None:
    root = two.snapshots.project.root
    git(root, "checkout", "-qb", "in-git")
    git(root, "rm", "-q", "data/wine.csv.dvc", "data/images.dvc", "data/.gitignore")
    git(root, "add", "data")
    git(root, "commit", "-qm", "Data in git")
    tree = tree_of(root)
    two.branches.checkout("main")
    assert (root / "data" / "wine.csv").read_text() == "a,b\n1,2\n"
    assert two.snapshots.status().changes == []
    two.branches.checkout("in-git")
    assert tree_of(root) == tree
    assert two.snapshots.status().changes == []
    two.branches.checkout("main")
    (root / "data" / "wine.csv").write_text("mine\n")
    assert refused(lambda: two.branches.checkout("in-git")).facts["paths"] == ["data/wine.csv"]
    assert (root / "data" / "wine.csv").read_text() == "mine\n"


def test_an_ignored_file_in_the_way_is_not_overwritten(two: Workspace, git: Command) -> None:
    root = two.snapshots.project.root
    git(root, "checkout", "-q", "other")
    (root / "notes.txt").write_text("versioned\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "Notes")
    two.branches.checkout("main")
    (root / ".git" / "info" / "exclude").write_text("notes.txt\n")
    (root / "notes.txt").write_text("mine\n")
    assert refused(lambda: two.branches.checkout("other")).facts["paths"] == ["notes.txt"]
    assert (root / "notes.txt").read_text() == "mine\n"


def test_data_in_no_store_stops_the_switch(two: Workspace, git: Command) -> None:
    root = two.snapshots.project.root
    before = tree_of(root)
    shutil.rmtree(root / ".dvc" / "cache")
    error = refused(lambda: two.branches.checkout("other"))
    assert error.code == "30402"
    assert "data/more.csv" in error.facts["paths"]
    assert tree_of(root) == before
    assert git(root, "symbolic-ref", "--short", "HEAD") == "main\n"


def test_data_is_stored_before_it_goes(two: Workspace) -> None:
    root = two.snapshots.project.root
    two.branches.create("keep")
    two.branches.checkout("other")
    # Of what is here the cache loses its copy; the working tree has the only one.
    cache = root / ".dvc" / "cache" / "files" / "md5"
    item = next(i for i in two.snapshots.get("HEAD").data if i.path == "data/more.csv")
    assert item.md5 is not None
    (root / "data" / "more.csv").unlink()
    (root / "data" / "more.csv").write_text("more\n")
    (cache / item.md5[:2] / item.md5[2:]).unlink()
    two.branches.checkout("main")
    assert not (root / "data" / "more.csv").exists()
    two.branches.checkout("other")
    assert (root / "data" / "more.csv").read_text() == "more\n"


def test_a_commit_is_checked_out_without_a_branch(two: Workspace, git: Command) -> None:
    root = two.snapshots.project.root
    git(root, "tag", "v1", "other")
    went = two.branches.checkout(None, "v1")
    assert went.branch is None
    assert two.snapshots.status().branch is None
    assert (root / "data" / "wine.csv").read_text() == "other\n"
    made = two.branches.checkout("from-here", create=True)
    assert made.branch == "from-here"
    made = two.branches.checkout("from-main", "main", create=True)
    assert (made.branch, made.commit) == ("from-main", git(root, "rev-parse", "main").strip())
    assert (root / "data" / "wine.csv").read_text() == "a,b\n1,2\n"


def test_branches_are_renamed(two: Workspace, git: Command) -> None:
    root = two.snapshots.project.root
    git(root, "config", "branch.main.description", "The first")
    assert two.branches.rename("main", "main/一").current
    assert git(root, "symbolic-ref", "HEAD").strip() == "refs/heads/main/一"
    assert git(root, "config", "branch.main/一.description").strip() == "The first"
    assert two.branches.rename("other", "main-two").name == "main-two"
    assert refused(lambda: two.branches.rename("no-such", "x")).code == "30404"
    for name in ("main/一", "main", "-x"):
        error = refused(lambda name=name: two.branches.rename("main-two", name))
        assert error.code == refused(lambda name=name: two.branches.create(name)).code
        assert [fault.field for fault in error.faults] == ["name"]


def test_branches_are_made_listed_and_deleted(two: Workspace, git: Command) -> None:
    root = two.snapshots.project.root
    made = two.branches.create("功能/一", "other")
    assert made.commit == git(root, "rev-parse", "other").strip()
    assert made.upstream is None
    listed = {branch.name: branch for branch in two.branches.list()}
    assert set(listed) == {"main", "other", "功能/一"}
    assert listed["main"].current
    assert listed["other"].subject == "Other"
    two.branches.delete("功能/一")
    assert refused(lambda: two.branches.delete("main")).code == "30211"
    assert refused(lambda: two.branches.delete("no-such")).code == "30404"
    error = refused(lambda: two.branches.delete("other"))
    assert (error.code, error.facts["commit"]) == ("30212", made.commit)
    assert two.branches.delete("other", force=True).commit == made.commit
    assert [branch.name for branch in two.branches.list()] == ["main"]
    copy = two.safety.list()[0]
    assert (copy.reason, copy.branch, copy.base) == ("branch --delete", "other", made.commit)
    two.safety.restore(copy.id)
    assert git(root, "rev-parse", "other").strip() == made.commit
    two.branches.delete("other", force=True)
    went = two.branches.create("again", made.commit, checkout=True)
    assert went.current
    assert (root / "other.py").exists()


@pytest.mark.parametrize(
    "name",
    ["-x", "a b", "a..b", "HEAD", "x.lock", "a~1", "@{-1}", "/a", "a/", "a//b", "ä" * 120, "@"],
)
def test_names_follow_gits_rules(versions: Workspace, git: Command, name: str) -> None:
    error = refused(lambda: versions.branches.create(name))
    assert error.code == "50201"
    assert [fault.field for fault in error.faults] == ["name"]
    error = refused(lambda: versions.branches.checkout(name, create=True))
    assert [fault.field for fault in error.faults] == ["branch"]
    root = versions.snapshots.project.root
    assert git(root, "branch", "--format=%(refname:short)") == "main\n"


def test_taken_and_unknown_names_are_told(two: Workspace) -> None:
    assert refused(lambda: two.branches.create("other")).code == "50203"
    error = refused(lambda: two.branches.create("other/below"))
    assert (error.code, error.faults[0].field) == ("50203", "name")
    assert "'other'" in error.faults[0].message.en
    assert refused(lambda: two.branches.create("x", "no-such")).code == "30404"
    assert refused(lambda: two.branches.checkout("no-such")).code == "30404"
    error = refused(lambda: two.branches.checkout(None))
    assert [fault.field for fault in error.faults] == ["branch", "ref"]
    error = refused(lambda: two.branches.checkout(None, "main", create=True))
    assert [fault.field for fault in error.faults] == ["branch"]


def test_another_worktree_keeps_its_branch(two: Workspace, git: Command, tmp_path: Path) -> None:
    git(two.snapshots.project.root, "worktree", "add", "-q", str(tmp_path / "beside"), "other")
    assert refused(lambda: two.branches.checkout("other")).code == "30211"
    assert refused(lambda: two.branches.delete("other", force=True)).code == "30211"


def test_an_unfinished_merge_is_refused(two: Workspace, git: Command) -> None:
    root = two.snapshots.project.root
    (root / "train.py").write_text("main\n")
    git(root, "commit", "-qam", "Main")
    with pytest.raises(Exception, match="merge"):
        git(root, "merge", "-q", "other")
    error = refused(lambda: two.branches.checkout("other"))
    assert (error.code, error.facts["operation"]) == ("30201", "merge")
    assert "train.py" in error.facts["paths"]


def test_a_hook_that_fails_after_the_switch_leaves_it(two: Workspace) -> None:
    root = two.snapshots.project.root
    hook = root / ".git" / "hooks" / "post-checkout"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    assert two.branches.checkout("other").branch == "other"
    assert (root / "data" / "wine.csv").read_text() == "other\n"
    assert two.snapshots.status().operation is None


KILLED = """
import os, sys, pathlib
from mlws.dvc.worktree import DataWorktree
from jupyter_mlws.workspace import Workspace
DataWorktree.checkout = lambda self, item: os.kill(os.getpid(), 9)
Workspace.open(pathlib.Path(sys.argv[1])).branches.checkout("other")
"""


def test_a_switch_that_was_killed_is_ended_by_the_next_command(two: Workspace) -> None:
    root = two.snapshots.project.root
    assert python.run(KILLED, str(root)).returncode == -9
    # The code is the other branch's, the data is not: no commit may take it for a change.
    assert two.snapshots.status().branch == "other"
    assert two.snapshots.status().operation == "checkout"
    assert refused(lambda: two.snapshots.create("Half")).code == "30203"
    assert (root / "data" / "wine.csv").read_text() == "other\n"
    assert two.snapshots.status().operation is None
    assert two.branches.checkout("main").branch == "main"


def test_who_holds_the_project_is_told(two: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    project = two.snapshots.project
    # The clock alone: nobody waits half a minute for a test.
    monkeypatch.setattr("mlws.core.project.LOCK_TIMEOUT", 0.05)
    with project.lock("restore"):
        error = refused(lambda: two.branches.checkout("other"))
    assert (error.code, error.facts["operation"]) == ("30103", "restore")
    assert two.branches.checkout("other").branch == "other"
