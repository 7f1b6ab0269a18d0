"""The page of a run: values beside a baseline, live charts, files, environment, its address."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from playwright.sync_api import Page, expect

from mlws.core.paths import escape
from tests.ui.conftest import Lab, prefer
from tests.ui.sections import open_section

pytestmark = pytest.mark.browser

TRAINED = """
import math, mlflow
from matplotlib.figure import Figure
from mlflow.entities import Metric
mlflow.set_tracking_uri("sqlite:///mlflow.db")
mlflow.set_experiment("training")
for name, speed in (("first", 1), ("<img src=x onerror=alert(1)>", 3)):
    with mlflow.start_run(run_name=name):
        mlflow.log_params({"speed": speed, "kind": "net"})
        points = [
            Metric(name, value, 1_700_000_000_000 + step, step)
            for step in range(3000)
            for name, value in (
                ("train/loss", math.nan if step == 1500 else 1 / (1 + step * speed)),
                ("train/accuracy", 1 - 1 / (1 + step)),
            )
        ]
        run = mlflow.active_run().info.run_id
        for start in range(0, len(points), 1000):
            mlflow.MlflowClient().log_batch(run, points[start : start + 1000])
        mlflow.log_metric("score", speed / 4)
        figure = Figure()
        figure.subplots().plot([1, 3, 2])
        mlflow.log_figure(figure, "plots/shape.png")
        mlflow.log_text("a,b\\n1,2\\n", "tables/rows.csv")
"""
STEP = """
import mlflow, sys
mlflow.set_tracking_uri("sqlite:///mlflow.db")
with mlflow.start_run(run_id=sys.argv[1]):
    mlflow.log_metric("train/loss", 0.5, step=6000)
    mlflow.log_metric("score", 0.875)
"""
HEAVY = """\
stages:
  first:
    cmd: python heavy.py first.txt 150
    deps: [heavy.py]
    outs: [first.txt]
  second:
    cmd: python heavy.py second.txt 300
    deps: [heavy.py]
    outs: [second.txt]
"""
WAITING = """\
stages:
  first:
    cmd: python wait.py
    outs: [first.txt]
  second:
    cmd: cp first.txt second.txt
    deps: [first.txt]
    outs: [second.txt]
"""
WAIT = """
import os, time
while not os.path.exists("go"):
    time.sleep(0.1)
open("first.txt", "w").write("1")
"""
STEPS = """\
stages:
  load:
    cmd: python load.py
    deps: [load.py]
    outs: [rows.txt]
  train:
    cmd: python train.py
    deps: [train.py, rows.txt]
    outs: [model.txt]
    metrics: [scores.json]
  check:
    cmd: python check.py
    deps: [check.py, model.txt]
    outs: [checked.txt]
  publish:
    cmd: python load.py
    deps: [checked.txt]
    outs: [published.txt]
"""
LOAD = "for name in ('rows.txt', 'published.txt'):\n    open(name, 'w').write('1')\n"
TRAIN = """\
import json

open("model.txt", "w").write("{0}")
json.dump({{"accuracy": {0}}}, open("scores.json", "w"))
"""
CHECK = "open('checked.txt', 'w').write('1')\n"
HEAVY_CODE = """
import sys, time
blocks = []
for _ in range(6):
    blocks.append(bytearray(int(sys.argv[2]) * 100_000))
    until = time.time() + 0.7
    while time.time() < until:
        pass
open(sys.argv[1], "w").write("1")
"""


@pytest.mark.slow(reason="a journey in a real browser")
def test_a_run_has_a_page_that_follows_it(
    page: Page, shared_example: Lab, shoot: Callable[[str], None]
) -> None:
    lab = shared_example
    answer = lab.python(TRAINED)
    assert answer.returncode == 0, answer.stderr
    open_section(page, lab, "Runs")
    page.locator(".jp-mlws-OpenTable").click()
    page.locator(".jp-mlws-RunTableView").get_by_role("button", name="<img").click()

    # Values beside those of the run before.
    shown = page.locator(".jp-mlws-RunPage")
    score = shown.get_by_role("row", name="score")
    expect(score).to_contain_text("0.75")
    expect(score).to_contain_text("+0.5")
    expect(shown.get_by_role("row", name="kind")).to_contain_text("net")

    # What people say about it.
    shown.get_by_role("button", name="Star").click()
    expect(shown.get_by_role("button", name="Star")).to_have_attribute("aria-pressed", "true")
    shown.get_by_role("button", name="Write a Note").click()
    shown.get_by_label("Note in Markdown").fill("**best** so far <img src=x onerror=alert(1)>")
    shown.get_by_role("button", name="Save").click()
    expect(shown.locator("strong")).to_have_text("best")
    page.get_by_role("button", name="Rename…").click()
    page.locator(".jp-Dialog input").fill("quick net")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    expect(shown.locator("h2")).to_contain_text("quick net")
    page.get_by_role("button", name="Delete…").click()
    page.locator(".jp-Dialog .jp-mod-accept").click()
    shown.get_by_role("button", name="Restore").click()
    expect(shown.get_by_role("button", name="Restore")).to_have_count(0)
    shoot("run-overview")

    # Charts of the metrics with steps, whose zoom stays when the run goes on.
    shown.locator('[data-mlws-tab="charts"]').click()
    chart = shown.locator('[data-mlws-metric="train/loss"]')
    expect(chart).to_contain_text("2 values are not finite numbers")
    expect(shown.locator('[data-mlws-metric="score"]')).to_have_count(0)
    shown.get_by_label("Logarithmic").check()
    shown.get_by_label("Smoothing").fill("0.6")
    shoot("run-charts")
    over = chart.locator(".u-over")
    box = over.bounding_box()
    assert box
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 50, steps=4)
    page.mouse.up()
    reset = chart.get_by_role("button", name="Reset Zoom")
    expect(reset).to_be_visible()
    (newest,) = lab.fetch("runs?starred=true")["items"]
    with page.expect_response(lambda one: "runs/curves" in one.url and one.status == 200):
        assert lab.python(STEP, newest["id"]).returncode == 0
    expect(reset).to_be_visible()
    reset.click()
    with page.expect_download() as saved:
        chart.get_by_role("button", name="CSV").click()
    rows = saved.value.path().read_text().splitlines()
    assert len([row for row in rows if row.startswith("quick net,")]) == 3001
    with page.expect_download() as saved:
        chart.get_by_role("button", name="SVG").click()
    assert "<path" in saved.value.path().read_text()

    # Figures and files in place.
    shown.locator('[data-mlws-tab="files"]').click()
    expect(shown.locator("figure img").first).to_be_visible()
    shown.get_by_role("button", name="tables/rows.csv").click()
    expect(shown.locator(".jp-mlws-Preview")).to_contain_text("a")
    shoot("run-files")

    # A run of a workflow has its environment, too; the address opens its page.
    workflow = lab.fetch("runs?workflow=workflows/wine/dvc.yaml")["items"][0]
    words = f"mlws-run={workflow['id']}&mlws-project={escape(lab.project)}"
    page.goto(f"{lab.url}/lab?{words}")
    shown = page.locator(".jp-mlws-RunPage:visible")
    expect(shown).to_contain_text(workflow["run"])
    expect(shown.get_by_role("row", name="forest.accuracy").first).to_be_visible()
    shown.locator('[data-mlws-tab="graph"]').click()
    expect(shown.locator('[data-mlws-node="forest"]')).to_contain_text("accuracy 0.")
    shoot("run-graph")
    shown.locator('[data-mlws-tab="environment"]').click()
    expect(shown).to_contain_text("Python 3")
    shoot("run-environment")
    shown.locator('[data-mlws-tab="log"]').click()
    shown.get_by_label("Node").select_option("forest")
    expect(shown.locator("pre, .jp-mlws-Empty").first).to_be_visible()
    shoot("run-log")


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_it_is_readable_in_the_dark_and_in_chinese(
    page: Page, tmp_path: Path, start_lab: Callable[..., Lab], example: Path,
    shoot: Callable[[str], None],
) -> None:  # fmt: skip
    prefer(tmp_path, "JupyterLab Dark", "zh_CN")
    lab = start_lab(example)
    assert lab.python(TRAINED).returncode == 0
    lab.show(page)
    (first, *_) = lab.fetch("runs?q=first")["items"]
    newest = lab.fetch("runs")["items"][0]
    page.goto(f"{lab.url}/lab?mlws-run={newest['id']}")
    shown = page.locator(".jp-mlws-RunPage:visible")
    expect(shown.locator('[data-mlws-tab="overview"]')).to_have_text("概览")
    expect(shown.get_by_label("对比")).to_have_value(first["id"])
    shoot("run-overview-zh")
    shown.locator('[data-mlws-tab="charts"]').click()
    expect(shown.locator("canvas").first).to_be_visible()
    shoot("run-charts-zh")
    page.evaluate("() => jupyterapp.commands.execute('mlws:open-experiments').then(() => null)")
    table = page.locator(".jp-mlws-RunTableView:visible")
    expect(table.locator("[data-mlws-row]")).to_have_count(5)
    for box in table.locator("[data-mlws-row]").all():
        box.press("Space")
    page.locator(".jp-mlws-TableCompare").click()
    page.locator('[data-mlws-tab="parallel"]').click()
    expect(page.locator(".jp-mlws-Importance")).to_be_visible()
    shoot("run-compared-zh")


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
@pytest.mark.parametrize(
    ("theme", "locale", "words"),
    [
        ("JupyterLab Light", "en", "System metrics"),
        ("JupyterLab Dark", "zh_CN", "系统指标"),
    ],
)
def test_what_nodes_use_is_beside_and_not_among_the_metrics(
    page: Page, tmp_path: Path, start_lab: Callable[..., Lab], example: Path,
    shoot: Callable[[str], None], theme: str, locale: str, words: str,
) -> None:  # fmt: skip
    prefer(tmp_path, theme, locale)
    lab = start_lab(example)
    folder = lab.root / "workflows" / "heavy"
    folder.mkdir()
    (folder / "dvc.yaml").write_text(HEAVY)
    (folder / "heavy.py").write_text(HEAVY_CODE)
    assert lab.run("jupyter", "mlws", "run", "workflows/heavy/dvc.yaml").returncode == 0
    lab.show(page)
    newest = lab.fetch("runs?workflow=workflows/heavy/dvc.yaml")["items"][0]
    page.goto(f"{lab.url}/lab?mlws-run={newest['id']}")
    shown = page.locator(".jp-mlws-RunPage:visible")
    tab = shown.locator('[data-mlws-tab="system"]')
    expect(tab).to_have_text(words)
    tab.click()
    memory = shown.locator('[data-mlws-metric="system/system_memory_usage_megabytes"]')
    expect(memory.locator(".u-legend")).to_contain_text("second")
    expect(memory.locator(".u-legend")).to_contain_text("first")
    shoot(f"run-system-{locale}")
    assert not [name for name in lab.fetch("runs/columns")["metrics"] if "system" in name]


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_the_graph_follows_a_run_in_progress(
    page: Page, start_lab: Callable[..., Lab], example: Path
) -> None:
    lab = start_lab(example)
    folder = lab.root / "workflows" / "waiting"
    folder.mkdir()
    (folder / "dvc.yaml").write_text(WAITING)
    (folder / "wait.py").write_text(WAIT)
    workflow = quote(escape("workflows/waiting/dvc.yaml"), safe="")
    run = lab.fetch(f"workflows/{workflow}/execute", {})
    lab.show(page)
    page.goto(f"{lab.url}/lab?mlws-run={run['id']}")
    shown = page.locator(".jp-mlws-RunPage:visible")
    shown.locator('[data-mlws-tab="graph"]').click()
    expect(shown.locator('[data-mlws-node="first"] [data-mlws-state="RUNNING"]')).to_be_visible()
    (folder / "go").touch()
    expect(shown.locator('[data-mlws-state="COMPLETED"]')).to_have_count(2)


def write_notebook(path: Path, source: str) -> None:
    cells = [new_markdown_cell("# Notes", id="title"), new_code_cell(source, id="sum")]
    nbformat.write(new_notebook(cells=cells), path)


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
@pytest.mark.parametrize(
    ("theme", "locale", "graph", "code"),
    [
        ("JupyterLab Light", "en", "Graph", "Code"),
        ("JupyterLab Dark", "zh_CN", "工作流图", "代码"),
    ],
)
def test_a_run_shows_its_graph_as_it_ran_and_what_changed_in_its_code(
    page: Page, tmp_path: Path, start_lab: Callable[..., Lab], example: Path,
    shoot: Callable[[str], None], theme: str, locale: str, graph: str, code: str,
) -> None:  # fmt: skip
    prefer(tmp_path, theme, locale)
    lab = start_lab(example)
    folder = lab.root / "workflows" / "steps"
    folder.mkdir()
    (folder / "dvc.yaml").write_text(STEPS)
    (folder / "load.py").write_text(LOAD)
    (folder / "train.py").write_text(TRAIN.format(0.5))
    (folder / "check.py").write_text(CHECK)
    write_notebook(folder / "notes.ipynb", "1 + 1")
    assert lab.run("jupyter", "mlws", "run", "workflows/steps/dvc.yaml").returncode == 0
    # Nothing is committed between the runs.
    (folder / "train.py").write_text(TRAIN.format(0.75))
    (folder / "check.py").write_text("raise ValueError('the accuracy is too low')\n")
    (folder / "words.py").write_text("WORD = 1\n" * 300)
    write_notebook(folder / "notes.ipynb", "1 + 2")
    assert lab.run("jupyter", "mlws", "run", "workflows/steps/dvc.yaml").returncode != 0
    lab.show(page)
    now, before = lab.fetch("runs?workflow=workflows/steps/dvc.yaml")["items"]
    page.goto(f"{lab.url}/lab?mlws-run={now['id']}")
    shown = page.locator(".jp-mlws-RunPage:visible")

    # Each node with its status and duration.
    tab = shown.locator('[data-mlws-tab="graph"]')
    expect(tab).to_have_text(graph)
    tab.click()
    nodes = {
        name: shown.locator(f'[data-mlws-node="{name}"]')
        for name in ("load", "train", "check", "publish")
    }
    states = {name: node.locator("[data-mlws-state]") for name, node in nodes.items()}
    expect(states["load"]).to_have_attribute("data-mlws-state", "CACHED")
    expect(states["train"]).to_have_attribute("data-mlws-state", "COMPLETED")
    expect(states["check"]).to_have_attribute("data-mlws-state", "FAILED")
    expect(states["publish"]).to_have_attribute("data-mlws-state", "SKIPPED")
    expect(nodes["train"]).to_contain_text("accuracy 0.75")
    expect(nodes["check"]).to_contain_text("the accuracy is too low")
    shoot(f"run-graph-{locale}")

    # A node leads to its log, by the keyboard as well.
    nodes["check"].get_by_role("button").press("Enter")
    log = shown.locator('[data-mlws-tab="log"]')
    expect(log).to_have_attribute("aria-selected", "true")
    expect(shown.locator("select").last).to_have_value("check")
    expect(shown.locator("pre")).to_contain_text("ValueError")
    tab.click()
    nodes["load"].click()
    expect(shown.locator("select").last).to_have_value("load")
    expect(shown.locator(".jp-mlws-Empty")).to_be_visible()

    # Many lines: files are listed, what DVC wrote last, and read when they are unfolded.
    tab = shown.locator('[data-mlws-tab="code"]')
    expect(tab).to_have_text(code)
    tab.click()
    files = shown.locator("[data-mlws-file]")
    names = ["check.py", "notes.ipynb", "train.py", "words.py", ".gitignore", "dvc.lock"]
    expect(files).to_have_count(len(names))
    assert [file.get_attribute("data-mlws-file") for file in files.all()] == [
        f"workflows/steps/{name}" for name in names
    ]
    expect(shown.locator(".jp-mlws-Diff")).to_have_count(0)
    for number in (1, 2):
        files.nth(number).locator("summary").press("Enter")
    cell = shown.locator('[data-mlws-cell="sum"]')
    expect(cell).to_contain_text("1 + 2")
    expect(cell.locator(".cm-deletedLine")).to_contain_text("1 + 1")
    expect(shown.locator('[data-mlws-cell="title"]')).to_have_count(0)
    expect(files.nth(2).locator(".cm-deletedLine").first).to_contain_text("0.5")
    shoot(f"run-code-{locale}")

    # Without another run: what was not committed. A commit that is gone is named.
    shown.locator("select").first.select_option("")
    expect(shown.locator('[data-mlws-file="workflows/steps/load.py"]')).to_be_visible()
    for words in (
        ["update-ref", "-d", f"refs/mlws/runs/{before['run']}"],
        ["gc", "--prune=now", "--quiet"],
    ):
        subprocess.run(["git", *words], cwd=lab.root, check=True)
    page.reload()
    shown.locator('[data-mlws-tab="code"]').click()
    expect(shown.locator(".jp-mlws-Failure")).to_contain_text(before["commit"][:8])
