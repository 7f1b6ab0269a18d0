"""Records the output of kernels while they have no server.

``python -m jupyter_mlws.notebooks.iopub_recorder FOLDER``.

A small process that a server starts. It subscribes to the server's kernels and stores their
messages about the running execution. If the server is killed, it writes these and all later
messages into one file per kernel, for the next server, which stops it by SIGTERM. If no server
starts, it kills the kernels after a time limit, and exits.

Standard input: JSON lines ``{"kernel": id, "connection": file}``, ``{"gone": id}`` and
``{"bye": true}`` (the server stops). End of file without ``bye`` means that the server was killed.
The only argument is the directory. The file ``<kernel>.heard`` there gets one line per message: its
frames (identities, delimiter, signature, header, …) as a list of base64 strings.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import sys
import time
from collections import OrderedDict
from pathlib import Path
from typing import BinaryIO

import zmq

MAX_REQUEST_BYTES = 10_000_000
"""Maximum bytes of the messages of one execution; later output is dropped."""
ORPHAN_TIMEOUT = float(os.environ.get("MLWS_KERNELS_WAIT", 24 * 3600))
"""Seconds after which kernels without a server are killed."""
CHECK_INTERVAL = 5.0
"""Seconds between two checks of whether any kernel still runs."""
_DELIMITER = b"<IDS|MSG>"


class MessageBuffer:
    """Messages of one kernel about each unfinished request, and the one before."""

    def __init__(self, socket: zmq.Socket[bytes], file: Path) -> None:
        self.socket = socket
        self._file = file
        self._messages: OrderedDict[str, list[list[bytes]]] = OrderedDict()
        self._sizes: dict[str, int] = {}
        self._finished_requests: list[str] = []
        self._output_file: BinaryIO | None = None

    def take(self, frames: list[bytes]) -> None:
        """Store a message.

        A finished request is kept until another one begins: the server may be killed before it has
        stored the end.
        """
        head = frames.index(_DELIMITER)
        header, parent = json.loads(frames[head + 2]), json.loads(frames[head + 3])
        request, kind = parent.get("msg_id"), header.get("msg_type")
        if not request or parent.get("msg_type") != "execute_request":
            return
        if request not in self._sizes:
            for finished_id in self._finished_requests:
                self._messages.pop(finished_id, None)
                self._sizes.pop(finished_id, None)
            self._finished_requests.clear()
        size = self._sizes.get(request, 0) + sum(map(len, frames))
        self._sizes[request] = size
        if size < MAX_REQUEST_BYTES or kind in ("status", "error", "execute_input"):
            if self._output_file is not None:
                self._write(frames)
            else:
                self._messages.setdefault(request, []).append(frames)
        if kind == "status" and json.loads(frames[head + 5]).get("execution_state") == "idle":
            self._finished_requests.append(request)

    def flush_to_file(self) -> None:
        """Write the stored messages to the file, and all later ones as they arrive."""
        self._output_file = self._file.open("ab")
        for messages in self._messages.values():
            for frames in messages:
                self._write(frames)
        self._messages.clear()

    def close(self) -> None:
        self.socket.close(0)
        if self._output_file is not None:
            self._output_file.close()

    def _write(self, frames: list[bytes]) -> None:
        assert self._output_file is not None  # only called after `flush_to_file`
        line = json.dumps([base64.b64encode(frame).decode("ascii") for frame in frames])
        self._output_file.write(line.encode("ascii") + b"\n")
        self._output_file.flush()


class IOPubRecorder:
    """Recorder process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._context = zmq.Context()
        self._buffers: dict[str, MessageBuffer] = {}
        self._poller = zmq.Poller()
        self._partial_line = b""
        self._shutdown_requested = False
        self._orphaned_at: float | None = None
        self._last_check = 0.0
        self._sigterm_received = False

    def run(self) -> None:
        """Record messages until the process has to end."""
        read_end, write_end = os.pipe()
        os.set_blocking(write_end, False)
        signal.set_wakeup_fd(write_end)
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "_sigterm_received", True))
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._poller.register(0, zmq.POLLIN)
        self._poller.register(read_end, zmq.POLLIN)
        while not self._shutdown_requested:
            ready = dict(
                self._poller.poll(int(CHECK_INTERVAL * 1000) if self._orphaned_at else None)
            )
            self._receive_messages()
            if 0 in ready:
                self._read_commands()
            if self._sigterm_received or (self._orphaned_at and self._should_exit()):
                break
        self._receive_messages()
        for buffer in self._buffers.values():
            buffer.close()
        self._context.destroy(0)

    def _receive_messages(self) -> None:
        for buffer in self._buffers.values():
            with contextlib.suppress(zmq.Again):
                while True:
                    frames = buffer.socket.recv_multipart(zmq.NOBLOCK)
                    # Ignore what is not a message of Jupyter.
                    with contextlib.suppress(ValueError, IndexError, AttributeError):
                        buffer.take(frames)

    def _read_commands(self) -> None:
        data = os.read(0, 65536)
        if not data:
            self._poller.unregister(0)
            self._orphaned_at = time.monotonic()
            self._last_check = self._orphaned_at
            for buffer in self._buffers.values():
                buffer.flush_to_file()
            return
        *lines, self._partial_line = (self._partial_line + data).split(b"\n")
        for command in map(json.loads, lines):
            if "bye" in command:
                self._shutdown_requested = True
            elif "gone" in command:
                stale_buffer = self._buffers.pop(command.get("gone"), None)
                if stale_buffer is not None:
                    self._poller.unregister(stale_buffer.socket)
                    stale_buffer.close()
            elif command["kernel"] not in self._buffers:
                self._subscribe(command["kernel"], Path(command["connection"]))

    def _subscribe(self, kernel: str, connection: Path) -> None:
        try:
            facts = json.loads(connection.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            # The kernel is gone already.
            return
        socket = self._context.socket(zmq.SUB)
        socket.subscribe(b"")
        if facts.get("curve_publickey"):
            socket.curve_serverkey = facts["curve_publickey"].encode()
            socket.curve_publickey, socket.curve_secretkey = zmq.curve_keypair()
        mark = ":" if facts["transport"] == "tcp" else "-"
        socket.connect(f"{facts['transport']}://{facts['ip']}{mark}{facts['iopub_port']}")
        self._buffers[kernel] = MessageBuffer(socket, self._folder / f"{kernel}.heard")
        self._poller.register(socket, zmq.POLLIN)

    def _should_exit(self) -> bool:
        """Return True if no server will come: no kernel is left, or the time limit is over.

        Kernels that are left at the time limit are killed.
        """
        now = time.monotonic()
        if now - self._last_check < CHECK_INTERVAL:
            return False
        self._last_check = now
        records = [json.loads(file.read_text()) for file in self._folder.glob("*.json")]
        groups = []
        for record in records:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(record["pid"], 0)
                groups.append(record["pgid"])
        if groups and now - (self._orphaned_at or now) < ORPHAN_TIMEOUT:
            return False
        for group in groups:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        return True


if __name__ == "__main__":
    IOPubRecorder(Path(sys.argv[1])).run()
