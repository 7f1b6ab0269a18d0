"""Notebooks in the lab: an error found, jumped to and mended; a death and what it lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.conftest import Lab

pytestmark = pytest.mark.browser

CELLS = {
    "load": "prices = {'apple': 3, 'pear': 4}",
    "sum": "total = sum(prices.values())",
    "show": "def show(name):\n    return prices[name]\n\nshow('plum')",
}
DIE = "import os\nos._exit(7)"


def write(root: Path, **cells: str) -> None:
    rows = [
        {
            "id": name,
            "cell_type": "code",
            "source": source,
            "metadata": {},
            "outputs": [],
            "execution_count": None,
        }
        for name, source in cells.items()
    ]
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    content = {"cells": rows, "metadata": {"kernelspec": kernel}}
    text = json.dumps({**content, "nbformat": 4, "nbformat_minor": 5})
    (root / "prices.ipynb").write_text(text)


def command(page: Page, name: str) -> None:
    page.evaluate(f"() => {{ void jupyterapp.commands.execute('{name}'); }}")


def open_notebook(page: Page, lab: Lab) -> Locator:
    page.goto(lab.address("prices.ipynb"))
    page.wait_for_function("window.jupyterapp?.commands.hasCommand('mlws:notebook-errors')")
    cells = page.locator(".jp-Notebook .jp-CodeCell")
    expect(cells).to_have_count(len(CELLS))
    expect(page.locator(".jp-Notebook-ExecutionIndicator")).to_have_attribute(
        "data-status", "idle", timeout=60_000
    )
    return cells


def test_an_error_is_found_mended_and_what_was_lost_runs_again(
    page: Page, lab: Lab, shoot: Callable[[str], None]
) -> None:
    write(lab.root, **CELLS)
    cells = open_notebook(page, lab)
    command(page, "notebook:run-all-cells")
    marks = page.locator(".jp-mlws-CellMark")
    expect(marks).to_have_count(3)
    expect(marks.nth(0)).to_contain_text("Done in")
    expect(marks.nth(2)).to_contain_text("Failed in")

    # The panel names it, and leads to the line.
    command(page, "mlws:notebook-errors")
    errors = page.locator(".jp-mlws-ErrorsView")
    expect(errors).to_contain_text("KeyError")
    expect(errors).to_contain_text("cell 3, line 2")
    expect(errors).to_contain_text("plum")
    errors.get_by_text("Stack").click()
    expect(errors.locator("pre")).to_contain_text("show('plum')")
    shoot("notebook-error")
    errors.get_by_role("button", name="Go to the cell").click()
    editor = cells.nth(2).locator(".cm-content")
    expect(editor).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("show = prices['apple']\nprint(show + total)")

    # Mended: it runs with what it needs.
    errors.get_by_role("button", name="Run again up to here").click()
    expect(cells.nth(2).locator(".jp-OutputArea-output")).to_have_text("10\n")
    expect(errors).to_contain_text("No cell failed when it last ran.")
    expect(marks.nth(2)).to_contain_text("Done in")

    # The history of the cell has both.
    marks.nth(2).click()
    history = page.locator(".jp-mlws-Executions")
    expect(history.locator("li")).to_have_count(2)
    expect(history).to_contain_text("KeyError")
    history.get_by_role("searchbox").fill("apple")
    expect(history.locator("li")).to_have_count(1)
    shoot("notebook-history")

    notebook = lab.fetch("notebooks?path=prices.ipynb")["items"][0]["id"]
    rows = lab.fetch(f"notebooks/{notebook}/executions?cell=show")["items"]
    assert [(row["status"], row["origin"]) for row in rows] == [
        ("SUCCESS", "lab"),
        ("ERROR", "lab"),
    ]


def test_a_death_is_told_and_what_was_lost_runs_again(
    page: Page, lab: Lab, shoot: Callable[[str], None]
) -> None:
    write(lab.root, **{**CELLS, "show": "print(total)"})
    cells = open_notebook(page, lab)
    command(page, "notebook:run-all-cells")
    expect(cells.nth(2).locator(".jp-OutputArea-output")).to_have_text("7\n")
    cells.nth(2).locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.type(DIE)
    page.keyboard.press("Control+Enter")
    toast = page.locator(".Toastify__toast").filter(has_text="The kernel died")
    expect(toast).to_contain_text("What 3 cells made is lost.", timeout=60_000)
    dialog = page.locator(".jp-Dialog")
    if dialog.count():
        dialog.get_by_role("button", name="Ok").click()
    shoot("notebook-death")
    cells.nth(2).locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.type("print(total, 'again')")
    toast.get_by_role("button", name="Run again up to here").click()
    expect(cells.nth(2).locator(".jp-OutputArea-output")).to_have_text("7 again\n", timeout=60_000)


def test_the_log_is_read_and_filtered(page: Page, lab: Lab, shoot: Callable[[str], None]) -> None:
    write(lab.root, **CELLS)
    notebook = lab.fetch("notebooks?path=prices.ipynb")["items"][0]["id"]
    lab.fetch(f"notebooks/{notebook}/execute", {"code": "1 + 1"})
    page.goto(lab.address())
    page.wait_for_function("window.jupyterapp?.commands.hasCommand('mlws:server-log')")
    command(page, "mlws:server-log")
    lines = page.locator(".jp-mlws-ServerLog .jp-mlws-LogLine")
    expect(lines.filter(has_text="prices.ipynb: SUCCESS")).to_have_count(1)
    page.get_by_label("Source", exact=True).select_option("execution")
    expect(lines).to_have_count(1)
    # A line that comes now is there by itself.
    lab.fetch(f"notebooks/{notebook}/execute", {"code": "2 + 2"})
    expect(lines).to_have_count(2)
    shoot("server-log")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    rows = [json.loads(line) for line in Path(download.value.path()).read_text().splitlines()]
    assert [row["event.dataset"] for row in rows] == ["mlws.execution"] * 2


@pytest.mark.parametrize("edited", [False, True])
def test_outputs_of_the_api_come_into_the_open_notebook(
    edited: bool, page: Page, lab: Lab, shoot: Callable[[str], None]
) -> None:
    write(lab.root, **{**CELLS, "show": "print(total)"})
    cells = open_notebook(page, lab)
    command(page, "docmanager:save")
    if edited:
        cells.nth(0).locator(".cm-content").click()
        page.keyboard.press("Control+End")
        page.keyboard.type("  # an edit")
    notebook = lab.fetch("notebooks?path=prices.ipynb")["items"][0]["id"]
    result = lab.fetch(f"notebooks/{notebook}/execute", {"all": True})
    assert result["saved"] is True
    expect(cells.nth(2).locator(".jp-OutputArea-output")).to_have_text("7\n")
    if edited:
        expect(cells.nth(0).locator(".cm-content")).to_contain_text("# an edit")
        expect(page.locator(".Toastify")).to_contain_text("were run by API")
        shoot("notebook-by-api")
        command(page, "docmanager:save")
        page.locator(".jp-Dialog").get_by_role("button", name="Overwrite").click()
        expect(page.locator(".jp-Dialog")).to_have_count(0)
        page.wait_for_function("() => !jupyterapp.shell.currentWidget.context.model.dirty")
        saved = json.loads((lab.root / "prices.ipynb").read_text())["cells"]
        assert "".join(saved[0]["source"]).endswith("# an edit")
        assert saved[2]["outputs"][0]["text"] == ["7\n"]
