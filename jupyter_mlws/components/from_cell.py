"""``%%mlws component``: a notebook's cell becomes a file of the project's components."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

from jupyter_mlws.components.registry import FOLDER, ask_inspector
from jupyter_mlws.core.atomic import atomic_write
from jupyter_mlws.core.i18n import Message

NAME = re.compile(r"[A-Za-z]\w*")
FOOTER = "\n\n# Written by %%mlws component; overwritten each time the cell runs.\n"
"""At the end, so that the lines keep their numbers."""


class CellError(Exception):
    """A cell that cannot become a component; ``words`` say why."""

    def __init__(self, words: Message) -> None:
        super().__init__(words.en)
        self.words = words


def save_cell(root: Path, cell: str, name: str | None = None) -> tuple[Path, list[str]]:
    """Write a cell to ``components/NAME.py``; return the file and the names of its components.

    The default name is that of the first component. The cell is first run in a separate
    process. Raises :class:`CellError`, and writes nothing, if the cell declares no component or
    cannot be run by itself, or if the file was not written by this function.
    """
    if name is not None and not NAME.fullmatch(name):
        raise CellError(
            Message(
                "{name!r} can't be a file name. Use letters, digits and _; start with a letter.",
                name=name,
            )
        )
    component_names = _inspect_cell(root, cell)
    file = root / FOLDER / f"{name or component_names[0]}.py"
    if file.exists() and not file.read_text(encoding="utf-8").endswith(FOOTER):
        relative_path = file.relative_to(root).as_posix()
        raise CellError(
            Message(
                "{shown} was not created from a cell and is not overwritten. Use another name.",
                shown=relative_path,
            )
        )
    file.parent.mkdir(exist_ok=True)
    atomic_write(file, cell.rstrip("\n") + FOOTER)
    return file, component_names


def _inspect_cell(root: Path, cell: str) -> list[str]:
    """Return the names of a cell's components, as a separate process finds them."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, FOLDER, "cell.py")
        file.parent.mkdir()
        # A line of the notebook's cell is a line of the file: the first holds the magic.
        file.write_text(f"\n{cell}", encoding="utf-8")
        rows = ask_inspector(str(root), str(file))
    faults = [row["error"] for row in rows if row["error"]]
    if faults:
        raise CellError(_message(faults[0]))
    if not rows:
        raise CellError(Message("The cell defines no component. Add @component above a function."))
    return [str(row["name"]) for row in rows]


def _message(fault: Any) -> Message:
    if "NameError" in fault:
        return Message(
            "{fault} Components run on their own: import what they need in the cell.", fault=fault
        )
    return Message.verbatim(str(fault))
