"""Request and response models of an import."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field

from jupyter_mlws.core.schemas import Record, Request
from jupyter_mlws.workflows.models import Workflow
from mlws.core.i18n import Message


class Format(StrEnum):
    """File type of an import."""

    ELYRA = "elyra"
    NOTEBOOK = "notebook"
    DEFINITION = "definition"


class ImportRequest(Request):
    """Source of an import: a file of the project, or its content."""

    file: str | None = Field(
        default=None,
        min_length=1,
        max_length=1000,
        description="A file of the project; with `content`, its assumed path.",
    )
    content: str | dict[str, Any] | None = Field(
        default=None, description="Text of the file, or its parsed JSON."
    )
    format: Format | None = Field(
        default=None, description="File type; default: detected from name and content."
    )
    name: str | None = Field(
        default=None, min_length=1, max_length=200, description="Title, if not the file's own."
    )
    path: str | None = Field(
        default=None,
        min_length=1,
        max_length=1000,
        description="Folder of the new workflow; default: one in `workflows/`.",
    )
    dry_run: bool = Field(default=False, description="Only show what would be written.")


class ImportNote(Record):
    """Something that could not be imported unchanged: its place in the file, and the reason."""

    place: str
    reason: Message


class ImportedFile(Record):
    """A file that is written beside the workflow's own."""

    path: str
    text: str


class Imported(Record):
    """Result of an import; ``written`` is false for a dry run.

    ``text`` is that of the `dvc.yaml`; ``notes`` lists what could not be imported unchanged.
    """

    workflow: Workflow
    format: Format
    written: bool
    notes: list[ImportNote]
    files: list[ImportedFile]
    text: str
