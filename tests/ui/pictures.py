"""Pictures of the canvas for people to look at: ``python -m tests.ui.pictures --output DIR``.

    python -m tests.ui.pictures [--output pictures] [--scenes example,report] [--themes light]
                                [--locales en] [--sizes 1600x1000] [--check]

A real JupyterLab in a real Chromium. Each scene is drawn in two sizes, in light and dark, in
English and Chinese, as ``SCENE-WIDTHxHEIGHT-THEME-LOCALE.png``. With ``--check`` axe judges each
scene, and a serious finding is an error. Chinese needs jupyterlab-language-pack-zh-CN and a font.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import random
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect, sync_playwright

from tests.browser import ARGUMENTS, CHROMIUM
from tests.ports import free_port
from tests.ui import test_debugger
from tests.ui.canvas import RUN_LIMIT, command, faults_of_access, node
from tests.ui.conftest import TOKEN, isolated, prefer
from tests.ui.notebook_scenes import DEBUGGED, NotebookScenes
from tests.ui.notebook_scenes import SCENES as NOTEBOOK_SCENES

THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
LOCALES = ("en", "zh_CN")
SIZES = ("1600x1000", "1280x720")
WINE = "wine-example/workflows/wine/dvc.yaml"
OWN = "churn/workflows/churn/dvc.yaml"
LARGE = "large/dvc.yaml"
SWEEP = "sweep/workflows/wine/dvc.yaml"
DEPTHS = ("2", "3", "5", "8")
START_LIMIT = 60.0
"""Seconds."""
SETTLE_MS = 800
"""For what moves into its place: a fit, a panel, a notification."""


def open_file(page: Page, address: str, path: str) -> None:
    """Open a workflow alone, with a clean layout, and wait until its nodes are drawn."""
    page.goto(f"{address}/lab/tree/{path}?token={TOKEN}&reset")
    nodes = page.locator("[data-mlws-node], .jp-mlws-Overview[data-mlws-nodes]")
    expect(nodes.first).to_be_visible()
    expect(page.locator(".jp-mlws-run")).to_have_attribute("aria-disabled", "false")


def run(page: Page, status: str) -> None:
    """Run the workflow that is open, to its end."""
    page.locator(".jp-mlws-run").click()
    state = page.locator(".jp-mlws-StateText [data-mlws-state]")
    expect(page.locator(".jp-mlws-run")).to_have_attribute("aria-disabled", "true")
    expect(state).to_have_attribute("data-mlws-state", status, timeout=RUN_LIMIT)


def replace(root: Path, path: str, pattern: str, text: str) -> None:
    """Replace a part of a file of the labs."""
    file = root / path
    file.write_text(re.sub(pattern, text, file.read_text()))


class Scenes(NotebookScenes):
    """The scenes, on the labs of a folder with projects and of an empty folder."""

    def __init__(self, root: Path, address: str, empty: str, kernels: Path) -> None:
        super().__init__(root, address, kernels)
        self._root, self._address, self._empty = root, address, empty
        self._trees = itertools.count(60, 7)

    def create(self, page: Page) -> None:
        """Run the workflows whose results are drawn."""
        projects = request(self._address, "projects", None)["items"]
        churn = next(one["id"] for one in projects if one["path"] == "churn")
        body = classification("data/churn.csv", "churn")
        request(self._address, f"workflows?project={churn}", body)
        for path in (OWN, SWEEP):
            open_file(page, self._address, path)
            run(page, "COMPLETED")
        page.close()

    def example(self, page: Page) -> str:
        """The example after a run with another setting."""
        replace(self._root, WINE, r"n_estimators: \d+", f"n_estimators: {next(self._trees)}")
        open_file(page, self._address, WINE)
        run(page, "COMPLETED")
        expect(page.locator(".jp-mlws-Matrix")).to_be_visible()
        return ".jp-mlws-Workflow"

    def own(self, page: Page) -> str:
        """A workflow of one's own data, with the preview of a table."""
        open_file(page, self._address, OWN)
        node(page, "load").click()
        page.evaluate(
            "() => jupyterapp.shell.currentWidget.editor.lab.panes.showTab('preview')",
        )
        expect(page.locator(".jp-mlws-Grid")).to_be_visible()
        return ".jp-mlws-Workflow"

    def failed(self, page: Page) -> str:
        """A node that failed."""
        text = (self._root / WINE).read_text()
        replace(self._root, WINE, "stratify: target", "stratify: nosuch")
        try:
            open_file(page, self._address, WINE)
            run(page, "FAILED")
            expect(page.locator(".jp-mlws-NodeFailure")).to_be_visible()
        finally:
            (self._root / WINE).write_text(text)
        return ".jp-mlws-Workflow"

    def sweep(self, page: Page) -> str:
        """The variants of a sweep, ranked."""
        open_file(page, self._address, SWEEP)
        node(page, "forest").click()
        expect(page.locator(".jp-mlws-Sweep").first).to_be_visible()
        return ".jp-mlws-Workflow"

    def report(self, page: Page) -> str:
        """The report of the newest run."""
        open_file(page, self._address, OWN)
        page.locator(".jp-mlws-Drawer-report").click()
        expect(page.locator(".jp-mlws-Report-page section").nth(1)).to_be_visible()
        return ".jp-mlws-Report"

    def past(self, page: Page) -> str:
        """A past run on the canvas."""
        open_file(page, self._address, WINE)
        page.locator("[data-mlws-past-run]").last.click()
        expect(page.locator(".jp-mod-past .jp-mlws-Matrix")).to_be_visible()
        return ".jp-mlws-Workflow.jp-mod-past"

    def large(self, page: Page) -> str:
        """A graph of 300 nodes."""
        open_file(page, self._address, LARGE)
        return ".jp-mlws-Workflow"

    def tree(self, page: Page) -> str:
        """The example as a tree."""
        open_file(page, self._address, WINE)
        command(page, "workflow:tree")
        expect(page.locator(".jp-mlws-Tree")).to_be_visible()
        return ".jp-mlws-Workflow"

    def welcome(self, page: Page) -> str:
        """A folder without a project."""
        page.goto(f"{self._empty}/lab?token={TOKEN}&reset")
        expect(page.locator(".jp-mlws-Begin")).to_be_visible()
        return ".jp-mlws-Begin"


SCENES = (
    *("example", "own", "failed", "sweep", "report", "past", "large", "tree", "welcome"),
    *NOTEBOOK_SCENES,
)


def customers(file: Path) -> None:
    """Write a table of 600 customers, of whom some leave."""
    chance = random.Random(7)
    file.parent.mkdir(parents=True)
    with file.open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["age", "months", "calls", "plan_price", "support_tickets", "churn"])
        for _ in range(600):
            age, months, calls = chance.randint(18, 80), chance.randint(1, 72), chance.randint(0, 9)
            price, tickets = chance.choice([9.9, 19.9, 39.9]), chance.randint(0, 6)
            score = calls * 0.4 + tickets * 0.5 - months * 0.05 + chance.gauss(0, 1)
            rows.writerow([age, months, calls, price, tickets, int(score > 1)])


def classification(data: str, target: str) -> dict[str, Any]:
    """Return a workflow that compares two classifiers of a table, as a request."""

    def at(identifier: str, kind: str, **config: str) -> dict[str, Any]:
        return {"id": identifier, "type": kind, "config": config}

    lines = [
        "load.table split.data",
        "split.train forest.data",
        "split.train linear.data",
        "forest.model compare.models",
        "linear.model compare.models",
        "split.test compare.test",
        "forest.model confusion.model",
        "split.test confusion.test",
    ]
    keys = ("source", "source_port", "target", "target_port")
    return {
        "name": "Churn",
        "nodes": [
            at("load", "load_table", file=data),
            at("split", "split", stratify=target),
            at("forest", "train_classifier", algorithm="random_forest", target=target),
            at("linear", "train_classifier", algorithm="logistic_regression", target=target),
            at("compare", "compare_classifiers", target=target),
            at("confusion", "plot_confusion_matrix", target=target),
        ],
        "edges": [dict(zip(keys, re.split(r"[. ]", line), strict=True)) for line in lines],
    }


def swept(text: str) -> str:
    """Return the example's workflow with four variants in the place of a model."""
    model = "workflows/wine/out/forest.model.skops"
    variant = "workflows/wine/out/forest.model.${item.max_depth}.skops"
    all_of_them = [variant.replace("${item.max_depth}", depth) for depth in DEPTHS]
    before, forest, rest = re.split(r"(  forest:\n(?:    .*\n|      .*\n)+)", text)
    forest = forest.replace(model, variant).replace(
        "    cmd:", f"    matrix: {{max_depth: [{', '.join(DEPTHS)}]}}\n    cmd:"
    )
    forest = forest.replace("${forest}", "${forest} --max_depth ${item.max_depth}")
    rest = rest.replace(f"--models {model}", f"--models {' '.join(all_of_them)}")
    rest = rest.replace(f"      - {model}\n", "".join(f"      - {one}\n" for one in all_of_them))
    return before.replace(", max_depth: 3", "") + forest + rest


def chain(size: int) -> str:
    """Return a workflow of layers, in which each node reads what two of the layer before wrote."""
    lines = ["stages:"]
    for number in range(size):
        row, column = divmod(number, 12)
        before = {number - 12, (row - 1) * 12 + (column * 7 + 3) % 12} if row else set()
        reads = [f"out/{one}.txt" for one in sorted(before)] or ["in.txt"]
        lines += [
            f"  prepare_region_{number}:",
            f"    cmd: echo {number} > out/{number}.txt",
            f"    deps: [{', '.join(reads)}]",
            f"    outs: [out/{number}.txt]",
        ]
    return "\n".join(lines) + "\n"


def prepare(root: Path, environment: dict[str, str]) -> None:
    """Make the projects that are drawn."""
    make = "from pathlib import Path; from jupyter_mlws.projects.setup import initialize; "
    own = ("churn", "large", DEBUGGED)
    for name in own:
        folder = root / name
        folder.mkdir()
        _python("-c", f"{make}initialize(Path({str(folder)!r}))", environment=environment)
    customers(root / "churn/data/churn.csv")
    (root / "large/out").mkdir()
    (root / "large/in.txt").write_text("1\n")
    (root / "large/dvc.yaml").write_text(chain(300))
    for name in ("wine-example", "sweep"):
        _python("-m", "jupyter_mlws.projects.example", str(root / name), environment=environment)
    file = root / SWEEP
    file.write_text(swept(file.read_text()))
    for name, text in test_debugger.FILES.items():
        file = root / DEBUGGED / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    for name in own:
        _python("-m", "jupyter_mlws", "trust", cwd=root / name, environment=environment)


def _python(*words: str, environment: dict[str, str], cwd: Path | None = None) -> None:
    subprocess.run([sys.executable, *words], cwd=cwd, env=environment, check=True)


@contextmanager
def lab(root: Path, environment: dict[str, str]) -> Iterator[str]:
    """Run a JupyterLab on a folder; its address."""
    port = free_port()
    server = subprocess.Popen(
        [
            str(Path(sys.executable).parent / "jupyter-lab"), "--no-browser", "--allow-root",
            f"--ServerApp.root_dir={root}", f"--ServerApp.port={port}", "--ServerApp.ip=127.0.0.1",
            f"--IdentityProvider.token={TOKEN}", "--LabApp.expose_app_in_browser=True",
            "--LanguageServerManager.autodetect=False",
        ],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + START_LIMIT
        while True:
            try:
                urllib.request.urlopen(f"{address}/api", timeout=5).close()
                break
            except OSError:
                if time.monotonic() > deadline or server.poll() is not None:
                    raise
                time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        server.wait(30)


def request(address: str, path: str, body: dict[str, Any] | None) -> Any:
    """Return the data of a GET of the API, or of a POST of ``body``."""
    request = urllib.request.Request(
        f"{address}/mlws/api/v1/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"token {TOKEN}"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["data"]


def draw(options: argparse.Namespace) -> list[str]:
    """Draw every scene in every look; what axe finds serious, if it is asked."""
    faults = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = Path(folder)
        environment = isolated(home / "lab")
        root, empty = home / "labs", home / "empty"
        root.mkdir()
        empty.mkdir()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        prepare(root, environment)
        with lab(root, environment) as address, lab(empty, environment) as bare:
            kernels = Path(environment["JUPYTER_DATA_DIR"], "kernels")
            scenes = Scenes(root, address, bare, kernels)
            scenes.create(browser.new_page())
            for theme, locale, size in itertools.product(
                options.themes, options.locales, options.sizes
            ):
                prefer(home, THEMES[theme], locale)
                width, height = map(int, size.split("x"))
                page = browser.new_page(viewport={"width": width, "height": height})
                for name in options.scenes:
                    within = getattr(scenes, name)(page)
                    page.wait_for_timeout(SETTLE_MS)
                    picture = f"{name}-{size}-{theme}-{locale}"
                    page.screenshot(path=options.output / f"{picture}.png")
                    if options.check and within:
                        faults += [f"{picture}: {one}" for one in faults_of_access(page, within)]
                page.close()
        browser.close()
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("pictures"))
    for name, choices in (
        ("scenes", SCENES), ("themes", tuple(THEMES)), ("locales", LOCALES), ("sizes", SIZES)
    ):  # fmt: skip
        parser.add_argument(
            f"--{name}",
            type=lambda text: text.split(","),
            default=choices,
            metavar=",".join(choices),
        )
    parser.add_argument("--check", action="store_true", help="judge each scene by axe")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    faults = draw(options)
    print("\n".join(faults) or f"Pictures: {options.output}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
