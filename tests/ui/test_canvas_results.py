"""The plan, errors and results of a workflow: the button of a run, the failed node, its outputs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from playwright.sync_api import Page, expect

from tests.ui.canvas import (
    NODES,
    RUN_LIMIT,
    faults_of_access,
    node,
    open_workflow,
    saved_layout,
    until,
)
from tests.ui.conftest import Lab

pytestmark = pytest.mark.browser

WINE = "workflows/wine/dvc.yaml"


@pytest.fixture
def lab(start_lab: Callable[..., Lab], example: Path) -> Lab:
    return start_lab(example)


def expect_button(page: Page, text: str) -> None:
    expect(page.locator(".jp-mlws-run")).to_contain_text(text)


@pytest.mark.slow(reason="a journey in a real browser")
def test_the_plan_follows_edits_that_are_not_saved(page: Page, lab: Lab) -> None:
    text = (lab.root / WINE).read_text()
    open_workflow(page, lab, WINE, NODES)
    expect_button(page, "Everything is up to date")
    expect(page.get_by_role("button", name="Run All Again")).to_be_visible()
    node(page, "forest").click()
    page.get_by_label("max_depth").or_(page.locator('[id$="_max_depth"]')).first.fill("5")
    expect_button(page, "Run 3 nodes · ~")
    expect(page.locator('li[data-mlws-mark="run"]')).to_contain_text("Will run 3")
    expect(page.locator(".jp-mod-dirty")).to_have_count(1)
    assert (lab.root / WINE).read_text() == text
    page.locator(".jp-mlws-undo").click()
    expect_button(page, "Everything is up to date")


def test_a_button_of_the_toolbar_does_not_stay_pressed(page: Page, lab: Lab) -> None:
    open_workflow(page, lab, WINE, NODES)
    for _ in range(3):
        page.locator(".jp-mlws-fit").click()
        expect(page.locator(".jp-mlws-fit")).to_have_attribute("aria-pressed", "false")
    tree = page.locator(".jp-mlws-tree")
    tree.click()
    expect(tree).to_have_attribute("aria-pressed", "true")
    tree.click()
    expect(tree).to_have_attribute("aria-pressed", "false")


@pytest.mark.slow(reason="a journey in a real browser")
def test_a_failed_node_says_why_and_leads_to_its_setting(page: Page, lab: Lab) -> None:
    file = lab.root / WINE
    file.write_text(file.read_text().replace("stratify: target", "stratify: nosuch"))
    open_workflow(page, lab, WINE, NODES)
    page.locator(".jp-mlws-run").click()
    # It is selected by itself.
    failure = page.locator(".jp-mlws-NodeFailure")
    expect(failure).to_contain_text("Column or key 'nosuch' not found", timeout=RUN_LIMIT)
    notice = page.locator(".Toastify__toast", has_text="“split” failed")
    expect(notice).to_contain_text("Column or key 'nosuch' not found")
    expect(notice.get_by_role("button", name="Show")).to_be_visible()
    expect(node(page, "split")).to_have_attribute("data-mlws-state", "FAILED")
    # The selection is a ring around the color of the failure.
    card = node(page, "split")
    expect(card).to_have_class(re.compile("jp-mod-selected"))
    color = "card => getComputedStyle(card).borderTopColor"
    red = card.evaluate(color)
    assert card.evaluate("card => getComputedStyle(card).outlineColor") != red
    assert node(page, "load").evaluate(color) != red
    failure.get_by_role("button", name="Fix “stratify”").click()
    field = page.locator('[id$="_stratify"]')
    expect(field).to_be_focused()
    assert faults_of_access(page, ".jp-mlws-Workflow") == []
    field.select_option("target")
    expect_button(page, "Restore 1 node")


@pytest.mark.slow(reason="a journey in a real browser")
def test_a_missing_input_is_a_problem_before_a_run(page: Page, lab: Lab) -> None:
    open_workflow(page, lab, WINE, NODES)
    node(page, "load").click()
    page.locator('[data-mlws-input="file"]').fill("data/nosuch.csv")
    page.keyboard.press("Enter")
    problems = page.locator(".jp-mlws-problems")
    expect(problems).to_have_text("1 problem")
    problems.click()
    expect(page.locator(".jp-mlws-Problems")).to_contain_text("data/nosuch.csv")


@pytest.mark.slow(reason="a journey in a real browser")
def test_a_broken_component_opens_at_its_line(page: Page, lab: Lab) -> None:
    (lab.root / "components").mkdir(exist_ok=True)
    (lab.root / "components/broken.py").write_text("import os\n\ndef broken(:\n    pass\n")
    open_workflow(page, lab, WINE, NODES)
    item = page.locator('[data-mlws-component="broken"]')
    expect(item).to_contain_text("line 3: SyntaxError")
    item.click()
    expect(page.get_by_role("tab", name="broken.py")).to_be_visible()
    expect(page.get_by_role("button", name="Ln 3, Col 1")).to_be_visible()


def tab(page: Page, name: str) -> None:
    page.locator(".jp-mlws-Drawer").get_by_role("tab", name=name).click()


@pytest.mark.slow(reason="a journey in a real browser")
def test_the_drawer_shows_results_and_keeps_its_size(page: Page, lab: Lab) -> None:
    open_workflow(page, lab, WINE, NODES)
    tab(page, "Metrics")
    matrix = page.locator(".jp-mlws-Matrix")
    # Which model is best, and what has changed since the run before.
    expect(matrix.locator("tr", has_text="linear").locator("strong").first).to_be_visible()
    expect(matrix.locator(".jp-mlws-Delta").first).to_contain_text("▲")
    expect(page.locator(".jp-mlws-RunChanges")).to_contain_text("forest.n_estimators: 50 → 100")

    node(page, "load").click()
    tab(page, "Preview")
    grid = page.locator(".jp-mlws-Grid")
    expect(grid).to_have_attribute("aria-rowcount", "178")
    grid.get_by_role("button", name="malic_acid", exact=True).click()
    expect(grid.locator("[aria-rowindex='1'] [aria-colindex='2']")).to_have_text("0.74")
    page.get_by_label("Filter alcohol", exact=True).fill("> 14")
    expect(grid).to_have_attribute("aria-rowcount", "22")
    page.get_by_role("button", name="Statistics of alcohol", exact=True).click()
    pane = page.locator(".jp-mlws-ColumnPane")
    expect(pane).to_contain_text("Mean")
    expect(pane.locator(".jp-mlws-Bins li")).to_have_count(20)
    assert faults_of_access(page, ".jp-mlws-Drawer") == []

    # The drawer takes its height from the graph.
    page.locator(".jp-mlws-fit").click()
    page.wait_for_timeout(500)
    node(page, "plot").click()
    page.get_by_title("Show in full size").click()
    expect(page.locator(".jp-mlws-FullSize img")).to_be_visible()
    page.keyboard.press("Escape")

    bar = page.get_by_role("separator", name="Height of the results")
    before = int(bar.get_attribute("aria-valuenow") or 0)
    bar.focus()
    page.keyboard.press("ArrowUp")
    expect(bar).to_have_attribute("aria-valuenow", str(before + 20))

    def is_kept() -> bool:
        panes = saved_layout(lab).get("mlws-workflow-panes", {}).get("panes", {})
        return bool(panes.get("drawer", {}).get("size") == before + 20)

    until(page, is_kept)
    page.goto(lab.address(WINE).replace("&reset", ""))
    expect(node(page, "load")).to_be_visible()
    expect(bar).to_have_attribute("aria-valuenow", str(before + 20))


@pytest.mark.slow(reason="a journey in a real browser")
def test_a_report_is_exported_as_one_file(page: Page, lab: Lab) -> None:
    open_workflow(page, lab, WINE, NODES)
    page.get_by_role("button", name="Report").click()
    report = page.locator(".jp-mlws-Report-page")
    expect(report.locator(".jp-mlws-Preview-figure")).to_be_visible()
    expect(report.locator(".jp-mlws-Matrix")).to_contain_text("linear")
    expect(report.locator("[data-mlws-report='load table']")).to_contain_text("malic_acid")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export as HTML").click()
    assert download.value.suggested_filename == "Wine.html"
    text = Path(download.value.path()).read_text()
    assert "data:image/png;base64," in text
    assert "http://" not in text
    assert "https://" not in text
    assert "<script" not in text


@pytest.mark.slow(reason="a journey in a real browser")
def test_an_executed_notebook_is_drawn(
    page: Page, start_lab: Callable[..., Lab], example: Path
) -> None:
    cell = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = {
        "cells": [cell | {"id": "a", "source": "print(6 * 7)"}],
        "metadata": kernel,
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (example / "n.ipynb").write_text(json.dumps(notebook))
    (example / "dvc.yaml").write_text(
        "stages:\n  book:\n    cmd: jupyter mlws notebook n.ipynb --out out.ipynb\n"
        "    deps: [n.ipynb]\n    outs: [out.ipynb]\n"
    )
    open_workflow(page, start_lab(example), "dvc.yaml", ["book"])
    page.locator(".jp-mlws-run").click()
    expect(node(page, "book")).to_have_attribute("data-mlws-state", "COMPLETED", timeout=RUN_LIMIT)
    node(page, "book").click()
    tab(page, "Preview")
    view = page.locator(".jp-mlws-NotebookPreview")
    expect(view.locator(".jp-OutputArea-output")).to_have_text("42")
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.locator(".jp-NotebookPanel .jp-Notebook")).to_be_visible()


@pytest.mark.slow(reason="a journey in a real browser")
def test_millions_of_rows_are_scrolled(
    page: Page, start_lab: Callable[..., Lab], example: Path
) -> None:
    rows = 10_000_000
    numbers = pa.array(range(rows), pa.int32())
    parquet.write_table(pa.table({"n": numbers, "m": numbers}), example / "big.parquet")
    (example / "dvc.yaml").write_text(
        "stages:\n  big:\n    cmd: ln big.parquet out.parquet\n    deps: [big.parquet]\n"
        "    outs:\n    - out.parquet: {cache: false}\n"
    )
    open_workflow(page, start_lab(example), "dvc.yaml", ["big"])
    page.locator(".jp-mlws-run").click()
    expect(node(page, "big")).to_have_attribute("data-mlws-state", "COMPLETED", timeout=RUN_LIMIT)
    node(page, "big").click()
    tab(page, "Preview")
    grid = page.locator(".jp-mlws-Grid")
    expect(grid).to_have_attribute("aria-rowcount", str(rows))
    grid.evaluate("grid => { grid.scrollTop = grid.scrollHeight }")
    expect(grid.locator(f"[aria-rowindex='{rows}'] [aria-colindex='1']")).to_have_text(
        str(rows - 1)
    )
    grid.evaluate(
        """async grid => {
            for (let step = 0; step < 120; step += 1) {
                grid.scrollTop = (grid.scrollHeight / 60) * (step % 60);
                await new Promise(requestAnimationFrame);
            }
        }"""
    )
    # Each row in view is drawn once, also where elements were used again.
    rows_in_view = grid.evaluate(
        """grid => [...grid.querySelectorAll('[role=row][aria-rowindex]')]
            .map(row => Number(row.ariaRowIndex)).sort((one, other) => one - other)"""
    )
    assert rows_in_view == list(range(rows_in_view[0], rows_in_view[0] + len(rows_in_view)))
    assert len(rows_in_view) > 5


@pytest.mark.slow(reason="a journey in a real browser")
def test_a_past_run_shows_the_workflow_and_the_settings_that_it_had(page: Page, lab: Lab) -> None:
    before = (lab.root / WINE).read_text()
    open_workflow(page, lab, WINE, NODES)
    node(page, "plot").click()
    page.locator(".jp-mlws-Canvas").focus()
    page.keyboard.press("Delete")
    expect(node(page, "plot")).to_have_count(0)
    tab(page, "Runs")
    oldest = page.locator(".jp-mlws-History-pane .jp-mlws-RunItem").last
    oldest.get_by_role("button", name="Show the workflow and settings of this run").click()

    past = page.locator(".jp-mlws-Workflow.jp-mod-past")
    banner = past.locator(".jp-mlws-Banner")
    expect(banner).to_contain_text("Read-only: the workflow of the run of")
    expect(banner).to_contain_text("n_estimators 50 → 100")
    expect(banner).to_contain_text("plot (Removed)")
    forest = past.locator('[data-mlws-node="forest"]')
    expect(forest).to_have_attribute("data-mlws-state", "COMPLETED")
    expect(forest.locator(".jp-mlws-Result-number")).to_be_visible()
    # It had no run before it.
    expect(past.locator(".jp-mlws-ChangeTag")).to_have_count(0)
    expect(past.locator('[data-mlws-node="plot"] img')).to_be_visible()
    forest.click()
    field = past.locator('[id$="_n_estimators"]')
    expect(field).to_have_value("50")
    expect(field).to_be_disabled()
    past.locator(".jp-mlws-Canvas").focus()
    page.keyboard.press("Delete")
    expect(forest).to_be_visible()
    forest.click(button="right")
    expect(page.locator(".lm-Menu")).to_have_count(0)
    assert faults_of_access(page, ".jp-mlws-Workflow.jp-mod-past") == []

    page.get_by_role("button", name="Compare with Now").click()
    expect(page.locator('[data-mlws-difference="plot"]')).to_be_visible()
    page.locator(".lm-TabBar-tab", has_text="Run of").first.click()
    page.get_by_role("button", name="Back to Now").click()
    expect(past).to_have_count(0)
    expect(node(page, "forest")).to_be_visible()
    assert (lab.root / WINE).read_text() == before

    # The version of the run is used again, as one step.
    oldest.get_by_role("button", name="Show the workflow and settings of this run").click()
    page.get_by_role("button", name="Use This Version").click()
    expect(past).to_have_count(0)
    expect(node(page, "plot")).to_be_visible()
    until(page, lambda: "n_estimators: 50" in text_of(page))
    page.locator(".jp-mlws-undo").click()
    expect(node(page, "plot")).to_have_count(0)
    page.locator(".jp-mlws-undo").click()
    assert text_of(page) == before


@pytest.mark.slow(reason="a journey in a real browser")
def test_a_past_run_is_in_view_with_the_parameters_that_it_had(page: Page, lab: Lab) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    path = "workflows/tuned/dvc.yaml"
    params = lab.root / "workflows/tuned/params.yaml"
    params.parent.mkdir()
    params.write_text("rate: 0.1\n")
    stages = "".join(
        f"  step{number}:\n    cmd: cp {before} s{number}.txt\n    deps: [{before}]\n"
        f"    params: [rate]\n    outs: [s{number}.txt]\n"
        for number, before in enumerate(["params.yaml", *(f"s{one}.txt" for one in range(13))])
    )
    (lab.root / path).write_text(f"stages:\n{stages}")
    # Never committed: the run itself keeps what it read.
    assert lab.mlws("run", path).returncode == 0
    params.write_text("rate: 0.5\n")
    names = [f"step{number}" for number in range(14)]
    open_workflow(page, lab, path, names)
    node(page, "step3").click()
    expect(page.locator('[data-mlws-param="rate"]')).to_have_value("0.5")
    tab(page, "Runs")
    page.get_by_role("button", name="Show the workflow and settings of this run").click()

    past = page.locator(".jp-mlws-Workflow.jp-mod-past")
    canvas = past.locator(".jp-mlws-Canvas")
    expect(past.locator('[data-mlws-node="step13"]')).to_be_visible()

    def is_in_view() -> bool:
        view = canvas.bounding_box()
        boxes = [past.locator(f'[data-mlws-node="{name}"]').bounding_box() for name in names]
        return view is not None and all(
            box is not None
            and view["x"] <= box["x"] <= view["x"] + view["width"] - box["width"]
            and view["y"] <= box["y"] <= view["y"] + view["height"] - box["height"]
            for box in boxes
        )

    until(page, is_in_view)
    past.locator('[data-mlws-node="step3"]').click()
    field = past.locator('[data-mlws-param="rate"]')
    expect(field).to_have_value("0.1")
    expect(field).to_be_disabled()
    assert params.read_text() == "rate: 0.5\n"


def text_of(page: Page) -> str:
    """The text of the workflow that is open, saved or not."""
    text: str = page.evaluate("() => jupyterapp.shell.currentWidget.editor.model.document.text")
    return text
