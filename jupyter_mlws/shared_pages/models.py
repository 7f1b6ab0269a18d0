"""Request and response models of shared pages."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import AwareDatetime, Field

from jupyter_mlws.core.schemas import Record, Request

MAX_HTML = 10_000_000
"""Characters of a page."""


class PageKind(StrEnum):
    """Kind of a page's content."""

    RUN = "run"
    REPORT = "report"
    NOTEBOOK = "notebook"


class Audience(StrEnum):
    """Readers of a page.

    The members of a shared project, the members of a group of the Hub, or everybody who has the
    link, without signing in, until it expires.
    """

    PROJECT = "project"
    GROUP = "group"
    LINK = "link"


class PageSource(Request):
    """Source of a page."""

    kind: PageKind
    source: str = Field(
        default="",
        max_length=1000,
        description="ID of a run, path of a notebook in the project, or BASE..HEAD of a report.",
    )


class PageReaders(Request):
    """Readers of a page, and the end of their access.

    ``name`` is the shared project or the group. Without ``expires`` a page for everybody with the
    link is refused; other pages stay until they are revoked.
    """

    audience: Audience
    name: str = Field(default="", max_length=255, description="Shared project or group.")
    expires: AwareDatetime | None = None


class PageShare(PageSource, PageReaders):
    """A page to be made and shared."""


class PageUpload(PageReaders):
    """A page to be shared: one HTML document that needs no other file."""

    kind: PageKind
    title: str = Field(min_length=1, max_length=300)
    html: str = Field(min_length=1, max_length=MAX_HTML)


class SharedPage(Record):
    """A shared page. ``name`` is the shared project or group whose members can read it."""

    id: str
    title: str
    kind: PageKind
    owner: str
    audience: Audience
    name: str
    created_at: datetime
    expires: datetime | None
    size: int = Field(description="Bytes.")
    url: str


class HTMLPage(Record):
    """A page as one HTML document."""

    title: str
    file: str = Field(description="A name for the file.")
    html: str
