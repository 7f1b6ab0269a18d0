"""Whether two texts of a file mean the same to who runs it: what differs is cosmetic.

Python by its syntax tree, notebooks by the code of their cells, YAML and JSON by their values.
Nothing is imported or executed. In doubt a difference counts.
"""

from __future__ import annotations

import ast
import json
import warnings
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from jupyter_mlws.core.i18n import Message

MAX_FILE_BYTES = 4_000_000
"""Bytes; what is larger is data, and is not compared."""
MAX_VALUES = 200_000
"""Values of a YAML or JSON file; aliases can make many of a few bytes."""
COSMETIC_REASONS = {
    ".py": Message("only comments changed in {name}"),
    ".ipynb": Message("only outputs or Markdown changed in {name}"),
    ".yaml": Message("only the formatting changed in {name}"),
    ".yml": Message("only the formatting changed in {name}"),
    ".json": Message("only the formatting changed in {name}"),
}


def is_comparable(name: str) -> bool:
    """Return whether files of this name are compared by their meaning."""
    return PurePosixPath(name).suffix in COSMETIC_REASONS


def cosmetic_reason(name: str) -> Message:
    """Return the reason of a plan for a file in which only the formatting changed."""
    return COSMETIC_REASONS[PurePosixPath(name).suffix].fill(name=name)


def same_meaning(name: str, old: bytes, new: bytes) -> bool:
    """Return whether two contents of a file differ only cosmetically.

    False if one of them cannot be parsed.
    """
    if not is_comparable(name) or max(len(old), len(new)) > MAX_FILE_BYTES:
        return False
    compare = {".py": _python, ".ipynb": _notebook, ".json": _json}
    meaning = compare.get(PurePosixPath(name).suffix, _yaml)
    try:
        return bool(meaning(old) == meaning(new))
    except Exception:  # noqa: BLE001  a person's file: whatever it holds, it is taken as changed
        return False


def _python(source: bytes) -> Any:
    """Return the syntax tree, without the positions of its nodes, and the interpreter line.

    Two comments have a meaning: the first line can choose the interpreter, and a metadata block
    (PEP 723) the packages. ValueError for a file with such a block.
    """
    lines = source.splitlines()
    started = lines[0] if lines and lines[0].startswith(b"#!") else b""
    metadata = [line for line in lines if line.startswith(b"# /// ")]
    if metadata:
        raise ValueError("a comment that is read by programs")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return started, ast.dump(ast.parse(source))


def _notebook(source: bytes) -> Any:
    """Return the kernel, and the code of the cells in order with the tags that runners use."""
    notebook = json.loads(source)
    if notebook["nbformat"] < 4:
        raise ValueError("a notebook of an older kind")
    kernel = notebook.get("metadata", {}).get("kernelspec", {}).get("name")
    cells = [
        (_join_lines(cell["source"]), sorted(cell.get("metadata", {}).get("tags", [])))
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
    ]
    return kernel, [(code, tags) for code, tags in cells if code.strip() or tags]


def _join_lines(source: str | list[str]) -> str:
    return source if isinstance(source, str) else "".join(source)


def _json(source: bytes) -> Any:
    return _ValueNormalizer().of(json.loads(source))


def _yaml(source: bytes) -> Any:
    """Return the values by YAML 1.1 and 1.2, since the version of the reader is not known."""
    from ruamel.yaml import YAML

    def values(version: tuple[int, int]) -> list[Any]:
        yaml = YAML(typ="safe", pure=True)
        yaml.version = version
        return [_ValueNormalizer().of(document) for document in yaml.load_all(source)]

    return values((1, 1)), values((1, 2))


class _ValueNormalizer:
    """Converts values to a form with types (1 is neither true nor 1.0) and without key order."""

    def __init__(self) -> None:
        self._remaining = MAX_VALUES

    def of(self, value: Any) -> Any:
        self._remaining -= 1
        if self._remaining < 0:
            raise ValueError("too many values")
        if isinstance(value, Mapping):
            return "map", sorted((repr(self.of(key)), self.of(part)) for key, part in value.items())
        if isinstance(value, list | tuple):
            return "list", [self.of(part) for part in value]
        return type(value).__name__, repr(value)
