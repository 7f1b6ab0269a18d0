"""The command line in processes that start at once."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests import python


def call(
    folder: Path, *words: str, code: int = 0, language: str = "C.UTF-8"
) -> subprocess.CompletedProcess[str]:
    """Call ``jupyter-mlws`` in ``folder``, which must exit with ``code``."""
    done = python.run(python.MLWS, *words, cwd=folder, env={**os.environ, "LANG": language})
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done
