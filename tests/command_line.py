"""The command line in processes that start at once."""

from __future__ import annotations

import fcntl
import os
import re
import struct
import subprocess
import termios
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tests import python

ON_TERMINAL = """
import os, sys
terminal = os.open(sys.argv.pop(1), os.O_RDWR)
os.write(1, b"open")
for stream in range(3):
    os.dup2(terminal, stream)
os.close(terminal)
"""
"""Code that moves a process to the terminal that is its first argument."""


def call(
    folder: Path, *words: str, code: int = 0, language: str = "C.UTF-8"
) -> subprocess.CompletedProcess[str]:
    """Call ``jupyter-mlws`` in ``folder``, which must exit with ``code``."""
    done = python.run(python.MLWS, *words, cwd=folder, env={**os.environ, "LANG": language})
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def in_terminal(
    folder: Path, columns: int, *words: str, keys: bytes = b"", code: int = 0
) -> list[str]:
    """The lines that a command writes into a terminal of a width, without colours.

    ``keys`` are what a person types.
    """
    output = written_to_terminal(folder, columns, *words, keys=keys, code=code)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output).splitlines()


def written_to_terminal(
    folder: Path,
    columns: int,
    *words: str,
    program: str = python.MLWS,
    keys: bytes = b"",
    code: int = 0,
    variables: Mapping[str, str] | None = None,
) -> str:
    """Return what a program writes into a terminal, with its control sequences."""
    controller, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {**os.environ, "TERM": "xterm", "LANG": "C.UTF-8", **(variables or {})}
    for name in ("COLUMNS", "LINES"):
        environment.pop(name, None)
    device = os.ttyname(terminal)
    process = python.Python(ON_TERMINAL + program, device, *words, cwd=folder, env=environment)
    assert process.stdout.read(4) == b"open"
    os.close(terminal)
    os.write(controller, keys)
    output = b""
    # Reading fails with EIO when the other end is closed.
    with suppress(OSError):
        while part := os.read(controller, 65536):
            output += part
    os.close(controller)
    process.communicate()
    assert process.returncode == code, output.decode()
    return output.decode()
