"""What the extension adds to a server's start: ``python benchmarks/server_start.py [TIMES]``.

Starts a bare Jupyter Server with and without the extension, in turn, and prints the medians of
the time to its first answer and of its resident memory.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

TOKEN = "benchmark"


def start(enabled: bool, folder: Path) -> tuple[float, float]:
    """Seconds until the server answers, and its memory in MiB."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
    }
    begun = time.perf_counter()
    server = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "jupyter_server",
            "--no-browser",
            "--allow-root",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={port}",
            f"--ServerApp.root_dir={folder}",
            f"--ServerApp.jpserver_extensions=jupyter_mlws={enabled}",
            f"--IdentityProvider.token={TOKEN}",
        ],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/api", server)
        took = time.perf_counter() - begun
        wait_for(f"http://127.0.0.1:{port}/mlws/api/v1/projects", server, missing=not enabled)
        status = Path(f"/proc/{server.pid}/status").read_text()
        memory = int(status.split("VmRSS:")[1].split()[0]) / 1024
    finally:
        server.terminate()
        server.wait()
    return took, memory


def wait_for(url: str, server: subprocess.Popen[bytes], missing: bool = False) -> None:
    """Return at the first answer; ``missing``: it has to be 404, which proves the setting."""
    request = urllib.request.Request(url, headers={"Authorization": f"token {TOKEN}"})
    while server.poll() is None:
        try:
            urllib.request.urlopen(request, timeout=5).close()
            code = 200
        except urllib.error.HTTPError as error:
            code = error.code
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.002)
            continue
        if code != (404 if missing else 200):
            raise RuntimeError(f"{url} answered {code}")
        return
    raise RuntimeError(f"the server ended with code {server.returncode}")


def main(times: int) -> None:
    taken: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    with tempfile.TemporaryDirectory() as folder:
        start(True, Path(folder))  # compiles the modules, warms the disk cache
        for _ in range(times):
            for enabled in (False, True):
                taken[enabled].append(start(enabled, Path(folder)))
    seconds = {key: statistics.median(row[0] for row in rows) for key, rows in taken.items()}
    memory = {key: statistics.median(row[1] for row in rows) for key, rows in taken.items()}
    print(f"without  {seconds[False] * 1000:7.0f} ms  {memory[False]:6.1f} MiB")
    print(f"with     {seconds[True] * 1000:7.0f} ms  {memory[True]:6.1f} MiB")
    print(
        f"costs    {(seconds[True] - seconds[False]) * 1000:7.0f} ms"
        f"  {memory[True] - memory[False]:6.1f} MiB  (medians of {times})"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
