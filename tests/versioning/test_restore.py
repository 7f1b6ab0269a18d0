"""Restore on real git and DVC: bytes come back, nothing is lost, nothing half is left."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mlws.versioning.snapshots.manager import SnapshotManager
from mlws.core.errors import (
    DataDamagedError,
    DataMissingError,
    DVCConfigError,
    OutsideWorkspaceError,
)
from mlws.core.i18n import CHINESE
from tests.versioning.working_trees import add_data, tree_of

Command = Callable[..., str]


def _run_pipeline(root: Path) -> None:
    folder = root / "workflows" / "w"
    folder.mkdir(parents=True)
    (folder / "dvc.yaml").write_text(
        "stages:\n  make:\n    wdir: ../..\n"
        "    cmd: mkdir -p workflows/w/out/d && echo made > workflows/w/out/o.txt"
        " && echo in > workflows/w/out/d/x\n"
        "    outs:\n    - workflows/w/out/o.txt\n    - workflows/w/out/d\n"
    )
    command = ["dvc", "repro", "-q", "workflows/w/dvc.yaml"]
    subprocess.run(command, cwd=root, check=True, capture_output=True)


@pytest.mark.parametrize("broken", ["password hunter2\n", "[core]\n    no_such = 1\n", "\x00"])
def test_broken_settings_of_dvc_come_back_with_the_data(
    manager: SnapshotManager, broken: str
) -> None:
    root = manager.project.root
    made = manager.create("Good") if manager.status().changes else manager.get("HEAD")
    before = tree_of(root)
    (root / ".dvc" / "config").write_text(broken)
    shutil.rmtree(root / "data" / "images")
    (root / "data" / "wine.csv").write_text("damaged\n")

    proof = manager.get(made.id).proof
    assert proof is not None
    assert proof.data_local
    plan = manager.restore_plan(made.id)
    assert [action.path for action in plan.code] == [".dvc/config"]
    assert {action.path for action in plan.data} == {"data/images", "data/wine.csv"}
    with pytest.raises(DVCConfigError) as refused:
        manager.create("Not with these settings")
    assert "hunter2" not in str(refused.value)
    result = manager.restore(made.id)
    assert tree_of(root) == before
    assert result.safety is not None
    assert manager.restore_plan(made.id).nothing


def test_damaged_code_and_deleted_data_come_back(
    manager: SnapshotManager, git: Command, dvc: Command
) -> None:
    root = manager.project.root
    (root / "link").symlink_to("train.py")
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o755)
    _run_pipeline(root)
    made = manager.create("Good")
    before = tree_of(root)
    assert manager.restore_plan(made.id).nothing

    (root / "train.py").write_text("damaged")
    (root / "run.sh").unlink()
    (root / "link").unlink()
    (root / "link").write_text("no link")
    (root / "训练 笔记.ipynb").unlink()
    (root / "data" / "wine.csv").unlink()
    shutil.rmtree(root / "data" / "images")
    (root / "workflows" / "w" / "out" / "o.txt").unlink()
    (root / "workflows" / "w" / "out" / "d" / "x").write_text("damaged")
    (root / "staged.py").write_text("new")
    git(root, "add", "staged.py")
    (root / "untracked.txt").write_text("mine")

    plan = manager.restore_plan(made.id)
    assert {a.path: a.action for a in plan.code} == {
        "train.py": "write", "run.sh": "write", "link": "write", "训练 笔记.ipynb": "write",
        "staged.py": "delete",
    }  # fmt: skip
    assert {a.path: a.action for a in plan.data} == {
        "data/wine.csv": "checkout", "data/images": "checkout",
        "workflows/w/out/o.txt": "checkout", "workflows/w/out/d": "checkout",
    }  # fmt: skip
    assert {row.path for row in plan.lost} == {
        "train.py", "link", "staged.py", "workflows/w/out/d"
    }  # fmt: skip
    assert all(re.search("[\u4e00-\u9fff]", row.reason.in_(CHINESE)) for row in plan.lost)

    result = manager.restore(made.id)

    assert tree_of(root) == {**before, "untracked.txt": b"mine"}
    assert (root / "run.sh").stat().st_mode & 0o100
    assert (root / "link").is_symlink()
    assert git(root, "status", "--porcelain") == "?? untracked.txt\n"
    assert git(root, "rev-parse", "HEAD").strip() == made.id
    assert "up to date" in dvc(root, "status")
    assert manager.restore_plan(made.id).nothing
    # What was there is one restore away.
    assert result.safety is not None
    assert git(root, "show", f"{result.safety}:train.py") == "damaged"
    manager.restore(result.safety)
    assert (root / "train.py").read_text() == "damaged"
    assert (root / "staged.py").read_text() == "new"
    assert (root / "workflows" / "w" / "out" / "d" / "x").read_text() == "damaged"
    assert not (root / "run.sh").exists()


def test_an_older_version_comes_back_without_moving_head(
    manager: SnapshotManager, git: Command, dvc: Command
) -> None:
    root = manager.project.root
    old = tree_of(root)
    (root / "train.py").write_text("print('two')\n")
    (root / "later" / "deep").mkdir(parents=True)
    (root / "later" / "deep" / "x.py").write_text("x")
    (root / "data" / "wine.csv").write_text("later\n")
    (root / "data" / "images" / "deep" / "7.bin").write_text("later")
    (root / "data" / "later.csv").write_text("later data\n")
    add_data(root, "data/later.csv")
    made = manager.create("Later")
    new = tree_of(root)

    result = manager.restore("HEAD~1")
    assert tree_of(root) == old
    assert not (root / "later").exists()
    assert result.safety is None
    assert git(root, "rev-parse", "HEAD").strip() == made.id
    assert git(root, "diff", "--cached", "--name-only") == ""
    assert "up to date" in dvc(root, "status")
    assert "later/deep/x.py" in git(root, "status", "--porcelain")

    manager.restore(made.id)
    assert tree_of(root) == new
    assert git(root, "status", "--porcelain") == ""
    assert "up to date" in dvc(root, "status")


def test_chosen_paths_alone_are_restored(manager: SnapshotManager, git: Command) -> None:
    root = manager.project.root
    (root / "train.py").write_text("two")
    (root / "data" / "wine.csv").write_text("two\n")
    manager.create("Two")
    (root / "other.py").write_text("mine")
    result = manager.restore("HEAD~1", ["data/wine.csv"])
    assert set(result.restored) == {"data/wine.csv", "data/wine.csv.dvc"}
    assert (root / "data" / "wine.csv").read_text() == "a,b\n1,2\n"
    assert (root / "train.py").read_text() == "two"
    assert git(root, "status", "--porcelain") == " M data/wine.csv.dvc\n?? other.py\n"
    manager.restore("HEAD~1", ["train.py"])
    assert (root / "train.py").read_text() == "print('one')\n"
    with pytest.raises(OutsideWorkspaceError):
        manager.restore("HEAD~1", ["../outside"])


def test_work_in_the_way_is_kept(manager: SnapshotManager, git: Command) -> None:
    root = manager.project.root
    (root / "place").write_text("a file")
    (root / "folder").mkdir()
    (root / "folder" / "file").write_text("inside")
    (root / "ignored.txt").write_text("versioned")
    made = manager.create("Shapes")
    (root / ".gitignore").write_text((root / ".gitignore").read_text() + "*.txt\n*.log\n")
    (root / "place").unlink()
    shutil.rmtree(root / "folder")
    git(root, "rm", "-q", "--cached", "ignored.txt")
    manager.create("Gone")
    (root / "place").mkdir()
    (root / "place" / "work.py").write_text("in the way")
    (root / "place" / "x.log").write_text("ignored, in the way")
    (root / "folder").write_text("in the way")
    (root / "ignored.txt").write_text("in the way, ignored")
    (root / "stays.log").write_text("stays")
    lost = {row.path for row in manager.restore_plan(made.id).lost}
    assert lost == {"place", "folder", "ignored.txt"}
    result = manager.restore(made.id)
    assert (root / "place").read_text() == "a file"
    assert (root / "folder" / "file").read_text() == "inside"
    assert (root / "ignored.txt").read_text() == "versioned"
    assert (root / "stays.log").read_text() == "stays"
    assert result.safety is not None
    for path, text in {
        "place/work.py": "in the way",
        "place/x.log": "ignored, in the way",
        "folder": "in the way",
        "ignored.txt": "in the way, ignored",
    }.items():
        assert git(root, "show", f"{result.safety}:{path}") == text


def test_what_was_staged_is_kept_too(manager: SnapshotManager, git: Command) -> None:
    root = manager.project.root
    (root / "train.py").write_text("staged")
    git(root, "add", "train.py")
    (root / "train.py").write_text("working")
    result = manager.restore("HEAD")
    assert git(root, "status", "--porcelain") == ""
    assert result.safety is not None
    assert git(root, "show", f"{result.safety}:train.py") == "working"
    assert git(root, "show", f"{result.safety}^2:train.py") == "staged"


def test_data_is_fetched_from_the_remote_and_checked(
    manager: SnapshotManager, dvc: Command, tmp_path: Path
) -> None:
    root = manager.project.root
    dvc(root, "remote", "add", "-d", "store", str(tmp_path / "remote"))
    made = manager.create("With a remote")
    before = tree_of(root)
    cache = root / ".dvc" / "cache" / "files"
    shutil.rmtree(cache)
    shutil.rmtree(root / "data" / "images")
    (root / "data" / "wine.csv").unlink()
    plan = manager.restore_plan(made.id)
    assert {a.path: a.action for a in plan.data} == {
        "data/wine.csv": "fetch", "data/images": "fetch"
    }  # fmt: skip
    assert plan.bytes_to_fetch == 8 + 300
    manager.restore(made.id)
    assert tree_of(root) == before


def test_status_names_the_snapshot_that_was_restored(manager: SnapshotManager) -> None:
    root = manager.project.root
    first = manager.get("HEAD")
    (root / "train.py").write_text("two\n")
    second = manager.create("Two")
    assert manager.status().restored is None
    manager.restore(first.id)
    restored = manager.status().restored
    assert restored is not None
    assert (restored.commit, restored.subject) == (first.id, "Code and data")
    manager.restore(second.id)
    assert manager.status().restored is None
    manager.restore(first.id)
    manager.create("Back to one")
    (root / "train.py").write_text("three\n")
    assert manager.status().restored is None


def test_nothing_changes_where_data_is_in_no_store(manager: SnapshotManager, git: Command) -> None:
    root = manager.project.root
    # Two files of the same content are both missing without their one object.
    shutil.copy(root / "data" / "wine.csv", root / "data" / "copy.csv")
    add_data(root, "data/copy.csv")
    manager.create("A copy")
    shutil.rmtree(root / ".dvc" / "cache" / "files")
    (root / "data" / "wine.csv").write_text("changed\n")
    (root / "data" / "copy.csv").write_text("changed\n")
    (root / "train.py").write_text("changed")
    before = tree_of(root)
    plan = manager.restore_plan("HEAD")
    assert [row.path for row in plan.missing] == ["data/copy.csv", "data/wine.csv"]
    with pytest.raises(DataMissingError):
        manager.restore("HEAD")
    assert tree_of(root) == before
    assert list(manager.project.state.glob("restore-*")) == []


def test_damaged_data_is_noticed_before_anything_changes(manager: SnapshotManager) -> None:
    root = manager.project.root
    md5 = next(item.md5 for item in manager.get("HEAD").data if item.path == "data/wine.csv")
    assert md5 is not None
    stored = root / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]
    stored.chmod(0o644)
    stored.write_text("damaged\n")
    (root / "data" / "wine.csv").unlink()
    (root / "train.py").write_text("changed")
    before = tree_of(root)
    with pytest.raises(DataDamagedError):
        manager.restore("HEAD")
    assert tree_of(root) == before


def test_cancelling_before_the_switch_leaves_everything(manager: SnapshotManager) -> None:
    root = manager.project.root
    (root / "train.py").write_text("changed")
    before = tree_of(root)

    class StopError(Exception):
        pass

    def stop(done: float, total: float | None = None, unit: str = "", message: str = "") -> None:
        if message == "keep":
            raise StopError

    with pytest.raises(StopError):
        manager.restore("HEAD", progress=stop)
    assert tree_of(root) == before
    assert list(manager.project.state.glob("restore-*")) == []


def test_a_state_is_kept_for_a_run(manager: SnapshotManager, git: Command) -> None:
    root = manager.project.root
    head = git(root, "rev-parse", "HEAD").strip()
    assert manager.keep_state("runs/one") == head
    (root / "train.py").write_text("dirty")
    (root / "data" / "wine.csv").write_text("dirty\n")
    before = tree_of(root)
    kept = manager.keep_state("runs/two")
    assert git(root, "rev-parse", "refs/mlws/runs/two").strip() == kept
    assert git(root, "rev-parse", "HEAD").strip() == head
    assert tree_of(root) == before
    assert " M train.py" in git(root, "status", "--porcelain")
    manager.restore("HEAD")
    manager.restore(kept)
    assert (root / "data" / "wine.csv").read_text() == "dirty\n"
    assert (root / "train.py").read_text() == "dirty"


def test_folders_of_linked_data_and_executables_come_back(
    manager: SnapshotManager, dvc: Command
) -> None:
    root = manager.project.root
    dvc(root, "config", "cache.type", "symlink")
    tool = root / "data" / "tool.sh"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    add_data(root, "data/tool.sh")
    manager.create("Links")
    tool.unlink()
    (root / "data" / "images" / "deep" / "1.bin").unlink()
    manager.restore("HEAD")
    assert tool.is_symlink()
    assert tool.read_text() == "#!/bin/sh\n"
    assert (root / "data" / "images" / "deep" / "1.bin").read_bytes() == bytes([1]) * 100
    assert "up to date" in dvc(root, "status")


def test_data_of_dvc_2_is_understood(manager: SnapshotManager, git: Command, dvc: Command) -> None:
    root = manager.project.root
    content = b"a\r\nb\r\n"
    # DVC 2 hashed text with its line endings normalised, and kept it elsewhere in the cache.
    md5 = hashlib.md5(content.replace(b"\r\n", b"\n")).hexdigest()
    stored = root / ".dvc" / "cache" / md5[:2] / md5[2:]
    stored.parent.mkdir(parents=True)
    stored.write_bytes(content)
    (root / "old.txt").write_bytes(content)
    (root / "old.txt.dvc").write_text(f"outs:\n- md5: '{md5}'\n  size: 6\n  path: old.txt\n")
    (root / ".gitignore").write_text((root / ".gitignore").read_text() + "/old.txt\n")
    made = manager.create("Old data")
    assert made.proof is not None
    assert made.proof.data_local
    assert manager.status().changes == []
    (root / "old.txt").unlink()
    manager.restore("HEAD")
    assert (root / "old.txt").read_bytes() == content
    assert "up to date" in dvc(root, "status")
    (root / "old.txt").write_bytes(b"new\r\n")
    assert [c.path for c in manager.status().changes] == ["old.txt"]
    manager.create("Changed")
    assert manager.status().changes == []
    manager.restore(made.id)
    assert (root / "old.txt").read_bytes() == content


def test_what_dvcignore_names_is_no_part_of_a_folder(
    manager: SnapshotManager, git: Command
) -> None:
    root = manager.project.root
    (root / ".dvcignore").write_text("*.tmp\n")
    git(root, "commit", "-qam", "Ignore")
    (root / "data" / "images" / "deep" / "x.tmp").write_text("scratch")
    assert manager.status().changes == []
    (root / "data" / "images" / "deep" / "1.bin").unlink()
    manager.restore("HEAD")
    assert manager.status().changes == []
    assert (root / "data" / "images" / "deep" / "x.tmp").read_text() == "scratch"
