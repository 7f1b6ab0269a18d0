"""``%mlws WORD …``: the words of the command line in a notebook or in IPython.

``%%mlws component [NAME]`` makes a component of the project from a cell, ``%%mlws track [NAME]``
runs a cell as a run of MLflow's that names a true commit.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_mlws.cli.commands import CommandContext

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
        # IPython asks an exception for this, and shows it instead of the call stack.
        return str(self).splitlines()


def load_ipython_extension(shell: Any) -> None:
    """Register ``%mlws`` with its manual and its completion."""
    from IPython.core.magic import no_var_expand

    from jupyter_mlws.cli.main import manual
    from jupyter_mlws.core.i18n import environment_language

    def mlws(line: str, cell: str | None = None) -> Any:
        return run_line(shell, line) if cell is None else run_cell(shell, line, cell)

    no_var_expand(mlws)
    mlws.__doc__ = f"{manual(environment_language(os.environ))}\n\n{CELL_USAGE}"
    shell.register_magic_function(mlws, "line_cell", NAME)
    shell.set_hook("complete_command", _complete, str_key=f"%{NAME}")
    shell.set_hook("complete_command", lambda *_: [COMPONENT, TRACK], str_key=f"%%{NAME}")


def run_line(shell: Any, line: str) -> Any:
    """Run one line; return its result if it has the option ``--json``.

    The line is split as a shell splits it, without any expansion: a message arrives exactly as
    it is quoted.
    """
    import click

    from jupyter_mlws.cli import commands
    from jupyter_mlws.cli import main as cli
    from jupyter_mlws.cli.console import NotebookScreen
    from jupyter_mlws.client.http import RemoteError
    from jupyter_mlws.core.errors import MLWSError

    desk = _create_context(shell)
    try:
        code = cli.build(desk.language).main(
            shlex.split(line), prog_name=f"%{NAME}", obj=desk, standalone_mode=False
        )
    except click.UsageError as error:
        raise MLWSMagicError(cli.usage_message(error).in_(desk.language)) from None
    except (MLWSError, RemoteError) as error:
        raise MLWSMagicError(_format_error(desk, error.as_dict(desk.language))) from None
    except (commands.UsageFaultError, ValueError) as error:
        # A ValueError is shlex's: quotes that don't close.
        raise MLWSMagicError(str(error)) from None
    except click.Abort:
        raise KeyboardInterrupt from None
    finally:
        desk.close()
    if code not in (None, commands.EXIT_SUCCESS):
        raise MLWSMagicError(desk.views.say("The command failed."))
    return desk.screen.result if isinstance(desk.screen, NotebookScreen) else None


def run_cell(shell: Any, line: str, cell: str) -> None:
    """Run the command that takes the cell."""
    if line.split()[:1] == [TRACK]:
        track_cell(shell, line, cell)
    else:
        make_component(shell, line, cell)


def track_cell(shell: Any, line: str, cell: str) -> None:
    """``track [NAME]``: run the cell as an MLflow run that finishes with its status."""
    from jupyter_mlws.cli import experiments
    from jupyter_mlws.cli.commands import UsageFaultError
    from jupyter_mlws.client.http import RemoteError
    from jupyter_mlws.core.errors import MLWSError

    desk = _create_context(shell)
    try:
        words = shlex.split(line)
        if len(words) > 2:
            raise MLWSMagicError(desk.views.say("Usage: %%mlws track [NAME]"))
        run = experiments.begin(desk, words[1] if len(words) == 2 else None, None)["id"]
        result = shell.run_cell(cell, store_history=False)
        record = experiments.finish(desk, run, *_outcome(result))
        desk.screen.show(*desk.views.runs([record]))
    except (MLWSError, RemoteError) as error:
        raise MLWSMagicError(_format_error(desk, error.as_dict(desk.language))) from None
    except (UsageFaultError, ValueError) as error:
        raise MLWSMagicError(str(error)) from None
    finally:
        desk.close()
    if not result.success:
        raise MLWSMagicError(desk.views.say("The cell failed."))


def _outcome(result: Any) -> tuple[str, str | None]:
    """Return the run status for the result of a cell, and its error message, if any."""
    error = result.error_before_exec or result.error_in_exec
    if error is None:
        return "COMPLETED", None
    status = "CANCELLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
    return status, f"{type(error).__name__}: {error}"


def make_component(shell: Any, line: str, cell: str) -> None:
    """``component [NAME]``: write the cell to ``components/NAME.py``, then run it here as well.

    Nothing is written unless a separate process finds a component in the cell.
    """
    from jupyter_mlws.cli.console import line as block
    from jupyter_mlws.components.from_cell import CellError, save_cell
    from jupyter_mlws.core.errors import MLWSError
    from jupyter_mlws.core.project import Project

    desk = _create_context(shell)
    try:
        words = shlex.split(line)
        if words[:1] != [COMPONENT] or len(words) > 2:
            raise MLWSMagicError(
                desk.views.say("Usage: %%mlws component [NAME] or %%mlws track [NAME]")
            )
        root = Project.open(desk.folder).root
        file, component_names = save_cell(root, cell, words[1] if len(words) == 2 else None)
    except MLWSError as error:
        raise MLWSMagicError(_format_error(desk, error.as_dict(desk.language))) from None
    except CellError as error:
        raise MLWSMagicError(error.words.in_(desk.language)) from None
    except ValueError as error:
        raise MLWSMagicError(str(error)) from None
    finally:
        desk.close()
    if not shell.run_cell(cell, store_history=False).success:
        raise MLWSMagicError(desk.views.say("The cell failed."))
    relative_path = file.relative_to(root).as_posix()
    text = desk.views.say(
        "{shown} defines {names}", shown=relative_path, names=", ".join(component_names)
    )
    desk.screen.show(block(text))


def _create_context(shell: Any) -> CommandContext:
    from jupyter_mlws.cli.commands import CommandContext
    from jupyter_mlws.cli.console import NotebookScreen, TerminalScreen
    from jupyter_mlws.client.project import Origin
    from jupyter_mlws.core.i18n import environment_language

    # A kernel has a front end that shows HTML; IPython in a terminal has none.
    screen = NotebookScreen() if hasattr(shell, "kernel") else TerminalScreen()
    return CommandContext(
        Path.cwd().resolve(), screen, environment_language(os.environ), Origin.MAGIC
    )


def _format_error(desk: CommandContext, body: dict[str, Any]) -> str:
    from jupyter_mlws.cli.console import plain

    return "".join(plain(block) for block in desk.views.error(body)).rstrip("\n")


def _complete(shell: Any, event: Any) -> list[str]:
    """Return the commands, options and names that can follow."""
    from click.shell_completion import ShellComplete

    from jupyter_mlws.cli.main import build

    before = event.text_until_cursor
    try:
        words = shlex.split(before)[1:]
    except ValueError:
        # Inside a quoted text: nothing to offer.
        return []
    incomplete = "" if before.endswith(" ") or not words else words.pop()
    desk = _create_context(shell)
    top = build(desk.language)
    completions = ShellComplete(top, {"obj": desk}, NAME, "").get_completions(words, incomplete)
    if any(item.type in ("file", "dir") for item in completions):
        return _complete_paths(incomplete)
    return [item.value for item in completions]


def _complete_paths(incomplete: str) -> list[str]:
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
