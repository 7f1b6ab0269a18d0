"""Settings, status bar and commands in the places that JupyterLab has for them."""

from __future__ import annotations

import re

import pytest
from jsonschema import Draft7Validator
from playwright.sync_api import Locator, Page, expect

from tests.ui.canvas import (
    RUN_LIMIT,
    command,
    faults_of_access,
    newest_run,
    open_workflow,
    run_workflow,
)
from tests.ui.conftest import Lab

pytestmark = pytest.mark.browser

WINE = "workflows/wine/dvc.yaml"
WINE_ID = "workflows~1wine~1dvc.yaml"


@pytest.fixture
def lab(shared_example: Lab) -> Lab:
    return shared_example


def open_settings(page: Page, title: str) -> None:
    """Open the settings of a plugin in a tab of the main area."""
    page.evaluate(
        "title => jupyterapp.commands.execute('settingeditor:open', {query: title})", title
    )
    expect(page.locator(".jp-SettingsHeader-description")).to_be_visible()


def setting(page: Page, name: str) -> Locator:
    """The field of a setting of the workflow canvas."""
    return page.locator(f'[id="jp-SettingsEditor-jupyter-mlws:canvas_{name}"]')


def fill_setting(page: Page, name: str, value: str) -> None:
    """Fill a field, and wait until the lab has saved the setting and read it again."""
    with page.expect_response(
        lambda response: "/settings/" in response.url and response.request.method == "GET"
    ) as read:
        setting(page, name).fill(value)
    read.value.finished()


def toolbar_item(page: Page, position: int) -> Locator:
    """An item of the workflow's toolbar by its position."""
    items = page.locator(".jp-Document > .jp-Toolbar > [class*=jp-mlws-Toolbar-]")
    return items.nth(position)


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_settings_of_the_canvas_act_at_once(page: Page, own_lab: Lab) -> None:
    def canvas() -> None:
        page.get_by_role("tab", name="Wine").click()

    def settings() -> None:
        page.get_by_role("tab", name="Settings").click()

    open_workflow(page, own_lab, WINE, [])
    palette = page.locator(".jp-mlws-Palette")
    data = palette.locator("details").first
    with page.expect_response(
        lambda response: "/settings/" in response.url and response.request.method == "PUT"
    ):
        data.locator("summary").click()
    expect(data.locator(".jp-mlws-Palette-item").first).to_be_hidden()
    # Not a reload: after the layout is restored, the lab opens the workflow of the address once
    # more, in front of what was opened meanwhile.
    open_workflow(page, own_lab, WINE, [])
    # The palette keeps what was collapsed.
    expect(data.locator("summary")).to_be_visible()
    expect(data.locator(".jp-mlws-Palette-item").first).to_be_hidden()
    palette.get_by_role("searchbox").fill("csv")
    expect(data.locator(".jp-mlws-Palette-item").first).to_be_visible()

    open_settings(page, "Workflow Canvas")
    fill_setting(page, "jobs", "1")
    setting(page, "showPalette").uncheck()
    canvas()
    expect(palette).to_have_count(0)
    run = newest_run(page)
    before = run.get_attribute("data-mlws-run") or ""
    run_workflow(page)
    expect(run).not_to_have_attribute("data-mlws-run", before)
    expect(run).to_have_attribute("data-mlws-state", "COMPLETED")
    (newest, *_) = own_lab.fetch(f"workflows/{WINE_ID}/runs")["items"]
    assert own_lab.fetch(f"workflows/{WINE_ID}/runs/{newest['id']}")["jobs"] == 1
    settings()
    fill_setting(page, "executor", "nowhere")
    canvas()
    page.locator(".jp-mlws-run").click()
    expect(page.get_by_text("Must be local, dask")).to_be_visible()
    settings()
    setting(page, "showPalette").check()
    canvas()
    expect(palette).to_be_visible()


@pytest.mark.exhaustive
def test_a_button_of_the_toolbar_is_hidden_and_moved(page: Page, own_lab: Lab) -> None:
    def starts_with(*names: str) -> None:
        page.get_by_role("tab", name="Wine").click()
        for position, name in enumerate(names):
            expect(toolbar_item(page, position)).to_have_class(re.compile(f"Toolbar-{name}( |$)"))
        page.get_by_role("tab", name="Settings").click()

    open_workflow(page, own_lab, WINE, [])
    expect(page.locator(".jp-mlws-fit")).to_be_visible()
    open_settings(page, "Workflow Canvas")
    starts_with("save", "run", "stop", "undo")
    setting(page, "toolbar_0_disabled").check()
    starts_with("run", "stop", "undo")
    setting(page, "toolbar_1_rank").fill("45")
    starts_with("stop", "undo", "run", "redo")


@pytest.mark.exhaustive
def test_buttons_of_a_view_are_in_the_toolbar_of_its_tab(page: Page, own_lab: Lab) -> None:
    page.goto(own_lab.address())
    expect(page.locator("#jp-mlws-status")).to_be_visible()
    command(page, "mlws:open-experiments")
    view = page.locator(".jp-MainAreaWidget:has(.jp-mlws-RunTableView)")
    toolbar = view.locator("> .jp-Toolbar")
    compare = toolbar.locator(".jp-mlws-TableCompare")
    expect(compare).to_have_attribute("aria-disabled", "true")
    boxes = view.locator("[data-mlws-row]")
    boxes.nth(0).check()
    boxes.nth(1).check()
    expect(compare).to_contain_text("Compare 2 Runs")
    assert faults_of_access(page, ".jp-MainAreaWidget:has(.jp-mlws-RunTableView)") == []
    open_settings(page, "Experiments")
    page.locator('[id="jp-SettingsEditor-jupyter-mlws:experiments_toolbar_0_disabled"]').check()
    page.locator("#jp-main-dock-panel .lm-TabBar-tab", has_text="Experiments").click()
    expect(compare).to_have_count(0)
    toolbar.get_by_role("button", name="Clear Selection (2)").click()
    reproduce = toolbar.get_by_role("button", name="Reproduce")
    expect(reproduce).to_have_attribute("aria-disabled", "true")


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_the_status_bar_shows_the_project_and_the_run(page: Page, lab: Lab) -> None:
    open_workflow(page, lab, WINE, [])
    item = page.locator("#jp-mlws-status")
    expect(item.get_by_role("button").first).to_have_text("workspace · main")
    # It is enabled as soon as the canvas knows the server.
    expect(page.locator(".jp-mlws-run")).to_have_attribute("aria-disabled", "false")
    command(page, "workflow:run-all")
    run = item.locator("[data-mlws-run]")
    expect(run).to_have_text(re.compile(r"wine: \w+ \d/7"))
    run.click()
    expect(run).to_have_count(0, timeout=RUN_LIMIT)
    item.get_by_role("button").click()
    expect(page.locator(".jp-mlws-Changes").first).to_be_visible()
    assert faults_of_access(page, "#jp-main-statusbar") == []


def test_every_command_describes_its_arguments(page: Page, lab: Lab) -> None:
    lab.show(page)
    expect(page.locator("#jp-mlws-status")).to_be_visible()
    described = page.evaluate(
        """async () => {
            const { commands } = jupyterapp;
            const own = commands.listCommands().filter(id => /^(mlws|workflow):/.test(id));
            const all = await Promise.all(own.map(id => commands.describedBy(id)));
            return Object.fromEntries(own.map((id, index) => [id, all[index].args]));
        }"""
    )
    assert len(described) > 60
    assert {
        name for name, schema in described.items() if (schema or {}).get("type") != "object"
    } == set()
    for schema in described.values():
        Draft7Validator.check_schema(schema)
    assert set(described["mlws:open-diff"]["properties"]) == {
        "path",
        "from",
        "to",
        "staged",
        "preview",
    }
