"""Takes out of an executed notebook what differs between equal runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

MEMORY_ADDRESS = re.compile(r"\b0x[0-9a-f]{8,16}\b")
"""Where an object was in memory: nothing after its process has ended."""
ADDRESS_PLACEHOLDER = "0x…"
KERNEL_FILE = re.compile(r"\S*ipykernel_\d+[/\\](\d+)\.py")
"""A cell's name in warnings and tracebacks, which has the process's number in it."""
VOLATILE_METADATA = ("execution", "papermill", "ExecuteTime", "widgets")
TEXT_MIME_TYPES = ("text/plain", "text/html", "text/markdown", "text/latex")


def clean(notebook: Any) -> None:
    """Strip times and identities of the run; what the cells computed stays as it is."""
    for name in VOLATILE_METADATA:
        notebook.metadata.pop(name, None)
    for cell in notebook.cells:
        for name in VOLATILE_METADATA:
            cell.metadata.pop(name, None)
        if cell.cell_type == "code":
            cell.outputs = list(_clean_outputs(cell.outputs))


def _clean_outputs(outputs: list[Any]) -> Iterator[Any]:
    for output in outputs:
        output.pop("transient", None)
        if output.output_type == "stream":
            output["text"] = _normalize_text(output["text"])
        for kind in TEXT_MIME_TYPES:
            if isinstance(output.get("data", {}).get(kind), str):
                output["data"][kind] = _normalize_text(output["data"][kind])
        yield output


def _normalize_text(text: str) -> str:
    return KERNEL_FILE.sub(r"ipykernel/\1.py", MEMORY_ADDRESS.sub(ADDRESS_PLACEHOLDER, text))
