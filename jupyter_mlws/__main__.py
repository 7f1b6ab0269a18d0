"""Entry point of ``jupyter mlws …`` and ``python -m jupyter_mlws …``."""

from __future__ import annotations

import gc
import os
import sys

GARBAGE = 500_000
"""Threshold of the garbage collector: new objects after which it searches for cycles."""


def main() -> int:
    """Run the command line of this process and return its exit code."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["node"]:
        # Figures are drawn into files, also where there is a display.
        os.environ.setdefault("MPLBACKEND", "Agg")
        # A workflow starts this once for every node, so it imports little.
        from jupyter_mlws.environments.active import NODE_FILE, lab_packages
        from mlws.environments.active import other_python

        if (python := other_python()) is not None:
            program = [python, NODE_FILE, *arguments[1:]]
            os.execve(python, program, {**os.environ, **lab_packages()})  # noqa: S606
        from jupyter_mlws.components.node import main as run_node

        return run_node(arguments[1:])
    if arguments[:1] == ["notebook"]:
        from jupyter_mlws.workflows.notebook.command import main as run_notebook

        return run_notebook(arguments[1:])
    if arguments[:1] == ["mark"]:
        from jupyter_mlws.workflows.importers.marker_command import main as mark

        return mark(arguments[1:])
    # A search for cycles in a large result takes longer than the command itself.
    gc.set_threshold(GARBAGE)
    if arguments[:1] == ["run"] and not {"-h", "--help"}.intersection(arguments):
        from jupyter_mlws.workflows.run.detaching import prefork

        prefork()
    from jupyter_mlws.cli.main import main as run_command

    code = run_command(arguments)
    # No collection at exit either.
    gc.freeze()
    return code


if __name__ == "__main__":
    sys.exit(main())
