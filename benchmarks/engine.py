"""The engine against `dvc repro` and other tools: what a stage costs beside its own work.

``python benchmarks/engine.py [--peers luigi,dask,…] [--sizes 30,300,3000]`` prints tables. Run it
on a quiet machine. A stage writes a number into a file, so that nearly all of the time is the
tool's. Projects are committed to git, as those that people work in. The first `dvc repro` of more
than 300 stages takes hours and is left out.

Nothing is removed before the end, and nothing should have been in the minutes before: ext4 looks
at every inode that was freed lately before it gives a new one, which makes each file that a run
creates several times as dear.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import peers
from peers import Node

JOBS = 2
SETTLED_WITHIN = 600.0
"""Seconds for MLflow to hear of a run."""
DVC_MOST = 300
"""Stages that `dvc repro` is given; its time grows with the square."""
AUTHOR = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
QUIET = {"DVC_NO_ANALYTICS": "1", "SHELL": "/bin/bash", "PREFECT_LOGGING_LEVEL": "ERROR"}
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
"""Modules are compiled once, as those of an installed package are."""
HEAVY = """\
import sys, time
import pandas, sklearn.linear_model
open(sys.argv[1], "w").write("done")
"""


def graph(size: int) -> list[Node]:
    """``size`` commands, of which each needs one or two that are ten and seven before it."""
    nodes = []
    for number in range(size):
        reads = ["in.txt"] if number < 10 else [f"out/{number - 10}.txt"]
        if number >= 10 and number % 3 == 0:
            reads.append(f"out/{number - 7}.txt")
        made = f"out/{number}.txt"
        nodes.append(Node(f"s{number}", f"echo {number} > {made}", tuple(reads), made))
    return nodes


def project(root: Path, nodes: Sequence[Node]) -> None:
    """A git and DVC repository with the nodes as `dvc.yaml`."""
    root.mkdir(parents=True)
    call(["git", "init", "-q"], root)
    call([sys.executable, "-m", "dvc", "init", "-q"], root)
    (root / "in.txt").write_text("1\n")
    (root / "out").mkdir()
    lines = ["stages:"]
    for node in nodes:
        lines += [f"  {node.name}:", f"    cmd: {node.command}", "    deps:"]
        lines += [f"    - {read}" for read in node.reads]
        lines += ["    outs:", f"    - {node.makes}"]
    (root / "dvc.yaml").write_text("\n".join(lines) + "\n")
    call(["git", "add", "-A"], root)
    call(["git", *AUTHOR, "commit", "-qm", "A workflow"], root)
    call([sys.executable, "-m", "jupyter_mlws", "trust"], root)


def call(command: Sequence[str], root: Path, **variables: str) -> float:
    """Run a command; the seconds it took."""
    began = time.perf_counter()
    process = subprocess.Popen(
        list(command),
        cwd=root,
        env={**ENVIRONMENT, **QUIET, **variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    # Python waits for an end within some time by looking every 50 ms, which would be measured.
    patience = threading.Timer(peers.RUN_TIMEOUT, process.kill)
    patience.start()
    code = process.wait()
    took = time.perf_counter() - began
    patience.cancel()
    if code:
        raise subprocess.CalledProcessError(code, list(command))
    return took


def ours(root: Path, *words: str, live: bool = False) -> float:
    """Run the workflow with our command line; with ``live`` the process of the run before is
    there for it."""
    program = Path(sys.executable).with_name("jupyter-mlws")
    idle = "120" if live else "0"
    seconds = call([str(program), "run", "-j", str(JOBS), *words], root, MLWS_RUNNER_IDLE=idle)
    settle(root, live)
    return seconds


def settle(root: Path, live: bool) -> None:
    """Return when nobody works in the project any more: after its end a run is told to MLflow,
    which takes longer than the run."""
    deadline = time.monotonic() + SETTLED_WITHIN
    before = {}
    while time.monotonic() < deadline:
        now = {process: busy(process) for process in working_in(root)}
        if now == before if live else not now:
            return
        before = now
        time.sleep(1.0 if live else 0.1)


def working_in(root: Path) -> Iterator[Path]:
    """The processes whose folder is the project's or below it."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            place = (process / "cwd").readlink()
        except OSError:
            continue
        if place == root or root in place.parents:
            yield process


def busy(process: Path) -> str:
    """The processor time that a process has used, in the kernel's units."""
    try:
        return "/".join((process / "stat").read_text().rpartition(")")[2].split()[11:13])
    except OSError:
        return "gone"


def repro(root: Path) -> float:
    """Run the workflow with DVC."""
    return call([sys.executable, "-m", "dvc", "repro", "-q"], root)


def fresh(folder: Path, size: int, name: str) -> Path:
    """A new project of ``size`` stages."""
    root = folder / f"{name}-{size}"
    project(root, graph(size))
    time.sleep(0.5)
    return root


def stages(folder: Path, sizes: Sequence[int]) -> None:
    """First runs, and runs in which nothing changed."""
    print(f"\n### No-op stages, `-j{JOBS}`\n")
    print("| stages | run | ours, ms a stage | `dvc repro`, ms a stage | ours is faster by |")
    print("|---|---|---|---|---|")
    for size in sizes:
        colds = []
        for turn in range(3 if size <= DVC_MOST else 1):
            root = fresh(folder, size, f"cold{turn}")
            colds.append(ours(root))
        again = min(ours(root) for _ in range(3))
        warmed = fresh(folder, size, "live")
        ours(warmed, "s0", live=True)
        live = ours(warmed, live=True)
        lived = [ours(warmed, live=True) for _ in range(3)]
        theirs = their_again = None
        if size <= DVC_MOST:
            twin = fresh(folder, size, "dvc")
            theirs, their_again = repro(twin), repro(twin)
            same = (twin / "dvc.lock").read_bytes() == (root / "dvc.lock").read_bytes()
            print(f"<!-- {size} stages: dvc.lock equal: {same} -->", file=sys.stderr)
        else:
            # Our lock file is its own, so it has nothing to do here, either.
            their_again = repro(root)
        row(size, "first, cold", statistics.median(colds), theirs)
        row(size, "first, in a live process", live, theirs)
        row(size, "nothing changed", again, their_again)
        row(size, "nothing changed, live", min(lived), their_again)


def row(size: int, what: str, seconds: float, theirs: float | None) -> None:
    """One line of the table."""
    told = f"{1000 * theirs / size:.1f} ({theirs:.1f} s)" if theirs else ""
    factor = f"{theirs / seconds:.0f} ×" if theirs else ""
    print(
        f"| {size} | {what} | {1000 * seconds / size:.2f} ({seconds:.2f} s) | {told} | {factor} |"
    )


def others(folder: Path, size: int, names: Sequence[str]) -> None:
    """The same graph by other tools."""
    print(f"\n### {size} no-op stages by other tools, `-j{JOBS}`, first run\n")
    print("| tool | ms a stage |\n|---|---|")
    for peer in peers.PEERS:
        if peer.name not in names:
            continue
        root = folder / f"{peer.name}-{size}"
        (root / "out").mkdir(parents=True)
        (root / "in.txt").write_text("1\n")
        peer.write(root, graph(size))
        try:
            seconds = call(peer.command(root, JOBS), root)
        except (subprocess.SubprocessError, OSError) as error:
            print(f"| {peer.name} | could not be run: {type(error).__name__} |")
            continue
        print(f"| {peer.name} | {1000 * seconds / size:.1f} |")


def heavy(folder: Path) -> None:
    """Python nodes that import pandas and scikit-learn: what each takes beyond its own process."""
    root = folder / "heavy"
    nodes = [Node(f"h{n}", f"python heavy.py out/{n}", ("in.txt",), f"out/{n}") for n in range(20)]
    project(root, nodes)
    (root / "heavy.py").write_text(HEAVY)
    alone = min(call([sys.executable, "heavy.py", "out/x"], root) for _ in range(3))
    cold = ours(root)
    ours(root, "-f", live=True)
    warm = min(ours(root, "-f", live=True) for _ in range(3))
    print("\n### 20 Python nodes that import pandas and scikit-learn\n")
    print("| run | seconds | ms a node |\n|---|---|---|")
    print(f"| one such script alone | {alone:.2f} | {1000 * alone:.0f} |")
    print(f"| ours, cold | {cold:.2f} | {1000 * cold / 20:.0f} |")
    print(f"| ours, in a live process | {warm:.2f} | {1000 * warm / 20:.0f} |")


def main() -> None:
    """Print the tables that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="30,300,3000")
    parser.add_argument("--peers", default=",".join(peer.name for peer in peers.PEERS))
    parser.add_argument("--only", default="stages,heavy,others")
    asked = parser.parse_args()
    parts = asked.only.split(",")
    with tempfile.TemporaryDirectory() as folder:
        if "stages" in parts:
            stages(Path(folder), [int(size) for size in asked.sizes.split(",")])
        if "heavy" in parts:
            heavy(Path(folder))
        if "others" in parts:
            others(Path(folder), 300, asked.peers.split(","))


if __name__ == "__main__":
    main()
