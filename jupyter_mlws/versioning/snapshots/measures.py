"""Metrics and parameters of a version, read from its files."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator
from typing import Any

import yaml

from jupyter_mlws.git.adapter import Git
from jupyter_mlws.versioning.data_index import DataIndex
from mlws.core.project import Project
from mlws.dvc.data import open_data
from mlws.dvc.pointers import PIPELINE_FILE

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
PARAMS = "params.yaml"
LARGEST = 1024 * 1024
"""Bytes; metrics are small."""


class Measures:
    """Metrics and parameters of versions of one project."""

    def __init__(self, project: Project, content: DataIndex) -> None:
        self._project = project
        self._git = Git(project.root)
        self._content = content

    def params(self, sha: str) -> dict[str, Any]:
        """Return the parameters of a version, as ``file:key``.

        These are ``params.yaml`` and the settings of nodes in each ``dvc.yaml``
        (``file:node.key``).
        """
        params: dict[str, Any] = {}
        for path, document in self._documents(sha):
            if posixpath.basename(path) == PARAMS:
                params.update({f"{path}:{key}": value for key, value in _flat(document)})
                continue
            rows = document.get("vars")
            for row in rows if isinstance(rows, list) else ():
                if isinstance(row, dict):
                    settings = {key: value for key, value in row.items() if key != "workflow"}
                    params.update({f"{path}:{key}": value for key, value in _flat(settings)})
        return params

    def metrics(self, sha: str) -> dict[str, Any]:
        """Return the numbers in the metrics files of workflows, as ``file:key``."""
        metrics: dict[str, Any] = {}
        pointers = {item.path: item for item in self._content.data_at(sha)}
        for path in sorted(set(self._metric_files(sha))):
            text = self._git.blob(sha, path)
            if text is None and path in pointers:
                with open_data(self._project.root) as data:
                    text = data.cache.text_of(pointers[path], LARGEST)
            if text is None:
                continue
            try:
                if path.endswith(".json"):
                    document = json.loads(text)
                else:
                    document = yaml.load(text, Loader=_LOADER)  # noqa: S506  a safe one
            except (yaml.YAMLError, ValueError, RecursionError):
                continue
            for key, value in _flat(document):
                if isinstance(value, int | float) and not isinstance(value, bool):
                    metrics[f"{path}:{key}"] = value
        return metrics

    def _metric_files(self, sha: str) -> Iterator[str]:
        for path, document in self._documents(sha):
            stages = document.get("stages")
            for stage in stages.values() if isinstance(stages, dict) else ():
                if not isinstance(stage, dict):
                    continue
                base = posixpath.join(posixpath.dirname(path), str(stage.get("wdir", "")))
                rows = stage.get("metrics")
                for row in rows if isinstance(rows, list) else ():
                    for name in row if isinstance(row, dict) else [row]:
                        yield posixpath.normpath(posixpath.join(base, str(name)))

    def _documents(self, sha: str) -> Iterator[tuple[str, dict[str, Any]]]:
        entries = [
            entry
            for entry in self._git.tree(sha)
            if posixpath.basename(entry.path) in (PIPELINE_FILE, PARAMS)
        ]
        blobs = self._git.blobs([entry.sha for entry in entries]) if entries else {}
        for entry in entries:
            try:
                document = yaml.load(blobs[entry.sha], Loader=_LOADER)  # noqa: S506  a safe one
            except (yaml.YAMLError, ValueError, RecursionError):
                # A broken file has no parameters to compare; its text is in the list of files.
                continue
            if isinstance(document, dict):
                yield entry.path, document


def _flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of nested mappings with dotted names."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{prefix}.{key}" if prefix else str(key))
    elif prefix:
        yield prefix, value
