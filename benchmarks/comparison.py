"""Table and chart of the engine beside other tools, in docs/benchmarks.md: ``make benchmark``.

``python benchmarks/comparison.py [--stages 300] [--tools make,luigi,…]`` runs the same graph of
commands with each tool, which is installed from the package index into an environment of its own,
and writes `peers.json`, the table and the chart. Run it on an idle machine: the load before the
first run is written beside the numbers. ``--draw`` only writes table and chart, from `peers.json`.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import peers

import engine

DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS / "benchmarks.md"
RESULTS = DOCS / "_static" / "benchmarks" / "peers.json"
CHART = RESULTS.with_suffix(".svg")
BEGIN, END = "<!-- written by: make benchmark -->\n", "<!-- end -->\n"
OURS = "jupyter-mlws"
PEERS = {peer.name: peer for peer in peers.PEERS}
NAMES = (OURS, "dvc repro", *PEERS)
ROUNDS = 3
GRAY = "#7d858f"
"""Text and other tools: readable on a white and on a dark page."""
BLUE = "#2f86eb"


def measure(stages: int, names: Sequence[str]) -> dict[str, Any]:
    """Run the graph with each tool; the results, as they are stored."""
    load = round(os.getloadavg()[0], 1)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for tool in names:
            row: dict[str, Any] = {"tool": tool}
            try:
                row |= {"ms": _run(tool, folder, stages), "version": _version(tool)}
            except (subprocess.SubprocessError, OSError) as error:
                row["error"] = f"could not be run: {error}"
            rows.append(row)
            print(json.dumps(row), file=sys.stderr)
    return {
        "date": datetime.date.today().isoformat(),
        "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}",
        "load": str(load),
        "stages": stages,
        "jobs": engine.JOBS,
        "rows": rows,
    }


def _run(tool: str, folder: Path, stages: int) -> float:
    """Return the milliseconds a stage of the first run."""
    if tool == "dvc repro":
        return 1000 * engine.repro(engine.fresh(folder, stages, "dvc")) / stages
    run: Callable[[int], float]
    if tool == OURS:

        def run(number: int) -> float:
            return engine.ours(engine.fresh(folder, stages, f"ours{number}"))

    else:
        peer = PEERS[tool]

        def run(number: int) -> float:
            root = folder / f"{tool}{number}"
            (root / "out").mkdir(parents=True)
            (root / "in.txt").write_text("1\n")
            peer.write(root, engine.graph(stages))
            return engine.call(peer.command(root, engine.JOBS), root)

    return 1000 * statistics.median(run(number) for number in range(ROUNDS)) / stages


def _version(tool: str) -> str:
    if tool in (OURS, "dvc repro"):
        return version(OURS if tool == OURS else "dvc")
    peer = PEERS[tool]
    if peer.packages:
        code = f"import importlib.metadata as m; print(m.version({peer.packages[0]!r}))"
        command = [str(peer.python()), "-c", code]
    else:
        command = [tool, "--version"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return output.split("\n")[0].split()[-1]


def table(results: dict[str, Any]) -> str:
    """Return the table with its conditions, as Markdown: code, which no language translates."""
    rows = "\n".join(
        f"| `{' '.join([row['tool'], row.get('version', '')]).strip()}` | {_cell(row)} |"
        for row in results["rows"]
    )
    return (
        f"`{results['date']}, {results['machine']}, load {results['load']}`\n\n"
        f"| {results['stages']} no-op stages, `-j{results['jobs']}`, first run | ms per stage |\n"
        f"|---|---|\n{rows}\n\n"
        f"![Milliseconds per stage of each tool](_static/benchmarks/peers.svg)\n"
    )


def _cell(row: dict[str, Any]) -> str:
    return f"{row['ms']:.1f}" if "ms" in row else str(row["error"])


def insert(page: str, text: str) -> str:
    """Return the page with another table."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


def draw(results: dict[str, Any], file: Path) -> None:
    """Write the chart: a bar for each tool, the fastest on top."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    # The same file for the same numbers.
    mpl.rcParams["svg.hashsalt"] = file.name
    mpl.rcParams["svg.fonttype"] = "none"
    rows = sorted((row for row in results["rows"] if "ms" in row), key=lambda row: -row["ms"])
    figure = Figure(figsize=(7, 0.4 * len(rows) + 0.8), layout="constrained")
    axes = figure.subplots()
    bars = axes.barh(
        [row["tool"] for row in rows],
        [row["ms"] for row in rows],
        color=[BLUE if row["tool"] == OURS else GRAY for row in rows],
    )
    axes.bar_label(bars, [f"{row['ms']:.1f}" for row in rows], padding=4, color=GRAY)
    axes.set_xscale("log")
    axes.margins(x=0.15)
    axes.set_xlabel("milliseconds per stage, logarithmic", color=GRAY)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.tick_params(which="both", colors=GRAY)
    axes.spines[:].set_visible(False)
    figure.savefig(file, transparent=True, metadata={"Date": None})


def main() -> None:
    """Measure, store, and write table and chart."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--stages", type=int, default=engine.DVC_MOST)
    parser.add_argument("--tools", default=",".join(NAMES))
    parser.add_argument("--draw", action="store_true", help="write the stored results only")
    parser.add_argument("--output", type=Path, help="write to this folder and not to docs/")
    options = parser.parse_args()
    tools = options.tools.split(",")
    if unknown := [tool for tool in tools if tool not in NAMES]:
        parser.error(f"unknown tools: {', '.join(unknown)}. Choose from: {', '.join(NAMES)}")
    folder = options.output or RESULTS.parent
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / RESULTS.name
    if not options.draw:
        results = measure(options.stages, tools)
        file.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    results = json.loads(file.read_text(encoding="utf-8"))
    draw(results, folder / CHART.name)
    if options.output:
        (folder / "peers.md").write_text(table(results), encoding="utf-8")
    else:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(insert(page, table(results)), encoding="utf-8")


if __name__ == "__main__":
    main()
