"""Process that imports a project's components and prints their declarations.

``python -m jupyter_mlws.components.inspector ROOT FILE…`` or ``… --packages``.
"""

from __future__ import annotations

import json
import sys
import traceback
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from jupyter_mlws.components.declaration import describe, find_components
from jupyter_mlws.components.registry import (
    ENTRY_POINT_GROUP,
    FOLDER,
    error_row,
    library,
    load_file,
)


def main(arguments: list[str]) -> int:
    """Print the components as a JSON list; output of the imported code goes to stderr."""
    answer, sys.stdout = sys.stdout, sys.stderr
    if arguments == ["--packages"]:
        rows = []
        for entry in entry_points(group=ENTRY_POINT_GROUP):
            try:
                functions = find_components(entry.load()).values()
                rows += [describe(f, "library").model_dump(mode="json") for f in functions]
            except Exception as error:  # noqa: BLE001  another package's code
                reason = f"{type(error).__name__}: {error}"
                rows.append(error_row(entry.value, reason) | {"name": entry.name, "path": None})
    else:
        root = Path(arguments[0])
        rows = [row for name in arguments[1:] for row in _describe_file(root, Path(name))]
    json.dump(rows, answer, ensure_ascii=True)
    return 0


def _describe_file(root: Path, file: Path) -> list[dict[str, Any]]:
    path = Path(FOLDER, file.name).as_posix()
    try:
        functions = find_components(load_file(root, file)).values()
        components = [describe(function, "project") for function in functions]
    except Exception as error:  # noqa: BLE001  the user's own code
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == str(file)]
        if isinstance(error, SyntaxError):
            lines = [error.lineno]
        where = f"line {lines[-1]}: " if lines else ""
        return [error_row(path, f"{where}{type(error).__name__}: {error}")]
    library_names = {component.name for component in library()}
    return [
        error_row(path, f"the library has a component {component.name!r} already; rename yours")
        if component.name in library_names
        else component.model_copy(update={"path": path}).model_dump(mode="json")
        for component in components
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
