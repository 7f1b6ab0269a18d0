"""PyTorch for tests: the environment's own, else a copy in the user's cache folder.

``python -m tests.pytorch`` puts the copy there, as ``tests/prepare`` does: a download of 0.2 GB
where pip finds a build for CPUs, of 2.6 GB with CUDA. It is appended to what Python finds, so that
what both have (NetworkX, fsspec) stays that of the environment.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jupyter-mlws"
"""Of the real home: while tests run, they have another."""
FOLDER = CACHE / f"torch-{sys.implementation.cache_tag}"
INSTALL_LIMIT = 900
REQUIRED = "MLWS_REQUIRE_TORCH"


def install() -> None:
    """Put a copy into the cache, whole or not at all."""
    CACHE.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix="torch-", dir=CACHE))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        subprocess.run([*pip, "--target", str(made), "torch"], check=True, timeout=INSTALL_LIMIT)
        if not FOLDER.exists():
            made.rename(FOLDER)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def there() -> bool:
    """Whether there is nothing to install."""
    return importlib.util.find_spec("torch") is not None or FOLDER.is_dir()


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """PyTorch is installed, for this process and those that it starts.

    Do not import it in a test: other tests are about what is said where it is not installed.
    """
    if importlib.util.find_spec("torch") is not None:
        return
    if not FOLDER.is_dir():
        if os.environ.get(REQUIRED) == "1":
            pytest.fail(f"PyTorch is required here and not in {FOLDER}", pytrace=False)
        pytest.skip("PyTorch is not installed; `python -m tests.pytorch` gets it")
    folder = tmp_path_factory.mktemp("torch")
    (folder / "sitecustomize.py").write_text(f"import sys\nsys.path.append({str(FOLDER)!r})\n")
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    monkeypatch.setattr(sys, "path", [*sys.path, str(FOLDER)])


if __name__ == "__main__":
    if not there():
        install()
