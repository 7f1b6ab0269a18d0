"""Details of a model for its page: what a version reads and returns, and where it is used.

Nothing of a model is loaded: its file is read as text, since loading can run code.
"""

from __future__ import annotations

import json
import zipfile
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jupyter_mlws.components.preparation import stored_columns
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.versioning.model_registry.manager import ModelRegistry
from jupyter_mlws.versioning.model_registry.models import (
    ModelSignature,
    ModelUse,
    SignatureColumn,
)
from jupyter_mlws.workflows.document.files import Documents
from mlws.core.errors import MLWSError
from mlws.core.paths import unescape
from mlws.dvc.pointers import as_mapping, load_mapping

MAX_FILE_BYTES = 200_000_000
"""Bytes of a model's file that is fetched for its signature."""
MAX_MLMODEL_BYTES = 10_000_000
MAX_ENTRY_BYTES = 64_000_000
"""Bytes of one entry of a skops file that is read."""
MAX_COLUMNS = 2000
SCHEMA = "schema.json"
NODES = {"load_model": False, "register_model": True}
"""Components that name a model, and whether they register a version of it."""


def read_signature(registry: ModelRegistry, identifier: str, number: str) -> ModelSignature:
    """Return what a version reads and returns, as its file says; empty if none does.

    Raises VersionItemNotFoundError.
    """
    with registry.description_file(identifier, number, MAX_FILE_BYTES) as found:
        if found is None:
            return ModelSignature(file=None)
        path, place = found
        try:
            read = _read_skops if place.suffix == ".skops" else _read_mlmodel
            inputs, outputs = read(place)
        except Exception:  # noqa: BLE001  of whichever reader: damaged, or of another program
            return ModelSignature(file=None)
    return ModelSignature(file=path, inputs=inputs[:MAX_COLUMNS], outputs=outputs[:MAX_COLUMNS])


def list_uses(documents: Documents, registry: ModelRegistry, identifier: str) -> Page[ModelUse]:
    """Return the nodes and the lines of files that name a model."""
    name = unescape(identifier)
    return Page(items=[*_iter_nodes(documents, name), *registry.mentions(identifier)])


def _iter_nodes(documents: Documents, name: str) -> Iterator[ModelUse]:
    for path in documents.paths():
        try:
            stages = documents.read(path).stages()
        except MLWSError:
            # The workflow's own page reports why it cannot be read.
            continue
        for stage in stages:
            if stage.component in NODES and stage.settings.get("name") == name:
                version = stage.settings.get("version")
                yield ModelUse(
                    path=path,
                    node=stage.id,
                    registers=NODES[stage.component],
                    version=None if version is None else str(version),
                )


def _read_mlmodel(file: Path) -> tuple[list[SignatureColumn], list[SignatureColumn]]:
    """Return inputs and outputs of MLflow's ``MLmodel``, whose signature is JSON in YAML."""
    if file.stat().st_size > MAX_MLMODEL_BYTES:
        raise ValueError(f"it is larger than {MAX_MLMODEL_BYTES} bytes")
    signature = as_mapping(load_mapping(file.read_bytes()).get("signature"))
    inputs, outputs = (
        [
            SignatureColumn(name=row.get("name"), type=_type_text(row))
            for row in json.loads(signature.get(kind) or "[]")
        ]
        for kind in ("inputs", "outputs")
    )
    return inputs, outputs


def _type_text(row: Mapping[str, Any]) -> str:
    kind = str(row["type"])
    if kind == "tensor":
        spec = row["tensor-spec"]
        return f"tensor {spec['dtype']} ({', '.join(map(str, spec['shape']))})"
    if kind == "array":
        return f"array of {_type_text(row['items'])}"
    return kind


def _read_skops(file: Path) -> tuple[list[SignatureColumn], list[SignatureColumn]]:
    """Return the columns that a scikit-learn model was fitted on, and the classes it returns."""
    unused = {column.name for column in stored_columns(file) if column.step == "ignored"}
    with zipfile.ZipFile(file) as archive:
        schema = json.loads(archive.read(_checked(archive, SCHEMA)))
        names = _attribute(archive, schema, "feature_names_in_")
        classes = _attribute(archive, schema, "classes_")
    inputs = [SignatureColumn(name=name) for name in names if name not in unused]
    return inputs, [SignatureColumn(name=None, values=classes)] if classes else []


def _attribute(archive: zipfile.ZipFile, schema: Any, name: str) -> list[str]:
    """Return the values of an attribute of the outermost estimator that has it."""
    waiting = deque([schema])
    while waiting:
        value = waiting.popleft()
        if isinstance(value, dict):
            if isinstance(array := value.get(name), dict):
                return _array(archive, array)
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return []


def _array(archive: zipfile.ZipFile, array: Mapping[str, Any]) -> list[str]:
    """Return the values of an array of a skops file: an entry in numpy's format, or JSON."""
    if "file" in array:
        import numpy

        with archive.open(_checked(archive, array["file"])) as file:
            values = numpy.load(file, allow_pickle=False).ravel()[:MAX_COLUMNS]
            return [str(one) for one in values.tolist()]
    entries = array["content"][:MAX_COLUMNS]
    return [str(json.loads(one["content"])) for one in entries if one["is_json"]]


def _checked(archive: zipfile.ZipFile, name: str) -> str:
    """Return the name of an entry; ValueError if it is too large."""
    if archive.getinfo(name).file_size > MAX_ENTRY_BYTES:
        raise ValueError(f"{name} is larger than {MAX_ENTRY_BYTES} bytes")
    return name
