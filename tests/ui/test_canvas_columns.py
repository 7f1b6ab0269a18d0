"""Columns are chosen from lists before anything has run, and a missing one is a problem at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.ui.canvas import empty_place, faults_of_access, node, open_workflow, save
from tests.ui.conftest import Lab
from tests.workflows.test_columns import CSV, workflow

pytestmark = pytest.mark.browser

WORKFLOW = "workflows/wine/dvc.yaml"


@pytest.mark.slow(reason="a journey in a real browser")
def test_columns_are_chosen_from_lists(page: Page, lab: Lab, tmp_path: Path) -> None:
    text = workflow("[]", '""').replace("workflows/a/", "workflows/wine/")
    (lab.root / WORKFLOW).write_text(text)
    (lab.root / "data.csv").write_text(CSV)
    open_workflow(page, lab, WORKFLOW, ["load", "drop", "train"])

    node(page, "drop").click()
    columns = page.get_by_role("group", name="Columns to drop")
    expect(columns.get_by_role("listitem")).to_have_text(
        ["citytextBonn, Ulm, Kiel", "roomsinteger3, 2, 4", "pricenumber2.5, 1.5",
         "churninteger0, 1"]
    )  # fmt: skip
    columns.get_by_role("checkbox", name="city").check()
    columns.get_by_role("checkbox", name="price").check()
    save(page)
    assert "- drop: {drop: [city, price]}" in (lab.root / WORKFLOW).read_text()

    node(page, "train").click()
    target = page.get_by_label("Target column")
    expect(target.locator("option")).to_have_text(
        ["—", "rooms (integer: 3, 2, 4)", "churn (integer: 0, 1)"]
    )
    target.select_option("churn")
    save(page)
    assert '- train: {target: "churn"}' in (lab.root / WORKFLOW).read_text()
    assert faults_of_access(page, ".jp-mlws-Canvas") == []

    # What an edit takes away is missing further down, before any run.
    node(page, "drop").click()
    columns.get_by_role("checkbox", name="churn").check()
    problem = "The table at the input data has no column 'churn'."
    page.mouse.click(*empty_place(page))
    expect(page.locator(".jp-mlws-Problems")).to_contain_text(problem)
    expect(page.locator(".jp-mlws-Problems")).to_contain_text("Choose one of the columns: rooms.")
    node(page, "train").click()
    expect(target.locator("option:checked")).to_have_text("churn (does not exist)")
