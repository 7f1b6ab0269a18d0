"""Magics: ``%mlws COMMAND …`` runs a command of the command line in a notebook or in IPython.

``%%mlws component [NAME]`` creates a component of the project from a cell, ``%%mlws track [NAME]``
runs a cell as an MLflow run that is linked to a commit.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_mlws.cli.context import CommandContext

NAME = "mlws"
COMPONENT = "component"
TRACK = "track"
CELL_USAGE = """\
Usage: %%mlws component [NAME]

  Create a project component from the cell: write it to components/NAME.py, and run it.

Usage: %%mlws track [NAME]

  Run the cell as an MLflow run. Uncommitted changes are saved to a hidden ref first, so that the
  run is linked to an exact commit. What the cell logs with MLflow goes to that run.
"""


class MLWSMagicError(Exception):
    """A failed ``%mlws`` command; marks the cell as failed, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        # IPython calls this, and shows the result instead of the traceback.
        return str(self).splitlines()


def load_ipython_extension(shell: Any) -> None:
    """Register ``%mlws`` with its manual and its completion."""
    from IPython.core.magic import no_var_expand

    from jupyter_mlws.cli.main import manual
    from mlws.core.i18n import environment_language

    def mlws(line: str, cell: str | None = None) -> Any:
        if cell is None:
            return run_line(shell, line)
        is_track = line.split()[:1] == [TRACK]
        return (track_cell if is_track else make_component)(shell, line, cell)

    no_var_expand(mlws)
    mlws.__doc__ = f"{manual(environment_language(os.environ))}\n\n{CELL_USAGE}"
    shell.register_magic_function(mlws, "line_cell", NAME)
    shell.set_hook("complete_command", _complete, str_key=f"%{NAME}")
    shell.set_hook("complete_command", lambda *_: [COMPONENT, TRACK], str_key=f"%%{NAME}")


@contextmanager
def _command_context(shell: Any) -> Iterator[CommandContext]:
    """Yield the context of a command, close it, and raise its errors as MLWSMagicError."""
    import click

    from jupyter_mlws.api.client import RemoteError
    from jupyter_mlws.cli.console import NotebookScreen, TerminalScreen, plain
    from jupyter_mlws.cli.context import CommandContext, UsageFaultError
    from jupyter_mlws.client.project import Origin
    from mlws.core.command_help import usage_message
    from mlws.core.errors import MLWSError
    from mlws.core.i18n import environment_language

    # A kernel's front end shows HTML, unlike IPython in a terminal.
    screen = NotebookScreen() if hasattr(shell, "kernel") else TerminalScreen()
    language = environment_language(os.environ)
    context = CommandContext(Path.cwd().resolve(), screen, language, Origin.MAGIC)
    try:
        yield context
    except click.UsageError as error:
        raise MLWSMagicError(usage_message(error).in_(language)) from None
    except (MLWSError, RemoteError) as error:
        blocks = context.views.error(error.as_dict(language))
        raise MLWSMagicError("".join(map(plain, blocks)).rstrip("\n")) from None
    except (UsageFaultError, ValueError) as error:
        # shlex raises ValueError for quotes that don't close.
        raise MLWSMagicError(str(error)) from None
    except click.Abort:
        raise KeyboardInterrupt from None
    finally:
        context.close()


def run_line(shell: Any, line: str) -> Any:
    """Run one line; return its result if it has the option ``--json``.

    The line is split as a shell splits it, without any expansion: a message arrives exactly as
    it is quoted.
    """
    from jupyter_mlws.cli import main as cli
    from jupyter_mlws.cli.console import NotebookScreen
    from jupyter_mlws.cli.context import EXIT_SUCCESS

    with _command_context(shell) as context:
        code = cli.build(context.language).main(
            shlex.split(line), prog_name=f"%{NAME}", obj=context, standalone_mode=False
        )
        if code not in (None, EXIT_SUCCESS):
            raise MLWSMagicError(context.views.say("The command failed."))
        return context.screen.result if isinstance(context.screen, NotebookScreen) else None


def track_cell(shell: Any, line: str, cell: str) -> None:
    """``track [NAME]``: run the cell as an MLflow run that finishes with its status."""
    from jupyter_mlws.cli import experiments, run_views

    with _command_context(shell) as context:
        words = shlex.split(line)
        if len(words) > 2:
            raise MLWSMagicError(context.views.say("Usage: %%mlws track [NAME]"))
        run = experiments.begin(context, words[1] if len(words) == 2 else None, None)["id"]
        result = shell.run_cell(cell, store_history=False)
        status, message = "COMPLETED", None
        error = result.error_before_exec or result.error_in_exec
        if error is not None:
            status = "CANCELLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
            message = f"{type(error).__name__}: {error}"
        record = experiments.finish(context, run, status, message)
        context.screen.show(*run_views.runs(context.views, [record]))
        if not result.success:
            raise MLWSMagicError(context.views.say("The cell failed."))


def make_component(shell: Any, line: str, cell: str) -> None:
    """``component [NAME]``: write the cell to ``components/NAME.py``, then run it here as well.

    Nothing is written unless a separate process finds a component in the cell.
    """
    from jupyter_mlws.cli.console import line as block
    from jupyter_mlws.components.from_cell import CellError, save_cell
    from mlws.core.project import Project

    with _command_context(shell) as context:
        words = shlex.split(line)
        if words[:1] != [COMPONENT] or len(words) > 2:
            raise MLWSMagicError(
                context.views.say("Usage: %%mlws component [NAME] or %%mlws track [NAME]")
            )
        root = Project.open(context.folder).root
        try:
            file, component_names = save_cell(root, cell, words[1] if len(words) == 2 else None)
        except CellError as error:
            raise MLWSMagicError(error.words.in_(context.language)) from None
        if not shell.run_cell(cell, store_history=False).success:
            raise MLWSMagicError(context.views.say("The cell failed."))
        text = context.views.say(
            "{shown} defines {names}",
            shown=file.relative_to(root).as_posix(),
            names=", ".join(component_names),
        )
        context.screen.show(block(text))


def _complete(shell: Any, event: Any) -> list[str]:
    """Return the commands, options and names that can follow."""
    from click.shell_completion import ShellComplete

    from jupyter_mlws.cli.main import build

    before = event.text_until_cursor
    try:
        words = shlex.split(before)[1:]
    except ValueError:
        # Inside a quoted text.
        return []
    incomplete = "" if before.endswith(" ") or not words else words.pop()
    with _command_context(shell) as context:
        complete = ShellComplete(build(context.language), {"obj": context}, NAME, "")
        completions = complete.get_completions(words, incomplete)
    if all(item.type not in ("file", "dir") for item in completions):
        return [item.value for item in completions]
    # click leaves the completion of paths to shells.
    folder, _, start = incomplete.rpartition("/")
    where = Path(folder or ("/" if incomplete.startswith("/") else "."))
    if not where.is_dir():
        return []
    prefix = f"{folder}/" if "/" in incomplete else ""
    return sorted(
        f"{prefix}{entry.name}{'/' if entry.is_dir() else ''}"
        for entry in where.iterdir()
        if entry.name.startswith(start) and (start or not entry.name.startswith("."))
    )
