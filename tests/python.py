"""Python processes that start at once: forks of one that has DVC and MLflow imported.

Many tests kill a process or need another user's. Importing the libraries takes seconds in each.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from multiprocessing import forkserver
from multiprocessing.connection import wait
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import Any

from jupyter_mlws.components import reader_process
from jupyter_mlws.forkserver import client as zygotes
from jupyter_mlws.forkserver.pool import ZYGOTE_MODULE, WarmPool
from jupyter_mlws.mlflow.client import TrackingClient
from jupyter_mlws.workflows.run import detaching, live

MLWS = "import sys; from jupyter_mlws.__main__ import main; sys.exit(main())"
"""The code that ``python -m jupyter_mlws`` runs."""
READER = "import sys; from {} import main; sys.exit(main())"
MLFLOW = "import sys; from jupyter_mlws.mlflow.process import main; main()"
RUNNER = """
import os, sys
os.setsid()
for stream in (1, 2):
    os.dup2(os.open("runner.log", os.O_WRONLY | os.O_APPEND), stream)
from jupyter_mlws.workflows.run.runner import main
sys.exit(main(sys.argv[1:]))
"""
"""The code that ``python -m jupyter_mlws.workflows.run.runner`` runs, in the run's folder."""
ZYGOTE = """
import os, socket, sys
from jupyter_mlws.forkserver import child_init, zygote
os.setsid()
for stream in (0, 1):
    os.dup2(os.open(os.devnull, os.O_RDWR), stream)
sys.path.insert(0, "")
start = None
try:
    zygote.main(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]))
except child_init.ChildStart as exception:
    start = exception
if start:
    # In a node's process; Python itself calls it below no frame.
    sys.excepthook(type(start), start, None)
"""
"""The code that ``python -m jupyter_mlws.forkserver.zygote`` runs."""
WARM_LIMIT = 60.0
"""Seconds."""
_FORK_SERVER = multiprocessing.get_context("forkserver")
_FORK_SERVER.set_forkserver_preload(["tests.ui.preload", "tests.versioning.preload"])
_LOCK = threading.Lock()
"""``multiprocessing`` reads an exit code once: two threads that poll would race for it."""


def _after_fork() -> None:
    """In a fork of this process: use its fork server, which is no child of the fork."""
    global _LOCK
    _LOCK = threading.Lock()
    if forkserver._forkserver._forkserver_address is not None:
        forkserver._forkserver.ensure_running = lambda: None


os.register_at_fork(after_in_child=_after_fork)


class Python:
    """A process that runs ``code`` with ``sys.argv[1:] == arguments``; used as ``Popen`` is.

    ``stdin`` and ``stdout`` are pipes, ``stderr`` is a file. ``files`` are further descriptors for
    it, whose numbers there are its last arguments.
    """

    def __init__(
        self,
        code: str,
        *arguments: str,
        cwd: str | Path = "/",
        env: Mapping[str, str] | None = None,
        files: Sequence[int] = (),
    ) -> None:
        environment = dict(os.environ if env is None else env)
        child_in, our_in = os.pipe()
        our_out, child_out = os.pipe()
        self.stdin = os.fdopen(our_in, "wb")
        self.stdout = os.fdopen(our_out, "rb")
        self.stderr = tempfile.TemporaryFile()  # noqa: SIM115  closed by `communicate`
        streams = (child_in, child_out, self.stderr.fileno(), *files)
        self._process = _FORK_SERVER.Process(
            target=_Main(code, arguments, str(cwd), environment, streams), daemon=True
        )
        with _LOCK:
            self._process.start()
        os.close(child_in)
        os.close(child_out)

    @property
    def pid(self) -> int | None:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self.poll()

    def poll(self) -> int | None:
        with _LOCK:
            return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        if not wait([self._process.sentinel], timeout):
            raise subprocess.TimeoutExpired("python", timeout or 0)
        code = self.poll()
        assert code is not None
        return code

    def kill(self) -> None:
        self._process.kill()

    def communicate(self) -> tuple[bytes, bytes]:
        """Close the input, wait for the end; the output and the errors."""
        self.stdin.close()
        with self.stdout, self.stderr:
            output = self.stdout.read()
            self.wait()
            self.stderr.seek(0)
            return output, self.stderr.read()


class _Main:
    """The target in the new process; pickled with duplicates of its streams."""

    def __init__(self, code: str, arguments: Any, cwd: str, env: Any, streams: Any) -> None:
        self._what = code, arguments, cwd, env
        self._streams = streams

    def __getstate__(self) -> Any:
        return self._what, [DupFd(stream) for stream in self._streams]

    def __setstate__(self, state: Any) -> None:
        self._what, self._streams = state

    def __call__(self) -> None:
        code, arguments, cwd, environment = self._what
        descriptors = [stream.detach() for stream in self._streams]
        for number, descriptor in enumerate(descriptors[:3]):
            os.dup2(descriptor, number)
            os.close(descriptor)
        sys.stdin, sys.stdout, sys.stderr = (
            # As Python's own streams, they leave the descriptors open when others replace them.
            os.fdopen(number, mode, encoding="utf-8", closefd=False)
            for number, mode in enumerate("rww")
        )
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(cwd)
        sys.argv = ["-c", *arguments, *map(str, descriptors[3:])]
        # Processes of this one are forked by the same server, which Python would start anew.
        forkserver._forkserver.ensure_running = lambda: None
        multiprocessing.current_process()._config["daemon"] = False
        TrackingClient._start = start_mlflow
        detaching._start = start_runner
        WarmPool.start = start_workers
        reader_process.subprocess = _Readers  # type: ignore[assignment]
        zygotes.subprocess = _Zygotes  # type: ignore[assignment]
        try:
            exec(code, {"__name__": "__main__"})
        finally:
            atexit._run_exitfuncs()


def start_mlflow(client: TrackingClient) -> Any:
    """Start MLflow's process, as :meth:`TrackingClient._start` does."""
    return Python(MLFLOW, cwd=client._folder, env=client.process_environment())


def start_workers(
    pool: WarmPool,
    environment: Mapping[str, str],
    program: tuple[str, ...] | None = None,
    start: Any = WarmPool.start,
) -> None:
    """Start warm workers, as :meth:`WarmPool.start` does, and wait for them in a lab's runs.

    Until they are ready, each node would import for itself what they are importing. Other runs are
    of nodes that import nothing, and end before that.
    """
    start(pool, environment, program)
    if os.environ.get(live.IDLE) != "0":
        pool.wait_ready(WARM_LIMIT)


class _Readers:
    """``subprocess`` for the module that starts readers of data."""

    @staticmethod
    def run(command: Sequence[str], **options: Any) -> subprocess.CompletedProcess[str]:
        assert command[:2] == [sys.executable, "-m"]
        return run(READER.format(command[2]), cwd=options["cwd"], text=options["input"], check=True)


class _Zygotes:
    """``subprocess`` for the module that starts zygotes: with what they import imported."""

    DEVNULL = subprocess.DEVNULL
    TimeoutExpired = subprocess.TimeoutExpired

    @staticmethod
    def Popen(command: Sequence[str], **options: Any) -> Any:
        if list(command[1:3]) != ["-m", ZYGOTE_MODULE]:
            return subprocess.Popen(command, **options)
        return Python(ZYGOTE, cwd=options["cwd"], env=options["env"], files=options["pass_fds"])


def start_runner(run: str, root: Path, folder: Path, log: int) -> Any:
    """Start the process of a run, as :func:`detaching._start` does."""
    process = Python(RUNNER, run, str(root), cwd=folder)
    # It outlives the process that starts it.
    multiprocessing.process._children.discard(process._process)
    return process


def run(
    code: str,
    *arguments: str,
    cwd: str | Path = "/",
    env: Mapping[str, str] | None = None,
    text: str = "",
    check: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run ``code`` to its end, as ``subprocess.run([sys.executable, "-c", code, …])`` does.

    ``text`` is its input.
    """
    process = Python(code, *arguments, cwd=cwd, env=env)
    process.stdin.write(text.encode())
    output, errors = (text.decode() for text in process.communicate())
    code_of_exit = process.wait()
    if check and code_of_exit:
        raise subprocess.CalledProcessError(code_of_exit, code, output, errors)
    return subprocess.CompletedProcess(code, code_of_exit, output, errors)
