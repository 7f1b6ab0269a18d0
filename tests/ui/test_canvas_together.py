"""Two people on one canvas, with jupyter-collaboration in an environment of its own."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import TIMEOUT_MS, VIEWPORT
from tests.ui.canvas import (
    NODES,
    RUN_LIMIT,
    WORKFLOW,
    drag,
    middle,
    node,
    open_workflow,
    run_workflow,
    until,
)
from tests.ui.conftest import Lab

pytestmark = [pytest.mark.browser, pytest.mark.exhaustive]

PACKAGES = (
    "jupyter-collaboration>=5,<6",
    "jupyter-collaboration-ui>=3.0.4,<4",
    "jupyter-docprovider>=3.0.4,<4",
)
"""What jupyter-collaboration needs and this environment does not have."""
FIELD = '.jp-mlws-Settings input[id$="n_estimators"]'


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has jupyter-collaboration, and all that this environment has."""
    home = tmp_path_factory.mktemp("collaboration") / "venv"
    command = [sys.executable, "-m", "venv", "--without-pip", str(home)]
    subprocess.run(command, check=True, timeout=120)
    (site,) = home.glob("lib/python*/site-packages")
    (site / "ours.pth").write_text(
        # As this environment's own: also the packages that it has by links.
        f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
    )
    python = home / "bin" / "python"
    install = [sys.executable, "-m", "uv", "pip", "install", "--python", str(python), "--no-deps"]
    done = subprocess.run([*install, *PACKAGES], capture_output=True, text=True, timeout=300)
    if done.returncode:
        pytest.skip(f"jupyter-collaboration cannot be installed: {done.stderr[-300:]}")
    return python


@pytest.fixture
def lab(start_lab: Callable[..., Lab], example: Path, together: Path, tmp_path: Path) -> Lab:
    store = f"--SQLiteYStore.db_path={tmp_path / 'ystore.db'}"
    return start_lab(example, store, python=together)


@pytest.fixture
def other(browser: Browser, lab: Lab) -> Iterator[Page]:
    page = browser.new_context(viewport=VIEWPORT, reduced_motion="reduce").new_page()
    page.set_default_timeout(TIMEOUT_MS)
    yield page
    page.context.close()


def undo(page: Page) -> None:
    page.locator(".jp-mlws-Canvas").focus()
    page.keyboard.press("Control+z")


def set_trees(page: Page, count: int) -> None:
    node(page, "forest").click()
    field = page.locator(FIELD)
    field.fill(str(count))
    field.press("Tab")


@pytest.mark.slow(reason="a journey in a real browser")
def test_two_people_draw_one_graph_and_undo_their_own(
    page: Page, other: Page, lab: Lab, shoot: Callable[..., None]
) -> None:
    file = lab.root / WORKFLOW
    before = file.read_text()
    open_workflow(page, lab, WORKFLOW, NODES)
    open_workflow(other, lab, WORKFLOW, NODES)
    assert page.evaluate("() => jupyterapp.shell.currentWidget.context.model.collaborative")

    # Each sees what the other does, unsaved as it is.
    set_trees(page, 77)
    node(other, "forest").click()
    expect(other.locator(FIELD)).to_have_value("77")
    name = other.locator(".jp-mlws-NameField")
    name.fill("trees")
    name.press("Enter")
    expect(node(page, "trees")).to_be_visible()
    x, y = middle(node(page, "plot"))
    drag(page, node(page, "plot"), (x + 20, y + 90))
    until(page, lambda: "meta: {at: [" in file.read_text())
    shoot("canvas-together", other)

    # The first one takes back what is hers, the newest first; the name is the other's.
    undo(page)
    until(page, lambda: "meta: {at: [" not in file.read_text())
    undo(page)
    until(page, lambda: "n_estimators: 77" not in file.read_text())
    expect(node(page, "trees")).to_be_visible()
    expect(page.locator(".jp-mlws-undo")).to_have_attribute("aria-disabled", "true")
    expect(other.locator(FIELD)).to_have_value("100")
    undo(other)
    for one in (page, other):
        expect(node(one, "forest")).to_be_visible()
    until(page, lambda: file.read_text() == before)
    expect(page.locator(".jp-mod-dirty")).to_have_count(0)

    # A terminal writes, and a run of one is seen by both.
    file.write_text(before.replace("n_estimators: 100", "n_estimators: 5"))
    for one in (page, other):
        node(one, "forest").click()
        expect(one.locator(FIELD)).to_have_value("5")
    run = other.locator(".jp-mlws-State[data-mlws-run]")
    earlier = str(run.get_attribute("data-mlws-run"))
    run_workflow(page)
    expect(run).not_to_have_attribute("data-mlws-run", earlier)
    expect(run).to_have_attribute("data-mlws-state", "COMPLETED", timeout=RUN_LIMIT)
    assert lab.fetch("workflows/workflows~1wine~1dvc.yaml/status")["origin"] == "canvas"
