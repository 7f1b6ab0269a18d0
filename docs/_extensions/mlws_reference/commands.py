"""The command line and the magics: a section for each command."""

from __future__ import annotations

from jupyter_mlws.reference.markdown import code, join
from jupyter_mlws.reference.pages import (
    MAGICS,
    NODE_PROGRAMS,
    all_commands,
    command_text,
    node_program_text,
)


def command_line(language: str) -> str:
    """Return a section for each command of ``jupyter mlws``."""
    parts = []
    for words, command in all_commands(language):
        if words:
            parts += [
                f"(command-{'-'.join(words)})=",
                f"{'#' * (len(words) + 1)} {code(' '.join(words))}",
            ]
        parts += command_text(words, command, language)
    return join(parts)


def magics(language: str) -> str:
    """Return the usage of the cell magics."""
    return f"{MAGICS}\n"


def node_programs(language: str) -> str:
    """Return the usage of the commands that nodes are made of."""
    parts = []
    for name, module in NODE_PROGRAMS.items():
        parts += [f"(command-{name})=", f"## {code(name)}", *node_program_text(module)]
    return join(parts)
