"""API models of models and their versions."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, FiniteFloat

from jupyter_mlws.core.schemas import PageQuery, Record, Request, separate
from jupyter_mlws.core.validation_messages import NOT_BLANK
from jupyter_mlws.versioning.experiments.ranking import Mode
from jupyter_mlws.versioning.models import Plain, Scalar


class ModelVersion(Record):
    """A version of a model, in the specification's format with some more fields.

    ``params`` are text, as MLflow stores them; a metric that is not a finite number is null.
    ``artifacts`` are files, by their paths in the project. ``uri`` is the address that MLflow
    loads.
    """

    id: str
    name: str
    version: int
    params: dict[str, str]
    metrics: dict[str, float | None]
    artifacts: list[str]
    timestamp: str
    run_id: str | None
    commit: str | None
    tags: dict[str, str]
    aliases: list[str]
    uri: str


class Model(Record):
    """A model with its newest version; ``aliases`` name versions."""

    id: str
    name: str
    description: str
    created: str
    updated: str
    tags: dict[str, str]
    aliases: dict[str, int]
    newest: ModelVersion | None


class ModelDetail(Model):
    """A model with its versions, newest first; ``next_cursor`` asks for older ones."""

    versions: list[ModelVersion]
    next_cursor: str | None


class ModelCreate(Request):
    """A new version of a model, of the run ``run_id`` or of a new run."""

    name: Plain = Field(min_length=1, max_length=250, pattern=NOT_BLANK)
    params: dict[str, Scalar] = Field(default_factory=dict, max_length=1000)
    metrics: dict[str, FiniteFloat] = Field(default_factory=dict, max_length=1000)
    artifacts: list[Plain] = Field(
        default_factory=list,
        max_length=1000,
        description="Files and folders of the project; of an existing run, its outputs.",
    )
    run_id: Plain | None = Field(default=None, min_length=1)
    tags: dict[str, str] = Field(default_factory=dict, max_length=100)


class ModelChange(Request):
    """The card of a model: its description in Markdown, empty to remove it."""

    description: Plain = Field(max_length=5000)


class SignatureColumn(Record):
    """An input or output of a model; ``name`` is null where the model does not say it.

    ``type`` is MLflow's word, such as ``double`` or ``tensor float32 (-1, 784)``, and empty if
    unknown. ``values`` are the classes that a classifier chooses from.
    """

    name: str | None
    type: str = ""
    values: list[str] = Field(default_factory=list)


class ModelSignature(Record):
    """The inputs and outputs of a version; ``file`` is the file that has them, null if none has."""

    file: str | None
    inputs: list[SignatureColumn] = Field(default_factory=list)
    outputs: list[SignatureColumn] = Field(default_factory=list)


class ModelUse(Record):
    """A place in the project that names a model.

    ``node`` is that of a workflow which loads or registers it; otherwise ``line`` is a line of a
    file with the model's address, ``models:/NAME``. ``version`` is the version or alias, null for
    any.
    """

    path: str
    node: str | None = None
    registers: bool = False
    line: int | None = None
    text: str = ""
    version: str | None = None


class ModelsQuery(PageQuery):
    """Filters for models."""

    q: Plain | None = Field(default=None, description="Text in the name.")


class CompareQuery(Request):
    """Versions to compare, by their ids."""

    ids: Annotated[list[Plain], BeforeValidator(separate)] = Field(min_length=2, max_length=20)


class ComparedValue(Record):
    """A parameter or metric in every version, in their order; null where one lacks it."""

    name: str
    values: list[str | float | None]
    differs: bool


class ModelComparison(Record):
    """Versions side by side.

    ``environments``: the interpreters and packages that differ between the runs of the versions;
    null also for a version whose environment is not known.
    """

    versions: list[ModelVersion]
    params: list[ComparedValue]
    metrics: list[ComparedValue]
    environments: list[ComparedValue]


class BestQuery(Request):
    """Query for the best versions by a metric.

    Without ``mode``, the metric's name decides whether higher or lower is better.
    """

    metric: Plain = Field(min_length=1, max_length=250)
    mode: Mode | None = None
    name: Plain | None = Field(default=None, min_length=1, description="Only of this model.")
    limit: int = Field(default=10, ge=1, le=100, description="Maximum number.")


class RankedVersion(Record):
    """A version with its value of the metric."""

    value: float
    version: ModelVersion


class BestModels(Record):
    """Versions by a metric, best first; empty if no version has it."""

    metric: str
    mode: Mode
    items: list[RankedVersion]


class AliasChange(Record):
    """A change of an alias; ``version`` is null if the alias was deleted.

    ``timestamp`` is null for a change that another program made.
    """

    alias: str
    version: int | None
    before: int | None
    by: str
    timestamp: str | None


class AliasRequest(Request):
    """The version that an alias is to point at."""

    version: int = Field(ge=1)
