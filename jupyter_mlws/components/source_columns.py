"""Columns of files that no node makes, read in a separate process, which has pandas imported.

``python -m jupyter_mlws.components.source_columns`` reads a JSON list of sources from stdin, and
prints the columns of each on a line.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from jupyter_mlws.components.columns import ANY, UNKNOWN, Column, Schema
from jupyter_mlws.components.kinds import (
    SETTINGS,
    chosen_columns,
    column_choices,
    with_choices,
)
from jupyter_mlws.components.reader_process import limit_memory, read_in_process
from jupyter_mlws.components.table_files import FORMATS
from jupyter_mlws.components.table_schema import table_schema

MAX_BYTES = 50_000_000
"""Larger files are not read whole: the types of their columns are unknown."""
MAX_VALUES = 10_000_000
"""Rows times columns of a larger table: a Parquet file of a few kB can hold gigabytes."""
MAX_HEADER_BYTES = 1_000_000
"""Bytes of the first line of a CSV file, some 100,000 columns. If it is longer, all are unknown."""
MAX_COLUMNS = 2000
"""In a wider table, the types of columns are unknown."""
HEAD_ROWS = 1000
TIMEOUT = 30
"""Seconds for all sources of a workflow."""
INDEX = "__index_level"
"""Beginning of the names of columns that pandas writes of an index."""
TEXT_SUFFIXES = frozenset({".csv", ".tsv", ".txt"})
SUFFIXES = frozenset({*TEXT_SUFFIXES, *FORMATS, ".db", ".sqlite", ".sqlite3"})


@dataclass(frozen=True)
class Source:
    """Files that a component loads as a table, or a table itself (without a component)."""

    files: Mapping[str, str]
    """Paths by port; the port of a table itself is empty."""
    component: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def choices(self) -> dict[str, dict[str, str]]:
        """Kinds and roles that a person chose, by column; ValueError for what is neither."""
        kinds, roles = (self.settings.get(name, ()) for name in SETTINGS)
        return column_choices(kinds, roles)

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
            # Every other extension is one of a text file.
            is_table = self.component == "load_table" or file.suffix.lower() in SUFFIXES
            if not file.is_file() or not is_table:
                return None
            marks.append([port, path, status.st_mtime_ns, status.st_size, status.st_ino])
        return json.dumps([marks, self.component, self.settings], sort_keys=True, default=str)


class SourceReader:
    """The columns of a project's sources, read again when their files change. Thread-safe."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._cache: dict[str, Future[Schema]] = {}
        self._lock = threading.Lock()

    def read(self, sources: Sequence[Source]) -> list[Schema]:
        """Return the columns of each source; unknown where they cannot be read.

        A source that another thread reads is not read twice, and others do not wait for it.
        """
        keys = [source.key(self._root) for source in sources]
        with self._lock:
            if len(self._cache) + len(sources) > 1000:
                self._cache.clear()
            news: dict[str, Source] = {}
            for key, source in zip(keys, sources, strict=True):
                if key is not None and key not in self._cache:
                    self._cache[key] = Future()
                    news[key] = source
            columns = [None if key is None else self._cache[key] for key in keys]
            futures = [self._cache[key] for key in news]
        schemas: list[Schema] = []
        try:
            if news:
                schemas = _read_schemas(self._root, list(news.values()))
        finally:
            for index, future in enumerate(futures):
                future.set_result(schemas[index] if schemas else UNKNOWN)
        return [UNKNOWN if one is None else one.result() for one in columns]


def _read_schemas(root: Path, sources: Sequence[Source]) -> list[Schema]:
    """Return the columns of each source; a file that ends or blocks its reader hides no other."""
    requests = [
        vars(source) | {"files": {port: str(root / path) for port, path in source.files.items()}}
        for source in sources
    ]
    schemas: list[Schema] = []
    end = time.monotonic() + TIMEOUT
    while len(schemas) < len(sources) and (timeout := end - time.monotonic()) > 0:
        try:
            text = read_in_process(__name__, requests[len(schemas) :], timeout)
        except subprocess.SubprocessError as error:
            # Its node reports why the first source without a line cannot be read.
            output = getattr(error, "output", None) or ""
            text = output.decode() if isinstance(output, bytes) else output
            text = text[: text.rfind("\n") + 1] + "null\n"
        for line in text.splitlines():
            columns = json.loads(line)
            schemas.append(
                UNKNOWN
                if columns is None
                else Schema(
                    {
                        name: Column(kind, tuple(texts), *facts)
                        for name, kind, texts, *facts in columns
                    }
                )
            )
    return schemas + [UNKNOWN] * (len(sources) - len(schemas))


def main() -> int:
    """Print the columns of each source on stdin as ``[[name, type, examples], …]``, or null."""
    output, sys.stdout = sys.stdout, sys.stderr
    sources = json.load(sys.stdin)
    limit_memory()
    for source in sources:
        columns = None
        try:
            schema = _columns(Source(**source))
        except Exception as error:  # noqa: BLE001  a faulty file; its node reports why
            print(f"{source}: {error}")  # noqa: T201  to stderr
        else:
            if schema.complete:
                columns = [[name, *column] for name, column in schema.columns.items()]
        output.write(json.dumps(columns) + "\n")
        output.flush()
    return 0


def read_source(source: Source) -> Any:
    """Return the table of a source, whose paths are absolute."""
    from jupyter_mlws.components import values
    from jupyter_mlws.components.databases import run_query
    from jupyter_mlws.components.library import load

    files: dict[str, Any] = {port: Path(path) for port, path in source.files.items()}
    if not source.component:
        return values.read("Table", files.popitem()[1])
    settings = {name: one for name, one in source.settings.items() if name not in SETTINGS}
    if source.component == "load_sql":
        if "script" in files:
            files["script"] = files["script"].read_text(encoding="utf-8")
        table = run_query(**files, **settings, is_preview=True)
    else:
        table = getattr(load, source.component)(**files, **settings)
    # A role of a column that is gone is a problem of its own.
    return with_choices(table, source.choices)


def _columns(source: Source) -> Schema:
    files = [Path(path) for path in source.files.values()]
    is_large = any(file.stat().st_size > MAX_BYTES for file in files)
    for file in files:
        if file.suffix.lower() in (".parquet", ".pq"):
            import pyarrow.parquet as parquet

            metadata = parquet.read_metadata(file)
            if is_large or metadata.num_rows * metadata.num_columns > MAX_VALUES:
                names = [n for n in parquet.read_schema(file).names if not n.startswith(INDEX)]
                return _chosen_only(names, source.choices)
        elif file.suffix.lower() in TEXT_SUFFIXES or file.suffix.lower() not in SUFFIXES:
            with file.open("rb") as stream:
                if len(stream.readline(MAX_HEADER_BYTES + 1)) > MAX_HEADER_BYTES:
                    return UNKNOWN
    is_head = bool(source.component) and (is_large or source.component == "load_sql")
    if is_head:
        limit = min(source.settings.get("limit") or HEAD_ROWS, HEAD_ROWS)
        source = replace(source, settings={**source.settings, "limit": limit})
    table = read_source(source)
    if len(table.columns) > MAX_COLUMNS:
        return _chosen_only(map(str, table.columns), chosen_columns(table))
    schema = table_schema(table)
    if is_head:
        columns = {
            name: Column(None, column.examples)._replace(**column.choice)
            for name, column in schema.columns.items()
        }
        return Schema(columns)
    return schema


def _chosen_only(names: Iterable[str], choices: Mapping[str, Mapping[str, Any]]) -> Schema:
    """Return columns of which nothing is known but what a person chose."""
    reasons = {"reason": "chosen"}
    return Schema(
        {
            name: ANY._replace(**{**(reasons if "kind" in one else {}), **one})
            for name in names
            for one in [choices.get(name, {})]
        }
    )


if __name__ == "__main__":
    sys.exit(main())
