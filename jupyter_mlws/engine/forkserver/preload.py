"""What a zygote imports, and how it is known that it would import something else by now."""

from __future__ import annotations

import importlib
import os
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Iterator
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
    for name in names:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.split(".")[0] in sys.modules:
                raise
    # Found by variables that may differ for each node.
    tempfile.tempdir = None


def stamps(path: Iterable[str]) -> list[Stamp]:
    """Return the state of what was imported: installed packages, and each file of our own."""
    # Other folders of the path hold a project's own files, which change all the time.
    installed = [folder for folder in path if folder.endswith(("site-packages", "dist-packages"))]
    watched_paths = {sys.executable, *installed, *_path_files(installed), *_packages()}
    return [(one, mtime_ns(one)) for one in sorted(watched_paths)]


def is_stale(old_stamps: Iterable[Stamp]) -> bool:
    """Return whether any file or folder has changed since its stamp."""
    return any(mtime_ns(path) != stamp for path, stamp in old_stamps)


def mtime_ns(path: str) -> int:
    """Return when a file or folder was last changed, in ns; -1 if it is missing."""
    try:
        return Path(path).stat().st_mtime_ns
    except OSError:
        return -1


def _path_files(path: Iterable[str]) -> Iterator[str]:
    for folder in path:
        yield from (str(file) for file in Path(folder).glob("*.pth"))


def _packages() -> Iterator[str]:
    """Yield the folders of installed packages, and every file of ours, as it may be edited."""
    standard = sysconfig.get_path("stdlib") + os.sep
    ours = __name__.split(".")[0]
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if not isinstance(file, str):
            continue
        if name.split(".")[0] == ours:
            yield file
        elif "." not in name and (not file.startswith(standard) or "site-packages" in file):
            yield str(Path(file).parent) if Path(file).name.startswith("__init__.") else file
