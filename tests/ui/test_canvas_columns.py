"""Columns are chosen from lists before anything has run, and a missing one is a problem at once."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
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
from tests.workflows.test_columns import node as stage

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


OUT = "workflows/wine/out"
TRAIN, TEST = f"{OUT}/split.train.parquet", f"{OUT}/split.test.parquet"
ROWS = [f"{n % 9},{'abc'[n % 3]}b,{'yes' if n % 3 else 'no'}" for n in range(90)]
SPLIT = (
    "vars:\n  - load: {encoding: utf-8}\n  - split: {test_size: 0.3}\n"
    "  - train: {target: churn, n_estimators: 5}\n  - judge: {target: churn}\nstages:\n"
    + stage("load", "load_table", "file=data.csv", f"table={OUT}/load.table.parquet")
    + "  split:\n    wdir: ../..\n    cmd: jupyter mlws node split"
    f" --data {OUT}/load.table.parquet --train {TRAIN} --test {TEST} ${{split}}\n"
    f"    deps: [{OUT}/load.table.parquet]\n    outs: [{TRAIN}, {TEST}]\n"
    + stage(
        "train",
        "train_classifier",
        f"data={TRAIN}",
        f"model={OUT}/train.model.skops",
    )
    + stage(
        "judge",
        "compare_classifiers",
        f"models={OUT}/train.model.skops test={TEST}",
        f"metrics={OUT}/judge.metrics.json",
    )
)


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_categories_are_encoded_before_the_split(
    page: Page, lab: Lab, shoot: Callable[[str], None]
) -> None:
    (lab.root / WORKFLOW).write_text(SPLIT)
    (lab.root / "data.csv").write_text("\n".join(["age,plan,churn", *ROWS]))
    open_workflow(page, lab, WORKFLOW, ["load", "split", "train", "judge"])
    problems = page.locator(".jp-mlws-Problems")
    expect(problems).to_contain_text("No numbers: plan.")
    shoot("columns-repairs")
    problems.get_by_role("button", name="Encode", exact=True).click()
    expect(node(page, "encode_categories")).to_be_visible()
    run_workflow(page)
    expect(node(page, "judge")).to_have_attribute("data-mlws-state", "COMPLETED", timeout=RUN_LIMIT)
    assert {"plan_ab", "plan_bb", "plan_cb"} <= set(pd.read_parquet(lab.root / TEST))


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_a_failure_shows_the_row_at_fault(
    page: Page, lab: Lab, open_node: Callable[[str, str], None], shoot: Callable[[str], None]
) -> None:
    (lab.root / WORKFLOW).parent.mkdir(parents=True, exist_ok=True)
    open_node("convert_types", "{columns: [size], to: number}")
    rows = [f"{n}" if n != 61 else "unknown" for n in range(90)]
    (lab.root / "data.csv").write_text("\n".join(["size", *rows]))
    run_workflow(page)
    expect(node(page, "next")).to_have_attribute("data-mlws-state", "FAILED", timeout=RUN_LIMIT)
    failure = page.locator(".jp-mlws-NodeFailure")
    expect(failure).to_contain_text(
        "column 'size' has 'unknown' in row 62, which is no number: correct it, or let"
    )
    shoot("columns-failed")
    failure.get_by_role("button", name="Show Row 62").click()
    expect(page.locator(".jp-mlws-Grid-row.jp-mod-marked")).to_have_text("unknown")
    shoot("columns-row")
