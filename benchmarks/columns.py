"""Columns of a workflow of 1,000 nodes, before it runs: ``python benchmarks/columns.py [NODES]``.

Prints medians of parsing the text, of deriving the columns of all nodes, and of validating it.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from lab import median

import engine
from jupyter_mlws.workspace import Workspace
from mlws.document.parse import parse

PATH = "workflows/big/dvc.yaml"
OUT = "workflows/big/out"
KINDS = (
    ("formula", "{column: ratio, expression: a / b}"),
    ("sort_rows", "{columns: [a]}"),
    ("scale_columns", "{columns: [a, b]}"),
    ("filter_rows", "{column: c, condition: is_not_missing}"),
)
TIMES = 10


def text_of(nodes: int) -> str:
    """A chain of nodes after one file, with settings."""
    variables, stages, before = [], [], "data.csv"
    for number in range(nodes):
        name, out = f"node{number}", f"{OUT}/node{number}.table.parquet"
        kind, settings = ("load_table", "{}") if number == 0 else KINDS[number % len(KINDS)]
        port = "file" if number == 0 else "data"
        variables.append(f"  - {name}: {settings}\n")
        stages.append(
            f"  {name}:\n    wdir: ../..\n    cmd: jupyter mlws node {kind} --{port} {before}"
            f" --table {out} ${{{name}}}\n    deps: [{before}]\n    outs: [{out}]\n"
        )
        before = out
    return "vars:\n" + "".join(variables) + "stages:\n" + "".join(stages)


def measured(call: Callable[[], object]) -> float:
    """Milliseconds of a call, which is the median of some."""
    times = []
    for _ in range(TIMES):
        start = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - start))
    return median(times)


def main(folder: Path, nodes: int) -> None:
    root = folder / "project"
    engine.project(root, ())
    (root / "data.csv").write_text("a,b,c\n1,2.5,x\n3,4.5,y\n")
    manager = Workspace.open(root).workflows
    text = text_of(nodes)
    documents = manager.documents
    document = parse(PATH, text)
    workflow = documents.graph(document)
    start = time.perf_counter()
    columns = documents.columns(workflow)
    print(f"{nodes} nodes; first: {1000 * (time.perf_counter() - start):.0f} ms, the file included")
    assert "ratio" in columns.inputs(f"node{nodes - 1}")["data"][0].columns  # type: ignore[union-attr]
    print(f"columns of all nodes  {measured(lambda: documents.columns(workflow)):6.0f} ms")
    print(f"parsing               {measured(lambda: parse(PATH, text)):6.0f} ms")
    print(f"validation, complete  {measured(lambda: manager.validate(PATH, text)):6.0f} ms")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        main(Path(place), int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
