"""``%mlws`` in the kernel of an environment, which has none of our packages.

It is the module ``jupyter_mlws`` there (see :mod:`.kernel_launcher`), and imports nothing of ours:
commands are run by the lab's Python. It imports little, since nodes import it for its constant.
"""

from __future__ import annotations

import os
import shlex
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

PYTHON = "LAB_PYTHON"
"""Variable with the path of the lab's Python."""
CHANGES = ("add", "remove", "sync")
RESTART = "Restart the kernel to use {changes}."
NO_RESTART = "The kernel needs no restart."


def load_ipython_extension(shell: Any) -> None:
    """Register ``%mlws``."""
    shell.register_magic_function(mlws, "line", "mlws")


def mlws(line: str) -> None:
    """Run a command of ``jupyter mlws``; its changes of packages are of this environment."""
    import subprocess

    words = shlex.split(line)
    is_change = words[:1] == ["env"] and words[1:2] != [] and words[1] in CHANGES
    before = loaded_versions() if is_change else {}
    if is_change and not {"-n", "--name"}.intersection(words):
        place = Path(sys.prefix).parent
        name = place.name if place.parent.name == "envs" else "project"
        if words[1] != "sync":
            words += ["-n", name]
        elif len(words) == 2:
            words.append(name)
    process = subprocess.Popen(
        [os.environ[PYTHON], "-P", "-m", "jupyter_mlws", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        for row in process.stdout or ():
            print(row, end="")  # noqa: T201
    finally:
        # Also when the cell is interrupted.
        process.terminate()
    if process.wait():
        # IPython shows it without a traceback.
        raise import_module("IPython.core.error").UsageError("The command failed.")
    if is_change:
        after = loaded_versions()
        changes = [
            f"{name} {version} → {after.get(name, '–')}"
            for name, version in before.items()
            if after.get(name) != version
        ]
        text = RESTART.format(changes=", ".join(changes)) if changes else NO_RESTART
        print(text)  # noqa: T201


def loaded_versions() -> dict[str, str]:
    """Return the installed versions of the packages that this process has imported."""
    from importlib import metadata

    versions = {}
    for module, names in metadata.packages_distributions().items():
        if module in sys.modules:
            for name in names:
                versions[name] = metadata.version(name)
    return versions
