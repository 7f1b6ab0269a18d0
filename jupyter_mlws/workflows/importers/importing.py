"""Imports files of other tools as workflows."""

from __future__ import annotations

import json
import posixpath
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from jupyter_mlws.core import validation_messages
from jupyter_mlws.core.errors import ImportFailedError, WorkflowItemNotFoundError
from jupyter_mlws.workflows.document.definition import MAX_NAME_LENGTH, WorkflowDefinition
from jupyter_mlws.workflows.document.editing import Editor
from jupyter_mlws.workflows.importers.elyra import ElyraImporter
from jupyter_mlws.workflows.importers.elyra_flow import read_flow
from jupyter_mlws.workflows.importers.import_result import Field, ImportResult, Notes, import_error
from jupyter_mlws.workflows.importers.models import Format, ImportRequest
from jupyter_mlws.workflows.importers.notebooks import split
from mlws.core.errors import Fault, InvalidRequestError
from mlws.core.i18n import Message
from mlws.core.project import Project
from mlws.document.parse import Document

FORMATS_BY_SUFFIX = {".pipeline": Format.ELYRA, ".ipynb": Format.NOTEBOOK}
MAX_FILE_BYTES = 16_000_000
"""Bytes; a larger file holds outputs that an import does not need."""


def import_workflow(
    project: Project, editor: Editor, request: ImportRequest
) -> tuple[Format, ImportResult, Document]:
    """Import a file, or only return what would be written (``dry_run``).

    Raises ImportFailedError with the field or line for a file of another format,
    WorkflowItemNotFoundError if it is missing, OutsideWorkspaceError outside the project, and those
    of a definition.
    """
    path, data = _read_request(project, request)
    kind = request.format or FORMATS_BY_SUFFIX.get(Path(path).suffix.lower(), Format.DEFINITION)
    if request.format is None and isinstance(data, dict):
        # The content decides before the file's extension.
        if "pipelines" in data:
            kind = Format.ELYRA
        elif "nbformat" in data:
            kind = Format.NOTEBOOK
    notes, field = Notes(), Field(data, "", path)
    flow = read_flow(field, notes) if kind is Format.ELYRA else None
    title = None
    if flow is not None and flow.name != "untitled":
        # Elyra's own placeholder is not a title.
        title = flow.name
    elif kind is Format.DEFINITION and isinstance(data, dict):
        title = data.get("name")
    stem = Path(path).stem if path else "Imported"
    own_name = title.strip() if isinstance(title, str) and title.strip() else stem
    if kind is not Format.DEFINITION:
        own_name = own_name[:MAX_NAME_LENGTH]
    name = request.name or own_name
    target = editor.place(name, request.path)
    if flow is not None:
        result = ElyraImporter(project, target, editor.held, notes).convert(flow, path, name)
    elif kind is Format.DEFINITION:
        result = _read_definition(field, name, target, notes)
    else:
        result = split(data, path, name, target, project, editor.held, notes)
    document = editor.create(
        result.definition, result.files, result.title, save=not request.dry_run
    )
    return kind, result, document


def _read_request(project: Project, request: ImportRequest) -> tuple[str, Any]:
    """Return the path (empty if there is only content) and the JSON."""
    path = ""
    if request.file is not None:
        path = posixpath.normpath(request.file.lstrip("/") or ".")
        project.resolve(path)
    if request.content is None and request.file is None:
        words = Message("Specify `file` or `content`.")
        raise InvalidRequestError(faults=[Fault("file", words)])
    if isinstance(request.content, dict):
        return path, request.content
    text = request.content
    try:
        if text is None:
            file = project.resolve(path)
            if file.stat().st_size > MAX_FILE_BYTES:
                raise import_error(path, "", Message("larger than 16 MB"))
            text = file.read_bytes().decode("utf-8")
        return path, json.loads(text)
    except UnicodeDecodeError:
        raise import_error(path, "", Message("not UTF-8")) from None
    except OSError as error:
        raise WorkflowItemNotFoundError(kind="file", name=path) from error
    except json.JSONDecodeError as error:
        reason = Message("it is not valid JSON: {msg}", msg=error.msg)
        raise import_error(path, "", reason, error.lineno) from None
    except RecursionError:
        raise import_error(path, "", Message("nested too deeply")) from None


def _read_definition(data: Field, name: str, target: str, notes: Notes) -> ImportResult:
    """Read a definition as POST takes it (`name`, `nodes`, `edges`)."""
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
