"""Reads YAML 1.2 as DVC does (by ruamel.yaml), twenty times faster, where that is certain.

The parser is libyaml's. Scalars that YAML 1.1 and 1.2, or two parsers, could read differently, and
whatever is rare (anchors, tags, merge keys, duplicate keys), raise
:class:`UnsupportedStageError`: then ruamel reads the text.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import Any

import yaml

from mlws.core.i18n import Message
from mlws.dvc.unsupported import UnsupportedStageError

KeyPath = tuple[str | int, ...]
_LOADER: Any = getattr(yaml, "CBaseLoader", None)
_CONSTANTS = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?[0-9]+(?:\.[0-9]*(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)")
AMBIGUOUS_SCALAR = re.compile(
    r"[-+]?(?:[0-9_]+\.?[0-9_]*|\.[0-9_]*)(?:e[-+]?[0-9_]+)?|[-+]?0(?:b[01_]*|o[0-7_]*|x[0-9a-f_]*)"
    r"|[-+]?[0-9][0-9_:.]*"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[t \t].*)?|[-+]?\.(?:inf|nan)|=|<<",
    re.IGNORECASE,
)
"""Scalars that one version of YAML or the other reads as a number, a date or a special value."""
_UNSUPPORTED_SYNTAX = re.compile(
    r"[\x85\u2028\u2029\ufeff]|^%|^---|^\.\.\.|^\s*!|[:?\[{,-]\s+!", re.MULTILINE
)
"""Other line ends, directives, several documents, tags."""

MAX_VALUES = 1_000_000
"""Values of a document with its aliases written out; a few lines of aliases can mean billions."""
MAX_DEPTH = 100
"""Levels of a document. ruamel takes seconds to find a few thousand too many."""


class Lines:
    """The lines (from 1) of the keys and items of a composed document, by PyYAML or ruamel.

    They are computed on demand: a large document has many, and most are never needed.
    """

    def __init__(self, root: Any = None) -> None:
        self._root = root
        self._entries_by_path: dict[KeyPath, dict[str | int, tuple[Any, int]]] = {}

    def get(self, where: KeyPath) -> int | None:
        """Return the line of the item at a path of keys and positions; None if there is none."""
        entry = self._entries_at(where[:-1]).get(where[-1]) if where else None
        return entry[1] if entry else None

    def _entries_at(self, where: KeyPath) -> dict[str | int, tuple[Any, int]]:
        if where not in self._entries_by_path:
            node = self._root
            if where:
                node = self._entries_at(where[:-1]).get(where[-1], (None,))[0]
            kind = getattr(node, "id", "")
            entries: dict[str | int, tuple[Any, int]] = {}
            if kind == "mapping":
                for key, value in node.value:
                    entries[str(key.value)] = (value, key.start_mark.line + 1)
            elif kind == "sequence":
                for position, value in enumerate(node.value):
                    entries[position] = (value, value.start_mark.line + 1)
            # Added when it is complete: cached documents are read by several threads.
            self._entries_by_path[where] = entries
        return self._entries_by_path[where]


def read(text: str) -> Any:
    """Return the value of a text; :class:`UnsupportedStageError` if ruamel might read another."""
    return read_with_lines(text)[0]


def read_with_lines(text: str) -> tuple[Any, Lines]:
    """Return the value of a text, and the lines of its keys and items."""
    if _LOADER is None or _UNSUPPORTED_SYNTAX.search(text):
        raise UnsupportedStageError(Message("YAML that parsers read differently"))
    loader = _LOADER(text)
    try:
        root = loader.get_single_node()
    except yaml.YAMLError as error:
        # ruamel says what is wrong, in the words that DVC's users know.
        raise UnsupportedStageError(Message("invalid YAML")) from error
    finally:
        loader.dispose()
    return (None if root is None else _construct_value(root, set(), 0)), Lines(root)


def read_by_ruamel(text: str | bytes) -> tuple[Any, Any]:
    """Return the value as DVC reads it, and the composed document; None twice if there is none.

    ruamel's YAMLError if the text is not YAML, or is nested too deeply or too large.
    """
    from ruamel.yaml import YAML

    root = compose_by_ruamel(text)
    return (None, None) if root is None else (YAML(typ="safe", pure=True).load(text), root)


def compose_by_ruamel(text: str | bytes) -> Any:
    """Return the composed document, None if there is none; errors as :func:`read_by_ruamel`."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError

    if _is_deep(text):
        raise MarkedYAMLError(problem=f"nested deeper than {MAX_DEPTH} levels")
    root = YAML(typ="safe", pure=True).compose(text)
    if root is not None and _count_values(root, {}) > MAX_VALUES:
        problem = f"its aliases expand to more than {MAX_VALUES} values"
        raise MarkedYAMLError(problem=problem, problem_mark=root.start_mark)
    return root


def _is_deep(text: str | bytes) -> bool:
    depth = 0
    try:
        for event in yaml.parse(text, Loader=_LOADER) if _LOADER is not None else ():
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > MAX_DEPTH:
                return True
    except yaml.YAMLError as error:
        # libyaml has a limit of its own, and reads ahead. All else ruamel says in its words.
        return "exceeded maximum nesting depth" in str(error)
    return False


def _count_values(node: Any, sizes: dict[int, int]) -> int:
    """Count the values of a composed document with its aliases written out, up to the size of
    ``MAX_VALUES`` for a node that contains itself; ``sizes``: by the id of each node."""
    if node.id == "scalar":
        return 1
    if id(node) not in sizes:
        sizes[id(node)] = MAX_VALUES
        parts = chain.from_iterable(node.value) if node.id == "mapping" else node.value
        sizes[id(node)] = 1 + sum(_count_values(part, sizes) for part in parts)
    return sizes[id(node)]


def _construct_value(node: Any, above: set[int], depth: int) -> Any:
    if node.id == "scalar":
        return _construct_scalar(node)
    if id(node) in above or node.tag not in _DEFAULT_TAGS[node.id]:
        raise UnsupportedStageError(Message("a YAML anchor or tag"))
    if depth > MAX_DEPTH:
        raise UnsupportedStageError(Message("values nested too deeply"))
    above.add(id(node))
    if node.id == "sequence":
        return [_construct_value(item, above, depth + 1) for item in node.value]
    mapping = {}
    for key_node, value_node in node.value:
        if key_node.id != "scalar":
            raise UnsupportedStageError(Message("a key that is not a scalar"))
        key = _construct_scalar(key_node)
        if not isinstance(key, str) or key in mapping:
            raise UnsupportedStageError(Message("a key that is not a string or not unique"))
        mapping[key] = _construct_value(value_node, above, depth + 1)
    return mapping


_DEFAULT_TAGS = {
    "mapping": ("", None, "!", "tag:yaml.org,2002:map"),
    "sequence": ("", None, "!", "tag:yaml.org,2002:seq"),
}


def _construct_scalar(node: Any) -> Any:
    text: str = node.value
    if node.tag not in ("", None, "!", "tag:yaml.org,2002:str"):
        raise UnsupportedStageError(Message("a YAML tag"))
    if node.style is not None and node.style != "":
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if AMBIGUOUS_SCALAR.fullmatch(text):
        raise UnsupportedStageError(Message("the scalar {text!r}", text=text))
    return text
