"""What a person does in the first ten minutes, with a real pointer, ending in what is on disk."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.ui.canvas import (
    NODES,
    RUN_LIMIT,
    WORKFLOW,
    drag,
    fit,
    lines_changed,
    node,
    open_workflow,
    port,
    run_workflow,
    save,
)
from tests.ui.conftest import Lab

pytestmark = pytest.mark.browser


def run_and_expect(page: Page, states: dict[str, str]) -> None:
    run_workflow(page)
    for identifier, state in states.items():
        expect(node(page, identifier)).to_have_attribute(
            "data-mlws-state", state, timeout=RUN_LIMIT
        )


@pytest.fixture
def lab(shared_example: Lab) -> Lab:
    return shared_example


@pytest.mark.slow(reason="a journey in a real browser")
def test_draw_run_and_see(
    page: Page, lab: Lab, example: Path, shoot: Callable[[str], None]
) -> None:
    # As if nothing had run yet: neither results nor what DVC remembers of runs.
    (example / "workflows/wine/dvc.lock").unlink()
    shutil.rmtree(example / "workflows/wine/out")
    shutil.rmtree(example / ".dvc/cache/runs")
    file = lab.root / WORKFLOW
    before = file.read_text()
    open_workflow(page, lab, WORKFLOW, NODES)
    expect(page.locator(".react-flow__edge")).to_have_count(9)
    shoot("canvas-open")

    # Draw: a component from the palette, dropped on an empty place.
    canvas = page.locator(".jp-mlws-Canvas .react-flow__pane").first
    box = canvas.bounding_box()
    assert box
    page.locator('[data-mlws-component="plot_confusion_matrix"]').drag_to(
        canvas, target_position={"x": box["width"] - 260, "y": box["height"] - 120}
    )
    added = node(page, "plot_confusion_matrix")
    expect(added).to_be_visible()
    # The view follows a new node; the others are at its edge.
    fit(page)

    # A wrong type is refused with the reason, and so is a cycle.
    refusal = page.locator(".jp-mlws-Canvas-refusal")
    drag(
        page,
        port(page, "split", "out", "train"),
        port(page, "plot_confusion_matrix", "in", "model"),
    )
    expect(refusal).to_contain_text(re.compile("Table.*Model"))
    drag(page, port(page, "split", "out", "train"), port(page, "load", "in", "file"))
    expect(refusal).to_contain_text(re.compile("cycle.*load.*split|cycle.*split.*load"))
    shoot("canvas-refused")

    # What fits is connected.
    for source, out, name in (("forest", "model", "model"), ("split", "test", "test")):
        drag(page, port(page, source, "out", out), port(page, "plot_confusion_matrix", "in", name))
    expect(page.locator(".react-flow__edge")).to_have_count(11)

    # Change a setting, save: the file holds exactly these edits.
    node(page, "forest").click()
    field = page.locator('.jp-mlws-Settings input[id$="n_estimators"]')
    field.fill("77")
    field.press("Tab")
    save(page)
    changed = lines_changed(before, file.read_text())
    print("\n".join(changed))
    out = "workflows/wine/out"
    assert changed[:-1] == [
        "-  - forest: {algorithm: random_forest, n_estimators: 100, max_depth: 3}",
        "+  - forest: {algorithm: random_forest, n_estimators: 77, max_depth: 3}",
        "+  plot_confusion_matrix:",
        "+    wdir: ../..",
        f"+    cmd: jupyter mlws node plot_confusion_matrix"
        f" --figure {out}/plot_confusion_matrix.figure.png"
        f" --model {out}/forest.model.skops --test {out}/split.test.parquet",
        "+    deps:",
        f"+      - {out}/forest.model.skops",
        f"+      - {out}/split.test.parquet",
        "+    outs:",
        f"+      - {out}/plot_confusion_matrix.figure.png",
    ]
    assert re.fullmatch(r"\+    meta: {at: \[-?\d+, -?\d+\]}", changed[-1])

    # Run: every node reaches its end, and its results can be looked at.
    everything = [*NODES, "plot_confusion_matrix"]
    run_and_expect(page, dict.fromkeys(everything, "COMPLETED"))
    node(page, "compare").click()
    page.get_by_role("tab", name="Preview").click()
    expect(page.locator(".jp-mlws-Preview")).to_contain_text("accuracy")
    shoot("canvas-metrics")
    node(page, "plot").click()
    expect(page.locator(".jp-mlws-Preview-figure")).to_be_visible()
    shoot("canvas-figure")
    node(page, "split").click()
    expect(page.locator(".jp-mlws-Preview")).to_contain_text("double")
    page.get_by_role("tab", name="Log").click()
    expect(page.locator(".jp-mlws-Log")).to_contain_text("jupyter mlws node split")

    # Again: nothing runs.
    run_and_expect(page, dict.fromkeys(everything, "CACHED"))

    status = lab.dvc("status")
    assert "up to date" in status.stdout, status.stdout + status.stderr
    dry = lab.dvc("repro", "--dry", WORKFLOW)
    assert "Running stage" not in dry.stdout, dry.stdout

    # A result that is lost comes back from the cache, and its node does not run.
    lost = lab.root / "workflows/wine/out/compare.metrics.json"
    kept = lost.read_bytes()
    lost.unlink()
    shown = page.locator(".jp-mlws-State[data-mlws-run]")
    earlier = shown.get_attribute("data-mlws-run")
    run_workflow(page)
    expect(shown).not_to_have_attribute("data-mlws-run", str(earlier))
    expect(shown).to_have_attribute("data-mlws-state", "COMPLETED", timeout=RUN_LIMIT)
    expect(node(page, "compare")).to_have_attribute("data-mlws-state", "CACHED")
    assert lost.read_bytes() == kept


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_runs_from_a_terminal_and_a_notebook_show_on_the_open_canvas(page: Page, lab: Lab) -> None:
    open_workflow(page, lab, WORKFLOW, NODES)
    seen = lab.run("jupyter", "mlws", "run", WORKFLOW, "-p", "forest.n_estimators=31")
    assert seen.returncode == 0, seen.stdout + seen.stderr
    expect(node(page, "forest")).to_have_attribute("data-mlws-state", "COMPLETED")
    expect(node(page, "load")).to_have_attribute("data-mlws-state", "CACHED")

    script = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "shell.run_line_magic('load_ext', 'jupyter_mlws')\n"
        f"shell.run_line_magic('mlws', 'run {WORKFLOW} -p linear.C=0.37')\n"
    )
    answer = lab.python(script)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    expect(node(page, "linear")).to_have_attribute("data-mlws-state", "COMPLETED")
    expect(node(page, "forest")).to_have_attribute("data-mlws-state", "CACHED")


@pytest.mark.slow(reason="a journey in a real browser")
def test_commit_damage_and_restore(page: Page, lab: Lab, shoot: Callable[[str], None]) -> None:
    lab.show(page)
    page.wait_for_function("window.jupyterapp?.commands.hasCommand('mlws:open-source-control')")
    page.evaluate("() => jupyterapp.commands.execute('mlws:open-source-control').then(() => null)")
    script = lab.root / "train.py"
    script.write_text("print('first')\n")
    data = lab.root / "data/wine.csv"
    data.write_text(data.read_text() + data.read_text().splitlines()[-1] + "\n")
    expect(page.locator(".jp-mlws-Changes")).to_contain_text("train.py")
    expect(page.locator(".jp-mlws-Changes")).to_contain_text("wine.csv")
    shoot("sidebar-changes")

    page.locator(".jp-mlws-CommitBox").fill("More wine")
    page.locator(".jp-mlws-CommitButton").click()
    expect(page.locator(".jp-mlws-Snapshot").first).to_contain_text("More wine")
    shoot("sidebar-committed")
    kept = {path: path.read_bytes() for path in (script, data, lab.root / WORKFLOW)}

    script.write_text("damaged")
    data.unlink()
    (lab.root / WORKFLOW).write_text("stages: {}\n")

    first = page.locator(".jp-mlws-Snapshot").first
    first.hover()
    first.locator(".jp-mlws-RestoreButton").click()
    dialog = page.locator(".jp-Dialog")
    expect(dialog).to_contain_text("wine.csv")
    shoot("restore-plan")
    dialog.locator(".jp-mod-accept").click()
    expect(page.locator(".Toastify")).to_contain_text("Restored")
    expect(page.locator(".jp-mlws-Changes")).not_to_contain_text("train.py")
    for path, content in kept.items():
        assert path.read_bytes() == content
    status = subprocess.run(
        ["git", "status", "--porcelain"], cwd=lab.root, capture_output=True, text=True, check=True
    )
    assert status.stdout == ""

    # A commit by the command line or a magic appears without a reload.
    message = '训练：第一版 "quoted"'
    (lab.root / "notes.md").write_text("notes")
    code = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "shell.run_line_magic('load_ext', 'jupyter_mlws')\n"
        'shell.run_cell(\'%mlws commit -m "训练：第一版 \\\\"quoted\\\\""\', silent=False)\n'
    )
    answer = lab.python(code)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    expect(page.locator(".jp-mlws-Snapshot").first).to_contain_text(message)
    shoot("sidebar-magic")
