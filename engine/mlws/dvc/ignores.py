"""Lines of `.gitignore` that keep stored outputs out of git, as DVC writes them."""

from __future__ import annotations

import os
import posixpath
import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

GIT_TIMEOUT = 60
"""Seconds for git's answer."""
_SPECIAL_CHARACTERS = re.compile(r"([\[\]!*#?\\])")


class Ignores:
    """The paths that git ignores and tracks in one repository, relative to its root.

    Without git none is tracked, and nothing is written.
    """

    def __init__(self, root: Path, *, uses_git: bool = True) -> None:
        self._root = root
        self._uses_git = uses_git
        self._original_lines: dict[str, list[str]] = {}
        self._changed_files: set[str] = set()

    def remember(self, paths: Iterable[str]) -> None:
        """Record the lines of the `.gitignore` beside each path, before a run adds some."""
        for folder in map(posixpath.dirname, paths):
            if folder not in self._original_lines:
                self._original_lines[folder] = self._read_lines(folder)

    def sort_new_lines(self, paths: Iterable[str]) -> None:
        """Sort the lines that the run has added into the order of ``paths``.

        Stages that run concurrently add their lines as they end; `dvc repro` adds them one stage
        after the other.
        """
        ranks: dict[tuple[str, str], int] = {}
        for path in paths:
            ranks.setdefault((posixpath.dirname(path), _ignore_line(path)), len(ranks))
        for folder, before in self._original_lines.items():
            lines = self._read_lines(folder)
            new_lines = lines[len(before) :]
            if lines[: len(before)] != before or any(
                (folder, one) not in ranks for one in new_lines
            ):
                # Another program has changed the file meanwhile.
                continue
            sorted_lines = [
                line for _, line in sorted((ranks[folder, line], line) for line in new_lines)
            ]
            if sorted_lines != new_lines:
                text = "".join(f"{line}\n" for line in [*before, *sorted_lines])
                self._ignore_file(folder).write_text(text, encoding="utf-8")

    def _read_lines(self, folder: str) -> list[str]:
        try:
            return self._ignore_file(folder).read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []

    def tracked(self, paths: Iterable[str]) -> set[str]:
        """Return the paths that git tracks, or that contain a tracked file."""
        candidates = set(paths)
        if not candidates or not self._uses_git:
            return set()
        # git takes paths for this as arguments only, of which there could be too many.
        answer = self._git(["ls-files", "-z", "--cached"], "")
        matches = set()
        for file in filter(None, answer.split("\0")):
            place = file
            while place:
                if place in candidates:
                    matches.add(place)
                place = posixpath.dirname(place)
        return matches

    def ignore(self, paths: Sequence[str]) -> None:
        """Add the paths that are not ignored yet to the `.gitignore` beside each, in order."""
        if not self._uses_git:
            return
        self.remember(paths)
        folders: dict[str, list[str]] = {}
        for path in dict.fromkeys(paths):
            folders.setdefault(posixpath.dirname(path), []).append(path)
        for folder, here in folders.items():
            lines = set(self._read_lines(folder))
            # A cheap check before git is called, which only negated patterns make unreliable.
            if not any(line.startswith("!") for line in lines):
                folders[folder] = [path for path in here if _ignore_line(path) not in lines]
        ignored_paths = self._find_ignored([path for here in folders.values() for path in here])
        for folder, here in folders.items():
            new_lines = [f"{_ignore_line(path)}\n" for path in here if path not in ignored_paths]
            if not new_lines:
                continue
            file = self._ignore_file(folder)
            before = file.read_text(encoding="utf-8") if file.exists() else ""
            gap = "\n" if before and not before.endswith("\n") else ""
            with file.open("a", encoding="utf-8") as out:
                out.write(gap + "".join(new_lines))
            self._changed_files.add(posixpath.join(folder, ".gitignore"))

    def stage(self, paths: Iterable[str]) -> None:
        """Add files to git's index, and each `.gitignore` that was changed since the last call."""
        files = sorted({*paths, *self._changed_files})
        self._changed_files.clear()
        if files and self._uses_git:
            # DVC adds them whether they are ignored or not.
            self._git(["add", "--force", "--", *files], "")

    def _find_ignored(self, paths: Sequence[str]) -> set[str]:
        if not paths:
            return set()
        answer = self._git(
            ["check-ignore", "--no-index", "--verbose", "--non-matching", "-z", "--stdin"],
            "\0".join(paths),
            allowed=(0, 1),
        )
        fields = answer.split("\0")[:-1]
        rows = zip(fields[0::4], fields[2::4], fields[3::4], strict=True)
        return {path for source, pattern, path in rows if source and not pattern.startswith("!")}

    def _ignore_file(self, folder: str) -> Path:
        return self._root / folder / ".gitignore"

    def _git(self, arguments: Sequence[str], stdin: str, allowed: Sequence[int] = (0,)) -> str:
        answer = subprocess.run(
            ["git", *arguments],
            cwd=self._root,
            input=os.fsencode(stdin),
            check=False,
            capture_output=True,
            timeout=GIT_TIMEOUT,
        )
        if answer.returncode not in allowed:
            raise OSError(os.fsdecode(answer.stderr).strip() or "git failed")
        return os.fsdecode(answer.stdout)


def _ignore_line(path: str) -> str:
    return "/" + _SPECIAL_CHARACTERS.sub(r"\\\1", posixpath.basename(path))
