"""Ids that sort by time."""

from __future__ import annotations

import secrets
import time


def time_ordered_id() -> str:
    """Return an id such as ``20261129-170308-3d0907``; later ones sort after earlier ones.

    It is the time in UTC, to the microsecond (hexadecimal), and a random digit.
    """
    second, microsecond = divmod(time.time_ns() // 1000, 1_000_000)
    timestamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(second))
    return f"{timestamp}-{microsecond:05x}{secrets.randbelow(16):x}"
