"""The journal of a switch: what the working tree is between, from its first file to its last."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from jupyter_mlws.core.atomic import atomic_write
from jupyter_mlws.core.project import Project

FILE = "switching.json"


@dataclass(frozen=True)
class Switch:
    """What becomes of the working tree.

    ``goal`` is the version that it is to hold; ``base``, where HEAD moves as well, the commit
    that it comes from. ``safety`` keeps what was there. ``code`` has the blob that each path that
    changes held before, None where there was none; ``data`` the paths of data that change.
    """

    goal: str
    base: str | None = None
    moves: bool = False
    safety: str | None = None
    code: dict[str, str | None] = field(default_factory=dict)
    data: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, project: Project) -> Switch | None:
        """The one that is under way, or died on its way."""
        try:
            return cls(**json.loads((project.state / FILE).read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            # Damaged by something else than us: nobody can say what it was.
            (project.state / FILE).replace(project.state / f"{FILE}.damaged")
            return None


def begin_switch(project: Project, switch: Switch) -> None:
    """Note that the working tree is between two versions, for whoever comes after a crash."""
    atomic_write(project.state / FILE, json.dumps(asdict(switch)), durable=True)


def end_switch(project: Project) -> None:
    """The working tree holds one version again."""
    (project.state / FILE).unlink(missing_ok=True)


def is_switching(project: Project) -> bool:
    """A switch is between its first and last file, or died there."""
    return (project.state / FILE).exists()
