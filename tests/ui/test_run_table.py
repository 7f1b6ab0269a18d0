"""The table of runs: experiments, conditions, columns, groups, a baseline, views and commits."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.conftest import Lab, prefer
from tests.ui.sections import open_sidebar

pytestmark = pytest.mark.browser

TRAINED = """
import mlflow
mlflow.set_tracking_uri("sqlite:///mlflow.db")
mlflow.set_experiment("tuning")
for number in range(24):
    with mlflow.start_run(run_name=f"try {number}"):
        kind = ("forest", "tree", "net")[number % 3]
        mlflow.log_params({"kind": kind, "depth": number % 6 + 1, "rate": 0.1 * (number % 4 + 1)})
        mlflow.log_metrics({"score": 0.5 + number / 50, "loss": 1 - number / 30, "seconds": number})
        if number % 2:
            mlflow.set_tag("team", "blue")
"""
SMALL = {"width": 1280, "height": 720}
HAS_TABLE = "() => window.jupyterapp?.commands.hasCommand('mlws:open-experiments')"
OPEN_TABLE = "() => jupyterapp.commands.execute('mlws:open-experiments').then(() => null)"


def show_table(page: Page) -> Locator:
    page.wait_for_function(HAS_TABLE)
    page.evaluate(OPEN_TABLE)
    return page.locator(".jp-mlws-RunTableView:visible")


def add_commits(lab: Lab, git: Callable[..., str]) -> None:
    """Give the project a workflow of DVC whose metrics differ in two commits."""
    folder = lab.root / "plain"
    folder.mkdir()
    (folder / "dvc.yaml").write_text(
        "stages:\n  fit:\n    cmd: touch ran\n    metrics:\n    - plain.json:\n        cache: false"
    )
    for score in (0.25, 0.75):
        (folder / "plain.json").write_text(json.dumps({"score": score}))
        git(lab.root, "add", "plain")
        git(lab.root, "commit", "-q", "-m", f"Plain {score}")
    git(lab.root, "tag", "paper")


@pytest.mark.slow(reason="a journey in a real browser")
def test_a_table_of_runs_is_arranged_and_kept(
    page: Page, shared_example: Lab, git: Callable[..., str], shoot: Callable[[str], None]
) -> None:
    page.set_viewport_size(SMALL)
    lab = shared_example
    answer = lab.python(TRAINED)
    assert answer.returncode == 0, answer.stderr
    open_sidebar(page, lab)
    table = show_table(page)

    # One experiment, by a condition that the form writes.
    table.get_by_label("Experiment").select_option("tuning")
    expect(table.get_by_role("status").last).to_have_text("24 runs")
    table.get_by_label("Filter by condition").fill("metrics.score >")
    table.get_by_label("Filter by condition").press("Enter")
    expect(table.locator(".jp-mlws-Table-fault")).to_contain_text("After “metrics.score >”")
    table.get_by_role("button", name="Edit Conditions").click()
    form = table.get_by_role("group", name="Conditions")
    form.get_by_label("Column", exact=True).fill("score")
    form.get_by_label("Value").fill("0.6")
    form.get_by_role("button", name="Add Condition").click()
    form.get_by_label("Kind of column").last.select_option("tags")
    form.get_by_label("Column", exact=True).last.fill("team")
    form.get_by_label("Value").last.fill("blue")
    shoot("run-table-conditions")
    form.get_by_role("button", name="Apply").click()
    text = "metrics.score >= 0.6 AND tags.team = 'blue'"
    expect(table.get_by_label("Filter by condition")).to_have_value(text)
    expect(table.get_by_role("status").last).to_have_text("10 runs")
    table.get_by_role("button", name="Edit Conditions").click()

    # Columns in an order, one of them pinned.
    table.locator("summary", has_text="Columns (").click()
    table.get_by_role("button", name="Pin score").click()
    table.get_by_role("button", name="Move Up: rate").click()
    table.get_by_role("checkbox", name="seconds").click()
    shoot("run-table-columns")
    page.keyboard.press("Escape")
    heads = table.locator("thead tr").nth(1).locator("th")
    expect(heads).to_contain_text(["Name", "score", "Status"])
    expect(table.get_by_role("button", name="seconds")).to_have_count(0)

    # A baseline above the others.
    table.get_by_label("Select try 23,", exact=False).check()
    page.get_by_role("button", name="Pin as Baseline").click()
    expect(table.locator("[data-mlws-baseline]")).to_contain_text("try 23")
    row = table.locator("[data-mlws-run]", has_text="try 21")
    expect(row).to_contain_text("▼ −0.04")
    table.get_by_label("Select try 23,", exact=False).uncheck()
    shoot("run-table-baseline")

    # Groups with means.
    table.get_by_label("Group by").select_option("params.kind")
    group = table.locator('[data-mlws-group="net"]')
    expect(group).to_contain_text("±")
    group.get_by_role("button").click()
    expect(table.locator("[data-mlws-run]").first).to_be_visible()
    expect(group.locator("td[title*='Mean of']").first).to_be_visible()
    shoot("run-table-groups")

    # A view is saved in the project, and a new page shows the layout again.
    table.locator("summary", has_text="Views").click()
    table.get_by_role("button", name="Save View…").click()
    page.locator(".jp-Dialog input[type=text], .jp-Dialog input:not([type])").first.fill(
        "blue nets"
    )
    page.locator(".jp-Dialog").get_by_label("Keep in the project").check()
    page.locator(".jp-Dialog .jp-mod-accept").click()
    expect(table.locator("[data-mlws-view='blue nets']")).to_contain_text("in the project")
    shoot("run-table-views")
    stored = json.loads((lab.root / ".mlws" / "run-views.json").read_text())
    assert stored["views"]["blue nets"]["layout"]["group"] == "params.kind"
    table.get_by_label("Group by").select_option("")
    with page.expect_response(lambda one: "runs/layout" in one.url):
        table.get_by_label("Group by").select_option("experiment")
    page.goto(lab.address())
    table = show_table(page)
    expect(table.locator('[data-mlws-group="tuning"]')).to_contain_text("24 runs")
    expect(table.locator("[data-mlws-baseline]")).to_be_visible()
    table.locator("summary", has_text="Views").click()
    table.get_by_role("button", name="blue nets", exact=True).click()
    expect(table.get_by_label("Filter by condition")).to_have_value(text)
    expect(table.locator('[data-mlws-group="net"]')).to_be_visible()
    page.keyboard.press("Escape")
    table.get_by_label("Group by").select_option("")

    # Commits of DVC beside runs.
    add_commits(lab, git)
    table.get_by_label("Show").select_option("commits")
    table.get_by_label("Filter by condition").fill("")
    table.get_by_label("Filter by condition").press("Enter")
    commits = table.locator("[data-mlws-run]", has_text="commit")
    expect(commits.filter(has_text="paper")).to_contain_text("0.75")
    shoot("run-table-commits")
    commits.first.locator("input").check()
    table.get_by_label("Show").select_option("active")
    table.get_by_label("Select all runs that match").click()
    expect(page.locator(".jp-mlws-TableCompare")).to_contain_text("Compare 2")
    page.locator(".jp-mlws-TableCompare").click()

    # Parallel axes and the scatter matrix share what is marked.
    page.locator('[data-mlws-tab="parallel"]').click()
    points = page.locator(".jp-mlws-Matrix-points")
    expect(points).to_be_visible()
    box = points.bounding_box()
    assert box
    cell = box["width"] / 4
    page.mouse.move(box["x"] + cell * 0.5, box["y"] + cell * 1.05)
    page.mouse.down()
    page.mouse.move(box["x"] + cell * 0.98, box["y"] + cell * 1.98, steps=4)
    page.mouse.up()
    expect(page.get_by_role("status").filter(has_text="of 25 runs")).not_to_contain_text("25 of")
    shoot("run-matrix")
    page.get_by_role("button", name="Show All").click()


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_it_is_readable_in_the_dark_and_in_chinese(
    page: Page, tmp_path: Path, start_lab: Callable[..., Lab], example: Path,
    shoot: Callable[[str], None],
) -> None:  # fmt: skip
    page.set_viewport_size(SMALL)
    prefer(tmp_path, "JupyterLab Dark", "zh_CN")
    lab = start_lab(example)
    assert lab.python(TRAINED).returncode == 0
    lab.show(page)
    table = show_table(page)
    table.get_by_label("实验").select_option("tuning")
    table.get_by_label("分组依据").select_option("params.kind")
    table.locator('[data-mlws-group="net"]').get_by_role("button").click()
    expect(table.locator("[data-mlws-run]")).to_have_count(8)
    table.locator("[data-mlws-run] input").first.check()
    page.get_by_role("button", name="固定为基线").click()
    expect(table.locator("[data-mlws-baseline]")).to_be_visible()
    table.get_by_role("button", name="编辑条件").click()
    shoot("run-table-zh")
    table.locator("summary", has_text="列（").click()
    shoot("run-table-columns-zh")
    table.get_by_label("分组依据").select_option("")
    table.get_by_label("选择所有匹配的运行").click()
    expect(page.locator(".jp-mlws-TableCompare")).to_contain_text("24")
    page.locator(".jp-mlws-TableCompare").click()
    page.locator('[data-mlws-tab="parallel"]').click()
    expect(page.locator(".jp-mlws-Matrix-points")).to_be_visible()
    shoot("run-matrix-zh")
