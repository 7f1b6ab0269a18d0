"""The plan, errors and results of a workflow: the button of a run, the failed node, its outputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.ui.canvas import RUN_LIMIT, faults_of_access, node, open_workflow
from tests.ui.conftest import Lab

pytestmark = pytest.mark.browser

WINE = "workflows/wine/dvc.yaml"
NODES = ["load", "features", "split", "forest", "linear", "compare", "plot"]


@pytest.fixture
def lab(start_lab: Callable[..., Lab], example: Path) -> Lab:
    return start_lab(example)


def expect_button(page: Page, text: str) -> None:
    expect(page.locator(".jp-mlws-run")).to_contain_text(text)


def test_the_plan_follows_edits_that_are_not_saved(page: Page, lab: Lab) -> None:
    text = (lab.root / WINE).read_text()
    open_workflow(page, lab, WINE, NODES)
    expect_button(page, "Everything is up to date")
    expect(page.get_by_role("button", name="Run All Again")).to_be_visible()
    node(page, "forest").click()
    page.get_by_label("max_depth").or_(page.locator('[id$="_max_depth"]')).first.fill("5")
    expect_button(page, "Run 3 nodes · ~")
    expect(page.locator('li[data-mlws-mark="run"]')).to_contain_text("Will run 3")
    expect(page.locator(".jp-mod-dirty")).to_have_count(1)
    assert (lab.root / WINE).read_text() == text
    page.locator(".jp-mlws-undo").click()
    expect_button(page, "Everything is up to date")


def test_a_button_of_the_toolbar_does_not_stay_pressed(page: Page, lab: Lab) -> None:
    open_workflow(page, lab, WINE, NODES)
    for _ in range(3):
        page.locator(".jp-mlws-fit").click()
        expect(page.locator(".jp-mlws-fit")).to_have_attribute("aria-pressed", "false")
    tree = page.locator(".jp-mlws-tree")
    tree.click()
    expect(tree).to_have_attribute("aria-pressed", "true")
    tree.click()
    expect(tree).to_have_attribute("aria-pressed", "false")


def test_a_failed_node_says_why_and_leads_to_its_setting(page: Page, lab: Lab) -> None:
    file = lab.root / WINE
    file.write_text(file.read_text().replace("stratify: target", "stratify: nosuch"))
    open_workflow(page, lab, WINE, NODES)
    page.locator(".jp-mlws-run").click()
    # It is selected by itself.
    failure = page.locator(".jp-mlws-NodeFailure")
    expect(failure).to_contain_text("Column or key 'nosuch' not found", timeout=RUN_LIMIT)
    notice = page.locator(".Toastify__toast", has_text="“split” failed")
    expect(notice).to_contain_text("Column or key 'nosuch' not found")
    expect(notice.get_by_role("button", name="Show")).to_be_visible()
    expect(node(page, "split")).to_have_attribute("data-mlws-state", "FAILED")
    failure.get_by_role("button", name="Fix “stratify”").click()
    field = page.locator('[id$="_stratify"]')
    expect(field).to_be_focused()
    assert faults_of_access(page, ".jp-mlws-Workflow") == []
    field.fill("target")
    expect_button(page, "Restore 1 node")


def test_a_missing_input_is_a_problem_before_a_run(page: Page, lab: Lab) -> None:
    open_workflow(page, lab, WINE, NODES)
    node(page, "load").click()
    page.locator('[data-mlws-input="file"]').fill("data/nosuch.csv")
    page.keyboard.press("Enter")
    problems = page.locator(".jp-mlws-problems")
    expect(problems).to_have_text("1 problem")
    problems.click()
    expect(page.locator(".jp-mlws-Problems")).to_contain_text("data/nosuch.csv")


def test_a_broken_component_opens_at_its_line(page: Page, lab: Lab) -> None:
    (lab.root / "components").mkdir(exist_ok=True)
    (lab.root / "components/broken.py").write_text("import os\n\ndef broken(:\n    pass\n")
    open_workflow(page, lab, WINE, NODES)
    item = page.locator('[data-mlws-component="broken"]')
    expect(item).to_contain_text("line 3: SyntaxError")
    item.click()
    expect(page.get_by_role("tab", name="broken.py")).to_be_visible()
    expect(page.get_by_role("button", name="Ln 3, Col 1")).to_be_visible()
