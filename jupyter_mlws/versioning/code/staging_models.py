"""What the API says and takes of the index."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from jupyter_mlws.core.schemas import Record, Request
from jupyter_mlws.versioning.models import Plain, Text

HunkId = Annotated[str, Field(pattern="^[0-9a-f]{16}$")]


class HunkChoice(Request):
    """Hunks of one file, by the ids that a diff with ``staged`` gives."""

    path: Plain = Field(min_length=1)
    ids: list[HunkId] = Field(min_length=1, max_length=10_000)


class StageRequest(Request):
    """Paths and what is below them, single hunks, or everything."""

    paths: list[Plain] | None = Field(default=None, min_length=1, max_length=10_000)
    hunks: list[HunkChoice] | None = Field(default=None, min_length=1, max_length=1_000)
    all: bool = False


class Discarded(Record):
    """Paths that are as the index has them; ``safety`` is a commit that keeps what was there."""

    safety: str | None
    paths: list[Text]
