"""Resolves tables in conflict by row: files of git, and data that DVC tracks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from jupyter_mlws.core.errors import (
    UncommittedChangesError,
    UnresolvedCellsError,
    VersionItemNotFoundError,
)
from jupyter_mlws.git.adapter import join_nul
from jupyter_mlws.git.index import PATHSPEC_OPTIONS
from jupyter_mlws.git.merge import STAGES, content, read_conflicts
from jupyter_mlws.versioning.data_index import format_paths, normalize_path
from jupyter_mlws.versioning.repository import Needs, Repository, RepositoryPart
from jupyter_mlws.versioning.snapshots.compare import Comparison
from jupyter_mlws.workflows.models import TableMerge
from jupyter_mlws.workflows.table_comparison import NOT_A_TABLE, REASONS, TableComparisons
from jupyter_mlws.workflows.table_diff import FORMATS
from jupyter_mlws.workflows.table_merge import MAX_BYTES, READERS, merge_tables
from jupyter_mlws.workflows.table_process import TableRefusedError
from mlws.core.atomic import atomic_write
from mlws.core.errors import Fault, InvalidRequestError
from mlws.core.i18n import Message
from mlws.dvc.cache import StoredObject
from mlws.dvc.data import open_data
from mlws.dvc.pointers import DataPointer, read_pointers

SUFFIXES = [suffix for suffix, kind in FORMATS.items() if kind in READERS]
TOO_LARGE = Message("it is larger than 50 MB")
NOT_STORED = next(text for reason, text in REASONS.items() if reason == "not_stored")
ALL_SIDES = Message("it is not in all three versions")


@dataclass(frozen=True)
class Versions:
    """Files with the versions of a table. ``pointers`` are set for data that DVC tracks."""

    files: Mapping[str, Path]
    kind: str
    target: str
    pointers: Mapping[str, DataPointer]
    texts: Mapping[str, bytes]


class TableMerges(RepositoryPart):
    """The tables in conflict of a project. Thread-safe."""

    def preview(self, path: str) -> TableMerge:
        """Return what a merge by row would take, and its conflicts; nothing is written.

        Raises VersionItemNotFoundError if the path is not in conflict.
        """
        path = normalize_path(self._project, path)
        with TemporaryDirectory(prefix="mlws-") as folder:
            try:
                with self._versions(path, Path(folder)) as versions:
                    fields = self._merge(versions, {}, Path(folder))
            except TableRefusedError as error:
                return TableMerge(path=path, problem=error.reason)
        return TableMerge(path=path, **fields)

    def resolve(self, path: str, choices: Mapping[str, str]) -> None:
        """Write the merged table, and stage it; data is tracked, and its pointer staged.

        Raises VersionItemNotFoundError if the path is not in conflict, InvalidRequestError if it
        cannot be merged by row, UnresolvedCellsError if conflicts have no choice,
        UncommittedChangesError if the data in the working tree is of no side.
        """
        with (
            self._repository.exclusive("merge", needs=Needs.FILES),
            TemporaryDirectory(prefix="mlws-") as folder,
        ):
            path = normalize_path(self._project, path)
            try:
                with self._versions(path, Path(folder)) as versions:
                    fields = self._merge(versions, choices, Path(folder))
            except TableRefusedError as error:
                raise InvalidRequestError(faults=[Fault("path", error.reason)]) from error
            if fields["unresolved"]:
                unresolved = [one for one in fields["conflicts"] if one["take"] is None]
                raise UnresolvedCellsError(
                    paths=[
                        " ".join(filter(None, (one["key"], one["column"]))) for one in unresolved
                    ]
                )
            merged = Path(folder, "merged").read_bytes()
            if versions.pointers:
                self._track(path, versions, merged)
            else:
                atomic_write(self._root / path, merged)
            self._git.run("add", "--force", *PATHSPEC_OPTIONS, stdin=join_nul([path]))

    def _track(self, path: str, versions: Versions, merged: bytes) -> None:
        """Replace the data in the working tree by the merged one, and record it."""
        target, pointer = self._root / versions.target, self._root / path
        if target.is_file():
            digest = hashlib.md5(target.read_bytes(), usedforsecurity=False).hexdigest()
            if digest not in {one.md5 for one in versions.pointers.values()}:
                raise UncommittedChangesError(paths=format_paths([versions.target]))
        before = pointer.read_bytes() if pointer.is_file() else None
        # With conflict markers it is not a file of DVC.
        atomic_write(pointer, versions.texts["ours"])
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(target, merged)
            with open_data(self._root) as data:
                data.tracker.add(path)
        except BaseException:
            # The data of all sides is in the cache.
            if before is not None:
                atomic_write(pointer, before)
            raise

    def _merge(
        self, versions: Versions, choices: Mapping[str, str], folder: Path
    ) -> dict[str, Any]:
        if any(file.stat().st_size > MAX_BYTES for file in versions.files.values()):
            raise TableRefusedError(TOO_LARGE)
        return merge_tables(versions.files, versions.kind, choices, folder / "merged")

    @contextmanager
    def _versions(self, path: str, folder: Path) -> Iterator[Versions]:
        """Yield the three versions; raises TableRefusedError."""
        sides = read_conflicts(self._git).get(path)
        if sides is None:
            raise VersionItemNotFoundError(kind="conflict", name=path)
        texts = {name: content(self._git, sides.get(stage)) for name, stage in STAGES.items()}
        sources = {name: text for name, text in texts.items() if text is not None}
        pointers: dict[str, DataPointer] = {}
        if path.endswith(".dvc"):
            for name, text in sources.items():
                items = read_pointers({path: text})
                if len(items) == 1 and not items[0].folder and items[0].md5 is not None:
                    pointers[name] = items[0]
            if len({item.path for item in pointers.values()}) == 1:
                target = pointers[next(iter(pointers))].path
            else:
                target = ""
        else:
            target = path
        kind = FORMATS.get(PurePosixPath(target).suffix.lower())
        if kind not in READERS:
            raise TableRefusedError(NOT_A_TABLE.fill(extensions=", ".join(SUFFIXES)))
        if len(sources) < len(STAGES) or (pointers and len(pointers) < len(STAGES)):
            raise TableRefusedError(ALL_SIDES)
        files: dict[str, Path] = {}
        if not pointers:
            for name, text in sources.items():
                files[name] = folder / name
                files[name].write_bytes(text)
        else:
            with open_data(self._root) as data:
                for name, item in pointers.items():
                    files[name] = data.cache.path_of(StoredObject(str(item.md5), item))
            if not all(file.is_file() for file in files.values()):
                raise TableRefusedError(NOT_STORED)
        yield Versions(files, kind, target, pointers, sources)


class TableManager:
    """The tables of a project: their comparisons, and those in conflict."""

    def __init__(self, repository: Repository, comparison: Comparison) -> None:
        self.comparisons = TableComparisons(comparison)
        self.merges = TableMerges(repository)
