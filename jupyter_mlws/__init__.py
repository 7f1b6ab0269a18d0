"""The machine-learning workspace inside JupyterLab: workflows, versions and containers.

Importing this package loads nothing heavy; every tool is imported where it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlws.engine.progress import progress

from jupyter_mlws._version import __version__

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["__version__", "load_ipython_extension", "progress"]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "../labextension", "dest": "jupyter-mlws"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from jupyter_mlws.extension import MLWSApp

    return [{"module": "jupyter_mlws", "app": MLWSApp}]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the ``%mlws`` magics: ``%load_ext jupyter_mlws``."""
    from jupyter_mlws.cli.magics import load_ipython_extension as load

    load(shell)
