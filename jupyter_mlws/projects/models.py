"""Request and response models of projects."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from jupyter_mlws.core.schemas import Record, Request
from jupyter_mlws.core.validation_messages import pattern
from mlws.core.i18n import Message

NAME = pattern(
    r"^(\.|[\w][\w .\-]*(/[\w][\w .\-]*)*)$",
    Message(
        "use letters, digits, spaces, dots, hyphens and underscores; "
        "a folder name must not start with a dot"
    ),
)
"""Folders below the root."""


class Template(StrEnum):
    """Initial content of a new project."""

    EMPTY = "empty"
    EXAMPLE = "example"


class ProjectInfo(Record):
    """A git repository below the server's root; ``branch`` is null if HEAD is detached.

    ``trusted``: its code may run; until then nothing else of it is read.
    """

    id: str
    name: str
    path: str
    default: bool
    branch: str | None
    head: str | None
    dvc: bool
    trusted: bool


class ProjectCreate(Request):
    """A new project; its name is its folder below the root (``.``: the root itself)."""

    name: str = Field(min_length=1, max_length=200, pattern=NAME)
    template: Template = Template.EMPTY


class ProjectClone(Request):
    """A project to clone: its address, and the local folder (default: from the address)."""

    url: str = Field(min_length=1, max_length=4_000)
    name: str | None = Field(default=None, min_length=1, max_length=200, pattern=NAME)
