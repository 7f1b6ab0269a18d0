"""The lab asks the server when something has happened, and not otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import Lab
from tests.ui.sections import open_section, show_panel, title

pytestmark = pytest.mark.browser

QUIET = 12_000
"""Milliseconds in which nothing happens."""


@pytest.mark.slow(reason="a journey in a real browser")
def test_nothing_is_asked_while_nothing_happens(
    page: Page, start_lab: Callable[..., Lab], example: Path
) -> None:
    lab = start_lab(example)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
    section = open_section(page, lab, "Data")
    title(page, "Models").click()
    page.locator(".jp-mlws-OpenTable").click()
    expect(page.locator(".jp-mlws-RunTable [data-mlws-run]")).to_have_count(3)
    expect(section.locator(".jp-mlws-FreeButton")).to_be_attached()
    expect(page.locator("[data-mlws-model-name]")).to_be_attached()
    # What was begun by opening all this comes to its end.
    while asked:
        asked.clear()
        page.wait_for_timeout(3000)
    page.wait_for_timeout(QUIET)
    assert [line for line in asked if "/mlws/" in line] == []

    # A save is told of, and asked about, once.
    show_panel(page)
    page.wait_for_timeout(3000)
    asked.clear()
    (lab.root / "notes.md").write_text("Something happens\n")
    expect(page.locator('.jp-mlws-Changes [data-mlws-path="notes.md"]')).to_be_visible()
    page.wait_for_timeout(2000)
    status = [line for line in asked if "/git/status" in line]
    assert 1 <= len(status) <= 2
