"""Notebooks in the lab: an error found, jumped to and mended; a death and what it lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.canvas import faults_of_access, save, until
from tests.ui.conftest import Lab, prefer

pytestmark = pytest.mark.browser

CELLS = {
    "load": "prices = {'apple': 3, 'pear': 4}",
    "sum": "total = sum(prices.values())",
    "show": "def show(name):\n    return prices[name]\n\nshow('plum')",
}
DIE = "import os\nos._exit(7)"
READY = """() => {
    const kernel = jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel;
    return kernel?.connectionStatus === 'connected' && kernel.status === 'idle';
}"""
"""The indicator in the toolbar says idle before the kernel can be asked for anything."""
MEMORY_LIMIT = 400 * 2**20
"""Bytes; a fresh kernel uses 70 MB."""


@pytest.fixture
def lab(shared_example: Lab) -> Lab:
    return shared_example


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
    lab.show(page, "prices.ipynb")
    page.wait_for_function("window.jupyterapp?.commands.hasCommand('mlws:notebook-errors')")
    cells = page.locator(".jp-Notebook .jp-CodeCell")
    expect(cells).to_have_count(len(CELLS))
    page.wait_for_function(READY)
    return cells


def write_cell(page: Page, cell: Locator, source: str) -> None:
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.type(source)


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
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
    errors.get_by_text("Traceback", exact=True).click()
    expect(errors.locator("pre")).to_contain_text("show('plum')")
    shoot("notebook-error")
    errors.get_by_role("button", name="Go to Cell").click()
    editor = cells.nth(2).locator(".cm-content")
    expect(editor).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("show = prices['apple']\nprint(show + total)")

    # Mended: it runs with what it needs.
    errors.get_by_role("button", name="Rerun with Dependencies").click()
    expect(cells.nth(2).locator(".jp-OutputArea-output")).to_have_text("10\n")
    expect(errors).to_contain_text("No failed cells.")
    expect(marks.nth(2)).to_contain_text("Done in")

    # The history of the cell has both.
    marks.nth(2).click()
    history = page.locator(".jp-mlws-Executions")
    expect(history.locator("li")).to_have_count(2)
    expect(history).to_contain_text("KeyError")
    history.get_by_role("searchbox").fill("apple")
    expect(history.locator("li")).to_have_count(1)
    shoot("notebook-history")

    notebook = lab.fetch(f"notebooks?path={lab.place('prices.ipynb')}")["items"][0]["id"]
    rows = lab.fetch(f"notebooks/{notebook}/executions?cell=show")["items"]
    assert [(row["status"], row["origin"]) for row in rows] == [
        ("SUCCESS", "lab"),
        ("ERROR", "lab"),
    ]


@pytest.mark.slow(reason="a journey in a real browser")
def test_a_death_is_told_and_what_was_lost_runs_again(
    page: Page, lab: Lab, shoot: Callable[[str], None]
) -> None:
    write(lab.root, **{**CELLS, "show": "print(total)"})
    cells = open_notebook(page, lab)
    command(page, "notebook:run-all-cells")
    expect(cells.nth(2).locator(".jp-OutputArea-output")).to_have_text("7\n")
    write_cell(page, cells.nth(2), DIE)
    page.keyboard.press("Control+Enter")
    toast = page.locator(".Toastify__toast").filter(has_text="The kernel died")
    expect(toast).to_contain_text("Results of 3 cells were lost.")
    dialog = page.locator(".jp-Dialog")
    if dialog.count():
        dialog.get_by_role("button", name="Ok").click()
    shoot("notebook-death")
    write_cell(page, cells.nth(2), "print(total, 'again')")
    toast.get_by_role("button", name="Rerun with Dependencies").click()
    expect(cells.nth(2).locator(".jp-OutputArea-output")).to_have_text("7 again\n")


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_cells_are_stopped_at_their_limits(
    page: Page, start_lab: Callable[..., Lab], tmp_path: Path, shoot: Callable[[str], None]
) -> None:
    lab = start_lab(tmp_path, f"--MLWSApp.kernel_memory_limit={MEMORY_LIMIT}")
    endless = "import time\nwhile True: time.sleep(0.1)"
    hungry = f"much = b'.' * {{}}\n{endless}"
    write(
        lab.root,
        # The kernel may have been restarted: what was allocated is then gone.
        slow=f"much = None\n{endless}",
        warned=hungry.format(int(MEMORY_LIMIT * 0.72)),
        stopped=hungry.format(int(MEMORY_LIMIT * 1.1)),
    )
    cells = open_notebook(page, lab)
    marks = page.locator(".jp-mlws-CellMark")
    toasts = page.locator(".Toastify__toast")

    # Warned of, and interrupted by hand.
    cells.nth(1).locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    warning = toasts.filter(has_text="The kernel is using")
    expect(warning).to_contain_text("of its 400 MiB memory limit")
    shoot("notebook-memory-warning")
    page.keyboard.press("Escape")
    page.keyboard.press("i")
    page.keyboard.press("i")
    expect(marks).to_contain_text("Canceled in")

    # Over the limit: stopped.
    cells.nth(2).locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    expect(toasts.filter(has_text="The cell was stopped")).to_contain_text(
        "of its 400 MiB memory limit"
    )
    expect(marks.nth(1)).to_contain_text("Failed in")

    # A time limit, set in the settings editor, holds for the open notebook at once.
    page.evaluate(
        "() => jupyterapp.commands.execute('settingeditor:open',"
        " {query: 'Notebook Executions'}).then(() => null)"
    )
    limit = page.locator('.jp-SettingsPanel input[id$="cellTimeout"]')
    limit.fill("1.5")
    limit.press("Tab")
    notebook = lab.fetch(f"notebooks?path={lab.place('prices.ipynb')}")["items"][0]["id"]
    until(page, lambda: lab.fetch(f"notebooks/{notebook}/status")["timeout"] == 1.5)
    shoot("notebook-time-limit")
    page.get_by_role("tab", name="prices.ipynb").click()
    cells.nth(0).locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    expect(marks.nth(0)).to_contain_text("Timed out in")
    command(page, "mlws:notebook-errors")
    expect(page.locator(".jp-mlws-ErrorsView")).to_contain_text("TIMEOUT")
    shoot("notebook-limits")
    rows = lab.fetch(f"notebooks/{notebook}/executions")["items"]
    assert [(row["status"], (row["error"] or {}).get("code")) for row in rows] == [
        ("TIMEOUT", "20201"),
        ("ERROR", "20203"),
        ("CANCELLED", "20204"),
    ]
    assert rows[0]["error"]["details"]["restarted"] is False
    assert rows[2]["memory"] > MEMORY_LIMIT * 0.72


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_everything_by_keyboard_dark_and_in_chinese(
    page: Page, start_lab: Callable[..., Lab], tmp_path: Path, shoot: Callable[[str], None]
) -> None:
    prefer(tmp_path, "JupyterLab Dark", "zh_CN")
    lab = start_lab(tmp_path)
    write(lab.root, **CELLS)
    cells = open_notebook(page, lab)
    press = page.keyboard.press
    marks = page.locator(".jp-mlws-CellMark")
    errors = page.locator(".jp-mlws-ErrorsView")

    def go_to(wanted: Locator) -> None:
        for _ in range(60):
            press("Tab")
            if wanted.evaluate("one => one === document.activeElement"):
                return
        pytest.fail("the keyboard does not come there")

    page.evaluate("() => jupyterapp.shell.currentWidget.content.activate()")
    press("Escape")
    for _ in CELLS:
        press("Shift+Enter")
    expect(marks).to_have_count(3)
    expect(marks.nth(2)).to_contain_text("失败")

    # The panel is opened, read, and leads into the cell.
    press("Alt+Shift+e")
    expect(errors).to_contain_text("单元格 3，第 2 行")
    expect(errors).to_be_focused()
    go_to(errors.locator("summary").first)
    press("Enter")
    expect(errors.locator("pre").first).to_be_visible()
    shoot("notebook-errors-dark-zh_CN")
    assert faults_of_access(page, ".jp-mlws-ErrorsView") == []
    press("Shift+Tab")
    press("Shift+Tab")
    press("Enter")
    expect(cells.nth(2).locator(".cm-content")).to_be_focused()
    press("Control+a")
    page.keyboard.type("show = prices['apple']\nprint(show + total)")
    press("Escape")
    press("Alt+Shift+r")
    expect(marks.nth(2)).to_contain_text("完成")

    # A mark leads to the history of its cell.
    go_to(marks.nth(2))
    assert faults_of_access(page, ".jp-mlws-CellMark") == []
    press("Enter")
    history = page.locator(".jp-mlws-Executions")
    expect(history.locator("li")).to_have_count(2)
    shoot("notebook-history-dark-zh_CN")
    assert faults_of_access(page, ".jp-mlws-Executions") == []

    command(page, "mlws:server-log")
    lines = page.locator(".jp-mlws-ServerLog .jp-mlws-LogLine")
    expect(lines.filter(has_text="prices.ipynb, cell show: ERROR")).to_have_count(1)
    shoot("server-log-dark-zh_CN")
    assert faults_of_access(page, ".jp-mlws-ServerLog") == []
    go_to(page.get_by_label("级别", exact=True))
    for _ in range(3):
        press("ArrowDown")
    expect(lines.filter(has_text="SUCCESS")).to_have_count(0)
    expect(lines.filter(has_text="prices.ipynb, cell show: ERROR")).to_have_count(1)


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_the_log_is_read_and_filtered(
    page: Page, own_lab: Lab, shoot: Callable[[str], None]
) -> None:
    write(own_lab.root, **CELLS)
    notebook = own_lab.fetch("notebooks?path=prices.ipynb")["items"][0]["id"]
    own_lab.fetch(f"notebooks/{notebook}/execute", {"code": "1 + 1"})
    page.goto(own_lab.address())
    page.wait_for_function("window.jupyterapp?.commands.hasCommand('mlws:server-log')")
    command(page, "mlws:server-log")
    lines = page.locator(".jp-mlws-ServerLog .jp-mlws-LogLine")
    expect(lines.filter(has_text="prices.ipynb: SUCCESS")).to_have_count(1)
    page.get_by_label("Source", exact=True).select_option("execution")
    expect(lines).to_have_count(1)
    # A line that comes now is there by itself.
    own_lab.fetch(f"notebooks/{notebook}/execute", {"code": "2 + 2"})
    expect(lines).to_have_count(2)
    shoot("server-log")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    rows = [json.loads(line) for line in Path(download.value.path()).read_text().splitlines()]
    assert [row["event.dataset"] for row in rows] == ["mlws.execution"] * 2


@pytest.mark.parametrize("edited", [True, pytest.param(False, marks=pytest.mark.exhaustive)])
@pytest.mark.slow(reason="a journey in a real browser")
def test_outputs_of_the_api_come_into_the_open_notebook(
    edited: bool, page: Page, lab: Lab, shoot: Callable[[str], None]
) -> None:
    write(lab.root, **{**CELLS, "show": "print(total)"})
    cells = open_notebook(page, lab)
    save(page)
    if edited:
        cells.nth(0).locator(".cm-content").click()
        page.keyboard.press("Control+End")
        page.keyboard.type("  # an edit")
        expect(cells.nth(0).locator(".cm-content")).to_contain_text("# an edit")
    notebook = lab.fetch(f"notebooks?path={lab.place('prices.ipynb')}")["items"][0]["id"]
    result = lab.fetch(f"notebooks/{notebook}/execute", {"all": True})
    assert result["saved"] is True
    expect(cells.nth(2).locator(".jp-OutputArea-output")).to_have_text("7\n")
    if edited:
        expect(cells.nth(0).locator(".cm-content")).to_contain_text("# an edit")
        expect(page.locator(".Toastify")).to_contain_text("has saved outputs of")
        shoot("notebook-by-api")
        command(page, "docmanager:save")
        page.locator(".jp-Dialog").get_by_role("button", name="Overwrite").click()
        expect(page.locator(".jp-Dialog")).to_have_count(0)
        page.wait_for_function("() => !jupyterapp.shell.currentWidget.context.model.dirty")
        saved = json.loads((lab.root / "prices.ipynb").read_text())["cells"]
        assert "".join(saved[0]["source"]).endswith("# an edit")
        assert saved[2]["outputs"][0]["text"] == ["7\n"]


@pytest.mark.slow(reason="a journey in a real browser")
def test_variables_follow_the_kernel(page: Page, lab: Lab, shoot: Callable[[str], None]) -> None:
    write(lab.root, frame="import pandas as pd\nframe = pd.DataFrame({'a': range(9)})", two="b = 7")
    lab.show(page, "prices.ipynb")
    page.wait_for_function("window.jupyterapp?.commands.hasCommand('mlws:notebook-variables')")
    page.wait_for_function(READY)
    command(page, "mlws:notebook-variables")
    view = page.locator("#jp-mlws-variables")
    expect(view).to_contain_text("No variables.")
    command(page, "notebook:run-all-cells")
    rows = view.locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("frameDataFrame9 × 1")
    expect(rows.nth(1)).to_contain_text("bint")
    view.get_by_role("button", name="Name").click()
    expect(rows.nth(0)).to_contain_text("bint")
    view.get_by_role("searchbox").fill("data")
    expect(rows).to_have_count(1)
    view.get_by_role("searchbox").fill("")
    shoot("variables")
    assert not faults_of_access(page, "#jp-mlws-variables")
    # Hidden, it asks the kernel for nothing.
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    command(page, "mlws:notebook-errors")
    command(page, "notebook:run-all-cells")
    expect(page.locator(".jp-InputPrompt").nth(1)).to_have_text("[4]:")
    page.wait_for_timeout(500)
    assert not [url for url in asked if "/variables" in url]


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_the_commit_box_names_outputs_of_other_code(
    page: Page, lab: Lab, shoot: Callable[[str], None]
) -> None:
    write(lab.root, one="x = 1", two="x = 2")
    lab.show(page, "prices.ipynb")
    page.wait_for_function("window.jupyterapp?.commands.hasCommand('mlws:open-source-control')")
    page.wait_for_function(READY)
    cells = page.locator(".jp-Notebook .jp-CodeCell")
    for index, count in ((1, 1), (0, 2)):
        cells.nth(index).click()
        command(page, "notebook:run-cell")
        expect(cells.nth(index).locator(".jp-InputPrompt")).to_have_text(f"[{count}]:")
    write_cell(page, cells.nth(0), "x = 3")
    page.keyboard.press("Control+s")
    command(page, "mlws:open-source-control")
    note = page.locator(".jp-mlws-Note", has_text="prices.ipynb")
    expect(note).to_contain_text("Cell 1 of prices.ipynb was edited after it ran.")
    expect(note).to_contain_text("Cell 2 of prices.ipynb ran before a cell above it.")
    shoot("stale-outputs")
    # Run again from the top, they are those of the code.
    command(page, "notebook:run-all-cells")
    expect(cells.nth(1).locator(".jp-InputPrompt")).to_have_text("[4]:")
    command(page, "docmanager:save")
    expect(note).to_have_count(0)
