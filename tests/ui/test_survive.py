"""Outputs that arrive while no tab is open, in a real JupyterLab: nothing is lost."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from nbclient import NotebookClient
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser import ARGUMENTS, CHROMIUM
from tests.ui.canvas import save, until
from tests.ui.conftest import Lab
from tests.ui.test_notebooks import READY, command

pytestmark = pytest.mark.browser

LONG = """\
import time
import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import HTML, display
from tqdm import tqdm
print("start")
handle = display(HTML("<b>0 of 8</b>"), display_id=True)
for step in tqdm(range(1, 9), bar_format="{percentage:.0f} %"):
    time.sleep(1)
    handle.update(HTML(f"<b>{step} of 8</b>"))
plt.plot([3, 1, 2])
plt.show()
display(pd.DataFrame({"fruit": ["apple", "pear"], "price": [3, 4]}))
print("end")
"""
WAITING = LONG.replace(
    "    time.sleep(1)\n",
    "    time.sleep(0.2)\n    while step == 3 and not pathlib.Path('go').exists():\n"
    "        time.sleep(0.1)\n",
).replace("import time\n", "import pathlib, time\n", 1)
"""Goes on when the test says so, however long the next page takes to open."""
ASKING = "import time\nprint('asking')\ntime.sleep(3)\nname = input('Name? ')\nprint('Hello', name)"
EARLY = re.compile("[1-6] of 8")
"""In the outputs of a cell with at least two seconds to go."""
PATH = "long.ipynb"


def write(root: Path, *sources: str) -> Path:
    cells = [
        {
            "id": f"cell{number}",
            "cell_type": "code",
            "source": source,
            "metadata": {},
            "outputs": [],
            "execution_count": None,
        }
        for number, source in enumerate(sources)
    ]
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    content = {"cells": cells, "metadata": {"kernelspec": kernel}}
    file = root / PATH
    file.write_text(json.dumps({**content, "nbformat": 4, "nbformat_minor": 5}))
    return file


def open_notebook(page: Page, lab: Lab, *, ready: bool = True) -> Locator:
    page.goto(lab.address(PATH))
    page.wait_for_function("window.jupyterapp?.commands.hasCommand('mlws:notebook-errors')")
    cells = page.locator(".jp-Notebook .jp-CodeCell")
    expect(cells.first).to_be_visible()
    if ready:
        page.wait_for_function(READY)
    return cells


def run_and_leave(page: Page, lab: Lab, text: str | re.Pattern[str]) -> None:
    """Run all cells, and close the page when a text is in an output."""
    open_notebook(page, lab)
    save(page)
    command(page, "notebook:run-all-cells")
    expect(page.locator(".jp-OutputArea").get_by_text(text)).to_be_visible()
    page.close()


def expect_end(cell: Locator, count: int = 1) -> None:
    expect(cell.locator(".jp-InputPrompt")).to_have_text(f"[{count}]:", timeout=90_000)
    area = cell.locator(".jp-OutputArea")
    expect(area.get_by_text("8 of 8")).to_be_visible()
    text = area.inner_text()
    assert [part for part in ("start", "100 %", "apple", "pear", "end") if part not in text] == []
    assert "7 of 8" not in text
    expect(area.locator("img")).to_have_count(1)


def simplified(outputs: list[dict[str, Any]]) -> list[Any]:
    """Return outputs as they look: streams in one piece, progress bars at their end."""
    seen: list[Any] = []
    for output in outputs:
        if output["output_type"] == "stream":
            text = "".join(output["text"])
            if seen and seen[-1][0] == output["name"]:
                text = seen.pop()[1] + text
            seen.append((output["name"], re.sub(r"[^\r\n]*\r(?=[^\n])", "", text)))
        else:
            # nbformat keeps texts as lines.
            data = {kind: "".join(content) for kind, content in output["data"].items()}
            seen.append((output["output_type"], data))
    return seen


@pytest.fixture(scope="module")
def undisturbed() -> list[Any]:
    """The outputs of a run that nobody left."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(LONG.replace("sleep(1)", "sleep(0.2)"))]
    )
    NotebookClient(notebook, kernel_name="python3").execute()
    return simplified(notebook.cells[0].outputs)


def outputs_in(file: Path) -> list[Any]:
    """The outputs of the first cell; nothing while the server writes the file, in place."""
    try:
        return simplified(json.loads(file.read_text())["cells"][0]["outputs"])
    except ValueError:
        return []


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_the_next_page_streams_on(
    page: Page, other_page: Page, lab: Lab, undisturbed: list[Any]
) -> None:
    file = write(lab.root, WAITING, "print('next')")
    run_and_leave(other_page, lab, "2 of 8")

    cells = open_notebook(page, lab, ready=False)
    expect(cells.nth(0).locator(".jp-InputPrompt")).to_have_text("[*]:")
    expect(cells.nth(1).locator(".jp-InputPrompt")).to_have_text("[*]:")
    expect(cells.nth(0).get_by_text("start", exact=True)).to_be_visible()
    assert "8 of 8" not in cells.nth(0).inner_text()
    (lab.root / "go").touch()
    expect_end(cells.nth(0))
    expect(cells.nth(1).locator(".jp-OutputArea")).to_contain_text("next")
    expect(cells.nth(1).locator(".jp-InputPrompt")).to_have_text("[2]:")
    # This page saves them now.
    save(page)
    assert outputs_in(file) == undisturbed


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_the_document_has_them_when_nobody_came(
    page: Page, other_page: Page, lab: Lab, undisturbed: list[Any]
) -> None:
    file = write(lab.root, LONG)
    run_and_leave(other_page, lab, EARLY)
    until(page, lambda: outputs_in(file) == undisturbed)
    cells = open_notebook(page, lab)
    expect_end(cells.nth(0))
    expect(page.locator(".jp-mod-dirty")).to_have_count(0)
    assert outputs_in(file) == undisturbed


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_a_killed_browser_loses_nothing(
    page: Page, browser: Browser, lab: Lab, undisturbed: list[Any], tmp_path: Path
) -> None:
    file = write(lab.root, WAITING)
    profile = tmp_path / "killed"
    doomed = browser.browser_type.launch_persistent_context(
        profile, executable_path=CHROMIUM, args=ARGUMENTS
    )
    (theirs,) = doomed.pages
    open_notebook(theirs, lab)
    save(theirs)
    command(theirs, "notebook:run-all-cells")
    expect(theirs.locator(".jp-OutputArea").get_by_text("2 of 8")).to_be_visible()
    for process in psutil.process_iter(["cmdline"]):
        if f"--user-data-dir={profile}" in (process.info["cmdline"] or []):
            process.kill()
    cells = open_notebook(page, lab, ready=False)
    expect(cells.nth(0).locator(".jp-InputPrompt")).to_have_text("[*]:")
    (lab.root / "go").touch()
    expect_end(cells.nth(0))
    save(page)
    assert outputs_in(file) == undisturbed


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_a_page_that_lost_its_connection_catches_up(page: Page, lab: Lab) -> None:
    write(lab.root, LONG)
    cells = open_notebook(page, lab)
    command(page, "notebook:run-all-cells")
    expect(page.get_by_text(EARLY)).to_be_visible()
    page.context.set_offline(True)
    page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel._ws.close()")
    page.wait_for_timeout(2_000)
    page.context.set_offline(False)
    page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.reconnect()")
    expect_end(cells.nth(0))


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
@pytest.mark.exhaustive
def test_two_pages_show_the_same(page: Page, other_page: Page, lab: Lab) -> None:
    write(lab.root, LONG)
    mine = open_notebook(page, lab)
    # The kernel's language is written into the document.
    save(page)
    other = open_notebook(other_page, lab)
    command(page, "notebook:run-all-cells")
    expect(other.nth(0).get_by_text(EARLY)).to_be_visible()
    expect(other_page.locator(".jp-mod-dirty")).to_have_count(0)
    expect_end(other.nth(0))
    expect_end(mine.nth(0))
    expect(other_page.locator(".jp-mod-dirty")).to_have_count(0)


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_a_request_for_input_is_asked_again(
    page: Page, other_page: Page, lab: Lab, shoot: Callable[[str], None]
) -> None:
    write(lab.root, ASKING)
    run_and_leave(other_page, lab, "asking")
    cells = open_notebook(page, lab, ready=False)
    field = cells.nth(0).locator(".jp-Stdin-input")
    expect(field).to_be_visible()
    field.fill("Ada")
    field.press("Enter")
    expect(cells.nth(0).locator(".jp-OutputArea")).to_contain_text("Hello Ada")
    expect(cells.nth(0).locator(".jp-InputPrompt")).to_have_text("[1]:")


@pytest.mark.slow(reason="a journey in a real browser")
@pytest.mark.parametrize("page_stays", [False, pytest.param(True, marks=pytest.mark.exhaustive)])
def test_a_killed_server_loses_nothing(
    page: Page,
    other_page: Page,
    start_lab: Callable[..., Lab],
    example: Path,
    undisturbed: list[Any],
    page_stays: bool,
) -> None:
    file = write(example, LONG)
    lab = start_lab(example)
    first = page if page_stays else other_page
    cells = open_notebook(first, lab)
    save(first)
    command(first, "notebook:run-all-cells")
    expect(cells.nth(0).get_by_text(EARLY)).to_be_visible()
    if not page_stays:
        first.close()
    lab.stop(signal.SIGKILL)
    start_lab(example, port=lab.port)
    if not page_stays:
        cells = open_notebook(page, lab, ready=False)
    expect_end(cells.nth(0))
    if not page_stays:
        # A page that comes back late is asked whether it overwrites what the server has saved.
        save(page)
        assert outputs_in(file) == undisturbed
