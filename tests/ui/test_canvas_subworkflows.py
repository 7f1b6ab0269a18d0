"""A frame collapses into one node, which acts for all nodes in it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.ui.canvas import (
    NODES,
    RUN_LIMIT,
    WORKFLOW,
    choice,
    empty_place,
    faults_of_access,
    lines_changed,
    newest_run,
    node,
    open_workflow,
    port,
    save,
)
from tests.ui.conftest import Lab

pytestmark = pytest.mark.browser

GROUP = "frames:0"


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_a_collapsed_frame_is_one_node(page: Page, lab: Lab, shoot: Callable[..., None]) -> None:
    file = lab.root / WORKFLOW
    before = file.read_text()
    open_workflow(page, lab, WORKFLOW, NODES)
    node(page, "forest").click()
    node(page, "linear").click(modifiers=["Shift"])
    page.keyboard.press("Control+g")
    page.get_by_role("textbox", name="Title").fill("Models")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Collapse “Models”").click()

    # By the pointer: its outer ports, no inner node, one line in the file.
    expect(node(page, GROUP)).to_contain_text("2 nodes")
    expect(node(page, "forest")).to_have_count(0)
    for member in ("forest", "linear"):
        expect(port(page, member, "in", "data")).to_be_visible()
        expect(port(page, member, "out", "model")).to_be_visible()
    save(page)
    text = file.read_text()
    frame = "{title: Models, nodes: [forest, linear], collapsed: true}"
    assert lines_changed(before, text) == [
        "-  - workflow: {name: Wine}",
        f"+  - workflow: {{name: Wine, frames: [{frame}]}}",
    ]
    shoot("canvas-collapsed")

    # Its state is that of all in it, while it runs and after it.
    expect(node(page, GROUP)).to_have_attribute("data-mlws-mark", "cached")
    run = newest_run(page)
    earlier = run.get_attribute("data-mlws-run") or ""
    page.get_by_role("region", name="Details").get_by_role("button", name="Run from Here").click()
    expect(run).not_to_have_attribute("data-mlws-run", earlier)
    expect(run).to_have_attribute("data-mlws-state", "COMPLETED", timeout=RUN_LIMIT)
    expect(node(page, GROUP)).to_have_attribute("data-mlws-mark", "cached", timeout=RUN_LIMIT)
    repro = lab.dvc("repro", WORKFLOW).stdout
    assert repro.count("didn't change, skipping") == 8, repro
    assert faults_of_access(page, ".jp-mlws-Workflow") == []


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_a_subworkflow_is_reused_in_two_files(
    page: Page, lab: Lab, shoot: Callable[..., None]
) -> None:
    wine, two = lab.root / WORKFLOW, lab.root / "workflows/two/dvc.yaml"
    two.parent.mkdir()
    two.write_text("stages: {}\n")
    frame = "{title: Models, nodes: [forest, linear]}"
    text = wine.read_text().replace("{name: Wine}", f"{{name: Wine, frames: [{frame}]}}")
    wine.write_text(text)
    open_workflow(page, lab, WORKFLOW, NODES)

    # Saved from a frame, which stays what it is, as a file of its own that DVC reads.
    page.locator('[data-mlws-frame="0"]').click(position={"x": 40, "y": 12})
    page.get_by_role("button", name="Save as Sub-workflow").click()
    section = page.get_by_role("region", name="Sub-workflow")
    expect(section).to_contain_text("These nodes are as in their file.")
    save(page)
    source = lab.root / "workflows/models/dvc.yaml"
    changed = lines_changed(text, wine.read_text())
    assert changed == [
        f'+    meta: {{origin: "workflows/models/dvc.yaml:{name}"}}'
        for name in ("forest", "linear")
    ]
    assert "n_estimators: 100" in source.read_text()

    # Inserted in another workflow, by its search, as one node.
    page.goto(lab.address("workflows/two/dvc.yaml"))
    expect(page.locator(".jp-mlws-Palette-item").first).to_be_visible()
    page.mouse.dblclick(*empty_place(page, 0.3, 0.2))
    page.keyboard.type("sub-workflow")
    choice(page, ":subworkflow").click()
    # The project's own workflows are listed with their ports, a file is the last choice.
    options = page.locator(".jp-mlws-Chooser [role=option]")
    expect(choice(page, "workflows/models/dvc.yaml")).to_contain_text("data → model")
    expect(choice(page, WORKFLOW)).to_contain_text("Wine")
    expect(options).to_have_count(3)
    expect(options.last).to_contain_text("Choose a File…")
    options.last.click()
    dialog = page.locator(".jp-Dialog")
    for name in ("workflows", "models"):
        dialog.locator(".jp-DirListing-item", has_text=name).dblclick()
    dialog.locator(".jp-DirListing-item", has_text="dvc.yaml").click()
    dialog.get_by_role("button", name="Select").click()
    expect(node(page, GROUP)).to_contain_text("2 nodes")
    page.keyboard.press("Control+z")
    expect(node(page, GROUP)).to_have_count(0)
    page.keyboard.press("Control+k")
    page.keyboard.type("sub-workflow")
    page.keyboard.press("Enter")
    choice(page, "workflows/models/dvc.yaml").click()
    expect(node(page, GROUP)).to_contain_text("2 nodes")
    save(page)

    # Plain DVC runs both.
    for file in (WORKFLOW, "workflows/two/dvc.yaml"):
        repro = lab.dvc("repro", file)
        assert repro.returncode == 0, repro.stderr
    assert (two.parent / "out/forest.model.skops").exists()
    lock = two.with_name("dvc.lock").read_text()

    # A change of the file shows in its users, and is taken over with one click.
    before = two.read_text()
    source.write_text(source.read_text().replace("n_estimators: 100", "n_estimators: 7"))
    expect(node(page, GROUP)).to_contain_text("differs from its file")
    assert faults_of_access(page, ".jp-mlws-Workflow") == []
    node(page, GROUP).click(position={"x": 60, "y": 16})
    shoot("canvas-subworkflow-differs")
    page.get_by_role("button", name="Update from File").click()
    expect(node(page, GROUP)).not_to_contain_text("differs from its file")
    save(page)
    assert two.read_text() == before.replace("n_estimators: 100", "n_estimators: 7")
    assert lab.dvc("repro", "workflows/two/dvc.yaml").returncode == 0
    assert two.with_name("dvc.lock").read_text() != lock
    page.locator(".jp-mlws-Canvas").press("Control+z")
    expect(node(page, GROUP)).to_contain_text("differs from its file")
    save(page)
    assert two.read_text() == before
