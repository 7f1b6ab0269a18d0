"""Size and start-up of the engine alone: ``python benchmarks/distribution.py [TIMES]``.

Installs the wheel of ``engine/`` into a new environment, counts its packages and bytes, and prints
the medians of ``mlws --help``, and of ``mlws repro`` and ``mlws status`` in 300 unchanged stages.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
UV = str(Path(sys.executable).with_name("uv"))
STAGES = 300


def install(folder: Path) -> Path:
    """Install the wheel and what it names; return the folder of the programs."""
    build = [UV, "build", "--quiet", "--wheel", "--out-dir", str(folder), str(ROOT / "engine")]
    subprocess.run(build, check=True)
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, folder / "venv"], check=True)
    programs = folder / "venv" / "bin"
    (wheel,) = folder.glob("*.whl")
    command = [UV, "pip", "install", "--quiet", "--compile-bytecode", "--python"]
    subprocess.run([*command, programs / "python", wheel], check=True)
    return programs


def write_pipeline(folder: Path) -> None:
    """Write a project with stages that read the one before."""
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    (folder / ".dvc").mkdir()
    (folder / ".dvc" / "config").touch()
    (folder / "0.txt").write_text("0\n")
    lines = ["stages:"]
    for number in range(1, STAGES + 1):
        lines += [
            f"  s{number}:",
            f"    cmd: cp {number - 1}.txt {number}.txt",
            f"    deps: [{number - 1}.txt]",
            f"    outs: [{number}.txt]",
        ]
    (folder / "dvc.yaml").write_text("\n".join(lines) + "\n")


def median(command: Sequence[str | Path], folder: Path, times: int) -> float:
    """Seconds of a command, the median."""
    took = []
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    for _ in range(times):
        started = time.perf_counter()
        subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
        took.append(time.perf_counter() - started)
    return statistics.median(took)


def main() -> int:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    with tempfile.TemporaryDirectory() as name:
        programs = install(Path(name))
        listing = [UV, "pip", "list", "--quiet", "--format", "json", "--python"]
        packages = json.loads(subprocess.check_output([*listing, programs / "python"]))
        (site,) = programs.parent.glob("lib/python*/site-packages")
        files = [file for file in site.rglob("*") if file.is_file() and file.suffix != ".pyc"]
        size = sum(file.stat().st_size for file in files)
        print(f"{len(packages) - 1} packages beside it, {size / 1e6:.1f} MB")
        project = Path(name, "project")
        write_pipeline(project)
        subprocess.run([programs / "mlws", "repro"], cwd=project, check=True, capture_output=True)
        bare = median([programs / "python", "-c", "pass"], project, times)
        print(f"python alone: {bare * 1000:.0f} ms")
        for words in (["--help"], ["repro"], ["status"]):
            took = median([programs / "mlws", *words], project, times)
            print(f"mlws {' '.join(words)}: {took * 1000:.0f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
