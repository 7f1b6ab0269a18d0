"""Enumerations shared by workflow files, plans and runs."""

from __future__ import annotations

from enum import StrEnum


class Severity(StrEnum):
    """Severity of a problem: errors keep a workflow from running."""

    ERROR = "error"
    WARNING = "warning"


class Kind(StrEnum):
    """Kind of a node's command."""

    COMPONENT = "component"
    NOTEBOOK = "notebook"
    SCRIPT = "script"
    SHELL = "shell"


class EnvironmentPolicy(StrEnum):
    """Treatment of results that were made in another environment than the present one."""

    IGNORE = "ignore"
    WARN = "warn"
    RERUN = "rerun"


class Action(StrEnum):
    """Planned action for a node."""

    RUN = "run"
    CACHED = "cached"
    RESTORABLE = "restorable"
    FROZEN = "frozen"


FILE_TYPES = {
    ".parquet": "Table",
    ".csv": "Table",
    ".tsv": "Table",
    ".skops": "Model",
    ".json": "Metrics",
    ".png": "Figure",
    ".jpg": "Figure",
    ".jpeg": "Figure",
    ".svg": "Figure",
    ".txt": "Text",
    ".log": "Text",
    ".md": "Text",
    ".yaml": "Text",
    ".yml": "Text",
    ".html": "Text",
}
