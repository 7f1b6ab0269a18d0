"""Request and response models of logs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from jupyter_mlws.core.schemas import PageQuery, Record, Request
from jupyter_mlws.logs.entries import Entry, Source, ecs

Level = Literal["debug", "info", "warning", "error"]


class LogFilter(Request):
    """Filter for lines of the log."""

    source: list[Source] = Field(default_factory=list)
    level: Level = Field(default="debug", description="Minimum level.")
    q: str = Field(default="", max_length=500, description="Text in the message, ignoring case.")
    subject: str = Field(
        default="", max_length=500, description="A kernel, a notebook, a container, or `run/node`."
    )
    since: datetime | None = None
    until: datetime | None = None


class LogQuery(LogFilter, PageQuery):
    """Filter and page of the list of lines."""


class LogEntry(Record):
    """One line; ``ecs`` has it with the names of the Elastic Common Schema."""

    seq: int
    time: datetime
    source: Source
    level: Level
    subject: str
    message: str
    ecs: dict[str, Any]


class LogEntryEvent(LogEntry):
    """Message: a line of the log."""

    type: Literal["line"]


def to_response(entry: Entry) -> dict[str, Any]:
    """Return a line as the API represents it."""
    row = ecs(entry)
    return {
        "seq": entry.seq,
        "time": row["@timestamp"],
        "source": entry.source.value,
        "level": entry.level,
        "subject": entry.subject,
        "message": entry.message,
        "ecs": row,
    }
