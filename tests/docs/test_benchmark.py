"""The table and the chart of `make benchmark` are those of its results."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def test_the_page_shows_the_results_that_are_stored(tmp_path: Path) -> None:
    shutil.copy(DOCS / "_static" / "benchmarks" / "peers.json", tmp_path)
    program = [sys.executable, str(ROOT / "benchmarks" / "comparison.py")]
    subprocess.run([*program, "--draw", "--output", str(tmp_path)], check=True)
    table = (tmp_path / "peers.md").read_text(encoding="utf-8")
    assert table in (DOCS / "benchmarks.md").read_text(encoding="utf-8")
    chart = (tmp_path / "peers.svg").read_text(encoding="utf-8")
    assert "dvc repro" in chart
    assert "milliseconds per stage" in chart


def test_a_tool_that_is_unknown_is_an_error(tmp_path: Path) -> None:
    program = [sys.executable, str(ROOT / "benchmarks" / "comparison.py")]
    result = subprocess.run(
        [*program, "--tools", "nothing", "--output", str(tmp_path)], capture_output=True, text=True
    )
    assert result.returncode == 2
    assert "unknown tools: nothing. Choose from: jupyter-mlws" in result.stderr
