"""Lines of the log, and their form as JSON with the names of the Elastic Common Schema (ECS).

See https://www.elastic.co/docs/reference/ecs.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
MAX_MESSAGE_LENGTH = 20_000
"""Longer messages are truncated."""
ECS_VERSION = "8.11"
_ERROR_PATTERN = re.compile(
    r"(?i)\b(error|fatal|critical|exception|traceback|segmentation fault|abort)"
)
_SECRET_PATTERN = re.compile(
    r"(?i)((?:token|password|passwd|secret|api_?key)[\"']?\s*=\s*[\"']?)[^\s&\"',]+"
)
_BEARER_PATTERN = re.compile(r"(?i)((?:bearer|authorization: token) )\S+")


class Source(StrEnum):
    """Origin of a line."""

    SERVER = "server"
    KERNEL = "kernel"
    EXECUTION = "execution"
    NODE = "node"
    CONTAINER = "container"


@dataclass(frozen=True)
class Entry:
    """Line of the log.

    ``subject`` is the kernel, notebook, node or container that it is about; ``facts`` have the
    names of ECS already. ``seq`` is assigned by the store.
    """

    source: Source
    level: str
    message: str
    subject: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    time: float = field(default_factory=time.time)
    seq: int = 0


def level_of(text: str) -> str:
    """Return the level of text from a program that names none."""
    return "error" if _ERROR_PATTERN.search(text) else "info"


def mask_secrets(text: str) -> str:
    """Return the text with apparent credentials masked, and at most the length that is stored."""
    text = _BEARER_PATTERN.sub(r"\1…", _SECRET_PATTERN.sub(r"\1…", text))
    return text if len(text) <= MAX_MESSAGE_LENGTH else f"{text[:MAX_MESSAGE_LENGTH]}…"


def ecs(entry: Entry) -> dict[str, Any]:
    """Return the line as an ECS document."""
    moment = datetime.fromtimestamp(entry.time, UTC).isoformat(timespec="milliseconds")
    return {
        "@timestamp": moment.replace("+00:00", "Z"),
        "log.level": entry.level,
        "message": entry.message,
        "ecs.version": ECS_VERSION,
        "event.dataset": f"mlws.{entry.source.value}",
        "event.sequence": entry.seq,
        "service.name": "jupyter-mlws",
        **({"labels": {"subject": entry.subject}} if entry.subject else {}),
        **entry.facts,
    }


def line(entry: Entry) -> str:
    """Return the line as JSON, with a line break."""
    return json.dumps(ecs(entry), ensure_ascii=False) + "\n"
