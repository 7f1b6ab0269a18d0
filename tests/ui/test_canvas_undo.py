"""One history over the workflow and the files of parameters that it reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.ui.canvas import drag, middle, node, open_workflow, save, until
from tests.ui.conftest import Lab

pytestmark = pytest.mark.browser

PARAMS = "# How it is trained\ntrain:\n  lr: 0.1   # the rate\n  depth: 4\n"
TEXT = """\
stages:
  train:
    cmd: cat params.yaml > out.txt
    params: [train]
    outs: [out.txt]
"""


@pytest.fixture
def lab(start_lab: Callable[..., Lab], example: Path) -> Lab:
    (example / "params.yaml").write_text(PARAMS)
    (example / "dvc.yaml").write_text(TEXT)
    return start_lab(example)


@pytest.mark.slow(reason="a journey in a real browser")
def test_the_newest_step_is_undone_wherever_it_was(page: Page, lab: Lab) -> None:
    params, workflow = lab.root / "params.yaml", lab.root / "dvc.yaml"
    open_workflow(page, lab, "dvc.yaml", ["train"])

    def texts() -> tuple[str, str]:
        return workflow.read_text(), params.read_text()

    def set_param(name: str, value: str) -> None:
        field = page.locator(f'[data-mlws-param="{name}"]')
        field.fill(value)
        field.press("Enter")
        until(page, lambda: f": {value}" in params.read_text())

    def written(expected: tuple[str, str]) -> None:
        dirty = page.locator(".jp-mod-dirty")
        until(page, lambda: dirty.count() > 0 or texts() == expected)
        if dirty.count():
            save(page)
        until(page, lambda: texts() == expected)

    steps = [texts()]
    x, y = middle(node(page, "train"))
    node(page, "train").click()
    drag(page, node(page, "train"), (x + 90, y + 60))
    save(page)
    steps.append(texts())
    assert "meta: {at: [" in steps[-1][0]
    set_param("train.lr", "0.01")
    steps.append(texts())
    name = page.locator(".jp-mlws-NameField")
    name.fill("fit")
    name.press("Enter")
    expect(node(page, "fit")).to_be_visible()
    save(page)
    steps.append(texts())
    set_param("train.depth", "8")
    steps.append(texts())

    canvas = page.locator(".jp-mlws-Canvas")
    for expected in reversed(steps[:-1]):
        canvas.focus()
        page.keyboard.press("Control+z")
        written(expected)
    expect(page.locator(".jp-mlws-undo")).to_have_attribute("aria-disabled", "true")
    for expected in steps[1:]:
        canvas.focus()
        page.keyboard.press("Control+Shift+z")
        written(expected)
    node(page, "fit").click()
    expect(page.locator('[data-mlws-param="train.depth"]')).to_have_value("8")
