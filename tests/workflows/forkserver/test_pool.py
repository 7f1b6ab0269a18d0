"""The owner's side: when nodes are warm, how their end is heard of, and what outlives whom."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_mlws.forkserver.client import ForkServerClient
from jupyter_mlws.forkserver.pool import UNKNOWN_EXIT_CODE, WarmPool, available
from mlws.engine.processes import COOKIE, GRACE, bearers, end_bearers, start_time
from tests.workflows.forkserver.conftest import LIMIT, PYTHON, ZYGOTES_COOKIE, Run, ended

SLEEP = "python -c 'import time; time.sleep(60)'"


@pytest.fixture
def own(environment: dict[str, str]) -> Iterator[WarmPool]:
    """A warm pool for one test."""
    pool = WarmPool(PYTHON)
    pool.start(environment)
    assert pool.wait_ready(LIMIT)
    yield pool
    pool.close()


@pytest.fixture
def launch(tmp_path: Path, environment: dict[str, str]) -> Callable[..., int | None]:
    def call(pool: WarmPool, command: str, cwd: Path = tmp_path, **more: str) -> int | None:
        with (tmp_path / "log").open("ab") as log:
            return pool.launch(command, str(cwd), {**environment, **more}, log.fileno())

    return call


def zygote(pool: WarmPool) -> ForkServerClient:
    (keeper,) = pool._zygotes.values()
    return keeper


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def gone(pid: int) -> bool:
    return start_time(pid) is None


def test_a_node_is_fresh_until_a_zygote_is_warm(
    environment: dict[str, str], launch: Callable[..., int | None]
) -> None:
    pool = WarmPool(PYTHON)
    try:
        assert launch(pool, "python -c 1") is None
        assert launch(pool, "python -c 1") is None
        assert not pool.wait_ready(0)
        assert pool.wait_ready(LIMIT)
        pid = launch(pool, "python -c 1")
        assert pid is not None
        assert ended(pool, pid) == 0
    finally:
        pool.close()


def test_many_at_once_are_all_told(pool: WarmPool, launch: Callable[..., int | None]) -> None:
    codes = {launch(pool, f"python -c 'raise SystemExit({n})'"): n for n in range(30)}
    assert None not in codes
    told: dict[int, int] = {}
    while len(told) < len(codes):
        assert select.select(pool.filenos(), [], [], LIMIT)[0]
        told.update(pool.collect())
    assert told == codes
    assert pool.collect() == []
    assert select.select(pool.filenos(), [], [], 0)[0] == []


def test_a_group_can_be_killed(
    pool: WarmPool, launch: Callable[..., int | None], tmp_path: Path
) -> None:
    (tmp_path / "a.py").write_text(
        "import subprocess\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        "print(child.pid)\n"
        "child.wait()\n"
    )
    pid = launch(pool, "python a.py")
    assert pid is not None
    until(lambda: (tmp_path / "log").read_text().endswith("\n"))
    child = int((tmp_path / "log").read_text())
    os.killpg(pid, signal.SIGTERM)
    assert ended(pool, pid) == 128 + signal.SIGTERM
    until(lambda: gone(child))


def test_a_node_and_what_left_its_group_bear_the_cookie_of_their_run(
    pool: WarmPool, launch: Callable[..., int | None], tmp_path: Path
) -> None:
    # It does not end when the other one does, which may be told first.
    text = (
        'import subprocess, time; subprocess.Popen([str("setsid"), str("sleep"), str(60)]);'
        " time.sleep(60)"
    )
    pid = launch(pool, f"python -c '{text}'", **{COOKIE: "one-run"})
    other = launch(pool, SLEEP, **{COOKIE: "other-run"})
    assert pid is not None
    assert other is not None
    until(lambda: len(set(bearers("one-run"))) == 2)
    assert pid in set(bearers("one-run"))
    assert set(bearers("other-run")) == {other}
    # The zygote was started with it, and does not bear it.
    assert not set(bearers(ZYGOTES_COOKIE))
    end_bearers("one-run")
    assert ended(pool, pid) == 128 + signal.SIGTERM
    os.kill(other, signal.SIGKILL)
    assert ended(pool, other) == 128 + signal.SIGKILL


def test_a_long_environment_shows_the_cookie_first(
    pool: WarmPool, launch: Callable[..., int | None]
) -> None:
    pid = launch(pool, SLEEP, **{COOKIE: "long-run", "A_LONG": "x" * 50_000})
    assert pid is not None
    assert set(bearers("long-run")) == {pid}
    os.killpg(pid, signal.SIGKILL)
    assert ended(pool, pid) == 137


def test_the_title_of_a_node_is_its_command(
    pool: WarmPool, launch: Callable[..., int | None]
) -> None:
    pid = launch(pool, SLEEP)
    assert pid is not None
    shown = Path(f"/proc/{pid}/cmdline").read_bytes()
    assert shown.rstrip(b"\0").decode() == "python -c import time; time.sleep(60)"
    os.killpg(pid, signal.SIGKILL)
    ended(pool, pid)


def test_an_environment_that_is_too_long_is_fresh(
    pool: WarmPool, launch: Callable[..., int | None]
) -> None:
    assert launch(pool, "python -c 1", A="x" * 120_000, B="x" * 120_000) is None
    assert launch(pool, "python -c 1") is not None


@pytest.mark.parametrize(
    "path", ["json.py", "runpy.pyc", "socket/__init__.py", "json.cpython-311.so"]
)
def test_a_file_named_like_an_imported_module_makes_it_fresh(
    path: str, pool: WarmPool, launch: Callable[..., int | None], tmp_path: Path
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "main.py").write_text("")
    for folder, command in ((tmp_path, "python -c 1"), (tmp_path / "sub", "python sub/main.py")):
        file = folder / path
        file.parent.mkdir(exist_ok=True)
        file.write_text("")
        assert launch(pool, command) is None
        file.unlink()
        # A folder without an initialiser goes behind installed packages.
        assert launch(pool, command) is not None


@pytest.mark.parametrize("text", [b"a = '\xff'", b"a = 1\0", b"# -*- coding: latin-1 -*-\n'\xe4'"])
def test_a_script_that_is_no_utf8_is_fresh(
    text: bytes, pool: WarmPool, launch: Callable[..., int | None], tmp_path: Path
) -> None:
    (tmp_path / "a.py").write_bytes(text)
    assert launch(pool, "python a.py") is None


def test_a_missing_folder_is_fresh(
    pool: WarmPool, launch: Callable[..., int | None], tmp_path: Path
) -> None:
    assert launch(pool, "python -c 1", cwd=tmp_path / "missing") is None


def test_a_module_that_the_zygote_has_imported_is_fresh(
    pool: WarmPool, launch: Callable[..., int | None]
) -> None:
    assert launch(pool, "python -m json") is None


def test_two_environments_at_most(pool: WarmPool, launch: Callable[..., int | None]) -> None:
    assert len(pool._zygotes) == 2
    assert launch(pool, "python -c 1", PYTHONHASHSEED="0") is None
    assert len(pool._zygotes) == 2


@pytest.mark.exhaustive
@pytest.mark.slow(reason="imports the libraries twice")
def test_a_zygote_that_died_is_replaced(own: WarmPool, launch: Callable[..., int | None]) -> None:
    died = zygote(own)._process.pid
    os.kill(died, signal.SIGKILL)
    until(lambda: launch(own, "python -c 1") is None and zygote(own)._process.pid != died)
    assert own.wait_ready(LIMIT)
    pid = launch(own, "python -c 1")
    assert pid is not None
    assert ended(own, pid) == 0


@pytest.mark.exhaustive
def test_the_end_of_a_node_whose_zygote_died_is_told(
    own: WarmPool, launch: Callable[..., int | None]
) -> None:
    pid = launch(own, SLEEP)
    quick = launch(own, "python -c 'raise SystemExit(3)'")
    assert pid is not None
    assert quick is not None
    assert ended(own, quick) == 3
    os.kill(zygote(own)._process.pid, signal.SIGKILL)
    while not own._orphans:
        assert select.select(own.filenos(), [], [], LIMIT)[0]
        assert own.collect() == []
    assert not gone(pid)
    os.kill(pid, signal.SIGKILL)
    assert ended(own, pid) == UNKNOWN_EXIT_CODE
    assert own.filenos() == []


@pytest.mark.exhaustive
def test_a_zygote_that_does_not_answer_is_given_up(
    own: WarmPool,
    launch: Callable[..., int | None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr("jupyter_mlws.forkserver.client.FORK_TIMEOUT", 0.2)
    stopped = zygote(own)._process.pid
    os.kill(stopped, signal.SIGSTOP)
    assert launch(own, "python -c 'print(1)'") is None
    assert launch(own, "python -c 'print(1)'") is None
    assert zygote(own)._process.pid != stopped
    # Nor does it run late what was done otherwise by then.
    os.kill(stopped, signal.SIGCONT)
    until(lambda: own.collect() == [] and len(own.filenos()) == 1)
    assert (tmp_path / "log").read_text() == ""


@pytest.mark.exhaustive
def test_changed_packages_make_a_new_zygote(
    environment: dict[str, str], launch: Callable[..., int | None], tmp_path: Path
) -> None:
    installed = tmp_path / "lib" / "site-packages"
    installed.mkdir(parents=True)
    path = {"PYTHONPATH": f"{environment['PYTHONPATH']}:{installed}"}
    pool = WarmPool(PYTHON)
    try:
        pool.start({**environment, **path})
        assert pool.wait_ready(LIMIT)
        running = launch(pool, SLEEP, **path)
        assert running is not None
        first = zygote(pool)._process.pid
        (installed / "new.py").write_text("VALUE = 1")
        assert launch(pool, "python -c 1", **path) is None
        assert pool.wait_ready(LIMIT)
        assert zygote(pool)._process.pid != first
        pid = launch(pool, "python -c 'import new'", **path)
        assert pid is not None
        assert ended(pool, pid) == 0
        # What ran from the first one is told by it, which then ends.
        os.kill(running, signal.SIGTERM)
        assert ended(pool, running) == 143
        until(lambda: pool.collect() == [] and len(pool.filenos()) == 1)
        assert gone(first)
    finally:
        pool.close()


def test_a_library_that_fails_makes_all_fresh(
    environment: dict[str, str], launch: Callable[..., int | None], tmp_path: Path
) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "yaml.py").write_text("raise RuntimeError('damaged')")
    path = {"PYTHONPATH": f"{tmp_path}/broken:{environment['PYTHONPATH']}"}
    pool = WarmPool(PYTHON)
    try:
        pool.start({**environment, **path})
        assert not pool.wait_ready(LIMIT)
        until(lambda: pool.collect() == [] and pool.filenos() == [])
        assert launch(pool, "python -c 1", **path) is None
        assert pool.filenos() == []
    finally:
        pool.close()


def test_close_ends_zygotes_and_nodes(own: WarmPool, launch: Callable[..., int | None]) -> None:
    pid = launch(own, SLEEP)
    assert pid is not None
    process = zygote(own)._process.pid
    own.close()
    assert gone(pid)
    assert gone(process)
    assert launch(own, "python -c 1") is None
    own.close()


def test_close_does_not_wait_for_warming(environment: dict[str, str]) -> None:
    pool = WarmPool(PYTHON)
    pool.start(environment)
    os.kill(zygote(pool)._process.pid, signal.SIGSTOP)  # it never gets warm
    begun = time.perf_counter()
    pool.close()
    assert time.perf_counter() - begun < GRACE


OWNER = """
import os, sys, time
from jupyter_mlws.forkserver.pool import WarmPool
pool = WarmPool(sys.argv[1])
pool.start(os.environ)
assert pool.wait_ready(60)
pid = pool.launch(sys.argv[2], os.getcwd(), os.environ, 1)
if sys.argv[3:] and os.fork() == 0:
    time.sleep(60)  # one that holds the owner's sockets
print(pid, *(keeper._process.pid for keeper in pool._zygotes.values()), flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("forked", [[], ["forked"]])
def test_nothing_outlives_an_owner_that_was_killed(
    forked: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, PYTHON, SLEEP, *forked],
        cwd=tmp_path,
        env={**environment, COOKIE: "killed-owner"},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert owner.stdout is not None
    pids = [int(word) for word in owner.stdout.readline().split()]
    assert len(pids) == 2
    owner.kill()
    owner.wait()
    until(lambda: all(gone(pid) for pid in pids))
    if forked:
        os.killpg(owner.pid, signal.SIGKILL)
    owner.stdout.close()


def test_a_system_without_pidfds_is_never_warm(
    environment: dict[str, str],
    launch: Callable[..., int | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    assert not available()
    pool = WarmPool(PYTHON)
    pool.start(environment)
    assert not pool.wait_ready(1)
    assert launch(pool, "python -c 1") is None
    assert (pool.filenos(), pool.collect()) == ([], [])
    pool.close()


def test_importing_it_brings_in_nothing_heavy() -> None:
    heavy = ("pandas", "numpy", "sklearn", "pyarrow", "pydantic", "dvc", "multiprocessing")
    code = (
        "import sys, jupyter_mlws.forkserver.pool\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_a_zygote_computes_nothing(own: WarmPool) -> None:
    # pyarrow's allocator has a thread that looks after forks itself.
    tasks = Path(f"/proc/{zygote(own)._process.pid}/task")
    names = {(task / "comm").read_text().strip() for task in tasks.iterdir()}
    assert len(list(tasks.iterdir())) <= 2
    assert all(name.startswith(("python", "jemalloc")) for name in names)


def test_the_log_may_be_a_pipe(
    pool: WarmPool, environment: dict[str, str], tmp_path: Path, warm: Run
) -> None:
    read, write = os.pipe()
    pid = pool.launch("python -c 'print(1)'", str(tmp_path), environment, write)
    os.close(write)
    assert pid is not None
    with os.fdopen(read, "rb") as pipe:
        assert pipe.read() == b"1\n"
    assert ended(pool, pid) == 0
