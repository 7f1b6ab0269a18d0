"""No two kernels of a machine get the same port, whichever servers start them."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
import zmq
from tornado.httpclient import HTTPClientError
from zmq.utils.monitor import recv_monitor_message

from jupyter_mlws.notebooks import ports

HOST = "127.0.0.1"
HANDSHAKE = (
    zmq.EVENT_HANDSHAKE_SUCCEEDED,
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL,
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL,
    zmq.EVENT_HANDSHAKE_FAILED_AUTH,
)
OTHER = """
import sys
from jupyter_mlws.notebooks import ports
from jupyter_mlws.notebooks.ports import Reservation
ports._ports_above_ephemeral = lambda: range(*map(int, sys.argv[1:]))
kept = [ports.reserve("127.0.0.1") for _ in range(50)]
print(*(one.port for one in kept), flush=True)
for port in map(int, sys.stdin.readline().split()):
    try:
        Reservation(port).close()
    except OSError:
        print(port, end=" ")
print(flush=True)
sys.stdin.read()
"""

linux = pytest.mark.skipif(sys.platform != "linux", reason="reserved among servers on Linux only")


@linux
def test_two_servers_never_choose_the_same_port(monkeypatch: pytest.MonkeyPatch) -> None:
    # Few enough that two who do not know of each other would meet.
    few = range(ports._MAX_PORT - 150, ports._MAX_PORT + 1)
    monkeypatch.setattr(ports, "_ports_above_ephemeral", lambda: few)
    with subprocess.Popen(
        [sys.executable, "-c", OTHER, str(few.start), str(few.stop)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        theirs = set(map(int, other.stdout.readline().split()))
        assert len(theirs) == 50
        mine = [ports.reserve(HOST) for _ in range(80)]
        chosen = {one.port for one in mine}
        assert len(chosen) == 80
        assert not chosen & theirs
        print(*chosen, file=other.stdin, flush=True)
        assert set(map(int, other.stdout.readline().split())) == chosen
        for one in mine:
            one.close()
        other.kill()
    # What a process had reserved ends with it.
    for port in theirs:
        ports.Reservation(port).close()


def test_a_port_that_somebody_listens_on_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as listening:
        listening.bind((HOST, 0))
        listening.listen()
        taken = listening.getsockname()[1]
        monkeypatch.setattr(ports, "_ports_above_ephemeral", lambda: range(taken, taken + 1))
        reserved = ports.reserve(HOST)
        assert reserved.port != taken
        reserved.close()


@linux
def test_reserving_ends_where_another_user_holds_all(monkeypatch: pytest.MonkeyPatch) -> None:
    few = range(ports._MAX_PORT - 3, ports._MAX_PORT + 1)
    monkeypatch.setattr(ports, "_ports_above_ephemeral", lambda: few)
    monkeypatch.setattr(ports, "MAX_EPHEMERAL_ATTEMPTS", 0)
    held = [ports.Reservation(port) for port in few]
    with pytest.raises(OSError, match="reserved or in use"):
        ports.reserve(HOST)
    for one in held:
        one.close()


@linux
def test_the_ports_that_the_system_gives_are_left_to_it() -> None:
    first, last = map(int, ports._PORT_RANGE_FILE.read_text().split())
    if ports._MAX_PORT - last < ports.MIN_PORTS:
        pytest.skip("this system gives all ports")
    reserved = ports.reserve(HOST)
    assert not first <= reserved.port <= last
    reserved.close()


@linux
async def test_a_kernel_has_its_ports_until_it_is_stopped(
    create, run, jp_fetch, jp_runtime_dir: Path
) -> None:
    notebook = (await create())["id"]
    status, _ = await run(notebook, code="1")
    assert status == 200
    kernel, held = _the_kernel_of(jp_runtime_dir)
    assert len(held) == 5
    for port in held:
        with pytest.raises(OSError, match="in use"):
            ports.Reservation(port)
    await jp_fetch("api", "kernels", kernel, method="DELETE")
    for port in held:
        ports.Reservation(port).close()


@linux
async def test_a_kernel_that_does_not_start_gives_its_ports_back(
    jp_fetch, jp_data_dir: Path
) -> None:
    folder = jp_data_dir / "kernels" / "broken"
    folder.mkdir(parents=True)
    spec = {"argv": ["no-such-program"], "display_name": "broken", "language": "none"}
    (folder / "kernel.json").write_text(json.dumps(spec))
    before = _own_reservations()
    with pytest.raises(HTTPClientError, match="500"):
        await jp_fetch("api", "kernels", method="POST", body=json.dumps({"name": "broken"}))
    assert _own_reservations() == before


@linux
async def test_no_other_user_can_read_what_a_kernel_prints(
    create, run, jp_runtime_dir: Path
) -> None:
    notebook = (await create())["id"]
    assert (await run(notebook, code="print('secret')"))[0] == 200
    facts = _connection_of_kernel(jp_runtime_dir)
    with zmq.Context() as context, context.socket(zmq.SUB) as spy:
        spy.subscribe(b"")
        # As any user of the machine can.
        spy.connect(f"tcp://{HOST}:{facts['iopub_port']}")
        events = spy.get_monitor_socket()
        while (event := recv_monitor_message(events)["event"]) not in HANDSHAKE:
            pass
        # How it fails depends on which side closes the connection first.
        assert event != zmq.EVENT_HANDSHAKE_SUCCEEDED
        spy.disable_monitor()


def _own_reservations() -> set[str]:
    """What this process has reserved, by the names of its sockets."""
    names = {row.laddr for row in psutil.Process().net_connections("unix")}
    return {name for name in names if "mlws-kernel-port" in name}


def _the_kernel_of(runtime: Path) -> tuple[str, list[int]]:
    """The id of the only kernel, and its ports."""
    facts = _connection_of_kernel(runtime)
    held = [port for name, port in facts.items() if name.endswith("_port")]
    return facts["kernel"], held


def _connection_of_kernel(runtime: Path) -> dict[str, Any]:
    """The connection file of the only kernel, which only its user can read, and the kernel's id."""
    [file] = runtime.glob("kernel-*.json")
    assert file.stat().st_mode & 0o077 == 0
    return {**json.loads(file.read_text()), "kernel": file.stem.removeprefix("kernel-")}
