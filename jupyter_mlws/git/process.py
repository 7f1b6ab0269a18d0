"""Programs that run in a process group of their own, with a time limit and cancellation."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

CANCEL_POLL_INTERVAL = 0.1
"""Seconds between two calls of ``check_canceled``."""


def run_process(
    command: Sequence[str],
    directory: Path,
    environment: Mapping[str, str],
    *,
    stdin: bytes = b"",
    timeout: float,
    check_canceled: Callable[[], None] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run a program in ``directory`` to its end; ``environment`` is added to our own.

    Its process group is killed after ``timeout`` seconds, with :class:`subprocess.TimeoutExpired`,
    and if ``check_canceled``, which is called repeatedly meanwhile, raises an exception.
    """
    process = subprocess.Popen(
        command,
        cwd=directory,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
        start_new_session=True,
    )
    late = threading.Event()

    def kill() -> None:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def kill_late() -> None:
        late.set()
        kill()

    # With a time limit of its own, `communicate` polls for the end in steps of a millisecond.
    timer = threading.Timer(timeout, kill_late)
    timer.start()
    interval = None if check_canceled is None else CANCEL_POLL_INTERVAL
    rest: bytes | None = stdin
    output = None
    try:
        while output is None:
            try:
                output, errors = process.communicate(rest, timeout=interval)
            except subprocess.TimeoutExpired:
                assert check_canceled is not None
                check_canceled()
                rest = None
    except BaseException:
        kill()
        process.communicate()
        raise
    finally:
        timer.cancel()
    if late.is_set():
        raise subprocess.TimeoutExpired(command, timeout)
    return subprocess.CompletedProcess(command, process.returncode, output, errors)
