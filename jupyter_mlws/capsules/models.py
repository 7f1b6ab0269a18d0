"""Capsules as the command line shows them."""

from __future__ import annotations

from pydantic import Field

from jupyter_mlws.core.schemas import Record
from mlws.core.i18n import Message


class Capsule(Record):
    """A capsule that was written: its file, the snapshot, and the bytes of file and data.

    ``data``: paths of the data in it. ``warnings``: what it lacks.
    """

    path: str
    commit: str
    size: int
    data: list[str]
    data_size: int
    runs: int
    warnings: list[Message] = Field(default_factory=list)


class OpenedCapsule(Record):
    """The project that a capsule was unpacked into, and the commands that reproduce it."""

    path: str
    commit: str
    trusted: bool
    commands: list[str]


class Deposit(Record):
    """A capsule at a repository of research data.

    ``citation``: the file that has the DOI now; null if the capsule is of another project.
    """

    url: str
    doi: str | None
    published: bool
    citation: str | None
