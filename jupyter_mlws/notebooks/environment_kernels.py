"""The environments of open projects as kernels of the lab, without ``ipykernel install``.

Their specifications are files in a folder of the server, which are written when Jupyter lists the
kernels. Only environments that are installed, of projects that are trusted, are offered.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from jupyter_mlws.core.atomic import atomic_write
from jupyter_mlws.core.project import Project
from jupyter_mlws.core.trust import is_trusted
from jupyter_mlws.environments.definitions import ROOT, find_definitions
from jupyter_mlws.notebooks import kernel_launcher

log = logging.getLogger(__name__)
NAME = re.compile(r"[^a-z0-9._-]+")


class EnvironmentKernels:
    """Adds kernels to the specifications that a manager of Jupyter lists.

    ``projects`` returns the open projects. ``folder`` is that of the servers with one root, so that
    a kernel which outlives its server finds its specification again.
    """

    def __init__(
        self, manager: Any, folder: Path, projects: Callable[[], Iterable[Project]]
    ) -> None:
        self._folder = folder
        self._projects = projects
        self._find: Callable[[], dict[str, str]] = manager.find_kernel_specs
        manager.kernel_dirs = [*manager.kernel_dirs, str(folder)]
        manager.find_kernel_specs = self.find_kernel_specs
        self._update()

    def find_kernel_specs(self) -> dict[str, str]:
        """Return the directory of each kernel, as Jupyter's own method does."""
        self._update()
        return self._find()

    def _update(self) -> None:
        try:
            self._write()
        except OSError as error:
            # On a full or read-only disk the other kernels are listed as before.
            log.warning("The environments are not listed as kernels: %s", error)

    def _write(self) -> None:
        directories = [
            path for path in sys.path if path.endswith(("site-packages", "dist-packages"))
        ]
        packages = os.pathsep.join([str(sys.implementation.cache_tag), *directories])
        specs: dict[str, Any] = {}
        for project in self._projects():
            definitions = find_definitions(project.root) if is_trusted(project.root) else []
            for definition in definitions:
                if not definition.python.exists():
                    continue
                environment = [] if definition.name == ROOT else [definition.name]
                # A name that Jupyter accepts, and that stays the same for notebooks.
                name = NAME.sub("-", "-".join(["env", project.root.name, *environment]).lower())
                title = " · ".join([*environment, project.root.name])
                launcher = kernel_launcher.__file__
                specs[name] = {
                    "argv": [str(definition.python), launcher, "-f", "{connection_file}"],
                    "display_name": f"Python ({title})",
                    "language": "python",
                    "metadata": {"debugger": True},
                    "env": {kernel_launcher.PACKAGES: packages},
                }
        self._folder.mkdir(parents=True, exist_ok=True)
        for path in self._folder.iterdir():
            if path.name not in specs:
                shutil.rmtree(path, ignore_errors=True)
        for name, spec in specs.items():
            file = self._folder / name / "kernel.json"
            content = json.dumps(spec).encode()
            if not file.is_file() or file.read_bytes() != content:
                file.parent.mkdir(parents=True, exist_ok=True)
                atomic_write(file, content)
