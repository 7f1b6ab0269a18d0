"""The environments of open projects as kernels of the lab, without ``ipykernel install``.

Their specifications are files in a folder of the server, which are written when Jupyter lists the
kernels. Only environments that are installed, of projects that are trusted, are offered. Those of
one name in several projects are one kernel.
"""

from __future__ import annotations

import json
import logging
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import NATIVE_KERNEL_NAME
from traitlets import Unicode

from jupyter_mlws.core.trust import is_trusted
from jupyter_mlws.notebooks import start_kernel
from mlws.core.atomic import atomic_write
from mlws.core.project import Project
from mlws.environments.definitions import ROOT, find_definitions

log = logging.getLogger(__name__)


class _DefaultKernel(Unicode[str, str | bytes]):
    """The name of the kernel that notebooks start with which name none."""

    def __init__(self, find: Callable[[], str | None], other: str) -> None:
        super().__init__(other)
        self._find = find
        self._other = other

    def get(self, obj: Any, cls: Any = None) -> str:
        return self._find() or self._other


class EnvironmentKernels:
    """Adds kernels to the specifications that a manager of Jupyter lists.

    The environment of the only open project's own directory becomes the default of ``kernels``, the
    manager of running kernels, unless its configuration names another one.

    ``projects`` returns the open projects. ``folder`` is that of the servers with one root, so that
    a kernel which outlives its server finds its specification again.
    """

    def __init__(
        self,
        manager: Any,
        folder: Path,
        projects: Callable[[], Iterable[Project]],
        kernels: Any = None,
    ) -> None:
        self._folder = folder
        self._projects = projects
        self._find: Callable[[], dict[str, str]] = manager.find_kernel_specs
        manager.kernel_dirs = [*manager.kernel_dirs, str(folder)]
        manager.find_kernel_specs = self.find_kernel_specs
        if kernels is not None and kernels.default_kernel_name == NATIVE_KERNEL_NAME:
            # It is read before the kernels are listed, so that it cannot be set by that.
            trait = _DefaultKernel(self._default_kernel, NATIVE_KERNEL_NAME)
            kernels.add_traits(default_kernel_name=trait)
        self._update()

    def find_kernel_specs(self) -> dict[str, str]:
        """Return the directory of each kernel, as Jupyter's own method does."""
        self._update()
        return self._find()

    def _default_kernel(self) -> str | None:
        projects = list(self._projects())
        if len(projects) != 1 or not is_trusted(projects[0].root):
            return None
        for definition in find_definitions(projects[0].root):
            if definition.name == ROOT:
                is_ready = definition.python.exists() and not definition.needs_ipykernel
                return definition.kernel if is_ready else None
        return None

    def _update(self) -> None:
        try:
            self._write()
        except OSError as error:
            # On a full or read-only disk the other kernels are listed as before.
            log.warning("The environments are not listed as kernels: %s", error)

    def _write(self) -> None:
        specs: dict[str, Any] = {}
        for project in self._projects():
            definitions = find_definitions(project.root) if is_trusted(project.root) else []
            for definition in definitions:
                if definition.python.exists():
                    # The folder of the notebook decides among projects; see `start_kernel`.
                    start = [sys.executable, "-P", "-m", start_kernel.__name__, definition.kernel]
                    specs[definition.kernel] = {
                        "argv": [*start, str(definition.python), "-f", "{connection_file}"],
                        "display_name": f"Python ({definition.name})",
                        "language": "python",
                        "metadata": {
                            "debugger": True,
                            "needs_ipykernel": definition.needs_ipykernel,
                        },
                    }
        self._folder.mkdir(parents=True, exist_ok=True)
        for path in self._folder.iterdir():
            if path.name not in specs:
                shutil.rmtree(path, ignore_errors=True)
        native = self._find().get(NATIVE_KERNEL_NAME)
        images = Path(native).glob("logo-*") if native else ()
        logos = {path.name: path.read_bytes() for path in images}
        for name, spec in specs.items():
            files = {"kernel.json": json.dumps(spec).encode(), **logos}
            for file, content in files.items():
                path = self._folder / name / file
                if not path.is_file() or path.read_bytes() != content:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    atomic_write(path, content)
