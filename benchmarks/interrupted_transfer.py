"""What an interrupted transfer sends again: ``python benchmarks/interrupted_transfer.py [MIB]``.

A file goes to an S3 server (moto's, on this machine) and comes back; each way the process is killed
half-way and another goes on. Prints how many parts were sent, and the times.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from jupyter_mlws.projects.setup import initialize  # noqa: E402
from jupyter_mlws.versioning.data.models import DataRemotePut  # noqa: E402
from jupyter_mlws.workspace import Workspace  # noqa: E402
from mlws.dvc.resumable_transfer import MIB, PART_SIZE  # noqa: E402
from tests.versioning.s3 import BUCKET, S3Server, serving  # noqa: E402
from tests.versioning.test_data_remotes import killed_half_way  # noqa: E402

FILE = "big.bin"


def main(size: int) -> None:
    os.environ["PYTHONPATH"] = str(ROOT)
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as s3:
        root = Path(folder, "project")
        root.mkdir()
        initialize(root)
        subprocess.run(["git", "add", "-A"], cwd=root, check=True)
        with (root / FILE).open("wb") as file:
            for _ in range(size):
                file.write(os.urandom(MIB))
        workspace = Workspace.open(root)
        address = f"s3://{BUCKET}/data"
        workspace.data_remotes.put(
            "store", DataRemotePut(url=address, endpoint_url=s3.url, **s3.keys)
        )
        print(f"add {size} MiB: {timed(lambda: workspace.datasets.add(FILE)):.1f} s")
        killed_half_way(root, "push", FILE)
        first = parts(s3)
        rest = timed(lambda: workspace.datasets.push(FILE))
        print(f"push: {first} parts of {PART_SIZE // MIB} MiB before the kill, then ", end="")
        print(f"{parts(s3) - first} of {-(-size * MIB // PART_SIZE)} in {rest:.1f} s")
        (root / FILE).unlink()
        shutil.rmtree(root / ".dvc" / "cache")
        killed_half_way(root, "pull", FILE)
        (left,) = (root / ".dvc" / "cache").rglob("*.part")
        there = left.stat().st_size // MIB
        rest = timed(lambda: workspace.datasets.pull(FILE))
        print(f"pull: {there} MiB before the kill, the rest in {rest:.1f} s")
        print(f"verify: {timed(lambda: workspace.datasets.verify(FILE)):.1f} s")
        workspace.close()


def parts(s3: S3Server) -> int:
    """The parts that the server has taken so far."""
    return sum("partNumber" in path for path in s3.requests("PUT"))


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1024)
