"""What tests of versioning do with working trees."""

from __future__ import annotations

from pathlib import Path


def add_data(root: Path, *paths: str) -> None:
    """What ``dvc add`` does, without the second that its process takes."""
    from dvc.repo import Repo

    repo = Repo(str(root))
    repo.add([str(root / path) for path in paths])
    repo.close()


def tree_of(root: Path) -> dict[str, bytes]:
    """Every file of the working tree with its bytes, git's and DVC's own folders apart."""
    found = {}
    for path in root.rglob("*"):
        inside = path.relative_to(root)
        if inside.parts[0] in (".git", ".dvc") or not (path.is_file() or path.is_symlink()):
            continue
        link = path.is_symlink() and inside.parts[0] != "data"
        found[str(inside)] = str(path.readlink()).encode() if link else path.read_bytes()
    return found
