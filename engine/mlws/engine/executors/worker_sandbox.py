"""Folder for one node on a worker that has no access to the project's folder.

The run sends its code, which the worker stores by its hash; data is transferred by the DVC remote.
The worker needs access of its own to that remote, as the run sends no secrets.
"""

from __future__ import annotations

import io
import shutil
import tarfile
import threading
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from mlws.dvc.data import open_data
from mlws.dvc.pointers import DataPointer
from mlws.engine.executors.job import ArtifactBundle

LOCAL_URI_PREFIXES = ("sqlite:", "file:")
"""Prefixes of tracking stores that only their own machine can reach."""
SETTINGS = """\
[core]
    no_scm = true
[cache]
    dir = {cache}
"""
"""DVC's settings in the tree, which is no git repository; all trees of a worker share a cache."""

_unpack_lock = threading.Lock()


class WorkerSandbox:
    """Temporary folder with a node's code and data, created on entering and removed on leaving."""

    def __init__(self, home: Path, bundle: ArtifactBundle, code: bytes) -> None:
        self._home = home
        self._bundle = bundle
        self._code = code
        self._root = home / f"tree-{uuid.uuid4().hex[:12]}"

    def __enter__(self) -> WorkerSandbox:
        # Unpacked once for all nodes of a run.
        code = self._home / f"code-{self._bundle.code}"
        with _unpack_lock:
            if not code.is_dir():
                beside = code.with_name(f"{code.name}.{uuid.uuid4().hex[:8]}")
                with tarfile.open(fileobj=io.BytesIO(self._code), mode="r:gz") as archive:
                    archive.extractall(beside, filter="tar")
                beside.replace(code)
        shutil.copytree(code, self._root, symlinks=True)
        dvc = self._root / ".dvc"
        dvc.mkdir(exist_ok=True)
        settings = SETTINGS.format(cache=self._home / "cache")
        (dvc / "config.local").write_text(settings, encoding="utf-8")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        shutil.rmtree(self._root, ignore_errors=True)

    def place(self, path: str) -> Path:
        """Create and return the folder of this tree for a folder of the project."""
        place = self._root / Path(path).relative_to(self._bundle.root)
        place.mkdir(parents=True, exist_ok=True)
        return place

    def adapt_variables(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Return the variables of a node, without those that only work on the run's own machine."""
        return {
            name: str(self._root) if value == self._bundle.root else value
            for name, value in variables.items()
            if not value.startswith(LOCAL_URI_PREFIXES)
        }

    def fetch(self) -> None:
        """Download the inputs.

        Raises RemoteUnreachableError, DataMissingError if the remote does not have or provide them.
        """
        for path in self._bundle.outs:
            (self._root / path).parent.mkdir(parents=True, exist_ok=True)
        if not self._bundle.inputs:
            return
        with open_data(self._root) as store:
            store.remote.fetch(self._bundle.inputs)
            for item in self._bundle.inputs:
                store.worktree.checkout(item)

    def push(self) -> list[DataPointer]:
        """Store the node's outputs in the remote, and return them."""
        with open_data(self._root) as store:
            outputs = [
                pointer
                for path in self._bundle.outs
                if (pointer := store.worktree.store(DataPointer(path, "", None))) is not None
            ]
            outputs = [
                replace(item, isexec=is_executable(self._root / item.path)) for item in outputs
            ]
            store.remote.push(outputs)
        return outputs


def is_executable(path: Path) -> bool:
    """Return whether a path is a file that its owner may execute."""
    return path.is_file() and bool(path.stat().st_mode & 0o100)
