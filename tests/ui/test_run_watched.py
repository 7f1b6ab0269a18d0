"""A training script is watched by two people, through a server restart and a closed lid."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import Lab

pytestmark = [pytest.mark.browser, pytest.mark.exhaustive]

TRAINING = """
import mlflow, time
mlflow.set_tracking_uri("sqlite:///mlflow.db")
mlflow.set_experiment("watched")
with mlflow.start_run(run_name="long"):
    start = time.time()
    step = 0
    while True:
        mlflow.log_metric("seconds", round(time.time() - start, 2), step=step)
        mlflow.log_metric("loss", 1 / (1 + step), step=step)
        step += 1
        time.sleep(0.2)
"""


def seconds(page: Page) -> float:
    """Return the newest value that the page shows."""
    row = page.locator(".jp-mlws-RunPage:visible").get_by_role("row", name="seconds")
    return float(row.get_by_role("cell").nth(0).inner_text() or 0)


def expect_newer(page: Page, than: float) -> float:
    """Wait until the page shows a newer value, and return it."""
    deadline = time.monotonic() + 60
    while (shown := seconds(page)) <= than and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    assert shown > than
    return shown


@pytest.mark.slow(reason="a journey in a real browser")
def test_a_run_is_watched_by_two_through_a_restart_and_a_closed_lid(
    page: Page, other_page: Page, start_lab: Callable[..., Lab], example: Path
) -> None:
    lab = start_lab(example)
    with subprocess.Popen([sys.executable, "-c", TRAINING], cwd=example) as training:
        try:
            run = None
            while run is None:
                run = next(iter(lab.fetch("runs?q=long")["items"]), None)
                time.sleep(0.2)
            for one in (page, other_page):
                lab.show(one)
                one.goto(f"{lab.url}/lab?mlws-run={run['id']}")
                expect(one.locator(".jp-mlws-RunPage:visible")).to_contain_text("seconds")
            for one in (page, other_page):
                expect_newer(one, expect_newer(one, seconds(one)))

            before = seconds(page)
            lab.stop(signal.SIGKILL)
            time.sleep(2)
            start_lab(example, port=lab.port)
            for one in (page, other_page):
                expect_newer(one, before + 2)

            other_page.context.set_offline(True)
            before = seconds(other_page)
            time.sleep(10)
            expect_newer(page, before + 5)
            other_page.context.set_offline(False)
            expect_newer(other_page, before + 10)

            # JupyterLab's own notice of the lost connection may be there.
            dialog = page.locator(".jp-Dialog")
            page.add_locator_handler(dialog, lambda shown: shown.press("Escape"))
            page.locator('[data-mlws-tab="charts"]').click()
            chart = page.locator('[data-mlws-metric="loss"]')
            expect(chart.locator("canvas")).to_be_visible()
        finally:
            training.kill()
