"""Data in the sidebar: added, pushed, pulled, brought back, each ending in what is on disk."""

from __future__ import annotations

import hashlib
import http.server
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from jupyter_mlws.versioning.data.models import DataRemotePut
from jupyter_mlws.workspace import Workspace
from tests.ui.canvas import faults_of_access
from tests.ui.conftest import Lab, prefer
from tests.ui.sections import WORKSPACE, open_section, open_sidebar, refresh, show_panel, title

pytestmark = pytest.mark.browser

OPEN_DIFF = """path => jupyterapp.commands.execute('mlws:open-diff', {path, from: 'HEAD', to: null})
    .then(() => null)"""
PICTURES = {f"{number}.bin": bytes([number]) * 1000 for number in range(3)}


def dataset(section: Locator, path: str) -> Locator:
    return section.locator(f'[data-mlws-dataset="{path}"]')


def unfold(row: Locator) -> None:
    """Click on a dataset, and wait for what is known of it."""
    row.locator("[data-mlws-row]").click()
    expect(row.get_by_role("button", name="Verify", exact=True)).to_be_visible()


def objects(folder: Path) -> set[str]:
    """The hashes of what a DVC store holds."""
    found = (folder / "files" / "md5").rglob("*")
    return {f"{path.parent.name}{path.name}" for path in found if path.is_file()}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def fill(form: Locator, **values: str) -> None:
    for name, value in values.items():
        form.locator(f'[name="{name}"]').fill(value)


def add_pictures(page: Page, lab: Lab, section: Locator) -> Locator:
    """A folder of pictures, chosen in the file dialog."""
    folder = lab.root / "data" / "images"
    folder.mkdir()
    for name, content in PICTURES.items():
        (folder / name).write_bytes(content)
    section.locator(".jp-mlws-AddDataButton").click()
    dialog = page.locator(".jp-Dialog")
    dialog.locator(".jp-DirListing-item", has_text="data").dblclick()
    dialog.locator(".jp-DirListing-item", has_text="images").click()
    dialog.locator(".jp-mod-accept").click()
    row = dataset(section, "data/images")
    expect(row).to_be_visible()
    return row


def set_store(section: Locator, store: Path) -> None:
    section.locator(".jp-mlws-RemotesButton").click()
    form = section.locator(".jp-mlws-RemoteForm")
    fill(form, name="store", url=str(store))
    form.locator("[type=submit]").click()
    expect(section.locator(".jp-mlws-RemotesButton")).to_contain_text("store")


@pytest.mark.slow(reason="a journey in a real browser")
def test_data_goes_to_a_remote_and_comes_back(
    page: Page, lab: Lab, tmp_path: Path, shoot: Callable[[str], None]
) -> None:
    section = open_section(page, lab, "Data")
    expect(dataset(section, "data/wine.csv")).to_be_visible()
    row = add_pictures(page, lab, section)
    shoot("data-added")
    named = (lab.root / "data/images.dvc").read_text()
    hashes = {hashlib.md5(content).hexdigest() for content in PICTURES.values()}
    assert hashes <= objects(lab.root / ".dvc/cache")
    assert ".dir" in named

    # What of a remote cannot be stands at its field; then it is set, for everybody.
    section.locator(".jp-mlws-RemotesButton").click()
    form = section.locator(".jp-mlws-RemoteForm")
    fill(form, name="Bad name", url=str(tmp_path / "store"))
    form.locator("[type=submit]").click()
    refused = form.locator(".jp-mlws-FormField-error")
    expect(refused).to_contain_text("must start with a lowercase letter")
    shoot("data-remote-refused")
    fill(form, name="store")
    form.locator("[type=submit]").click()
    expect(section.locator(".jp-mlws-RemotesButton")).to_contain_text("store")
    assert str(tmp_path / "store") in (lab.root / ".dvc/config").read_text()

    # Push: every object is at the remote.
    mark = row.locator("[data-mlws-mark]")
    expect(mark).to_have_text("not pushed")
    unfold(row)
    row.get_by_role("button", name="Push", exact=True).click()
    expect(mark).to_have_count(0)
    stored = objects(tmp_path / "store")
    assert hashes < stored
    assert len(stored) == len(hashes) + 1

    # Nothing is left here: that is seen, and mended.
    shutil.rmtree(lab.root / ".dvc/cache")
    shutil.rmtree(lab.root / "data/images")
    refresh(page, "Data")
    expect(mark).to_have_text("not pulled")
    other = dataset(section, "data/wine.csv").locator("[data-mlws-mark]")
    expect(other).to_have_text("not stored anywhere")
    shoot("data-missing")
    row.locator("[data-mlws-row]").click(button="right")
    page.locator('.lm-Menu-item[data-command="mlws:pull-dataset"]').click()
    expect(mark).to_have_count(0)
    assert contents(lab.root / "data/images") == PICTURES
    assert hashes < objects(lab.root / ".dvc/cache")

    # A damaged object is named by its file, and pull fetches it anew.
    damaged = next(iter(sorted(hashes)))
    path = lab.root / ".dvc/cache/files/md5" / damaged[:2] / damaged[2:]
    path.chmod(0o644)
    path.write_bytes(b"damaged")
    row.get_by_role("button", name="Verify", exact=True).click()
    file = next(n for n, c in PICTURES.items() if hashlib.md5(c).hexdigest() == damaged)
    expect(row.locator('[data-mlws-store="cache"]')).to_contain_text(f"damaged: data/images/{file}")
    expect(row.locator('[data-mlws-store="store"]')).to_contain_text("all 4 objects verified")
    shoot("data-verified")
    row.get_by_role("button", name="Pull", exact=True).click()
    expect(row.get_by_role("button", name="Pull", exact=True)).to_be_enabled()
    row.get_by_role("button", name="Verify", exact=True).click()
    expect(row.locator('[data-mlws-store="cache"]')).to_contain_text("all 4 objects verified")
    assert hashlib.md5(path.read_bytes()).hexdigest() == damaged


THEMES = [
    ("JupyterLab Light", "en"),
    pytest.param("JupyterLab Dark", "zh_CN", marks=pytest.mark.exhaustive),
]


@pytest.mark.slow(reason="a journey in a real browser")
@pytest.mark.parametrize(("theme", "locale"), THEMES)
def test_all_data_that_is_not_here_is_pulled_by_one_press(
    page: Page, tmp_path: Path, start_lab: Callable[..., Lab], example: Path,
    shoot: Callable[[str], None], theme: str, locale: str,
) -> None:  # fmt: skip
    prefer(tmp_path, theme, locale)
    store = tmp_path / "store"
    with closing(Workspace.open(example)) as workspace:
        workspace.data_remotes.put("store", DataRemotePut(url=str(store), default=True))
        workspace.datasets.push("data~1wine.csv")
    shutil.rmtree(example / ".dvc/cache")
    content = (example / "data/wine.csv").read_bytes()
    (example / "data/wine.csv").unlink()
    store.rename(f"{store}.away")
    lab = start_lab(example)
    section = open_section(page, lab, "Data" if locale == "en" else "数据", "Data")
    offer = section.locator(".jp-mlws-Offer")
    button = offer.locator(".jp-mlws-PullAllButton")
    expect(button).to_contain_text("kB")
    shoot(f"data-offer-{locale}")
    assert faults_of_access(page, ".jp-mlws-Data") == []
    button.focus()
    page.keyboard.press("Enter")
    # The folder of the remote is away, like a disk that is not mounted.
    failure = section.locator(".jp-mlws-Work .jp-mlws-Failure")
    expect(failure).to_contain_text("store")
    Path(f"{store}.away").rename(store)
    failure.get_by_role("button").last.click()
    expect(section.locator(".jp-mlws-Work")).to_have_count(0)
    expect(offer).to_have_count(0)
    assert (example / "data/wine.csv").read_bytes() == content


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_versions_are_compared_and_brought_back_and_space_is_freed(
    page: Page, lab: Lab, shoot: Callable[[str], None]
) -> None:
    section = open_section(page, lab, "Data")
    row = dataset(section, "data/wine.csv")
    expect(row).to_be_visible()
    data = lab.root / "data/wine.csv"
    first = data.read_bytes()

    data.write_bytes(first + first.splitlines()[-1] + b"\n")
    expect(row.locator("[data-mlws-mark]")).to_have_text("modified")
    unfold(row)
    row.get_by_role("button", name="Record", exact=True).click()
    expect(row.locator("[data-mlws-mark]")).to_have_count(0)
    second = data.read_bytes()
    assert hashlib.md5(second).hexdigest() in (lab.root / "data/wine.csv.dvc").read_text()
    show_panel(page)
    page.locator(".jp-mlws-CommitBox").fill("More wine")
    page.locator(".jp-mlws-CommitButton").click()
    expect(page.locator(".jp-mlws-Snapshot").first).to_contain_text("More wine")
    show_panel(page, WORKSPACE)
    versions = row.locator("[data-mlws-version]")
    expect(versions).to_have_count(2)
    expect(versions.first).to_contain_text("More wine")

    versions.last.get_by_role("button", name="Compare with Current").click()
    shown = page.locator(".jp-mlws-DatasetDiff")
    expect(shown).to_contain_text("1 modified")
    shoot("data-diff")

    versions.last.get_by_role("button", name="Restore…").click()
    page.locator(".jp-Dialog .jp-mod-accept").click()
    expect(shown).to_contain_text("No differences.")
    assert data.read_bytes() == first

    # What no version names goes, after it was told how much that is.
    stray = lab.root / ".dvc/cache/files/md5" / "ab" / ("c" * 30)
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"x" * 5000)
    kept = objects(lab.root / ".dvc/cache") - {"ab" + "c" * 30}
    section.locator(".jp-mlws-FreeButton").click()
    dialog = page.locator(".jp-Dialog")
    expect(dialog).to_contain_text("1 unused object (5 kB) can be deleted")
    assert stray.exists()
    shoot("data-free")
    dialog.locator(".jp-mod-accept").click()
    expect(page.locator(".Toastify")).to_contain_text("Freed 5 kB")
    assert objects(lab.root / ".dvc/cache") == kept


SIZE = 2_000_000
CONTENT = bytes(number % 251 for number in range(SIZE))


class Slow(http.server.BaseHTTPRequestHandler):
    """Sends 20 kB every 50 ms, the last of them not before ``hurry`` is set; with ranges."""

    hurry = threading.Event()
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._head()

    def do_GET(self) -> None:
        first, _, last = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        start, end = int(first), min(int(last or SIZE - 1), SIZE - 1)
        self._head(start, end)
        for at in range(start, end + 1, 20_000):
            self.hurry.wait(0.05 if at + 20_000 <= end else None)
            self.wfile.write(CONTENT[at : min(at + 20_000, end + 1)])

    def _head(self, start: int = 0, end: int = SIZE - 1) -> None:
        self.send_response(206 if "Range" in self.headers else 200)
        self.send_header("Content-Length", str(end + 1 - start))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", '"one"')
        if "Range" in self.headers:
            self.send_header("Content-Range", f"bytes {start}-{end}/{SIZE}")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def slow_server() -> Iterator[str]:
    Slow.hurry.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/far.bin"
    Slow.hurry.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_a_download_shows_how_far_it_is_and_can_be_stopped(
    page: Page, lab: Lab, slow_server: str, shoot: Callable[[str], None]
) -> None:
    section = open_section(page, lab, "Data")
    section.locator(".jp-mlws-ImportButton").click()
    form = section.locator(".jp-mlws-ImportForm")
    fill(form, url="nonsense", path="data/far.bin")
    form.locator("[type=submit]").click()
    refused = form.locator(".jp-mlws-FormField-error").first
    expect(refused).to_contain_text("must start with a protocol")
    fill(form, url=slow_server, path="")
    form.locator("[type=submit]").click()
    work = section.locator(".jp-mlws-Work")
    expect(work).to_contain_text("of 2 MB")
    shoot("data-downloading")
    with page.expect_response(lambda response: response.url.endswith("/cancel")):
        work.locator('[data-mlws-action="cancel"]').click()
    Slow.hurry.set()
    expect(work).to_contain_text("canceled")
    assert not (lab.root / "data/far.bin").exists()

    section.locator(".jp-mlws-ImportButton").click()
    fill(form, url=slow_server)
    form.locator("[type=submit]").click()
    expect(dataset(section, "data/far.bin")).to_be_visible()
    assert (lab.root / "data/far.bin").read_bytes() == CONTENT
    assert slow_server in (lab.root / "data/far.bin.dvc").read_text()


@pytest.mark.slow(reason="a journey in a real browser")
@pytest.mark.parametrize(
    ("theme", "locale", "kinds"),
    [
        ("JupyterLab Light", "en", ("Changed rows", "Show as text")),
        pytest.param(
            "JupyterLab Dark", "zh_CN", ("已更改的行", "以文本显示"), marks=pytest.mark.exhaustive
        ),
    ],
)
def test_a_changed_table_is_shown_row_by_row(
    page: Page, tmp_path: Path, start_lab: Callable[..., Lab], example: Path,
    shoot: Callable[[str], None], theme: str, locale: str, kinds: tuple[str, str],
) -> None:  # fmt: skip
    prefer(tmp_path, theme, locale)
    rows = [f"{number},name {number},{number / 4}" for number in range(200)]
    table = example / "prices.csv"
    table.write_text("\n".join(["id,name,price", *rows, ""]))
    subprocess.run(["git", "add", "prices.csv"], cwd=example, check=True)
    subprocess.run(["git", "commit", "-qm", "Prices"], cwd=example, check=True)
    rows[3:5] = ["3,<img src=x onerror=alert(1)>,0.75", "4,name 4,99"]
    table.write_text("\n".join(["id,name,price", *rows[1:], "500,new,1", ""]))
    # The data that DVC tracks: one measurement is another.
    wine = example / "data" / "wine.csv"
    lines = wine.read_text().splitlines()
    lines[1] = f"99.9{lines[1][lines[1].index(',') :]}"
    wine.write_text("\n".join([*lines, ""]))
    # More rows than one page has.
    many = example / "many.csv"
    many.write_text("\n".join(["id,a,b", *(f"{n},{n},x" for n in range(3000)), ""]))
    subprocess.run(["git", "add", "many.csv"], cwd=example, check=True)
    subprocess.run(["git", "commit", "-qm", "Many"], cwd=example, check=True)
    many.write_text("\n".join(["id,a,b", *(f"{n},{n * 2},y" for n in range(3000)), ""]))
    lab = start_lab(example)
    open_sidebar(page, lab)
    shown = page.locator(".jp-mlws-TableDiff:visible")

    page.evaluate(OPEN_DIFF, "prices.csv")
    expect(shown).to_contain_text("200 → 200")
    expect(shown.locator("[data-mlws-row-state]")).to_have_count(4)
    changed = shown.locator('[data-mlws-row-state="modified"]').last
    expect(changed.locator("th")).to_have_text("4")
    expect(changed.locator("del")).to_have_text("1.0")
    expect(changed.locator("ins")).to_have_text("99.0")
    shoot(f"table-diff-{locale}")
    shown.locator("select").first.select_option(label=kinds[0])
    expect(shown.locator("[data-mlws-row-state]")).to_have_count(2)
    page.get_by_role("checkbox", name=kinds[1]).check()
    expect(page.locator(".jp-mlws-FileDiff:visible .jp-mlws-Hunk").first).to_be_visible()

    page.evaluate(OPEN_DIFF, "data/wine.csv")
    expect(shown).to_contain_text("178 → 178")
    expect(shown.locator("[data-mlws-row-state]")).to_have_count(1)
    expect(shown.locator("ins")).to_have_text("99.9")
    shoot(f"table-diff-data-{locale}")
    assert faults_of_access(page, ".jp-mlws-TableDiff") == []

    page.evaluate(OPEN_DIFF, "many.csv")
    expect(shown.locator('[data-mlws-row-state="modified"]').first).to_contain_text("x y")
    assert shown.locator("[data-mlws-row-state]").count() < 200
    shown.locator(".jp-mlws-TableDiff-rows").evaluate("one => one.scrollTo(0, one.scrollHeight)")
    last = shown.locator('[data-mlws-row-state="modified"]', has_text="2999")
    expect(last.locator("ins").first).to_have_text("5998")
    shown.locator("select").last.select_option(value="a")
    # The first row is the only one whose number is the same.
    expect(shown.locator("[data-mlws-row-state] th").first).to_have_text("1")
    shown.locator("summary").click()
    expect(shown.locator(".jp-mlws-PairedBins").first).to_be_visible()
    expect(shown.locator(".jp-mlws-ColumnStatistics section")).to_have_count(2)
    shown.locator(".jp-mlws-PairedBins").last.scroll_into_view_if_needed()
    shoot(f"table-diff-columns-{locale}")
    assert faults_of_access(page, ".jp-mlws-TableDiff") == []


@pytest.mark.slow(reason="a journey in a real browser")
@pytest.mark.parametrize(("theme", "locale"), THEMES)
def test_a_table_in_conflict_is_merged_by_row(
    page: Page, tmp_path: Path, start_lab: Callable[..., Lab], example: Path,
    shoot: Callable[[str], None], theme: str, locale: str,
) -> None:  # fmt: skip
    prefer(tmp_path, theme, locale)

    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=example, check=True)

    table = example / "prices.csv"
    text = "id,name,price\n1,a,10\n2,b,20\n3,c,30\n"
    for branch, content in (
        ("main", text),
        ("topic", text.replace("1,a,10", "1,a,11").replace("2,b,20", "2,theirs,20")),
        ("main", text.replace("1,a,10", "1,ours,10").replace("2,b,20", "2,ours,20")),
    ):
        if branch == "topic":
            git("checkout", "-qb", "topic")
        else:
            git("checkout", "-q", "main")
        table.write_text(content)
        git("add", "prices.csv")
        git("commit", "-qm", "Prices")
    lab = start_lab(example)
    open_sidebar(page, lab)
    heading = title(page, "Branches" if locale == "en" else "分支")
    expect(heading).to_be_visible()
    if heading.get_attribute("aria-expanded") == "false":
        heading.click()
    row = page.locator('.jp-mlws-Branch[data-mlws-ref="topic"]')
    row.hover()
    row.locator(".jp-mlws-MergeButton").click()
    page.locator('[data-mlws-conflict="prices.csv"]').click()
    merge = page.locator(".jp-mlws-TableMerge:visible")
    button = merge.locator("[data-mlws-merge-rows]")
    expect(merge.locator("[data-mlws-row]")).to_have_count(1)
    expect(button).to_have_count(0)
    merge.locator('[data-mlws-row="2"] select').select_option(value="theirs")
    shoot(f"table-merge-{locale}")
    assert faults_of_access(page, ".jp-mlws-TableMerge") == []
    button.click()
    expect(page.locator(".jp-mlws-Settled:visible")).to_be_visible()
    assert table.read_text() == text.replace("1,a,10", "1,ours,11").replace("2,b", "2,theirs")


@pytest.mark.slow(reason="a journey in a real browser")
@pytest.mark.parametrize(("theme", "locale"), THEMES)
def test_changed_images_of_a_folder_are_shown_side_by_side(
    page: Page, tmp_path: Path, start_lab: Callable[..., Lab], example: Path,
    shoot: Callable[[str], None], theme: str, locale: str,
) -> None:  # fmt: skip
    prefer(tmp_path, theme, locale)
    folder = example / "data" / "pictures"
    folder.mkdir()
    for number in range(100):
        Image.new("RGB", (80, 60), (number, 99, 200)).save(folder / f"{number:03}.png")
    with closing(Workspace.open(example)) as workspace:
        workspace.datasets.add("data/pictures")
        workspace.snapshots.create("Pictures")
        for number in range(60):
            path = folder / f"{number:03}.png"
            path.unlink()
            Image.new("RGB", (80, 60), (200, number, 9)).save(path)
        (folder / "099.png").rename(folder / "moved.png")
        (folder / "000.png").write_bytes(b"no image")
        workspace.datasets.add("data/pictures")
    lab = start_lab(example)
    open_sidebar(page, lab)
    # The file that names the folder is what changed.
    page.evaluate(OPEN_DIFF, "data/pictures.dvc")
    shown = page.locator(".jp-mlws-FolderDiff:visible")
    tile = shown.locator('[data-mlws-path="data/pictures/001.png"]')
    expect(tile.locator("img")).to_have_count(2)
    broken = shown.locator('[data-mlws-path="data/pictures/000.png"]')
    expect(broken.locator(".jp-mlws-Tile-missing")).to_have_count(1)
    assert shown.locator("img").count() < 60
    shoot(f"folder-diff-{locale}")
    assert faults_of_access(page, ".jp-mlws-FolderDiff") == []
    tiles = shown.locator(".jp-mlws-Tiles")
    tiles.focus()
    page.keyboard.press("End")
    expect(shown.locator('[data-mlws-path="data/pictures/moved.png"] img')).to_have_count(1)
    shown.locator("select").select_option(value="renamed")
    expect(shown.locator(".jp-mlws-Tile")).to_have_count(1)
