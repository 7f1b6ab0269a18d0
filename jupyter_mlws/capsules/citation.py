"""`CITATION.cff`: the citation of a project (Citation File Format 1.2.0)."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from jupyter_mlws.core.errors import CitationUnreadableError
from mlws.core.i18n import Message

FILE = "CITATION.cff"
MESSAGE = "If you use this work, please cite it as below."

NO_LIST = Message("its identifiers are not a list")
ORCID = re.compile(r"https://orcid\.org/((?:\d{4}-){3}\d{3}[\dX])")


@dataclass(frozen=True)
class Author:
    """A person, or a group, as git and citations name them; ``orcid`` is the bare identifier."""

    name: str
    orcid: str = ""
    affiliation: str = ""

    @property
    def given(self) -> str:
        """The name without its last word; empty for a name of one word."""
        return self.name.rpartition(" ")[0]

    @property
    def family(self) -> str:
        return self.name.rpartition(" ")[2]


def read_authors(citation: Mapping[str, Any]) -> list[Author]:
    """Return the authors of a citation."""
    rows = citation.get("authors")
    authors = []
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict):
            parts = [str(row[key]) for key in ("given-names", "family-names") if row.get(key)]
            orcid, affiliation = (str(row.get(key) or "") for key in ("orcid", "affiliation"))
            name = str(row.get("name") or " ".join(parts))
            match = ORCID.fullmatch(orcid)
            authors.append(Author(name, match[1] if match else "", affiliation))
    return [author for author in authors if author.name]


def write(title: str, authors: Sequence[Author], version: str, date: str) -> bytes:
    """Return a citation; ``date`` is YYYY-MM-DD."""
    people = [
        {"family-names": author.family, "given-names": author.given}
        if author.given
        # Which part of a name without a space is the family's is not known.
        else {"name": author.name}
        for author in authors
    ]
    document = {
        "cff-version": "1.2.0",
        "message": MESSAGE,
        "type": "dataset",
        "title": title,
        "authors": people,
        "version": version,
        "date-released": date,
    }
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False).encode()


def add_doi(text: bytes, doi: str, description: str) -> bytes:
    """Return a citation with a DOI among its identifiers; its other lines stay as they are.

    Raises CitationUnreadableError for a text that is no citation.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    editor = YAML()
    editor.preserve_quotes = True
    editor.width = 4096
    if re.search(rb"^ +- ", text, re.MULTILINE):
        editor.indent(mapping=2, sequence=4, offset=2)
    try:
        document = editor.load(text)
    except (YAMLError, ValueError, RecursionError) as error:
        raise CitationUnreadableError(path=FILE, reason=str(error)) from error
    identifiers = document.setdefault("identifiers", []) if isinstance(document, dict) else None
    if not isinstance(identifiers, list):
        raise CitationUnreadableError(path=FILE, reason=NO_LIST)
    if not any(isinstance(row, dict) and row.get("value") == doi for row in identifiers):
        identifiers.append({"type": "doi", "value": doi, "description": description})
    out = io.BytesIO()
    editor.dump(document, out)
    return out.getvalue()
