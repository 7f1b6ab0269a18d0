"""The log store takes lines from wherever they come."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mlws.logs.entries import Entry, Source
from jupyter_mlws.logs.models import LogFilter
from jupyter_mlws.logs.store import LogStore

FROM_A_SIGNAL = """
import signal, sys, time
from pathlib import Path
from jupyter_mlws.logs.entries import Entry, Source
from jupyter_mlws.logs.store import LogStore

store = LogStore(Path(sys.argv[1]))
add = lambda *_: store.add(Entry(source=Source.SERVER, level="info", message="a line"))
signal.signal(signal.SIGALRM, add)
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
end = time.monotonic() + 3
while time.monotonic() < end:
    add()
signal.setitimer(signal.ITIMER_REAL, 0)
store.flush()
print(store.newest() > 1000)
store.close()
"""


def test_a_signal_may_log_while_its_thread_does(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", FROM_A_SIGNAL, str(tmp_path / "logs.sqlite")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stdout) == (0, "True\n"), ended.stderr


def messages(store: LogStore) -> list[str]:
    store.flush()
    return [entry.message for entry in store.page(LogFilter(source=[Source.KERNEL]), 99)]


def test_a_lone_surrogate_is_one_odd_character_of_a_line(tmp_path: Path) -> None:
    store = LogStore(tmp_path / "logs.sqlite")
    store.add(Entry(Source.KERNEL, "info", "caf\udce9", "\udce9", {"file.path": "\udce9"}))
    store.add(Entry(Source.KERNEL, "info", "the next"))
    assert messages(store) == ["the next", "caf?"]
    (first,) = store.page(LogFilter(subject="?"), 9)
    assert first.facts == {"file.path": "?"}
    store.close()


def harm(file: Path, how: str) -> None:
    if how == "header":
        file.write_bytes(b"no database" * 1000)
    elif how == "truncated":
        file.write_bytes(file.read_bytes()[:9000])
    elif how == "pages":
        content = file.read_bytes()
        file.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    else:
        file.unlink()


@pytest.mark.parametrize("how", ["header", "truncated", "pages", "deleted"])
@pytest.mark.parametrize("while_open", [False, True])
def test_a_damaged_store_is_moved_aside(tmp_path: Path, how: str, while_open: bool) -> None:
    file = tmp_path / "logs.sqlite"
    store = LogStore(file)
    for number in range(500):
        store.add(Entry(Source.KERNEL, "info", f"line {number} {'x' * 100}"))
    assert len(messages(store)) == 99
    if not while_open:
        store.close()
        store = LogStore(file)
    harm(file, how)
    for suffix in ("-wal", "-shm"):
        file.with_name(f"{file.name}{suffix}").unlink(missing_ok=True)
    store.add(Entry(Source.KERNEL, "info", "after it"))
    store.flush()
    store.add(Entry(Source.KERNEL, "info", "and again"))
    assert messages(store)[0] == "and again"
    aside = list(tmp_path.glob("logs.sqlite.damaged-*"))
    if not while_open:
        # The pages of an open one may all be in its log.
        assert bool(aside) is (how != "deleted")
    store.close()


def test_only_its_user_can_read_it(tmp_path: Path) -> None:
    file = tmp_path / "logs.sqlite"
    file.touch(mode=0o644)
    store = LogStore(file)
    store.add(Entry(source=Source.SERVER, level="info", message="a line"))
    store.flush()
    assert [path.stat().st_mode & 0o077 for path in tmp_path.iterdir()] == [0, 0, 0]
    store.close()
