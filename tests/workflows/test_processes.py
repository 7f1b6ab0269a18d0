"""Recovery waits for processes that a killed process was about to start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from mlws.engine.processes import await_starts

KILLED = """
import os, signal, sys, time
from pathlib import Path
from mlws.engine.processes import starting

with starting(Path(sys.argv[1])):
    if os.fork() == 0:
        # Between its start and its program.
        time.sleep(1)
        Path(sys.argv[1], "became").touch()
        os.execvp("sleep", ["sleep", "30"])
    print(flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_child_that_is_no_program_yet(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as killed:
        assert killed.stdout is not None
        killed.stdout.readline()
        try:
            await_starts(tmp_path, 20)
            assert (tmp_path / "became").exists()
            assert killed.wait(5) == -9
        finally:
            os.killpg(killed.pid, signal.SIGKILL)
