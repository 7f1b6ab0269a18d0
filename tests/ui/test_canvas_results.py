"""Problems of a workflow, and results that need a kernel or millions of rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from playwright.sync_api import Page, expect

from tests.ui.canvas import (
    NODES,
    RUN_LIMIT,
    node,
    open_workflow,
)
from tests.ui.conftest import Lab

pytestmark = pytest.mark.browser

WINE = "workflows/wine/dvc.yaml"


@pytest.fixture
def lab(start_lab: Callable[..., Lab], example: Path) -> Lab:
    return start_lab(example)


@pytest.mark.exhaustive
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


@pytest.mark.exhaustive
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


@pytest.mark.exhaustive
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


@pytest.mark.exhaustive
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
