"""Verification of every object of a snapshot in git, in DVC's cache and on the remote."""

from __future__ import annotations

import hashlib
import posixpath
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from jupyter_mlws.environments.record import FOLDER
from jupyter_mlws.git.adapter import Git, GitFailedError, TreeEntry
from jupyter_mlws.git.merge import SUBMODULE
from jupyter_mlws.versioning.data_index import DataIndex
from jupyter_mlws.versioning.models import Proof
from jupyter_mlws.versioning.publishing.shared_runs import bundles_at
from jupyter_mlws.versioning.repository import RepositoryPart
from jupyter_mlws.versioning.snapshots.environments import LOCKS, named_environments
from jupyter_mlws.versioning.snapshots.proof_models import ObjectProblem, Store, Verification
from mlws.core.errors import MLWSError
from mlws.core.progress import ProgressCallback, no_progress
from mlws.dvc.cache import StoredObject
from mlws.dvc.integrity import IntegrityStore, open_integrity_store
from mlws.dvc.pointers import SETTINGS_FILE, DataPointer, ObjectFault
from mlws.dvc.remote_errors import UNREACHABLE_ERRORS

MAX_BATCH_BYTES = 16 * 1024 * 1024
"""Bytes of git objects that are read together."""


class Verifier(RepositoryPart):
    """Verification of snapshots of one project; changes nothing."""

    def run(
        self,
        sha: str,
        *,
        quick: bool = False,
        local: bool = False,
        progress: ProgressCallback = no_progress,
    ) -> Verification:
        """Verify the snapshot; ``quick`` checks only names and sizes on the remote.

        ``local``: the remote is not asked. Raises DVCUnavailableError, DVCNotInitializedError,
        DVCConfigError if DVC cannot be used. An unreachable remote is part of the result.
        """
        progress(0, message="code")
        entries, problems = entries_of(self._git, sha)
        problems += code_problems(self._git, entries)
        problems += environment_problems(self._git, sha, entries)
        sizes = self._git.sizes({entry.sha for entry in entries})
        objects, size = len(entries), sum(sizes.values())
        items = list(data_of(self._git, self._content, sha)) if entries else []
        remote = unreachable = None
        if items:
            spare = self._git.blob(sha, SETTINGS_FILE)
            with open_integrity_store(self._root, spare) as data:
                # The listing of a directory that the cache lacks may be on the remote.
                stored_objects = data.cache.objects(items) if local else data.objects(items)
                remote = None if local else data.remote.name
                objects += len(stored_objects)
                cache_size = sum(data.cache.size_of(each) for each in stored_objects)
                size += cache_size
                checked_bytes = 0
                for each in stored_objects:
                    progress(checked_bytes, cache_size, "B", "cache")
                    problem = data.cache.find_problem(each)
                    if problem is not None:
                        problems.append(problem_of(each, Store.CACHE, problem))
                    checked_bytes += data.cache.size_of(each)
                if remote is not None:
                    try:
                        faults = remote_problems(data, stored_objects, progress, read=not quick)
                    except MLWSError as error:
                        if not isinstance(error, UNREACHABLE_ERRORS):
                            raise
                        unreachable = error.message.en
                    else:
                        problems += [
                            problem_of(each, Store.REMOTE, fault) for each, fault in faults.items()
                        ]
        damaged_stores = {problem.where for problem in problems}
        is_remote_checked = remote is not None and unreachable is None
        return Verification(
            snapshot=sha,
            objects=objects,
            bytes=size,
            remote=remote,
            unreachable=unreachable,
            problems=sorted(problems, key=lambda row: (row.path, row.where.value)),
            proof=Proof(
                code=Store.GIT not in damaged_stores,
                data_local=Store.CACHE not in damaged_stores if items else None,
                data_remote=Store.REMOTE not in damaged_stores if is_remote_checked else None,
                runs=None,
                checked=utc_now(),
            ),
        )


def utc_now() -> str:
    """Return the current time in the API's format."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def data_of(git: Git, content: DataIndex, sha: str) -> Iterator[DataPointer]:
    """Yield the data of a snapshot whose hash was recorded, and the bundles of its runs."""
    yield from (item for item in content.data_at(sha) if item.md5 is not None)
    yield from bundles_at(git, sha)


def problem_of(stored_object: StoredObject, where: Store, problem: ObjectFault) -> ObjectProblem:
    """Return the API's record of a problem with a stored object."""
    return ObjectProblem(
        path=stored_object.path,
        hash=stored_object.md5,
        where=where,
        problem=problem,
        output=stored_object.item.pipeline,
    )


def remote_problems(
    data: IntegrityStore,
    stored_objects: Sequence[StoredObject],
    progress: ProgressCallback,
    *,
    read: bool,
) -> dict[StoredObject, ObjectFault]:
    """Return the objects that are missing or damaged on the remote.

    ``read``: each object is read and hashed; otherwise only names and sizes are checked.
    """
    remote_objects = [each for each in stored_objects if each.item.pushed]
    count = 0

    def on_object(each: StoredObject) -> None:
        nonlocal count
        count += 1
        progress(count, len(remote_objects), "objects", "remote")

    return data.remote.find_problems(remote_objects, on_object, read=read)


def entries_of(git: Git, sha: str) -> tuple[list[TreeEntry], list[ObjectProblem]]:
    """Return the files of a commit, or a problem if its trees cannot be read."""
    try:
        return [entry for entry in git.tree(sha) if entry.mode != SUBMODULE], []
    except MLWSError:
        row = ObjectProblem(path=".", hash=sha, where=Store.GIT, problem=ObjectFault.DAMAGED)
        return [], [row]


def environment_problems(
    git: Git, sha: str, entries: Sequence[TreeEntry]
) -> Iterator[ObjectProblem]:
    """Yield the locks that cannot be read, and environments that the snapshot names but lacks."""
    files = {entry.path: entry for entry in entries}
    for path, entry in files.items():
        if posixpath.basename(path) not in LOCKS:
            continue
        try:
            tomllib.loads((git.blob(sha, path) or b"").decode())
        except ValueError:
            yield ObjectProblem(
                path=path, hash=entry.sha, where=Store.GIT, problem=ObjectFault.DAMAGED
            )
    # A commit without entries cannot be read.
    for name in named_environments(git, sha) if entries else ():
        path = f"{FOLDER}/{name[:12]}"
        if not {f"{path}.txt", f"{path}.json"} & files.keys():
            yield ObjectProblem(path=path, hash=name, where=Store.GIT, problem=ObjectFault.MISSING)


def code_problems(git: Git, entries: Sequence[TreeEntry]) -> list[ObjectProblem]:
    """Return the files whose content git lacks or has damaged; reads every file."""
    paths = {entry.sha: entry.path for entry in entries}
    sizes = git.sizes(sorted(paths))
    absent = sorted(paths.keys() - sizes.keys())
    problems = [_git_problem(paths[sha], sha, ObjectFault.MISSING) for sha in absent]
    for group in _iter_batches(sizes.items()):
        problems += [
            _git_problem(paths[sha], sha, ObjectFault.DAMAGED) for sha in _find_damaged(git, group)
        ]
    return problems


def _git_problem(path: str, sha: str, problem: ObjectFault) -> ObjectProblem:
    return ObjectProblem(path=path, hash=sha, where=Store.GIT, problem=problem)


def _iter_batches(rows: Iterable[tuple[str, int]]) -> Iterator[list[str]]:
    group: list[str] = []
    size = 0
    for sha, length in rows:
        if group and size + length > MAX_BATCH_BYTES:
            yield group
            group, size = [], 0
        group.append(sha)
        size += length
    if group:
        yield group


def _find_damaged(git: Git, shas: Sequence[str]) -> Iterator[str]:
    try:
        contents = git.blobs(shas)
    except (MLWSError, ValueError):
        # git stops at a damaged object without naming it: read them one by one.
        for sha in shas:
            try:
                if _blob_id(git.attempt("cat-file", "blob", sha), sha) != sha:
                    yield sha
            except GitFailedError:
                yield sha
        return
    yield from (sha for sha, content in contents.items() if _blob_id(content, sha) != sha)


def _blob_id(content: bytes, like: str) -> str:
    """Return the id of a blob, by the repository's hash function (that of ``like``)."""
    digest = hashlib.new("sha1" if len(like) == 40 else "sha256", usedforsecurity=False)
    digest.update(b"blob %d\0" % len(content))
    digest.update(content)
    return digest.hexdigest()
