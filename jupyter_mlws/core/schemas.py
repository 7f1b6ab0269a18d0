"""Base classes of request and response models, pagination, and JSON in the reader's language."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from jupyter_mlws.core import validation_messages
from mlws.core.errors import MLWSError
from mlws.core.i18n import Message, context_language, translate

Item = TypeVar("Item")
CURSOR = validation_messages.pattern(r"^\d{1,9}$", Message("is not a valid cursor for this list"))


Facts = Annotated[
    dict[str, Any],
    PlainSerializer(
        lambda facts, info: translate(facts, context_language(info)),
        return_type=dict[str, Any],
        when_used="json",
    ),
]
"""Facts of an error by their names; those that are messages go out in the reader's language."""


class Request(BaseModel):
    """A body or query: unknown fields are refused, so that a misspelt one is noticed."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Record(BaseModel):
    """Something the API answers with."""

    # Every field is in the JSON, also with its default.
    model_config = ConfigDict(
        frozen=True, defer_build=True, json_schema_serialization_defaults_required=True
    )

    @classmethod
    def from_object(cls, source: Any, **fields: Any) -> Self:
        """Create a record of ``fields``, and of the attributes or items of ``source``."""
        names = cls.model_fields.keys() - fields
        if isinstance(source, Mapping):
            facts = {name: source[name] for name in names if name in source}
        else:
            facts = {name: getattr(source, name) for name in names if hasattr(source, name)}
        return cls(**facts, **fields)


class Page(Record, Generic[Item]):
    """Part of a list; ``next_cursor`` asks for the next part, null at the end."""

    items: list[Item]
    next_cursor: str | None = None


def separate(value: Any) -> Any:
    """Return the values of a list parameter, separated by commas or given one by one."""
    if value is None:
        return None
    values = [value] if isinstance(value, str) else value
    return [part.strip() for text in values for part in str(text).split(",") if part.strip()]


class PageQuery(Request):
    """Size and start of a page of a list."""

    limit: int = Field(default=50, ge=1, le=500, description="Maximum number of items.")
    cursor: str | None = Field(default=None, description="`next_cursor` of the previous page.")


class ShortListQuery(Request):
    """Part of a short list; all of it where no limit is named."""

    limit: int | None = Field(
        default=None, ge=1, le=500, description="Maximum number of items; default: all."
    )
    cursor: str | None = Field(
        default=None, pattern=CURSOR, description="`next_cursor` of the previous page."
    )

    def part_of(self, page: Page[Item]) -> Page[Item]:
        """Return the part of a whole list that this query names."""
        start = int(self.cursor or 0)
        end = len(page.items) if self.limit is None else start + self.limit
        following = str(end) if end < len(page.items) else None
        return page.model_copy(update={"items": page.items[start:end], "next_cursor": following})


class NoQuery(Request):
    """An endpoint without query parameters of its own."""


def encode_json(body: Any, language: str) -> bytes:
    """Return ``body`` as JSON in UTF-8, with messages in ``language``.

    Bytes of a file name that are not UTF-8 (surrogates in Python) are escaped.
    """

    def to_json(data: Any) -> Any:
        if isinstance(data, Message):
            return data.in_(language)
        if isinstance(data, BaseModel):
            return data.model_dump(mode="json", by_alias=True, context={"language": language})
        if isinstance(data, MLWSError):
            return data.as_dict(language)
        return dict(data) if isinstance(data, Mapping) else str(data)

    text = json.dumps(body, ensure_ascii=False, default=to_json)
    return text.encode("utf-8", "backslashreplace")
