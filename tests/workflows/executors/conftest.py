"""A real Dask cluster: a scheduler here and two workers in processes of their own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """On the loopback only, without a page."""
    from distributed import LocalCluster

    home = tmp_path_factory.mktemp("worker-home")
    environment = {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "DVC_GLOBAL_CONFIG_DIR": str(home / ".config" / "dvc"),
        "DVC_SITE_CACHE_DIR": str(home / ".cache" / "dvc"),
        "ONLY_ON_WORKERS": "here",
    }
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
        worker_dashboard_address=None,
        local_directory=str(home),
        env=environment,
        silence_logs=50,
    ) as running:
        yield running


@pytest.fixture
def address(cluster: Any) -> str:
    return str(cluster.scheduler_address)


@pytest.fixture
def worker_pids(cluster: Any) -> Callable[[], list[int]]:
    """The processes of the workers that there are now."""
    from distributed import Client

    def ask() -> list[int]:
        with Client(cluster, set_as_default=False) as client:
            return sorted(client.run(os.getpid).values())

    return ask


@pytest.fixture
def log_of(project: Any) -> Callable[[str, str], Path]:
    """Return the path of a node's log."""
    return lambda run, node: project.state / "runs" / run / f"{node}.log"
