"""Columns of files that no node makes, read in a separate process, which has pandas imported.

``python -m jupyter_mlws.components.source_columns`` reads a JSON list of sources from stdin and
prints a JSON list of their columns.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from jupyter_mlws.components.columns import ANY, UNKNOWN, Column, ColumnType, Schema

MAX_BYTES = 50_000_000
"""Larger files are not read whole: the types of their columns are unknown."""
HEAD_ROWS = 1000
TIMEOUT = 30
"""Seconds for all sources of a workflow."""
EXAMPLES = 3
MAX_EXAMPLE_LENGTH = 40
SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".parquet", ".pq", ".db", ".sqlite", ".sqlite3"})


@dataclass(frozen=True)
class Source:
    """Files that a component loads as a table, or a table itself (without a component)."""

    files: Mapping[str, str]
    """Paths by port; the port of a table itself is empty."""
    component: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    def key(self, root: Path) -> str | None:
        """Return a key that changes with the files; None if they cannot be read."""
        marks = []
        for port, path in sorted(self.files.items()):
            file = root / path
            if not file.is_relative_to(root) or ".." in file.parts:
                return None
            try:
                status = file.stat()
            except OSError:
                return None
            if not file.is_file() or file.suffix.lower() not in SUFFIXES:
                return None
            marks.append([port, path, status.st_mtime_ns, status.st_size, status.st_ino])
        return json.dumps([marks, self.component, self.settings], sort_keys=True, default=str)


class SourceReader:
    """The columns of a project's sources, read again when their files change. Thread-safe."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._cache: dict[str, Schema] = {}
        self._lock = threading.Lock()

    def read(self, sources: Sequence[Source]) -> list[Schema]:
        """Return the columns of each source; unknown where they cannot be read."""
        keys = [source.key(self._root) for source in sources]
        with self._lock:
            news = {
                key: source
                for key, source in zip(keys, sources, strict=True)
                if key is not None and key not in self._cache
            }
            if news:
                schemas = _read_in_process(self._root, list(news.values()))
                if len(self._cache) + len(news) > 1000:
                    self._cache.clear()
                self._cache |= zip(news, schemas, strict=True)
            return [UNKNOWN if key is None else self._cache[key] for key in keys]


def _read_in_process(root: Path, sources: Sequence[Source]) -> list[Schema]:
    request = [
        vars(source) | {"files": {port: str(root / path) for port, path in source.files.items()}}
        for source in sources
    ]
    try:
        answer = subprocess.run(
            [sys.executable, "-m", __name__],
            # Modules of the project would shadow those of Python.
            cwd=Path(__file__).parents[2],
            input=json.dumps(request, default=str),
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=True,
        )
        rows = json.loads(answer.stdout)
    except (subprocess.SubprocessError, ValueError):
        # A file that ends or blocks its reader has unknown columns; its node reports why.
        return [UNKNOWN for _ in sources]
    return [
        Schema({name: Column(kind, tuple(texts)) for name, kind, texts in columns})
        if columns is not None
        else UNKNOWN
        for columns in rows
    ]


def main() -> int:
    """Print the columns of the sources on stdin, each as ``[name, type, examples]``, or null."""
    output, sys.stdout = sys.stdout, sys.stderr
    rows: list[list[Any] | None] = []
    for source in json.load(sys.stdin):
        try:
            schema = _columns(Source(**source))
        except Exception as error:  # noqa: BLE001  a faulty file; its node reports why
            print(f"{source}: {error}")  # noqa: T201  to stderr
            rows.append(None)
        else:
            rows.append([[name, *column] for name, column in schema.columns.items()])
    json.dump(rows, output)
    return 0


def read_source(source: Source) -> Any:
    """Return the table of a source, whose paths are absolute."""
    from jupyter_mlws.components import values
    from jupyter_mlws.components.library import load

    files = {port: Path(path) for port, path in source.files.items()}
    if source.component:
        return getattr(load, source.component)(**files, **source.settings)
    return values.read("Table", next(iter(files.values())))


def _columns(source: Source) -> Schema:
    files = {port: Path(path) for port, path in source.files.items()}
    is_parquet = any(file.suffix.lower() in (".parquet", ".pq") for file in files.values())
    is_large = any(file.stat().st_size > MAX_BYTES for file in files.values())
    if is_large and is_parquet:
        import pyarrow.parquet as parquet

        schema = parquet.read_schema(next(iter(files.values())))
        names = [name for name in schema.names if not name.startswith("__index_level")]
        return Schema(dict.fromkeys(names, ANY))
    is_head = bool(source.component) and (is_large or source.component == "load_sql")
    if is_head:
        limit = min(source.settings.get("limit") or HEAD_ROWS, HEAD_ROWS)
        source = replace(source, settings={**source.settings, "limit": limit})
    schema = table_schema(read_source(source))
    if is_head:
        columns = {name: Column(None, column.examples) for name, column in schema.columns.items()}
        return Schema(columns)
    return schema


def table_schema(table: Any) -> Schema:
    """Return the columns of a pandas table, with the types that its Parquet file has."""
    import pyarrow as pa

    checks: dict[ColumnType, Any] = {
        "boolean": pa.types.is_boolean,
        "integer": pa.types.is_integer,
        "number": pa.types.is_floating,
        "text": lambda one: pa.types.is_string(one) or pa.types.is_large_string(one),
        "date": pa.types.is_timestamp,
    }
    columns = {}
    for name in table.columns:
        column = table[name]
        examples = column.dropna().drop_duplicates().head(EXAMPLES)
        texts = tuple(str(value)[:MAX_EXAMPLE_LENGTH] for value in examples)
        try:
            kind = pa.array(column, from_pandas=True).type
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
            columns[str(name)] = Column("other", texts)
            continue
        types = [one for one, check in checks.items() if check(kind)] or ["other"]
        # Sums of unsigned and signed integers of 64 bits are floats.
        is_unknown = pa.types.is_null(kind) or pa.types.is_uint64(kind)
        columns[str(name)] = Column(None if is_unknown else types[0], texts)
    return Schema(columns)


if __name__ == "__main__":
    sys.exit(main())
