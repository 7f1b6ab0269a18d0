"""Examination of stages without DVC: what differs from the lock file, and what can be restored."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlws.core.i18n import Message
from mlws.dvc.native.objects import LEGACY, ObjectCache, is_legacy, key_of_item
from mlws.dvc.native.parameter_files import ParametersFileError, read_values
from mlws.dvc.native.runcache import RunCache
from mlws.dvc.native.stage import NativeStage, StagePath, relative
from mlws.dvc.stages import Cause, Change, Forecast, StageState, command_text, tracked_data
from mlws.dvc.unsupported import UnsupportedStageError

Entry = dict[str, Any]


class Parameters:
    """The parameters files of one repository."""

    def __init__(self) -> None:
        self._cache: dict[str, tuple[tuple[int, int, int], Any]] = {}

    def values(self, path: str, keys: Sequence[str]) -> dict[str, Any] | None:
        """Return the file's values by key, without missing keys; None if there is no file."""
        try:
            file_stat = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        state = (file_stat.st_mtime_ns, file_stat.st_size, file_stat.st_ino)
        if self._cache.get(path, (None,))[0] != state:
            self._cache[path] = (state, _read(path))
        data = self._cache[path][1]
        if not keys:
            return dict(data)
        values = {}
        for key in keys:
            with suppress(KeyError):
                values[key] = _value(data, key)
        return values


def _value(data: Any, key: str) -> Any:
    """Return the value of a parameter; KeyError if there is none."""
    value = data
    for part in key.split("."):
        if not isinstance(value, dict) or not part or any(one in part for one in "*?[]!"):
            break
        value = value[part]
    else:
        return value
    # In a list, or by a pattern: as DVC finds it.
    import dpath

    try:
        return dpath.get(data, key, separator=".")
    except ValueError as error:
        raise UnsupportedStageError(Message("a parameter name with a pattern")) from error


def _read(path: str) -> dict[str, Any]:
    try:
        data = read_values(Path(path))
        # DVC refuses dates, in its own words.
        plain = json.loads(json.dumps(data))
    except (IsADirectoryError, TypeError, ParametersFileError) as error:
        raise UnsupportedStageError(Message("an unreadable parameters file")) from error
    if not isinstance(data, dict):
        raise UnsupportedStageError(Message("a parameters file that is not a mapping"))
    if path.endswith(".py") and plain != data:
        raise UnsupportedStageError(Message("parameters that JSON does not have"))
    return data


@dataclass(eq=False)
class StageExaminer:
    """Compares the stages of one repository with their entries in the lock file.

    ``current_entry`` returns a stage's entry, written or still to be written.
    """

    _root: Path
    _objects: ObjectCache
    _run_cache: RunCache
    _current_entry: Callable[[str], Entry | None]
    _uses_run_cache: bool = True
    _parameters: Parameters = field(init=False, default_factory=Parameters)

    def examine(self, one: NativeStage, forecast: Forecast) -> StageState:
        """Return a stage's state as a run would find it; add its outputs to ``forecast``."""
        changes = tuple(self.changes(one, forecast))
        if one.frozen:
            return StageState(changes, False, True)
        waits = any(forecast.will_rerun(dep.full) for dep in one.deps)
        cached_outs = None
        hashes: dict[str, str] = {}
        if changes and not waits:
            inputs = self.measure_inputs(one, forecast)
            cached_outs = self.find_restorable_outputs(one, inputs)
        if cached_outs is not None:
            outs = {out["path"]: out for out in cached_outs}
            forecast.restored.update({out.full: outs[out.path] for out in one.outs})
            hashes = {relative(o.full, self._root): str(outs[o.path]["md5"]) for o in one.outs}
        elif changes or waits:
            forecast.mark_rerun(out.full for out in one.outs)
        return StageState(changes, cached_outs is not None, False, hashes)

    def changes(self, one: NativeStage, forecast: Forecast) -> Iterator[Change]:
        """Yield the differences to a stage's entry in the lock file, if it has one."""
        entry = self._current_entry(one.name)
        if entry is not None:
            yield from self._differences(one, entry, forecast)
            return
        if one.runs_always:
            yield Change(Cause.ALWAYS)
        yield Change(Cause.NEVER_RAN)

    def differences(self, one: NativeStage) -> list[Change]:
        """Return all differences to the lock file, also of a stage that never ran."""
        return list(self._differences(one, self._current_entry(one.name) or {}, Forecast()))

    def _differences(self, one: NativeStage, entry: Entry, forecast: Forecast) -> Iterator[Change]:
        changes = list(self._input_changes(one, entry, forecast))
        yield from changes
        has_changed = bool(changes)
        lock_hashes = hashes_of(entry, "outs")
        for out in one.outs:
            lock_hash = lock_hashes.get(out.path)
            if lock_hash and out.cached and not self._objects.holds(lock_hash):
                state = "not in cache"
            elif (measurement := self._objects.measure(out.full, is_legacy(lock_hash))) is None:
                state = "deleted"
            elif measurement.key != lock_hash:
                state = "modified"
                if has_changed:
                    # DVC looks at an output only if nothing else has changed.
                    self._objects.forget_legacy_listing(measurement.key)
            else:
                continue
            has_changed = True
            yield Change(Cause.OUTPUT, relative(out.full, self._root), state)

    def _input_changes(
        self, one: NativeStage, entry: Entry, forecast: Forecast
    ) -> Iterator[Change]:
        if one.runs_always:
            yield Change(Cause.ALWAYS)
        if entry and entry.get("cmd") != one.cmd:
            yield Change(
                Cause.COMMAND, old=command_text(entry.get("cmd")), new=command_text(one.cmd)
            )
        if not one.frozen:
            yield from self._dependency_changes(one, entry, forecast)
            yield from self._parameter_changes(one, entry)

    def _dependency_changes(
        self, one: NativeStage, entry: Entry, forecast: Forecast
    ) -> Iterator[Change]:
        lock_hashes = hashes_of(entry, "deps")
        for dep in one.deps:
            if forecast.will_rerun(dep.full):
                continue
            md5, lock_hash = None, lock_hashes.get(dep.path)
            if dep.full in forecast.restored:
                md5 = key_of_item(forecast.restored[dep.full])
            elif (measurement := self._objects.measure(dep.full, is_legacy(lock_hash))) is not None:
                md5 = measurement.key
            if md5 is not None and md5 == lock_hash:
                continue
            relative_path = relative(dep.full, self._root)
            if md5 is None:
                yield Change(Cause.DEPENDENCY, relative_path, "deleted")
            else:
                new = md5 if dep.full in forecast.restored else None
                old = lock_hash and lock_hash.removeprefix(f"{LEGACY}:")
                yield Change(Cause.DEPENDENCY, relative_path, "modified", old, new)

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
                yield Change(Cause.PARAMETER, key, state, old, new, relative_path)

    def find_restorable_outputs(self, one: NativeStage, inputs: Entry | None) -> list[Entry] | None:
        """Return the outputs, as in a lock file, that can be restored; None if a run is needed."""
        outs = self.find_known_outputs(one, inputs)
        if outs is None:
            return None
        hashes = hashes_of({"outs": outs}, "outs").values()
        if not all(map(self._objects.holds, hashes)):
            return None
        previous_hashes = hashes_of(self._current_entry(one.name) or {}, "outs").values()
        if any(map(is_legacy, (*hashes, *previous_hashes))):
            raise UnsupportedStageError(Message("results of DVC 2 that are to be restored"))
        return outs

    def absent_outputs(self, one: NativeStage) -> list[str]:
        """Return the hashes of the outputs that could be restored if the cache had them."""
        outs = self.find_known_outputs(one, self.measure_inputs(one)) or []
        hashes = hashes_of({"outs": outs}, "outs").values()
        if any(map(is_legacy, hashes)):
            raise UnsupportedStageError(Message("results of DVC 2 that are to be restored"))
        return [md5 for md5 in hashes if not self._objects.holds(md5)]

    def find_known_outputs(self, one: NativeStage, inputs: Entry | None) -> list[Entry] | None:
        """Return the outputs that the lock file or the run cache has for these inputs, or None.

        Their content need not be in the cache.
        """
        if inputs is None or not one.cacheable:
            return None
        entry = self._current_entry(one.name)
        if (
            entry is not None
            and entry.get("cmd") == one.cmd
            and hashes_of(inputs, "deps").items() <= hashes_of(entry, "deps").items()
            and not any(self._parameter_changes(one, entry))
            and hashes_of(entry, "outs").keys() >= {out.path for out in one.outs}
        ):
            outs: list[Entry] = entry.get("outs", [])
        elif not self._uses_run_cache:
            return None
        else:
            cache_entry = self._run_cache.newest(
                {**inputs, "outs": [{"path": p.path} for p in sorted_outputs(one)]}
            )
            if cache_entry is None:
                return None
            outs = cache_entry["outs"]
        hashes = hashes_of({"outs": outs}, "outs")
        return outs if set(hashes) == {out.path for out in one.outs} else None

    def measure_inputs(self, one: NativeStage, forecast: Forecast | None = None) -> Entry | None:
        """Return command, dependencies and parameters as in a lock file; None if one is missing."""
        entry: Entry = {"cmd": one.cmd}
        deps = []
        entry_of_lock = self._current_entry(one.name)
        for dep in sorted(one.deps, key=lambda dep: dep.path):
            expected = forecast.restored.get(dep.full) if forecast else None
            if expected is not None:
                deps.append({**expected, "path": dep.path})
                continue
            item = item_of(entry_of_lock, "deps", dep.path)
            measurement = self._objects.record(dep.full, item)
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

    def describe_missing_input(self, one: NativeStage) -> str:
        """Return which dependency or parameter is missing, as DVC says it."""
        for dep in one.deps:
            if not os.path.lexists(dep.full):
                path = relative(dep.full, self._root)
                sources = tracked_data(self._root, [path])
                if any(not (self._root / source).exists() for source in sources):
                    return f"the data '{path}' has not been pulled; run `jupyter mlws data pull`"
                return f"dependency '{path}' does not exist"
        for source in one.params:
            relative_path = relative(source.full, self._root)
            values = self._parameters.values(source.full, source.keys)
            if values is None:
                return f"dependency '{relative_path}' does not exist"
            missing = [key for key in source.keys if key not in values]
            if missing:
                return f"Parameters '{', '.join(missing)}' are missing from '{relative_path}'."
        return "a dependency does not exist"


def sorted_outputs(one: NativeStage) -> list[StagePath]:
    """Return the outputs in the order of the lock file."""
    return sorted(one.outs, key=lambda out: out.path)


def hashes_of(entry: Entry, kind: str) -> dict[str, str]:
    """Return hashes by path, those of DVC 2 as :func:`.objects.key_of_item` does it.

    :class:`UnsupportedStageError` for those of other stores.
    """
    hashes = {}
    for item in entry.get(kind, ()):
        key = key_of_item(item)
        if key is None:
            raise UnsupportedStageError(Message("an unsupported kind of hash"))
        hashes[item["path"]] = key
    return hashes


def item_of(entry: Entry | None, kind: str, path: str) -> Entry | None:
    """Return the item of a path in an entry, empty if it has none; None without an entry."""
    if entry is None:
        return None
    return next((item for item in entry.get(kind, ()) if item["path"] == path), {})
