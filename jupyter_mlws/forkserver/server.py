"""Loop of a zygote: forks on request, reports exits, and ends with its owner."""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import time
import warnings
from pathlib import Path

from jupyter_mlws.forkserver import child_init
from jupyter_mlws.forkserver.job import EXIT, MAX_MESSAGE, Job, Kind
from mlws.engine.processes import GRACE, end_group

MODULE_SUFFIXES = (".py", ".pyc", ".so")


class ForkServer:
    """Forks the children of one zygote, and reports their ends."""

    def __init__(self, control: socket.socket, exits: int, owner: int, path: list[str]) -> None:
        self._control = control
        self._exits = exits
        self._owner = owner
        self._path = path
        self._children: dict[int, int] = {}
        self._imported_modules = {name.partition(".")[0] for name in sys.modules}
        self._poll = select.poll()
        for descriptor in (control.fileno(), owner):
            self._poll.register(descriptor, select.POLLIN)

    def serve(self) -> None:
        """Serve until the owner is gone; a child leaves by :class:`.child_init.ChildStart`."""
        has_owner = True
        while has_owner:
            for descriptor, _ in self._poll.poll():
                if descriptor in self._children:
                    self._reap(descriptor)
                elif descriptor == self._owner or not self._handle_request():
                    has_owner = False
                    break
        for how in (signal.SIGTERM, signal.SIGKILL):
            for pid in self._children.values():
                end_group(pid, how)
            deadline = time.monotonic() + GRACE
            while self._children and time.monotonic() < deadline:
                exits = select.poll()
                for descriptor in self._children:
                    exits.register(descriptor, select.POLLIN)
                for descriptor, _ in exits.poll((deadline - time.monotonic()) * 1000):
                    self._reap(descriptor)

    def _handle_request(self) -> bool:
        """Handle one request; return False if the owner closed the socket."""
        try:
            message, descriptors, _, _ = socket.recv_fds(self._control, MAX_MESSAGE, 2)
        except ConnectionError:
            return False
        if not message:
            return False
        log, gate = descriptors
        try:
            job = Job.unpack(message)
            folder = child_init.first_of_path(job)
            # A fresh process would import something else than what is imported here.
            is_loaded = job.kind is Kind.MODULE and job.target in sys.modules
            shadows = folder is not None and self._shadows_module(Path(job.cwd, folder))
            if not (is_loaded or shadows):
                self._fork(job, log, gate)
        finally:
            # The owner sees the gate close, where no child holds it.
            os.close(log)
            os.close(gate)
        return True

    def _shadows_module(self, folder: Path) -> bool:
        """Return whether a file or package in ``folder`` has the name of an imported module."""
        try:
            names = os.listdir(folder)  # noqa: PTH208  large folders, before every child
        except OSError:
            return True
        for name in names:
            stem, dot, _ = name.partition(".")
            if stem not in self._imported_modules:
                continue
            # A folder shadows an installed package only if it has an initialiser.
            if name.endswith(MODULE_SUFFIXES) if dot else any((folder / name).glob("__init__.*")):
                return True
        return False

    def _fork(self, job: Job, log: int, gate: int) -> None:
        try:
            with warnings.catch_warnings():
                # Threads of libraries that look after forks themselves are no news.
                warnings.simplefilter("ignore", DeprecationWarning)
                pid = os.fork()
        except OSError:
            return
        if pid == 0:
            exception = child_init.ChildStart(
                job, os.dup(log), socket.socket(fileno=os.dup(gate)), self._path
            )
            self._control.close()
            for descriptor in (self._exits, self._owner, *self._children):
                os.close(descriptor)
            sys.excepthook = child_init.begin
            raise exception
        descriptor = os.pidfd_open(pid)
        self._children[descriptor] = pid
        self._poll.register(descriptor, select.POLLIN)

    def _reap(self, descriptor: int) -> None:
        pid = self._children.pop(descriptor)
        self._poll.unregister(descriptor)
        os.close(descriptor)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        try:
            os.write(self._exits, EXIT.pack(pid, code if code >= 0 else 128 - code))
        except BrokenPipeError:
            # The owner is gone, which the loop finds next.
            return
