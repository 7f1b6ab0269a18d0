"""Changes a node's setting in the text of a `dvc.yaml`; every other byte stays as it is."""

from __future__ import annotations

import json
import re
from typing import Any

from jupyter_mlws.errors import Fault, MLWSError, Words

PLAIN = re.compile(r"[A-Za-z_][\w./-]*")
WORDS_OF_YAML = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def set_setting(text: str, node: str, key: str, value: Any) -> str:
    """The text in which the setting ``key`` (dots for nesting) of ``node`` is ``value``.

    Error 40204 where the file is written in a way that has no safe place for it.
    """
    root = _compose(text)
    entry = _entry(root, node)
    if entry is None:
        text = _append_entry(text, root, node, _nested(key.split("."), value))
        return _unpack(text, node)
    return _unpack(_set(text, entry, key.split("."), value), node)


def _compose(text: str) -> Any:
    from ruamel.yaml import YAML

    return YAML(typ="safe", pure=True).compose(text)


def _child(mapping: Any, key: str) -> Any | None:
    if mapping is None or mapping.id != "mapping":
        return None
    return next((value for name, value in mapping.value if name.value == key), None)


def _entry(root: Any, node: str) -> Any | None:
    """The mapping of the node's settings in `vars`."""
    entries = _child(root, "vars")
    for item in entries.value if entries is not None and entries.id == "sequence" else []:
        found = _child(item, node)
        if found is not None and found.id == "mapping":
            return found
    return None


def _set(text: str, mapping: Any, path: list[str], value: Any) -> str:
    found = _child(mapping, path[0])
    if found is None:
        return _insert(text, mapping, path[0], _nested_value(path[1:], value))
    if len(path) > 1 and found.id == "mapping":
        return _set(text, found, path[1:], value)
    start, end = _span(text, found)
    return text[:start] + _dump(_nested_value(path[1:], value)) + text[end:]


def _insert(text: str, mapping: Any, key: str, value: Any) -> str:
    pair = f"{_key(key)}: {_dump(value)}"
    if mapping.flow_style:
        place = mapping.end_mark.index - 1
        before = text[:place].rstrip()
        gap = "" if before.endswith(("{", ",")) else ", "
        space = " " if before.endswith(",") else ""
        return before + gap + space + pair + text[len(before) : place].strip(" ") + text[place:]
    last = mapping.value[-1][1]
    end = _span(text, last)[1]
    line_end = text.find("\n", end)
    end = len(text) if line_end < 0 else line_end
    return f"{text[:end]}\n{' ' * mapping.value[0][0].start_mark.column}{pair}{text[end:]}"


def _append_entry(text: str, root: Any, node: str, settings: Any) -> str:
    entry = f"{_key(node)}: {_dump(settings)}"
    entries = _child(root, "vars")
    if entries is None:
        stages = next((key for key, _ in root.value if key.value == "stages"), None)
        if stages is None or stages.start_mark.column != 0:
            raise _refused(node, "`stages` must begin a line of its own", "`stages` 必须位于行首")
        place = stages.start_mark.index
        return f"{text[:place]}vars:\n  - {entry}\n{text[place:]}"
    if entries.id != "sequence" or not entries.value or entries.flow_style:
        raise _refused(node, "`vars` must be a block list", "`vars` 必须是块状列表")
    end = _span(text, entries.value[-1])[1]
    line_end = text.find("\n", end)
    end = len(text) if line_end < 0 else line_end
    return f"{text[:end]}\n{' ' * entries.start_mark.column}- {entry}{text[end:]}"


def _unpack(text: str, node: str) -> str:
    """Give the node's command its ``${node}``, unless it is there."""
    cmd = _child(_child(_child(_compose(text), "stages"), node), "cmd")
    if cmd is None or cmd.id != "scalar" or f"${{{node}" in cmd.value:
        return text
    start, end = _span(text, cmd)
    if cmd.style in ("|", ">") or "\n" in text[start:end]:
        raise _refused(node, "its command has several lines", "其命令有多行")
    place = end - 1 if cmd.style in ("'", '"') else end
    return f"{text[:place]} ${{{node}}}{text[place:]}"


def _span(text: str, node: Any) -> tuple[int, int]:
    """Where a value stands; the parser's ends of blocks include the space after them."""
    start, end = node.start_mark.index, node.end_mark.index
    return start, start + len(text[start:end].rstrip())


def _nested(path: list[str], value: Any) -> Any:
    return {path[0]: _nested_value(path[1:], value)}


def _nested_value(path: list[str], value: Any) -> Any:
    return _nested(path, value) if path else value


def _key(key: str) -> str:
    return key if key.replace("_", "a").isalnum() else json.dumps(key, ensure_ascii=False)


def _dump(value: Any) -> str:
    """A value in flow style, plain where that means the same."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(str(k))}: {_dump(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_dump(part) for part in value) + "]"
    plain = isinstance(value, str) and PLAIN.fullmatch(value) is not None
    if plain and value.lower() not in WORDS_OF_YAML:
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def _refused(node: str, en: str, zh: str) -> MLWSError:
    words = Words(
        f"The settings of {node} cannot be changed here: {en}.",
        f"无法在此修改 {node} 的配置：{zh}。",
    )
    return MLWSError("40204", Fault(f"params.{node}", words), node=node)
