"""Replaces a sweep by one of its variants, and makes other stages read that variant's outputs."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

from jupyter_mlws.core.errors import PromotionError
from jupyter_mlws.workflows.document import commands
from mlws.core.errors import MLWSError
from mlws.core.i18n import Message
from mlws.document.parse import GENERATOR_KEYS, TEMPLATE, Document, Stage, parse
from mlws.document.rewriting import RewriteError, are_equal, rewrite
from mlws.engine.graph import StageGraph

EXPRESSION_PART = re.compile(r"\.([^.\[\]]+)|\[([^\[\]]+)\]")
StageResolver = Callable[[Document], Mapping[str, Any]]
"""The stages of a document as DVC fills them in."""


def promote(
    document: Document,
    name: str,
    variant: str,
    variables: Mapping[str, Any],
    resolve: StageResolver,
) -> Document:
    """Return the document with the sweep ``name`` replaced by its variant ``variant``.

    All other bytes stay the same. ``variables`` are the template variables of the variant. Only
    these are filled in if that suffices, else all templates of the stage. Raises PromotionError if
    the text cannot express the result.
    """
    before = resolve(document)
    sweep_keys = {one for one in before if one == name or one.startswith(f"{name}@")}
    expected_stages = {key: stage for key, stage in before.items() if key not in sweep_keys}
    expected_stages[name] = before[variant]
    stage_data = document.stages_data[name]
    body = stage_data.get("do") if "foreach" in stage_data else stage_data
    candidates = [(dict(body or {}), _escape_templates(before[variant]))]
    if isinstance(body, Mapping):
        own = {key: part for key, part in body.items() if key != "matrix"}
        candidates.insert(0, (own, _fill_templates(own, variables)))
    for own, new_stage in candidates:
        data = {**document.data, "stages": {**document.stages_data, name: new_stage}}
        for draft in (_unwrap_foreach(document, name, own), document):
            if draft is None:
                continue
            # A candidate that the text cannot express, or that means something else to DVC, is
            # skipped.
            with suppress(RewriteError, MLWSError):
                new_document = parse(document.path, rewrite(draft, data))
                if are_equal(resolve(new_document), expected_stages):
                    return new_document
    reason = Message("its variants can't be written as a single stage")
    raise PromotionError(sweep=name, reason=reason)


def _fill_templates(value: Any, variables: Mapping[str, Any]) -> Any:
    """Fill in the templates of the sweep's variables; leave those of other variables."""
    if isinstance(value, Mapping):
        return {
            _fill_templates(key, variables): _fill_templates(part, variables)
            for key, part in value.items()
        }
    if isinstance(value, list):
        return [_fill_templates(part, variables) for part in value]
    if not isinstance(value, str):
        return value
    whole = TEMPLATE.fullmatch(value)
    if whole and _is_plain(replacement := _evaluate_expression(whole[1], variables)):
        return replacement

    def fill(match: re.Match[str]) -> str:
        replacement = _evaluate_expression(match[1], variables)
        if not _is_plain(replacement):
            return match[0]
        return str(replacement).lower() if isinstance(replacement, bool) else str(replacement)

    return TEMPLATE.sub(fill, value)


def _is_plain(value: Any) -> bool:
    return isinstance(value, int | float) or (isinstance(value, str) and "${" not in value)


def _evaluate_expression(expression: str, variables: Mapping[str, Any]) -> Any:
    """Return the value of an expression such as ``item.size[0]``; None if it has none."""
    value: Any = variables
    for name, index in EXPRESSION_PART.findall(f".{expression}"):
        key = name or index
        if isinstance(value, Mapping) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def _escape_templates(value: Any) -> Any:
    """Escape a value that DVC has filled in, so that DVC fills in nothing more."""
    if isinstance(value, Mapping):
        return {_escape_templates(key): _escape_templates(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_escape_templates(part) for part in value]
    return value.replace("${", "\\${") if isinstance(value, str) else value


def _unwrap_foreach(document: Document, name: str, own: Mapping[str, Any]) -> Document | None:
    """Return the document with the lines of ``do`` dedented in the place of ``foreach`` and ``do``.

    Comments are kept. None if the lines cannot be moved.
    """
    from ruamel.yaml import YAML

    text = document.text
    stage = _entry(_entry(YAML(typ="safe", pure=True).compose(text), "stages"), name)
    do = _entry(stage, "do")
    if do is None or do.id != "mapping" or stage.flow_style or do.flow_style or not do.value:
        return None
    if [key.value for key, _ in stage.value] != ["foreach", "do"]:
        return None
    foreach_mark, body_mark = stage.value[0][0].start_mark, do.value[0][0].start_mark
    body_start = text.find("\n", stage.value[1][0].end_mark.index) + 1
    above = text[body_start : body_mark.index].splitlines()
    if body_start > body_mark.index or any(line.strip()[:1] not in ("", "#") for line in above):
        return None
    start, end = text.rfind("\n", 0, foreach_mark.index) + 1, do.end_mark.index
    lines = text[body_start:end].splitlines(keepends=True)
    outside = (
        n
        for n, line in enumerate(lines)
        if line.strip() and not line.startswith(" " * body_mark.column)
    )
    count = next(outside, len(lines))
    step = body_mark.column - foreach_mark.column
    dedented_text = "".join(line[step:] if line.strip() else line for line in lines[:count])
    new_text = text[:start] + dedented_text + "".join(lines[count:]) + text[end:]
    expected = {**document.data, "stages": {**document.stages_data, name: own}}
    try:
        new_document = parse(document.path, new_text)
    except MLWSError:
        # An anchor was above, or a text of several lines cannot be moved.
        return None
    return new_document if are_equal(new_document.data, expected) else None


def _entry(node: Any, name: str) -> Any:
    for key, value in node.value if node is not None and node.id == "mapping" else ():
        if key.value == name:
            return value
    return None


def moved_outputs(
    graph: StageGraph[Stage], groups: Sequence[Collection[str]], key: str
) -> dict[str, str]:
    """Return, for each output of the other variants, the matching output of the variant ``key``."""
    replacements = {}
    for group in groups:
        kept_stage = next(graph.by_id[one] for one in group if one.partition("@")[2] == key)
        for one in group:
            pairs = zip(graph.by_id[one].outs, kept_stage.outs, strict=True)
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
    return rewrite(document, {**document.data, "stages": stages})


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
        # An option gets the file once; other words of the command are not removed.
        command = commands.without(command, lambda _, value: value in duplicates)
        for old, new in renames.items():
            path = rf"(?<![\w./-]){re.escape(old)}(?![\w-]|\.\w)"
            command = re.sub(path, new.replace("\\", r"\\"), command)
    return {**data, "cmd": command, "deps": new_deps}
