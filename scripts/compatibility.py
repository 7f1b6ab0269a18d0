"""Try the built wheel with the oldest and the newest packages, and beside other extensions.

    python scripts/compatibility.py dist/*.whl [--only oldest] [--python 3.11] [--browser]

Each combination gets its own environment and is checked for: import, both extension lists, the
example workspace (three runs, two snapshots) and, with ``--browser``, its workflow in Chromium.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from environment import StepError, run, step
from lab import WORKFLOW, start, wait_for_server

NODES = 7
PYTHONS = Path.home() / ".pyenv" / "versions"
RANGES = {
    "oldest": ("3.11", ["--resolution=lowest-direct"]),
    "newest": ("3.13", ["--upgrade"]),
    # Extensions that change how documents are opened, saved or executed.
    "jupyter-collaboration": ("3.13", ["jupyter-collaboration>=5"]),
    "jupyter-server-nbmodel": ("3.13", ["jupyter-server-nbmodel>=0.2"]),
    "jupyter-server-documents": ("3.13", ["jupyter-server-documents>=0.3"]),
    "jupyter-ai": ("3.13", ["jupyter-ai>=3.2"]),
}


def python(version: str) -> str:
    """Return a Python of that version: its path, or the version for uv to download."""
    candidates = [
        shutil.which(f"python{version}"),
        *map(str, PYTHONS.glob(f"{version}.*/bin/python")),
    ]
    for path in filter(None, candidates):
        # pyenv puts a program that only fails in front of versions that are not chosen.
        if subprocess.run([path, "-c", ""], capture_output=True).returncode == 0:
            return path
    return version


def install(venv: Path, wheel: Path, version: str, options: list[str]) -> None:
    """Create the environment with the wheel and the packages that the options choose."""
    # `python -m uv` would install into the environment of that Python.
    uv = str(Path(sys.executable).with_name("uv"))
    run([uv, "venv", "--quiet", "--python", python(version), str(venv)])
    target = ["--python", str(venv / "bin" / "python")]
    run([uv, "pip", "install", *target, *options, f"jupyter-mlws[zh] @ {wheel.as_uri()}"])


def check_extensions(venv: Path) -> None:
    """Import the package and find it enabled in the lists of JupyterLab and its server."""
    jupyter = str(venv / "bin" / "jupyter")
    run([str(venv / "bin" / "python"), "-W", "error::SyntaxWarning", "-c", "import jupyter_mlws"])
    for command in ([jupyter, "labextension", "list"], [jupyter, "server", "extension", "list"]):
        result = subprocess.run(command, capture_output=True, text=True)
        output = result.stdout + result.stderr
        rows = [row for row in output.splitlines() if re.search("jupyter.mlws", row)]
        if not any("OK" in row for row in rows):
            raise StepError(f"{' '.join(command)} does not list the extension:\n{output}")


def check_browser(venv: Path, workspace: Path) -> None:
    """Open the example's workflow in Chromium and wait for its nodes on the canvas."""
    from playwright.sync_api import expect, sync_playwright

    process = start(venv, workspace, 0, ["--no-browser"])
    try:
        server = wait_for_server(venv, process)
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(
                executable_path=shutil.which("chromium-headless-shell") or shutil.which("chromium"),
                args=["--no-sandbox", "--disable-gpu"],
            )
            page = chromium.new_page()
            page.goto(f"{server['url']}lab/tree/{WORKFLOW}?token={server['token']}")
            expect(page.locator("[data-mlws-node]")).to_have_count(NODES, timeout=60_000)
            chromium.close()
    finally:
        process.terminate()
        process.wait()


def try_range(name: str, version: str, wheel: Path, directory: Path, browser: bool) -> None:
    options = RANGES[name][1]
    venv, workspace = directory / "venv", directory / "workspace"
    with step(f"{name}, Python {version}: install"):
        install(venv, wheel, version, options)
    with step(f"{name}: import and extension lists"):
        check_extensions(venv)
    with step(f"{name}: example workspace"):
        run([str(venv / "bin" / "python"), "-m", "jupyter_mlws.projects.example", str(workspace)])
    if browser:
        with step(f"{name}: browser"):
            check_browser(venv, workspace)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--browser", action="store_true")
    parser.add_argument("--only", choices=RANGES)
    parser.add_argument("--python", help="a version or path instead of the range's own Python")
    arguments = parser.parse_args()
    home = os.environ["HOME"]
    # Seconds. The example's process for runs would otherwise outlive its folder by two minutes.
    os.environ["MLWS_RUNNER_IDLE"] = "5"
    for name in [arguments.only] if arguments.only else RANGES:
        with tempfile.TemporaryDirectory(prefix="mlws-compatibility-") as directory:
            # Jupyter's and DVC's own files of the user are left alone.
            os.environ["HOME"] = directory
            os.environ.setdefault("UV_CACHE_DIR", f"{home}/.cache/uv")
            try:
                version = arguments.python or RANGES[name][0]
                wheel = arguments.wheel.absolute()
                try_range(name, version, wheel, Path(directory), arguments.browser)
            except StepError as error:
                print(f"\n{name}: {error}", file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
