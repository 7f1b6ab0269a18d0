"""Files that differ between versions, as ``git diff`` prints them."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from jupyter_mlws.git.adapter import Git, decode, parse_name_status

UNIFIED_OPTIONS = (
    "--no-ext-diff",
    "--no-textconv",
    "--no-renames",
    "--unified=3",
    "--src-prefix=a/",
    "--dst-prefix=b/",
)
"""Options that make the hunks of a diff independent of the user's settings."""


@dataclass(frozen=True)
class Difference:
    """A file that differs between two versions; the counts are None for binary files."""

    path: str
    state: str
    old_path: str | None = None
    additions: int | None = None
    deletions: int | None = None


def differences(git: Git, *ends: str, renames: bool = True) -> list[Difference]:
    """Return the files that differ, by ``git diff`` with the arguments ``ends``.

    Two are commits or trees. One is compared with the working tree's files that are in the index,
    and without any the index is compared with the working tree.
    """
    output = git.run(
        "diff",
        "--raw",
        "--numstat",
        "--no-abbrev",
        "--no-ext-diff",
        "--no-textconv",
        "--find-renames" if renames else "--no-renames",
        "-z",
        *ends,
        "--",
    )
    rows: dict[str, Difference] = {}
    parts = iter(decode(output).split("\0"))
    for part in parts:
        if part.startswith(":"):
            entry = parse_name_status(part.rsplit(" ", 1)[1], parts)
            rows[entry.path] = Difference(entry.path, entry.state, entry.old_path)
        elif part:
            additions, deletions, path = part.split("\t", 2)
            if not path:
                # Of a rename, whose two paths are in the next two parts.
                next(parts)
                path = next(parts)
            if additions != "-":
                rows[path] = replace(rows[path], additions=int(additions), deletions=int(deletions))
    return list(rows.values())


def unified_diff(git: Git, path: str, *ends: str) -> bytes:
    """Return the unified diff of one file; ``ends`` as those of :func:`differences`."""
    return git.run("diff", *UNIFIED_OPTIONS, *ends, "--", path)


def worktree_diff(git: Git, path: str, start: str) -> bytes:
    """Return the unified diff of a file from ``start`` to the working tree.

    An untracked file is compared with an empty one.
    """
    if not (git.root / path).is_file() or git.tracked(path):
        return unified_diff(git, path, start)
    options = ("--no-index", "--", "/dev/null", path)
    return git.run("diff", *UNIFIED_OPTIONS, *options, codes=(0, 1))


def diff_of_texts(git: Git, old: bytes, new: bytes) -> bytes:
    """Return the unified diff of two texts that are not files of the repository."""
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for name, text in (("old", old), ("new", new)):
            path = Path(folder, name)
            path.write_bytes(text)
            names.append(str(path))
        output = git.run("diff", *UNIFIED_OPTIONS, "--no-index", "--", *names, codes=(0, 1))
    # Without git's own header, which names the temporary files.
    return output[output.find(b"@@") :] if b"@@" in output else b""
