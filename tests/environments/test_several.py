"""Nodes in several environments of one workflow: Python, another Python, and R."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.environments.conftest import UV, Person, build_wheel

FLOW = """\
stages:
  old:
    cmd: uv run --frozen --project envs/old python tell.py > old.txt
    deps: [tell.py, envs/old/uv.lock]
    outs: [old.txt]
  new:
    cmd: uv run --frozen --project envs/new python tell.py > new.txt
    deps: [tell.py, envs/new/uv.lock]
    outs: [new.txt]
  third:
    cmd: Rscript -e 'cat(R.version$language)' > third.txt
    outs: [third.txt]
  all:
    cmd: cat old.txt new.txt third.txt > all.txt
    deps: [old.txt, new.txt, third.txt]
    outs: [all.txt]
"""


@pytest.fixture
def other() -> str:
    """Another version of Python than this, as uv finds it on the machine."""
    for version in ("3.13", "3.12", "3.14"):
        search = subprocess.run(
            [UV, "python", "find", "--no-python-downloads", version], capture_output=True, text=True
        )
        if search.returncode == 0:
            return version
    pytest.skip("uv finds no other Python")


@pytest.fixture
def three(person: Person, index: Path, other: str) -> Person:
    if shutil.which("Rscript") is None:
        reason = "Rscript is not installed (Debian: r-base-core)"
        pytest.fail(reason) if os.environ.get("MLWS_REQUIRE_R") else pytest.skip(reason)
    del person.variables["UV_PYTHON"]
    code = "import alpha, sys\nprint(alpha.VERSION, sys.version_info.minor)\n"
    (person.folder / "tell.py").write_text(code)
    person("jupyter mlws env create old alpha==1.0 --python 3.11")
    person(f"jupyter mlws env create new alpha==2.0 --python {other}")
    (person.folder / "dvc.yaml").write_text(FLOW)
    return person


@pytest.mark.exhaustive
def test_three_environments_run_side_by_side(three: Person, other: str) -> None:
    three("jupyter mlws run --jobs 3")
    text = (three.folder / "all.txt").read_text()
    assert text == f"1.0 11\n2.0 {other.split('.')[1]}\nR"
    lock = (three.folder / "dvc.lock").read_bytes()
    used = three("jupyter mlws env used")
    assert "alpha" in three("jupyter mlws env used --json")
    assert used.count("CPython") == 2
    assert "R 4" in used
    (three.folder / "dvc.lock").unlink()
    three("dvc repro -q --force")
    assert (three.folder / "dvc.lock").read_bytes() == lock


@pytest.mark.exhaustive
@pytest.mark.parametrize("delay", [0.1, 0.0, 0.3])
def test_a_run_that_is_killed_while_it_installs_is_resumed(
    three: Person, index: Path, delay: float
) -> None:
    build_wheel(index, "heavy", "1.0", size=60_000_000)
    three("jupyter mlws env add --name old heavy")
    three("rm -rf envs/old/.venv && uv cache clean -q")
    run = subprocess.Popen(
        ["jupyter", "mlws", "run"], cwd=three.folder, env=three.variables, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while not (three.folder / "envs/old/.venv").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(delay)
    # The installation, the run's own process and the command, all at once.
    killed = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            is_ours = (process / "cwd").readlink().is_relative_to(three.folder)
        except OSError:
            continue
        if is_ours:
            os.kill(int(process.name), signal.SIGKILL)
            killed += 1
    run.wait()
    assert killed
    three("jupyter mlws run")
    assert (three.folder / "old.txt").read_text() == "1.0 11\n"
    assert "heavy" in three("jupyter mlws env show old")
