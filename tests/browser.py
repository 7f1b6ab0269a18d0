"""A real Chromium, for those tests that see what people see; imported by their conftest."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from tests import chromium

CHROMIUM = chromium.PROGRAM and chromium.__file__
"""Runs the machine's Chromium; None where there is none."""
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TIMEOUT_MS = 60_000
"""For one wait; on a machine with other work everything takes long."""
VIEWPORT: ViewportSize = {"width": 1440, "height": 900}
expect.set_options(timeout=TIMEOUT_MS)
RESULTS = Path(__file__).parent.parent / "test-results"


@pytest.fixture(autouse=True)
def jp_asyncio_loop() -> None:
    """Replaces pytest-jupyter's: Playwright has a loop of its own in this thread."""


@pytest.fixture(autouse=True)
def jp_server_cleanup() -> None:
    """Replaces pytest-jupyter's: the servers are processes of their own."""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Debian's Chromium, or whatever the machine has; ``contexts[0]`` has a cache that lasts.

    It ends with its module: the tests after it need the thread's event loop for themselves. Its
    profile stays, so that the next one has what is cached.
    """
    if CHROMIUM is None:
        if os.environ.get("MLWS_REQUIRE_BROWSER"):
            pytest.fail("no Chromium on the path")
        pytest.skip("no Chromium on the path")
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.getbasetemp() / "chromium",
            executable_path=CHROMIUM,
            args=ARGUMENTS,
            viewport=VIEWPORT,
            # Without a GPU, the animations of one running workflow take half a processor.
            reduced_motion="reduce",
        )
        assert context.browser
        yield context.browser
        context.close()


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page of its own; a screenshot of its end is kept."""
    context = browser.new_context(viewport=VIEWPORT, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    yield page
    RESULTS.mkdir(exist_ok=True)
    page.screenshot(path=RESULTS / f"{request.node.name}.png")
    context.close()


@pytest.fixture
def shoot(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Keep a picture: ``shoot("canvas")`` of ``page``, ``shoot("admin", other)`` of another."""

    def keep(name: str, of: Page | None = None) -> None:
        RESULTS.mkdir(exist_ok=True)
        (of or request.getfixturevalue("page")).screenshot(path=RESULTS / f"{name}.png")

    return keep
