"""How the main views look in light and dark, in English and Chinese: pictures, to be looked at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import Lab, prefer

pytestmark = pytest.mark.browser

THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
SETTINGS = {"en": "Settings", "zh_CN": "设置"}
CHANGES = {"en": "Changes", "zh_CN": "更改"}


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
    expect(page.get_by_role("tab", name=SETTINGS[locale])).to_be_visible()
    shoot(f"canvas-{theme}-{locale}")
    page.evaluate("() => jupyterapp.commands.execute('mlws:open-sidebar').then(() => null)")
    expect(page.locator(".jp-mlws-Snapshot")).to_have_count(2)
    expect(page.locator(".jp-mlws-Sidebar")).to_contain_text(CHANGES[locale])
    page.locator(".jp-mlws-Snapshot-head").first.click()
    shoot(f"sidebar-{theme}-{locale}")
    expect(page.locator(".jp-mlws-Run input").nth(1)).to_be_visible(timeout=30_000)
    for box in page.locator(".jp-mlws-Run input").all()[:2]:
        box.check()
    page.locator(".jp-mlws-CompareButton").click()
    expect(page.locator(".jp-mlws-CompareTable")).to_contain_text("accuracy")
    shoot(f"compare-{theme}-{locale}")
