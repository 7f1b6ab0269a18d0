"""The folder that is examined, with what several checks read of it."""

from __future__ import annotations

import importlib.util
import os
import posixpath
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from configobj import ConfigObj, ConfigObjError

from mlws.core.errors import MLWSError
from mlws.dvc.native.repository import cache_folder, config_files
from mlws.dvc.native.stage import NativeStage, parse_stage
from mlws.dvc.pointers import (
    LOCK_FILE,
    PIPELINE_FILE,
    DataPointer,
    as_mapping,
    read_pointers,
)
from mlws.dvc.settings import remote_sections
from mlws.dvc.unsupported import UnsupportedStageError
from mlws.repro.repository import POINTER, Repository

TIMEOUT = 10.0
"""Seconds for one call of a program."""
GIT_OPTIONS = ("-c", "core.quotePath=off", "-c", "core.fsmonitor=false")
"""A file system monitor is a program of the repository's own settings."""
GIT_VARIABLES = {
    "LC_ALL": "C.UTF-8",
    "LANGUAGE": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    # Objects of a partial clone would be fetched.
    "GIT_NO_LAZY_FETCH": "1",
}


@dataclass(frozen=True)
class Remote:
    """A remote of DVC; ``file`` is the last one of DVC's settings that names its URL."""

    name: str
    options: Mapping[str, str]
    file: Path

    @property
    def url(self) -> str:
        return self.options.get("url", "")

    @property
    def scheme(self) -> str:
        """The part of the URL before ``://``, in lower case; empty for a path."""
        scheme, separator, _ = self.url.partition("://")
        return scheme.lower() if separator else ""

    @property
    def path(self) -> Path | None:
        """The folder of a remote on this machine; a relative one begins at its settings' file."""
        if self.scheme not in ("", "file"):
            return None
        name = self.url[len("file://") :] if self.scheme else str(Path(self.url).expanduser())
        return Path(os.path.normpath(self.file.parent.absolute() / name))


@dataclass(frozen=True)
class Subject:
    """A folder, absolute and without links, and the repositories that it lies in."""

    folder: Path

    def git(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run git in the root. OSError without the program, TimeoutExpired if it hangs."""
        return subprocess.run(
            ["git", *GIT_OPTIONS, *arguments],
            cwd=self.root,
            env={**os.environ, **GIT_VARIABLES},
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=TIMEOUT,
            check=False,
        )

    # Places

    @cached_property
    def git_root(self) -> Path | None:
        """The folder that has ``.git``, None outside of a repository."""
        folders = (self.folder, *self.folder.parents)
        return next((one for one in folders if os.path.lexists(one / ".git")), None)

    @cached_property
    def dvc_root(self) -> Path | None:
        """The folder that has DVC's ``.dvc``, None outside of a repository."""
        folders = (self.folder, *self.folder.parents)
        return next((one for one in folders if (one / POINTER).is_dir()), None)

    @property
    def root(self) -> Path:
        """The project's folder; without any repository, the folder itself."""
        return self.dvc_root or self.git_root or self.folder

    @cached_property
    def git_answer(self) -> subprocess.CompletedProcess[str] | None:
        """git's answer for the directory of its files; None without git or a repository."""
        if self.git_root is None or shutil.which("git") is None:
            return None
        return self.git("rev-parse", "--absolute-git-dir")

    @property
    def has_git(self) -> bool:
        """Whether git can work in the project."""
        return self.git_answer is not None and self.git_answer.returncode == 0

    @property
    def git_directory(self) -> Path:
        """The directory of git's files, where git can work."""
        assert self.git_answer is not None
        return Path(self.git_answer.stdout.rstrip("\n"))

    @cached_property
    def has_dvc(self) -> bool:
        """Whether DVC itself is installed beside this program."""
        return importlib.util.find_spec("dvc") is not None

    @cached_property
    def cache(self) -> Path:
        """The folder of DVC's cache."""
        return cache_folder(self.root)

    # Settings of DVC

    @cached_property
    def settings(self) -> list[tuple[Path, ConfigObj]]:
        """DVC's settings, the last file wins; without the unreadable files."""
        return [(path, read) for path, read in self.settings_files if isinstance(read, ConfigObj)]

    @cached_property
    def settings_files(self) -> list[tuple[Path, ConfigObj | Exception]]:
        """Each file of DVC's settings with what it holds, or with the error of reading it."""
        files: list[tuple[Path, ConfigObj | Exception]] = []
        for path in config_files(self.root):
            try:
                lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
                files.append((path, ConfigObj(lines, encoding="utf-8", interpolation=False)))
            except (OSError, UnicodeDecodeError, ConfigObjError) as error:
                files.append((path, error))
        return files

    def setting(self, section: str, name: str) -> str:
        """Return the value of a setting of DVC, empty if no file has it."""
        return self.last_setting(section, name)[1]

    def last_setting(self, section: str, name: str) -> tuple[Path | None, str]:
        """Return the file that decides about a setting, and its value; None if no file has it."""
        for path, config in reversed(self.settings):
            value = as_mapping(config.get(section)).get(name)
            if value:
                return path, str(value)
        return None, ""

    @cached_property
    def remotes(self) -> dict[str, Remote]:
        """The remotes of DVC by their names."""
        remotes: dict[str, Remote] = {}
        for path, config in self.settings:
            for name, options in remote_sections(config):
                before = remotes.get(name)
                file = path if before is None or "url" in options else before.file
                every = {**(before.options if before else {}), **options}
                remotes[name] = Remote(name, every, file)
        return remotes

    # Pipelines and data

    @cached_property
    def pipelines(self) -> tuple[Repository | None, list[tuple[str, Exception]]]:
        """The pipelines without the unreadable files, and these with their errors."""
        faults: list[tuple[str, Exception]] = []

        def add_fault(file: str, error: MLWSError) -> None:
            faults.append((file, error))

        try:
            return Repository(self.root, add_fault), faults
        except (UnsupportedStageError, OSError) as error:
            return None, [*faults, (".dvcignore", error)]

    @property
    def paths(self) -> list[str]:
        """The `dvc.yaml` and `.dvc` files, and the `dvc.lock` files beside them."""
        repository, _ = self.pipelines
        if repository is None:
            return []
        locks = (
            posixpath.join(posixpath.dirname(path), LOCK_FILE)
            for path in repository.paths
            if posixpath.basename(path) == PIPELINE_FILE
        )
        return [*repository.paths, *(path for path in locks if (self.root / path).is_file())]

    @cached_property
    def texts(self) -> dict[str, bytes]:
        """The content of each of the :attr:`paths`."""
        return {path: (self.root / path).read_bytes() for path in self.paths}

    @cached_property
    def data(self) -> list[DataPointer]:
        """The data that files name, by path."""
        return read_pointers(self.texts)

    @cached_property
    def stages(self) -> list[NativeStage]:
        """The stages whose paths are plain."""
        repository, _ = self.pipelines
        stages = []
        for file, definitions in (repository.files if repository else {}).items():
            folder = str((self.root / file).parent)
            for name, definition in definitions.items():
                try:
                    stages.append(parse_stage(name, definition, folder, str(self.root)))
                except UnsupportedStageError:
                    # Outputs elsewhere: no check of this project's files concerns them.
                    continue
        return stages

    def outputs(self, *, stored: bool) -> dict[str, None]:
        """Return the paths that DVC stores, or those of stages that it only names."""
        root = str(self.root)
        paths = [
            out.full[len(root) + 1 :]
            for stage in self.stages
            for out in stage.outs
            if out.cached is stored
        ]
        if stored:
            paths += [item.path for item in self.data]
        return dict.fromkeys(paths)
