"""``make hub-backup`` and ``make hub-restore`` of a whole installation, on real Docker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hub_config.engine import Engine
from tests.hub.installation import ADMINISTRATOR, Hub

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1500)]

VERA, VITO = "vera", "vito"
LIGHT = {"image": "Light", "resources": {"cpu": "500m", "memory": "768Mi"}}


def state(hub: Hub) -> dict[str, Any]:
    """What administrators and owners have set."""

    def data(path: str, user: str = ADMINISTRATOR) -> Any:
        answer = hub.service("GET", path, user)
        assert answer.ok, answer.text
        return answer.json()["data"]

    return {
        "limits": [data(f"limits/{path}") for path in (f"users/{VERA}", "groups/violins")],
        "groups": {user["name"]: user["groups"] for user in data("users")["items"]},
        "project": data("team/projects/kept", VITO),
        "notices": [one["text"] for one in data("notices")["items"]],
        "settings": data("settings")["items"],
    }


@pytest.mark.exhaustive
@pytest.mark.slow(reason="starts real containers")
def test_backup_and_restore_into_an_empty_installation(
    own: Hub, docker: Engine, tmp_path: Path
) -> None:
    hub, backup = own, tmp_path / "backup"
    hub.up()
    hub.forget()
    hub.sign_up(VERA)
    identifier = hub.create(VERA, **LIGHT)
    hub.becomes(identifier, "RUNNING")
    hub.shell(VERA, "mkdir -p ~/work && echo precious > ~/work/file && chmod 600 ~/work/file")
    hub.shell(VERA, "head -c 3000000 /dev/urandom > ~/data")
    sum_ = hub.shell(VERA, "sha256sum ~/data")
    hours = hub.service("GET", "resources/hours").json()["data"]["items"]
    shared = "/services/mlws/git/kept.git/info/refs?service=git-upload-pack"
    assert hub.service("POST", "team/projects", VERA, json={"name": "kept"}).ok
    refs = hub.request("GET", shared, VERA).text
    hub.sign_up(VITO)
    assert hub.service(
        "PUT", f"team/projects/kept/members/{VITO}", VERA, json={"role": "reader"}
    ).ok
    assert hub.api("POST", "groups/violins").ok
    assert hub.api("POST", "groups/violins/users", json={"users": [VERA, VITO]}).ok
    budget = {"core_hours": {"hours": 5, "hard": True}, "cpu": "2"}
    for path in (f"users/{VERA}", "groups/violins"):
        assert hub.service("PUT", f"limits/{path}", json=budget).ok
    announced = {"text": "Moved to another machine.", "until": "2099-01-01T00:00:00Z"}
    assert hub.service("POST", "announcements", json=announced).ok
    hub.elsewhere("hub_config.configure", "budget_grace=7")
    hub.wait_for(lambda: state(hub)["groups"].get(VITO), "the service knows the groups")
    kept = state(hub)
    used = hub.core_seconds(VERA)
    hub.has_begun(identifier)
    said = hub.module("hub_config.backup", str(backup))
    label = f"--filter=label=mlws.hub={hub.name}"
    volumes = docker.run("volume", "ls", "--quiet", label).split()
    assert f"{len(volumes)} volume" in said
    # What is written after the backup is not in it.
    hub.shell(VERA, "echo later > ~/later")

    hub.down("--everything", "--yes")
    hub.wipe()
    assert f"{hub.name}-home-{VERA}" not in docker.run("volume", "ls", "--quiet")
    hub.module("hub_config.restore", str(backup))
    hub.up()
    hub.forget()
    # Accounts with their passwords, tokens, records and files are back.
    assert hub.session(VERA)
    hub.token(VERA)
    found = hub.service("GET", f"containers/{identifier}", VERA).json()["data"]
    assert found["user"] == VERA
    assert hub.request("GET", shared, VERA).text == refs
    after = hub.service("GET", "resources/hours").json()["data"]["items"]
    assert [row["user"] for row in after] == [row["user"] for row in hours]
    # What was used counts on against the budget.
    assert hub.core_seconds(VERA) >= used
    hub.wait_for(lambda: state(hub)["groups"].get(VITO), "the service knows the groups")
    assert state(hub) == kept
    audit = hub.service("GET", "audit", params={"target": identifier}).json()["data"]["items"]
    assert audit[-1]["action"] == "container.create"
    hub.becomes(identifier, "STOPPED", "CRASHED")
    hub.service("POST", f"containers/{identifier}/start", VERA)
    hub.becomes(identifier, "RUNNING")
    assert hub.shell(VERA, "cat ~/work/file; stat -c '%a %U' ~/work/file") == ("precious\n600 mlws")
    assert hub.shell(VERA, "sha256sum ~/data") == sum_
    assert hub.shell(VERA, "ls ~/later || echo none") == "none"
    # Over a living installation nothing is restored.
    hub.down()
    refused = hub.module("hub_config.restore", str(backup), fails=True)
    assert "not empty" in refused
    broken = backup / "volumes" / f"{hub.name}-home-{VERA}.tar"
    broken.write_bytes(broken.read_bytes()[:-10])
    refused = hub.module("hub_config.restore", str(backup), fails=True)
    assert broken.name in refused
