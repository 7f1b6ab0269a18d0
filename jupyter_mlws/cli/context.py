"""Context of a command: its client, its screen and its language."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from jupyter_mlws.cli import workflow_views
from jupyter_mlws.cli.console import Block, NotebookScreen, Screen
from jupyter_mlws.cli.views import Views
from jupyter_mlws.client.project import JSON, Origin, ProjectClient, Query, open_project
from jupyter_mlws.core.trust import is_trusted, trust
from mlws.core.errors import Fault, InvalidRequestError, OutsideWorkspaceError
from mlws.core.i18n import Message
from mlws.core.project import Project

EXIT_SUCCESS, EXIT_FAILURE, EXIT_USAGE_ERROR = 0, 1, 2
EXIT_INTERRUPTED = 130
"""The exit code of a command that Ctrl-C ended, by the shell's convention."""
LATEST = "latest"
View = Callable[[Views, Any], Sequence[Block]]
"""Renders a result."""


class UsageFaultError(Exception):
    """A valid command line that cannot be executed; the message says what to use instead."""


def prompt(text: str, secret: bool) -> str:
    """Prompt the user; a kernel replaces both functions of Python by its own."""
    from getpass import getpass

    return getpass(f"{text} ") if secret else input(f"{text} ")


@dataclass
class CommandContext:
    """Working folder of a command, and the screen and language of its result."""

    folder: Path
    screen: Screen
    language: str
    origin: Origin
    as_json: bool = False
    is_wide: bool = False
    is_paged: bool = True
    printed_lines: set[str] = field(default_factory=set)
    questions: set[str] = field(default_factory=set)
    """The codes of the errors that the user was asked about."""

    @cached_property
    def client(self) -> ProjectClient:
        """Client of the project that contains the folder; opened on first use."""
        project = Project.open(self.folder)
        if not self.as_json and not is_trusted(project.root):
            self._ask_for_trust(project)
        client = open_project(self.folder, self.language, self.origin)
        if self.can_prompt:
            client.ask = prompt
        return client

    @property
    def can_prompt(self) -> bool:
        """Return whether there is a user who can be prompted; a script has none."""
        return isinstance(self.screen, NotebookScreen) or sys.stdin.isatty()

    def _ask_for_trust(self, project: Project) -> None:
        """Trust the authors of a project if a user at a terminal does."""
        if not self.screen.can_ask:
            return
        from jupyter_mlws.projects.programs import find_programs

        name = project.root.name
        self.screen.show(*workflow_views.programs(self.views, name, find_programs(project)))
        question = self.views.say(
            "Trust the authors of {name}?", name=workflow_views.printable(name)
        )
        if self.screen.confirm(question):
            trust(project.root)

    @cached_property
    def views(self) -> Views:
        return Views(self.language)

    def answer(self, data: Any, view: View) -> int:
        """Output the result: as JSON for programs, or as rendered by ``view`` for users."""
        if self.as_json:
            self.screen.data(data)
        else:
            blocks = view(self.views, data)
            self.screen.show_result(*blocks, is_wide=self.is_wide, is_paged=self.is_paged)
        return EXIT_SUCCESS

    def answer_one(self, row: JSON, view: View) -> int:
        """Output a single result, rendered by the view of a list."""
        return self.answer(row, lambda views, data: view(views, [data]))

    def follow(self, path: str, body: Query | None = None) -> Any:
        """Start long work, show its progress, and return its result."""
        return self.client.follow(path, body, self.screen.note)

    def write(self, output: str, text: str) -> None:
        """Write text to the file of the option ``--output``. Raises InvalidRequestError."""
        try:
            (self.folder / output).write_text(text, encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
            reason = Message.verbatim(error.strerror or str(error))
            raise InvalidRequestError(faults=[Fault("output", reason)]) from error

    def path(self, path: str) -> str:
        """Convert a path that the user entered to one relative to the project's root."""
        root = self.client.project.root
        absolute = Path(os.path.normpath(self.folder / path))
        if absolute != root and root not in absolute.parents:
            raise OutsideWorkspaceError(path=path)
        return absolute.relative_to(root).as_posix()

    def paths(self, paths: Sequence[str]) -> list[str]:
        """Convert several paths as :meth:`path` does."""
        return [self.path(path) for path in paths]

    def close(self) -> None:
        """Close the project if it was opened."""
        client = self.__dict__.pop("client", None)
        if client is not None:
            client.close()
