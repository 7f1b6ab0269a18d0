"""Errors: message, solution, status and details."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jupyter_mlws.core.errors import MLWSError
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.reference.markdown import code, escape, product_language, translate

FORMAT = re.compile(r"[!:][^{}]*\}")
PARTS = {
    "10": "Containers",
    "20": "Notebooks",
    "30": "Versions",
    "40": "Workflows",
    "50": "The server",
}
"""Headings by the first digits of the codes."""


def plain(text: Message, language: str) -> str:
    """Return a message with the names of its facts, without how Python formats them."""
    return FORMAT.sub("}", text.in_(product_language(language)))


def error_text(error: type[MLWSError], language: str) -> Iterator[str]:
    """Yield the paragraphs about an error."""
    yield f"**{escape(plain(error.message, language))}**"
    yield escape(plain(error.solution, language))
    details = ", ".join(code(name) for name in error.names())
    yield f"{translate('HTTP status', language)}: {error.status}" + (
        f" · {translate('Details', language)}: {details}" if details else ""
    )
