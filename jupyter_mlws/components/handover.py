"""Hands the variables of a split notebook from node to node: what is loaded equals what was stored.

The file's extension says what is in it: ``.parquet`` a table, series or index of pandas,
``.npy`` an array, ``.skops`` a model of scikit-learn, ``.json`` a plain value. Nothing is
pickled. A value that would come back changed is refused where it is made.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_mlws.components import plainly
from jupyter_mlws.components.values import READERS, WRITERS, ArtifactError
from jupyter_mlws.core.atomic import atomic_path

METADATA_KEY = b"mlws"
"""The entry of a Parquet file's metadata that tells what pandas' own leaves out."""
_base = Path()


def enter(folder: str) -> None:
    """Change to the split notebook's folder; other paths stay relative to the previous one."""
    global _base
    _base = Path.cwd()
    os.chdir(folder)


def load(path: str) -> Any:
    """Return the value that another node stored."""
    return _READERS[Path(path).suffix](_base / path)


def store(value: Any, path: str) -> None:
    """Write a value for other nodes; raise :class:`ArtifactError` if reading would change it."""
    target = _base / path
    target.parent.mkdir(parents=True, exist_ok=True)
    name, suffix = target.stem, target.suffix
    try:
        with atomic_path(target) as temporary:
            _WRITERS[suffix](value, temporary)
            _CHECKS[suffix](value, _READERS[suffix](temporary))
    except (TypeError, ValueError, AssertionError, AttributeError, OverflowError) as error:
        raise ArtifactError(
            f"{name}, a {type(value).__name__}, cannot be passed to another node as {suffix}: "
            f"{error}. Put the cells that create and use it into one node."
        ) from error


# Tables


def _write_table(value: Any, path: Path) -> None:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as parquet

    kinds = {pd.DataFrame: "frame", pd.Series: "series", pd.Index: "index"}
    kind = next((kind for type_, kind in kinds.items() if isinstance(value, type_)), None)
    if kind is None:
        raise TypeError("it is not a pandas DataFrame, Series or Index")
    frame = value if kind == "frame" else value.to_frame(name="value") if kind == "series" else None
    if frame is None:
        frame = pd.DataFrame({"value": value})
    description: dict[str, Any] = {"kind": kind}
    if kind == "frame":
        description["columns"] = _describe_columns(frame.columns)
    else:
        description["name"] = plainly.encode(value.name)
    if getattr(frame.index, "freqstr", None):
        description["freq"] = frame.index.freqstr
    plain = frame.set_axis([str(n) for n in range(frame.shape[1])], axis=1)
    if kind == "frame" and _is_plain(frame.columns):
        plain = frame
    table = pa.Table.from_pandas(plain)
    metadata = {**(table.schema.metadata or {}), METADATA_KEY: json.dumps(description).encode()}
    parquet.write_table(table.replace_schema_metadata(metadata), path)


def _is_plain(columns: Any) -> bool:
    return bool(
        columns.nlevels == 1
        and columns.is_unique
        and all(isinstance(label, str) for label in columns)
    )


def _describe_columns(columns: Any) -> dict[str, Any]:
    import pandas as pd

    description: dict[str, Any] = {"names": plainly.encode(list(columns.names))}
    if isinstance(columns, pd.RangeIndex):
        return {**description, "range": [columns.start, columns.stop, columns.step]}
    dtype = None if columns.nlevels > 1 else str(columns.dtype)
    return {**description, "labels": plainly.encode(columns.tolist()), "dtype": dtype}


def _restore_columns(description: dict[str, Any]) -> Any:
    import pandas as pd

    names = plainly.decode(description["names"])
    if "range" in description:
        start, stop, step = description["range"]
        return pd.RangeIndex(start, stop, step, name=names[0])
    labels = plainly.decode(description["labels"])
    if description["dtype"] is None:
        return pd.MultiIndex.from_tuples(labels, names=names)
    return pd.Index(labels, dtype=description["dtype"], name=names[0])


def _read_table(path: Path) -> Any:
    import pandas as pd
    import pyarrow.parquet as parquet

    table = parquet.read_table(path)
    description = json.loads(table.schema.metadata[METADATA_KEY])
    frame = table.to_pandas()
    if "freq" in description:
        frame.index.freq = description["freq"]
    if description["kind"] == "frame":
        frame.columns = _restore_columns(description["columns"])
        return frame
    series = frame.iloc[:, 0].rename(plainly.decode(description["name"]))
    return series if description["kind"] == "series" else pd.Index(series, name=series.name)


def _check_table(value: Any, copy: Any) -> None:
    import pandas as pd

    compare: Callable[..., None] = pd.testing.assert_index_equal
    if isinstance(value, pd.DataFrame):
        compare = pd.testing.assert_frame_equal
    elif isinstance(value, pd.Series):
        compare = pd.testing.assert_series_equal
    compare(value, copy, check_exact=True)


# Arrays


def _write_array(value: Any, path: Path) -> None:
    import numpy as np

    if not isinstance(value, np.ndarray | np.generic) or isinstance(value, np.ma.MaskedArray):
        raise TypeError("it is not a NumPy array")
    with path.open("wb") as file:
        np.save(file, value, allow_pickle=False)


def _read_array(path: Path) -> Any:
    import numpy as np

    array = np.load(path, allow_pickle=False)
    return array[()] if array.ndim == 0 else array


def _check_array(value: Any, copy: Any) -> None:
    if value.dtype != copy.dtype:
        raise ValueError("its type would change")


# Models and plain values


def _write_model(value: Any, path: Path) -> None:
    WRITERS["Model"](value, path)


def _check_model(value: Any, copy: Any) -> None:
    if type(value) is not type(copy):
        raise ValueError("its type would change")


def _write_plain(value: Any, path: Path) -> None:
    text = json.dumps(plainly.encode(value), ensure_ascii=False, indent=1)
    path.write_text(text + "\n", encoding="utf-8")


def _read_plain(path: Path) -> Any:
    return plainly.decode(json.loads(path.read_text(encoding="utf-8")))


def _check_plain(value: Any, copy: Any) -> None:
    if repr(value) != repr(copy):
        raise ValueError("its value would change")


_WRITERS: dict[str, Callable[[Any, Path], None]] = {
    ".parquet": _write_table,
    ".npy": _write_array,
    ".skops": _write_model,
    ".json": _write_plain,
}
_READERS: dict[str, Callable[[Path], Any]] = {
    ".parquet": _read_table,
    ".npy": _read_array,
    ".skops": READERS["Model"],
    ".json": _read_plain,
}
_CHECKS: dict[str, Callable[[Any, Any], None]] = {
    ".parquet": _check_table,
    ".npy": _check_array,
    ".skops": _check_model,
    ".json": _check_plain,
}
