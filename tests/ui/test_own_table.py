"""A person's own table from the first look at it to its first restored version."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.canvas import RUN_LIMIT, drop_files, newest_run, node, save, until
from tests.ui.conftest import Lab, prefer
from tests.ui.test_looks import THEMES
from tests.ui.test_welcome import TABLE

pytestmark = [pytest.mark.browser, pytest.mark.exhaustive]

FILE = "workflows/customers/dvc.yaml"
MODELS = ["baseline", "logistic", "forest", "boosting"]


def run(page: Page, state: str) -> None:
    before = newest_run(page).get_attribute("data-mlws-run")
    page.locator(".jp-mlws-run").click()
    expect(newest_run(page)).not_to_have_attribute("data-mlws-run", str(before))
    expect(newest_run(page)).to_have_attribute("data-mlws-state", state, timeout=RUN_LIMIT)


def setting(page: Page, name: str) -> Locator:
    return page.locator(f'.jp-mlws-Settings select[id$="_{name}"]')


@pytest.mark.slow(reason="a journey in a real browser")
@pytest.mark.parametrize(("theme", "locale"), [("light", "en"), ("dark", "zh_CN")])
def test_from_a_table_to_a_restored_version(
    page: Page,
    start_lab: Callable[..., Lab],
    tmp_path: Path,
    shoot: Callable[[str], None],
    theme: str,
    locale: str,
) -> None:
    def picture(name: str) -> None:
        shoot(f"own-table-{name}-{theme}-{locale}")

    folder = tmp_path / "own"
    folder.mkdir()
    prefer(tmp_path, THEMES[theme], locale)
    lab = start_lab(folder)
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(lab.address())
    expect(page.locator(".jp-mlws-Begin-page")).to_be_visible()

    # One screen, without scrolling.
    drop_files(page, ".jp-mlws-Begin-page", {"customers.csv": TABLE})
    dialog = page.locator(".jp-Dialog-content")
    expect(dialog.locator(".jp-mlws-Wizard-model")).to_be_visible()
    box = dialog.bounding_box()
    assert box
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= 720
    picture("wizard")
    dialog.locator(".jp-Dialog-button").last.click()
    for name in (*MODELS, "compare", "importance", "confusion"):
        expect(node(page, name)).to_have_attribute(
            "data-mlws-state", "COMPLETED", timeout=RUN_LIMIT
        )
    picture("run")

    # The first version holds all of it.
    page.evaluate("() => jupyterapp.commands.execute('mlws:open-source-control').then(() => null)")
    page.locator(".jp-mlws-CommitBox").fill("First model")
    picture("commit")
    page.locator(".jp-mlws-CommitButton").click()
    who = page.locator(".jp-mlws-IdentityForm")
    who.locator("[name=name]").fill("Ann")
    who.locator("[name=email]").fill("ann@example.com")
    picture("who-commits")
    who.locator("button").click()
    snapshot = page.locator(".jp-mlws-Snapshot")
    expect(snapshot).to_have_count(1, timeout=RUN_LIMIT)
    expect(page.locator(".jp-mlws-Change")).to_have_count(0)
    picture("committed")
    before = (lab.root / FILE).read_text()

    # A target without classes, and a comparison by another target, are warnings before a run.
    node(page, "forest").click()
    setting(page, "target").select_option("signup")
    expect(node(page, "forest").locator(".jp-mlws-Node-fault")).to_be_visible()
    expect(node(page, "compare").locator(".jp-mlws-Node-fault")).to_be_visible()
    picture("wrong-column")
    setting(page, "target").select_option("")
    expect(page.locator(".jp-mlws-Node-fault")).to_have_count(0)

    # What is run all the same fails in our words; the button that was there before cures it.
    setting(page, "preparation").select_option("0")
    expect(node(page, "forest").locator(".jp-mlws-Node-fault")).to_be_visible()
    repair = page.locator(".jp-mlws-Repairs button").first
    expect(repair).to_be_visible()
    save(page)
    run(page, "FAILED")
    failed = newest_run(page).get_attribute("data-mlws-run")
    picture("failed")
    repair.click()
    expect(page.locator(".jp-mlws-Node-fault")).to_have_count(0)
    save(page)
    run(page, "COMPLETED")
    page.locator(".jp-mlws-Drawer [role=tab]").last.click()
    page.locator(f'[data-mlws-past-run="{failed}"]').click()
    past = page.locator(".jp-mlws-Workflow.jp-mod-past")
    mark = past.locator('[data-mlws-node="forest"]')
    expect(mark).to_have_attribute("data-mlws-state", "FAILED")
    picture("past-run")

    # Everything breaks, and is restored.
    (lab.root / FILE).write_text("stages: {}\n")
    (lab.root / "data/customers.csv").unlink()
    page.evaluate("() => jupyterapp.commands.execute('mlws:open-source-control').then(() => null)")
    snapshot.locator(".jp-mlws-RestoreButton").click()
    picture("restore")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    until(page, lambda: (lab.root / FILE).read_text() == before)
    until(page, lambda: (lab.root / "data/customers.csv").is_file())
    assert (lab.root / "data/customers.csv").read_text() == TABLE
    picture("restored")


def create(page: Page, lab: Lab, name: str, text: str) -> Locator:
    """Drop a table on an empty lab, and return the dialog that asks about its model."""
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(lab.address())
    expect(page.locator(".jp-mlws-Begin-page")).to_be_visible()
    drop_files(page, ".jp-mlws-Begin-page", {name: text})
    dialog = page.locator(".jp-Dialog-content")
    expect(dialog.locator(".jp-mlws-Wizard-model")).to_be_visible()
    return dialog


def metrics(lab: Lab, name: str) -> dict[str, Any]:
    (file,) = lab.root.glob(f"workflows/*/out/{name}.metrics.json")
    scores: dict[str, Any] = json.loads(file.read_text())
    return scores


@pytest.fixture
def lab(start_lab: Callable[..., Lab], tmp_path: Path) -> Lab:
    folder = tmp_path / "own"
    folder.mkdir()
    return start_lab(folder)


@pytest.mark.slow(reason="a journey in a real browser")
def test_preparation_of_a_model_with_folds_becomes_a_node(
    page: Page, lab: Lab, shoot: Callable[[str], None]
) -> None:
    dialog = create(page, lab, "customers.csv", TABLE)
    dialog.get_by_label("Cross-validation").select_option("5")
    dialog.locator(".jp-Dialog-button").last.click()
    expect(newest_run(page)).to_have_attribute("data-mlws-state", "COMPLETED", timeout=RUN_LIMIT)
    shoot("own-table-folds")
    before = metrics(lab, "compare")
    assert "cross_validation" in str(before)

    # The same steps as a node give the same model.
    node(page, "forest").click()
    page.get_by_role("button", name="Show Preparation as Node").click()
    steps = node(page, "prepare_columns")
    expect(steps).to_be_visible()
    save(page)
    run(page, "COMPLETED")
    expect(steps).to_have_attribute("data-mlws-state", "COMPLETED")
    shoot("own-table-preparation")
    assert metrics(lab, "compare") == before


@pytest.mark.slow(reason="a journey in a real browser")
def test_a_series_is_forecast_in_order_of_time(
    page: Page, lab: Lab, shoot: Callable[[str], None]
) -> None:
    start = date(2024, 1, 1)
    rows = [
        f"{start + timedelta(days=day)},{100 + day * 0.3 + 20 * (day % 7 == 5):.1f}"
        for day in range(300)
    ]
    dialog = create(page, lab, "sales.csv", "\n".join(["day,sales", *rows]) + "\n")
    dialog.get_by_label("Task").select_option("forecast")
    shoot("own-table-forecast-wizard")
    dialog.locator(".jp-Dialog-button").last.click()
    expect(newest_run(page)).to_have_attribute("data-mlws-state", "COMPLETED", timeout=RUN_LIMIT)
    shoot("own-table-forecast")
    errors = {name: scores["mae"] for name, scores in metrics(lab, "compare").items()}
    # Sales grow and have a peak on each Saturday, which repeating the last week shows.
    assert min(errors, key=errors.__getitem__) not in ("naive", "seasonal")
    assert errors["seasonal"] < errors["naive"]
