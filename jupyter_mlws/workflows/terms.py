"""The terms that workflows, plans and runs are told in."""

from __future__ import annotations

from enum import Enum


class Severity(str, Enum):
    """How bad a problem is: errors keep a workflow from running."""

    ERROR = "error"
    WARNING = "warning"


class Kind(str, Enum):
    """What a node's command is."""

    COMPONENT = "component"
    NOTEBOOK = "notebook"
    SCRIPT = "script"
    SHELL = "shell"


class Action(str, Enum):
    """What a run would do with a node."""

    RUN = "run"
    CACHED = "cached"
    RESTORABLE = "restorable"
    FROZEN = "frozen"
