"""Imports a file: tells what it is, reads it, shows what comes of it or writes that."""

from __future__ import annotations

import json
import posixpath
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from jupyter_mlws.core.errors import (
    Fault,
    ImportFailedError,
    InvalidRequestError,
    WorkflowItemNotFoundError,
)
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.core.project import Project
from jupyter_mlws.workflows.document.definition import WorkflowDefinition
from jupyter_mlws.workflows.document.editing import Editor
from jupyter_mlws.workflows.document.parse import Document
from jupyter_mlws.workflows.importers.import_result import Field, ImportResult, Notes, import_error
from jupyter_mlws.workflows.importers.models import Format, ImportRequest

FORMATS_BY_SUFFIX = {".pipeline": Format.ELYRA, ".ipynb": Format.NOTEBOOK}
MAX_FILE_BYTES = 16_000_000
"""Bytes; a larger file holds outputs that an import does not need."""


class Importer:
    """Imports files into one project."""

    def __init__(self, project: Project, editor: Editor) -> None:
        self._project = project
        self._editor = editor

    def carry(self, request: ImportRequest) -> tuple[Format, ImportResult, Document]:
        """Import a file, or only return what would be written (``dry_run``).

        Errors: 40211 with the field or line for a file that is not what it should be, 40401 if it
        is missing, 50302 outside the project, and those of a definition.
        """
        path, data = self._content(request)
        kind = request.format or _format_of(path, data)
        target = self._editor.place(request.name or self._name(kind, path, data), request.path)
        outcome = self._read(kind, path, data, request, target)
        document = self._editor.create(
            outcome.definition, outcome.files, outcome.title, save=not request.dry_run
        )
        return kind, outcome, document

    # What is given

    def _content(self, request: ImportRequest) -> tuple[str, Any]:
        """Return the path (empty if only content is given) and the JSON."""
        path = ""
        if request.file is not None:
            path = posixpath.normpath(request.file.lstrip("/") or ".")
            self._project.resolve(path)
        if request.content is None and request.file is None:
            words = Message("Specify `file` or `content`.")
            raise InvalidRequestError(faults=[Fault("file", words)])
        if isinstance(request.content, dict):
            return path, request.content
        text = request.content if request.content is not None else self._text(path)
        return path, _parse_json(path, text)

    def _text(self, path: str) -> str:
        file = self._project.resolve(path)
        try:
            if file.stat().st_size > MAX_FILE_BYTES:
                raise import_error(path, "", Message("larger than 16 MB"))
            return file.read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            raise import_error(path, "", Message("not UTF-8")) from None
        except OSError as error:
            raise WorkflowItemNotFoundError(kind="file", name=path) from error

    def _name(self, kind: Format, path: str, data: Any) -> str:
        """Return the title from the file, or else the file's name."""
        own = None
        if kind is Format.DEFINITION and isinstance(data, dict):
            own = data.get("name")
        elif kind is Format.ELYRA:
            own = _elyra_name(data)
        stem = Path(path).stem if path else "Imported"
        return own.strip() if isinstance(own, str) and own.strip() else stem

    # What comes of it

    def _read(
        self, kind: Format, path: str, data: Any, request: ImportRequest, target: str
    ) -> ImportResult:
        notes = Notes()
        name = request.name or self._name(kind, path, data)
        field = Field(data, "", path)
        if kind is Format.DEFINITION:
            return _definition(field, name, target, notes)
        if kind is Format.ELYRA:
            return self._elyra(field, name, target, notes)
        from jupyter_mlws.workflows.importers.notebooks import split

        resolve, find_conflict = self._project.resolve, self._editor.held
        return split(data, path, name, target, self._project.root, resolve, find_conflict, notes)

    def _elyra(self, data: Field, name: str, target: str, notes: Notes) -> ImportResult:
        from jupyter_mlws.workflows.importers.elyra import ElyraImporter
        from jupyter_mlws.workflows.importers.elyra_flow import check_is_pipeline, read_flow

        check_is_pipeline(data)
        flow = read_flow(data, notes)
        if not flow.nodes:
            raise data.get("pipelines").wrong(Message("it contains no notebooks or scripts"))
        root, editor = self._project.root, self._editor
        carrier = ElyraImporter(root, target, self._project.resolve, editor.held, notes)
        return carrier.carry(flow, data.path, name)


def _parse_json(path: str, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise import_error(
            path,
            "",
            Message("it is not valid JSON: {msg}", msg=error.msg),
            error.lineno,
        ) from None
    except RecursionError:
        raise import_error(path, "", Message("nested too deeply")) from None


def _format_of(path: str, data: Any) -> Format:
    """Return the format that the content has, or else the one of the file's extension."""
    if isinstance(data, dict):
        if "pipelines" in data:
            return Format.ELYRA
        if "nbformat" in data:
            return Format.NOTEBOOK
    return FORMATS_BY_SUFFIX.get(Path(path).suffix.lower(), Format.DEFINITION)


def _elyra_name(data: Any) -> str | None:
    try:
        pipelines = data["pipelines"]
        primary = data.get("primary_pipeline", pipelines[0]["id"])
        app = next(each for each in pipelines if each["id"] == primary)["app_data"]
        name = (app.get("properties") or {}).get("name") or app.get("name")
    except (KeyError, IndexError, TypeError, AttributeError, StopIteration):
        # What is wrong with it is told when it is read.
        return None
    # Elyra's own placeholder, which every file has until somebody names it.
    return name if isinstance(name, str) and name != "untitled" else None


def _definition(data: Field, name: str, target: str, notes: Notes) -> ImportResult:
    """Read the specification's JSON (`name`, `nodes`, `edges`), as a POST of it would."""
    from jupyter_mlws.core import validation_messages

    if not isinstance(data.value, dict) or "nodes" not in data.value:
        raise import_error(
            data.path,
            "nodes",
            Message("it is not a workflow: a definition has `name`, `nodes` and `edges`"),
        )
    fields = {key: value for key, value in data.value.items() if key in ("nodes", "edges")}
    for key in data.value:
        if key not in (*fields, "name", "path"):
            notes.add(
                key,
                Message("{key!r} was not imported: a definition has no such field", key=key),
            )
    try:
        definition = WorkflowDefinition.model_validate({**fields, "name": name, "path": target})
    except ValidationError as error:
        faults = validation_messages.faults(error)
        first = faults[0]
        reason = Message("{field}: {reason}", field=first.field, reason=first.message)
        raise ImportFailedError(faults=faults, path=data.path, reason=reason, line=None) from error
    return ImportResult(definition, notes)
