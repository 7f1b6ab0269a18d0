"""Declaration of commands: functions with their help and what their signatures do not tell."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import click
from click.shell_completion import CompletionItem

from jupyter_mlws.api.client import RemoteError
from jupyter_mlws.cli import run_views, workflow_runs
from jupyter_mlws.cli.context import LATEST, CommandContext
from jupyter_mlws.client.project import ProjectClient
from mlws.core.errors import MLWSError
from mlws.core.i18n import Message

MAX_COMPLETION_RUNS = 20
"""Maximum number of runs, newest first, that are offered as completions."""


class Parameter(NamedTuple):
    """An option, or an argument if its name has no dashes.

    ``annotation`` is that of the command's function: flags are ``bool``, what may be repeated is a
    ``Sequence``, and what may be left out is ``None`` or has a default.
    """

    names: Sequence[str]
    settings: Mapping[str, Any]
    about: Message | None = None
    annotation: str = ""

    @property
    def is_argument(self) -> bool:
        return not self.names[0].startswith("-")

    @property
    def name(self) -> str:
        """The name in the function's signature."""
        return str(click.Option(self.names).name) if not self.is_argument else self.names[0]

    def __call__(self, language: str) -> click.Parameter:
        """Create the parameter with its help in a language."""
        settings = dict(self.settings)
        is_repeatable = self.annotation.startswith("Sequence")
        if self.is_argument:
            settings.setdefault("nargs", -1 if is_repeatable else 1)
            if self.annotation.endswith("None"):
                settings["required"] = False
            return click.Argument(self.names, **settings)
        settings.setdefault("multiple", is_repeatable)
        settings.setdefault("is_flag", self.annotation == "bool" or None)
        if self.annotation == "str" and "default" not in settings:
            settings["required"] = True
        return click.Option(
            self.names, help=self.about.in_(language) if self.about else None, **settings
        )


class CommandSpec(NamedTuple):
    """A command: its name, function, help and parameters."""

    name: str
    action: Callable[..., int]
    about: Message
    parameters: Sequence[Parameter]
    passes_on: bool = False
    """True if the arguments after the first are those of another program, options included."""
    has_wide: bool = False
    """True if the result is a table that a terminal may cut: the command has ``--wide``."""


COMMANDS: list[CommandSpec] = []
PROJECT_COMMANDS: list[CommandSpec] = []
DATA_COMMANDS: list[CommandSpec] = []
ENVIRONMENT_COMMANDS: list[CommandSpec] = []
CAPSULE_COMMANDS: list[CommandSpec] = []
RUN_COMMANDS: list[CommandSpec] = []
PAGE_COMMANDS: list[CommandSpec] = []
GROUPS = {
    "": COMMANDS,
    "projects": PROJECT_COMMANDS,
    "data": DATA_COMMANDS,
    "env": ENVIRONMENT_COMMANDS,
    "capsule": CAPSULE_COMMANDS,
    "runs": RUN_COMMANDS,
    "pages": PAGE_COMMANDS,
}
Action = TypeVar("Action", bound=Callable[..., int])


def command(
    about: str, *parameters: Parameter, name: str = "", **settings: Any
) -> Callable[[Action], Action]:
    """Declare a function as the command of its name, or of ``name`` ("data add").

    ``parameters`` are its options, in the order of the help, and the arguments that need more
    than a name; the others are in its signature.
    """

    def declare(function: Action) -> Action:
        _, *signature = inspect.signature(function).parameters.values()
        annotations = {one.name: str(one.annotation) for one in signature}
        declarations = {one.name: one for one in parameters}
        arguments = [
            declarations.get(one.name) or argument(one.name)
            for one in signature
            if one.kind != one.VAR_KEYWORD
        ]
        group, _, word = (name or function.__name__).rpartition(" ")
        all_parameters = [
            one._replace(annotation=annotations.get(one.name, ""))
            for one in (
                *(one for one in arguments if one.is_argument),
                *(one for one in parameters if not one.is_argument),
            )
        ]
        spec = CommandSpec(word, function, Message(about), all_parameters, **settings)
        GROUPS[group].append(spec)
        return function

    return declare


def option(about: str, *names: str, **settings: Any) -> Parameter:
    return Parameter(names, settings, Message(about))


def flag(about: str, *names: str) -> Parameter:
    """A flag of a command that takes its options as ``**options``."""
    return option(about, *names, is_flag=True)


def node_option(about: str, *names: str) -> Parameter:
    return option(about, *names, metavar="NODE", multiple=True)


def argument(name: str, **settings: Any) -> Parameter:
    return Parameter([name], {**ARGUMENT_SETTINGS.get(name, {}), **settings})


Completion = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _completion(
    list_names: Callable[[ProjectClient], Iterable[str | CompletionItem]],
) -> Completion:
    """Return a completion of the names in a project; it has none if they cannot be listed."""

    def complete(
        context: click.Context, parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        command_context = context.find_object(CommandContext)
        if command_context is None:
            return []
        try:
            names = list(list_names(command_context.client))
        except (MLWSError, RemoteError):
            # The command itself reports the error.
            return []
        finally:
            command_context.close()
        items = [CompletionItem(name) if isinstance(name, str) else name for name in names]
        return [item for item in items if item.value.startswith(incomplete)]

    return complete


def _run_names(client: ProjectClient, **query: bool) -> Iterator[CompletionItem]:
    """Yield the names and short IDs of the newest runs, with their titles as help."""
    rows = client.list("runs", MAX_COMPLETION_RUNS, query)
    short = run_views.short_ids(rows)
    for row in rows:
        identifier = short[row["id"] or row["run"]]
        # A name with spaces would have to be quoted, in each shell in another way.
        if row["name"] == row["title"] and not re.search(r"\s", row["name"]):
            yield CompletionItem(row["name"], help=identifier)
        yield CompletionItem(identifier, help=row["title"])


complete_workflow = _completion(
    lambda client: [row["path"] for row in workflow_runs.list_workflows(client)]
)
complete_snapshot = _completion(
    lambda client: [row["short"] for row in client.list("snapshots", 20)]
)
complete_item = _completion(
    lambda client: [
        *(row["short"] for row in client.list("snapshots", 20)),
        LATEST,
        *_run_names(client),
    ]
)
complete_branch = _completion(lambda client: [row["name"] for row in client.list("git/branches")])
complete_run = _completion(lambda client: [LATEST, *_run_names(client)])
complete_deleted_run = _completion(lambda client: _run_names(client, deleted=True))

ARGUMENT_SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "path": {"type": click.Path()},
    "paths": {"type": click.Path()},
    "run": {"shell_complete": complete_run},
    "runs": {"metavar": "RUN...", "required": True, "shell_complete": complete_run},
    "snapshot": {"shell_complete": complete_snapshot},
}
"""Settings of arguments by their names."""
TARGETS = argument("words", metavar="[FILE] [TARGET]...", shell_complete=complete_workflow)
MESSAGE = option("Commit message.", "-m", "--message")
NAME_QUERY = option("Filter by text in the name.", "-q", "--query")
DELETE = option("Delete NAME.", "-d", "--delete")
NUMBER = option(
    "Maximum number of entries.",
    "-n",
    "--number",
    type=click.IntRange(1),
    default=20,
    show_default=True,
)
JOBS = option("Number of nodes to run in parallel.", "-j", "--jobs", type=click.IntRange(1))
PULL = flag("First fetch data that the nodes read and that was not pulled yet.", "--pull")
FORCE = flag("Run all nodes, even if they are unchanged.", "-f", "--force")
ACCEPT_COSMETIC = flag(
    "Treat cosmetic changes (comments, YAML or JSON formatting, notebook outputs and "
    "Markdown) as unchanged.",
    "--accept-cosmetic",
)

SNAPSHOT = argument("snapshot", default="HEAD")
QUICK = option(
    "On the remote, check only names and sizes instead of reading every object.", "--quick"
)
WIDE = flag(
    "Show all columns and texts, and exact times, even if the terminal is too narrow.", "--wide"
)
SWEEP = argument("words", metavar="[FILE] [NAME]", shell_complete=complete_workflow)
METRIC = option("Rank by this metric.", "--metric")
MODE = option(
    "Whether higher (max) or lower (min) values are better. By default, inferred from "
    "the metric's name.",
    "--mode",
    type=click.Choice(["max", "min"]),
)
