"""Gestures of editing, each seen in the lines of the file that it changes."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.ui.canvas import (
    NODES,
    WORKFLOW,
    choice,
    command,
    drag,
    empty_place,
    focused_by,
    lines_changed,
    middle,
    node,
    open_workflow,
    port,
    save,
)
from tests.ui.conftest import Lab

pytestmark = pytest.mark.browser

OUT = "workflows/wine/out"


@pytest.mark.slow(reason="a journey in a real browser")
def test_rename_freeze_and_undo(page: Page, lab: Lab) -> None:
    file = lab.root / WORKFLOW
    before = file.read_text()
    open_workflow(page, lab, WORKFLOW, NODES)
    node(page, "forest").click()
    page.keyboard.press("F2")
    field = page.locator(".jp-mlws-NameField")
    expect(field).to_be_focused()
    page.keyboard.type("linear")
    expect(page.locator(".jp-mlws-Field-error")).to_contain_text("already exists")
    page.keyboard.press("Control+a")
    page.keyboard.type("trees")
    page.keyboard.press("Enter")
    expect(node(page, "trees")).to_be_visible()
    save(page)
    expected = before.replace("  - forest: {", "  - trees: {").replace(
        "\n  forest:\n", "\n  trees:\n"
    )
    expected = expected.replace("out/forest.", "out/trees.")
    assert file.read_text() == expected.replace("${forest}", "${trees}")
    # What it has made is its result still: only the comparison, which has its name, runs again.
    plan = lab.fetch("workflows/workflows~1wine~1dvc.yaml/plan")
    actions = {one["id"]: one["action"] for one in plan["nodes"]}
    assert (actions["trees"], actions["compare"]) == ("restorable", "run")

    node(page, "trees").click()
    command(page, "workflow:freeze")
    expect(node(page, "trees")).to_have_class(re.compile("jp-mod-frozen"))
    page.locator(".jp-mlws-Canvas").focus()
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    expect(node(page, "forest")).to_be_visible()
    save(page)
    assert file.read_text() == before


def test_deletion_of_the_focused_node_is_undone_by_the_keyboard(page: Page, lab: Lab) -> None:
    file = lab.root / WORKFLOW
    before = file.read_text()
    open_workflow(page, lab, WORKFLOW, NODES)
    node(page, "plot").click()
    page.keyboard.press("Delete")
    expect(node(page, "plot")).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(node(page, "plot")).to_be_visible()
    # A menu has the focus before it deletes.
    node(page, "plot").click(button="right")
    page.locator(".lm-Menu-item", has_text="Delete Selection").click()
    expect(node(page, "plot")).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(node(page, "plot")).to_be_visible()
    save(page)
    assert file.read_text() == before


@pytest.mark.slow(reason="a journey in a real browser")
def test_copy_paste_and_cut_across_files(page: Page, lab: Lab) -> None:
    other = lab.root / "workflows/tea/dvc.yaml"
    other.parent.mkdir()
    other.write_text("# Tea\nstages: {}\n")
    file = lab.root / WORKFLOW
    before = file.read_text()
    open_workflow(page, lab, WORKFLOW, NODES)
    node(page, "load").click()
    node(page, "features").click(modifiers=["Control"])
    page.keyboard.press("Control+c")
    page.mouse.move(*empty_place(page))
    page.keyboard.press("Control+v")
    expect(node(page, "load_2")).to_be_visible()
    expect(page.locator(".react-flow__edge")).to_have_count(11)
    save(page)
    added = lines_changed(before, file.read_text())
    assert all(line.startswith("+") for line in added)
    assert f"+    deps:\n+      - {OUT}/load_2.table.parquet" in "\n".join(added)
    page.locator(".jp-mlws-Canvas").focus()
    page.keyboard.press("Control+z")
    expect(node(page, "load_2")).to_have_count(0)
    save(page)
    assert file.read_text() == before

    page.evaluate(
        "() => jupyterapp.commands.execute('docmanager:open', {path: 'workflows/tea/dvc.yaml'})"
        ".then(() => null)"
    )
    tea = page.locator(".jp-mlws-Canvas:visible")
    expect(page.locator(".jp-mlws-Canvas-empty:visible")).to_be_visible()
    tea.focus()
    page.keyboard.press("Control+v")
    expect(node(page, "features").locator("visible=true")).to_be_visible()
    save(page)
    text = other.read_text()
    assert text.startswith("# Tea\n")
    assert "workflows/tea/out/load.table.parquet" in text
    assert "columns: [alcohol, malic_acid" in text


@pytest.mark.slow(reason="a journey in a real browser")
def test_notes_and_frames(page: Page, lab: Lab, shoot: Callable[[str], None]) -> None:
    file = lab.root / WORKFLOW
    before = file.read_text()
    open_workflow(page, lab, WORKFLOW, NODES)
    page.locator(".jp-mlws-Canvas").focus()
    page.keyboard.press("Control+Shift+k")
    field = page.locator(".jp-mlws-StickyNote textarea")
    expect(field).to_be_focused()
    page.keyboard.press("Control+a")
    # Markdown, of which nothing runs.
    hostile = "<img src=x onerror='window.hostile = 1'><script>window.hostile = 2</script>"
    page.keyboard.type(f"Four **columns** make it a contest{hostile}")
    page.keyboard.press("Enter")
    note = page.locator(".jp-mlws-StickyNote")
    expect(note).to_have_text("Four columns make it a contest")
    expect(note.locator("strong")).to_have_text("columns")
    expect(note.locator("script")).to_have_count(0)
    assert page.evaluate("window.hostile") is None
    node(page, "forest").click()
    node(page, "linear").click(modifiers=["Control"])
    page.keyboard.press("Control+g")
    expect(page.locator(".jp-Dialog")).to_be_visible()
    page.keyboard.type("Models")
    page.keyboard.press("Enter")
    frame = page.locator(".jp-mlws-Frame")
    expect(frame).to_have_text("Models")
    save(page)
    title = lines_changed(before, file.read_text())[1]
    assert 'notes: [{text: "Four **columns** make it a contest<img src=x' in title
    assert "frames: [{title: Models, nodes: [forest, linear]}]" in title
    shoot("canvas-notes")

    # The frame takes its nodes along.
    x, y = middle(page.locator(".jp-mlws-Frame-title"))
    places = [node(page, name).bounding_box() for name in ("forest", "linear")]
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y + 60, steps=60)
    page.mouse.up()
    save(page)
    for name, old in zip(("forest", "linear"), places, strict=True):
        new = node(page, name).bounding_box()
        assert old
        assert new
        assert abs(new["y"] - old["y"] - 60) < 3
    assert file.read_text().count("meta: {at: [") == 2
    page.locator(".jp-mlws-Canvas").focus()
    for _ in range(4):
        page.keyboard.press("Control+z")
    save(page)
    assert file.read_text() == before


@pytest.mark.slow(reason="a journey in a real browser")
def test_what_fits_here_and_reasons_at_the_pointer(page: Page, lab: Lab) -> None:
    open_workflow(page, lab, WORKFLOW, NODES)
    drag(page, port(page, "compare", "out", "metrics"), empty_place(page, 0.8, 0.9))
    offers = page.locator(".jp-mlws-Chooser [role=option]")
    expect(offers.first).to_contain_text("Plot Metrics")
    assert not any("Train Classifier" in text for text in offers.all_inner_texts())
    page.keyboard.press("Escape")
    expect(page.locator(".jp-mlws-Chooser")).to_have_count(0)

    # While the line is held over a port that does not fit, the reason stands there.
    page.mouse.move(*middle(port(page, "split", "out", "train")))
    page.mouse.down()
    x, y = middle(port(page, "compare", "in", "models"))
    page.mouse.move(x, y, steps=12)
    refusal = page.locator(".jp-mlws-Canvas-refusal")
    expect(refusal).to_contain_text("Type mismatch: can't connect Table to Model")
    box = refusal.bounding_box()
    assert box
    assert abs(box["y"] - y) < 60
    page.mouse.up()


@pytest.mark.slow(reason="a journey in a real browser")
def test_files_of_the_file_browser_become_nodes(page: Page, lab: Lab) -> None:
    (lab.root / "src").mkdir()
    (lab.root / "clean.py").write_text("print('clean')\n")
    file = lab.root / WORKFLOW
    before = file.read_text()
    open_workflow(page, lab, WORKFLOW, NODES)
    page.evaluate("() => jupyterapp.commands.execute('filebrowser:go-to-path', {path: ''})")
    item = page.locator(".jp-DirListing-item", has_text="clean.py")
    expect(item).to_be_visible()
    drag(page, item, empty_place(page, 0.5, 0.85))
    expect(node(page, "clean")).to_be_visible()
    save(page)
    assert lines_changed(before, file.read_text())[:-1] == [
        "+  clean:",
        "+    wdir: ../..",
        "+    cmd: python clean.py",
        "+    deps:",
        "+      - clean.py",
    ]
    # What a script writes is said in its settings.
    output = page.get_by_label("Add to Outputs")
    output.fill("data/clean.csv")
    output.press("Enter")
    expect(port(page, "clean", "out", "clean.csv")).to_be_visible()
    command_field = page.locator(".jp-mlws-CommandField")
    command_field.fill("python clean.py --all")
    command_field.press("Tab")
    save(page)
    text = file.read_text()
    assert "    cmd: python clean.py --all\n" in text
    assert "    outs:\n      - data/clean.csv\n" in text


def test_find_and_lists(page: Page, lab: Lab) -> None:
    open_workflow(page, lab, WORKFLOW, NODES)
    page.locator(".jp-mlws-Canvas").focus()
    assert focused_by(page, "workflow:find") == "Find node"
    page.keyboard.press("Escape")
    page.keyboard.press("Control+f")
    page.keyboard.type("compare")
    expect(choice(page, "compare")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(node(page, "compare")).to_have_class(re.compile("jp-mod-selected"))
