"""Docker's events reach their listener once each, and the listener survives the engine."""

from __future__ import annotations

import queue
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlparse

import docker as docker_py
import pytest

from hub_config.engine import Engine
from jupyter_mlws.hub.docker.events import EngineEvent, EventWatcher

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1500)]


class Listener:
    """Remembers what it is told, in order; ``gap`` stands for a new connection."""

    def __init__(self) -> None:
        self.told: queue.Queue[EngineEvent | str] = queue.Queue()

    def event(self, event: EngineEvent) -> None:
        self.told.put(event)

    def gap(self) -> None:
        self.told.put("gap")

    def next(self) -> EngineEvent | str:
        return self.told.get(timeout=20)

    def actions(self, count: int) -> list[str]:
        rows = [self.next() for _ in range(count)]
        return [row if isinstance(row, str) else row.action for row in rows]


class Relay:
    """A socket between watcher and engine that can be cut, as a restarted engine cuts it."""

    def __init__(self, target: str, path: Path) -> None:
        self._target = target
        self.path = path
        self._pairs: list[socket.socket] = []
        self._server = self._listen()

    @property
    def url(self) -> str:
        return f"unix://{self.path}"

    def _listen(self) -> socket.socket:
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(self.path))
        server.listen()
        threading.Thread(target=self._accept, args=(server,), daemon=True).start()
        return server

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                near, _ = server.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._target)
            self._pairs += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while chunk := source.recv(65536):
                sink.sendall(chunk)
        except OSError:
            return

    def cut(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.path.unlink()
        for end in self._pairs:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        self._pairs.clear()

    def mend(self) -> None:
        self._server = self._listen()


@pytest.fixture
def relay(docker: Engine, tmp_path: Path) -> Iterator[Relay]:
    address = docker.host or docker_py.constants.DEFAULT_UNIX_SOCKET.replace("http+", "")
    between = Relay(urlparse(address).path, tmp_path / "s")
    yield between
    between.cut()


@pytest.fixture
def name() -> str:
    return f"mlws-test-{secrets.token_hex(4)}"


@pytest.fixture
def listener(relay: Relay, name: str) -> Iterator[Listener]:
    heard = Listener()
    watcher = EventWatcher(
        lambda: docker_py.APIClient(base_url=relay.url, version="auto"),
        name,
        heard.event,
        heard.gap,
    )
    watcher.start()
    yield heard
    watcher.close()
    assert "docker-events" not in {thread.name for thread in threading.enumerate()}


def run(docker: Engine, image: str, name: str, code: int, hub: str | None = None) -> None:
    """A container of the Hub ``hub`` that ends with ``code`` and is removed."""
    script = ("sh", "-c", f"exit {code}")
    label = f"--label=mlws.hub={hub or name}"
    docker.run("create", f"--name={name}", label, "--label=mlws.user=ada", image, *script)
    docker.run("start", name)
    docker.run("wait", name)
    docker.run("rm", name)


@pytest.mark.exhaustive
def test_the_life_of_a_container_is_told_in_order_with_its_labels(
    docker: Engine, image: str, listener: Listener, name: str
) -> None:
    assert listener.next() == "gap"
    run(docker, image, name, 3)
    rows = [listener.next() for _ in range(4)]
    events = [row for row in rows if isinstance(row, EngineEvent)]
    assert [event.action for event in events] == ["create", "start", "die", "destroy"]
    assert {event.container for event in events} == {events[0].container}
    assert [event.exit_code for event in events] == [None, None, 3, None]
    assert events[0].name == name
    assert events[0].labels["mlws.user"] == "ada"
    assert abs(events[0].time - time.time()) < 20


def test_containers_of_others_are_not_told(
    docker: Engine, image: str, listener: Listener, name: str
) -> None:
    assert listener.next() == "gap"
    run(docker, image, name, 0, hub="mlws-test-of-others")
    run(docker, image, name, 0)
    first = listener.next()
    assert isinstance(first, EngineEvent)
    assert first.labels["mlws.hub"] == name


def test_what_happens_while_the_engine_cannot_be_reached_is_told_after(
    docker: Engine, image: str, relay: Relay, listener: Listener, name: str
) -> None:
    assert listener.next() == "gap"
    run(docker, image, name, 0)
    assert listener.actions(4) == ["create", "start", "die", "destroy"]
    relay.cut()
    run(docker, image, name, 0)
    relay.mend()
    # The owner sweeps first; then comes what it missed, and nothing of before a second time.
    assert listener.actions(5) == ["gap", "create", "start", "die", "destroy"]
    assert listener.told.empty()


def test_a_fault_of_the_listener_does_not_end_the_news(
    docker: Engine, image: str, relay: Relay, name: str
) -> None:
    told: queue.Queue[str] = queue.Queue()

    def stumble(event: EngineEvent) -> None:
        told.put(event.action)
        raise ValueError("on purpose")

    connected = threading.Event()
    watcher = EventWatcher(
        lambda: docker_py.APIClient(base_url=relay.url, version="auto"),
        name,
        stumble,
        connected.set,
    )
    watcher.start()
    assert connected.wait(20)
    run(docker, image, name, 0)
    assert [told.get(timeout=20) for _ in range(4)] == ["create", "start", "die", "destroy"]
    watcher.close()
