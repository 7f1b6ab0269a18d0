"""The canvas without a pointer, in light and dark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.canvas import RUN_LIMIT, faults_of_access, node
from tests.ui.conftest import Lab, prefer

pytestmark = pytest.mark.browser

PATH = "workflows/keys/dvc.yaml"
MOST_TABS = 60


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until an element, or one inside it, has the focus."""
    has_focus = "element => element.contains(document.activeElement)"
    for _ in range(MOST_TABS):
        if target.evaluate(has_focus):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"{target} is not reached")


def choose(page: Page, key: str, words: str) -> None:
    """Press a key that opens a list, and choose the first that fits words."""
    page.keyboard.press(key)
    expect(page.locator(".jp-mlws-Chooser input")).to_be_focused()
    page.keyboard.type(words)
    expect(page.locator(".jp-mlws-Chooser [role=option]").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator(".jp-mlws-Chooser")).to_have_count(0)


def next_pane(page: Page, name: str) -> None:
    """Go to the next pane, which has a name of its class."""
    page.keyboard.press("F6")
    expect(page.locator(f".jp-mlws-{name}:focus, .jp-mlws-{name} :focus")).to_have_count(1)


def open_tab(page: Page, name: str) -> None:
    """Go from one tab of the results to another."""
    tab = page.locator(".jp-mlws-Drawer").get_by_role("tab", name=name)
    for _ in range(4):
        page.keyboard.press("ArrowRight")
        expect(page.locator(".jp-mlws-Drawer [role=tab][aria-selected=true]")).to_be_focused()
        if tab.get_attribute("aria-selected") == "true":
            return
    pytest.fail(f"the tab {name} is not reached")


@pytest.mark.exhaustive
@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.exhaustive)])
@pytest.mark.slow(reason="a journey in a real browser")
def test_a_workflow_is_made_run_and_read_by_keys_alone(
    page: Page, start_lab: Callable[..., Lab], example: Path, tmp_path: Path, theme: str
) -> None:
    prefer(tmp_path, f"JupyterLab {theme.title()}", "en")
    (example / PATH).parent.mkdir()
    (example / PATH).write_text("stages: {}\n")
    lab = start_lab(example)
    page.goto(lab.address(PATH))
    expect(page.locator(".jp-mlws-Canvas-starts")).to_be_visible()
    expect(page.locator(".jp-mlws-Canvas")).to_be_focused()

    # Add, and connect.
    choose(page, "Control+k", "sample data")
    expect(node(page, "sample_data")).to_be_visible()
    choose(page, "Control+l", "split")
    expect(node(page, "split")).to_be_visible()
    expect(page.locator(".react-flow__edge")).to_have_count(1)

    # Set: a node opens with the focus in its settings.
    next_pane(page, "Panel")
    tab_to(page, page.locator('[id$="_test_size"]'))
    page.keyboard.press("Control+a")
    page.keyboard.type("7")
    error = page.locator(".jp-mlws-Panel .jp-mlws-Field-error, .jp-mlws-Panel .text-danger")
    expect(error.first).to_contain_text("Must be greater than 0 and less than 1")
    page.keyboard.press("Control+a")
    page.keyboard.type("0.5")
    expect(error).to_have_count(0)

    # Run, and open the result.
    page.keyboard.press("Control+Enter")
    state = "data-mlws-state"
    expect(node(page, "split")).to_have_attribute(state, "COMPLETED", timeout=RUN_LIMIT)
    next_pane(page, "Drawer")
    open_tab(page, "Preview")
    grid = page.locator(".jp-mlws-Drawer [role=grid]").first
    expect(grid).to_be_visible()
    tab_to(page, grid)
    assert faults_of_access(page, ".jp-mlws-Workflow") == []

    # Delete, and undo.
    next_pane(page, "Palette")
    next_pane(page, "Canvas")
    page.keyboard.press("Delete")
    expect(node(page, "split")).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(node(page, "split")).to_be_visible()

    # In the tree the same.
    page.keyboard.press("Control+Shift+y")
    row = page.locator('[data-mlws-row="split"]')
    expect(page.locator("[data-mlws-row]:focus")).to_have_count(1)
    page.keyboard.press("End")
    expect(row).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".jp-mlws-Panel form :focus")).to_have_count(1)
    next_pane(page, "Drawer")
    next_pane(page, "Palette")
    next_pane(page, "Canvas")
    expect(row).to_be_focused()
    page.keyboard.press("Delete")
    expect(row).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(row).to_be_visible()
    assert faults_of_access(page, ".jp-mlws-Workflow") == []
    page.keyboard.press("Control+Shift+y")
    expect(page.locator(".jp-mlws-Tree")).to_have_count(0)

    # The past run and the report are views of their own.
    page.keyboard.press("F6")
    next_pane(page, "Drawer")
    open_tab(page, "Runs")
    tab_to(page, page.locator(".jp-mlws-Drawer [data-mlws-past-run]").first)
    page.keyboard.press("Enter")
    past = page.locator(".jp-mlws-Workflow.jp-mod-past")
    expect(past.locator('[data-mlws-node="split"]')).to_be_visible()
    assert faults_of_access(page, ".jp-mlws-Workflow.jp-mod-past") == []
    tab_to(page, past.get_by_role("button", name="Back to Now"))
    page.keyboard.press("Enter")
    expect(past).to_have_count(0)
    expect(node(page, "split")).to_be_visible()
    next_pane(page, "Panel")
    next_pane(page, "Drawer")
    tab_to(page, page.locator(".jp-mlws-Drawer-report"))
    page.keyboard.press("Enter")
    expect(page.locator(".jp-mlws-Report-page section").first).to_be_visible()
    assert faults_of_access(page, ".jp-mlws-Report") == []
