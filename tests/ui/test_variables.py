"""Variables of a kernel in the lab: a frame as a table, arrays, dictionaries and models."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.canvas import faults_of_access, saved_layout, until
from tests.ui.conftest import Lab, prefer
from tests.ui.test_notebooks import READY, command

pytestmark = pytest.mark.browser

SETUP = """\
import numpy as np, pandas as pd
from sklearn.linear_model import LinearRegression
count = 100_000
df = pd.DataFrame({'price': np.arange(count)[::-1] * 2, 'fruit': ['fig', 'pear'] * (count // 2)})
cube = np.arange(24).reshape(2, 3, 4)
results = {'scores': [0.5, 0.75], 'table': df.head(3)}
model = LinearRegression(fit_intercept=False).fit([[1.0], [2.0]], [2.0, 4.0])
"""
CHANGE = "df = df.assign(price=df.price + 1000)"
SLEEP = "import time; time.sleep(6)"


@pytest.fixture
def lab(shared_example: Lab) -> Lab:
    return shared_example


def open_notebook(page: Page, lab: Lab) -> None:
    """Open a notebook with the variables of SETUP, and the panel that lists them."""
    sources = {"setup": SETUP, "change": CHANGE, "sleep": SLEEP}
    cells = [
        {
            "id": name,
            "cell_type": "code",
            "source": source,
            "metadata": {},
            "outputs": [],
            "execution_count": None,
        }
        for name, source in sources.items()
    ]
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    content = {"cells": cells, "metadata": {"kernelspec": kernel}}
    text = json.dumps({**content, "nbformat": 4, "nbformat_minor": 5})
    (lab.root / "values.ipynb").write_text(text)
    lab.show(page, "values.ipynb")
    page.wait_for_function("window.jupyterapp?.commands.hasCommand('mlws:notebook-variables')")
    expect(page.locator(".jp-Notebook .jp-CodeCell")).to_have_count(len(sources))
    page.wait_for_function(READY)
    run(page, 0)
    expect(page.locator(".jp-mlws-CellMark").first).to_be_visible(timeout=60_000)
    command(page, "mlws:notebook-variables")


def run(page: Page, cell: int) -> None:
    """Run a cell, whatever tab is looked at."""
    page.evaluate(
        """async cell => {
            const shell = jupyterapp.shell;
            const panel = [...shell.widgets('main')].find(one => one.content?.widgets?.[cell]);
            panel.content.activeCellIndex = cell;
            const kernel = panel.sessionContext.session.kernel;
            const model = panel.content.activeCell.model;
            const future = kernel.requestExecute(
              { code: model.sharedModel.getSource() }, false, { cellId: model.id });
            future.done.catch(() => undefined);
        }""",
        cell,
    )


def open_variable(page: Page, name: str) -> Locator:
    panel = page.get_by_role("region", name="Variables of this notebook")
    panel.get_by_role("button", name=name, exact=True).click()
    view = page.locator(".jp-mlws-Variable:visible")
    expect(view.locator("header strong")).to_have_text(name)
    return view


def cells_of(view: Locator, row: int) -> Locator:
    return view.locator(f".jp-mlws-Grid-row[aria-rowindex='{row}'] [role=gridcell]")


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_a_frame_is_sorted_filtered_scrolled_and_assigned_again(
    page: Page, own_lab: Lab, shoot: Callable[[str], None]
) -> None:
    open_notebook(page, own_lab)
    view = open_variable(page, "df")
    expect(view.locator(".jp-mlws-Preview-shape")).to_contain_text("Rows: 100,000. Columns: 2")
    expect(cells_of(view, 1)).to_have_text(["0", "199998", "fig"])
    shoot("variable-frame")
    assert faults_of_access(page, ".jp-mlws-Variable") == []

    view.get_by_title("Sort by price").click()
    expect(cells_of(view, 1)).to_have_text(["99999", "0", "pear"])
    view.get_by_label("Filter fruit").fill("= fig")
    expect(cells_of(view, 1)).to_have_text(["99998", "2", "fig"])
    expect(view.locator(".jp-mlws-Preview-shape")).to_contain_text("Matching: 50,000")
    view.locator(".jp-mlws-Grid").evaluate("one => { one.scrollTop = one.scrollHeight; }")
    expect(cells_of(view, 50_000)).to_have_text(["0", "199998", "fig"])
    view.get_by_role("button", name="Statistics of price").click()
    pane = view.get_by_role("region", name="Statistics of price")
    expect(pane.locator(".jp-mod-histogram li")).to_have_count(20)
    expect(pane.locator("dl")).to_contain_text("100,000")
    shoot("variable-sorted")

    # It is another value now, and the place and the order stay.
    run(page, 1)
    expect(cells_of(view, 50_000)).to_have_text(["0", "200998", "fig"])
    expect(view.locator("header [role=status]")).to_have_text("The last cell changed these values.")
    expect(pane.locator("dl")).to_contain_text("200,998")

    # A busy kernel answers later; what was read is there.
    run(page, 2)
    page.wait_for_function(
        "() => [...jupyterapp.shell.widgets('main')].some("
        "one => one.sessionContext?.session?.kernel?.status === 'busy')"
    )
    view.locator(".jp-mlws-Grid").evaluate("one => { one.scrollTop = 24 * 24_990; }")
    busy = "The kernel is busy. These are older values."
    expect(view.locator("header [role=status]")).to_have_text(busy)
    expect(cells_of(view, 25_000)).to_have_text(["50000", "100998", "fig"])

    # A filter that does not fit says so.
    view.get_by_label("Filter price").fill("> many")
    expect(view.locator(".jp-mlws-Field-error")).to_contain_text("'many' is not a value of type")

    # The view comes back with the page.
    until(page, lambda: "mlws-views:variable" in json.dumps(saved_layout(own_lab)))
    page.goto(f"{own_lab.url}/lab")
    view = page.locator(".jp-mlws-Variable:visible")
    expect(view.locator(".jp-mlws-Preview-shape")).to_contain_text("Rows: 100,000", timeout=60_000)


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_arrays_dictionaries_and_models(page: Page, lab: Lab, shoot: Callable[[str], None]) -> None:
    open_notebook(page, lab)
    view = open_variable(page, "cube")
    expect(cells_of(view, 3)).to_have_text(["2", "8", "9", "10", "11"])
    view.get_by_label("Axis 0").fill("1")
    expect(cells_of(view, 3)).to_have_text(["2", "20", "21", "22", "23"])
    shoot("variable-array")

    view = open_variable(page, "results")
    view.get_by_role("button", name="'scores'").click()
    expect(view.get_by_role("row", name="1 float 0.75")).to_be_visible()
    shoot("variable-dict")
    assert faults_of_access(page, ".jp-mlws-Variable") == []
    view.get_by_role("button", name="'table'").click()
    nested = page.locator(".jp-mlws-Variable:visible")
    expect(nested.locator("header strong")).to_have_text("results['table']")
    expect(cells_of(nested, 1)).to_have_text(["0", "199998", "fig"])

    view = open_variable(page, "model")
    expect(view.get_by_role("row", name="fit_intercept bool False")).to_be_visible()
    fitted = view.locator("tr[data-mlws-role=fitted]")
    expect(fitted.get_by_role("button", name="coef_")).to_be_visible()
    shoot("variable-model")


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_it_looks_right_in_the_dark_and_in_chinese(
    page: Page,
    start_lab: Callable[..., Lab],
    example: Path,
    tmp_path: Path,
    shoot: Callable[[str], None],
) -> None:
    prefer(tmp_path, "JupyterLab Dark", "zh_CN")
    lab = start_lab(example)
    open_notebook(page, lab)
    for name in ("df", "cube", "model"):
        page.evaluate(
            """name => {
                const shown = { notebook: 'values.ipynb', name };
                void jupyterapp.commands.execute('mlws:notebook-variable', shown);
            }""",
            name,
        )
        view = page.locator(".jp-mlws-Variable:visible")
        expect(view.locator("header strong")).to_have_text(name)
        expect(view.locator("[role=grid], [role=treegrid]")).to_be_visible()
        shoot(f"variable-{name}-dark-chinese")
        assert faults_of_access(page, ".jp-mlws-Variable:not(.lm-mod-hidden *)") == []
