"""The bundles of runs that git remotes name, beside their branches.

A ref of a remote has a tree with a ``.dvc`` file for each run. git's history of that ref keeps the
bundles from garbage collection, and a run has one entry, which a newer bundle replaces.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from jupyter_mlws.git.adapter import Git
from jupyter_mlws.git.refs import list_refs
from jupyter_mlws.mlflow.bundles import RUN_ID
from jupyter_mlws.versioning.publishing.publish import TRAILER_RUN
from mlws.dvc.pointers import DataPointer, read_pointers

SHARED_RUNS = "refs/mlws/shared-runs"
"""Ref of a git remote that names the bundles of its runs."""
FETCHED_RUNS = "refs/mlws/fetched-runs/"
"""Prefix of the refs with what remotes have, as last fetched."""
OUTGOING_RUNS = "refs/mlws/outgoing-runs"
"""Ref that keeps bundles from garbage collection while they are uploaded."""
MAX_ENTRY_BYTES = 4096
LISTING = re.compile(r"[0-9a-f]{32}\.dir")


def entry_path(run: str) -> str:
    """Return the path of a run's entry in the tree."""
    return f"{run[:2]}/{run}.dvc"


def entry_text(item: DataPointer) -> bytes:
    """Return the entry of a bundle, in the form of DVC."""
    name = PurePosixPath(item.path).name
    lines = (f"- md5: {item.md5}", f"size: {item.size}", f"nfiles: {item.files}", "hash: md5",
             f"path: {name}")  # fmt: skip
    return ("outs:\n" + "\n  ".join(lines) + "\n").encode()


def entries_at(git: Git, tip: str | None) -> dict[str, str]:
    """Return the blobs of the entries by run."""
    rows = [(PurePosixPath(row.path), row) for row in git.tree(tip)] if tip else []
    return {
        path.stem: row.sha
        for path, row in rows
        if path.suffix == ".dvc" and row.mode == "100644" and RUN_ID.fullmatch(path.stem)
    }


def bundles_of(git: Git, entries: Mapping[str, str]) -> dict[str, DataPointer]:
    """Return the bundles that entries name, by run; without those that name none."""
    sizes = git.sizes(set(entries.values()))
    texts = git.blobs(sorted(sha for sha, size in sizes.items() if size <= MAX_ENTRY_BYTES))
    bundles = {}
    for run, entry in entries.items():
        pointers = read_pointers({"bundle.dvc": texts.get(entry, b"")})
        md5 = pointers[0].md5 if len(pointers) == 1 and not pointers[0].legacy else None
        if md5 is not None and LISTING.fullmatch(md5):
            bundles[run] = DataPointer(f"runs/{run}", "", md5)
    return bundles


def named_runs(git: Git, *revisions: str) -> list[str]:
    """Return the runs that commits name; ``revisions`` as those of `git log`."""
    output = git.run(
        "log",
        f"--format=%(trailers:key={TRAILER_RUN},valueonly)",
        "--fixed-strings",
        f"--grep={TRAILER_RUN}:",
        *revisions,
        "--",
    )
    lines = dict.fromkeys(output.decode(errors="replace").split())
    return [line for line in lines if RUN_ID.fullmatch(line)]


def bundles_at(git: Git, sha: str) -> Iterable[DataPointer]:
    """Return the bundles of the runs that a snapshot names, as far as they were exchanged."""
    runs = named_runs(git, "--no-walk", sha)
    entries: dict[str, str] = {}
    for tip in list_refs(git, FETCHED_RUNS).values() if runs else ():
        there = entries_at(git, tip)
        entries |= {run: there[run] for run in runs if run in there}
    return bundles_of(git, entries).values() if entries else ()
