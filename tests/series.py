"""The lengths of series: tests of chance, of kills and of many at once."""

from __future__ import annotations

import os


def length(ordinary: int, exhaustive: int, variable: str = "") -> int:
    """Return the length in `make test`, that in `make test-all`, or what ``variable`` says."""
    default = exhaustive if "MLWS_EXHAUSTIVE" in os.environ else ordinary
    return int(os.environ.get(variable, default))
