"""A snapshot of changed code and data, against the same by hand: git, `dvc add`, `dvc push`.

``python benchmarks/snapshots.py [--files 200] [--rounds 5]`` prints a table. Half of the files are
code, half lie in a folder of data; each round changes all of them. Warm: our side is a server's
manager that has made a snapshot before; by hand is a shell, as a person has one, with each command
run once before. Run it on a quiet machine.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from jupyter_mlws.projects.setup import initialize
from jupyter_mlws.versioning.data.datasets import DatasetManager
from jupyter_mlws.workspace import Workspace

QUIET = {"DVC_NO_ANALYTICS": "1"}
SIZE = 20_000
"""Bytes of a file of data."""


def call(root: Path, *command: str) -> None:
    subprocess.run(
        command,
        cwd=root,
        check=True,
        env={**os.environ, **QUIET},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def dvc(root: Path, *arguments: str) -> None:
    call(root, sys.executable, "-m", "dvc", *arguments)


def make(root: Path, remote: Path, files: int) -> None:
    """A project with code, a folder of data and a remote, all committed."""
    root.mkdir()
    initialize(root)
    call(root, "git", "config", "user.name", "Benchmark")
    call(root, "git", "config", "user.email", "benchmark@example.com")
    dvc(root, "remote", "add", "-d", "store", str(remote))
    change(root, files, 0)
    workspace = Workspace.open(root)
    datasets: DatasetManager = workspace.datasets
    datasets.add("data")
    workspace.snapshots.create("Begin")
    workspace.close()


def change(root: Path, files: int, number: int) -> None:
    """New content for all files."""
    chance = random.Random(number)
    for folder in ("code", "data"):
        (root / folder).mkdir(exist_ok=True)
    for name in range(files // 2):
        (root / "code" / f"{name}.py").write_text(f"print({number}, {name})\n" * 50)
        (root / "data" / f"{name}.bin").write_bytes(chance.randbytes(SIZE))


def by_hand(root: Path) -> None:
    """What a person types for the same."""
    dvc(root, "add", "data")
    call(root, "git", "add", "-A")
    call(root, "git", "commit", "-qm", "By hand")
    dvc(root, "push")


def measure(root: Path, files: int, rounds: int, work: Callable[[], None]) -> list[float]:
    """Seconds of each round; one more goes before, for the caches."""
    took = []
    for number in range(rounds + 1):
        change(root, files, random.randrange(1 << 30))
        # A file that was written just now is looked at again by git and by us.
        time.sleep(2.1)
        began = time.perf_counter()
        work()
        if number:
            took.append(time.perf_counter() - began)
    return took


def main() -> None:
    """Measure both and print them side by side."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        rows = []
        make(place / "hand", place / "remote-hand", asked.files)
        work = lambda: by_hand(place / "hand")  # noqa: E731
        took = measure(place / "hand", asked.files, asked.rounds, work)
        rows.append(("dvc add, git commit, dvc push", took))
        make(place / "ours", place / "remote-ours", asked.files)
        workspace = Workspace.open(place / "ours")
        took = measure(
            place / "ours",
            asked.files,
            asked.rounds,
            lambda: workspace.snapshots.create("Ours") and None,
        )
        workspace.close()
        rows.append(("snapshot (stored, sent, verified)", took))
    print(f"| {asked.files} changed files, half of them data | median s | lowest | highest |")
    print("|---|---|---|---|")
    for name, seconds in rows:
        middle, low, high = statistics.median(seconds), min(seconds), max(seconds)
        print(f"| {name} | {middle:.2f} | {low:.2f} | {high:.2f} |")


if __name__ == "__main__":
    main()
