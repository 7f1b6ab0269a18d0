"""How smoothly a workflow of a thousand nodes is drawn: ``python -m benchmarks.canvas``.

    python -m benchmarks.canvas [--sizes 1000,3000] [--seconds 3] [--rounds 3]

A real JupyterLab in a real Chromium, whose drawing is done by software where the machine has no
GPU. Printed as JSON, for each size: the milliseconds from the end of the file's reading to the
first frame with the graph in it, and to the end of the last task over 50 ms, and the processor time
of the five seconds after the first frame and what is before it; frames a second (from
the times between animation frames) and the longest frame in ms of panning, zooming and dragging,
with the whole graph in view and near; the same while 1,000 events of nodes come within 2 s, which
this process enters into the project's journal, and during a real run of every node, whose own work
takes the machine's cores from the browser; the milliseconds of changing a setting, of removing 20
nodes with their settings, and of the undo, with their processor time and that of the second after
each. Gestures and edits are medians of several rounds.
`busy_percent` is the processor time of the page's main thread: where it is far below 100, frames
are late because others have the cores. The load of the machine is printed with each.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.opening import open_lab
from jupyter_mlws.workflows.journal.store import Journal, NewRun
from mlws.core.project import Project
from mlws.engine.states import Status
from tests.browser import ARGUMENTS, CHROMIUM
from tests.ui.conftest import TOKEN, isolated

PORT = 8943
ADDRESS = f"http://localhost:{PORT}"
WIDTH = 25
"""Nodes of a layer."""
EVENTS = 1000
EVENTS_WITHIN = 2.0
"""Seconds."""
RUN_WITHIN = 600.0
"""Seconds."""
EDIT_ROUNDS = 5

OPEN = """
async (path) => {
  let last = 0;
  const tasks = new PerformanceObserver(list => list.getEntries().forEach(task => {
    last = task.startTime + task.duration;
  }));
  tasks.observe({ type: 'longtask' });
  const frame = () => new Promise(requestAnimationFrame);
  const isDrawn = () =>
    document.querySelector('.jp-mlws-Overview[data-mlws-nodes]') ||
    document.querySelectorAll('.react-flow__edge-path').length > 99;
  void jupyterapp.commands.execute('docmanager:open', { path });
  while (!isDrawn()) await frame();
  await frame();
  const drawn = performance.now();
  await new Promise(resolve => setTimeout(resolve, 5000));
  const reads = performance.getEntriesByType('resource')
    .filter(({ name }) => name.includes('/api/contents/' + path) && name.includes('content=1'));
  const read = reads[0].responseEnd;
  return { drawn: drawn - read, settled: Math.max(last, drawn) - read };
}
"""
WATCH = """
() => {
  const times = [];
  window.mlwsFrames = times;
  const note = time => {
    if (window.mlwsFrames === times) {
      times.push(time);
      requestAnimationFrame(note);
    }
  };
  requestAnimationFrame(note);
}
"""
TAKE = """
() => {
  const times = window.mlwsFrames;
  window.mlwsFrames = null;
  return times;
}
"""
EDIT = """
(step) => {
  const { model, gestures } = jupyterapp.shell.currentWidget.editor;
  const ids = Array.from({ length: 20 }, (_, number) => `s${200 + number}`);
  const steps = {
    set: () => model.document.edit(({ data }) => ({
      ...data,
      vars: data.vars.map(entry =>
        's200' in entry ? { s200: { text: Math.random() } } : entry)
    })),
    remove: () => gestures.removeSelected(model),
    undo: () => model.document.undo()
  };
  model.selection.select(step === 'remove' ? ids : []);
  const start = performance.now();
  steps[step]();
  return Math.round(performance.now() - start);
}
"""
STEPS = ("set", "remove", "undo")


def workflow(size: int) -> str:
    """A `dvc.yaml` of layers, in which each node reads what two of the layer before it wrote.

    Each has a setting of its own.
    """
    lines = ["vars:", *(f"- s{number}: {{text: {number}}}" for number in range(size)), "stages:"]
    for number in range(size):
        row, column = divmod(number, WIDTH)
        before = {number - WIDTH, (row - 1) * WIDTH + (column * 7 + 3) % WIDTH}
        reads = [f"out/{one}.txt" for one in sorted(before)] if row else ["in.txt"]
        lines += [
            f"  s{number}:",
            f"    cmd: echo ${{s{number}.text}} > out/{number}.txt",
            "    deps:",
        ]
        lines += [f"      - {read}" for read in reads]
        lines += ["    outs:", f"      - out/{number}.txt"]
    return "\n".join(lines) + "\n"


def project(root: Path, size: int, environment: dict[str, str]) -> None:
    """A trusted project with one workflow."""
    (root / "out").mkdir(parents=True)
    (root / "in.txt").write_text("1\n")
    (root / "dvc.yaml").write_text(workflow(size))
    make = "from pathlib import Path; from jupyter_mlws.projects.setup import initialize; "
    make += f"initialize(Path({str(root)!r}))"
    for command in (["-c", make], ["-m", "jupyter_mlws", "trust"]):
        subprocess.run([sys.executable, *command], cwd=root, env=environment, check=True)


@contextmanager
def lab(root: Path, environment: dict[str, str]) -> Iterator[None]:
    """A running JupyterLab on the project."""
    server = subprocess.Popen(
        [
            str(Path(sys.executable).parent / "jupyter-lab"), "--no-browser", "--allow-root",
            f"--ServerApp.root_dir={root}", f"--ServerApp.port={PORT}",
            f"--IdentityProvider.token={TOKEN}", "--LabApp.expose_app_in_browser=True",
        ],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        server.terminate()
        server.wait(30)


def medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    """The median of each number of the rounds."""
    return {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}


class Meter:
    """Frames, and the processor time of the page's main thread."""

    def __init__(self, page: Page) -> None:
        self._page = page
        assert page.context.browser
        session = page.context.browser.new_browser_cdp_session()
        processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
        renderers = [one for one in processes if one["type"] == "renderer"]
        renderer = max(renderers, key=lambda one: float(one["cpuTime"]))["id"]
        self._statistics = Path(f"/proc/{renderer}/task/{renderer}/schedstat")

    def edit(self, step: str) -> dict[str, float]:
        """Milliseconds of a step of editing, and the processor time of it and of its drawing."""
        busy = self.busy()
        passed: float = self._page.evaluate(EDIT, step)
        step_busy = self.busy() - busy
        self._page.wait_for_timeout(1000)
        return {
            f"{step}_ms": passed,
            f"{step}_cpu_ms": round(1000 * step_busy),
            f"{step}_and_drawing_cpu_ms": round(1000 * (self.busy() - busy)),
        }

    def busy(self) -> float:
        """Seconds that the main thread was on a core so far."""
        return int(self._statistics.read_text().split()[0]) / 1e9

    def frames(self, act: Callable[[], None], rounds: int = 1) -> dict[str, float]:
        """Frames a second and the longest frame while something is done."""
        return medians([self._round(act) for _ in range(rounds)])

    def _round(self, act: Callable[[], None]) -> dict[str, float]:
        self._page.evaluate(WATCH)
        busy = self.busy()
        act()
        busy = self.busy() - busy
        times: list[float] = self._page.evaluate(TAKE)
        steps = [after - before for before, after in itertools.pairwise(times)]
        seconds = (times[-1] - times[0]) / 1000
        return {
            "fps": round(len(steps) / seconds, 1),
            "longest_ms": round(max(steps)),
            "over_50_ms": sum(step > 50 for step in steps),
            "busy_percent": round(100 * busy / seconds),
            "load": os.getloadavg()[0],
        }


class Hand:
    """What a person does on the canvas, for some seconds each."""

    def __init__(self, page: Page, seconds: float) -> None:
        self._page = page
        self._seconds = seconds
        box = page.locator(".jp-mlws-Canvas").bounding_box()
        assert box
        self._middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        # Ground without nodes, wherever the drawing stands: the pane takes it with Space held.
        self._reach = min(box["width"], box["height"]) / 3

    def _moments(self) -> Iterator[float]:
        """From 0 to 1 and back, in time."""
        began = time.monotonic()
        while (share := (time.monotonic() - began) / self._seconds) < 1:
            yield 1 - abs(1 - 2 * share)

    def pan(self) -> None:
        """Move the ground; with Space held a node below the pointer stays where it is."""
        x, y = self._middle
        self._page.mouse.move(x, y)
        self._page.keyboard.down("Space")
        self._page.mouse.down()
        for share in self._moments():
            self._page.mouse.move(x + share * self._reach, y + share * self._reach / 2)
        self._page.mouse.up()
        self._page.keyboard.up("Space")

    def zoom(self) -> None:
        """Near and far again, across the level at which ports are drawn."""
        self._page.mouse.move(*self._middle)
        before = 0.0
        for share in self._moments():
            self._page.mouse.wheel(0, (before - share) * 1600)
            before = share

    def drag(self) -> None:
        """Take the node nearest to the middle and carry it around."""
        x, y = self._node()
        self._page.mouse.move(x - 1, y)
        self._page.mouse.move(x, y)
        self._page.wait_for_timeout(100)
        self._page.mouse.down()
        for share in self._moments():
            self._page.mouse.move(x + share * self._reach, y + share * self._reach / 2)
        self._page.mouse.up()

    def _node(self) -> tuple[float, float]:
        """Where a node's head is, by trial: what the pointer would take."""
        found = self._page.evaluate(
            """async ([x, y]) => {
              const frame = () => new Promise(requestAnimationFrame);
              const canvas = document.querySelector('.jp-mlws-Canvas');
              for (let step = 0; step < 400; step += 1) {
                const at = [x + (step % 20) * 16 - 160, y + Math.floor(step / 20) * 16 - 160];
                const [clientX, clientY] = at;
                document.elementFromPoint(...at)?.dispatchEvent(new PointerEvent(
                  'pointermove', { bubbles: true, clientX, clientY }));
                await frame();
                const over = document.elementFromPoint(...at);
                if (over?.closest('.react-flow__node') && !over.closest('.react-flow__handle')) {
                  return at;
                }
              }
              return null;
            }""",
            list(self._middle),
        )
        assert found, "no node near the middle"
        return found[0], found[1]


def told_events(root: Path, size: int) -> None:
    """Enter the events of a run into the journal, evenly within the time."""
    journal = Journal(Project(root))
    nodes = [f"s{number}" for number in range(size)]
    run = f"{time.strftime('%Y%m%dT%H%M%S')}-benchmark"
    try:
        journal.create(NewRun(run, "dvc.yaml", 2, "cli", nodes))
        journal.set_run(run, Status.RUNNING)
        time.sleep(1)
        began = time.monotonic()
        for number in range(EVENTS // 2):
            journal.set_node(run, nodes[number], Status.RUNNING)
            journal.set_node(run, nodes[number], Status.COMPLETED, exit_code=0)
            ahead = EVENTS_WITHIN * number / (EVENTS // 2) - (time.monotonic() - began)
            time.sleep(max(0.0, ahead))
        time.sleep(1)
        journal.end_nodes(run, Status.CANCELLED)
        journal.set_run(run, Status.CANCELLED)
    finally:
        journal.close()


def call(path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """The data of an answer of the server."""
    request = urllib.request.Request(
        f"{ADDRESS}/mlws/api/v1/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"token {TOKEN}"},
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        return dict(json.load(answer)["data"])


def real_run() -> None:
    """Run every node and wait for the end; each is to have its result."""
    run = call("workflows/dvc.yaml/execute", {"force": True})["id"]
    deadline = time.monotonic() + RUN_WITHIN
    while time.monotonic() < deadline:
        now = call(f"workflows/dvc.yaml/runs/{run}")
        if now["ended"]:
            if now["status"] != Status.COMPLETED.value:
                raise RuntimeError(now["error"])
            return
        time.sleep(1)
    raise TimeoutError(run)


def measure(browser: Browser, root: Path, size: int, seconds: float, rounds: int) -> dict[str, Any]:
    """All numbers of one size."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    open_lab(page, ADDRESS, "workflow:fit")
    page.evaluate("() => jupyterapp.restored.then(() => null)")
    page.wait_for_timeout(3000)
    meter = Meter(page)
    busy = meter.busy()
    opened = page.evaluate(OPEN, "dvc.yaml")
    busy = meter.busy() - busy
    found: dict[str, Any] = {
        "nodes": size,
        "open_ms": round(opened["drawn"]),
        "settled_ms": round(opened["settled"]),
        "open_cpu_ms": round(1000 * busy),
        "load": os.getloadavg()[0],
    }
    page.evaluate("() => jupyterapp.commands.execute('workflow:fit').then(() => null)")
    page.wait_for_timeout(1000)
    hand = Hand(page, seconds)
    found["pan, all in view"] = meter.frames(hand.pan, rounds)
    found["drag, all in view"] = meter.frames(hand.drag, rounds)
    page.wait_for_timeout(2000)
    found["zoom in and out"] = meter.frames(hand.zoom, rounds)
    for _ in range(8):
        page.mouse.wheel(0, -200)
        page.wait_for_timeout(50)
    page.wait_for_timeout(1000)
    found["pan, near"] = meter.frames(hand.pan, rounds)
    found["drag, near"] = meter.frames(hand.drag, rounds)
    page.wait_for_timeout(3000)
    page.evaluate("() => jupyterapp.commands.execute('workflow:fit').then(() => null)")
    page.wait_for_timeout(1000)
    found["1,000 events in 2 s"] = meter.frames(lambda: told_events(root, size))
    page.wait_for_timeout(3000)
    found["a real run"] = meter.frames(real_run)
    edits = []
    for _ in range(EDIT_ROUNDS):
        page.wait_for_timeout(3000)
        edit: dict[str, float] = {"load": os.getloadavg()[0]}
        for step in STEPS:
            edit |= meter.edit(step)
        edits.append(edit)
    found["a setting changed, 20 nodes removed"] = medians(edits)
    page.screenshot(path=f"test-results/canvas-{size}.png")
    page.close()
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1000,3000")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    for size in map(int, arguments.sizes.split(",")):
        with (
            # What a run tells MLflow after its end may still be written.
            tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
            sync_playwright() as playwright,
        ):
            environment = {**isolated(Path(folder) / "home"), "MLWS_RUNNER_IDLE": "0"}
            root = Path(folder) / "work"
            project(root, size, environment)
            with lab(root, environment):
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
                result = measure(browser, root, size, arguments.seconds, arguments.rounds)
                print(json.dumps(result, indent=1), flush=True)
                browser.close()


if __name__ == "__main__":
    main()
