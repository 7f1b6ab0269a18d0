"""The program ``mlws``."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import click
from click.shell_completion import CompletionItem

from mlws._version import __version__
from mlws.core.command_help import (
    COMPLETION_ABOUT,
    HELP_SETTINGS,
    JSON_HELP,
    SHELLS,
    VERSION_HELP,
    CommandGroup,
    completion_script,
    translate_help,
    usage_message,
)
from mlws.core.i18n import Message, environment_language
from mlws.repro.options import (
    ABOUT,
    DAG_ABOUT,
    DAG_OPTIONS,
    DOCTOR_ABOUT,
    METRICS_ABOUT,
    METRICS_DIFF_ABOUT,
    METRICS_DIFF_OPTIONS,
    METRICS_SHOW_ABOUT,
    METRICS_SHOW_OPTIONS,
    OPTIONS,
    PARAMS_ABOUT,
    PARAMS_DIFF_ABOUT,
    PARAMS_DIFF_OPTIONS,
    STATUS_ABOUT,
    STATUS_OPTIONS,
    Area,
    GraphFormat,
    GraphOptions,
    Option,
    StatusOptions,
    ValueOptions,
    Values,
    read_options,
)

GARBAGE = 500_000
"""Threshold of the garbage collector: a search for cycles takes longer than a command."""
EXIT_USAGE_ERROR, EXIT_INTERRUPTED = 2, 130
PROGRAM = Message("Runs the pipelines of dvc.yaml files, and writes what DVC writes.")
SECTIONS = (
    (Message("Pipelines"), ("repro", "status", "dag")),
    (Message("Data"), ("add", "commit", "checkout")),
    (Message("Results"), ("metrics", "params")),
    (Message("This program"), ("doctor", "completion")),
)
"""The commands in the order of the help."""
FOLDER = Message("Run as if started in this folder.")


def main() -> int:
    """Run the command line of this process; return its exit code."""
    gc.set_threshold(GARBAGE)
    language = environment_language(os.environ)
    try:
        # Not in standalone mode, in which click prints its own messages.
        code = create_program(language).main(prog_name="mlws", standalone_mode=False)
    except click.UsageError as error:
        usage = f"{error.ctx.get_usage()}\n" if error.ctx is not None else ""
        click.echo(f"{usage}{usage_message(error).in_(language)}", err=True)
        return EXIT_USAGE_ERROR
    except (click.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    # No collection at exit either.
    gc.freeze()
    return int(code or 0)


def create_program(language: str) -> click.Group:
    """Return the program with its help in a language."""

    def set_folder(context: click.Context, folder: Path) -> None:
        context.obj = folder, language
        if context.invoked_subcommand is None:
            click.echo(context.get_help())

    group = CommandGroup(
        "mlws",
        help=PROGRAM.in_(language),
        invoke_without_command=True,
        context_settings=HELP_SETTINGS,
        params=[
            click.Option(
                ["-C", "folder"],
                type=click.Path(exists=True, file_okay=False, path_type=Path),
                default=Path(),
                help=FOLDER.in_(language),
            ),
            click.Option(
                ["--version"],
                is_flag=True,
                is_eager=True,
                expose_value=False,
                callback=_show_version,
                help=VERSION_HELP.in_(language),
            ),
        ],
        callback=click.pass_context(set_folder),
    )
    groups: dict[str, click.Group] = {"": group}
    for name, about in GROUPS.items():
        groups[name] = CommandGroup(name, help=about.in_(language), context_settings=HELP_SETTINGS)
        group.add_command(groups[name])
    json_option = [click.Option(["--json", "as_json"], is_flag=True, help=JSON_HELP.in_(language))]
    for one in COMMANDS:
        command = ListCommand(
            one.name,
            help=one.about.in_(language),
            context_settings=HELP_SETTINGS,
            params=[
                *(click.Argument([name], **settings) for name, settings in one.arguments.items()),
                *(
                    click.Option(option.names, help=option.about.in_(language), **option.settings)
                    for option in one.options
                ),
                *json_option[: one.has_json],
            ],
            callback=click.pass_context(one.callback),
        )
        translate_help(command, language)
        groups[one.group].add_command(command)
    for name, about in DVC_COMMANDS.items():
        # Without a help of its own: `--help` is one of the options, too.
        group.add_command(
            click.Command(
                name,
                help=about.in_(language),
                context_settings={"ignore_unknown_options": True},
                params=[click.Argument(["words"], nargs=-1, type=click.UNPROCESSED)],
                callback=click.pass_context(run_by_dvc),
                add_help_option=False,
            )
        )
    for subgroup in groups.values():
        translate_help(subgroup, language)
    group.set_sections(SECTIONS, language)
    return group


class ListCommand(click.Command):
    """A command that takes several values after one option, like those of DVC."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Repeat the name of such an option before each of its values."""
        names = {
            name
            for option in self.params
            if isinstance(option, click.Option) and option.multiple
            for name in option.opts
        }
        words: list[str] = []
        name = ""
        for word in args:
            if word.startswith("-"):
                name = word if word in names else ""
            if word != name:
                words += [name, word] if name else [word]
        return super().parse_args(ctx, words)


def run_repro(context: click.Context, as_json: bool, targets: Sequence[str], **options: Any) -> int:
    """Execute `repro` with the options of a command line; return its exit code."""
    from mlws.repro.reproduce import run

    folder, language = context.obj
    return run(folder, language, read_options(targets, **options), as_json=as_json)


def run_status(
    context: click.Context, as_json: bool, targets: Sequence[str], **options: bool
) -> int:
    """Execute `status` with the options of a command line; return its exit code."""
    from mlws.repro.status import run

    folder, language = context.obj
    return run(folder, language, StatusOptions(targets, **options), as_json=as_json)


def run_dag(context: click.Context, as_json: bool, target: str | None, **options: bool) -> int:
    """Execute `dag` with the options of a command line; return its exit code."""
    from mlws.repro.dag import run

    folder, language = context.obj
    # Of several formats, the last one here counts, as with DVC.
    formats = [one for one in GraphFormat if options.pop(one.value, one is GraphFormat.TREE)]
    return run(folder, language, GraphOptions(target, formats[-1], **options), as_json=as_json)


def run_show(context: click.Context, as_json: bool, targets: Sequence[str], **options: Any) -> int:
    """Execute `metrics show` with the options of a command line; return its exit code."""
    from mlws.repro.value_tables import show

    folder, language = context.obj
    request = ValueOptions(Values.METRICS, targets, **options)
    return show(folder, language, request, as_json=as_json)


def run_diff(
    context: click.Context, as_json: bool, old: str, new: str, *, kind: Values, **options: Any
) -> int:
    """Execute `metrics diff` or `params diff` with the options of a command line."""
    from mlws.repro.value_tables import diff

    folder, language = context.obj
    request = ValueOptions(kind, revisions=(old, new), **options)
    return diff(folder, language, request, as_json=as_json)


def run_doctor(context: click.Context, as_json: bool, targets: Sequence[str]) -> int:
    """Execute `doctor` for the areas of a command line; return its exit code."""
    from mlws.repro.doctor.report import run

    folder, language = context.obj
    return run(folder, language, targets, as_json=as_json)


def run_completion(context: click.Context, shell: str) -> int:
    """Print the script with which a shell completes the words of the program."""
    root = context.find_root()
    click.echo(completion_script(root.command, str(root.info_name), shell))
    return 0


def complete_stages(
    context: click.Context, _: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the stages that a target may be; where there is none, the shell offers files."""
    from mlws.core.errors import MLWSError
    from mlws.repro.errors import ReproError
    from mlws.repro.repository import Repository

    names: list[str] = []
    with suppress(MLWSError, ReproError, OSError):
        repository, here = Repository.find(context.find_root().params["folder"] or Path())
        names = [node.address(here) for node in repository.nodes.values()]
    matches = [CompletionItem(name) for name in names if name.startswith(incomplete)]
    # Both at once is not possible in bash.
    return matches or [CompletionItem(incomplete, type="file")]


def run_by_dvc(context: click.Context, words: Sequence[str]) -> int:
    """Execute a command of DVC with its own options; return its exit code."""
    from mlws.core.errors import DVCUnavailableError
    from mlws.repro.console import Ending, reporting

    folder, language = context.obj
    ending = Ending()
    with reporting(ending, language):
        if find_spec("dvc") is None:
            raise DVCUnavailableError(reason=Message("the package dvc is not installed"))
        command = [sys.executable, "-m", "dvc", str(context.info_name), *words]
        ending.code = subprocess.run(command, cwd=folder, check=False).returncode
    return ending.code


class Command(NamedTuple):
    """A command of the program; ``group`` is the one that it belongs to."""

    name: str
    about: Message
    options: Sequence[Option]
    callback: Callable[..., int]
    arguments: Mapping[str, Mapping[str, Any]] = MappingProxyType(
        {"targets": {"nargs": -1, "type": click.Path(), "shell_complete": complete_stages}}
    )
    group: str = ""
    has_json: bool = True


AREAS = {
    "nargs": -1,
    "metavar": "[TARGETS]...",
    "type": click.Choice([area.value for area in Area]),
}
REVISIONS = {
    "old": {"required": False, "default": "HEAD"},
    "new": {"required": False, "default": "workspace"},
}
DVC_COMMANDS = {
    "add": Message("Track data, by `dvc add`."),
    "commit": Message("Record changed data and results, by `dvc commit`."),
    "checkout": Message("Get data from the cache, by `dvc checkout`."),
}
"""Commands of DVC itself, with all of their options."""
diff_metrics = partial(run_diff, kind=Values.METRICS)
diff_parameters = partial(run_diff, kind=Values.PARAMETERS)
GROUPS = {"metrics": METRICS_ABOUT, "params": PARAMS_ABOUT}
COMMANDS = (
    Command("repro", ABOUT, OPTIONS, run_repro),
    Command("status", STATUS_ABOUT, STATUS_OPTIONS, run_status),
    Command(
        "dag",
        DAG_ABOUT,
        DAG_OPTIONS,
        run_dag,
        {"target": {"required": False, "type": click.Path(), "shell_complete": complete_stages}},
    ),
    Command("show", METRICS_SHOW_ABOUT, METRICS_SHOW_OPTIONS, run_show, group="metrics"),
    Command(
        "diff", METRICS_DIFF_ABOUT, METRICS_DIFF_OPTIONS, diff_metrics, REVISIONS, group="metrics"
    ),
    Command(
        "diff", PARAMS_DIFF_ABOUT, PARAMS_DIFF_OPTIONS, diff_parameters, REVISIONS, group="params"
    ),
    Command("doctor", DOCTOR_ABOUT, (), run_doctor, {"targets": AREAS}),
    Command(
        "completion",
        COMPLETION_ABOUT,
        (),
        run_completion,
        {"shell": {"type": click.Choice(SHELLS)}},
        has_json=False,
    ),
)


def _show_version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        click.echo(f"mlws {__version__}")
        context.exit()


if __name__ == "__main__":
    sys.exit(main())
