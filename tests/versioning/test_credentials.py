"""A password is asked for, reaches git's own HTTP server, and nothing else."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError

from jupyter_mlws.core import operations
from jupyter_mlws.core.errors import PromptTimeoutError
from jupyter_mlws.core.operations import CancelledOperationError
from jupyter_mlws.git.commits import commit_tree
from jupyter_mlws.projects.manager import ProjectManager
from jupyter_mlws.workspace import Workspace
from mlws.core.errors import MLWSError
from tests.versioning.git_server import PASSWORD, USER, served

Command = Callable[..., str]
API = "mlws/api/v1"


@pytest.fixture
def address(tmp_path: Path, git: Command) -> Iterator[str]:
    (tmp_path / "served").mkdir()
    git(tmp_path / "served", "init", "-q", "--bare", "bare.git")
    with served(tmp_path / "served") as address:
        yield f"{address}/bare.git"


@pytest.fixture
def remote(versions: Workspace, address: str) -> Workspace:
    """``origin`` wants a password; the data is committed to stay here."""
    root = versions.snapshots.project.root
    for path in ("data/wine.csv.dvc", "data/images.dvc"):
        (root / path).unlink()
    versions.snapshots.create("No data", ["data"])
    # Nor is any named by an older commit that a push would have to bring along.
    git = versions.snapshots._git
    tree = git.tree_of("HEAD")
    git.run("update-ref", "refs/heads/main", commit_tree(git, tree, [], "Alone"))
    versions.remotes.put("origin", address)
    return versions


class Person:
    """Answers what is asked, and remembers it."""

    def __init__(self, *passwords: str) -> None:
        self.asked: list[tuple[str, bool]] = []
        self._passwords = list(passwords)

    def __call__(self, prompt: str, secret: bool) -> str:
        self.asked.append((prompt, secret))
        return self._passwords.pop(0) if secret else USER


def refused(call: Callable[[], object]) -> MLWSError:
    with pytest.raises(MLWSError) as error:
        call()
    return error.value


def test_one_is_asked_once_for_a_push_of_many_calls(
    remote: Workspace, git: Command, tmp_path: Path
) -> None:
    person = Person(PASSWORD)
    sent = remote.remotes.push(ask=person)
    assert git(tmp_path / "served" / "bare.git", "rev-parse", "main").strip() == sent.commit
    assert [secret for _, secret in person.asked] == [False, True]
    assert person.asked[0][0].startswith("Username for 'http://127.0.0.1:")
    person = Person(PASSWORD)
    remote.remotes.fetch(ask=person)
    assert len(person.asked) == 2
    assert remote.remotes.pull(ask=Person(PASSWORD)).outcome.value == "up_to_date"
    remote.branches.tags.create("v1")
    remote.remotes.push_tag("v1", ask=Person(PASSWORD))
    root = remote.snapshots.project.root
    found = [path for path in root.rglob("*") if path.is_file() and _holds(path, PASSWORD)]
    assert not found


def _holds(path: Path, text: str) -> bool:
    return text.encode() in path.read_bytes()


def test_a_wrong_password_is_told(remote: Workspace, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    error = refused(lambda: remote.remotes.push(ask=Person("wrong one")))
    assert (error.code, error.facts["remote"]) == ("30254", "origin")
    assert "wrong one" not in json.dumps(error.as_dict("en")) + caplog.text


def test_nobody_to_ask_and_somebody_who_gives_up(remote: Workspace) -> None:
    error = refused(remote.remotes.push)
    assert error.code == "30101"
    assert "Username" in error.facts["reason"]

    def gives_up(prompt: str, secret: bool) -> str:
        raise CancelledOperationError

    with pytest.raises(CancelledOperationError):
        remote.remotes.push(ask=gives_up)

    def says_too_late(prompt: str, secret: bool) -> str:
        raise PromptTimeoutError(seconds="1", prompt=prompt)

    assert refused(lambda: remote.remotes.fetch(ask=says_too_late)).code == "30255"
    assert not [t for t in threading.enumerate() if t.name == "mlws-askpass"]


def test_a_clone_asks_too_and_a_failed_one_leaves_nothing(
    remote: Workspace, address: str, tmp_path: Path
) -> None:
    remote.remotes.push(ask=Person(PASSWORD))
    (tmp_path / "home").mkdir()
    manager = ProjectManager(tmp_path / "home")
    error = refused(lambda: manager.clone(address, ask=Person("wrong")))
    assert error.code == "30254"
    assert list((tmp_path / "home").iterdir()) == []
    made = manager.clone(address, ask=Person(PASSWORD))
    assert (made.name, made.branch) == ("bare", "main")
    assert (tmp_path / "home" / "bare" / "train.py").exists()
    assert refused(lambda: manager.clone(address)).code == "50203"
    assert refused(lambda: manager.clone("ext::x", "x")).faults[0].field == "url"
    assert refused(lambda: manager.clone(address, "../x")).code == "50302"
    again = manager.clone(str(tmp_path / "served" / "bare.git"), "deep/again")
    assert again.path == "deep/again"
    manager.close()


# Over REST


@pytest.fixture
def call(fetch):
    async def call(method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        text = json.dumps(body) if body is not None else None
        try:
            answer = await fetch(API, path, method=method, body=text)
        except HTTPClientError as error:
            answer = error.response
        return answer.code, json.loads(answer.body)

    return call


@pytest.fixture
def until(call):
    """Wait until an operation is in one of the states."""

    async def until(identifier: str, *states: str) -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            operation = (await call("GET", f"operations/{identifier}"))[1]["data"]
            if operation["state"] in states:
                return operation
            await asyncio.sleep(0.05)
        raise AssertionError(operation)

    return until


@pytest.fixture
def answer(call, until):
    """Answer an operation's questions for name and password."""

    async def answer(identifier: str) -> None:
        for secret, value in ((False, USER), (True, PASSWORD)):
            waiting = await until(identifier, "WAITING", "FAILED")
            while waiting["question"]["secret"] != secret:
                waiting = await until(identifier, "WAITING", "FAILED")
            status, _ = await call("POST", f"operations/{identifier}/answer", {"value": value})
            assert status == 202

    return answer


async def test_an_operation_waits_for_its_answer(
    call, until, answer, remote: Workspace, git: Command, tmp_path: Path, caplog
) -> None:
    caplog.set_level(logging.DEBUG)
    status, body = await call("POST", "git/push", {})
    assert status == 202
    identifier = body["data"]["id"]
    await answer(identifier)
    ended = await until(identifier, "COMPLETED", "FAILED")
    assert ended["state"] == "COMPLETED", ended
    assert ended["question"] is None
    assert git(tmp_path / "served" / "bare.git", "rev-parse", "main")
    status, body = await call("POST", f"operations/{identifier}/answer", {"value": "late"})
    assert (status, body["code"]) == (409, "30259")
    status, body = await call("POST", "operations/nothing/answer", {"value": "x"})
    assert (status, body["code"]) == (404, "50403")
    assert PASSWORD not in caplog.text


async def test_a_waiting_operation_is_cancelled_or_ends_by_itself(
    call, until, remote: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, body = await call("POST", "git/fetch", {})
    identifier = body["data"]["id"]
    await until(identifier, "WAITING")
    # Whoever comes later finds the question, too.
    _, body = await call("GET", "operations")
    assert [(row["id"], row["state"]) for row in body["data"]["items"]] == [(identifier, "WAITING")]
    await call("POST", f"operations/{identifier}/cancel", {})
    await until(identifier, "CANCELLED")
    assert (await call("GET", "operations"))[1]["data"]["items"] == []
    monkeypatch.setattr(operations, "ANSWER_TIMEOUT", 0.2)
    _, body = await call("POST", "git/fetch", {})
    ended = await until(body["data"]["id"], "FAILED", "COMPLETED")
    assert (ended["state"], ended["error"]["code"]) == ("FAILED", "30255")


async def test_a_project_is_cloned(call, until, answer, remote: Workspace, address: str) -> None:
    remote.remotes.push(ask=Person(PASSWORD))
    status, body = await call("POST", "projects/clone", {"url": address, "name": "copy"})
    assert status == 202
    await answer(body["data"]["id"])
    ended = await until(body["data"]["id"], "COMPLETED", "FAILED")
    assert ended["result"]["path"] == "copy", ended
    status, body = await call("POST", "projects/clone", {"url": "https://a:b@c/d.git"})
    assert (status, body["errors"][0]["field"]) == (400, "url")
