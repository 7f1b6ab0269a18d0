"""State of a server's kernels on disk, from which the next server takes over kernels.

Each server has a directory below ``<runtime directory>/mlws-kernels``: its lock (held while it
runs), its root, its sessions (Jupyter's own database), and for each kernel the state that
:mod:`~jupyter_mlws.notebooks.provisioner` wrote and the output that
:mod:`~jupyter_mlws.notebooks.iopub_recorder` recorded. The next server with the same root takes
over the kernels of a directory whose lock is free.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from jupyter_mlws.notebooks.provisioner import read, runs

RECORDER_STOP_TIMEOUT = 5.0
"""Seconds to wait for a recorder process to exit."""


@dataclass(frozen=True)
class Session:
    """A row of Jupyter's session table."""

    id: str
    path: str
    name: str
    type: str
    kernel: str


@dataclass(frozen=True)
class OrphanedKernel:
    """A running kernel whose server is gone."""

    kernel: str
    name: str
    process: str
    sessions: tuple[Session, ...]
    folder: Path


class PersistentKernelStore:
    """One server's folder; ``close`` removes it."""

    def __init__(self, runtime: Path, root: Path) -> None:
        self._stores_directory = runtime / "mlws-kernels"
        self._root = root
        self.path = self._stores_directory / uuid.uuid4().hex
        self.path.mkdir(parents=True, mode=0o700)
        self._lock = (self.path / "lock").open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        (self.path / "root").write_text(str(root), encoding="utf-8")
        self._recorder: subprocess.Popen[bytes] | None = None
        self._adopted_directories: list[tuple[Path, Any]] = []

    @property
    def sessions(self) -> Path:
        """Path of the session database."""
        return self.path / "sessions.sqlite"

    def orphans(self) -> list[OrphanedKernel]:
        """Return the running kernels of killed servers that had the same root.

        This server locks their folders until :meth:`remove_adopted`.
        """
        kernels: list[OrphanedKernel] = []
        for folder in self.others():
            lock = (folder / "lock").open("w")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
                continue
            self._adopted_directories.append((folder, lock))
            sessions = _sessions(folder / "sessions.sqlite")
            for record in _running(folder):
                mine = tuple(one for one in sessions if one.kernel == record["kernel"])
                name, process = record["name"], f"{record['kernel']}:{record['pid']}"
                kernels.append(OrphanedKernel(record["kernel"], name, process, mine, folder))
        return kernels

    def find_running_kernels(self) -> set[str]:
        """Return the ids of all running kernels that servers of this root started."""
        folders = [self.path, *self.others()]
        return {record["kernel"] for folder in folders for record in _running(folder)}

    def take(self, orphan: OrphanedKernel) -> None:
        """Move a kernel's record into this folder, where the provisioner reads it."""
        for kind in ("json", "log", "requests"):
            self._take_file(orphan, kind)

    def _take_file(self, orphan: OrphanedKernel, kind: str) -> Path:
        name = f"{orphan.kernel}.{kind}"
        with contextlib.suppress(FileNotFoundError):
            (orphan.folder / name).replace(self.path / name)
        return self.path / name

    def requests_of(self, kernel: str) -> Path:
        """Return the file for the requests of tabs that a kernel has not begun."""
        return self.path / f"{kernel}.requests"

    def stop_recorders(self) -> None:
        """Stop the recorder processes of the folders that were taken over.

        All messages that they received are on disk afterwards.
        """
        for folder, _ in self._adopted_directories:
            record = read(folder / "keeper")
            if record is None or not runs(record["pid"], record["created"]):
                continue
            os.kill(record["pid"], signal.SIGTERM)
            deadline = time.monotonic() + RECORDER_STOP_TIMEOUT
            while runs(record["pid"], record["created"]) and time.monotonic() < deadline:
                time.sleep(0.02)

    def messages(self, orphan: OrphanedKernel) -> Iterator[list[bytes]]:
        """Yield the messages that a kernel sent without a server, each as its frames.

        They stay, with those of earlier servers: this server may be killed before the running
        execution has ended.
        """
        try:
            with self._take_file(orphan, "heard").open(encoding="ascii") as lines:
                for line in lines:
                    if line.endswith("\n"):
                        yield [base64.b64decode(frame) for frame in json.loads(line)]
        except FileNotFoundError:
            return

    def remove_adopted(self) -> None:
        """Remove the folders that were taken over."""
        for folder, lock in self._adopted_directories:
            shutil.rmtree(folder, ignore_errors=True)
            lock.close()
        self._adopted_directories.clear()

    def attend(self, kernel: str, connection: str) -> None:
        """Start recording the messages of a kernel."""
        self._send_command({"kernel": kernel, "connection": connection})

    def leave(self, kernel: str) -> None:
        """Stop recording the messages of a kernel."""
        if self._recorder is not None:
            self._send_command({"gone": kernel})

    def close(self) -> None:
        """Stop the recorder process and remove the folder.

        The server itself stops the kernels.
        """
        if self._recorder is not None and self._recorder.stdin is not None:
            self._send_command({"bye": "bye"})
            with contextlib.suppress(BrokenPipeError):
                self._recorder.stdin.close()
            self._recorder.wait(RECORDER_STOP_TIMEOUT)
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()

    def _send_command(self, message: dict[str, str]) -> None:
        if self._recorder is None:
            with (self.path / "keeper.log").open("ab") as log:
                self._recorder = subprocess.Popen(
                    [sys.executable, "-m", "jupyter_mlws.notebooks.iopub_recorder", str(self.path)],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            pid = self._recorder.pid
            record = {"pid": pid, "created": psutil.Process(pid).create_time()}
            (self.path / "keeper").write_text(json.dumps(record), encoding="utf-8")
        assert self._recorder.stdin is not None  # a pipe, as it was started
        with contextlib.suppress(BrokenPipeError):
            self._recorder.stdin.write(json.dumps(message).encode() + b"\n")
            self._recorder.stdin.flush()

    def others(self) -> list[Path]:
        """Return the folders of other servers of this root, running or not."""
        folders = []
        for folder in self._stores_directory.iterdir():
            # A directory without it is just being created or removed.
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                root = (folder / "root").read_text(encoding="utf-8")
                if folder != self.path and root == str(self._root):
                    folders.append(folder)
        return folders


def _running(folder: Path) -> list[dict[str, Any]]:
    records = [read(file) for file in folder.glob("*.json")]
    return [one for one in records if one and runs(one["pid"], one["created"])]


def _sessions(file: Path) -> list[Session]:
    if not file.exists():
        return []
    connection = sqlite3.connect(file)
    try:
        rows = connection.execute("SELECT session_id, path, name, type, kernel_id FROM session")
        return [Session(*row) for row in rows]
    except sqlite3.Error:
        # The server was killed while it created the database: there was no session yet.
        return []
    finally:
        connection.close()
