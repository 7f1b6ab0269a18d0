"""Folders in two versions, and small copies of their images: of DVC and of git, with bad input."""

from __future__ import annotations

import base64
import io
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from jupyter_mlws.versioning.data.images import preview_image
from jupyter_mlws.versioning.data.models import (
    DatasetDiff,
    DatasetDiffQuery,
    FileState,
    ImagePreview,
    ImageQuery,
)
from jupyter_mlws.workspace import Workspace
from mlws.core.errors import MLWSError
from mlws.core.project import Project

Command = Callable[..., str]


def picture(color: str, side: int = 400) -> bytes:
    output = io.BytesIO()
    Image.new("RGB", (side, side), color).save(output, "PNG")
    return output.getvalue()


def write(folder: Path, **files: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}.png").write_bytes(content)


def change(folder: Path) -> None:
    """Change, add, delete and rename one file each."""
    write(folder, changed=picture("green"), new=picture("black"))
    (folder / "gone.png").unlink()
    (folder / "old.png").rename(folder / "moved.png")


def rows(diff: DatasetDiff) -> list[tuple[str, str, str | None]]:
    return [(item.path.rpartition("/")[2], item.state.value, item.old_path) for item in diff.items]


@pytest.fixture
def folder(workspace: Project) -> Path:
    folder = workspace.root / "pictures"
    colors = {"changed": "red", "gone": "blue", "old": "white", "same": "pink"}
    write(folder, **{name: picture(color) for name, color in colors.items()})
    return folder


@pytest.mark.parametrize("tracked", ["dvc", "git"])
def test_files_of_a_folder_are_added_deleted_modified_and_renamed(
    versions: Workspace, folder: Path, tracked: str, git: Command
) -> None:
    if tracked == "dvc":
        versions.datasets.add("pictures")
    versions.snapshots.create("Before")
    change(folder)
    expected = [
        ("changed.png", "modified", None),
        ("gone.png", "deleted", None),
        ("moved.png", "renamed", "pictures/old.png"),
        ("new.png", "added", None),
    ]
    now = versions.datasets.diff("pictures", DatasetDiffQuery.model_validate({"from": "HEAD"}))
    assert rows(now) == expected
    assert (now.unchanged, now.images, now.to.commit) == (1, 4, None)
    assert now.items[0].from_size == len(picture("red"))
    assert now.items[0].to_size == len(picture("green"))
    versions.snapshots.create("After")
    both = {"from": "HEAD~1", "to": "HEAD"}
    assert rows(versions.datasets.diff("pictures", DatasetDiffQuery(**both))) == expected
    only = DatasetDiffQuery(**both, state=FileState.RENAMED)
    assert rows(versions.datasets.diff("pictures", only)) == [expected[2]]
    first = versions.datasets.diff("pictures", DatasetDiffQuery(**both, limit=3))
    rest = DatasetDiffQuery(**both, limit=3, cursor=first.next_cursor)
    assert rows(versions.datasets.diff("pictures", rest)) == expected[3:]


def test_images_are_shown_small_from_each_version(
    versions: Workspace, folder: Path, workspace: Project
) -> None:
    versions.datasets.add("pictures")
    write(workspace.root / "icons", icon=picture("red"))
    versions.snapshots.create("Before")
    write(folder, changed=picture("green"))
    write(workspace.root / "icons", icon=picture("green"))

    def color(path: str, version: str | None) -> tuple[int, ...]:
        shown = preview_image(versions.snapshots.comparison, ImageQuery(path=path, version=version))
        assert (shown.problem, shown.width, shown.height) == (None, 400, 400)
        assert shown.content is not None
        image = Image.open(io.BytesIO(base64.b64decode(shown.content)))
        assert image.size == (256, 256)
        pixel = image.convert("RGB").getpixel((9, 9))
        assert isinstance(pixel, tuple)
        return tuple(round(value / 128) for value in pixel)

    for path in ("pictures/changed.png", "icons/icon.png"):
        assert color(path, "HEAD") == (2, 0, 0)
        assert color(path, None) == (0, 1, 0)


def test_bad_images_are_named_with_the_reason(
    versions: Workspace, folder: Path, workspace: Project
) -> None:
    (folder / "corrupt.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    (folder / "text.jpg").write_text("a text")
    Image.new("1", (10_000, 10_000)).save(folder / "bomb.png")
    # Its scale cannot be reduced while it is decoded.
    Image.new("L", (10_000, 10_000)).save(folder / "progressive.jpg", progressive=True, quality=5)
    Image.new("L", (10_000, 10_000)).save(folder / "plain.jpg", quality=5)
    (folder / "drawing.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder / "notes.txt").write_text("no image")
    versions.datasets.add("pictures")
    versions.snapshots.create("Bad")

    def shown(path: str, version: str | None = "HEAD") -> ImagePreview:
        return preview_image(versions.snapshots.comparison, ImageQuery(path=path, version=version))

    for name, text in {
        "corrupt.png": "cannot be read as an image",
        "text.jpg": "cannot be read as an image",
        "bomb.png": "10000 × 10000 pixels",
        "progressive.jpg": "10000 × 10000 pixels",
        "notes.txt": "only files with these extensions",
    }.items():
        preview = shown(f"pictures/{name}")
        assert preview.content is None
        assert preview.problem is not None
        assert text in preview.problem.en
    assert shown("pictures/plain.jpg").media == "image/jpeg"
    assert shown("pictures/drawing.svg").media == "image/svg+xml"
    shutil.rmtree(workspace.root / ".dvc/cache/files/md5")
    assert not shown("pictures/same.png").stored
    assert shown("pictures/same.png", None).media == "image/jpeg"


@pytest.mark.parametrize(
    ("path", "version", "code"),
    [
        ("../outside/a.png", None, "50302"),
        ("/etc/a.png", None, "50302"),
        (".git/a.png", "HEAD", "50302"),
        ("pictures/same.png", "no-such-branch", "30404"),
        ("pictures/nothing.png", "HEAD", "30404"),
    ],
)
def test_unknown_places_of_images_are_refused(
    versions: Workspace, folder: Path, path: str, version: str | None, code: str
) -> None:
    versions.snapshots.create("Pictures")
    with pytest.raises(MLWSError) as refused:
        preview_image(versions.snapshots.comparison, ImageQuery(path=path, version=version))
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("path", "start", "code"),
    [
        ("..~1outside", "HEAD", "50302"),
        ("~1etc", "HEAD", "50302"),
        ("no-such-folder", "HEAD", "30404"),
        ("pictures", "no-such-branch", "30404"),
    ],
)
def test_unknown_folders_and_versions_are_refused(
    versions: Workspace, folder: Path, path: str, start: str, code: str
) -> None:
    versions.snapshots.create("Pictures")
    with pytest.raises(MLWSError) as refused:
        versions.datasets.diff(path, DatasetDiffQuery.model_validate({"from": start}))
    assert refused.value.code == code
