"""Reads notebooks in nbformat's newest version, with stable cell ids."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jupyter_mlws.workflows.notebook.parameters import NotebookError, read
from mlws.core.i18n import Message

VERSION = 4
MINOR = 5
"""The first minor version whose cells have ids."""


def read_notebook(path: Path) -> Any:
    """Read a file as an nbformat node; :class:`NotebookError` if it is not a notebook."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise NotebookError(Message.verbatim(str(error.strerror))) from error
    return as_node(read(data))


def as_node(data: dict[str, Any]) -> Any:
    """Convert a parsed notebook to an nbformat node.

    ``data`` is the result of :func:`~jupyter_mlws.workflows.notebook.parameters.read`.
    """
    import nbformat

    major, minor = data["nbformat"], data.get("nbformat_minor", 0)
    has_ids = (major, minor) >= (VERSION, MINOR)
    try:
        # Read as text: files hold sources as lists of lines.
        node = nbformat.reads(json.dumps(data), nbformat.NO_CONVERT)  # type: ignore[no-untyped-call]
        if major != VERSION:
            node = nbformat.convert(node, VERSION)  # type: ignore[no-untyped-call]
        for number, cell in enumerate(node.cells):
            if not has_ids or "id" not in cell:
                # nbformat would choose a random one.
                cell["id"] = f"cell-{number + 1}"
        node.nbformat_minor = max(MINOR, node.get("nbformat_minor", 0))
    except (KeyError, AttributeError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0]
        words = Message("it is not a valid notebook: {reason}", reason=reason)
        raise NotebookError(words) from error
    return node
