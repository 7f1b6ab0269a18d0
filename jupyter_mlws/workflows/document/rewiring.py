"""The text of a workflow whose stages read other files than before."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from jupyter_mlws.workflows.document import commands
from jupyter_mlws.workflows.document.parse import GENERATOR_KEYS, Document, Stage
from jupyter_mlws.workflows.document.rewriting import rewrite


def moved_outputs(
    stages: Sequence[Stage], groups: Sequence[Collection[str]], key: str
) -> dict[str, str]:
    """Return, for each output of the other variants, the matching output of the variant ``key``."""
    by_id = {stage.id: stage for stage in stages}
    replacements = {}
    for group in groups:
        kept_stage = next(by_id[one] for one in group if one.partition("@")[2] == key)
        for one in group:
            pairs = zip(by_id[one].outs, kept_stage.outs, strict=True)
            replacements.update({old: new for old, new in pairs if old != new})
    return replacements


def replace_dependencies(document: Document, replacements: Mapping[str, str]) -> str:
    """Return the text in which plain stages read the replacements of their dependencies.

    ``replacements`` has new paths by old ones. A stage whose dependencies become the same path
    reads it once. Paths are relative to the root.
    """
    stages = {
        name: _replace_stage_dependencies(document, data, replacements)
        if isinstance(data, Mapping)
        else data
        for name, data in document.stages_data.items()
    }
    return rewrite(document.text, {**document.data, "stages": stages})


def _replace_stage_dependencies(
    document: Document, data: Mapping[str, Any], replacements: Mapping[str, str]
) -> Mapping[str, Any]:
    deps = data.get("deps")
    plain = isinstance(deps, list) and all(isinstance(raw, str) for raw in deps)
    if GENERATOR_KEYS & data.keys() or not isinstance(deps, list) or not plain:
        return data
    wdir = posixpath.normpath(posixpath.join(document.folder, str(data.get("wdir") or ".")))
    at_root = {raw: posixpath.normpath(posixpath.join(wdir, raw)) for raw in deps}
    dep_paths = {path for path in at_root.values() if path not in replacements}
    new_deps, renames, duplicates = [], {}, set()
    for raw, path in at_root.items():
        target = replacements.get(path)
        if target is None:
            new_deps.append(raw)
            continue
        renames[raw] = posixpath.relpath(target, wdir)
        if target in dep_paths:
            duplicates.add(raw)
        else:
            dep_paths.add(target)
            new_deps.append(renames[raw])
    if not renames:
        return data
    command = data.get("cmd")
    if isinstance(command, str):
        # An option is given the file once; what stands elsewhere keeps its number of words.
        command = commands.without(command, lambda _, value: value in duplicates)
        for old, new in renames.items():
            command = _replace_path(command, old, new)
    return {**data, "cmd": command, "deps": new_deps}


def _replace_path(command: str, old: str, new: str) -> str:
    return re.sub(rf"(?<![\w./-]){re.escape(old)}(?![\w-]|\.\w)", lambda _: new, command)
