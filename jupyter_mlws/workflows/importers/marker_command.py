"""``jupyter mlws mark MARK FILE …``: says in a file what a node was made of.

Of nodes that must come one after the other without a file that goes between them, the first
leaves such a mark and the second depends on it: the order is DVC's own, and what changed before
runs again what comes behind. Equal files give an equal mark.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

BLOCK = 1 << 20
"""Bytes read at a time."""


def main(argv: Sequence[str]) -> int:
    """Write the mark; the exit code is 2 where it cannot be."""
    if len(argv) < 2 or argv[0].startswith("-"):
        print("usage: jupyter mlws mark MARK FILE ...", file=sys.stderr)  # noqa: T201
        return 2
    mark = Path(argv[0])
    try:
        lines = [line for name in argv[1:] for line in _lines(name)]
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.write_text("".join(lines), encoding="utf-8")
    except OSError as error:
        print(f"jupyter mlws mark: {error}", file=sys.stderr)  # noqa: T201
        return 2
    return 0


def _lines(name: str) -> Iterator[str]:
    path = Path(name)
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    for file in files:
        digest = hashlib.sha256()
        with file.open("rb") as stream:
            while block := stream.read(BLOCK):
                digest.update(block)
        yield f"{digest.hexdigest()}  {file.as_posix()}\n"
