"""Documents that several people edit at once, where jupyter-collaboration is installed.

Its server holds what they see, ahead of the file; outputs are put in there, beside their edits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jupyter_mlws.notebooks.documents import cell_id

EXTENSION = "jupyter_server_ydoc"


async def shared_document(extensions: Any, path: str) -> Any | None:
    """Return the live document of a notebook; None if it is not open or not shared."""
    apps = extensions.extension_apps.get(EXTENSION)
    if not apps:
        return None
    (app,) = apps
    return await app.get_document(
        path=path, content_type="notebook", file_format="json", copy=False
    )


def fill_shared(document: Any, ran: Mapping[str, tuple[list[Any], int | None]]) -> None:
    """Put outputs and counts into the cells, in one transaction that changes nothing else."""
    # Brought along by the extension whose document this is.
    from pycrdt import Map, Text

    with document.ydoc.transaction():
        for position, cell in enumerate(document.ycells, 1):
            result = ran.get(cell_id(cell, position))
            if result is None or cell["cell_type"] != "code":
                continue
            outputs, cell["execution_count"] = result
            cell_outputs = cell["outputs"]
            cell_outputs.clear()
            for output in outputs:
                facts = dict(output)
                if facts["output_type"] == "stream":
                    facts["text"] = Text(facts["text"])
                cell_outputs.append(Map(facts))
