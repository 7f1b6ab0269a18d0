"""A lab that is being started, opened in a browser."""

from __future__ import annotations

import time

from playwright.sync_api import Error, Page

from tests.ui.conftest import TOKEN

START_LIMIT = 60.0
"""Seconds."""


def open_lab(page: Page, address: str, command: str) -> None:
    """Open the lab as soon as it answers, and wait until it has a command of ours."""
    deadline = time.monotonic() + START_LIMIT
    while True:
        try:
            page.goto(f"{address}/lab?token={TOKEN}&reset")
            break
        except Error:
            # The server is not there yet.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
    page.wait_for_function("name => window.jupyterapp?.commands.hasCommand(name)", arg=command)
