"""Where the commands of stages find their programs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def search_path(python: str, environment: Mapping[str, str]) -> str:
    """The ``PATH`` for a command: an activated environment first, then ``python``'s own folder.

    Whoever activated an environment means its `python`, as `dvc repro` takes it; `jupyter` puts its
    own folder before it for its subcommands. A lab that was started by its full path has none
    activated, and its own `python` and `jupyter` may be on no path.
    """
    path = environment.get("PATH", os.defpath)
    folders = [str(Path(python).parent), path]
    active = environment.get("VIRTUAL_ENV") or environment.get("CONDA_PREFIX")
    if active and str(Path(active) / "bin") in path.split(os.pathsep):
        folders.insert(0, str(Path(active) / "bin"))
    return os.pathsep.join(folders)
