"""Capsules from unknown authors: nothing of them runs, and nothing is written elsewhere."""

from __future__ import annotations

import hashlib
import shutil
import struct
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlws.capsules.opening import open_capsule
from jupyter_mlws.core.errors import AlreadyExistsError, CapsuleInvalidError
from jupyter_mlws.core.trust import is_trusted, trust
from mlws.core.errors import DiskFullError
from tests import disks
from tests.capsules.conftest import commit, create
from tests.command_line import call


def rewrite(source: Path, target: Path, start: str, replacement: bytes) -> None:
    """Copy an archive; entries whose names begin with ``start`` get other content."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            is_replaced = info.filename.startswith(start)
            new.writestr(info, replacement if is_replaced else old.read(info))


def refuse(archive: Path, folder: Path) -> str:
    """Check that an archive is refused without a trace, and return the reason."""
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(CapsuleInvalidError) as caught:
        open_capsule(archive, folder / "demo")
    assert sorted(path.name for path in folder.iterdir()) == before
    return caught.value.message.en


@pytest.mark.exhaustive
def test_an_opened_project_is_not_trusted_unless_the_user_says_so(
    capsule: Path, tmp_path: Path
) -> None:
    result = call(tmp_path, "capsule", "open", str(capsule), "demo")
    assert "jupyter mlws -C demo run --pull dvc.yaml" in result.stdout
    assert not is_trusted(tmp_path / "demo")
    result = call(tmp_path, "-C", "demo", "run", "--pull", code=1)
    assert "not trusted" in result.stderr
    call(tmp_path, "capsule", "open", str(capsule), "other", "--trust")
    assert is_trusted(tmp_path / "other")


def test_trust_in_an_earlier_project_at_the_same_path_does_not_count(
    capsule: Path, tmp_path: Path
) -> None:
    demo = tmp_path / "demo"
    open_capsule(capsule, demo, trust=True)
    shutil.rmtree(demo)
    open_capsule(capsule, demo)
    assert not is_trusted(demo)


def test_a_folder_with_files_is_not_touched(capsule: Path, tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo/mine.txt").write_text("mine")
    with pytest.raises(AlreadyExistsError):
        open_capsule(capsule, tmp_path / "demo")
    assert [path.name for path in (tmp_path / "demo").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    "name",
    ["../evil", "/tmp/mlws-evil", "a/../../evil", "..", "C:\\evil", "data//x", "./data/x"],
)
def test_names_that_lead_elsewhere_are_refused(name: str, capsule: Path, tmp_path: Path) -> None:
    archive = tmp_path / "x.zip"
    shutil.copy(capsule, archive)
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr(name, "evil")
    assert "leads out of the folder" in refuse(archive, tmp_path)


def test_a_name_that_is_there_twice_is_refused(capsule: Path, tmp_path: Path) -> None:
    archive = tmp_path / "x.zip"
    shutil.copy(capsule, archive)
    with zipfile.ZipFile(archive, "a") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("project.bundle", "other")
    assert "twice" in refuse(archive, tmp_path)


def test_links_and_encrypted_entries_are_refused(capsule: Path, tmp_path: Path) -> None:
    for attributes, flags in ((0o120777 << 16, 0), (0o020666 << 16, 0), (0, 1)):
        archive = tmp_path / "x.zip"
        shutil.copy(capsule, archive)
        with zipfile.ZipFile(archive, "a") as file:
            info = zipfile.ZipInfo("data/link")
            info.external_attr = attributes
            file.writestr(info, "/etc")
            info.flag_bits |= flags
        assert "link, a device or encrypted" in refuse(archive, tmp_path)
        archive.unlink()


def test_an_archive_that_unpacks_to_far_more_is_refused(capsule: Path, tmp_path: Path) -> None:
    archive = tmp_path / "x.zip"
    shutil.copy(capsule, archive)
    name = "data/files/md5/aa/" + "a" * 30
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as file, file.open(name, "w") as bomb:
        for _ in range(200):
            bomb.write(b"\0" * 1_000_000)
    assert "200 MB" in refuse(archive, tmp_path)


def test_other_files_are_no_capsules(capsule: Path, tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("no archive")
    assert "no zip archive" in refuse(tmp_path / "text.zip", tmp_path)
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    assert "is missing" in refuse(tmp_path / "empty.zip", tmp_path)
    (tmp_path / "half.zip").write_bytes(capsule.read_bytes()[: capsule.stat().st_size // 2])
    assert "no zip archive" in refuse(tmp_path / "half.zip", tmp_path)
    result = call(tmp_path, "capsule", "open", "nowhere.zip", "demo", code=1)
    assert "nowhere.zip" in result.stderr


def test_damaged_data_and_history_are_refused(capsule: Path, tmp_path: Path) -> None:
    rewrite(capsule, tmp_path / "data.zip", "data/", b"other")
    assert "is damaged" in refuse(tmp_path / "data.zip", tmp_path)
    rewrite(capsule, tmp_path / "history.zip", "project.bundle", b"other")
    refuse(tmp_path / "history.zip", tmp_path)


def test_a_flipped_bit_is_found(capsule: Path, tmp_path: Path) -> None:
    content = bytearray(capsule.read_bytes())
    with zipfile.ZipFile(capsule) as file:
        info = next(one for one in file.infolist() if one.filename.startswith("data/"))
    lengths = content[info.header_offset + 26 : info.header_offset + 30]
    start = info.header_offset + 30 + sum(struct.unpack("<HH", lengths))
    content[start + info.compress_size // 2] ^= 1
    (tmp_path / "x.zip").write_bytes(content)
    assert "is damaged" in refuse(tmp_path / "x.zip", tmp_path)


def test_a_full_disk_leaves_nothing(capsule: Path, tmp_path: Path) -> None:
    with disks.small_disk(tmp_path / "disk", "32k") as disk:
        fill = disks.fill(disk)
        with pytest.raises(DiskFullError):
            open_capsule(capsule, disk / "demo")
        assert [path.name for path in disk.iterdir()] == [fill.name]


def hostile(root: Path, capsule: Path, archive: Path) -> None:
    """Replace the history of a capsule by that of the repository at ``root``."""
    bundle = root.parent / "hostile.bundle"
    subprocess.run(
        ["git", "bundle", "create", "-q", str(bundle), "HEAD", "main"], cwd=root, check=True
    )
    rewrite(capsule, archive, "project.bundle", bundle.read_bytes())


@pytest.fixture
def repository(tmp_path: Path, git: Any) -> Path:
    root = tmp_path / "hostile"
    root.mkdir()
    git(root, "init", "-q")
    return root


@pytest.mark.parametrize("link", [".dvc", ".dvc/cache"])
def test_data_is_not_written_through_links_of_the_project(
    link: str, repository: Path, capsule: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (repository / link).parent.mkdir(exist_ok=True)
    (repository / link).symlink_to(outside)
    commit(repository)
    hostile(repository, capsule, tmp_path / "x.zip")
    refuse(tmp_path / "x.zip", tmp_path)
    assert list(outside.iterdir()) == []


def test_settings_of_the_project_do_not_choose_where_data_is_written(
    repository: Path, capsule: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    (repository / ".dvc").mkdir()
    (repository / ".dvc/config").write_text(f"[cache]\ndir = {outside}\n")
    (repository / ".dvc/config.local").symlink_to(tmp_path / "mine")
    (tmp_path / "mine").write_text("")
    commit(repository)
    hostile(repository, capsule, tmp_path / "x.zip")
    open_capsule(tmp_path / "x.zip", tmp_path / "demo")
    assert not outside.exists()
    assert (tmp_path / "mine").read_text() == ""
    assert "dir = cache" in (tmp_path / "demo/.dvc/config.local").read_text()


def test_hooks_and_settings_of_git_in_the_history_are_refused_or_inert(
    repository: Path, capsule: Path, tmp_path: Path, git: Any
) -> None:
    mark = tmp_path / "ran"
    blob = subprocess.run(
        ["git", "hash-object", "-w", "--stdin"], cwd=repository, check=True, text=True,
        input=f"[core]\n\tfsmonitor = touch {mark}\n", capture_output=True,
    ).stdout.strip()  # fmt: skip
    inner = subprocess.run(
        ["git", "mktree"], cwd=repository, check=True, capture_output=True, text=True,
        input=f"100644 blob {blob}\tconfig\n",
    ).stdout.strip()  # fmt: skip
    tree = subprocess.run(
        ["git", "mktree"], cwd=repository, check=True, capture_output=True, text=True,
        input=f"040000 tree {inner}\t.git\n",
    ).stdout.strip()  # fmt: skip
    sha = git(repository, "commit-tree", tree, "-m", "Evil").strip()
    git(repository, "update-ref", "refs/heads/main", sha)
    hostile(repository, capsule, tmp_path / "x.zip")
    refuse(tmp_path / "x.zip", tmp_path)
    assert not mark.exists()


def test_filters_of_the_project_do_not_run(repository: Path, capsule: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    (repository / ".gitattributes").write_text("* filter=evil\n")
    (repository / ".gitconfig").write_text(f'[filter "evil"]\n\tsmudge = touch {mark}\n')
    (repository / ".dvc").mkdir()
    (repository / ".dvc/config").write_text("")
    commit(repository)
    hostile(repository, capsule, tmp_path / "x.zip")
    open_capsule(tmp_path / "x.zip", tmp_path / "demo")
    assert not mark.exists()


def test_data_of_dvc_2_is_checked_by_its_own_hash(tmp_path: Path, git: Any) -> None:
    root = tmp_path / "old"
    root.mkdir()
    from jupyter_mlws.projects.setup import initialize

    initialize(root)
    trust(root)
    content = b"a\r\nb\r\n"
    md5 = hashlib.md5(b"a\nb\n").hexdigest()
    (root / "old.txt.dvc").write_text(f"outs:\n- md5: {md5}\n  size: 6\n  path: old.txt\n")
    (root / ".gitignore").write_text((root / ".gitignore").read_text() + "/old.txt\n")
    file = root / ".dvc/cache" / md5[:2] / md5[2:]
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    commit(root)
    create(root, tmp_path / "x.zip")
    open_capsule(tmp_path / "x.zip", tmp_path / "demo")
    assert (tmp_path / "demo/.dvc/cache" / md5[:2] / md5[2:]).read_bytes() == content
