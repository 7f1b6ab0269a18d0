"""Takes out of an executed notebook what differs between equal runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

ADDRESS = re.compile(r"\b0x[0-9a-f]{8,16}\b")
"""Where an object was in memory: nothing after its process has ended."""
ANYWHERE = "0x…"
KERNEL_FILE = re.compile(r"\S*ipykernel_\d+[/\\](\d+)\.py")
"""A cell's name in warnings and tracebacks, which has the process's number in it."""
VARYING = ("execution", "papermill", "ExecuteTime", "widgets")
TEXTS = ("text/plain", "text/html", "text/markdown", "text/latex")


def clean(notebook: Any) -> None:
    """Strip times and identities of the run; what the cells computed stays as it is."""
    for name in VARYING:
        notebook.metadata.pop(name, None)
    for cell in notebook.cells:
        for name in VARYING:
            cell.metadata.pop(name, None)
        if cell.cell_type == "code":
            cell.outputs = list(_outputs(cell.outputs))


def _outputs(outputs: list[Any]) -> Iterator[Any]:
    for output in outputs:
        output.pop("transient", None)
        if output.output_type == "stream":
            output["text"] = _settled(output["text"])
        for kind in TEXTS:
            if isinstance(output.get("data", {}).get(kind), str):
                output["data"][kind] = _settled(output["data"][kind])
        yield output


def _settled(text: str) -> str:
    return KERNEL_FILE.sub(r"ipykernel/\1.py", ADDRESS.sub(ANYWHERE, text))
