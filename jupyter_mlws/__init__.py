"""The machine-learning workspace inside JupyterLab: workflows, versions and containers.

Importing this package loads nothing heavy; every tool is imported where it is first used.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlws
from jupyter_mlws._version import __version__
from mlws import progress
from mlws.core.i18n import add_catalogue

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["__version__", "load_ipython_extension", "progress"]

if mlws.__version__ != __version__:
    raise ImportError(
        f"jupyter-mlws {__version__} and mlws {mlws.__version__} do not go together. "
        "Run `pip install --force-reinstall jupyter-mlws`."
    )
add_catalogue(Path(__file__).parent)


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "../labextension", "dest": "jupyter-mlws"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from jupyter_mlws.extension import MLWSApp

    return [{"module": "jupyter_mlws", "app": MLWSApp}]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the ``%mlws`` magics: ``%load_ext jupyter_mlws``."""
    from jupyter_mlws.cli.magics import load_ipython_extension as load

    load(shell)
