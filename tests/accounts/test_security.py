"""Guessed passwords, stolen cookies and ended sessions, against a real Hub."""

from __future__ import annotations

import json
import re
import secrets
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import bcrypt
import pytest
import websocket
from sqlalchemy import create_engine

from tests.accounts.plain_hub import (
    PASSWORD,
    Browser,
    PlainHub,
    plain_hub,
    text_of,
)

GUESSES = 60
MANY_GUESSES = 10_000


@pytest.mark.parametrize(
    "count",
    [
        GUESSES,
        pytest.param(MANY_GUESSES, marks=[pytest.mark.exhaustive, pytest.mark.timeout(1800)]),
    ],
)
def test_guessed_passwords_lock_the_name_and_are_in_no_log(tmp_path: Path, count: int) -> None:
    with plain_hub(tmp_path) as hub:
        hub.new_user("ada")
        guess = f"guess-{secrets.token_hex(8)}"
        browsers = [hub.browser() for _ in range(4)]
        for browser in browsers:
            browser.get("login")

        def attempt(number: int) -> tuple[int, str]:
            # Every second guess is for a name without an account.
            browser = browsers[number % 4]
            name = "ada" if number % 2 else "nobody"
            form = {"username": name, "password": f"{guess}-{number}"}
            form["_xsrf"] = browser.session.cookies.get("_xsrf", path="/hub/") or ""
            answer = browser.session.post(f"{hub.url}/hub/login", data=form, timeout=60)
            return answer.status_code, name

        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(attempt, range(count)))
        for name in ("ada", "nobody"):
            # The password is checked this often; the rest is refused.
            checked = sum(1 for status, who in answers if who == name and status == 403)
            assert 5 <= checked <= 5 + 10
            assert {status for status, who in answers if who == name} == {403, 429}
        # Not even the right password helps now, also after a restart.
        hub.stop()
        hub.start()
        assert hub.browser().sign_in("ada").status_code == 429
        assert "Too many failed sign-ins" in text_of(hub.browser().sign_in("nobody"))
        administrator = hub.administrator()
        assert "ada Approved Locked" in text_of(administrator.get("accounts"))
        administrator.change("unlock", "ada")
        assert hub.browser().sign_in("ada").ok
        hub.stop()
        log = hub.log.read_text()
        assert guess not in log
        assert PASSWORD not in log
        database = (tmp_path / "hub.sqlite").read_bytes()
        assert guess.encode() not in database
        assert PASSWORD.encode() not in database
        assert b"nobody" not in database


def test_a_class_that_signs_in_at_once_from_one_address_is_not_locked_out(hub: PlainHub) -> None:
    browsers = [hub.browser() for _ in range(60)]
    with ThreadPoolExecutor(len(browsers)) as pool:
        answers = list(pool.map(lambda browser: browser.sign_in("admin"), browsers))
    assert {answer.status_code for answer in answers} == {200}


def test_secrets_of_links_and_sessions_are_neither_logged_nor_stored(hub: PlainHub) -> None:
    administrator = hub.administrator()
    page = administrator.change("invite").text
    secret = re.search(r"invitation#([\w-]+)", page)
    assert secret
    hub.browser().use_link(f"{hub.url}/hub/invitation#{secret[1]}", "jan")
    session = administrator.session.cookies["jupyterhub-session-id"]
    for text in (hub.log.read_bytes(), (hub.folder / "hub.sqlite").read_bytes()):
        assert secret[1].encode() not in text
        assert session.encode() not in text


def test_a_stolen_cookie_is_refused_after_sign_out(hub: PlainHub) -> None:
    kim = hub.new_user("kim")
    thief = hub.browser()
    thief.session.cookies.update(kim.session.cookies)
    assert thief.is_signed_in()
    kim.get("logout")
    assert not thief.is_signed_in()
    # Nor does the cookie work with another session id.
    thief.session.cookies.set("jupyterhub-session-id", secrets.token_hex(16), path="/")
    assert not thief.is_signed_in()
    kim.sign_in("kim")
    assert kim.is_signed_in()
    assert not thief.is_signed_in()


def test_a_user_signs_out_another_browser(hub: PlainHub) -> None:
    lea, other = hub.new_user("lea"), hub.browser()
    other.session.headers["User-Agent"] = "Other browser"
    other.sign_in("lea")
    page = lea.get("account")
    assert "Other browser" in text_of(page)
    assert text_of(page).count("This browser") == 1
    identifier = re.search(r'name="session" value="(\d+)"', page.text)
    assert identifier
    # Another user's session cannot be ended.
    mia = hub.new_user("mia")
    mia.post("account", action="sign-out", session=identifier[1])
    assert other.is_signed_in()
    lea.post("account", action="sign-out", session=identifier[1])
    assert not other.is_signed_in()
    assert lea.is_signed_in()
    other.sign_in("lea")
    lea.post("account", action="sign-out-others")
    assert not other.is_signed_in()


def test_a_sign_in_gets_a_session_that_nobody_knew(hub: PlainHub) -> None:
    nia = hub.new_user("nia")
    nia.get("logout")
    planted = secrets.token_hex(16)
    nia.session.cookies.set("jupyterhub-session-id", planted, domain="127.0.0.1", path="/")
    nia.sign_in("nia")
    assert planted not in nia.session.cookies.get_dict().values()


def test_a_password_of_nativeauthenticator_still_works(tmp_path: Path) -> None:
    database = tmp_path / "hub.sqlite"
    with sqlite3.connect(database) as connection:
        connection.execute(
            "CREATE TABLE users_info (id INTEGER PRIMARY KEY, username VARCHAR(128),"
            " password BLOB, is_authorized BOOLEAN)"
        )
        for name, approved in (("admin", True), ("old", True), ("waits", False)):
            row = (name, bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)), approved)
            connection.execute(
                "INSERT INTO users_info (username, password, is_authorized) VALUES (?, ?, ?)", row
            )
    connection.close()
    with plain_hub(tmp_path) as hub:
        browser = hub.browser()
        assert browser.sign_in("old", "not-the-password").status_code == 403
        # Each of these finds the old hash, and all but one finish when it has been replaced.
        browsers = [hub.browser() for _ in range(4)]
        with ThreadPoolExecutor(len(browsers)) as pool:
            answers = list(pool.map(lambda one: one.sign_in("old"), browsers))
        assert [answer.status_code for answer in answers] == [200] * len(browsers)
        assert browser.sign_in("waits").status_code == 403
        assert hub.administrator().get("accounts").ok
        assert browser.sign_in("old").ok
    engine = create_engine(f"sqlite:///{database}")
    with engine.connect() as connection:
        query = "SELECT username, password FROM mlws_accounts"
        hashes = dict(connection.exec_driver_sql(query).all())
    engine.dispose()
    assert hashes["old"].startswith("$argon2id$")
    assert hashes["waits"].startswith("$2")


@pytest.fixture
def lab(hub: PlainHub) -> Iterator[tuple[Browser, str]]:
    """A browser of a user with a running lab, and the lab's URL."""
    user = hub.new_user("olga")
    headers = {"X-XSRFToken": user.session.cookies.get("_xsrf", path="/hub/") or ""}
    server = f"{hub.url}/hub/api/users/olga/server"
    user.session.post(server, headers=headers, timeout=60)
    deadline = time.monotonic() + 90
    while not user.session.get(f"{hub.url}/user/olga/api/status", timeout=60).ok:
        user.session.get(f"{hub.url}/user/olga/", timeout=60)
        assert time.monotonic() < deadline, hub.log.read_text()[-5000:]
        time.sleep(0.5)
    yield user, f"{hub.url}/user/olga"
    user.sign_in("olga")
    headers = {"X-XSRFToken": user.session.cookies.get("_xsrf", path="/hub/") or ""}
    user.session.delete(server, headers=headers, timeout=60)


@pytest.mark.slow(reason="starts a lab and waits until its cached token expires")
def test_an_open_websocket_of_an_ended_session_is_closed(
    hub: PlainHub, lab: tuple[Browser, str]
) -> None:
    user, url = lab
    header = "; ".join(f"{cookie.name}={cookie.value}" for cookie in user.session.cookies)
    address = url.replace("http://", "ws://") + "/api/events/subscribe"
    socket = websocket.create_connection(address, cookie=header, origin=hub.url, timeout=90)
    socket.ping()
    hub.administrator().change("sign-out", "olga")
    while True:
        opcode, data = socket.recv_data()
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            break
    assert int.from_bytes(data[:2], "big") == 1008
    with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
        websocket.create_connection(address, cookie=header, origin=hub.url, timeout=90)
    status = user.session.get(f"{url}/api/status", timeout=60, allow_redirects=False)
    assert status.status_code in (302, 403), json.dumps(dict(status.headers))
