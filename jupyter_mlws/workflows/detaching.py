"""Starts the process of a run, detached from whoever starts it."""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jupyter_mlws.workflows import live

LOG = "runner.log"
"""What the process itself says, in the run's folder."""

Start = Callable[[str, Path], int]
"""Have a run (by its id) carried out, with its folder; the pid of the process that does it."""


def forks() -> bool:
    """Whether :func:`standby` may fork this process: then no database may be open in it, since
    SQLite's locks and maps of memory do not survive that."""
    return hasattr(os, "fork") and threading.active_count() == 1


def get_ready() -> None:
    """Fork for the run that this process was started for, before it has imported anything: while
    it does so and looks at what is asked for, its child imports what a run needs. Together that
    would take as long as a hundred nodes. Where a process is idle in this folder, it is asked."""
    if forks() and not live.listens(Path.cwd()):
        _ready.append(_Child())
        atexit.register(let_go)


def let_go() -> None:
    """End what :func:`get_ready` began, where no run has come of it."""
    while _ready:
        _ready.pop().dismiss()


@contextmanager
def standby(root: Path) -> Iterator[Start]:
    """How to have a run of a project carried out by a process in a session of its own.

    The process of an earlier run of the project is asked first. Else a process with one thread
    forks, if it has not yet. From all others (a server) a new process is started.
    """
    if live.listens(root):
        let_go()
        child = None
    elif _ready:
        child = _ready.pop()
    else:
        child = _Child() if forks() else None
    try:
        yield lambda run, folder: _detach(run, root, folder, child)
    finally:
        if child is not None:
            child.dismiss()


def _detach(run: str, root: Path, folder: Path, child: _Child | None) -> int:
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


def _start(run: str, root: Path, folder: Path, log: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "jupyter_mlws.workflows.runner", run, str(root)],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


class _Child:
    """A fork of this process that gets ready for a run, and waits to be told which."""

    def __init__(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        reader, self._writer = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._writer)
            _stand_by(reader)
        os.close(reader)
        self._taken = False

    def take(self, run: str, folder: Path, root: Path) -> int:
        """Have it carry out ``run``; its pid."""
        self._taken = True
        os.write(self._writer, json.dumps([run, str(folder), str(root)]).encode())
        return self._pid

    def dismiss(self) -> None:
        """End it, unless it has a run."""
        os.close(self._writer)
        if not self._taken:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)


_ready: list[_Child] = []
"""At most one, of :func:`get_ready`."""


def _stand_by(reader: int) -> None:
    """The child's whole life."""
    code = 1
    try:
        os.setsid()
        from jupyter_mlws.workflows.runner import look_ahead, main

        look_ahead()
        with os.fdopen(reader, "rb") as told:
            words = told.read()
        if not words:
            # Whoever forked it is gone, or wants no run.
            os._exit(0)
        run, folder, root = json.loads(words)
        os.chdir(folder)
        nothing = os.open(os.devnull, os.O_RDONLY)
        log = os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        for source, target in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        code = main([run, root])
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
