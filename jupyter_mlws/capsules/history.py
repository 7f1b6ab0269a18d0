"""The history of a snapshot as a git bundle, and its files."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from jupyter_mlws.capsules.archive import ArchiveWriter
from jupyter_mlws.capsules.crate import BUNDLE, FILES, Content
from jupyter_mlws.git.adapter import Git, TreeEntry, decode

BATCH_BYTES = 64 * 1024 * 1024
"""Bytes of files that are read from git at once."""
BUNDLE_TIMEOUT = 3600.0
"""Seconds for git to pack a large history."""
BRANCH = "refs/heads/main"
REGULAR_MODES = ("100644", "100755")


def write_bundle(git: Git, sha: str, writer: ArchiveWriter) -> Content:
    """Add the history of a commit, whose branch is ``main`` there."""
    objects = Path(git.root, git.path("objects")).resolve()
    object_format = decode(git.run("rev-parse", "--show-object-format")).strip()
    with tempfile.TemporaryDirectory(prefix="mlws-", dir=writer.folder) as folder:
        # git packs only what has a name. A repository beside this one names the commit alone.
        beside = Git(Path(folder), {"GIT_DIR": folder})
        beside.run("init", "--quiet", "--bare", f"--object-format={object_format}", folder)
        Path(folder, "objects/info/alternates").write_bytes(os.fsencode(objects) + b"\n")
        beside.run("update-ref", BRANCH, sha)
        beside.run("symbolic-ref", "HEAD", BRANCH)
        bundle = Path(folder, BUNDLE)
        arguments = ("bundle", "create", "--quiet", str(bundle), "HEAD", BRANCH)
        beside.run(*arguments, timeout=BUNDLE_TIMEOUT)
        with bundle.open("rb") as file:
            return writer.add(BUNDLE, file)


def write_files(
    git: Git, entries: Sequence[TreeEntry], writer: ArchiveWriter
) -> dict[str, Content]:
    """Add the regular files of a snapshot, and return them by path."""
    entries = [one for one in entries if one.mode in REGULAR_MODES and is_text(one.path)]
    sizes = git.sizes({entry.sha for entry in entries})
    files = {}
    while entries:
        count, size = 0, 0
        while count < len(entries) and (not count or size < BATCH_BYTES):
            size += sizes[entries[count].sha]
            count += 1
        batch, entries = entries[:count], entries[count:]
        contents = git.blobs([entry.sha for entry in batch])
        for entry in batch:
            files[entry.path] = writer.add(f"{FILES}{entry.path}", io.BytesIO(contents[entry.sha]))
    return files


def is_text(path: str) -> bool:
    """Return whether a name in git is valid UTF-8, as those of a zip archive are."""
    return not any("\udc80" <= letter <= "\udcff" for letter in path)
