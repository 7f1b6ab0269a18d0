"""A frame collapses into one node, which acts for all nodes in it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.ui.canvas import (
    RUN_LIMIT,
    empty_place,
    faults_of_access,
    lines_changed,
    node,
    open_workflow,
    port,
    save,
)
from tests.ui.conftest import Lab

pytestmark = pytest.mark.browser

WORKFLOW = "workflows/wine/dvc.yaml"
NODES = ["load", "features", "split", "forest", "linear", "compare", "plot"]
GROUP = "frames:0"


@pytest.mark.slow(reason="a journey in a real browser")
def test_a_collapsed_frame_is_one_node(page: Page, lab: Lab, shoot: Callable[..., None]) -> None:
    file = lab.root / WORKFLOW
    before = file.read_text()
    open_workflow(page, lab, WORKFLOW, NODES)
    node(page, "forest").click()
    node(page, "linear").click(modifiers=["Shift"])
    page.keyboard.press("Control+g")
    page.get_by_role("textbox", name="Title").fill("Models")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Collapse “Models”").click()

    # By the pointer: its outer ports, no inner node, one line in the file.
    expect(node(page, GROUP)).to_contain_text("2 nodes")
    expect(node(page, "forest")).to_have_count(0)
    for member in ("forest", "linear"):
        expect(port(page, member, "in", "data")).to_be_visible()
        expect(port(page, member, "out", "model")).to_be_visible()
    save(page)
    text = file.read_text()
    frame = "{title: Models, nodes: [forest, linear], collapsed: true}"
    assert lines_changed(before, text) == [
        "-  - workflow: {name: Wine}",
        f"+  - workflow: {{name: Wine, frames: [{frame}]}}",
    ]
    shoot("canvas-collapsed")

    # Its state is that of all in it, while it runs and after it.
    expect(node(page, GROUP)).to_have_attribute("data-mlws-mark", "cached")
    page.get_by_role("region", name="Details").get_by_role("button", name="Run from Here").click()
    for is_running in ("true", "false"):
        run = page.locator(".jp-mlws-run")
        expect(run).to_have_attribute("aria-disabled", is_running, timeout=RUN_LIMIT)
    expect(node(page, GROUP)).to_have_attribute("data-mlws-mark", "cached", timeout=RUN_LIMIT)
    repro = lab.dvc("repro", WORKFLOW).stdout
    assert repro.count("didn't change, skipping") == 8, repro
    assert faults_of_access(page, ".jp-mlws-Workflow") == []

    # By the keyboard: renamed, duplicated, deleted and undone as one.
    node(page, GROUP).click(position={"x": 60, "y": 16})
    page.keyboard.press("F2")
    page.keyboard.type("Both")
    page.keyboard.press("Enter")
    expect(node(page, GROUP)).to_contain_text("Both")
    page.keyboard.press("Control+d")
    expect(node(page, "frames:1")).to_contain_text("Both")
    save(page)
    assert "nodes: [forest_2, linear_2]" in file.read_text()
    page.keyboard.press("Delete")
    expect(node(page, "frames:1")).to_have_count(0)
    save(page)
    assert file.read_text() == text.replace("Models", "Both")
    for _ in range(3):
        page.keyboard.press("Control+z")
    expect(node(page, GROUP)).to_contain_text("Models")
    save(page)
    assert file.read_text() == text

    # The tree view has it as one, and the key expands it again.
    node(page, GROUP).click(position={"x": 60, "y": 16})
    page.keyboard.press("Control+Shift+y")
    row = page.locator(f'[data-mlws-row="{GROUP}"]')
    expect(row).to_contain_text("forest, linear")
    expect(page.locator('[data-mlws-row="forest"]')).to_have_count(0)
    row.click()
    page.keyboard.press("Control+Shift+g")
    expect(page.locator('[data-mlws-row="forest"]')).to_be_visible()
    page.keyboard.press("Control+Shift+y")
    expect(node(page, "forest")).to_be_visible()
    page.mouse.click(*empty_place(page))
    save(page)
    assert file.read_text() == text.replace(", collapsed: true", "")
