"""Frees what of the cache no version names: a dry run first, then for good.

Kept is what any ref names (branches, tags, remotes' branches, every stash, hidden refs: runs,
safety copies, pending ones, the outbox), any index and any working tree of the repository. A
remote is never collected: nobody here knows what other clones' branches name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from jupyter_mlws.core.errors import RunInProgressError
from jupyter_mlws.core.progress import ProgressCallback, no_progress
from jupyter_mlws.dvc.pointers import names_data
from jupyter_mlws.git.adapter import Git
from jupyter_mlws.git.refs import list_refs
from jupyter_mlws.versioning.repository import Repository
from jupyter_mlws.versioning.snapshots.proof_models import Collected

HASH_PATTERN = re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}(?:\.dir)?(?![0-9a-f])")
"""Whatever looks like a hash in a file that names data: too much is kept rather than too little."""
STASH_REF = "refs/stash"
BLOB_BATCH_SIZE = 1000
"""Files of versions that are read together."""


class GarbageCollector:
    """Garbage collection of one project; the caller holds the project's lock."""

    def __init__(self, repository: Repository, progress: ProgressCallback = no_progress) -> None:
        self._project = repository.project
        self._git = repository.git
        self._progress = progress

    def run(self, *, confirm: bool) -> Collected:
        """Count the cached objects that no version names; with ``confirm`` delete them.

        Errors: 30101 if the remote is needed to read a version and can't be reached, 30231 if
        other projects share the cache, 30232 during a run.
        """
        from jupyter_mlws.dvc.integrity import open_integrity_store

        self._refuse_during_runs()
        self._progress(0, message="versions")
        starts = self._start_points()
        with open_integrity_store(self._project.root) as data:
            result = data.collect(
                lambda: set(self._iter_referenced_hashes(starts)),
                delete=confirm,
                progress=self._progress,
            )
        count = self._git.run("rev-list", "--count", *starts, "--")
        return Collected(
            freed=confirm,
            objects=result.unused.objects,
            bytes=result.unused.bytes,
            kept_objects=result.kept.objects,
            kept_bytes=result.kept.bytes,
            versions=int(count),
        )

    def _refuse_during_runs(self) -> None:
        """Raise error 30232 during a run.

        The outputs of a run are in the cache before any file names them.
        """
        query = "SELECT id FROM runs WHERE status IN ('PENDING', 'QUEUED', 'RUNNING') LIMIT 1"
        with closing(self._project.history()) as history:
            rows = history.execute(query)
        if rows:
            raise RunInProgressError(run=rows[0]["id"])

    def _start_points(self) -> list[str]:
        """Return the starting points in history: all refs and HEADs, and the older stashes."""
        stashes: list[str] = []
        if list_refs(self._git, STASH_REF):
            stashes = self._git.run("rev-list", "--walk-reflogs", STASH_REF, "--").decode().split()
        return ["--all", *sorted(set(stashes))]

    def _iter_referenced_hashes(self, starts: list[str]) -> Iterator[str]:
        """Yield every hash that a version, an index or a working tree names."""
        blobs = {*self._iter_blobs(starts)}
        for root in self._iter_worktrees():
            git = Git(root)
            rows = git.run("ls-files", "--stage", "-z").decode(errors="surrogateescape")
            for row in filter(None, rows.split("\0")):
                facts, _, path = row.partition("\t")
                if names_data(path):
                    blobs.add(facts.split(" ")[1])
            for path in {*git.files(), *git.files(only_untracked=True)}:
                if names_data(path) and (root / path).is_file():
                    yield from _find_hashes((root / path).read_bytes())
        present = sorted(self._git.sizes(blobs))
        for at in range(0, len(present), BLOB_BATCH_SIZE):
            self._progress(at, len(present), "files", "versions")
            for content in self._git.blobs(present[at : at + BLOB_BATCH_SIZE]).values():
                yield from _find_hashes(content)

    def _iter_blobs(self, starts: list[str]) -> Iterator[str]:
        """Yield the blob of every version of every file that names data."""
        # Of merges against each parent: what both sides had is listed where it came from.
        options = ("--raw", "-m", "--no-abbrev", "--no-renames", "--format=", "-z", "--root")
        output = self._git.run("log", *options, *starts, "--", timeout=3600)
        parts = iter(output.decode(errors="surrogateescape").split("\0"))
        for part in parts:
            if not part.lstrip("\n").startswith(":"):
                continue
            path = next(parts)
            if names_data(path):
                sha = part.split(" ")[3]
                if sha.strip("0"):
                    yield sha

    def _iter_worktrees(self) -> Iterator[Path]:
        output = self._git.run("worktree", "list", "--porcelain", "-z")
        for row in output.decode(errors="surrogateescape").split("\0"):
            key, _, value = row.partition(" ")
            if key == "worktree" and (Path(value) / ".git").exists():
                yield Path(value)


def _find_hashes(content: bytes) -> Iterator[str]:
    return (digest.decode() for digest in HASH_PATTERN.findall(content))
