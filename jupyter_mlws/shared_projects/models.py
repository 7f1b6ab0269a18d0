"""Request and response models of shared projects."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from jupyter_mlws.core.schemas import Record, Request
from jupyter_mlws.core.validation_messages import pattern
from jupyter_mlws.projects.models import NAME as FOLDER
from mlws.core.i18n import Message

NAME = pattern(
    r"^[a-z0-9]([a-z0-9-]{0,60}[a-z0-9])?$",
    Message("use lowercase letters, digits, and hyphens between them; at most 62 characters"),
)
"""Small letters, digits, and hyphens between them: the same in addresses of git, DVC and MLflow."""


class Role(StrEnum):
    """Permissions of a member; each role includes those before it.

    A reader clones, fetches, and reads data and runs. A writer pushes, stores data and records
    runs. An owner rewrites history, chooses the members, and deletes the project.
    """

    READER = "reader"
    WRITER = "writer"
    OWNER = "owner"

    def may(self, needed: Role) -> bool:
        """Return True if this role includes ``needed``."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


class Member(Record):
    """A member of a project."""

    user: str
    role: Role
    since: datetime


class TeamProject(Record):
    """A shared project, with the URLs for labs of the Hub."""

    name: str
    description: str
    role: Role = Field(description="Role of the current user.")
    members: list[Member]
    created_at: datetime
    trashed_at: datetime | None = Field(
        default=None, description="When it was moved to the trash, where only owners see it."
    )
    git_url: str = Field(description="URL of the repository, over HTTP.")
    data_url: str = Field(description="URL of the DVC remote.")
    tracking_url: str | None = Field(
        default=None, description="URL of experiments and models, if the Hub has MLflow."
    )


class StoredProject(TeamProject):
    """A shared project with its size on the Hub's disk."""

    size: int = Field(description="Bytes of its repository and data.")
    quota: int = Field(description="Bytes that it may have.")


class TeamProjectCreate(Request):
    """A new project; the user who creates it is its owner."""

    name: str = Field(pattern=NAME)
    description: str = Field(default="", max_length=500)


class TeamProjectDelete(Request):
    """A project's name, repeated so that none is deleted by mistake."""

    confirm: str = Field(default="", max_length=100)


class MemberPut(Request):
    """Role of a member in a project."""

    role: Role


class TeamClone(Request):
    """The folder that a clone is made in (default: the project's name)."""

    folder: str | None = Field(default=None, min_length=1, max_length=200, pattern=FOLDER)
