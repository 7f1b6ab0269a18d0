"""Data, registered models and notebooks as nodes, each ending in what the file says."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.canvas import (
    NODES,
    RUN_LIMIT,
    WORKFLOW,
    choice,
    drag,
    empty_place,
    faults_of_access,
    fit,
    lines_changed,
    node,
    open_workflow,
    port,
    run_workflow,
    save,
)
from tests.ui.conftest import Lab
from tests.workflows.notebooks import cell, notebook

pytestmark = pytest.mark.browser


def source(page: Page, path: str) -> Locator:
    return page.locator(f'[data-mlws-source="{path}"]')


def out_of(page: Page, path: str) -> Locator:
    return page.locator(f'[data-mlws-port="data:{path}:out"]')


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_data_is_seen_dropped_connected_and_taken_away(
    page: Page, lab: Lab, shoot: Callable[[str], None]
) -> None:
    (lab.root / "data/more.csv").write_text("a,b\n1,2\n")
    file = lab.root / WORKFLOW
    before = file.read_text()
    open_workflow(page, lab, WORKFLOW, NODES)
    wine = source(page, "data/wine.csv")
    expect(wine).to_contain_text("kB")
    edge = page.get_by_label("data/wine.csv → load")
    expect(edge).to_have_count(1)
    wine.click()
    panel = page.locator(".jp-mlws-Panel")
    expect(panel).to_contain_text("Dataset")
    expect(panel).to_contain_text("load: file")
    assert faults_of_access(page, ".jp-mlws-Workflow") == []
    shoot("canvas-data")
    assert file.read_text() == before

    # A file that is let go on the canvas is a node; a line from it is what a node reads.
    page.evaluate("() => jupyterapp.commands.execute('filebrowser:go-to-path', {path: 'data'})")
    item = page.locator(".jp-DirListing-item", has_text="more.csv")
    drag(page, item, empty_place(page, 0.2, 0.85))
    more = source(page, "data/more.csv")
    expect(more).to_contain_text("File")
    expect(panel).to_contain_text("Not used yet")
    drag(page, out_of(page, "data/more.csv"), port(page, "split", "in", "data"))
    expect(page.locator(".jp-mlws-Canvas-refusal")).to_contain_text(
        "Type mismatch: can't connect File to Table"
    )
    drag(page, out_of(page, "data/more.csv"), node(page, "load"))
    expect(page.get_by_label("data/more.csv → load")).to_have_count(1)
    # The input takes one file: the other leaves it, and with it the canvas.
    expect(wine).to_have_count(0)
    save(page)
    changed = "\n".join(lines_changed(before, file.read_text()))
    assert "-      - data/wine.csv\n+      - data/more.csv" in changed
    assert "--file data/more.csv" in file.read_text()
    assert "data: [{path: data/more.csv, at: [" in file.read_text()

    # What fits here: from an output of data to free ground, the components that read it.
    drag(page, out_of(page, "data/more.csv"), empty_place(page, 0.5, 0.9))
    choice(page, "load_table").click()
    expect(node(page, "load_table")).to_be_visible()
    expect(page.get_by_label("data/more.csv → load_table")).to_have_count(1)
    canvas = page.locator(".jp-mlws-Canvas")
    canvas.focus()
    for _ in range(3):
        page.keyboard.press("Control+z")
    expect(more).to_have_count(0)
    expect(wine).to_be_visible()
    save(page)
    assert file.read_text() == before

    # Without its data a node says what it lacks.
    wine.click()
    page.keyboard.press("Delete")
    expect(wine).to_have_count(0)
    expect(node(page, "load").locator(".jp-mlws-Node-fault")).to_be_visible()
    canvas.focus()
    page.keyboard.press("Control+z")
    expect(wine).to_be_visible()

    # What an input may read is found from the input.
    page.locator('[data-mlws-component="load_table"]').dblclick()
    expect(node(page, "load_table")).to_be_visible()
    drag(page, port(page, "load_table", "in", "file"), empty_place(page, 0.1, 0.2))
    choice(page, "data:data/wine.csv").click()
    expect(page.get_by_label("data/wine.csv → load_table")).to_have_count(1)
    save(page)
    assert (
        "node load_table --table workflows/wine/out/load_table.table.parquet --file data/wine"
        in (file.read_text())
    )


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_a_registered_model_is_an_input(page: Page, lab: Lab) -> None:
    made = lab.mlws("run", WORKFLOW)
    assert made.returncode == 0, made.stderr
    out = "workflows/wine/out"
    words = ["node", "register_model", "--model", f"{out}/forest.model.skops"]
    done = lab.mlws(*words, "--text", "v.txt", "--name", "wine", "--alias", "production")
    assert done.returncode == 0, done.stderr
    file = lab.root / WORKFLOW
    open_workflow(page, lab, WORKFLOW, NODES)
    drag(page, port(page, "compare", "in", "models"), empty_place(page, 0.4, 0.15))
    offer = choice(page, "model:wine/1")
    expect(offer).to_contain_text("wine 1 (production)")
    offer.click()
    expect(node(page, "load_model")).to_be_visible()
    save(page)
    text = file.read_text()
    assert "  - load_model: {name: wine, version: 1}\n" in text
    assert f"--models {out}/load_model.model.skops" in text
    run_workflow(page)
    expect(node(page, "compare")).to_have_attribute(
        "data-mlws-state", "COMPLETED", timeout=RUN_LIMIT
    )
    assert '"load_model"' in (lab.root / out / "compare.metrics.json").read_text()

    # Its output is registered by a node that is found from there.
    # The results open below, and the graph is fitted again.
    expect(page.get_by_text("Best model")).to_be_visible()
    fit(page)
    drag(page, port(page, "forest", "out", "model"), empty_place(page, 0.5, 0.9))
    choice(page, "model>register_model").click()
    expect(node(page, "register_model")).to_be_visible()


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_a_notebooks_parameters_are_a_form(
    page: Page, lab: Lab, shoot: Callable[[str], None]
) -> None:
    book = lab.root / "train.ipynb"
    first = cell('epochs: int = 3\nrate: float = 0.5\nname = "x"\nfast = True', "parameters")
    book.write_text(notebook(first, "print(epochs, rate, name, fast)"))
    flow = lab.root / "dvc.yaml"
    flow.write_text(
        "stages:\n  train:\n    cmd: jupyter mlws notebook train.ipynb --out out.ipynb\n"
        "    deps: [train.ipynb]\n    outs: [out.ipynb]\n"
    )
    open_workflow(page, lab, "dvc.yaml", ["train"])
    node(page, "train").click()
    form = page.get_by_role("region", name="Parameters")

    def field(name: str) -> Locator:
        return form.locator(f'input[id$="_{name}"]')

    expect(field("epochs")).to_have_value("3")
    expect(field("fast")).to_be_checked()
    field("epochs").fill("1.5")
    expect(form).to_contain_text("Must be an integer")
    field("epochs").fill("7")
    field("name").fill("wine")
    field("name").press("Tab")
    shoot("canvas-notebook")
    save(page)
    assert flow.read_text().startswith(
        "vars:\n  - train: {epochs: 7, name: wine}\n"
        "stages:\n  train:\n    cmd: jupyter mlws notebook train.ipynb --out out.ipynb ${train}\n"
    )
    run_workflow(page)
    expect(node(page, "train")).to_have_attribute("data-mlws-state", "COMPLETED", timeout=RUN_LIMIT)
    assert "7 0.5 wine True" in (lab.root / "out.ipynb").read_text()

    # The notebook is the truth: what its cell assigns is what can be set.
    book.write_text(notebook(cell("epochs = 3\nlayers = 2", "parameters"), "print(epochs)"))
    expect(field("layers")).to_have_value("2")
    expect(field("rate")).to_have_count(0)
    book.write_text("{")
    expect(page.locator(".jp-mlws-Settings")).to_contain_text("line 1")
