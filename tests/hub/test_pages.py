"""Pages that people share by a link, on a real Hub: their readers, their end, and the audit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from tests.hub.installation import ADMINISTRATOR, Hub

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1500)]

PIA, PAUL, PERL, PETE = "pia", "paul", "perl", "pete"
"""The owner of the pages, a member of the project, one of the group, a stranger."""
HTML = "<!DOCTYPE html><title>Run</title><p>accuracy 0.9</p>"
NOBODY = None
COMMIT = "git -c user.name=pia -c user.email=pia@example.org commit -q --allow-empty -m Begin"
Data = dict[str, Any]


def in_days(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


@pytest.fixture(scope="module")
def people(hub: Hub) -> None:
    for user in (PIA, PAUL, PERL, PETE):
        hub.sign_up(user)
    made = hub.service("POST", "team/projects", PIA, json={"name": "pages"})
    assert made.status_code == 201, made.text
    member = {"json": {"role": "reader"}}
    assert hub.service("PUT", f"team/projects/pages/members/{PAUL}", PIA, **member).ok
    assert hub.api("POST", "groups/readers").ok
    assert hub.api("POST", "groups/readers/users", json={"users": [PERL, PIA]}).ok


@pytest.fixture
def share(hub: Hub, people: None) -> Callable[..., requests.Response]:
    def call(user: str = PIA, **more: Any) -> requests.Response:
        body = {"kind": "run", "title": "forest <b>", "html": HTML, **more}
        return hub.service("POST", "pages", user, json=body)

    return call


def read(hub: Hub, page: Data, user: str | None) -> requests.Response:
    """Open the page in a browser's way, with the cookies of ``user``, or of nobody."""
    session = hub.session(user) if user else requests.Session()
    return session.get(hub.url + page["url"], timeout=30)


def may_read(hub: Hub, page: Data, user: str | None) -> bool:
    answer = read(hub, page, user)
    if answer.ok and "/login" in answer.url:
        return False
    assert answer.ok or answer.status_code == 404, answer.text
    assert answer.ok == (answer.text == HTML)
    return answer.ok


def test_each_page_has_its_readers_and_no_others(
    hub: Hub, share: Callable[..., requests.Response]
) -> None:
    for_project = share(audience="project", name="pages").json()["data"]
    for_group = share(audience="group", name="readers").json()["data"]
    for_all = share(audience="link", expires=in_days(1)).json()["data"]
    readers = {
        user: [may_read(hub, page, user) for page in (for_project, for_group, for_all)]
        for user in (PIA, PAUL, PERL, PETE, ADMINISTRATOR, NOBODY)
    }
    assert readers == {
        PIA: [True, True, True],
        PAUL: [True, False, True],
        PERL: [False, True, True],
        PETE: [False, False, True],
        ADMINISTRATOR: [True, True, True],
        NOBODY: [False, False, True],
    }
    # A stranger learns nothing: the answer is that of an address that was guessed.
    guessed = {**for_project, "url": for_project["url"][:-1] + "x"}
    assert read(hub, for_project, PETE).text == read(hub, guessed, PETE).text
    assert "not available" in read(hub, guessed, PETE).text
    # Who was removed has no access from then on.
    assert hub.service("DELETE", f"team/projects/pages/members/{PAUL}", PIA).ok
    assert not may_read(hub, for_project, PAUL)
    assert hub.api("DELETE", "groups/readers/users", json={"users": [PERL]}).ok
    assert not may_read(hub, for_group, PERL)


def test_a_page_runs_and_loads_nothing_and_its_address_is_told_to_nobody(
    hub: Hub, share: Callable[..., requests.Response]
) -> None:
    page = share(audience="link", expires=in_days(1)).json()["data"]
    answer = read(hub, page, NOBODY)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "noindex" in answer.headers["X-Robots-Tag"]
    assert hub.token(PIA) not in page["url"]

    def rows() -> list[Data]:
        found = hub.service("GET", "audit", params={"limit": 500}).json()["data"]["items"]
        own: list[Data] = [row for row in found if row["target"].startswith(f"page {PIA}/")]
        return own if any(row["action"] == "page.view" for row in own) else []

    told = hub.wait_for(rows, "the audit log tells of the view")
    assert {"page.share", "page.view"} <= {row["action"] for row in told}
    assert page["id"] not in str(told)
    assert page["id"] not in hub.log.read_text()


def test_pages_expire_and_are_revoked(hub: Hub, share: Callable[..., requests.Response]) -> None:
    soon = share(audience="link", expires=in_days(3 / 86_400)).json()["data"]
    assert may_read(hub, soon, NOBODY)
    hub.wait_for(lambda: not may_read(hub, soon, NOBODY), "the page expires", 20)
    assert not may_read(hub, soon, PIA)
    page = share(audience="link", expires=in_days(1)).json()["data"]

    def ids(user: str) -> list[str]:
        items = hub.service("GET", "pages", user).json()["data"]["items"]
        return [one["id"] for one in items]

    assert page["id"] in ids(PIA)
    assert page["id"] in ids(ADMINISTRATOR)
    assert soon["id"] not in ids(PIA)
    assert ids(PETE) == []
    refused = hub.service("DELETE", f"pages/{page['id']}", PETE)
    assert (refused.status_code, refused.json()["code"]) == (404, "10409")
    hub.end_service()
    assert hub.wait_for(lambda: may_read(hub, page, NOBODY), "it outlives the service")
    assert hub.service("DELETE", f"pages/{page['id']}", ADMINISTRATOR).ok
    assert not may_read(hub, page, NOBODY)
    assert page["id"] not in ids(PIA)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"audience": "link"}, ["expires"]),
        ({"audience": "link", "expires": in_days(-1)}, ["expires"]),
        ({"audience": "link", "expires": in_days(400)}, ["expires"]),
        ({"audience": "link", "expires": in_days(1), "name": "pages"}, ["name"]),
        ({"audience": "project"}, ["name"]),
        ({"audience": "group", "name": "others"}, ["name"]),
        ({"audience": "everybody"}, ["audience"]),
        ({"audience": "link", "expires": in_days(1), "html": ""}, ["html"]),
        ({"audience": "link", "expires": "2026-01-01T00:00:00"}, ["expires"]),
    ],
)
def test_what_cannot_be_shared_is_named(
    share: Callable[..., requests.Response], body: Data, fields: list[str]
) -> None:
    answer = share(**body)
    assert answer.status_code == 400, answer.text
    assert [fault["field"] for fault in answer.json()["errors"]] == fields


def test_a_project_of_others_is_not_found(share: Callable[..., requests.Response]) -> None:
    answer = share(PETE, audience="project", name="pages")
    assert (answer.status_code, answer.json()["code"]) == (404, "10406")


def test_a_lab_makes_the_page_of_a_notebook(hub: Hub, people: None) -> None:
    hub.start(PIA, {"resources": {"cpu": "500m", "memory": "768Mi"}, "image": "Lab"})
    cell = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# Result"}
    content = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    notebook = {"type": "notebook", "format": "json", "content": content}
    hub.shell(PIA, f"cd && git init --quiet . && {COMMIT} && jupyter mlws trust")
    assert hub.lab("PUT", PIA, "api/contents/result.ipynb", json=notebook).ok
    answer = hub.lab(
        "POST",
        PIA,
        "mlws/api/v1/pages/share",
        json={
            "kind": "notebook",
            "source": "result.ipynb",
            "audience": "link",
            "expires": in_days(1),
        },
    )
    assert answer.ok, answer.text
    page = answer.json()["data"]
    assert "<h1>Result</h1>" in read(hub, page, NOBODY).text
    items = hub.lab("GET", PIA, "mlws/api/v1/pages").json()["data"]["items"]
    assert page["id"] in [one["id"] for one in items]
    gone = hub.lab("DELETE", PIA, f"mlws/api/v1/pages/{page['id']}")
    assert gone.status_code == 200, gone.text
    assert not may_read(hub, page, NOBODY)
    told = "jupyter mlws pages list --json; jupyter mlws pages revoke x || true"
    assert "10409" in hub.shell(PIA, f"cd && ({told}) 2>&1")
