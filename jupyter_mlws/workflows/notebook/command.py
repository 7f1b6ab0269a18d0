"""``jupyter mlws notebook IN.ipynb --out OUT.ipynb --SETTING value …``: runs one notebook.

Exit codes: 0; 1 if a cell failed (the cell and its traceback are on stderr); 2 for an invalid
command line or a file that is no notebook. IN is not changed. OUT is written after a complete run,
atomically, and is the same for equal runs.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jupyter_mlws.components.node import UsageError, parse
from jupyter_mlws.workflows.notebook.parameters import (
    RESERVED_OPTION,
    TAG,
    NotebookError,
    convert_options,
    language_of,
    parameters_cell,
    schema,
)
from mlws.core.atomic import atomic_write

USAGE = "usage: jupyter mlws notebook IN.ipynb --out OUT.ipynb [--SETTING value ...]"
STOPPED_EXIT_CODE = 143
"""Exit code of a run that SIGTERM ended, by the shell's convention."""
INJECTED_TAG = "injected-parameters"
"""Tag and ID of the cell that sets the values of the command line."""
MEMORY_ADDRESS = re.compile(r"\b0x[0-9a-f]{8,16}\b")
ADDRESS_PLACEHOLDER = "0x…"
KERNEL_FILE = re.compile(r"\S*ipykernel_\d+[/\\](\d+)\.py")
"""Name of a cell in warnings and tracebacks, which contains the process id."""
VOLATILE_METADATA = ("execution", "papermill", "ExecuteTime", "widgets")
TEXT_MIME_TYPES = ("text/plain", "text/html", "text/markdown", "text/latex")


def main(argv: Sequence[str]) -> int:
    """Run one notebook; return the exit code."""
    if not argv or "-h" in argv or "--help" in argv:
        print(USAGE)  # noqa: T201
        return 0 if argv else 2
    try:
        if argv[0].startswith("-"):
            raise UsageError(f"specify the notebook first; {USAGE}")
        options = parse(argv[1:])
        outs = options.pop(RESERVED_OPTION, [])
        if len(outs) != 1:
            raise UsageError("--out needs the path of the executed notebook")
        source, out = Path(argv[0]), Path(outs[0])
        if out.exists() and out.samefile(source):
            raise UsageError("--out must not be the notebook itself")
        return _run(source, out, options)
    except (UsageError, NotebookError, OSError) as error:
        return _fail(2, f"{argv[0]}: {error}")


def _run(source: Path, out: Path, options: dict[str, list[str]]) -> int:
    import nbformat

    from jupyter_mlws.workflows.notebook.execution import CellError, execute
    from jupyter_mlws.workflows.notebook.reading import read_notebook

    notebook = read_notebook(source)
    inject(notebook, values_of(notebook, options))
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    try:
        execute(notebook, source.resolve().parent, sys.stdout, sys.stderr)
    except KeyboardInterrupt:
        return _fail(STOPPED_EXIT_CODE, f"{source}: stopped")
    except CellError as error:
        return _fail(1, f"{source}: {error}", error.traceback)
    clean(notebook)
    out.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(out, nbformat.writes(notebook) + "\n")  # type: ignore[no-untyped-call]
    return 0


def values_of(notebook: Any, options: dict[str, list[str]]) -> dict[str, Any]:
    """Return the values that the command line sets.

    :class:`UsageError` for a name that is not a parameter of the notebook.
    """
    json_schema = schema(notebook)
    values = convert_options(json_schema["properties"], options)
    unknown = [name for name in values if name not in json_schema["properties"]]
    if unknown and not json_schema["additionalProperties"]:
        if parameters_cell(notebook) is None:
            raise UsageError(f"--{unknown[0]}: the notebook has no cell tagged {TAG!r}")
        names = ", ".join(json_schema["properties"]) or "none"
        raise UsageError(f"--{unknown[0]}: the notebook's parameters are: {names}")
    return values


def inject(notebook: Any, values: dict[str, Any]) -> None:
    """Insert a cell that sets ``values`` after the one tagged ``parameters``, as papermill does."""
    import nbformat

    cells = [cell for cell in notebook.cells if INJECTED_TAG not in cell.metadata.get("tags", ())]
    place = next((n for n, c in enumerate(cells) if TAG in c.metadata.get("tags", ())), -1)
    if values:
        from papermill.exceptions import PapermillException
        from papermill.translators import translate_parameters

        kernel = notebook.metadata.get("kernelspec", {}).get("name", "python3")
        language = language_of(notebook)
        try:
            # papermill's name of R is a capital.
            code = translate_parameters(kernel, "R" if language == "r" else language, values)
        except PapermillException as error:
            raise UsageError(str(error)) from error
        cell = nbformat.v4.new_code_cell(str(code))  # type: ignore[no-untyped-call]
        cell.update(id=INJECTED_TAG, metadata={"tags": [INJECTED_TAG]})
        cells.insert(place + 1, cell)
    notebook.cells = cells


def clean(notebook: Any) -> None:
    """Remove what differs between equal runs: times, process ids and memory addresses."""
    for name in VOLATILE_METADATA:
        notebook.metadata.pop(name, None)
    for cell in notebook.cells:
        for name in VOLATILE_METADATA:
            cell.metadata.pop(name, None)
        for output in cell.outputs if cell.cell_type == "code" else ():
            output.pop("transient", None)
            if output.output_type == "stream":
                output["text"] = _normalize_text(output["text"])
            for kind in TEXT_MIME_TYPES:
                if isinstance(output.get("data", {}).get(kind), str):
                    output["data"][kind] = _normalize_text(output["data"][kind])


def _normalize_text(text: str) -> str:
    return KERNEL_FILE.sub(r"ipykernel/\1.py", MEMORY_ADDRESS.sub(ADDRESS_PLACEHOLDER, text))


def _fail(code: int, message: str, details: str = "") -> int:
    sys.stdout.flush()
    print(f"{details}\njupyter mlws notebook: {message}".lstrip(), file=sys.stderr)  # noqa: T201
    return code
