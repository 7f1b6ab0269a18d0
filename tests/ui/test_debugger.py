"""JupyterLab's debugger on a node that was opened as a notebook."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from jupyter_mlws.projects.setup import initialize
from tests.ui.canvas import RUN_LIMIT, command, node, open_workflow, run_workflow
from tests.ui.conftest import Lab
from tests.ui.test_notebooks import READY

pytestmark = pytest.mark.browser

COMPONENT = '''\
from jupyter_mlws.components import Table, component


@component(category="Test")
def keep_rows(data: Table, *, column: str = "a", least: float = 0.0) -> Table:
    """Keep rows.

    column: Which column.
    """
    limit = least * 2
    return data[data[column] >= limit]
'''
LINE = COMPONENT.splitlines().index("    return data[data[column] >= limit]") + 1
TEXT = """\
vars:
  - keep: {column: gone, least: 2.5}
stages:
  load:
    cmd: jupyter mlws node load_table --file data.csv --table out/load.parquet
    deps: [data.csv]
    outs: [out/load.parquet]
  keep:
    cmd: jupyter mlws node keep_rows --data out/load.parquet --table out/keep.parquet ${keep}
    deps: [out/load.parquet]
    outs: [out/keep.parquet]
"""
FILES = {"dvc.yaml": TEXT, "data.csv": "a,b\n1,2\n3,4\n", "components/keep.py": COMPONENT}
DEBUG = re.compile("^(Debug in Notebook|在笔记本中调试)$")
SOURCES = re.compile("^(Kernel Sources|内核源)$")
SELECT_LAST_CODE_CELL = """() => {
    const notebook = jupyterapp.shell.currentWidget.content;
    notebook.activeCellIndex = notebook.widgets.findLastIndex(one => one.model.type === 'code');
}"""


@pytest.fixture
def lab(start_lab: Callable[..., Lab], tmp_path: Path) -> Lab:
    root = tmp_path / "workspace"
    (root / "components").mkdir(parents=True)
    initialize(root)
    for name, text in FILES.items():
        (root / name).write_text(text)
    return start_lab(root)


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_a_breakpoint_in_the_source_of_a_component_stops_its_node(
    page: Page, lab: Lab, shoot: Callable[[str], None]
) -> None:
    open_workflow(page, lab, "dvc.yaml", ["load", "keep"])
    run_workflow(page)
    expect(node(page, "keep")).to_have_attribute("data-mlws-state", "FAILED", timeout=RUN_LIMIT)
    node(page, "keep").click()
    stop_in_source(page)
    sidebar = page.locator("#jp-debugger-sidebar")
    variables = sidebar.locator(".jp-DebuggerVariables-body:visible")
    expect(variables).to_contain_text("column")
    expect(variables).to_contain_text("gone")
    expect(variables).to_contain_text(re.compile(r"limit\s*5"))
    shoot("debugger-stopped")

    command(page, "debugger:continue")
    outputs = page.locator(".jp-NotebookPanel .jp-OutputArea-output")
    expect(outputs.last).to_contain_text("KeyError: 'gone'")
    expect(sidebar.locator(".jp-DebuggerCallstackFrame")).to_have_count(0)
    shoot("debugger-finished")


def stop_in_source(page: Page) -> None:
    """Open the selected node, which has failed, as a notebook; stop it in its component's file."""
    page.locator(".jp-mlws-NodeFailure").get_by_role("button", name=DEBUG).click()
    notebook = page.locator(".jp-NotebookPanel")
    expect(notebook.locator(".jp-Notebook")).to_contain_text("load_function")
    page.wait_for_function(READY)
    page.evaluate(SELECT_LAST_CODE_CELL)
    command(page, "notebook:run-all-above")
    notebook.locator(".jp-DebuggerBugButton").click()
    sidebar = page.locator("#jp-debugger-sidebar")
    expect(sidebar).to_be_visible()
    sources = sidebar.locator(".jp-DebuggerKernelSource-source")
    module = sources.get_by_text("mlws_project_components.keep", exact=True)
    expect(module).to_have_count(1)
    if not module.is_visible():
        sidebar.get_by_text(SOURCES).click()
    module.click()
    editor = page.locator(".jp-MainAreaWidget:visible", has_text="limit = least * 2")
    editor.locator(".cm-breakpoint-gutter .cm-gutterElement").nth(LINE).click()
    expect(sidebar.locator(".jp-DebuggerBreakpoints-body")).to_contain_text(f"{LINE}")
    page.locator(".lm-TabBar-tab", has_text="-keep.ipynb").click()
    page.evaluate("() => void jupyterapp.commands.execute('notebook:run-cell')")
    expect(sidebar.locator(".jp-DebuggerCallstackFrame").first).to_contain_text("keep_rows")
