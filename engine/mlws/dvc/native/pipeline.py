"""Execution of the stages of one `dvc.yaml` without DVC, and of unusual ones with it.

The interface and the effects are those of
:class:`~mlws.dvc.stages.DvcBackend`.
"""

from __future__ import annotations

import os
import stat
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from mlws.core.i18n import Message
from mlws.dvc import yaml_loader
from mlws.dvc.ignores import Ignores
from mlws.dvc.native.commands import StageCommands
from mlws.dvc.native.examination import (
    Entry,
    StageExaminer,
    hashes_of,
    item_of,
    sorted_outputs,
)
from mlws.dvc.native.hash_cache import MIN_CACHED_FILE_BYTES, HashCache
from mlws.dvc.native.lock_copy import remember_renamed
from mlws.dvc.native.lockfile import LockFile, hold_dvc_lock
from mlws.dvc.native.objects import ObjectCache, is_binary, remove
from mlws.dvc.native.repository import read_setup
from mlws.dvc.native.runcache import RunCache
from mlws.dvc.native.stage import NativeStage, StagePath, parse_stage, relative
from mlws.dvc.settings import require_dvc
from mlws.dvc.stages import (
    ORDINARY,
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
    data_sources,
    open_pipeline,
)
from mlws.dvc.unsupported import UnsupportedStageError

FOLD_EVERY = 30.0
"""Seconds between two writes of `dvc.lock` during a run; what it lacks meanwhile the caller keeps
(:meth:`NativeBackend.entry`, :meth:`NativeBackend.adopt`)."""
HEAVY_BYTES = 8 * 1024 * 1024
"""Bytes of inputs or outputs that take a noticeable time to hash."""

T = TypeVar("T")


class LockBase(NamedTuple):
    """Identifies a lock file by its content; ``settled`` are the entries that keep their places."""

    digest: str
    settled: Sequence[str]


class NativeBackend:
    """One `dvc.yaml` with its lock file.

    :meth:`prepare` and :meth:`commit` of different stages may run in several threads at once.
    """

    fold_every = FOLD_EVERY

    def __init__(
        self,
        root: Path,
        path: str,
        stages: Mapping[str, Any],
        state: Path,
        draft: str | None = None,
        options: BackendOptions = ORDINARY,
    ) -> None:
        setup = read_setup(root)
        self._root = root
        self._path = path
        self._draft = draft
        self._options = options
        self._exit_stack = ExitStack()
        self._dvc_pipeline: DvcBackend | None = None
        self._dvc_pipeline_lock = threading.Lock()
        self._hash_cache = HashCache(state / "hashes.sqlite")
        self._objects = ObjectCache(setup.objects, self._hash_cache, setup.ignored)
        self._run_cache = RunCache(setup.cache / "runs")
        self._ignores = Ignores(root, uses_git=setup.uses_git)
        self._stages_files = setup.stages_files and options.stages_files
        self._examiner = StageExaminer(
            root, self._objects, self._run_cache, self.recorded, options.run_cache
        )
        self._lock = LockFile((root / path).with_suffix(".lock"), state)
        self._lock.read()
        self._stages: dict[str, NativeStage] = {}
        self.unusual: dict[str, Message] = {}
        """Stages that are left to DVC, with the reason."""
        self._existing_names = list(self._lock.entries)
        self._finished_entries: dict[str, Entry] = {}
        self._written_names: set[str] = set()
        self._not_ignored: set[str] = set()
        self._small_outputs: set[str] = set()
        self._ignore_lock = threading.Lock()
        self._git_tracked_paths: set[str] | None = None
        self._commands = StageCommands(root, "" if path == "dvc.yaml" else f"{path}:")
        self.names = list(stages)
        self.order: Sequence[str] = self.names
        """The order in which DVC would run the stages, for files that show it."""
        self.on_fold: Callable[[LockBase], None] = lambda base: None
        folder = str((root / path).parent)
        for name, data in stages.items():
            try:
                self._stages[name] = parse_stage(name, data, folder, str(root))
                if any(map(setup.ignored.hides, self.places(name))):
                    raise UnsupportedStageError(Message("a path that .dvcignore ignores"))
            except UnsupportedStageError as error:
                self.unusual[name] = error.reason

    def close(self) -> None:
        """Save the hash cache, and close DVC's repository if it was opened."""
        self._hash_cache.close()
        self._exit_stack.close()

    def _open_dvc_pipeline(self) -> DvcBackend:
        """Return DVC's own pipeline, which is opened when a stage first needs it."""
        if self._dvc_pipeline is None:
            self._dvc_pipeline = self._exit_stack.enter_context(
                open_pipeline(self._root, self._path, self._draft, self._options)
            )
        return self._dvc_pipeline

    def _call_with_fallback(
        self, name: str, fast: Callable[[NativeStage], T], slow: Callable[[DvcBackend], T]
    ) -> T:
        """Call ``fast``, or ``slow`` if only DVC supports the stage."""
        if name not in self.unusual:
            try:
                return fast(self._stages[name])
            except UnsupportedStageError as error:
                self.unusual[name] = error.reason
            except OSError as error:
                raise StageError(f"{error.strerror or error}: {error.filename or name}") from error
        with self._dvc_pipeline_lock:
            # DVC counts these files where they lie in a folder, and adds lines of its own.
            self._ignore(self._not_ignored, self.order)
            dvc = self._open_dvc_pipeline()
            self._ignores.remember(dvc.stored_outputs(name))
            return slow(dvc)

    def places(self, name: str) -> list[str]:
        """Return all files and directories that a stage reads or makes."""
        one = self._stages.get(name)
        if one is None:
            return []
        files = [params.full for params in one.params]
        return [*files, *(place.full for place in (*one.deps, *one.outs))]

    def stored(self, name: str) -> list[str]:
        """Return the hashes of a stage's outputs that belong in the cache."""
        one, entry = self._stages.get(name), self.recorded(name)
        if one is None or entry is None:
            return []
        hashes = hashes_of(entry, "outs")
        return [hashes[out.path] for out in one.outs if out.cached and out.path in hashes]

    def heavy(self, name: str) -> bool:
        """Return True if hashing a stage's inputs and outputs may take a while.

        Outputs that this run has made and found to be small are assumed to be still small.
        """
        one = self._stages.get(name)
        if one is None or name in self.unusual:
            return False
        total = 0
        for place in (*one.deps, *one.outs):
            if place.full in self._small_outputs:
                continue
            try:
                path_stat = os.stat(place.full)
            except OSError:
                continue
            total += HEAVY_BYTES if stat.S_ISDIR(path_stat.st_mode) else path_stat.st_size
        return total >= HEAVY_BYTES

    def remember_renamed(self, names_inputs: Callable[[str], bool]) -> None:
        """Reuse the results of renamed stages; see :func:`.lock_copy.remember_renamed`."""
        remember_renamed(self._run_cache, self._lock.entries, self._stages, names_inputs)

    # Planning

    def examine(self, name: str, forecast: Forecast) -> StageState:
        """Return a stage's state as a run would find it; add its outputs to ``forecast``."""
        return self._call_with_fallback(
            name,
            lambda one: self._examiner.examine(one, forecast),
            lambda dvc: dvc.examine(name, forecast),
        )

    def differences(self, name: str) -> list[Change]:
        """Return all differences to the lock file, also of a stage that never ran."""
        return self._call_with_fallback(
            name, self._examiner.differences, lambda dvc: dvc.differences(name)
        )

    def output_paths(self, name: str) -> list[str]:
        """Return the absolute paths of a stage's outputs."""
        return self._call_with_fallback(
            name, lambda s: [out.full for out in s.outs], lambda dvc: dvc.output_paths(name)
        )

    # Running

    def prepare(self, name: str, *, force: bool = False) -> PreparationResult:
        """Bring a stage up to date without its command if possible; else remove its old outputs.

        Raises :class:`StageError` if a dependency is missing.
        """

        def natively(one: NativeStage) -> PreparationResult:
            every = () if force else self._examiner.changes(one, Forecast())
            changes = self._options.counted(name, every)
            is_unchanged = not force and not changes
            if one.frozen and not force:
                is_unchanged = all(change.cause is Cause.ALWAYS for change in changes)
            if is_unchanged:
                return PreparationResult(PreparationStatus.UNCHANGED)
            if one.frozen:
                raise UnsupportedStageError(Message("a frozen stage that has changed"))
            folders = tuple(f"{dep.full}/" for dep in one.deps if os.path.isdir(dep.full))
            if folders and self._not_ignored:
                # The `.gitignore` in a directory that a stage reads is part of its hash.
                self._ignore(
                    {
                        other
                        for other in self._not_ignored
                        if any(out.full.startswith(folders) for out in self._stages[other].outs)
                    },
                    self.order,
                )
            inputs = self._examiner.measure_inputs(one)
            if inputs is None:
                raise StageError(self._examiner.describe_missing_input(one))
            outs = None if force else self._examiner.find_restorable_outputs(one, inputs)
            self._refuse_tracked(one)
            for out in one.outs:
                if not out.persist:
                    remove(out.full)
                elif out.cached and os.path.lexists(out.full):
                    self._objects.release(out.full)
                folder = os.path.dirname(out.full)
                if not os.path.isdir(folder):
                    os.makedirs(folder, exist_ok=True)
            if outs is None:
                return PreparationResult(PreparationStatus.READY, changes)
            outs_by_path = {out["path"]: out for out in outs}
            for out in one.outs:
                entry = outs_by_path[out.path]
                self._objects.check_out(entry["md5"], out.full, bool(entry.get("isexec")))
            self._finish(
                one, {**inputs, "outs": [outs_by_path[out.path] for out in sorted_outputs(one)]}
            )
            return PreparationResult(PreparationStatus.RESTORED, changes)

        def by_dvc(dvc: DvcBackend) -> PreparationResult:
            result = dvc.prepare(name, force=force)
            self._record_entry(name, dvc)
            return result

        return self._call_with_fallback(name, natively, by_dvc)

    def command(self, name: str, python: str = sys.executable) -> Command:
        """Return the processes of a prepared stage; ``python`` runs if no other is activated."""
        return self._call_with_fallback(
            name,
            lambda one: self._commands.command(one, python),
            lambda dvc: dvc.take_over(name).command(name, python),
        )

    def commit(self, name: str) -> dict[str, str]:
        """Hash and store the outputs of a prepared stage's command; return their hashes by path."""

        def natively(one: NativeStage) -> None:
            if len(one.outs) > 1:
                # None is stored where one is missing.
                for out in one.outs:
                    if not os.path.lexists(out.full):
                        raise self._missing_output_error(out)
            self._refuse_tracked(one)
            inputs = self._examiner.measure_inputs(one)
            if inputs is None:
                raise StageError(self._examiner.describe_missing_input(one))
            outs = []
            for out in sorted_outputs(one):
                store = self._options.commit and (out.cached or (one.kept and out.measure))
                if out.kind == "metrics" and os.path.isfile(out.full) and is_binary(out.full):
                    path = relative(out.full, self._root)
                    raise StageError(f"binary file '{path}' cannot be used as metrics.")
                item = item_of(self.recorded(name), "outs", out.path)
                measurement = self._objects.record(out.full, item, store=store)
                if measurement is None:
                    raise self._missing_output_error(out)
                if store and out.cached and not measurement.folder:
                    self._objects.release(out.full, measurement.isexec)
                if measurement.size < MIN_CACHED_FILE_BYTES and not measurement.folder:
                    self._small_outputs.add(out.full)
                outs.append({"path": out.path, **measurement.fields()})
            entry = {**inputs, "outs": outs} if outs else inputs
            if one.kept and self._options.commit:
                self._run_cache.save(entry)
            self._finish(one, entry)

        def by_dvc(dvc: DvcBackend) -> None:
            dvc.take_over(name).commit(name)
            self._record_entry(name, dvc)

        self._call_with_fallback(name, natively, by_dvc)
        return self.hashes(name)

    def _missing_output_error(self, out: StagePath) -> StageError:
        return StageError(f"output '{relative(out.full, self._root)}' does not exist")

    def _finish(self, one: NativeStage, entry: Entry) -> None:
        self._finished_entries[one.name] = entry
        self._not_ignored.add(one.name)

    def _ignore(self, stages: Collection[str], order: Sequence[str]) -> None:
        """Add the outputs of these stages to `.gitignore`, in ``order``."""
        with self._ignore_lock:
            names = [name for name in order if name in stages]
            self._ignores.ignore([path for name in names for path in self._cached_outputs(name)])
            self._not_ignored.difference_update(names)

    def accept(self, name: str) -> PreparationResult:
        """Accept the current outputs as a stage's result without a run, like ``dvc commit``."""
        self.commit(name)
        return PreparationResult(PreparationStatus.ACCEPTED)

    def _refuse_tracked(self, one: NativeStage) -> None:
        """Raise :class:`StageError` if git tracks an output that DVC is to store."""
        if self._git_tracked_paths is None:
            self._git_tracked_paths = self._ignores.tracked(
                path for name in self._stages for path in self._cached_outputs(name)
            )
        for relative_path in self._cached_outputs(one.name):
            if relative_path in self._git_tracked_paths:
                raise StageError(
                    f"output '{relative_path}' is already tracked by git; to untrack it, run "
                    f"`git rm -r --cached {relative_path}`"
                )

    def hashes(self, name: str) -> dict[str, str]:
        """Return the hashes of a stage's outputs by path, as in the lock file."""
        entry = self.recorded(name) or {}
        md5s = {out["path"]: out.get("md5") for out in entry.get("outs", ())}
        if name in self._stages:
            places = {out.path: relative(out.full, self._root) for out in self._stages[name].outs}
        else:
            return self._open_dvc_pipeline().hashes(name)
        return {places[p]: str(md5) for p, md5 in md5s.items() if p in places and md5}

    def entry(self, name: str) -> Entry | None:
        """Return the new lock file entry of a stage that was brought up to date, else None."""
        return self._finished_entries.get(name)

    def recorded(self, name: str) -> Entry | None:
        """Return a stage's entry in the lock file, or the one that is to be written there."""
        return self._finished_entries.get(name) or self._lock.entries.get(name)

    def absent_results(self, name: str) -> list[str]:
        """Return the hashes of the outputs that could be restored if the cache had them."""
        return [] if name in self.unusual else self._examiner.absent_outputs(self._stages[name])

    @property
    def base(self) -> LockBase:
        """The lock file as it was last read or written, and what it had when this was opened."""
        return LockBase(self._lock.digest, tuple(self._existing_names))

    def adopt(self, base: LockBase, entries: Mapping[str, Entry]) -> bool:
        """Take over the results of a run that ended before it could write them.

        They are written as if that run had done so. Return False if the lock file has changed
        since.
        """
        if base.digest != self._lock.digest:
            return False
        self._existing_names = list(base.settled)
        names = set(self.names)
        self._finished_entries |= {name: one for name, one in entries.items() if name in names}
        self._not_ignored.update(entries.keys() & self._stages.keys())
        return True

    def discard(self, name: str) -> None:
        """Remove the half-written outputs of a stage whose command failed."""

        def natively(one: NativeStage) -> None:
            for out in one.outs:
                if not out.persist:
                    remove(out.full)

        self._call_with_fallback(name, natively, lambda dvc: dvc.take_over(name).discard(name))

    def fold(self, order: Sequence[str]) -> None:
        """Write the finished stages into `dvc.lock`, as DVC would, and ignore their outputs in git.

        Known entries keep their place, new ones follow in ``order``.
        """
        news = {
            name: entry
            for name, entry in self._finished_entries.items()
            if name not in self._written_names
        }
        self._objects.keep_legacy_listings()
        if not news:
            return
        try:
            with hold_dvc_lock(self._root):
                # In this order, as DVC: who finds an entry in the lock file looks no further.
                self._ignore(self._not_ignored.intersection(news), order)
                if (dvc := self._dvc_pipeline) is not None:
                    with self._ignore_lock:
                        self._ignores.sort_new_lines(
                            path
                            for name in order
                            for path in (
                                dvc.stored_outputs(name)
                                if name in self.unusual
                                else self._cached_outputs(name)
                            )
                        )
                self._lock.write(news, order, set(self._existing_names))
                if self._stages_files:
                    self._ignores.stage([f"{self._path.removesuffix('.yaml')}.lock"])
        except OSError as error:
            raise StageError(f"{error.strerror or error}: {self._path}") from error
        self._written_names.update(news)
        self.on_fold(self.base)

    def refresh(self, paths: Sequence[str]) -> list[str]:
        """Bring data with `.dvc` files up to date, like ``dvc repro``; return the changed paths."""
        stale = []
        for path in data_sources(self._root, paths):
            try:
                data = yaml_loader.read((self._root / f"{path}.dvc").read_text(encoding="utf-8"))
                (out,) = data["outs"]
                is_plain = not set(data) - {"outs", "meta", "desc"}
                if is_plain and self._objects.is_current(str(self._root / path), out):
                    continue
            except (UnsupportedStageError, KeyError, TypeError, ValueError, OSError):
                pass  # DVC reads it
            stale.append(path)
        return self._open_dvc_pipeline().refresh(stale) if stale else []

    def _cached_outputs(self, name: str) -> list[str]:
        return [relative(out.full, self._root) for out in self._stages[name].outs if out.cached]

    def _record_entry(self, name: str, dvc: DvcBackend) -> None:
        entry = dvc.entry(name)
        if entry is not None:
            self._finished_entries[name] = entry


@contextmanager
def open_backend(
    root: Path,
    path: str,
    stages: Mapping[str, Any],
    state: Path,
    draft: str | None = None,
    options: BackendOptions = ORDINARY,
) -> Iterator[NativeBackend | DvcBackend]:
    """Open the pipeline of the file at ``path``, natively if possible, else with DVC.

    ``stages`` are its resolved stages, ``state`` is this package's own directory. ``draft`` is the
    text of the stages if it is not the file's; such a pipeline can only be examined. Raises
    DVCNotInitializedError if DVC is not set up, WorkflowUnreadableError if it refuses the file.
    """
    require_dvc(root)
    try:
        native = NativeBackend(root, path, stages, state, draft, options)
    except UnsupportedStageError as error:
        with open_pipeline(root, path, draft, options) as pipeline:
            pipeline.unusual = dict.fromkeys(pipeline.names, error.reason)
            yield pipeline
        return
    with closing(native):
        yield native
