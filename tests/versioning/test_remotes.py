"""Push and pull between real clones: a bare git repository and a folder as DVC's remote."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlws.workspace import Workspace
from mlws.core.errors import MLWSError
from mlws.core.project import Project
from tests import python
from tests.versioning.working_trees import add_data, tree_of

Command = Callable[..., str]

PUSH = """
import os, sys, pathlib
from jupyter_mlws.workspace import Workspace
def progress(done, total=None, unit="", message=""):
    if message == sys.argv[2] and done >= float(sys.argv[3]):
        os.kill(os.getpid(), 9)
Workspace.open(pathlib.Path(sys.argv[1])).remotes.push(progress=progress)
"""


class StopError(Exception):
    """Raised by a listener that wants no more."""


def refused(call: Callable[[], object]) -> MLWSError:
    with pytest.raises(MLWSError) as error:
        call()
    return error.value


@pytest.fixture
def bare(tmp_path: Path, git: Command) -> Path:
    bare = tmp_path / "bare.git"
    git(tmp_path, "init", "-q", "--bare", str(bare))
    return bare


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def mine(workspace: Project, bare: Path, store: Path, git: Command) -> Iterator[Workspace]:
    root = workspace.root
    git(root, "remote", "add", "origin", str(bare))
    config = (root / ".dvc" / "config").read_text()
    (root / ".dvc" / "config").write_text(
        f"{config}[core]\n    remote = store\n['remote \"store\"']\n    url = {store}\n"
    )
    git(root, "commit", "-qam", "A remote for data")
    versions = Workspace(workspace)
    yield versions
    versions.close()


@pytest.fixture
def theirs(mine: Workspace, bare: Path, tmp_path: Path, git: Command) -> Iterator[Workspace]:
    """Another person's clone; of data it has nothing."""
    mine.remotes.push()
    git(tmp_path, "clone", "-q", str(bare), str(tmp_path / "theirs"))
    versions = Workspace.open(tmp_path / "theirs")
    yield versions
    versions.close()


def root_of(versions: Workspace) -> Path:
    return versions.snapshots.project.root


def change(versions: Workspace, path: str, text: str, message: str = "Change") -> None:
    (root_of(versions) / path).write_text(text)
    versions.snapshots.create(message)


def tip(git: Command, bare: Path, branch: str = "main") -> str:
    return git(bare, "rev-parse", f"refs/heads/{branch}").strip()


def test_what_one_pushes_the_other_pulls(
    mine: Workspace, theirs: Workspace, git: Command, dvc: Command
) -> None:
    got = theirs.remotes.pull()
    assert (got.outcome.value, got.commits) == ("up_to_date", 0)
    assert got.data == ["data/images", "data/wine.csv"]
    assert tree_of(root_of(theirs)) == tree_of(root_of(mine))

    (root_of(mine) / "data" / "wine.csv").write_text("a,b\n5,6\n")
    (root_of(mine) / "data" / "images" / "deep" / "7.bin").write_bytes(b"seven" * 1000)
    (root_of(mine) / "data" / "more.csv").write_text("more\n")
    add_data(root_of(mine), "data/more.csv")
    change(mine, "train.py", "print('two')\n", "Two")
    change(mine, "train.py", "print('three')\n", "Three")
    told: list[tuple[float, float | None, str, str]] = []

    def hear(done: float, total: float | None = None, unit: str = "", message: str = "") -> None:
        told.append((done, total, unit, message))

    sent = mine.remotes.push(progress=hear)
    assert (sent.remote, sent.branch, sent.commits) == ("origin", "main", 2)
    assert sent.previous == got.commit
    assert {row[3] for row in told} >= {"ask", "branch"}

    told.clear()
    got = theirs.remotes.pull(progress=hear)
    assert (got.outcome.value, got.commits, got.commit) == ("fast_forward", 2, sent.commit)
    assert tree_of(root_of(theirs)) == tree_of(root_of(mine))
    assert theirs.snapshots.status().changes == []
    assert theirs.snapshots.status().upstream == "origin/main"
    fetched = [row for row in told if row[3] == "fetch" and row[2] == "B"]
    assert fetched[-1][0] == fetched[-1][1]
    assert fetched[-1][0] >= 5000
    assert "up to date" in dvc(root_of(theirs), "status")


def test_every_commit_that_was_pushed_can_be_restored_elsewhere(
    mine: Workspace, theirs: Workspace, git: Command
) -> None:
    # By hand: a snapshot would have stored the data already.
    for text in ("one\n", "two\n", "three\n"):
        (root_of(mine) / "data" / "wine.csv").write_text(text)
        add_data(root_of(mine), "data/wine.csv")
        git(root_of(mine), "commit", "-qam", text.strip())
    mine.remotes.push()
    theirs.remotes.pull()
    for back, text in enumerate(("three\n", "two\n", "one\n")):
        theirs.snapshots.restore(f"origin/main~{back}")
        assert (root_of(theirs) / "data" / "wine.csv").read_text() == text


def test_both_changed_something_else_is_merged(
    mine: Workspace, theirs: Workspace, git: Command
) -> None:
    theirs.remotes.pull()
    change(mine, "data/wine.csv", "mine\n")
    mine.remotes.push()
    change(theirs, "train.py", "print('theirs')\n")
    (root_of(theirs) / "open.py").write_text("not committed\n")
    error = refused(theirs.remotes.push)
    assert (error.code, error.facts["branch"]) == ("30213", "main")
    got = theirs.remotes.pull()
    assert (got.outcome.value, got.commits) == ("merged", 1)
    assert (root_of(theirs) / "data" / "wine.csv").read_text() == "mine\n"
    assert (root_of(theirs) / "train.py").read_text() == "print('theirs')\n"
    assert (root_of(theirs) / "open.py").read_text() == "not committed\n"
    assert len(theirs.snapshots.get("HEAD").parents) == 2
    assert theirs.remotes.push().commits == 2
    assert mine.remotes.pull().outcome.value == "fast_forward"
    assert (root_of(mine) / "train.py").read_text() == "print('theirs')\n"


def test_a_conflict_is_named_and_changes_nothing(
    mine: Workspace, theirs: Workspace, git: Command
) -> None:
    theirs.remotes.pull()
    (root_of(mine) / "data" / "wine.csv").write_text("mine\n")
    change(mine, "train.py", "print('mine')\n")
    mine.remotes.push()
    (root_of(theirs) / "data" / "wine.csv").write_text("theirs\n")
    change(theirs, "train.py", "print('theirs')\n")
    (root_of(theirs) / "open.py").write_text("not committed\n")
    before = tree_of(root_of(theirs))
    head = git(root_of(theirs), "rev-parse", "HEAD")
    error = refused(theirs.remotes.pull)
    assert error.code == "30201"
    assert error.facts["paths"] == ["data/wine.csv.dvc", "train.py"]
    assert tree_of(root_of(theirs)) == before
    assert git(root_of(theirs), "rev-parse", "HEAD") == head
    assert git(root_of(theirs), "status", "--porcelain") == "?? open.py\n"
    assert theirs.snapshots.status().operation is None


def test_a_pull_loses_no_uncommitted_work(mine: Workspace, theirs: Workspace) -> None:
    theirs.remotes.pull()
    (root_of(mine) / "data" / "wine.csv").write_text("mine\n")
    change(mine, "train.py", "print('mine')\n")
    mine.remotes.push()
    (root_of(theirs) / "train.py").write_text("not committed\n")
    (root_of(theirs) / "data" / "wine.csv").write_text("not recorded\n")
    before = tree_of(root_of(theirs))
    error = refused(theirs.remotes.pull)
    assert (error.code, error.facts["paths"]) == ("30202", ["data/wine.csv", "train.py"])
    assert tree_of(root_of(theirs)) == before


@pytest.mark.parametrize(("message", "minimum"), [("ask", 0), ("push", 1), ("branch", 0)])
def test_a_push_killed_anywhere_publishes_nothing_half(
    mine: Workspace, theirs: Workspace, bare: Path, git: Command, message: str, minimum: int
) -> None:
    (root_of(mine) / "data" / "images" / "deep" / "8.bin").write_bytes(b"eight" * 1000)
    add_data(root_of(mine), "data/images")
    git(root_of(mine), "commit", "-qam", "Eight")
    before = tip(git, bare)
    assert python.run(PUSH, str(root_of(mine)), message, str(minimum)).returncode == -9
    assert tip(git, bare) == before
    assert theirs.remotes.pull().outcome.value == "up_to_date"
    sent = mine.remotes.push()
    assert tip(git, bare) == sent.commit
    theirs.remotes.pull()
    assert tree_of(root_of(theirs)) == tree_of(root_of(mine))


def test_a_push_that_is_stopped_says_so(
    mine: Workspace, theirs: Workspace, bare: Path, git: Command
) -> None:
    (root_of(mine) / "data" / "wine.csv").write_bytes(b"x" * 4_000_000)
    add_data(root_of(mine), "data/wine.csv")
    git(root_of(mine), "commit", "-qam", "Large")
    before = tip(git, bare)

    def stop(done: float, total: float | None = None, unit: str = "", message: str = "") -> None:
        if unit == "B" and done > 0:
            assert total == 4_000_000
            raise StopError

    with pytest.raises(StopError):
        mine.remotes.push(progress=stop)
    assert tip(git, bare) == before
    mine.remotes.push()
    theirs.remotes.pull()
    assert (root_of(theirs) / "data" / "wine.csv").read_bytes() == b"x" * 4_000_000


def test_code_does_not_go_where_its_data_cannot(
    mine: Workspace, theirs: Workspace, bare: Path, store: Path, git: Command
) -> None:
    (root_of(mine) / "data" / "wine.csv").write_text("new\n")
    add_data(root_of(mine), "data/wine.csv")
    git(root_of(mine), "commit", "-qam", "New")
    before = tip(git, bare)
    # A file where the store's folder should be.
    shutil.move(store, f"{store}.away")
    store.write_text("")
    error = refused(mine.remotes.push)
    assert (error.code, error.facts["remote"]) == ("30101", "store")
    store.unlink()
    shutil.move(f"{store}.away", store)
    cache = root_of(mine) / ".dvc" / "cache"
    shutil.move(cache, f"{cache}.away")
    error = refused(mine.remotes.push)
    assert (error.code, error.facts["paths"]) == ("30402", "data/wine.csv")
    assert tip(git, bare) == before
    shutil.move(f"{cache}.away", cache)
    assert mine.remotes.push().data == ["data/images", "data/wine.csv"]


def test_a_project_without_a_remote_for_data_is_told(
    versions: Workspace, bare: Path, git: Command
) -> None:
    git(root_of(versions), "remote", "add", "origin", str(bare))
    error = refused(versions.remotes.push)
    assert (error.code, error.facts["paths"]) == ("30214", ["data/images", "data/wine.csv"])
    assert git(bare, "for-each-ref") == ""
    pushed = versions.remotes.push(code_only=True)
    assert (pushed.data, tip(git, bare)) == ([], pushed.commit)


def test_code_alone_needs_no_dvc(tmp_path: Path, bare: Path, git: Command) -> None:
    root = tmp_path / "plain"
    git(tmp_path, "clone", "-q", str(bare), str(root))
    versions = Workspace.open(root)
    assert refused(versions.remotes.pull).facts["name"] == "origin/main"
    assert refused(versions.remotes.push).facts["kind"] == "branch"
    (root / "a").write_text("a")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "A")
    assert versions.remotes.push().previous is None
    # Into a repository that has no commit yet.
    git(tmp_path, "init", "-q", "empty")
    empty = Workspace.open(tmp_path / "empty")
    git(root_of(empty), "remote", "add", "up", str(bare))
    got = empty.remotes.pull()
    assert (got.remote, got.outcome.value, got.previous) == ("up", "fast_forward", None)
    assert (root_of(empty) / "a").read_text() == "a"
    assert git(root_of(empty), "status", "--porcelain") == ""


def test_an_unreachable_remote_is_told_without_its_password(mine: Workspace, git: Command) -> None:
    url = "http://user:hunter2@127.0.0.1:9/x.git"
    git(root_of(mine), "remote", "add", "far", url)
    for call in (mine.remotes.push, mine.remotes.pull):
        error = refused(lambda call=call: call("far"))  # type: ignore[misc]
        assert (error.code, error.facts["remote"]) == ("30101", "far")
        assert "hunter2" not in str(error.as_dict("en"))
        assert "127.0.0.1" in error.facts["reason"]
    listed = {remote.name: remote.url for remote in mine.remotes.list()}
    assert listed["far"] == "http://***@127.0.0.1:9/x.git"
    assert listed["origin"].endswith("bare.git")


def test_what_cannot_be_meant_is_told(mine: Workspace, theirs: Workspace, git: Command) -> None:
    assert refused(lambda: mine.remotes.push("no-such")).facts["kind"] == "remote"
    assert refused(lambda: mine.remotes.push("http://127.0.0.1:9/x")).code == "30404"
    assert refused(lambda: mine.remotes.push(None, "no-such")).facts["kind"] == "branch"
    assert refused(lambda: mine.remotes.pull(None, "no-such")).facts["name"] == "origin/no-such"
    git(root_of(mine), "checkout", "-q", "--detach")
    assert refused(mine.remotes.push).code == "30215"
    assert refused(mine.remotes.pull).code == "30215"


def test_a_remote_that_refuses_says_why(
    mine: Workspace, theirs: Workspace, bare: Path, git: Command
) -> None:
    hook = bare / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    change(mine, "train.py", "x\n")
    error = refused(mine.remotes.push)
    assert error.code == "30216"
    assert "pre-receive" in error.facts["reason"]


def test_histories_without_a_common_commit(mine: Workspace, bare: Path, git: Command) -> None:
    mine.remotes.push()
    other = root_of(mine).parent / "other"
    git(root_of(mine).parent, "init", "-q", str(other))
    (other / "x").write_text("x")
    git(other, "add", "-A")
    git(other, "commit", "-qm", "X")
    git(other, "remote", "add", "origin", str(bare))
    versions = Workspace.open(other)
    assert refused(versions.remotes.pull).code == "30217"
    assert git(other, "status", "--porcelain") == ""


def test_a_branch_of_a_remote_is_followed(mine: Workspace, theirs: Workspace, git: Command) -> None:
    mine.branches.create("feature", checkout=True)
    change(mine, "data/wine.csv", "feature\n")
    assert mine.remotes.push().previous is None
    theirs.remotes.pull()
    git(root_of(theirs), "fetch", "-q")
    went = theirs.branches.checkout("feature")
    assert (went.branch, went.data) == ("feature", ["data/wine.csv"])
    listed: dict[tuple[Any, str], Any] = {
        (branch.remote, branch.name): branch for branch in theirs.branches.list()
    }
    assert listed[None, "feature"].upstream == "origin/feature"
    assert (listed[None, "feature"].ahead, listed[None, "feature"].behind) == (0, 0)
    assert ("origin", "feature") in listed
    change(theirs, "data/wine.csv", "feature again\n")
    ahead = {branch.name: branch.ahead for branch in theirs.branches.list() if not branch.remote}
    assert ahead["feature"] == 1
    theirs.remotes.push()
    # Merged nowhere, and yet not lost: the remote has it.
    theirs.branches.checkout("main")
    theirs.branches.delete("feature")
    mine.remotes.pull()
    assert (root_of(mine) / "data" / "wine.csv").read_text() == "feature again\n"
