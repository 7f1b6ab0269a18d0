"""The process of a run stays for the next ones, for the same person, code and project alone."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_mlws.workflows.journal.store import NewRun, RunRequest, run_folder
from jupyter_mlws.workflows.manager import WorkflowManager
from jupyter_mlws.workflows.models import Run
from jupyter_mlws.workflows.run import live
from mlws.core.project import Project
from mlws.engine.processes import alive, start_time
from tests.workflows.conftest import COLD, LIMIT, PATH

pytestmark = COLD

TELLS = "stages:\n  tells:\n    cmd: echo $WORD > told.txt\n    outs: [told.txt]\n"


@pytest.fixture
def pid_of(
    workflows: WorkflowManager, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Run], int]]:
    """The process that carried a run out; all of them are ended after the test."""
    monkeypatch.setenv("MLWS_RUNNER_IDLE", "30")
    seen = set()

    def pid(run: Run) -> int:
        seen.add(workflows.runs.journal.record(run.id)["pid"])
        return int(workflows.runs.journal.record(run.id)["pid"])

    yield pid
    for process in seen:
        if start_time(process) is not None:
            os.kill(process, signal.SIGTERM)


def gone(pid: int) -> bool:
    started = start_time(pid)
    deadline = time.monotonic() + LIMIT
    while alive(pid, started) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid, started)


def listening(root: Path) -> bool:
    """Wait until the process of an earlier run listens."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        if live.listener(root) is not None:
            return True
        time.sleep(0.02)
    return False


def test_the_next_run_has_the_same_process_and_its_own_environment(
    write, run: Callable[..., Run], pid_of, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(PATH, TELLS)
    monkeypatch.setenv("WORD", "one")
    first = run()
    assert (project.root / "told.txt").read_text() == "one\n"
    assert listening(project.root)
    monkeypatch.setenv("WORD", "two")
    second = run(force=True)
    assert (project.root / "told.txt").read_text() == "two\n"
    assert pid_of(first) == pid_of(second)


def test_a_process_that_is_gone_is_replaced(
    write, run: Callable[..., Run], pid_of, project: Project
) -> None:
    write(PATH, TELLS)
    first = pid_of(run())
    assert listening(project.root)
    os.kill(first, signal.SIGKILL)
    assert gone(first)
    second = run(force=True)
    assert second.status == "COMPLETED"
    assert pid_of(second) != first


@pytest.mark.exhaustive
@pytest.mark.slow(reason="many real runs")
def test_between_two_runs_a_signal_ends_it(
    write, run: Callable[..., Run], pid_of, project: Project
) -> None:
    write(PATH, TELLS)
    pid = pid_of(run())
    assert listening(project.root)
    os.kill(pid, signal.SIGTERM)
    assert gone(pid)


@pytest.mark.exhaustive
def test_other_code_makes_it_go(
    write, run: Callable[..., Run], pid_of, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(PATH, TELLS)
    first = pid_of(run())
    assert listening(project.root)
    monkeypatch.setattr(live, "stamp", lambda: "newer")
    second = run(force=True)
    assert second.status == "COMPLETED"
    assert pid_of(second) != first
    assert gone(first)


SQUATTER = """
import json, os, pathlib, socket, sys, threading
uid = int(sys.argv[1])
os.setgroups([])
os.setresgid(uid, uid, uid)
os.setresuid(uid, uid, uid)
descriptors, folder = json.loads(sys.argv[2]), pathlib.Path(sys.argv[3])
sockets = [socket.socket(fileno=descriptor) for descriptor in descriptors]
try:
    folder.mkdir(parents=True, exist_ok=True)
    own = socket.socket(socket.AF_UNIX)
    own.bind(os.path.relpath(folder / "socket"))
    sockets.append(own)
except OSError:
    pass
received = b""
def serve(one):
    global received
    while True:
        connection = one.accept()[0]
        connection.sendall(sys.argv[4].encode())
        received += connection.recv(100000)
for one in sockets:
    one.listen()
    threading.Thread(target=serve, args=(one,), daemon=True).start()
print("ready", flush=True)
sys.stdin.readline()
print(received)
"""
NOBODY = 65534


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")


@as_root
@pytest.mark.parametrize("place", ["abstract", "shared folder", "inherited"])
def test_another_user_at_its_address_receives_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Another user listens where the idle process would, and answers with a pid."""
    monkeypatch.setenv("TOKEN", "secret")
    with tempfile.TemporaryDirectory() as shared, socket.socket(socket.AF_UNIX) as server:
        Path(shared).chmod(0o777)
        monkeypatch.setenv("JUPYTER_RUNTIME_DIR", shared)
        own = live._folder(tmp_path)
        if place == "abstract":
            name = hashlib.sha256(f"{os.getuid()}\0{sys.executable}\0{tmp_path}".encode())
            server.bind(b"\0mlws-" + name.hexdigest().encode())
        if place == "inherited":
            own.mkdir(mode=0o700, parents=True)
            monkeypatch.chdir(own)
            server.bind(live.SOCKET)
        descriptors = [] if place == "shared folder" else [server.fileno()]
        with subprocess.Popen(
            [sys.executable, "-c", SQUATTER, str(NOBODY), str(descriptors), own, "1"],
            cwd=shared,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            pass_fds=descriptors,
        ) as squatter:
            assert squatter.stdout is not None
            assert squatter.stdout.readline() == "ready\n"
            assert live.offer(tmp_path, "run", 1) is None
            assert live.listener(tmp_path) is None
            assert squatter.communicate("\n")[0] == "b''\n"


@pytest.mark.exhaustive
@as_root
def test_another_user_cannot_reach_it(
    write, run: Callable[..., Run], pid_of, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory() as shared:
        Path(shared).chmod(0o777)
        monkeypatch.setenv("JUPYTER_RUNTIME_DIR", shared)
        write(PATH, TELLS)
        pid = pid_of(run())
        assert listening(project.root)
        [address] = Path(shared).glob("mlws-runners/*/socket")
        outcome = subprocess.run(
            ["python3", "-c", "import socket, sys; socket.socket(1).connect(sys.argv[1])", address],
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            cwd="/",
            check=False,
            capture_output=True,
            text=True,
        )
        assert "PermissionError" in outcome.stderr
        assert live.listener(project.root) == pid
        os.kill(pid, signal.SIGTERM)
        assert gone(pid)


def test_a_second_process_leaves_its_record_to_the_one_that_waits(
    workflows: WorkflowManager, write, run: Callable[..., Run], pid_of, project: Project
) -> None:
    write(PATH, TELLS)
    waiting = pid_of(run())
    assert listening(project.root)
    workflows.runs.journal.create(NewRun("second", PATH, 1, "rest", ["tells"], {"force": True}))
    folder = run_folder(project, "second")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PATH).write_text(TELLS)
    second = subprocess.run(
        [sys.executable, "-m", "jupyter_mlws.workflows.run.runner", "second", project.root],
        check=True,
        timeout=LIMIT,
        stdin=subprocess.DEVNULL,
    )
    assert second.returncode == 0
    assert workflows.runs.journal.record("second")["pid"] == waiting
    assert Run(**workflows.runs.wait(PATH, "second", LIMIT)).mlflow_run
    assert listening(project.root)


def test_an_ended_process_leaves_no_zombie(
    workflows: WorkflowManager, write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLWS_RUNNER_IDLE", "0")
    write(PATH, TELLS)
    # As in a server: a process with several threads starts a new one.
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    started = workflows.runs.execute(PATH, RunRequest())
    over.set()
    thread.join()
    pid = workflows.runs.journal.record(started["id"])["pid"]
    deadline = time.monotonic() + LIMIT
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert workflows.runs.journal.record(started["id"])["status"] == "COMPLETED"


def test_python_nodes_start_warm_in_the_second_run(
    write, run: Callable[..., Run], pid_of, project: Project
) -> None:
    write("heavy.py", "import os, pandas\nprint(pandas.__name__, os.getppid(), flush=True)\n")
    write(PATH, "stages:\n  heavy:\n    cmd: python heavy.py\n")
    first = run(force=True)
    assert first.status == "COMPLETED"
    deadline = time.monotonic() + LIMIT
    pid = pid_of(first)
    while time.monotonic() < deadline:
        assert listening(project.root)
        ended = run(force=True)
        assert ended.status == "COMPLETED"
        log = (project.state / "runs" / ended.id / "heavy.log").read_text()
        _, parent = log.splitlines()[-1].split()
        if pid_of(ended) == pid and int(parent) != pid:
            return
    pytest.fail("no run had a warm node")
