"""Runs the stages of one `dvc.yaml` without DVC, and those that are unusual with it.

The interface and the effects are those of
:class:`~jupyter_mlws.dvc.stages.DvcBackend`.
"""

from __future__ import annotations

import os
import stat
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from jupyter_mlws.core.i18n import Message
from jupyter_mlws.dvc.env_path import search_path
from jupyter_mlws.dvc.lock_copy import remember_renamed
from jupyter_mlws.dvc.native import repository, yaml_loader
from jupyter_mlws.dvc.native.hash_cache import MIN_CACHED_FILE_BYTES, HashCache
from jupyter_mlws.dvc.native.ignores import Ignores
from jupyter_mlws.dvc.native.lockfile import LockFile, hold_dvc_lock
from jupyter_mlws.dvc.native.objects import ObjectCache, remove
from jupyter_mlws.dvc.native.parameters import Parameters
from jupyter_mlws.dvc.native.runcache import RunCache
from jupyter_mlws.dvc.native.stage import NativeStage, StagePath, parse_stage, relative
from jupyter_mlws.dvc.native.unsupported import UnsupportedStageError
from jupyter_mlws.dvc.stages import (
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

FOLD_EVERY = 30.0
"""Seconds between two writes of `dvc.lock` during a run; what it lacks meanwhile the caller keeps
(:meth:`NativeBackend.entry`, :meth:`NativeBackend.adopt`)."""
HEAVY_BYTES = 8 * 1024 * 1024
"""Bytes of inputs or outputs that take a noticeable time to hash."""
SHELL_OPTIONS = {"bash": ("--noprofile", "--norc"), "zsh": ("--no-rcs",)}
"""The options with which DVC keeps a shell from reading a person's files."""
TEXT_CHARACTERS = bytes(range(32, 127)) + b"\n\r\t\f\b"

Entry = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class LockBase:
    """Identifies a lock file by its content; ``settled`` are the entries that keep their places."""

    digest: str
    settled: tuple[str, ...]


class NativeBackend:
    """One `dvc.yaml` with its lock file.

    :meth:`prepare` and :meth:`commit` of different stages may run in several threads at once.
    """

    fold_every = FOLD_EVERY

    def __init__(self, root: Path, path: str, stages: Mapping[str, Any], state: Path) -> None:
        repository.check(root)
        self._root = root
        self._path = path
        self._exit_stack = ExitStack()
        self._dvc_pipeline: DvcBackend | None = None
        self._dvc_pipeline_lock = threading.Lock()
        self._hash_cache = HashCache(state / "hashes.sqlite")
        cache = root / ".dvc" / "cache"
        self._objects = ObjectCache(cache / "files" / "md5", self._hash_cache)
        self._run_cache = RunCache(cache / "runs")
        self._ignores = Ignores(root)
        self._parameters = Parameters()
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
        self._environment: dict[str, str] | None = None
        self.names = list(stages)
        self.order: Sequence[str] = self.names
        """The order in which DVC would run the stages, for files that show it."""
        self.on_fold: Callable[[LockBase], None] = lambda base: None
        folder = str((root / path).parent)
        for name, data in stages.items():
            try:
                self._stages[name] = parse_stage(name, data, folder, str(root))
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
                open_pipeline(self._root, self._path)
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
        one, entry = self._stages.get(name), self._current_entry(name)
        if one is None or entry is None:
            return []
        hashes = _hashes(entry, "outs")
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
            name, lambda s: self._examine(s, forecast), lambda dvc: dvc.examine(name, forecast)
        )

    def expect_rerun(self, name: str, forecast: Forecast) -> None:
        """Note in ``forecast`` that a stage will run, whatever its state is."""
        self._call_with_fallback(
            name,
            lambda s: forecast.mark_rerun(out.full for out in s.outs),
            lambda dvc: dvc.expect_rerun(name, forecast),
        )

    def expect_kept(self, name: str, forecast: Forecast) -> None:
        """Note in ``forecast`` that a stage's outputs will stay, whatever its state is."""
        self._call_with_fallback(
            name,
            lambda s: forecast.unmark_rerun(out.full for out in s.outs),
            lambda dvc: dvc.expect_kept(name, forecast),
        )

    def _examine(self, one: NativeStage, forecast: Forecast) -> StageState:
        changes = tuple(self._changes(one, forecast))
        waits = any(forecast.will_rerun(dep.full) for dep in one.deps)
        cached_outs = None
        hashes: dict[str, str] = {}
        if changes and not waits:
            cached_outs = self._find_restorable_outputs(
                one, forecast, self._measure_inputs(one, forecast)
            )
        if cached_outs is not None:
            outs = {out["path"]: out for out in cached_outs}
            forecast.restored.update({out.full: outs[out.path] for out in one.outs})
            hashes = {relative(o.full, self._root): str(outs[o.path]["md5"]) for o in one.outs}
        elif changes or waits:
            forecast.mark_rerun(out.full for out in one.outs)
        return StageState(changes, cached_outs is not None, False, hashes)

    def _changes(self, one: NativeStage, forecast: Forecast) -> Iterator[Change]:
        if one.runs_always:
            yield Change(Cause.ALWAYS)
        entry = self._current_entry(one.name)
        if entry is None:
            yield Change(Cause.NEVER_RAN)
            return
        if entry.get("cmd") != one.cmd:
            yield Change(
                Cause.COMMAND, old=_command_text(entry.get("cmd")), new=_command_text(one.cmd)
            )
        lock_hashes = _hashes(entry, "deps")
        for dep in one.deps:
            if not forecast.will_rerun(dep.full):
                yield from self._dependency_changes(dep, lock_hashes.get(dep.path), forecast)
        yield from self._parameter_changes(one, entry)
        lock_hashes = _hashes(entry, "outs")
        for out in one.outs:
            state = self._output_state(out, lock_hashes.get(out.path))
            if state:
                yield Change(Cause.OUTPUT, relative(out.full, self._root), state)

    def _dependency_changes(
        self, dep: StagePath, lock_hash: str | None, forecast: Forecast
    ) -> Iterator[Change]:
        md5 = self._dependency_hash(dep, forecast)
        if md5 != lock_hash:
            relative_path = relative(dep.full, self._root)
            if md5 is None:
                yield Change(Cause.DEPENDENCY, relative_path, "deleted")
            else:
                new = md5 if dep.full in forecast.restored else None
                yield Change(Cause.DEPENDENCY, relative_path, "modified", lock_hash, new)

    def _dependency_hash(self, dep: StagePath, forecast: Forecast) -> str | None:
        expected = forecast.restored.get(dep.full)
        if expected is not None:
            return str(expected["md5"])
        measurement = self._objects.measure(dep.full)
        return measurement.md5 if measurement else None

    def _parameter_changes(self, one: NativeStage, entry: Entry) -> Iterator[Change]:
        for params in one.params:
            relative_path = relative(params.full, self._root)
            actual = self._parameters.values(params.full, params.keys)
            previous = entry.get("params", {}).get(params.path)
            if actual is None or previous is None:
                yield Change(
                    Cause.DEPENDENCY, relative_path, "deleted" if actual is None else "new"
                )
                continue
            if params.keys:
                previous = {key: value for key, value in previous.items() if key in params.keys}
            for key in params.keys or dict.fromkeys([*actual, *previous]):
                if key not in actual or key not in previous:
                    state = "new" if key in actual else "deleted"
                elif actual[key] != previous[key]:
                    state = "modified"
                else:
                    continue
                old, new = previous.get(key), actual.get(key)
                yield Change(Cause.PARAMETER, key, state, old, new)

    def _output_state(self, out: StagePath, lock_hash: str | None) -> str:
        if lock_hash and out.cached and not self._objects.holds(lock_hash):
            return "not in cache"
        measurement = self._objects.measure(out.full)
        if measurement is None:
            return "deleted"
        return "" if measurement.md5 == lock_hash else "modified"

    def _find_restorable_outputs(
        self, one: NativeStage, forecast: Forecast, inputs: Entry | None
    ) -> list[Entry] | None:
        """Return the outputs, as in a lock file, that can be restored; None if a run is needed."""
        if inputs is None or not one.cacheable:
            return None
        entry = self._current_entry(one.name)
        if entry is not None and self._has_same_inputs(one, entry, forecast):
            outs: list[Entry] = entry.get("outs", [])
        else:
            cache_entry = self._run_cache.newest(
                {**inputs, "outs": [{"path": p.path} for p in _sorted_outputs(one)]}
            )
            if cache_entry is None:
                return None
            outs = cache_entry["outs"]
        hashes = _hashes({"outs": outs}, "outs")
        if set(hashes) != {out.path for out in one.outs}:
            return None
        return outs if all(self._objects.holds(md5) for md5 in hashes.values()) else None

    def _has_same_inputs(self, one: NativeStage, entry: Entry, forecast: Forecast) -> bool:
        """Return True if the lock file's entry has the same command, inputs and outputs."""
        dep_hashes = _hashes(entry, "deps")
        outs = _hashes(entry, "outs")
        return (
            entry.get("cmd") == one.cmd
            and all(self._dependency_hash(d, forecast) == dep_hashes.get(d.path) for d in one.deps)
            and not any(self._parameter_changes(one, entry))
            and all(out.path in outs for out in one.outs)
        )

    def _measure_inputs(self, one: NativeStage, forecast: Forecast | None = None) -> Entry | None:
        """Return command, dependencies and parameters as in a lock file; None if one is missing."""
        entry: Entry = {"cmd": one.cmd}
        deps = []
        for dep in one.deps:
            expected = forecast.restored.get(dep.full) if forecast else None
            if expected is not None:
                deps.append({**expected, "path": dep.path})
                continue
            measurement = self._objects.measure(dep.full)
            if measurement is None:
                return None
            deps.append({"path": dep.path, **measurement.fields()})
        params = {}
        for source in one.params:
            values = self._parameters.values(source.full, source.keys)
            if values is None or set(source.keys) - set(values):
                return None
            params[source.path] = {key: values[key] for key in sorted(values)}
        if deps:
            entry["deps"] = deps
        if params:
            entry["params"] = params
        return entry

    # Running

    def prepare(self, name: str, *, force: bool = False) -> PreparationResult:
        """Bring a stage up to date without its command if possible; else remove its old outputs.

        Raises :class:`StageError` if a dependency is missing.
        """
        return self._call_with_fallback(
            name,
            lambda s: self._prepare(s, force),
            lambda dvc: self._prepare_with_dvc(name, dvc, force),
        )

    def _prepare_with_dvc(self, name: str, dvc: DvcBackend, force: bool) -> PreparationResult:
        result = dvc.prepare(name, force=force)
        self._record_entry(name, dvc)
        return result

    def _prepare(self, one: NativeStage, force: bool) -> PreparationResult:
        forecast = Forecast()
        changes = () if force else tuple(self._changes(one, forecast))
        if not force and not changes:
            return PreparationResult(PreparationStatus.UNCHANGED)
        self._ignore_outputs_below(one)
        inputs = self._measure_inputs(one)
        if inputs is None:
            raise StageError(self._describe_missing_input(one))
        outs = None if force else self._find_restorable_outputs(one, forecast, inputs)
        self._refuse_tracked(one)
        self._clear_outputs(one)
        if outs is None:
            return PreparationResult(PreparationStatus.READY, changes)
        outs_by_path = {out["path"]: out for out in outs}
        for place in one.outs:
            out = outs_by_path[place.path]
            self._objects.check_out(out["md5"], place.full, bool(out.get("isexec")))
        self._finish(
            one, {**inputs, "outs": [outs_by_path[out.path] for out in _sorted_outputs(one)]}
        )
        return PreparationResult(PreparationStatus.RESTORED, changes)

    def _clear_outputs(self, one: NativeStage) -> None:
        for out in one.outs:
            if out.persist:
                if out.cached and os.path.lexists(out.full):
                    self._objects.release(out.full)
            else:
                remove(out.full)
            folder = os.path.dirname(out.full)
            if not os.path.isdir(folder):
                os.makedirs(folder, exist_ok=True)

    def _describe_missing_input(self, one: NativeStage) -> str:
        for dep in one.deps:
            if not os.path.lexists(dep.full):
                return f"dependency '{relative(dep.full, self._root)}' does not exist"
        for source in one.params:
            relative_path = relative(source.full, self._root)
            values = self._parameters.values(source.full, source.keys)
            if values is None:
                return f"dependency '{relative_path}' does not exist"
            missing = [key for key in source.keys if key not in values]
            if missing:
                return f"Parameters '{', '.join(missing)}' are missing from '{relative_path}'."
        return "a dependency does not exist"

    def command(self, name: str, python: str = sys.executable) -> Command:
        """Return the processes of a prepared stage; ``python`` runs if no other is activated."""
        return self._call_with_fallback(
            name,
            lambda s: self._command(s, python),
            lambda dvc: dvc.take_over(name).command(name, python),
        )

    def _command(self, one: NativeStage, python: str) -> Command:
        shell = os.environ.get("SHELL") or "/bin/sh"
        kind = os.path.basename(shell).lower()
        if kind == "fish":
            raise UnsupportedStageError(Message("the fish shell"))
        if self._environment is None:
            environment = _without_pyenv_shims(os.environ)
            self._environment = {
                "DVC_ROOT": str(self._root),
                **environment,
                "PATH": search_path(python, environment),
            }
        lines = one.cmd if isinstance(one.cmd, list) else one.cmd.splitlines()
        commands = tuple(line for line in lines if line.strip())
        own = one.name if self._path == "dvc.yaml" else f"{self._path}:{one.name}"
        return Command(
            tuple((shell, *SHELL_OPTIONS.get(kind, ()), "-c", line) for line in commands),
            commands,
            one.wdir,
            {**self._environment, "DVC_STAGE": own},
        )

    def commit(self, name: str) -> dict[str, str]:
        """Hash and store the outputs of a prepared stage's command; return their hashes by path."""

        def by_dvc(dvc: DvcBackend) -> None:
            dvc.take_over(name).commit(name)
            self._record_entry(name, dvc)

        self._call_with_fallback(name, self._commit, by_dvc)
        return self.hashes(name)

    def _commit(self, one: NativeStage) -> None:
        if len(one.outs) > 1:
            # None is stored where one is missing.
            for out in one.outs:
                if not os.path.lexists(out.full):
                    raise self._missing_output_error(out)
        self._refuse_tracked(one)
        inputs = self._measure_inputs(one)
        if inputs is None:
            raise StageError(self._describe_missing_input(one))
        outs = []
        for out in _sorted_outputs(one):
            store = out.cached or (one.kept and out.measure)
            if out.kind == "metrics":
                self._refuse_binary(out)
            measurement = (self._objects.store if store else self._objects.measure)(out.full)
            if measurement is None:
                raise self._missing_output_error(out)
            if out.cached and not measurement.folder:
                self._objects.release(out.full, measurement.isexec)
            if measurement.size < MIN_CACHED_FILE_BYTES and not measurement.folder:
                self._small_outputs.add(out.full)
            outs.append({"path": out.path, **measurement.fields()})
        entry = {**inputs, "outs": outs} if outs else inputs
        if one.kept:
            self._run_cache.save(entry)
        self._finish(one, entry)

    def _missing_output_error(self, out: StagePath) -> StageError:
        return StageError(f"output '{relative(out.full, self._root)}' does not exist")

    def _finish(self, one: NativeStage, entry: Entry) -> None:
        self._finished_entries[one.name] = entry
        self._not_ignored.add(one.name)

    def _ignore_outputs_below(self, one: NativeStage) -> None:
        """Write the `.gitignore` in directories that a stage reads: it is part of their hashes."""
        folders = tuple(f"{dep.full}/" for dep in one.deps if os.path.isdir(dep.full))
        if folders and self._not_ignored:
            below = {
                name
                for name in self._not_ignored
                if any(out.full.startswith(folders) for out in self._stages[name].outs)
            }
            self._ignore(below, self.order)

    def _ignore(self, stages: Collection[str], order: Sequence[str]) -> None:
        """Add the outputs of these stages to `.gitignore`, in ``order``."""
        with self._ignore_lock:
            names = [name for name in order if name in stages]
            self._ignores.ignore(
                [
                    relative(out.full, self._root)
                    for name in names
                    for out in self._stages[name].outs
                    if out.cached
                ]
            )
            self._not_ignored.difference_update(names)

    def accept(self, name: str) -> PreparationResult:
        """Accept the current outputs as a stage's result without a run, like ``dvc commit``."""
        self.commit(name)
        return PreparationResult(PreparationStatus.ACCEPTED)

    def _refuse_tracked(self, one: NativeStage) -> None:
        """Raise :class:`StageError` if git tracks an output that DVC is to store."""
        if self._git_tracked_paths is None:
            self._git_tracked_paths = self._ignores.tracked(
                relative(out.full, self._root)
                for stage in self._stages.values()
                for out in stage.outs
                if out.cached
            )
        for out in one.outs:
            relative_path = relative(out.full, self._root)
            if out.cached and relative_path in self._git_tracked_paths:
                raise StageError(
                    f"output '{relative_path}' is already tracked by git; to untrack it, run "
                    f"`git rm -r --cached {relative_path}`"
                )

    def _refuse_binary(self, out: StagePath) -> None:
        if not os.path.isfile(out.full):
            return
        with open(out.full, "rb") as file:
            block = file.read(512)
        if b"\0" in block or len(block.translate(None, TEXT_CHARACTERS)) > 0.3 * len(block):
            relative_path = relative(out.full, self._root)
            raise StageError(f"binary file '{relative_path}' cannot be used as metrics.")

    def hashes(self, name: str) -> dict[str, str]:
        """Return the hashes of a stage's outputs by path, as in the lock file."""
        entry = self._current_entry(name) or {}
        md5s = {out["path"]: out.get("md5") for out in entry.get("outs", ())}
        if name in self._stages:
            places = {out.path: relative(out.full, self._root) for out in self._stages[name].outs}
        else:
            return self._open_dvc_pipeline().hashes(name)
        return {places[p]: str(md5) for p, md5 in md5s.items() if p in places and md5}

    def entry(self, name: str) -> Entry | None:
        """Return the new lock file entry of a stage that was brought up to date, else None."""
        return self._finished_entries.get(name)

    def _current_entry(self, name: str) -> Entry | None:
        """Return a stage's entry in the lock file, or the one that is to be written there."""
        return self._finished_entries.get(name) or self._lock.entries.get(name)

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
        self._finished_entries.update(
            {name: entry for name, entry in entries.items() if name in names}
        )
        self._not_ignored.update(entries.keys() & self._stages.keys())
        return True

    def discard(self, name: str) -> None:
        """Remove the half-written outputs of a stage whose command failed."""

        def half_written(one: NativeStage) -> None:
            for out in one.outs:
                if not out.persist:
                    remove(out.full)

        self._call_with_fallback(name, half_written, lambda dvc: dvc.take_over(name).discard(name))

    def fold(self, order: Sequence[str]) -> None:
        """Write the finished stages into `dvc.lock`, as DVC would, and ignore their outputs in git.

        Known entries keep their place, new ones follow in ``order``.
        """
        news = {
            name: entry
            for name, entry in self._finished_entries.items()
            if name not in self._written_names
        }
        if not news:
            return
        try:
            with hold_dvc_lock(self._root):
                # In this order, as DVC: who finds an entry in the lock file looks no further.
                self._ignore(self._not_ignored.intersection(news), order)
                if self._dvc_pipeline is not None:
                    with self._ignore_lock:
                        self._ignores.sort_new_lines(
                            self._ignored_outputs(self._dvc_pipeline, order)
                        )
                self._lock.write(news, order, set(self._existing_names))
        except OSError as error:
            raise StageError(f"{error.strerror or error}: {self._path}") from error
        self._written_names.update(news)
        self.on_fold(self.base)

    def _ignored_outputs(self, dvc: DvcBackend, order: Sequence[str]) -> Iterator[str]:
        for name in order:
            if name in self.unusual:
                yield from dvc.stored_outputs(name)
            else:
                outs = self._stages[name].outs
                yield from (relative(out.full, self._root) for out in outs if out.cached)

    def refresh(self, paths: Sequence[str]) -> list[str]:
        """Bring data with `.dvc` files up to date, like ``dvc repro``; return the changed paths."""
        stale = [path for path in data_sources(self._root, paths) if not self._is_current(path)]
        return self._open_dvc_pipeline().refresh(stale) if stale else []

    def _is_current(self, path: str) -> bool:
        try:
            data = yaml_loader.read((self._root / f"{path}.dvc").read_text(encoding="utf-8"))
            (out,) = data["outs"]
            if set(data) - {"outs", "meta", "desc"} or out.get("hash") != "md5":
                return False
            measurement = self._objects.measure(str(self._root / path))
            current = measurement is not None and measurement.md5 == out["md5"]
            return current and self._objects.holds(out["md5"])
        except (UnsupportedStageError, KeyError, TypeError, ValueError, OSError):
            return False

    def _record_entry(self, name: str, dvc: DvcBackend) -> None:
        entry = dvc.entry(name)
        if entry is not None:
            self._finished_entries[name] = entry


def _sorted_outputs(one: NativeStage) -> list[StagePath]:
    return sorted(one.outs, key=lambda out: out.path)


def _hashes(entry: Entry, kind: str) -> dict[str, str]:
    """Return hashes by path; :class:`UnsupportedStageError` for those of DVC 2 and other stores."""
    hashes = {}
    for item in entry.get(kind, ()):
        if item.get("hash") != "md5" or not isinstance(item.get("md5"), str) or "cloud" in item:
            raise UnsupportedStageError(Message("an unsupported kind of hash"))
        hashes[item["path"]] = item["md5"]
    return hashes


def _without_pyenv_shims(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return the environment without the directories that a pyenv shim has put before ``PATH``."""
    if "PYENV_HOOK_PATH" not in environment:
        return environment
    # Imported here: DVC takes 140 ms, and changes nothing elsewhere.
    from dvc.utils import fix_env

    result: dict[str, str] = fix_env(environment)
    return result


def _command_text(cmd: Any) -> str:
    return "\n".join(cmd) if isinstance(cmd, list) else str(cmd)
