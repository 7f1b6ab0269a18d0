"""Converts an Elyra pipeline into a workflow."""

from __future__ import annotations

import fnmatch
import os
import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_mlws.workflows.document import settings
from jupyter_mlws.workflows.document.commands import quote_word
from jupyter_mlws.workflows.document.definition import (
    MAX_NAME_LENGTH,
    EdgeDefinition,
    NodeDefinition,
    WorkflowDefinition,
)
from jupyter_mlws.workflows.importers.elyra_flow import Flow, FlowNode, Key
from jupyter_mlws.workflows.importers.import_result import Field, ImportResult, Notes
from mlws.core.errors import MLWSError
from mlws.core.i18n import Message
from mlws.core.project import Project

NOTEBOOK = "execute-notebook-node"
PROGRAMS = {"execute-python-node": "python", "execute-r-node": "Rscript"}
VARIABLE = re.compile(r"[A-Za-z_]\w*")
HANDLED_PROPERTIES = frozenset(
    ("filename", "outputs", "dependencies", "env_vars", "include_subdirectories", "runtime_image")
)
"""Properties with a conversion of their own; a note reports each other one that has a value."""
RUNS_HERE = Message("nodes run in the project's environment")
NOT_KUBERNETES = Message("it applies to Kubernetes only")
REASONS = {
    "cpu": Message("imported nodes have no resource limits"),
    "cpu_limit": Message("imported nodes have no resource limits"),
    "gpu": Message("imported nodes have no resource limits"),
    "memory": Message("imported nodes have no resource limits"),
    "memory_limit": Message("imported nodes have no resource limits"),
    "kubernetes_secrets": Message(
        "secrets are not stored in files; set the variable in the environment of the server"
    ),
}


@dataclass
class _NodeDraft:
    """A node that is being imported."""

    flow: FlowNode
    id: str
    file: str
    variables: dict[str, str]
    deps: list[str]
    outs: list[str]
    complete: bool
    """True if ``outs`` has all its outputs."""
    marker: str | None = None
    sources: list[str] = field(default_factory=list)

    @property
    def folder(self) -> str:
        """Folder of its file, which is its working directory."""
        return posixpath.dirname(self.file)


@dataclass(eq=False)
class ElyraImporter:
    """Converts one flow into the workflow at ``target``.

    ``find_conflict`` returns why no node may write a path, or None.
    """

    _project: Project
    _target: str
    _find_conflict: Callable[[str], Message | None]
    _notes: Notes
    _used_ids: dict[str, str] = field(init=False, default_factory=dict)
    _owners: dict[str, str] = field(init=False, default_factory=dict)

    def convert(self, flow: Flow, source: str, name: str) -> ImportResult:
        """Return the workflow of a flow that comes from the file ``source``."""
        defaults = flow.defaults.value if isinstance(flow.defaults.value, dict) else {}
        for key in defaults:
            if key != "env_vars" and _is_set(defaults[key]):
                reason = RUNS_HERE if key == "runtime_image" else REASONS.get(key, NOT_KUBERNETES)
                self._note_property(flow.defaults.get(key), reason)
        drafts = {node.key: self._draft(node, flow, source) for node in flow.nodes}
        edges = list(self._create_edges(flow, drafts))
        definition = WorkflowDefinition(
            name=name,
            path=self._target,
            nodes=[self._definition(node) for node in drafts.values()],
            edges=edges,
        )
        title: dict[str, Any] = {}
        if flow.description:
            title["description"] = flow.description
        for comment in flow.comments:
            note: dict[str, Any] = {"text": comment.text}
            if comment.at is not None:
                note["at"] = [round(comment.at[0]), round(comment.at[1])]
            nodes = [drafts[key].id for key in comment.nodes if key in drafts]
            if nodes:
                note["nodes"] = nodes
            title.setdefault("notes", []).append(note)
        return ImportResult(definition, self._notes, title=title)

    def _draft(self, node: FlowNode, flow: Flow, source: str) -> _NodeDraft:
        name = self._id(node)
        file = self._project_path(node.properties.get("filename"), posixpath.dirname(source))
        image = node.properties.get("runtime_image")
        if image.value:
            self._note_property(image, RUNS_HERE)
        properties = node.properties.value if isinstance(node.properties.value, dict) else {}
        for key in properties:
            if key not in HANDLED_PROPERTIES and key != "ui_data" and _is_set(properties[key]):
                self._note_property(node.properties.get(key), REASONS.get(key, NOT_KUBERNETES))
        draft = _NodeDraft(
            flow=node,
            id=name,
            file=file,
            variables=self._variables(node, flow),
            deps=[],
            outs=[],
            complete=True,
        )
        self._add_outs(draft)
        self._add_deps(draft)
        return draft

    def _id(self, node: FlowNode) -> str:
        """Return the label as an ID: without the file's extension, with a number if it is taken."""
        stem = re.sub(r"\.(ipynb|py|r)$", "", node.label, flags=re.IGNORECASE)
        name = re.sub(r"[^\w-]+|-{2,}", "-", re.sub(r"\s-\s", " ", stem)).strip("-") or "node"
        name = name[: MAX_NAME_LENGTH - len("-9999")].rstrip("-")
        taken_ids, number = {*self._used_ids, "workflow"}, 1
        unique = name
        while unique in taken_ids:
            number += 1
            unique = f"{name}-{number}"
        self._used_ids[unique] = node.label
        if unique != re.sub(r"\s-\s|\s", "-", stem):
            self._notes.add(
                node.properties.where,
                Message(
                    "the label {label!r} was changed to the ID {unique!r}",
                    label=node.label,
                    unique=unique,
                ),
            )
        return unique

    def _project_path(self, field_: Field, folder: str) -> str:
        """Return a path of the file relative to the project's root.

        Raises ImportFailedError outside of it.
        """
        raw_path = field_.text()
        path = posixpath.normpath(posixpath.join(folder, raw_path))
        try:
            self._project.resolve(path)
        except MLWSError:
            raise field_.wrong(Message("{path!r} is outside the project", path=raw_path)) from None
        if path == "." or settings.unfit_text(path) is not None:
            raise field_.wrong(Message("{path!r} is not a file path", path=raw_path))
        return path

    def _variables(self, node: FlowNode, flow: Flow) -> dict[str, str]:
        """Return the node's variables over those of the pipeline, without Elyra's blank ones."""
        variables: dict[str, str] = {}
        for entry in (
            *flow.defaults.get("env_vars").items(),
            *node.properties.get("env_vars").items(),
        ):
            # `NAME=value` up to version 7, an object from version 8 on.
            if isinstance(entry.value, str):
                name, _, value = entry.value.partition("=")
                name = name.strip()
            else:
                name, value = entry.get("env_var").text(), entry.get("value").text("")
            if not value:
                variables.pop(name, None)
                self._notes.add(
                    entry.where,
                    Message(
                        "the variable {name} has no value, and Elyra does not set it; code that "
                        "reads it gets the value from the server's environment",
                        name=name,
                    ),
                )
            elif not VARIABLE.fullmatch(name):
                self._notes.add(
                    entry.where,
                    Message(
                        "the variable {name!r} was not imported: a shell can't set this name",
                        name=name,
                    ),
                )
            elif settings.CONTROLS.search(value):
                self._notes.add(
                    entry.where,
                    Message(
                        "the variable {name} was not imported: its value has line breaks, which a "
                        "command can't contain; read it from a file instead",
                        name=name,
                    ),
                )
            else:
                variables[name] = value
        return variables

    def _add_outs(self, draft: _NodeDraft) -> None:
        for entry in draft.flow.properties.get("outputs").items():
            if entry.text() == "":
                continue
            path = posixpath.normpath(posixpath.join(draft.folder, entry.text()))
            why = self._output_problem(draft, path)
            if why is not None:
                draft.complete = False
                self._notes.add(
                    entry.where,
                    Message(
                        "{text!r} was not added to the outputs of {id}: {why}",
                        text=entry.text(),
                        id=draft.id,
                        why=why,
                    ),
                )
            elif path not in draft.outs:
                draft.outs.append(path)
                self._owners[path] = draft.id
        if not draft.outs:
            draft.complete = False

    def _output_problem(self, draft: _NodeDraft, path: str) -> Message | None:
        if any(sign in path for sign in "*?["):
            return Message(
                "outputs must be listed by name, not by pattern; list the files or their folder"
            )
        try:
            self._project.resolve(path)
        except MLWSError:
            return Message("it is outside the project")
        unfit = settings.unfit_text(path)
        if unfit is not None:
            return unfit
        if path == "." or draft.file == path or draft.file.startswith(f"{path}/"):
            return Message("it contains the node's own file")
        for other, owner in self._owners.items():
            overlaps = path == other or path.startswith(f"{other}/") or other.startswith(f"{path}/")
            if owner != draft.id and overlaps:
                return Message("it is already an output of {owner}", owner=owner)
        return self._find_conflict(path)

    def _add_deps(self, draft: _NodeDraft) -> None:
        draft.deps.append(draft.file)
        recursive = draft.flow.properties.get("include_subdirectories").value is True
        for entry in draft.flow.properties.get("dependencies").items():
            text = entry.text()
            if text == "":
                continue
            if not any(sign in text for sign in "*?["):
                draft.deps.append(self._project_path(entry, draft.folder))
                continue
            # As Elyra finds them: without hidden folders.
            base = self._project.root / draft.folder
            matches = []
            for folder, folders, files in os.walk(base):
                folders[:] = sorted(name for name in folders if not name.startswith("."))
                for name in sorted(files):
                    inside = Path(folder, name).relative_to(base).as_posix()
                    is_flat = "/" not in text
                    if is_flat and "/" in inside and not recursive:
                        continue
                    if fnmatch.fnmatch(name if is_flat else inside, text):
                        matches.append(posixpath.normpath(posixpath.join(draft.folder, inside)))
            draft.deps += matches
            self._notes.add(
                entry.where,
                Message(
                    "the pattern {pattern!r} was replaced by the {count} files that match it now; "
                    "files added later do not become dependencies automatically",
                    pattern=text,
                    count=len(matches),
                ),
            )
        draft.deps = [d for d in dict.fromkeys(draft.deps) if d not in draft.outs]

    def _create_edges(self, flow: Flow, drafts: dict[Key, _NodeDraft]) -> Iterator[EdgeDefinition]:
        """Yield an edge for every file that a link may pass on.

        Elyra passes all outputs of a node to the nodes after it. A link from a node that does not
        list all its outputs only says which node comes first. DVC orders nodes by files, so such a
        node writes a marker file with the hashes of the files that it reads.
        """
        for start, end in flow.links:
            source, target = drafts[start], drafts[end]
            paths = list(source.outs)
            if not source.complete:
                source.marker = source.marker or self._out_path(f"{source.id}.done")
                paths.append(source.marker)
            for path in paths:
                yield EdgeDefinition(source=source.id, target=target.id, path=path)
            target.sources += [path for path in paths if path not in target.sources]

    def _out_path(self, name: str) -> str:
        return posixpath.join(posixpath.dirname(self._target), "out", name)

    def _definition(self, draft: _NodeDraft) -> NodeDefinition:
        outs = list(draft.outs)
        if draft.flow.operation == NOTEBOOK:
            kind, output_path = "notebook", self._out_path(f"{draft.id}.ipynb")
            command = (
                f"jupyter mlws notebook {quote_word(draft.file)} --out {quote_word(output_path)}"
            )
            outs.insert(0, output_path)
            place = ""
        else:
            kind, place = "script", draft.folder
            program = PROGRAMS[draft.flow.operation]
            command = f"{program} {quote_word(posixpath.basename(draft.file))}"
        if draft.variables:
            pairs = (quote_word(f"{name}={value}") for name, value in draft.variables.items())
            # DVC would read `${` as a template.
            variables = " ".join(pairs).replace("${", "\\${")
            command = f"env {variables} {command}"
        if place:
            command = f"cd {quote_word(place)} && {command}"
        if draft.marker is not None:
            outs.append(draft.marker)
            files = [draft.marker, *dict.fromkeys([*draft.deps, *draft.sources])]
            words = [quote_word(posixpath.relpath(file, place or ".")) for file in files]
            command = f"{command} && jupyter mlws mark {' '.join(words)}"
        deps = [dep for dep in draft.deps if dep not in draft.sources]
        return NodeDefinition(
            id=draft.id,
            type=kind,
            config={"cmd": command},
            at=draft.flow.at,
            deps=deps,
            outs=outs,
        )

    def _note_property(self, property_: Field, reason: Message) -> None:
        key = property_.where.rpartition(".")[2]
        self._notes.add(
            property_.where,
            Message("{key} was not imported: {reason}", key=key, reason=reason),
        )


def _is_set(value: Any) -> bool:
    return value not in (None, "", [], {}, False)
