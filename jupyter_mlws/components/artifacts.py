"""Types of the values that nodes exchange: their Python types and file extensions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any


@dataclass(frozen=True)
class Artifact:
    """A type of port."""

    name: str
    extension: str


ARTIFACTS = {
    artifact.name: artifact
    for artifact in (
        Artifact("Table", ".parquet"),
        Artifact("Model", ".skops"),
        Artifact("Metrics", ".json"),
        Artifact("Figure", ".png"),
        Artifact("Text", ".txt"),
        Artifact("Folder", ""),
        Artifact("File", ".bin"),
    )
}

if TYPE_CHECKING:
    from typing import TypeAlias

    import matplotlib.figure
    import pandas as pd

    Table: TypeAlias = pd.DataFrame
    Model: TypeAlias = Any
    Metrics: TypeAlias = dict[str, Any]
    Figure: TypeAlias = matplotlib.figure.Figure
    Text: TypeAlias = str
    Folder: TypeAlias = Path
    File: TypeAlias = Path
else:
    # Type hints must not need pandas or matplotlib, which are slow to import.
    Table = Annotated[Any, ARTIFACTS["Table"]]
    Model = Annotated[Any, ARTIFACTS["Model"]]
    Metrics = Annotated[Any, ARTIFACTS["Metrics"]]
    Figure = Annotated[Any, ARTIFACTS["Figure"]]
    Text = Annotated[Any, ARTIFACTS["Text"]]
    Folder = Annotated[Path, ARTIFACTS["Folder"]]
    File = Annotated[Path, ARTIFACTS["File"]]


def fits(output: str, input_type: str) -> bool:
    """Return whether an output of one type may be connected to an input of another."""
    return output == input_type or (input_type == "File" and output != "Folder")
