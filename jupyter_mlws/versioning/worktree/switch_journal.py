"""Journal of a change of the whole working tree, for recovery after a crash.

Where the change moves HEAD, or undoes itself, recovery is automatic: the working tree is HEAD's
afterwards. A restore or a stash is for the user to finish or to abort.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from mlws.core.atomic import atomic_write
from mlws.core.project import Project

FILE = "switching.json"
FOLLOWING = "following.json"
"""Journal of an operation that git itself has begun: at its end, the data follows the code."""
CHECKOUT = "checkout"
RESTORE = "restore"
STASH = "stash"
JOURNALED = frozenset({CHECKOUT, RESTORE, STASH})
"""Operations that are unfinished while their journal exists; others are so in git's own files."""


@dataclass(frozen=True)
class Switch:
    """Journal of a switch of the working tree.

    ``goal`` is the version to switch to; ``base``, if HEAD moves as well, the commit that it
    comes from. ``safety`` is the commit that keeps the previous content. ``code`` maps each
    changed path to its previous blob, None if there was none; ``data`` lists the paths of data
    that change. ``operation`` is the name that users read. ``whole``: all paths are restored.
    ``created`` maps untracked files that a stash brings to their blobs.
    """

    goal: str
    operation: str = RESTORE
    base: str | None = None
    moves: bool = False
    safety: str | None = None
    code: dict[str, str | None] = field(default_factory=dict)
    data: list[str] = field(default_factory=list)
    whole: bool = False
    created: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, project: Project, file: str = FILE) -> Switch | None:
        """Return the switch that is in progress or was interrupted."""
        path = project.state / file
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            # Not damaged by a crash of ours, and not readable.
            path.replace(path.with_name(f"{file}.damaged"))
            return None


def begin_switch(project: Project, switch: Switch, file: str = FILE) -> None:
    """Record that the working tree is between two versions."""
    atomic_write(project.state / file, json.dumps(asdict(switch)), durable=True)


def end_switch(project: Project, file: str = FILE) -> None:
    """Delete the journal: the working tree holds one version again."""
    (project.state / file).unlink(missing_ok=True)


def is_switching(project: Project, file: str = FILE) -> bool:
    """Return whether a switch is in progress or was interrupted."""
    return (project.state / file).exists()


def interrupted(project: Project) -> str | None:
    """Return the name of the operation that switches the working tree or was interrupted."""
    switch = Switch.read(project) if is_switching(project) else None
    return switch.operation if switch is not None else None
