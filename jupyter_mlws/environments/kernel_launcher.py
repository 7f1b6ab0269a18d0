"""Starts ipykernel in an environment of a project, also in one that lacks it.

Run as a file by the environment's Python, which has none of our packages. Only the modules of
ipykernel and what it needs come from the lab, and only where the environment has none of its own;
both Pythons must be of the same version then.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

PACKAGES = "LAB_PACKAGES"
"""Variable with the version of the lab's Python and its directories of packages."""
NAMES = (
    "IPython asttokens comm dateutil debugpy decorator executing ipykernel ipython_pygments_lexers"
    " jedi jupyter_client jupyter_core matplotlib_inline nest_asyncio packaging parso pexpect"
    " platformdirs prompt_toolkit psutil ptyprocess pure_eval pygments six stack_data tornado"
    " traitlets typing_extensions wcwidth zmq"
)
MODULES = frozenset(NAMES.split())
"""ipykernel and what it imports."""
MISSING = (
    "This environment has no ipykernel, and its Python is not the lab's ({lab}). Add it: "
    "jupyter mlws env add --name NAME ipykernel"
)


class LabFinder:
    """Finds some modules among the lab's packages, after all other finders."""

    def __init__(self, names: Collection[str], directories: Sequence[str]) -> None:
        self._names = names
        self._directories = list(directories)

    def find_spec(
        self, name: str, path: object = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the module ``name``; None for modules of packages and all others."""
        if path is not None or name not in self._names:
            return None
        return PathFinder.find_spec(name, self._directories)


class MagicsFinder:
    """Finds the module of ``%load_ext jupyter_mlws``, which runs the lab's commands."""

    def __init__(self, folder: str) -> None:
        self._file = Path(folder, "kernel_magics.py")

    def find_spec(
        self, name: str, path: object = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the module ``jupyter_mlws``; None for all others."""
        return spec_from_file_location(name, self._file) if name == "jupyter_mlws" else None


def packages_of_lab() -> tuple[str, list[str]]:
    """Return the version of the lab's Python, and its directories of packages.

    There are none if this Python is of another version.
    """
    version, *directories = os.environ.pop(PACKAGES, "").split(os.pathsep)
    return version, directories if version == sys.implementation.cache_tag else []


def main() -> None:
    """Start the kernel; exit with a message if that is impossible."""
    # Not the directory of this file, which is first.
    folder = sys.path.pop(0)
    version, directories = packages_of_lab()
    if find_spec("ipykernel") is None:
        if not directories:
            sys.exit(MISSING.format(lab=version))
        sys.meta_path.append(LabFinder(MODULES, directories))
    if find_spec("jupyter_mlws") is None:
        sys.meta_path.append(MagicsFinder(folder))
    from ipykernel import kernelapp

    kernelapp.launch_new_instance()


if __name__ == "__main__":
    main()
