"""The text of a workflow in which a sweep has become one of its variants, a plain stage."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jupyter_mlws.core.errors import MLWSError, PromotionError
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.workflows.document.parse import TEMPLATE, Document, parse
from jupyter_mlws.workflows.document.rewriting import RewriteError, are_equal, rewrite

EXPRESSION_PART = re.compile(r"\.([^.\[\]]+)|\[([^\[\]]+)\]")
StageResolver = Callable[[Document], Mapping[str, Any]]
"""The stages of a document as DVC fills them in."""


def promote(
    document: Document,
    name: str,
    variant: str,
    variables: Mapping[str, Any],
    resolve: StageResolver,
) -> str:
    """Return the text with the sweep ``name`` replaced by its variant ``variant``.

    All other bytes stay the same. ``variables`` are the template variables of the variant. Only
    these are filled in if that suffices, else all templates of the stage. Error 40209 if the text
    cannot express the result.
    """
    before = resolve(document)
    sweep_keys = {one for one in before if one == name or one.startswith(f"{name}@")}
    expected_stages = {key: stage for key, stage in before.items() if key not in sweep_keys}
    expected_stages[name] = before[variant]
    for text in _candidates(document, name, variables, before[variant]):
        try:
            is_equal = are_equal(resolve(parse(document.path, text)), expected_stages)
        except MLWSError:
            # Filled in so, it means something else to DVC; the next candidate may not.
            continue
        if is_equal:
            return text
    reason = Message("its variants can't be written as a single stage")
    raise PromotionError(sweep=name, reason=reason)


def _candidates(
    document: Document, name: str, variables: Mapping[str, Any], variant_stage: Mapping[str, Any]
) -> Iterator[str]:
    stage_data = document.stages_data[name]
    body = stage_data.get("do") if "foreach" in stage_data else stage_data
    if isinstance(body, Mapping):
        own = {key: part for key, part in body.items() if key != "matrix"}
        yield from _rewrite_stage(document, name, own, _fill_templates(own, variables))
    yield from _rewrite_stage(document, name, dict(body or {}), _escape_templates(variant_stage))


def _rewrite_stage(
    document: Document, name: str, own: Mapping[str, Any], new_stage: Mapping[str, Any]
) -> Iterator[str]:
    data = dict(document.data)
    data["stages"] = {**document.stages_data, name: new_stage}
    unwrapped_text = _unwrap_foreach(document, name, own)
    for text in (unwrapped_text, document.text):
        if text is not None:
            try:
                yield rewrite(text, data)
            except RewriteError:
                continue


# Filling in


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
    return TEMPLATE.sub(lambda match: _as_text(match, variables), value)


def _as_text(match: re.Match[str], variables: Mapping[str, Any]) -> str:
    replacement = _evaluate_expression(match[1], variables)
    if not _is_plain(replacement):
        return match[0]
    return str(replacement).lower() if isinstance(replacement, bool) else str(replacement)


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


# The lines below `do:`, one step to the left


def _unwrap_foreach(document: Document, name: str, own: Mapping[str, Any]) -> str | None:
    """Return the text with the body of ``do`` in the place of ``foreach`` and ``do``.

    Comments are kept. None if the lines of the text cannot be moved.
    """
    place = _do_of(document.text, name)
    if place is None:
        return None
    start, body, end, column, inner = place
    text, lines = document.text, document.text[body:end].splitlines(keepends=True)
    count = 0
    while count < len(lines) and _belongs(lines[count], inner):
        count += 1
    dedented_text = "".join(
        line[inner - column :] if line.strip() else line for line in lines[:count]
    )
    new_text = text[:start] + dedented_text + "".join(lines[count:]) + text[end:]
    expected = {**document.data, "stages": {**document.stages_data, name: own}}
    try:
        return new_text if are_equal(parse(document.path, new_text).data, expected) else None
    except MLWSError:
        # An anchor was above, or a text of several lines does not bear moving.
        return None


def _belongs(line: str, inner: int) -> bool:
    return not line.strip() or len(line) - len(line.lstrip(" ")) >= inner


def _do_of(text: str, name: str) -> tuple[int, int, int, int, int] | None:
    """Return the positions of a stage's ``foreach`` and ``do``; None if they are not movable.

    These are the offsets of the line of ``foreach``, of the line below ``do`` and of the stage's
    end, and the columns of ``foreach`` and of the body.
    """
    from ruamel.yaml import YAML

    root = YAML(typ="safe", pure=True).compose(text)
    stages = _entry(root, "stages")
    stage = _entry(stages, name)
    body = _entry(stage, "do")
    if body is None or body.id != "mapping" or stage.flow_style or body.flow_style:
        return None
    first = stage.value[0][0]
    keys = [key.value for key, _ in stage.value]
    if keys != ["foreach", "do"] or not body.value:
        return None
    inner = body.value[0][0].start_mark
    begins = text.find("\n", stage.value[1][0].end_mark.index) + 1
    above = text[begins : inner.index].splitlines()
    if begins > inner.index or any(line.strip()[:1] not in ("", "#") for line in above):
        return None
    start = text.rfind("\n", 0, first.start_mark.index) + 1
    return start, begins, body.end_mark.index, first.start_mark.column, inner.column


def _entry(node: Any, name: str) -> Any:
    for key, value in node.value if node is not None and node.id == "mapping" else ():
        if key.value == name:
            return value
    return None
