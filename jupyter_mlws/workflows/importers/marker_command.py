"""``jupyter mlws mark MARK FILE …``: writes the hashes of a node's files to a marker file.

DVC orders nodes by files. Where one node must follow another without reading its files, the first
writes such a marker and the second depends on it. Equal files give an equal marker, and a changed
one makes the second node run again.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path


def main(argv: Sequence[str]) -> int:
    """Write the marker; the exit code is 2 if that fails."""
    if len(argv) < 2 or argv[0].startswith("-"):
        print("usage: jupyter mlws mark MARK FILE ...", file=sys.stderr)  # noqa: T201
        return 2
    mark = Path(argv[0])
    lines = []
    try:
        for path in map(Path, argv[1:]):
            files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
            for file in files:
                with file.open("rb") as stream:
                    digest = hashlib.file_digest(stream, "sha256")
                lines.append(f"{digest.hexdigest()}  {file.as_posix()}\n")
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.write_text("".join(lines), encoding="utf-8")
    except OSError as error:
        print(f"jupyter mlws mark: {error}", file=sys.stderr)  # noqa: T201
        return 2
    return 0
