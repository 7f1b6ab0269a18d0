"""A short film of the example, as an animated picture: ``python -m tests.ui.film FILE.gif``.

A real JupyterLab in a real Chromium: a setting is changed, three nodes run, and the version is
committed. The pictures of a run are taken while it runs.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from tests.browser import ARGUMENTS, CHROMIUM
from tests.ui.canvas import command, node
from tests.ui.conftest import isolated, prefer
from tests.ui.pictures import SETTLE_MS, THEMES, lab, open_file

SIZE = (1280, 720)
WIDTH = 960
"""Pixels of the film; it is drawn at ``SIZE``."""
LONG, SHORT = 2200, 180
"""Milliseconds that a picture stays: to be read, and of something that moves."""


class Film:
    """The pictures of a page, each with the milliseconds that it stays."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._pictures: list[Image.Image] = []
        self._durations: list[int] = []

    def take(self, duration: int) -> None:
        picture = Image.open(io.BytesIO(self._page.screenshot())).convert("RGB")
        height = WIDTH * picture.height // picture.width
        self._pictures.append(picture.resize((WIDTH, height), Image.Resampling.LANCZOS))
        self._durations.append(duration)

    def settle(self, duration: int = LONG) -> None:
        """Take a picture of what has come to rest."""
        self._page.wait_for_timeout(SETTLE_MS)
        self.take(duration)

    def save(self, file: Path) -> None:
        # One palette for all, so that only what moves is stored again.
        palette = self._pictures[-1].quantize(256, dither=Image.Dither.NONE)
        first, *rest = (
            picture.quantize(palette=palette, dither=Image.Dither.NONE)
            for picture in self._pictures
        )
        first.save(
            file,
            save_all=True,
            append_images=rest,
            duration=self._durations,
            loop=0,
            optimize=True,
        )


def play(page: Page, address: str, film: Film) -> None:
    open_file(page, address, "workflows/wine/dvc.yaml")
    run = page.locator(".jp-mlws-run")
    expect(run).to_contain_text("Everything is up to date")
    film.settle()
    node(page, "forest").click()
    film.settle()
    page.locator('[id$="_max_depth"]').first.fill("6")
    expect(run).to_contain_text("Run 3 nodes")
    film.settle()
    state = page.locator(".jp-mlws-StateText [data-mlws-state]")
    run.click()
    expect(run).to_have_attribute("aria-disabled", "true")
    while state.get_attribute("data-mlws-state") != "COMPLETED":
        film.take(SHORT)
        page.wait_for_timeout(SHORT)
    film.settle(2 * LONG)
    node(page, "plot").click()
    page.get_by_role("tab", name="Preview").click()
    film.settle()
    command(page, "mlws:open-source-control")
    page.locator(".jp-mlws-CommitBox").fill("Deeper trees")
    film.settle()
    page.locator(".jp-mlws-CommitButton").click()
    expect(page.locator(".jp-mlws-Snapshot").first).to_contain_text("Deeper trees")
    film.settle(2 * LONG)


def main(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = Path(folder)
        environment = isolated(home / "lab")
        prefer(home, THEMES["light"], "en")
        root = home / "wine-example"
        make = [sys.executable, "-m", "jupyter_mlws.projects.example", str(root)]
        subprocess.run(make, env=environment, check=True)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        width, height = SIZE
        page = browser.new_page(viewport={"width": width, "height": height})
        with lab(root, environment) as address:
            film = Film(page)
            play(page, address, film)
        browser.close()
        film.save(file)
    print(f"{file}: {file.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
