"""Table of runs, page of a run and comparison of 1,000, beside MLflow's own page and TensorBoard.

    python -m benchmarks.run_page [--runs 5000] [--trained 20] [--metrics 50] [--steps 10000]

One store: runs with ten parameters and five metrics each, and some that were trained. A real
JupyterLab and MLflow's server in a real Chromium; times are from the command or the address to the
first row or chart that is drawn, median of some. ``--picture FOLDER`` saves pictures. TensorBoard
has the curves of the trained runs only, which is all that it shows; `uv` installs it apart.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.opening import open_lab
from jupyter_mlws.mlflow.search import MLflowSearch
from jupyter_mlws.mlflow.store import tracking_uri
from tests.browser import ARGUMENTS, CHROMIUM
from tests.ui.conftest import TOKEN, _trust, isolated

PORT, MLFLOW_PORT, TENSORBOARD_PORT = 8946, 8947, 8948
EVENTS = """
import sys
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

folder, runs, metrics, steps = sys.argv[1], *map(int, sys.argv[2:])
for run in range(runs):
    writer = EventFileWriter(f"{folder}/run-{run}")
    for step in range(steps):
        values = [
            Summary.Value(tag=f"train/loss{one}", simple_value=1 / (1 + step * (one + 1) / 100))
            for one in range(metrics)
        ]
        time = 1_700_000_000 + step / 1000
        writer.add_event(Event(wall_time=time, step=step, summary=Summary(value=values)))
    writer.close()
"""
"""Writes the curves that are in MLflow as TensorBoard's event files."""
TENSORBOARD = ("uv", "run", "--no-project", "--with", "tensorboard", "--with", "setuptools<81")
TIMES = 5
FRAME_SECONDS = 4


def fill(root: Path, runs: int, trained: int, metrics: int, steps: int) -> list[str]:
    """Write runs into MLflow's tables, since MLflow takes an hour for them; return those trained.

    The first is made by MLflow, which creates the tables.
    """
    store = MLflowSearch(tracking_uri(root))
    store.log_run("e", {}, {}, {}, 1.7e9, 1.7e9 + 1, "COMPLETED", "first")
    with sqlite3.connect(root / "mlflow.db") as database:
        database.execute("PRAGMA synchronous = off")
        (experiment,) = database.execute(
            "SELECT experiment_id FROM experiments WHERE name = 'e'"
        ).fetchone()
        chance = random.Random(0)
        for number in range(runs):
            write(database, experiment, number, chance)
        long = [write(database, experiment, runs + number, chance) for number in range(trained)]
        for run in long:
            database.executemany(
                "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan)"
                " VALUES (?, ?, ?, ?, ?, 0)",
                values(run, metrics, steps),
            )
            database.execute(
                "INSERT INTO latest_metrics (run_uuid, key, value, timestamp, step, is_nan)"
                " SELECT run_uuid, key, value, timestamp, step, is_nan FROM metrics"
                " WHERE run_uuid = ? AND step = ?",
                (run, steps - 1),
            )
    return long


def write(database: sqlite3.Connection, experiment: int, number: int, chance: random.Random) -> str:
    """Write one run, and return its ID."""
    run = uuid.UUID(int=chance.getrandbits(128)).hex
    start = 1_700_000_000_000 + number * 1000
    database.execute(
        "INSERT INTO runs (run_uuid, name, status, start_time, end_time, lifecycle_stage,"
        " source_type, source_name, entry_point_name, source_version, user_id, artifact_uri,"
        " experiment_id)"
        " VALUES (?, ?, 'FINISHED', ?, ?, 'active', 'UNKNOWN', '', '', '', 'user', ?, ?)",
        (run, f"run {number}", start, start + 900, f"mlruns/1/{run}/artifacts", experiment),
    )
    depth, kind = chance.randrange(2, 20), chance.choice(["tree", "forest", "net"])
    params = {"depth": depth, "kind": kind, **{f"p{one}": chance.random() for one in range(8)}}
    metrics = {"accuracy": depth / 30 + chance.random() / 5} | {
        f"m{one}": chance.random() for one in range(4)
    }
    database.executemany(
        "INSERT INTO params (run_uuid, key, value) VALUES (?, ?, ?)",
        [(run, key, str(value)) for key, value in params.items()],
    )
    database.executemany(
        "INSERT INTO latest_metrics (run_uuid, key, value, timestamp, step, is_nan)"
        " VALUES (?, ?, ?, ?, 0, 0)",
        [(run, key, value, start) for key, value in metrics.items()],
    )
    database.execute(
        "INSERT INTO tags (run_uuid, key, value) VALUES (?, 'mlflow.runName', ?)",
        (run, f"run {number}"),
    )
    return run


def values(run: str, metrics: int, steps: int) -> Iterator[tuple[str, float, int, str, int]]:
    """Yield the rows of a trained run's metrics."""
    for metric in range(metrics):
        for step in range(steps):
            value = 1 / (1 + step * (metric + 1) / 100)
            yield f"train/loss{metric}", value, 1_700_000_000_000 + step, run, step


def measure(name: str, take: Callable[[], None]) -> None:
    """Print how long something takes."""
    times = []
    for _ in range(TIMES):
        start = time.perf_counter()
        take()
        times.append((time.perf_counter() - start) * 1000)
    print(f"{name:44} {statistics.median(times):7.0f} ms  ({max(times):.0f})", flush=True)


def in_lab(page: Page, long: list[str], picture: Path | None) -> None:
    """Measure our views."""
    run = "([id, args]) => { jupyterapp.commands.execute(id, args); }"

    def close() -> None:
        page.evaluate("() => jupyterapp.commands.execute('application:close-all').then(() => null)")

    def table() -> None:
        close()
        page.evaluate(run, ["mlws:open-experiments", {}])
        page.locator(".jp-mlws-RunTable [data-mlws-run]").first.wait_for()

    def overview() -> None:
        close()
        page.evaluate(run, ["mlws:open-run", {"run": long[0]}])
        page.locator(".jp-mlws-RunPage table").first.wait_for()

    def charts() -> None:
        page.locator('.jp-mlws-RunPage [data-mlws-tab="overview"]').click()
        page.locator('.jp-mlws-RunPage [data-mlws-tab="charts"]').click()
        page.locator(".jp-mlws-Curve canvas").first.wait_for()

    measure("lab: table of runs", table)
    measure("lab: page of a trained run", overview)
    measure("lab: its first chart", charts)
    if picture:
        page.wait_for_timeout(3000)
        page.screenshot(path=picture / "charts.png")
    table()
    page.locator(".jp-mlws-RunTableView [name=filter]").fill("params.kind = 'net'")
    page.keyboard.press("Enter")
    # The first condition starts MLflow, which reads it.
    page.wait_for_timeout(8000)
    page.get_by_label("Select all runs that match").click()
    button = page.locator(".jp-mlws-TableCompare")
    expect(button).to_contain_text(re.compile(r"\d{3}"))
    print(button.inner_text())

    def compare() -> None:
        page.evaluate(
            """() => {
                const widget = jupyterapp.shell.currentWidget;
                if (widget.node.querySelector('.jp-mlws-Compare')) {
                    widget.close();
                }
            }"""
        )
        button.click()
        page.locator(".jp-mlws-Parallel").wait_for()
        page.locator(".jp-mlws-Importance").wait_for()

    measure("lab: so many compared", compare)
    if picture:
        page.wait_for_timeout(1000)
        page.screenshot(path=picture / "compared.png")
    memory = page.evaluate("() => performance.memory.usedJSHeapSize / 1e6")
    print(f"lab: memory of the page {memory:.0f} MB")


def frames(page: Page, long: list[str]) -> None:
    """Print the frames a second while the pointer moves over a chart of all trained runs."""
    page.evaluate(
        "([id, args]) => { jupyterapp.commands.execute(id, args); }",
        ["mlws:compare-runs", {"runs": long}],
    )
    page.get_by_role("tab", name=f"Compare {len(long)} Runs").wait_for()
    page.locator('.jp-mlws-CompareTabs:visible [data-mlws-tab="curves"]').click()
    page.get_by_placeholder("Filter metrics").locator("visible=true").fill("train/")
    chart = page.locator(".jp-mlws-Curve:visible .u-over").first
    chart.wait_for()
    page.wait_for_timeout(5000)
    box = chart.bounding_box()
    assert box
    page.evaluate(
        """() => {
            window.times = [];
            const note = now => { window.times.push(now); requestAnimationFrame(note); };
            requestAnimationFrame(note);
        }"""
    )
    start = time.perf_counter()
    while (passed := time.perf_counter() - start) < FRAME_SECONDS:
        page.mouse.move(box["x"] + (passed * 200) % box["width"], box["y"] + box["height"] / 2)
    times = page.evaluate("() => window.times")
    gaps = sorted(b - a for a, b in pairwise(times))
    print(
        f"lab: {len(times) / FRAME_SECONDS:.0f} frames a second over the curves of {len(long)} runs"
        f" (99 % within {gaps[int(len(gaps) * 0.99)]:.0f} ms)",
        flush=True,
    )


def in_mlflow(browser: Browser, long: list[str], experiment: str) -> None:
    """Measure MLflow's own page on the same store; its tables are of 100 runs."""
    base = f"http://127.0.0.1:{MLFLOW_PORT}/#/experiments/{experiment}"
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(f"http://127.0.0.1:{MLFLOW_PORT}/")
    page.wait_for_timeout(5000)

    def go(address: str, wait: str) -> None:
        page.goto("about:blank")
        page.goto(address)
        page.get_by_text(wait).first.wait_for()

    measure("MLflow: table of runs", lambda: go(f"{base}/runs", "run 5"))
    measure("MLflow: page of a trained run", lambda: go(f"{base}/runs/{long[0]}", "depth"))
    measure(
        "MLflow: its charts",
        lambda: go(f"{base}/runs/{long[0]}/model-metrics", "train/loss0"),
    )


def in_tensorboard(browser: Browser, folder: Path, trained: int, metrics: int, steps: int) -> None:
    """Measure TensorBoard on the curves: when all runs are read, and its first chart."""
    sizes = [str(folder), str(trained), str(metrics), str(steps)]
    subprocess.run([*TENSORBOARD, "python", "-c", EVENTS, *sizes], check=True)
    start = time.perf_counter()
    server = subprocess.Popen(
        [*TENSORBOARD, "tensorboard", "--logdir", str(folder), "--port", str(TENSORBOARD_PORT)],
        start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    base = f"http://127.0.0.1:{TENSORBOARD_PORT}"
    try:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        while True:
            with suppress(OSError, ValueError):
                with urllib.request.urlopen(f"{base}/data/plugin/scalars/tags") as answer:
                    tags = json.load(answer)
                with urllib.request.urlopen(
                    f"{base}/data/plugin/scalars/scalars?run=run-{trained - 1}&tag=train/loss0"
                ) as answer:
                    last = json.load(answer)[-1][1]
                if len(tags) == trained and last == steps - 1:
                    break
            time.sleep(0.2)
        print(f"TensorBoard: all runs read {time.perf_counter() - start:38.1f} s", flush=True)

        def charts() -> None:
            page.goto("about:blank")
            page.goto(f"{base}/#timeseries")
            page.locator("line-chart canvas, line-chart svg path").first.wait_for()

        charts()
        measure("TensorBoard: its charts", charts)
        memory = page.evaluate("() => performance.memory.usedJSHeapSize / 1e6")
        print(f"TensorBoard: memory of the page {memory:.0f} MB")
        page.close()
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5000)
    parser.add_argument("--trained", type=int, default=20)
    parser.add_argument("--metrics", type=int, default=50)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--picture", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        environment = isolated(Path(folder) / "home")
        root = Path(folder) / "work"
        root.mkdir()
        # In the lab's own home, which then trusts the project.
        script = "from jupyter_mlws.projects.setup import initialize; from pathlib import Path"
        subprocess.run(
            [sys.executable, "-c", f"{script}; initialize(Path({str(root)!r}))"],
            env=environment,
            check=True,
        )
        _trust(environment, root)
        long = fill(root, arguments.runs, arguments.trained, arguments.metrics, arguments.steps)
        with sqlite3.connect(root / "mlflow.db") as database:
            (experiment,) = database.execute(
                "SELECT experiment_id FROM experiments WHERE name = 'e'"
            ).fetchone()
        programs = Path(sys.executable).parent
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        lab = subprocess.Popen(
            [
                str(programs / "jupyter-lab"), "--no-browser", "--allow-root",
                f"--ServerApp.root_dir={root}", f"--ServerApp.port={PORT}",
                f"--IdentityProvider.token={TOKEN}", "--LabApp.expose_app_in_browser=True",
            ],
            env=environment, start_new_session=True, **quiet,
        )  # fmt: skip
        mlflow = subprocess.Popen(
            [
                str(programs / "mlflow"), "server", "--port", str(MLFLOW_PORT),
                "--backend-store-uri", f"sqlite:///{root}/mlflow.db", "--workers", "1",
            ],
            env=environment, start_new_session=True, **quiet,
        )  # fmt: skip
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
                page = browser.new_page(viewport={"width": 1440, "height": 900})
                open_lab(page, f"http://localhost:{PORT}", "mlws:open-run")
                in_lab(page, long, arguments.picture)
                frames(page, long)
                page.close()
                in_mlflow(browser, long, str(experiment))
                sizes = (arguments.trained, arguments.metrics, arguments.steps)
                in_tensorboard(browser, Path(folder) / "events", *sizes)
                browser.close()
        finally:
            for process in (lab, mlflow):
                # MLflow's server is several processes.
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(30)


if __name__ == "__main__":
    main()
