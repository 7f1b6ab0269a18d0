"""Runs uv and its like, with the lines that they print as progress."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from jupyter_mlws.core.errors import EnvironmentToolError, PackageChangeError, of_message
from mlws.core.progress import ProgressCallback
from mlws.core.secrets import mask_credentials

MAX_REASON = 1500
"""Characters of a program's last output that an error has."""
MAX_OUTPUT = 1_000_000
"""Bytes of its output that are read."""
POLL_INTERVAL = 0.1
"""Seconds between two looks at a program: it can be stopped in between."""
COLORS = re.compile(r"\x1b\[[\d;]*m")


def run_tool(
    name: str,
    folder: Path,
    command: Sequence[str],
    progress: ProgressCallback,
    variables: Mapping[str, str] | None = None,
) -> None:
    """Run a program in a directory; report the lines that it prints.

    Raises PackageChangeError for the environment ``name`` with its last lines.
    """
    environment = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONPATH")}
    lines = [""]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**environment, "NO_COLOR": "1", **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            is_running = True
            while is_running:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(POLL_INTERVAL)
                    is_running = False
                content = os.pread(output.fileno(), MAX_OUTPUT, 0).decode(errors="replace")
                count = len(lines)
                lines = mask_credentials(COLORS.sub("", content)).splitlines() or [""]
                # Also without a new line: it may stop the work.
                for line in lines[count - 1 :] or lines[-1:]:
                    progress(0, message=line)
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
    if process.returncode:
        reason = "\n".join(lines)[-MAX_REASON:].strip() or f"exit code {process.returncode}"
        raise of_message(reason) or PackageChangeError(name=name, reason=reason)


def uv() -> list[str]:
    """Return the first words of a command of uv."""
    from uv import find_uv_bin

    return [os.fsdecode(find_uv_bin()), "--no-progress"]


def find_tool(word: str, name: str) -> str:
    """Return the path of a program that is not one of our dependencies."""
    path = shutil.which(word)
    if path is None:
        raise EnvironmentToolError(name=name, tool=word)
    return path


def remove_directory(path: Path) -> None:
    """Remove a directory, or a link without what it leads to; nothing if there is none."""
    if path.is_symlink():
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)
