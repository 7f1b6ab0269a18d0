"""Garbage collection of the cache: data that no version names.

Data is kept if a ref names it (branches, tags, remote-tracking branches, every stash, hidden refs
of runs, safety copies, pending snapshots and the outbox), or an index or working tree of the
repository. A remote is never collected: the branches of other clones are not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from jupyter_mlws.core.errors import RunInProgressError
from jupyter_mlws.git.adapter import Git, decode, split_nul
from jupyter_mlws.git.refs import STASHES, list_refs
from jupyter_mlws.versioning.repository import Repository, RepositoryPart
from jupyter_mlws.versioning.snapshots.proof_models import Collected
from mlws.core.progress import ProgressCallback, no_progress
from mlws.dvc.integrity import open_integrity_store
from mlws.dvc.pointers import names_data

HASH_PATTERN = re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}(?:\.dir)?(?![0-9a-f])")
"""Everything that looks like a hash in a file that names data: when in doubt, data is kept."""
BLOB_BATCH_SIZE = 1000
"""Files of versions that are read together."""


class GarbageCollector(RepositoryPart):
    """Garbage collection of one project; the caller holds the project's lock."""

    def __init__(self, repository: Repository, progress: ProgressCallback = no_progress) -> None:
        super().__init__(repository)
        self._progress = progress

    def run(self, *, confirm: bool) -> Collected:
        """Count the cached objects that no version names; with ``confirm`` delete them.

        Raises RemoteUnreachableError if the remote is needed to read a version and can't be
        reached, SharedCacheError if other projects share the cache, RunInProgressError during a
        run.
        """
        # The outputs of a run are in the cache before any file names them.
        query = "SELECT id FROM runs WHERE status IN ('PENDING', 'QUEUED', 'RUNNING') LIMIT 1"
        with closing(self._project.history()) as history:
            runs = history.execute(query)
        if runs:
            raise RunInProgressError(run=runs[0]["id"])
        self._progress(0, message="versions")
        # All refs and HEADs, and the older stashes, which only the reflog names.
        starts = ["--all"]
        if list_refs(self._git, STASHES):
            stashes = self._git.run("rev-list", "--walk-reflogs", STASHES, "--")
            starts += sorted(set(stashes.decode().split()))
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

    def _iter_referenced_hashes(self, starts: list[str]) -> Iterator[str]:
        """Yield every hash that a version, an index or a working tree names."""
        # Merges are compared with each parent (-m).
        options = ("--raw", "-m", "--no-abbrev", "--no-renames", "--format=", "-z", "--root")
        output = self._git.run("log", *options, *starts, "--", timeout=3600)
        blobs = set()
        parts = iter(decode(output).split("\0"))
        for part in parts:
            if part.lstrip("\n").startswith(":"):
                path, sha = next(parts), part.split(" ")[3]
                if names_data(path) and sha.strip("0"):
                    blobs.add(sha)
        for line in split_nul(self._git.run("worktree", "list", "--porcelain", "-z")):
            key, _, value = line.partition(" ")
            root = Path(value)
            if key != "worktree" or not (root / ".git").exists():
                continue
            git = Git(root)
            for row in split_nul(git.run("ls-files", "--stage", "-z")):
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


def _find_hashes(content: bytes) -> Iterator[str]:
    return (digest.decode() for digest in HASH_PATTERN.findall(content))
