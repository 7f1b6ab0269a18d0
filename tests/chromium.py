#!/usr/bin/env python3
"""Run Chromium, with the arguments given, so that changes of network interfaces do not reach it.

Where an interface gets or loses an address, as with each network of Docker, Chromium fails all
requests that wait for a connection (ERR_NETWORK_CHANGED), and no switch prevents that. Without
netlink sockets it does not notice.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import socket
import sys

PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser")
"""The first that is there is used; that without windows of its own needs a third less."""
PROGRAM = next(filter(None, map(shutil.which, PROGRAMS)), None)
ALLOW, FAIL, EQUAL = 0x7FFF0000, 0x00050000 | errno.EAFNOSUPPORT, 4
"""Of seccomp.h: two actions and an operator."""


class Condition(ctypes.Structure):
    """``struct scmp_arg_cmp``: what an argument of a system call is compared with."""

    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("value", ctypes.c_uint64),
        ("value_2", ctypes.c_uint64),
    )


def refuse_netlink() -> None:
    """Have this process and what it starts get no netlink sockets."""
    seccomp = ctypes.CDLL("libseccomp.so.2")
    seccomp.seccomp_init.restype = ctypes.c_void_p
    rules = ctypes.c_void_p(seccomp.seccomp_init(ALLOW))
    call = seccomp.seccomp_syscall_resolve_name(b"socket")
    condition = Condition(0, EQUAL, socket.AF_NETLINK, 0)
    result = seccomp.seccomp_rule_add_array(rules, FAIL, call, 1, ctypes.byref(condition))
    result = result or seccomp.seccomp_load(rules)
    if result:
        raise OSError(-result, f"seccomp: {os.strerror(-result)}")


if __name__ == "__main__":
    if PROGRAM is None:
        sys.exit(f"None of {', '.join(PROGRAMS)} is on the path.")
    if sys.platform == "linux":
        refuse_netlink()
    os.execv(PROGRAM, [PROGRAM, *sys.argv[1:]])
