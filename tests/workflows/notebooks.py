"""Notebooks for tests, written as people write them: a text a cell."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PYTHON = {"name": "python3", "display_name": "Python 3", "language": "python"}


def cell(source: str, *tags: str, kind: str = "code") -> dict[str, Any]:
    """A cell as files hold it."""
    made: dict[str, Any] = {
        "cell_type": kind,
        "metadata": {"tags": list(tags)} if tags else {},
        "source": source.splitlines(keepends=True),
    }
    return {**made, "execution_count": None, "outputs": []} if kind == "code" else made


def notebook(
    *cells: str | dict[str, Any], kernel: dict[str, Any] | None = None, minor: int = 4
) -> str:
    """The text of a notebook file."""
    made = [one if isinstance(one, dict) else cell(one) for one in cells]
    if minor >= 5:
        made = [{**one, "id": f"c{n}"} for n, one in enumerate(made)]
    metadata = {"kernelspec": kernel or PYTHON}
    return json.dumps({"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": minor})


def outputs(path: Path) -> Sequence[Any]:
    """The outputs of all code cells, without their numbers."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [
        {key: value for key, value in output.items() if key != "execution_count"}
        for one in cells
        for output in one.get("outputs", ())
    ]
