"""Starts the process of a run, detached from whoever starts it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from jupyter_mlws.workflows import live


def forks() -> bool:
    """Whether :func:`detach` may fork this process: then no database may be open in it, since
    SQLite's locks and maps of memory do not survive that."""
    return hasattr(os, "fork") and threading.active_count() == 1


def detach(run: str, root: Path, folder: Path, log: int) -> int:
    """Have ``run`` carried out by a process in a session of its own; its pid.

    The process of an earlier run of the project is asked first. Else a process with one thread
    forks: the runner has its imports then, which take longer than a hundred nodes. From all
    others (a server) a new process is started.
    """
    pid = live.offer(root, run, log)
    if pid is not None:
        return pid
    if forks():
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
        import traceback

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
