"""Datasets from elsewhere, compared file by file, verified, and what happens on a full disk."""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_mlws.core.operations import CancelledOperationError
from jupyter_mlws.versioning.data.images import preview_image
from jupyter_mlws.versioning.data.models import (
    DataRemotePut,
    DatasetDiff,
    DatasetDiffQuery,
    DatasetImport,
    DatasetVerify,
    ImagePreview,
    ImageQuery,
    RemoteLook,
)
from jupyter_mlws.workspace import Workspace
from mlws.core.errors import MLWSError
from mlws.core.project import Project
from mlws.dvc.resumable_transfer import MIB, MULTIPART_THRESHOLD, PART_SIZE

Command = Callable[..., str]
FOLDER = "data~1images"
FILE = "data~1wine.csv"


def refused(call: Callable[[], object]) -> MLWSError:
    with pytest.raises(MLWSError) as error:
        call()
    return error.value


@pytest.fixture
def root(workspace: Project) -> Path:
    return workspace.root


class Ranged(http.server.SimpleHTTPRequestHandler):
    """Files over HTTP, parts of them too, as any web server gives them."""

    asked: list[str]

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.asked.append(wanted or "all")
        if wanted is None:
            super().do_GET()
            return
        path = Path(self.translate_path(self.path))
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        size = path.stat().st_size
        end = min(int(last or size - 1), size - 1)
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{end}/{size}")
        self.send_header("Content-Length", str(end - int(first) + 1))
        self.end_headers()
        with path.open("rb") as file:
            file.seek(int(first))
            self.wfile.write(file.read(end - int(first) + 1))

    def end_headers(self) -> None:
        self.send_header("Accept-Ranges", "bytes")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[str, Path, list[str]]]:
    """A web server: its address, its folder, and what it was asked for."""
    folder = tmp_path / "web"
    folder.mkdir()
    asked: list[str] = []
    handler = functools.partial(type("Told", (Ranged,), {"asked": asked}), directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", folder, asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_two_versions_are_compared_file_by_file(versions: Workspace, root: Path) -> None:
    first = versions.snapshots.list().items[0].id
    images = root / "data" / "images"
    (images / "deep" / "0.bin").unlink()
    (images / "deep" / "1.bin").chmod(0o644)
    (images / "deep" / "1.bin").unlink()
    (images / "deep" / "1.bin").write_bytes(b"changed")
    (images / "新.bin").write_bytes(b"new")
    # What is recorded, and the working tree.
    now = versions.datasets.diff(FOLDER, DatasetDiffQuery())
    assert [(row.path, row.state.value, row.from_size, row.to_size) for row in now.items] == [
        ("data/images/deep/0.bin", "deleted", 100, None),
        ("data/images/deep/1.bin", "modified", 100, 7),
        ("data/images/新.bin", "added", None, 3),
    ]
    assert (now.added, now.deleted, now.modified, now.unchanged) == (1, 1, 1, 1)
    versions.datasets.add("data/images")
    second = versions.snapshots.create("Second").id
    query = DatasetDiffQuery.model_validate({"from": first, "to": second, "limit": 2})
    page = versions.datasets.diff(FOLDER, query)
    assert (page.from_.commit, page.to.commit, page.modified) == (first, second, 1)
    assert page.next_cursor is not None
    rest = query.model_copy(update={"cursor": page.next_cursor})
    assert [row.path for row in versions.datasets.diff(FOLDER, rest).items] == [
        "data/images/新.bin"
    ]
    one = DatasetDiffQuery.model_validate({"from": first, "to": first})
    assert versions.datasets.diff(FILE, one).items == []
    nowhere = DatasetDiffQuery.model_validate({"from": "nowhere"})
    assert refused(lambda: versions.datasets.diff(FILE, nowhere)).code == "30404"


def test_each_faulty_object_is_named_by_its_files_and_mended_from_the_remote(
    versions: Workspace, root: Path, tmp_path: Path
) -> None:
    versions.data_remotes.put("store", DataRemotePut(url=str(tmp_path / "store")))
    shutil.copy(root / "data/images/deep/0.bin", root / "data/images/copy.bin")
    versions.datasets.add("data/images")
    versions.datasets.push(FOLDER)
    cache = root / ".dvc" / "cache" / "files" / "md5"
    (damaged,) = [p for p in cache.rglob("*") if p.is_file() and p.read_bytes() == b"\0" * 100]
    damaged.chmod(0o644)
    damaged.write_bytes(b"\1" * 100)
    (lost,) = [p for p in cache.rglob("*") if p.is_file() and p.read_bytes() == b"\2" * 100]
    lost.unlink()
    told = versions.datasets.verify(FOLDER)
    assert (told.objects, told.whole) == (4, False)
    cached, remote = told.stores
    assert {(fault.state, *fault.files) for fault in cached.faulty} == {
        ("damaged", "data/images/copy.bin", "data/images/deep/0.bin"),
        ("missing", "data/images/deep/2.bin"),
    }
    assert (remote.name, remote.whole) == ("store", True)
    versions.datasets.pull(FOLDER)
    assert versions.datasets.verify(FOLDER, DatasetVerify(remote=RemoteLook.READ)).whole
    use = versions.datasets.storage()
    assert use.current == use.size - sum(
        p.stat().st_size for p in cache.rglob("*.dir") if not p.match(told.md5[2:])
    )
    assert use.damaged == 100
    assert use.remote == "store"


def test_data_comes_from_an_address(
    versions: Workspace, root: Path, web: tuple[str, Path, list[str]], dvc: Command
) -> None:
    url, folder, _ = web
    (folder / "a.csv").write_text("x\n1\n")
    made = versions.datasets.import_url(DatasetImport(url=f"{url}/a.csv", path="data/a.csv"))
    assert (made.path, made.state.value, made.size) == ("data/a.csv", "unchanged", 4)
    assert f"{url}/a.csv" in (root / "data" / "a.csv.dvc").read_text()
    assert "up to date" in dvc(root, "status", "data/a.csv.dvc")
    # DVC knows what is new at the address.
    (folder / "a.csv").write_text("x\n1\n2\n")
    dvc(root, "update", "data/a.csv.dvc")
    assert (root / "data" / "a.csv").read_text() == "x\n1\n2\n"

    alone = DatasetImport(url=f"{url}/a.csv", path="data/b.csv", link=False)
    versions.datasets.import_url(alone)
    assert url not in (root / "data" / "b.csv.dvc").read_text()
    # An address of files is a folder.
    (root.parent / "many" / "in").mkdir(parents=True)
    (root.parent / "many" / "in" / "1.txt").write_text("1")
    (root.parent / "many" / "2.txt").write_text("22")
    many = DatasetImport(url=f"file://{root.parent}/many", path="data/many", link=False)
    got = versions.datasets.import_url(many)
    assert (got.files, (root / "data/many/in/1.txt").read_text()) == (2, "1")
    assert not list((root / ".dvc" / "tmp" / "mlws-import").iterdir())
    assert made.id in {item.id for item in versions.datasets.list().items}

    bad = {
        "not-an-address": "url",
        f"{url}/nothing": "url",
        "https://u:secret@host/x": "url",
        "https://host/x?token=secret": "url",
        "abc://host/x": "url",
    }
    before = sorted(path for path in root.rglob("*") if ".git" not in path.parts)
    for address, field in bad.items():
        given = DatasetImport(url=address, path="data/c.csv")
        error = refused(lambda given=given: versions.datasets.import_url(given))
        assert (error.code, [f.field for f in error.faults]) == ("50201", [field]), address
        assert "secret" not in str(error.as_dict("en"))
    there = DatasetImport(url=f"{url}/a.csv", path="data/wine.csv")
    assert refused(lambda: versions.datasets.import_url(there)).code == "50201"
    away = DatasetImport(url="http://127.0.0.1:9/x", path="data/c.csv")
    assert refused(lambda: versions.datasets.import_url(away)).code == "30101"
    after = sorted(path for path in root.rglob("*") if ".git" not in path.parts)
    assert [p for p in after if "tmp" not in p.parts] == [p for p in before if "tmp" not in p.parts]


def test_a_download_that_was_stopped_goes_on(
    versions: Workspace, root: Path, web: tuple[str, Path, list[str]]
) -> None:
    url, folder, asked = web
    content = os.urandom(MIB) * ((MULTIPART_THRESHOLD + 3 * PART_SIZE) // MIB)
    (folder / "big.bin").write_bytes(content)

    def stop(done: float, total: float | None = None, unit: str = "", message: str = "") -> None:
        assert total == len(content)
        if done >= total / 2:
            raise CancelledOperationError

    given = DatasetImport(url=f"{url}/big.bin", path="data/big.bin")
    with pytest.raises(CancelledOperationError):
        versions.datasets.import_url(given, stop)
    assert not (root / "data" / "big.bin").exists()
    assert versions.datasets.storage().unfinished >= len(content) // 2 - MIB
    asked.clear()
    heard: list[float] = []
    versions.datasets.import_url(given, lambda done, *_: heard.append(done))
    assert heard[0] >= len(content) // 2 - MIB
    assert not [row for row in asked if row.startswith("bytes=0-") and row != "bytes=0-0"]
    assert (root / "data" / "big.bin").read_bytes() == content
    assert versions.datasets.storage().unfinished == 0


@pytest.fixture
def small_disk(root: Path, tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MB, on which the cache is."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)]
    if subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("no file system can be mounted here: a full disk cannot be tested")
    shutil.copytree(root / ".dvc" / "cache", disk / "cache")
    (root / ".dvc" / "config.local").write_text(f"[cache]\n    dir = {disk}/cache\n")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_is_told_and_leaves_all_whole(
    versions: Workspace, root: Path, small_disk: Path, tmp_path: Path, git: Command
) -> None:
    versions.data_remotes.put("store", DataRemotePut(url=str(tmp_path / "store")))
    versions.datasets.push(FILE)
    # More than there is room for.
    (root / "data" / "big.bin").write_bytes(os.urandom(8 * MIB))
    status = git(root, "status", "--porcelain")
    assert refused(lambda: versions.datasets.add("data/big.bin")).code == "30102"
    assert git(root, "status", "--porcelain") == status
    assert (root / "data" / "big.bin").stat().st_size == 8 * MIB
    assert versions.datasets.verify(FILE).whole
    # With room it is added, pushed, lost here, and pulled when there is none again.
    subprocess.run(["mount", "-o", "remount,size=32m", str(small_disk)], check=True)
    made = versions.datasets.add("data/big.bin")
    versions.datasets.push(made.id)
    assert made.md5 is not None
    (small_disk / "cache" / "files" / "md5" / made.md5[:2] / made.md5[2:]).unlink()
    (root / "data" / "big.bin").unlink()
    free = shutil.disk_usage(small_disk).free
    (small_disk / "other").write_bytes(bytes(free - 2 * MIB))
    assert refused(lambda: versions.datasets.pull(made.id)).code == "30102"
    assert not (root / "data" / "big.bin").exists()
    assert versions.datasets.verify(FILE).whole
    (small_disk / "other").unlink()
    versions.datasets.pull(made.id)
    assert versions.datasets.get(made.id).state.value == "unchanged"


def picture(path: Path, color: str, size: tuple[int, int] = (40, 20)) -> None:
    from PIL import Image

    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, color).save(path)


@pytest.mark.parametrize("tracker", ["dvc", "git"])
def test_folders_of_images_are_compared_and_shown(
    versions: Workspace, root: Path, git: Command, tracker: str
) -> None:
    folder = root / "pictures"
    for name, color in (("a", "red"), ("b", "green"), ("c", "blue"), ("same", "white")):
        picture(folder / f"{name}.png", color)
    if tracker == "dvc":
        versions.datasets.add("pictures")
    git(root, "add", "-A")
    first = versions.snapshots.create("First").id
    picture(folder / "a.png", "yellow")
    (folder / "b.png").unlink()
    (folder / "c.png").rename(folder / "moved.png")
    picture(folder / "new.png", "black")

    def compare(**query: str | int) -> DatasetDiff:
        return versions.datasets.diff("pictures", DatasetDiffQuery.model_validate(query))

    expected = [
        ("pictures/a.png", None, "modified"),
        ("pictures/b.png", None, "deleted"),
        ("pictures/moved.png", "pictures/c.png", "renamed"),
        ("pictures/new.png", None, "added"),
    ]
    now = compare(**{"from": first})
    assert [(one.path, one.old_path, one.state.value) for one in now.items] == expected
    assert (now.unchanged, now.images) == (1, 4)
    assert all(one.from_size or one.state.value == "added" for one in now.items)
    if tracker == "dvc":
        versions.datasets.add("pictures")
    second = versions.snapshots.create("Second").id
    then = compare(**{"from": first, "to": second, "limit": 3})
    assert [one.path for one in then.items] == [path for path, _, _ in expected[:3]]
    rest = compare(**{"from": first, "to": second, "cursor": str(then.next_cursor)})
    assert [one.path for one in rest.items] == ["pictures/new.png"]
    renamed = compare(**{"from": first, "to": second, "state": "renamed"})
    assert [one.path for one in renamed.items] == ["pictures/moved.png"]
    assert refused(lambda: compare(**{"from": "nowhere"})).code == "30404"

    def show(path: str, version: str | None = None) -> ImagePreview:
        query = ImageQuery(path=path, version=version)
        return preview_image(versions.snapshots.comparison, query)

    for version in (first, second, None):
        shown = show("pictures/a.png", version)
        assert (shown.width, shown.height, shown.media) == (40, 20, "image/jpeg")
    assert show("pictures/a.png", first).content != show("pictures/a.png").content
    assert refused(lambda: show("pictures/b.png", second)).code == "30404"
    if tracker == "dvc":
        shutil.rmtree(root / ".dvc" / "cache")
        assert show("pictures/a.png", first).stored is False


def test_images_that_cannot_be_shown_say_why(
    versions: Workspace, root: Path, tmp_path: Path
) -> None:
    from PIL import Image

    (root / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    Image.new("1", (10_000, 10_000)).save(root / "bomb.png")
    Image.new("1", (20_000, 20_000)).save(root / "bigger.png")
    picture(tmp_path / "outside.png", "red")
    (root / "away").symlink_to(tmp_path)

    def show(path: str) -> ImagePreview:
        return preview_image(versions.snapshots.comparison, ImageQuery(path=path))

    for name, reason in (
        ("broken.png", "cannot be read"),
        ("bomb.png", "10000 × 10000"),
        ("bigger.png", "larger"),
    ):
        shown = show(name)
        assert shown.content is None
        assert shown.problem is not None
        assert reason in shown.problem.en
    for path in ("../outside.png", "away/outside.png"):
        assert refused(lambda path=path: show(path)).status in (400, 403)
    no_folder = DatasetDiffQuery.model_validate({"from": "HEAD"})
    assert refused(lambda: versions.datasets.diff("no-such", no_folder)).code == "30404"
