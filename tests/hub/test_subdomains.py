"""A Hub whose labs and service have an origin each, by ``HUB_SUBDOMAIN``."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from jupyter_mlws.hub.settings import SHARED_ORIGIN
from tests.hub.installation import ADMINISTRATOR, Hub
from tests.hub.test_whole_product import open_sidebar, signed_in

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1500)]

SUE, SAM = "sue", "sam"
CONTAINER = f"{SUE}--default"
SMALL = {"resources": {"cpu": "1", "memory": "1Gi"}}
SLOW = 120_000
TRY = """async hub => {
  const tried = async (path, init) => {
    try {
      return (await fetch(hub + path, { credentials: 'include', ...init })).type;
    } catch {
      return 'refused';
    }
  };
  const post = { method: 'POST', mode: 'no-cors', body: new URLSearchParams({ name: 'mine' }) };
  const frame = document.createElement('iframe');
  frame.src = `${hub}/hub/token`;
  await new Promise(done => { frame.onload = done; document.body.append(frame); });
  return {
    cookies: document.cookie,
    page: frame.contentDocument === null,
    read: await tried('/hub/token'),
    changed: await tried('/hub/api/users/sam', {
      method: 'PATCH',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ admin: true })
    }),
    sent: await tried('/hub/api/users/mine', post)
  };
}"""
"""What a script of a lab's page gets from the Hub, in the name of whoever opens it."""


@pytest.fixture(scope="module")
def hub(own: Hub) -> Hub:
    named = own.again(HUB_SUBDOMAIN=f"http://hub.localhost:{own.settings.port}")
    for user in (SUE, SAM):
        named.sign_up(user)
    return named


@pytest.mark.exhaustive
@pytest.mark.slow(reason="starts real containers")
def test_lab_service_and_hub_answer_under_their_own_names(hub: Hub) -> None:
    public = hub.settings.subdomain
    hub.start(SUE, SMALL)
    assert hub.lab("GET", SUE, "api/status").ok
    # The lab itself reaches the service, whose answer has the lab's own address.
    found = hub.lab("GET", SUE, f"mlws/api/v1/containers/{CONTAINER}").json()["data"]
    assert found["url"] == f"{public.replace('://', f'://{SUE}.')}/user/{SUE}/"
    # None of them is served under the Hub's name, or under another person's.
    for host in (hub.host("/hub/"), hub.host(f"/user/{SAM}/"), hub.host("/services/mlws/")):
        led = hub.lab("GET", SUE, "api/status", headers={"Host": host})
        assert led.status_code == 302
    for host in (hub.host("/hub/"), hub.host(f"/user/{SUE}/")):
        answer = hub.service("GET", "me", SUE, headers={"Host": host})
        assert answer.status_code in (302, 404)
    # A refused start leads to the service's page.
    refused = hub.session(SUE).post(
        f"{hub.url}/hub/spawn/{SUE}/other",
        data={"size": "huge", "_xsrf": hub._xsrf(hub.session(SUE), "/hub/token")},
        timeout=20,
    )
    assert f'href="http://{hub.host("/services/mlws/")}/services/mlws/"' in refused.text
    # Prometheus finds the lab by its name, through the proxy.
    token = {"Authorization": f"token {hub.environment['HUB_METRICS_TOKEN']}"}

    def targets() -> list[dict[str, Any]]:
        rows = hub.request("GET", "/services/mlws/metrics/labs", None, headers=token).json()
        return [row for row in rows if row["labels"]["id"] == CONTAINER]

    row = hub.wait_for(targets, "the service knows that it runs")[0]
    assert row["targets"] == [f"{SUE}.hub.localhost"]
    metrics = hub.request(
        "GET",
        row["labels"]["__metrics_path__"],
        None,
        headers={**token, "Host": row["targets"][0]},
    )
    assert metrics.ok, metrics.text
    assert SHARED_ORIGIN not in hub.log.read_text()
    hub.stop(SUE)


@pytest.mark.exhaustive
@pytest.mark.slow(reason="starts real containers")
@pytest.mark.browser
def test_the_pages_lead_to_each_other(
    hub: Hub, browser: Browser, shoot: Callable[[str, Page], None]
) -> None:
    public = hub.settings.subdomain
    service = f"http://{hub.host('/services/mlws/')}/services/mlws/"
    with signed_in(browser, hub, SUE) as page:
        page.goto(f"{public}/hub/home")
        page.get_by_role("link", name="Containers").click()
        page.wait_for_url(service)
        row = page.locator(f'[data-mlws-container="{CONTAINER}"]')
        hub.start(SUE, SMALL)
        # By a WebSocket of the service's own origin.
        expect(row).to_have_attribute("data-mlws-status", "RUNNING", timeout=SLOW)
        shoot("subdomains-containers", page)
        lab = row.get_by_role("link").first.get_attribute("href")
        page.get_by_role("link", name="Hub Control Panel").click()
        page.wait_for_url(f"{public}/hub/home")
        page.goto(f"{lab}lab?reset")
        assert page.evaluate("location.origin") == public.replace("://", f"://{SUE}.")
        open_sidebar(page)
        # It comes from the service, through the lab's own server.
        projects = page.locator("#jp-mlws-team-alone")
        expect(projects).to_contain_text("No shared projects yet")
        shoot("subdomains-lab", page)
    hub.stop(SUE)


@pytest.mark.exhaustive
@pytest.mark.slow(reason="starts real containers")
@pytest.mark.browser
def test_a_script_of_a_lab_gets_nothing_of_the_hub(hub: Hub, browser: Browser) -> None:
    public = hub.settings.subdomain
    hub.start(SAM, SMALL)
    with signed_in(browser, hub, ADMINISTRATOR) as page:
        page.goto(f"{public}/hub/token")
        secret = {row["name"]: row["value"] for row in page.context.cookies(f"{public}/hub/")}
        page.goto(f"{public.replace('://', f'://{SAM}.')}/user/{SAM}/lab?reset")
        page.get_by_role("button", name="Authorize").click()
        expect(page.locator("#jp-main-dock-panel")).to_be_visible(timeout=SLOW)
        told = page.evaluate(TRY, public)
    assert secret["_xsrf"] not in json.dumps(told)
    assert told["page"] is True
    assert (told["read"], told["changed"]) == ("refused", "refused")
    # A form is sent by any page, and refused for the lack of the token.
    assert told["sent"] in ("refused", "opaque")
    users = {row["name"]: row["admin"] for row in hub.api("GET", "users").json()}
    assert "mine" not in users
    assert not users[SAM]
    hub.stop(SAM)
