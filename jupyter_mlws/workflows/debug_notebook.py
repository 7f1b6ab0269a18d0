"""Writes a notebook that repeats a node of a run with the same code and inputs, to debug it."""

from __future__ import annotations

import json
import os
import posixpath
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mlws.components.models import Component
from jupyter_mlws.components.registry import FOLDER as COMPONENTS
from jupyter_mlws.components.registry import PROJECT_MODULES
from jupyter_mlws.workflows.document import settings
from mlws.core.atomic import atomic_write
from mlws.core.i18n import Message
from mlws.document.parse import Stage
from mlws.dvc.native.objects import md5_of, object_path

FOLDER = "debug"
"""Directory in the project, with a `.gitignore` for all its files."""

HEAD = Message(
    "# {node}\n\nThis node as it was in run {run} of {workflow}, with the same settings and "
    "inputs. Find the error here and fix it in the original code. Then choose *Resume* on "
    "the canvas or run `%mlws resume {run}`."
)
ERROR_TEXT = Message("\n\nError: {message}")
INPUTS = Message("Inputs")
SETTINGS = Message("Settings")
CODE = Message("Code from {file}")
BREAKPOINT = Message(
    "To stop in the code, run the cells above, enable the debugger, open `{module}` from *Kernel "
    "Sources* in its panel, click to the left of a line number, and run the cell below. "
    "After a change of the file, run the cell above again."
)
CALL = Message("Run the node")
DEBUG_HINT = Message("After an error, run `%debug` to open the debugger where it was raised.")


@dataclass(frozen=True)
class DebugTarget:
    """A node of a run. ``made``: hashes of the files that the nodes of the run wrote, by path."""

    run: str
    workflow: str
    stage: Stage
    component: Component | None
    message: Message | None
    made: Mapping[str, str | None]


class Debugger:
    """Writes debug notebooks to a project's ``debug/``, in one language. Thread-safe."""

    def __init__(self, root: Path, language: str) -> None:
        self._root = root
        self._language = language

    def write(self, target: DebugTarget) -> str:
        """Write the notebook unless it exists; return its path from the project's root."""
        name = f"{target.run}-{target.stage.id}.ipynb"
        return write_notebook(self._root, name, lambda: self._notebook(target))

    def _notebook(self, target: DebugTarget) -> dict[str, Any]:
        from jupyter_mlws.workflows.notebook.parameters import NotebookError
        from jupyter_mlws.workflows.notebook.reading import read_notebook

        head = HEAD.fill(node=target.stage.id, run=target.run, workflow=target.workflow)
        text = head.in_(self._language)
        if target.message:
            text += ERROR_TEXT.fill(message=target.message).in_(self._language)
        source = None
        if target.stage.notebook is not None:
            # The run reports an invalid notebook.
            with suppress(NotebookError):
                source = read_notebook(self._root / target.stage.notebook)
        cells = [
            markdown_cell(text),
            code_cell(chdir_code(self._root, target.stage.wdir)),
            *(
                self._notebook_cells(target, source)
                if source is not None
                else self._component_cells(target, target.component)
                if target.component is not None
                else _command_cells(target.stage)
            ),
            markdown_cell(DEBUG_HINT.in_(self._language)),
        ]
        metadata = source.get("metadata", {}) if source is not None else {}
        return notebook_of(cells, metadata)

    def _notebook_cells(self, target: DebugTarget, notebook: Any) -> list[dict[str, Any]]:
        from jupyter_mlws.components.node import UsageError
        from jupyter_mlws.workflows.notebook.command import inject, values_of

        stage = target.stage
        with suppress(UsageError):
            inject(notebook, values_of(notebook, dict(stage.written)))
        place = posixpath.dirname(stage.notebook or "")
        cells = [code_cell(chdir_code(self._root, place))]
        for cell in notebook.cells:
            new_cell = {key: value for key, value in cell.items() if key != "id"}
            if new_cell["cell_type"] == "code":
                new_cell |= {"outputs": [], "execution_count": None}
            cells.append(new_cell)
        return cells

    def _component_cells(
        self, target: DebugTarget, component: Component
    ) -> Iterator[dict[str, Any]]:
        stage = target.stage
        yield markdown_cell(f"## {INPUTS.in_(self._language)}")
        reads = "\n".join(self._read_statements(target, component))
        yield code_cell(
            "from pathlib import Path\n\nfrom jupyter_mlws.components import values\n\n" + reads
        )
        yield markdown_cell(f"## {SETTINGS.in_(self._language)}")
        values = settings.convert_options(component, stage.written)
        lines = "".join(f"    {name!r}: {value!r},\n" for name, value in values.items())
        yield code_cell(f"settings = {{\n{lines}}}" if values else "settings = {}")
        # None for a component of the library.
        file = next(
            (
                file.relative_to(self._root).as_posix()
                for file in sorted((self._root / COMPONENTS).glob("*.py"))
                if component.source == "project"
                and f"def {component.name}(" in file.read_text(encoding="utf-8")
            ),
            None,
        )
        names = [port.name for port in component.inputs if stage.ports.get(port.name)]
        arguments = ", ".join([*(f"{name}={name}" for name in names), "**settings"])
        if file is not None:
            code = CODE.fill(file=f"[{file}](../{file})").in_(self._language)
            yield markdown_cell(f"## {code}")
        # The function is that of the file, not a copy: a breakpoint in the file stops it.
        yield code_cell(
            "from jupyter_mlws.components.registry import load_function\n\n"
            f"{component.name}, _ = load_function({component.name!r}, Path({str(self._root)!r}))"
        )
        if file is not None:
            module = f"{PROJECT_MODULES}.{posixpath.basename(file).removesuffix('.py')}"
            yield markdown_cell(BREAKPOINT.fill(module=module).in_(self._language))
        yield markdown_cell(f"## {CALL.in_(self._language)}")
        yield code_cell(f"result = {component.name}({arguments})\nresult")

    def _read_statements(self, target: DebugTarget, component: Component) -> Iterator[str]:
        for port in component.inputs:
            paths = [
                self._input_path(target, path) for path in target.stage.ports.get(port.name, ())
            ]
            if port.multiple and paths:
                path_list = ", ".join(f"Path({path!r})" for path in paths)
                yield f"paths = [{path_list}]"
                yield (
                    f"{port.name} = values.Several("
                    f"[values.read({port.type!r}, path) for path in paths], paths)"
                )
            elif paths:
                yield f"{port.name} = values.read({port.type!r}, Path({paths[0]!r}))"

    def _input_path(self, target: DebugTarget, path: str) -> str:
        """Return the path of the content that an input had in the run.

        The path is relative to the node's folder. A file that has changed since then is copied
        from DVC's cache.
        """
        md5 = target.made.get(path)
        file = self._root / path
        is_here = file.is_file() and md5_of(file) == md5
        if md5 and not md5.endswith(".dir") and not is_here:
            cache_path = object_path(self._root, md5)
            if cache_path.is_file():
                place = Path(FOLDER, "inputs", md5[:8], posixpath.basename(path))
                copy = self._root / place
                if not copy.exists():
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(cache_path, copy)
                path = place.as_posix()
        return posixpath.relpath(path, target.stage.wdir)


def chdir_code(root: Path, folder: str) -> str:
    place = os.path.normpath(root / folder)
    return f"import os\n\nos.chdir({place!r})"


def _command_cells(stage: Stage) -> Iterator[dict[str, Any]]:
    """Yield a cell for each command: Python scripts in the kernel, others in a shell.

    In the kernel, a script can be debugged.
    """
    for command in stage.commands:
        try:
            words = shlex.split(command)
        except ValueError:
            words = []
        is_script = len(words) > 1 and words[0].startswith("python") and words[1].endswith(".py")
        plain = not any(sign in command for sign in "|&;<>()`$")
        if is_script and plain:
            yield code_cell(f"%run {shlex.join(words[1:])}")
        else:
            yield code_cell(f"%%bash\n{command}")


def write_notebook(root: Path, name: str, build: Callable[[], dict[str, Any]]) -> str:
    """Write a notebook to ``debug/`` unless it exists; return its path from the project's root."""
    path = f"{FOLDER}/{name}"
    file = root / path
    if file.exists():
        return path
    file.parent.mkdir(exist_ok=True)
    ignore = file.parent / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    atomic_write(file, json.dumps(build(), ensure_ascii=False, indent=1) + "\n")
    return path


def notebook_of(cells: Sequence[dict[str, Any]], metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return a notebook for Python, unless ``metadata`` names another kernel."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {
        "cells": [{**cell, "id": f"mlws-{number}"} for number, cell in enumerate(cells)],
        "metadata": {"kernelspec": kernel, **metadata},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def markdown_cell(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": text}


def code_cell(text: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "metadata": {},
        "execution_count": None,
        "outputs": [],
        "source": text,
    }
