"""A workflow of many nodes from afar and near, and the tree that is equal to the graph."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from benchmarks.canvas import workflow
from tests.ui.canvas import (
    RUN_LIMIT,
    command,
    faults_of_access,
    fit,
    node,
    open_workflow,
    save,
)
from tests.ui.conftest import Lab

pytestmark = pytest.mark.browser

SIZE = 400


def row(page: Page, key: str) -> Locator:
    return page.locator(f'[data-mlws-row="{key}"]')


def point_at_a_node(page: Page, x: float, y: float) -> Locator:
    """Move the pointer about a place of the window until it is over a node."""
    pointed = page.locator(".jp-mlws-Node:hover")
    for step in range(60):
        page.mouse.move(x + step % 10 * 3, y + step // 10 * 3)
        if pointed.count():
            break
    expect(pointed).to_have_count(1)
    return pointed


@pytest.mark.slow(reason="a journey in a real browser")
def test_many_nodes_are_painted_and_still_taken_by_hand(
    page: Page, start_lab: Callable[..., Lab], tmp_path: Path, shoot: Callable[[str], None]
) -> None:
    root = tmp_path / "large"
    root.mkdir()
    (root / "dvc.yaml").write_text(workflow(SIZE))
    lab = start_lab(root)
    page.goto(lab.address("dvc.yaml"))
    picture = page.locator(".jp-mlws-Overview")
    # It opens where titles can be read, at the beginning.
    expect(page.locator(".jp-mlws-Canvas")).to_be_visible()
    zoom = "view => new DOMMatrix(getComputedStyle(view).transform).a"
    assert page.locator(".react-flow__viewport").evaluate(zoom) > 0.17
    shoot("canvas-large-open")
    fit(page)
    expect(picture).to_have_attribute("data-mlws-nodes", str(SIZE))
    expect(page.locator(".jp-mlws-Node")).to_have_count(0)
    shoot("canvas-large-far")

    # What the pointer comes to is an element of the page, and can be carried.
    box = page.locator(".jp-mlws-Canvas").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    carried = point_at_a_node(page, x, y)
    name = carried.get_attribute("data-mlws-node")
    assert name
    page.mouse.down()
    page.mouse.move(x, box["y"] + 60, steps=8)
    page.mouse.up()
    expect(page.locator(".jp-mod-dirty")).to_have_count(1)
    save(page)
    lines = (lab.root / "dvc.yaml").read_text().splitlines()
    begin = lines.index(f"  {name}:")
    assert any(re.match(r"\s+meta:", line) for line in lines[begin : begin + 9])
    assert sum("meta:" in line for line in lines) == 1

    # A band over all of them selects what is only painted.
    page.keyboard.down("Shift")
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 10, box["y"] + box["height"] - 10, steps=6)
    page.mouse.up()
    page.keyboard.up("Shift")
    expect(page.locator(".jp-mlws-Panel")).to_contain_text(str(SIZE))

    # Near, nodes have their ports and lines again.
    page.locator(".jp-mlws-Canvas").focus()
    page.keyboard.press("Control+f")
    page.locator(".jp-mlws-Chooser input").fill("s210")
    page.keyboard.press("Enter")
    expect(node(page, "s210")).to_be_visible()
    expect(node(page, "s210").locator(".react-flow__handle").first).to_be_visible()
    expect(page.locator(".react-flow__edge").first).to_be_attached()
    assert page.locator(".jp-mlws-Node").count() < SIZE / 2
    expect(picture).to_have_count(0)
    shoot("canvas-large-near")
    assert faults_of_access(page, ".jp-mlws-Workflow") == []

    # A double click from afar leads to where lines can be drawn.
    fit(page)
    expect(picture).to_have_count(1)
    # Where it was taken from, there is a gap now.
    pointed = point_at_a_node(page, x + 60, y + 60)
    near = pointed.get_attribute("data-mlws-node")
    assert near
    pointed.dblclick()
    expect(picture).to_have_count(0)
    expect(node(page, near).locator(".react-flow__handle").first).to_be_visible()
    command(page, "workflow:tree")
    expect(row(page, near)).to_be_focused()
    page.keyboard.press("End")
    last = page.locator("[data-mlws-row]:focus")
    expect(last).to_have_attribute("aria-posinset", str(SIZE))
    assert page.get_by_role("treeitem").count() < SIZE / 2


@pytest.mark.slow(reason="a journey in a real browser")
def test_the_tree_says_and_does_what_the_graph_does(
    page: Page, lab: Lab, shoot: Callable[[str], None]
) -> None:
    path = "workflows/wine/dvc.yaml"
    open_workflow(page, lab, path, ["forest", "compare"])
    shown = sorted(
        one.get_attribute("data-mlws-node") or "" for one in page.locator(".jp-mlws-Node").all()
    )
    page.locator(".jp-mlws-tree").click()
    tree = page.get_by_role("tree", name="Tree view")
    expect(tree).to_be_visible()
    items = tree.get_by_role("treeitem")
    expect(items).to_have_count(len(shown))
    assert sorted(one.get_attribute("data-id") or "" for one in items.all()) == shown

    # By keys alone: to a node, into its ports, along a connection.
    expect(items.first).to_be_focused()
    page.keyboard.press("f")
    expect(row(page, "features")).to_be_focused()
    page.keyboard.press("f")
    expect(row(page, "forest")).to_be_focused()
    expect(page.locator(".jp-mlws-NameField input, .jp-mlws-Panel input").first).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(row(page, "forest")).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowRight")
    port = page.locator("[data-mlws-row]:focus")
    expect(port).to_contain_text("from split")
    shoot("canvas-tree")
    assert faults_of_access(page, ".jp-mlws-Workflow") == []
    page.keyboard.press("Enter")
    expect(row(page, "split")).to_be_focused()

    # A connection is removed and comes back.
    page.keyboard.press("f")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Delete")
    expect(port).not_to_contain_text("from split")
    expect(row(page, "forest")).to_be_visible()
    page.keyboard.press("Control+z")
    expect(port).to_contain_text("from split")
    page.keyboard.press("ArrowLeft")
    expect(row(page, "forest")).to_be_focused()

    # What runs is told in the tree.
    page.keyboard.press("Control+Enter")
    state = row(page, "compare").locator(".jp-mlws-State")
    expect(state).to_have_attribute(
        "data-mlws-state", re.compile("COMPLETED|CACHED"), timeout=RUN_LIMIT
    )
    row(page, "compare").click(button="right")
    expect(page.get_by_role("menuitem", name="Run to Here")).to_be_visible()
    page.keyboard.press("Escape")

    page.locator(".jp-mlws-tree").click()
    expect(tree).to_have_count(0)
    expect(node(page, "compare")).to_be_visible()
