"""Size of the JavaScript that a lab loads: ``python -m benchmarks.bundle``.

A real JupyterLab on a project with a workflow in a real Chromium, with an empty layout. Printed as
JSON: the chunks of the extension that have loaded once the page is idle, and those that opening a
workflow adds, in bytes, as they are and gzipped; the milliseconds from the command that opens the
workflow to its first node, the median and the least of several pages. What JupyterLab shares
(React, Lumino, its own packages) is not counted. Build the extension for production first:
``jlpm build:prod``.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import statistics
import tempfile
import urllib.parse
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.canvas import ADDRESS, lab, project
from benchmarks.opening import open_lab
from tests.browser import ARGUMENTS, CHROMIUM
from tests.ui.conftest import isolated

NODES = 30
IDLE_MS = 10_000
"""After the start, for whatever comes later by itself."""
STATIC = Path(__file__).parent.parent / "labextension" / "static"
CHUNKS = """
() => performance.getEntriesByType('resource')
  .map(({ name }) => name)
  .filter(name => name.includes('/lab/extensions/jupyter-mlws/') && name.includes('.js'))
"""
OPEN = """
async path => {
  const start = performance.now();
  await jupyterapp.commands.execute('docmanager:open', { path });
  while (!document.querySelector('.react-flow__node')) {
    await new Promise(requestAnimationFrame);
  }
  return performance.now() - start;
}
"""


def chunks(page: Page) -> set[str]:
    """The files of the extension that the page has loaded."""
    return {Path(urllib.parse.urlsplit(name).path).name for name in page.evaluate(CHUNKS)}


def sizes(names: set[str]) -> dict[str, object]:
    """Bytes of files, the largest first."""
    packed = {name: len(gzip.compress((STATIC / name).read_bytes())) for name in names}
    return {
        "bytes": sum((STATIC / name).stat().st_size for name in names),
        "gzipped": sum(packed.values()),
        "files": dict(sorted(packed.items(), key=lambda item: -item[1])),
    }


def measure(browser: Browser) -> tuple[set[str], set[str], float]:
    """The chunks of the start and of a workflow, and the milliseconds that it takes to open."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    open_lab(page, ADDRESS, "workflow:new")
    page.wait_for_timeout(IDLE_MS)
    start = chunks(page)
    opening = page.evaluate(OPEN, "dvc.yaml")
    page.wait_for_timeout(1000)
    loaded = chunks(page)
    context.close()
    return start, loaded - start, opening


def main() -> None:
    """Measure, and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pages", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        root = Path(folder) / "work"
        environment = isolated(Path(folder) / "home")
        project(root, NODES, environment)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        with lab(root, environment):
            results = [measure(browser) for _ in range(options.pages)]
        browser.close()
    start, added, _ = results[0]
    openings = [opening for _, _, opening in results]
    print(
        json.dumps(
            {
                "start": sizes(start),
                "workflow": sizes(added),
                "open_ms": round(statistics.median(openings)),
                "open_least_ms": round(min(openings)),
                "load": os.getloadavg()[0],
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
