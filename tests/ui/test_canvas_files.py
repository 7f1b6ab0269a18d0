"""The file behind the canvas when others write it, too; and files that are dropped on it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser import TIMEOUT_MS, VIEWPORT
from tests.ui.canvas import (
    NODES,
    WORKFLOW,
    drop_files,
    empty_place,
    node,
    open_workflow,
    run_workflow,
    save,
    saved_layout,
    until,
)
from tests.ui.conftest import Lab

pytestmark = pytest.mark.browser

FIELD = '.jp-mlws-Settings input[id$="n_estimators"]'


@pytest.fixture
def lab(shared_example: Lab) -> Lab:
    return shared_example


def trees(text: str, count: int) -> str:
    """The file with another number of trees."""
    return re.sub(r"n_estimators: \d+", f"n_estimators: {count}", text)


def set_trees(page: Page, count: int) -> None:
    node(page, "forest").click()
    field = page.locator(FIELD)
    field.fill(str(count))
    field.press("Tab")
    wait_for_text(page, f"n_estimators: {count},")


def wait_for_text(page: Page, words: str) -> None:
    """Until the document (not yet its file) has these words."""
    page.wait_for_function(
        "words => jupyterapp.shell.currentWidget.context.model.sharedModel"
        ".getSource().includes(words)",
        arg=words,
    )


def banner(page: Page) -> Locator:
    return page.locator(".jp-mlws-Banner")


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_an_invalid_setting_is_written_reported_and_stops_the_run(page: Page, lab: Lab) -> None:
    newest = "workflows/workflows~1wine~1dvc.yaml/status"
    before = lab.fetch(newest)["id"]
    open_workflow(page, lab, WORKFLOW, NODES)
    set_trees(page, -5)
    expect(page.locator(".jp-mlws-Field-error")).to_contain_text("Must be at least")
    run_workflow(page)
    expect(page.locator(".Toastify")).to_contain_text("Number of trees")
    assert "n_estimators: -5" in (lab.root / WORKFLOW).read_text()
    assert lab.fetch(newest)["id"] == before
    page.mouse.click(*empty_place(page))
    expect(page.locator(".jp-mlws-Problems")).to_contain_text("Number of trees")


@pytest.mark.slow(reason="a journey in a real browser")
def test_what_others_write_shows_at_once_and_nothing_is_lost(
    page: Page, lab: Lab, shoot: Callable[[str], None]
) -> None:
    file = lab.root / WORKFLOW
    before = file.read_text()
    open_workflow(page, lab, WORKFLOW, NODES)
    node(page, "forest").click()
    field = page.locator(FIELD)

    # An editor writes; git takes it back.
    file.write_text(trees(before, 123))
    expect(field).to_have_value("123")
    subprocess.run(["git", "checkout", "-q", "--", WORKFLOW], cwd=lab.root, check=True)
    expect(field).not_to_have_value("123")
    before = file.read_text()

    # A text that is no YAML is told with its line; the graph stays, and so does the file.
    broken = before.replace("stages:", "stages: [", 1)
    file.write_text(broken)
    expect(banner(page)).to_contain_text("Line")
    expect(node(page, "forest")).to_be_visible()
    shoot("canvas-broken")
    assert file.read_text() == broken

    # A component that is not there any more is a problem of its node alone.
    gone = before.replace("node plot_metrics", "node plot_of_long_ago")
    file.write_text(gone)
    expect(banner(page)).to_have_count(0)
    fault = node(page, "plot").locator(".jp-mlws-Node-fault")
    expect(fault).to_have_attribute("title", re.compile("plot_of_long_ago"))
    assert file.read_text() == gone
    file.write_text(before)
    expect(fault).to_have_count(0)

    # Both edit, each elsewhere: both stay.
    set_trees(page, 77)
    file.write_text(before.replace("name: Wine", "name: Better wine"))
    expect(banner(page)).to_have_count(0)
    wait_for_text(page, "Better wine")
    expect(page.locator(FIELD)).to_have_value("77")
    save(page)
    both = trees(before, 77).replace("name: Wine", "name: Better wine")
    assert file.read_text() == both

    # Both edit the same line: nothing is chosen unseen.
    set_trees(page, 55)
    file.write_text(trees(both, 66))
    expect(banner(page)).to_contain_text("same lines")
    expect(page.locator(FIELD)).to_have_value("55")
    page.get_by_role("button", name="Discard My Edits and Reload").click()
    expect(page.locator(FIELD)).to_have_value("66")
    expect(page.locator(".jp-mod-dirty")).to_have_count(0)
    assert file.read_text() == trees(both, 66)


@pytest.mark.slow(reason="a journey in a real browser")
def test_two_people_at_the_same_node(page: Page, browser: Browser, lab: Lab) -> None:
    file = lab.root / WORKFLOW
    before = file.read_text()
    other = browser.new_context(viewport=VIEWPORT, reduced_motion="reduce").new_page()
    other.set_default_timeout(TIMEOUT_MS)
    open_workflow(page, lab, WORKFLOW, NODES)
    other.goto(lab.address(WORKFLOW))
    expect(node(other, "forest")).to_be_visible()
    set_trees(page, 77)
    set_trees(other, 88)
    save(page)
    assert file.read_text() == trees(before, 77)
    expect(banner(other)).to_contain_text("same lines")
    other.keyboard.press("Control+s")
    dialog = other.locator(".jp-Dialog")
    expect(dialog).to_contain_text(re.compile("changed on disk", re.IGNORECASE))
    dialog.get_by_role("button", name="Overwrite").click()
    expect(other.locator(".jp-mod-dirty")).to_have_count(0)
    assert file.read_text() == trees(before, 88)
    # The first one sees it, without a word.
    expect(page.locator(FIELD)).to_have_value("88")
    other.context.close()


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_graphs_of_open_tabs_are_in_view_after_a_reload(page: Page, own_lab: Lab) -> None:
    other = own_lab.root / "workflows/tea/dvc.yaml"
    other.parent.mkdir()
    other.write_text("stages:\n  brew:\n    cmd: echo tea\n  pour:\n    cmd: echo cup\n")
    open_workflow(page, own_lab, WORKFLOW, NODES)
    page.evaluate(
        "() => jupyterapp.commands.execute('docmanager:open', {path: 'workflows/tea/dvc.yaml'})"
        ".then(() => null)"
    )
    expect(node(page, "brew")).to_be_visible()
    tea = page.locator(".jp-mlws-Canvas:visible")
    tea.get_by_role("button", name="Zoom in").click()
    viewport = ".jp-mlws-Canvas:visible .react-flow__viewport"
    key = "mlws-workflow-view:workflows/tea/dvc.yaml"

    def shown() -> str:
        return str(
            page.locator(viewport).evaluate(
                "drawing => new DOMMatrix(drawing.style.transform).a.toFixed(4)"
            )
        )

    def zoom_of(view: dict[str, Any] | None) -> float:
        return float(view["viewport"]["zoom"]) if view else 0

    def is_kept() -> bool:
        state = saved_layout(own_lab)
        tabs = {f"mlws-workflow:{path}" for path in (WORKFLOW, "workflows/tea/dvc.yaml")}
        return tabs <= state.keys() and f"{zoom_of(state.get(key)):.4f}" == shown()

    until(page, is_kept)
    zoomed = shown()
    page.goto(own_lab.address().removesuffix("&reset"))
    expect(node(page, "brew")).to_be_visible()
    assert shown() == zoomed

    page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab", has_text="Wine").first.click()
    for name in NODES:
        expect(node(page, name)).to_be_in_viewport()
    assert float(shown()) > 0.2
    # A map would only cover some of so few nodes.
    expect(page.locator(".jp-mlws-Canvas:visible .react-flow__minimap")).to_have_count(0)


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_a_file_of_the_computer_is_dropped(page: Page, lab: Lab) -> None:
    text = "a,b\n1,2\n"
    open_workflow(page, lab, WORKFLOW, NODES)
    before = (lab.root / WORKFLOW).read_text()
    drop_files(page, ".jp-mlws-Canvas", {"prices.csv": text, "clean.py": "print(1)\n"})
    expect(page.locator('[data-mlws-source="data/prices.csv"]')).to_be_visible()
    expect(node(page, "clean")).to_be_visible()
    assert (lab.root / "data/prices.csv").read_text() == text
    assert (lab.root / "clean.py").is_file()
    page.locator(".jp-mlws-Canvas").focus()
    page.keyboard.press("Control+z")
    expect(node(page, "clean")).to_have_count(0)
    save(page)
    assert (lab.root / WORKFLOW).read_text() == before

    # A file with the same name is replaced only if the user says so.
    drop_files(page, ".jp-mlws-Canvas", {"prices.csv": "other\n"})
    dialog = page.locator(".jp-Dialog")
    expect(dialog).to_contain_text("prices.csv")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    page.wait_for_timeout(500)
    expect(page.locator('[data-mlws-source="data/prices.csv"]')).to_have_count(0)
    assert (lab.root / "data/prices.csv").read_text() == text


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_an_empty_canvas_loads_a_large_file_that_is_dropped(page: Page, lab: Lab) -> None:
    file = lab.root / "workflows/new/dvc.yaml"
    file.parent.mkdir()
    file.write_text("stages: {}\n")
    lab.show(page, "workflows/new/dvc.yaml")
    expect(page.locator(".jp-mlws-Canvas-starts button").first).to_be_visible()
    # JupyterLab sends more than a megabyte in chunks.
    text = "a,b\n" + "1,2\n" * 700_000
    drop_files(page, ".jp-mlws-Canvas", {"large.csv": text})
    expect(node(page, "load_table")).to_be_visible()
    assert (lab.root / "data/large.csv").read_text() == text
