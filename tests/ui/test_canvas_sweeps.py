"""Sweeps made, changed, run, ranked and promoted on the canvas."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.canvas import (
    NODES,
    RUN_LIMIT,
    WORKFLOW,
    faults_of_access,
    lines_changed,
    node,
    open_workflow,
    run_workflow,
    save,
    until,
)
from tests.ui.conftest import Lab

pytestmark = pytest.mark.browser

OUT = "workflows/wine/out"


def form(page: Page) -> Locator:
    return page.locator(".jp-mlws-SweepForm")


def press(page: Page, name: str) -> None:
    form(page).get_by_role("button", name=name, exact=True).click()


def add_axis(page: Page, name: str) -> Locator:
    form(page).get_by_label("Add a setting to sweep").select_option(name)
    return page.locator(f'[data-mlws-axis="{name}"]')


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_a_sweep_is_made_run_ranked_and_its_best_promoted(
    page: Page, lab: Lab, shoot: Callable[[str], None]
) -> None:
    file = lab.root / WORKFLOW
    before = file.read_text()
    open_workflow(page, lab, WORKFLOW, NODES)
    node(page, "forest").click()
    press(page, "Sweep Values…")
    values = add_axis(page, "n_estimators")
    expect(values).to_have_value("100")
    values.fill("1, many")
    expect(form(page)).to_contain_text("“many” is not an integer")
    values.fill("1, 0")
    expect(form(page)).to_contain_text("0: Must be at least 1")
    values.fill("1, 50")
    depth = add_axis(page, "max_depth")
    form(page).get_by_label("Specify values of Maximum depth as").select_option("linear")
    page.locator('[data-mlws-axis="max_depth:from"]').fill("1")
    page.locator('[data-mlws-axis="max_depth:to"]').fill("5")
    page.locator('[data-mlws-axis="max_depth:count"]').fill("2")
    expect(depth).to_have_count(0)
    expect(form(page)).to_contain_text("4 variants")
    expect(form(page)).to_contain_text("compare reads the files of all variants.")
    shoot("canvas-sweep-form")
    assert faults_of_access(page, ".jp-mlws-Panel") == []
    press(page, "Create Sweep")
    expect(node(page, "forest")).to_contain_text("×4")
    save(page)
    swept = file.read_text()
    paths = [f"{OUT}/forest.model.{trees}-{depth}.skops" for trees in (1, 50) for depth in (1, 5)]
    changed = lines_changed(before, swept)
    assert "+    matrix: {n_estimators: [1, 50], max_depth: [1, 5]}" in changed
    assert "+  - forest: {algorithm: random_forest}" in changed
    assert f"+      - {OUT}/forest.model.${{key}}.skops" in changed
    assert [f"+      - {path}" in changed for path in paths] == [True] * 4
    assert f"--models {' '.join(paths)} --models {OUT}/linear" in swept
    said = lab.dvc("stage", "list", WORKFLOW)
    assert "forest@50-5" in said.stdout, said.stderr

    # One undo takes it all back; redo brings it.
    page.locator(".jp-mlws-Canvas").focus()
    page.keyboard.press("Control+z")
    expect(node(page, "forest")).not_to_contain_text("×4")
    save(page)
    assert file.read_text() == before
    page.keyboard.press("Control+Shift+z")
    expect(node(page, "forest")).to_contain_text("×4")

    # What the comparison measures of each variant ranks them.
    run = page.locator(".jp-mlws-State[data-mlws-run]")
    earlier = str(run.get_attribute("data-mlws-run"))
    run_workflow(page)
    expect(run).not_to_have_attribute("data-mlws-run", earlier)
    expect(run).to_have_attribute("data-mlws-state", "COMPLETED", timeout=RUN_LIMIT)
    assert file.read_text() == swept
    rows = page.locator(".jp-mlws-Sweep tbody tr")
    expect(rows).to_have_count(4)
    expect(rows.first).to_contain_text("★")
    measured = json.loads((lab.root / OUT / "compare.metrics.json").read_text())
    scores = {name: one["accuracy"] for name, one in measured.items() if name != "linear"}
    assert set(scores) == {f"forest@{key}" for key in ("1-1", "1-5", "50-1", "50-5")}
    best = str(rows.first.get_attribute("data-mlws-variant"))
    assert scores[best] == max(scores.values())
    expect(rows.first).to_contain_text(f"{scores[best]:.3f}"[:4])
    shoot("canvas-sweep-ranked")
    page.locator(".jp-mlws-Drawer").get_by_role("tab", name="Log").click()
    choice = page.get_by_label("Variant", exact=True).bounding_box()
    assert choice
    assert choice["width"] < 200
    page.get_by_role("button", name="Hide Results").click()

    # The best becomes the stage; what compared them all compares it.
    rows.first.get_by_role("button").click()
    expect(page.locator(".jp-mlws-Sweep")).to_have_count(0)
    expect(node(page, "forest")).not_to_contain_text("×4")
    promoted = file.read_text()
    key = best.partition("@")[2]
    trees, levels = key.split("-")
    assert "matrix" not in promoted
    assert f"--n_estimators {trees} --max_depth {levels} ${{forest}}" in promoted
    assert f"--models {OUT}/forest.model.{key}.skops --models {OUT}/linear" in promoted
    lock = lab.root / "workflows/wine/dvc.lock"
    until(page, lambda: "\n  forest:\n" in lock.read_text())
    assert f"forest.model.{key}.skops" in lock.read_text()
    expect(node(page, "forest")).to_have_attribute("data-mlws-plan", "cached")

    # One undo brings the variants back, one redo the best of them.
    page.locator(".jp-mlws-Canvas").focus()
    page.keyboard.press("Control+z")
    expect(node(page, "forest")).to_contain_text("×4")
    save(page)
    assert file.read_text() == swept
    page.keyboard.press("Control+Shift+z")
    expect(node(page, "forest")).not_to_contain_text("×4")
    save(page)
    assert file.read_text() == promoted
