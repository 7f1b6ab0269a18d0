"""``%%mlws component``: saves a notebook's cell as a file of the project's components."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from jupyter_mlws.components.registry import FOLDER, ask_inspector
from mlws.core.atomic import atomic_write
from mlws.core.i18n import Message

NAME = re.compile(r"[A-Za-z]\w*")
FOOTER = "\n\n# Written by %%mlws component; overwritten each time the cell runs.\n"
"""At the end, so that the line numbers are those of the cell."""


class CellError(Exception):
    """A cell that cannot become a component; ``words`` is the reason."""

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
    """Return the names of a cell's components, which a separate process imports."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, FOLDER, "cell.py")
        file.parent.mkdir()
        # An empty line in place of the magic keeps the line numbers of the cell.
        file.write_text(f"\n{cell}", encoding="utf-8")
        rows = ask_inspector(str(root), str(file))
    fault = next((row["error"] for row in rows if row["error"]), None)
    if fault is not None and "NameError" in fault:
        raise CellError(
            Message(
                "{fault} Components run on their own: import what they need in the cell.",
                fault=fault,
            )
        )
    if fault is not None:
        raise CellError(Message.verbatim(str(fault)))
    if not rows:
        raise CellError(Message("The cell defines no component. Add @component above a function."))
    return [str(row["name"]) for row in rows]
