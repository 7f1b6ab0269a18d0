"""Modules that a zygote imports, and the check whether their files have changed since."""

from __future__ import annotations

import importlib
import os
import sys
import sysconfig
import tempfile
from collections.abc import Iterable
from pathlib import Path

MODULES = (
    *("numpy", "pandas", "pyarrow.parquet", "tqdm", "yaml"),
    *("sklearn.cluster", "sklearn.compose", "sklearn.datasets", "sklearn.decomposition"),
    *("sklearn.ensemble", "sklearn.feature_selection", "sklearn.impute", "sklearn.linear_model"),
    *("sklearn.metrics", "sklearn.model_selection", "sklearn.naive_bayes", "sklearn.neighbors"),
    *("sklearn.neural_network", "sklearn.pipeline", "sklearn.preprocessing", "sklearn.svm"),
    *("sklearn.tree", "skops.io"),
    *("jupyter_mlws.components.node", "jupyter_mlws.components.registry"),
    *("jupyter_mlws.components.values", "jupyter_mlws.components.tables"),
)
"""Not matplotlib: it reads its settings from the working folder when it is imported."""

Stamp = tuple[str, int]
"""A file or folder and when it was last changed, in ns; -1 where it is missing."""


def load(names: Iterable[str] = MODULES) -> None:
    """Import the modules that are installed.

    An installed library that fails to import raises: a zygote with half of it would differ from a
    fresh process, so there must be none.
    """
    # OpenMP reads it when it is loaded: nodes that run side by side would wait for each other's
    # threads in busy loops, which makes boosting on a small table take ten seconds, not one.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for name in names:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.split(".")[0] in sys.modules:
                raise
    # Found by variables that may differ for each node.
    tempfile.tempdir = None


def stamps(path: Iterable[str]) -> list[Stamp]:
    """Return the state of what was imported: the folders of installed packages, and our files.

    Each file of our own is included, as it may be edited.
    """
    # Other folders of the path hold a project's own files, which change all the time.
    installed = [folder for folder in path if folder.endswith(("site-packages", "dist-packages"))]
    watched = {sys.executable, *installed}
    for folder in installed:
        watched.update(str(file) for file in Path(folder).glob("*.pth"))
    standard = sysconfig.get_path("stdlib") + os.sep
    ours = __name__.split(".")[0]
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if not isinstance(file, str):
            continue
        if name.split(".")[0] == ours:
            watched.add(file)
        elif "." not in name and (not file.startswith(standard) or "site-packages" in file):
            is_package = Path(file).name.startswith("__init__.")
            watched.add(str(Path(file).parent) if is_package else file)
    return [(one, mtime_ns(one)) for one in sorted(watched)]


def is_stale(old_stamps: Iterable[Stamp]) -> bool:
    """Return whether any file or folder has changed since its stamp."""
    return any(mtime_ns(path) != stamp for path, stamp in old_stamps)


def mtime_ns(path: str) -> int:
    """Return when a file or folder was last changed, in ns; -1 if it is missing."""
    try:
        return Path(path).stat().st_mtime_ns
    except OSError:
        return -1
