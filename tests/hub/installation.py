"""A whole installation for tests: Hub, proxy, service and containers, gone without a trace after.

It is started by the code of ``make hub``, beside whatever else runs on the machine.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import json
import os
import re
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlparse

import docker.utils
import pytest
import requests

from hub_config import processes, settings_file
from hub_config.engine import Engine, EngineError
from hub_config.settings import ROOT, Settings
from jupyter_mlws.api.openapi import errors_of
from jupyter_mlws.api.rest import JSON
from jupyter_mlws.hub.routes import ROUTES
from tests.hub.docker_engine import LIGHT, cache_folder

PASSWORD = "a-long-password-of-tests"
ADMINISTRATOR = "admin"
START_LIMIT = 600.0
MAX_POLL_INTERVAL = 1.0
"""Seconds between two questions in a long wait; each takes processor time of the Hub."""
CHANGED_SETTINGS = "changed-settings.json"
"""tests/hub/hub_configuration.py reads it."""
FAILED = pytest.StashKey[bool]()
"""Of a session: whether the running test has failed."""
CLAIMS: list[IO[str]] = []
"""Locks of the slots that this process uses."""


@dataclass
class Hub:
    """A running installation. Names of people are made up by the tests that use them.

    ``url`` is the address people open (``{url}/hub/login``), ``engine`` the Docker command line,
    ``name`` the value of the label ``mlws.hub``, ``settings`` the rest.
    """

    settings: Settings
    engine: Engine
    environment: Mapping[str, str]
    password: str = PASSWORD
    _sessions: dict[str, requests.Session] = field(default_factory=dict)
    _tokens: dict[str, str] = field(default_factory=dict)
    _accounts: set[str] = field(default_factory=set)

    @property
    def url(self) -> str:
        return self.settings.url

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def log(self) -> Path:
        """The log of Hub, proxy and service."""
        return self.settings.data / "hub.log"

    # People

    def sign_up(self, user: str) -> str:
        """A new person with the password ``hub.password``, agreed to by the administrator.

        The person's API token. Called again for the same name, it does nothing else.
        """
        if user not in self._accounts:
            session = self._new_session()
            form = {
                "username": user,
                "password": self.password,
                "repeated_password": self.password,
                "_xsrf": self._xsrf(session, "/hub/signup"),
            }
            answer = session.post(f"{self.url}/hub/signup", data=form, timeout=20)
            assert answer.ok, answer.text
            administrator = self.session(ADMINISTRATOR)
            form = {
                "action": "approve",
                "username": user,
                "_xsrf": self._xsrf(administrator, "/hub/accounts"),
            }
            agreed = administrator.post(f"{self.url}/hub/accounts", data=form, timeout=20)
            assert agreed.ok, agreed.text
            self._accounts.add(user)
        return self.token(user)

    def session(self, user: str = ADMINISTRATOR) -> requests.Session:
        """A browser's session of somebody who has signed in: cookies, no token."""
        if user not in self._sessions:
            session = self._new_session()
            form = {
                "username": user,
                "password": self.password,
                "_xsrf": self._xsrf(session, "/hub/login"),
            }
            answer = session.post(f"{self.url}/hub/login", data=form, timeout=20)
            assert answer.ok, f"{user} can't sign in: {answer.status_code}"
            self._sessions[user] = session
        return self._sessions[user]

    def token(self, user: str = ADMINISTRATOR) -> str:
        """An API token that may do whatever the person may; ``hub.token()`` is the admin's."""
        if user not in self._tokens:
            session = self.session(user)
            answer = session.post(
                f"{self.url}/hub/api/users/{user}/tokens",
                headers={"X-XSRFToken": self._xsrf(session, "/hub/token")},
                json={"note": "tests"},
                timeout=20,
            )
            assert answer.status_code == 201, answer.text
            self._tokens[user] = answer.json()["token"]
        return self._tokens[user]

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        session.headers["Host"] = self.host("/hub/")
        return session

    def _xsrf(self, session: requests.Session, page: str) -> str:
        answer = session.get(f"{self.url}{page}", timeout=20)
        assert answer.ok, f"{page}: {answer.status_code}"
        return session.cookies.get("_xsrf", path="/hub/") or ""

    # Calls

    def api(
        self, method: str, path: str, user: str = ADMINISTRATOR, **more: Any
    ) -> requests.Response:
        """The Hub's REST API as ``user``: ``hub.api("GET", "users/ada", "ada")``."""
        return self.request(method, f"/hub/api/{path}", user, **more)

    def service(
        self, method: str, path: str, user: str | None = ADMINISTRATOR, **more: Any
    ) -> requests.Response:
        """The service's REST API as ``user``, or as nobody; errors must be declared."""
        answer = self.request(method, f"/services/mlws/api/v1/{path}", user, **more)
        if answer.status_code >= 400 and answer.headers.get("Content-Type") == JSON:
            matching = (h for pattern, h in ROUTES if re.fullmatch(pattern, path.split("?")[0]))
            handler = next(matching, None)
            declared = getattr(getattr(handler, method.lower(), None), "endpoint", None)
            if declared is not None:
                codes = {error.code for error in errors_of(handler, declared)}
                assert answer.json()["code"] in codes, answer.text
        return answer

    def create(self, user: str, **body: Any) -> str:
        """Ask for a container of a person's; its id."""
        answer = self.service("POST", "containers", user, json=body)
        assert answer.status_code == 202, answer.text
        identifier: str = answer.json()["data"]["id"]
        return identifier

    def lab(self, method: str, user: str, path: str, server: str = "", **more: Any) -> Any:
        """A person's own lab through the proxy: ``hub.lab("GET", "ada", "api/status")``."""
        place = f"{user}/{server}" if server else user
        return self.request(method, f"/user/{place}/{path}", user, **more)

    def host(self, path: str) -> str:
        """The name and port under which a path is served: a sub-domain where the Hub has them.

        Browsers know that names in `localhost` are this machine, Python does not.
        """
        public = urlparse(self.settings.subdomain or self.url).netloc
        kind, name = (*path.split("/"), "")[1:3]
        if not self.settings.subdomain or kind not in ("services", "user"):
            return public
        return f"{name}--service.{public}" if kind == "services" else f"{name}.{public}"

    def request(self, method: str, path: str, user: str | None, **more: Any) -> requests.Response:
        headers = {"Host": self.host(path), **more.pop("headers", {})}
        if user is not None:
            headers["Authorization"] = f"token {self.token(user)}"
        return requests.request(
            method,
            f"{self.url}{path}",
            headers=headers,
            timeout=more.pop("timeout", 60),
            allow_redirects=False,
            **more,
        )

    # Servers

    def spawn(
        self, user: str, options: Mapping[str, Any] | None = None, server: str = ""
    ) -> requests.Response:
        """Ask the Hub to start a server; 201 or 202, or the refusal."""
        return self.api(
            "POST",
            f"users/{user}/{_servers(server)}",
            user,
            json={"user_options": dict(options or {})},
        )

    def start(
        self, user: str, options: Mapping[str, Any] | None = None, server: str = ""
    ) -> dict[str, Any]:
        """Start a server and wait until the Hub says that it is ready; ``docker inspect`` of it."""
        answer = self.spawn(user, options, server)
        assert answer.status_code in (201, 202), answer.text
        self.wait_for(lambda: self.server(user, server).get("ready"), f"{user}'s server is ready")
        return self.inspect(user, server)

    def stop(self, user: str, server: str = "", remove: bool = False) -> None:
        """Stop a server and wait for it; ``remove`` deletes a named one as well."""
        body = {"remove": True} if remove else None
        answer = self.api("DELETE", f"users/{user}/{_servers(server)}", user, json=body)
        assert answer.status_code in (202, 204), answer.text
        self.wait_for(lambda: not self.server(user, server), f"{user}'s server is gone")

    def server(self, user: str, server: str = "") -> dict[str, Any]:
        """What the Hub says of an active server; empty where it is not active."""
        servers: dict[str, Any] = self.api("GET", f"users/{user}").json()["servers"]
        return servers.get(server, {})

    @functools.cached_property
    def client(self) -> docker.APIClient:
        """The engine's API: a call of it takes a tenth of the time of a ``docker`` process."""
        environment = docker.utils.kwargs_from_env(environment=self.engine.environment)
        return docker.APIClient(**{"version": "auto", "timeout": 600, **environment})

    def containers(self) -> list[str]:
        """Docker's ids of all people's containers, running or not."""
        return self._ids(f"mlws.hub={self.name}")

    def container(self, user: str, server: str = "") -> str:
        """Docker's id of a server's newest container; empty where it has none."""
        found = self._ids(f"mlws.hub={self.name}", f"mlws.id={user}--{server or 'default'}")
        return next(iter(found), "")

    def _ids(self, *labels: str) -> list[str]:
        found = self.client.containers(all=True, filters={"label": list(labels)})
        return [one["Id"] for one in found]

    # Containers, as the service tells of them to the administrator

    def everything(self) -> list[dict[str, Any]]:
        """All containers."""
        answer = self.service("GET", "containers", params={"limit": 500})
        items: list[dict[str, Any]] = answer.json()["data"]["items"]
        return items

    def get(self, identifier: str) -> dict[str, Any]:
        """One container; empty where there is none."""
        found: dict[str, Any] = self.service("GET", f"containers/{identifier}").json()
        return found.get("data") or {}

    def becomes(self, identifier: str, *statuses: str) -> dict[str, Any]:
        """Wait until it is so; the container."""

        found: dict[str, Any] = {}

        def reached() -> bool:
            found.update(self.get(identifier) or {"status": "gone"})
            return found["status"] in statuses

        try:
            self.wait_for(reached, f"{identifier} is {statuses}")
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {found}") from None
        return found

    @property
    def records(self) -> Path:
        """The service's own database."""
        return self.settings.data / "mlws.sqlite"

    def has_begun(self, identifier: str) -> None:
        """Wait until it is written down as started: a new service has nothing to do with it."""

        def nothing_left() -> bool:
            with contextlib.closing(sqlite3.connect(self.records)) as tables:
                rows = tables.execute("SELECT intent FROM containers WHERE id = ?", [identifier])
                return rows.fetchone() == ("",)

        self.wait_for(nothing_left, f"the start of {identifier} is written down as done")

    def clear(self) -> None:
        """Delete all containers."""
        for container in self.everything():
            self.service("DELETE", f"containers/{container['id']}")
        self.wait_for(lambda: not self.everything(), "all containers are deleted")

    # Docker

    def inspect(self, user: str, server: str = "") -> dict[str, Any]:
        """What Docker knows of a server's container."""
        found = self.container(user, server)
        assert found, f"{user} has no container {server!r}"
        value: dict[str, Any] = self.client.inspect_container(found)
        return value

    def age(self, user: str, server: str = "") -> float:
        """Seconds since Docker has started a server's container."""
        started = datetime.fromisoformat(self.inspect(user, server)["State"]["StartedAt"])
        return (datetime.now(UTC) - started).total_seconds()

    def core_seconds(self, user: str) -> float:
        """What counts of a user's cores this month."""
        rows = self.service("GET", "resources/usage", user).json()["data"]["items"]
        return float(3600 * sum(row["core_hours"] for row in rows if row["name"] == user))

    def shell(self, user: str, script: str, server: str = "") -> str:
        """What a shell script prints that runs in a server's container."""
        command = ["sh", "-c", script]
        identifier = self.client.exec_create(self.container(user, server), command)["Id"]
        output, errors = self.client.exec_start(identifier, demux=True)
        if self.client.exec_inspect(identifier)["ExitCode"]:
            raise EngineError(f"{script}: {output!r}{errors!r}")
        return (output or b"").decode().strip()

    def is_running(self, container: str) -> bool:
        return bool(self.client.inspect_container(container)["State"]["Running"])

    def logs(self, container: str) -> str:
        """Both streams of a container, by Docker's id or name."""
        text: bytes = self.client.logs(container)
        return text.decode()

    def wait_for(self, condition: Any, what: str, seconds: float = 120.0) -> Any:
        """Ask again and again, first soon and then less often, until it is true; its value."""
        deadline = time.monotonic() + seconds
        interval = 0.1
        while not (value := condition()):
            assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
            time.sleep(interval)
            interval = min(1.25 * interval, MAX_POLL_INTERVAL)
        return value

    # The installation itself

    def up(self, **more: str) -> str:
        """What ``make hub`` prints with the settings of these variables, and ``more``, alone."""
        settings_file.path_of(self.settings.data).unlink(missing_ok=True)
        return _run("hub_config.up", "--installed", environment={**self.environment, **more})

    def elsewhere(self, module: str, *arguments: str, **variables: str) -> str:
        """What a program prints in a shell that knows nothing but the installation's folder."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME")}
        environment = {**kept, "HUB_DATA": str(self.settings.data), **variables}
        return _run(module, *arguments, environment=environment)

    def down(self, *arguments: str) -> str:
        """What ``make hub-down`` prints."""
        return _run("hub_config.down", *arguments, environment=self.environment)

    def module(self, name: str, *arguments: str, fails: bool = False) -> str:
        """What a program of ``hub_config`` prints."""
        return _run(name, *arguments, environment=self.environment, fails=fails)

    def service_processes(self) -> list[int]:
        """The processes of this installation's service."""
        pids = []
        for pid in processes.hub_pids(self.settings):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
                if b"jupyter_mlws.hub.service" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    pids.append(pid)
        return pids

    def end_service(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End the service, and wait until the Hub has started it again."""
        ended = self.service_processes()
        for pid in ended:
            os.kill(pid, how)

        def is_another() -> bool:
            return not set(ended) & set(self.service_processes()) and self.service("GET", "me").ok

        self.wait_for(is_another, "the Hub starts the service again")

    def change(self, settings: Mapping[str, Any]) -> None:
        """Give the service other entries of ``MLWS_SETTINGS`` than its own, and no container."""
        path = self.settings.data / CHANGED_SETTINGS
        before = json.loads(path.read_text()) if path.exists() else {}
        if before != settings:
            self.clear()
            path.write_text(json.dumps(settings))
            self.end_service(signal.SIGTERM)

    def again(self, **variables: str) -> Hub:
        """This Hub, started again with further variables and the same accounts."""
        environment = {**self.environment, **variables}
        other = Hub(Settings.read(environment), self.engine, environment, _accounts=self._accounts)
        other.up()
        return other

    def wipe(self) -> None:
        """Remove the folder with databases and secrets."""
        shutil.rmtree(self.settings.data)

    def forget(self) -> None:
        """Sign in anew at the next call, as after a restart of the Hub with a new database."""
        self._sessions.clear()
        self._tokens.clear()


def _servers(server: str) -> str:
    return f"servers/{server}" if server else "server"


def _run(module: str, *arguments: str, environment: Mapping[str, str], fails: bool = False) -> str:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=START_LIMIT,
    )
    assert bool(done.returncode) is fails, f"{module}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr if fails else done.stdout


@contextlib.contextmanager
def installation(engine: Engine, image: str, data: Path, home: str, **more: str) -> Iterator[Hub]:
    """A Hub of its own: name, ports, network and folder; everything of it is removed at the end.

    ``more`` are further variables of hub_config/README.md, ``HUB_CAPACITY`` for instance.
    """
    slot = free_slot(engine)
    environment = {
        **engine.environment,
        # The tests' own empty home hides node's and pip's caches and settings.
        "HOME": home,
        "MLWS_ADMIN_PASSWORD": PASSWORD,
        "HUB_NAME": f"mlws-test-{secrets.token_hex(3)}",
        "HUB_DATA": str(data),
        "HUB_PORT": str(slot.ports[0]),
        "HUB_PROXY_API_PORT": str(slot.ports[1]),
        # On Swarm these two are on an address that installations share.
        "HUB_API_PORT": str(slot.ports[2]),
        "HUB_SERVICE_PORT": str(slot.ports[3]),
        "HUB_SUBNET": slot.subnet,
        "HUB_IMAGES": json.dumps({"Lab": image, "Light": LIGHT}),
        # More than a small machine has, so that tests don't queue behind each other.
        "HUB_CAPACITY": '{"cpu": "16", "memory": "24Gi"}',
        "HUB_ADMIN": ADMINISTRATOR,
        # For servers of the tests.
        "HUB_HOST_PORTS": str(slot.ports[4]),
        "HUB_SHARED_PROJECTS": "8",
        "HUB_SHARED_PROJECT_SIZE": "128Mi",
        "HUB_CONFIG": str(Path(__file__).parent / "hub_configuration.py"),
        "HUB_METRICS_TOKEN": secrets.token_hex(32),
        **more,
    }
    hub = Hub(Settings.read(environment), engine, environment)
    try:
        hub.up()
        yield hub
    finally:
        hub.down("--everything", "--yes")


@contextlib.contextmanager
def tested(
    docker: Engine, image: str, folder: Path, request: pytest.FixtureRequest, **settings: str
) -> Iterator[Hub]:
    """A running Hub; its log is in ``test-results/`` where a test failed."""
    with installation(docker, image, folder, HOME, **settings) as running:
        yield running
        if has_failed(request):
            keep_log(running)


def emptied() -> Any:
    """A fixture by which every test of a file ends without containers."""

    @pytest.fixture(autouse=True)
    def clear(hub: Hub, request: pytest.FixtureRequest) -> Iterator[None]:
        yield
        if not has_failed(request):
            hub.clear()

    return clear


def has_failed(request: pytest.FixtureRequest) -> bool:
    """Return True if the test has failed: its Hub is stopped then and serves no other test."""
    return request.session.stash.get(FAILED, False)


def keep_log(hub: Hub) -> None:
    """Copy the log to where the results of a run are looked at."""
    folder = ROOT / "test-results"
    folder.mkdir(exist_ok=True)
    if hub.log.is_file():
        shutil.copyfile(hub.log, folder / f"{hub.name}.log")


@dataclass(frozen=True)
class Slot:
    """Addresses and ports of one installation, which no other test process gets."""

    subnet: str
    ports: range


def free_slot(engine: Engine) -> Slot:
    """A /24 for tests (RFC 2544) that no network of the engine has, and ports of the loopback.

    The ports are below those that Linux gives to outgoing connections. The kernel releases the
    lock of the slot at the end of this process.
    """
    ids = engine.run("network", "ls", "--quiet").split()
    form = "{{range .IPAM.Config}}{{.Subnet}} {{end}}"
    taken = engine.run("network", "inspect", "--format", form, *ids).split()
    folder = cache_folder() / "slots"
    folder.mkdir(exist_ok=True)
    for number in range(256):
        slot = Slot(f"198.19.{number}.0/24", range(20_000 + 8 * number, 20_008 + 8 * number))
        claim = (folder / str(number)).open("w")
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            claim.close()
            continue
        CLAIMS.append(claim)
        if slot.subnet not in taken and all(map(is_free, slot.ports)):
            return slot
    raise RuntimeError("all networks and ports for tests are in use")


def is_free(port: int) -> bool:
    """Whether no server listens on that port of the loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def host_of(url: str) -> str:
    return str(urlparse(url).hostname)


def text_of(page: str) -> str:
    """What a person reads of an HTML page."""
    return re.sub(r"\s+", " ", re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", page, flags=re.S))


HOME = os.environ.get("HOME", "/root")
"""The real home, as it was before the tests' own."""
