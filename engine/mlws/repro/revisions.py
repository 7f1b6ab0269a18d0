"""The files of a DVC repository as they are, and as they were in a commit."""

from __future__ import annotations

import json
import os
import posixpath
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlws.core.i18n import Message
from mlws.document.parse import FILE, parse
from mlws.document.templates import definition_sources
from mlws.dvc import yaml_loader
from mlws.dvc.ignores import GIT_TIMEOUT
from mlws.dvc.native.objects import LEGACY, is_legacy, key_of_item, object_path
from mlws.dvc.native.parameter_files import read_values
from mlws.dvc.unsupported import UnsupportedStageError
from mlws.repro.errors import Reason, ReproError
from mlws.repro.repository import POINTER, Repository, parents
from mlws.repro.targets import LOCK

WORKSPACE = "workspace"
"""DVC's name of the files as they are now."""
REGULAR_FILES = ("100644", "100755")
"""Modes of git."""
IGNORE_FILE = ".dvcignore"
FOLDER_SUFFIX = ".dir"
"""Ends the hash of a folder."""


class Commits:
    """The commits of the git repository that ``root`` lies in, and their files below ``root``."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def _run(self, *arguments: str, content: bytes | None = None) -> bytes | None:
        """Return the output of git; None if it fails."""
        answer = subprocess.run(
            ["git", *arguments],
            cwd=self._root,
            input=content,
            capture_output=True,
            timeout=GIT_TIMEOUT,
            check=False,
        )
        return answer.stdout if answer.returncode == 0 else None

    def _lines(self, *arguments: str) -> list[str]:
        return (self._run(*arguments) or b"").decode("utf-8", "surrogateescape").splitlines()

    @property
    def is_empty(self) -> bool:
        """True before the first commit; :class:`ReproError` without git."""
        if self._run("rev-parse", "--git-dir") is None:
            raise ReproError(
                Message("the project is not in a git repository, so that it has no commits"),
                Reason.NO_REVISION,
            )
        return self._run("rev-parse", "--verify", "--quiet", "HEAD") is None

    def find(self, name: str) -> str:
        """Return the hash of a commit, branch or tag; :class:`ReproError` if there is none."""
        lines = self._lines(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
        )
        if not lines:
            message = Message("unknown Git revision '{revision}'", revision=name)
            raise ReproError(message, Reason.NO_REVISION)
        return lines[-1]

    @property
    def branch(self) -> str:
        """The name of the current branch; empty if there is none."""
        return "".join(self._lines("symbolic-ref", "--quiet", "--short", "HEAD"))

    def names(self, *, branches: bool, tags: bool, every: bool) -> dict[str, list[str]]:
        """Return the names of the commits of branches and tags, or of all, by their hash."""
        if every:
            return {commit: [commit] for commit in self._lines("rev-list", "--all")}
        places = ["refs/heads"] * branches + ["refs/tags"] * tags
        names: dict[str, list[str]] = {}
        for name in self._lines("for-each-ref", "--format=%(refname:lstrip=2)", *places):
            names.setdefault(self.find(name), []).append(name)
        return names

    def blobs(self, commit: str) -> dict[str, str]:
        """Return the files of a commit below the root, and git's IDs of their contents."""
        listing = (self._run("ls-tree", "-r", "-z", commit) or b"").decode("utf-8", "replace")
        lines = (line.partition("\t") for line in listing.split("\0") if line)
        return {
            path: facts.split()[2]
            for facts, _, path in lines
            # Git itself writes no path that leads out of its folder.
            if facts.split()[0] in REGULAR_FILES and ".." not in path.split("/")
        }

    def contents(self, blobs: Iterable[str]) -> Iterator[bytes]:
        """Yield the contents of files, by git's IDs of them."""
        request = "".join(f"{blob}\n" for blob in blobs).encode()
        answer = (self._run("cat-file", "--batch", content=request) or b"") if request else b""
        start = 0
        while start < len(answer):
            end = answer.index(b"\n", start)
            size = int(answer[start:end].split()[2])
            yield answer[end + 1 : end + 1 + size]
            start = end + size + 2


class Revision:
    """The files of a repository as they are now; see :class:`CommitRevision`.

    ``project``: the repository whose cache has the data that is not there.
    """

    def __init__(self, root: Path, project: Path | None = None) -> None:
        self.root = root
        self._project = project or root
        self._locks: dict[str, Mapping[str, Any]] = {}
        self.repository = Repository(root)

    def find(self, path: str) -> list[str]:
        """Return the files in a folder; of everything else, the path itself."""
        place = self.root / path
        files = [
            posixpath.normpath(posixpath.join(path, Path(folder, name).relative_to(place)))
            for folder, _, names in os.walk(place)
            for name in names
        ]
        return sorted(files or self._listing(path)) or [path]

    def has(self, path: str) -> bool:
        """Return whether a file is there, without a look into the cache."""
        return (self.root / path).is_file()

    def read(self, path: str) -> Any:
        """Return the value of a YAML, JSON, TOML or Python file, from the cache if need be.

        Raises OSError, or :class:`~mlws.dvc.native.parameter_files.ParametersFileError`.
        """
        place = self.root / path
        if not self.has(path):
            place = self._cached(path) or place
        return read_values(place, Path(path).suffix)

    def _cached(self, path: str) -> Path | None:
        """Return the object of a file that is an output, or in one; None if there is none."""
        md5 = self._hash(path) or self._listing(posixpath.dirname(path)).get(path)
        return object_path(self._project, md5) if md5 else None

    def _listing(self, folder: str) -> dict[str, str]:
        """Return the hashes of the files in a folder that is an output, or above one."""
        for place in (folder, *parents(folder)):
            md5 = self._hash(place)
            if not md5.endswith(FOLDER_SUFFIX):
                continue
            try:
                entries = json.loads(object_path(self._project, md5).read_bytes())
            except (OSError, ValueError):
                return {}
            kind = f"{LEGACY}:" if is_legacy(md5) else ""
            files = {
                posixpath.join(place, entry["relpath"]): f"{kind}{entry['md5']}"
                for entry in entries
            }
            return {path: one for path, one in files.items() if path.startswith(f"{folder}/")}
        return {}

    def _hash(self, path: str) -> str:
        """Return the hash of an output by its lock or `.dvc` file; empty if there is none."""
        for node, out in self.repository.graph.makers(path):
            if out == path:
                file = posixpath.join(posixpath.dirname(node.file), LOCK)
                data = self._data(file if node.name else node.file)
                entry = (data.get("stages") or {}).get(node.name) if node.name else data
                for one in (entry or {}).get("outs") or ():
                    place = posixpath.normpath(posixpath.join(node.wdir, str(one.get("path"))))
                    if place == path:
                        with suppress(UnsupportedStageError):
                            return key_of_item(one) or ""
        return ""

    def _data(self, file: str) -> Mapping[str, Any]:
        if file not in self._locks:
            try:
                data = yaml_loader.read((self.root / file).read_text(encoding="utf-8"))
            except (OSError, UnicodeDecodeError, UnsupportedStageError):
                data = None
            self._locks[file] = data if isinstance(data, Mapping) else {}
        return self._locks[file]


class CommitRevision(Revision):
    """The files of a commit, each written into a ``folder`` when it is needed."""

    def __init__(self, folder: Path, project: Path, commits: Commits, commit: str) -> None:
        self._folder = folder
        self._commits = commits
        self._blobs = commits.blobs(commit)
        self._export(path for path in self._blobs if _is_of_dvc(path))
        for file in [path for path in self._blobs if posixpath.basename(path) == FILE]:
            document = parse(file, (folder / file).read_text(encoding="utf-8", errors="replace"))
            self._export(definition_sources(folder, document) or ())
        super().__init__(folder, project)

    def find(self, path: str) -> list[str]:
        """Return the files in a folder; of everything else, the path itself."""
        return [file for file in self._blobs if file.startswith(f"{path}/")] or super().find(path)

    def has(self, path: str) -> bool:
        """Return whether a file is in the commit."""
        self._export((path,))
        return path in self._blobs

    def _export(self, paths: Iterable[str]) -> None:
        files = [
            path for path in paths if path in self._blobs and not (self._folder / path).exists()
        ]
        blobs = (self._blobs[path] for path in files)
        for path, content in zip(files, self._commits.contents(blobs), strict=True):
            place = self._folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)


def _is_of_dvc(path: str) -> bool:
    name = posixpath.basename(path)
    in_folder = POINTER in path.split("/")[:-1]
    return name in (FILE, LOCK, IGNORE_FILE) or name.endswith(POINTER) or in_folder
