"""MLflow for processes that must stay light: the calls go to a helper process.

It starts with the first call and ends with its owner, whose end closes the pipe.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jupyter_mlws.errors import MLWSError

TIMEOUT = 120.0
"""Seconds for one call; the first imports MLflow and may have to migrate its store."""
STOP_TIMEOUT = 5.0


class RefusedError(Exception):
    """MLflow refused what was asked of it; ``code`` is its own word for why."""

    def __init__(self, code: str, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(reason)


class TrackingClient:
    """Calls MLflow on the store at ``uri`` in a process of its own. Thread-safe.

    ``folder`` is where the process runs: somewhere without Python files, which could hide
    installed modules. ``environment`` is added to its own. Error 30105 where MLflow does not
    answer.
    """

    def __init__(
        self, uri: str, folder: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.uri = uri
        self._folder = folder
        self._environment = environment or {}
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._buffer = b""

    def tag_runs(self, ids: Iterable[str], tags: Mapping[str, str]) -> None:
        """Set the tags on every one of the runs."""
        self._call("tag_runs", ids=list(ids), tags=dict(tags))

    def finished(self, ids: Iterable[str]) -> list[str]:
        """Those of the runs that exist and have ended."""
        found: list[str] = self._call("finished", ids=list(ids))
        return found

    def ask(self, call: str, timeout: float = TIMEOUT, /, **arguments: Any) -> Any:
        """Call a method of :class:`~jupyter_mlws.versioning.tracking.mlflow_runs.MLflowRuns`.

        Raises :class:`RefusedError` where MLflow refuses, for callers that can tell more.
        """
        with self._lock:
            try:
                answer = self._exchange({"call": call, "arguments": arguments}, timeout)
            except (OSError, EOFError, ValueError) as error:
                self._stop()
                raise MLWSError("30105", reason=str(error)) from error
        if "refused" in answer:
            raise RefusedError(answer["refused"], answer["error"])
        if "error" in answer:
            raise MLWSError("30105", reason=answer["error"])
        return answer["result"]

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._stop()

    def _call(self, call: str, /, **arguments: Any) -> Any:
        try:
            return self.ask(call, **arguments)
        except RefusedError as error:
            raise MLWSError("30105", reason=error.reason) from error

    def _exchange(self, call: dict[str, Any], timeout: float) -> dict[str, Any]:
        if self._process is None or self._process.poll() is not None:
            self._process, self._buffer = self._start(), b""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(call).encode() + b"\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._read_line(self._process, timeout))
        return answer

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "jupyter_mlws.versioning.tracking.mlflow_process"],
            cwd=self._folder,
            env=self._process_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # A terminal's Ctrl+C is for the owner, which ends the helper in its own time.
            start_new_session=True,
        )

    def _process_environment(self) -> dict[str, str]:
        # Everybody on the machine can read a process's arguments, and the address may hold a
        # password.
        address = {"MLFLOW_TRACKING_URI": self.uri, "MLFLOW_REGISTRY_URI": self.uri}
        return {**os.environ, **self._environment, **address}

    def _read_line(self, process: subprocess.Popen[bytes], timeout: float) -> bytes:
        assert process.stdout is not None
        deadline = time.monotonic() + timeout
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([process.stdout], [], [], deadline - time.monotonic())
            if not ready:
                raise TimeoutError(f"MLflow did not answer within {timeout:g} s")
            read = process.stdout.read1(65536)  # type: ignore[attr-defined]
            if not read:
                raise EOFError(f"MLflow's process ended with code {process.wait()}")
            self._buffer += read
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _stop(self) -> None:
        process, self._process = self._process, None
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
