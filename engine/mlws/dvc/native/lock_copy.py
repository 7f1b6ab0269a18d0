"""The result of a stage under another name."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from mlws.dvc.native.lockfile import LockFile, hold_dvc_lock
from mlws.dvc.native.runcache import Entry, RunCache
from mlws.dvc.native.stage import NativeStage
from mlws.dvc.unsupported import UnsupportedStageError


def copy_lock_entry(root: Path, path: str, state: Path, source: str, target: str) -> bool:
    """Copy the entry of ``source`` in the lock file beside ``path`` to ``target``.

    Return False if there is no such entry, or if only DVC can read the file.
    """
    lock = LockFile((root / path).with_suffix(".lock"), state)
    with suppress(UnsupportedStageError, OSError), hold_dvc_lock(root):
        lock.read()
        entry = lock.entries.get(source)
        if entry is not None:
            lock.write({target: entry}, [target], set(lock.entries))
            return True
    return False


def remember_renamed(
    runs: RunCache,
    entries: Mapping[str, Entry],
    stages: Mapping[str, NativeStage],
    names_inputs: Callable[[str], bool],
) -> None:
    """Save the results of renamed stages in the run cache under the new names of their files.

    If the files of a stage are renamed with it, it has another command and other outputs for
    DVC, and so have the stages that read them: all would run again. ``entries`` are those of
    the lock file. ``names_inputs`` returns True for a stage whose result contains the names of
    its input files: such a stage has to run again.
    """
    old_entries = {name: entry for name, entry in entries.items() if name not in stages}
    new_stages = [one for one in stages.values() if one.name not in entries]
    new_paths: dict[str, str] = {}
    matches: dict[str, Entry] = {}
    # A stage below another that was renamed is recognized once that one is.
    while old_entries and (
        pair := next(_find_renamed_stages(old_entries, new_stages, new_paths), None)
    ):
        one, entry, files = pair
        new_paths |= files
        matches[one.name] = entry
        new_stages.remove(one)
    if not new_paths:
        return
    for one in stages.values():
        previous = matches.get(one.name) or entries.get(one.name)
        new_entry = _rename_entry(previous, one, new_paths) if previous is not None else None
        if new_entry is None or new_entry == previous or not one.kept:
            continue
        reads_moved = any(dep.full in new_paths.values() for dep in one.deps)
        if not (reads_moved and names_inputs(one.name)):
            runs.save(new_entry)


def _find_renamed_stages(
    old_entries: Mapping[str, Entry], new_stages: list[NativeStage], new_paths: Mapping[str, str]
) -> Iterator[tuple[NativeStage, Entry, dict[str, str]]]:
    """Yield new stages that equal old ones except for names, with the new paths of their files."""
    for one in new_stages:
        new, _, variant = one.name.partition("@")
        for name, entry in old_entries.items():
            old, _, old_variant = name.partition("@")
            files = {}
            # Outputs that are named after their stage, by their names after the new one.
            for out in entry.get("outs", ()) if variant == old_variant else ():
                directory, file = posixpath.split(_full_path(one, out["path"]))
                if file == old or file.startswith(f"{old}."):
                    new_file = new + file.removeprefix(old)
                    files[posixpath.join(directory, file)] = posixpath.join(directory, new_file)
            if _rename_entry(entry, one, {**new_paths, **files}) is not None:
                yield one, entry, files


def _rename_entry(entry: Entry, one: NativeStage, new_paths: Mapping[str, str]) -> Entry | None:
    """Return the entry with the new names of files; None if it does not match ``one`` then."""
    texts = {place.full: place.path for place in (*one.deps, *one.outs)}
    replacements: dict[str, str] = {}
    result = dict(entry)
    for kind, places in (("deps", one.deps), ("outs", one.outs)):
        items = []
        for item in entry.get(kind, ()):
            full = _full_path(one, item["path"])
            path = texts.get(new_paths.get(full, full))
            if path is None:
                return None
            replacements[item["path"]] = path
            items.append({**item, "path": path})
        if {item["path"] for item in items} != {place.path for place in places}:
            return None
        if items:
            result[kind] = sorted(items, key=lambda item: str(item["path"]))
    command = entry.get("cmd")
    lines = command if isinstance(command, list) else [str(command)]
    if replacements:
        names = "|".join(re.escape(old) for old in sorted(replacements, key=len, reverse=True))
        pattern = re.compile(rf"(?<![\w./-])(?:{names})(?![\w/-]|\.\w)")
        lines = [pattern.sub(lambda match: replacements[match[0]], line) for line in lines]
    result["cmd"] = lines if isinstance(command, list) else lines[0]
    return result if result["cmd"] == one.cmd else None


def _full_path(one: NativeStage, path: str) -> str:
    return posixpath.normpath(posixpath.join(one.wdir, path))
