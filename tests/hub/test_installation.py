"""``make hub`` and ``make hub-down``: twice, after a crash, and what they leave."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import requests

from hub_config import processes
from tests.hub.installation import ADMINISTRATOR, PASSWORD, Hub, text_of

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1500)]

QUICK = {"resources": {"cpu": "2", "memory": "1Gi"}}


@pytest.fixture(scope="module", autouse=True)
def usual_settings(own: Hub) -> None:
    """The Hub runs with its own settings, whatever another file has done with it."""
    own.up()
    own.forget()


def hub_pid(hub: Hub) -> int:
    return int(processes.pid_file(hub.settings).read_text())


@pytest.mark.exhaustive
@pytest.mark.slow(reason="starts real containers")
def test_a_second_time_it_changes_nothing(own: Hub) -> None:
    # Nor is anything left of the settings that it had in another file.
    assert own.api("GET", "services/idle-culler").status_code == 404
    before = hub_pid(own)
    assert own.url in own.up()
    assert hub_pid(own) == before


def test_another_shell_keeps_the_settings(own: Hub) -> None:
    before = hub_pid(own)
    printed = own.elsewhere("hub_config.up", "--installed")
    assert f"port = {own.settings.port}" in printed
    assert own.settings.metrics_token not in printed
    assert hub_pid(own) == before
    printed = own.elsewhere("hub_config.up", "--installed", HUB_IDLE_LIMIT="600")
    assert "HUB_IDLE_LIMIT set idle_limit: 0 → 600" in printed
    assert hub_pid(own) != before
    assert "idle_limit = 600" in own.elsewhere("hub_config.configure", "--show")
    rows = own.service("GET", "settings").json()["data"]["items"]
    shown = {row["name"]: row["value"] for row in rows}
    assert shown["idle_limit"] == "600"
    assert shown["metrics_token"] == "…"


@pytest.mark.exhaustive
def test_the_password_is_neither_printed_nor_stored(own: Hub) -> None:
    assert PASSWORD not in own.up()
    for path in own.settings.data.rglob("*"):
        if path.is_file():
            assert PASSWORD.encode() not in path.read_bytes(), path
    assert own.settings.data.stat().st_mode & 0o077 == 0


def test_nobody_gets_in_before_an_administrator_agreed(own: Hub) -> None:
    session = requests.Session()
    sign_up(own, session, "early")
    refused = sign_in(own, session, "early")
    assert refused.status_code == 403
    assert "Your account has not been approved" in text_of(refused.text)
    assert own.api("GET", "users").json()[0]["name"] == ADMINISTRATOR
    assert "early" not in [row["name"] for row in own.api("GET", "users").json()]


@pytest.mark.slow(reason="starts real containers")
def test_labs_outlive_a_killed_hub_and_are_watched_by_the_next(own: Hub) -> None:
    for user in ("ada", "ben"):
        own.sign_up(user)
    # Two cores: those of her lab.
    own.change({"capacity": {"cpu": "2", "memory": "4Gi", "gpu": "0"}})
    own.start("ada", QUICK)
    own.create("ben", **QUICK)
    container = own.container("ada")
    os.kill(hub_pid(own), signal.SIGKILL)
    own.wait_for(lambda: not own.service_processes(), "the service ends with its Hub")
    own.up()
    assert own.container("ada") == container
    assert own.wait_for(lambda: own.server("ada").get("ready"), "the new Hub knows the lab")
    assert own.lab("GET", "ada", "api/status").status_code == 200
    found = {one["id"]: one["status"] for one in own.everything()}
    assert found == {"ada--default": "RUNNING", "ben--default": "QUEUED"}
    (node,) = own.service("GET", "resources").json()["data"]["nodes"]
    assert node["allocated"]["cpu"] == 2
    own.service("DELETE", "containers/ben--default", "ben")
    # Docker's own kill is final: it is not restarted, and the new Hub hears of it.
    own.engine.run("kill", container)
    own.wait_for(lambda: not own.server("ada"), "the Hub knows that it is gone")
    own.change({})


@pytest.mark.exhaustive
@pytest.mark.slow(reason="starts real containers")
def test_stopping_leaves_accounts_and_files_and_nothing_that_runs(own: Hub) -> None:
    own.sign_up("ben")
    own.start("ben", QUICK)
    own.shell("ben", "echo kept > ~/note")
    own.down()
    assert processes.hub_pids(own.settings) == []
    assert own.containers() == []
    volumes = own.engine.run("volume", "ls", "-q", "--filter", f"label=mlws.hub={own.name}")
    assert f"{own.name}-home-ben" in volumes.split()
    own.down()
    own.up()
    assert not own.server("ben")
    own.start("ben", QUICK)
    assert own.shell("ben", "cat ~/note") == "kept"
    own.stop("ben")


@pytest.mark.slow(reason="starts real containers")
def test_a_port_in_use_is_named_with_its_variable(own: Hub, tmp_path: Path) -> None:
    own.up()
    git = own.engine.run("inspect", "--format={{.Id}}", own.settings.git_container)
    with pytest.raises(AssertionError, match=r"port \d+ is not available.*set HUB_PORT to another"):
        own.up(HUB_DATA=str(tmp_path / "second"))
    assert processes.answers(own.settings)
    assert own.engine.run("inspect", "--format={{.Id}}", own.settings.git_container) == git


def sign_up(hub: Hub, session: requests.Session, user: str) -> requests.Response:
    return session.post(
        f"{hub.url}/hub/signup",
        data={
            "username": user,
            "password": PASSWORD,
            "repeated_password": PASSWORD,
            "_xsrf": xsrf(hub, session, "signup"),
        },
        timeout=20,
    )


def sign_in(
    hub: Hub, session: requests.Session, user: str, password: str = PASSWORD
) -> requests.Response:
    return session.post(
        f"{hub.url}/hub/login",
        data={"username": user, "password": password, "_xsrf": xsrf(hub, session, "login")},
        timeout=20,
    )


def xsrf(hub: Hub, session: requests.Session, page: str) -> str:
    session.get(f"{hub.url}/hub/{page}", timeout=20)
    return session.cookies.get("_xsrf", path="/hub/") or ""


def test_changes_of_accounts_are_in_the_audit_log(own: Hub) -> None:
    own.sign_up("audited")
    administrator = own.session()
    form = {"action": "disable", "username": "audited"}
    form["_xsrf"] = own._xsrf(administrator, "/hub/accounts")
    assert administrator.post(f"{own.url}/hub/accounts", data=form, timeout=20).ok

    def actions() -> set[tuple[str, str]]:
        rows = own.service("GET", "audit?target=audited").json()["data"]["items"]
        return {(row["actor"], row["action"]) for row in rows}

    own.wait_for(lambda: len(actions()) >= 4, "the service has the events")
    assert actions() == {
        ("audited", "account.sign-up"),
        (ADMINISTRATOR, "account.approved"),
        ("audited", "account.sign-in"),
        (ADMINISTRATOR, "account.disabled"),
    }
