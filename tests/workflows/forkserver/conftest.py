"""One pool for all: a zygote takes a second. Another Python's by ``MLWS_WARM_PYTHON=…``."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import jupyter_mlws
from jupyter_mlws.forkserver.pool import WarmPool, available
from mlws.engine.processes import COOKIE

LIMIT = 120.0
PYTHON = os.environ.get("MLWS_WARM_PYTHON", sys.executable)

collect_ignore_glob = [] if available() else ["test_*.py"]
ZYGOTES_COOKIE = f"warm-test-{os.getpid()}"
"""Other test processes run commands at the same time."""


class Ended(NamedTuple):
    """Exit code and output of a command."""

    code: int
    log: str


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment of nodes; the same home for all, as it is part of a zygote's fingerprint."""
    own = ("PYTHON", "COVERAGE", "COV_", "LC_", "LANG", "MLWS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    return {
        **kept,
        "HOME": str(tmp_path_factory.mktemp("home")),
        "PATH": f"{Path(PYTHON).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(Path(jupyter_mlws.__file__).parent.parent),
        "PYTHONUNBUFFERED": "1",
        COOKIE: ZYGOTES_COOKIE,
    }


@pytest.fixture(scope="session")
def buffered(environment: dict[str, str]) -> dict[str, str]:
    """The same for Python's usual, buffered output."""
    return {name: value for name, value in environment.items() if name != "PYTHONUNBUFFERED"}


@pytest.fixture(scope="session")
def pool(environment: dict[str, str], buffered: dict[str, str]) -> Iterator[WarmPool]:
    """A warm pool."""
    pool = WarmPool(PYTHON)
    pool.start(environment)
    pool.start(buffered)
    assert pool.wait_ready(LIMIT)
    yield pool
    pool.close()


def ended(pool: WarmPool, pid: int) -> int:
    """The exit code of a node that was launched, by waiting as an engine does."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        select.select(pool.filenos(), [], [], LIMIT)
        for found, code in pool.collect():
            if found == pid:
                return code
    raise TimeoutError(pid)


Launch = Callable[..., "int | None"]
Run = Callable[..., Ended]


@pytest.fixture
def warm(pool: WarmPool, environment: dict[str, str], tmp_path: Path) -> Run:
    """Run a command warm, in the test's folder."""

    def run(command: str, given: dict[str, str] | None = None, cwd: Path = tmp_path) -> Ended:
        log = tmp_path.parent / f"{tmp_path.name}.warm"
        # One that ended a moment ago is being replaced.
        assert pool.wait_ready(LIMIT)
        with log.open("ab", buffering=0) as file:
            begin = file.tell()
            pid = pool.launch(command, str(cwd), given or environment, file.fileno())
        assert pid is not None, f"not warm: {command}"
        return Ended(ended(pool, pid), log.read_bytes()[begin:].decode(errors="surrogateescape"))

    return run


@pytest.fixture
def fresh(environment: dict[str, str], tmp_path: Path) -> Run:
    """Run a command as the engine would without a zygote."""

    def run(command: str, given: dict[str, str] | None = None, cwd: Path = tmp_path) -> Ended:
        log = tmp_path.parent / f"{tmp_path.name}.fresh"
        with log.open("ab", buffering=0) as file:
            begin = file.tell()
            code = subprocess.run(
                # A shell that stays would tell of signals in the log.
                ["/bin/sh", "-c", f"exec {command}"],
                cwd=cwd,
                env=given or environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                timeout=LIMIT,
            ).returncode
        return Ended(
            code if code >= 0 else 128 - code,
            log.read_bytes()[begin:].decode(errors="surrogateescape"),
        )

    return run


@pytest.fixture
def same(warm: Run, fresh: Run) -> Run:
    """Run a command both ways and hold them to be the same; how it ended."""

    def run(command: str, given: dict[str, str] | None = None, **where: Path) -> Ended:
        expected = fresh(command, given, **where)
        assert warm(command, given, **where) == expected
        return expected

    return run


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., str]:
    """Write a script; the command that runs it."""

    def write(text: str, name: str = "script.py") -> str:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return f"python {name}"

    return write
