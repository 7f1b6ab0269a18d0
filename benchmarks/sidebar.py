"""How soon a save shows in the sidebar's Changes, among 20,000 files and 1,000 new ones.

    python -m benchmarks.sidebar [--files 20000] [--untracked 1000] [--saves 20]

A real JupyterLab in a real Chromium. A file is written on the disk, and a MutationObserver in the
page notes when its row is there: the clock of both is that of this machine. Printed are the
median, the 90th percentile and the worst in milliseconds, the load of the machine, and what the
page asked the server for while nothing happened; further the frames a second while the changes are
scrolled by the wheel, and, in turn and each after another save, the medians of `git status` and of
the server's status.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from itertools import pairwise
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.opening import open_lab
from tests.browser import ARGUMENTS, CHROMIUM
from tests.ui.conftest import TOKEN, isolated

PORT = 8942
QUIET = 10.0
"""Seconds in which nothing happens and nothing is to be asked."""
SCROLL_SECONDS = 3.0

WATCH = """
(path) => { window.seen = new Promise(resolve => {
  const look = () => {
    if (document.querySelector(`.jp-mlws-Changes [data-mlws-path="${path}"]`)) {
      observer.disconnect();
      resolve(Date.now());
    }
  };
  const observer = new MutationObserver(look);
  observer.observe(document.body, { childList: true, subtree: true, attributes: true });
}); }
"""


def repository(root: Path, files: int, untracked: int, environment: dict[str, str]) -> None:
    """A repository with DVC, ``files`` in one commit and ``untracked`` beside it."""
    git = ["git", "-c", "user.name=B", "-c", "user.email=b@localhost", "-C", str(root)]
    script = "from pathlib import Path; from jupyter_mlws.projects.setup import initialize; "
    subprocess.run(
        [sys.executable, "-c", f"{script}initialize(Path({str(root)!r}))"],
        env=environment,
        check=True,
    )
    trust = [sys.executable, "-m", "jupyter_mlws", "trust"]
    subprocess.run(trust, cwd=root, env=environment, check=True)
    for number in range(files):
        place = root / f"package{number // 200:03}" / f"module{number}.py"
        place.parent.mkdir(exist_ok=True)
        place.write_text(f"value = {number}\n")
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-qm", "All files"], check=True)
    for number in range(untracked):
        (root / f"zz-new{number}.txt").write_text("new\n")


def measure(page: Page, root: Path, saves: int) -> list[float]:
    """Milliseconds from each save to its row."""
    found = []
    for number in range(saves):
        path = f"package{number:03}/module{number * 200}.py"
        page.evaluate(WATCH, path)
        time.sleep(0.5)
        begin = time.time()
        (root / path).write_text(f"value = -{number}\n")
        found.append(page.evaluate("() => window.seen") - begin * 1000)
    return found


def scrolled_frames(page: Page) -> tuple[float, float]:
    """Return frames a second while the changes are scrolled, and the longest in milliseconds."""
    page.locator(".jp-mlws-Changes .jp-mlws-Change").first.hover()
    page.evaluate(
        """() => {
            window.times = [];
            const note = now => { window.times.push(now); requestAnimationFrame(note); };
            requestAnimationFrame(note);
        }"""
    )
    end = time.perf_counter() + SCROLL_SECONDS
    while time.perf_counter() < end:
        page.mouse.wheel(0, 400)
        page.wait_for_timeout(16)
    times = page.evaluate("() => window.times")
    gaps = sorted(after - before for before, after in pairwise(times))
    return 1000 * len(gaps) / (times[-1] - times[0]), gaps[-1]


def statuses(root: Path, count: int) -> tuple[float, float]:
    """Return the median milliseconds of `git status` and of the server's status."""
    command = ["git", "-C", str(root), "status", "--porcelain=v2", "--branch", "-z"]
    address = f"http://localhost:{PORT}/mlws/api/v1/git/status"
    request = urllib.request.Request(address, headers={"Authorization": f"token {TOKEN}"})

    def ask() -> None:
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()

    values: dict[str, list[float]] = {"git": [], "server": []}
    for number in range(count):
        for name, call in (
            ("git", lambda: subprocess.run(command, check=True, capture_output=True)),
            ("server", ask),
        ):
            (root / "package000" / "module1.py").write_text(f"value = '{name} {number}'\n")
            start = time.perf_counter()
            call()
            values[name].append((time.perf_counter() - start) * 1000)
            time.sleep(1)
    return statistics.median(values["git"]), statistics.median(values["server"])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--untracked", type=int, default=1000)
    parser.add_argument("--saves", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        environment = isolated(Path(folder) / "home")
        root = Path(folder) / "work"
        root.mkdir()
        repository(root, arguments.files, arguments.untracked, environment)
        lab = subprocess.Popen(
            [
                str(Path(sys.executable).parent / "jupyter-lab"), "--no-browser", "--allow-root",
                f"--ServerApp.root_dir={root}", f"--ServerApp.port={PORT}",
                f"--IdentityProvider.token={TOKEN}", "--LabApp.expose_app_in_browser=True",
            ],
            env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
                page = browser.new_page(viewport={"width": 1440, "height": 900})
                _open(page)
                values = sorted(measure(page, root, arguments.saves))
                asked: list[str] = []
                page.on("request", lambda request: asked.append(request.url))
                time.sleep(2)
                asked.clear()
                page.wait_for_timeout(QUIET * 1000)
                own = [url for url in asked if "/mlws/" in url]
                rate, longest = scrolled_frames(page)
                git_time, server_time = statuses(root, 10)
                browser.close()
        finally:
            lab.terminate()
            lab.wait(30)
    print(
        json.dumps(
            {
                "files": arguments.files,
                "untracked": arguments.untracked,
                "median_ms": round(statistics.median(values), 1),
                "p90_ms": round(values[int(len(values) * 0.9) - 1], 1),
                "worst_ms": round(values[-1], 1),
                "asked_while_quiet": own,
                "frames_a_second": round(rate, 1),
                "longest_frame_ms": round(longest, 1),
                "git_status_ms": round(git_time, 1),
                "server_status_ms": round(server_time, 1),
                "load": os.getloadavg(),
            },
            indent=1,
        )
    )


def _open(page: Page) -> None:
    open_lab(page, f"http://localhost:{PORT}", "mlws:open-source-control")
    page.evaluate("() => jupyterapp.commands.execute('mlws:open-source-control').then(() => null)")
    page.locator(".jp-mlws-Changes .jp-mlws-Change").first.wait_for()
    time.sleep(3)


if __name__ == "__main__":
    main()
