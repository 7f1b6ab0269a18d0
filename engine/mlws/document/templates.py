"""The stages of a `dvc.yaml` with templates filled in and variants made, by DVC's rules.

The rules are those of ``dvc.parsing``: values come from `params.yaml` beside the file, from `vars`
of the file and of a stage, and from the ``item`` and ``key`` of a variant.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

from mlws.core.i18n import Message
from mlws.document.parse import Document, unreadable
from mlws.dvc.native.parameter_files import ParametersFileError, read_values
from mlws.dvc.native.repository import read_parsing_settings
from mlws.dvc.native.up_to_date_cache import content_hash

PARAMS_FILE = "params.yaml"
CONFIG_FILES = (".dvc/config", ".dvc/config.local")
"""Say how settings that are lists or false are written in commands."""
ITEM, KEY, FOREACH, MATRIX = "item", "key", "foreach", "matrix"

MAX_VARIANTS = 10_000
"""Stages that the `foreach` and `matrix` of a file may make."""
MAX_CHARACTERS = 100_000_000
"""Text of the stages of a file, with their templates filled in."""

TEMPLATE = re.compile(r"(?<!\\)\${(?P<name>.*?)}")
NAME = re.compile(r"[^.\[\]]+(?:\s*\.[^.\[\]]+|\s*\[[^.\[\]]+\])*\s*")
PRIMITIVES = (int, float, str, bytes)

Where = tuple[str, ...]
"""The keys that lead to a value."""
Settings = Mapping[str, str]
"""The section `parsing` of DVC's configuration."""
DEFAULTS: Settings = {}


class TemplateError(Exception):
    """A template that cannot be filled in; ``reason`` says why."""

    def __init__(self, reason: Message) -> None:
        super().__init__(str(reason))
        self.reason = reason


class Values:
    """The values that templates may name; each remembers where it was defined.

    ``reserved_names``: names that `vars` must not define, those of a variant.
    """

    def __init__(self) -> None:
        self.data: dict[str, Any] = {}
        self._origins: dict[Where, str] = {}
        self._imports: dict[str, list[str] | None] = {}
        self.reserved_names: tuple[str, ...] = ()
        self.uses: dict[str, dict[str, Any]] = {}
        """Values of files that templates name, by file and dotted name; not mappings, as in DVC."""

    def copy(self) -> Values:
        """Return values to which others can be added."""
        new = Values()
        new.data = _copy_mappings(self.data)
        new._origins = dict(self._origins)
        new._imports = {path: keys and list(keys) for path, keys in self._imports.items()}
        new.reserved_names = self.reserved_names
        new.uses = self.uses
        return new

    def with_variant(self, variables: Mapping[str, Any]) -> Values:
        """Return these values and those of a variant, which hide others of the same name.

        Only a :meth:`copy` of them can get others.
        """
        new = copy(self)
        new.data = {**self.data, **_convert(variables, "item")}
        new.reserved_names = tuple(variables)
        return new

    def load(self, root: Path, folder: str, entries: Sequence[Any], stage: str = "") -> None:
        """Add the values of `vars`: names of files, with a selection of keys, or mappings."""
        for place, entry in enumerate(entries):
            if isinstance(entry, str):
                self.load_file(root, folder, entry)
            else:
                origin = f"{stage}.vars[{place}]" if stage else f"vars[{place}]"
                self._merge(_convert(entry, origin), origin)

    def load_file(self, root: Path, folder: str, entry: str) -> None:
        """Add the values of a file, or of some of its keys: ``path:key,key``."""
        name, _, selection = entry.partition(":")
        path = posixpath.normpath(posixpath.join(folder, name))
        keys = [key for key in selection.split(",") if key] or None
        if path in self._imports:
            previous_keys = self._imports[path]
            if keys is None and previous_keys is None:
                return
            if keys is not None and previous_keys is None:
                raise TemplateError(
                    Message("cannot partially load '{file}' as it's already loaded.", file=entry)
                )
            if keys is None or not set(keys).isdisjoint(previous_keys or ()):
                raise TemplateError(
                    Message("cannot load '{file}' as it's partially loaded already", file=entry)
                )
        data = _read(root, path)
        for key in keys or ():
            if key not in data:
                raise TemplateError(
                    Message("could not find '{key}' in '{path}'", key=key, path=path)
                )
        values = {key: data[key] for key in keys} if keys else data
        self._merge(_convert(values, path), path, entry)
        self._imports[path] = keys and [*(self._imports.get(path) or ()), *keys]

    def _merge(self, new: dict[str, Any], origin: str, entry: str = "") -> None:
        conflicts = [name for name in self.reserved_names if name in new]
        if conflicts:
            names = " and ".join(conflicts)
            message = Message("attempted to modify reserved key {names}", names=names)
            if entry:
                message = Message(
                    "attempted to modify reserved key {names} in '{file}'", names=names, file=entry
                )
            raise TemplateError(message)
        self._merge_at((), self.data, new, origin)

    def _merge_at(
        self, where: Where, into: dict[str, Any], new: Mapping[str, Any], origin: str
    ) -> None:
        for key, value in new.items():
            here = (*where, key)
            if isinstance(into.get(key), dict) and isinstance(value, dict):
                self._merge_at(here, into[key], value, origin)
                continue
            if key in into:
                raise TemplateError(
                    Message(
                        "cannot redefine '{name}' from '{origin}' as it already exists in "
                        "'{other}'",
                        name=".".join(here),
                        origin=origin,
                        other=self._origin(here),
                    )
                )
            into[key] = value
            self._origins[here] = origin

    def find(self, name: str) -> Any:
        """Return a value by its dotted name; :class:`TemplateError` if there is none."""
        value: Any = self.data
        where = tuple(part.strip() for part in name.replace("[", ".").replace("]", "").split("."))
        for part in where:
            try:
                if isinstance(value, dict):
                    value = value[part]
                elif isinstance(value, list):
                    value = value[int(part)]
                else:
                    raise KeyError(part)
            except (LookupError, ValueError) as error:
                raise TemplateError(Message("Could not find '{name}'", name=name)) from error
        origin = self._origin(where)
        is_of_variant = where[0] in self.reserved_names
        if origin in self._imports and not is_of_variant and not isinstance(value, dict):
            self.uses.setdefault(origin, {})[".".join(where)] = value
        return value

    def _origin(self, where: Where) -> str:
        """Return the file, or the entry of `vars`, that defines a value or what it is in."""
        above = (where[:length] for length in range(len(where), 0, -1))
        return next((self._origins[one] for one in above if one in self._origins), "")


def _copy_mappings(value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _copy_mappings(part) if isinstance(part, dict) else part for key, part in value.items()
    }


def _read(root: Path, path: str) -> Mapping[str, Any]:
    place = root / path
    if place.is_dir():
        raise TemplateError(Message("'{path}' is a directory", path=path))
    try:
        data = read_values(place)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise TemplateError(Message("'{path}' does not exist", path=path)) from error
    except (ParametersFileError, OSError) as error:
        reason = error.reason if isinstance(error, ParametersFileError) else str(error.strerror)
        raise TemplateError(
            Message("unable to read '{path}': {reason}", path=path, reason=reason)
        ) from error
    if not isinstance(data, Mapping):
        raise TemplateError(
            Message(
                "expected a dictionary, got '{type}' in file '{path}'",
                type=type(data).__name__,
                path=path,
            )
        )
    return data


def _convert(value: Any, where: str) -> Any:
    """Return a value without keys that are no strings, which templates cannot name."""
    if isinstance(value, Mapping):
        return {
            key: _convert(part, f"{where}.{key}")
            for key, part in value.items()
            if isinstance(key, str)
        }
    if isinstance(value, list):
        return [_convert(part, f"{where}.{place}") for place, part in enumerate(value)]
    if value is None or isinstance(value, PRIMITIVES):
        return value
    raise TemplateError(
        Message(
            "unsupported value of type '{type}' in '{where}'",
            type=type(value).__name__,
            where=where,
        )
    )


class Group:
    """A definition with `foreach` or `matrix`: the template of its stages, and their variables."""

    def __init__(self, definition: Mapping[str, Any], values: Values, settings: Settings) -> None:
        self.is_matrix = MATRIX in definition
        if self.is_matrix and not definition.keys().isdisjoint((FOREACH, "do")):
            raise TemplateError(Message("it can't be combined with `foreach` or `do`"))
        self.template: Any = definition.get("do")
        if self.is_matrix:
            self.template = {key: part for key, part in definition.items() if key != MATRIX}
        if not isinstance(self.template, Mapping):
            raise TemplateError(Message("`do` must be a mapping that holds the stage"))
        self._settings = settings
        self._source = definition[MATRIX if self.is_matrix else FOREACH]
        self._data = _fill(self._source, values, settings)
        if not isinstance(self._data, Mapping if self.is_matrix else list | Mapping):
            raise TemplateError(
                Message("expected list/dictionary, got {type}", type=type(self._data).__name__)
            )
        for name, choices in self._data.items() if isinstance(self._data, Mapping) else ():
            if self.is_matrix and not isinstance(choices, list):
                raise TemplateError(
                    Message(
                        "expected a list for '{name}', got {type}",
                        name=name,
                        type=type(choices).__name__,
                    )
                )

    def __len__(self) -> int:
        return prod(map(len, self._data.values())) if self.is_matrix else len(self._data)

    def variants(self) -> dict[str, dict[str, Any]]:
        """Return the variables of each variant, by the part of its name after the ``@``."""
        if self.is_matrix:
            choices = (
                zip(self._names(self._source[name], part, name), part, strict=True)
                for name, part in self._data.items()
            )
            items = {
                "-".join(name for name, _ in choice): [value for _, value in choice]
                for choice in product(*choices)
            }
            return {
                key: {KEY: key, ITEM: dict(zip(self._data, item, strict=True))}
                for key, item in items.items()
            }
        if isinstance(self._data, Mapping):
            values_by_key = {
                _text(name, self._settings): value for name, value in self._data.items()
            }
            return {key: {KEY: key, ITEM: value} for key, value in values_by_key.items()}
        names = self._names(self._source, self._data)
        if any(isinstance(value, list | Mapping) for value in self._data):
            names = map(str, range(len(self._data)))
        return {name: {ITEM: value} for name, value in zip(names, self._data, strict=True)}

    def _names(self, source: Any, values: Sequence[Any], prefix: str = "") -> Iterator[str]:
        """Yield the text of each value in names: of a list or mapping, its place."""
        sources = source if isinstance(source, list) else [""] * len(values)
        for place, (source_text, value) in enumerate(zip(sources, values, strict=True)):
            if isinstance(value, list | Mapping):
                yield f"{prefix}{place}"
            else:
                # For DVC, `true` in the list is "true", and that of a template is "True".
                yield str(value) if isinstance(source_text, str) else _text(value, self._settings)


class Templates:
    """The templates of one file; WorkflowUnreadableError, with the line, if one is not valid."""

    def __init__(self, root: Path, document: Document) -> None:
        self._root = root
        self._document = document
        self._settings = read_parsing_settings(root)
        self._values = Values()
        self._groups: dict[str, Group] = {}
        self._definitions = {
            name: definition
            for name, definition in document.stages_data.items()
            if isinstance(definition, Mapping)
        }
        with self._at("vars"):
            entries = _check_vars(document.data.get("vars"))
            if (root / document.folder / PARAMS_FILE).exists():
                self._values.load_file(root, document.folder, PARAMS_FILE)
            self._values.load(root, document.folder, entries)
        count = 0
        for name, definition in self._definitions.items():
            generators = [key for key in (MATRIX, FOREACH) if key in definition]
            if not generators:
                continue
            with self._at("stages", name, generators[0]):
                group = self._groups[name] = Group(definition, self._values, self._settings)
            # Counted before any is made: a few hundred characters can mean billions.
            count += len(group)
            if count > MAX_VARIANTS:
                message = Message(
                    "`foreach` and `matrix` make {count} stages, and {limit} are the most; use "
                    "fewer values in the stage {name!r}",
                    count=count,
                    limit=MAX_VARIANTS,
                    name=name,
                )
                raise unreadable(document.path, message, document.line("stages", name))

    def stages(self) -> dict[str, Any]:
        """Return the stages by name; every variant of a group."""
        stages: dict[str, Any] = {}
        size = 0
        for name, stage in self._iter_stages():
            stages[name] = stage
            size += _count_characters(stage)
            if size > MAX_CHARACTERS:
                message = Message(
                    "with its templates filled in, it has more than {limit} MB of text; the limit "
                    "is reached at the stage {name!r}",
                    limit=MAX_CHARACTERS // 1_000_000,
                    name=name,
                )
                line = self._document.line("stages", name.partition("@")[0])
                raise unreadable(self._document.path, message, line)
        return stages

    def variants(self) -> dict[str, dict[str, Any]]:
        """Return the ``item``, and ``key`` if there is one, of each variant of each group."""
        return {
            name: {f"{name}@{key}": variables for key, variables in self._variants(name).items()}
            for name in self._groups
        }

    def section(self, name: str) -> list[Any]:
        """Return the entries of a list beside the stages, such as `metrics`."""
        with self._at(name):
            return [
                _fill(entry, self._values, self._settings) for entry in self._document.section(name)
            ]

    def values_in_use(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the values of files that the stages name, by file and dotted name."""
        # Without those that `foreach` and `matrix` have read.
        self._values.uses.clear()
        self.stages()
        return self._values.uses

    def _variants(self, name: str) -> dict[str, dict[str, Any]]:
        variants = self._groups[name].variants()
        with self._at("stages", name):
            if "" in variants:
                raise TemplateError(Message("a variant has no name, as its value is empty"))
        return variants

    def _iter_stages(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, definition in self._definitions.items():
            where: Where = ("stages", name)
            if name not in self._groups:
                yield name, self._resolve(name, definition, self._values, where)
                continue
            group = self._groups[name]
            where = where if group.is_matrix else (*where, "do")
            for key, variables in self._variants(name).items():
                with self._at(*where):
                    values = self._values.with_variant(variables)
                stage = self._resolve(f"{name}@{key}", group.template, values, where)
                yield f"{name}@{key}", stage

    def _resolve(
        self, name: str, definition: Mapping[str, Any], values: Values, where: Where
    ) -> dict[str, Any]:
        if definition.get("vars"):
            with self._at(*where, "vars"):
                entries = _check_vars(definition["vars"])
                wdir = _text(_fill(definition.get("wdir") or "", values, self._settings))
                values = values.copy()
                values.load(self._root, posixpath.join(self._document.folder, wdir), entries, name)
        stage = {}
        for key, part in definition.items():
            if key != "vars":
                with self._at(*where, key):
                    stage[key] = _fill(part, values, self._settings, key)
        return stage

    @contextmanager
    def _at(self, *where: str) -> Iterator[None]:
        """Raise a TemplateError as WorkflowUnreadableError, with the line of a key."""
        try:
            yield
        except TemplateError as error:
            message = Message("`{key}`: {reason}", key=".".join(where), reason=error.reason)
            line = self._document.line(*where)
            raise unreadable(self._document.path, message, line) from error


def _check_vars(entries: Any) -> list[Any]:
    """Return the entries of `vars`; TemplateError if they are not valid."""
    is_valid = isinstance(entries, list | None) and all(
        isinstance(entry, str | Mapping) for entry in entries or ()
    )
    if not is_valid:
        raise TemplateError(Message("must be a list of names of files and mappings"))
    if _has_templates(entries):
        raise TemplateError(Message("interpolating is not allowed"))
    return entries or []


def _has_templates(part: Any) -> bool:
    if isinstance(part, Mapping):
        return any(_has_templates(value) for item in part.items() for value in item)
    if isinstance(part, list):
        return any(map(_has_templates, part))
    return isinstance(part, str) and TEMPLATE.search(part) is not None


def _fill(part: Any, values: Values, settings: Settings, key: str | None = None) -> Any:
    """Return a part of a definition with its templates filled in.

    ``key``: the stage's key that it belongs to; no list or mapping may stand for a text there.
    """
    if isinstance(part, str):
        if "${" not in part:
            return part
        return _fill_text(part, values, settings, key)
    if isinstance(part, Mapping):
        mapping = {}
        for name, value in part.items():
            new_name = _fill(name, values, settings, key)
            if isinstance(new_name, list | dict):
                raise TemplateError(Message("{template} is not the name of a text", template=name))
            mapping[new_name] = _fill(value, values, settings, key)
        return mapping
    if isinstance(part, list):
        return [_fill(value, values, settings, key) for value in part]
    return part


def _fill_text(text: str, values: Values, settings: Settings, key: str | None) -> Any:
    parts, end = [], 0
    for match in TEMPLATE.finditer(text):
        if not NAME.fullmatch(match["name"]):
            raise TemplateError(Message("{template} is not a name", template=match[0]))
        value = values.find(match["name"])
        is_whole = match[0] == text
        # A command may have the settings of a mapping.
        is_option = key == "cmd" and isinstance(value, dict) and not is_whole
        if key is not None and isinstance(value, list | dict) and not is_option:
            raise TemplateError(
                Message("Cannot interpolate data of type '{type}'", type=type(value).__name__)
            )
        if is_whole:
            return value
        parts += [text[end : match.start()], _text(value, settings)]
        end = match.end()
    return "".join((*parts, text[end:])).replace("\\${", "${")


def _text(value: Any, settings: Settings = DEFAULTS) -> str:
    """Return a value as a part of a text; a mapping as options of a command."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        options = (_option(name, part, settings) for name, part in flatten(value))
        return " ".join(filter(None, options))
    return str(value)


def _option(name: str, value: Any, settings: Settings) -> str:
    if isinstance(value, bool):
        negation = f"--no-{name}" if settings.get("bool") == "boolean_optional" else ""
        return f"--{name}" if value else negation
    items = value if isinstance(value, list) else [value]
    if any(isinstance(item, list | Mapping) for item in items):
        raise TemplateError(Message("Cannot interpolate nested iterable in '{name}'", name=name))
    words = [shlex.quote(item) if isinstance(item, str) else str(item) for item in items]
    if settings.get("list") == "append":
        return " ".join(f"--{name} {word}" for word in words)
    return " ".join((f"--{name}", *words)) if words else ""


def resolve_stages(root: Path, document: Document) -> Mapping[str, Any]:
    """Return the stages of a document with templates filled in and variants made.

    Raises WorkflowUnreadableError if one is not valid, or if they are too many or too large.
    """
    words = ("${", "vars", FOREACH, MATRIX)
    if any(word in document.text for word in words):
        return Templates(root, document).stages()
    return document.stages_data


def resolve_variants(root: Path, document: Document) -> dict[str, dict[str, Any]]:
    """Return the variables of each variant of each `foreach` and `matrix`, by DVC's names."""
    if any(word in document.text for word in (FOREACH, MATRIX)):
        return Templates(root, document).variants()
    return {}


def resolve_section(root: Path, document: Document, name: str) -> list[Any]:
    """Return the entries of a list beside the stages, such as `metrics`, with templates filled in.

    Raises WorkflowUnreadableError if one is not valid.
    """
    entries = document.section(name)
    return Templates(root, document).section(name) if _has_templates(entries) else entries


def values_in_use(root: Path, document: Document) -> Mapping[str, Mapping[str, Any]]:
    """Return the values of other files that the stages name, by file and dotted name."""
    return Templates(root, document).values_in_use() if "${" in document.text else {}


def definition_sources(root: Path, document: Document) -> dict[str, str] | None:
    """Return the hashes of the other files that define the stages; None if that is not certain.

    Files that do not exist are included, with an empty hash.
    """
    # Values come from the parameters file and the entries of `vars` beside each definition.
    definitions: list[tuple[str, Mapping[str, Any]]] = [(document.folder, document.data)]
    for stage in document.stages_data.values():
        definition = stage.get("do", stage) if isinstance(stage, Mapping) else {}
        if not isinstance(definition, Mapping):
            continue
        wdir = posixpath.join(document.folder, str(definition.get("wdir") or "."))
        definitions.append((wdir, definition))
    files = set(CONFIG_FILES)
    for wdir, definition in definitions:
        entries = (entry for entry in definition.get("vars") or () if isinstance(entry, str))
        for name in (PARAMS_FILE, *(entry.partition(":")[0] for entry in entries)):
            files.add(posixpath.normpath(posixpath.join(wdir, name)))
    if any("${" in file for file in files):
        return None
    return {file: content_hash(root / file) for file in sorted(files)}


def flatten(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the values of a mapping and of those in it, by dotted names."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}.{below}", part) for below, part in flatten(value))
        else:
            yield name, value


def _count_characters(value: Any) -> int:
    if isinstance(value, Mapping):
        return sum(_count_characters(part) for part in value.values())
    if isinstance(value, list):
        return sum(map(_count_characters, value))
    return len(value) if isinstance(value, str) else 1
