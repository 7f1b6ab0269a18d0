"""Whatever a person sends, the answer is one that the contract has, and no fault of ours."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import cycle, product
from pathlib import Path

import pytest
import requests

from jupyter_mlws.core.trust import trust
from jupyter_mlws.routes import ROUTES
from tests.fuzzing import MODES, REQUESTS, WANTED, GenerationMode, Place, operations
from tests.ports import free_port
from tests.server import fork
from tests.ui.conftest import TOKEN, isolated, made_example

__all__ = ["made_example"]

pytestmark = pytest.mark.timeout(600)

HEADERS = {"Authorization": f"token {TOKEN}"}
START_LIMIT = 60.0
OPERATIONS = operations(ROUTES, "/mlws/api/v1/openapi.json")
# All that follows it would be refused.
del OPERATIONS["DELETE /projects/trust"]


def ids_of(url: str) -> dict[str, list[str]]:
    """What is there of each kind, and a model."""
    model = {"name": "wine", "params": {"depth": 3}, "metrics": {"accuracy": 0.9}}
    requests.post(f"{url}/models", headers=HEADERS, json=model, timeout=120)

    def ids(path: str, name: str) -> list[str]:
        answer = requests.get(f"{url}/{path}", headers=HEADERS, timeout=60)
        return [row[name] for row in answer.json()["data"]["items"]]

    known = {
        "workflow": ids("workflows", "id"),
        "dataset": ids("datasets", "id"),
        "snapshot": ["HEAD", *ids("snapshots", "id")],
        "model": ids("models", "name"),
        "run": ids("runs", "id"),
    }
    assert all(known.values()), known
    return known


@pytest.fixture(scope="module")
def place(made_example: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("fuzz")
    root, environment, port = folder / "workspace", isolated(folder), free_port()
    shutil.copytree(made_example, root, symlinks=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_DATA_DIR", environment["JUPYTER_DATA_DIR"])
        trust(root)
    server = fork(
        folder,
        [
            "--no-browser", "--allow-root",
            "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}",
            f"--ServerApp.root_dir={root}", f"--IdentityProvider.token={TOKEN}",
            "--ServerApp.jpserver_extensions={'jupyter_mlws': True}",
        ],
        environment,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}/mlws/api/v1"
    try:
        deadline = time.monotonic() + START_LIMIT
        while time.monotonic() < deadline:
            with suppress(requests.ConnectionError):
                requests.get(f"{url}/openapi.json", headers=HEADERS, timeout=60)
                break
            time.sleep(0.1)
        yield Place(url, HEADERS, ids_of(url))
    finally:
        assert server.pid
        os.kill(server.pid, signal.SIGTERM)
        server.wait(30)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.slow(reason="hundreds of generated requests")
def test_the_contract_holds(name: str, mode: GenerationMode, place: Place) -> None:
    place.answers(OPERATIONS[name], mode)


@pytest.mark.skipif(not WANTED, reason="only a long series has a length")
@pytest.mark.timeout(5400)
def test_the_series_is_as_long_as_it_should_be(place: Place) -> None:
    # Hypothesis ends early where it has sent all that there is, as of a GET without a query.
    length = REQUESTS * len(MODES) * len(OPERATIONS)
    for name, mode in cycle(product(OPERATIONS, MODES)):
        if place.sent.total() >= length:
            break
        place.answers(OPERATIONS[name], mode)
