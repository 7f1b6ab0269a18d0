"""The stages that the targets of a command name, by the rules of ``dvc.repo.stage.collect``."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterator, Sequence

from mlws.core.i18n import Message
from mlws.document.parse import FILE
from mlws.repro.errors import Reason, ReproError
from mlws.repro.repository import POINTER, Node, Repository

TARGET = re.compile(r"(?P<path>.*?)(:(?P<name>[^\\/:]*))??")
LOCK = "dvc.lock"


def select(
    repository: Repository,
    targets: Sequence[str],
    folder: str,
    *,
    recursive: bool = False,
    glob: bool = False,
) -> list[Node]:
    """Return the stages of the targets, each once; without targets, those of the folder's file.

    ``folder``: where the command was given, relative to the root. :class:`ReproError` for a target
    that names none.
    """
    nodes: dict[str, Node] = {}
    for target in targets or (FILE,):
        for node in _iter_target(repository, target, folder, recursive, glob):
            nodes.setdefault(node.id, node)
    return list(nodes.values())


def _iter_target(
    repository: Repository, target: str, folder: str, recursive: bool, glob: bool
) -> Iterator[Node]:
    place = _at_root(folder, target)
    if recursive and (repository.root / place).is_dir():
        inside = "" if place == "." else f"{place}/"
        nodes = (repository.nodes[node] for node in repository.graph.order)
        yield from (node for node in nodes if node.file.startswith(inside))
        return
    file, name = parse_target(target, glob)
    path = _at_root(folder, file)
    if not path.endswith(POINTER) and posixpath.basename(path) != FILE:
        raise ReproError(Message("'{file}' does not exist", file=file), Reason.NO_FILE)
    in_file = [node for node in repository.nodes.values() if node.file == path]
    if not in_file and path not in repository.files:
        makers = [node for node, _ in repository.graph.makers(place)]
        if makers and name == target:
            yield from makers
            return
        raise ReproError(Message("'{file}' does not exist", file=file), Reason.NO_FILE)
    if not name or path.endswith(POINTER):
        yield from in_file
        return
    matches = [node for node in in_file if node.name == name or node.name.startswith(f"{name}@")]
    if glob:
        matches = [node for node in in_file if fnmatch.fnmatch(node.name, name)]
    elif not matches:
        # Beyond DVC, a target may be an output.
        matches = [node for node, out in repository.graph.makers(place) if out == place]
        if not matches:
            raise ReproError(
                Message("Stage '{name}' not found inside '{file}' file", name=name, file=file),
                Reason.NO_STAGE,
            )
    yield from matches


def parse_target(target: str, glob: bool) -> tuple[str, str]:
    """Return file and name of a target, as ``dvc.utils.parse_target`` does."""
    if glob:
        path, _, name = target.rpartition(":")
        return path or FILE, name
    group, _, key = target.partition("@")
    match = TARGET.fullmatch(group)
    path, name = (match["path"], match["name"] or "") if match else (target, "")
    if name and key:
        name = f"{name}@{key}"
    if path:
        if posixpath.basename(path) == LOCK:
            message = Message("Did you mean: `{name}`?", name=target.replace(".lock", ".yaml", 1))
            raise ReproError(message, Reason.WRONG_TARGET)
        if not name:
            is_file = posixpath.basename(target) == FILE or target.endswith(POINTER)
            return (target, "") if is_file else (FILE, target)
    return path or FILE, name


def _at_root(folder: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(folder, path))
