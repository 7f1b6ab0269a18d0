"""The Hub signs users in with an OpenID provider, by the settings of the how-to page."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit, urlunsplit

import pytest
import requests

from tests.accounts import openid_provider
from tests.accounts.plain_hub import Browser, PlainHub, free_ports, plain_hub, text_of
from tests.docs.pages import ROOT, parse

PAGE = ROOT / "docs" / "how-to" / "hub-oauth.md"


@pytest.fixture(scope="module")
def openid_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlainHub]:
    """A Hub with the configuration of the page."""
    folder = tmp_path_factory.mktemp("openid")
    (block,) = [one for one in parse(PAGE) if one.language == "python"]
    config = folder / "hub.py"
    config.write_text(block.text)
    provider_port, hub_port = free_ports(2)
    callback = f"http://127.0.0.1:{hub_port}/hub/oauth_callback"
    variables = {
        "PLAIN_HUB_CONFIG": str(config),
        "OIDC_CLIENT_ID": openid_provider.CLIENT_ID,
        "OIDC_CLIENT_SECRET": openid_provider.CLIENT_SECRET,
        "OIDC_CALLBACK_URL": callback,
        # The provider runs without TLS.
        "AUTHLIB_INSECURE_TRANSPORT": "1",
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
        with (
            openid_provider.running(provider_port, callback) as issuer,
            plain_hub(folder, port=hub_port, OIDC_ISSUER=issuer, **variables) as hub,
        ):
            yield hub


def sign_in(hub: PlainHub, user: str) -> tuple[Browser, requests.Response]:
    browser = hub.browser()
    form = browser.get("oauth_login?next=%2Fhub%2Fhome")
    assert "/authorize" in form.url
    return browser, browser.session.post(form.url, data={"user": user}, timeout=60)


def model(browser: Browser) -> dict[str, object]:
    answer: dict[str, object] = browser.session.get(
        f"{browser.url}/hub/api/user", timeout=60, headers={"Referer": f"{browser.url}/hub/home"}
    ).json()
    return answer


def test_a_user_of_an_allowed_group_signs_in(openid_hub: PlainHub) -> None:
    assert "Sign in with your organization" in text_of(openid_hub.browser().get("login"))
    browser, answer = sign_in(openid_hub, "ada")
    assert answer.url.endswith("/hub/home")
    assert model(browser)["name"] == "ada"
    assert model(browser)["groups"] == ["data-science"]
    assert model(browser)["admin"] is False
    # The pages of accounts with passwords are not there.
    assert 'href="/hub/account"' not in answer.text
    assert browser.get("account").status_code == 404


def test_a_group_makes_administrators(openid_hub: PlainHub) -> None:
    browser, _ = sign_in(openid_hub, "root")
    assert model(browser)["admin"] is True


@pytest.mark.parametrize("user", ["eve", "admin"])
def test_everyone_else_is_refused(openid_hub: PlainHub, user: str) -> None:
    browser, answer = sign_in(openid_hub, user)
    assert answer.status_code == 403
    assert browser.get("home").url != f"{browser.url}/hub/home"


def test_a_user_who_does_not_consent_and_a_forged_answer_are_refused(
    openid_hub: PlainHub,
) -> None:
    browser, denied = sign_in(openid_hub, "")
    assert denied.status_code in (400, 403)
    form = browser.get("oauth_login")
    response = browser.session.post(
        form.url, data={"user": "ada"}, timeout=60, allow_redirects=False
    )
    parts = urlsplit(response.headers["Location"])
    code = parse_qs(parts.query)["code"][0]
    # An answer that another browser asked for.
    forged = urlunsplit(parts._replace(query=f"code={code}&state=forged"))
    victim = openid_hub.browser()
    assert victim.session.get(forged, timeout=60).status_code in (400, 403)
    assert victim.get("home").url != f"{victim.url}/hub/home"
