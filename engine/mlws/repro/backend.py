"""The stages of several `dvc.yaml` and `.dvc` files as one backend, for one run of the engine."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from mlws.core.i18n import Message
from mlws.dvc import yaml_loader
from mlws.dvc.ignores import Ignores
from mlws.dvc.native.hash_cache import HashCache
from mlws.dvc.native.objects import ObjectCache, is_legacy, key_of_item
from mlws.dvc.native.pipeline import HEAVY_BYTES, NativeBackend, open_backend
from mlws.dvc.native.repository import read_setup
from mlws.dvc.reproduction import DvcReproduction
from mlws.dvc.stages import (
    BackendOptions,
    Cause,
    Change,
    Command,
    DvcBackend,
    Forecast,
    PreparationResult,
    PreparationStatus,
    StageError,
    StageState,
)
from mlws.dvc.unsupported import UnsupportedStageError
from mlws.repro.options import StageOptions
from mlws.repro.repository import Node, Repository

if TYPE_CHECKING:
    from mlws.repro.console import Console

FOLD_EVERY = 5.0
"""Seconds between two writes of `dvc.lock`; what it lacks after a crash, the run cache has."""
MISSING_STATES = ("not in cache", "deleted")


class RepositoryBackend:
    """The backend of a repository's nodes, by their IDs; see :class:`~.dvc.stages.DvcBackend`."""

    fold_every = FOLD_EVERY

    def __init__(self, repository: Repository, options: StageOptions, console: Console) -> None:
        self._repository = repository
        self._root = repository.root
        self._nodes = repository.nodes
        self._options = options
        self._console = console
        self._stack = ExitStack()
        self._backends: dict[str, NativeBackend | DvcBackend] = {}
        self._dvc = DvcReproduction(self._root)
        self._stack.callback(self._dvc.close)
        self._order: Sequence[str] = ()
        self._objects: ObjectCache | None = None
        self.uses_git = True
        self.stages_files = False
        try:
            hashes = HashCache(repository.state / "hashes.sqlite")
            setup = read_setup(self._root)
            self.uses_git, self.stages_files = setup.uses_git, setup.stages_files
            self._objects = ObjectCache(setup.objects, hashes, setup.ignored)
            self._stack.callback(hashes.close)
        except UnsupportedStageError:
            pass  # DVC tells whether data is as its file says

    def close(self) -> None:
        """Close the backends of all files."""
        self._stack.close()

    @property
    def order(self) -> Sequence[str]:
        """The order in which DVC would run the nodes."""
        return self._order

    @order.setter
    def order(self, order: Sequence[str]) -> None:
        self._order = order

    @property
    def unusual(self) -> Mapping[str, Message]:
        """Stages that are left to DVC, with the reason."""
        return {
            node.id: self._backends[node.file].unusual[node.name]
            for node in self._nodes.values()
            if node.file in self._backends and node.name in self._backends[node.file].unusual
        }

    def _backend(self, node: Node) -> NativeBackend | DvcBackend:
        if node.file not in self._backends:
            backend = self._stack.enter_context(
                open_backend(
                    self._root,
                    node.file,
                    self._repository.files[node.file],
                    self._repository.state,
                    options=self._options_of(node),
                )
            )
            backend.order = self._names(self._order, node.file)
            self._backends[node.file] = backend
        return self._backends[node.file]

    def _names(self, order: Iterable[str], file: str) -> list[str]:
        return [self._nodes[node].name for node in order if self._nodes[node].file == file]

    # What has changed

    def examine(self, node: str, forecast: Forecast) -> StageState:
        """Return a node's state; data is changed if it is not as its file says."""
        one = self._nodes[node]
        if one.name:
            return self._backend(one).examine(one.name, forecast)
        changes = () if self._is_current(one) else (Change(Cause.OUTPUT, one.file, "modified"),)
        return StageState(changes, False, one.frozen)

    def differences(self, node: Node) -> list[Change]:
        """Return all differences of a node to its lock or `.dvc` file."""
        if node.name:
            return self._backend(node).differences(node.name)
        out = self._plain_output(node)
        if out is None or self._objects is None:
            return self._dvc.differences(node.file)
        try:
            key = key_of_item(out) or ""
            measurement = self._objects.measure(str(self._root / node.outs[0]), is_legacy(key))
        except UnsupportedStageError:
            return self._dvc.differences(node.file)
        if out.get("cache", True) and not self._objects.holds(key):
            return [Change(Cause.OUTPUT, node.outs[0], "not in cache")]
        if measurement is None:
            return [Change(Cause.OUTPUT, node.outs[0], "deleted")]
        if measurement.key != key:
            return [Change(Cause.OUTPUT, node.outs[0], "modified")]
        return []

    def changes(self, node: Node) -> tuple[Change, ...]:
        """Return the changes of a node that count, as its files are now."""
        changes = self.examine(node.id, Forecast()).changes
        if node.frozen:
            changes = tuple(change for change in changes if change.cause is not Cause.ALWAYS)
        return self._options_of(node).counted(node.name, changes)

    def _options_of(self, node: Node) -> BackendOptions:
        overlooks = partial(self._overlooks, node.file) if self._options.allow_missing else None
        return BackendOptions(self._options.run_cache, self._options.commit, overlooks, False)

    def _overlooks(self, file: str, name: str, change: Change) -> bool:
        """Return whether a change only means that data is missing here."""
        if change.cause is Cause.OUTPUT:
            return change.state in MISSING_STATES
        if change.cause is not Cause.DEPENDENCY or change.state != "deleted":
            return False
        makers = [
            node for node, out in self._repository.graph.makers(change.name) if out == change.name
        ]
        md5 = self.hashes(makers[0].id).get(change.name) if makers else None
        if md5 is None:
            return True
        node = next(n for n in self._nodes.values() if (n.file, n.name) == (file, name))
        entry = self._backend(node).recorded(name) or {}
        inputs = {
            posixpath.normpath(posixpath.join(node.wdir, dep["path"])): dep.get("md5")
            for dep in entry.get("deps", ())
        }
        return inputs.get(change.name) == md5

    def _is_current(self, node: Node) -> bool:
        """Return whether data is as its file says, and in the cache; False if only DVC can tell."""
        out = self._plain_output(node)
        if out is None or self._objects is None:
            return False
        try:
            path = str(self._root / node.outs[0])
            if not self._options.allow_missing:
                return self._objects.is_current(path, out)
            key = key_of_item(out)
            measurement = self._objects.measure(path, is_legacy(key))
            return measurement is None or measurement.key == key
        except UnsupportedStageError:
            return False

    def _plain_output(self, node: Node) -> Mapping[str, Any] | None:
        """Return the output of a file that `dvc add` has written; None for an import and others."""
        try:
            data = yaml_loader.read((self._root / node.file).read_text(encoding="utf-8"))
            (out,) = data["outs"]
            is_plain = not set(data) - {"outs", "meta", "desc", "md5", "wdir", "frozen"}
            return out if is_plain and out.get("hash", "md5") == "md5" and "md5" in out else None
        except (UnsupportedStageError, KeyError, TypeError, ValueError, OSError):
            return None

    # Bringing up to date

    def heavy(self, node: str) -> bool:
        """Return True if hashing a node's inputs and outputs may take a while."""
        one = self._nodes[node]
        if one.name:
            return self._backend(one).heavy(one.name)
        places = (self._root / out for out in one.outs)
        return any(p.is_dir() or (p.is_file() and p.stat().st_size >= HEAVY_BYTES) for p in places)

    def prepare(self, node: str, *, force: bool = False) -> PreparationResult:
        """Bring a node up to date, without its command if possible.

        Raises :class:`StageError` if it cannot be, or if the user does not want to go on.
        """
        one = self._nodes[node]
        if one.frozen and (one.name or self._plain_output(one) is not None):
            self._console.warn_of_freeze(one)
        if not force and (self._options.pull or self._options.interactive):
            changes = self.changes(one)
            if changes and self._options.pull and one.name:
                self._pull_for(one, changes)
                changes = self.changes(one)
        else:
            changes = (Change(Cause.ALWAYS),)
        if changes and self._options.interactive and not self._console.confirm(one):
            raise StageError("reproduction aborted by the user")
        if one.name:
            result = self._backend(one).prepare(one.name, force=force)
        elif not force and self._is_current(one):
            result = PreparationResult(PreparationStatus.UNCHANGED)
        else:
            is_done = self._dvc.refresh(
                one.file,
                force=force,
                allow_missing=self._options.allow_missing,
                pull=self._options.pull,
                no_commit=not self._options.commit,
            )
            result = PreparationResult(
                PreparationStatus.ACCEPTED if is_done else PreparationStatus.UNCHANGED
            )
        self._console.show_preparation(one, result)
        return result

    def _pull_for(self, node: Node, changes: Sequence[Change]) -> None:
        """Get what a stage lacks from the remote, so far as the remote has it."""
        if all(self._overlooks(node.file, node.name, change) for change in changes):
            self._console.say(Message("Pulling data for stage: '{stage}'"), node)
            if not self._dvc.pull(node.id):
                self._console.say(Message("Unable to pull data for stage: '{stage}'"), node)
            return
        for dep in node.deps:
            if not (self._root / dep).exists():
                self._dvc.pull(dep)
        backend = self._backend(node)
        absent = backend.absent_results(node.name) if isinstance(backend, NativeBackend) else []
        if absent:
            self._dvc.pull_objects(absent)

    def pull_run_cache(self) -> None:
        """Get the run cache of the remote, where it keeps one."""
        reason = self._dvc.pull_run_cache()
        if reason:
            self._console.warn(Message("Failed to pull run cache: {reason}", reason=reason))

    def accept(self, node: str) -> PreparationResult:
        """Accept the current outputs as a node's result, like ``dvc commit``."""
        one = self._nodes[node]
        return self._backend(one).accept(one.name)

    def command(self, node: str) -> Command:
        """Return the processes of a prepared stage, with DVC's name of it."""
        one = self._nodes[node]
        return self._backend(one).command(one.name)

    def commit(self, node: str) -> dict[str, str]:
        """Hash and store the outputs of a prepared stage's command; return their hashes by path."""
        one = self._nodes[node]
        return self._backend(one).commit(one.name)

    def hashes(self, node: str) -> dict[str, str]:
        """Return the hashes of a node's outputs by path, as in its lock or `.dvc` file."""
        one = self._nodes[node]
        if one.name:
            return self._backend(one).hashes(one.name)
        out = self._plain_output(one)
        return {} if out is None else {one.outs[0]: str(out["md5"])}

    def entry(self, node: str) -> dict[str, Any] | None:
        """Return the new lock file entry of a stage that was brought up to date, else None."""
        one = self._nodes[node]
        return self._backend(one).entry(one.name) if one.name else None

    def stage_files(self, files: Sequence[str]) -> None:
        """Add files to git's index, if DVC is to do so."""
        if self.stages_files:
            Ignores(self._root).stage(files)

    def discard(self, node: str) -> None:
        """Leave the outputs of a stage whose command failed: DVC removes them in its next run."""

    def fold(self, order: Sequence[str]) -> None:
        """Write the finished stages into the lock files beside their files."""
        for file, backend in self._backends.items():
            lock = (self._root / file).with_suffix(".lock")
            before = lock.stat().st_mtime_ns if lock.exists() else None
            backend.fold(self._names(order, file))
            if lock.exists() and lock.stat().st_mtime_ns != before:
                self._console.show_lock(lock.relative_to(self._root).as_posix(), before is None)
