"""Calls of a run to a Dask worker: run a job, stop one, and describe the worker.

A job reports everything by events of its topic, in order. Nothing is returned, as Dask keeps
results in the worker's memory and loses them with it.
"""

from __future__ import annotations

import os
import platform
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlws._version import __version__
from mlws.core.errors import MLWSError, NodeFailedError
from mlws.dvc.stages import search_path
from mlws.engine.executors.job import Job, JobEvent, WorkerInfo, as_plain
from mlws.engine.executors.worker_sandbox import WorkerSandbox
from mlws.engine.processes import memory_of

SUPERVISOR_MODULE = "mlws.engine.executors.command_supervisor"
COMMAND_CHECK_INTERVAL = 0.25
"""Seconds between two checks of a running command: its memory, and whether it was cancelled."""
EXIT_POLL_INTERVAL = 0.01
"""Seconds between two checks whether it has ended."""
MAX_EVENT_BYTES = 16 * 1024
"""Bytes of a log in one event. The scheduler keeps the last thousand events of a topic."""
MAX_LOG_BYTES_PER_SECOND = 4 * 1024 * 1024
"""Bytes of a log in a second at the most; a command that prints more waits, as at any pipe."""
STOPPED_EXIT_CODE = 143
"""The exit code of what was stopped before it ran: 128 and SIGTERM."""

# State of the worker's process: Dask offers no other that a task and a call share.
_jobs_lock = threading.Lock()
_supervisors: dict[str, subprocess.Popen[bytes]] = {}
_active_keys: set[str] = set()
_stopped_keys: set[str] = set()


class JobStoppedError(Exception):
    """The job was stopped."""


def versions() -> dict[str, str]:
    """Return the versions that must be equal on both sides."""
    import distributed

    python = ".".join(platform.python_version_tuple()[:2])
    return {"jupyter-mlws": __version__, "distributed": distributed.__version__, "python": python}


def describe(probe: str, token: str, dask_worker: Any) -> WorkerInfo:
    """Describe this worker; ``probe`` is a file of the project that contains ``token``."""
    from mlws.engine.resources import of_this_machine

    try:
        sees = Path(probe).read_text(encoding="utf-8") == token
    except OSError:
        sees = False
    return WorkerInfo(
        versions(),
        dask_worker.state.nthreads,
        dask_worker.memory_manager.memory_limit or of_this_machine(1).memory,
        dict(dask_worker.state.total_resources),
        sees,
    )


def stop(key: str) -> bool:
    """Stop a job, now or when it arrives; return whether it is here."""
    with _jobs_lock:
        _stopped_keys.add(key)
        guard = _supervisors.get(key)
        if guard is not None and guard.poll() is None:
            guard.terminate()
        return key in _active_keys


def run_job(job: Job, code: bytes | None = None) -> None:
    """Run the commands of a job, one after the other, and report its events."""
    from distributed import Queue, get_client, get_worker

    worker = get_worker()

    def emit(news: JobEvent, **facts: Any) -> None:
        worker.log_event(job.topic, {"key": job.key, "news": news.value, **facts})

    # Only the first worker finds something in the queue: Dask starts the jobs of a lost worker
    # again, without asking whether what that worker left half-written may stay.
    queue = Queue(job.key, client=get_client())
    try:
        is_first = bool(queue.get(batch=True))
    finally:
        queue.close()
    if not is_first:
        emit(JobEvent.AGAIN)
        return
    emit(JobEvent.STARTED, worker=worker.address)
    _JobRunner(job, code, emit, worker).do()


class _JobRunner:
    """One job on this worker."""

    def __init__(self, job: Job, code: bytes | None, emit: Any, worker: Any) -> None:
        self._job = job
        self._code = code
        self._emit = emit
        self._worker = worker
        self._task = worker.get_current_task()

    def do(self) -> None:
        job = self._job
        try:
            with self._register_job():
                if job.bundle is None:
                    code = self._run_all(Path(job.folder), job.variables)
                    self._emit(JobEvent.ENDED, code=code)
                    return
                home = Path(self._worker.local_directory) / "mlws"
                with WorkerSandbox(home, job.bundle, self._code or b"") as sandbox:
                    sandbox.fetch()
                    self._check_not_stopped()
                    variables = sandbox.adapt_variables(job.variables)
                    code = self._run_all(sandbox.place(job.folder), variables)
                    self._check_not_stopped()
                    outputs = sandbox.push() if code == 0 else []
                    self._emit(JobEvent.ENDED, code=code, outs=[as_plain(item) for item in outputs])
        except JobStoppedError:
            self._emit(JobEvent.ENDED, code=STOPPED_EXIT_CODE)
        except MLWSError as error:
            self._emit(JobEvent.FAILED, **error.record)
        except Exception as error:  # noqa: BLE001  the run waits for an event
            reason = f"{type(error).__name__}: {error}"
            facts = {"exit_code": reason}
            self._emit(JobEvent.FAILED, code=NodeFailedError.code, facts=facts)

    @contextmanager
    def _register_job(self) -> Iterator[None]:
        with _jobs_lock:
            _active_keys.add(self._job.key)
        try:
            self._check_not_stopped()
            yield
        finally:
            with _jobs_lock:
                _active_keys.discard(self._job.key)
                _supervisors.pop(self._job.key, None)
                _stopped_keys.discard(self._job.key)

    def _check_not_stopped(self) -> None:
        with _jobs_lock:
            if self._job.key in _stopped_keys:
                raise JobStoppedError

    def _run_all(self, folder: Path, variables: Mapping[str, str]) -> int:
        for arguments, command_line in zip(self._job.arguments, self._job.shown, strict=True):
            code = self._run(arguments, f"> {command_line}\n".encode(), folder, variables)
            if code != 0:
                return code
        return 0

    def _run(
        self,
        arguments: tuple[str, ...],
        heading: bytes,
        folder: Path,
        variables: Mapping[str, str],
    ) -> int:
        reader = None
        if self._job.log is not None:
            # The command writes to the log itself.
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            writer = os.open(self._job.log, flags, 0o644)
        else:
            reader, writer = os.pipe()
            os.set_blocking(reader, False)
        try:
            if reader is None:
                os.write(writer, heading)
            else:
                self._print(heading)
            guard = self._start(arguments, folder, variables, writer)
        finally:
            os.close(writer)
        try:
            self._follow(guard, reader)
            return guard.wait()
        finally:
            if guard.stdin is not None:
                guard.stdin.close()
            if reader is not None:
                os.close(reader)

    def _start(
        self, arguments: tuple[str, ...], folder: Path, variables: Mapping[str, str], output: int
    ) -> subprocess.Popen[bytes]:
        path = search_path(sys.executable, os.environ)
        with _jobs_lock:
            if self._job.key in _stopped_keys:
                raise JobStoppedError
            guard = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    SUPERVISOR_MODULE,
                    self._job.cookie,
                    str(folder),
                    *arguments,
                ],
                # Not the project's folder, whose modules would go before Python's own.
                cwd=os.sep,
                env={**os.environ, "PATH": path, **variables},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            _supervisors[self._job.key] = guard
        return guard

    def _follow(self, guard: subprocess.Popen[bytes], reader: int | None) -> None:
        """Forward the command's output until it ends, and check whether it is still wanted."""
        last_check = 0.0
        while guard.poll() is None:
            if reader is None or not (
                select.select([reader], [], [], EXIT_POLL_INTERVAL)[0]
                and self._forward_output(reader)
            ):
                time.sleep(EXIT_POLL_INTERVAL)
            if time.monotonic() - last_check >= COMMAND_CHECK_INTERVAL:
                last_check = time.monotonic()
                if self._job.measured:
                    self._emit(JobEvent.MEMORY, bytes=memory_of(guard.pid, leader=False))
                task = self._worker.state.tasks.get(self._task)
                if task is None or task.state == "cancelled":
                    # The client is gone, or has released the task.
                    guard.terminate()
        while reader is not None and self._forward_output(reader):
            pass

    def _forward_output(self, reader: int) -> bool:
        """Forward the available output; return False if there is none (any more)."""
        try:
            data = os.read(reader, MAX_EVENT_BYTES)
        except BlockingIOError:
            return False
        if data:
            self._print(data)
            time.sleep(len(data) / MAX_LOG_BYTES_PER_SECOND)
        return bool(data)

    def _print(self, data: bytes) -> None:
        self._emit(JobEvent.PRINTED, data=data)
