"""The environment that a launcher, such as ``uv run --project envs/torch``, has activated."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path


def other_python(variables: Mapping[str, str] = os.environ) -> str | None:
    """Return the Python of the environment that a launcher activated; None if it is this one.

    An environment that a shell activated is not meant: the lab may be started from any.
    """
    if "UV_RUN_RECURSION_DEPTH" in variables:
        prefix = variables.get("VIRTUAL_ENV")
    elif "PIXI_ENVIRONMENT_NAME" in variables:
        prefix = variables.get("CONDA_PREFIX")
    else:
        # Of conda only those in a project: others are activated by shells.
        prefix = variables.get("CONDA_PREFIX")
        prefix = prefix if prefix and Path(prefix).name == ".conda" else None
    if not prefix or Path(prefix).resolve() == Path(sys.prefix).resolve():
        return None
    python = Path(prefix) / "bin" / "python"
    return str(python) if python.exists() else None
