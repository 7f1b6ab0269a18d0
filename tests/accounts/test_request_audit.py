"""What JupyterHub's own pages and API do to labs is in the audit log."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import Any

from tests.accounts.plain_hub import Browser, PlainHub


def _events(hub: PlainHub) -> list[tuple[str, str, str]]:
    """Events of labs, oldest first: actor, action, target."""
    with closing(sqlite3.connect(hub.database.removeprefix("sqlite:///"))) as tables:
        rows = tables.execute("SELECT actor, action, target FROM mlws_account_events ORDER BY id")
        return [row for row in rows if not row[1].startswith("account.")]


def _call(browser: Browser, method: str, path: str, **more: Any) -> int:
    browser.get("token")
    token = browser.session.cookies.get("_xsrf", path="/hub/") or ""
    answer = browser.session.request(
        method,
        f"{browser.url}/hub/api/{path}",
        headers={"X-XSRFToken": token},
        timeout=120,
        **more,
    )
    return answer.status_code


def _wait_until_ready(browser: Browser, user: str) -> None:
    deadline = time.monotonic() + 120
    while True:
        servers = browser.get(f"api/users/{user}").json()["servers"]
        if servers.get("", {}).get("ready"):
            return
        assert time.monotonic() < deadline
        time.sleep(0.3)


def test_starts_stops_and_looks_are_recorded_whoever_did_them(hub: PlainHub) -> None:
    vera = hub.new_user("vera")
    administrator = hub.administrator()
    # The spawn page; a form that is not sent starts nothing.
    assert vera.get("spawn/vera").ok
    assert vera.post("spawn/vera", note="").ok
    assert _events(hub) == [("vera", "container.start", "vera--default")]
    _wait_until_ready(vera, "vera")
    # An administrator opens the lab, and is asked whether to.
    opened = administrator.session.get(f"{hub.url}/user/vera/api/me", timeout=60)
    assert opened.status_code in (200, 403)
    opened = administrator.session.get(f"{hub.url}/user/vera/lab", timeout=60)
    assert opened.ok
    if "oauth2/authorize" in opened.url:
        assert _events(hub)[-1][1] == "container.start"
        path = opened.url.partition("/hub/")[2]
        scopes = "access:servers!server=vera/"
        assert administrator.post(path, scopes=scopes).ok
    assert _events(hub)[1:] == [("admin", "lab.open", "vera--default")]
    # The owner's own visit is none.
    assert vera.session.get(f"{hub.url}/user/vera/lab", timeout=60).ok
    assert len(_events(hub)) == 2
    assert _call(administrator, "DELETE", "users/vera/server") in (202, 204)
    assert _call(vera, "DELETE", "users/admin/server") == 404
    assert _call(vera, "POST", "users/vera/servers/big%20one", json={}) in (201, 202, 400)
    assert ("admin", "container.stop", "vera--default") in _events(hub)
