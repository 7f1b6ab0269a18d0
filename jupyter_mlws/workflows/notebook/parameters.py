"""The settings of a notebook: what its cell tagged ``parameters`` assigns.

Read from the text alone; nothing of the notebook is run.
"""

from __future__ import annotations

import ast
import copy
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jupyter_mlws.core.i18n import Message

TAG = "parameters"
"""The tag that papermill looks for as well."""
RESERVED_OPTION = "out"
"""The option of the command that no setting can have as its name."""
KINDS = {"int": "integer", "float": "number", "str": "string", "bool": "boolean"}
"""JSON Schema types of annotations."""
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
    if not isinstance(notebook, dict) or not isinstance(notebook.get("nbformat"), int):
        raise NotebookError(Message("it has no `nbformat`"))
    if notebook["nbformat"] >= 4:
        _check_cells(notebook.get("cells"))
    return notebook


def _check_cells(cells: Any) -> None:
    if not isinstance(cells, list):
        raise NotebookError(Message("`cells` must be a list"))
    for n, cell in enumerate(cells):
        if not isinstance(cell, dict) or not isinstance(cell.get("cell_type"), str):
            words = Message("`cells.{n}` is not a cell", n=n)
            raise NotebookError(words)
        if not _is_text(cell.get("source", "")):
            words = Message("`cells.{n}.source` must be text", n=n)
            raise NotebookError(words)


def _is_text(source: Any) -> bool:
    return isinstance(source, str) or (
        isinstance(source, list) and all(isinstance(row, str) for row in source)
    )


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
    for statement in _statements(text):
        if isinstance(statement, ast.AnnAssign):
            targets: Sequence[ast.expr] = [statement.target]
            value, hint = statement.value, ast.unparse(statement.annotation)
        elif isinstance(statement, ast.Assign):
            targets, value, hint = statement.targets, statement.value, None
        else:
            continue
        for target in targets:
            if isinstance(target, ast.Name) and target.id != RESERVED_OPTION:
                yield target.id, _property(value, hint, _comment(statement, lines))


def _statements(text: str) -> Sequence[ast.stmt]:
    # Magics are no Python; a parameters cell has them on lines of their own.
    lines = [
        "" if line.lstrip().startswith(("%", "!", "?")) else line for line in text.splitlines()
    ]
    try:
        return ast.parse("\n".join(lines)).body
    except (SyntaxError, ValueError, RecursionError):
        # The run will say it with the line; there are no settings until then.
        return []


def _property(value: ast.expr | None, hint: str | None, comment: str) -> dict[str, Any]:
    definition: dict[str, Any] = {}
    default = _literal(value)
    kind = KINDS.get(hint or "") or _kind_of(default)
    if kind is not None:
        definition["type"] = kind
    if default is not _UNKNOWN:
        definition["default"] = default
    if comment:
        definition["description"] = comment
    return definition


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


def _kind_of(default: Any) -> str | None:
    if isinstance(default, bool):
        return "boolean"
    if isinstance(default, int | float):
        # `rate = 1` may as well be 0.5: only a hint makes it a whole number.
        return "number"
    kinds: list[tuple[type, str]] = [(str, "string"), (list, "array"), (dict, "object")]
    return next((kind for type_, kind in kinds if isinstance(default, type_)), None)


def _comment(statement: ast.stmt, lines: Sequence[str]) -> str:
    line = lines[(statement.end_lineno or 1) - 1]
    # Columns of ast count bytes.
    rest = line.encode()[statement.end_col_offset or 0 :].decode(errors="ignore").strip()
    return rest.lstrip("# ").strip() if rest.startswith("#") else ""


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
            # One key of a mapping is changed; the others keep what the notebook says.
            values.setdefault(first, copy.deepcopy(properties[first]["default"]))
        _put(values, [first, *path], _value(name, words, kind))
    return values


def _put(values: dict[str, Any], path: Sequence[str], value: Any) -> None:
    here = values
    for part in path[:-1]:
        inner = here.setdefault(part, {})
        if not isinstance(inner, dict):
            name = ".".join(path)
            words = Message("--{name} is both a value and a group", name=name)
            raise NotebookError(words)
        here = inner
    here[path[-1]] = value


def _value(name: str, words: Sequence[str], kind: str | None) -> Any:
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
        words_ = Message(
            "--{name}: {word!r} is not a valid {kind}", name=name, word=word, kind=kind
        )
        raise NotebookError(words_)
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
