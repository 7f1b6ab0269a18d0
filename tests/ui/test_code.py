"""Code in the lab: staged by hunks, branched, merged, pushed; each ends in what git says."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Locator, Page, expect

from jupyter_mlws.workspace import Workspace
from tests.ui.canvas import faults_of_access, until
from tests.ui.conftest import TOKEN, Lab
from tests.ui.sections import SOURCE_CONTROL, open_sidebar, title
from tests.versioning.git_server import PASSWORD, USER, served

pytestmark = pytest.mark.browser

LINES = [f"line_{number} = {number}" for number in range(1, 41)]
AUTHOR = {"user.name": "A Person", "user.email": "person@example.com"}
v4 = nbformat.v4


class Repository:
    """The project as git's own program sees it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __call__(self, *arguments: str) -> str:
        command = ["git", *arguments]
        answer = subprocess.run(command, cwd=self.root, check=True, capture_output=True, text=True)
        return answer.stdout.strip()

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text)

    def commit(self, message: str) -> str:
        self("add", "-A")
        self("commit", "-qm", message)
        return self("rev-parse", "HEAD")


def code(**changed: str) -> str:
    """``train.py`` with other lines: ``code(line_2="line_2 = 'new'")``."""
    return "".join(f"{changed.get(line.split()[0], line)}\n" for line in LINES)


@pytest.fixture
def git(tmp_path: Path, empty_project: Path) -> Repository:
    """A project with one Python file and one notebook."""
    root = tmp_path / "project"
    shutil.copytree(empty_project, root, symlinks=True)
    repository = Repository(root)
    for name, value in AUTHOR.items():
        repository("config", name, value)
    repository.write("train.py", code())
    notebook = v4.new_notebook(cells=[v4.new_code_cell(text) for text in ("import os", "x = 1")])
    nbformat.write(notebook, root / "look.ipynb")
    repository.commit("Code and a notebook")
    return repository


@pytest.fixture
def lab(start_lab: Callable[..., Lab], git: Repository) -> Lab:
    return start_lab(git.root)


@pytest.fixture
def sidebar(page: Page, lab: Lab) -> Locator:
    """The sidebar, open."""
    page.goto(lab.address())
    # JupyterLab gives its launcher the focus, up to a second after the sidebar can be used.
    expect(page.locator(".jp-Launcher")).to_be_focused()
    page.wait_for_function("window.jupyterapp?.commands.hasCommand('mlws:open-source-control')")
    run(page, "mlws:open-source-control")
    expect(page.locator(".jp-mlws-CommitBox")).to_be_visible()
    return page.locator(SOURCE_CONTROL)


def run(page: Page, command: str, arguments: dict | None = None) -> None:
    page.evaluate(
        "([id, args]) => { void jupyterapp.commands.execute(id, args); }",
        [command, arguments or {}],
    )


def change(page: Page, path: str, *, staged: bool = False) -> Locator:
    wanted = f'[data-mlws-path="{path}"][data-mlws-staged="{str(staged).lower()}"]'
    return page.locator(f".jp-mlws-Change{wanted}")


def commit(page: Page, message: str) -> None:
    page.locator(".jp-mlws-CommitBox").fill(message)
    page.locator(".jp-mlws-CommitButton").click()
    expect(page.locator(".jp-mlws-Snapshot").first).to_contain_text(message)
    expect(page.locator(".jp-mlws-CommitBox")).to_have_value("")


def branch(page: Page, name: str) -> Locator:
    return page.locator(f'.jp-mlws-Branch[data-mlws-ref="{name}"]')


def fill_dialog(page: Page, **values: str) -> None:
    dialog = page.locator(".jp-Dialog")
    for name, value in values.items():
        dialog.locator(f'input[name="{name}"]').fill(value)
    dialog.locator(".jp-mod-accept").click()


def unfold(page: Page, title: str) -> None:
    """Unfold a section of the sidebar."""
    head = page.locator(f"{SOURCE_CONTROL} .lm-AccordionPanel-title").filter(has_text=title)
    if head.first.get_attribute("aria-expanded") != "true":
        head.first.click()


def killed(lab: Lab, start_lab: Callable[..., Lab]) -> Lab:
    """Kill the server, and return another one in its place."""
    lab.stop(signal.SIGKILL)
    return start_lab(lab.root, port=lab.port)


def press_until(page: Page, target: Locator, key: str) -> None:
    """Press a key until an element has the focus."""
    expect(target).to_be_visible()
    for _ in range(60):
        if target.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press(key)
    pytest.fail(f"{key} does not reach {target}")


def press(page: Page, button: Locator) -> None:
    """Press a button by keyboard."""
    press_until(page, button, "Tab")
    page.keyboard.press("Enter")


def go_to(page: Page, snapshot: Locator) -> None:
    """Go to a snapshot by keyboard: to the list by Tab, and on by the arrow keys."""
    head = ".jp-mlws-Snapshot-head"
    press_until(page, page.locator(f"{head}[tabindex='0']"), "Tab")
    page.keyboard.press("Home")
    press_until(page, snapshot.locator(head), "ArrowDown")


def choose_by_keyboard(page: Page, command: str) -> None:
    """Choose an item of the context menu of what has the focus."""
    page.keyboard.press("Shift+F10")
    item = page.locator(".lm-Menu-item").filter(has_text=command)
    expect(item).to_be_visible()
    for _ in range(30):
        if "lm-mod-active" in (item.get_attribute("class") or ""):
            break
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[tuple[Repository, str]]:
    """A bare repository, and its address at git's own HTTP server, which wants a password."""
    folder = tmp_path / "served"
    folder.mkdir()
    subprocess.run(["git", "init", "-q", "--bare", "bare.git"], cwd=folder, check=True)
    with served(folder) as address:
        yield Repository(folder / "bare.git"), f"{address}/bare.git"


@pytest.mark.slow(reason="a journey in a real browser")
def test_stage_branch_merge_and_push(
    page: Page,
    sidebar: Locator,
    git: Repository,
    bare: tuple[Repository, str],
    shoot: Callable[[str], None],
) -> None:
    # Stage one hunk of two: the commit has that alone.
    git.write("train.py", code(line_2="line_2 = 'early'", line_38="line_38 = 'late'"))
    change(page, "train.py").click()
    hunks = page.locator(".jp-mlws-FileDiff .jp-mlws-Hunk")
    expect(hunks).to_have_count(2)
    expect(hunks.first.locator(".cm-deletedLine")).to_have_text("line_2 = 2")
    expect(hunks.first.locator(".cm-changedLine")).to_have_text("line_2 = 'early'")
    # By the language of the file: a string has a colour of its own.
    colour = "element => getComputedStyle(element).color"
    text = hunks.first.locator(".cm-changedLine")
    value = text.locator("span", has_text="'early'").last
    until(page, lambda: value.evaluate(colour) != text.evaluate(colour))
    assert faults_of_access(page, ".jp-mlws-FileDiff") == []
    shoot("code-hunks")
    hunks.first.locator(".jp-mlws-StageButton").click()
    expect(change(page, "train.py", staged=True)).to_be_visible()
    expect(hunks).to_have_count(1)
    assert "early" in git("diff", "--cached")
    assert "late" not in git("diff", "--cached")
    shoot("code-staged")
    commit(page, "The early line")
    assert "early" in git("show", "HEAD")
    assert "late" not in git("show", "HEAD")
    assert git("status", "--porcelain") == "M train.py"
    commit(page, "The late line")
    assert git("status", "--porcelain") == ""

    # A branch, and the same line changed on both.
    unfold(page, "Branches")
    page.locator(".jp-mlws-NewBranchButton").click()
    dialog = page.locator(".jp-Dialog")
    dialog.locator("input[type=text]").fill("topic")
    dialog.locator(".jp-mod-accept").click()
    expect(page.locator(".jp-mlws-BranchButton")).to_contain_text("topic")
    assert git("branch", "--show-current") == "topic"
    ours, theirs = ("line_20 = 'ours'", "line_20 = 'theirs'")
    late = {"line_2": "line_2 = 'early'", "line_38": "line_38 = 'late'"}
    git.write("train.py", code(**late, line_20=theirs, line_30="line_30 = 'added'"))
    expect(change(page, "train.py")).to_be_visible()
    commit(page, "Theirs")
    branch(page, "main").locator("[data-mlws-row]").click()
    expect(page.locator(".jp-mlws-BranchButton")).to_contain_text("main")
    assert git("branch", "--show-current") == "main"
    git.write("train.py", code(**late, line_20=ours))
    expect(change(page, "train.py")).to_be_visible()
    commit(page, "Ours")
    shoot("code-branches")

    # Merged: what only they changed comes by itself, the rest is decided in three panes.
    branch(page, "topic").hover()
    branch(page, "topic").locator(".jp-mlws-MergeButton").click()
    conflict = page.locator('.jp-mlws-Conflict[data-mlws-conflict="train.py"]')
    expect(conflict).to_be_visible()
    assert git("diff", "--name-only", "--diff-filter=U") == "train.py"
    expect(page.locator(".jp-mlws-ContinueButton")).to_have_count(0)
    conflict.click()
    merge = page.locator(".jp-mlws-ConflictView")
    result = merge.locator('[data-mlws-side="result"] .cm-content')
    for side, line in (("ours", ours), ("base", "line_20 = 20"), ("theirs", theirs)):
        expect(merge.locator(f'[data-mlws-side="{side}"]')).to_contain_text(line)
    expect(result).to_contain_text("line_30 = 'added'")
    expect(merge.locator(".jp-mlws-ResolveButton")).to_have_count(0)
    shoot("code-merge-open")
    merge.locator('.jp-mlws-Merge-bar [data-mlws-take="both"]').click()
    expect(result).to_contain_text(theirs)
    expect(merge.locator(".jp-mlws-Merge-bar")).to_contain_text("both (ours first)")
    result.press("Control+z")
    expect(merge.locator(".jp-mlws-ResolveButton")).to_have_count(0)
    merge.locator('.jp-mlws-Merge-bar [data-mlws-take="theirs"]').click()
    result.press("Control+Home")
    page.keyboard.type("# merged by hand\n")
    shoot("code-merge-settled")
    merge.locator(".jp-mlws-ResolveButton").click()
    expect(merge).to_contain_text("all conflicts resolved")
    assert git("diff", "--name-only", "--diff-filter=U") == ""
    page.locator(".jp-mlws-MergePanel .jp-mlws-ContinueButton").click()
    expect(page.locator(".jp-mlws-MergePanel")).to_have_count(0)
    # A tab of a conflict ends with the merge.
    expect(merge).to_have_count(0)
    assert git("log", "-1", "--format=%P").split() == [
        git("rev-parse", "HEAD^1"),
        git("rev-parse", "topic"),
    ]
    merged = code(**late, line_20=theirs, line_30="line_30 = 'added'")
    assert (git.root / "train.py").read_text() == f"# merged by hand\n{merged}"
    assert git("show", "HEAD:train.py") == f"# merged by hand\n{merged}".strip()
    assert git("status", "--porcelain") == ""

    # Pushed: the remote is asked for, then name and password, which are stored nowhere.
    remote, address = bare
    page.locator(".jp-mlws-PushButton").click()
    fill_dialog(page, name="origin", url=address)
    question = page.locator(".jp-mlws-Question")
    expect(question).to_contain_text("Username for")
    expect(question.locator("input")).to_have_attribute("type", "text")
    shoot("code-question")
    fill_dialog(page, answer=USER)
    expect(question).to_contain_text("Password for")
    expect(question.locator("input")).to_have_attribute("type", "password")
    fill_dialog(page, answer=PASSWORD)
    expect(page.locator("[data-mlws-ahead='0']")).to_be_attached()
    assert remote("rev-parse", "main") == git("rev-parse", "main")
    assert git("rev-parse", "--abbrev-ref", "main@{upstream}") == "origin/main"
    assert PASSWORD not in git("config", "--list")

    # Who gives up at the question changes nothing.
    git.write("train.py", "last\n")
    expect(change(page, "train.py")).to_be_visible()
    commit(page, "Last")
    expect(page.locator("[data-mlws-ahead='1']")).to_have_text("1")
    page.locator(".jp-mlws-PushButton").click()
    expect(question).to_be_visible()
    question.locator(".jp-mod-reject").click()
    expect(page.locator(".Toastify")).to_contain_text("Canceled")
    assert remote("rev-parse", "main") == git("rev-parse", "main~1")


def post(lab: Lab, path: str, body: dict) -> dict:
    """The data of ``POST mlws/api/v1/{path}``, as another program would send it."""
    request = urllib.request.Request(
        f"{lab.url}/mlws/api/v1/{path}",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"token {TOKEN}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["data"]


def ended(lab: Lab, identifier: str) -> dict:
    """An operation once it has ended."""
    for _ in range(300):
        operation = lab.fetch(f"operations/{identifier}")
        if operation["state"] not in ("PENDING", "RUNNING", "WAITING"):
            return operation
        time.sleep(0.1)
    raise AssertionError(operation)


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_what_others_do_is_seen_without_a_reload(
    page: Page, sidebar: Locator, lab: Lab, git: Repository, bare: tuple[Repository, str]
) -> None:
    git.write("other.py", "1\n")
    git.commit("By a terminal")
    expect(page.locator(".jp-mlws-Snapshot").first).to_contain_text("By a terminal")
    unfold(page, "Branches")
    git("branch", "theirs")
    expect(branch(page, "theirs")).to_be_visible()
    git.write("other.py", "2\n")
    expect(change(page, "other.py")).to_be_visible()
    git("add", "other.py")
    expect(change(page, "other.py", staged=True)).to_be_visible()
    git("stash", "push", "-m", "put aside")
    expect(change(page, "other.py")).to_have_count(0)
    page.locator('[data-mlws-group="stashes"] summary').click()
    expect(page.locator(".jp-mlws-Stash")).to_contain_text("put aside")
    git("remote", "add", "origin", bare[1])
    page.locator('[data-mlws-group="remotes"] summary').click()
    expect(page.locator(".jp-mlws-Remote")).to_contain_text("origin")

    # A question of an operation that another program began; it is gone once that answered.
    begun = post(lab, "git/fetch", {})
    question = page.locator(".jp-mlws-Question")
    expect(question).to_contain_text("Username for")
    post(lab, f"operations/{begun['id']}/answer", {"value": USER})
    expect(question).to_contain_text("Password for")
    page.reload()
    expect(question).to_contain_text("Password for")
    fill_dialog(page, answer="wrong")
    expect(question).to_have_count(0)
    failed = ended(lab, begun["id"])
    assert (failed["state"], failed["error"]["code"]) == ("FAILED", "30254")


@pytest.mark.slow(reason="a journey in a real browser")
def test_staged_and_discarded_by_keyboard(
    page: Page, sidebar: Locator, git: Repository, shoot: Callable[[str], None]
) -> None:
    git.write("train.py", code(line_2="line_2 = 'new'"))
    git.write("new file.txt", "kept?\n")
    first = change(page, "new file.txt")
    expect(first).to_have_text("new file.txtU")
    expect(change(page, "train.py")).to_be_visible()
    first.focus()
    page.keyboard.press("ArrowDown")
    expect(change(page, "train.py")).to_be_focused()
    page.keyboard.press("s")
    staged = change(page, "train.py", staged=True)
    expect(staged).to_be_visible()
    assert git("status", "--porcelain") == 'M  train.py\n?? "new file.txt"'
    staged.focus()
    page.keyboard.press("s")
    expect(staged).to_have_count(0)
    assert git("diff", "--cached", "--name-only") == ""

    # Discarded after a word of it, and brought back.
    first.focus()
    page.keyboard.press("Delete")
    dialog = page.locator(".jp-Dialog")
    expect(dialog).to_contain_text("new file.txt")
    dialog.locator(".jp-mod-accept").click()
    expect(first).to_have_count(0)
    assert not (git.root / "new file.txt").exists()
    page.locator(".Toastify").get_by_text("Undo").click()
    expect(first).to_be_visible()
    assert (git.root / "new file.txt").read_text() == "kept?\n"

    # What is staged is committed by Ctrl+Enter, the rest stays.
    change(page, "train.py").focus()
    page.keyboard.press("s")
    expect(staged).to_be_visible()
    box = page.locator(".jp-mlws-CommitBox")
    box.fill("By keyboard")
    box.press("Control+Enter")
    expect(page.locator(".jp-mlws-Snapshot").first).to_contain_text("By keyboard")
    assert git("show", "--format=", "--name-only", "HEAD") == "train.py"
    assert git("status", "--porcelain") == '?? "new file.txt"'


@pytest.mark.slow(reason="a journey in a real browser")
def test_notebooks_are_compared_and_merged_cell_by_cell(
    page: Page, sidebar: Locator, git: Repository, shoot: Callable[[str], None]
) -> None:
    path = git.root / "look.ipynb"

    def write(*sources: str) -> None:
        document = nbformat.read(path, as_version=4)
        for cell, source in zip(document.cells, sources, strict=True):
            cell.source = source
        nbformat.write(document, path)

    git("checkout", "-q", "-b", "theirs")
    write("import sys", "x = 'theirs'")
    git.commit("Theirs")
    git("checkout", "-q", "main")
    write("import os", "x = 'ours'")
    change(page, "look.ipynb").click()
    cells = page.locator(".jp-mlws-FileDiff .jp-mlws-Hunk")
    expect(cells).to_have_count(1)
    expect(cells).to_contain_text("x = 'ours'")
    shoot("code-cells")
    commit(page, "Ours")
    unfold(page, "Branches")
    branch(page, "theirs").hover()
    branch(page, "theirs").locator(".jp-mlws-MergeButton").click()
    page.locator(".jp-mlws-Conflict").click()
    merge = page.locator(".jp-mlws-ConflictView")
    cell = merge.locator(".jp-mlws-MergeCell.jp-mod-open")
    expect(cell).to_have_count(1)
    expect(cell.locator('[data-mlws-side="theirs"]')).to_contain_text("x = 'theirs'")
    expect(merge.locator(".jp-mlws-ResolveButton")).to_have_count(0)
    cell.locator('[data-mlws-take="edit"]').click()
    merge.locator("textarea").fill("x = 'of both'")
    shoot("code-merge-cells")
    merge.locator(".jp-mlws-ResolveButton").click()
    merge.locator(".jp-mlws-ContinueButton").click()
    expect(page.locator(".jp-mlws-MergePanel")).to_have_count(0)
    merged = nbformat.read(path, as_version=4)
    nbformat.validate(merged)
    assert [cell.source for cell in merged.cells] == ["import sys", "x = 'of both'"]
    assert git("status", "--porcelain") == ""
    assert len(git("log", "-1", "--format=%P").split()) == 2


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_history_is_drawn_filtered_and_gone_back_in(
    page: Page, sidebar: Locator, git: Repository, shoot: Callable[[str], None]
) -> None:
    first = git("rev-parse", "HEAD")
    git("checkout", "-q", "-b", "topic")
    git.write("topic.py", "topic\n")
    git("add", "-A")
    git("commit", "-qm", "On the topic", "--author", "Somebody Else <else@example.com>")
    git("checkout", "-q", "main")
    git.write("train.py", code(line_1="line_1 = 'main'"))
    git.commit("On main")
    git("merge", "-q", "--no-ff", "-m", "Both together", "topic")
    git("checkout", "-q", "-b", "side", first)
    git.write("side.py", "side\n")
    aside = git.commit("On the side")
    git("checkout", "-q", "main")

    snapshots = page.locator(".jp-mlws-Snapshot")
    expect(snapshots.first).to_contain_text("Both together")
    number = int(git("rev-list", "--count", "HEAD"))
    expect(snapshots).to_have_count(number)
    expect(page.locator(".jp-mlws-Graph circle")).to_have_count(number)
    expect(snapshots.first).to_contain_text("merge")
    expect(snapshots.first.locator(".jp-mlws-Graph path")).to_have_count(2)
    page.locator(".jp-mlws-AllBranches input").check()
    expect(page.locator(f'[data-mlws-snapshot="{aside}"]')).to_be_visible()
    shoot("code-graph")

    # Narrowed by author, file and text.
    page.locator(".jp-mlws-FilterButton").click()
    page.get_by_label("Filter by author", exact=True).fill("else@")
    expect(snapshots).to_have_count(1)
    expect(snapshots).to_contain_text("On the topic")
    expect(page.locator(".jp-mlws-Graph")).to_have_count(0)
    page.get_by_label("Filter by author", exact=True).fill("")
    page.get_by_label("Filter by file").fill("side.py")
    expect(snapshots).to_have_count(1)
    expect(snapshots).to_contain_text("On the side")
    page.get_by_label("Filter by file").fill("")
    page.get_by_label("Filter snapshots").fill("together")
    expect(snapshots).to_have_count(1)
    page.get_by_label("Filter snapshots").fill("")
    expect(snapshots).to_have_count(number + 1)

    # What is done with one is in its menu.
    oldest = page.locator(f'[data-mlws-snapshot="{first}"]')

    def choose(item: str) -> None:
        oldest.hover()
        oldest.locator(".jp-mlws-MoreButton").click()
        page.locator(".lm-Menu-item").filter(has_text=item).click()

    choose("Tag…")
    fill_dialog(page, name="v1", message="The first")
    expect(oldest).to_contain_text("v1")
    assert git("rev-parse", "v1^{commit}") == first
    assert git("tag", "-l", "--format=%(contents)", "v1").strip() == "The first"
    choose("Select for Compare")
    snapshots.filter(has_text="Both together").click(button="right")
    page.locator(".lm-Menu-item").filter(has_text="Compare with Selected").click()
    expect(page.locator(".jp-mlws-SnapshotDiff")).to_contain_text("topic.py")
    choose("Go Back…")
    ways = page.locator(".jp-mlws-GoBack")
    expect(ways.get_by_label("Restore its files")).to_be_checked()
    expect(ways.get_by_label("Restore its files")).to_be_focused()
    expect(ways.get_by_label("Snapshot", exact=True)).to_have_value(first)
    page.keyboard.press("ArrowDown")
    expect(ways.get_by_label("Revert to it")).to_be_checked()
    shoot("code-go-back")
    page.keyboard.press("Enter")
    expect(snapshots.filter(has_text="Revert to")).to_be_visible()
    assert git("rev-parse", "HEAD^{tree}") == git("rev-parse", f"{first}^{{tree}}")
    assert git("log", "--format=%s", "-2").splitlines()[1] == "Both together"
    assert git("status", "--porcelain") == ""

    # The commit is taken back: its changes are there, and its message is that of the next one.
    page.locator(".jp-mlws-Snapshot.jp-mod-current").click(button="right")
    page.locator(".lm-Menu-item").filter(has_text="Undo Last Commit").click()
    page.locator(".jp-Dialog .jp-mod-accept").click()
    expect(snapshots.first).to_contain_text("Both together")
    expect(page.locator(".jp-mlws-CommitBox")).to_have_value(re.compile("^Revert to"))
    assert git("log", "-1", "--format=%s").strip() == "Both together"
    assert git("status", "--porcelain") != ""


@pytest.mark.slow(reason="a journey in a real browser")
def test_every_way_back_is_in_one_dialog(
    page: Page,
    sidebar: Locator,
    lab: Lab,
    start_lab: Callable[..., Lab],
    git: Repository,
    shoot: Callable[[str], None],
) -> None:
    first, old = git("rev-parse", "HEAD"), code(line_2="line_2 = 'old'")
    git.write("train.py", old)
    second = git.commit("Second")
    dialog, accept = page.locator(".jp-mlws-GoBack"), page.locator(".jp-Dialog .jp-mod-accept")
    expect(page.locator(".jp-mlws-Snapshot").first).to_contain_text("Second")

    # A discard of before the server was killed.
    git.write("train.py", code(line_3="line_3 = 'discarded'"))
    change(page, "train.py").focus()
    page.keyboard.press("Delete")
    accept.click()
    expect(change(page, "train.py")).to_have_count(0)
    open_sidebar(page, killed(lab, start_lab))
    run(page, "mlws:go-back")
    dialog.get_by_label("Restore earlier work").check()
    expect(dialog.get_by_label("Safety copy")).to_contain_text("Before a discard")
    expect(dialog).to_contain_text("Files: train.py")
    shoot("code-go-back-copy")
    accept.click()
    until(page, lambda: "discarded" in (git.root / "train.py").read_text())
    git("checkout", "-q", "train.py")

    # Restored, worked on, and returned.
    run(page, "mlws:go-back")
    expect(dialog.get_by_label("Snapshot", exact=True)).to_have_value(first)
    accept.click()
    expect(page.locator(".jp-mlws-Plan")).to_contain_text("train.py")
    accept.click()
    banner = page.locator(".jp-mlws-Restored")
    expect(banner).to_contain_text("Code and a notebook")
    git.write("train.py", code(line_4="line_4 = 'on the old one'"))
    shoot("code-restored")
    banner.get_by_text("Return to main").click()
    expect(page.locator(".jp-mlws-Plan")).to_contain_text("train.py")
    accept.click()
    expect(banner).to_have_count(0)
    assert (git.root / "train.py").read_text() == old
    run(page, "mlws:go-back", {"way": "copy"})
    expect(dialog.get_by_label("Safety copy")).to_contain_text("Before a restore")
    expect(dialog.get_by_label("Restore earlier work")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)

    # Checked out, without a branch until there is one.
    run(page, "mlws:go-back", {"way": "checkout", "snapshot": first})
    accept.click()
    detached = page.locator(".jp-mlws-Detached")
    expect(detached).to_contain_text(first[:8])
    shoot("code-detached")
    detached.get_by_text("New Branch…").click()
    page.locator(".jp-Dialog input[type=text]").fill("from-first")
    accept.click()
    expect(detached).to_have_count(0)
    assert git("symbolic-ref", "HEAD") == "refs/heads/from-first"
    assert git("rev-parse", "HEAD", "main").split() == [first, second]


@pytest.mark.slow(reason="a journey in a real browser")
def test_who_changed_a_line_is_shown_beside_it(
    page: Page, sidebar: Locator, git: Repository, shoot: Callable[[str], None]
) -> None:
    git.write("train.py", code(line_2="line_2 = 'new'"))
    git("commit", "-qam", "A new second line", "--author", "Somebody Else <else@example.com>")
    git.write("train.py", code(line_2="line_2 = 'new'", line_4="line_4 = 'open'"))
    change(page, "train.py").click(button="right")
    page.locator(".lm-Menu-item").filter(has_text="Show Blame").click()
    gutter = page.locator(".jp-mlws-Blame:visible .jp-mlws-BlameLine")
    theirs = gutter.filter(has_text="Somebody Else")
    expect(theirs).to_have_count(1)
    expect(gutter.filter(has_text="Not committed")).to_have_count(1)
    expect(gutter.filter(has_text="A Person").first).to_be_visible()
    shoot("code-blame")

    # It moves along with an edit, and knows the new lines after a save.
    page.locator(".cm-content:visible .cm-line").first.click()
    page.keyboard.press("Home")
    page.keyboard.type("first = 0\n")
    page.keyboard.press("Control+s")
    expect(gutter.filter(has_text="Not committed")).to_have_count(2)

    # A click shows the commit; the command hides it again.
    theirs.click()
    expect(page.locator(".jp-mlws-Hunk:visible").first).to_contain_text("line_2 = 'new'")
    page.locator(".lm-TabBar-tab").filter(has_text="train.py").first.click()
    run(page, "mlws:blame")
    expect(gutter).to_have_count(0)


@pytest.mark.slow(reason="a journey in a real browser")
def test_single_lines_are_staged_by_pointer_and_discarded_by_keyboard(
    page: Page, sidebar: Locator, git: Repository, shoot: Callable[[str], None]
) -> None:
    new = code(line_2="line_2 = 'two'", line_4="line_4 = 'four'", line_38="line_38 = '38'")
    git.write("train.py", new)
    change(page, "train.py").click()
    hunk = page.locator(".jp-mlws-FileDiff:visible .jp-mlws-Hunk").first
    numbers = hunk.locator(".cm-gutter.cm-lineNumbers").last.locator(".cm-gutterElement")
    old_numbers = hunk.locator(".cm-gutter.cm-lineNumbers").first.locator(".cm-gutterElement")
    stage = hunk.locator(".jp-mlws-StageButton")
    expect(stage).to_have_text("Stage Hunk")

    # Dragged over the numbers of the old line 2 and of the new one.
    old_numbers.get_by_text("2", exact=True).last.hover()
    page.mouse.down()
    numbers.get_by_text("2", exact=True).last.hover()
    page.mouse.up()
    expect(stage).to_have_text("Stage Lines")
    expect(hunk.locator(".cm-gutterElement.jp-mod-selected")).to_have_count(4)
    assert faults_of_access(page, ".jp-mlws-FileDiff") == []
    shoot("code-lines")
    stage.click()
    expect(change(page, "train.py", staged=True)).to_be_visible()
    assert git("show", ":train.py") == code(line_2="line_2 = 'two'").strip()

    # By keyboard: both lines 4 are selected, and discarded.
    removed = hunk.locator(".cm-deletedLine")
    expect(removed).to_have_text("line_4 = 4")
    removed.click()
    page.keyboard.press("Home")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    expect(hunk.locator(".jp-mlws-DiscardButton")).to_have_text("Discard Lines…")
    page.keyboard.press("Delete")
    expect(page.locator(".jp-Dialog")).to_contain_text("Discard 2 lines in “train.py”?")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    expect(hunk.locator(".cm-deletedLine")).to_have_text("line_38 = 38")
    assert (git.root / "train.py").read_text() == code(
        line_2="line_2 = 'two'", line_38="line_38 = '38'"
    )

    # Out of the index again; the file stays.
    change(page, "train.py", staged=True).click()
    hunk.locator(".cm-changedLine").click()
    page.keyboard.press("Home")
    page.keyboard.press("Shift+ArrowDown")
    expect(hunk.locator(".jp-mlws-UnstageButton")).to_have_text("Unstage Lines")
    page.keyboard.press("s")
    expect(hunk.locator(".cm-changedLine")).to_have_count(0)
    assert "two" not in git("show", ":train.py")
    assert "two" in (git.root / "train.py").read_text()


@pytest.mark.slow(reason="a journey in a real browser")
def test_a_diff_is_edited_side_by_side(
    page: Page, sidebar: Locator, git: Repository, shoot: Callable[[str], None]
) -> None:
    git.write("train.py", code(line_2="line_2 = 'two'", line_38="line_38 = '38'"))
    change(page, "train.py").click()
    view = page.locator(".jp-mlws-FileDiff:visible")
    toolbar = page.locator(".jp-MainAreaWidget:visible .jp-Toolbar")

    def press(name: str) -> None:
        toolbar.get_by_role("button", name=name, exact=True).click()

    press("Side by Side")
    left, right = view.locator(".cm-merge-a"), view.locator(".cm-merge-b")
    expect(left.locator(".cm-changedLine").first).to_have_text("line_2 = 2")
    expect(right.locator(".cm-changedLine").first).to_have_text("line_2 = 'two'")
    value = right.locator(".cm-changedLine span", has_text="'two'").last
    colour = "element => getComputedStyle(element).color"
    until(page, lambda: value.evaluate(colour) != right.evaluate(colour))
    assert faults_of_access(page, ".jp-mlws-FileDiff") == []
    shoot("code-beside")

    # Selected lines of the right side are staged with those that they replace.
    right.locator(".cm-changedLine").first.click()
    page.keyboard.press("Home")
    page.keyboard.press("Shift+ArrowDown")
    press("Stage Lines")
    expect(change(page, "train.py", staged=True)).to_be_visible()
    assert git("show", ":train.py") == code(line_2="line_2 = 'two'").strip()
    expect(right.locator(".cm-changedLine")).to_have_count(1)
    expect(right.locator(".cm-changedLine")).to_have_text("line_38 = '38'")

    # An edit is saved by keyboard; one that is not is asked for.
    right.locator(".cm-changedLine").click()
    page.keyboard.press("End")
    page.keyboard.type("  # edited")
    save = toolbar.get_by_role("button", name="Save", exact=True)
    expect(save).to_be_enabled()
    page.keyboard.press("Control+s")
    expect(save).to_be_disabled()
    assert "# edited" in (git.root / "train.py").read_text()
    expect(right.locator(".cm-content")).to_be_focused()
    page.keyboard.type("!")
    page.locator(".lm-TabBar-tab.lm-mod-current .lm-TabBar-tabCloseIcon:visible").last.click()
    expect(page.locator(".jp-Dialog")).to_contain_text("Close without saving?")
    page.locator(".jp-Dialog .jp-mod-reject").click()
    right.locator(".cm-changedLine").click()
    # Edits within half a second are undone together.
    page.keyboard.press("Control+z")
    expect(right.locator(".cm-changedLine")).not_to_contain_text("!")
    page.keyboard.press("End")
    page.keyboard.type(" # again")
    page.keyboard.press("Control+s")
    expect(save).to_be_disabled()

    # A document that is opened meanwhile is edited at both places at once.
    press("Open File")
    editor = page.locator(".jp-FileEditor:visible .cm-content")
    expect(editor).to_contain_text("# again")
    page.locator(".lm-TabBar-tab").filter(has_text="Changes in").click()
    right.locator(".cm-changedLine").click()
    page.keyboard.press("End")
    page.keyboard.type(" here")
    expect(save).to_be_enabled()
    page.locator(".lm-TabBar-tab").filter(has_text="train.py").last.click()
    expect(editor).to_contain_text("here")

    # The layout stays, and the committed file has no changes.
    page.locator(".lm-TabBar-tab").filter(has_text="Changes in").click()
    press("Inline")
    expect(view.locator(".jp-mlws-Hunk")).to_have_count(1)
    change(page, "train.py").click(button="right")
    page.locator(".lm-Menu-item").filter(has_text="Open at HEAD").click()
    expect(view.locator(".cm-line").nth(1)).to_have_text("line_2 = 2")
    expect(view.locator(".cm-changedLine")).to_have_count(0)
    shoot("code-at-head")


@pytest.mark.slow(reason="a journey in a real browser")
def test_branches_are_compared_by_name(
    page: Page, sidebar: Locator, git: Repository, shoot: Callable[[str], None]
) -> None:
    git("checkout", "-q", "-b", "topic")
    git.write("theirs.py", "theirs = 1\n")
    git.commit("Theirs")
    git("checkout", "-q", "main")
    git.write("ours.py", "ours = 1\n")
    git.commit("Ours")
    unfold(page, "Branches")
    dialog = page.locator(".jp-Dialog")

    def compare(start: str, end: str, *, since: bool = False) -> Locator:
        page.locator(".jp-mlws-CompareRefsButton").click()
        expect(dialog.locator("datalist option[value='topic']")).to_have_count(1)
        expect(dialog.locator("input[name='from']")).to_be_focused()
        page.keyboard.type(start)
        dialog.locator("input[name='to']").fill(end)
        dialog.locator("input[type='checkbox']").set_checked(since)
        if since:
            shoot("code-compare")
        dialog.locator("input[name='to']").press("Enter")
        expect(dialog).to_have_count(0)
        return page.locator(".jp-mlws-SnapshotDiff:visible")

    shown = compare("main", "topic")
    expect(shown.locator("[data-mlws-row]")).to_have_count(2)
    shown = compare("main", "topic", since=True)
    expect(shown).to_contain_text("merge base of main and topic")
    expect(shown.locator("[data-mlws-row]")).to_have_count(1)
    shoot("code-compared")
    shown.locator("[data-mlws-row]").click()
    expect(page.locator(".jp-mlws-FileDiff:visible")).to_contain_text("theirs = 1")
    expect(compare("no-such", "HEAD~1")).to_contain_text("no-such")


@pytest.mark.slow(reason="a journey in a real browser")
def test_a_pull_request_is_opened_where_the_branch_is(
    page: Page, sidebar: Locator, git: Repository
) -> None:
    git("remote", "add", "origin", "https://user@git.example/group/project.git")
    git("update-ref", "refs/remotes/origin/main", "main")
    git("branch", "-q", "--set-upstream-to", "origin/main")
    page.context.route("https://git.example/**", lambda route: route.fulfill(body="compare"))
    page.locator(".jp-mlws-BranchButton").click()
    branch(page, "main").click(button="right")
    page.locator(".lm-Menu-item").filter(has_text="Open Pull Request").click()
    page.locator(".jp-Dialog select").select_option("Gitea")
    with page.context.expect_page() as opened:
        page.locator(".jp-Dialog .jp-mod-accept").click()
    assert opened.value.url == "https://git.example/group/project/compare/main"

    # A branch gets another name in its menu, by keyboard.
    page.bring_to_front()
    branch(page, "main").locator(".jp-mlws-Row").focus()
    page.keyboard.press("Shift+F10")
    item = page.locator(".lm-Menu-item").filter(has_text="Rename…")
    expect(item).to_be_visible()
    item.click()
    page.locator(".jp-Dialog input").fill("第一")
    page.keyboard.press("Enter")
    expect(branch(page, "第一")).to_be_visible()
    assert git("symbolic-ref", "HEAD") == "refs/heads/第一"

    # Another branch is published there, and a worktree is listed.
    bare = git.root.parent / "bare.git"
    git("init", "-q", "--bare", str(bare))
    git("remote", "set-url", "origin", str(bare))
    git("worktree", "add", "-q", "-b", "aside", str(git.root.parent / "aside"))
    aside = branch(page, "aside")
    aside.locator(".jp-mlws-Row").click(button="right")
    page.locator(".lm-Menu-item").filter(has_text="Push or Publish Branch").click()
    until(page, lambda: git("for-each-ref", "--format=%(upstream)", "refs/heads/aside") != "")
    assert git("ls-remote", "origin", "aside").split()[0] == git("rev-parse", "aside")
    page.locator('[data-mlws-group="worktrees"] summary').click()
    expect(page.locator(".jp-mlws-Worktree")).to_have_count(2)


@pytest.mark.slow(reason="a journey in a real browser")
@pytest.mark.exhaustive
def test_history_is_tidied_by_keyboard(
    page: Page, sidebar: Locator, git: Repository, shoot: Callable[[str], None]
) -> None:
    def subjects() -> list[str]:
        return git("log", "--format=%s", "-3").splitlines()

    snapshots = page.locator(".jp-mlws-Snapshot")
    current = page.locator(".jp-mlws-Snapshot.jp-mod-current")
    accept = page.locator(".jp-Dialog .jp-mod-accept")
    git("checkout", "-q", "-b", "topic")
    nbformat.write(v4.new_notebook(cells=[v4.new_code_cell("x = 3")]), git.root / "look.ipynb")
    git.commit("Their notebook")
    git.write("wanted.py", "wanted\n")
    wanted = git.commit("Wanted")
    git("checkout", "-q", "main")
    git.write("one.py", "1\n")
    expect(change(page, "one.py")).to_be_visible()
    commit(page, "One")

    # A commit gets one file more, and another message.
    git.write("more.py", "more\n")
    expect(change(page, "more.py")).to_be_visible()
    press_until(page, page.locator(".jp-mlws-CommitBox"), "Tab")
    page.keyboard.type("One and more")
    go_to(page, current)
    choose_by_keyboard(page, "Amend Last Commit")
    expect(page.locator(".jp-Dialog")).to_contain_text("One and more")
    press(page, accept)
    expect(current).to_contain_text("One and more")
    assert "more.py" in git("show", "--name-only", "--format=")

    # Three become one.
    for name in ("Two", "Three"):
        git.write(f"{name.lower()}.py", f"{name}\n")
        commit(page, name)
    go_to(page, snapshots.filter(has_text="One and more"))
    choose_by_keyboard(page, "Squash This")
    expect(page.locator(".jp-Dialog input")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("All three")
    page.keyboard.press("Enter")
    expect(current).to_contain_text("All three")
    assert subjects()[1] == "Code and a notebook"
    assert git("status", "--porcelain") == ""

    # One commit of another branch.
    press_until(page, page.locator(".jp-mlws-AllBranches input"), "Tab")
    page.keyboard.press("Space")
    go_to(page, page.locator(f'[data-mlws-snapshot="{wanted}"]'))
    choose_by_keyboard(page, "Cherry-Pick")
    expect(current).to_contain_text("Wanted")
    assert subjects()[:2] == ["Wanted", "All three"]
    go_to(page, current)
    choose_by_keyboard(page, "Go Back…")
    page.get_by_label("Revert its changes").check()
    accept.click()
    expect(current).to_contain_text("Revert")
    assert not (git.root / "wanted.py").exists()
    git("reset", "-q", "--hard", "HEAD~2")

    # Rebased onto the other branch: their notebook and ours have a conflict in one cell.
    nbformat.write(v4.new_notebook(cells=[v4.new_code_cell("x = 2")]), git.root / "look.ipynb")
    commit(page, "Our notebook")
    before = git("rev-parse", "main")
    press(page, title(page, "Branches"))
    press_until(page, branch(page, "main").locator(".jp-mlws-Row"), "Tab")
    press_until(page, branch(page, "topic").locator(".jp-mlws-Row"), "ArrowDown")
    choose_by_keyboard(page, "Rebase Current Branch Onto It…")
    expect(page.locator(".jp-Dialog")).to_contain_text("Rebase onto “topic”?")
    shoot("code-rebase-question")
    press(page, accept)
    conflict = page.locator('[data-mlws-conflict="look.ipynb"]')
    expect(conflict).to_be_visible(timeout=30_000)
    shoot("code-rebase-conflict")
    conflict.click()
    expect(page.get_by_text("Ours: topic")).to_be_visible()
    page.get_by_role("button", name="Use Theirs", exact=True).click()
    page.get_by_role("button", name="Accept Result").click()
    page.locator(".jp-mlws-Settled .jp-mlws-ContinueButton").click()
    expect(page.locator(".jp-mlws-MergePanel")).to_have_count(0)
    assert git("merge-base", "main", "topic") == wanted
    assert git("symbolic-ref", "HEAD") == "refs/heads/main"

    # And back to where the branch was.
    page.locator('[data-mlws-group="safety"] summary').click()
    copy = page.locator(".jp-mlws-SafetyCopy").filter(has_text="Before a rebase").first
    copy.locator(".jp-mlws-Row").click()
    expect(page.locator(".jp-Dialog")).to_contain_text("main")
    accept.click()
    until(page, lambda: git("rev-parse", "main") == before)
    expect(current).to_contain_text("Our notebook")


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_a_rebase_goes_on_after_the_server_was_killed(
    page: Page,
    start_lab: Callable[..., Lab],
    git: Repository,
    tmp_path: Path,
    shoot: Callable[[str], None],
) -> None:
    def write(cell: str, rows: str) -> None:
        nbformat.write(v4.new_notebook(cells=[v4.new_code_cell(cell)]), git.root / "look.ipynb")
        git.write("prices.csv", f"id,name,price\n{rows}")

    with closing(Workspace.open(git.root)) as workspace:
        write("x = 1", "1,a,10\n2,b,20\n")
        workspace.datasets.add("prices.csv")
        workspace.snapshots.create("Prices")
        workspace.branches.create("topic", "main", checkout=True)
        write("x = 'theirs'", "1,a,11\n2,theirs,20\n")
        workspace.snapshots.create("Theirs")
        workspace.branches.checkout("main", None, create=False)
        write("x = 'ours'", "1,a,10\n2,ours,20\n3,c,30\n")
        workspace.snapshots.create("Ours")
        git.write("train.py", "last\n")
        workspace.snapshots.create("Last")

    # Two conflicts in one commit, in a notebook and in data; one is resolved.
    lab = start_lab(git.root)
    open_sidebar(page, lab)
    run(page, "mlws:rebase")
    page.locator(".jp-Dialog select").select_option("topic")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    page.locator(".jp-Dialog .jp-mod-warn").click()
    conflicts = page.locator(".jp-mlws-Conflict")
    expect(conflicts).to_have_count(2)
    conflicts.filter(has_text="look.ipynb").click()
    cell = page.locator(".jp-mlws-MergeCell.jp-mod-open")
    expect(cell.locator('[data-mlws-side="ours"]')).to_contain_text("x = 'theirs'")
    cell.locator('[data-mlws-take="theirs"]').click()
    page.locator(".jp-mlws-ResolveButton").click()
    expect(conflicts).to_have_count(1)

    # The next server has the rebase as it was; the data is merged by row.
    open_sidebar(page, killed(lab, start_lab))
    panel = page.locator(".jp-mlws-MergePanel")
    expect(panel).to_contain_text("In progress: Rebase")
    expect(panel).to_contain_text("1 file has conflicts")
    expect(panel.locator(".jp-mlws-AbortButton")).to_be_visible()
    expect(panel.locator(".jp-mlws-ContinueButton")).to_have_count(0)
    shoot("code-rebase-after-kill")
    conflicts.click()
    merge = page.locator(".jp-mlws-TableMerge")
    merge.locator('[data-mlws-row="2"] select').select_option("theirs")
    shoot("code-rebase-rows")
    merge.locator("[data-mlws-merge-rows]").click()
    panel.locator(".jp-mlws-ContinueButton").click()
    expect(panel).to_have_count(0)
    expect(page.locator(".jp-mlws-Snapshot.jp-mod-current")).to_contain_text("Last")
    subjects = git("log", "--reverse", "--format=%s", "-4").splitlines()
    assert subjects == ["Prices", "Theirs", "Ours", "Last"]
    assert git("symbolic-ref", "HEAD") == "refs/heads/main"
    notebook = nbformat.read(git.root / "look.ipynb", as_version=4)
    assert [cell.source for cell in notebook.cells] == ["x = 'ours'"]
    rows = (git.root / "prices.csv").read_text()
    assert rows == "id,name,price\n1,a,11\n2,ours,20\n3,c,30\n"
    assert "up to date" in lab.dvc("status").stdout
    assert git("status", "--porcelain") == ""


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_a_project_is_cloned_where_there_is_none(
    page: Page,
    start_lab: Callable[..., Lab],
    git: Repository,
    bare: tuple[Repository, str],
    tmp_path: Path,
) -> None:
    remote, address = bare
    git("push", "-q", str(remote.root), "main")
    (tmp_path / "home").mkdir()
    lab = start_lab(tmp_path / "home")
    page.goto(lab.address())
    page.wait_for_function("window.jupyterapp?.commands.hasCommand('mlws:open-source-control')")
    run(page, "mlws:open-source-control")
    page.locator(".jp-mlws-CloneButton").click()
    fill_dialog(page, url=address, name="copy")
    for answer in (USER, PASSWORD):
        field = "password" if answer == PASSWORD else "text"
        expect(page.locator(f".jp-mlws-Question input[type={field}]")).to_be_visible()
        fill_dialog(page, answer=answer)
    expect(page.locator(".jp-mlws-Welcome")).to_contain_text("“copy” is not trusted")
    expect(page.locator(".jp-mlws-CommitBox")).to_be_hidden()
    page.locator(".jp-mlws-TrustButton").click()
    expect(page.locator(".jp-mlws-Snapshot").first).to_contain_text("Code and a notebook")
    copy = Repository(tmp_path / "home" / "copy")
    assert copy("rev-parse", "HEAD") == git("rev-parse", "HEAD")
    assert copy("remote", "get-url", "origin") == address


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_stashes_tags_and_deleted_branches(
    page: Page, sidebar: Locator, git: Repository, shoot: Callable[[str], None]
) -> None:
    unfold(page, "Branches")
    git.write("train.py", "half done\n")
    git.write("new.py", "new\n")
    expect(change(page, "new.py")).to_be_visible()
    page.locator(".jp-mlws-StashButton").click()
    fill_dialog(page, message="Half done")
    expect(change(page, "new.py")).to_have_count(0)
    assert git("status", "--porcelain") == ""
    assert git("stash", "list", "--format=%gs") == "On main: Half done"
    page.locator('[data-mlws-group="stashes"] summary').click()
    page.locator(".jp-mlws-Stash [data-mlws-row]").click()
    expect(page.locator(".jp-mlws-Stash-files li")).to_have_text(["new.py", "train.py"])
    page.locator(".jp-mlws-PopButton").click()
    expect(change(page, "new.py")).to_be_visible()
    expect(page.locator(".jp-mlws-Stash")).to_have_count(0)
    assert git("stash", "list") == ""
    assert (git.root / "train.py").read_text() == "half done\n"
    commit(page, "Done")

    # A name that git refuses is told, and nothing is made.
    page.locator('[data-mlws-group="tags"] .jp-mlws-AddButton').click()
    fill_dialog(page, name="a..b")
    expect(page.locator(".Toastify")).to_contain_text("is not a name that git allows")
    assert git("tag", "-l") == ""
    page.locator('[data-mlws-group="tags"] .jp-mlws-AddButton').click()
    fill_dialog(page, name="v1")
    page.locator('[data-mlws-group="tags"] summary').click()
    expect(page.locator(".jp-mlws-Tag")).to_contain_text("v1")
    assert git("rev-parse", "v1") == git("rev-parse", "HEAD")

    # A branch with commits of its own goes after a word of it, and comes back.
    git("branch", "idle")
    git("checkout", "-q", "-b", "lonely")
    git.write("lonely.py", "1\n")
    tip = git.commit("Lonely")
    git("checkout", "-q", "main")
    for name in ("idle", "lonely"):
        branch(page, name).hover()
        branch(page, name).get_by_label("Delete").click()
        if name == "lonely":
            expect(page.locator(".jp-Dialog")).to_contain_text(tip[:8])
            page.locator(".jp-Dialog .jp-mod-accept").click()
        expect(branch(page, name)).to_have_count(0)
    assert git("branch", "--format=%(refname:short)") == "main"
    notice = page.locator(".Toastify__toast").filter(has_text="Deleted branch “lonely”")
    notice.get_by_text("Undo").click()
    expect(branch(page, "lonely")).to_be_visible()
    assert git("rev-parse", "lonely") == tip


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_what_is_deleted_or_binary_is_settled_as_a_whole(
    page: Page, sidebar: Locator, git: Repository, shoot: Callable[[str], None]
) -> None:
    image = git.root / "image.bin"
    image.write_bytes(bytes(range(256)) * 4)
    git.write("old.py", "old\n")
    git.commit("Before")
    git("checkout", "-q", "-b", "topic")
    image.write_bytes(bytes(range(255, -1, -1)) * 4)
    git("rm", "-q", "old.py")
    git.commit("Theirs")
    git("checkout", "-q", "main")
    image.write_bytes(bytes(512))
    git.write("old.py", "old, but changed\n")
    git.commit("Ours")
    unfold(page, "Branches")
    branch(page, "topic").hover()
    branch(page, "topic").locator(".jp-mlws-MergeButton").click()

    page.locator('[data-mlws-conflict="old.py"]').click()
    whole = page.locator(".jp-mlws-WholeMerge:visible")
    expect(whole).to_contain_text("old, but changed")
    shoot("code-whole")
    whole.locator('[data-mlws-take="theirs"]').click()
    # The way to the next one is offered where this one ends.
    page.locator(".jp-mlws-Settled:visible").get_by_text("Resolve image.bin").click()
    expect(whole).to_contain_text("1 kB")
    whole.locator('[data-mlws-take="ours"]').click()
    page.locator(".jp-mlws-Settled:visible .jp-mlws-ContinueButton").click()
    expect(page.locator(".jp-mlws-MergePanel")).to_have_count(0)
    expect(page.locator(".jp-mlws-ConflictView")).to_have_count(0)
    assert not (git.root / "old.py").exists()
    assert image.read_bytes() == bytes(512)
    assert git("log", "-1", "--format=%s") == "Merge topic"
    assert git("status", "--porcelain") == ""

    # Given up: everything is as it was.
    git("checkout", "-q", "-b", "again", "topic~1")
    git.write("train.py", "theirs\n")
    git.commit("Theirs again")
    git("checkout", "-q", "main")
    git.write("train.py", "ours\n")
    ours = git.commit("Ours again")
    expect(branch(page, "again")).to_be_visible()
    branch(page, "again").hover()
    branch(page, "again").locator(".jp-mlws-MergeButton").click()
    page.locator(".jp-mlws-AbortButton").click()
    page.locator(".jp-Dialog .jp-mod-accept").click()
    expect(page.locator(".jp-mlws-CommitBox")).to_be_visible()
    assert git("rev-parse", "HEAD") == ours
    assert (git.root / "train.py").read_text() == "ours\n"
    assert git("status", "--porcelain") == ""


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
@pytest.mark.parametrize(("theme", "locale"), [("light", "zh_CN"), ("dark", "en")])
def test_how_code_looks(
    page: Page,
    start_lab: Callable[..., Lab],
    git: Repository,
    tmp_path: Path,
    shoot: Callable[[str], None],
    theme: str,
    locale: str,
) -> None:
    set_looks(tmp_path / "lab" / "settings", theme, locale)
    git("tag", "v1")
    git("remote", "add", "origin", "https://git.example/project.git")
    git("checkout", "-q", "-b", "topic")
    git.write("train.py", code(line_5="line_5 = 'theirs'", line_30="line_30 = 'theirs alone'"))
    git.write("both.py", "theirs\nsame\n")
    git.commit("Theirs")
    git("checkout", "-q", "main")
    git.write("train.py", code(line_5="line_5 = 'ours'", line_38="line_38 = 'ours alone'"))
    git.write("both.py", "ours\nsame\n")
    git.commit("Ours")
    git.write("notes.md", "staged\n")
    git("add", "notes.md")
    git.write("train.py", code(line_5="line_5 = 'ours'", line_20="line_20 = 'not staged'"))
    git.write("new.py", "print()\n")

    lab = start_lab(git.root)
    page.goto(lab.address())
    page.wait_for_function("window.jupyterapp?.commands.hasCommand('mlws:open-source-control')")
    run(page, "mlws:open-source-control")
    expect(change(page, "notes.md", staged=True)).to_be_visible()
    change(page, "train.py").click()
    expect(page.locator(".jp-mlws-Hunk").first).to_be_visible()
    shoot(f"code-changes-{theme}-{locale}")
    page.locator(".jp-mlws-BranchButton").click()
    expect(branch(page, "topic")).to_be_visible()
    branch(page, "topic").hover()
    for group in ("tags", "remotes"):
        page.locator(f'[data-mlws-group="{group}"] summary').click()
    shoot(f"code-refs-{theme}-{locale}")
    git("reset", "-q", "--hard")
    git("clean", "-qf")
    branch(page, "topic").hover()
    branch(page, "topic").locator(".jp-mlws-MergeButton").click()
    page.locator('[data-mlws-conflict="train.py"]').click()
    expect(page.locator(".jp-mlws-Merge-bar")).to_be_visible()
    shoot(f"code-conflict-{theme}-{locale}")
    page.locator(".jp-mlws-Take-theirs").click()
    page.locator('[data-mlws-conflict="both.py"]').click()
    expect(page.locator(".jp-mlws-Merge-bar:visible")).to_be_visible()
    page.locator(".jp-mlws-AbortButton").click()
    expect(page.locator(".jp-Dialog")).to_be_visible()
    shoot(f"code-abort-{theme}-{locale}")


def set_looks(settings: Path, theme: str, locale: str) -> None:
    """Theme and language of a lab that is not started yet."""
    names = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
    for plugin, values in (
        ("apputils-extension/themes", {"theme": names[theme]}),
        ("translation-extension/plugin", {"locale": locale}),
    ):
        file = settings / "@jupyterlab" / f"{plugin}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
