"""Cards, which answer without a click what was made and what changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.ui.canvas import (
    NODES,
    RUN_LIMIT,
    WORKFLOW,
    node,
    open_workflow,
    run_workflow,
    until,
)
from tests.ui.conftest import Lab

pytestmark = pytest.mark.browser


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_the_first_view_after_a_run_says_which_model_won_and_what_changed(
    page: Page, lab: Lab, shoot: Callable[[str], None]
) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    file = lab.root / WORKFLOW
    file.write_text(file.read_text().replace("n_estimators: 100", "n_estimators: 60"))
    open_workflow(page, lab, WORKFLOW, NODES)
    run_workflow(page)
    expect(page.locator(".jp-mlws-BestModel")).to_contain_text(
        "Best model: linear", timeout=RUN_LIMIT
    )
    expect(page.locator(".jp-mlws-RunChanges")).to_contain_text("forest.n_estimators: 100 → 60")
    # The results take their height from the graph, which was fitted and is again.
    until(page, lambda: nodes_out_of_view(page) == [])
    shoot("cards-after-a-run")
    cut = page.evaluate(
        """() => [...document.querySelectorAll('.jp-mlws-Result-number, .jp-mlws-Result-model')]
            .filter(text => text.clientWidth > 0 && text.scrollWidth > text.clientWidth)
            .map(text => text.textContent)"""
    )
    assert cut == []

    # What the user looked at stays in view; the view comes back with the room.
    page.get_by_role("button", name="Hide Results").click()
    until(page, lambda: nodes_out_of_view(page) == [])
    page.mouse.move(*_middle(page))
    while not nodes_out_of_view(page):
        page.mouse.wheel(0, -100)
        page.wait_for_timeout(500)
    before, zoom = nodes_out_of_view(page), transform(page)
    assert before
    page.get_by_role("button", name="Show Results").click()
    until(page, lambda: transform(page) != zoom)
    until(page, lambda: set(nodes_out_of_view(page)) <= set(before))
    page.get_by_role("button", name="Hide Results").click()
    until(page, lambda: transform(page) == zoom)


def nodes_out_of_view(page: Page) -> list[str]:
    """The nodes that are not wholly in the drawing's box."""
    canvas = page.locator(".jp-mlws-Canvas").bounding_box()
    assert canvas
    names = []
    for name in NODES:
        box = node(page, name).bounding_box()
        assert box
        is_inside = (
            canvas["x"] <= box["x"]
            and box["x"] + box["width"] <= canvas["x"] + canvas["width"]
            and canvas["y"] <= box["y"]
            and box["y"] + box["height"] <= canvas["y"] + canvas["height"]
        )
        if not is_inside:
            names.append(name)
    return names


def transform(page: Page) -> str:
    style: str = page.evaluate(
        "() => document.querySelector('.react-flow__viewport').style.transform"
    )
    return style


def _middle(page: Page) -> tuple[float, float]:
    box = page.locator(".jp-mlws-Canvas").bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
