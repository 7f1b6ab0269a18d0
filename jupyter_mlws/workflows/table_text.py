"""Shows tables as lines of text in git's own diffs, if a user turns that on for a repository."""

from __future__ import annotations

import io
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from jupyter_mlws.components.table_files import Reading, read_table_file, sheet_names
from jupyter_mlws.git.adapter import Git, decode
from jupyter_mlws.workflows.table_diff import FORMATS, is_table
from mlws.core.errors import MLWSError
from mlws.dvc.cache import StoredObject
from mlws.dvc.data import open_data
from mlws.dvc.pointers import read_pointers

DRIVER = "mlws"
PATTERNS = ("*.parquet", "*.pq", "*.xlsx", "*.dvc")
"""Files that git cannot show as lines, or that name data."""
BEGIN, END = "# jupyter mlws: tables in git diff", "# jupyter mlws: end"
MAX_TEXT_BYTES = 100_000_000
"""Bytes of a larger table, of which only the size is shown."""
MAX_DATA_BYTES = 10_000_000
"""Bytes of a larger table that a ``.dvc`` file names, which is not shown."""


def table_text(file: Path, root: Path | None) -> Iterator[str]:
    """Yield lines of a table, or of a ``.dvc`` file and the table that it names.

    What cannot be read is said in a line: git shows nothing at all if this fails.
    """
    if file.suffix == ".dvc":
        text = file.read_bytes()
        yield from text.decode(errors="replace").splitlines()
        if root is not None:
            yield from _data_text(text, root)
    elif file.stat().st_size > MAX_TEXT_BYTES:
        yield f"({file.stat().st_size:,} bytes)"
    else:
        yield from _rows(file, file.name)


def _data_text(text: bytes, root: Path) -> Iterator[str]:
    for item in read_pointers({"data.dvc": text}):
        if not is_table(item.path) or item.folder or (item.size or 0) > MAX_DATA_BYTES:
            continue
        try:
            with open_data(root) as data:
                entry = data.cache.files_of(item).get("")
                file = entry and data.cache.path_of(StoredObject(entry[0], item))
        except MLWSError:
            continue
        if file and file.is_file():
            yield from _rows(file, item.path)


def _rows(file: Path, name: str) -> Iterator[str]:
    kind = FORMATS.get(PurePosixPath(name).suffix.lower(), "csv")
    if not file.stat().st_size:
        return
    try:
        sheets = sheet_names(file) if kind == "excel" else [""]
        for sheet in sheets:
            table = read_table_file(file, Reading(format=kind, sheet=sheet))  # type: ignore[arg-type]
            if len(sheets) > 1:
                yield f"# {sheet}"
            lines = io.StringIO()
            table.to_csv(lines, index=table.index.name is not None, lineterminator="\n")
            yield from lines.getvalue().splitlines()
    except Exception as error:  # noqa: BLE001  of whichever reader: the file is no table
        yield f"(not a table: {' '.join(str(error).split())[:200]})"


def install(git: Git) -> Path:
    """Let git show tables as text in this clone; return the file with the attributes."""
    remove(git)
    # Without -P, modules of the repository would shadow those of Python.
    command = f"{shlex.quote(sys.executable)} -P -m jupyter_mlws data textconv"
    git.run("config", "--local", f"diff.{DRIVER}.textconv", command)
    file = _attributes(git)
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    separator = "" if not text or text.endswith("\n") else "\n"
    lines = [BEGIN, *(f"{pattern} diff={DRIVER}" for pattern in PATTERNS), END, ""]
    file.parent.mkdir(exist_ok=True)
    file.write_text(text + separator + "\n".join(lines), encoding="utf-8")
    return file


def remove(git: Git) -> Path:
    """Undo :func:`install`; return the file with the attributes."""
    git.run("config", "--local", "--remove-section", f"diff.{DRIVER}", codes=(0, 1, 128))
    file = _attributes(git)
    if file.exists():
        lines, is_ours = [], False
        for line in file.read_text(encoding="utf-8").splitlines(keepends=True):
            is_ours = is_ours or line.strip() == BEGIN
            if not is_ours:
                lines.append(line)
            is_ours = is_ours and line.strip() != END
        if lines:
            file.write_text("".join(lines), encoding="utf-8")
        else:
            file.unlink()
    return file


def _attributes(git: Git) -> Path:
    return git.root / decode(git.run("rev-parse", "--git-path", "info/attributes")).rstrip("\n")
