"""What a warm worker saves: ``python benchmarks/warm_workers.py [NODES]``.

Runs scripts that import pandas and scikit-learn, one after the other, each in a fresh process and
each forked from a zygote, and prints the times from start to exit.
"""

from __future__ import annotations

import os
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from jupyter_mlws.forkserver.pool import WarmPool

SCRIPTS = {
    "nothing": "",
    "import pandas, sklearn": "import pandas, sklearn, sklearn.ensemble, sklearn.linear_model\n",
    "read, group, write": (
        "import pandas\nt = pandas.read_csv('in.csv')\nt.groupby('b').sum().to_csv('out.csv')\n"
    ),
    "fit a regression": (
        "import pandas\nfrom sklearn.linear_model import LinearRegression\n"
        "t = pandas.read_csv('in.csv')\nprint(LinearRegression().fit(t[['a']], t.b).coef_)\n"
    ),
}


def main(nodes: int) -> None:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONUNBUFFERED": "1",
    }
    with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("wb") as log:
        prepare(Path(folder))
        pool = WarmPool()
        begun = time.perf_counter()
        pool.start(environment)
        if not pool.wait_ready(60):
            raise RuntimeError("no zygote")
        print(f"zygote ready in {time.perf_counter() - begun:.2f} s, {memory(pool)}")
        print(f"{nodes} nodes each, ms from start to exit: median (fastest)")
        print(f"{'script':24} {'fresh':>16} {'warm':>16} {'times':>7}")
        for place, name in enumerate(SCRIPTS):
            command = f"python script{place}.py"
            fresh = measure(nodes, lambda c=command: run_fresh(c, folder, environment, log))
            warm = measure(nodes, lambda c=command: run_warm(pool, c, folder, environment, log))
            times = statistics.median(fresh) / statistics.median(warm)
            print(f"{name:24} {shown(fresh)} {shown(warm)} {times:7.0f}")
        pool.close()


def prepare(folder: Path) -> None:
    for place, text in enumerate(SCRIPTS.values()):
        (folder / f"script{place}.py").write_text(text)
    rows = "".join(f"{n},{n % 7}\n" for n in range(2000))
    (folder / "in.csv").write_text(f"a,b\n{rows}")


def run_fresh(command: str, folder: str, environment: dict[str, str], log: object) -> None:
    subprocess.run(
        ["/bin/sh", "-c", command], cwd=folder, env=environment, stdout=log, stderr=log, check=True
    )


def run_warm(
    pool: WarmPool, command: str, folder: str, environment: dict[str, str], log: object
) -> None:
    pid = pool.launch(command, folder, environment, log.fileno())
    if pid is None:
        raise RuntimeError(f"not warm: {command}")
    while not (ended := pool.collect()):
        select.select(pool.filenos(), [], [])
    if ended != [(pid, 0)]:
        raise RuntimeError(f"{command} ended with {ended}")


def measure(nodes: int, run: Callable[[], None]) -> list[float]:
    run()
    taken = []
    for _ in range(nodes):
        begun = time.perf_counter()
        run()
        taken.append((time.perf_counter() - begun) * 1000)
    return taken


def shown(taken: list[float]) -> str:
    return f"{statistics.median(taken):8.1f} ({min(taken):5.1f})"


def memory(pool: WarmPool) -> str:
    (zygote,) = pool._zygotes.values()
    status = Path(f"/proc/{zygote._process.pid}/status").read_text()
    return f"{int(status.split('VmRSS:')[1].split()[0]) // 1024} MiB"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
