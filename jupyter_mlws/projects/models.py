"""What the API says and takes of projects."""

from __future__ import annotations

from enum import Enum

from pydantic import Field

from jupyter_mlws.api.models import Record, Request


class Template(str, Enum):
    """What a new project begins with."""

    EMPTY = "empty"
    EXAMPLE = "example"


class ProjectInfo(Record):
    """A git repository below the server's root; ``branch`` is null where HEAD is detached."""

    id: str
    name: str
    path: str
    default: bool
    branch: str | None
    head: str | None
    dvc: bool


class ProjectCreate(Request):
    """A new project; its name is its folder below the root (``.``: the root itself)."""

    name: str = Field(
        min_length=1, max_length=200, pattern=r"^(\.|[\w][\w .\-]*(/[\w][\w .\-]*)*)$"
    )
    template: Template = Template.EMPTY
