"""The result of a stage under another name."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from jupyter_mlws.versioning.dvc.native.lockfile import LockFile, holding
from jupyter_mlws.versioning.dvc.native.runcache import Entry, RunCache
from jupyter_mlws.versioning.dvc.native.stage import FastStage
from jupyter_mlws.versioning.dvc.native.unsupported import UnsupportedStageError


def carry_result(root: Path, path: str, state: Path, source: str, target: str) -> bool:
    """Let the lock file beside ``path`` have of ``target`` what it has of ``source``.

    False where it has nothing, or is written in a way that only DVC reads.
    """
    lock = LockFile((root / path).with_suffix(".lock"), state)
    with suppress(UnsupportedStageError, OSError), holding(root):
        lock.read()
        entry = lock.entries.get(source)
        if entry is not None:
            lock.write({target: entry}, [target], set(lock.entries))
            return True
    return False


def remember_renamed(
    runs: RunCache,
    entries: Mapping[str, Entry],
    stages: Mapping[str, FastStage],
    names_inputs: Callable[[str], bool],
) -> None:
    """Let the run cache have what renamed stages made, under the present names of their files.

    A stage whose files were renamed with it has another command and other outputs to DVC, and so
    has what reads them: all would run again. ``entries`` are those of the lock file.
    ``names_inputs`` tells whether a stage's result has the names of the files that it reads: then
    it has to be made again.
    """
    removed = {name: entry for name, entry in entries.items() if name not in stages}
    added = [one for one in stages.values() if one.name not in entries]
    moved: dict[str, str] = {}
    renamed: dict[str, Entry] = {}
    # A stage below another that was renamed is recognized once that one is.
    while removed and (pair := next(_renamed(removed, added, moved), None)):
        one, entry, files = pair
        moved |= files
        renamed[one.name] = entry
        added.remove(one)
    if not moved:
        return
    for one in stages.values():
        known = renamed.get(one.name) or entries.get(one.name)
        anew = _moved(known, one, moved) if known is not None else None
        if anew is None or anew == known or not one.kept:
            continue
        reads_moved = any(dep.full in moved.values() for dep in one.deps)
        if not (reads_moved and names_inputs(one.name)):
            runs.save(anew)


def _renamed(
    removed: Mapping[str, Entry], added: list[FastStage], moved: Mapping[str, str]
) -> Iterator[tuple[FastStage, Entry, dict[str, str]]]:
    """New stages that are old ones in all but their names, with the files that moved along."""
    for one in added:
        for name, entry in removed.items():
            files = dict(_files(name, entry, one))
            if _moved(entry, one, {**moved, **files}) is not None:
                yield one, entry, files


def _files(name: str, entry: Entry, one: FastStage) -> Iterator[tuple[str, str]]:
    """The outputs of an entry that are named after its stage, and their names after ``one``."""
    old, _, variant = name.partition("@")
    new, _, same_variant = one.name.partition("@")
    for out in entry.get("outs", ()) if variant == same_variant else ():
        folder, file = posixpath.split(_full(one, out["path"]))
        if file == old or file.startswith(f"{old}."):
            yield posixpath.join(folder, file), posixpath.join(folder, new + file[len(old) :])


def _moved(entry: Entry, one: FastStage, moved: Mapping[str, str]) -> Entry | None:
    """An entry with the new names of files; None where it is not ``one`` by them."""
    texts = {place.full: place.path for place in (*one.deps, *one.outs)}
    changed: dict[str, str] = {}
    result = dict(entry)
    for kind, places in (("deps", one.deps), ("outs", one.outs)):
        items = []
        for item in entry.get(kind, ()):
            full = _full(one, item["path"])
            path = texts.get(moved.get(full, full))
            if path is None:
                return None
            changed[item["path"]] = path
            items.append({**item, "path": path})
        if {item["path"] for item in items} != {place.path for place in places}:
            return None
        if items:
            result[kind] = sorted(items, key=lambda item: str(item["path"]))
    command = entry.get("cmd")
    lines = command if isinstance(command, list) else [str(command)]
    lines = [_with_names(line, changed) for line in lines]
    result["cmd"] = lines if isinstance(command, list) else lines[0]
    return result if result["cmd"] == one.cmd else None


def _with_names(command: str, changed: Mapping[str, str]) -> str:
    names = "|".join(re.escape(old) for old in sorted(changed, key=len, reverse=True))
    if not names:
        return command
    return re.sub(
        rf"(?<![\w./-])(?:{names})(?![\w/-]|\.\w)", lambda match: changed[match[0]], command
    )


def _full(one: FastStage, path: str) -> str:
    return posixpath.normpath(posixpath.join(one.wdir, path))
