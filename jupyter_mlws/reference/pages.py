"""Pages of the reference that the lab shows: guides, components, commands and errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, partial

from jupyter_mlws.components.registry import library
from jupyter_mlws.core.errors import CATALOGUE
from jupyter_mlws.reference.commands import (
    MAGICS,
    NODE_PROGRAMS,
    PROGRAM,
    all_commands,
    command_text,
    node_program_text,
)
from jupyter_mlws.reference.components import component_text
from jupyter_mlws.reference.errors import PARTS, error_text, plain
from jupyter_mlws.reference.guides import (
    guide_id,
    guide_message,
    guide_text,
    guide_title,
    guides,
)
from jupyter_mlws.reference.markdown import join, translate


@dataclass(frozen=True)
class ReferencePage:
    """A page: its place in the table of contents, and what writes its Markdown.

    The documentation has its ``id`` as an anchor.
    """

    id: str
    part: str
    group: str
    title: str
    write: Callable[[], Iterable[str]]

    @property
    def text(self) -> str:
        """The Markdown below the title."""
        return join(self.write())


@cache
def pages(language: str) -> dict[str, ReferencePage]:
    """Return all pages by ID, in the order of the table of contents."""
    components, commands, errors = (
        translate(part, language) for part in ("Components", "Commands", "Errors")
    )
    result = [
        ReferencePage(
            guide_id(page),
            guide_title(index, language),
            guide_message(index, group, language),
            guide_title(page, language),
            partial(guide_text, page, language),
        )
        for page, group in guides().items()
        for index in [f"{page.partition('/')[0]}/index"]
    ]
    result += [
        ReferencePage(
            f"component-{component.name}",
            components,
            translate(component.category, language),
            translate(component.title, language),
            partial(component_text, component, language),
        )
        for component in library()
    ]
    result += [
        ReferencePage(
            "-".join(("command", *words)),
            commands,
            "jupyter mlws, %mlws",
            " ".join(words) or PROGRAM,
            partial(command_text, words, command, language),
        )
        for words, command in all_commands(language)
    ]
    programs = translate("Programs that nodes start", language)
    result += [
        ReferencePage(
            f"command-{name}", commands, programs, name, partial(node_program_text, module)
        )
        for name, module in NODE_PROGRAMS.items()
    ]
    magics = translate("Magics of a cell", language)
    result.append(ReferencePage("magics", commands, magics, "%%mlws", lambda: [MAGICS]))
    result += [
        ReferencePage(
            f"error-{number}",
            errors,
            translate(PARTS[number[:2]], language),
            f"{number} {plain(error.message, language)}",
            partial(error_text, error, language),
        )
        for number, error in sorted(CATALOGUE.items())
    ]
    return {page.id: page for page in result}
