"""Help of nodes, settings and errors, from the reference that the server writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.canvas import NODES, WORKFLOW, command, faults_of_access, node, open_workflow
from tests.ui.conftest import Lab, prefer
from tests.ui.sections import SOURCE_CONTROL, WORKSPACE, show_panel

pytestmark = pytest.mark.browser


@pytest.fixture
def lab(shared_example: Lab) -> Lab:
    return shared_example


def reference(page: Page) -> Locator:
    return page.locator(".jp-mlws-Reference")


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_the_inspector_leads_to_the_component_and_to_the_setting(
    page: Page, lab: Lab, shoot: Callable[[str], None]
) -> None:
    open_workflow(page, lab, WORKFLOW, NODES)
    node(page, "forest").click()
    panel = page.locator(".jp-mlws-Panel")
    panel.locator(".jp-mlws-Settings-kind .jp-mlws-HelpLink").click()
    title = reference(page).locator("h1")
    expect(title).to_have_text("Train Classifier")
    # It stands beside the canvas, which stays in sight.
    expect(node(page, "forest")).to_be_visible()

    field = panel.locator(".jp-mlws-Field:has(> label)", has_text="Number of trees")
    field.hover()
    field.locator(".jp-mlws-HelpLink").click()
    row = reference(page).locator("tr.jp-mod-current")
    expect(row).to_be_in_viewport()
    expect(row.locator("td").first).to_have_text("n_estimators")
    assert faults_of_access(page, ".jp-mlws-Reference") == []
    shoot("help-setting")


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_the_context_menu_of_the_palette_has_help(page: Page, lab: Lab) -> None:
    open_workflow(page, lab, WORKFLOW, NODES)
    entry = page.locator(".lm-Menu-item", has_text="Show Help")
    page.locator('.jp-mlws-Palette-item[data-mlws-component="sort_rows"]').click(button="right")
    entry.click()
    expect(reference(page).locator("h1")).to_have_text("Sort Rows")
    # The same view shows the next page.
    node(page, "split").click()
    page.locator(".jp-mlws-Settings-kind .jp-mlws-HelpLink").click()
    title = reference(page).locator("h1")
    expect(title).to_have_text("Split Table")
    expect(reference(page)).to_have_count(1)

    # What is nearest to the mouse counts: a node, the results, the toolbar, a section's heading.
    workspace, sidebar = page.locator(WORKSPACE), page.locator(SOURCE_CONTROL)
    show_panel(page, WORKSPACE)
    for place, name in (
        (node(page, "forest"), "Train Classifier"),
        (page.locator(".jp-mlws-Drawer-bar"), "Runs, plans and sweeps"),
        (page.locator(".jp-Toolbar:has(.jp-mlws-run)"), "The canvas"),
        (workspace.locator(".jp-AccordionPanel-title", has_text="Data"), "Data"),
    ):
        place.click(button="right", position={"x": 5, "y": 5})
        entry.click()
        expect(title).to_have_text(name)
    show_panel(page, SOURCE_CONTROL)
    sidebar.locator(".jp-mlws-Changes").click(button="right", position={"x": 5, "y": 5})
    entry.click()
    expect(title).to_have_text("Versions")
    # A field keeps the browser's own menu, to paste.
    sidebar.locator("textarea").click(button="right")
    page.wait_for_timeout(300)
    expect(entry).to_have_count(0)


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_an_error_leads_to_its_page_and_others_are_found(
    page: Page, lab: Lab, shoot: Callable[[str], None]
) -> None:
    lab.show(page)
    page.wait_for_function("window.jupyterapp?.commands.hasCommand('mlws:open-lineage')")
    page.evaluate(
        "() => jupyterapp.commands.execute('mlws:open-lineage', {of: 'snapshot:missing'})"
        ".then(() => null)"
    )
    link = page.locator(".jp-mlws-Failure .jp-mlws-HelpLink")
    code = link.inner_text()
    link.click()
    expect(reference(page).locator("h1")).to_contain_text(code)

    reference(page).get_by_role("button", name="All Pages").click()
    reference(page).get_by_label("Search").fill("restore command")
    reference(page).get_by_role("button", name="restore", exact=True).click()
    expect(reference(page).locator(".jp-mlws-Markdown")).to_contain_text("jupyter mlws restore")

    # A notification has the code, too.
    page.evaluate(
        "() => jupyterapp.commands.execute('mlws:restore', {id: 'missing'}).then(() => null)"
    )
    link = page.locator(".Toastify__toast .jp-toast-button")
    code = link.inner_text()
    shoot("help-toast")
    link.click()
    expect(reference(page).locator("h1")).to_contain_text(code)

    # Guides lead to each other, and the page of the current view is in the menu.
    reference(page).get_by_role("button", name="All Pages").click()
    reference(page).get_by_label("Search").fill("plain dvc")
    reference(page).locator(".jp-mlws-Reference-entry").click()
    expect(reference(page).locator("table")).to_be_visible()
    assert faults_of_access(page, ".jp-mlws-Reference") == []
    shoot("help-guide")
    reference(page).get_by_role("link", name="sweep").first.click()
    expect(reference(page).locator("h1")).to_contain_text("Sweep")
    page.get_by_role("tab", name="Lineage").click()
    page.get_by_role("menuitem", name="Help", exact=True).click()
    page.locator(".lm-Menu-item", has_text="Show Help").click()
    expect(reference(page).locator("h1")).to_have_text("Experiments, models and lineage")


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_the_first_start_with_a_project_shows_a_tour_once(
    page: Page, own_lab: Lab, shoot: Callable[[str], None]
) -> None:
    setting = Path(own_lab.environment["JUPYTERLAB_SETTINGS_DIR"], "jupyter-mlws")
    (setting / "help.jupyterlab-settings").unlink()
    page.goto(own_lab.address())
    toast = page.locator(".Toastify__toast")
    places = [
        '.lm-TabBar-tab[data-id="jp-mlws-source-control"]',
        ".jp-mlws-run",
        ".jp-mlws-Drawer",
        ".jp-mlws-CommitBox",
        ".lm-MenuBar-item:last-child",
    ]
    for number, place in enumerate(places, start=1):
        step = toast.filter(has_text=f"Step {number} of {len(places)}")
        expect(step).to_be_visible()
        expect(page.locator(f"{place}[data-mlws-tour-place]")).to_be_visible()
        if number == 2:
            shoot("tour")
        if number == 3:
            expect(page.locator(".jp-mlws-Drawer-body")).to_be_visible()
        step.get_by_role("button", name="Done" if number == len(places) else "Next Step").click()
    expect(toast).to_have_count(0)

    page.goto(own_lab.address())
    expect(page.locator(".jp-LauncherCard").first).to_be_visible()
    page.wait_for_timeout(1000)
    expect(toast).to_have_count(0)
    command(page, "mlws:tour")
    expect(toast).to_contain_text("Step 1 of 5")
    toast.get_by_role("button", name="Skip Tour").click()
    expect(toast).to_have_count(0)


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_it_is_chinese_in_a_dark_lab(
    page: Page,
    start_lab: Callable[..., Lab],
    example: Path,
    tmp_path: Path,
    shoot: Callable[[str], None],
) -> None:
    prefer(tmp_path, "JupyterLab Dark", "zh_CN")
    page.goto(start_lab(example).address())
    page.wait_for_function("window.jupyterapp?.commands.hasCommand('mlws:reference')")
    command(page, "mlws:reference")
    parts = ["教程", "操作指南", "参考", "组件", "命令", "错误"]
    expect(reference(page).locator("summary")).to_have_text(parts)
    shoot("help-parts-zh")
    reference(page).get_by_label("搜索").fill("split")
    assert faults_of_access(page, ".jp-mlws-Reference") == []
    shoot("help-contents-zh")
    reference(page).locator(".jp-mlws-Reference-entry").first.click()
    expect(reference(page).locator("table").first).to_contain_text("说明")
    assert faults_of_access(page, ".jp-mlws-Reference") == []
    shoot("help-page-zh")
    page.evaluate(
        "() => jupyterapp.commands.execute('mlws:reference', {page: 'reference-containers'})"
        ".then(() => null)"
    )
    expect(reference(page).locator("blockquote")).to_contain_text("警告")
    assert faults_of_access(page, ".jp-mlws-Reference") == []
    shoot("help-guide-zh")
