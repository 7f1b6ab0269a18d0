"""Workflows made of other tools' files: shown first, then written and opened."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.canvas import RUN_LIMIT, node, open_workspace, run_workflow
from tests.ui.conftest import Lab
from tests.workflows.importers.pipelines import node as elyra_node
from tests.workflows.importers.pipelines import pipeline
from tests.workflows.notebooks import notebook

pytestmark = pytest.mark.browser


@pytest.fixture
def lab(shared_example: Lab) -> Lab:
    return shared_example


def choose(page: Page, lab: Lab, name: str, select: str = "Select") -> None:
    """Choose a file in the dialog of the import."""
    lab.show(page)
    page.wait_for_function("() => window.jupyterapp?.commands.hasCommand('workflow:import')")
    page.evaluate("() => void jupyterapp.commands.execute('workflow:import')")
    chooser = page.locator(".jp-Dialog", has=page.locator(".jp-Open-Dialog"))
    open_workspace(chooser, lab)
    chooser.locator(".jp-DirListing-item", has_text=name).click()
    chooser.get_by_role("button", name=select).click()


def plan_of(page: Page, lab: Lab, name: str, select: str = "Select") -> Locator:
    """What would be made of a file."""
    choose(page, lab, name, select)
    plan = page.locator(".jp-Dialog", has=page.locator(".jp-mlws-Import"))
    expect(plan).to_be_visible()
    return plan


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_an_elyra_pipeline(page: Page, lab: Lab, shoot: Callable[[str], None]) -> None:
    text = pipeline(
        elyra_node("n1", "make.py", outputs=["a.csv"], runtime_image="image:1"),
        elyra_node("n2", "use.py", "n1"),
    )
    (lab.root / "old.pipeline").write_text(json.dumps(text))
    (lab.root / "make.py").write_text("open('a.csv', 'w').write('1')\n")
    (lab.root / "use.py").write_text("print(open('a.csv').read())\n")
    before = {path.name for path in (lab.root / "workflows").iterdir()}
    plan = plan_of(page, lab, "old.pipeline")
    expect(plan).to_contain_text("2 nodes in workflows/flow/dvc.yaml")
    expect(plan).to_contain_text("runtime_image")
    shoot("canvas-import")
    # Nothing is written before it is said so.
    plan.get_by_role("button", name="Cancel").click()
    expect(plan).to_have_count(0)
    assert {path.name for path in (lab.root / "workflows").iterdir()} == before

    plan_of(page, lab, "old.pipeline").get_by_role("button", name="Import").click()
    for name in ("make", "use"):
        expect(node(page, name)).to_be_visible()
    expect(page.locator(".react-flow__edge")).not_to_have_count(0)
    assert "python make.py" in (lab.root / "workflows/flow/dvc.yaml").read_text()
    run_workflow(page)
    expect(node(page, "use")).to_have_attribute("data-mlws-state", "COMPLETED", timeout=RUN_LIMIT)


@pytest.mark.slow(reason="a journey in a real browser")
def test_a_notebook_is_split_into_nodes(page: Page, lab: Lab) -> None:
    (lab.root / "steps.ipynb").write_text(
        notebook("numbers = [1, 2, 3]", "total = sum(numbers)", "print(total)")
    )
    plan = plan_of(page, lab, "steps.ipynb")
    expect(plan).to_contain_text("workflows/steps/dvc.yaml")
    expect(plan).to_contain_text("Files to write")
    plan.get_by_role("button", name="Import").click()
    nodes = page.locator("[data-mlws-node]")
    expect(nodes.first).to_be_visible()
    names = [one.get_attribute("data-mlws-node") for one in nodes.all()]
    written = (lab.root / "workflows/steps/dvc.yaml").read_text()
    assert len(names) > 1
    assert all(f"  {name}:\n" in written for name in names)


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_a_notebook_becomes_a_node_from_its_toolbar(page: Page, lab: Lab) -> None:
    (lab.root / "count.ipynb").write_text(notebook("numbers = [1, 2]", "print(sum(numbers))"))

    def press(item: str) -> None:
        lab.show(page, "count.ipynb")
        page.locator("[data-jp-item-name='mlws-workflow']").click()
        page.locator(".lm-Menu-item", has_text=item).click()

    dialog = page.locator(".jp-Dialog", has_text="Add the Notebook to a Workflow")
    for workflow in ("New workflow", "workflows/count/dvc.yaml"):
        press("Run as Workflow Node")
        dialog.locator("select").select_option(workflow)
        dialog.get_by_role("button", name="Run").click()
        expect(node(page, "count")).to_have_attribute(
            "data-mlws-state", re.compile("COMPLETED|CACHED"), timeout=RUN_LIMIT
        )
        # The second time there is a node for it.
        expect(page.locator("[data-mlws-node]")).to_have_count(1)
    assert "count.ipynb" in (lab.root / "workflows/count/dvc.yaml").read_text()

    press("Split into Workflow")
    expect(page.locator(".jp-Dialog", has=page.locator(".jp-mlws-Import"))).to_contain_text(
        "Files to write"
    )


def test_a_file_that_is_none_is_told(page: Page, lab: Lab) -> None:
    (lab.root / "broken.pipeline").write_text("{")
    choose(page, lab, "broken.pipeline")
    expect(page.locator(".jp-toast-message")).to_contain_text("broken.pipeline")
