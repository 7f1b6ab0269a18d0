"""Previews of outputs: the first rows of a table, metrics, an image, or a text."""

from __future__ import annotations

import base64
import csv
import json
import re
import zipfile
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from ruamel.yaml.error import YAMLError

from jupyter_mlws.components.preparation import stored_columns
from jupyter_mlws.components.values import plain, table_files
from jupyter_mlws.core.errors import PreviewError, WorkflowItemNotFoundError
from jupyter_mlws.workflows.models import Column, ColumnPreparation, Preview
from mlws.document.terms import FILE_TYPES
from mlws.dvc import plots

MAX_ROWS = 100
MAX_COLUMNS = 200
MAX_TEXT_LENGTH = 100_000
"""Characters."""
MAX_IMAGE_BYTES = 20_000_000
"""Bytes."""
MAX_NOTEBOOK_BYTES = 20_000_000
"""Bytes."""
MAX_MODEL_SCHEMA_BYTES = 50_000_000
"""Bytes of a model's specification; a zip file of a few kB can hold gigabytes."""
MAX_CELL_LENGTH = 500
"""Characters of one value."""
VEGA_LITE = re.compile(r"/vega-lite/v(\d+)[.\d]*\.json$")
"""Schema URL of a chart: ``https://vega.github.io/schema/vega-lite/v5.json``."""
INLINE_DATA = frozenset({"values", "datasets"})
"""Keys for the rows of a chart, whose columns may have any name."""
MIMES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".svg": "image/svg+xml"}


def type_of(path: str) -> str:
    """Return the artifact type that a file's extension suggests."""
    suffix = Path(path).suffix.lower()
    return FILE_TYPES.get(suffix, "File" if suffix else "Folder")


def preview(kind: str, path: Path, suffix: str) -> Preview:
    """Return a preview of the file; ``suffix`` is its extension (files of the cache have none).

    Raises WorkflowItemNotFoundError if the file does not exist, PreviewError if its content does
    not match its type.
    """
    if not path.exists():
        raise WorkflowItemNotFoundError(kind="output", name=path.name)
    try:
        if suffix == ".ipynb" and path.stat().st_size <= MAX_NOTEBOOK_BYTES:
            notebook = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(notebook["cells"], list):
                raise ValueError("the file is not a notebook of format 4")
            return Preview(type="Notebook", notebook=notebook)
        if kind == "Table":
            return _table(path, suffix)
        if kind == "Folder":
            return _folder(path)
        if kind == "Metrics" and path.stat().st_size <= MAX_TEXT_LENGTH * 10:
            value = json.loads(path.read_text(encoding="utf-8"))
            return _vega(value) or Preview(type="Metrics", metrics=plain(value))
        if kind == "Figure":
            if path.stat().st_size > MAX_IMAGE_BYTES:
                raise ValueError(f"the image is larger than {MAX_IMAGE_BYTES // 1_000_000} MB")
            data = base64.b64encode(path.read_bytes()).decode()
            return Preview(type="Figure", mime=MIMES.get(suffix, "image/png"), data=data)
        return _model(path) if kind == "Model" else _text(path)
    except (
        OSError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        RecursionError,
        zipfile.BadZipFile,
    ) as error:
        # Raised by the parsers for a file that only looks like one of its kind.
        raise PreviewError(kind=kind, reason=str(error)) from error


def plot(path: Path, suffix: str, properties: Mapping[str, Any], templates: Path) -> Preview | None:
    """Return the chart that DVC draws of a plots file; None if it draws none.

    Raises WorkflowItemNotFoundError if the file does not exist, PreviewError if it does not fit
    ``properties``, its entry in `dvc.yaml`.
    """
    if not path.is_file():
        raise WorkflowItemNotFoundError(kind="output", name=path.name)
    try:
        spec = plots.chart(path, suffix, properties, templates)
        return None if spec is None else _vega(spec)
    except (OSError, ValueError, YAMLError) as error:
        raise PreviewError(kind="plot", reason=str(error)) from error


def _vega(spec: Any) -> Preview | None:
    """Return the preview of a chart; None if the value is not a Vega-Lite specification."""
    schema = spec.get("$schema") if isinstance(spec, dict) else None
    version = VEGA_LITE.search(schema) if isinstance(schema, str) else None
    if version is None:
        return None
    if _loads_url(spec):
        raise ValueError("the chart loads data from a URL (url); embed it instead (values)")
    mime = f"application/vnd.vegalite.v{version[1]}+json"
    # `usermeta` could load URLs, too.
    chart = {name: value for name, value in spec.items() if name != "usermeta"}
    return Preview(type="VegaLite", mime=mime, spec=chart)


def _loads_url(value: Any) -> bool:
    if isinstance(value, dict):
        rest = (inner for name, inner in value.items() if name not in INLINE_DATA)
        return "url" in value or any(map(_loads_url, rest))
    return isinstance(value, list) and any(map(_loads_url, value))


def _table(path: Path, suffix: str) -> Preview:
    if path.is_dir():
        # The first table of the directory, with the row count of all.
        files = table_files(path)
        if not files:
            return _folder(path)
        previews = [_table(file, file.suffix.lower()) for file in files]
        row_count = sum(one.row_count or 0 for one in previews)
        return previews[0].model_copy(update={"row_count": row_count})
    if suffix in (".csv", ".tsv", ".txt"):
        return _csv(path, "\t" if suffix == ".tsv" else ",")
    import pyarrow.parquet as parquet

    with parquet.ParquetFile(path) as file:
        fields = [f for f in file.schema_arrow if not f.name.startswith("__index_level")]
        names = [f.name for f in fields[:MAX_COLUMNS]]
        batch = next(file.iter_batches(batch_size=MAX_ROWS, columns=names), None)
        columns = [Column(name=f.name, dtype=str(f.type)) for f in fields[:MAX_COLUMNS]]
        values = [batch.column(name).to_pylist() for name in names] if batch is not None else []
        rows = [[to_cell(value) for value in row] for row in zip(*values, strict=True)]
        return Preview(type="Table", columns=columns, rows=rows, row_count=file.metadata.num_rows)


def _csv(path: Path, separator: str) -> Preview:
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        reader = csv.reader(file, delimiter=separator)
        header = next(reader, [])[:MAX_COLUMNS]
        rows: list[list[Any]] = []
        for row in reader:
            if len(rows) == MAX_ROWS:
                break
            rows.append([to_cell(value) for value in row[:MAX_COLUMNS]])
        count = len(rows) + sum(1 for _ in reader) + (len(rows) == MAX_ROWS)
    columns = [Column(name=name, dtype="") for name in header]
    return Preview(type="Table", columns=columns, rows=rows, row_count=count)


def to_cell(value: Any) -> Any:
    """Return a value of a table as JSON."""
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, timedelta | Decimal):
        return str(value)
    if isinstance(value, str):
        return value if len(value) <= MAX_CELL_LENGTH else value[:MAX_CELL_LENGTH] + "…"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        return str(value)  # JavaScript would round it
    return plain(value)


def _text(path: Path) -> Preview:
    with path.open("rb") as file:
        data = file.read(MAX_TEXT_LENGTH * 4)
    if b"\0" in data[:8000]:
        return Preview(type="Text", text=f"{path.stat().st_size} bytes", truncated=False)
    text = data.decode("utf-8", errors="replace")
    is_truncated = len(text) > MAX_TEXT_LENGTH or len(data) == MAX_TEXT_LENGTH * 4
    return Preview(type="Text", text=text[:MAX_TEXT_LENGTH], truncated=is_truncated)


def _folder(path: Path) -> Preview:
    names = sorted(p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file())
    text = "\n".join(names[:1000])
    return Preview(type="Text", text=text, truncated=len(names) > 1000)


def _model(path: Path) -> Preview:
    """Return the model's steps and settings from its specification, without loading the model."""
    with zipfile.ZipFile(path) as archive:
        if archive.getinfo("schema.json").file_size > MAX_MODEL_SCHEMA_BYTES:
            raise ValueError(
                f"its specification is larger than {MAX_MODEL_SCHEMA_BYTES // 1_000_000} MB"
            )
        schema = json.loads(archive.read("schema.json"))
    columns = [ColumnPreparation.from_object(one) for one in stored_columns(path)]
    text = "\n".join(_describe_model(schema, 0))
    return Preview(type="Model", text=text, preparation=columns or None)


def _describe_model(node: Any, depth: int) -> list[str]:
    settings, inner = [], []
    content = node.get("content")
    attributes = content.get("content", {}) if isinstance(content, dict) else {}
    for name, value in attributes.items() if isinstance(attributes, dict) else ():
        if name.startswith("_") or name.endswith("_"):
            continue
        if name == "steps":
            inner = [step["content"][1] for step in value["content"]]
        elif value.get("__loader__") == "JsonNode":
            settings.append(f"{name}={value['content']}")
    line = f"{'  ' * depth}{node['__class__']}({', '.join(settings)})"
    return [line, *(row for step in inner for row in _describe_model(step, depth + 1))]
