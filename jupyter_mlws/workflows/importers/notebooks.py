"""Splits a Python notebook into notebooks that are nodes of a workflow."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from jupyter_mlws.workflows.document import settings
from jupyter_mlws.workflows.document.commands import quote_word
from jupyter_mlws.workflows.document.definition import (
    EdgeDefinition,
    NodeDefinition,
    WorkflowDefinition,
)
from jupyter_mlws.workflows.importers.import_result import ImportResult, Notes, import_error
from jupyter_mlws.workflows.importers.notebook_split.code import (
    CellSyntaxError,
    CodeCell,
    read_cell,
)
from jupyter_mlws.workflows.importers.notebook_split.dataflow import Flow, Snippet, Step, Version
from jupyter_mlws.workflows.importers.notebook_split.grouping import group
from jupyter_mlws.workflows.importers.notebook_split.kinds import EXTENSIONS
from jupyter_mlws.workflows.notebook.parameters import (
    TAG,
    NotebookError,
    check,
    language_of,
    source_of,
)
from jupyter_mlws.workflows.notebook.reading import as_node
from mlws.core.errors import MLWSError
from mlws.core.i18n import Message
from mlws.core.project import Project

HANDOVER = "_handover"
LOAD_TAG = "mlws-load"
STORE_TAG = "mlws-store"
MAX_ID_LENGTH = 40
"""Characters of a node's ID that comes from a heading."""


@dataclass
class Part:
    """A node that is being created: its cells, dependencies and outputs."""

    id: str
    steps: list[Step]
    deps: list[str] = field(default_factory=list)
    outs: list[str] = field(default_factory=list)
    stored: dict[Version, str] = field(default_factory=dict)


class Splitter:
    """Splits the notebook at ``path`` for the workflow at ``target``."""

    def __init__(
        self,
        data: dict[str, Any],
        path: str,
        target: str,
        project: Project,
        find_conflict: Callable[[str], Message | None],
        notes: Notes,
    ) -> None:
        self._data = data
        self._path = path
        self._home = posixpath.dirname(path)
        self._target = target
        self._directory = posixpath.dirname(target)
        self._project = project
        self._find_conflict = find_conflict
        self._notes = notes
        self._texts: dict[int, list[dict[str, Any]]] = {}
        self._metadata: dict[int, dict[str, Any]] = {}

    def split(self, name: str) -> ImportResult:
        """Return the workflow, and the notebooks of its nodes."""
        if language_of(self._data) != "python":
            return self._single_node_workflow(name)
        flow = Flow(self._cells())
        groups = group(flow)
        for step in flow.steps:
            for remark in step.cell.remarks:
                self._notes.add(f"cell {step.cell.number}", remark)
        numbers = [step.cell.number for step in flow.steps]
        for one, other, reason in groups.reasons:
            self._notes.add(
                f"cells {numbers[one]}, {numbers[other]}",
                Message("kept in one node: {words}", words=reason),
            )
        # Texts before cells that do not run move to the next cell that does.
        running = {step.cell.number for step in flow.steps if step.runs}
        waiting: list[dict[str, Any]] = []
        for number in [*sorted(n for n in self._texts if n > 0), -1]:
            waiting = [*waiting, *self._texts.pop(number, ())]
            if number in running or number == -1:
                self._texts[number], waiting = waiting, []
        parts = self._assign_ids(groups.members())
        if not parts:
            raise import_error(self._path, "cells", Message("it contains no code"))
        owner = {step.index: part for part in parts for step in part.steps}
        self._assign_variable_files(parts, owner)
        self._add_file_dependencies(parts, owner)
        files = {self._notebook_path(part): self._notebook(part, flow, owner) for part in parts}
        return ImportResult(self._definition(name, parts), self._notes, files)

    def _cells(self) -> list[CodeCell]:
        code_cells: list[CodeCell] = []
        heading: str = ""
        waiting: list[dict[str, Any]] = []
        for number, cell in enumerate(self._data.get("cells") or (), 1):
            source = source_of(cell)
            if cell["cell_type"] != "code":
                match = re.search(r"^#{1,6}\s+(.+)$", source, re.MULTILINE)
                heading = match[1].strip() if match and cell["cell_type"] == "markdown" else heading
                waiting.append(cell)
                continue
            tags = (cell.get("metadata") or {}).get("tags") or ()
            try:
                code = read_cell(number, source, parameters=TAG in tags)
            except CellSyntaxError as error:
                raise import_error(
                    self._path,
                    f"cells.{number - 1}",
                    Message(
                        "line {line} of cell {number} is not valid Python: {reason}",
                        line=error.line,
                        number=number,
                        reason=error.reason,
                    ),
                ) from None
            code.heading = heading
            self._texts[number], waiting = waiting, []
            self._metadata[number] = cell.get("metadata") or {}
            if code.source.strip():
                code_cells.append(code)
        self._texts[-1] = waiting
        return code_cells

    def _assign_ids(self, members: Sequence[list[Step]]) -> list[Part]:
        """Return the groups with IDs, from their heading, or else from a variable they set."""
        taken_ids, parts = {"workflow"}, []
        has_headings = len({step.cell.heading for steps in members for step in steps}) > 1
        for steps in members:
            heading = steps[0].cell.heading if has_headings else ""
            variable = next((name for step in steps for name in step.writes if name != "_"), "")
            base_id = _slug(heading) or _slug(variable) or f"cell-{steps[0].cell.number}"
            unique, number = base_id, 1
            while unique in taken_ids:
                number += 1
                unique = f"{base_id}-{number}"
            taken_ids.add(unique)
            parts.append(Part(unique, steps))
        return parts

    def _assign_variable_files(self, parts: Sequence[Part], owner: dict[int, Part]) -> None:
        """Assign a file to every variable that another node needs."""
        for part in parts:
            for step in part.steps:
                for version in step.reads.values():
                    maker = owner.get(version.cell)
                    if version.carried is not None or maker is None or maker is part:
                        continue
                    if version not in maker.stored:
                        file = f"{maker.id}.{version.name}"
                        if any(other.name == version.name for other in maker.stored):
                            # The same name, from a later cell of the node.
                            file = f"{file}.{version.cell}"
                        maker.stored[version] = self._out_path(file + EXTENSIONS[version.kind])
                    if maker.stored[version] not in part.deps:
                        part.deps.append(maker.stored[version])
        for part in parts:
            part.outs += part.stored.values()

    def _out_path(self, file: str) -> str:
        return posixpath.join(self._directory, "out", file)

    def _add_file_dependencies(self, parts: Sequence[Part], owner: dict[int, Part]) -> None:
        """Make the files that cells name dependencies and outputs."""
        written_paths = {
            path for part in parts for step in part.steps for path in step.files_written
        }
        for part in parts:
            for step in part.steps:
                for path in step.files_written:
                    project_path = self._project_path(step, path)
                    if project_path is None or project_path in part.outs:
                        continue
                    why = self._find_conflict(project_path)
                    if why is None:
                        part.outs.append(project_path)
                        continue
                    self._notes.add(
                        f"cell {step.cell.number}",
                        Message(
                            "{path!r} is written but was not added to the outputs of {id}: {why}",
                            path=path,
                            id=part.id,
                            why=why,
                        ),
                    )
        outs = {out for part in parts for out in part.outs}
        for part in parts:
            own_paths = {path for step in part.steps for path in step.files_written}
            for step in part.steps:
                for path in step.files_read:
                    project_path = self._project_path(step, path)
                    if project_path is None or project_path in part.outs or path in own_paths:
                        continue
                    if (
                        project_path in outs
                        or path in written_paths
                        or (self._project.root / project_path).exists()
                    ):
                        part.deps.append(project_path)
            part.deps = list(dict.fromkeys(part.deps))

    def _project_path(self, step: Step, path: str) -> str | None:
        """Return a cell's path relative to the project's root; None outside of it."""
        project_path = posixpath.normpath(posixpath.join(self._home, path))
        try:
            self._project.resolve(project_path)
        except MLWSError:
            self._notes.add(
                f"cell {step.cell.number}",
                Message(
                    "{path!r} is outside the project: changes to it will not trigger a rerun",
                    path=path,
                ),
            )
            return None
        return None if project_path == "." or settings.unfit_text(project_path) else project_path

    def _notebook_path(self, part: Part) -> str:
        return posixpath.join(self._directory, "nodes", f"{part.id}.ipynb")

    def _notebook(self, part: Part, flow: Flow, owner: dict[int, Part]) -> str:
        folder = posixpath.dirname(self._notebook_path(part))
        writer = _Writer(part, flow, owner, lambda path: posixpath.relpath(path, folder))
        cells = [*writer.emit_preamble(posixpath.relpath(self._home or ".", folder))]
        for step in part.steps:
            number = step.cell.number
            cells += [_with_id(text, f"text-{number}-{n}") for n, text in
                      enumerate(self._texts.get(number, ()))]  # fmt: skip
            cells += writer.emit_cell(step, self._metadata[number])
        if part.steps[-1].index == max(owner):
            last = self._texts.get(-1, ())
            cells += [_with_id(text, f"text-end-{n}") for n, text in enumerate(last)]
        metadata = {key: value for key, value in (self._data.get("metadata") or {}).items()
                    if key in ("kernelspec", "language_info")}  # fmt: skip
        notebook = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
        return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"

    def _definition(self, name: str, parts: Sequence[Part]) -> WorkflowDefinition:
        makers = {out: part for part in parts for out in part.outs}
        nodes, edges = [], []
        for part in parts:
            notebook, output = self._notebook_path(part), self._out_path(f"{part.id}.ipynb")
            edge_paths = [dep for dep in part.deps if dep in makers and makers[dep] is not part]
            for dep in edge_paths:
                edges.append(EdgeDefinition(source=makers[dep].id, target=part.id, path=dep))
            command = f"jupyter mlws notebook {quote_word(notebook)} --out {quote_word(output)}"
            nodes.append(
                NodeDefinition(
                    id=part.id,
                    type="notebook",
                    config={"cmd": command},
                    deps=[notebook, *(dep for dep in part.deps if dep not in edge_paths)],
                    outs=[output, *part.outs],
                )
            )
        return WorkflowDefinition(name=name, path=self._target, nodes=nodes, edges=edges)

    def _single_node_workflow(self, name: str) -> ImportResult:
        """Return a workflow of one node, as the data flow of other languages is unknown."""
        language = language_of(self._data)
        if not self._path:
            words = Message(
                "a notebook in {language} must be a file in the project", language=language
            )
            raise import_error("", "file", words)
        self._notes.add(
            "metadata.kernelspec",
            Message(
                "it was imported as one node: only Python notebooks can be split, not {language}",
                language=language,
            ),
        )
        node = _slug(posixpath.splitext(posixpath.basename(self._path))[0]) or "notebook"
        output = self._out_path(f"{node}.ipynb")
        command = f"jupyter mlws notebook {quote_word(self._path)} --out {quote_word(output)}"
        definition = NodeDefinition(
            id=node, type="notebook", config={"cmd": command}, deps=[self._path], outs=[output]
        )
        return ImportResult(
            WorkflowDefinition(name=name, path=self._target, nodes=[definition]), self._notes
        )


class _Writer:
    """Writes a node's cells, with code before and after them that loads and stores variables."""

    def __init__(
        self, part: Part, flow: Flow, owner: dict[int, Part], relative: Callable[[str], str]
    ) -> None:
        self._part = part
        self._flow = flow
        self._owner = owner
        self._relative = relative
        self._available_versions: dict[str, Version] = {}
        self._written_snippets: set[Snippet] = set()

    def emit_preamble(self, home: str) -> Iterator[dict[str, Any]]:
        """Yield the parameters that the node uses, and code that enters the notebook's folder."""
        used = {v.carried for step in self._part.steps for v in step.reads.values() if v.carried}
        parameters = [
            snippet
            for step in self._flow.steps
            for snippet in step.carried
            if snippet.parameters and snippet in used and not snippet.needs
        ]
        if parameters:
            yield _code("\n".join(c.source for c in parameters), "parameters", TAG)
            self._written_snippets |= set(parameters)
        lines = [f"import jupyter_mlws.components.handover as {HANDOVER}"]
        lines.append(f"{HANDOVER}.enter({home!r})  # where its paths begin")
        yield _code("\n".join(lines), "enter", LOAD_TAG)

    def emit_cell(self, step: Step, metadata: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield a cell, between code that loads its inputs and code that stores its results."""
        number = step.cell.number
        # Imports, functions, constants and settings that the cell needs and the node does not have.
        dependencies = {v.carried for v in step.reads.values() if v.carried is not None}
        dependencies |= {one for one in self._flow.settings if one.cell < step.index}
        dependencies = {need for one in dependencies for need in one.closure()}
        before = []
        for earlier in self._flow.steps[: step.index]:
            for snippet in earlier.carried:
                if snippet in dependencies and snippet not in self._written_snippets:
                    self._written_snippets.add(snippet)
                    before.append(snippet.source)
        # Variables of other nodes that are missing or outdated in this one.
        for name, version in step.reads.items():
            maker = self._owner.get(version.cell)
            if version.carried is not None or maker is None or maker is self._part:
                continue
            if self._available_versions.get(name) is not version:
                self._available_versions[name] = version
                path = self._relative(maker.stored[version])
                before.append(f"{name} = {HANDOVER}.load({path!r})")
        if before:
            yield _code("\n".join(before), f"load-{number}", LOAD_TAG)
        yield {**_code(step.cell.source, f"cell-{number}"), "metadata": metadata}
        self._written_snippets.update(step.carried)
        self._available_versions |= step.writes
        behind = [
            f"{HANDOVER}.store({version.name}, {self._relative(path)!r})"
            for version, path in self._part.stored.items()
            if version.cell == step.index
        ]
        if behind:
            yield _code("\n".join(behind), f"store-{number}", STORE_TAG)


def _code(source: str, name: str, *tags: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": name,
        "metadata": {"tags": list(tags)} if tags else {},
        "outputs": [],
        "source": source.splitlines(keepends=True),
    }


def _with_id(cell: dict[str, Any], name: str) -> dict[str, Any]:
    return {**cell, "id": name}


def _slug(text: str) -> str:
    """Return an ID made of a text's letters and digits, joined by dashes."""
    bare = re.sub(r"^\d+[.):]\s*", "", text)
    name = "-".join(re.findall(r"\w+", bare))
    if len(name) > MAX_ID_LENGTH:
        name = name[:MAX_ID_LENGTH].rpartition("-")[0] or name[:MAX_ID_LENGTH]
    return name


def split(
    data: Any,
    path: str,
    name: str,
    target: str,
    project: Project,
    find_conflict: Callable[[str], Message | None],
    notes: Notes,
) -> ImportResult:
    """Return the workflow of a notebook.

    Raises ImportFailedError with the cell or field if it is invalid.
    """
    try:
        notebook = check(data)
    except NotebookError as error:
        raise import_error(path, "", error.words) from None
    if notebook["nbformat"] != 4:
        notebook = json.loads(json.dumps(as_node(notebook)))
    return Splitter(notebook, path, target, project, find_conflict, notes).split(name)
