"""A plan against `dvc status` of the same stages: ``python benchmarks/plan.py [STAGES]``.

A plan tells which stages would run and why, which is what people ask `dvc status` for. Prints the
medians of `jupyter mlws plan`, of `GET …/plan` by a running server, and of `dvc status`: before the
first run, when nothing has changed since, and when a file that ten stages read has changed.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from lab import Lab, median, serving
from limits import load, timed

import engine

STAGES = 300
TIMES = 5
PLAN = "workflows/dvc.yaml/plan"


async def main(folder: Path, size: int) -> None:
    root = folder / "project"
    engine.project(root, engine.graph(size))
    print(f"{size} stages, medians of {TIMES} in ms; load {load()}\n")
    print("| | to run | `dvc status` | `jupyter mlws plan` | | `GET …/plan` | |")
    print("|---|---|---|---|---|---|---|")
    async with serving(root) as lab:
        await compare(lab, root, "never run")
        engine.ours(root)
        await compare(lab, root, "nothing changed")
        (root / "in.txt").write_text("2\n")
        await compare(lab, root, "the file changed that the first ten read")


async def compare(lab: Lab, root: Path, state: str) -> None:
    """A row of the table."""
    program = str(Path(sys.executable).with_name("jupyter-mlws"))
    theirs = repeated(root, sys.executable, "-m", "dvc", "status")
    ours = repeated(root, program, "plan")
    asked = median([await timed(lab.ask(PLAN)) for _ in range(TIMES)])
    summary = (await lab.ask(PLAN))["summary"]
    cells = [f"{state} | {summary['run']} | {theirs:.0f}"]
    cells += [f"{took:.0f} | {theirs / took:.0f} ×" for took in (ours, asked)]
    print(f"| {' | '.join(cells)} |", flush=True)


def repeated(root: Path, *command: str) -> float:
    """Milliseconds of a command, which is the median of some."""
    return median([1000 * engine.call(command, root) for _ in range(TIMES)])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        asyncio.run(main(Path(place), int(sys.argv[1]) if len(sys.argv) > 1 else STAGES))
