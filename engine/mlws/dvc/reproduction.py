"""The parts of `dvc repro` that only DVC does: data of `.dvc` files, and pulls."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from mlws.dvc.repo import open_repo
from mlws.dvc.stages import Cause, Change, StageError

CAUSES = {
    "changed deps": Cause.DEPENDENCY,
    "changed outs": Cause.OUTPUT,
    "changed checksum": Cause.COMMAND,
    "always changed": Cause.ALWAYS,
}
"""What differs, by the words of `dvc status`."""


class DvcReproduction:
    """DVC's repository at ``root``, opened when it is first needed; methods are thread-safe.

    They raise :class:`StageError` with DVC's message.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._repo: Any = None

    def close(self) -> None:
        """Close the repository."""
        self._stack.close()

    def refresh(self, file: str, **options: bool) -> bool:
        """Bring the data of a `.dvc` file up to date; return whether there was anything to do.

        What has changed is stored, and an import follows its source. ``options``: those of
        ``dvc.stage.Stage.reproduce``.
        """
        with self._open() as repo:
            from dvc.dvcfile import load_file
            from dvc.repo.reproduce import _reproduce_stage

            stage = load_file(repo, str(self._root / file)).stage
            return _reproduce_stage(stage, upstream=[], **options) is not None

    def differences(self, file: str) -> list[Change]:
        """Return what differs from a `.dvc` file, with news of the source of an import."""
        with self._open() as repo:
            from dvc.dvcfile import load_file

            stage = load_file(repo, str(self._root / file)).stage
            entries: list[Any] = next(iter(stage.status(check_updates=True).values()), [])
            return [
                Change(CAUSES[kind], path, state)
                for entry in entries
                for kind, states in ({entry: {"": ""}} if isinstance(entry, str) else entry).items()
                for path, state in states.items()
            ]

    def pull(self, target: str) -> bool:
        """Get the data of a stage or a path from the remote; return False if it is not there."""
        with self._open() as repo:
            from dvc.exceptions import CheckoutError

            try:
                repo.pull(target)
            except CheckoutError:
                return False
            return True

    def pull_objects(self, hashes: Sequence[str]) -> None:
        """Get objects of the cache from the remote, so far as it has them."""
        with self._open() as repo:
            from dvc_data.hashfile.hash_info import HashInfo

            repo.cloud.pull([HashInfo("md5", md5) for md5 in hashes])

    def pull_run_cache(self) -> str:
        """Get the run cache of the remote; return why that is not supported, or an empty text."""
        with self._open() as repo:
            from dvc.stage.cache import RunCacheNotSupported

            try:
                repo.stage_cache.pull(None)
            except RunCacheNotSupported as error:
                return str(error)
            return ""

    @contextmanager
    def _open(self) -> Iterator[Any]:
        with self._lock:
            if self._repo is None:
                self._repo = self._stack.enter_context(open_repo(self._root))
            from dvc.exceptions import DvcException
            from dvc.repo import lock_repo

            try:
                with lock_repo(self._repo), self._repo.scm_context(quiet=True):
                    yield self._repo
            except (DvcException, OSError) as error:
                raise StageError(" ".join(str(error).split()) or type(error).__name__) from error
