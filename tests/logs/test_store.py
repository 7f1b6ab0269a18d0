"""The log store takes lines from wherever they come."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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
