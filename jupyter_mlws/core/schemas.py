"""The base of every request and reply model, and the models that all lists share."""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, SerializationInfo

from jupyter_mlws.core import validation_messages
from jupyter_mlws.core.i18n import Message, context_language, translate

Item = TypeVar("Item")
CURSOR = validation_messages.pattern(r"^\d{1,9}$", Message("is not a valid cursor for this list"))


def _translate_facts(facts: dict[str, Any], info: SerializationInfo) -> Any:
    return translate(facts, context_language(info))


Facts = Annotated[
    dict[str, Any],
    PlainSerializer(_translate_facts, return_type=dict[str, Any], when_used="json"),
]
"""Facts of an error by their names; those that are messages go out in the reader's language."""


class Request(BaseModel):
    """A body or query: unknown fields are refused, so that a misspelt one is noticed."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Record(BaseModel):
    """Something the API answers with."""

    model_config = ConfigDict(frozen=True, defer_build=True)


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
