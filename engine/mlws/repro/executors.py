"""Execution of commands: one at a time with the terminal, or several beside each other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from types import FrameType

from mlws.engine.executor import Task
from mlws.engine.executors.local import LocalExecutor
from mlws.engine.process_loop import ProcessLoop
from mlws.engine.processes import ATTEMPT, end_bearers
from mlws.engine.scheduler import Engine
from mlws.repro.console import Console


class NamedCommands(LocalExecutor):
    """Runs commands in sessions of their own; notes in ``commands`` the last one of each node."""

    def __init__(self, loop: ProcessLoop, commands: dict[str, str]) -> None:
        super().__init__(loop)
        self._commands = commands

    def start(self, task: Task) -> int:
        """Start a command."""
        self._commands[task.node] = task.command.shown[task.line]
        return super().start(task)


class TerminalExecutor(LocalExecutor):
    """Runs one command at a time, which has the terminal as in `dvc repro`."""

    def __init__(self, loop: ProcessLoop, commands: dict[str, str], console: Console) -> None:
        super().__init__(loop)
        self._loop = loop
        self._commands = commands
        self._console = console
        self._pid: int | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a command runs."""
        return self._pid is not None and self._loop.watches(self._pid)

    def start(self, task: Task) -> int:
        """Start a command in the process group of this process: Ctrl-C reaches it, too."""
        line = task.command.shown[task.line]
        self._commands[task.node] = line
        self._console.command(line)
        process = subprocess.Popen(
            list(task.command.arguments[task.line]),
            cwd=task.command.folder,
            env={**task.command.environment, **task.variables},
            stdout=sys.stderr if self._console.is_quiet else None,
        )
        # The loop waits for it by pid; the object would warn that it still runs.
        process.returncode = 0
        self._loop.watch(process.pid)
        self._pid = process.pid
        return process.pid

    def session(self, handle: int) -> int | None:
        """Return None: the command is in the session of this process."""
        return None

    def stop(self, cookies: Mapping[int, str]) -> None:
        """Send SIGTERM to the command and to what it has started."""
        for cookie in cookies.values():
            end = partial(end_bearers, cookie, variable=ATTEMPT)
            threading.Thread(target=end, daemon=True).start()

    def abandon(self, handles: Sequence[int], run: str) -> None:
        """End all processes of the command."""
        for pid in filter(self._loop.watches, handles):
            os.kill(pid, signal.SIGTERM)
        end_bearers(run)


@contextmanager
def cancelling_on_signals(
    engine: Engine, terminal: Callable[[], TerminalExecutor | None]
) -> Iterator[None]:
    """Let SIGINT and SIGTERM cancel the run.

    A command that has the terminal got Ctrl-C as well, and what it makes of it counts.
    """

    def cancel(number: int, frame: FrameType | None) -> None:
        executor = terminal()
        if number == signal.SIGTERM or executor is None or not executor.is_busy:
            engine.cancel()

    handlers = {n: signal.signal(n, cancel) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
