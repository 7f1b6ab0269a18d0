"""Processes that read data for the server, with a limit of time and of memory.

A file of a few kB can hold gigabytes of values, and a faulty one can end or block its reader.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

MAX_READER_BYTES = 1_000_000_000
"""Bytes that a reader may use above those of the libraries that it has imported."""


def read_in_process(module: str, request: Any, timeout: float) -> str:
    """Return what ``python -m module`` prints for a JSON request on its stdin.

    Raises subprocess.CalledProcessError or subprocess.TimeoutExpired, with what it has printed.
    """
    return subprocess.run(
        [sys.executable, "-m", module],
        # Modules of the project would shadow those of Python.
        cwd=Path(__file__).parents[2],
        input=json.dumps(request, default=str),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=True,
    ).stdout


def limit_memory(*, reserves: bool = False) -> None:
    """Import pandas and pyarrow, and let this process use MAX_READER_BYTES more (Linux).

    ``reserves``: keep the memory pool of pyarrow, which reserves a gigabyte in advance, and needs a
    third of the memory of the system's for large tables.
    """
    import pandas  # noqa: F401
    import pyarrow

    if reserves:
        # The first allocation reserves it.
        pyarrow.allocate_buffer(1_000_000)
    else:
        pyarrow.set_memory_pool(pyarrow.system_memory_pool())
    if sys.platform == "linux":
        import resource

        # The sixth field of `statm` is the size of data and stack, in pages.
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5])
        limit = pages * resource.getpagesize() + MAX_READER_BYTES
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
