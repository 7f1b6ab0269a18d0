"""Transfer of code and data to workers without access to the project's folder."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import subprocess
import tarfile
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path, PurePosixPath

from mlws.core.errors import ProjectNotSharedError
from mlws.dvc.data import DataStore, open_data
from mlws.dvc.pointers import DataPointer
from mlws.engine.executors.job import ArtifactBundle
from mlws.engine.executors.worker_sandbox import is_executable
from mlws.engine.graph import Stage

GIT_TIMEOUT = 60


class ArtifactBundler:
    """Packs the inputs of a run's nodes and unpacks their outputs; for one thread.

    The data store is opened at the first node that has data.
    """

    def __init__(self, root: Path, stages: Sequence[Stage]) -> None:
        self._root = root
        self._stages = {stage.id: stage for stage in stages}
        outputs = {path for stage in stages for path in stage.outs}
        # The files that git tracks or would track.
        answer = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=root,
            check=True,
            capture_output=True,
            timeout=GIT_TIMEOUT,
        )
        names = {os.fsdecode(name) for name in answer.stdout.split(b"\0") if name}
        code_files = [
            name
            for name in sorted(names)
            if ((root / name).is_symlink() or (root / name).is_file())
            and outputs.isdisjoint((name, *map(str, PurePosixPath(name).parents)))
        ]
        self.code = _pack_files(root, code_files)
        self.digest = hashlib.sha256(self.code).hexdigest()
        self._code_files = set(code_files)
        self._exit_stack = ExitStack()
        self._data_store: DataStore | None = None

    def close(self) -> None:
        """Close the data store."""
        self._exit_stack.close()

    def pack(self, node: str) -> ArtifactBundle:
        """Push a node's inputs to the remote, and return the bundle for its worker.

        Raises ProjectNotSharedError if there is no remote, RemoteUnreachableError.
        """
        stage = self._stages[node]
        data_paths = [path for path in (*stage.deps, *stage.outs) if self._is_data(path)]
        pointers = [self._store.worktree.store(DataPointer(path, "", None)) for path in data_paths]
        items = [
            replace(item, isexec=is_executable(self._root / item.path))
            for item in pointers
            if item is not None
        ]
        if items or stage.outs:
            if self._store.remote.name is None:
                raise ProjectNotSharedError()
            self._store.remote.push(items)
        return ArtifactBundle(self.digest, str(self._root), tuple(items), tuple(stage.outs))

    def unpack(self, items: Sequence[DataPointer]) -> None:
        """Put a node's outputs into the project's folder.

        Raises RemoteUnreachableError or DataMissingError.
        """
        self._store.remote.fetch(items)
        for item in items:
            self._store.worktree.checkout(item)

    @property
    def _store(self) -> DataStore:
        if self._data_store is None:
            self._data_store = self._exit_stack.enter_context(open_data(self._root))
        return self._data_store

    def _is_data(self, path: str) -> bool:
        """Return whether a path of the project exists and is not part of the code."""
        place = self._root / path
        if path in self._code_files or path.startswith("..") or not place.exists():
            return False
        return not place.is_dir() or any(
            file.relative_to(self._root).as_posix() not in self._code_files
            for file in place.rglob("*")
            if not file.is_dir()
        )


def _pack_files(root: Path, files: Iterable[str]) -> bytes:
    """Return an archive that is identical for identical files."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0, compresslevel=1) as gzip_file,
        tarfile.open(fileobj=gzip_file, mode="w") as archive,
    ):
        for name in files:
            archive.add(
                root / name,
                name,
                recursive=False,
                filter=lambda info: info.replace(mtime=0, uid=0, gid=0, uname="", gname=""),
            )
    return buffer.getvalue()
