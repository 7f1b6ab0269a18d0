"""Reads the settings of a notebook from its cell tagged ``parameters``, without running it."""

from __future__ import annotations

import ast
import copy
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlws.core.i18n import Message

TAG = "parameters"
"""Tag of the cell, as for papermill."""
RESERVED_OPTION = "out"
"""Option of the command, and therefore not a name for a setting."""
KINDS = {"int": "integer", "float": "number", "str": "string", "bool": "boolean"}
"""JSON Schema types of annotations."""
LITERAL_KINDS: Sequence[tuple[type | tuple[type, ...], str]] = (
    (bool, "boolean"),
    # `rate = 1` may as well be 0.5: only an annotation makes it an integer.
    ((int, float), "number"),
    (str, "string"),
    (list, "array"),
    (dict, "object"),
)
"""JSON Schema types of literals; the first that fits counts."""
TYPES: dict[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}
KEYWORD_VALUES: dict[str, bool | None] = {
    "True": True,
    "true": True,
    "False": False,
    "false": False,
    "None": None,
    "null": None,
}


class NotebookError(ValueError):
    """Error of a file that is not a notebook or cannot be run, with a message in each language."""

    def __init__(self, words: Message) -> None:
        self.words = words
        super().__init__(words.en)


def read(data: bytes) -> dict[str, Any]:
    """Parse the bytes of a notebook file, of any format version.

    :class:`NotebookError` with the line or field if it is not a notebook.
    """
    try:
        notebook = json.loads(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise NotebookError(Message("it is not UTF-8")) from None
    except json.JSONDecodeError as error:
        words = Message(
            "line {lineno}: it is not valid JSON: {msg}", lineno=error.lineno, msg=error.msg
        )
        raise NotebookError(words) from None
    except RecursionError:
        raise NotebookError(Message("it is nested too deeply")) from None
    return check(notebook)


def check(notebook: Any) -> dict[str, Any]:
    """Return the JSON of a notebook; :class:`NotebookError` with the field if it is not one."""
    if not isinstance(notebook, dict) or not isinstance(notebook.get("nbformat"), int):
        raise NotebookError(Message("it has no `nbformat`"))
    if notebook["nbformat"] < 4:
        return notebook
    if not isinstance(notebook.get("cells"), list):
        raise NotebookError(Message("`cells` must be a list"))
    for n, cell in enumerate(notebook["cells"]):
        if not isinstance(cell, dict) or not isinstance(cell.get("cell_type"), str):
            raise NotebookError(Message("`cells.{n}` is not a cell", n=n))
        source = cell.get("source", "")
        rows = source if isinstance(source, list) else [source]
        if not all(isinstance(row, str) for row in rows):
            raise NotebookError(Message("`cells.{n}.source` must be text", n=n))
    return notebook


def source_of(cell: Mapping[str, Any]) -> str:
    """Return a cell's text, which a file may store as lines."""
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


def language_of(notebook: Mapping[str, Any]) -> str:
    """Return the language of the notebook's kernel, in lower case; Python if it is not stated."""
    metadata = notebook.get("metadata")
    for name, key in (("language_info", "name"), ("kernelspec", "language")):
        entry = metadata.get(name) if isinstance(metadata, Mapping) else None
        if isinstance(entry, Mapping) and isinstance(entry.get(key), str) and entry[key]:
            return str(entry[key]).lower()
    return "python"


def parameters_cell(notebook: Mapping[str, Any]) -> str | None:
    """Return the text of the cell tagged ``parameters``; None if there is none."""
    for cell in notebook.get("cells") or ():
        metadata = cell.get("metadata")
        tags = metadata.get("tags") if isinstance(metadata, Mapping) else None
        if cell["cell_type"] == "code" and isinstance(tags, list) and TAG in tags:
            return source_of(cell)
    return None


def schema(notebook: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema of the settings.

    For a language other than Python the names are not known, and any are accepted.
    """
    if language_of(notebook) != "python":
        return {"type": "object", "properties": {}, "additionalProperties": True}
    text = parameters_cell(notebook)
    properties = dict(_parse_assignments(text)) if text is not None else {}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _parse_assignments(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    lines = text.splitlines()
    # Magics are no Python; a parameters cell has them on lines of their own.
    code = ["" if line.lstrip().startswith(("%", "!", "?")) else line for line in lines]
    try:
        statements = ast.parse("\n".join(code)).body
    except (SyntaxError, ValueError, RecursionError):
        # The run reports the error with its line; there are no settings until then.
        return
    for statement in statements:
        if isinstance(statement, ast.AnnAssign):
            targets: Sequence[ast.expr] = [statement.target]
            value, hint = statement.value, ast.unparse(statement.annotation)
        elif isinstance(statement, ast.Assign):
            targets, value, hint = statement.targets, statement.value, None
        else:
            continue
        definition: dict[str, Any] = {}
        default = _literal(value)
        inferred_kinds = (kind for type_, kind in LITERAL_KINDS if isinstance(default, type_))
        kind = KINDS.get(hint or "") or next(inferred_kinds, None)
        if kind is not None:
            definition["type"] = kind
        if default is not _UNKNOWN:
            definition["default"] = default
        last_line = lines[(statement.end_lineno or 1) - 1]
        # Columns of ast count bytes.
        rest = last_line.encode()[statement.end_col_offset or 0 :].decode(errors="ignore").strip()
        comment = rest.lstrip("# ").strip() if rest.startswith("#") else ""
        if comment:
            definition["description"] = comment
        for target in targets:
            if isinstance(target, ast.Name) and target.id != RESERVED_OPTION:
                yield target.id, definition


_UNKNOWN = object()


def _literal(value: ast.expr | None) -> Any:
    try:
        literal = ast.literal_eval(value) if value is not None else _UNKNOWN
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return _UNKNOWN
    if isinstance(literal, float) and not math.isfinite(literal):
        return _UNKNOWN
    try:
        json.dumps(literal)
    except (TypeError, ValueError):
        return _UNKNOWN
    return list(literal) if isinstance(literal, tuple) else literal


def convert_options(
    properties: Mapping[str, Any], options: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """Convert values of the command line to the parameters' types; dots in a name mean nesting.

    ``properties`` are those of :func:`schema`; other names are read as papermill reads its ``-p``
    option. :class:`NotebookError` for a value of the wrong type.
    """
    values: dict[str, Any] = {}
    for name, words in options.items():
        first, *path = name.split(".")
        if first not in properties and not words and first.startswith("no-") and not path:
            values[first[3:]] = False
            continue
        kind = None if path else properties.get(first, {}).get("type")
        if path and isinstance(properties.get(first, {}).get("default"), dict):
            # One key of a mapping changes; the others keep the values of the notebook.
            values.setdefault(first, copy.deepcopy(properties[first]["default"]))
        value = _convert_value(name, words, kind)
        *parents, last = name.split(".")
        here = values
        for part in parents:
            here = here.setdefault(part, {})
            if not isinstance(here, dict):
                raise NotebookError(Message("--{name} is both a value and a group", name=name))
        here[last] = value
    return values


def _convert_value(name: str, words: Sequence[str], kind: str | None) -> Any:
    if kind == "array":
        return [_parse_scalar(word) for word in words]
    if len(words) != 1:
        return True if not words else [_parse_scalar(word) for word in words]
    word = words[0]
    if kind in (None, "object"):
        return _parse_scalar(word)
    if kind == "string":
        return word
    value = _parse_scalar(word)
    if value is not None and type(value) not in TYPES[kind]:
        raise NotebookError(
            Message("--{name}: {word!r} is not a valid {kind}", name=name, word=word, kind=kind)
        )
    return value


def _parse_scalar(word: str) -> Any:
    """Convert a word to the type that it looks like, as papermill's command line reads it.

    This also reads what DVC prints.
    """
    if word in KEYWORD_VALUES:
        return KEYWORD_VALUES[word]
    for type_ in (int, float):
        try:
            return type_(word)
        except ValueError:
            continue
    return word
