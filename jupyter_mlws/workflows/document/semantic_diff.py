"""Detects cosmetic changes: two texts of a file that mean the same to the program that reads it.

Python is compared by its syntax tree, notebooks by the code of their cells, YAML and JSON by their
values. Nothing is imported or executed. In doubt a difference counts.
"""

from __future__ import annotations

import ast
import json
import warnings
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from mlws.core.i18n import Message

MAX_FILE_BYTES = 4_000_000
"""Bytes. Larger files are data and are not compared."""
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
    suffix = PurePosixPath(name).suffix
    try:
        return bool(_meaning(suffix, old) == _meaning(suffix, new))
    except Exception:  # noqa: BLE001  a user's file: one that cannot be compared counts as changed
        return False


def _meaning(suffix: str, source: bytes) -> Any:
    """Return what a program reads of a file, as a value that can be compared.

    Of Python code the syntax tree without positions and the interpreter line; of a notebook the
    kernel, and the code of the cells in order with the tags that runners use. YAML is read by
    versions 1.1 and 1.2, since that of the reader is not known.
    """
    if suffix == ".json":
        return _ValueNormalizer().of(json.loads(source))
    if suffix == ".py":
        lines = source.splitlines()
        if any(line.startswith(b"# /// ") for line in lines):
            raise ValueError("a metadata block (PEP 723), which names the packages")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.dump(ast.parse(source))
        return lines[0] if lines and lines[0].startswith(b"#!") else b"", tree
    if suffix == ".ipynb":
        notebook = json.loads(source)
        if notebook["nbformat"] < 4:
            raise ValueError("a notebook of an older format")
        kernel = notebook.get("metadata", {}).get("kernelspec", {}).get("name")
        cells = [
            ("".join(cell["source"]), sorted(cell.get("metadata", {}).get("tags", [])))
            for cell in notebook["cells"]
            if cell["cell_type"] == "code"
        ]
        return kernel, [(code, tags) for code, tags in cells if code.strip() or tags]
    from ruamel.yaml import YAML

    values = []
    for version in ((1, 1), (1, 2)):
        yaml = YAML(typ="safe", pure=True)
        yaml.version = version
        values.append([_ValueNormalizer().of(document) for document in yaml.load_all(source)])
    return values


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
