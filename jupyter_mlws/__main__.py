"""``jupyter mlws …`` and ``python -m jupyter_mlws …``."""

from __future__ import annotations

import gc
import sys

GARBAGE = 500_000
"""New objects after which Python looks for cycles among them."""


def main() -> int:
    """Carry out the command line of this process; its exit code."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["node"]:
        # A workflow starts this once for every node: what only people need is not imported.
        from jupyter_mlws.components.node import main as run_node

        return run_node(arguments[1:])
    if arguments[:1] == ["notebook"]:
        from jupyter_mlws.workflows.notebook.command import main as run_notebook

        return run_notebook(arguments[1:])
    if arguments[:1] == ["mark"]:
        from jupyter_mlws.workflows.importers.marker_command import main as mark

        return mark(arguments[1:])
    # A command is short: looking for cycles among all that a large answer is made of takes longer
    # than the command itself.
    gc.set_threshold(GARBAGE)
    if arguments[:1] == ["run"] and "--help" not in arguments:
        from jupyter_mlws.workflows.run.detaching import prefork

        prefork()
    from jupyter_mlws.cli.main import main as run_words

    code = run_words(arguments)
    # Nor is it worth a look at the end, when all of it goes anyway.
    gc.freeze()
    return code


if __name__ == "__main__":
    sys.exit(main())
