"""Repair of missing or damaged objects of a snapshot, from any remaining copy."""

from __future__ import annotations

import os
from collections.abc import Sequence

from jupyter_mlws.core.errors import GitCredentialsError
from jupyter_mlws.git.adapter import Git
from jupyter_mlws.git.refs import remotes
from jupyter_mlws.git.remote_commands import RemoteSession, fetch_again
from jupyter_mlws.versioning.repository import Repository, RepositoryPart
from jupyter_mlws.versioning.snapshots.proof_models import (
    MendedObject,
    ObjectProblem,
    Repaired,
    Store,
)
from jupyter_mlws.versioning.snapshots.verification import (
    code_problems,
    data_of,
    entries_of,
    problem_of,
    remote_problems,
)
from mlws.core.errors import MLWSError
from mlws.core.progress import ProgressCallback, no_progress
from mlws.dvc.cache import StoredObject
from mlws.dvc.integrity import IntegrityStore, open_integrity_store
from mlws.dvc.pointers import SETTINGS_FILE, ObjectFault
from mlws.dvc.remote_errors import UNREACHABLE_ERRORS


class Repair(RepositoryPart):
    """One repair of one snapshot; the caller holds the project's lock."""

    def __init__(self, repository: Repository, progress: ProgressCallback = no_progress) -> None:
        super().__init__(repository)
        self._progress = progress
        self._repaired_objects: list[MendedObject] = []
        self._lost_objects: list[ObjectProblem] = []
        self._unreachable: str | None = None

    def run(self, sha: str, *, quick: bool = False) -> Repaired:
        """Repair git's objects, then the cache, then the remote.

        ``quick`` as for verification.
        """
        self._progress(0, message="code")
        self._repair_code(sha)
        items = [] if self._lost_objects else [*data_of(self._git, self._content, sha)]
        if items:
            with open_integrity_store(self._root, self._git.blob(sha, SETTINGS_FILE)) as data:
                stored_objects = data.objects(items)
                self._repair_cache(data, stored_objects)
                if data.remote.name is not None:
                    self._repair_remote(data, stored_objects, read=not quick)
        return Repaired(
            snapshot=sha,
            mended=self._repaired_objects,
            lost=self._lost_objects,
            unreachable=self._unreachable,
        )

    def _repair_cache(self, data: IntegrityStore, stored_objects: Sequence[StoredObject]) -> None:
        # Other paths may record the same contents now.
        hashes = {each.md5 for each in stored_objects}
        paths_by_hash: dict[str, list[str]] = {}
        present = [item for item in self._content.data_now(self._git.status()) if item.md5]
        for each in data.objects(present):
            if each.md5 in hashes and not each.listing:
                paths_by_hash.setdefault(each.md5, []).append(each.path)
        for number, each in enumerate(stored_objects):
            self._progress(number, len(stored_objects), "objects", "cache")
            problem = data.cache.find_problem(each)
            if problem is None:
                continue
            if problem is ObjectFault.DAMAGED:
                data.set_aside(each)
            source = self._restore_to_cache(data, each, paths_by_hash.get(each.md5, []))
            if source is None:
                self._lost_objects.append(problem_of(each, Store.CACHE, problem))
            else:
                self._record_repair(each, Store.CACHE, source)
        data.cache.sync(each for each in stored_objects if data.cache.path_of(each).is_file())

    def _restore_to_cache(
        self, data: IntegrityStore, stored_object: StoredObject, paths: Sequence[str]
    ) -> Store | None:
        """Bring an object into the cache and return where it came from.

        None if no source has it.
        """
        if stored_object.listing:
            if data.take_listing(stored_object):
                return Store.WORKSPACE
        elif any(
            data.take(stored_object, self._root / path) for path in [stored_object.path, *paths]
        ):
            return Store.WORKSPACE
        if data.remote.name is not None and stored_object.item.pushed and self._unreachable is None:
            try:
                if data.remote.fetch_object(stored_object, self._progress):
                    return Store.REMOTE
            except MLWSError as error:
                self._record_unreachable(error)
        return None

    def _repair_remote(
        self, data: IntegrityStore, stored_objects: Sequence[StoredObject], *, read: bool
    ) -> None:
        try:
            problems = remote_problems(data, stored_objects, self._progress, read=read)
            # Files before listings: a listing on the remote implies that its files are there.
            for each in sorted(problems, key=lambda each: each.listing):
                if data.cache.find_problem(each) is None:
                    data.remote.replace_object(each, self._progress)
                    self._record_repair(each, Store.REMOTE, Store.CACHE)
                else:
                    self._lost_objects.append(problem_of(each, Store.REMOTE, problems[each]))
        except MLWSError as error:
            self._record_unreachable(error)

    def _record_unreachable(self, error: MLWSError) -> None:
        if not isinstance(error, UNREACHABLE_ERRORS):
            raise error
        self._unreachable = error.message.en

    def _record_repair(self, stored_object: StoredObject, where: Store, source: Store) -> None:
        self._repaired_objects.append(
            MendedObject(
                path=stored_object.path, hash=stored_object.md5, where=where, source=source
            )
        )

    def _repair_code(self, sha: str) -> None:
        problems = self._code_problems(sha)
        for problem in problems:
            if problem.path != "." and _rewrite_object(self._git, problem):
                self._record_code_repair(problem, Store.WORKSPACE)
        problems = self._code_problems(sha) if problems else []
        if problems:
            for problem in problems:
                if problem.problem is ObjectFault.DAMAGED:
                    _rename_loose_object(self._git, problem.hash)
            session = RemoteSession(lambda: self._progress(0, message="code"))
            for remote in remotes(self._git):
                try:
                    fetch_again(self._git, remote.name, session)
                except MLWSError as error:
                    # What is still missing afterwards is reported as lost.
                    if not isinstance(error, (*UNREACHABLE_ERRORS, GitCredentialsError)):
                        raise
            left = {row.hash: row for row in self._code_problems(sha)}
            for problem in problems:
                if problem.hash not in left:
                    self._record_code_repair(problem, Store.REMOTE)
            self._lost_objects += left.values()

    def _code_problems(self, sha: str) -> list[ObjectProblem]:
        entries, problems = entries_of(self._git, sha)
        return problems + code_problems(self._git, entries)

    def _record_code_repair(self, problem: ObjectProblem, source: Store) -> None:
        row = MendedObject(path=problem.path, hash=problem.hash, where=Store.GIT, source=source)
        self._repaired_objects.append(row)


def _rewrite_object(git: Git, problem: ObjectProblem) -> bool:
    """Store a file's content in git again if the working tree still has it."""
    target = git.root / problem.path
    if target.is_symlink():
        content = os.fsencode(target.readlink())
        if git.hash(content) != problem.hash:
            return False
        _rename_loose_object(git, problem.hash)
        git.hash(content, write=True)
        return True
    if not target.is_file() or git.hash_file(problem.path) != problem.hash:
        return False
    _rename_loose_object(git, problem.hash)
    git.run("hash-object", "-w", "--", problem.path, timeout=600)
    return True


def _rename_loose_object(git: Git, sha: str) -> None:
    """Rename a loose object, so that git writes it again.

    git does not write an object that it has, even a damaged one. Its garbage collection removes
    the renamed file.
    """
    loose = git.root / git.path(f"objects/{sha[:2]}/{sha[2:]}")
    if loose.exists():
        loose.rename(loose.with_name(f"tmp_obj_{sha[2:16]}"))
