"""Cards, which answer without a click what was made and what changed."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.ui.canvas import (
    NODES,
    RUN_LIMIT,
    WORKFLOW,
    drag,
    empty_place,
    faults_of_access,
    node,
    open_workflow,
    run_workflow,
    until,
)
from tests.ui.conftest import Lab

pytestmark = pytest.mark.browser

MIN_TITLE = 12
"""Pixels on the screen."""


@pytest.mark.slow(reason="a journey in a real browser")
@pytest.mark.parametrize("size", [(1600, 1000), (1280, 720)], ids=str)
def test_the_first_view_says_which_model_won_and_what_changed(
    page: Page, lab: Lab, size: tuple[int, int], shoot: Callable[[str], None]
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    open_workflow(page, lab, WORKFLOW, NODES)
    best = page.locator(".jp-mlws-Result-best")
    expect(best).to_have_count(2)
    expect(node(page, "linear").locator(".jp-mlws-Result-best")).to_be_visible()
    expect(node(page, "compare")).to_contain_text("linear accuracy 0.944")
    expect(node(page, "forest").locator(".jp-mlws-Result-change")).to_be_visible()
    expect(node(page, "forest").locator(".jp-mlws-ChangeTag")).to_contain_text("n_estimators 50")
    expect(node(page, "load")).to_contain_text("178 × 14")
    expect(node(page, "plot").locator("img")).to_be_visible()
    shoot(f"cards-{size[0]}")

    assert nodes_out_of_view(page) == []
    titles = page.evaluate(
        """() => [...document.querySelectorAll('.jp-mlws-Node-title')].map(title => {
          const zoom = title.getBoundingClientRect().height / title.offsetHeight;
          return parseFloat(getComputedStyle(title).fontSize) * zoom;
        })"""
    )
    assert len(titles) == len(NODES) + 1
    assert min(titles) >= MIN_TITLE - 0.1
    assert faults_of_access(page, ".jp-mlws-Workflow") == []


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


@pytest.mark.slow(reason="a journey in a real browser")
def test_the_automatic_layout_shows_all_of_its_result(page: Page, lab: Lab) -> None:
    before = (lab.root / WORKFLOW).read_text()
    open_workflow(page, lab, WORKFLOW, NODES)
    for _ in range(3):
        drag(page, node(page, "plot").locator(".jp-mlws-Node-title"), empty_place(page, 0.98, 0.98))
        page.mouse.move(*empty_place(page, 0.5, 0.02))
        page.mouse.wheel(0, -300)
        page.wait_for_timeout(300)
        if nodes_out_of_view(page):
            break
    assert nodes_out_of_view(page)
    page.locator(".jp-mlws-auto-layout").click()
    until(page, lambda: nodes_out_of_view(page) == [])
    # The data that a node reads is a part of it.
    source = page.locator('[data-mlws-source="data/wine.csv"]')
    expect(source).to_be_in_viewport(ratio=1)
    boxes = [one.bounding_box() for one in (source, *(node(page, name) for name in NODES))]
    for one, other in itertools.combinations([box for box in boxes if box], 2):
        assert (
            one["x"] + one["width"] <= other["x"]
            or other["x"] + other["width"] <= one["x"]
            or one["y"] + one["height"] <= other["y"]
            or other["y"] + other["height"] <= one["y"]
        )
    page.locator(".jp-mlws-Canvas").focus()
    for _ in range(4):
        page.keyboard.press("Control+z")
    expect(page.locator(".jp-mlws-undo")).to_have_attribute("aria-disabled", "true")
    assert (lab.root / WORKFLOW).read_text() == before


def test_a_card_from_afar_has_title_state_and_result(page: Page, lab: Lab) -> None:
    open_workflow(page, lab, WORKFLOW, NODES)
    page.mouse.move(*_middle(page))
    for _ in range(2):
        page.mouse.wheel(0, 200)
        page.wait_for_timeout(50)
    expect(page.locator(".jp-mlws-Canvas")).to_have_class(re.compile("jp-mod-compact"))
    card = node(page, "linear")
    expect(card.locator("> .jp-mlws-Node-kind")).to_be_hidden()
    expect(card.locator(".jp-mlws-Node-title")).to_be_visible()
    expect(card.locator(".jp-mlws-Node-mark")).to_be_visible()
    expect(card.locator(".jp-mlws-Result-number")).to_be_visible()


def _middle(page: Page) -> tuple[float, float]:
    box = page.locator(".jp-mlws-Canvas").bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
