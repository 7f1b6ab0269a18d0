"""Views of the main area: they come back with the page, and open in Notebook 7."""

from __future__ import annotations

from collections.abc import Callable

import nbformat
import pytest
from playwright.sync_api import Page, expect

from tests.ui.canvas import saved_layout, until
from tests.ui.conftest import TOKEN, Lab

pytestmark = pytest.mark.browser

WINE = "workflows/wine/dvc.yaml"
VIEWS = {
    "mlws:open-diff": ({"path": WINE, "from": None, "to": "HEAD"}, ".jp-mlws-FileDiff"),
    "mlws:open-experiments": ({}, ".jp-mlws-RunTableView"),
    "mlws:open-lineage": ({"of": "snapshot:HEAD"}, ".jp-mlws-LineageView"),
    "mlws:server-log": ({}, ".jp-mlws-ServerLog"),
}
"""Commands with their arguments, and the view that each opens."""


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_views_come_back_with_the_page(page: Page, lab: Lab, shoot: Callable[[str], None]) -> None:
    page.goto(lab.address())
    # The clean layout of this address is saved by then; what is open before is not kept.
    page.wait_for_function("() => window.jupyterapp?.restored.then(() => true)")
    for command, (arguments, view) in VIEWS.items():
        page.wait_for_function("name => window.jupyterapp?.commands.hasCommand(name)", arg=command)
        page.evaluate(
            "([id, args]) => void jupyterapp.commands.execute(id, args)", [command, arguments]
        )
        expect(page.locator(view)).to_be_visible()
    tabs = page.locator("#jp-main-dock-panel .lm-TabBar-tab")
    titles = tabs.all_inner_texts()

    def is_saved() -> bool:
        dock = saved_layout(lab).get("layout-restorer:data", {}).get("main", {}).get("dock") or {}
        return len(dock.get("widgets", [])) == len(titles)

    until(page, is_saved)
    # Without `reset` in its address, which would give a clean layout.
    page.goto(f"{lab.url}/lab?token={TOKEN}")
    expect(tabs).to_have_text(titles)
    for _, view in VIEWS.values():
        expect(page.locator(view)).to_have_count(1)
    for index, (_, view) in enumerate(VIEWS.values()):
        tabs.nth(index).click()
        expect(page.locator(view)).to_be_visible()
    shoot("views-restored")


NOTEBOOK_FAULT = "Cannot read properties of undefined (reading 'schema')"
"""Of Notebook 7 itself: its shortcuts may read their settings before these are loaded."""


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_views_open_beside_the_document_of_notebook_7(
    page: Page, lab: Lab, shoot: Callable[[str], None]
) -> None:
    errors: list[str] = []
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    nbformat.write(notebook, lab.root / "a.ipynb")
    page.goto(f"{lab.url}/notebooks/a.ipynb?token={TOKEN}")
    expect(page.locator(".jp-NotebookPanel .jp-Cell")).to_be_visible()
    # Not by the palette, which closes whenever the notebook takes the focus during its start.
    page.wait_for_function("window.jupyterapp?.commands.hasCommand('mlws:server-log')")
    page.evaluate("() => { void jupyterapp.commands.execute('mlws:server-log'); }")
    expect(page.locator(".jp-mlws-ServerLog")).to_be_visible()
    expect(page.locator(".jp-NotebookPanel .jp-Cell")).to_be_visible()
    shoot("notebook-7-view")

    page.goto(f"{lab.url}/edit/{WINE}?token={TOKEN}")
    expect(page.locator(".react-flow__node").first).to_be_visible()
    expect(page.locator(".jp-mlws-run")).to_be_visible()
    assert [text for text in errors if text != NOTEBOOK_FAULT] == []
