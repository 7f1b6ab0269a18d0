"""Types of the values that nodes exchange: their Python types and file extensions."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any


@dataclass(frozen=True)
class Artifact:
    """A type of port."""

    name: str
    extension: str
    kinds: tuple[str, ...] = ()
    """Kinds of models; none for all of them."""


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
    ClassifierModel: TypeAlias = Any
    RegressorModel: TypeAlias = Any
    ClusteringModel: TypeAlias = Any
    PredictiveModel: TypeAlias = Any
    SupervisedModel: TypeAlias = Any
    Transformer: TypeAlias = Any
    ColumnSteps: TypeAlias = Any
    FittedSteps: TypeAlias = Any
    Metrics: TypeAlias = dict[str, Any]
    Figure: TypeAlias = matplotlib.figure.Figure
    Text: TypeAlias = str
    Folder: TypeAlias = Path
    File: TypeAlias = Path
else:
    # Type hints must not need pandas or matplotlib, which are slow to import.
    Table = Annotated[Any, ARTIFACTS["Table"]]
    Model = Annotated[Any, ARTIFACTS["Model"]]
    ClassifierModel = Annotated[Any, Artifact("Model", ".skops", ("classifier",))]
    RegressorModel = Annotated[Any, Artifact("Model", ".skops", ("regressor",))]
    ClusteringModel = Annotated[Any, Artifact("Model", ".skops", ("clusterer",))]
    SupervisedModel = Annotated[Any, Artifact("Model", ".skops", ("classifier", "regressor"))]
    PredictiveModel = Annotated[
        Any, Artifact("Model", ".skops", ("classifier", "regressor", "clusterer"))
    ]
    Transformer = Annotated[Any, Artifact("Model", ".skops", ("transformer",))]
    ColumnSteps = Annotated[Any, Artifact("Model", ".skops", ("preparation",))]
    # “Apply Transformer” takes them, too.
    FittedSteps = Annotated[Any, Artifact("Model", ".skops", ("preparation", "transformer"))]
    Metrics = Annotated[Any, ARTIFACTS["Metrics"]]
    Figure = Annotated[Any, ARTIFACTS["Figure"]]
    Text = Annotated[Any, ARTIFACTS["Text"]]
    Folder = Annotated[Path, ARTIFACTS["Folder"]]
    File = Annotated[Path, ARTIFACTS["File"]]


def kinds_fit(output: Collection[str], target: Collection[str]) -> bool:
    """Return whether a model of some kinds may be of a wanted kind; no kinds are all of them."""
    return not output or not target or not set(output).isdisjoint(target)


def fits(output: str, input_type: str) -> bool:
    """Return whether an output of one type may be connected to an input of another."""
    return output == input_type or (input_type == "File" and output != "Folder")
