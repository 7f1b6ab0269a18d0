"""MLflow client for processes that must stay light: a helper process makes the calls.

It starts with the first call and ends with its owner, whose end closes the pipe, or after some
time without a call. One takes 235 MB, so only a few run at once.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from jupyter_mlws.core.errors import MLflowFailedError
from jupyter_mlws.mlflow import sqlite_reader
from mlws.core.database import inode

SQLITE = "sqlite:///"
ARTIFACTS = "mlruns"
"""Folder of the artifacts, beside the file of an SQLite store."""
TIMEOUT = 120.0
"""Seconds for one call; the first imports MLflow and may have to migrate its store."""
STOP_TIMEOUT = 5.0
MAX_PROCESSES = 2
"""Helper processes of this process that run at once."""
IDLE_TIMEOUT = 120.0
"""Seconds without a call after which one ends."""


def sqlite_file(uri: str) -> Path | None:
    """Return the file of a store's SQLite address; None for other stores."""
    return Path(uri.removeprefix(SQLITE)) if uri.startswith(SQLITE) else None


def is_file_store(uri: str) -> bool:
    """Return whether a store is a folder of files, the default of MLflow 2."""
    return "://" not in uri or uri.startswith("file:")


class RefusedError(MLflowFailedError):
    """MLflow rejected a request; ``kind`` is MLflow's error code."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason=reason)
        self.kind = kind


class TrackingClient:
    """Client of MLflow's store at ``uri``, in a process of its own. Thread-safe.

    ``folder`` is the working directory of the process: one without Python files, which could shadow
    installed modules. ``environment`` is added to its own. Raises MLflowFailedError if MLflow does
    not answer.
    """

    def __init__(
        self, uri: str, folder: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.uri = uri
        self._file = sqlite_file(uri)
        self._inode: int | None = None
        self._folder = folder
        self._environment = environment or {}
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._buffer = b""

    def tag_runs(self, ids: Iterable[str], tags: Mapping[str, str]) -> None:
        """Set the tags on each of the runs."""
        self.ask("tag_runs", ids=list(ids), tags=dict(tags))

    def finished(self, ids: Iterable[str]) -> list[str]:
        """Return the runs that exist, were not deleted, and have ended."""
        run_ids: list[str] = self.ask("finished", ids=list(ids))
        return run_ids

    def ask(self, call: str, timeout: float = TIMEOUT, /, **arguments: Any) -> Any:
        """Call a method of :class:`~jupyter_mlws.mlflow.search.MLflowSearch`.

        Raises :class:`RefusedError` if MLflow rejects the request, so that callers can report a
        more specific error.
        """
        if self._file is not None:
            # Most lists need no process, which takes seconds to start.
            with suppress(sqlite_reader.NeedsMLflowError):
                return sqlite_reader.read(self._file, call, arguments)
        with self._lock:
            try:
                with _HELPER_POOL.use(self, timeout):
                    if self._inode is not None and self._inode != self._current_inode():
                        # The running process would go on with the deleted file.
                        self.stop()
                    if self._process is None or self._process.poll() is not None:
                        self._process, self._buffer = self._start(), b""
                    assert self._process.stdin is not None
                    request = {"call": call, "arguments": arguments}
                    self._process.stdin.write(json.dumps(request).encode() + b"\n")
                    self._process.stdin.flush()
                    answer = json.loads(self._read_line(self._process, timeout))
                    self._inode = self._current_inode()
            except (OSError, EOFError, ValueError) as error:
                _HELPER_POOL.stop(self)
                raise MLflowFailedError(reason=str(error)) from error
        if "refused" in answer:
            raise RefusedError(answer["refused"], answer["error"])
        if "error" in answer:
            raise MLflowFailedError(reason=answer["error"])
        return answer["result"]

    def close(self) -> None:
        """Stop the process."""
        with self._lock:
            _HELPER_POOL.stop(self)

    def _current_inode(self) -> int | None:
        return None if self._file is None else inode(self._file)

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "jupyter_mlws.mlflow.process"],
            cwd=self._folder,
            env=self.process_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # A terminal's Ctrl+C is for the owner, which ends the helper in its own time.
            start_new_session=True,
        )

    def process_environment(self) -> dict[str, str]:
        """Return the environment of the helper process, with the address of the store."""
        # The address may hold a password, and every user of the machine can read arguments.
        address = {"MLFLOW_TRACKING_URI": self.uri, "MLFLOW_REGISTRY_URI": self.uri}
        if is_file_store(self.uri):
            # MLflow 3 otherwise refuses it, also to read.
            address["MLFLOW_ALLOW_FILE_STORE"] = "true"
        return {**os.environ, **self._environment, **address}

    def _read_line(self, process: subprocess.Popen[bytes], timeout: float) -> bytes:
        assert process.stdout is not None
        deadline = time.monotonic() + timeout
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([process.stdout], [], [], deadline - time.monotonic())
            if not ready:
                raise TimeoutError(f"MLflow did not respond within {timeout:g} s")
            read = process.stdout.read1(65536)  # type: ignore[attr-defined]
            if not read:
                raise EOFError(f"the MLflow process exited with code {process.wait()}")
            self._buffer += read
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def stop(self) -> None:
        """Stop the process, which must be idle; the next call starts another."""
        process, self._process, self._inode = self._process, None, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        try:
            process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


class _HelperPool:
    """Clients with a running process and the time of their last call; None while in use.

    The least recently used process is stopped to make room for another.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._last_used: dict[TrackingClient, float | None] = {}
        self._reaper: threading.Thread | None = None

    @contextmanager
    def use(self, client: TrackingClient, timeout: float) -> Iterator[None]:
        """Reserve a process for a client; :class:`TimeoutError` if all are in use."""
        deadline = time.monotonic() + timeout
        with self._condition:
            while client not in self._last_used and len(self._last_used) >= MAX_PROCESSES:
                idle = {one: used for one, used in self._last_used.items() if used is not None}
                if idle:
                    self._stop(min(idle, key=idle.__getitem__))
                elif not self._condition.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"all {MAX_PROCESSES} MLflow processes are busy")
            self._last_used[client] = None
            if self._reaper is None:
                self._reaper = threading.Thread(target=self._reap, name="mlws-mlflow", daemon=True)
                self._reaper.start()
        try:
            yield
        finally:
            with self._condition:
                self._last_used[client] = time.monotonic()
                self._condition.notify_all()

    def stop(self, client: TrackingClient) -> None:
        """Stop the process of a client that is not in use."""
        with self._condition:
            self._stop(client)

    def _stop(self, client: TrackingClient) -> None:
        if self._last_used.pop(client, None) is not None:
            client.stop()
            self._condition.notify_all()

    def _reap(self) -> None:
        with self._condition:
            while self._last_used:
                now = time.monotonic()
                used = {one: now if last is None else last for one, last in self._last_used.items()}
                for client, last in used.items():
                    if now - last >= IDLE_TIMEOUT:
                        self._stop(client)
                if self._last_used:
                    oldest = min(used[client] for client in self._last_used)
                    self._condition.wait(max(0.0, oldest + IDLE_TIMEOUT - now))
            self._reaper = None


_HELPER_POOL = _HelperPool()
