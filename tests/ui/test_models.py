"""Models and runs in the lab: registered, compared, promoted, reproduced; ending in MLflow."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import Lab, prefer
from tests.ui.sections import open_section, open_sidebar

pytestmark = pytest.mark.browser

ALIASES = """
import mlflow
model = mlflow.MlflowClient("sqlite:///mlflow.db").get_registered_model("wine")
print(dict(model.aliases))
"""
OPEN_MODEL = """() => jupyterapp.commands.execute('mlws:open-model', {name: 'wine-forest'})
    .then(() => null)"""
CURVE = """
import mlflow
mlflow.set_tracking_uri("sqlite:///mlflow.db")
mlflow.set_experiment("curves")
for name, speed in (("slow", 1), ("fast", 3)):
    with mlflow.start_run(run_name=name):
        mlflow.log_param("speed", speed)
        for step in range(20):
            mlflow.log_metric("loss", 1 / (1 + step * speed), step=step)
"""


@pytest.fixture
def lab(shared_example: Lab) -> Lab:
    return shared_example


def in_mlflow(lab: Lab, code: str) -> str:
    answer = lab.python(code)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip()


@pytest.mark.slow(reason="a journey in a real browser")
def test_three_models_are_compared_and_one_is_promoted(
    page: Page, lab: Lab, shoot: Callable[[str], None]
) -> None:
    section = open_section(page, lab, "Models")
    section.get_by_role("button", name="Register Model from Run…").click()
    dialog = page.locator(".jp-Dialog")
    expect(dialog.locator("[name=run] option")).to_have_count(3)
    dialog.locator("[name=run]").select_option(index=0)
    dialog.locator("[name=name]").fill("wine")
    # The run's own outputs are offered, and the model among them is chosen.
    model_file = "workflows/wine/out/forest.model.skops"
    expect(dialog.locator(f'[name=artifacts][value="{model_file}"]')).to_be_checked()
    shoot("models-register")
    dialog.locator(".jp-mod-accept").click()
    model = section.locator('[data-mlws-model-name="wine"]')
    expect(model).to_contain_text("version 1")
    for run in lab.fetch("runs")["items"][1:]:
        lab.fetch("models", {"name": "wine", "run_id": run["id"]})

    # Compare: chosen with the keyboard, side by side in the main area.
    model.locator("[data-mlws-row]").first.click()
    section.get_by_role("combobox").select_option("forest.accuracy")
    expect(model.locator("[data-mlws-model]")).to_have_count(3)
    for number in (1, 2, 3):
        model.locator(f'[data-mlws-model="wine:{number}"] input').press("Space")
    section.locator(".jp-mlws-CompareModelsButton").click()
    shown = page.locator(".jp-mlws-ModelComparison")
    expect(shown.locator("thead [data-mlws-model]")).to_have_count(3)
    expect(shown).to_contain_text("forest.n_estimators")
    expect(shown).to_contain_text("workflows/wine/out/forest.model.skops")
    expect(shown.locator("td.jp-mod-differs").first).to_be_visible()
    best = section.locator("[data-mlws-best]")
    expect(best).to_have_count(5)
    shoot("models-compared")

    # Promote one: MLflow says so. Another one: the alias moves, and its history tells.
    column = shown.locator('thead [data-mlws-model="wine:2"]')
    column.get_by_role("button", name="Set Alias…").click()
    expect(dialog).to_contain_text("New alias; it will point to version 2")
    dialog.locator(".jp-mod-accept").click()
    expect(column).to_contain_text("production")
    assert in_mlflow(lab, ALIASES) == "{'production': 2}"
    first = model.locator('[data-mlws-model="wine:1"]')
    first.get_by_role("button", name="Set Alias").click()
    expect(dialog).to_contain_text("It now points to version 2 and will point to version 1.")
    dialog.locator(".jp-mod-accept").click()
    expect(first.locator('[data-mlws-alias="production"]')).to_be_visible()
    assert in_mlflow(lab, ALIASES) == "{'production': 1}"
    model.locator(".jp-mlws-AliasHistory summary").click()
    expect(model.locator(".jp-mlws-AliasHistory li")).to_contain_text(
        [re.compile("moved from version 2 to 1"), re.compile("set to version 2")]
    )
    shoot("models-promoted")

    # A name that MLflow refuses is told, and nothing changes.
    first.get_by_role("button", name="Set Alias").click()
    dialog.locator("[name=alias]").fill("no good!")
    dialog.locator(".jp-mod-accept").click()
    expect(page.locator(".Toastify")).to_contain_text("letters, digits")
    first.locator('[data-mlws-alias="production"] button').click()
    dialog.locator(".jp-mod-accept").click()
    expect(first.locator('[data-mlws-alias="production"]')).to_have_count(0)
    assert in_mlflow(lab, ALIASES) == "{}"


@pytest.mark.slow(reason="a journey in a real browser")
@pytest.mark.parametrize(
    ("theme", "locale"),
    [("Light", "en"), pytest.param("Dark", "zh_CN", marks=pytest.mark.exhaustive)],
)
def test_the_examples_model_has_a_page(
    page: Page,
    start_lab: Callable[[Path], Lab],
    example: Path,
    tmp_path: Path,
    shoot: Callable[[str], None],
    theme: str,
    locale: str,
) -> None:
    prefer(tmp_path, f"JupyterLab {theme}", locale)
    (example / "serve.py").write_text('LOADED = "models:/wine-forest@production"\n')
    lab = start_lab(example)
    open_sidebar(page, lab)
    page.evaluate(OPEN_MODEL)
    shown = page.locator(".jp-mlws-ModelPage")
    expect(shown.locator(".jp-mlws-Markdown")).to_contain_text("three growers")
    expect(shown.locator("tr[data-mlws-model]")).to_have_count(2)
    # What changed since the version before, with the difference of a metric.
    changes = shown.get_by_role("row").filter(has_text="forest.n_estimators")
    expect(changes).to_contain_text(re.compile("50.*100"))
    expect(shown.get_by_role("row").filter(has_text="forest.accuracy").last).to_contain_text("+")
    expect(shown).to_contain_text("malic_acid")
    outputs = shown.get_by_role("row").filter(has_text=re.compile("output|输出"))
    expect(outputs).to_contain_text(re.compile("0.+1.+2"))
    expect(shown).to_contain_text("models:/wine-forest/2")
    shoot(f"model-page-{locale}")

    # The first version has nothing before it; the description is edited.
    shown.locator('[data-mlws-model="wine-forest:1"] th button').press("Enter")
    expect(shown).to_contain_text("models:/wine-forest/1")
    expect(shown.get_by_role("row").filter(has_text="forest.n_estimators")).to_have_count(0)
    shown.locator(".jp-mlws-Markdown ~ button").click()
    shown.locator("textarea").fill("**Careful** <img src=x onerror=\"document.title='hit'\">")
    shown.locator("textarea ~ .jp-mlws-Tools button").first.click()
    expect(shown.locator(".jp-mlws-Markdown strong")).to_have_text("Careful")
    assert page.title() != "hit"

    # Where it is used leads there, and so does its run.
    shown.get_by_role("button", name="serve.py:1").click()
    expect(page.locator(".jp-FileEditor")).to_contain_text("models:/wine-forest@production")
    page.evaluate(OPEN_MODEL)
    shown.locator('[data-mlws-model="wine-forest:1"] td button.jp-mlws-Link').click()
    run = page.locator(".jp-mlws-RunPage")
    registered = run.get_by_role("button", name="wine-forest 1")
    expect(registered).to_be_visible()
    run.locator('[data-mlws-tab="code"]').click()
    expect(run).to_contain_text(re.compile("Nothing was committed before|此次运行之前没有提交"))
    run.locator('[data-mlws-tab="overview"]').click()
    registered.click()
    expect(shown).to_be_visible()


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_runs_are_searched_compared_in_charts_and_reproduced(
    page: Page, lab: Lab, shoot: Callable[[str], None]
) -> None:
    in_mlflow(lab, CURVE)
    open_section(page, lab, "Runs")
    page.locator(".jp-mlws-OpenTable").click()
    table = page.locator(".jp-mlws-RunTableView")
    rows = table.locator("[data-mlws-run]")
    expect(rows).to_have_count(5)
    shoot("experiments")

    # What of a condition cannot be read is told in its place, and what was there stays.
    condition = table.locator("[name=filter]")
    condition.fill("metrics.loss <")
    condition.press("Enter")
    expect(table.get_by_role("alert").first).to_contain_text("filter")
    expect(table.locator(".jp-mlws-Table-fault")).to_contain_text("a number, or text in quotes")
    expect(condition).to_have_attribute("aria-invalid", "true")
    condition.fill("metrics.loss < 0.5")
    condition.press("Enter")
    expect(rows).to_have_count(2)
    loss = table.get_by_role("columnheader", name="loss")
    loss.get_by_role("button").click()
    expect(loss).to_have_attribute("aria-sort", "descending")
    expect(rows.first).to_contain_text("slow")
    loss.get_by_role("button").click()
    expect(rows.first).to_contain_text("fast")

    # Columns are chosen.
    columns = table.locator(".jp-mlws-Columns summary").filter(has_text="Columns")
    columns.click()
    table.get_by_role("checkbox", name="speed").uncheck()
    expect(table.get_by_role("columnheader", name="speed")).to_have_count(0)
    columns.click()

    # Compared in charts, which are JupyterLab's own Vega.
    for box in table.locator("[data-mlws-row]").all():
        box.press("Space")
    page.locator(".jp-mlws-TableCompare").click()
    compared = page.locator(".jp-mlws-Compare")
    expect(compared.locator("tbody tr")).to_have_count(2)
    compared.locator('[data-mlws-tab="parallel"]').click()
    axes = compared.locator("canvas.jp-mlws-Parallel")
    expect(compared.get_by_text("2 of 2 runs")).to_be_visible()
    box = axes.bounding_box()
    assert box
    # The upper end of the first axis has one of them.
    page.mouse.move(box["x"] + 70, box["y"] + 42)
    page.mouse.down()
    page.mouse.move(box["x"] + 70, box["y"] + 150, steps=5)
    page.mouse.up()
    expect(compared.get_by_text("1 of 2 runs")).to_be_visible()
    shoot("compare-parallel")
    compared.locator('[data-mlws-tab="scatter"]').click()
    chart = compared.locator(".jp-mlws-Chart svg.marks")
    expect(chart.locator("path").first).to_be_visible()
    expect(chart).to_contain_text("slow")
    shoot("compare-scatter")
    compared.locator('[data-mlws-tab="curves"]').click()
    chart = compared.locator('[data-mlws-metric="loss"]')
    expect(chart.locator("canvas")).to_be_visible()
    expect(chart.locator(".u-legend")).to_contain_text("slow")
    shoot("compare-curves")

    # Register one of them.
    page.get_by_role("tab", name="Experiments").click()
    rows.last.locator("input").press("Space")
    page.get_by_role("button", name="Register as Model…").click()
    dialog = page.locator(".jp-Dialog")
    dialog.locator("[name=name]").fill("quick")
    dialog.locator(".jp-mod-accept").click()
    expect(page.locator(".Toastify")).to_contain_text("Registered quick, version 1.")
    (fast,) = (run for run in lab.fetch("runs")["items"] if run["name"] == "fast")
    code = "import mlflow; c = mlflow.MlflowClient('sqlite:///mlflow.db'); print("
    assert in_mlflow(lab, f"{code}c.get_model_version('quick', '1').run_id)") == fast["id"]

    # Reproduce a run of the workflow: a worktree at its commit, with its data.
    rows.first.locator("input").press("Space")
    condition.fill("")
    condition.press("Enter")
    expect(rows).to_have_count(5)
    newest = lab.fetch("runs?workflow=workflows/wine/dvc.yaml")["items"][0]
    row = table.locator(f'[data-mlws-run="{newest["id"]}"]')
    row.locator("input").press("Space")
    page.get_by_role("button", name="Reproduce").click()
    made = table.locator("[data-mlws-reproduction]")
    expect(made).to_contain_text("jupyter mlws run workflows/wine/dvc.yaml")
    folder = lab.root / str(made.get_attribute("data-mlws-reproduction"))
    data = (lab.root / "data/wine.csv").read_bytes()
    assert (folder / "data/wine.csv").read_bytes() == data
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True
    )
    assert head.stdout.strip() == newest["commit"]
    expect(row).to_contain_text("reproduced")
    shoot("experiments-reproduced")
    made.get_by_role("button", name="Open Folder").click()
    expect(page.locator(".jp-FileBrowser .jp-BreadCrumbs")).to_contain_text(folder.name)
    made.get_by_role("button", name="Remove…").click()
    dialog.locator(".jp-mod-accept").click()
    expect(made).to_have_count(0)
    assert not folder.exists()


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_lineage_leads_from_a_model_to_its_data_and_code(
    page: Page, lab: Lab, shoot: Callable[[str], None]
) -> None:
    newest = lab.fetch("runs?workflow=workflows/wine/dvc.yaml")["items"][0]
    lab.fetch("models", {"name": "wine", "run_id": newest["id"]})
    section = open_section(page, lab, "Models")
    section.locator('[data-mlws-model-name="wine"] [data-mlws-row]').click()
    version = section.locator('[data-mlws-model="wine:1"]')
    version.get_by_role("button", name="Lineage").click()
    graph = page.locator(".jp-mlws-Lineage")
    panel = graph.locator(".jp-mlws-Lineage-panel")
    expect(graph.locator("[data-mlws-kind=model]")).to_have_count(1)
    expect(panel).to_contain_text("wine 1")
    shoot("lineage")

    # The snapshot: its differences to now.
    graph.locator(".react-flow__controls-fitview").click()
    graph.locator("[data-mlws-kind=snapshot]").first.click()
    expect(panel).to_contain_text(newest["commit"])
    page.locator(".jp-mlws-OpenThing:visible").click()
    expect(page.locator(".jp-mlws-SnapshotDiff")).to_be_visible()
    page.get_by_role("tab", name="Lineage").click()
    # The run: its page.
    graph.locator(f'[data-mlws-lineage="run:{newest["id"]}"]').click()
    page.locator(".jp-mlws-OpenThing:visible").click()
    expect(page.locator(".jp-mlws-RunPage")).to_contain_text(newest["run"])
    page.get_by_role("tab", name="Lineage").click()
    # The file, reached through the list beside the graph, by the keyboard.
    data = graph.locator('[data-mlws-lineage^="dataset:data/wine.csv@"]')
    data.click()
    expect(panel.locator("h2")).to_have_text("data/wine.csv")
    page.locator(".jp-mlws-OpenThing:visible").press("Enter")
    expect(page.locator(".jp-CSVViewer")).to_be_visible()
