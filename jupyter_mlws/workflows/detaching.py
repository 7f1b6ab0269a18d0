"""Starts the process of a run, detached from whoever starts it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import traceback
from pathlib import Path


def detach(run: str, root: Path, folder: Path, log: int) -> int:
    """Start the runner of ``run`` in a session of its own; its pid.

    A process with one thread forks: the runner has its imports then, which take longer than a
    hundred nodes. From all others (a server) a new process is started.
    """
    if hasattr(os, "fork") and threading.active_count() == 1:
        return _fork(run, root, folder, log)
    child = subprocess.Popen(
        [sys.executable, "-m", "jupyter_mlws.workflows.runner", run, str(root)],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    # Its end is collected by pid; the object would warn that nobody did.
    child.returncode = 0
    return child.pid


def _fork(run: str, root: Path, folder: Path, log: int) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        os.chdir(folder)
        from jupyter_mlws.workflows.runner import main

        code = main([run, str(root)])
    except BaseException:  # noqa: BLE001  the edge of this process: nothing of its parent may run
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # Not the parent's ends: its files, its threads, its exit handlers are not ours.
        os._exit(code)


def collected(pid: int) -> bool:
    """Whether a child has ended; its end is taken note of, so that it leaves no zombie."""
    try:
        found, _ = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return True
    return found == pid
