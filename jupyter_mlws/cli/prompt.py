"""Asks the person at a terminal or a notebook what git wants to know; nobody else."""

from __future__ import annotations

import sys

from jupyter_mlws.cli.console import NotebookScreen, Screen
from jupyter_mlws.core.progress import Ask


def person(screen: Screen) -> Ask | None:
    """Return the function that prompts the user at a terminal or notebook; None in a script."""
    at_a_notebook = isinstance(screen, NotebookScreen)
    return _ask if at_a_notebook or sys.stdin.isatty() else None


def _ask(prompt: str, secret: bool) -> str:
    from getpass import getpass

    if secret:
        return getpass(f"{prompt} ")
    # A kernel puts its own in the place of both of Python's functions.
    return input(f"{prompt} ")
