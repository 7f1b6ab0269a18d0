"""Accepts components that ``uv run`` starts in an environment of the project.

Only ``uv run --frozen --project FOLDER jupyter mlws node …``, and only while the environment is
installed as its lock says, so that ``uv`` would do nothing but start the program. Scripts start
fresh: in a zygote they would find our packages, which the environment does not have.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from jupyter_mlws.environments.active import NODE_FILE, lab_packages
from jupyter_mlws.forkserver.eligible import NODE, split
from jupyter_mlws.forkserver.fingerprint import can_be_warm
from jupyter_mlws.forkserver.job import Job, Kind
from jupyter_mlws.forkserver.preload import mtime_ns
from mlws.environments.definitions import State, Tool, find_definition
from mlws.environments.python_packages import site_packages

LAUNCHER = ["uv", "run", "--frozen", "--project"]
ZYGOTE = "--zygote"
"""Argument of :data:`NODE_FILE` with which it is a zygote."""
VARIABLES = ("UV_PROJECT_ENVIRONMENT", "UV_ENV_FILE", "UV_PYTHON", "UV_WORKING_DIRECTORY")
"""Variables with which uv may take another environment."""


def read(command: str, cwd: str, environment: Mapping[str, str]) -> Job | None:
    """Return the job of a component in an environment; None if it must be fresh."""
    if not command.startswith("uv run ") or not can_be_warm(environment):
        return None
    words = split(command) or []
    start = len(LAUNCHER) + 1
    rest = words[start:]
    if words[: start - 1] != LAUNCHER or any(name in environment for name in VARIABLES):
        return None
    length = 2 if rest[:1] == [NODE[0]] else 3
    if rest[:length] not in (list(NODE), ["jupyter", "mlws", "node"]):
        return None
    folder = Path(os.path.normpath(Path(cwd, words[start - 1])))
    prefix = folder / ".venv"
    watched = [folder / "uv.lock", prefix, *site_packages(prefix)]
    if not _is_installed(folder, *(mtime_ns(str(path)) for path in watched)):
        return None
    python = str(prefix / "bin" / "python")
    arguments = tuple(rest[length:])
    variables = {
        **environment,
        **lab_packages(),
        "PATH": os.pathsep.join([str(prefix / "bin"), environment.get("PATH", os.defpath)]),
        "PWD": cwd,
        "VIRTUAL_ENV": str(prefix),
        "UV": shutil.which("uv", path=environment.get("PATH")) or "uv",
        "UV_RUN_RECURSION_DEPTH": "1",
    }
    return Job(
        kind=Kind.SCRIPT,
        target=NODE_FILE,
        arguments=arguments,
        words=(python, NODE_FILE, *arguments),
        executable=python,
        cwd=cwd,
        environment=variables,
    )


@lru_cache(maxsize=64)
def _is_installed(folder: Path, *times: int) -> bool:
    """Return whether an environment is as its lock says; ``times`` change when it may not be."""
    definition = find_definition(folder)
    return (
        definition is not None
        and definition.tool is Tool.UV
        and definition.state() is State.READY
        # Only its own components and their packages: ours would come from there, not from the lab.
        and not (definition.prefix / "bin" / NODE[0]).exists()
    )
