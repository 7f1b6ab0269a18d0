"""How the main views look in light and dark, in English and Chinese: pictures, to be looked at."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.ui.canvas import (
    command,
    faults_of_access,
    middle,
    node,
    open_workflow,
    run_workflow,
    saved_layout,
    until,
)
from tests.ui.conftest import Lab, prefer
from tests.ui.sections import SOURCE_CONTROL, open_sidebar, title
from tests.ui.test_canvas_import import plan_of
from tests.workflows.importers.pipelines import node as elyra_node
from tests.workflows.importers.pipelines import pipeline

pytestmark = [pytest.mark.browser, pytest.mark.exhaustive]

THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
SETTINGS = {"en": "Settings", "zh_CN": "设置"}
CHANGES = {"en": "Changes", "zh_CN": "更改"}


@pytest.mark.slow(reason="a journey in a real browser")
@pytest.mark.parametrize(("theme", "locale"), [("light", "zh_CN"), ("dark", "en")])
def test_canvas_and_sidebar(
    page: Page,
    start_lab: Callable[..., Lab],
    example: Path,
    tmp_path: Path,
    shoot: Callable[[str], None],
    theme: str,
    locale: str,
) -> None:
    prefer(tmp_path, THEMES[theme], locale)
    lab = start_lab(example)
    page.goto(lab.address("workflows/wine/dvc.yaml"))
    expect(page.locator('[data-mlws-node="compare"]')).to_be_visible()
    expect(page.locator("body")).to_have_attribute(
        "data-jp-theme-light", str(theme == "light").lower()
    )
    page.locator('[data-mlws-node="forest"]').click()
    expect(page.get_by_role("group", name=SETTINGS[locale], exact=True)).to_be_visible()
    shoot(f"canvas-{theme}-{locale}")
    page.evaluate("() => jupyterapp.commands.execute('mlws:open-source-control').then(() => null)")
    expect(page.locator(".jp-mlws-Snapshot")).to_have_count(2)
    # The example begins as its last snapshot is.
    expect(page.locator(".jp-mlws-Change")).to_have_count(0)
    expect(page.locator(SOURCE_CONTROL)).to_contain_text(CHANGES[locale])
    page.locator(".jp-mlws-Snapshot-head").first.click()
    shoot(f"sidebar-{theme}-{locale}")
    # Without chosen runs it unfolds their section.
    command(page, "mlws:compare-runs")
    expect(page.locator(".jp-mlws-Run input").nth(1)).to_be_visible()
    for box in page.locator(".jp-mlws-Run input").all()[:2]:
        box.check()
    page.locator(".jp-mlws-CompareButton").click()
    expect(page.locator(".jp-mlws-CompareTable")).to_contain_text("accuracy")
    shoot(f"compare-{theme}-{locale}")


VIEWS: dict[str, tuple[dict[str, str], str]] = {
    "mlws:open-diff": ({"path": "notes.md"}, "Changes in notes.md"),
    "mlws:open-experiments": ({}, "Experiments"),
    "mlws:open-lineage": ({"of": "snapshot:HEAD"}, "Lineage"),
    "mlws:server-log": ({}, "Server log"),
}


@pytest.mark.slow(reason="a journey in a real browser")
def test_views_are_open_again_after_a_reload(page: Page, lab: Lab) -> None:
    (lab.root / "notes.md").write_text("Something is new\n")
    open_sidebar(page, lab)
    tabs = page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab")
    for identifier, (arguments, label) in VIEWS.items():
        page.evaluate(
            "([id, args]) => jupyterapp.commands.execute(id, args).then(() => null)",
            [identifier, arguments],
        )
        expect(tabs.filter(has_text=label)).to_have_count(1)

    def is_kept() -> bool:
        dock = saved_layout(lab).get("layout-restorer:data", {}).get("main", {}).get("dock") or {}
        return len(dock.get("widgets", [])) == len(VIEWS)

    until(page, is_kept)
    page.goto(lab.address().removesuffix("&reset"))
    for _, label in VIEWS.values():
        expect(tabs.filter(has_text=label)).to_have_count(1)
    tabs.filter(has_text="Changes in notes.md").click()
    expect(page.locator(".jp-mlws-View:visible")).to_contain_text("Something is new")
    tabs.filter(has_text="Lineage").click()
    expect(page.locator("[data-mlws-lineage]").first).to_be_in_viewport()


ENTRIES = ".lm-Menu-item:not([data-type='separator'])"
MAX_ENTRIES = 10


def menu_labels(page: Page) -> list[str]:
    """The labels of the open menu and of its submenus."""
    menus = page.locator(".lm-Menu")
    expect(menus.first).to_be_visible()
    labels: list[str] = menus.first.locator(".lm-Menu-itemLabel").all_inner_texts()
    for item in menus.first.locator(".lm-Menu-item[data-type='submenu']").all():
        item.hover()
        expect(menus).to_have_count(2)
        labels += menus.nth(1).locator(".lm-Menu-itemLabel").all_inner_texts()
        menus.first.locator(ENTRIES).first.hover()
        expect(menus).to_have_count(1)
    return [label for label in labels if label]


@pytest.mark.slow(reason="a journey in a real browser")
def test_more_of_the_canvas_dark_and_in_chinese(
    page: Page,
    start_lab: Callable[..., Lab],
    example: Path,
    tmp_path: Path,
    shoot: Callable[[str], None],
) -> None:
    prefer(tmp_path, THEMES["dark"], "zh_CN")
    (example / "old.pipeline").write_text(
        json.dumps(pipeline(elyra_node("n1", "make.py", runtime_image="image:1")))
    )
    (example / "make.py").write_text("print(1)\n")
    lab = start_lab(example)
    open_workflow(page, lab, "workflows/wine/dvc.yaml", ["forest", "compare"])

    def keep(name: str) -> None:
        shoot(f"canvas-{name}-dark-zh_CN")
        assert faults_of_access(page, ".jp-mlws-Workflow") == []

    # Menus and their submenus are Chinese, and short.
    node(page, "forest").click(button="right")
    labels = menu_labels(page)
    assert [label for label in labels if label.isascii()] == []
    entries = page.locator(".lm-Menu").first.locator(ENTRIES)
    assert entries.count() <= MAX_ENTRIES
    page.keyboard.press("Escape")
    page.locator(".jp-mlws-more").click()
    assert [label for label in menu_labels(page) if label.isascii()] == []
    page.keyboard.press("Escape")
    expect(page.locator(".lm-Menu")).to_have_count(0)

    node(page, "forest").click()
    form = page.locator(".jp-mlws-SweepForm")
    form.get_by_role("button", name="扫描多个取值…").click()
    form.get_by_label("添加要扫描的设置项").select_option("n_estimators")
    page.locator('[data-mlws-axis="n_estimators"]').fill("1, many")
    expect(form).to_contain_text("many")
    keep("sweep")
    page.locator('[data-mlws-axis="n_estimators"]').fill("1, 50")
    node(page, "load").click()
    page.get_by_role("tab", name="预览").click()
    expect(page.locator(".jp-mlws-Preview [role=grid]").first).to_be_visible()
    keep("preview")
    node(page, "compare").click()
    page.get_by_role("tab", name="日志").click()
    search = page.locator(".jp-mlws-LogBar input[type=search]")
    search.fill("e")
    keep("log")
    command(page, "workflow:history")
    expect(page.locator(".jp-mlws-Gantt").first).to_be_visible()
    keep("history")
    command(page, "workflow:tree")
    expect(page.locator(".jp-mlws-Tree").first).to_be_visible()
    keep("tree")
    plan = plan_of(page, lab, "old.pipeline", "选择")
    expect(plan).to_contain_text("workflows/flow/dvc.yaml")
    expect(plan).to_contain_text("make 脚本")
    shoot("canvas-import-dark-zh_CN")
    assert faults_of_access(page, ".jp-mlws-Import") == []


@pytest.mark.slow(reason="a journey in a real browser")
def test_twelve_changed_files_are_in_view_in_a_small_window(
    page: Page, start_lab: Callable[..., Lab], example: Path
) -> None:
    for number in range(60):
        (example / f"note-{number:02}.md").write_text("Something is new\n")
    page.set_viewport_size({"width": 1280, "height": 720})
    lab = start_lab(example)
    open_sidebar(page, lab)
    rows = page.locator(".jp-mlws-Changes [data-mlws-path]")
    expect(rows.nth(11)).to_be_visible()
    section = page.locator(".jp-mlws-Changes")

    def is_in_view() -> bool:
        view, last = section.bounding_box(), rows.nth(11).bounding_box()
        if view is None or last is None:
            return False
        return last["y"] + last["height"] <= view["y"] + view["height"]

    until(page, is_in_view)
    expect(title(page, "Branches")).to_have_attribute("aria-expanded", "false")
    expect(page.locator(".jp-mlws-Snapshot-head").first).to_be_visible()
    text = page.locator(".jp-mlws-Snapshot-text").first.bounding_box()
    assert text
    assert text["height"] < 45

    # A size and a fold are kept over a reload.
    title(page, "Branches").click()
    handles = page.locator(f"{SOURCE_CONTROL} .lm-SplitPanel-handle:visible")
    x, y = middle(handles.first)
    before = section.bounding_box()
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y - 80, steps=8)
    page.mouse.up()
    after = section.bounding_box()
    assert before
    assert after
    assert after["height"] < before["height"] - 40

    def is_kept() -> bool:
        kept = saved_layout(lab).get("mlws-sidebar:layout", {})
        size = kept.get("sizes", {}).get("jp-mlws-changes", 0)
        return abs(size - after["height"]) < 2 and kept["folded"]["jp-mlws-branches"] is False

    until(page, is_kept)
    page.goto(lab.address().removesuffix("&reset"))
    expect(title(page, "Branches")).to_have_attribute("aria-expanded", "true")
    until(page, lambda: abs((section.bounding_box() or before)["height"] - after["height"]) < 20)


@pytest.mark.slow(reason="a journey in a real browser")
@pytest.mark.parametrize(("theme", "locale"), [("light", "zh_CN"), ("dark", "en")])
def test_a_project_is_trusted_before_its_code_runs(
    page: Page,
    start_lab: Callable[..., Lab],
    example: Path,
    tmp_path: Path,
    shoot: Callable[[str], None],
    theme: str,
    locale: str,
) -> None:
    prefer(tmp_path, THEMES[theme], locale)
    lab = start_lab(example, trusted=False)
    page.goto(lab.address("workflows/wine/dvc.yaml"))
    dialog = page.locator(".jp-Dialog")
    expect(dialog).to_contain_text("workspace")
    shoot(f"trust-dialog-{theme}-{locale}")
    dialog.locator(".jp-mod-reject").click()
    # The graph is drawn from the file alone.
    expect(page.locator('[data-mlws-node="compare"]')).to_be_visible()
    page.evaluate("() => jupyterapp.commands.execute('mlws:open-source-control').then(() => null)")
    expect(page.locator(".jp-mlws-TrustButton")).to_be_visible()
    shoot(f"trust-sidebar-{theme}-{locale}")
    page.locator(".jp-mlws-TrustButton").click()
    expect(page.locator(".jp-mlws-Snapshot")).to_have_count(2)
    run_workflow(page)
    expect(node(page, "compare")).to_have_attribute("data-mlws-state", "CACHED")
