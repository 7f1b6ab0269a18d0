"""The ``@component`` decorator, and the ports and settings that a function's signature declares.

- Positional parameters with an artifact type are input ports; ``list[Model]`` takes several,
  a default of ``None`` makes it optional.
- The return type is the output: one artifact (named after its type) or a ``NamedTuple`` of them.
- Keyword-only parameters are settings. Their types and docstring lines (``name: words``) make
  the JSON Schema.
"""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints, overload

from pydantic import ConfigDict, Field, create_model

from jupyter_mlws.components import parameters
from jupyter_mlws.components.artifacts import Artifact
from jupyter_mlws.components.columns import Like, Rule
from jupyter_mlws.components.models import Component, InputPort, OutputPort
from jupyter_mlws.components.needs import Needs

F = TypeVar("F", bound=Callable[..., Any])

MARK = "__mlws_component__"
VARIADIC_KINDS = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
PARAMETER_DESCRIPTION = re.compile(r"^([ \t]*)(\w+): (.+(?:\n\1[ \t]+\S.*)*)", re.MULTILINE)


class DeclarationError(TypeError):
    """A function that cannot be a component; the message says what to change."""


@dataclass(frozen=True)
class Declaration:
    """Options of the ``@component`` decorator."""

    category: str
    title: str | None
    columns: Rule | None
    needs: Needs | None


@overload
def component(function: F) -> F: ...
@overload
def component(
    *,
    category: str = ...,
    title: str | None = ...,
    columns: Rule | None = ...,
    needs: Needs | None = ...,
) -> Callable[[F], F]: ...
def component(
    function: F | None = None,
    *,
    category: str = "Project",
    title: str | None = None,
    columns: Rule | None = None,
    needs: Needs | None = None,
) -> F | Callable[[F], F]:
    """Make a function a component.

    ``title`` defaults to its name; ``columns`` says which columns its output tables have, such as
    ``like("data", add={"score": "number"})``; ``needs`` yields which columns do not fit.
    """

    def mark(function: F) -> F:
        setattr(function, MARK, Declaration(category, title, columns, needs))
        return function

    return mark if function is None else mark(function)


def find_components(module: types.ModuleType) -> dict[str, Callable[..., Any]]:
    """Return the components that a module itself defines, by name, in the order of the file."""
    return {
        name: value
        for name, value in vars(module).items()
        if hasattr(value, MARK) and value.__module__ == module.__name__
    }


def describe(function: Callable[..., Any], source: str) -> Component:
    """Return the ports and settings of a component, read from its signature."""
    declaration: Declaration = getattr(function, MARK)
    hints = get_type_hints(function, include_extras=True)
    summary, descriptions = _docstring(function)
    name = function.__name__
    inputs = _inputs(function, hints, descriptions)
    tables = [port.name for port in inputs if port.type == "Table"]
    rule = declaration.columns
    if isinstance(rule, Like) and rule.port not in tables:
        raise DeclarationError(
            f"{name}: columns: {rule.port!r} is not an input table; use one of {tables}"
        )
    return Component(
        name=name,
        title=declaration.title or name.replace("_", " ").capitalize(),
        category=declaration.category,
        description=summary,
        inputs=inputs,
        outputs=outputs_of(function, hints, descriptions),
        settings=parameters.describe(
            settings_model(function, hints, descriptions).model_json_schema(), hints, tables
        ),
        columns=rule if isinstance(rule, Like) else None,
        source=source,
    )


def _inputs(
    function: Callable[..., Any], hints: dict[str, Any], descriptions: dict[str, str]
) -> list[InputPort]:
    ports = []
    parameters = inspect.signature(function).parameters.values()
    if any(parameter.kind in VARIADIC_KINDS for parameter in parameters):
        raise DeclarationError(f"{function.__name__}: a component can't have *args or **kwargs")
    for parameter in parameters:
        if parameter.kind is parameter.KEYWORD_ONLY:
            continue
        artifact, multiple, optional = input_type(hints.get(parameter.name))
        if artifact is None:
            raise DeclarationError(
                f"{function.__name__}: the parameter {parameter.name!r} has no artifact type; "
                "make it keyword-only (after `*`) if it is a setting"
            )
        ports.append(
            InputPort(
                name=parameter.name,
                type=artifact.name,
                required=not optional and parameter.default is parameter.empty,
                multiple=multiple,
                description=descriptions.get(parameter.name, ""),
                kinds=artifact.kinds,
            )
        )
    return ports


def input_type(hint: Any) -> tuple[Artifact | None, bool, bool]:
    """Return the artifact of a hint, whether it takes several, and whether it is optional."""
    if get_origin(hint) in (Union, types.UnionType):
        inner = [part for part in get_args(hint) if part is not types.NoneType]
        if len(inner) == 1:
            artifact, multiple, _ = input_type(inner[0])
            return artifact, multiple, True
    if get_origin(hint) is list:
        return _artifact(get_args(hint)[0]), True, False
    return _artifact(hint), False, False


def _artifact(hint: Any) -> Artifact | None:
    artifacts = [part for part in getattr(hint, "__metadata__", ()) if isinstance(part, Artifact)]
    return artifacts[0] if artifacts else None


def outputs_of(
    function: Callable[..., Any],
    hints: dict[str, Any] | None = None,
    descriptions: dict[str, str] | None = None,
) -> list[OutputPort]:
    """Return the output ports, from the return type."""
    descriptions = descriptions or {}
    hints = hints or get_type_hints(function, include_extras=True)
    return_type = hints.get("return")
    if return_type is None or return_type is types.NoneType:
        raise DeclarationError(f"{function.__name__}: declare its return type, e.g. `-> Table`")
    artifact = _artifact(return_type)
    artifacts: dict[str, Artifact | None] = {}
    if artifact is not None:
        artifacts = {artifact.name.lower(): artifact}
    elif hasattr(return_type, "_fields"):
        fields = get_type_hints(return_type, include_extras=True)
        artifacts = {name: _artifact(hint) for name, hint in fields.items()}
    if not artifacts or None in artifacts.values():
        raise DeclarationError(
            f"{function.__name__}: the return type must be an artifact type "
            "or a NamedTuple of artifact types"
        )
    # Ports share one namespace on the command line.
    clashes = sorted(inspect.signature(function).parameters.keys() & artifacts.keys())
    if clashes:
        raise DeclarationError(
            f"{function.__name__}: {clashes[0]!r} is the name of both a parameter and an output; "
            "rename the parameter, or return a NamedTuple with a different field name"
        )
    return [
        OutputPort(
            name=name,
            type=artifact.name,
            extension=artifact.extension,
            description=descriptions.get(name, ""),
            kinds=artifact.kinds,
        )
        for name, artifact in artifacts.items()
        if artifact is not None
    ]


def settings_model(
    function: Callable[..., Any],
    hints: dict[str, Any] | None = None,
    descriptions: dict[str, str] | None = None,
) -> Any:
    """Return a pydantic model of the keyword-only parameters; it rejects unknown settings."""
    hints = hints or get_type_hints(function, include_extras=True)
    descriptions = descriptions if descriptions is not None else _docstring(function)[1]
    fields: dict[str, Any] = {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            continue
        default = {} if parameter.default is parameter.empty else {"default": parameter.default}
        field = Field(description=descriptions.get(parameter.name), **default)
        fields[parameter.name] = (hints.get(parameter.name, Any), field)
    return create_model(
        function.__name__,
        __config__=ConfigDict(
            extra="forbid", protected_namespaces=(), arbitrary_types_allowed=False
        ),
        **fields,
    )


def _docstring(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """Return the first paragraph, and the description of each ``name:`` in the rest."""
    text = inspect.getdoc(function) or ""
    summary, _, rest = text.partition("\n\n")
    descriptions = {
        name: " ".join(words.split()) for _, name, words in PARAMETER_DESCRIPTION.findall(rest)
    }
    return " ".join(summary.split()), descriptions
