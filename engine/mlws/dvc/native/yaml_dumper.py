"""Prints `dvc.lock` and run cache entries as DVC does (by ruamel.yaml), to the byte.

Only what is certain is printed here: plain scalars, folded at 80 columns by ruamel's rules,
numbers, lists and mappings. An entry with anything else is printed by ruamel itself.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from copy import deepcopy
from functools import lru_cache
from typing import Any

from mlws.dvc.yaml_loader import AMBIGUOUS_SCALAR

MAX_LINE_WIDTH = 80
LOCK_FILE_HEADER = "schema: '2.0'\nstages:\n"
_FIRST_CHARACTER = re.compile(r"[A-Za-z_/.0-9]")
_SPECIAL_SEQUENCE = re.compile(r"[\x00-\x1f\x7f-\xa0]|: |:$| #| $")
_SPECIAL_CHARACTERS = "\u2028\u2029\ufeff\ufffe\uffff"
_RESERVED_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_MAX_KEY_LENGTH = 100
"""Characters; ruamel writes longer keys in a form of their own."""


class _UnsupportedValueError(Exception):
    """A value that only ruamel prints."""


def stage(name: str, entry: Mapping[str, Any]) -> str:
    """Return the lines of a stage's entry in `dvc.lock`."""
    try:
        return _dump({name: entry}, 2)
    except _UnsupportedValueError:
        return _dump_with_ruamel({"stages": {name: entry}}).partition("\n")[2]


def entry(value: Mapping[str, Any]) -> str:
    """Return the text of a run cache entry."""
    try:
        return _dump(value, 0)
    except _UnsupportedValueError:
        return _dump_with_ruamel(value)


def update(text: str, stages: Mapping[str, Any]) -> str:
    """Return the text of a `dvc.lock` with these stages, and with the comments that DVC keeps."""
    from ruamel.yaml import YAML

    data = YAML().load(text) or {}
    data.setdefault("schema", "2.0")
    entries = data.setdefault("stages", {})
    for name, new_entry in stages.items():
        if entries.get(name) != new_entry:
            # Values that several entries share, such as a parameter, would be written as aliases.
            entries[name] = deepcopy(new_entry)
    return _dump_with_ruamel(data)


def _dump_with_ruamel(value: Any) -> str:
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.default_flow_style = False
    stream = io.StringIO()
    yaml.dump(value, stream)
    return stream.getvalue()


def _dump(value: Mapping[str, Any], indent: int) -> str:
    lines: list[str] = []
    _append_mapping(value, indent, lines)
    return "".join(lines)


def _append_mapping(value: Mapping[str, Any], indent: int, lines: list[str]) -> None:
    pad, dash = " " * indent, f"{' ' * indent}-"
    for key, item in value.items():
        if not isinstance(key, str) or len(key) > _MAX_KEY_LENGTH:
            raise _UnsupportedValueError
        head = f"{pad}{_to_plain_scalar(key)}:"
        if isinstance(item, dict):
            lines.append(f"{head}\n" if item else f"{head} {{}}\n")
            _append_mapping(item, indent + 2, lines)
        elif isinstance(item, list):
            lines.append(f"{head}\n" if item else f"{head} []\n")
            for part in item:
                if isinstance(part, dict) and part:
                    first = len(lines)
                    _append_mapping(part, indent + 2, lines)
                    lines[first] = f"{dash} {lines[first][indent + 2 :]}"
                elif isinstance(part, list | dict):
                    # Lists in lists, and empty ones, have forms of their own.
                    raise _UnsupportedValueError
                else:
                    lines.append(f"{dash} {_format_scalar(part, len(dash), indent + 2)}\n")
        else:
            lines.append(f"{head} {_format_scalar(item, len(head), indent + 2)}\n")


def _format_scalar(value: Any, column: int, indent: int) -> str:
    if isinstance(value, str):
        return _fold(_to_plain_scalar(value), column, indent)
    if value is True:
        return "true"
    if value is False:
        return "false"
    if type(value) is int:
        return str(value)
    if type(value) is float and re.fullmatch(r"-?[0-9]+\.[0-9]+", repr(value)):
        return repr(value)
    raise _UnsupportedValueError


@lru_cache(maxsize=8192)
def _to_plain_scalar(text: str) -> str:
    if not text or not (_FIRST_CHARACTER.match(text) or "\u00a1" <= text[0] <= "\ud7ff"):
        raise _UnsupportedValueError
    if (
        _SPECIAL_SEQUENCE.search(text)
        or AMBIGUOUS_SCALAR.fullmatch(text)
        or text.lower() in _RESERVED_WORDS
    ):
        raise _UnsupportedValueError
    # By hand: as sets of a regular expression these take longer to compile than all else here.
    if not text.isascii() and any(
        c in _SPECIAL_CHARACTERS or "\ud800" <= c <= "\udfff" for c in text
    ):
        raise _UnsupportedValueError
    return text


def _fold(text: str, column: int, indent: int) -> str:
    """A plain scalar that begins behind ``column``, as ruamel breaks it into lines."""
    if column + 1 + len(text) <= MAX_LINE_WIDTH and "  " not in text:
        return text
    if "  " in text:
        raise _UnsupportedValueError
    column += 1
    out: list[str] = []
    for position, word in enumerate(text.split(" ")):
        if position:
            if column >= MAX_LINE_WIDTH:
                out.append("\n" + " " * indent)
                column = indent
            else:
                out.append(" ")
                column += 1
        if column + len(word) > MAX_LINE_WIDTH and column > indent:
            out.append("\n" + " " * indent)
            column = indent
        out.append(word)
        column += len(word)
    return "".join(out)
