"""Runs the commands of nodes on this machine, each in a process of its own or a warm one."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlws.engine.executor import Task
from mlws.engine.process_loop import ProcessLoop
from mlws.engine.processes import ATTEMPT, GRACE, end_bearers, end_group, memory_of

if TYPE_CHECKING:
    from mlws.engine.process_loop import WarmWorkers

HAS_SPAWN = hasattr(os, "posix_spawn") and hasattr(os, "pidfd_open")
"""True if a process can be started without a fork, and its end awaited by a pidfd."""
RESET_SIGNALS = [
    getattr(signal, name)
    for name in ("SIGINT", "SIGHUP", "SIGPIPE", "SIGXFSZ")
    if hasattr(signal, name)
]
"""Signals that Python or the runner ignores, and a child must not."""


class LocalExecutor:
    """Runs processes of this machine; a handle is a pid, which is also a process group."""

    whole_nodes = False

    def __init__(self, waiter: ProcessLoop, warm: WarmWorkers | None = None) -> None:
        self._waiter = waiter
        self._warm = warm

    def start(self, task: Task) -> int:
        """Start one command, in a warm worker if possible."""
        command = task.command
        command_line = command.shown[task.line]
        environment = {**command.environment, **task.variables}
        log = os.open(task.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            os.write(log, f"> {command_line}\n".encode())
            if self._warm is not None and task.policy.warm:
                pid = self._warm.launch(command_line, command.folder, environment, log)
                if pid is not None:
                    self._waiter.watch_warm(pid)
                    return pid
            pid = start_process(command.arguments[task.line], command.folder, environment, log)
            self._waiter.watch(pid)
            return pid
        finally:
            os.close(log)

    def memory(self, handle: int) -> int:
        """Return the bytes that the processes of its session do not share with others."""
        return memory_of(handle)

    def session(self, handle: int) -> int | None:
        """Return the session that each node's process leads."""
        return handle

    def stop(self, cookies: Mapping[int, str]) -> None:
        """Send SIGTERM, and SIGKILL after a grace period; does not wait.

        Processes that left their group are found by the cookie in their environment.
        """
        for pid in cookies:
            end_group(pid)

        def kill_remaining() -> None:
            deadline = time.monotonic() + GRACE
            while any(map(self._waiter.watches, cookies)) and time.monotonic() < deadline:
                time.sleep(0.02)
            for pid in filter(self._waiter.watches, cookies):
                end_group(pid, signal.SIGKILL)
            for cookie in cookies.values():
                end_bearers(cookie, variable=ATTEMPT)

        threading.Thread(target=kill_remaining, daemon=True).start()

    def abandon(self, handles: Sequence[int], run: str) -> None:
        """End all processes of a run, also after a cancel or an internal error."""
        for pid in handles:
            end_group(pid)
        end_bearers(run)


def start_process(
    arguments: Sequence[str], folder: str, environment: Mapping[str, str], log: int
) -> int:
    """Start a process in a session of its own; return its pid.

    :class:`OSError` if the program cannot be started. The working folder of this process changes
    for the moment of the start: ``posix_spawn`` knows no other way. So only a process with one
    thread that cares for it may call this.
    """
    if not HAS_SPAWN:
        process = subprocess.Popen(
            list(arguments),
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        # The loop waits for it by pid; the object would warn that it still runs.
        process.returncode = 0
        return process.pid
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
            setsigdef=RESET_SIGNALS,
        )
    finally:
        if folder != before:
            os.chdir(before)
