"""What tests of versioning do with working trees."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from jupyter_mlws.mlflow.client import TrackingClient
from jupyter_mlws.mlflow.store import tracking_uri
from mlws.core.project import Project

OWN = (".git", ".dvc")


def add_data(root: Path, *paths: str) -> None:
    """What ``dvc add`` does, without the second that its process takes."""
    from dvc.repo import Repo

    repo = Repo(str(root))
    repo.add([str(root / path) for path in paths])
    repo.close()


def log_run(project: Project) -> str:
    """Enter a run that has ended into the project's MLflow."""
    with closing(TrackingClient(tracking_uri(project.root), project.state)) as client:
        run: str = client.ask(
            "log_run", experiment="Wine", params={"a": 1}, metrics={}, tags={},
            start=1.0, end=2.0, status="COMPLETED",
        )  # fmt: skip
    return run


def tag_of(root: Path, run: str, key: str) -> str:
    """A tag of a run, as it is in MLflow's database."""
    with closing(sqlite3.connect(root / "mlflow.db")) as database:
        asked = "SELECT value FROM tags WHERE run_uuid = ? AND key = ?"
        value: str = database.execute(asked, (run, key)).fetchone()[0]
    return value


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
