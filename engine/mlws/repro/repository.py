"""The stages of all `dvc.yaml` and `.dvc` files of a DVC repository, as one graph."""

from __future__ import annotations

import os
import posixpath
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mlws.core.errors import MLWSError, WorkflowUnreadableError
from mlws.core.i18n import Message
from mlws.core.project import Project
from mlws.document.parse import FILE, Document, parse
from mlws.document.templates import resolve_stages
from mlws.dvc import yaml_loader
from mlws.dvc.ignores import GIT_TIMEOUT
from mlws.dvc.native.ignored_paths import IgnoredPaths
from mlws.dvc.native.stage import DEFAULT_PARAMS_FILE
from mlws.dvc.unsupported import UnsupportedStageError
from mlws.engine import graph
from mlws.engine.graph import StageGraph
from mlws.engine.policy import DEFAULT
from mlws.repro.errors import Reason, ReproError

POINTER = ".dvc"
"""Suffix of a file that describes data, and name of DVC's own folder."""


@dataclass(frozen=True)
class Node(graph.Stage):
    """A stage, or the data of a `.dvc` file (without a ``name``); ``file`` is where it is defined.

    The ID is DVC's: the stage's name, after the path of its file unless that is in the root.
    """

    file: str
    name: str

    def address(self, folder: str) -> str:
        """Return DVC's name for it in a ``folder`` of the repository."""
        file = posixpath.relpath(self.file, folder or ".")
        if not self.name:
            return file
        return self.name if file == FILE else f"{file}:{self.name}"


class Repository:
    """A DVC repository; ``root`` is absolute and free of symlinks.

    Raises the MLWSError of the first unreadable file, or calls ``on_fault`` with that of each.
    """

    def __init__(
        self, root: Path, on_fault: Callable[[str, MLWSError], None] | None = None
    ) -> None:
        self.root = root
        self.paths = sorted(self._find_files(), key=lambda file: (file.count("/"), file))
        """The `dvc.yaml` and `.dvc` files that neither git nor DVC ignores."""
        self.files: dict[str, Mapping[str, Any]] = {}
        """The resolved stages of each `dvc.yaml`, by its path."""
        self.documents: dict[str, Document] = {}
        """Each `dvc.yaml` as written, by its path."""
        self.nodes: dict[str, Node] = {}
        outs: set[str] = set()
        # From the top down: a stage's output may hold copies of such files.
        for file in self.paths:
            if not outs.isdisjoint(parents(file)):
                continue
            read = self._read_pointer if file.endswith(POINTER) else self._read_stages
            try:
                for node in read(file):
                    self.nodes[node.id] = node
                    outs.update(node.outs)
            except MLWSError as error:
                if on_fault is None:
                    raise
                on_fault(file, error)

    @classmethod
    def find(cls, folder: Path) -> tuple[Repository, str]:
        """Return the repository that a folder lies in, and the folder's path in it.

        :class:`ReproError` outside of one.
        """
        root, here = cls.locate(folder)
        return cls(root), here

    @staticmethod
    def locate(folder: Path) -> tuple[Path, str]:
        """Return the root of the repository that a folder lies in, and the folder's path in it.

        :class:`ReproError` outside of one.
        """
        start = folder.resolve()
        for root in (start, *start.parents):
            if (root / POINTER).is_dir():
                here = start.relative_to(root).as_posix()
                return root, "" if here == "." else here
        raise ReproError(
            Message(
                "you are not inside of a DVC repository (checked up to mount point '{mount}')",
                mount="/",
            ),
            Reason.NO_REPOSITORY,
        )

    @cached_property
    def state(self) -> Path:
        """The directory of our own state, which git never sees."""
        if (self.root / ".git").exists():
            return Project(self.root).state
        state = self.root / POINTER / "tmp" / "mlws"
        state.mkdir(parents=True, exist_ok=True)
        return state

    @cached_property
    def graph(self) -> StageGraph[Node]:
        return StageGraph(list(self.nodes.values()))

    def _find_files(self) -> Iterator[str]:
        """Yield the paths of the files that git does not ignore; all of them without git."""
        paths = list(self.list_files())
        others = {path.partition(f"/{POINTER}/")[0] for path in paths if f"/{POINTER}/" in path}
        patterns = IgnoredPaths(self.root)
        for path in paths:
            name = posixpath.basename(path)
            if name != FILE and (not name.endswith(POINTER) or name == POINTER):
                continue
            folders = path.split("/")[:-1]
            above = {"/".join(folders[: count + 1]) for count in range(len(folders))}
            if POINTER in folders or above & others:
                # Another repository's, or DVC's own.
                continue
            if not patterns.covers(str(self.root / path), False):
                yield path

    def list_files(self) -> Iterator[str]:
        """Yield the pipeline and `.dvc` files that git does not ignore; without git, all files."""
        names = (FILE, f"*/{FILE}", f"*{POINTER}")
        command = ["git", "ls-files", "-z", "-co", "--exclude-standard", "--deduplicate", "--"]
        answer = None
        # A repository without git may be on a machine without it.
        if shutil.which("git") is not None:
            answer = subprocess.run(
                [*command, *names],
                cwd=self.root,
                capture_output=True,
                timeout=GIT_TIMEOUT,
                check=False,
            )
        if answer is not None and answer.returncode == 0:
            lines = answer.stdout.decode("utf-8", "surrogateescape").split("\0")
            yield from (path for path in lines if path and (self.root / path).is_file())
            return
        for folder, folders, files in os.walk(self.root):
            here = Path(folder).relative_to(self.root)
            folders[:] = sorted(name for name in folders if name != ".git")
            if here.name == POINTER:
                folders.clear()
            yield from ((here / name).as_posix() for name in files)

    def _read_stages(self, file: str) -> Iterator[Node]:
        try:
            text = (self.root / file).read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            reason = Message("the file is not UTF-8")
            raise WorkflowUnreadableError(path=file, reason=reason, line=None) from error
        document = parse(file, text)
        for fault in document.faults:
            # DVC does not read `meta`.
            if not (fault.field or "").startswith("meta."):
                raise WorkflowUnreadableError(path=file, reason=fault.message, line=fault.line)
        stages = resolve_stages(self.root, document)
        self.files[file] = stages
        self.documents[file] = document
        for stage in document.stages(stages):
            params_files = dict.fromkeys(
                posixpath.normpath(posixpath.join(stage.wdir, str(name)))
                for entry in stages[stage.id].get("params") or ()
                for name in (entry if isinstance(entry, Mapping) else (DEFAULT_PARAMS_FILE,))
            )
            yield Node(
                id=stage.id if file == FILE else f"{file}:{stage.id}",
                wdir=stage.wdir,
                deps=(*stage.deps, *params_files),
                outs=stage.outs,
                frozen=stage.frozen,
                policy=stage.policy,
                file=file,
                name=stage.id,
            )

    def _read_pointer(self, file: str) -> Iterator[Node]:
        try:
            data = yaml_loader.read((self.root / file).read_text(encoding="utf-8"))
            wdir = posixpath.normpath(
                posixpath.join(posixpath.dirname(file), str(data.get("wdir") or "."))
            )
            deps, outs = (
                tuple(
                    posixpath.normpath(posixpath.join(wdir, str(entry["path"])))
                    for entry in data.get(kind) or ()
                    # Of another repository, or an address.
                    if "repo" not in entry and "://" not in str(entry["path"])
                )
                for kind in ("deps", "outs")
            )
            is_frozen = bool(data.get("frozen"))
        except (UnsupportedStageError, AttributeError, KeyError, TypeError, ValueError) as error:
            reason = Message("it does not describe data as DVC does")
            raise WorkflowUnreadableError(path=file, reason=reason, line=None) from error
        yield Node(file, wdir, deps, outs, is_frozen, DEFAULT, file, "")


def parents(path: str) -> Iterator[str]:
    """Yield the folders above a relative path, the nearest first."""
    while path := posixpath.dirname(path).rstrip("/"):
        yield path
