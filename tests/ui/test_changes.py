"""The changes in Source Control by pointer and keyboard: selection, menu, history, preview."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.canvas import faults_of_access, saved_layout, until
from tests.ui.conftest import Lab
from tests.ui.sections import open_sidebar

pytestmark = [pytest.mark.browser, pytest.mark.slow(reason="a journey in a real browser")]

NAMES = [f"note-{number:02}.md" for number in range(8)]


@pytest.fixture
def lab(share_lab: Callable[[Path], Lab], example: Path) -> Lab:
    """The example with eight new files and a changed workflow."""
    for name in NAMES:
        (example / name).write_text("Something is new\n")
    workflow = example / "workflows/wine/dvc.yaml"
    workflow.write_text(workflow.read_text() + "# changed\n")
    return share_lab(example)


def row(page: Page, path: str, *, staged: bool = False) -> Locator:
    state = str(staged).lower()
    return page.locator(f'.jp-mlws-Change[data-mlws-path="{path}"][data-mlws-staged="{state}"]')


def selected(page: Page) -> list[str | None]:
    rows = page.locator('.jp-mlws-Change[aria-selected="true"]')
    return [one.get_attribute("data-mlws-path") for one in rows.all()]


def in_index(lab: Lab) -> set[str]:
    answer = subprocess.run(
        ["git", "diff", "--cached", "--name-only"], cwd=lab.root, capture_output=True, text=True
    )
    return set(answer.stdout.split())


def menu_item(page: Page, label: str) -> Locator:
    return page.locator(".lm-Menu-item").filter(
        has=page.locator(".lm-Menu-itemLabel", has_text=label)
    )


def tabs(page: Page) -> Locator:
    return page.locator("#jp-main-dock-panel .lm-TabBar-tab").filter(has_text="Changes in")


def test_several_files_are_selected_by_pointer_and_keyboard(page: Page, lab: Lab) -> None:
    open_sidebar(page, lab)
    row(page, NAMES[1]).click()
    expect(row(page, NAMES[1])).to_have_attribute("aria-selected", "true")
    row(page, NAMES[4]).click(modifiers=["Shift"])
    assert selected(page) == NAMES[1:5]
    row(page, NAMES[2]).click(modifiers=["ControlOrMeta"])
    row(page, NAMES[6]).click(modifiers=["ControlOrMeta"])
    assert selected(page) == [NAMES[1], NAMES[3], NAMES[4], NAMES[6]]
    expect(page.get_by_role("status").filter(has_text="4 of 9 selected")).to_be_visible()
    grid = page.get_by_role("treegrid", name="Changes")
    expect(grid).to_have_attribute("aria-multiselectable", "true")
    assert faults_of_access(page, ".jp-mlws-Changes") == []

    # A button of a selected row acts on all of them.
    row(page, NAMES[3]).hover()
    row(page, NAMES[3]).get_by_role("gridcell").get_by_title("Stage 4 Files").click()
    expect(row(page, NAMES[6], staged=True)).to_be_visible()
    assert in_index(lab) == {NAMES[1], NAMES[3], NAMES[4], NAMES[6]}

    # The same by the keyboard.
    row(page, NAMES[0]).click()
    page.keyboard.press("ArrowDown")
    assert selected(page) == [NAMES[2]]
    page.keyboard.press("Shift+ArrowDown")
    assert selected(page) == [NAMES[2], NAMES[5]]
    page.keyboard.press("s")
    expect(row(page, NAMES[5], staged=True)).to_be_visible()
    row(page, NAMES[5], staged=True).focus()
    page.keyboard.press("ControlOrMeta+a")
    expect(page.get_by_role("status").filter(has_text="6 of 6 selected")).to_be_visible()
    page.keyboard.press("Escape")
    assert selected(page) == []
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("s")
    until(page, lambda: in_index(lab) == set())


def test_a_changed_file_has_a_menu(page: Page, lab: Lab) -> None:
    open_sidebar(page, lab)
    workflow = "workflows/wine/dvc.yaml"
    row(page, workflow).click(button="right")
    for label in (
        *("Show Changes", "Open", "Open at HEAD", "Reveal in File Browser", "Stage"),
        *("File History", "Discard…"),
    ):
        expect(page.locator(".lm-Menu-itemLabel").get_by_text(label, exact=True)).to_be_visible()
    expect(menu_item(page, "Add to .gitignore")).to_have_count(0)

    # The history of the file is in view at once, with its filter in one line.
    menu_item(page, "File History").click()
    chip = page.locator(".jp-mlws-Chip")
    expect(chip).to_have_text(f"History of {workflow}")
    expect(page.locator(".jp-mlws-Snapshot").first).to_be_in_viewport()
    expect(page.locator(".jp-mlws-Filter")).to_have_count(0)
    assert faults_of_access(page, ".jp-mlws-History") == []
    chip.get_by_role("button", name="Show All Snapshots").click()
    expect(page.locator(".jp-mlws-Filter").first).to_be_visible()

    # By the keyboard, about the selection.
    row(page, NAMES[0]).click()
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+F10")
    menu_item(page, "Add 2 Files to .gitignore").click()
    expect(row(page, NAMES[1])).to_have_count(0)
    assert f"/{NAMES[0]}\n/{NAMES[1]}\n" in (lab.root / ".gitignore").read_text()

    row(page, NAMES[2]).click(button="right")
    menu_item(page, "Reveal in File Browser").click()
    expect(page.locator(".jp-DirListing-item.jp-mod-selected")).to_contain_text(NAMES[2])
    open_sidebar(page, lab)

    # Discarded after a question that says how many.
    row(page, NAMES[2]).click()
    row(page, NAMES[4]).click(modifiers=["Shift"])
    row(page, NAMES[3]).click(button="right")
    menu_item(page, "Discard 3 Files…").click()
    expect(page.locator(".jp-Dialog")).to_contain_text("Discard changes to 3 files?")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    expect(row(page, NAMES[3])).to_have_count(0)
    assert not (lab.root / NAMES[4]).exists()


def test_one_preview_is_reused_until_it_is_kept(page: Page, lab: Lab) -> None:
    open_sidebar(page, lab)
    label = tabs(page).locator(".lm-TabBar-tabLabel")
    for name in NAMES[:3]:
        row(page, name).click()
        expect(label).to_have_text(f"Changes in {name}")
        expect(label).to_have_css("font-style", "italic")
    tabs(page).dblclick()
    expect(label).to_have_css("font-style", "normal")
    row(page, NAMES[3]).click()
    expect(tabs(page)).to_have_count(2)
    row(page, NAMES[4]).dblclick()
    expect(label.last).to_have_text(f"Changes in {NAMES[4]}")
    expect(label.last).to_have_css("font-style", "normal")
    row(page, NAMES[5]).click()
    expect(tabs(page)).to_have_count(3)
    # The file of a kept tab is shown in it again.
    row(page, NAMES[0]).click()
    row(page, NAMES[2]).click()
    expect(tabs(page)).to_have_count(3)
    expect(tabs(page).first).to_have_class(re.compile("lm-mod-current"))


@pytest.mark.exhaustive
def test_the_tree_of_changes_is_kept(
    page: Page, start_lab: Callable[..., Lab], example: Path
) -> None:
    for name in ("src/deep/er/a.py", "src/deep/er/b.py", "src/c.py"):
        file = example / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("print()\n")
    lab = start_lab(example)
    open_sidebar(page, lab)
    page.get_by_role("button", name="View as Tree").click()
    folder = page.locator('[data-mlws-folder="src/deep/er"]')
    expect(folder).to_contain_text("deep/er")
    expect(folder).to_have_attribute("aria-level", "2")
    expect(row(page, "src/deep/er/a.py")).to_have_attribute("aria-level", "3")
    folder.focus()
    page.keyboard.press("ArrowLeft")
    expect(row(page, "src/deep/er/a.py")).to_have_count(0)
    page.keyboard.press("ArrowRight")
    expect(row(page, "src/deep/er/a.py")).to_be_visible()
    assert faults_of_access(page, ".jp-mlws-Changes") == []
    until(page, lambda: saved_layout(lab).get("mlws-sidebar:tree") is True)
    page.goto(lab.address().removesuffix("&reset"))
    expect(page.get_by_role("button", name="View as List")).to_be_visible()
