"""The executor that a run requests: ``local``, or the address of a Dask scheduler.

One setting moves all runs to a cluster: the environment variable ``MLWS_EXECUTOR``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from urllib.parse import parse_qs, urlsplit

from mlws.core.errors import DaskNotInstalledError, Fault, InvalidExecutorError, MLWSError
from mlws.core.i18n import Message

LOCAL = "local"
DASK = "dask"
SETTING = "MLWS_EXECUTOR"
ADDRESS = "DASK_SCHEDULER_ADDRESS"
"""The environment variable with the scheduler's address, for the executor ``dask``."""
SCHEMES = (DASK, "tcp", "tls")
TRUTH = {"true": True, "false": False}


@dataclass(frozen=True)
class Cluster:
    """A Dask cluster by its scheduler's address, as `distributed` writes it (``tcp://…``).

    ``shared``: whether its workers can access the project's folder; None if that must be detected.
    """

    address: str
    shared: bool | None = None


def resolve(executor: str | None, environment: Mapping[str, str] | None = None) -> str:
    """Return the executor that a run uses: ``local``, or an address (with ``?shared=…``).

    Raises InvalidExecutorError if it cannot be parsed or no address is known, DaskNotInstalledError
    if the package that Dask needs is not installed.
    """
    variables = os.environ if environment is None else environment
    wish = (executor or variables.get(SETTING) or LOCAL).strip()
    if wish == LOCAL:
        return LOCAL
    is_installed = find_spec("distributed") is not None
    name, mark, query = wish.partition("?")
    if name == DASK:
        address = variables.get(ADDRESS)
        if not address:
            if not is_installed:
                raise DaskNotInstalledError()
            import dask.config

            address = dask.config.get("scheduler-address", None)
        if not address:
            words = Message(
                "No Dask scheduler is configured. Set {address}, or use dask://HOST:PORT.",
                address=ADDRESS,
            )
            raise InvalidExecutorError(faults=[Fault("executor", words)], executor=DASK)
        wish = f"{address}{mark}{query}"
    read(wish)
    if not is_installed:
        raise DaskNotInstalledError()
    return wish


def read(executor: str) -> Cluster | None:
    """Return the cluster that an executor names, or None for this machine.

    Raises InvalidExecutorError.
    """
    if executor == LOCAL:
        return None
    try:
        parts = urlsplit(executor)
        port = parts.port
    except ValueError:
        raise _unknown(executor) from None
    query = parse_qs(parts.query)
    shared = query.pop("shared", [None])[-1]
    plain = not (parts.path.strip("/") or parts.username or parts.fragment or query)
    if parts.scheme not in SCHEMES or not (parts.hostname and port and plain):
        raise _unknown(executor)
    if shared is not None and shared not in TRUTH:
        raise _unknown(executor)
    scheme = "tcp" if parts.scheme == DASK else parts.scheme
    return Cluster(f"{scheme}://{parts.netloc}", None if shared is None else TRUTH[shared])


def _unknown(executor: str) -> MLWSError:
    words = Message(
        "Must be local, dask, dask://HOST:PORT or tcp://HOST:PORT. The last two may end "
        "with ?shared=true or ?shared=false."
    )
    return InvalidExecutorError(faults=[Fault("executor", words)], executor=executor)
