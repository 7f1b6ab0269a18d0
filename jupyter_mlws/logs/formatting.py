"""Formats log records as ECS JSON lines, and such lines as readable text."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any, ClassVar

from jupyter_mlws.logs.entries import LEVELS, Entry, Source, line, mask_secrets

VARIABLE = "MLWS_LOG_FORMAT"
"""Environment variable with the log format of Hub, service and labs: ``ecs`` or empty."""
ECS = "ecs"


def read(record: logging.LogRecord) -> Entry:
    """Return a log record as a line of the server's log."""
    try:
        message = record.getMessage()
    except (TypeError, ValueError):
        # The arguments do not fit the format; other handlers report that.
        message = str(record.msg)
    facts: dict[str, Any] = {
        "log.logger": record.name,
        "log.origin": {"file": {"name": record.filename, "line": record.lineno}},
        "process.pid": record.process,
    }
    if record.exc_info and record.exc_info[0] is not None:
        facts["error.type"] = record.exc_info[0].__name__
        facts["error.message"] = str(record.exc_info[1])
    level = next(
        (name for name, number in reversed(LEVELS.items()) if record.levelno >= number), "debug"
    )
    return Entry(Source.SERVER, level, message, facts=facts, time=record.created)


class ECSFormatter(logging.Formatter):
    """Formats the records of a lab as JSON lines, with apparent credentials masked."""

    facts: ClassVar[Mapping[str, Any]] = {}

    def format(self, record: logging.LogRecord) -> str:
        """Return one line, without its line break."""
        entry = read(record)
        facts = {**entry.facts, **self.facts}
        if record.exc_info:
            facts["error.stack_trace"] = mask_secrets(self.formatException(record.exc_info))
        masked_entry = Entry(
            entry.source, entry.level, mask_secrets(entry.message), facts=facts, time=entry.time
        )
        return line(masked_entry).rstrip("\n")


class HubFormatter(ECSFormatter):
    """ECS formatter for JupyterHub."""

    facts: ClassVar[Mapping[str, Any]] = {"event.dataset": "mlws.hub", "service.name": "jupyterhub"}


class ServiceFormatter(ECSFormatter):
    """ECS formatter for the Hub's service."""

    facts: ClassVar[Mapping[str, Any]] = {
        "event.dataset": "mlws.service",
        "service.name": "jupyter-mlws-hub",
    }


def plain(text: str) -> str:
    """Return a JSON line in readable form; any other line is returned as it is."""
    if not text.startswith('{"@timestamp"'):
        return text
    try:
        row = json.loads(text)
        moment = row["@timestamp"].replace("T", " ").rstrip("Z")
        first_line = (
            f"[{row['log.level'][0].upper()} {moment} {row['log.logger']}] {row['message']}"
        )
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return text
    return "\n".join([first_line, *str(row.get("error.stack_trace", "")).splitlines()])
