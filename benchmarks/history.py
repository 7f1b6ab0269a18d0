"""History of 50,000 commits: ``python benchmarks/history.py [COMMITS] [TIMES]``.

Makes a repository by ``git fast-import``: 200 files, merges, a rename and data. Then times in turn,
each called from this process: ``git log -50``, what it takes git to tell what a page tells
(``git log -50 --raw``), the first page of history and of snapshots by the managers, and both over
HTTP by a running server. Prints medians and their ratios to ``git log -50``.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

TOKEN = "benchmark"
FILES = 200


def stream(commits: int) -> Iterator[bytes]:
    """The repository as ``git fast-import`` reads it."""
    begun = 1_600_000_000
    data = b"outs:\n- md5: %032x\n  size: 10\n  hash: md5\n  path: wine.csv\n"
    for number in range(1, commits + 1):
        who = b"Person %d <person%d@example.com> %d +0000" % (
            number % 7,
            number % 7,
            begun + number,
        )
        message = b"Change %d\n\nWhat was done.\n" % number
        yield b"commit refs/heads/main\nmark :%d\n" % number
        yield b"author %s\ncommitter %s\ndata %d\n%s\n" % (who, who, len(message), message)
        if number > 1:
            yield b"from :%d\n" % (number - 1)
        if number % 50 == 0 and number > 60:
            yield b"merge :%d\n" % (number - 9)
        if number == commits // 2:
            yield b"R src/file_7.py src/renamed.py\n"
        text = b"value = %d\n" % number * 20
        yield b"M 100644 inline src/file_%d.py\ndata %d\n%s\n" % (number % FILES, len(text), text)
        if number % 10 == 0:
            text = data % number
            yield b"M 100644 inline data/wine.csv.dvc\ndata %d\n%s\n" % (len(text), text)


def make(root: Path, commits: int) -> None:
    """A repository with so many commits, packed and checked out."""
    run(root, "init", "-q", "-b", "main")
    importer = subprocess.Popen(["git", "fast-import", "--quiet"], cwd=root, stdin=subprocess.PIPE)
    assert importer.stdin is not None
    for part in stream(commits):
        importer.stdin.write(part)
    importer.stdin.close()
    assert importer.wait() == 0
    run(root, "reset", "-q", "--hard")
    subprocess.run([sys.executable, "-m", "jupyter_mlws", "trust"], cwd=root, check=True)


def run(root: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True).stdout


def served(root: Path) -> tuple[subprocess.Popen[bytes], str]:
    """A server of the repository, and the address of its API."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [
            sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root",
            "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}",
            f"--ServerApp.root_dir={root}", "--ServerApp.jpserver_extensions=jupyter_mlws=True",
            f"--IdentityProvider.token={TOKEN}",
        ],
        env={**os.environ, "JUPYTER_RUNTIME_DIR": str(root / ".git")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}/mlws/api/v1"
    for _ in range(600):
        try:
            fetch(f"{address}/projects")
            return server, address
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server does not answer")


def fetch(url: str) -> dict[str, object]:
    request = urllib.request.Request(url, headers={"Authorization": f"token {TOKEN}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        found: dict[str, object] = json.loads(answer.read())["data"]
    return found


def timed(calls: dict[str, Callable[[], object]], times: int) -> dict[str, list[float]]:
    """Milliseconds of every call, in turn."""
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(times):
        for name, call in calls.items():
            begun = time.perf_counter()
            call()
            found[name].append((time.perf_counter() - begun) * 1000)
    return found


def main(commits: int, times: int) -> None:
    from jupyter_mlws.versioning.models import HistoryQuery
    from jupyter_mlws.workspace import Workspace

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "project")
        root.mkdir()
        make(root, commits)
        workspace = Workspace.open(root)
        page, renamed = HistoryQuery(), HistoryQuery(path="src/renamed.py")
        server, address = served(root)
        try:
            calls: dict[str, Callable[[], object]] = {
                "git log -50": lambda: run(root, "log", "-50"),
                "git log -50 --raw": lambda: run(root, "log", "-50", "--raw"),
                "history": lambda: workspace.snapshots.history(page),
                "snapshots": lambda: workspace.snapshots.list(page),
                "GET /git/history": lambda: fetch(f"{address}/git/history"),
                "GET /snapshots": lambda: fetch(f"{address}/snapshots"),
                "GET /projects": lambda: fetch(f"{address}/projects"),
                "git log -50 --follow": lambda: run(
                    root, "log", "-50", "--follow", "--", "src/renamed.py"
                ),
                "history of a renamed file": lambda: workspace.snapshots.history(renamed),
            }
            first = timed(calls, 1)
            rows = timed(calls, times)
        finally:
            server.terminate()
            server.wait()
            workspace.close()
    base = statistics.median(rows["git log -50"])
    print(f"{commits} commits, medians of {times}; the first call in brackets")
    for name, values in rows.items():
        middle = statistics.median(values)
        print(f"{name:28} {middle:8.1f} ms  x {middle / base:5.2f}  ({first[name][0]:.1f})")


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    main(given[0] if given else 50_000, given[1] if len(given) > 1 else 20)
