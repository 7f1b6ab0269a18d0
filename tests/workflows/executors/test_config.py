"""The executor that a run gets, and the errors if it is not available."""

from __future__ import annotations

import importlib.util
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlws.workflows.journal.store import RunRequest
from jupyter_mlws.workflows.manager import WorkflowManager
from jupyter_mlws.workflows.models import Run
from mlws.core.errors import (
    DaskNotInstalledError,
    InvalidExecutorError,
    MLWSError,
    WorkerMismatchError,
)
from mlws.core.i18n import CHINESE
from mlws.core.project import Project
from mlws.engine.executors import config, dask, dask_worker
from mlws.engine.executors.config import Cluster
from mlws.engine.executors.dask import DaskCluster
from mlws.engine.executors.factory import open_executor
from tests import python
from tests.workflows.conftest import LIMIT, PATH

WHERE = {"DASK_SCHEDULER_ADDRESS": "tcp://10.0.0.1:8786"}


@pytest.mark.parametrize(
    ("asked", "environment", "resolved", "cluster"),
    [
        (None, {}, "local", None),
        ("local", {"MLWS_EXECUTOR": "dask://a:1"}, "local", None),
        (None, {"MLWS_EXECUTOR": "dask://a:1"}, "dask://a:1", Cluster("tcp://a:1")),
        ("dask://[::1]:8786", {}, "dask://[::1]:8786", Cluster("tcp://[::1]:8786")),
        ("tls://a:1", {}, "tls://a:1", Cluster("tls://a:1")),
        ("dask", WHERE, "tcp://10.0.0.1:8786", Cluster("tcp://10.0.0.1:8786")),
        (
            "dask?shared=false",
            WHERE,
            "tcp://10.0.0.1:8786?shared=false",
            Cluster("tcp://10.0.0.1:8786", shared=False),
        ),
    ],
)
def test_an_executor_is_named_by_request_setting_or_scheduler(
    asked: str | None, environment: dict[str, str], resolved: str, cluster: Cluster | None
) -> None:
    assert config.resolve(asked, environment) == resolved
    assert config.read(resolved) == cluster


@pytest.mark.parametrize(
    "asked",
    [
        "dusk",
        "dask://",
        "tcp://a",
        "tcp://a:b",
        "http://a:1",
        "tcp://a:1/x",
        "tcp://a:1?shared=2",
        "tcp://a:1?other=1",
        "dask",
    ],
)
def test_what_names_none_is_refused(
    asked: str,
    write: Callable[..., Path],
    workflows: WorkflowManager,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    write(PATH, "stages:\n  a:\n    cmd: 'true'\n")
    with pytest.raises(InvalidExecutorError) as refused:
        workflows.runs.execute(PATH, RunRequest(executor=asked))
    assert refused.value.faults[0].field == "executor"
    assert "执行器" in refused.value.message.in_(CHINESE)
    assert workflows.runs.page(PATH) == ([], None)


def test_the_command_line_passes_it_on(project: Project, write: Callable[..., Path]) -> None:
    write(PATH, "stages:\n  a:\n    cmd: 'true'\n")
    words = ["run", "--json", "--executor", "dusk"]
    answer = python.run(python.MLWS, *words, cwd=project.root)
    assert answer.returncode == 1
    assert json.loads(answer.stderr)["code"] == "40210"


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "find_spec", lambda name: None)
    assert config.resolve("local") == "local"
    with pytest.raises(DaskNotInstalledError) as refused:
        config.resolve("tcp://a:1")
    assert "jupyter-mlws[dask]" in refused.value.solution.en
    assert importlib.util.find_spec("distributed")


def test_no_scheduler_at_the_address(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask, "CONNECT_TIMEOUT", 0.5)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(MLWSError) as refused:
            DaskCluster(Cluster(nobody), project.state, "a-run")
    assert refused.value.code == "40106"
    assert nobody in refused.value.message.en


def test_workers_of_another_version_are_refused(
    address: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_worker, "__version__", "0.0.1")
    with pytest.raises(WorkerMismatchError) as refused:
        DaskCluster(Cluster(address), project.state, "a-run")
    assert "≠ 0.0.1" in refused.value.facts["differences"]
    assert not list(project.state.glob("probe-*"))


def test_who_sees_the_folder_is_found_out(address: str, project: Project) -> None:
    with open_executor(address, 0, project, "a-run", []) as place:
        assert place.jobs == 2
    known = DaskCluster(Cluster(address), project.state, "a-run")
    known.close()
    assert known.shared


def test_data_has_no_way_without_a_remote(
    write: Callable[..., Path], run: Callable[..., Run], address: str
) -> None:
    write(PATH, "stages:\n  a:\n    cmd: echo 1 > a.txt\n    outs: [a.txt]\n")
    ended = run(executor=f"{address}?shared=false")
    assert ended.error is not None
    assert ended.error.code == "40111"
    # In it there is also how many there were at once, which only the cluster could tell.
    assert ended.jobs == 2


@pytest.fixture
def scheduler() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A scheduler with one worker, to be killed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = free.getsockname()
        address = f"tcp://127.0.0.1:{place[1]}"
    program = [sys.executable, "-m"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    main = subprocess.Popen(
        [*program, "distributed.cli.dask_scheduler", "--host", address, "--no-dashboard"], **quiet
    )
    worker = subprocess.Popen(
        [
            *program,
            "distributed.cli.dask_worker",
            address,
            "--nthreads=1",
            "--no-dashboard",
            "--no-nanny",
        ],
        **quiet,
    )
    deadline = time.monotonic() + LIMIT
    while True:
        with suppress(ConnectionError), socket.create_connection(place):
            break
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield main, address
    for process in (worker, main):
        process.kill()
        process.wait()


@pytest.mark.exhaustive
def test_a_run_whose_scheduler_dies_fails_and_is_resumed_elsewhere(
    write: Callable[..., Path],
    workflows: WorkflowManager,
    project: Project,
    scheduler: tuple[subprocess.Popen[str], str],
    states: Any,
) -> None:
    process, there = scheduler
    write(
        PATH,
        "stages:\n  first:\n    cmd: echo 1 > first.txt\n    outs: [first.txt]\n"
        "  slow:\n    cmd: echo $$ > begun; echo half > slow.txt; test -e go || sleep 60\n"
        "    deps: [first.txt]\n    outs: [slow.txt]\n",
    )
    execution = workflows.runs.execute(PATH, RunRequest(executor=there))
    deadline = time.monotonic() + LIMIT
    while not (project.root / "slow.txt").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    ended = Run(**workflows.runs.wait(PATH, execution["id"], LIMIT, recorded=False))
    assert ended.error is not None
    assert (ended.status, ended.error.code) == ("FAILED", "40107")
    assert states(ended) == {"first": "COMPLETED", "slow": "INTERRUPTED"}
    assert not (project.root / "slow.txt").exists()
    write("go", "")
    again = workflows.runs.execute(PATH, RunRequest(executor="local"))
    assert states(Run(**workflows.runs.wait(PATH, again["id"], LIMIT, recorded=False))) == {
        "first": "CACHED",
        "slow": "COMPLETED",
    }
