"""Python code is typed in the settings of a node, and runs as any other component."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.canvas import (
    RUN_LIMIT,
    WORKFLOW,
    choice,
    drag,
    empty_place,
    faults_of_access,
    newest_run,
    node,
    open_workflow,
    port,
    run_workflow,
    save,
    until,
)
from tests.ui.conftest import Lab

pytestmark = pytest.mark.browser

TEXT = """\
stages:
  load:
    wdir: ../..
    cmd: jupyter mlws node load_table --file data.csv --table workflows/wine/out/load.table.parquet
    deps:
    - data.csv
    outs:
    - workflows/wine/out/load.table.parquet
    meta:
      at: [0, 0]
"""
CODE = """\
from jupyter_mlws.components import Table, component


@component
def python_code(data: Table) -> Table:
    data["area"] = data.width * data.height
    return data
"""


def write_code(page: Page, editor: Locator, text: str) -> None:
    """Replace the code as a person does: select all, type, and leave the editor."""
    editor.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(editor).not_to_be_focused()


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_code_is_typed_in_place(page: Page, lab: Lab, shoot: Callable[..., None]) -> None:
    (lab.root / "data.csv").write_text("width,height\n2,3\n4,5\n")
    (lab.root / WORKFLOW).write_text(TEXT)
    file = lab.root / "components/python_code.py"
    open_workflow(page, lab, WORKFLOW, ["load"])

    # Dragged from an output, and found by its words.
    drag(page, port(page, "load", "out", "table"), empty_place(page, 0.8, 0.8))
    page.keyboard.type("script function")
    choice(page, "table>:python").click()
    expect(node(page, "python_code")).to_be_visible()
    editor = page.locator(".jp-mlws-Code .cm-content")
    expect(editor).to_contain_text("def python_code(data: Table) -> Table:")
    expect(editor.locator("span").first).to_be_visible()
    assert editor.get_attribute("aria-label") == "Code of python_code"
    save(page)
    text = (lab.root / WORKFLOW).read_text()
    assert text.startswith(TEXT)
    assert "--data workflows/wine/out/load.table.parquet" in text
    assert "- components/python_code.py" in text

    # A syntax error is reported with its line while it is typed, and on the node once it is left.
    write_code(page, editor, CODE.replace("data.height", "data.height)"))
    line = page.get_by_role("button", name="Line 6: unmatched ')'")
    expect(line).to_be_visible()
    until(page, lambda: "data.height)" in file.read_text())
    line.click()
    expect(editor).to_be_focused()

    # An error of the run names the line, on the card and in the panel.
    write_code(page, editor, CODE.replace("height", "depth"))
    until(page, lambda: "data.depth" in file.read_text())
    run_workflow(page)
    failure = page.locator(".jp-mlws-NodeFailure")
    expect(failure).to_contain_text("Line 6: AttributeError", timeout=RUN_LIMIT)
    expect(node(page, "python_code")).to_contain_text("Line 6: AttributeError")
    assert faults_of_access(page, ".jp-mlws-Workflow") == []
    failure.get_by_role("button", name="Go to Line 6").click()
    expect(editor).to_be_focused()
    write_code(page, editor, CODE)

    # Ports are added, renamed and removed; the code follows, and so does the workflow.
    outputs = page.get_by_role("group", name="Outputs of the code")
    outputs.get_by_role("button", name="Add Output").click()
    page.get_by_label("Type of the port table_2").select_option("Metrics")
    name = page.get_by_label("Name of the port table_2")
    name.fill("sizes")
    name.press("Enter")
    expect(port(page, "python_code", "out", "sizes")).to_be_visible()
    inputs = page.get_by_label("Name of the port data")
    inputs.fill("rows")
    inputs.press("Enter")
    expect(port(page, "python_code", "in", "rows")).to_be_visible()
    expect(editor).to_contain_text("return Outputs(table=rows, sizes=None)")
    until(page, lambda: "table=rows, sizes=None" in file.read_text())
    write_code(page, editor, file.read_text().replace("None", '{"rows": len(rows)}'))
    page.get_by_label("Columns of the output").select_option("rows")
    expect(editor).to_contain_text('@component(columns=like("rows"))')
    shoot("canvas-python-code")
    run = newest_run(page)
    earlier = run.get_attribute("data-mlws-run") or ""
    run_workflow(page)
    metrics = lab.root / "workflows/wine/out/python_code.table_2.json"
    until(page, metrics.exists, RUN_LIMIT)
    expect(run).not_to_have_attribute("data-mlws-run", earlier)
    expect(run).to_have_attribute("data-mlws-state", "COMPLETED", timeout=RUN_LIMIT)
    save(page)

    # DVC agrees with all of it.
    lock = (lab.root / WORKFLOW).with_name("dvc.lock").read_text()
    assert "components/python_code.py" in lock
    assert "up to date" in lab.dvc("repro", WORKFLOW).stdout
    assert (lab.root / WORKFLOW).with_name("dvc.lock").read_text() == lock

    # One undo takes a renamed port back, in the code and in the workflow.
    before = ((lab.root / WORKFLOW).read_text(), file.read_text())
    name = page.get_by_label("Name of the port sizes")
    name.fill("counts")
    name.press("Enter")
    expect(port(page, "python_code", "out", "counts")).to_be_visible()
    until(page, lambda: "counts" in file.read_text())
    node(page, "python_code").click()
    page.keyboard.press("Control+z")
    expect(port(page, "python_code", "out", "sizes")).to_be_visible()
    save(page)
    until(page, lambda: ((lab.root / WORKFLOW).read_text(), file.read_text()) == before)
