"""The hunks of a unified diff as git prints it, each with an id by which it can be asked for."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

HEADER = re.compile(rb"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@(.*)$")


@dataclass(frozen=True)
class Hunk:
    """``text`` begins with the line of @@; the id changes with position and content."""

    id: str
    text: bytes
    old_start: int
    old_lines: int
    new_start: int
    new_lines: int
    section: str


@dataclass(frozen=True)
class FilePatch:
    """The diff of one file: git's header, and its hunks."""

    head: bytes
    hunks: list[Hunk]

    def of(self, ids: Iterable[str]) -> bytes:
        """Return a patch of these hunks alone; KeyError if one does not exist (any more)."""
        hunks_by_id = {hunk.id: hunk for hunk in self.hunks}
        selection = {identifier: hunks_by_id[identifier] for identifier in ids}
        return self.head + b"".join(hunk.text for hunk in self.hunks if hunk.id in selection)


def parse(path: str, diff: bytes) -> FilePatch:
    """Return the hunks of the diff of one file; none for a binary file or a mode change alone."""
    head: list[bytes] = []
    groups: list[list[bytes]] = []
    # Lines end at a line feed alone; a carriage return is content.
    for part in diff.removesuffix(b"\n").split(b"\n"):
        line = part + b"\n"
        if HEADER.match(line):
            groups.append([line])
        elif groups:
            groups[-1].append(line)
        else:
            head.append(line)
    return FilePatch(b"".join(head), [_hunk(path, group) for group in groups])


def _hunk(path: str, lines: list[bytes]) -> Hunk:
    text = b"".join(lines)
    match = HEADER.match(lines[0].rstrip(b"\n"))
    assert match is not None
    old, old_lines, new, new_lines, section = match.groups()
    digest = hashlib.sha256(path.encode(errors="surrogateescape") + b"\0" + text)
    return Hunk(
        digest.hexdigest()[:16],
        text,
        int(old),
        int(old_lines or 1),
        int(new),
        int(new_lines or 1),
        section.decode(errors="replace").strip(),
    )
