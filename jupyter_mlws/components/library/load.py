"""Load data and models."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from jupyter_mlws.components import File, Model, Table, Text, component
from jupyter_mlws.components.columns import READ
from jupyter_mlws.components.library.register import Name
from jupyter_mlws.components.parameters import AppliesTo, Labels


@component(category="Load", title="Load Table", columns=READ)
def load_table(
    file: File,
    *,
    format: Annotated[Literal["auto", "csv", "parquet"], Labels(csv="CSV")] = "auto",  # noqa: A002  the person's word
    separator: Annotated[str, AppliesTo(format=("auto", "csv"))] = ",",
    encoding: Annotated[str, AppliesTo(format=("auto", "csv"))] = "utf-8",
    decimal: Annotated[
        str, Field(title="Decimal character"), AppliesTo(format=("auto", "csv"))
    ] = ".",
    limit: Annotated[Annotated[int, Field(ge=1)] | None, Field(title="Maximum rows")] = None,
) -> Table:
    """Read a CSV or Parquet file as a table.

    file: File to read, for example data/wine.csv.
    format: File format. Auto uses the file extension.
    separator: Character between values (CSV).
    encoding: Character encoding of the file (CSV).
    decimal: Character used as the decimal point (CSV).
    limit: Maximum number of rows to read. Leave empty for all.
    """
    import pandas as pd

    parquet = file.suffix.lower() in (".parquet", ".pq")
    if format == "parquet" or (format == "auto" and parquet):
        table = pd.read_parquet(file)
        return table if limit is None else table.head(limit)
    if separator == "," and file.suffix.lower() == ".tsv":
        separator = "\t"
    return pd.read_csv(file, sep=separator, encoding=encoding, decimal=decimal, nrows=limit)


@component(category="Load", title="Load from SQL", columns=READ)
def load_sql(
    database: File | None = None,
    script: Text | None = None,
    *,
    query: str = "",
    url: Annotated[str, Field(title="Database URL")] = "",
    url_variable: Annotated[str, Field(title="URL environment variable")] = "",
    limit: Annotated[Annotated[int, Field(ge=1)] | None, Field(title="Maximum rows")] = None,
) -> Table:
    """Run a SQL query and load the result as a table.

    database: SQLite file, opened read-only.
    script: File with the query, for queries too long for the setting.
    query: SQL query, for example SELECT * FROM wine. Leave empty if a script file is connected.
    url: URL of another database, without a password, such as postgresql://user@host/name (requires
        psycopg) or mysql://user@host/name (requires PyMySQL).
    url_variable: Name of an environment variable that holds the database URL. Use it if the URL
        contains a password.
    limit: Maximum number of rows to read. Leave empty for all.
    """
    from jupyter_mlws.components.databases import run_query

    return run_query(database, script, query=query, url=url, url_variable=url_variable, limit=limit)


@component(category="Load", title="Sample Data", columns=READ)
def sample_data(
    seed: File | None = None,
    *,
    dataset: Annotated[
        Literal["wine", "iris", "breast_cancer", "digits", "diabetes"],
        Labels(
            wine="Wine (classification)",
            iris="Iris (classification)",
            breast_cancer="Breast cancer (classification)",
            digits="Digits (classification)",
            diabetes="Diabetes (regression)",
        ),
    ] = "wine",
) -> Table:
    """A scikit-learn sample dataset; the target is in the column “target”.

    seed: Optional file; the data is regenerated when it changes.
    dataset: Dataset to load.
    """
    from sklearn import datasets

    frame = getattr(datasets, f"load_{dataset}")(as_frame=True).frame
    return frame.rename(columns=lambda name: str(name).replace(" ", "_"))  # type: ignore[no-any-return]


@component(category="Load", title="Load Model")
def load_model(
    *, name: Annotated[Name, Field(title="Model name")], version: Annotated[int, Field(ge=1)]
) -> Model:
    """Load a model version from the MLflow registry.

    name: Name of the model in the registry.
    version: Version number. Aliases are not accepted, so the node always loads the same model.
    """
    from jupyter_mlws.components import values
    from jupyter_mlws.mlflow.registry import MLflowRegistry
    from jupyter_mlws.mlflow.store import tracking_uri

    root = Path(os.environ.get("DVC_ROOT") or Path.cwd())
    registry = MLflowRegistry(tracking_uri(root))
    with tempfile.TemporaryDirectory() as folder:
        files = registry.fetch(name, version, Path(folder))
        models = [path for path in files if path.suffix == ".skops"]
        if len(models) != 1:
            file_names = ", ".join(path.name for path in files) or "nothing"
            raise ValueError(f"models:/{name}/{version} has {file_names}, not one .skops file")
        return values.read("Model", models[0])
