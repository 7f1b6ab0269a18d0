"""Texts of a project as a report may show them."""

from __future__ import annotations

import unicodedata

INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of characters that are not seen, or that change the order of the others."""


def printable(text: str) -> str:
    """Return a text in one line, with hidden characters as Python writes them.

    Marks of the direction of text can make a diff look like another one.
    """
    if text.isprintable():
        return text
    return "".join(
        " " * 4
        if character == "\t"
        else character.encode("unicode_escape").decode("ascii")
        if unicodedata.category(character) in INVISIBLE
        else character
        for character in text
    )
