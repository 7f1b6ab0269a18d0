"""The text of a workflow whose stages read other files than before."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from jupyter_mlws.workflows import commands
from jupyter_mlws.workflows.document import GENERATED, Document, Stage
from jupyter_mlws.workflows.rewriting import rewrite


def moved_outputs(
    stages: Sequence[Stage], groups: Sequence[Collection[str]], key: str
) -> dict[str, str]:
    """Of each output of the other variants the one that the variant ``key`` has in its place."""
    by_id = {stage.id: stage for stage in stages}
    moved = {}
    for group in groups:
        kept = next(by_id[one] for one in group if one.partition("@")[2] == key)
        for one in group:
            pairs = zip(by_id[one].outs, kept.outs, strict=True)
            moved.update({old: new for old, new in pairs if old != new})
    return moved


def rewired(document: Document, moved: Mapping[str, str]) -> str:
    """The text in which plain stages that read a path of ``moved`` read what it has become.

    A stage that reads several of them reads one. Paths are relative to the root.
    """
    stages = {
        name: _rewired(document, data, moved) if isinstance(data, Mapping) else data
        for name, data in document.stages_data.items()
    }
    return rewrite(document.text, {**document.data, "stages": stages})


def _rewired(
    document: Document, data: Mapping[str, Any], moved: Mapping[str, str]
) -> Mapping[str, Any]:
    deps = data.get("deps")
    plain = isinstance(deps, list) and all(isinstance(raw, str) for raw in deps)
    if GENERATED & data.keys() or not isinstance(deps, list) or not plain:
        return data
    wdir = posixpath.normpath(posixpath.join(document.folder, str(data.get("wdir") or ".")))
    at_root = {raw: posixpath.normpath(posixpath.join(wdir, raw)) for raw in deps}
    held = {path for path in at_root.values() if path not in moved}
    kept, changed, gone = [], {}, set()
    for raw, path in at_root.items():
        target = moved.get(path)
        if target is None:
            kept.append(raw)
            continue
        changed[raw] = posixpath.relpath(target, wdir)
        if target in held:
            gone.add(raw)
        else:
            held.add(target)
            kept.append(changed[raw])
    if not changed:
        return data
    command = data.get("cmd")
    if isinstance(command, str):
        # An option is given the file once; what stands elsewhere keeps its number of words.
        command = commands.without(command, lambda _, value: value in gone)
        for old, new in changed.items():
            command = _replaced(command, old, new)
    return {**data, "cmd": command, "deps": kept}


def _replaced(command: str, old: str, new: str) -> str:
    return re.sub(rf"(?<![\w./-]){re.escape(old)}(?![\w-]|\.\w)", lambda _: new, command)
