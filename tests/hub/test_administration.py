"""What administrators do for all users, on a real Hub and Docker: announcements, images, labs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jupyter_mlws.hub.announcements import NAME
from tests.hub.docker_engine import LIGHT
from tests.hub.installation import ADMINISTRATOR, Hub
from tests.hub.test_service import listening, refused

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1500)]

USER, OTHER = "milo", "mona"
PEOPLE = (USER, OTHER)
SPARE = "mlws-test-spare"
SETTINGS = {
    "images": {"Light": LIGHT, "Spare": SPARE},
    "default_image": "Light",
    "default_resources": {"cpu": "500m", "memory": "512Mi"},
}
TEXT = "Maintenance at <b>8 pm</b>"
Data = dict[str, Any]


@pytest.mark.slow(reason="starts real containers")
@pytest.mark.exhaustive
def test_an_administrator_creates_a_container_for_a_user_who_sees_that(hub: Hub) -> None:
    wrong = hub.service("POST", "containers", USER, json={"user": OTHER})
    assert refused(wrong, 400, "10201")["errors"][0]["field"] == "user"
    unknown = hub.service("POST", "containers", json={"user": "nobody-here"})
    assert "nobody-here" in refused(unknown, 400, "10201")["errors"][0]["message"]

    answer = hub.service("POST", "containers", json={"user": USER})
    assert answer.status_code == 202, answer.text
    identifier = answer.json()["data"]["id"]
    assert identifier == f"{USER}--default"
    hub.becomes(identifier, "RUNNING")
    container = hub.service("GET", f"containers/{identifier}", USER).json()["data"]
    assert container["config"]["started_by"] == ADMINISTRATOR
    query = {"target": identifier, "q": "container.create"}
    entries = hub.service("GET", "audit", params=query).json()["data"]["items"]
    assert [row["actor"] for row in entries] == [ADMINISTRATOR]
    hub.service("POST", f"containers/{identifier}/stop", USER)
    hub.becomes(identifier, "STOPPED")
    hub.service("POST", f"containers/{identifier}/start", USER)
    assert hub.becomes(identifier, "RUNNING")["config"]["started_by"] is None
    hub.service("DELETE", f"containers/{identifier}", USER)


def test_an_announcement_reaches_all_at_once_until_it_ends(hub: Hub) -> None:
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    request = {"text": TEXT, "level": "warning", "until": until}
    refused(hub.service("POST", "announcements", USER, json=request), 403, "10302")
    past = hub.service("POST", "announcements", json={**request, "until": "2020-01-01T00:00:00Z"})
    assert past.json()["errors"][0]["field"] == "until"
    with listening(hub, "notices/status", USER) as receive:
        answer = hub.service("POST", "announcements", json=request)
        assert answer.status_code == 201, answer.text
        message = receive(seconds=10)
        assert [one["text"] for one in message["items"]] == [TEXT]
        page = hub.session(USER).get(f"{hub.url}/hub/home", timeout=20).text
        assert "Maintenance at &lt;b&gt;8 pm&lt;/b&gt;" in page
        login = hub.request("GET", "/hub/login", None).text
        assert "Maintenance" not in login
        # It outlives the service.
        hub.end_service()
        (notice,) = hub.service("GET", "notices", OTHER).json()["data"]["items"]
        assert (notice["author"], notice["level"]) == (ADMINISTRATOR, "warning")
    identifier = notice["id"]
    assert (hub.settings.data / NAME).exists()
    assert hub.service("DELETE", f"announcements/{identifier}").status_code == 200
    refused(hub.service("DELETE", f"announcements/{identifier}"), 404, "10411")
    assert hub.service("GET", "notices", OTHER).json()["data"]["items"] == []
    assert "Maintenance" not in hub.session(USER).get(f"{hub.url}/hub/home", timeout=20).text


def test_an_image_that_nothing_uses_is_removed(hub: Hub) -> None:
    hub.engine.run("tag", LIGHT, SPARE)
    rows = {
        one["name"]: one for one in hub.service("GET", "storage/images").json()["data"]["items"]
    }
    assert rows["Spare"]["present"]
    assert rows["Spare"]["size"] > 0
    assert rows["Spare"]["running"] == rows["Spare"]["stopped"] == []
    refused(hub.service("DELETE", "storage/images/Light"), 409, "10219")
    refused(hub.service("DELETE", "storage/images/none"), 404, "10412")
    refused(hub.service("DELETE", "storage/images/Spare", USER), 403, "10302")
    assert hub.service("DELETE", "storage/images/Spare").status_code == 200
    assert SPARE not in hub.engine.run("image", "ls", "--format={{.Repository}}").split()
    report = hub.service("GET", "storage").json()["data"]
    assert report["images"]["count"] == 1


def test_volumes_are_sorted_and_paged_by_the_service(hub: Hub) -> None:
    for user, size in ((USER, 3), (OTHER, 9)):
        identifier = hub.create(user)
        hub.becomes(identifier, "RUNNING")
        hub.shell(user, f"dd if=/dev/zero of=$HOME/big bs=1M count={size} 2>&1")
        hub.service("DELETE", f"containers/{identifier}")

    def sizes() -> list[tuple[str, int]]:
        query = {"sort": "size", "limit": 100, "q": "m"}
        rows = hub.service("GET", "volumes", params=query).json()["data"]["items"]
        return [(one["user"], one["size"]) for one in rows if one["user"] in PEOPLE and one["size"]]

    hub.change({**SETTINGS, "storage_interval": 1})
    hub.wait_for(lambda: len(sizes()) == 2, "both volumes are measured")
    assert [user for user, _ in sizes()] == [OTHER, USER]
    page = hub.service("GET", "volumes", params={"sort": "size", "limit": 1}).json()["data"]
    rest = hub.service(
        "GET", "volumes", params={"sort": "size", "limit": 100, "cursor": page["next_cursor"]}
    ).json()["data"]
    assert page["items"][0]["name"] not in {one["name"] for one in rest["items"]}
