"""The catalogue of errors: a section for each."""

from __future__ import annotations

from itertools import groupby

from jupyter_mlws.reference.markdown import join, translate
from jupyter_mlws.reference.pages import PARTS, error_text
from mlws.core.errors import CATALOGUE


def catalogue(language: str) -> str:
    """Return a section for each error, by part."""
    parts = []
    for part, errors in groupby(sorted(CATALOGUE.items()), lambda item: item[0][:2]):
        parts.append(f"## {translate(PARTS[part], language)}")
        for number, error in errors:
            parts += [f"(error-{number})=", f"### {number}", *error_text(error, language)]
    return join(parts)
