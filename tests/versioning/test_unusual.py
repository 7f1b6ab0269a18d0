"""What projects hold beside plain files: submodules, odd names, links, the very large.

``MLWS_HUGE=1`` tries data of more than 5 GB as well, which takes a minute.
"""

from __future__ import annotations

import os
import subprocess
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mlws.core.errors import NothingToCommitError
from jupyter_mlws.projects.setup import initialize
from jupyter_mlws.versioning.snapshots.manager import SnapshotManager
from mlws.core.errors import MLWSError
from mlws.core.project import Project
from tests.versioning.working_trees import add_data, tree_of

Command = Callable[..., str]
HUGE = 5_200_000_000


@pytest.fixture
def sub(manager: SnapshotManager, git: Command, tmp_path: Path) -> Path:
    """A submodule of the project."""
    git(tmp_path, "init", "-q", "library")
    (tmp_path / "library" / "code.py").write_text("one\n")
    git(tmp_path / "library", "add", "-A")
    git(tmp_path / "library", "commit", "-qm", "One")
    root = manager.project.root
    git(
        root, "-c", "protocol.file.allow=always",
        "submodule", "--quiet", "add", str(tmp_path / "library"), "library",
    )  # fmt: skip
    manager.create("A library")
    return root / "library"


def test_a_submodule_is_committed_as_the_commit_that_it_is_at(
    manager: SnapshotManager, sub: Path, git: Command
) -> None:
    root = manager.project.root
    assert git(root, "ls-tree", "HEAD", "library").startswith("160000 commit")
    (sub / "code.py").write_text("two\n")
    git(sub, "commit", "-qam", "Two")
    made = manager.create("The library's new version")
    assert [row.path for row in manager.get(made.id).changes] == ["library"]
    assert git(sub, "rev-parse", "HEAD").strip() in git(root, "ls-tree", "HEAD", "library")
    assert git(root, "status", "--porcelain") == ""


def test_uncommitted_work_in_a_submodule_stays_there(
    manager: SnapshotManager, sub: Path, git: Command
) -> None:
    (sub / "code.py").write_text("not committed\n")
    with pytest.raises(NothingToCommitError):
        manager.create("Nothing of this repository")
    (manager.project.root / "train.py").write_text("two\n")
    made = manager.create("Beside it")
    assert [row.path for row in manager.get(made.id).changes] == ["train.py"]
    manager.restore("HEAD~1")
    manager.restore("HEAD")
    assert (sub / "code.py").read_text() == "not committed\n"
    assert manager.verify("HEAD").problems == []


def test_a_repository_in_a_folder_is_no_part_of_this_one(
    manager: SnapshotManager, git: Command
) -> None:
    root = manager.project.root
    git(root, "init", "-q", "inner")
    (root / "inner" / "file").write_text("theirs\n")
    (root / "train.py").write_text("two\n")
    made = manager.create("Without it")
    assert [row.path for row in manager.get(made.id).changes] == ["train.py"]
    assert (root / "inner" / "file").read_text() == "theirs\n"


def test_names_that_differ_by_case_or_form_alone(manager: SnapshotManager, git: Command) -> None:
    root = manager.project.root
    composed, decomposed = (unicodedata.normalize(form, "é") for form in ("NFC", "NFD"))
    names = ["Case.py", "case.py", f"{composed}.py", f"{decomposed}.py", "数据 🍷.py"]
    for name in names:
        (root / name).write_text(f"{name}\n")
    made = manager.create("Names")
    assert {row.path for row in manager.get(made.id).changes} == set(names)
    (root / "case.py").rename(root / "CASE.py")
    (root / "Case.py").unlink()
    made = manager.create("Renamed by case alone")
    assert git(root, "status", "--porcelain") == ""
    assert (root / "CASE.py").read_text() == "case.py\n"
    manager.restore("HEAD~1")
    assert {path.name for path in root.glob("*.py")} == {*names, "train.py"}
    manager.restore("HEAD")
    assert (root / "CASE.py").read_text() == "case.py\n"
    # What HEAD does not know is nobody's to delete.
    assert git(root, "status", "--porcelain") == "?? Case.py\n?? case.py\n"


@pytest.mark.exhaustive
def test_data_with_odd_names(manager: SnapshotManager, git: Command) -> None:
    root = manager.project.root
    decomposed = unicodedata.normalize("NFD", "é")
    names = ["数据 🍷.csv", f"{decomposed}.csv", "with 'quotes'.csv", "Case.csv", "case.csv"]
    for name in names:
        (root / "data" / name).write_text(f"{name}\n")
        add_data(root, f"data/{name}")
    manager.create("Data with odd names")
    before = tree_of(root)
    for name in names:
        (root / "data" / name).write_text("changed\n")
    made = manager.create("Changed")
    assert {f"data/{name}" for name in names} <= {row.path for row in made.data}
    manager.restore("HEAD~1")
    assert tree_of(root) == before
    assert manager.verify("HEAD").problems == []


def test_links_are_versioned_as_links(manager: SnapshotManager, tmp_path: Path) -> None:
    root = manager.project.root
    (tmp_path / "outside.txt").write_text("outside\n")
    (root / "to-file").symlink_to("train.py")
    (root / "to-folder").symlink_to("data")
    (root / "outside").symlink_to(tmp_path / "outside.txt")
    (root / "dangling").symlink_to("nowhere")
    made = manager.create("Links")
    assert {row.path for row in manager.get(made.id).changes} == {
        "to-file", "to-folder", "outside", "dangling",
    }  # fmt: skip
    (root / "to-file").unlink()
    (root / "to-file").write_text("a file now\n")
    (root / "dangling").unlink()
    manager.create("No links")
    manager.restore("HEAD~1")
    assert (root / "to-file").readlink() == Path("train.py")
    assert (root / "dangling").readlink() == Path("nowhere")
    assert (tmp_path / "outside.txt").read_text() == "outside\n"


def test_partial_staging_of_a_file_survives_a_commit_of_others(
    manager: SnapshotManager, git: Command
) -> None:
    root = manager.project.root
    (root / "train.py").write_text("first hunk\n")
    git(root, "add", "train.py")
    (root / "train.py").write_text("first hunk\nsecond hunk\n")
    (root / "gone.py").write_text("x\n")
    git(root, "add", "--intent-to-add", "gone.py")
    (root / "other.py").write_text("other\n")
    made = manager.create("The other", ["other.py"])
    assert [row.path for row in manager.get(made.id).changes] == ["other.py"]
    assert git(root, "show", ":train.py") == "first hunk\n"
    assert (
        git(root, "status", "--porcelain") == "MM train.py\n A gone.py\n"
        or git(root, "status", "--porcelain") == " A gone.py\nMM train.py\n"
    )


def test_the_first_snapshot_of_an_unborn_branch(tmp_path: Path, git: Command) -> None:
    root = tmp_path / "new"
    root.mkdir()
    initialize(root)
    git(root, "checkout", "-q", "--orphan", "topic/一")
    (root / "data.csv").write_text("one\n")
    add_data(root, "data.csv")
    manager = SnapshotManager(Project.open(root))
    made = manager.create("First")
    assert (made.parents, made.refs) == ([], ["topic/一"])
    assert git(root, "status", "--porcelain") == ""
    assert manager.verify("HEAD").problems == []
    (root / "data.csv").write_text("two\n")
    manager.create("Second")
    manager.restore("HEAD~1")
    assert (root / "data.csv").read_text() == "one\n"
    manager.close()


def test_a_detached_head_moves_with_its_snapshots(manager: SnapshotManager, git: Command) -> None:
    root = manager.project.root
    main = git(root, "rev-parse", "main")
    git(root, "checkout", "-q", "--detach")
    (root / "data" / "wine.csv").write_text("detached\n")
    made = manager.create("Detached")
    assert git(root, "rev-parse", "HEAD").strip() == made.id
    assert git(root, "rev-parse", "main") == main
    assert manager.collect(confirm=True).objects == 0
    assert manager.verify("HEAD").problems == []


def sparse(path: Path) -> None:
    """A file of more than 5 GB that takes no space."""
    with path.open("wb") as file:
        file.truncate(HUGE)


def test_git_is_given_no_huge_file(manager: SnapshotManager, git: Command) -> None:
    root = manager.project.root
    sparse(root / "huge.bin")
    (root / "train.py").write_text("two\n")
    made = manager.create("Without the huge one")
    assert [row.path for row in manager.get(made.id).changes] == ["train.py"]
    assert "huge.bin" in made.warnings[0].en
    assert "data add huge.bin" in made.warnings[0].en
    # git versions this one, so that it can't be left out.
    (root / "train.py").unlink()
    sparse(root / "train.py")
    head = git(root, "rev-parse", "HEAD")
    with pytest.raises(MLWSError) as error:
        manager.create("Too much")
    assert (error.value.code, error.value.facts["paths"]) == ("30210", ["train.py"])
    assert git(root, "rev-parse", "HEAD") == head


@pytest.mark.skipif(not os.environ.get("MLWS_HUGE"), reason="takes a minute; MLWS_HUGE=1 runs it")
def test_huge_data_is_stored_verified_and_restored(manager: SnapshotManager, git: Command) -> None:
    root = manager.project.root
    with (root / ".dvc" / "config").open("a") as file:
        file.write("[cache]\n    type = hardlink,copy\n")
    sparse(root / "data" / "huge.bin")
    add_data(root, "data/huge.bin")
    made = manager.create("Huge")
    assert {row.path: row.size for row in made.data}["data/huge.bin"] == HUGE
    assert manager.verify("HEAD").problems == []
    (root / "data" / "huge.bin").unlink()
    manager.restore("HEAD")
    assert (root / "data" / "huge.bin").stat().st_size == HUGE
    used = subprocess.run(["du", "-sk", str(root)], capture_output=True, text=True, check=True)
    assert int(used.stdout.split()[0]) < 1_000_000
