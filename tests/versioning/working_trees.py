"""What tests of versioning do with working trees."""

from __future__ import annotations

import os
from pathlib import Path

OWN = (".git", ".dvc")


def add_data(root: Path, *paths: str) -> None:
    """What ``dvc add`` does, without the second that its process takes."""
    from dvc.repo import Repo

    repo = Repo(str(root))
    repo.add([str(root / path) for path in paths])
    repo.close()


def tree_of(root: Path) -> dict[str, bytes]:
    """Every file of the working tree with its bytes, git's and DVC's own folders apart."""
    found = {}
    for folder, folders, names in os.walk(root):
        place = Path(folder)
        if place == root:
            # Not even looked at: a git that outlives a killed process still writes there.
            folders[:] = [name for name in folders if name not in OWN]
            names = [name for name in names if name not in OWN]
        links = [name for name in folders if (place / name).is_symlink()]
        for path in (place / name for name in (*names, *links)):
            inside = path.relative_to(root)
            link = path.is_symlink() and inside.parts[0] != "data"
            found[str(inside)] = str(path.readlink()).encode() if link else path.read_bytes()
    return found
