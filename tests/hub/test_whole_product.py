"""The whole product, as three people meet it: one works, one may not look, one administers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import requests
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser import TIMEOUT_MS
from tests.hub.installation import ADMINISTRATOR, Hub
from tests.hub.pages import log_in

pytestmark = [pytest.mark.docker, pytest.mark.browser, pytest.mark.timeout(1500)]

PERSON, STRANGER = "walter", "wendy"
CONTAINER = f"{PERSON}--default"
WISH = {
    "resources": {"cpu": "2", "memory": "3Gi"},
    "environment": {"PYTHON_ENV": "production", "DEBUG": "false"},
}
EXAMPLE = "mlws-example"
WORKFLOW = f"{EXAMPLE}/workflows/wine/dvc.yaml"
STATES = {
    **dict.fromkeys(("load", "features", "split", "linear"), "CACHED"),
    **dict.fromkeys(("forest", "compare", "plot"), "COMPLETED"),
}
"""After the forest has lost trees, and its metrics changed: only what depends on it runs."""
SLOW = 120_000
"""Milliseconds for what starts a container, runs a workflow or stores a version."""
WHOLE_EXAMPLE = 300_000
"""It runs its workflow twice: 25 s on two free cores, minutes on busy ones."""

OF_ONE_CONTAINER = [
    ("GET", ""),
    ("DELETE", ""),
    ("POST", "/start"),
    ("POST", "/stop"),
    ("POST", "/restart"),
    ("GET", "/stats"),
    ("GET", "/logs"),
]


@contextmanager
def signed_in(browser: Browser, hub: Hub, user: str) -> Iterator[Page]:
    """A browser window of its own, in which ``user`` has signed in by the Hub's form."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    log_in(page, hub, user)
    yield page
    context.close()


def refused(hub: Hub, stranger: Page) -> None:
    """Another person gets nothing of it: neither by the API, nor the lab, nor its log."""
    for verb, path in OF_ONE_CONTAINER:
        answer = hub.service(verb, f"containers/{CONTAINER}{path}", STRANGER)
        assert (answer.status_code, answer.json()["code"]) == (403, "10301"), (verb, path)
    listed = hub.service("GET", "containers", STRANGER).json()["data"]["items"]
    assert CONTAINER not in [container["id"] for container in listed]
    token = {"Authorization": f"token {hub.token(STRANGER)}"}
    # Where the lab does not run, the proxy leads to the Hub: followed to where it ends.
    asked = requests.get(f"{hub.url}/user/{PERSON}/api/status", headers=token, timeout=20)
    assert asked.status_code in (403, 404)
    answered = stranger.goto(f"{hub.url}/user/{PERSON}/lab")
    assert answered is not None
    assert answered.status in (403, 404)


def until(hub: Hub, status: str) -> dict:
    """Wait until the person's container has ``status``; what the service says of it."""
    found: dict = {}

    def there() -> bool:
        found.update(hub.service("GET", f"containers/{CONTAINER}", PERSON).json()["data"])
        return bool(found["status"] == status)

    hub.wait_for(there, f"{CONTAINER} is {status}, not {found}")
    return found


def node(page: Page, identifier: str) -> Locator:
    return page.locator(f'[data-mlws-node="{identifier}"]')


def open_sidebar(page: Page) -> None:
    page.locator('.jp-SideBar [data-id="jp-mlws-source-control"]').click()
    expect(page.locator("#jp-mlws-source-control")).to_be_visible()


HASH_EACH = 'for file; do sha256sum "$file" 2>/dev/null || echo "gone $file"; done'


def contents(hub: Hub) -> str:
    """Every file of the project that belongs to a version, with its hash."""
    return hub.shell(
        PERSON,
        f"cd ~/{EXAMPLE} && (git ls-files; find data workflows -type f ! -path '*/.ipynb_*') "
        f"| sort -u | tr '\\n' '\\0' | xargs -0 sh -c '{HASH_EACH}' -",
    )


@pytest.mark.exhaustive
@pytest.mark.slow(reason="starts real containers")
def test_the_whole_product(hub: Hub, browser: Browser, shoot: Callable[[str, Page], None]) -> None:
    hub.sign_up(PERSON)
    hub.sign_up(STRANGER)
    with (
        signed_in(browser, hub, ADMINISTRATOR) as admin,
        signed_in(browser, hub, PERSON) as page,
        signed_in(browser, hub, STRANGER) as stranger,
    ):
        admin.goto(f"{hub.url}/services/mlws/")
        row = admin.locator(f'[data-mlws-container="{CONTAINER}"]')
        expect(admin.locator(".jp-mlws-Node").first).to_be_visible()
        expect(row).to_have_count(0)

        # A container, by REST. The administrator's page shows it without being reloaded.
        answer = hub.service("POST", "containers", PERSON, json=WISH)
        assert answer.status_code == 202, answer.text
        assert answer.json()["data"]["id"] == CONTAINER
        assert answer.json()["data"]["status"] in ("CREATED", "STARTING")
        expect(row).to_have_attribute("data-mlws-status", "RUNNING", timeout=SLOW)
        shoot("whole-admin-running", admin)
        assert until(hub, "RUNNING")["resources"] == {**WISH["resources"], "gpu": None}
        assert hub.shell(PERSON, "echo $PYTHON_ENV $DEBUG") == "production false"
        refused(hub, stranger)

        # Its lab: the example, run on the canvas.
        page.goto(f"{hub.url}/user/{PERSON}/lab?reset")
        open_sidebar(page)
        page.locator(".jp-mlws-ExampleButton").click()
        expect(page.locator(".jp-mlws-Snapshot").first).to_be_visible(timeout=WHOLE_EXAMPLE)
        page.goto(f"{hub.url}/user/{PERSON}/lab/tree/{WORKFLOW}")
        expect(node(page, "forest")).to_be_visible()
        node(page, "forest").click()
        field = page.locator('.jp-mlws-Settings input[id$="n_estimators"]')
        field.fill("2")
        field.press("Tab")
        page.keyboard.press("Control+s")
        expect(page.locator(".jp-mod-dirty")).to_have_count(0)
        page.locator(".jp-mlws-run").click()
        for identifier, state in STATES.items():
            expect(node(page, identifier)).to_have_attribute("data-mlws-state", state, timeout=SLOW)
        shoot("whole-canvas-run", page)
        refused(hub, stranger)

        # One version of it all; the sidebar is still open.
        page.locator(".jp-mlws-CommitBox").fill("Two trees")
        page.locator(".jp-mlws-CommitButton").click()
        newest = page.locator(".jp-mlws-Snapshot").first
        expect(newest).to_contain_text("Two trees", timeout=SLOW)
        committed = contents(hub)
        assert "forest.model.skops" in committed

        # Stopped from the outside, started again: the administrator sees each step.
        stopped = hub.service("POST", f"containers/{CONTAINER}/stop", PERSON)
        assert stopped.status_code == 202, stopped.text
        expect(row).to_have_attribute("data-mlws-status", "STOPPED", timeout=SLOW)
        shoot("whole-admin-stopped", admin)
        refused(hub, stranger)
        started = hub.service("POST", f"containers/{CONTAINER}/start", PERSON)
        assert started.status_code == 202, started.text
        expect(row).to_have_attribute("data-mlws-status", "RUNNING", timeout=SLOW)
        until(hub, "RUNNING")
        assert contents(hub) == committed

        # Everything is broken, and restored.
        hub.shell(
            PERSON,
            f"cd ~/{EXAMPLE} && echo broken > workflows/wine/dvc.yaml && rm -r data/*.csv"
            " workflows/wine/out && echo broken > .dvc/config",
        )
        assert contents(hub) != committed
        page.goto(f"{hub.url}/user/{PERSON}/lab?reset")
        open_sidebar(page)
        expect(newest).to_contain_text("Two trees")
        newest.hover()
        newest.locator(".jp-mlws-RestoreButton").click()
        page.locator(".jp-Dialog .jp-mod-accept").click()
        expect(page.locator(".jp-mlws-Changes")).not_to_contain_text("dvc.yaml", timeout=SLOW)
        hub.wait_for(lambda: contents(hub) == committed, "every byte is as it was committed")
        shoot("whole-restored", page)
        refused(hub, stranger)

        # Deleted: the container goes, the files stay.
        deleted = hub.service("DELETE", f"containers/{CONTAINER}", PERSON)
        assert deleted.status_code == 202, deleted.text
        expect(row).to_have_count(0, timeout=SLOW)
        assert hub.service("GET", f"containers/{CONTAINER}", PERSON).status_code == 404
        again = hub.service("POST", "containers", PERSON, json=WISH)
        assert again.status_code == 202, again.text
        until(hub, "RUNNING")
        assert contents(hub) == committed
        hub.service("DELETE", f"containers/{CONTAINER}", PERSON)
