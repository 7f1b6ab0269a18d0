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


class Action(StrEnum):
    """Planned action for a node."""

    RUN = "run"
    CACHED = "cached"
    RESTORABLE = "restorable"
    FROZEN = "frozen"
