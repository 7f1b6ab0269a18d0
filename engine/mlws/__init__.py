"""The engine of jupyter-mlws: `dvc.yaml` files, their graph, runs and the `dvc.lock`.

Importing this package loads nothing heavy; every tool is imported where it is first used.
"""

from __future__ import annotations

from mlws._version import __version__
from mlws.engine.progress import progress

__all__ = ["__version__", "progress"]
