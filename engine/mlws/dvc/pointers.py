"""Data that a version names, read from the texts of its ``*.dvc`` and ``dvc.lock`` files.

DVC itself is not needed for that, and a broken ``dvc.yaml`` does not matter.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import yaml

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
LOCK_FILE = "dvc.lock"
PIPELINE_FILE = "dvc.yaml"
SETTINGS_FILE = ".dvc/config"


class ObjectFault(StrEnum):
    """Fault of an object in a store."""

    MISSING = "missing"
    DAMAGED = "damaged"


@dataclass(frozen=True)
class DataPointer:
    """One path whose content DVC stores; ``md5`` is None if nothing was recorded yet.

    ``source`` is the file that names it; ``legacy`` marks hashes of DVC 2 (line endings of text
    normalised); ``isexec`` a file to be executable; data that is not ``pushed`` (imports of
    repositories, and ``push: false``) never goes to the remote. ``written`` is the path as
    ``source`` has it.
    """

    path: str
    source: str
    md5: str | None
    size: int | None = None
    files: int | None = None
    legacy: bool = False
    isexec: bool = False
    pushed: bool = True
    written: str = ""

    @property
    def folder(self) -> bool:
        return self.md5 is not None and self.md5.endswith(".dir")

    @property
    def hash_name(self) -> str:
        """DVC's name of the hash function."""
        return "md5-dos2unix" if self.legacy else "md5"

    @property
    def pipeline(self) -> bool:
        """True for an output of a workflow, which only a run can commit."""
        return posixpath.basename(self.source) == LOCK_FILE


def names_data(path: str) -> bool:
    """Return True if ``path`` is a file that names data."""
    if not path.endswith((".dvc", LOCK_FILE)):
        return False
    name = posixpath.basename(path)
    return name == LOCK_FILE or (name.endswith(".dvc") and name != ".dvc")


def is_relevant(path: str) -> bool:
    """Return True if :func:`read_pointers` needs the text of ``path``."""
    return names_data(path) or path == PIPELINE_FILE or path.endswith(f"/{PIPELINE_FILE}")


def read_pointers(texts: Mapping[str, bytes]) -> list[DataPointer]:
    """Return all data that the given files (path → content) name, by path.

    A file that does not parse names nothing: git still versions it as text. A lock is read with
    the ``dvc.yaml`` beside it, which alone has the working folders and the uncached outputs.
    """
    items: dict[str, DataPointer] = {}
    for source, text in texts.items():
        if not names_data(source):
            continue
        for item in _iter_pointers(source, text, texts):
            # Of a path named twice the one with a hash is kept.
            if item.path not in items or items[item.path].md5 is None:
                items[item.path] = item
    return [items[path] for path in sorted(items)]


def _iter_pointers(source: str, text: bytes, texts: Mapping[str, bytes]) -> Iterator[DataPointer]:
    document = load_mapping(text)
    base = posixpath.dirname(source)
    if posixpath.basename(source) != LOCK_FILE:
        folder = posixpath.join(base, str(document.get("wdir", "")))
        # What comes of another repository is fetched from there again; an address may be gone.
        is_import = any("repo" in as_mapping(dep) for dep in _as_list(document.get("deps")))
        for item in _iter_outputs(source, folder, document.get("outs"), frozenset()):
            yield replace(item, pushed=item.pushed and not is_import)
        return
    stages = as_mapping(document.get("stages"))
    definitions = as_mapping(
        load_mapping(texts.get(posixpath.join(base, PIPELINE_FILE), b"")).get("stages")
    )
    for name, stage in stages.items():
        definition = as_mapping(
            definitions.get(str(name)) or definitions.get(str(name).split("@")[0])
        )
        definition = as_mapping(definition.get("do")) or definition
        wdir = str(definition.get("wdir", ""))
        uncached_paths = {
            str(path)
            for kind in ("outs", "metrics", "plots")
            for row in _as_list(definition.get(kind))
            for path, options in as_mapping(row).items()
            if as_mapping(options).get("cache") is False
        }
        if not definition or "${" in wdir or any("${" in path for path in uncached_paths):
            # The paths are templates: neither they nor which of them are cached is known.
            continue
        folder = posixpath.join(base, wdir)
        yield from _iter_outputs(source, folder, as_mapping(stage).get("outs"), uncached_paths)


def is_yaml_mapping(text: bytes) -> bool:
    """Return True if ``text`` parses to a mapping, as a file that names data must."""
    return isinstance(_load_yaml(text), dict)


def load_mapping(text: bytes) -> dict[str, Any]:
    """Return the mapping that a YAML text is; an empty one for any other text."""
    return as_mapping(_load_yaml(text))


def _load_yaml(text: bytes) -> Any:
    try:
        return yaml.load(text, Loader=_LOADER)  # noqa: S506  a safe loader, in C if possible
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def as_mapping(value: Any) -> dict[str, Any]:
    """Return a mapping itself; an empty one for any other value."""
    return value if isinstance(value, dict) else {}


def _iter_outputs(
    source: str, folder: str, outs: Any, uncached_paths: Collection[str]
) -> Iterator[DataPointer]:
    for out in _as_list(outs):
        if not isinstance(out, dict) or not isinstance(out.get("path"), str):
            continue
        if out["path"] in uncached_paths:
            continue
        path = posixpath.normpath(posixpath.join(folder, out["path"]))
        local = "://" not in out["path"] and not path.startswith(("../", "/"))
        if local and out.get("cache", True):
            md5 = out.get("md5")
            yield DataPointer(
                path,
                source,
                str(md5) if md5 else None,
                _as_int(out.get("size")),
                _as_int(out.get("nfiles")),
                legacy=bool(md5) and out.get("hash") != "md5",
                isexec=bool(out.get("isexec")),
                pushed=out.get("push") is not False,
                written=out["path"],
            )


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _as_int(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def covers(paths: Iterable[str], path: str) -> bool:
    """Return True if ``path`` is one of ``paths``, or below one of them."""
    return any(
        path == parent or parent in ("", ".") or path.startswith(parent.rstrip("/") + "/")
        for parent in paths
    )
