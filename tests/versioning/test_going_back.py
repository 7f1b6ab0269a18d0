"""Rollback, tags, stashes and remotes on real git and DVC."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mlws.versioning.code.models import RollbackMode
from jupyter_mlws.versioning.models import OperationAction
from jupyter_mlws.workspace import Workspace
from mlws.core.errors import MLWSError
from tests import python
from tests.versioning.working_trees import add_data, tree_of

Command = Callable[..., str]


def refused(call: Callable[[], object]) -> MLWSError:
    with pytest.raises(MLWSError) as error:
        call()
    return error.value


@pytest.fixture
def root(versions: Workspace) -> Path:
    """One more version after the first: other code, other and more data."""
    root = versions.snapshots.project.root
    (root / "train.py").write_text("print('two')\n")
    (root / "data" / "wine.csv").write_text("two\n")
    (root / "data" / "more.csv").write_text("more\n")
    add_data(root, "data/more.csv")
    versions.snapshots.create("Two")
    return root


# Undo of the last commit


def test_the_last_commit_is_undone_as_git_does_it(
    versions: Workspace, root: Path, git: Command, dvc: Command, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(root, copy, symlinks=True)
    before = tree_of(root)
    (root / "open.py").write_text("not committed\n")
    (copy / "open.py").write_text("not committed\n")
    undone = versions.rewrites.undo()
    git(copy, "reset", "-q", "--soft", "HEAD~1")
    for command in (
        ("rev-parse", "HEAD", "main"),
        ("status", "--porcelain"),
        ("log", "-g", "-1", "--format=%gs"),
    ):
        assert git(root, *command) == git(copy, *command)
    (root / "open.py").unlink()
    assert tree_of(root) == before
    assert undone.message == "Two"
    assert undone.commit == git(root, "rev-parse", "HEAD").strip()
    assert "up to date" in dvc(root, "status")
    # A commit of what is staged has the same content, and so has the safety copy.
    again = versions.snapshots.create("Two again")
    for name in (again.id, undone.safety):
        tree = git(root, "rev-parse", f"{name}^{{tree}}")
        assert tree == git(root, "rev-parse", f"{undone.undone}^{{tree}}")
    (newest, *_) = versions.safety.list()
    assert (newest.reason, newest.id) == ("undo", undone.safety)
    assert git(root, "fsck", "--no-dangling") == ""


def test_a_pushed_commit_is_undone_only_when_that_is_confirmed(
    versions: Workspace, root: Path, git: Command, tmp_path: Path
) -> None:
    git(root, "init", "-q", "--bare", str(tmp_path / "far"))
    git(root, "remote", "add", "far", str(tmp_path / "far"))
    git(root, "push", "-q", "--no-verify", "far", "main", "main:other")
    git(root, "remote", "set-head", "far", "main")
    head = git(root, "rev-parse", "HEAD").strip()
    error = refused(versions.rewrites.undo)
    assert error.code == "30285"
    assert "is on far/main, far/other, where" in error.message.en
    assert git(root, "rev-parse", "HEAD").strip() == head
    assert versions.rewrites.undo(force=True).undone == head


def test_a_first_commit_and_a_merge_are_not_undone(
    versions: Workspace, root: Path, git: Command
) -> None:
    git(root, "checkout", "-qb", "side", "HEAD~1")
    (root / "side.py").write_text("1\n")
    git(root, "add", "side.py")
    git(root, "commit", "-qm", "side")
    git(root, "checkout", "-q", "main")
    git(root, "merge", "-q", "--no-edit", "side")
    error = refused(versions.rewrites.undo)
    assert (error.code, "merge" in error.message.en) == ("30286", True)
    first = git(root, "rev-list", "--max-parents=0", "HEAD").split()[0]
    git(root, "checkout", "-q", "--force", first)
    assert "first" in refused(versions.rewrites.undo).message.en


# Rollback


def test_a_rollback_is_a_commit_that_undoes_and_can_be_undone(
    versions: Workspace, root: Path, git: Command, dvc: Command
) -> None:
    second = tree_of(root)
    (root / "open.py").write_text("not committed\n")
    back = versions.rewrites.roll_back("HEAD~1", RollbackMode.REVERT)
    assert git(root, "rev-parse", "HEAD~1").strip() == back.previous
    assert git(root, "rev-parse", "HEAD^{tree}") == git(root, "rev-parse", f"{back.to}^{{tree}}")
    assert git(root, "log", "-1", "--format=%s").strip() == 'Revert to "Code and data"'
    assert (root / "data" / "wine.csv").read_text() == "a,b\n1,2\n"
    assert not (root / "data" / "more.csv").exists()
    assert (root / "open.py").exists()
    (root / "open.py").unlink()
    assert versions.snapshots.status().changes == []
    assert "up to date" in dvc(root, "status")
    versions.rewrites.roll_back(back.previous, RollbackMode.REVERT, "And forth")
    assert tree_of(root) == second
    error = refused(lambda: versions.rewrites.roll_back("HEAD~2", RollbackMode.REVERT))
    assert error.code == "30203"


def test_a_rollback_of_files_keeps_the_branch(
    versions: Workspace, root: Path, git: Command
) -> None:
    head = git(root, "rev-parse", "HEAD").strip()
    (root / "train.py").write_text("print('three')\n")
    back = versions.rewrites.roll_back("HEAD~1", RollbackMode.RESTORE)
    assert (back.commit, back.previous) == (head, head)
    assert (root / "train.py").read_text() == "print('one')\n"
    assert git(root, "show", f"{back.safety}:train.py") == "print('three')\n"


def test_a_rollback_loses_nothing(versions: Workspace, root: Path, git: Command) -> None:
    (root / "train.py").write_text("print('mine')\n")
    (root / "data" / "wine.csv").write_text("mine\n")
    before = tree_of(root)
    error = refused(lambda: versions.rewrites.roll_back("HEAD~1", RollbackMode.REVERT))
    assert (error.code, error.facts["paths"]) == ("30202", ["data/wine.csv", "train.py"])
    assert tree_of(root) == before
    git(root, "branch", "side", "HEAD~1")
    git(root, "stash", "-q")
    git(root, "checkout", "-q", "side")
    error = refused(lambda: versions.rewrites.roll_back("main", RollbackMode.REVERT))
    assert error.code == "30257"
    assert (
        refused(lambda: versions.rewrites.roll_back("no-such", RollbackMode.REVERT)).code == "30404"
    )


# Tags


def test_tags_are_made_listed_and_deleted(versions: Workspace, root: Path, git: Command) -> None:
    plain = versions.branches.tags.create("v1", "HEAD~1")
    assert (plain.message, plain.subject) == (None, "Code and data")
    noted = versions.branches.tags.create("发布/二", message="Second\n\nWith more data")
    assert (noted.message, noted.tagger) == (
        "Second\n\nWith more data",
        "Test Person <person@example.com>",
    )
    assert {tag.name for tag in versions.branches.tags.list()} == {"v1", "发布/二"}
    assert git(root, "tag", "--points-at", "HEAD").strip() == "发布/二"
    git(root, "tag", "of-a-tree", "HEAD^{tree}")
    assert len(versions.branches.tags.list()) == 2
    assert refused(lambda: versions.branches.tags.create("v1")).code == "50203"
    assert refused(lambda: versions.branches.tags.create("-x")).faults[0].field == "name"
    assert refused(lambda: versions.branches.tags.create("a..b")).code == "50201"
    assert refused(lambda: versions.branches.tags.create("v2", "no-such")).code == "30404"
    assert versions.branches.tags.delete("v1") == plain
    assert refused(lambda: versions.branches.tags.delete("v1")).code == "30404"


# Stashes


def test_work_is_put_aside_and_brought_back_with_its_data(
    versions: Workspace, root: Path, git: Command
) -> None:
    clean = tree_of(root)
    (root / "train.py").write_text("print('staged')\n")
    git(root, "add", "train.py")
    (root / "train.py").write_text("print('work')\n")
    (root / "new").mkdir()
    (root / "new" / "草稿.py").write_text("new\n")
    (root / "data" / "wine.csv").write_text("work\n")
    (root / "data" / "images" / "deep" / "9.bin").write_bytes(b"nine")
    work = {path: text for path, text in tree_of(root).items() if not path.endswith(".dvc")}
    made = versions.stashes.push("Half an idea")
    assert (made.message, made.branch) == ("Half an idea", "main")
    assert {"train.py", "new/草稿.py", "data/wine.csv.dvc"} <= set(made.files)
    assert tree_of(root) == clean
    assert not (root / "new").exists()
    assert versions.snapshots.status().changes == []
    # git's own command shows it as one of its own.
    assert "Half an idea" in git(root, "stash", "list")
    assert git(root, "show", "stash@{0}^2:train.py") == "print('staged')\n"

    (root / "other.py").write_text("meanwhile\n")
    versions.snapshots.create("Meanwhile")
    got = versions.stashes.apply(made.id, keep=True)
    assert got.data == ["data/images", "data/wine.csv"]
    now = tree_of(root)
    assert {path: now[path] for path in work} == work
    assert [stash.id for stash in versions.stashes.list()] == [made.id]
    assert refused(lambda: versions.stashes.apply(made.id)).code == "30202"
    assert versions.stashes.drop(made.id).id == made.id
    assert versions.stashes.list() == []
    assert refused(lambda: versions.stashes.get(made.id)).code == "30404"
    copy = versions.safety.list()[0]
    assert (copy.reason, copy.branch, "train.py" in copy.files) == ("stash drop", None, True)
    versions.safety.restore(copy.id)
    assert [(one.id, one.message) for one in versions.stashes.list()] == [(made.id, made.message)]


def test_stashes_are_told_apart_by_id(versions: Workspace, root: Path, git: Command) -> None:
    ids = []
    for text in ("first", "second", "third"):
        (root / "train.py").write_text(f"{text}\n")
        ids.append(versions.stashes.push(text).id)
    (root / "train.py").write_text("by git\n")
    git(root, "stash", "-q")
    assert [s.message for s in versions.stashes.list()][1:] == ["third", "second", "first"]
    versions.stashes.apply(ids[1])
    assert (root / "train.py").read_text() == "second\n"
    assert [s.id for s in versions.stashes.list()][1:] == [ids[2], ids[0]]
    git(root, "checkout", "-q", "train.py")
    git(root, "stash", "pop", "-q", "stash@{2}")
    assert (root / "train.py").read_text() == "first\n"


def test_what_cant_be_stashed_or_brought_back_is_told(
    versions: Workspace, root: Path, git: Command
) -> None:
    assert refused(versions.stashes.push).code == "30258"
    (root / "new.py").write_text("new\n")
    assert refused(lambda: versions.stashes.push(include_untracked=False)).code == "30258"
    (root / "train.py").write_text("work\n")
    made = versions.stashes.push()
    (root / "train.py").write_text("other work\n")
    versions.snapshots.create("Other work")
    before = tree_of(root)
    error = refused(lambda: versions.stashes.apply(made.id))
    assert (error.code, error.facts["paths"]) == ("30256", ["train.py"])
    assert error.facts["base"] == made.base[:8]
    assert tree_of(root) == before
    (root / "new.py").write_text("in the way\n")
    git(root, "checkout", "-q", "--detach", made.base)
    error = refused(lambda: versions.stashes.apply(made.id))
    assert (error.code, error.facts["paths"]) == ("30202", ["new.py"])
    (root / "new.py").unlink()
    versions.stashes.apply(made.id)
    assert ((root / "train.py").read_text(), (root / "new.py").read_text()) == ("work\n", "new\n")


KILLED = """
import os, sys, pathlib
from jupyter_mlws.versioning.worktree.restore import Restore
from jupyter_mlws.workspace import Workspace
Restore._apply_steps = lambda *a: os.kill(os.getpid(), 9)
Workspace.open(pathlib.Path(sys.argv[1])).stashes.push("Killed")
"""


def test_a_stash_that_was_killed_has_the_work(versions: Workspace, root: Path) -> None:
    (root / "train.py").write_text("work\n")
    (root / "data" / "wine.csv").write_text("work\n")
    assert python.run(KILLED, str(root)).returncode == -9
    assert [stash.message for stash in versions.stashes.list()] == ["Killed"]
    assert (root / "train.py").read_text() == "work\n"
    assert (root / "data" / "wine.csv").read_text() == "work\n"
    versions.operations.run(OperationAction.CONTINUE)
    assert (root / "train.py").read_text() == "print('two')\n"
    versions.stashes.apply(versions.stashes.list()[0].id)
    assert (root / "data" / "wine.csv").read_text() == "work\n"


# Remotes


def test_remotes_are_set_up_changed_fetched_and_forgotten(
    versions: Workspace, root: Path, git: Command, tmp_path: Path
) -> None:
    git(tmp_path, "init", "-q", "--bare", "bare.git")
    made = versions.remotes.put("origin", str(tmp_path / "bare.git"))
    assert made.url == str(tmp_path / "bare.git")
    git(root, "push", "-q", "origin", "main", "main:other")
    git(root, "update-ref", "-d", "refs/remotes/origin/other")
    got = versions.remotes.fetch("origin")
    assert [(row.name, row.previous) for row in got.branches] == [("other", None)]
    git(tmp_path / "bare.git", "update-ref", "-d", "refs/heads/other")
    assert versions.remotes.fetch("origin").branches == []
    gone = versions.remotes.fetch("origin", prune=True)
    assert [(row.name, row.commit) for row in gone.branches] == [("other", None)]
    versions.branches.tags.create("v1")
    versions.remotes.push_tag("v1", "origin")
    assert git(tmp_path / "bare.git", "tag").strip() == "v1"
    assert refused(lambda: versions.remotes.push_tag("v2")).code == "30404"
    changed = versions.remotes.put("origin", "https://example.com/a.git", "ssh://git@h/b.git")
    assert (changed.url, changed.push_url) == ("https://example.com/a.git", "ssh://git@h/b.git")
    assert versions.remotes.put("origin", "git@example.com:a.git").push_url == (
        "git@example.com:a.git"
    )
    assert versions.remotes.delete("origin").name == "origin"
    assert refused(lambda: versions.remotes.delete("origin")).code == "30404"
    assert refused(lambda: versions.remotes.fetch("origin")).code == "30404"
    (tmp_path / "gone").mkdir()
    versions.remotes.put("gone", str(tmp_path / "gone"))
    assert refused(lambda: versions.remotes.fetch("gone")).code == "30101"


@pytest.mark.parametrize(
    "address",
    [
        "ext::sh -c touch% /tmp/x",
        "-u",
        "https://user:secret@example.com/a.git",
        "https://ghp_token@example.com/a.git",
        "javascript://x",
        "a\nb",
        " ",
    ],
)
def test_addresses_that_run_programs_or_hold_passwords(versions: Workspace, address: str) -> None:
    error = refused(lambda: versions.remotes.put("bad name", address, address))
    assert {fault.field for fault in error.faults} == {"name", "url", "push_url"}
    assert "secret" not in str(error.as_dict("en"))
    assert versions.remotes.list() == []
