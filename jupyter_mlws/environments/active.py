"""The environment that a launcher, such as ``uv run --project envs/torch``, has activated."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_mlws.environments import kernel_launcher, kernel_magics

NODE_FILE = str(Path(__file__).parents[1] / "components" / "runtime" / "environment_node.py")
"""The program that runs a component in another environment, for that environment's Python."""
KERNEL_FILE = kernel_launcher.__file__
"""The program that starts ipykernel in another environment, for that environment's Python."""


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


def lab_packages() -> dict[str, str]:
    """Return the variables that tell a program of another environment of the lab's Python."""
    directories = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    packages = os.pathsep.join([str(sys.implementation.cache_tag), *directories])
    return {kernel_launcher.PACKAGES: packages, kernel_magics.PYTHON: sys.executable}


def kernel_spec(python: str) -> dict[str, Any]:
    """Return Jupyter's specification of a kernel in another environment, but for its title."""
    return {
        "argv": [python, KERNEL_FILE, "-f", "{connection_file}"],
        "language": "python",
        "metadata": {"debugger": True},
        "env": lab_packages(),
    }
