"""Looks at every object that a snapshot consists of: in git, in DVC's cache, at the remote."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from jupyter_mlws.core.errors import MLWSError
from jupyter_mlws.core.progress import ProgressCallback, no_progress
from jupyter_mlws.dvc.pointers import SETTINGS_FILE, DataPointer, Problem
from jupyter_mlws.dvc.remote_errors import UNREACHABLE_ERRORS
from jupyter_mlws.git.adapter import Git, GitFailedError, TreeEntry
from jupyter_mlws.versioning.models import Proof
from jupyter_mlws.versioning.repository import Repository
from jupyter_mlws.versioning.snapshots.proof_models import ObjectProblem, Store, Verification

if TYPE_CHECKING:
    from jupyter_mlws.dvc.cache import StoredObject
    from jupyter_mlws.dvc.integrity import IntegrityStore

SUBMODULE = "160000"
MAX_BATCH_BYTES = 16 * 1024 * 1024
"""Bytes of git objects that are read together."""


class Verifier:
    """Verifies snapshots of one project. Changes nothing."""

    def __init__(self, repository: Repository) -> None:
        self._root = repository.project.root
        self._git = repository.git
        self._content = repository.content

    def run(
        self, sha: str, *, quick: bool = False, progress: ProgressCallback = no_progress
    ) -> Verification:
        """Verify the snapshot; ``quick`` checks only names and sizes on the remote.

        Errors: 30104, 30204, 30220 if DVC cannot be used. An unreachable remote is part of the
        result.
        """
        progress(0, message="code")
        entries, problems = entries_of(self._git, sha)
        problems += code_problems(self._git, entries)
        sizes = self._git.sizes({entry.sha for entry in entries})
        objects, size = len(entries), sum(sizes.values())
        items = list(data_of(self._content.data_at(sha))) if entries else []
        findings = _Findings(problems)
        if items:
            from jupyter_mlws.dvc.integrity import open_integrity_store

            spare = self._git.blob(sha, SETTINGS_FILE)
            with open_integrity_store(self._root, spare) as data:
                stored_objects = data.objects(items)
                findings.remote = data.remote.name
                objects += len(stored_objects)
                size += _check_cache(data, stored_objects, findings, progress)
                if data.remote.name is not None:
                    _check_remote(data, stored_objects, findings, progress, quick=quick)
        return Verification(
            snapshot=sha,
            objects=objects,
            bytes=size,
            remote=findings.remote,
            unreachable=findings.unreachable,
            problems=sorted(findings.problems, key=lambda row: (row.path, row.where.value)),
            proof=findings.proof(bool(items)),
        )


class _Findings:
    def __init__(self, problems: list[ObjectProblem]) -> None:
        self.problems = problems
        self.remote: str | None = None
        self.unreachable: str | None = None

    def proof(self, has_data: bool) -> Proof:
        def whole(store: Store) -> bool:
            return all(row.where is not store for row in self.problems)

        has_remote_result = has_data and self.remote is not None and self.unreachable is None
        return Proof(
            code=whole(Store.GIT),
            data_local=whole(Store.CACHE) if has_data else None,
            data_remote=whole(Store.REMOTE) if has_remote_result else None,
            runs=None,
            checked=datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        )


def data_of(items: Sequence[DataPointer]) -> Iterator[DataPointer]:
    """Return the items whose hash was recorded."""
    return (item for item in items if item.md5 is not None)


def problem_of(stored_object: StoredObject, where: Store, problem: Problem) -> ObjectProblem:
    """Return the API's record of a problem with a stored object."""
    return ObjectProblem(
        path=stored_object.path,
        hash=stored_object.md5,
        where=where,
        problem=problem,
        output=stored_object.item.pipeline,
    )


def _check_cache(
    data: IntegrityStore,
    stored_objects: Sequence[StoredObject],
    findings: _Findings,
    progress: ProgressCallback,
) -> int:
    total = sum(data.cache.size_of(each) for each in stored_objects)
    checked_bytes = 0
    for each in stored_objects:
        progress(checked_bytes, total, "B", "cache")
        problem = data.cache.find_problem(each)
        if problem is not None:
            findings.problems.append(problem_of(each, Store.CACHE, problem))
        checked_bytes += data.cache.size_of(each)
    return checked_bytes


def _check_remote(
    data: IntegrityStore,
    stored_objects: Sequence[StoredObject],
    findings: _Findings,
    progress: ProgressCallback,
    *,
    quick: bool,
) -> None:
    remote_objects = [each for each in stored_objects if each.item.pushed]
    count = 0

    def told(each: StoredObject) -> None:
        nonlocal count
        count += 1
        progress(count, len(remote_objects), "objects", "remote")

    try:
        problems = data.remote.find_problems(remote_objects, told, read=not quick)
    except MLWSError as error:
        if not isinstance(error, UNREACHABLE_ERRORS):
            raise
        findings.unreachable = error.message.en
        return
    findings.problems += [problem_of(each, Store.REMOTE, what) for each, what in problems.items()]


# git's objects


def entries_of(git: Git, sha: str) -> tuple[list[TreeEntry], list[ObjectProblem]]:
    """Return the files of a commit, or a problem if its trees cannot be read."""
    try:
        return [entry for entry in git.tree(sha) if entry.mode != SUBMODULE], []
    except MLWSError:
        row = ObjectProblem(path=".", hash=sha, where=Store.GIT, problem=Problem.DAMAGED)
        return [], [row]


def code_problems(git: Git, entries: Sequence[TreeEntry]) -> list[ObjectProblem]:
    """Return the files whose content git lacks or has damaged; reads every file."""
    paths = {entry.sha: entry.path for entry in entries}
    sizes = git.sizes(sorted(paths))
    absent = sorted(paths.keys() - sizes.keys())
    problems = [_git_problem(paths[sha], sha, Problem.MISSING) for sha in absent]
    for group in _iter_batches(sizes.items()):
        problems += [
            _git_problem(paths[sha], sha, Problem.DAMAGED) for sha in _find_damaged(git, group)
        ]
    return problems


def _git_problem(path: str, sha: str, problem: Problem) -> ObjectProblem:
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
        # git stops at a damaged object; who it is comes out one by one.
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
