"""From an empty folder to a trained and evaluated model, by pointer and by keyboard alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.canvas import (
    RUN_LIMIT,
    choice,
    drag,
    empty_place,
    faults_of_access,
    newest_run,
    node,
    port,
)
from tests.ui.conftest import Lab

pytestmark = pytest.mark.browser

MOST = 20
NODES = ["sample_data", "split", "train_classifier", "compare_classifiers"]


class Person:
    """Counts what a person does: a click, a drag, a key, a word that is typed."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.actions = 0

    def click(self, at: Locator) -> None:
        self.actions += 1
        at.click()

    def double_click(self, at: tuple[float, float]) -> None:
        self.actions += 1
        self.page.mouse.dblclick(*at)

    def drag(self, source: Locator, to: Locator | tuple[float, float]) -> None:
        self.actions += 1
        drag(self.page, source, to)

    def choose(self, at: Locator, value: str) -> None:
        """Open a list, and click one of its items."""
        self.actions += 2
        at.select_option(value)

    def press(self, key: str) -> None:
        self.actions += 1
        self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.actions += 1
        self.page.keyboard.type(text)


def expect_a_model(page: Page, root: Path) -> None:
    for name in NODES:
        expect(node(page, name)).to_have_attribute(
            "data-mlws-state", "COMPLETED", timeout=RUN_LIMIT
        )
    # The lock is written after the nodes and before the end of the run.
    run = newest_run(page)
    expect(run).to_have_attribute("data-mlws-state", "COMPLETED", timeout=RUN_LIMIT)
    (home,) = (root / "workflows").iterdir()
    measures = json.loads((home / "out/compare_classifiers.metrics.json").read_text())
    assert measures["train_classifier"]["accuracy"] > 0.8
    assert (home / "out/train_classifier.model.skops").stat().st_size > 0
    assert (home / "dvc.lock").is_file()


@pytest.fixture
def lab(start_lab: Callable[..., Lab], tmp_path: Path) -> Lab:
    empty = tmp_path / "empty"
    empty.mkdir()
    return start_lab(empty)


@pytest.mark.slow(reason="a journey in a real browser")
def test_by_pointer(page: Page, lab: Lab, shoot: Callable[[str], None]) -> None:
    page.goto(lab.address())
    person = Person(page)
    person.click(page.get_by_role("button", name="Create…"))
    expect(page.locator(".jp-mlws-NewWorkflow input").first).to_be_focused()
    person.type("Wine")
    person.click(page.locator(".jp-Dialog .jp-mod-accept"))
    canvas = page.locator(".jp-mlws-Canvas")
    expect(canvas).to_be_visible()
    # The launcher has given its place to the workflow.
    expect(page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab")).to_have_count(1)
    expect(page.locator('[data-mlws-component="sample_data"]')).to_be_visible()

    person.double_click(empty_place(page, 0.1, 0.3))
    person.type("sample")
    expect(choice(page, "sample_data")).to_be_visible()
    person.press("Enter")
    expect(node(page, "sample_data")).to_be_visible()
    for source, out, word, made, place in (
        ("sample_data", "table", "split", "split", (0.42, 0.3)),
        ("split", "train", "train classifier", "train_classifier", (0.72, 0.3)),
        ("train_classifier", "model", "compare classifiers", "compare_classifiers", (0.5, 0.6)),
    ):
        person.drag(port(page, source, "out", out), empty_place(page, *place))
        expect(page.locator(".jp-mlws-Chooser")).to_be_visible()
        person.type(word)
        person.press("Enter")
        expect(node(page, made)).to_be_visible()
    shoot("canvas-first-model")
    # The comparison reads both sets of the split, too.
    expect(page.locator(".react-flow__edge")).to_have_count(5)
    person.click(page.locator(".jp-mlws-run"))
    expect_a_model(page, lab.root)
    print(f"{person.actions} actions of the pointer and the keyboard")
    assert person.actions < MOST
    shoot("canvas-first-model-run")


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_by_keyboard_alone(page: Page, lab: Lab) -> None:
    page.goto(lab.address())
    expect(page.locator(".jp-mlws-Begin-page")).to_be_visible()
    # The launcher's tab is closed a moment later, and the focus moves.
    expect(page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab")).to_have_count(1)
    # JupyterLab's own last command of a start takes `reset` away; every command closes the palette.
    page.wait_for_function("!location.search.includes('reset')")
    person = Person(page)
    person.press("Control+Shift+c")
    expect(page.locator(".lm-CommandPalette-input")).to_be_focused()
    person.type("New Workflow")
    # The palette filters its list in a later turn of the page's event loop.
    active = page.locator(".lm-CommandPalette-item.lm-mod-active")
    expect(active.locator(".lm-CommandPalette-itemLabel")).to_have_text(re.compile("^New Workflow"))
    person.press("Enter")
    expect(page.locator(".jp-mlws-NewWorkflow input").first).to_be_focused()
    person.type("Wine")
    person.press("Enter")
    expect(page.locator(".jp-mlws-Canvas")).to_be_visible()
    expect(page.locator('[data-mlws-component="sample_data"]')).to_be_visible()
    expect(page.locator(".jp-mlws-Canvas")).to_be_focused()
    person.press("Control+k")
    expect(page.locator(".jp-mlws-Chooser input")).to_be_focused()
    person.type("sample")
    person.press("Enter")
    expect(node(page, "sample_data")).to_be_visible()
    for word, made in (
        ("split", "split"),
        ("train classifier", "train_classifier"),
        ("compare classifiers", "compare_classifiers"),
    ):
        person.press("Control+l")
        expect(page.locator(".jp-mlws-Chooser input")).to_be_focused()
        person.type(word)
        person.press("Enter")
        expect(node(page, made)).to_be_visible()
    expect(page.locator(".react-flow__edge")).to_have_count(5)
    person.press("Control+Enter")
    expect_a_model(page, lab.root)
    print(f"{person.actions} keys and words")
    assert person.actions < MOST


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_nothing_serious_keeps_anybody_out(page: Page, lab: Lab) -> None:
    page.goto(lab.address())
    page.get_by_role("button", name="Create…").click()
    expect(page.locator(".jp-mlws-NewWorkflow input").first).to_be_focused()
    page.keyboard.type("Wine")
    page.get_by_label("Classification").check()
    assert faults_of_access(page, ".jp-Dialog") == []
    page.locator(".jp-Dialog .jp-mod-accept").click()
    expect(node(page, "compare")).to_be_visible()
    assert faults_of_access(page, ".jp-mlws-Workflow") == []
    node(page, "forest").click()
    expect(page.locator(".jp-mlws-NameField")).to_be_visible()
    assert faults_of_access(page, ".jp-mlws-Workflow") == []
    page.locator(".jp-mlws-history").click()
    page.locator(".jp-mlws-Canvas").focus()
    page.keyboard.press("Control+f")
    expect(page.locator(".jp-mlws-Chooser")).to_be_visible()
    assert faults_of_access(page, ".jp-mlws-Workflow") == []
