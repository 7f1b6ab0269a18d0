"""Values of parameters files, in every format that DVC knows."""

from __future__ import annotations

import ast
import json
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlws.core.i18n import Message
from mlws.dvc import yaml_loader
from mlws.dvc.unsupported import UnsupportedStageError

FAULTY_FILE = Message("file structure is corrupted")


class ParametersFileError(ValueError):
    """A parameters file that DVC would refuse; ``reason`` says why, without the file's name."""

    def __init__(self, reason: Message) -> None:
        super().__init__(str(reason))
        self.reason = reason


def read_values(path: Path, suffix: str = "") -> Any:
    """Return the value of a YAML, JSON, TOML or Python file; an empty mapping for an empty file.

    ``suffix``: says the format of a file whose own name does not, as in the cache.

    Raises :class:`ParametersFileError`, or OSError.
    """
    suffix = suffix or path.suffix
    try:
        text = path.read_text(encoding="utf-8")
        if suffix == ".json":
            return json.loads(text) or {}
        if suffix == ".toml":
            return tomllib.loads(text)
        if suffix == ".py":
            return dict(_iter_assignments(ast.parse(text).body))
    except UnicodeDecodeError as error:
        raise ParametersFileError(Message("it is not UTF-8")) from error
    except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
        raise ParametersFileError(FAULTY_FILE) from error
    with suppress(UnsupportedStageError):
        return yaml_loader.read(text) or {}
    from ruamel.yaml.error import YAMLError

    try:
        return yaml_loader.read_by_ruamel(text)[0] or {}
    except (YAMLError, ValueError, RecursionError) as error:
        raise ParametersFileError(FAULTY_FILE) from error


def _iter_assignments(
    body: Iterable[ast.stmt], *, is_constructor: bool = False
) -> Iterator[tuple[str, Any]]:
    """Yield the literals that are assigned to names, in classes, and to ``self`` in constructors.

    What is no literal is left out, as DVC does.
    """
    for statement in body:
        match statement:
            case ast.ClassDef(name=name):
                yield name, dict(_iter_assignments(statement.body))
                continue
            case ast.FunctionDef(name="__init__"):
                yield from _iter_assignments(statement.body, is_constructor=True)
                continue
            case ast.Assign(targets=[target], value=value):
                pass
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                pass
            case _:
                continue
        match target:
            case ast.Name(id=name) if not is_constructor:
                pass
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                pass
            case _:
                continue
        with suppress(ValueError, TypeError):
            yield name, ast.literal_eval(value)
