"""What no version names is freed from the cache, and nothing else."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from jupyter_mlws.versioning.snapshots.manager import SnapshotManager
from mlws.core.errors import MLWSError, RemoteUnreachableError, SharedCacheError
from mlws.core.project import Project
from tests.versioning.working_trees import add_data, tree_of

Command = Callable[..., str]


def contents(root: Path) -> set[bytes]:
    place = root / ".dvc" / "cache" / "files" / "md5"
    return {path.read_bytes() for path in place.rglob("*") if path.is_file()}


def record(root: Path, text: str) -> bytes:
    """Have the cache hold a version of the data; the file names it until it is changed again."""
    (root / "data" / "wine.csv").write_text(text)
    add_data(root, "data/wine.csv")
    return text.encode()


def test_what_nothing_names_is_told_then_freed(manager: SnapshotManager, git: Command) -> None:
    root = manager.project.root
    before = contents(root)
    gone = record(root, "never committed\n")
    git(root, "checkout", "-q", "--", "data/wine.csv.dvc")
    tree = tree_of(root)

    told = manager.collect()
    assert (told.freed, told.objects, told.bytes) == (False, 1, len(gone))
    assert (told.kept_objects, told.versions) == (len(before), 2)
    assert gone in contents(root)

    freed = manager.collect(confirm=True)
    assert (freed.freed, freed.objects, freed.bytes) == (True, 1, len(gone))
    assert contents(root) == before
    assert tree_of(root) == tree
    assert manager.collect().objects == 0
    assert manager.verify("HEAD").problems == []


def test_every_kind_of_ref_keeps_its_data(
    manager: SnapshotManager, git: Command, tmp_path: Path
) -> None:
    root = manager.project.root
    kept = set()

    def commit(text: str) -> None:
        kept.add(record(root, text))
        git(root, "commit", "-qam", text.strip())

    commit("on a branch\n")
    git(root, "branch", "other")
    git(root, "reset", "-q", "--hard", "HEAD~1")
    commit("tagged\n")
    git(root, "tag", "-a", "v1", "-m", "One")
    git(root, "reset", "-q", "--hard", "HEAD~1")
    commit("on a remote\n")
    git(root, "update-ref", "refs/remotes/origin/main", "HEAD")
    git(root, "reset", "-q", "--hard", "HEAD~1")
    for text in ("the older stash\n", "the newer stash\n"):
        kept.add(record(root, text))
        git(root, "stash", "-q")
    for ref in ("runs/r1", "pending/p1", "outbox/o1", "safety/s1"):
        commit(f"{ref}\n")
        git(root, "update-ref", f"refs/mlws/{ref}", "HEAD")
        git(root, "reset", "-q", "--hard", "HEAD~1")
    # On one side of a merge alone, and merged away.
    git(root, "checkout", "-qb", "side")
    commit("merged away\n")
    git(root, "checkout", "-q", "main")
    (root / "train.py").write_text("print('main')\n")
    git(root, "commit", "-qam", "Main goes on")
    git(root, "merge", "-q", "-s", "ours", "-m", "Ours", "side")
    git(root, "branch", "-qD", "side")
    # Another working tree: what it has checked out, staged, and not even that.
    git(root, "worktree", "add", "-q", "--detach", str(tmp_path / "tree"))
    kept.add(record(root, "staged\n"))
    git(root, "add", "-A")
    text = (root / "data" / "wine.csv.dvc").read_text()
    kept.add(record(root, "not staged\n"))
    (tmp_path / "tree" / "data" / "wine.csv.dvc").write_text(text)
    git(tmp_path / "tree", "commit", "-qam", "Detached elsewhere")
    lost = record(root, "lost\n")
    record(root, "not staged\n")

    manager.collect(confirm=True)
    now = contents(root)
    assert kept <= now
    assert lost not in now


def test_the_files_of_a_folder_stay_with_it(manager: SnapshotManager, git: Command) -> None:
    root = manager.project.root
    (root / "data" / "images" / "deep" / "0.bin").write_bytes(b"new" * 50)
    add_data(root, "data/images")
    git(root, "checkout", "-q", "--", "data/images.dvc")
    told = manager.collect(confirm=True)
    # The new listing and the new file; the other two files are named by the old one.
    assert told.objects == 2
    assert manager.verify("HEAD").problems == []


def test_what_a_crash_left_among_the_objects_goes(manager: SnapshotManager) -> None:
    place = manager.project.root / ".dvc" / "cache" / "files" / "md5"
    folder = next(place.iterdir())
    (folder / ".half.tmp").write_bytes(b"half")
    (folder / "0123.damaged").write_bytes(b"bad")
    assert manager.collect(confirm=True).objects == 2
    assert manager.verify("HEAD").problems == []


def test_a_link_into_the_cache_is_not_left_without_its_target(
    manager: SnapshotManager, git: Command
) -> None:
    root = manager.project.root
    with (root / ".dvc" / "config").open("a") as file:
        file.write("[cache]\n    type = symlink\n")
    content = record(root, "linked\n")
    assert (root / "data" / "wine.csv").is_symlink()
    git(root, "checkout", "-q", "--", "data/wine.csv.dvc")
    manager.collect(confirm=True)
    assert (root / "data" / "wine.csv").read_bytes() == content


def test_nothing_is_freed_during_a_run_or_of_a_shared_cache(
    manager: SnapshotManager, tmp_path: Path, git: Command
) -> None:
    root = manager.project.root
    row = ("r1", "w", "RUNNING", time.time(), json.dumps({}))
    with closing(manager.project.database()) as database:
        database.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?)", row)
    with pytest.raises(MLWSError) as error:
        manager.collect(confirm=True)
    assert (error.value.code, error.value.facts["run"]) == ("30232", "r1")
    with closing(manager.project.database()) as database:
        database.execute("UPDATE runs SET status = 'COMPLETED'")
    (root / ".dvc" / "config.local").write_text(f"[cache]\n    dir = {tmp_path / 'shared'}\n")
    with pytest.raises(SharedCacheError):
        manager.collect()


def test_a_listing_that_only_the_remote_has_keeps_its_files(
    manager: SnapshotManager, tmp_path: Path
) -> None:
    root = manager.project.root
    config = root / ".dvc" / "config.local"
    config.write_text(
        f"[core]\n    remote = store\n['remote \"store\"']\n    url = {tmp_path / 'remote'}\n"
    )
    (root / "train.py").write_text("two\n")
    manager.create("Two")
    place = root / ".dvc" / "cache" / "files" / "md5"
    listing = next(place.rglob("*.dir"))
    listing.unlink()
    before = contents(root)
    assert manager.collect(confirm=True).objects == 0
    assert contents(root) == before
    config.write_text(config.read_text().replace(str(tmp_path / "remote"), "http://127.0.0.1:9/x"))
    with pytest.raises(RemoteUnreachableError):
        manager.collect(confirm=True)
    assert contents(root) == before


def test_an_empty_repository_has_nothing_to_free(tmp_path: Path, git: Command) -> None:
    from jupyter_mlws.projects.setup import initialize

    root = tmp_path / "empty"
    root.mkdir()
    initialize(root)
    manager = SnapshotManager(Project.open(root))
    found = manager.collect(confirm=True)
    assert (found.objects, found.versions) == (0, 0)
    manager.close()
