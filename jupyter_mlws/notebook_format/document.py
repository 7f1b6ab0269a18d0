"""Parsing, validation and formatting of notebooks as nbformat 4."""

from __future__ import annotations

import copy
import json
from typing import Any

import nbformat as _nbformat
from nbformat.v4 import rwbase

nbformat: Any = _nbformat
rejoin_lines: Any = rwbase.rejoin_lines
MAJOR = 4
WITH_IDS = 5
"""The minor version from which on cells have ids."""
NOISE = ("execution", "ExecuteTime", "collapsed", "scrolled", "papermill")
"""Metadata of cells that describe a run or the view, not the cell."""


class NotANotebookError(Exception):
    """The text is not a notebook that nbformat can read."""


def parse(text: bytes | None) -> Any:
    """Return the notebook of ``text``; an empty one for None. Raises :class:`NotANotebookError`."""
    if text is None:
        return nbformat.v4.new_notebook()
    try:
        document = nbformat.from_dict(json.loads(text))
        if document.get("nbformat") != MAJOR:
            document = nbformat.convert(document, MAJOR)
        document = rejoin_lines(document)
        for cell in document.cells:
            cell.setdefault("metadata", nbformat.from_dict({}))
            if not isinstance(cell.source, str) or not isinstance(cell.cell_type, str):
                raise NotANotebookError("a cell's source is not text")
    except NotANotebookError:
        raise
    except RecursionError as error:
        raise NotANotebookError("it is nested too deeply") from error
    except Exception as error:
        # nbformat reports bad input by every kind of error.
        raise NotANotebookError(f"{type(error).__name__}: {error}"[:300]) from error
    return document


def check(document: Any) -> None:
    """Raise :class:`NotANotebookError` if ``document`` is not valid."""
    try:
        nbformat.validate(document, relax_add_props=True)
    except nbformat.ValidationError as error:
        raise NotANotebookError(str(error).splitlines()[0][:300]) from error
    ids = [cell["id"] for cell in document.cells if "id" in cell]
    if len(ids) != len(set(ids)):
        raise NotANotebookError("two cells have the same ID")


def write(document: Any) -> bytes:
    """Return the text of a notebook as Jupyter writes it."""
    text: str = nbformat.writes(document, version=nbformat.NO_CONVERT)
    return text.rstrip("\n").encode() + b"\n"


def without_outputs(document: Any) -> Any:
    """Return a copy with source, attachments and the metadata that users set."""
    cells = [
        {key: value for key, value in cell.items() if key != "outputs"} for cell in document.cells
    ]
    bare = nbformat.from_dict(copy.deepcopy({**document, "cells": cells}))
    for cell in bare.cells:
        cell.metadata = without_noise(cell.metadata)
        if cell.cell_type == "code":
            cell.outputs = []
            cell.execution_count = None
    return bare


def without_noise(metadata: Any) -> Any:
    """Return a cell's metadata without that of a run or the view."""
    return nbformat.from_dict({key: value for key, value in metadata.items() if key not in NOISE})
