"""Git for shared projects in its own process, asked by packets that git itself would not send."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlws.hub.shared_projects import git_worker

PROJECT = "p-0123456789abcdef"
ZERO = "0" * 40
MAIN, SIDE, NEW, TAG = "refs/heads/main", "refs/heads/side", "refs/heads/new", "refs/tags/v1"


class Repository:
    """The worker's repository of one project, and commits to push to it.

    ``second`` follows ``first``; ``other`` is the root of another history.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._work = folder / "work"
        self._git("init", "--quiet", "--bare", str(self._work), cwd=folder)
        tree = self._git("mktree").strip()
        self.first = self._commit(tree, "first")
        self.second = self._commit(tree, "second", "-p", self.first)
        self.other = self._commit(tree, "other")
        objects = "\n".join((tree, self.first, self.second, self.other))
        self._pack = subprocess.run(
            ["git", "pack-objects", "--stdout", "--quiet"],
            cwd=self._work, input=objects.encode(), capture_output=True, check=True,
        ).stdout  # fmt: skip

    def _git(self, *arguments: str, cwd: Path | None = None) -> str:
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            **{f"GIT_{who}_{what}": "ann@example.org"
               for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        }  # fmt: skip
        return subprocess.run(
            ["git", *arguments], cwd=cwd or self._work, env=environment,
            stdin=subprocess.DEVNULL, capture_output=True, check=True, text=True,
        ).stdout  # fmt: skip

    def _commit(self, tree: str, message: str, *more: str) -> str:
        return self._git("commit-tree", tree, "-m", message, *more).strip()

    def ask(self, query: dict[str, object], body: bytes = b"") -> bytes:
        """Return the worker's answer to one request."""
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(self.folder / git_worker.SOCKET))
            line.sendall(json.dumps(query).encode() + b"\n" + body)
            line.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: line.recv(65536), b""))

    def push(
        self, *commands: tuple[str, str, str], owner: bool = False, atomic: bool = False
    ) -> str:
        """Send old id, new id and name of refs as they are, as a writer; return git's answer."""
        lines = [f"{old} {new} {ref}" for old, new, ref in commands]
        lines[0] += f"\0report-status{' atomic' if atomic else ''}"
        packets = "".join(f"{len(line) + 4:04x}{line}" for line in lines) + "0000"
        creates = any(new != ZERO for _, new, _ in commands)
        query = {
            "project": PROJECT,
            "user": "tom",
            "may_rewrite": owner,
            "room": 2**20,
            "push": "0" * 32,
            "cgi": {
                "REQUEST_METHOD": "POST",
                "PATH_INFO": "/repo.git/git-receive-pack",
                "CONTENT_TYPE": "application/x-git-receive-pack-request",
            },
        }
        answer = self.ask(query, packets.encode() + (self._pack if creates else b"")).decode()
        assert "unpack ok" in answer, answer
        return answer

    @property
    def refs(self) -> dict[str, str]:
        rows = self._git("for-each-ref", "--format=%(refname) %(objectname)", cwd=self.home)
        return dict(row.split(" ") for row in rows.splitlines())

    @property
    def home(self) -> Path:
        return self.folder / PROJECT / "repo.git"


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    """A project whose branches and tag point to ``second``, served by a worker process."""
    command = [sys.executable, "-m", "jupyter_mlws.hub.shared_projects.git_worker", str(tmp_path)]
    with subprocess.Popen(command) as worker:
        try:
            ready = tmp_path / git_worker.SOCKET
            while not ready.exists() or ready.stat().st_mode & 0o777 != 0o660:
                assert worker.poll() is None
            repository = Repository(tmp_path)
            assert repository.ask({"create": PROJECT}) == b""
            created = [(ZERO, repository.second, ref) for ref in (MAIN, SIDE, TAG)]
            assert repository.push(*created).count("ok refs/") == len(created)
            yield repository
        finally:
            worker.terminate()


def test_a_writer_neither_deletes_nor_rewrites_whatever_old_id_is_sent(
    repository: Repository,
) -> None:
    before, second, other = repository.refs, repository.second, repository.other
    for ref in (MAIN, SIDE, TAG):
        for old in (ZERO, second, other):
            for commands, atomic in (
                ([(old, ZERO, ref)], False),
                ([(old, other, ref)], False),
                ([(old, ZERO, ref), (ZERO, other, ref)], False),
                ([(old, ZERO, ref), (ZERO, other, NEW)], True),
            ):
                answer = repository.push(*commands, atomic=atomic)
                assert f"ng {ref}" in answer, (commands, answer)
                assert "ok refs/" not in answer
                assert repository.refs == before, (commands, answer)
    # A deletion of what is not there could meet a push that creates it.
    for ref in (NEW, "refs/replace/" + second, "HEAD"):
        assert f"ng {ref}" in repository.push((ZERO, ZERO, ref))
    assert f"ok {NEW}" in repository.push((ZERO, repository.first, NEW))
    assert f"ok {NEW}" in repository.push((repository.first, second, NEW))


def test_an_owner_rewrites_and_deletes_all_but_the_default_branch(repository: Repository) -> None:
    second, other = repository.second, repository.other
    for old in (ZERO, second):
        assert f"ng {MAIN}" in repository.push((old, ZERO, MAIN), owner=True)
    # The audit log takes the ids from the client.
    for ref in (SIDE, TAG):
        assert f"ng {ref}" in repository.push((ZERO, ZERO, ref), owner=True)
    assert repository.refs == dict.fromkeys((MAIN, SIDE, TAG), second)
    pushed = [(second, other, MAIN), (second, ZERO, SIDE), (second, ZERO, TAG)]
    assert repository.push(*pushed, owner=True).count("ok refs/") == len(pushed)
    assert repository.refs == {MAIN: other}
    record = (repository.home.parent / "pushes" / ("0" * 32)).read_text()
    assert record.splitlines() == ["tom", *(" ".join(row) for row in pushed)]
