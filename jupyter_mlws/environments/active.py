"""Programs of the lab that run in another environment, with that environment's Python."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from jupyter_mlws.environments import kernel_launcher, kernel_magics

NODE_FILE = str(Path(__file__).parents[1] / "components" / "runtime" / "environment_node.py")
"""The program that runs a component in another environment, for that environment's Python."""
KERNEL_FILE = kernel_launcher.__file__
"""The program that starts ipykernel in another environment, for that environment's Python."""


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
