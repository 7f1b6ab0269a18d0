"""The owner's side of one zygote: starts it, requests children, and reads their exit codes."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress

from jupyter_mlws.forkserver.job import EXIT, GO, MAX_MESSAGE, PROTOCOL, Job
from jupyter_mlws.forkserver.preload import is_stale
from mlws.engine.processes import COOKIE, GRACE

PADDING_BYTES = 4096
"""Bytes beside the zygote's own in which its children show longer environments and commands."""
FORK_TIMEOUT = 5.0
"""Seconds a zygote may take to fork, which takes milliseconds."""


class ForkServerClient:
    """One zygote, and its children whose end has not been reported yet."""

    def __init__(self, program: Sequence[str], environment: Mapping[str, str]) -> None:
        self.children: dict[int, int] = {}
        """A descriptor of each child by its pid."""
        self.ended = False
        """True if the zygote has exited."""
        self._ready = False
        self._usable = True
        self._stamps: list[tuple[str, int]] = []
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._exits, write = os.pipe()
        os.set_blocking(self._exits, False)
        self._control.settimeout(FORK_TIMEOUT)
        # Without the cookie: the zygote must report the exits when a run's processes are ended.
        variables = {name: value for name, value in environment.items() if name != COOKIE}
        variables["MLWS_WARM_ROOM"] = "-" * PADDING_BYTES
        files = (theirs.fileno(), write)
        try:
            self._process = subprocess.Popen(
                [*program, *map(str, files), " " * PADDING_BYTES],
                # No folder in which a module could lie that goes before an installed one.
                cwd="/",
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=files,
                start_new_session=True,
            )
        except OSError:
            self._control.close()
            os.close(self._exits)
            raise
        finally:
            theirs.close()
            os.close(write)

    @property
    def exits(self) -> int:
        """Descriptor that is readable when a child or the zygote has ended."""
        return self._exits

    @property
    def warm(self) -> bool:
        """True if the zygote has imported everything."""
        if not self._ready and self._usable and _readable(self._control.fileno(), 0):
            message = b""
            with suppress(OSError):
                message = self._control.recv(MAX_MESSAGE)
            payload = json.loads(message) if message else {}
            if payload.get("protocol") == PROTOCOL:
                self._stamps = [(path, stamp) for path, stamp in payload["stamps"]]
                self._ready = True
            else:
                self._usable = False
        return self._ready

    @property
    def usable(self) -> bool:
        """True if the zygote is alive, answers, and would import the same files again."""
        if self._usable and (self._process.poll() is not None or is_stale(self._stamps)):
            self._usable = False
        return self._usable

    def wait(self, seconds: float) -> None:
        """Wait until the zygote is warm or gone, but no longer than ``seconds``."""
        if not self._ready:
            _readable(self._control.fileno(), max(0.0, seconds))

    def fork(self, job: Job, log: int) -> int | None:
        """Return the pid of a child that has started the job; None if it must be run otherwise."""
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with mine:
            mine.settimeout(FORK_TIMEOUT)
            try:
                with theirs:
                    socket.send_fds(self._control, [job.pack()], [log, theirs.fileno()])
                hello, descriptors, _, _ = socket.recv_fds(mine, 64, 1)
            except (TimeoutError, ConnectionError):
                # A child that comes late finds the gate closed.
                self._usable = False
                return None
            except OSError:
                # Too long a message, or no descriptors left.
                return None
            if not hello:
                return None
            try:
                mine.send(GO)
            except OSError:
                os.close(descriptors[0])
                return None
            self.children[int(hello)] = descriptors[0]
            return int(hello)

    def collect_exits(self) -> list[tuple[int, int]]:
        """Return the children that have ended, with their exit codes."""
        exits = []
        while not self.ended:
            try:
                text = os.read(self._exits, EXIT.size * 512)
            except BlockingIOError:
                break
            if not text:
                self._handle_exit()
            # Records are written whole, and so many at a time are read whole.
            exits += [(pid, code) for pid, code in EXIT.iter_unpack(text) if pid in self.children]
        for pid, _ in exits:
            os.close(self.children.pop(pid))
        return exits

    def release(self) -> None:
        """Ask the zygote to end, at once if it has no children; its end is reported later."""
        self._usable = False
        self._control.close()
        if not self._ready:
            self._process.kill()

    def close(self) -> None:
        """End the zygote and the children that still run, and wait for that."""
        if self.ended:
            return
        self.release()
        try:
            self._process.wait(2 * GRACE + 1)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._handle_exit()

    def _handle_exit(self) -> None:
        self.ended = True
        self._usable = False
        self._control.close()
        os.close(self._exits)
        self._process.wait()


def _readable(descriptor: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
