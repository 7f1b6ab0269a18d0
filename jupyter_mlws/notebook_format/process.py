"""Client of the process that compares and merges notebooks, with a time limit."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

LIMIT = 30.0
"""Seconds for one notebook. One of 100 cells takes well under two."""
CellChoice = str | dict[str, str]
"""The resolution of a cell's conflict: a side, ``both``, or ``{"source": …}``."""


@dataclass(frozen=True)
class MergedNotebook:
    """A merged notebook: ``text`` is valid nbformat, ``conflicts`` are ids of cells.

    Cells in conflict hold both sides between markers. ``rows`` has all cells side by side.
    """

    text: bytes
    conflicts: list[str]
    rows: list[dict[str, Any]]


class NotebookRefusedError(Exception):
    """The input is not a notebook, or the time limit is exceeded."""


def merge_notebooks(
    base: bytes | None,
    ours: bytes | None,
    theirs: bytes | None,
    choices: Mapping[str, CellChoice] | None = None,
    *,
    limit: float = LIMIT,
) -> MergedNotebook:
    """Merge three versions into one notebook; see :func:`.merging.merge`."""
    head = {"action": "merge", "choices": dict(choices or {})}
    answer, texts = _ask(head, [base, ours, theirs], limit)
    return MergedNotebook(texts[0] or b"", answer["conflicts"], answer["rows"])


def compare_notebooks(
    old: bytes | None, new: bytes | None, *, limit: float = LIMIT
) -> list[dict[str, Any]]:
    """Return the cells of two versions; see :func:`.diffing.diff`."""
    rows: list[dict[str, Any]] = _ask({"action": "diff"}, [old, new], limit)[0]["rows"]
    return rows


def check_notebook(text: bytes, *, limit: float = LIMIT) -> None:
    """Raise :class:`NotebookRefusedError` if ``text`` is not a valid notebook."""
    _ask({"action": "check"}, [text], limit)


def _ask(
    head: dict[str, Any], texts: list[bytes | None], limit: float
) -> tuple[dict[str, Any], list[bytes | None]]:
    command = [sys.executable, "-m", "jupyter_mlws.notebook_format.worker"]
    try:
        process = subprocess.run(
            command,
            input=pack(head, texts),
            # Not in the project's folder, whose files Python would take for its own modules.
            cwd=Path(sys.executable).parent,
            capture_output=True,
            timeout=limit,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotebookRefusedError(f"timed out after {limit:g} s") from None
    if process.returncode != 0:
        lines = process.stderr.decode(errors="replace").strip().splitlines()
        raise NotebookRefusedError(lines[-1] if lines else f"exit code {process.returncode}")
    answer, results = read(io.BytesIO(process.stdout))
    if "refused" in answer:
        raise NotebookRefusedError(answer["refused"])
    return answer, results


def read(stream: BinaryIO) -> tuple[dict[str, Any], list[bytes | None]]:
    """Read a line of JSON and the texts behind it, whose lengths the line holds."""
    head: dict[str, Any] = json.loads(stream.readline())
    lengths = head.pop("lengths")
    return head, [None if length is None else stream.read(length) for length in lengths]


def pack(head: dict[str, Any], texts: Sequence[bytes | None]) -> bytes:
    """Return the message that :func:`read` reads."""
    lengths = [None if text is None else len(text) for text in texts]
    line = json.dumps({**head, "lengths": lengths}).encode()
    return b"".join([line, b"\n", *(text or b"" for text in texts)])
