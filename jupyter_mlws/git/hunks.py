"""The hunks of a unified diff as git prints it, each with an id by which it can be asked for."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

Line = tuple[str, bytes]
"""A line of a hunk: its sign, and its text with the line feed, which a file's last may lack."""

HEADER = re.compile(rb"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@(.*)$")
NO_LINE_FEED = b"\n\\ No newline at end of file\n"


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

    @property
    def changes(self) -> Iterator[tuple[str, Line]]:
        """Yield the lines with their names; that of a line of both files is empty."""
        numbers = {"-": self.old_start, "+": self.new_start}
        lines = self.text.removesuffix(b"\n").split(b"\n")[1:]
        for line, after in zip(lines, [*lines[1:], b""], strict=True):
            if line.startswith(b"\\"):
                continue
            sign = chr(line[0])
            text = line[1:] + (b"" if after.startswith(b"\\") else b"\n")
            yield (f"{sign}{numbers[sign]}" if sign in numbers else ""), (sign, text)
            for side in numbers if sign == " " else sign:
                numbers[side] += 1


@dataclass(frozen=True)
class FilePatch:
    """The diff of one file: git's header, and its hunks."""

    head: bytes
    hunks: list[Hunk]

    def of(
        self,
        ids: Iterable[str],
        lines: Collection[str] | None = None,
        *,
        reverse: bool = False,
    ) -> bytes:
        """Return a patch of these hunks alone, and of their ``lines`` alone if that is given.

        A line is its sign with its number, in the old file ("-3") or in the new one ("+4").
        ``reverse`` is for a patch that is applied in reverse. Raises KeyError with the hunk or line
        that does not exist (any more).
        """
        hunks_by_id = {hunk.id: hunk for hunk in self.hunks}
        selection = {identifier: hunks_by_id[identifier] for identifier in ids}
        patch = [self.head]
        names = set(lines or ())
        missing = set(names)
        shift = 0
        for hunk in self.hunks:
            if hunk.id in selection:
                changes = list(hunk.changes)
                chosen = {name for name, _ in changes if name and (lines is None or name in names)}
                missing -= chosen
                if chosen:
                    part = _part(changes, chosen, reverse=reverse)
                    patch.append(_format(hunk, part, shift, reverse=reverse))
                    shift += sum((sign == "+") - (sign == "-") for sign, _ in part)
        if missing:
            raise KeyError(min(missing))
        return b"".join(patch)


def _part(changes: list[tuple[str, Line]], chosen: Collection[str], *, reverse: bool) -> list[Line]:
    """Return the lines of a hunk with its ``chosen`` changes alone, as an edit in `git add -p`.

    Where the patch is applied, lines that are removed but not chosen are context, and lines that
    are added but not chosen are left out. Chosen ones of both kinds stay beside each other.
    """
    removes, adds = "+-" if reverse else "-+"
    part: list[Line] = []
    removals: list[tuple[bool, Line]] = []
    additions: list[Line] = []

    def close() -> None:
        """Put the additions of a block of changes where its chosen removals are."""
        at = [number for number, (is_selected, _) in enumerate(removals) if is_selected]
        place = (at[0] if reverse else at[-1] + 1) if at else (0 if reverse else len(removals))
        lines = [line for _, line in removals]
        part.extend([*lines[:place], *additions, *lines[place:]])
        removals.clear()
        additions.clear()

    for name, (sign, text) in changes:
        if sign == " ":
            close()
            part.append((sign, text))
        elif sign == removes:
            removals.append((name in chosen, (sign if name in chosen else " ", text)))
        elif name in chosen:
            additions.append((adds, text))
    close()
    return part


def _format(hunk: Hunk, part: list[Line], shift: int, *, reverse: bool) -> bytes:
    """Return the text of a part of a hunk; hunks before it move the other file by ``shift``."""
    old, new = (
        [number for number, (sign, _) in enumerate(part) if sign in signs] for signs in (" -", " +")
    )
    body = []
    for number, (sign, text) in enumerate(part):
        if text.endswith(b"\n"):
            body.append(sign.encode() + text)
            continue
        # Only the last line of a file may lack its line feed.
        ends = {"-": number == max(old, default=None), "+": number == max(new, default=None)}
        ends[" "] = ends["-"]
        for one in "-+" if sign == " " and ends["-"] != ends["+"] else sign:
            body.append(one.encode() + text + (NO_LINE_FEED if ends[one] else b"\n"))
    # The first line of an empty range is the one before it.
    if reverse:
        start = hunk.new_start - (hunk.new_lines > 0)
        starts = (start - shift, start)
    else:
        start = hunk.old_start - (hunk.old_lines > 0)
        starts = (start, start + shift)
    ranges = [
        f"{first + bool(lines)},{len(lines)}"
        for first, lines in zip(starts, (old, new), strict=True)
    ]
    return f"@@ -{ranges[0]} +{ranges[1]} @@\n".encode() + b"".join(body)


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
