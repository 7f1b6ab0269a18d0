"""Merging a notebook with large outputs: ``python benchmarks/notebook_merge.py [TIMES]``.

Both sides edit 15 cells, append five and insert one, and have had all ids regenerated. Times are
those of :func:`merge_notebooks`, start of its process and all, and of the comparison of two.
"""

from __future__ import annotations

import copy
import random
import statistics
import sys
import time
from typing import Any

import nbformat
from nbformat import v4

from jupyter_mlws.notebook_format.process import compare_notebooks, merge_notebooks

CELLS = 100
OUTPUT = 200_000


def main(times: int) -> None:
    figure = v4.new_output("display_data", {"image/png": "A" * OUTPUT, "text/plain": "figure"})
    base = v4.new_notebook(
        cells=[
            v4.new_code_cell(f"a{n} = load({n})\nprint(a{n})\nplot(a{n})", outputs=[figure])
            for n in range(CELLS)
        ]
    )
    texts = [_text(base), *(_text(_side(base, name)) for name in ("ours", "theirs"))]
    took: dict[str, list[float]] = {"merge": [], "compare": []}
    for _ in range(times):
        begun = time.perf_counter()
        merged = merge_notebooks(*texts)
        took["merge"].append(time.perf_counter() - begun)
        assert merged.conflicts == []
        assert len(nbformat.reads(merged.text.decode(), as_version=4).cells) == CELLS + 12
        begun = time.perf_counter()
        compare_notebooks(texts[0], texts[1])
        took["compare"].append(time.perf_counter() - begun)
    print(f"{CELLS} cells, {len(texts[0]) / 1e6:.1f} MB a notebook, medians of {times}")
    for name, values in took.items():
        print(f"{name:8} {statistics.median(values):.2f} s")


def _side(base: Any, name: str) -> Any:
    drawn = random.Random(name)
    side = copy.deepcopy(base)
    for number in range(0 if name == "ours" else 3, CELLS, 7):
        side.cells[number].source += f"\n{name}({number})"
    side.cells += [v4.new_code_cell(f"{name} new {number}") for number in range(5)]
    side.cells.insert(50, v4.new_markdown_cell(f"# {name}"))
    for cell in side.cells:
        cell["id"] = f"{drawn.getrandbits(32):08x}"
    return side


def _text(document: Any) -> bytes:
    text: str = nbformat.writes(document)
    return text.encode()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
