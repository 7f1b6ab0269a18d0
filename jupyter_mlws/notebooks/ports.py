"""Reservation of ports for kernels, until a kernel listens on them.

A server chooses a kernel's ports a second or more before the kernel listens on them. If another
process takes one of them meanwhile, ipykernel waits for its own sockets forever. So the ports are
chosen above the system's ephemeral range, and each is reserved among all servers of the machine.
"""

from __future__ import annotations

import errno
import random
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_PORT_RANGE_FILE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_MAX_PORT = 65535
MIN_PORTS = 1000
"""With fewer ports above the ephemeral range, kernels use ephemeral ports."""

MAX_EPHEMERAL_ATTEMPTS = 1000


class Reservation:
    """Reservation of one port until it is closed.

    Only servers of this kind respect it.
    """

    def __init__(self, port: int) -> None:
        """Reserve ``port``; raise OSError if another process has reserved it."""
        self.port = port
        self._lock_socket: socket.socket | None = None
        if sys.platform == "linux":
            # An abstract socket: the kernel removes it with the process, and each network namespace
            # has its own, as it has its own ports.
            self._lock_socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try:
                self._lock_socket.bind(f"\0mlws-kernel-port-{port}")
            except OSError:
                self._lock_socket.close()
                raise

    def close(self) -> None:
        """Release the port."""
        if self._lock_socket is not None:
            self._lock_socket.close()


def reserve(ip: str) -> Reservation:
    """Reserve a port of the address ``ip`` that is neither in use nor reserved by a server.

    Raise OSError if there is none: any user can reserve all.
    """
    for port in _candidates(ip):
        with suppress(OSError):
            with socket.socket() as sock:
                # Connections of an earlier kernel in TIME_WAIT are no obstacle.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind((ip, port))
            return Reservation(port)
    raise OSError(errno.EADDRINUSE, "All ports for kernels are reserved or in use")


def _candidates(ip: str) -> Iterator[int]:
    ours = _ports_above_ephemeral()
    for _ in ours:
        yield random.choice(ours)  # noqa: S311  not a secret
    for _ in range(MAX_EPHEMERAL_ATTEMPTS):
        with socket.socket() as sock:
            sock.bind((ip, 0))
            port: int = sock.getsockname()[1]
        yield port


def _ports_above_ephemeral() -> range:
    """Return the ports above the system's ephemeral range.

    The range is empty if the system does not report its own, or if too few ports are left.
    """
    try:
        last_given = int(_PORT_RANGE_FILE.read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return range(0)
    above = range(last_given + 1, _MAX_PORT + 1)
    return above if len(above) >= MIN_PORTS else range(0)
