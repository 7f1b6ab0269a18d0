"""A JupyterHub with the accounts of this project and the pages of hub_config, without Docker.

Labs are processes of this machine. It is started as an own process, like a real one, and stopped by
its process id.
"""

from __future__ import annotations

import contextlib
import html
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import requests

from hub_config import requirements
from hub_config.first_admin import create

ADMINISTRATOR = "admin"
PASSWORD = "a-long-password-of-tests"
START_LIMIT = 120.0
CONFIG = Path(__file__).with_name("plain_hub_config.py")


@dataclass
class PlainHub:
    """A running JupyterHub."""

    folder: Path
    database: str
    port: int
    extra: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "hub.log"

    def start(self) -> None:
        environment = {
            **os.environ,
            "PLAIN_HUB_DB": self.database,
            "PLAIN_HUB_PORT": str(self.port),
            "PLAIN_HUB_PORTS": " ".join(map(str, free_ports(2))),
            **self.extra,
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "-f", str(CONFIG)],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_LIMIT
        while not self.answers():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.2)

    def answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/hub/login", timeout=5).ok
        except requests.ConnectionError:
            return False

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
            self.process = None

    def browser(self, language: str = "en", **headers: str) -> Browser:
        session = requests.Session()
        session.headers.update({"Accept-Language": language, "User-Agent": "Tests", **headers})
        return Browser(self.url, session)

    def administrator(self) -> Browser:
        """A browser in which the administrator is signed in."""
        browser = self.browser()
        assert browser.sign_in(ADMINISTRATOR).ok
        return browser

    def new_user(self, name: str) -> Browser:
        """Sign up a user, approve them, and return a browser in which they are signed in."""
        browser = self.browser()
        assert browser.sign_up(name).ok
        assert self.administrator().change("approve", name).ok
        assert browser.sign_in(name).ok
        return browser


@dataclass
class Browser:
    """What a user does in a browser, by HTTP."""

    url: str
    session: requests.Session

    def get(self, path: str) -> requests.Response:
        return self.session.get(f"{self.url}/hub/{path}", timeout=60)

    def post(self, path: str, **form: str) -> requests.Response:
        """Send a form of a page, with the page's own token."""
        self.get(path)
        form["_xsrf"] = self.session.cookies.get("_xsrf", path="/hub/") or ""
        return self.session.post(f"{self.url}/hub/{path}", data=form, timeout=60)

    def sign_in(self, name: str, password: str = PASSWORD) -> requests.Response:
        return self.post("login?next=%2Fhub%2Faccount", username=name, password=password)

    def sign_up(self, name: str, password: str = PASSWORD) -> requests.Response:
        return self.post("signup", username=name, password=password, repeated_password=password)

    def use_link(self, link: str, name: str = "", password: str = PASSWORD) -> requests.Response:
        """Open a link of an administrator and send its form."""
        page, _, secret = link.partition("#")
        path = page.partition("/hub/")[2]
        form = {"secret": secret, "username": name, "password": password}
        return self.post(path, repeated_password=password, **form)

    def change(self, action: str, username: str = "", **more: str) -> requests.Response:
        """Use a button of the Accounts page."""
        return self.post("accounts", action=action, username=username, **more)

    def is_signed_in(self) -> bool:
        answer = self.session.get(f"{self.url}/hub/account", timeout=60, allow_redirects=False)
        return answer.status_code == 200


def link_of(answer: requests.Response) -> str:
    """The link that a page shows."""
    match = re.search(r'id="link" readonly value="([^"]+)"', answer.text)
    assert match, text_of(answer)
    return match[1]


def text_of(answer: requests.Response) -> str:
    """What a person reads of an answer."""
    answer.encoding = "utf-8"
    page = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", answer.text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(page))


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@contextlib.contextmanager
def plain_hub(folder: Path, database: str = "", port: int = 0, **extra: str) -> Iterator[PlainHub]:
    """A Hub whose administrator has the tests' password."""
    database = database or f"sqlite:///{folder}/hub.sqlite"
    create(database, ADMINISTRATOR, PASSWORD)
    port = port or free_ports(1)[0]
    extra = {"PLAIN_HUB_PROXY": " ".join(requirements.proxy()), **extra}
    hub = PlainHub(folder, database, port, extra)
    try:
        hub.start()
        yield hub
    finally:
        hub.stop()
