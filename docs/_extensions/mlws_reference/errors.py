"""The catalogue of errors."""

from __future__ import annotations

import re
from itertools import groupby

from jupyter_mlws.core.errors import CATALOGUE
from mlws_reference.markdown import code, escape, heading, join, product_language

FORMAT = re.compile(r"[!:][^{}]*\}")
PARTS = {
    "10": "Containers",
    "20": "Notebooks",
    "30": "Versions",
    "40": "Workflows",
    "50": "The server",
}


def catalogue(language: str) -> str:
    """Return a section for each error, by part."""
    parts = []
    for part, errors in groupby(sorted(CATALOGUE.items()), lambda item: item[0][:2]):
        parts.append(f"## {heading(PARTS[part], language)}")
        for number, error in errors:
            message, solution = (
                # Without how Python formats a fact.
                escape(FORMAT.sub("}", text.in_(product_language(language))))
                for text in (error.message, error.solution)
            )
            facts = ", ".join(code(name) for name in error.names())
            parts += [
                f"(error-{number})=",
                f"### {number}",
                f"**{message}**",
                solution,
                f"{heading('HTTP status', language)}: {error.status}"
                + (f" · {heading('Details', language)}: {facts}" if facts else ""),
            ]
    return join(parts)
