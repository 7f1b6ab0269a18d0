"""Runs of parts, failures and how to go on, and a server that goes away."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.ui.canvas import (
    RUN_LIMIT,
    faults_of_access,
    node,
    open_workflow,
    run_workflow,
    save,
    until,
)
from tests.ui.conftest import Lab

pytestmark = pytest.mark.browser

PATH = "dvc.yaml"
ID = "workflows/dvc.yaml"
TEXT = """\
# Three steps
stages:
  first:
    cmd: python first.py
    deps: [first.py]
    outs: [first.txt]
  second:
    cmd: python second.py
    deps: [second.py, first.txt]
    outs: [second.txt]
  third:
    cmd: cat second.txt > third.txt
    deps: [second.txt]
    outs: [third.txt]
"""
NODES = ["first", "second", "third"]
FIRST = "open('first.txt', 'w').write('1')\n"
FAULTY = "text = open('first.txt').read()\nopen('second.txt', 'w').write(text + missing)\n"


@pytest.fixture
def project(example: Path) -> Path:
    (example / PATH).write_text(TEXT)
    (example / "first.py").write_text(FIRST)
    (example / "second.py").write_text(FAULTY)
    return example


@pytest.fixture
def lab(share_lab: Callable[[Path], Lab], project: Path) -> Lab:
    return share_lab(project)


def expect_states(page: Page, **states: str) -> None:
    for name, state in states.items():
        expect(node(page, name)).to_have_attribute("data-mlws-state", state, timeout=RUN_LIMIT)


def button(page: Page, name: str) -> None:
    buttons = page.locator(".jp-mlws-NodeActions, .jp-mlws-NodeFailure")
    buttons.get_by_role("button", name=name, exact=True).click()


def newest(lab: Lab) -> dict:
    return lab.fetch(f"{ID}/status")


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_parts_of_a_workflow(page: Page, lab: Lab) -> None:
    (lab.root / "second.py").write_text(FAULTY.replace(" + missing", ""))
    open_workflow(page, lab, PATH, NODES)
    node(page, "second").click()
    button(page, "Run to Here")
    expect_states(page, first="COMPLETED", second="COMPLETED")
    assert not (lab.root / "third.txt").exists()
    assert [one["id"] for one in newest(lab)["nodes"]] == ["first", "second"]
    button(page, "Run from Here")
    expect_states(page, third="COMPLETED", second="COMPLETED", first="CACHED")
    earlier = newest(lab)["id"]
    button(page, "Rerun Node")
    until(page, lambda: newest(lab)["id"] != earlier and newest(lab)["status"] == "COMPLETED")
    expect(node(page, "second")).to_have_attribute("data-mlws-state", "COMPLETED")
    run = newest(lab)
    assert run["origin"] == "canvas"
    assert (lab.root / "third.txt").read_text() == "1"


@pytest.mark.slow(reason="a journey in a real browser")
def test_failure_is_looked_at_as_a_notebook_mended_and_resumed(
    page: Page, lab: Lab, shoot: Callable[[str], None]
) -> None:
    open_workflow(page, lab, PATH, NODES)
    run_workflow(page)
    expect_states(page, first="COMPLETED", second="FAILED")
    node(page, "second").click()
    shoot("canvas-failed")
    button(page, "Debug in Notebook")
    expect(page.locator(".jp-Notebook")).to_contain_text("%run second.py")
    # Until its kernel is there, the lab may bring it to the front again.
    kernel = page.locator(".jp-NotebookPanel .jp-Notebook-ExecutionIndicator")
    expect(kernel).to_have_attribute("data-status", "idle")
    (path,) = (lab.root / "debug").glob("*-second.ipynb")
    cells = [cell["source"] for cell in json.loads(path.read_text())["cells"]]
    assert "%run second.py" in cells

    (lab.root / "second.py").write_text(FAULTY.replace(" + missing", " + '2'"))
    page.locator(".lm-TabBar-tab", has_text="dvc.yaml").click()
    button(page, "Resume")
    expect_states(page, second="COMPLETED", third="COMPLETED")
    run = newest(lab)
    assert run["resumes"]
    assert (lab.root / "third.txt").read_text() == "12"


@pytest.mark.slow(reason="a journey in a real browser")
def test_a_correction_that_is_typed_is_saved_before_a_retry(page: Page, lab: Lab) -> None:
    open_workflow(page, lab, PATH, NODES)
    run_workflow(page)
    expect_states(page, second="FAILED")
    node(page, "second").click()
    page.locator(".jp-mlws-CommandField").fill("cp first.txt second.txt")
    button(page, "Retry")
    expect_states(page, second="COMPLETED", third="COMPLETED")
    assert "cmd: cp first.txt second.txt" in (lab.root / PATH).read_text()


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_retry_and_skip(page: Page, lab: Lab) -> None:
    (lab.root / "second.txt").write_text("by hand")
    open_workflow(page, lab, PATH, NODES)
    run_workflow(page)
    expect_states(page, second="FAILED")
    failed = newest(lab)["id"]
    node(page, "second").click()
    button(page, "Retry")
    expect(page.locator(f'[data-mlws-run="{failed}"]')).to_have_count(0)
    expect_states(page, second="FAILED")
    (lab.root / "second.txt").write_text("by hand")
    button(page, "Skip")
    expect_states(page, third="COMPLETED", second="SKIPPED")
    assert (lab.root / "third.txt").read_text() == "by hand"


@pytest.mark.slow(reason="a journey in a real browser")
def test_saves_during_a_run_and_a_server_that_comes_back(
    page: Page, start_lab: Callable[..., Lab], project: Path
) -> None:
    (project / "second.py").write_text(
        "import pathlib, time\n"
        "while not pathlib.Path('go').exists():\n    time.sleep(0.05)\n"
        "open('second.txt', 'w').write('2')\n"
    )
    lab = start_lab(project)
    open_workflow(page, lab, PATH, NODES)
    run_workflow(page)
    expect_states(page, second="RUNNING")
    # What the run has done is not planned to be done.
    expect(node(page, "first")).to_have_attribute("data-mlws-mark", "cached")
    expect(node(page, "second")).to_have_attribute("data-mlws-mark", "running")

    # Editing and saving goes on; the run does what it read.
    node(page, "third").click()
    field = page.locator(".jp-mlws-CommandField")
    field.fill("cat second.txt second.txt > third.txt")
    field.press("Tab")
    save(page)
    assert "cat second.txt second.txt > third.txt" in (project / PATH).read_text()
    expect(node(page, "second")).to_have_attribute("data-mlws-state", "RUNNING")

    lab.stop()
    expect(page.locator(".jp-mlws-Banner.jp-mod-warning")).to_be_visible()
    (project / "go").touch()
    again = start_lab(project, port=lab.port)
    expect(page.locator(".jp-mlws-Banner.jp-mod-warning")).to_have_count(0)
    expect_states(page, second="COMPLETED", third="COMPLETED")
    assert (project / "third.txt").read_text() == "2"

    # What was changed in between runs with the next run; the lab itself may say that its server
    # was away.
    shown = page.locator(".jp-mlws-State[data-mlws-run]")
    expect(shown).to_have_attribute("data-mlws-state", "COMPLETED", timeout=RUN_LIMIT)
    page.add_locator_handler(
        page.locator(".jp-Dialog", has_text="Server Connection Error"),
        lambda: page.locator(".jp-Dialog").get_by_role("button", name="Close").click(),
    )
    earlier = str(shown.get_attribute("data-mlws-run"))
    run_workflow(page)
    expect(shown).not_to_have_attribute("data-mlws-run", earlier)
    expect(shown).to_have_attribute("data-mlws-state", "COMPLETED", timeout=RUN_LIMIT)
    assert newest(again)["status"] == "COMPLETED"
    assert (project / "third.txt").read_text() == "22"


REPORTING = """\
import pathlib, sys, time
from jupyter_mlws import progress

print("\\033[32mgreen\\033[0m begins")
for line in range(300):
    print(f"line {line} Loss", flush=True)
progress(3, 4)
while not pathlib.Path("go").exists():
    time.sleep(0.05)
open("first.txt", "w").write("1")
"""


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_progress_and_the_log(
    page: Page, lab: Lab, project: Path, shoot: Callable[[str], None]
) -> None:
    (project / "first.py").write_text(REPORTING)
    (project / "second.py").write_text("open('second.txt', 'w').write('2')\n")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_workflow(page, lab, PATH, NODES)
    expect(node(page, "first")).to_have_attribute("data-mlws-plan", "run", timeout=RUN_LIMIT)
    run_workflow(page)
    bar = node(page, "first").get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuenow", "75", timeout=RUN_LIMIT)
    expect(node(page, "first")).to_contain_text("75%")

    node(page, "first").click()
    page.get_by_role("tab", name="Log").click()
    log = page.locator(".jp-mlws-Log")
    expect(log).to_contain_text("line 299")
    expect(log.locator(".jp-mlws-ansi-green")).to_have_text("green")
    follow = page.get_by_label("Follow")
    expect(follow).to_be_checked()
    until(page, lambda: log.evaluate("log => log.scrollTop > 0"))
    search = page.get_by_label("Search log")
    search.fill("loss")
    count = page.locator(".jp-mlws-LogBar-count")
    expect(count).to_have_text("1 of 300")
    expect(follow).not_to_be_checked()
    search.press("Enter")
    expect(count).to_have_text("2 of 300")
    page.get_by_role("button", name="Previous").click()
    page.get_by_role("button", name="Previous").click()
    expect(count).to_have_text("300 of 300")
    shoot("canvas-log")
    assert faults_of_access(page, ".jp-mlws-Workflow") == []
    search.fill("no such words")
    expect(count).to_have_text("No results")
    search.press("Escape")
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert copied.startswith("> python first.py\ngreen begins\nline 0 Loss\n")

    (project / "go").write_text("")
    expect_states(page, first="COMPLETED", third="COMPLETED")
    expect(bar).to_have_count(0)


CHART = {
    "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
    "mark": "bar",
    "data": {"values": [{"x": "a", "y": 2}, {"x": "b", "y": 3}]},
    "encoding": {"x": {"field": "x"}, "y": {"field": "y", "type": "quantitative"}},
}


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_a_chart_is_drawn_by_the_lab(
    page: Page, share_lab: Callable[[Path], Lab], example: Path, shoot: Callable[[str], None]
) -> None:
    (example / "chart.json").write_text(json.dumps(CHART))
    (example / "rows.csv").write_text("epoch,loss\n1,0.9\n2,0.5\n3,0.4\n")
    (example / PATH).write_text(
        "stages:\n  plot:\n    cmd: cp chart.json loss.vl.json && cp rows.csv loss.csv\n"
        "    deps: [chart.json, rows.csv]\n    outs: [loss.vl.json]\n"
        "    plots:\n    - loss.csv: {x: epoch, y: loss, cache: false}\n"
    )
    open_workflow(page, share_lab(example), PATH, ["plot"])
    expect(node(page, "plot")).to_have_attribute("data-mlws-plan", "run", timeout=RUN_LIMIT)
    run_workflow(page)
    expect_states(page, plot="COMPLETED")
    node(page, "plot").click()
    page.get_by_role("tab", name="Preview").click()
    charts = page.locator(".jp-mlws-Preview-chart")
    expect(charts).to_have_count(2)
    for chart in charts.all():
        expect(chart.locator("canvas, svg, img").first).to_be_visible()
    shoot("canvas-chart")
    assert faults_of_access(page, ".jp-mlws-Workflow") == []
