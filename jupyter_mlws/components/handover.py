"""Passes the variables of a split notebook from node to node, without any change.

The file's extension decides the format: ``.parquet`` for a table, series or index of pandas,
``.npy`` for an array, ``.skops`` for a model of scikit-learn, ``.json`` for a plain value. Nothing
is pickled. The node that stores a value fails if reading would change it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from jupyter_mlws.components import plainly
from jupyter_mlws.components.values import ArtifactError, read_model, write_model
from mlws.core.atomic import atomic_path

METADATA_KEY = b"mlws"
"""Entry of a Parquet file's metadata for what the metadata of pandas does not hold."""
_base = Path()


def enter(folder: str) -> None:
    """Change to the split notebook's folder; other paths stay relative to the previous one."""
    global _base
    _base = Path.cwd()
    os.chdir(folder)


def load(path: str) -> Any:
    """Return the value that another node stored."""
    return FORMATS[Path(path).suffix].read(_base / path)


def store(value: Any, path: str) -> None:
    """Write a value for other nodes; raise :class:`ArtifactError` if reading would change it."""
    target = _base / path
    target.parent.mkdir(parents=True, exist_ok=True)
    name, suffix = target.stem, target.suffix
    file_format = FORMATS[suffix]
    try:
        with atomic_path(target) as temporary:
            file_format.write(value, temporary)
            file_format.check(value, file_format.read(temporary))
    except (TypeError, ValueError, AssertionError, AttributeError, OverflowError) as error:
        raise ArtifactError(
            f"{name}, a {type(value).__name__}, cannot be passed to another node as {suffix}: "
            f"{error}. Put the cells that create and use it into one node."
        ) from error


class Format(Protocol):
    """A file format; ``check`` raises if a copy that was read differs from the value."""

    def write(self, value: Any, path: Path) -> None: ...
    def read(self, path: Path) -> Any: ...
    def check(self, value: Any, copy: Any) -> None: ...


class ParquetFormat:
    """Tables, series and indexes of pandas."""

    def write(self, value: Any, path: Path) -> None:
        import pandas as pd
        import pyarrow as pa
        import pyarrow.parquet as parquet

        frame: Any
        description: dict[str, Any]
        if isinstance(value, pd.DataFrame):
            frame, columns = value, value.columns
            labels: dict[str, Any] = {"names": plainly.encode(list(columns.names))}
            if isinstance(columns, pd.RangeIndex):
                labels["range"] = [columns.start, columns.stop, columns.step]
            else:
                labels["labels"] = plainly.encode(columns.tolist())
                labels["dtype"] = None if columns.nlevels > 1 else str(columns.dtype)
            description = {"kind": "frame", "columns": labels}
            is_plain = columns.nlevels == 1 and columns.is_unique
            if not is_plain or not all(isinstance(label, str) for label in columns):
                # Parquet has unique names that are text.
                frame = frame.set_axis([str(n) for n in range(frame.shape[1])], axis=1)
        elif isinstance(value, pd.Series | pd.Index):
            is_series = isinstance(value, pd.Series)
            frame = value.to_frame(name="0") if is_series else pd.DataFrame({"0": value})
            kind = "series" if is_series else "index"
            description = {"kind": kind, "name": plainly.encode(value.name)}
        else:
            raise TypeError("it is not a pandas DataFrame, Series or Index")
        if getattr(frame.index, "freqstr", None):
            description["freq"] = frame.index.freqstr
        table = pa.Table.from_pandas(frame)
        metadata = {**(table.schema.metadata or {}), METADATA_KEY: json.dumps(description).encode()}
        parquet.write_table(table.replace_schema_metadata(metadata), path)

    def read(self, path: Path) -> Any:
        import pandas as pd
        import pyarrow.parquet as parquet

        table = parquet.read_table(path)
        description = json.loads(table.schema.metadata[METADATA_KEY])
        frame = table.to_pandas()
        if "freq" in description:
            frame.index.freq = description["freq"]
        if description["kind"] != "frame":
            series = frame.iloc[:, 0].rename(plainly.decode(description["name"]))
            return series if description["kind"] == "series" else pd.Index(series, name=series.name)
        columns = description["columns"]
        names = plainly.decode(columns["names"])
        if "range" in columns:
            start, stop, step = columns["range"]
            frame.columns = pd.RangeIndex(start, stop, step, name=names[0])
        elif columns["dtype"] is None:
            labels = plainly.decode(columns["labels"])
            frame.columns = pd.MultiIndex.from_tuples(labels, names=names)
        else:
            labels = plainly.decode(columns["labels"])
            frame.columns = pd.Index(labels, dtype=columns["dtype"], name=names[0])
        return frame

    def check(self, value: Any, copy: Any) -> None:
        import pandas as pd

        compare: Callable[..., None] = pd.testing.assert_index_equal
        if isinstance(value, pd.DataFrame):
            compare = pd.testing.assert_frame_equal
        elif isinstance(value, pd.Series):
            compare = pd.testing.assert_series_equal
        compare(value, copy, check_exact=True)


class ArrayFormat:
    """Arrays and scalars of NumPy."""

    def write(self, value: Any, path: Path) -> None:
        import numpy as np

        if not isinstance(value, np.ndarray | np.generic) or isinstance(value, np.ma.MaskedArray):
            raise TypeError("it is not a NumPy array")
        with path.open("wb") as file:
            np.save(file, value, allow_pickle=False)

    def read(self, path: Path) -> Any:
        import numpy as np

        array = np.load(path, allow_pickle=False)
        return array[()] if array.ndim == 0 else array

    def check(self, value: Any, copy: Any) -> None:
        if value.dtype != copy.dtype:
            raise ValueError("its type would change")


class ModelFormat:
    """Models of scikit-learn."""

    def write(self, value: Any, path: Path) -> None:
        write_model(value, path)

    def read(self, path: Path) -> Any:
        return read_model(path)

    def check(self, value: Any, copy: Any) -> None:
        if type(value) is not type(copy):
            raise ValueError("its type would change")


class JsonFormat:
    """Plain values of Python."""

    def write(self, value: Any, path: Path) -> None:
        text = json.dumps(plainly.encode(value), ensure_ascii=False, indent=1)
        path.write_text(text + "\n", encoding="utf-8")

    def read(self, path: Path) -> Any:
        return plainly.decode(json.loads(path.read_text(encoding="utf-8")))

    def check(self, value: Any, copy: Any) -> None:
        if repr(value) != repr(copy):
            raise ValueError("its value would change")


FORMATS: Mapping[str, Format] = {
    ".parquet": ParquetFormat(),
    ".npy": ArrayFormat(),
    ".skops": ModelFormat(),
    ".json": JsonFormat(),
}
