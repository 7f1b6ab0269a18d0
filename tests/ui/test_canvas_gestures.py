"""Gestures that people know from other editors, and bugs that stood in their way."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, Response, expect

from tests.ui.canvas import (
    NODES,
    WORKFLOW,
    choice,
    drag,
    empty_place,
    faults_of_access,
    lines_changed,
    middle,
    node,
    open_workflow,
    port,
    save,
)
from tests.ui.conftest import Lab

pytestmark = pytest.mark.browser

MAX_ENTRIES = 10


def wire_place(page: Page, identifier: str) -> tuple[float, float]:
    """The middle of a wire, in the window."""
    x, y = page.evaluate(
        """id => {
          const path = [...document.querySelectorAll('.react-flow__edge')]
            .find(edge => edge.dataset.id.startsWith(id))
            .querySelector('.react-flow__edge-path');
          const place = path.getPointAtLength(path.getTotalLength() / 2);
          const { x, y } = new DOMPoint(place.x, place.y).matrixTransform(path.getScreenCTM());
          return [x, y];
        }""",
        identifier,
    )
    return x, y


@pytest.mark.slow(reason="a journey in a real browser")
def test_a_double_click_opens_the_node(page: Page, lab: Lab) -> None:
    open_workflow(page, lab, WORKFLOW, NODES)
    expect(page.locator(".lm-TabBar-tabLabel", has_text="Wine")).to_be_visible()
    node(page, "forest").locator(".jp-mlws-Result").dblclick()
    expect(page.locator(".jp-mlws-Chooser")).to_have_count(0)
    expect(page.locator('.jp-mlws-Panel [id$="_algorithm"]')).to_be_visible()
    expect(page.locator(".jp-mlws-Panel form :focus")).to_have_count(1)
    page.mouse.dblclick(*empty_place(page, 0.6, 0.97))
    expect(page.locator(".jp-mlws-Chooser")).to_be_visible()


@pytest.mark.slow(reason="a journey in a real browser")
def test_a_component_on_a_wire_goes_between(page: Page, lab: Lab) -> None:
    file = lab.root / WORKFLOW
    before = file.read_text()
    open_workflow(page, lab, WORKFLOW, NODES)
    item = page.locator('[data-mlws-component="sample_rows"]')
    item.scroll_into_view_if_needed()
    drag(page, item, wire_place(page, "load:table->features"))
    expect(node(page, "sample_rows")).to_be_visible()
    save(page)
    changed = "\n".join(lines_changed(before, file.read_text()))
    assert "--data workflows/wine/out/load.table.parquet" in changed
    assert "--data workflows/wine/out/sample_rows.table.parquet" in changed
    page.locator(".jp-mlws-Canvas").focus()
    page.keyboard.press("Control+z")
    expect(node(page, "sample_rows")).to_have_count(0)
    save(page)
    assert file.read_text() == before


@pytest.mark.slow(reason="a journey in a real browser")
def test_a_line_to_an_occupied_input_replaces(page: Page, lab: Lab) -> None:
    file = lab.root / WORKFLOW
    before = file.read_text()
    open_workflow(page, lab, WORKFLOW, NODES)
    x, y = middle(port(page, "load", "out", "table"))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y + 40, steps=4)
    fits = '[data-mlws-fits="true"]'
    expect(page.locator(f'[data-mlws-port="split:in:data"]{fits}')).to_have_count(1)
    expect(page.locator(f'[data-mlws-port="compare:in:models"]{fits}')).to_have_count(0)

    # Above a port of another type the reason is there, above the ground it is not.
    page.mouse.move(*middle(port(page, "compare", "in", "models")), steps=4)
    expect(page.locator(".jp-mlws-Canvas-refusal")).to_be_visible()
    page.mouse.move(*empty_place(page, 0.6, 0.97), steps=4)
    expect(page.locator(".jp-mlws-Canvas-refusal")).to_have_count(0, timeout=3000)

    page.mouse.move(*middle(port(page, "split", "in", "data")), steps=6)
    page.mouse.up()
    expect(page.locator(".jp-mod-dirty")).to_have_count(1)
    save(page)
    changed = lines_changed(before, file.read_text())
    assert [line for line in changed if "features" in line and line.startswith("+")] == []
    assert any("load.table" in line for line in changed)
    page.locator(".jp-mlws-Canvas").focus()
    page.keyboard.press("Control+z")
    save(page)
    assert file.read_text() == before


def test_shift_click_plus_and_a_short_menu(page: Page, lab: Lab) -> None:
    missing: list[str] = []

    def watch(answer: Response) -> None:
        if answer.status == 404 and "/mlws/" in answer.url:
            missing.append(answer.url)

    page.on("response", watch)
    open_workflow(page, lab, WORKFLOW, NODES)
    node(page, "load").click()
    node(page, "features").click(modifiers=["Shift"])
    expect(page.locator(".jp-mlws-Node.jp-mod-selected")).to_have_count(2)
    node(page, "features").click(modifiers=["Shift"])
    expect(page.locator(".jp-mlws-Node.jp-mod-selected")).to_have_count(1)

    node(page, "features").click(button="right")
    entries = page.locator('.lm-Menu-item:not([data-type="separator"])')
    expect(entries.first).to_be_visible()
    assert entries.count() <= MAX_ENTRIES
    page.keyboard.press("Escape")
    page.mouse.click(*empty_place(page, 0.6, 0.97), button="right")
    expect(entries.first).to_be_visible()
    assert entries.count() <= MAX_ENTRIES
    page.keyboard.press("Escape")

    node(page, "split").hover()
    page.locator('[data-mlws-node="split"] [data-mlws-add="test"]').click()
    page.locator(".jp-mlws-Chooser input").fill("histogram")
    choice(page, "test>plot_histogram").click()
    expect(node(page, "plot_histogram")).to_be_in_viewport()
    assert faults_of_access(page, ".jp-mlws-Workflow") == []
    page.evaluate("() => jupyterapp.shell.currentWidget.editor.lab.panes.showTab('preview')")
    page.wait_for_timeout(500)
    assert missing == []


def test_an_empty_workflow_begins_with_a_file_and_a_template(page: Page, lab: Lab) -> None:
    file = lab.root / "workflows/new/dvc.yaml"
    file.parent.mkdir()
    file.write_text("stages: {}\n")
    page.goto(lab.address("workflows/new/dvc.yaml"))
    starts = page.locator(".jp-mlws-Canvas-starts button")
    expect(starts).to_have_count(3)
    expect(page.locator(".lm-TabBar-tabLabel", has_text="new")).to_be_visible()
    page.get_by_role("button", name="Start from a Template…").click()
    dialog = page.locator(".jp-Dialog")
    dialog.get_by_label("Data file").fill("data/wine.csv")
    expect(dialog.locator('datalist option[value="hue"]')).to_be_attached()
    dialog.get_by_label("Target column").fill("hue")
    dialog.get_by_role("radio").nth(1).check()
    dialog.get_by_role("button", name="Create").click()
    for name in ("load", "split", "train", "compare", "plot"):
        expect(node(page, name)).to_be_visible()
    save(page)
    assert "target: hue" in file.read_text()
    assert "data/wine.csv" in file.read_text()
    page.locator(".jp-mlws-Canvas").focus()
    page.keyboard.press("Control+z")
    expect(starts).to_have_count(3)
    save(page)
    assert Path(file).read_text() == "stages: {}\n"
