"""Request and response models of sweeps: stages with `foreach` or `matrix`, and their variants."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from jupyter_mlws.core.schemas import Record, Request
from jupyter_mlws.versioning.experiments.ranking import Mode
from mlws.engine.states import Status


class Variant(Record):
    """One stage that a sweep generates, in the state of its newest run. Durations in seconds.

    ``values``: the sweep's values for this variant. ``params``: the parameters (`file:key`) with
    which it ran. ``metrics``: the numbers of its metrics files by dotted key; ``error`` says
    why one could not be read. ``rank`` counts from 1; null without the metric that is ranked by.
    """

    id: str
    values: dict[str, Any]
    status: Status | None
    duration: float | None
    run: str | None
    params: dict[str, Any]
    metrics: dict[str, float]
    outputs: list[str]
    rank: int | None
    best: bool
    error: str | None


class Sweep(Record):
    """A stage that generates variants, the best first and those without the metric last.

    ``metric`` is null, and nothing is ranked, as long as no variant has any. ``metrics`` lists all
    names.
    """

    name: str
    kind: str
    line: int | None
    metrics: list[str]
    metric: str | None
    mode: Mode | None
    best: str | None
    variants: list[Variant]


class Sweeps(Record):
    """The sweeps of a workflow; ``etag`` is the version of its file."""

    items: list[Sweep]
    etag: str


class Promoted(Record):
    """The result of a promotion: the stage that was a sweep is now what ``variant`` was.

    ``also``: the sweeps with the same variants that depend on it and were promoted with it.
    ``value`` is that of ``metric``, if a metric decided. ``result_kept``: the lock file has their
    results under the new names. ``kept_in``: the path of the previous text.
    """

    sweep: str
    variant: str
    also: list[str]
    metric: str | None
    value: float | None
    result_kept: bool
    kept_in: str
    etag: str


class SweepsQuery(Request):
    """The metric by which variants are ranked, and its mode."""

    metric: str | None = Field(
        default=None,
        max_length=500,
        description="Dotted name of the metric; default: the first one that most variants have.",
    )
    mode: Mode | None = Field(
        default=None, description="Whether higher or lower is better; default: by its name."
    )


class PromoteRequest(SweepsQuery):
    """The variant that the sweep becomes."""

    variant: str | None = Field(
        default=None,
        max_length=500,
        description="ID of the variant, or the part after `@`; default: the best one.",
    )
