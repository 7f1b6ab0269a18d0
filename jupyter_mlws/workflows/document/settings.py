"""Validation of a node's settings by the JSON Schema of its component."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from jupyter_mlws.components.optional_dependencies import installed
from mlws.core.i18n import Message

if TYPE_CHECKING:
    from jupyter_mlws.components.models import Component

NEEDS_KEYWORD = "x-needs"
"""Schema keyword for values that need an optional library: its module and the message without it.
A workflow may be saved with such values; a run needs the library."""
CONTROLS = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff\ud800-\udfff]")
"""Characters that get lost between a `dvc.yaml`, the command line and the component."""


class FaultKind(StrEnum):
    """Kind of a setting's fault."""

    VALUE = "value"
    UNKNOWN = "unknown"
    MISSING = "missing"
    UNAVAILABLE = "unavailable"


DRAFT_FAULTS = frozenset({FaultKind.MISSING, FaultKind.UNAVAILABLE})
"""Faults that a workflow may be saved with: only a run needs them fixed."""


@dataclass(frozen=True)
class SettingFault:
    """A fault of one setting; ``name`` has dots for nesting."""

    name: str
    message: Message
    kind: FaultKind


def faults(
    component: Component,
    settings: Mapping[str, Any],
    options: Mapping[str, Sequence[str]] | None = None,
) -> Iterator[SettingFault]:
    """Yield all faults of ``settings``, and of ``options``: those in the command, as words."""
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

    words = options or {}
    values = {**convert_options(component, words), **settings}
    for error in Draft202012Validator(component.settings).iter_errors(values):
        if error.validator == "required":
            for name in error.validator_value:
                if name not in values and name not in words:
                    message = Message("The setting {name!r} is required.", name=name)
                    yield SettingFault(name, message, FaultKind.MISSING)
        elif error.validator != "additionalProperties":
            path = ".".join(str(part) for part in error.absolute_path)
            title = setting_schemas(component).get(path, {}).get("title", path)
            yield SettingFault(path, _invalid(error).fill(setting=Message(title)), FaultKind.VALUE)
    unread = [name for name in words if name.removeprefix("no-") not in values]
    yield from _unknown(component, [*settings, *unread])
    for name, schema in setting_schemas(component).items():
        needs = schema.get(NEEDS_KEYWORD, {})
        value = values.get(name)
        if isinstance(value, str) and value in needs and not installed(needs[value]["module"]):
            yield SettingFault(name, Message.parse(needs[value]["message"]), FaultKind.UNAVAILABLE)


def setting_schemas(component: Component) -> Mapping[str, Any]:
    """Return the schema of each setting."""
    properties: Mapping[str, Any] = component.settings.get("properties", {})
    return properties


def convert_options(component: Component, options: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return the settings in the command itself, converted as the component reads them."""
    settings: dict[str, Any] = {}
    for name, values in options.items():
        schema = setting_schemas(component).get(name)
        if schema is None:
            if name.startswith("no-") and not values and name[3:] in setting_schemas(component):
                settings[name[3:]] = False
            continue
        types = schema.get("anyOf", [schema])
        choices = [one for one in types if one.get("type") != "null"]
        kind = choices[0].get("type") if len(choices) == 1 else None
        is_optional = "anyOf" in schema and len(choices) < len(types)
        if is_optional and list(values) in (["null"], ["None"], [""]):
            settings[name] = None
        elif kind == "array":
            inner = choices[0].get("items", {}).get("type")
            settings[name] = [_convert_scalar(value, inner) for value in values]
        elif len(values) != 1:
            settings[name] = list(values) or True
        else:
            settings[name] = _convert_scalar(values[0], kind)
    return settings


def _convert_scalar(text: str, kind: str | None) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    if kind not in ("integer", "number", "boolean"):
        return text
    try:
        return YAML(typ="safe", pure=True).load(text)
    except YAMLError:
        return text


def _unknown(component: Component, names: Sequence[str]) -> Iterator[SettingFault]:
    from difflib import get_close_matches

    if component.settings.get("additionalProperties") is True:
        return
    for name in names:
        if name.split(".")[0] not in setting_schemas(component):
            near = get_close_matches(name, list(setting_schemas(component)), n=1)
            message = (
                Message(
                    "{title} has no setting {name!r}. Did you mean {near!r}?",
                    title=component.title,
                    name=name,
                    near=near[0],
                )
                if near
                else Message("{title} has no setting {name!r}.", title=component.title, name=name)
            )
            yield SettingFault(name, message, FaultKind.UNKNOWN)


TYPES = {
    "integer": Message("an integer"),
    "number": Message("a number"),
    "string": Message("text"),
    "boolean": Message("true or false"),
    "array": Message("a list"),
    "object": Message("an object"),
}

BOUNDS = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
RANGES = {
    ("minimum",): Message("{setting} must be at least {minimum}."),
    ("exclusiveMinimum",): Message("{setting} must be greater than {exclusiveMinimum}."),
    ("maximum",): Message("{setting} must be at most {maximum}."),
    ("exclusiveMaximum",): Message("{setting} must be less than {exclusiveMaximum}."),
    ("minimum", "maximum"): Message("{setting} must be between {minimum} and {maximum}."),
    ("minimum", "exclusiveMaximum"): Message(
        "{setting} must be at least {minimum} and less than {exclusiveMaximum}."
    ),
    ("exclusiveMinimum", "maximum"): Message(
        "{setting} must be greater than {exclusiveMinimum} and at most {maximum}."
    ),
    ("exclusiveMinimum", "exclusiveMaximum"): Message(
        "{setting} must be greater than {exclusiveMinimum} and less than {exclusiveMaximum}."
    ),
}
"""Allowed values by the bounds that a schema has, in the order of ``BOUNDS``."""


def _invalid(error: Any) -> Message:
    """Return why a value is not valid; the caller fills in ``{setting}``."""
    limit = error.validator_value
    if error.validator == "anyOf":
        # A type or null: report the fault of the type.
        inner = [part for part in error.context if part.validator_value != "null"]
        if len(inner) == 1:
            return _invalid(inner[0])
    if error.validator == "type" and limit in TYPES:
        return Message("{setting} must be {types}.", types=TYPES[limit])
    if error.validator == "enum":
        choices = ", ".join(str(choice) for choice in limit)
        return Message("{setting} must be one of {choices}.", choices=choices)
    bounds = {name: error.schema[name] for name in BOUNDS if name in error.schema}
    other = Message("{setting} is not valid: {reason}", reason=error.message)
    if error.validator not in bounds:
        return other
    return RANGES.get(tuple(bounds), other).fill(**bounds)


def unfit(value: Any) -> Message | None:
    """Return why DVC and the command line cannot pass a value to a component; None if they can."""
    if isinstance(value, str):
        return unfit_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return Message("Must be a finite number.")
    if isinstance(value, Mapping):
        return next((w for pair in value.items() for part in pair if (w := unfit(part))), None)
    if isinstance(value, list):
        if any(isinstance(part, list | Mapping) for part in value):
            return Message("A list may only contain plain values.")
        return next((message for part in value if (message := unfit(part))), None)
    return None


def unfit_text(text: str) -> Message | None:
    """Return why a text cannot be passed on; None if it can."""
    if CONTROLS.search(text):
        return Message(
            "Must not contain line breaks or control characters. Put longer text in a file."
        )
    if "${" in text:
        return Message("Must not contain `${`, which starts a template.")
    if text.startswith("-") and not re.match(r"-(\d|\.\d|$)", text):
        return Message("Must not start with a hyphen.")
    return None
