"""The text of a workflow in which a sweep has become one of its variants, a plain stage."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jupyter_mlws.core.errors import MLWSError, PromotionError
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.workflows.document import TEMPLATE, Document, parse
from jupyter_mlws.workflows.rewriting import RewriteError, rewrite, same

PART = re.compile(r"\.([^.\[\]]+)|\[([^\[\]]+)\]")
Resolve = Callable[[Document], Mapping[str, Any]]
"""The stages of a document as DVC fills them in."""


def promoted(
    document: Document, name: str, variant: str, given: Mapping[str, Any], resolve: Resolve
) -> str:
    """The text in which the stage ``name`` is what ``variant`` was; all else keeps its every byte.

    ``given`` is what the variant is made of. Only that is filled in where it suffices, else all
    templates of the stage. Error 40209 where the text has no way to say the same.
    """
    before = resolve(document)
    generated = {one for one in before if one == name or one.startswith(f"{name}@")}
    wanted = {key: stage for key, stage in before.items() if key not in generated}
    wanted[name] = before[variant]
    for text in _candidates(document, name, given, before[variant]):
        try:
            reached = same(resolve(parse(document.path, text)), wanted)
        except MLWSError:
            # Filled in so, it means something else to DVC; the next candidate may not.
            continue
        if reached:
            return text
    reason = Message("its variants can't be written as a single stage")
    raise PromotionError(sweep=name, reason=reason)


def _candidates(
    document: Document, name: str, given: Mapping[str, Any], resolved: Mapping[str, Any]
) -> Iterator[str]:
    written = document.stages_data[name]
    body = written.get("do") if "foreach" in written else written
    if isinstance(body, Mapping):
        own = {key: part for key, part in body.items() if key != "matrix"}
        yield from _rewritten(document, name, own, _filled(own, given))
    yield from _rewritten(document, name, dict(body or {}), _escaped(resolved))


def _rewritten(
    document: Document, name: str, own: Mapping[str, Any], wanted: Mapping[str, Any]
) -> Iterator[str]:
    data = dict(document.data)
    data["stages"] = {**document.stages_data, name: wanted}
    unwrapped = _unwrapped(document, name, own)
    for text in (unwrapped, document.text):
        if text is not None:
            try:
                yield rewrite(text, data)
            except RewriteError:
                continue


# Filling in


def _filled(value: Any, given: Mapping[str, Any]) -> Any:
    """A value with the templates filled that the sweep gives; those of other variables stay."""
    if isinstance(value, Mapping):
        return {_filled(key, given): _filled(part, given) for key, part in value.items()}
    if isinstance(value, list):
        return [_filled(part, given) for part in value]
    if not isinstance(value, str):
        return value
    whole = TEMPLATE.fullmatch(value)
    if whole and _is_plain(found := _looked_up(whole[1], given)):
        return found
    return TEMPLATE.sub(lambda match: _as_text(match, given), value)


def _as_text(match: re.Match[str], given: Mapping[str, Any]) -> str:
    found = _looked_up(match[1], given)
    if not _is_plain(found):
        return match[0]
    return str(found).lower() if isinstance(found, bool) else str(found)


def _is_plain(value: Any) -> bool:
    return isinstance(value, int | float) or (isinstance(value, str) and "${" not in value)


def _looked_up(expression: str, given: Mapping[str, Any]) -> Any:
    """What an expression such as ``item.size[0]`` names; None where the sweep has no such."""
    found: Any = given
    for dotted, index in PART.findall(f".{expression}"):
        key = dotted or index
        if isinstance(found, Mapping) and key in found:
            found = found[key]
        elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        else:
            return None
    return found


def _escaped(value: Any) -> Any:
    """A value that DVC has filled in, so that it fills in nothing more."""
    if isinstance(value, Mapping):
        return {_escaped(key): _escaped(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_escaped(part) for part in value]
    return value.replace("${", "\\${") if isinstance(value, str) else value


# The lines below `do:`, one step to the left


def _unwrapped(document: Document, name: str, own: Mapping[str, Any]) -> str | None:
    """The text with what stands below ``do`` in the place of ``foreach`` and ``do``, comments and
    all; None where it is not written so that lines can be moved."""
    place = _do_of(document.text, name)
    if place is None:
        return None
    start, body, end, column, inner = place
    text, lines = document.text, document.text[body:end].splitlines(keepends=True)
    moved = 0
    while moved < len(lines) and _belongs(lines[moved], inner):
        moved += 1
    kept = "".join(line[inner - column :] if line.strip() else line for line in lines[:moved])
    changed = text[:start] + kept + "".join(lines[moved:]) + text[end:]
    expected = {**document.data, "stages": {**document.stages_data, name: own}}
    try:
        return changed if same(parse(document.path, changed).data, expected) else None
    except MLWSError:
        # An anchor was above, or a text of several lines does not bear moving.
        return None


def _belongs(line: str, inner: int) -> bool:
    return not line.strip() or len(line) - len(line.lstrip(" ")) >= inner


def _do_of(text: str, name: str) -> tuple[int, int, int, int, int] | None:
    """Where the line of ``foreach`` begins, where the one below ``do``, where the stage ends, and
    the columns of what stands there."""
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
