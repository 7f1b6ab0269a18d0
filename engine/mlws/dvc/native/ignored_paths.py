"""Paths that a `.dvcignore` at the root of a repository hides from DVC.

The rules are those of `dvc.ignore.DvcIgnorePatterns`: each pattern is one of `.gitignore`, the last
one that matches decides, and nothing below an ignored directory comes back.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from mlws.core.i18n import Message
from mlws.dvc.unsupported import UnsupportedStageError

NAME = ".dvcignore"


class Pattern(NamedTuple):
    """One line of the file."""

    regex: re.Pattern[str]
    ignores: bool
    is_for_directories: bool


class IgnoredPaths:
    """The patterns of one repository; none without a file."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._patterns: list[Pattern] = []
        self._plain_folders = {self._root}
        """Folders without patterns of their own."""
        try:
            lines = [line.strip() for line in (root / NAME).read_text("utf-8").splitlines()]
        except FileNotFoundError:
            return
        except UnicodeDecodeError as error:
            message = Message("unreadable DVC file {path}", path=root / NAME)
            raise UnsupportedStageError(message) from error
        for line in lines:
            if not line or line.startswith("#"):
                continue
            from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

            try:
                regex, ignores = GitIgnoreSpecPattern.pattern_to_regex(line)
            except ValueError as error:
                raise UnsupportedStageError(Message("a wrong pattern in .dvcignore")) from error
            if regex is not None and ignores is not None:
                self._patterns.append(Pattern(re.compile(regex), ignores, line.endswith("/")))

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def covers(self, path: str, is_directory: bool) -> bool:
        """Return whether an absolute path below the root is ignored, or one of its parents."""
        if not self._patterns:
            return False
        parts = path[len(self._root) + 1 :].split("/")
        for count in range(1, len(parts) + 1):
            part, is_folder = "/".join(parts[:count]), is_directory or count < len(parts)
            for pattern in reversed(self._patterns):
                if pattern.is_for_directories and not is_folder:
                    continue
                if pattern.regex.match(part) or (is_folder and pattern.regex.match(f"{part}/")):
                    if pattern.ignores:
                        return True
                    break
        return False

    def hides(self, path: str) -> bool:
        """Return whether a path is ignored, whatever is there.

        Raises :class:`UnsupportedStageError` if a folder between it and the root has patterns of
        its own.
        """
        folder = os.path.dirname(path)
        while folder not in self._plain_folders:
            if os.path.exists(f"{folder}/{NAME}"):
                raise UnsupportedStageError(Message("{name} in a folder", name=NAME))
            self._plain_folders.add(folder)
            folder = os.path.dirname(folder)
        return self.covers(path, False) or self.covers(path, True)
