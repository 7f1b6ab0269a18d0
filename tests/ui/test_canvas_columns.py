"""Columns are chosen from lists before anything has run, and a missing one is a problem at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.ui.canvas import (
    RUN_LIMIT,
    WORKFLOW,
    node,
    open_workflow,
    run_workflow,
)
from tests.ui.conftest import Lab
from tests.workflows.test_columns import CSV, expression_workflow

pytestmark = pytest.mark.browser


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


@pytest.mark.exhaustive
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
