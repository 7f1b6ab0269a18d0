"""A frame of 5 million rows in the lab: ``python -m benchmarks.variables``.

    python -m benchmarks.variables [--rows 5000000] [--seconds 3] [--rounds 5]

A real JupyterLab in a real Chromium with a notebook whose kernel has the frame. Printed as JSON:
the milliseconds from the command that opens it to its first rows, the median and the most of
several times; the seconds of a sort by a column of random numbers, and of texts, from the click to
the first rows; frames a second while it scrolls by the wheel (see ``benchmarks/canvas.py``); and
the milliseconds that a cell takes from its request to the kernel's reply: alone, and sent while the
kernel sorts for the view. The load of the machine is printed with them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.canvas import ADDRESS, Meter, lab, project
from benchmarks.opening import open_lab
from tests.browser import ARGUMENTS, CHROMIUM
from tests.ui.conftest import isolated

SETUP = """\
import numpy as np, pandas as pd
random, count = np.random.default_rng(0), {rows}
df = pd.DataFrame({{
    'price': random.normal(size=count),
    'number': random.integers(0, 10**9, count),
    'fruit': random.choice(['apple', 'fig', 'pear'], count),
    'when': pd.date_range('2020-01-01', periods=count, freq='s'),
    'size': random.normal(size=count).astype('float32'),
}})
"""
RUN = """
async code => {
  const panel = [...jupyterapp.shell.widgets('main')].find(one => one.sessionContext);
  await panel.sessionContext.ready;
  const start = performance.now();
  await panel.sessionContext.session.kernel.requestExecute({ code }).done;
  return performance.now() - start;
}
"""
OPEN = """
async () => {
  const frame = () => new Promise(requestAnimationFrame);
  const start = performance.now();
  void jupyterapp.commands.execute(
    'mlws:notebook-variable', { notebook: 'large.ipynb', name: 'df' });
  while (document.querySelectorAll('.jp-mlws-Grid-row .jp-mod-number').length < 20) await frame();
  const opened = performance.now() - start;
  return opened;
}
"""
CLOSE = "() => jupyterapp.shell.currentWidget.close()"
SORT = """
async name => {
  const frame = () => new Promise(requestAnimationFrame);
  const start = performance.now();
  document.querySelector(`.jp-mlws-Grid-name button[title="Sort by ${name}"]`).click();
  await frame();
  const text = () => document.querySelector('.jp-mlws-Grid-row [role=gridcell]').textContent;
  await frame();
  while (text() === '…') await frame();
  return (performance.now() - start) / 1000;
}
"""
DELAYS = """
async ([rounds, isSorting]) => {
  const panel = [...jupyterapp.shell.widgets('main')].find(one => one.sessionContext);
  const kernel = panel.sessionContext.session.kernel;
  const source = document.querySelector('.jp-mlws-Grid-name button[title="Sort by price"]');
  const times = [];
  for (let round = 0; round < rounds; round += 1) {
    if (isSorting) source.click();
    await new Promise(resolve => setTimeout(resolve, 120 + 37 * (round % 7)));
    const start = performance.now();
    await kernel.requestExecute({ code: 'None' }).done;
    times.push(performance.now() - start);
    await new Promise(resolve => setTimeout(resolve, 1500));
  }
  return times;
}
"""


def moments(seconds: float) -> Iterator[None]:
    """Until the time is over."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        yield


def spread(times: list[float]) -> dict[str, float]:
    return {"median": round(statistics.median(times)), "most": round(max(times))}


def measure(browser: Browser, rows: int, seconds: float, rounds: int) -> dict[str, Any]:
    page: Page = browser.new_page(viewport={"width": 1440, "height": 900})
    open_lab(page, ADDRESS, "mlws:notebook-variable")
    page.evaluate("() => jupyterapp.restored.then(() => null)")
    page.evaluate(
        "() => jupyterapp.commands.execute('docmanager:open', { path: 'large.ipynb' })"
        ".then(() => null)"
    )
    page.wait_for_timeout(5000)
    page.evaluate(RUN, SETUP.format(rows=rows))
    page.wait_for_timeout(2000)
    opened = []
    for _ in range(rounds):
        opened.append(page.evaluate(OPEN))
        page.evaluate(CLOSE)
        page.wait_for_timeout(500)
    page.evaluate(OPEN)
    report: dict[str, Any] = {"rows": rows, "open_ms": spread(opened), "first_ms": round(opened[0])}
    report["sort_s"] = {name: round(page.evaluate(SORT, name), 2) for name in ("price", "fruit")}
    box = page.locator(".jp-mlws-Grid").bounding_box()
    assert box
    page.mouse.move(box["x"] + 300, box["y"] + 300)

    def scroll() -> None:
        for _ in moments(seconds):
            page.mouse.wheel(0, 240)

    meter = Meter(page)
    report["scrolled"] = meter.frames(scroll, rounds)
    page.wait_for_timeout(2000)
    for name, is_sorting in (("cell_alone_ms", False), ("cell_while_sorting_ms", True)):
        report[name] = spread(page.evaluate(DELAYS, [rounds * 4, is_sorting]))
    report["load"] = os.getloadavg()[0]
    page.close()
    return report


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        sync_playwright() as playwright,
    ):
        environment = isolated(Path(folder) / "home")
        root = Path(folder) / "work"
        project(root, 1, environment)
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = {"cells": [], "metadata": {"kernelspec": kernel}}
        text = json.dumps({**notebook, "nbformat": 4, "nbformat_minor": 5})
        (root / "large.ipynb").write_text(text)
        with lab(root, environment):
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            report = measure(browser, arguments.rows, arguments.seconds, arguments.rounds)
            print(json.dumps(report, indent=1), flush=True)
            browser.close()


if __name__ == "__main__":
    main()
