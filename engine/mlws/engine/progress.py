"""Progress of a node, which its code prints and the run reads from the node's log."""

from __future__ import annotations

import re
import sys

WIDTH = 20
"""Letters of the bar."""
NEWEST = 4000
"""Bytes at the end of a log in which the newest progress is searched."""
PERCENT = re.compile(rb"(?<![\d.])(\d{1,3})%\|")
"""As tqdm prints it: ``42%|████``."""


def progress(done: float, total: float = 1.0) -> None:
    """Report the progress of this node, for the bar on the canvas: ``progress(3, 10)``.

    ``done`` and ``total`` are in any unit, and ``total`` is above 0. The progress is printed on
    the standard error as `tqdm` prints it; `tqdm` may be used instead. Raises ValueError if
    ``total`` is 0 or less.
    """
    if not total > 0:
        raise ValueError("total must be above 0")
    share = min(1.0, max(0.0, done / total))
    bar = "█" * round(share * WIDTH)
    end = "\n" if share == 1.0 else ""
    sys.stderr.write(f"\r{int(share * 100):3}%|{bar:{WIDTH}}| {done:g}/{total:g}{end}")
    sys.stderr.flush()


def newest_progress(log: bytes) -> float | None:
    """Return the last progress (0 to 1) in the end of a log; None if there is none."""
    percentages = PERCENT.findall(log[-NEWEST:])
    return min(1.0, int(percentages[-1]) / 100) if percentages else None
