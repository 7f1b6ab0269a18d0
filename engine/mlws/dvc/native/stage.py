"""One stage of plain local files, read from resolved data."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mlws.core.i18n import Message
from mlws.dvc.unsupported import UnsupportedStageError

DEFAULT_PARAMS_FILE = "params.yaml"
"""The parameters file that needs no name."""
PLOT_KEYS = frozenset(("template", "x", "y", "x_label", "y_label", "title", "header"))
FLAG_KEYS = frozenset(("cache", "persist", "desc", "type", "labels", "meta", "remote", "push"))
"""Keys of an output. ``remote`` and ``push`` concern transfers only."""
STAGE_KEYS = frozenset(
    (
        "cmd", "wdir", "deps", "params", "outs", "metrics", "plots", "frozen", "meta", "desc",
        "always_changed", "vars",
    )
)  # fmt: skip


@dataclass(frozen=True)
class StagePath:
    """A path as in the stage and the lock file (``path``), and its full path (``full``)."""

    path: str
    full: str
    cached: bool = True
    persist: bool = False
    kind: str = "outs"

    @property
    def measure(self) -> bool:
        """True for a metrics or plots file."""
        return self.kind != "outs"


@dataclass(frozen=True)
class Params:
    """Parameters of a file: those named by ``keys``, or all of them if it is empty."""

    path: str
    full: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class NativeStage:
    """A stage of plain local files; dependencies and outputs as they stand in the file."""

    name: str
    cmd: str | list[str]
    wdir: str
    deps: tuple[StagePath, ...]
    params: tuple[Params, ...]
    outs: tuple[StagePath, ...]
    always_changed: bool = False
    frozen: bool = False

    @property
    def callback(self) -> bool:
        """True for a stage with neither dependencies nor outputs, which DVC runs every time."""
        return not (self.deps or self.params or self.outs)

    @property
    def runs_always(self) -> bool:
        return self.callback or self.always_changed

    @cached_property
    def cacheable(self) -> bool:
        """True if the run cache supports such stages."""
        return (
            not self.runs_always
            and bool(self.cmd and (self.deps or self.params) and self.outs)
            and not any(out.persist for out in self.outs)
        )

    @cached_property
    def kept(self) -> bool:
        """True if a run of this stage is saved in the run cache."""
        return self.cacheable and all(out.cached or out.measure for out in self.outs)


def parse_stage(name: str, data: Mapping[str, Any], folder: str, root: str) -> NativeStage:
    """Return the stage for its resolved data; :class:`UnsupportedStageError` if not plain."""
    if set(data) - STAGE_KEYS:
        raise UnsupportedStageError(Message("an unsupported key"))
    cmd = data.get("cmd")
    if not (isinstance(cmd, str) or (isinstance(cmd, list) and all(type(c) is str for c in cmd))):
        raise UnsupportedStageError(Message("an unsupported command"))
    wdir = os.path.normpath(os.path.join(folder, str(data.get("wdir") or ".")))
    if not _is_inside(wdir, root) or not os.path.isdir(wdir):
        raise UnsupportedStageError(Message("a working directory outside the project"))
    outs = tuple(_iter_outputs(data, wdir, root))
    paths = list(data.get("deps") or ())
    if not all(isinstance(path, str) for path in paths):
        raise UnsupportedStageError(Message("an unsupported dependency"))
    deps = tuple(StagePath(path, _full_path(path, wdir, root), cached=False) for path in paths)
    places = [place.full for place in (*deps, *outs)]
    if len(set(places)) != len(places):
        raise UnsupportedStageError(Message("a duplicate path"))
    return NativeStage(
        name,
        cmd if isinstance(cmd, str) else list(cmd),
        wdir,
        deps,
        tuple(_iter_params(data.get("params"), wdir, root)),
        outs,
        bool(data.get("always_changed")),
        bool(data.get("frozen")),
    )


def _iter_outputs(data: Mapping[str, Any], wdir: str, root: str) -> Iterator[StagePath]:
    for kind in ("outs", "metrics", "plots"):
        allowed_keys = FLAG_KEYS | PLOT_KEYS if kind == "plots" else FLAG_KEYS
        for entry in data.get(kind) or ():
            for path, value in entry.items() if isinstance(entry, Mapping) else [(entry, {})]:
                flags = value or {}
                if (
                    not isinstance(path, str)
                    or not isinstance(flags, Mapping)
                    or set(flags) - allowed_keys
                ):
                    raise UnsupportedStageError(Message("an unsupported output"))
                full = _full_path(path, wdir, root)
                if posixpath.basename(full) in ("dvc.yaml", "dvc.lock") or full.endswith(".dvc"):
                    raise UnsupportedStageError(Message("an output that is a DVC file"))
                cached, persist = flags.get("cache", True), flags.get("persist", False)
                yield StagePath(path, full, cached, persist, kind)


def _iter_params(entries: Any, wdir: str, root: str) -> Iterator[Params]:
    """Yield the parameters of each file, the default file first, then by name."""
    pairs = [
        pair
        for entry in entries or ()
        for pair in (
            entry.items() if isinstance(entry, Mapping) else [(DEFAULT_PARAMS_FILE, [entry])]
        )
    ]
    whole = {path for path, names in pairs if not names}
    keys: dict[str, list[str]] = {}
    for path, names in pairs:
        if path in whole:
            keys[path] = []
        elif not isinstance(names, list) or not all(type(name) is str for name in names):
            raise UnsupportedStageError(Message("unsupported parameters"))
        else:
            keys.setdefault(path, []).extend(names)
    for path in sorted(keys, key=lambda path: (path != DEFAULT_PARAMS_FILE, path)):
        yield Params(path, _full_path(path, wdir, root), tuple(dict.fromkeys(keys[path])))


def _full_path(path: str, wdir: str, root: str) -> str:
    if not path or "://" in path or path.startswith(("/", "~", "#")) or "\\" in path:
        raise UnsupportedStageError(Message("a path that is not relative"))
    full = os.path.normpath(os.path.join(wdir, path))
    if not _is_inside(full, root) or full == root:
        raise UnsupportedStageError(Message("a path outside the repository"))
    return full


def _is_inside(path: str, root: str) -> bool:
    return path == root or path.startswith(f"{root}{os.sep}")


def relative(full: str, root: Path) -> str:
    """Return a full path relative to ``root``, as users see it."""
    return full[len(str(root)) + 1 :]
