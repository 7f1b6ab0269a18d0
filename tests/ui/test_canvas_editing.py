"""Gestures of editing, each seen in the lines of the file that it changes."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.ui.canvas import (
    NODES,
    WORKFLOW,
    drag,
    empty_place,
    lines_changed,
    node,
    open_workflow,
    port,
    save,
)
from tests.ui.conftest import Lab

pytestmark = pytest.mark.browser


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_files_of_the_file_browser_become_nodes(page: Page, lab: Lab) -> None:
    (lab.root / "src").mkdir()
    (lab.root / "clean.py").write_text("print('clean')\n")
    file = lab.root / WORKFLOW
    before = file.read_text()
    open_workflow(page, lab, WORKFLOW, NODES)
    page.evaluate("() => jupyterapp.commands.execute('filebrowser:go-to-path', {path: ''})")
    item = page.locator(".jp-DirListing-item", has_text="clean.py")
    expect(item).to_be_visible()
    drag(page, item, empty_place(page, 0.5, 0.85))
    expect(node(page, "clean")).to_be_visible()
    save(page)
    assert lines_changed(before, file.read_text())[:-1] == [
        "+  clean:",
        "+    wdir: ../..",
        "+    cmd: python clean.py",
        "+    deps:",
        "+      - clean.py",
    ]
    # What a script writes is said in its settings.
    output = page.get_by_label("Add to Outputs")
    output.fill("data/clean.csv")
    output.press("Enter")
    expect(port(page, "clean", "out", "clean.csv")).to_be_visible()
    command_field = page.locator(".jp-mlws-CommandField")
    command_field.fill("python clean.py --all")
    command_field.press("Tab")
    save(page)
    text = file.read_text()
    assert "    cmd: python clean.py --all\n" in text
    assert "    outs:\n      - data/clean.csv\n" in text
