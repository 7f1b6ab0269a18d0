"""Starts the kernel of an environment for the project that a notebook is in.

``python -m jupyter_mlws.notebooks.start_kernel NAME PYTHON -f FILE``. The kernels of all projects
with an environment of one name have one name, so that notebooks find theirs in each clone. Which
project is meant is decided by the working folder; outside of them ``PYTHON`` is started.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from jupyter_mlws.core.trust import is_trusted
from jupyter_mlws.environments.active import KERNEL_FILE, lab_packages
from mlws.environments.definitions import find_by_kernel, project_root

NOT_TRUSTED = "The project {root} is not trusted, so its environments are not started."


def main() -> None:
    """Become the kernel; exit with a message if the project is not trusted."""
    kernel, python, *arguments = sys.argv[1:]
    folder = Path.cwd()
    definition = find_by_kernel(kernel, folder)
    if definition is not None:
        root = project_root(folder)
        if root is None or not is_trusted(root):
            sys.exit(NOT_TRUSTED.format(root=root))
        python = str(definition.python)
    os.execve(python, [python, KERNEL_FILE, *arguments], {**os.environ, **lab_packages()})  # noqa: S606


if __name__ == "__main__":
    main()
