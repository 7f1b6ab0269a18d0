"""JupyterHub's single-user server without the Hub's database layer.

    python -m jupyter_mlws.containers.single_user

Modules of JupyterHub that a lab needs import those of the Hub's own server, and with them
SQLAlchemy and Alembic: a third of an idle lab's memory. They are imported here only when a lab uses
them. If another version of JupyterHub uses them while it is imported, they are imported as usual.
"""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

MODULE = "jupyterhub.singleuser"
DEFERRED = (
    "jupyterhub.handlers",
    "jupyterhub.handlers.pages",
    "jupyterhub.orm",
    "jupyterhub.roles",
    "sqlalchemy",
    "sqlalchemy.exc",
    "sqlalchemy.orm",
)
COMMAND_LINE = "httpx._main"
"""The command line of httpx, which imports rich and click; httpx works without."""
CLASSES = {"HealthCheckHandler", "SQLAlchemyError"}
"""Classes that are imported by name, for ``isinstance`` and ``except``; a lab has no instances."""

log = logging.getLogger(__name__)


class UnexpectedUseError(ImportError):
    """Error for a use of a deferred module while JupyterHub is imported."""


class DeferredModule(ModuleType):
    """A module that is imported when an attribute of it is used."""

    is_importing = True

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__path__ = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if not DeferredModule.is_importing:
            return getattr(importlib.import_module(self.__name__), name)
        if name in CLASSES:
            return type(name, (Exception,), {})
        raise UnexpectedUseError(f"{self.__name__}.{name}")


@contextmanager
def deferred() -> Iterator[None]:
    """Let imports in the block not import the modules of ``DEFERRED`` that are not there yet."""
    names = [name for name in DEFERRED if name not in sys.modules]
    sys.modules.update({name: DeferredModule(name) for name in names})
    DeferredModule.is_importing = True
    # None makes an import of it fail.
    sys.modules.setdefault(COMMAND_LINE, None)  # type: ignore[arg-type]
    try:
        yield
    finally:
        DeferredModule.is_importing = False
        for name in [*names, COMMAND_LINE]:
            if isinstance(sys.modules[name], DeferredModule | None):
                del sys.modules[name]


def import_single_user() -> ModuleType:
    """Return the module ``jupyterhub.singleuser``, which has its program as ``main``."""
    before = set(sys.modules)
    try:
        with deferred():
            return importlib.import_module(MODULE)
    except ImportError as error:
        # Half-imported modules hold the deferred ones.
        for name in set(sys.modules) - before:
            if name.partition(".")[0] == "jupyterhub":
                del sys.modules[name]
        log.warning("JupyterHub needs its database layer in this lab: %s", error)
        return importlib.import_module(MODULE)


if __name__ == "__main__":
    # As the program `jupyterhub-singleuser`.
    import_single_user().main()
