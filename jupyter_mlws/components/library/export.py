"""Save results for other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from jupyter_mlws.components import Table, component
from jupyter_mlws.components import columns as rules
from jupyter_mlws.components.artifacts import Artifact
from jupyter_mlws.components.parameters import ColumnNames
from jupyter_mlws.components.tables import check_columns

if TYPE_CHECKING:
    from typing import TypeAlias

    ExportedTable: TypeAlias = Table
else:
    ExportedTable = Annotated[Any, Artifact("Table", ".csv")]


class Export(NamedTuple):
    """The table in a file of its own format."""

    file: ExportedTable


@component(category="Export", title="Save Table", columns=rules.save_table)
def save_table(
    data: Table,
    *,
    columns: ColumnNames = [],  # noqa: B006  never changed
) -> Export:
    """Save a table as CSV, Excel or Parquet file, for example predictions.

    data: Input table.
    file: Saved table. Its extension is its format: .csv, .tsv, .xlsx or .parquet.
    columns: Columns to save, in this order. Leave empty for all.
    """
    check_columns(data, columns)
    return Export(data[columns] if columns else data)
