"""Types of the values that nodes exchange: their Python types and file extensions."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from mlws.core.i18n import Message


@dataclass(frozen=True)
class Artifact:
    """A type of port."""

    name: str
    extension: str
    kinds: tuple[str, ...] = ()
    """Kinds of models; none for all of them."""


def _remove_defaults(schema: dict[str, Any]) -> None:
    for field in schema["properties"].values():
        field.pop("default", None)


RECORD = {
    "json_schema_serialization_defaults_required": True,
    "json_schema_extra": _remove_defaults,
}
"""Configuration for pydantic of dataclasses that the API returns, always with all fields."""


@dataclass(frozen=True)
class Repair:
    """A change that a button makes so that the columns of a node's tables fit.

    It sets ``settings`` of the node, or puts a ``component`` with them before the input ``port``,
    or before the split that its table comes from.
    """

    __pydantic_config__ = RECORD

    label: Message
    settings: dict[str, Any]
    component: str | None = None
    port: str = ""
    before_split: bool = False


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
