"""Columns are chosen from lists before anything has run, and a missing one is a problem at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.ui.canvas import (
    RUN_LIMIT,
    WORKFLOW,
    empty_place,
    faults_of_access,
    node,
    open_workflow,
    run_workflow,
    save,
)
from tests.ui.conftest import Lab
from tests.workflows.test_columns import CSV, expression_workflow, workflow

pytestmark = pytest.mark.browser


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
    expect(page.locator(".jp-mlws-Problems")).to_contain_text("Choose one of these: rooms.")
    node(page, "train").click()
    expect(target.locator("option:checked")).to_have_text("churn (does not exist)")


def small_workflow(component: str, settings: str) -> str:
    text = expression_workflow(component, settings)
    return text.replace("workflows/a/", "workflows/wine/")


@pytest.fixture
def open_node(page: Page, lab: Lab) -> Callable[[str, str], None]:
    """Open a workflow of one component that reads a table, and select it."""

    def open_it(component: str, settings: str) -> None:
        (lab.root / WORKFLOW).write_text(small_workflow(component, settings))
        (lab.root / "data.csv").write_text(CSV)
        open_workflow(page, lab, WORKFLOW, ["load", "next"])
        node(page, "next").click()

    return open_it


@pytest.mark.slow(reason="a journey in a real browser")
def test_an_expression_offers_columns_and_shows_its_faults(
    page: Page, lab: Lab, open_node: Callable[[str, str], None]
) -> None:
    open_node("formula", '{column: "half", expression: "pric / 2"}')
    expression = page.get_by_role("textbox", name="Expression")
    expect(expression).to_have_text("pric / 2")
    fault = page.locator(".jp-mlws-Field-error")
    expect(fault).to_have_text(
        "The table at the input data has no column 'pric'. Did you mean 'price'?"
    )
    assert faults_of_access(page, ".jp-mlws-Panel") == []
    # What is typed is completed, with its type.
    expression.press("Control+a")
    expression.press_sequentially("roo")
    option = page.get_by_role("option", name="rooms")
    expect(option).to_have_text("roomsinteger")
    option.click()
    expect(expression).to_have_text("rooms")
    # What is clicked is inserted.
    choices = page.get_by_role("group", name="Insert into the expression")
    choices.get_by_role("button", name="*", exact=True).click()
    choices.get_by_role("button", name="price").click()
    expect(expression).to_have_text("rooms * price")
    expect(fault).to_have_count(0)
    save(page)
    assert 'expression: "rooms * price"' in (lab.root / WORKFLOW).read_text()


@pytest.mark.slow(reason="a journey in a real browser")
def test_columns_are_renamed_by_a_form(
    page: Page, lab: Lab, open_node: Callable[[str, str], None]
) -> None:
    open_node("rename_columns", "{names: []}")
    form = page.get_by_role("group", name="New names")
    form.get_by_label("Add a column").select_option("city")
    form.get_by_label("city: New name").fill("town")
    form.get_by_label("Add a column").select_option("rooms")
    form.get_by_role("button", name="Remove rooms").click()
    expect(form.locator("option")).to_have_text(
        ["Add a column…", "rooms · integer", "price · number", "churn · integer"]
    )
    assert faults_of_access(page, ".jp-mlws-Panel") == []
    save(page)
    assert "{names: [city=town]}" in (lab.root / WORKFLOW).read_text()


@pytest.mark.slow(reason="a journey in a real browser")
def test_checks_are_learned_by_a_click_and_edited(
    page: Page, lab: Lab, open_node: Callable[[str, str], None]
) -> None:
    open_node("check_table", "{minimum_rows: 1}")
    page.get_by_role("button", name="Learn from the Data").click()
    ranges = page.get_by_role("group", name="Ranges of values")
    expect(ranges.get_by_label("rooms: Range")).to_have_value("1..5")
    ranges.get_by_label("rooms: Range").fill("1..9")
    types = page.get_by_role("group", name="Column types")
    types.get_by_label("price: Type").select_option("integer")
    warnings = page.get_by_role("group", name="Rules that only warn")
    warnings.get_by_label("types: price").check()
    assert faults_of_access(page, ".jp-mlws-Panel") == []
    save(page)
    text = (lab.root / WORKFLOW).read_text()
    for words in ("rooms=1..9", "price=integer", "types: price", "churn=0..2"):
        assert words in text


@pytest.mark.slow(reason="a journey in a real browser")
def test_a_table_is_saved_in_the_chosen_format(
    page: Page, lab: Lab, open_node: Callable[[str, str], None]
) -> None:
    (lab.root / WORKFLOW).parent.mkdir(parents=True, exist_ok=True)
    open_node("save_table", "{columns: []}")
    page.get_by_label("Format of file").select_option("Excel")
    field = page.locator('[data-mlws-output="file"]')
    expect(field).to_have_value("workflows/wine/out/next.file.xlsx")
    field.fill("workflows/wine/out/load.table.parquet")
    expect(page.get_by_role("alert")).to_have_text(
        "The path is in use, or a program names the file."
    )
    field.fill("exports/wine.xlsx")
    field.press("Enter")
    run_workflow(page)
    expect(node(page, "next")).to_have_attribute("data-mlws-state", "COMPLETED", timeout=RUN_LIMIT)
    assert (lab.root / "exports/wine.xlsx").read_bytes()[:2] == b"PK"
    expect(node(page, "next")).to_contain_text("kB")
