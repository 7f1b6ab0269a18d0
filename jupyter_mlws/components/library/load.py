"""Bring data and models into a workflow."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from jupyter_mlws.components import File, Model, Table, Text, component
from jupyter_mlws.components.library.register import Name


@component(category="Load", title="Load table")
def load_table(
    file: File,
    *,
    format: Literal["auto", "csv", "parquet"] = "auto",  # noqa: A002  the person's word
    separator: str = ",",
    encoding: str = "utf-8",
    decimal: str = ".",
    limit: Annotated[int, Field(ge=1)] | None = None,
) -> Table:
    """Read a CSV or Parquet file as a table.

    file: The file to read, for example data/wine.csv.
    format: How the file is written; auto goes by its name.
    separator: What stands between two values of a line (CSV).
    encoding: The character encoding of the file (CSV).
    decimal: The decimal sign (CSV).
    limit: Read at most so many rows.
    """
    import pandas as pd

    parquet = file.suffix.lower() in (".parquet", ".pq")
    if format == "parquet" or (format == "auto" and parquet):
        table = pd.read_parquet(file)
        return table if limit is None else table.head(limit)
    if separator == "," and file.suffix.lower() == ".tsv":
        separator = "\t"
    return pd.read_csv(file, sep=separator, encoding=encoding, decimal=decimal, nrows=limit)


@component(category="Load", title="Load from SQL")
def load_sql(
    database: File | None = None,
    script: Text | None = None,
    *,
    query: str = "",
    url: str = "",
    url_variable: str = "",
    limit: Annotated[int, Field(ge=1)] | None = None,
) -> Table:
    """Read the rows that a query finds in a database.

    database: An SQLite file; it is opened to be read only.
    script: A file with the query, where it is too long for a setting.
    query: The query, for example SELECT * FROM wine.
    url: Another database, such as postgresql://user@host/name (with psycopg installed) or mysql.
    url_variable: The environment variable that holds the URL, so that no password is written down.
    limit: Read at most so many rows.
    """
    from jupyter_mlws.components.databases import connected, rows

    if bool(query.strip()) == (script is not None):
        raise ValueError("give the query either as the setting query or as a file at script")
    with connected(database, url, url_variable) as connection:
        return rows(connection, query if script is None else script, limit)


@component(category="Load", title="Sample data")
def sample_data(
    seed: File | None = None,
    *,
    dataset: Literal["wine", "iris", "breast_cancer", "digits", "diabetes"] = "wine",
) -> Table:
    """A data set that comes with scikit-learn, its target in the column "target".

    seed: Any file; the data is made anew when it changes.
    dataset: Which one.
    """
    from sklearn import datasets

    loaded = getattr(datasets, f"load_{dataset}")(as_frame=True).frame
    return loaded.rename(columns=lambda name: str(name).replace(" ", "_"))  # type: ignore[no-any-return]


@component(category="Load", title="Load model")
def load_model(*, name: Name, version: Annotated[int, Field(ge=1)]) -> Model:
    """Read a version of a model from MLflow's registry.

    name: The name of the model in the registry.
    version: Which version; a number, so that the same node reads the same model.
    """
    from jupyter_mlws.components import values
    from jupyter_mlws.versioning.tracking.mlflow import tracking_uri
    from jupyter_mlws.versioning.tracking.mlflow_registry import MLflowRegistry

    root = Path(os.environ.get("DVC_ROOT") or Path.cwd())
    registry = MLflowRegistry(tracking_uri(root))
    with tempfile.TemporaryDirectory() as folder:
        files = registry.fetch(name, version, Path(folder))
        models = [path for path in files if path.suffix == ".skops"]
        if len(models) != 1:
            held = ", ".join(path.name for path in files) or "nothing"
            raise ValueError(f"models:/{name}/{version} holds {held}, not one .skops file")
        return values.read("Model", models[0])
