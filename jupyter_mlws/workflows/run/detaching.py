"""Starts the process of a run, detached from the process that starts it."""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jupyter_mlws.workflows.run import live

LOG = "runner.log"
"""Output of the process itself, in the run's folder."""

RunStarter = Callable[[str, Path], int]
"""Starts a run, by its ID and its folder, and returns the pid of its process."""


def can_fork() -> bool:
    """Return whether :func:`run_starter` may fork this process.

    No database may be open in it then, since SQLite's locks and memory maps do not survive a
    fork.
    """
    return hasattr(os, "fork") and threading.active_count() == 1


def prefork() -> None:
    """Fork for the run that this process was started for, before it imports anything.

    While this process imports its modules and reads the request, the child imports the modules
    of a run. One after the other, this would take as long as a hundred nodes. Does nothing if
    an idle process listens in this folder, which takes the run instead.
    """
    if can_fork() and live.listener(Path.cwd()) is None:
        _preforked_children.append(_Child())
        atexit.register(stop_idle_child)


def stop_idle_child() -> None:
    """Stop the child that :func:`prefork` forked, if no run uses it."""
    while _preforked_children:
        _preforked_children.pop().dismiss()


@contextmanager
def run_starter(root: Path) -> Iterator[RunStarter]:
    """Yield a function that starts a run of a project in a process in its own session.

    The idle process of an earlier run of the project comes first. Otherwise a process with one
    thread forks, if it has not yet. All others (a server) start a new process.
    """
    if live.listener(root) is not None:
        stop_idle_child()
        child = None
    elif _preforked_children:
        child = _preforked_children.pop()
    else:
        child = _Child() if can_fork() else None

    def start(run: str, folder: Path) -> int:
        if child is not None:
            return child.take(run, folder, root)
        with (folder / LOG).open("ab") as log:
            pid = live.offer(root, run, log.fileno())
            if pid is not None:
                return pid
            process = _start(run, root, folder, log.fileno())
        # So that it leaves no zombie, whenever it ends.
        threading.Thread(target=process.wait, name="mlws-reaper", daemon=True).start()
        return process.pid

    try:
        yield start
    finally:
        if child is not None:
            child.dismiss()


def _start(run: str, root: Path, folder: Path, log: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "jupyter_mlws.workflows.run.runner", run, str(root)],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


class _Child:
    """A fork of this process that imports the modules of a run and waits for its run."""

    def __init__(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        reader, self._writer = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._writer)
            _run_child(reader)
        os.close(reader)
        self._has_run = False

    def take(self, run: str, folder: Path, root: Path) -> int:
        """Run ``run`` in the child and return its pid."""
        self._has_run = True
        os.write(self._writer, json.dumps([run, str(folder), str(root)]).encode())
        return self._pid

    def dismiss(self) -> None:
        """Kill the child unless it has a run."""
        os.close(self._writer)
        if not self._has_run:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)


_preforked_children: list[_Child] = []
"""At most one, of :func:`prefork`."""


def _run_child(reader: int) -> None:
    """Run the child: import modules, wait for a run, carry it out and exit."""
    code = 1
    try:
        os.setsid()
        from jupyter_mlws.workflows.run.runner import main, preload_workflow

        preload_workflow()
        with os.fdopen(reader, "rb") as pipe:
            words = pipe.read()
        if not words:
            # The parent is gone, or starts no run.
            os._exit(0)
        run, folder, root = json.loads(words)
        os.chdir(folder)
        nothing = os.open(os.devnull, os.O_RDONLY)
        log = os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        for source, target in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        code = main([run, root])
    except BaseException:  # noqa: BLE001  the edge of this process: nothing of its parent may run
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # Not the parent's ends: its files, its threads, its exit handlers are not ours.
        os._exit(code)


def reap_if_exited(pid: int) -> bool:
    """Return whether a child has ended, and reap it so that it leaves no zombie."""
    try:
        reaped_pid, _ = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return True
    return reaped_pid == pid
