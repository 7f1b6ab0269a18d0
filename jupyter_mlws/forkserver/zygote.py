"""The process that nodes are forked from.

``python -m jupyter_mlws.forkserver.zygote A B``:

In an environment of a project :mod:`jupyter_mlws.components.runtime.environment_node` starts it.
``A`` is a socket to the owner, ``B`` a pipe for the exit codes. It imports and never computes
(threads of OpenMP or BLAS would not be there in a child, which then waits for them for ever), has
one thread, forks on request, and reaps its children and reports their exit codes.

It does not outlive its owner, even after SIGKILL: when the socket closes or the owner is gone, it
ends its children by their groups (SIGTERM, then SIGKILL) and exits. A fresh node would run on until
the run is recovered; the exit code of a warm one would be lost. It does not carry the run's cookie,
so that ending a run's processes does not end it before it has reported the exit codes of its
children. Each child does carry it (see :mod:`.child_init`).
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence

from jupyter_mlws.forkserver import child_init, child_main, preload
from jupyter_mlws.forkserver.job import PROTOCOL
from jupyter_mlws.forkserver.server import ForkServer


def main(control: socket.socket, exits: int) -> None:
    """Import the modules, report that to the owner, and serve until the owner is gone.

    In a child :class:`.child_init.ChildStart` leaves this function, the module and every frame.
    """
    owner = os.pidfd_open(os.getppid())
    child_init.copy_environment()
    if not child_init.SAFE_PATH:
        # The folder that Python added for this program.
        del sys.path[0]
    path = list(sys.path)
    # Those of a fresh process, also the signals that the owner ignores.
    numbers = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
    handlers = {number: signal.getsignal(number) for number in numbers}
    gc.disable()
    preload.load()
    for number, handler in handlers.items():
        if handler is not None:
            signal.signal(number, handler)
    child_main.flush_c()
    # The collector ignores all objects so far, so that their pages stay shared.
    gc.collect()
    gc.freeze()
    # A fork before the first child: OpenBLAS ends the threads that it started when it was loaded,
    # for good.
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    stamps = preload.stamps(path)
    control.send(json.dumps({"protocol": PROTOCOL, "stamps": stamps}).encode())
    ForkServer(control, exits, owner, path).serve()


def start(arguments: Sequence[str]) -> None:
    """Run :func:`main` with the descriptors of a command line."""
    descriptors = [int(argument) for argument in arguments[:2]]
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)
    main(socket.socket(fileno=descriptors[0]), descriptors[1])


if __name__ == "__main__":
    start(sys.argv[1:])
