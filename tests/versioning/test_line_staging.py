"""Staging of single lines: on git's own index, against an independent model of the result."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from jupyter_mlws.git.diffs import unified_diff
from jupyter_mlws.git.hunks import parse
from jupyter_mlws.versioning.code.models import HunkChoice, StageRequest
from jupyter_mlws.workspace import Workspace

Command = Callable[..., str]
FILE = "lines.txt"
# Encoded in Latin-1, with both line ends.
WORDS = ["one\n", "two\n", "two\r\n", "caf\xe9\n", "\n", "+ plus\n", "-- minus\n", "\\ back\n"]


def random_text(source: random.Random, size: int) -> bytes:
    text = "".join(source.choices(WORDS, k=size)).encode("latin-1")
    return text.removesuffix(b"\n") if source.random() < 0.3 else text


def edited(source: random.Random, text: bytes) -> bytes:
    lines = text.splitlines(keepends=True)
    for _ in range(source.randint(1, 6)):
        at = source.randint(0, len(lines))
        new = random_text(source, source.randint(0, 4)).splitlines(keepends=True)
        lines[at : at + source.randint(0, 4)] = new
    whole = b"".join(line if line.endswith(b"\n") else line + b"\n" for line in lines)
    return whole.removesuffix(b"\n") if source.random() < 0.3 else whole


def blocks(diff: bytes) -> Iterator[tuple[int, list[str], list[str]]]:
    """Yield each block of changes: the first old line, and the names of its lines."""
    for hunk in parse(FILE, diff).hunks:
        removed: list[str] = []
        added: list[str] = []
        old = hunk.old_start - (hunk.old_lines > 0)
        at = old
        for name, (sign, _) in [*hunk.changes, ("", (" ", b""))]:
            if sign == " ":
                if removed or added:
                    yield at, removed, added
                removed, added = [], []
                old += 1
                at = old
            elif sign == "-":
                removed.append(name)
                old += 1
            else:
                added.append(name)


def expected(old: bytes, new: bytes, diff: bytes, chosen: set[str], *, backwards: bool) -> bytes:
    """Return the old text with the chosen changes; ``backwards``: the new one without them."""
    before, after = ([*text.split(b"\n")] for text in (old, new))
    sides = [
        [line + b"\n" for line in lines[:-1]] + ([lines[-1] + b"\n"] if lines[-1] else [])
        for lines in (before, after)
    ]

    def line(name: str) -> bytes:
        return sides[name[0] == "+"][int(name[1:]) - 1]

    result: list[bytes] = []
    at = 0
    for start, removed, added in blocks(diff):
        result += sides[0][at:start]
        at = start + len(removed)
        if backwards:
            kept, put = added, [name for name in removed if name in chosen]
            gone = [number for number, name in enumerate(kept) if name in chosen]
            place = gone[0] if gone else 0
        else:
            kept, put = removed, [name for name in added if name in chosen]
            gone = [number for number, name in enumerate(kept) if name in chosen]
            place = gone[-1] + 1 if gone else len(kept)
        names = [
            *(name for name in kept[:place] if name not in chosen),
            *put,
            *(name for name in kept[place:] if name not in chosen),
        ]
        result += [line(name) for name in names]
    return b"".join([*result, *sides[0][at:]])


def request(diff: bytes, lines: list[str] | None) -> StageRequest:
    ids = [hunk.id for hunk in parse(FILE, diff).hunks]
    return StageRequest(hunks=[HunkChoice(path=FILE, ids=ids, lines=lines)])


def same(one: bytes, other: bytes) -> bool:
    """Compare but for a line feed at the end, which the neighbours of a last line decide."""
    return one.removesuffix(b"\n") == other.removesuffix(b"\n")


@pytest.mark.parametrize("seed", range(25))
def test_random_lines_are_staged_unstaged_and_discarded(
    versions: Workspace, git: Command, seed: int
) -> None:
    source = random.Random(seed)
    root = versions.snapshots.project.root
    repository = versions.staging._git
    file = root / FILE
    old = random_text(source, source.randint(1, 40)) or b"x\n"
    new = edited(source, old) or b"y\n"
    if old == new:
        new += b"more\n"
    file.write_bytes(old)
    git(root, "add", FILE)
    git(root, "commit", "-qm", "Old")
    file.write_bytes(new)
    diff = unified_diff(repository, FILE)
    names = [name for hunk in parse(FILE, diff).hunks for name, _ in hunk.changes if name]
    chosen = sorted(source.sample(names, source.randint(1, len(names))))

    def index() -> bytes:
        content = repository.blob("", FILE)
        assert content is not None
        return content

    versions.staging.stage(request(diff, names))
    assert index() == new
    versions.staging.unstage(StageRequest(paths=[FILE]))

    versions.staging.stage(request(diff, chosen))
    assert same(index(), expected(old, new, diff, set(chosen), backwards=False))
    assert file.read_bytes() == new
    if index() != old:
        staged = unified_diff(repository, FILE, "--cached")
        every = [name for hunk in parse(FILE, staged).hunks for name, _ in hunk.changes if name]
        versions.staging.unstage(request(staged, every))
    assert index() == old

    git(root, "add", FILE)
    staged = unified_diff(repository, FILE, "--cached")
    versions.staging.unstage(request(staged, chosen))
    assert same(index(), expected(old, new, diff, set(chosen), backwards=True))

    git(root, "reset", "-q")
    versions.staging.discard(request(diff, chosen))
    assert same(file.read_bytes(), expected(old, new, diff, set(chosen), backwards=True))
