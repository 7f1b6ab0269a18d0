"""Proof of snapshots, object by object: what is missing or damaged is named, and mended."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_mlws.core.errors import BranchMovedError
from jupyter_mlws.versioning.snapshots import outbox_worker
from jupyter_mlws.versioning.snapshots.manager import SnapshotManager
from jupyter_mlws.versioning.snapshots.proof_models import Store
from jupyter_mlws.workspace import Workspace
from mlws.core.errors import DataDamagedError, MLWSError
from mlws.core.project import Project
from mlws.dvc.pointers import ObjectFault
from tests.versioning.working_trees import add_data, tree_of

Command = Callable[..., str]
NEAR = "../../remote"
"""The remote's folder, as DVC finds it from its settings."""
OBJECTS = 5
"""Of the data: a file, a listing, and three files that it lists."""


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return tmp_path / "remote"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first test leaves its project and remote, for others to copy."""
    return tmp_path_factory.mktemp("stored") / "template"


@pytest.fixture
def manager(
    workspace: Project, remote: Path, template: Path, git: Command
) -> Iterator[SnapshotManager]:
    """A project whose newest snapshot is in git, in the cache and at the remote."""
    root = workspace.root
    manager = SnapshotManager(workspace)
    if template.exists():
        shutil.rmtree(root)
        shutil.copytree(template, root.parent, symlinks=True, dirs_exist_ok=True)
        # The index holds the inodes of the original.
        git(root, "update-index", "--refresh")
    else:
        (root / ".dvc" / "config.local").write_text(
            f"[core]\n    remote = store\n['remote \"store\"']\n    url = {NEAR}\n"
        )
        (root / "data" / "wine.csv").write_text("wine\n")
        manager.create("Stored")
        for folder in (root, remote):
            shutil.copytree(folder, template / folder.name, symlinks=True)
    yield manager
    manager.close()


def objects(place: Path) -> list[Path]:
    """Every object of a store, in a certain order."""
    return sorted(p for p in place.rglob("*") if p.is_file() and p.parent.parent.name == "md5")


def cache(root: Path) -> Path:
    return root / ".dvc" / "cache" / "files" / "md5"


def current(root: Path, remote: Path) -> tuple[list[Path], list[Path]]:
    """The objects of HEAD's data in the cache and at the remote."""
    here = objects(cache(root))
    there = objects(remote)
    names = {path.parent.name + path.name for path in there}
    return [path for path in here if path.parent.name + path.name in names], there


def spoil(path: Path, how: ObjectFault) -> None:
    if how is ObjectFault.MISSING:
        path.unlink()
        return
    path.chmod(0o644)
    content = path.read_bytes()
    # As long as before, so that only its content tells.
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    path.chmod(0o444)


def test_a_whole_snapshot_is_proven(manager: SnapshotManager) -> None:
    found = manager.verify("HEAD")
    assert found.problems == []
    assert (found.remote, found.unreachable) == ("store", None)
    proof = found.proof
    assert (proof.code, proof.data_local, proof.data_remote) == (True, True, True)
    assert found.objects > OBJECTS
    assert manager.repair("HEAD").mended == []


@pytest.mark.parametrize("how", list(ObjectFault))
@pytest.mark.parametrize("where", [Store.CACHE, Store.REMOTE])
@pytest.mark.parametrize("number", range(OBJECTS))
def test_any_one_object_that_is_gone_or_damaged_is_named_and_mended(
    manager: SnapshotManager,
    remote: Path,
    number: int,
    where: Store,
    how: ObjectFault,
) -> None:
    root = manager.project.root
    here, there = current(root, remote)
    assert len(here) == len(there) == OBJECTS
    path = (here if where is Store.CACHE else there)[number]
    md5 = path.parent.name + path.name
    before = tree_of(root)
    spoil(path, how)

    found = manager.verify("HEAD")

    assert [(row.hash, row.where, row.problem) for row in found.problems] == [(md5, where, how)]
    named = root / found.problems[0].path
    assert named.is_dir() if md5.endswith(".dir") else named.is_file()
    assert found.proof.data_local is (where is not Store.CACHE)
    assert found.proof.data_remote is (where is not Store.REMOTE)

    done = manager.repair("HEAD")
    assert [(row.hash, row.where) for row in done.mended] == [(md5, where)]
    assert done.lost == []
    assert manager.verify("HEAD").problems == []
    assert tree_of(root) == before


@pytest.mark.parametrize("number", range(OBJECTS))
def test_what_is_left_at_the_remote_alone_is_fetched(
    manager: SnapshotManager, remote: Path, number: int
) -> None:
    root = manager.project.root
    spoil(current(root, remote)[0][number], ObjectFault.DAMAGED)
    shutil.rmtree(root / "data" / "images")
    (root / "data" / "wine.csv").unlink()
    done = manager.repair("HEAD")
    assert [row.source for row in done.mended] == [Store.REMOTE]
    assert manager.verify("HEAD").problems == []


def test_what_is_left_in_the_workspace_alone_is_stored_anew(
    manager: SnapshotManager, remote: Path
) -> None:
    root = manager.project.root
    shutil.rmtree(root / ".dvc" / "cache")
    shutil.rmtree(remote)
    found = manager.verify("HEAD")
    # Also the files of the folder whose listing no store has any more: the workspace has it.
    assert len(found.problems) == 2 * OBJECTS
    done = manager.repair("HEAD")
    assert done.lost == []
    assert {row.source for row in done.mended if row.where is Store.CACHE} == {Store.WORKSPACE}
    assert manager.verify("HEAD").problems == []


def test_a_file_that_was_moved_still_mends_the_old_version(
    manager: SnapshotManager, remote: Path, git: Command
) -> None:
    root = manager.project.root
    (root / "data" / "wine.csv").rename(root / "data" / "moved.csv")
    (root / "data" / "wine.csv.dvc").unlink()
    add_data(root, "data/moved.csv")
    manager.create("Moved")
    path = next(p for p in objects(cache(root)) if p.read_bytes() == b"wine\n")
    spoil(path, ObjectFault.DAMAGED)
    shutil.rmtree(remote)
    done = manager.repair("HEAD~1")
    row = next(row for row in done.mended if row.where is Store.CACHE)
    assert (row.path, row.source) == ("data/wine.csv", Store.WORKSPACE)


def test_what_is_lost_is_said_exactly(manager: SnapshotManager, remote: Path) -> None:
    root = manager.project.root
    for place in (cache(root), remote):
        spoil(next(p for p in objects(place) if p.read_bytes() == b"wine\n"), ObjectFault.MISSING)
    (root / "data" / "wine.csv").write_text("something else\n")
    done = manager.repair("HEAD")
    assert done.mended == []
    lost = [(row.path, row.where, row.problem) for row in done.lost]
    assert lost == [
        ("data/wine.csv", Store.CACHE, ObjectFault.MISSING),
        ("data/wine.csv", Store.REMOTE, ObjectFault.MISSING),
    ]
    assert (root / "data" / "wine.csv").read_text() == "something else\n"


def test_a_quick_look_reads_no_content_at_the_remote(
    manager: SnapshotManager, remote: Path
) -> None:
    damaged = objects(remote)[0]
    spoil(damaged, ObjectFault.DAMAGED)
    assert manager.verify("HEAD", quick=True).problems == []
    damaged.chmod(0o644)
    damaged.write_bytes(damaged.read_bytes() + b"more")
    found = manager.verify("HEAD", quick=True)
    assert [row.problem for row in found.problems] == [ObjectFault.DAMAGED]


def test_a_remote_that_cannot_be_reached_is_told_and_mends_what_is_here(
    manager: SnapshotManager, remote: Path
) -> None:
    root = manager.project.root
    config = root / ".dvc" / "config.local"
    config.write_text(config.read_text().replace(NEAR, "http://127.0.0.1:9/store"))
    spoil(current(root, remote)[0][0], ObjectFault.MISSING)
    for found in (manager.verify("HEAD"), manager.repair("HEAD")):
        assert found.unreachable
        assert "store" in found.unreachable
    assert manager.verify("HEAD").problems == []
    assert manager.verify("HEAD").proof.data_remote is None


@pytest.mark.parametrize("how", list(ObjectFault))
def test_code_that_git_has_lost_is_named_and_mended(
    manager: SnapshotManager, git: Command, how: ObjectFault
) -> None:
    root = manager.project.root
    sha = git(root, "rev-parse", "HEAD:train.py").strip()
    path = root / ".git" / "objects" / sha[:2] / sha[2:]
    path.chmod(0o644)
    if how is ObjectFault.MISSING:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-4] + b"oops")
    found = manager.verify("HEAD")
    assert [(row.path, row.hash, row.where) for row in found.problems] == [
        ("train.py", sha, Store.GIT)
    ]
    assert found.proof.code is False
    done = manager.repair("HEAD")
    assert [(row.path, row.source) for row in done.mended] == [("train.py", Store.WORKSPACE)]
    assert manager.verify("HEAD").problems == []
    git(root, "fsck", "--strict")


def test_code_comes_from_a_remote_where_the_file_has_changed(
    manager: SnapshotManager, tmp_path: Path, git: Command
) -> None:
    root = manager.project.root
    git(tmp_path, "init", "-q", "--bare", "bare.git")
    git(root, "remote", "add", "origin", str(tmp_path / "bare.git"))
    git(root, "push", "-q", "--no-verify", "origin", "main")
    sha = git(root, "rev-parse", "HEAD:train.py").strip()
    (root / ".git" / "objects" / sha[:2] / sha[2:]).unlink()
    (root / "train.py").write_text("changed\n")
    done = manager.repair("HEAD")
    assert [(row.path, row.source) for row in done.mended] == [("train.py", Store.REMOTE)]
    git(root, "fsck", "--strict")


def test_a_file_that_named_data_and_was_cut_off_is_not_committed(
    manager: SnapshotManager, git: Command
) -> None:
    root = manager.project.root
    file = root / "data" / "wine.csv.dvc"
    before = file.read_text()
    (root / "train.py").write_text("two\n")
    for text in ("", before[:10], "outs:\n"):
        file.write_text(text)
        with pytest.raises(MLWSError) as error:
            manager.create("Half")
        assert (error.value.code, error.value.facts["paths"]) == ("30233", ["data/wine.csv.dvc"])
    file.unlink()
    made = manager.create("Without the data")
    assert {row.path for row in made.data} == {"data/images"}


# Pushing


def away(remote: Path) -> None:
    """Put a file where the remote's folder should be: it can't be reached."""
    remote.rename(remote.with_name("remote.away"))
    remote.write_text("")


def back(remote: Path) -> None:
    remote.unlink()
    remote.with_name("remote.away").rename(remote)


def test_a_damaged_object_is_found_before_it_is_pushed(
    workspace: Project, remote: Path, git: Command
) -> None:
    root = workspace.root
    (root / ".dvc" / "config.local").write_text(
        f"[core]\n    remote = store\n['remote \"store\"']\n    url = {remote}\n"
    )
    damaged = objects(cache(root))[0]
    md5 = damaged.parent.name + damaged.name
    spoil(damaged, ObjectFault.DAMAGED)
    (root / "train.py").write_text("two\n")
    manager = SnapshotManager(workspace)
    with pytest.raises(DataDamagedError) as error:
        manager.create("Two")
    assert error.value.facts["md5"] == md5
    assert all(path.parent.name + path.name != md5 for path in objects(remote))
    manager.repair("HEAD")
    made = manager.create("Two")
    assert made.proof is not None
    assert made.proof.data_remote


def test_offline_snapshots_wait_and_go_when_the_remote_is_back(
    manager: SnapshotManager, remote: Path, git: Command
) -> None:
    root = manager.project.root
    away(remote)
    offline = []
    for text in ("one\n", "two\n"):
        (root / "data" / "wine.csv").write_text(text)
        made = manager.create(text)
        assert made.proof is not None
        assert made.proof.data_remote is False
        assert "Mlws-Data: local" in made.message
        assert made.warnings
        offline.append(made.id)
    assert manager.status().outbox == sorted(offline)
    back(remote)
    (root / "train.py").write_text("three\n")
    made = manager.create("Three")
    assert "Mlws-Data" not in made.message
    assert manager.status().outbox == []
    contents = {path.read_bytes() for path in objects(remote)}
    assert {b"one\n", b"two\n"} <= contents
    assert git(root, "for-each-ref", "refs/mlws") == ""


def test_verify_empties_the_outbox_too(manager: SnapshotManager, remote: Path) -> None:
    away(remote)
    (manager.project.root / "data" / "wine.csv").write_text("one\n")
    manager.create("One")
    back(remote)
    assert manager.verify("HEAD").problems == []
    assert manager.status().outbox == []


def test_a_server_empties_the_outbox_by_itself(
    workspace: Project, manager: SnapshotManager, remote: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_worker, "MIN_RETRY_DELAY", 0.2)
    versions = Workspace(workspace, on_server=True)
    try:
        away(remote)
        (workspace.root / "data" / "wine.csv").write_text("one\n")
        versions.snapshots.create("One")
        time.sleep(0.5)
        assert versions.snapshots.status().outbox
        back(remote)
        deadline = time.monotonic() + 60
        while versions.snapshots.status().outbox and time.monotonic() < deadline:
            time.sleep(0.1)
        assert versions.snapshots.status().outbox == []
    finally:
        versions.close()
    assert any(path.read_bytes() == b"one\n" for path in objects(remote))


def test_a_discarded_offline_snapshot_does_not_wait(
    manager: SnapshotManager, remote: Path, git: Command
) -> None:
    root = manager.project.root
    away(remote)
    (root / "data" / "wine.csv").write_text("one\n")

    def meddle(step: str) -> None:
        if step == "publish":
            git(root, "commit", "-q", "--allow-empty", "-m", "Somebody else's")

    with pytest.raises(BranchMovedError):
        manager.create("One", on_step=meddle)
    assert manager.status().outbox == []
    assert git(root, "for-each-ref", "refs/mlws") == ""


# git's own push


@pytest.fixture
def bare(manager: SnapshotManager, tmp_path: Path, git: Command) -> Path:
    git(tmp_path, "init", "-q", "--bare", "bare.git")
    git(manager.project.root, "remote", "add", "origin", str(tmp_path / "bare.git"))
    versions = Workspace(manager.project)
    versions.remotes.push()
    versions.close()
    return tmp_path / "bare.git"


def push(root: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        ["git", "push", "-q", *arguments], cwd=root, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stderr


def test_git_itself_pushes_no_code_before_its_data(
    manager: SnapshotManager, remote: Path, bare: Path, git: Command
) -> None:
    root = manager.project.root
    assert push(root, "origin", "main") == (0, "")
    away(remote)
    (root / "data" / "wine.csv").write_text("one\n")
    manager.create("One")
    code, said = push(root, "origin", "main")
    assert code != 0
    assert "30101" in said
    back(remote)
    code, said = push(root, "origin", "main")
    assert code != 0
    assert "30230" in said
    assert "data/wine.csv" in said
    versions = Workspace(manager.project)
    versions.remotes.push()
    versions.close()
    assert git(bare, "rev-parse", "main") == git(root, "rev-parse", "main")
    assert manager.status().outbox == []
    # Deleting a branch, and pushing what names no data, asks for nothing.
    assert push(root, "origin", "main:other") == (0, "")
    assert push(root, "origin", ":other") == (0, "")


def test_an_older_commit_whose_data_is_missing_is_refused_too(
    manager: SnapshotManager, bare: Path, git: Command
) -> None:
    root = manager.project.root
    (root / "data" / "wine.csv").write_text("by hand\n")
    add_data(root, "data/wine.csv")
    git(root, "commit", "-qam", "By hand")
    (root / "data" / "wine.csv").write_text("wine\n")
    manager.create("As before")
    code, said = push(root, "origin", "main")
    assert code != 0
    assert "30230" in said


def test_a_hook_that_was_there_goes_on_to_run(
    manager: SnapshotManager, bare: Path, git: Command
) -> None:
    root = manager.project.root
    hook = root / ".git" / "hooks" / "pre-push"
    hook.write_text('#!/bin/sh\ncat > seen\necho "$@" >> seen\n[ ! -e refuse ]\n')
    hook.chmod(0o755)
    (root / "data" / "wine.csv").write_text("one\n")
    manager.create("One")
    assert push(root, "origin", "main") == (0, "")
    assert "refs/heads/main" in (root / "seen").read_text()
    assert "origin" in (root / "seen").read_text()
    (root / "refuse").touch()
    (root / "data" / "wine.csv").write_text("two\n")
    manager.create("Two")
    assert push(root, "origin", "main")[0] != 0


def test_a_hook_that_took_ours_in_is_left_alone(manager: SnapshotManager, bare: Path) -> None:
    hooks = manager.project.root / ".git" / "hooks"
    (hooks / "pre-push").rename(hooks / "pre-push.legacy")
    (hooks / "pre-push").write_text('#!/bin/sh\nexec "$(dirname "$0")/pre-push.legacy" "$@"\n')
    (hooks / "pre-push").chmod(0o755)
    before = {path.name: path.read_text() for path in hooks.glob("pre-push*")}
    (manager.project.root / "data" / "wine.csv").write_text("one\n")
    manager.create("One")
    assert {path.name: path.read_text() for path in hooks.glob("pre-push*")} == before
    assert push(manager.project.root, "origin", "main") == (0, "")


def test_no_hook_where_hooks_are_kept_elsewhere_or_not_wanted(
    workspace: Project, remote: Path, git: Command
) -> None:
    root = workspace.root
    (root / ".dvc" / "config.local").write_text(
        f"[core]\n    remote = store\n['remote \"store\"']\n    url = {remote}\n"
    )
    (root / "hooks").mkdir()
    for name, value in (("core.hooksPath", "hooks"), ("mlws.prepush", "false")):
        git(root, "config", name, value)
        (root / "train.py").write_text(f"{name}\n")
        manager = SnapshotManager(workspace)
        manager.create(name)
        git(root, "config", "--unset", name)
    assert list((root / "hooks").iterdir()) == []
    assert not (root / ".git" / "hooks" / "pre-push").exists()
