"""Load data and models."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from jupyter_mlws.components import File, Model, Table, Text, component
from jupyter_mlws.components.columns import READ
from jupyter_mlws.components.kinds import KINDS, ROLES, column_choices, with_choices
from jupyter_mlws.components.library.register import Name
from jupyter_mlws.components.parameters import AppliesTo, Labels, New, PairsOf
from jupyter_mlws.components.table_files import Format, Reading, read_table_file
from jupyter_mlws.components.tables import check_columns

TEXT = ("auto", "csv")
"""Formats of settings for text files."""
Roles = Annotated[
    list[str],
    Field(title="Roles"),
    PairsOf("Role", ROLES, port="table", initial="{column}=ignored", about="role"),
]
Kinds = Annotated[
    list[str],
    Field(title="Kinds"),
    PairsOf("Kind", KINDS, port="table", initial="{column}=category", about="kind"),
]


@component(category="Load", title="Load Table", columns=READ)
def load_table(
    file: File,
    *,
    format: Annotated[Format, Labels(csv="CSV", json_lines="JSON lines")] = "auto",  # noqa: A002  the person's word
    separator: Annotated[str, AppliesTo(format=TEXT), New("")] = ",",
    encoding: Annotated[str, AppliesTo(format=TEXT), New("")] = "utf-8",
    decimal: Annotated[
        str, Field(title="Decimal character"), AppliesTo(format=TEXT), New("")
    ] = ".",
    sheet: Annotated[str, AppliesTo(format=("auto", "excel"))] = "",
    missing: Annotated[list[str], Field(title="Missing values"), New(["?", "-"])] = [],  # noqa: B006  never changed
    bad_lines: Annotated[
        Literal["error", "skip"],
        Field(title="Lines that do not fit"),
        Labels(error="Stop", skip="Leave out, and name them in the log"),
        AppliesTo(format=TEXT),
    ] = "error",
    roles: Roles = [],  # noqa: B006  never changed
    kinds: Kinds = [],  # noqa: B006  never changed
    limit: Annotated[Annotated[int, Field(ge=1)] | None, Field(title="Maximum rows")] = None,
) -> Table:
    """Read a CSV, Excel, Parquet or JSON lines file as a table.

    file: File to read, for example data/wine.csv.
    format: File format. Auto uses the file extension.
    separator: Character between values (CSV). Leave empty to find it in the file.
    encoding: Character encoding of the file (CSV). Leave empty to find it in the file.
    decimal: Character used as the decimal point (CSV). Leave empty to find it in the file.
    sheet: Name of the sheet (Excel). Leave empty for the first.
    missing: Texts that mean a missing value, besides NA, null and an empty field.
    bad_lines: What to do with a line that has too many values (CSV).
    roles: What columns are for. Later nodes predict the target, learn from features, and leave the
        other columns alone.
    kinds: What columns are, where the guess by their values is wrong.
    limit: Maximum number of rows to read. Leave empty for all.
    """
    if separator == "," and file.suffix.lower() == ".tsv":
        separator = "\t"
    how = Reading(format, separator, encoding, decimal, sheet, tuple(missing), bad_lines == "skip")
    return _with_columns(read_table_file(file, how, limit), kinds, roles)


def _with_columns(table: Table, kinds: list[str], roles: list[str]) -> Table:
    choices = column_choices(kinds, roles)
    check_columns(table, choices)
    return with_choices(table, choices)


@component(category="Load", title="Load from SQL", columns=READ)
def load_sql(
    database: File | None = None,
    script: Text | None = None,
    *,
    query: str = "",
    url: Annotated[str, Field(title="Database URL")] = "",
    url_variable: Annotated[str, Field(title="URL environment variable")] = "",
    roles: Roles = [],  # noqa: B006  never changed
    kinds: Kinds = [],  # noqa: B006  never changed
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
    roles: What columns are for. Later nodes predict the target, learn from features, and leave the
        other columns alone.
    kinds: What columns are, where the guess by their values is wrong.
    limit: Maximum number of rows to read. Leave empty for all.
    """
    from jupyter_mlws.components.databases import run_query

    table = run_query(
        database, script, query=query, url=url, url_variable=url_variable, limit=limit
    )
    return _with_columns(table, kinds, roles)


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
