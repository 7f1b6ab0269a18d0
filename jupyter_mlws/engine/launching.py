"""Starts the processes of nodes: each in a session of its own, with its output in its log."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

SPAWNS = hasattr(os, "posix_spawn") and hasattr(os, "pidfd_open")
"""Whether a process can be started without a copy of this one, and its end be waited for."""


def start(arguments: Sequence[str], folder: str, environment: Mapping[str, str], log: int) -> int:
    """Start a process; its pid. :class:`OSError` where the program cannot be started.

    The working folder of this process changes for the moment of the start: ``posix_spawn`` knows
    no other way. So only a process with one thread that cares for it may call this.
    """
    if not SPAWNS:
        return _popen(arguments, folder, environment, log)
    before = str(Path.cwd())
    if folder != before:
        os.chdir(folder)
    try:
        return os.posix_spawnp(
            arguments[0],
            list(arguments),
            dict(environment),
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, log, 1),
                (os.POSIX_SPAWN_DUP2, log, 2),
            ],
            setsid=True,
            setsigmask=[],
            setsigdef=_RESET,
        )
    finally:
        if folder != before:
            os.chdir(before)


def _popen(arguments: Sequence[str], folder: str, environment: Mapping[str, str], log: int) -> int:
    process = subprocess.Popen(
        list(arguments),
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    # Its end is collected by pid; the object would warn that nobody did.
    process.returncode = 0
    return process.pid


def _ignored_here() -> list[int]:
    """Signals that Python or the runner ignores, and a child must not."""
    import signal

    names = ("SIGINT", "SIGHUP", "SIGPIPE", "SIGXFSZ")
    return [getattr(signal, name) for name in names if hasattr(signal, name)]


_RESET = _ignored_here()
