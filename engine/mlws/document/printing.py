"""Prints values of a `dvc.yaml` so that YAML 1.1 and YAML 1.2 read them the same.

The same rules are in ``src/workflow/document/scalars.ts``.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

WORD = re.compile(r"[\w./][\w./+@%=~^-]*")
COMMAND = re.compile(r"""[\w./][\w./+@%=~^${}()\[\]"',*?&;|<>\\ -]*(?<! )""")
RESERVED_WORDS = re.compile(r"~|null|true|false|yes|no|on|off|y|n|\.nan|[-+]?\.inf", re.IGNORECASE)
TYPED_SCALARS = re.compile(
    r"[-+]?(0[box][\da-f_]+|[\d_]*\.?[\d_]*(e[-+]?\d+)?|\d+(:\d+)+(\.\d*)?)|\d{4}-\d\d?-\d\d?.*",
    re.IGNORECASE | re.ASCII,
)
"""Integers and floats of either version, their bases, groups and sexagesimals, and dates."""
LINE_BREAKS = re.compile("[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]")
"""Characters that JSON does not escape and YAML rejects or treats as a line break."""
CONTROLS = re.compile(f"[\\x00-\\x1f]|{LINE_BREAKS.pattern}")
INDENT_WIDTH = 2
"""Columns that a nested block is indented by."""


def flow(value: Any, inside: bool = True, quote: str | None = None) -> str:
    """Return a value on one line; ``inside``: between brackets, where commas are syntax.

    ``quote``: the quotes that a text had before; None: the printer chooses.
    """
    if isinstance(value, str):
        if quote == "'" and not CONTROLS.search(value):
            return "'" + value.replace("'", "''") + "'"
        if quote is None and is_plain(value, inside):
            return value
        literal = json.dumps(value, ensure_ascii=False)
        return LINE_BREAKS.sub(lambda match: f"\\u{ord(match[0]):04x}", literal)
    if isinstance(value, Mapping):
        pairs = (f"{flow(str(key))}: {flow(part)}" for key, part in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(part) for part in value) + "]"
    if isinstance(value, float):
        if math.isnan(value):
            return ".nan"
        if math.isinf(value):
            return ".inf" if value > 0 else "-.inf"
        text = repr(value).replace("e-0", "e-")
        if text.endswith(("e-5", "e-6")):
            text = f"{Decimal(text):f}"
        # YAML 1.1 reads "1e-7" as a string.
        return text.replace("e", ".0e") if re.match(r"-?\d+e", text) else text
    return json.dumps(value)


def block(
    key: str, value: Any, depth: int, list_step: int = INDENT_WIDTH, step: int = INDENT_WIDTH
) -> list[str]:
    """Return the lines of ``key: value``.

    Mappings nest as blocks ``depth`` levels deep, by ``step`` columns; lists one level less.
    """
    name = flow(str(key), inside=False)
    if depth > 0 and isinstance(value, list) and value:
        return [f"{name}:", *(f"{' ' * list_step}- {item(part)}" for part in value)]
    if depth > 1 and isinstance(value, Mapping) and value:
        parts = (block(k, v, depth - 1, list_step, step) for k, v in value.items())
        return [f"{name}:", *(f"{' ' * step}{line}" for part in parts for line in part)]
    return [f"{name}: {flow(value, inside=not isinstance(value, str))}"]


def item(value: Any) -> str:
    """Return an item of a block list; a mapping of one key becomes ``key: value``."""
    if isinstance(value, Mapping) and len(value) == 1:
        [(key, part)] = value.items()
        return block(key, part, 0)[0]
    return flow(value, inside=not isinstance(value, str))


def without_marks(word: str) -> str:
    """Return a word without the vowel signs and accents that `re` takes for no part of it."""
    if word.isascii():
        return word
    return word[0] + "".join(sign for sign in word[1:] if unicodedata.category(sign)[0] != "M")


@lru_cache(maxsize=4096)
def is_plain(text: str, inside: bool) -> bool:
    """Return whether a text is valid without quotes."""
    if not (WORD if inside else COMMAND).fullmatch(without_marks(text)):
        return False
    if RESERVED_WORDS.fullmatch(text) or TYPED_SCALARS.fullmatch(text):
        return False
    if len(text) > 5 and not text[0].isdigit() and text[0] != ".":
        return True
    from ruamel.yaml import YAML

    return bool(YAML(typ="safe", pure=True).load(text) == text)
