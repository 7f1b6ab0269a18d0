"""Other workflow tools, each in an environment of its own, given the same graph of commands."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "jupyter-mlws-benchmarks"
INSTALL_TIMEOUT = 1200
RUN_TIMEOUT = 3600


@dataclass(frozen=True)
class Node:
    """One command, what it reads and what it makes."""

    name: str
    command: str
    reads: tuple[str, ...]
    makes: str


@dataclass(frozen=True)
class Peer:
    """A tool: what to install, how to write the graph down, and how to run it."""

    name: str
    packages: tuple[str, ...]
    write: Callable[[Path, Sequence[Node]], None]
    run: Callable[[Path, int], list[str]]

    def python(self) -> Path:
        """The interpreter of the tool's environment, which is made when it is first asked for."""
        folder = CACHE / self.name
        python = folder / "bin" / "python"
        if not (folder / "installed").exists():
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
            subprocess.run(
                [str(python), "-m", "pip", "install", "--quiet", *self.packages],
                check=True,
                timeout=INSTALL_TIMEOUT,
            )
            (folder / "installed").touch()
        return python

    def command(self, root: Path, jobs: int) -> list[str]:
        """How the graph in ``root`` is run, ``jobs`` commands at a time."""
        if not self.packages:
            return self.run(root, jobs)
        return [str(self.python().parent / self.run(root, jobs)[0]), *self.run(root, jobs)[1:]]


def _makefile(root: Path, nodes: Sequence[Node]) -> None:
    rules = [f"all: {' '.join(node.makes for node in nodes)}", "SHELL := /bin/bash"]
    for node in nodes:
        rules.append(f"{node.makes}: {' '.join(node.reads)}\n\t@{node.command}")
    (root / "Makefile").write_text("\n".join(rules) + "\n")


def _snakefile(root: Path, nodes: Sequence[Node]) -> None:
    rules = ["rule all:\n    input: " + ", ".join(repr(node.makes) for node in nodes)]
    for node in nodes:
        inputs = ", ".join(map(repr, node.reads))
        rules.append(
            f"rule {node.name}:\n    input: {inputs}\n    output: {node.makes!r}\n"
            f"    shell: {node.command!r}"
        )
    (root / "Snakefile").write_text("\n".join(rules) + "\n")


PROGRAM = """\
import subprocess, sys
JOBS = int(sys.argv[1])
NODES = {nodes!r}

def call(command):
    subprocess.run(["/bin/bash", "-c", command], check=True)
"""
LUIGI = """
import luigi

class Node(luigi.Task):
    name = luigi.Parameter()
    def requires(self):
        return [Node(BY_FILE[path]) for path in NODES[self.name][1] if path in BY_FILE]
    def output(self):
        return luigi.LocalTarget(NODES[self.name][2])
    def run(self):
        call(NODES[self.name][0])

BY_FILE = {made: name for name, (_, _, made) in NODES.items()}
done = luigi.build([Node(name) for name in NODES], local_scheduler=True, workers=JOBS,
                   log_level="ERROR")
sys.exit(0 if done else 1)
"""
DASK = """
import dask

@dask.delayed(pure=False)
def node(command, *needs):
    call(command)

made = {}
for command, reads, path in NODES.values():
    made[path] = node(command, *(made[read] for read in reads if read in made))
dask.compute(*made.values(), scheduler="threads", num_workers=JOBS)
"""
PREFECT = """
from prefect import flow, task
from prefect.task_runners import ThreadPoolTaskRunner

@task
def node(command):
    call(command)

@flow(task_runner=ThreadPoolTaskRunner(max_workers=JOBS))
def everything():
    made = {}
    for command, reads, path in NODES.values():
        made[path] = node.submit(command, wait_for=[made[read] for read in reads if read in made])
    for future in made.values():
        future.result()

everything()
"""


def _program(text: str) -> Callable[[Path, Sequence[Node]], None]:
    def write(root: Path, nodes: Sequence[Node]) -> None:
        table = {node.name: (node.command, node.reads, node.makes) for node in nodes}
        (root / "program.py").write_text(PROGRAM.format(nodes=table) + text)

    return write


PEERS = (
    Peer("make", (), _makefile, lambda root, jobs: ["make", "-s", f"-j{jobs}"]),
    Peer("luigi", ("luigi",), _program(LUIGI), lambda r, jobs: ["python", "program.py", str(jobs)]),
    Peer("dask", ("dask",), _program(DASK), lambda r, jobs: ["python", "program.py", str(jobs)]),
    Peer(
        "snakemake",
        ("snakemake",),
        _snakefile,
        lambda root, jobs: ["snakemake", "--quiet", "all", "-c", str(jobs)],
    ),
    Peer(
        "prefect",
        ("prefect",),
        _program(PREFECT),
        lambda r, jobs: ["python", "program.py", str(jobs)],
    ),
)
