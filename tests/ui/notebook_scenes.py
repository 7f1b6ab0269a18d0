"""Scenes of notebooks for the pictures: variables, the toolbar, outputs without a tab, debugger."""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.ui import test_debugger
from tests.ui.canvas import RUN_LIMIT, command, node
from tests.ui.conftest import TOKEN
from tests.ui.test_notebooks import READY
from tests.ui.test_variables import SETUP

KERNELS = {"python3": ("Python 3 (ipykernel)", "python"), "bash": ("Bash", "bash")}
LONG = """\
import time
for epoch in range(1, 200):
    print(f"epoch {epoch}: loss {1 / epoch:.3f}")
    time.sleep(0.5)
"""
SHORT = "import time\nprint('accuracy 0.93')\ntime.sleep(5)\nprint('saved')"
DEBUGGED = "debugged"
"""A folder of the labs: the project with a component that fails."""


class NotebookScenes:
    """The scenes of notebooks, on the lab of a folder.

    Those of JupyterLab's own parts have no part for axe to judge.
    """

    def __init__(self, root: Path, address: str, kernels: Path) -> None:
        self.root, self.address = root, address
        self._numbers = itertools.count(1)
        (kernels / "bash").mkdir(parents=True)
        argv = [sys.executable, "-m", "bash_kernel", "-f", "{connection_file}"]
        spec = {"argv": argv, "display_name": "Bash", "language": "bash"}
        (kernels / "bash/kernel.json").write_text(json.dumps(spec))

    def variables(self, page: Page) -> str:
        """The panel of variables, and a data frame, sorted, filtered, with statistics."""
        self._write_and_run(page, SETUP)
        command(page, "mlws:notebook-variables")
        expect(page.locator("#jp-mlws-variables tbody tr").first).to_be_visible()
        page.locator("#jp-mlws-variables").get_by_role("button", name="df", exact=True).click()
        view = page.locator(".jp-mlws-Variable:visible")
        view.get_by_role("columnheader").nth(1).get_by_role("button").first.click()
        view.locator("input").last.fill("= fig")
        view.locator("button:has-text('Σ')").nth(1).click()
        expect(view.locator(".jp-mod-histogram").first).to_be_visible()
        return ".jp-mlws-Variable:not(.lm-mod-hidden *)"

    def model(self, page: Page) -> str:
        """A model as a tree, beside the panel of variables."""
        self._write_and_run(page, SETUP)
        command(page, "mlws:notebook-variables")
        page.locator("#jp-mlws-variables").get_by_role("button", name="model", exact=True).click()
        expect(page.locator("[data-mlws-role=fitted]").first).to_be_visible()
        return ".jp-mlws-Variable:not(.lm-mod-hidden *)"

    def bash(self, page: Page) -> str:
        """The panel of variables of a kernel that cannot list them."""
        self._write_and_run(page, "count=3\necho $count", kernel="bash")
        command(page, "mlws:notebook-variables")
        expect(page.locator("#jp-mlws-variables [role=status]")).to_be_visible()
        return "#jp-mlws-variables"

    def notebook_menu(self, page: Page) -> str:
        """The menu in a notebook's toolbar."""
        self._write_and_run(page, "print('ready')")
        page.locator("[data-jp-item-name='mlws-workflow']").click()
        expect(page.locator(".lm-Menu-item").first).to_be_visible()
        return ".jp-NotebookPanel-toolbar"

    def running(self, page: Page) -> str:
        """A notebook that was opened again while its cell runs."""
        self._leave(page, LONG, "epoch 3")
        expect(page.locator(".jp-OutputArea").first).to_contain_text("epoch 5")
        return ""

    def other_code(self, page: Page) -> str:
        """A notebook whose cell was changed after its tab had been closed."""
        path = self._leave(page, SHORT, "accuracy", edited="print('accuracy 0.95')")
        page.wait_for_timeout(8_000)
        self._open(page, path)
        expect(page.locator(".Toastify__toast").first).to_be_visible()
        return ""

    def debugger(self, page: Page) -> str:
        """A node that was opened as a notebook, at a breakpoint in the source of its component."""
        for file in (self.root / DEBUGGED / "debug").glob("*.ipynb"):
            # It is in the language of the picture before.
            file.unlink()
        page.goto(f"{self.address}/lab/tree/{DEBUGGED}/dvc.yaml?token={TOKEN}&reset")
        expect(page.locator(".jp-mlws-run")).to_have_attribute("aria-disabled", "false")
        page.locator(".jp-mlws-run").click()
        failed = node(page, "keep")
        expect(failed).to_have_attribute("data-mlws-state", "FAILED", timeout=RUN_LIMIT)
        failed.click()
        test_debugger.stop_in_source(page)
        return ""

    def _write_and_run(self, page: Page, *sources: str, kernel: str = "python3") -> str:
        """Open a new notebook, alone, and run it to its end."""
        path = f"notebook-{next(self._numbers)}.ipynb"
        display_name, language = KERNELS[kernel]
        spec = {"name": kernel, "display_name": display_name, "language": language}
        cells: list[dict[str, object]] = [
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
        content = {"cells": cells, "metadata": {"kernelspec": spec}}
        (self.root / path).write_text(json.dumps({**content, "nbformat": 4, "nbformat_minor": 5}))
        # Kernels of other pictures would only take memory.
        page.evaluate("() => window.jupyterapp?.serviceManager.sessions.shutdownAll()")
        self._open(page, path)
        page.wait_for_function(READY)
        command(page, "docmanager:save")
        page.evaluate("() => void jupyterapp.commands.execute('notebook:run-all-cells')")
        expect(page.locator(".jp-OutputArea-child, .jp-mlws-CellMark").first).to_be_visible()
        return path

    def _open(self, page: Page, path: str) -> None:
        page.goto(f"{self.address}/lab/tree/{path}?token={TOKEN}&reset")
        page.wait_for_function("window.jupyterapp?.commands.hasCommand('mlws:notebook-variables')")
        expect(page.locator(".jp-Notebook .jp-CodeCell").first).to_be_visible()

    def _leave(self, page: Page, source: str, text: str, edited: str | None = None) -> str:
        """Run a cell in a page that closes when ``text`` is there; open it again, or edit it."""
        browser = page.context.browser
        assert browser
        other = browser.new_page()
        path = self._write_and_run(other, source)
        expect(other.locator(".jp-OutputArea").first).to_contain_text(text)
        other.close()
        if edited is None:
            self._open(page, path)
        else:
            file = self.root / path
            content = json.loads(file.read_text())
            content["cells"][0]["source"] = edited
            file.write_text(json.dumps(content))
        return path


SCENES = (
    "variables",
    "model",
    "bash",
    "notebook_menu",
    "running",
    "other_code",
    "debugger",
)
