"""The types of the TypeScript client follow the server's OpenAPI documents."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(not (ROOT / "node_modules").exists(), reason="needs node_modules")
def test_the_types_of_the_client_are_up_to_date() -> None:
    answer = subprocess.run(
        [sys.executable, "scripts/api_types.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
