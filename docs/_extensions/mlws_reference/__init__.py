"""Sphinx extension: writes the reference from the code while the pages are read.

A line ``<!-- generated: NAME -->`` of a page is replaced by Markdown in the site's language.
Nothing generated is checked in, so that nothing goes stale. The messages for translators leave it
out: its Chinese comes from the same catalogues as the product's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from mlws_reference import commands, components, errors, lab, python_api, rest, settings

MARKER = re.compile(r"^<!-- generated: ([\w-]+) -->$", re.MULTILINE)
GENERATORS: dict[str, Callable[[str], str]] = {
    "commands": commands.command_line,
    "components": components.library_page,
    "errors": errors.catalogue,
    "lab-commands": lab.commands,
    "lab-settings": lab.settings,
    "programs-of-nodes": commands.node_programs,
    "magics": commands.magics,
    "python-api": python_api.public_names,
    "rest-hub": rest.hub,
    "rest-hub-schemas": rest.hub_schemas,
    "rest-lab": rest.lab,
    "rest-lab-schemas": rest.lab_schemas,
    "server-settings": settings.server,
    "shortcuts": lab.shortcuts,
    "spawner-settings": settings.spawner,
}


def insert(app: Any, name: str, source: list[str]) -> None:
    """Replace the markers of a page."""
    language = app.config.language
    leave_out = app.builder.name == "gettext"
    source[0] = MARKER.sub(
        lambda match: "" if leave_out else GENERATORS[match[1]](language), source[0]
    )


def outdated(app: Any, env: Any, *_: Any) -> list[str]:
    """Return the pages with markers: the code that they show may have changed."""
    return [
        name
        for name in env.found_docs
        if MARKER.search(env.doc2path(name).read_text(encoding="utf-8"))
    ]


def setup(app: Any) -> dict[str, Any]:
    """Register the extension."""
    app.connect("source-read", insert)
    app.connect("env-get-outdated", outdated)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
