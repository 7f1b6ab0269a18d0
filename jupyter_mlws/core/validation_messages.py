"""Messages for invalid input, one per field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mlws.core.errors import Fault, InvalidRequestError
from mlws.core.i18n import Message

Model = TypeVar("Model", bound=BaseModel)

NOT_AN_OBJECT = Message("The body must be a JSON object.")
NO_VERSION = Message(
    "This header must be the ETag (from a GET) of the version that the change is based on, or *."
)
NO_UNICODE = Message("must be valid Unicode text, without lone surrogates")
TOO_LARGE = Message("The body is larger than 16 MB.")

_MOMENT = Message("must be a date and time with its time zone, such as 2030-01-31T18:00:00Z")
_TEMPLATES = {
    "missing": Message("is required"),
    "extra_forbidden": Message("is not a known field"),
    "string_type": Message("must be a string"),
    "string_too_short": Message("is too short: the minimum length is {min_length}"),
    "string_too_long": Message("is too long: the maximum length is {max_length}"),
    "string_pattern_mismatch": Message("must match {pattern}"),
    "int_type": Message("must be an integer"),
    "int_parsing": Message("must be an integer"),
    "int_from_float": Message("must be an integer"),
    "float_type": Message("must be a number"),
    "float_parsing": Message("must be a number"),
    "bool_type": Message("must be true or false"),
    "bool_parsing": Message("must be true or false"),
    "list_type": Message("must be a list"),
    "dict_type": Message("must be an object"),
    "tuple_type": Message("must be a list"),
    "too_short": Message("has too few items: the minimum is {min_length}"),
    "too_long": Message("has too many items: the maximum is {max_length}"),
    "string_unicode": Message("must be valid Unicode text"),
    "model_type": Message("must be an object"),
    "greater_than": Message("must be greater than {gt}"),
    "greater_than_equal": Message("must be at least {ge}"),
    "less_than": Message("must be less than {lt}"),
    "less_than_equal": Message("must be at most {le}"),
    "literal_error": Message("must be {expected}"),
    "notebook_path": Message(
        "must be a path in the server's folder that ends with .ipynb and has no hidden parts"
    ),
    "one_source": Message("specify exactly one of code, cells, all and up_to"),
    "save_code": Message("code that is not from a cell can't be saved"),
    "finite_number": Message("must be a finite number"),
    "scalar": Message("must be a string, a number, true, false or null"),
    "staged_paths": Message("specify either paths or staged"),
    "nul": Message("must not contain a NUL character"),
    "timezone_aware": _MOMENT,
    "datetime_parsing": _MOMENT,
    "datetime_from_date_parsing": _MOMENT,
    "datetime_type": _MOMENT,
    "amount": Message("is not a valid amount; use a value such as {example}"),
    "container_name": Message(
        "must contain only lowercase letters, digits, and single hyphens between them, "
        "and must not be {reserved}"
    ),
    "environment_name": Message("{name} is not a valid variable name"),
    "environment_reserved": Message("{name} is set by the Hub"),
    "enum": Message("must be {expected}"),
}


_PATTERNS: dict[str, Message] = {}


def pattern(expression: str, message: Message) -> str:
    """Register the message for a field's ``pattern`` and return ``expression``."""
    _PATTERNS[expression] = message
    return expression


NOT_BLANK = pattern(r"\S", Message("must not be blank"))


def unencodable(value: Any, field: str = "") -> Iterator[Fault]:
    """Yield a fault for each text in a JSON value that cannot be encoded as UTF-8.

    No file, database or response can hold such a text.
    """
    if isinstance(value, dict):
        for key, part in value.items():
            where = f"{field}.{key}" if field else key
            if not is_encodable(key):
                yield Fault(field, NO_UNICODE)
            else:
                yield from unencodable(part, where)
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from unencodable(part, f"{field}.{place}" if field else str(place))
    elif isinstance(value, str) and not is_encodable(value):
        yield Fault(field, NO_UNICODE)


def is_encodable(text: str) -> bool:
    """Return whether a text can be encoded as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def validate(model: type[Model], data: Mapping[str, Any]) -> Model:
    """Return ``data`` as ``model``; InvalidRequestError names every field at fault."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise InvalidRequestError(faults=faults(error)) from error


def faults(error: ValidationError) -> list[Fault]:
    """Return a fault for every invalid field."""
    faults = []
    for row in error.errors(include_url=False, include_input=False):
        facts = row.get("ctx", {})
        if row["type"] == "string_pattern_mismatch" and facts["pattern"] in _PATTERNS:
            message = _PATTERNS[facts["pattern"]]
        else:
            # pydantic has about a hundred types; the rare ones stay in English.
            template = _TEMPLATES.get(row["type"], Message.verbatim(row["msg"]))
            message = template.fill(**facts)
        faults.append(Fault(".".join(str(part) for part in row["loc"]), message))
    return faults
