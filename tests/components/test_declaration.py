"""A function's hints and docstring make its ports and settings."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

import pytest
from pydantic import Field

from jupyter_mlws.components import Metrics, Model, Table, component
from jupyter_mlws.components.declaration import DeclarationError, describe


class Two(NamedTuple):
    """Two outputs."""

    model: Model
    metrics: Metrics


@component(category="Train", title="Fit it")
def fit(
    models: list[Model],
    data: Table,
    extra: Table | None = None,
    *,
    kind: Literal["a", "b"] = "a",
    rounds: Annotated[int, Field(ge=1)] = 3,
    name: str,
) -> Two:
    """Fit
    something.

    data: The table,
        in two lines.
    rounds: How often.
    """
    raise NotImplementedError


def test_hints_and_docstring_make_ports_and_schema() -> None:
    described = describe(fit, "library")
    assert (described.title, described.category, described.description) == (
        "Fit it",
        "Train",
        "Fit something.",
    )
    assert [(p.name, p.type, p.required, p.multiple, p.description) for p in described.inputs] == [
        ("models", "Model", True, True, ""),
        ("data", "Table", True, False, "The table, in two lines."),
        ("extra", "Table", False, False, ""),
    ]
    assert [(p.name, p.type, p.extension) for p in described.outputs] == [
        ("model", "Model", ".skops"),
        ("metrics", "Metrics", ".json"),
    ]
    properties = described.settings["properties"]
    assert properties["kind"]["enum"] == ["a", "b"]
    assert (properties["rounds"]["minimum"], properties["rounds"]["default"]) == (1, 3)
    assert properties["rounds"]["description"] == "How often."
    assert described.settings["required"] == ["name"]


def no_return(data: Table): ...
def no_type(data: Table, depth: int) -> Table: ...
def clash(table: Table) -> Table: ...
def stars(*data: Table) -> Table: ...
def no_artifact(data: Table) -> dict[str, Any]: ...


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (no_return, "e.g. `-> Table`"),
        (no_type, "keyword-only"),
        (clash, "name of both a parameter and an output"),
        (stars, "can't have \\*args"),
        (no_artifact, "artifact type"),
    ],
)
def test_what_cannot_be_a_component_says_what_to_change(function: Any, words: str) -> None:
    with pytest.raises(DeclarationError, match=words):
        describe(component(function), "project")
