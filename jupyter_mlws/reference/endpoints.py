"""Endpoints of the reference."""

from __future__ import annotations

from jupyter_mlws.api.registry import Context, Endpoints
from jupyter_mlws.core.errors import ReferencePageNotFoundError
from jupyter_mlws.core.schemas import Page, Record
from jupyter_mlws.server.services import Services

endpoints = Endpoints("mlws")


class ReferenceEntry(Record):
    """A page of the reference in the table of contents: ``part`` and ``group`` are headings."""

    id: str
    part: str
    group: str
    title: str


class ReferenceText(ReferenceEntry):
    """A page of the reference, with its Markdown."""

    text: str


@endpoints.get("reference", "List the pages of the reference, in the language of the request")
def list_reference_pages(services: Services, context: Context) -> Page[ReferenceEntry]:
    # Lazy: the command line is not needed for anything else in a server.
    from jupyter_mlws.reference.pages import pages

    return Page(
        items=[ReferenceEntry.from_object(page) for page in pages(context.language).values()]
    )


@endpoints.get(
    "reference/{page}",
    "Get a page of the reference, as Markdown",
    errors=[ReferencePageNotFoundError],
)
def get_reference_page(services: Services, identifier: str, context: Context) -> ReferenceText:
    from jupyter_mlws.reference.pages import pages

    page = pages(context.language).get(identifier)
    if page is None:
        raise ReferencePageNotFoundError(name=identifier)
    return ReferenceText.from_object(page)
