"""Reads and writes artifacts: equal values make equal bytes, and files are written atomically."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_mlws.components.artifacts import Table
from mlws.core.atomic import atomic_path

EXCEL = ".xlsx"
PREPARATION_ENTRY = "preparation.json"
"""Entry of a model's file with what it does with each column; skops ignores it."""

TRUSTED_CLASSES = {
    "jupyter_mlws.components.networks": "NetworkClassifier NetworkRegressor",
    "jupyter_mlws.components.naive_models": "NaiveRegressor",
    "collections": "OrderedDict",
    "jupyter_mlws.components.xgboost_models": "LabeledXGBClassifier",
    "lightgbm.basic": "Booster",
    "lightgbm.sklearn": "LGBMClassifier LGBMRegressor",
    "numpy": "dtype",
    "scipy.interpolate._bsplines": "BSpline",
    "scipy.sparse._csc": "csc_matrix",
    "scipy.sparse._csr": "csr_matrix",
    "sklearn._loss.link": (
        "HalfLogitLink IdentityLink Interval LogLink LogitLink MultinomialLogit"
    ),
    "sklearn._loss.loss": (
        "AbsoluteError ExponentialLoss HalfBinomialLoss HalfGammaLoss HalfMultinomialLoss"
        " HalfPoissonLoss HalfSquaredError HalfTweedieLoss HalfTweedieLossIdentity HuberLoss"
        " PinballLoss"
    ),
    "sklearn.calibration": "_CalibratedClassifier _SigmoidCalibration",
    "sklearn.cluster._bisect_k_means": "_BisectingTree",
    "sklearn.ensemble._gb_losses": (
        "BinomialDeviance ExponentialLoss HuberLossFunction LeastAbsoluteError LeastSquaresError"
        " MultinomialDeviance QuantileLossFunction"
    ),
    "sklearn.ensemble._hist_gradient_boosting.predictor": "TreePredictor",
    "sklearn.gaussian_process._gpc": "_BinaryGaussianProcessClassifierLaplace",
    "sklearn.gaussian_process.kernels": (
        "CompoundKernel ConstantKernel DotProduct ExpSineSquared Exponentiation Matern Product RBF"
        " RationalQuadratic Sum WhiteKernel"
    ),
    "sklearn.metrics._dist_metrics": (
        "ChebyshevDistance64 EuclideanDistance64 ManhattanDistance64 MinkowskiDistance64"
    ),
    "sklearn.metrics._scorer": "_CurveScorer _PassthroughScorer _PredictScorer _Scorer",
    "sklearn.model_selection._split": (
        "GroupKFold KFold RepeatedKFold RepeatedStratifiedKFold ShuffleSplit StratifiedKFold"
        " StratifiedShuffleSplit TimeSeriesSplit"
    ),
    "sklearn.multiclass": "_ConstantPredictor",
    "sklearn.neighbors._ball_tree": "BallTree",
    "sklearn.neighbors._kd_tree": "KDTree",
    "sklearn.neural_network._stochastic_optimizers": "AdamOptimizer SGDOptimizer",
    "sklearn.tree._tree": "Tree",
    "skrub._apply_to_cols": "ApplyToCols",
    "skrub._apply_to_each_col": "ApplyToEachCol",
    "skrub._datetime_encoder": "DatetimeEncoder",
    "skrub._string_encoder": "StringEncoder",
    "skrub._to_datetime": "ToDatetime",
    "skrub._to_str": "ToStr",
    "skrub.selectors._base": "All",
    "sklearn.utils._bunch": "Bunch",
    "sklearn.utils._metadata_requests": "MetadataRequest MethodMetadataRequest",
    "xgboost.core": "Booster",
    "xgboost.sklearn": "XGBRegressor",
}
"""Classes that a model's file may name beyond those that skops trusts: the state of fitted
estimators, by module. Classes that only hold values, and never functions: a file chooses the
arguments of what it names. Collected by fitting all estimators of
scikit-learn, and the steps that prepare columns."""
TRUSTED_NAMES = frozenset(
    f"{module}.{name}" for module, names in TRUSTED_CLASSES.items() for name in names.split()
)


class ArtifactError(ValueError):
    """A file or value that does not fit the type of its port."""


class Several(list[Any]):
    """The values of an input that takes several, with the names of the nodes they come from."""

    def __init__(self, values: Iterable[Any], paths: Sequence[Path]) -> None:
        super().__init__(values)
        self.names = [producer_of(path.name) for path in paths]


def producer_of(name: str) -> str:
    """The node that wrote a file, by the file's name: ``forest`` of ``forest.model.skops``, and
    the sweep's variant ``forest@0.1`` of ``forest.model.0.1.skops``."""
    node, *parts = name.split(".")
    variant = ".".join(parts[1:-1])
    return f"{node}@{variant}" if variant else node


def names_of(values: Sequence[Any], word: str) -> list[str]:
    """A name for each of several values, also where a plain list is given (in a notebook)."""
    names = getattr(values, "names", None) or [f"{word} {n + 1}" for n in range(len(values))]
    if len(set(names)) == len(names):
        return list(names)
    return [f"{name} {n + 1}" for n, name in enumerate(names)]


def read(kind: str, path: Path) -> Any:
    """The value that a file of this type holds."""
    if not path.exists():
        raise ArtifactError(f"file not found: {str(path)!r}")
    match kind:
        case "Table":
            return _read_table(path)
        case "Model":
            return read_model(path)
        case "Metrics":
            return json.loads(path.read_text(encoding="utf-8"))
        case "Figure":
            import matplotlib.image

            return matplotlib.image.imread(path)
        case "Text":
            return path.read_text(encoding="utf-8")
        case _:
            return path


def write(kind: str, value: Any, path: Path) -> None:
    """Write ``value`` to a file, atomically."""
    if value is None:
        raise ArtifactError(f"the function returned nothing for the output {path.name!r}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        match kind:
            case "Table":
                _write_table(value, temporary)
            case "Model":
                write_model(value, temporary)
            case "Metrics":
                if not isinstance(value, dict):
                    raise ArtifactError(f"Metrics must be a dict, not {type(value).__name__}")
                text = json.dumps(plain(value), ensure_ascii=False, indent=2, allow_nan=False)
                temporary.write_text(text + "\n", encoding="utf-8")
            case "Figure":
                if not hasattr(value, "savefig"):
                    name = type(value).__name__
                    raise ArtifactError(f"a Figure must be a matplotlib figure, not {name}")
                # Software and Date in the metadata would change the bytes of equal figures.
                metadata = {"Software": None} if temporary.suffix.lower() == ".png" else None
                value.savefig(temporary, dpi=120, metadata=metadata)
            case "Text":
                if not isinstance(value, str):
                    raise ArtifactError(f"Text must be a str, not {type(value).__name__}")
                temporary.write_text(value, encoding="utf-8")
            case "Folder":
                if not Path(value).is_dir():
                    raise ArtifactError(f"a Folder must be the path of a folder, not {value!r}")
                shutil.copytree(value, temporary)
            case "File" if isinstance(value, bytes):
                temporary.write_bytes(value)
            case _:
                if not Path(value).is_file():
                    raise ArtifactError(
                        f"a File must be bytes or the path of a file, not {value!r}"
                    )
                shutil.copyfile(os.fspath(value), temporary)


def _read_table(path: Path) -> Any:
    """Return the table of a file, or all tables of a folder, concatenated in the order of names.

    Without tables, images and arrays are read as a table of images.
    """
    import pandas as pd

    from jupyter_mlws.components import images

    suffix = path.suffix.lower()
    if path.is_dir():
        files = table_files(path)
        if not files and images.image_files(path):
            return images.read_images(path)
        if not files:
            raise ArtifactError(
                f"no .parquet, .csv or .tsv files and no images in the folder {str(path)!r}"
            )
        tables = [_read_table(file) for file in files]
        for file, table in zip(files, tables, strict=True):
            if set(table.columns) != set(tables[0].columns):
                both = f"{files[0].name!r} and {file.name!r}"
                unlike = sorted(map(str, set(table.columns) ^ set(tables[0].columns)))
                raise ArtifactError(f"{both} have different columns: {unlike}")
        return tables[0] if len(tables) == 1 else pd.concat(tables, ignore_index=True)
    if suffix in images.PICTURE_SUFFIXES | images.ARRAY_SUFFIXES:
        return images.read_images(path)
    if suffix in (".parquet", ".pq"):
        return pd.read_parquet(path)
    if suffix in (".csv", ".tsv", ".txt"):
        # In parts, a column of numbers and texts would have both types.
        return pd.read_csv(path, sep="\t" if suffix == ".tsv" else ",", low_memory=False)
    if suffix == EXCEL:
        return storable(pd.read_excel(path, engine="openpyxl"))
    raise ArtifactError(f"{path.name!r} is not a table; supported: .parquet, .csv, .tsv and .xlsx")


def table_files(folder: Path) -> list[Path]:
    """The tables in a folder and below it, by name; hidden ones are left out."""
    return sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in (".parquet", ".pq", ".csv", ".tsv")
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
        and file.is_file()
    )


def _write_table(value: Any, path: Path) -> None:
    """Write a file; a path without an extension becomes a folder that contains the table."""
    import pandas as pd

    if not isinstance(value, pd.DataFrame):
        raise ArtifactError(f"a Table must be a pandas DataFrame, not {type(value).__name__}")
    if not path.suffix:
        path.mkdir()
        path /= "data.parquet"
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv"):
        value.to_csv(path, index=False, sep="\t" if suffix == ".tsv" else ",")
        return
    if suffix == EXCEL:
        value.to_excel(path, index=False, engine="openpyxl")
        entries = _zip_entries(path)
        # The times at which it was written.
        core = entries["docProps/core.xml"]
        entries["docProps/core.xml"] = re.sub(
            rb"\d{4}-\d\d-\d\dT[\d:]+Z", b"1980-01-01T00:00:00Z", core
        )
        _write_zip(path, entries)
        return
    if suffix not in ("", ".parquet", ".pq"):
        raise ArtifactError(
            f"{path.name!r}: a table is saved as .parquet, .csv, .tsv or .xlsx, not as {suffix}"
        )
    has_named_index = any(name is not None for name in value.index.names)
    table = value if has_named_index else value.reset_index(drop=True)
    # Column names that are no strings cannot be stored in Parquet.
    table = table.rename(columns=str)
    twice = sorted({str(name) for name in table.columns[table.columns.duplicated()]})
    if twice:
        raise ArtifactError(f"more than one column is called {twice}: rename one of them first")
    try:
        table.to_parquet(path, engine="pyarrow", index=has_named_index)
    except (TypeError, ValueError, NotImplementedError) as error:  # pyarrow's are these, too
        for name in table.columns:
            if examples := mixed_values(table[name]):
                raise ArtifactError(
                    f"column {name!r} has values of several types, {examples}, and cannot be "
                    "stored: convert it to one type first"
                ) from error
        raise


def storable(table: Table) -> Table:
    """Return the table with texts in the columns that hold texts and other values, as CSV gives."""
    mixed = [name for name in table.columns if mixed_values(table[name])]
    for name in mixed:
        print(f"read as texts, since it has values of several types: {name}")  # noqa: T201
    texts = {name: table[name].astype("str").where(table[name].notna()) for name in mixed}
    result: Table = table.assign(**texts) if texts else table
    return result


def mixed_values(column: Any) -> str:
    """Return examples of values that cannot be stored together; empty if all can."""
    import pyarrow as pa

    try:
        pa.array(column, from_pandas=True)
    except (TypeError, ValueError, NotImplementedError):
        types: dict[type, str] = {}
        for row, value in column.reset_index(drop=True).dropna().items():
            types.setdefault(type(value), f"{value!r} in row {row + 1}")
        return " and ".join(types.values())
    return ""


def read_model(path: Path) -> Any:
    """Return the model of a skops file; :class:`ArtifactError` for untrusted types."""
    import skops.io

    unknown = skops.io.get_untrusted_types(file=path)
    foreign = sorted(set(unknown) - TRUSTED_NAMES)
    if foreign:
        raise ArtifactError(
            f"{path.name!r} contains untrusted types: {', '.join(foreign)}."
            " Rerun the node that writes it, or save a different type of model."
        )
    return skops.io.load(path, trusted=unknown)


def write_model(value: Any, path: Path) -> None:
    """Write a model as a skops file, without the times and ids that differ between equal models."""
    import skops.io

    skops.io.dump(value, path)
    entries = _zip_entries(path)
    schema = json.loads(entries.pop("schema.json"))
    names: dict[str, str] = {}
    numbers: dict[int, int] = {}
    schema = _normalize_ids(schema, names, numbers)
    files = {names.get(name, name): data for name, data in entries.items()}
    files["schema.json"] = json.dumps(schema, indent=2).encode()
    # Readable without the model, whose schema has megabytes.
    if columns := getattr(value, "preparation_", None):
        files[PREPARATION_ENTRY] = json.dumps(columns, ensure_ascii=False).encode()
    _write_zip(path, files)


def _zip_entries(path: Path) -> dict[str, bytes]:
    import zipfile

    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _write_zip(path: Path, entries: Mapping[str, bytes]) -> None:
    """Write an archive whose bytes depend on its entries alone."""
    import zipfile

    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(entries):
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, entries[name])


def _normalize_ids(node: Any, names: dict[str, str], numbers: dict[int, int]) -> Any:
    """Return the schema with counters for memory addresses (``__id__``) and random file names."""
    if isinstance(node, list):
        return [_normalize_ids(part, names, numbers) for part in node]
    if not isinstance(node, dict):
        return node
    result: dict[str, Any] = {}
    for key, value in node.items():
        if key == "__id__" and isinstance(value, int):
            result[key] = numbers.setdefault(value, len(numbers) + 1)
        elif key == "file" and isinstance(value, str):
            new_name = f"{len(names) + 1}{Path(value).suffix}"
            result[key] = names.setdefault(value, new_name)
        else:
            result[key] = _normalize_ids(value, names, numbers)
    return result


def plain(value: Any) -> Any:
    """``value`` in JSON's own types: numpy's scalars and arrays unwrapped, NaN as null."""
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
