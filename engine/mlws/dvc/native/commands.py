"""The processes of a stage's commands, as DVC would start them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from mlws.core.i18n import Message
from mlws.dvc.native.stage import NativeStage
from mlws.dvc.stages import Command, search_path
from mlws.dvc.unsupported import UnsupportedStageError

SHELL_OPTIONS = {"bash": ("--noprofile", "--norc"), "zsh": ("--no-rcs",)}
"""The options with which DVC prevents a shell from reading the user's configuration."""


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
            environment: Mapping[str, str] = os.environ
            if "PYENV_HOOK_PATH" in environment:
                # Removes the directories that a pyenv shim has put before `PATH`. Imported
                # here: DVC takes 140 ms, and changes nothing elsewhere.
                from dvc.utils import fix_env

                environment = fix_env(environment)
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
