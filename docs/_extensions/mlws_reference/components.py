"""The library of components: a section for each."""

from __future__ import annotations

from itertools import groupby

from jupyter_mlws.components.registry import library
from jupyter_mlws.reference.markdown import escape, join, translate
from jupyter_mlws.reference.pages import component_text


def library_page(language: str) -> str:
    """Return a section for each component, by category."""
    parts = []
    for category, components in groupby(library(), lambda component: component.category):
        parts.append(f"## {translate(category, language)}")
        for component in components:
            parts += [
                f"(component-{component.name})=",
                f"### {escape(translate(component.title, language))}",
                *component_text(component, language),
            ]
    return join(parts)
