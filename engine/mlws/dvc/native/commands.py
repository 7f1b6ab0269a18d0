"""The processes of a stage's commands, as DVC would start them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import dropwhile
from pathlib import Path

from mlws.core.i18n import Message
from mlws.dvc.native.stage import NativeStage
from mlws.dvc.stages import Command, search_path
from mlws.dvc.unsupported import UnsupportedStageError

SHELL_OPTIONS = {"bash": ("--noprofile", "--norc"), "zsh": ("--no-rcs",)}
"""The options with which DVC prevents a shell from reading the user's configuration."""


PYENV_VARIABLES = ("PYENV_DIR", "PYENV_HOOK_PATH", "PYENV_VERSION", "PYENV_ROOT")
"""The variables that pyenv sets where it runs a program."""


class StageCommands:
    """The commands of a file's stages, with one environment for all.

    ``prefix``: what DVC puts before the names of the stages, if the file is not in the root.
    """

    def __init__(self, root: Path, prefix: str) -> None:
        self._root = root
        self._prefix = prefix
        self._environment: dict[str, str] | None = None

    def command(self, one: NativeStage, python: str) -> Command:
        """Return the processes of a stage; ``python`` runs if no other is activated."""
        shell = os.environ.get("SHELL") or "/bin/sh"
        kind = os.path.basename(shell).lower()
        if kind == "fish":
            raise UnsupportedStageError(Message("the fish shell"))
        if self._environment is None:
            environment = remove_shim_directories(os.environ)
            path = search_path(python, environment)
            self._environment = {"DVC_ROOT": str(self._root), **environment, "PATH": path}
        lines = one.cmd if isinstance(one.cmd, list) else one.cmd.splitlines()
        commands = tuple(line for line in lines if line.strip())
        return Command(
            tuple((shell, *SHELL_OPTIONS.get(kind, ()), "-c", line) for line in commands),
            commands,
            one.wdir,
            {**self._environment, "DVC_STAGE": f"{self._prefix}{one.name}"},
        )


def remove_shim_directories(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without the directories that a shim of pyenv puts before ``PATH``.

    The rules are those of ``dvc.utils.fix_env``: first its own two directories, then its plugins.
    """
    directories = environment.get("PATH", "").split(":")
    is_pyenv = all(environment.get(name) for name in PYENV_VARIABLES)
    if not is_pyenv or len(directories) < 3 or os.path.basename(directories[1]) != "libexec":
        return dict(environment)
    plugins = os.path.join(environment["PYENV_ROOT"], "plugins")
    rest = list(dropwhile(lambda directory: directory.startswith(plugins), directories[2:]))
    return {**environment, "PATH": ":".join(rest)}
