"""Runs one command on a worker, and sees to it that nothing of it outlives its worker.

``python -m mlws.engine.executors.command_supervisor COOKIE FOLDER PROGRAM …``. Standard
input is a pipe that the worker holds open: its end is the worker's, and then everything is killed.
SIGTERM asks the command to end, and kills it after a grace time. The exit code is the command's,
128 + n for a signal, 127 where it cannot be started.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from types import FrameType

from mlws.engine.processes import ATTEMPT, GRACE, end_bearers, end_group

CANNOT_START = 127
"""The exit code of shells for a command that cannot be started."""
PASSES = 3
"""Repetitions of the search for processes to kill, which may just have started others."""


class Guard:
    """One command, its end and what it leaves."""

    def __init__(self, cookie: str, folder: str, command: list[str]) -> None:
        self._cookie = cookie
        self._ending: threading.Thread | None = None
        # A group of its own in the session of this process, by which its memory is measured.
        self._child = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            preexec_fn=os.setpgrp,
        )

    def ask(self, number: int, frame: FrameType | None) -> None:
        """SIGTERM: end the command, in a thread, as a signal's handler may not wait."""
        if self._ending is None:
            self._ending = threading.Thread(target=self._end, args=(signal.SIGTERM, GRACE))
            self._ending.start()

    def watch_worker(self) -> None:
        """Kill all when the worker is gone; another may begin the same at any moment."""
        while os.read(0, 4096):
            pass
        for _ in range(PASSES):
            self._end(signal.SIGKILL, 0.0)

    def _end(self, how: signal.Signals, grace: float) -> None:
        end_group(self._child.pid, how)
        end_bearers(self._cookie, grace, variable=ATTEMPT)

    def wait(self) -> int:
        """Wait for the command, after SIGTERM also for what it started; return its exit code."""
        threading.Thread(target=self.watch_worker, daemon=True).start()
        code = self._child.wait()
        if self._ending is not None:
            self._ending.join()
        return code if code >= 0 else 128 - code


def main(arguments: list[str]) -> int:
    """Run the command that the arguments name."""
    cookie, folder, *command = arguments
    try:
        guard = Guard(cookie, folder, command)
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return CANNOT_START
    signal.signal(signal.SIGTERM, guard.ask)
    return guard.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
