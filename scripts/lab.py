"""Start JupyterLab on the example workspace, which is created first if it is missing."""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from environment import ROOT, StepError, create_example, step

WORKFLOW = "workflows/wine/dvc.yaml"
START_TIMEOUT = 120.0
POLL_INTERVAL = 0.1
FIRST_STEPS = """\
First steps:
  1. Press Run above the workflow. Click a node to see its result.
  2. Change a setting of the node "forest" and run again: only affected nodes run.
  3. Open "Start here.ipynb" and run %mlws commit -m "My first version".
Ctrl+C stops JupyterLab."""


def start(venv: Path, workspace: Path, port: int, arguments: list[str]) -> subprocess.Popen[bytes]:
    """Start JupyterLab on the workspace."""
    command = [
        *(str(venv / "bin" / "jupyter"), "lab", "--ServerApp.log_level=WARN"),
        *(f"--ServerApp.root_dir={workspace}", "--ServerApp.ip=127.0.0.1"),
        *(f"--ServerApp.port={port}", f"--LabApp.default_url=/lab/tree/{WORKFLOW}"),
        *(["--allow-root"] if os.geteuid() == 0 else []),
        *arguments,
    ]
    return subprocess.Popen(command)


def wait_for_server(venv: Path, process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """Return what the server wrote about itself, once it answers requests."""
    code = "import jupyter_core.paths; print(jupyter_core.paths.jupyter_runtime_dir())"
    answer = subprocess.run(
        [str(venv / "bin" / "python"), "-c", code], check=True, capture_output=True, text=True
    )
    info = Path(answer.stdout.strip()) / f"jpserver-{process.pid}.json"
    deadline = time.monotonic() + START_TIMEOUT
    while process.poll() is None and time.monotonic() < deadline:
        try:
            server: dict[str, Any] = json.loads(info.read_text())
            urllib.request.urlopen(f"{server['url']}api", timeout=5).close()
        except (OSError, ValueError):
            time.sleep(POLL_INTERVAL)
        else:
            return server
    raise StepError("JupyterLab did not start; see its messages above.")


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def lab(venv: Path, workspace: Path, port: int, arguments: list[str]) -> int:
    """Create the example, start JupyterLab, print its address; the exit code of JupyterLab."""
    create_example(venv, workspace)
    if not port_is_free(port):
        print(f"Port {port} is in use; using the next free one. To choose: make lab PORT=9000")
    with step("Starting JupyterLab"):
        process = start(venv, workspace, port, arguments)
        # Ctrl+C reaches JupyterLab as well, which asks whether to stop.
        signal.signal(signal.SIGINT, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        server = wait_for_server(venv, process)
    query = f"?token={server['token']}" if server["token"] else ""
    print(f"\n{FIRST_STEPS}\n\nJupyterLab: {server['url']}lab/tree/{WORKFLOW}{query}", flush=True)
    return process.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("venv", type=Path)
    parser.add_argument("--workspace", type=Path, default=ROOT / "workspace")
    parser.add_argument("--port", type=int, default=8888)
    parser.add_argument("arguments", nargs="*", help="more arguments for jupyter lab, after --")
    options = parser.parse_intermixed_args()
    try:
        workspace = options.workspace.expanduser().absolute()
        return lab(options.venv.absolute(), workspace, options.port, options.arguments)
    except StepError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
