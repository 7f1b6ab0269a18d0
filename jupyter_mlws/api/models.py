"""The base of every request and reply model, and the models that all lists share."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Item = TypeVar("Item")


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
    """What several may be given of: with commas, or one by one."""
    if value is None:
        return None
    values = [value] if isinstance(value, str) else value
    return [part.strip() for text in values for part in str(text).split(",") if part.strip()]


class PageQuery(Request):
    """How much of a list is wanted, and where it begins."""

    limit: int = Field(default=50, ge=1, le=500, description="At most so many items.")
    cursor: str | None = Field(default=None, description="`next_cursor` of the part before.")


class NoQuery(Request):
    """An endpoint without query parameters of its own."""
