"""Warm workers for one owner: an engine that starts nodes and waits for them in one thread.

Importing this brings in nothing heavy; the libraries are in the zygotes.
"""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Mapping
from contextlib import suppress

from jupyter_mlws.forkserver import eligible, launched
from jupyter_mlws.forkserver.client import ForkServerClient
from jupyter_mlws.forkserver.fingerprint import Fingerprint, can_be_warm, fingerprint
from mlws.engine.processes import end_group

ZYGOTE_MODULE = "jupyter_mlws.forkserver.zygote"
MAX_ZYGOTES = 2
"""Zygotes of one Python at a time, of about 200 MB each; nodes of further variables start fresh."""
MAX_PYTHONS = 3
"""Pythons with zygotes at a time: the lab's and those of environments."""
Mark = tuple[tuple[str, ...], Fingerprint]
"""The program of a zygote, and the variables that it has in common with its nodes."""
UNKNOWN_EXIT_CODE = 255
"""Exit code of a node whose zygote died before it, as the real one is unknown: a failure."""


def available() -> bool:
    """Return whether this system supports warm workers: Linux 5.3 or later."""
    if not sys.platform.startswith("linux") or not hasattr(os, "pidfd_open"):
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True


class WarmPool:
    """Zygotes of one Python and of environments, a few for different variables; for one thread.

    A launched node is a child of its zygote, not of the owner, so only this class reports its end.
    It leads a session of its own, so ``killpg(pid)`` reaches it and what it started, and
    `/proc/PID/environ` has the variables that it was given, as in a fresh process.
    """

    def __init__(self, python: str = sys.executable) -> None:
        self._python = python
        self._program = (python, "-m", ZYGOTE_MODULE)
        self._available = available()
        self._zygotes: dict[Mark, ForkServerClient] = {}
        self._draining_zygotes: list[ForkServerClient] = []
        self._failed_marks: set[Mark] = set()
        self._orphans: dict[int, int] = {}

    def start(self, environment: Mapping[str, str], program: tuple[str, ...] | None = None) -> None:
        """Start a zygote for nodes of ``environment``, of another ``program``; does not wait."""
        if not self._available or not can_be_warm(environment):
            return
        program = program or self._program
        mark = (program, fingerprint(environment))
        pythons = [python for python, _ in self._zygotes]
        if (
            mark in self._zygotes
            or mark in self._failed_marks
            or pythons.count(program) >= MAX_ZYGOTES
            or (program not in pythons and len(set(pythons)) >= MAX_PYTHONS)
        ):
            return
        try:
            self._zygotes[mark] = ForkServerClient(program, environment)
        except OSError:
            self._failed_marks.add(mark)

    def wait_ready(self, timeout: float) -> bool:
        """Wait until every zygote is warm; return whether one is.

        It is for an owner whose nodes would take as long without zygotes.
        """
        deadline = time.monotonic() + timeout
        for zygote in self._zygotes.values():
            zygote.wait(deadline - time.monotonic())
        return any(zygote.warm and zygote.usable for zygote in self._zygotes.values())

    def launch(
        self, command: str, cwd: str, environment: Mapping[str, str], log: int
    ) -> int | None:
        """Start a node as a shell in ``cwd`` would start ``command``; return its pid and group.

        ``environment`` is all that the node gets (and PWD, which shells set); ``log`` is its
        standard output and error, and may be closed afterwards. Return None if the caller has to
        start a fresh process; then nothing of the command has run. A zygote for later nodes is
        started if there is none.
        """
        if not self._available:
            return None
        job = eligible.read(command, cwd, environment, self._python)
        program = self._program
        if job is None:
            job = launched.read(command, cwd, environment)
            if job is None:
                return None
            program = (job.executable, job.target, launched.ZYGOTE)
        zygote = self._get_warm_zygote(job.environment, program)
        pid = None if zygote is None else zygote.fork(job, log)
        if zygote is not None and pid is None:
            # Refused, or the zygote is gone: then one for the next node begins to warm at once.
            self._get_warm_zygote(job.environment, program)
        return pid

    def filenos(self) -> list[int]:
        """Return the descriptors that are readable when :meth:`collect` has something to do.

        They may change with each call of start, launch and collect.
        """
        zygotes = [*self._zygotes.values(), *self._draining_zygotes]
        return [*(zygote.exits for zygote in zygotes), *self._orphans.values()]

    def collect(self) -> list[tuple[int, int]]:
        """Return the nodes that have ended since: pid and exit code (128 + n for signal n).

        A node whose zygote died is reported when it ends, with its code if the owner has become
        its parent (a subreaper), else with :data:`UNKNOWN_EXIT_CODE`.
        """
        exits: list[tuple[int, int]] = []
        for zygote in [*self._zygotes.values(), *self._draining_zygotes]:
            exits += zygote.collect_exits()
            if zygote.ended:
                self._orphans.update(zygote.children)
                for mark in [one for one, other in self._zygotes.items() if other is zygote]:
                    self._retire(mark)
                self._draining_zygotes.remove(zygote)
        self._release_idle()
        for pid, descriptor in list(self._orphans.items()):
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            if not poll.poll(0):
                continue
            code = UNKNOWN_EXIT_CODE
            with suppress(ChildProcessError):
                # Only if this process is its parent by now.
                info = os.waitid(os.P_PIDFD, descriptor, os.WEXITED | os.WNOHANG)
                if info is not None:
                    has_exited = info.si_code == os.CLD_EXITED
                    code = info.si_status if has_exited else 128 + info.si_status
            exits.append((pid, code))
            os.close(self._orphans.pop(pid))
        return exits

    def close(self) -> None:
        """End all zygotes and the nodes that still run, and kill them after a grace period."""
        for zygote in [*self._zygotes.values(), *self._draining_zygotes]:
            zygote.release()
        for zygote in [*self._zygotes.values(), *self._draining_zygotes]:
            zygote.close()
            for descriptor in zygote.children.values():
                os.close(descriptor)
        for pid, descriptor in self._orphans.items():
            end_group(pid)
            os.close(descriptor)
        self._zygotes.clear()
        self._draining_zygotes.clear()
        self._orphans.clear()
        self._available = False

    def _get_warm_zygote(
        self, environment: Mapping[str, str], program: tuple[str, ...]
    ) -> ForkServerClient | None:
        """Return a warm zygote for this environment, or None; replace an unusable one."""
        mark = (program, fingerprint(environment))
        zygote = self._zygotes.get(mark)
        if zygote is None:
            self.start(environment, program)
            return None
        warm = zygote.warm
        if zygote.usable:
            return zygote if warm else None
        self._retire(mark)
        self.start(environment, program)
        return None

    def _retire(self, mark: Mark) -> None:
        """Start no more children of a zygote; it stays until those that it has have ended."""
        zygote = self._zygotes.pop(mark)
        if not zygote.warm:
            # It died while importing, and would again.
            self._failed_marks.add(mark)
        self._draining_zygotes.append(zygote)
        self._release_idle()

    def _release_idle(self) -> None:
        for zygote in self._draining_zygotes:
            if not zygote.children and not zygote.ended:
                zygote.release()
