"""Create a virtual environment with the locked packages of requirements/ and this project.

    python scripts/environment.py .venv lab              # the built package
    python scripts/environment.py .venv lab --example workspace
    python scripts/environment.py .venv-dev dev --editable
    python scripts/environment.py .venv-docs docs        # packages only

Each step prints its name and duration. During a long step, a terminal shows the progress bars of
the running program; other outputs get a line every five seconds.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST_PYTHON = (3, 11)
REQUIRED_DISK_SPACE_GB = 4
HEARTBEAT_INTERVAL = 5.0
TAIL_LINES = 15
STARTED = time.monotonic()

# What a failed step printed, and the sentence that helps.
REMEDIES = (
    (
        r"No space left on device|os error 28|ENOSPC",
        "The disk is full. Free some space, then run the same command again.",
    ),
    (
        r"dns error|error sending request|[Ff]ailed to fetch|NewConnectionError|ConnectTimeout"
        r"|Connection refused|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|RequestError"
        r"|No matching distribution found for uv",
        "Cannot reach a package index. Check the network, or HTTPS_PROXY and SSL_CERT_FILE"
        " behind a company proxy, then run the same command again; finished downloads are kept.",
    ),
)


class StepError(Exception):
    """A step failed; the message says why and what to do."""


@contextlib.contextmanager
def step(name: str) -> Iterator[None]:
    """Print when a step starts, that it is still running, and how long it took."""
    started = time.monotonic()
    finished = threading.Event()

    def report() -> None:
        while not finished.wait(HEARTBEAT_INTERVAL):
            print(f"  … {name} ({time.monotonic() - started:.0f} s)", flush=True)

    print(f"[{time.monotonic() - STARTED:4.0f} s] {name}", flush=True)
    reporter = threading.Thread(target=report, daemon=True)
    if not sys.stdout.isatty():
        reporter.start()
    try:
        yield
    finally:
        finished.set()
    print(f"[{time.monotonic() - STARTED:4.0f} s] {name}: {time.monotonic() - started:.1f} s")


def run(command: Sequence[str], **environment: str) -> None:
    """Run a program of a step; raise :class:`StepError` with its last lines when it fails."""
    os.environ.update(environment)
    tail = bytearray()
    if sys.stdout.isatty():

        def copy(descriptor: int) -> bytes:
            data = os.read(descriptor, 4096)
            tail.extend(data)
            del tail[:-20_000]
            return data

        code = os.waitstatus_to_exitcode(pty.spawn(list(command), copy))
    else:
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        code = result.returncode
        tail.extend(result.stdout)
    if code:
        fail(command, tail.decode(errors="replace"), on_terminal=sys.stdout.isatty())


def fail(command: Sequence[str], output: str, on_terminal: bool = False) -> None:
    """Raise :class:`StepError` with the last lines, unless a terminal has them, and a remedy."""
    lines = [] if on_terminal else output.strip().splitlines()[-TAIL_LINES:]
    remedy = next((text for pattern, text in REMEDIES if re.search(pattern, output)), "")
    raise StepError("\n".join([*lines, remedy or f"{Path(command[0]).name} failed; see above."]))


def check_machine(venv: Path) -> None:
    """Refuse what cannot work, and install Python's venv module where Debian left it out."""
    if sys.version_info < OLDEST_PYTHON:
        raise StepError(
            f"Python 3.11 or later is required; this is {sys.version.split()[0]}."
            " Use another one: make lab PYTHON=python3.12"
        )
    free = shutil.disk_usage(venv.parent).free / 1e9
    if not venv.exists() and free < REQUIRED_DISK_SPACE_GB:
        raise StepError(
            f"{venv.parent} has {free:.1f} GB of free space; {REQUIRED_DISK_SPACE_GB} GB are"
            " required. Free some space, then run the same command again."
        )
    probe = "import ensurepip, venv"
    complete = subprocess.run([sys.executable, "-c", probe], capture_output=True).returncode == 0
    if complete and shutil.which("git"):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise StepError("git and Python's venv module are required. Install them first.")
    with step("Installing git and Python's venv module"):
        run(["apt-get", "update", "-q"])
        run(
            ["apt-get", "install", "-y", "-q", "--no-install-recommends", "python3-venv", "git"],
            DEBIAN_FRONTEND="noninteractive",
        )


def uv(venv: Path) -> list[str]:
    """Return the command ``uv`` of the environment, which is created first where it is missing."""
    program = venv / "bin" / "uv"
    if not program.exists():
        with step(f"Creating {venv.name}"):
            run([sys.executable, "-m", "venv", "--clear", str(venv)])
            pip = [str(venv / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
            lock = ROOT / "requirements" / "uv.txt"
            run([*pip, "install", "--quiet", "--require-hashes", "--requirement", str(lock)])
    # Another environment may be active; uv would use that one.
    os.environ["VIRTUAL_ENV"] = str(venv)
    return [str(program)]


def build_wheel(venv: Path, directory: Path) -> tuple[subprocess.Popen[bytes], Path]:
    """Start to build the wheel; its output goes to the log that is returned."""
    log = directory / "build.log"
    # A copy of the sources: what an earlier build left in the checkout would be packaged.
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file() and not name.startswith("tests/"):
            copy = directory / "source" / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, copy)
    constraints = ROOT / "requirements" / "build.txt"
    command = [
        *uv(venv),
        *("build", "--wheel", "--build-constraints", str(constraints)),
        *("--out-dir", str(directory / "dist"), str(directory / "source")),
    ]
    with log.open("wb") as output:
        return subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT), log


def install_packages(venv: Path, lock: str) -> None:
    """Make the environment's packages those of ``requirements/LOCK.txt``."""
    with step("Installing packages"):
        path = ROOT / "requirements" / f"{lock}.txt"
        run([*uv(venv), "pip", "install", "--require-hashes", "--requirement", str(path)])


def create_example(venv: Path, workspace: Path) -> None:
    """Create the example workspace where it is missing or was not finished."""
    unfinished = workspace / ".git" / "mlws" / "example-unfinished"
    if (workspace / ".git").exists() and not unfinished.exists():
        return
    with step("Creating the example workspace"):
        python = str(venv / "bin" / "python")
        # -I: the installed package, whose runs share one process, and not that of this folder.
        run([python, "-I", "-m", "jupyter_mlws.projects.example", str(workspace)])


def install(venv: Path, lock: str, workspace: Path | None) -> None:
    """Install the packages and create the example while the wheel is built; then the wheel."""
    with tempfile.TemporaryDirectory(prefix="jupyter-mlws-") as name:
        uv(venv)
        build, log = build_wheel(venv, Path(name))
        try:
            install_packages(venv, lock)
            if workspace is not None:
                with step("Installing the Python package"):
                    install_checkout(venv, SKIP_JUPYTER_BUILDER="1")
                create_example(venv, workspace)
            with step("Building the lab extension"):
                if build.wait():
                    fail(build.args, log.read_text(errors="replace"))
        finally:
            build.terminate()
            build.wait()
        wheel = next((Path(name) / "dist").glob("*.whl"))
        with step("Installing jupyter-mlws"):
            run([*uv(venv), "pip", "install", "--no-deps", "--reinstall", str(wheel)])


def install_checkout(venv: Path, **environment: str) -> None:
    """Install a link to the checkout; builds the lab extension unless told to skip it."""
    constraints = ROOT / "requirements" / "build.txt"
    options = ["--no-deps", "--build-constraints", str(constraints)]
    run([*uv(venv), "pip", "install", *options, "--editable", str(ROOT)], **environment)


def install_editable(venv: Path, lock: str) -> None:
    """Install the packages and link the checkout, with the lab extension built in it."""
    install_packages(venv, lock)
    # pip and uv follow the link that `develop` makes, and remove what was just built.
    link = venv / "share" / "jupyter" / "labextensions" / "jupyter-mlws"
    if link.is_symlink():
        link.unlink()
    for path in (ROOT / "labextension").glob("[!.]*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    with step("Building the lab extension"):
        install_checkout(venv)
        path = f"{venv / 'bin'}{os.pathsep}{os.environ['PATH']}"
        run([str(venv / "bin" / "jupyter-builder"), "develop", "--overwrite", str(ROOT)], PATH=path)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("venv", type=Path)
    parser.add_argument("lock", choices=("lab", "dev", "docs"), nargs="?", help="none: only uv")
    parser.add_argument("--editable", action="store_true")
    parser.add_argument("--example", type=Path, help="a workspace to create, if it is missing")
    arguments = parser.parse_args()
    venv = arguments.venv.absolute()
    os.chdir(ROOT)
    try:
        check_machine(venv)
        if arguments.lock is None:
            uv(venv)
            return 0
        if arguments.lock == "docs":
            install_packages(venv, arguments.lock)
        elif arguments.editable:
            install_editable(venv, arguments.lock)
        else:
            install(venv, arguments.lock, arguments.example)
    except StepError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    (venv / ".installed").touch()
    return 0


if __name__ == "__main__":
    sys.exit(main())
