"""The Hub's own accounts by HTTP: sign-up, approval, invitation, password and deletion."""

from __future__ import annotations

import pytest
import requests

from tests.accounts.plain_hub import ADMINISTRATOR, PASSWORD, PlainHub, link_of, text_of

NOT_APPROVED = "Your account has not been approved by an administrator yet."


def test_a_new_account_waits_for_an_administrator(hub: PlainHub) -> None:
    ada = hub.browser()
    assert "You can sign in after an administrator's approval" in text_of(ada.sign_up("ada"))
    refused = ada.sign_in("ada")
    assert refused.status_code == 403
    assert NOT_APPROVED in text_of(refused)
    administrator = hub.administrator()
    for page in ("home", "account"):
        assert 'id="waiting-accounts"' in administrator.get(page).text
    assert 'id="waiting-notice"' in administrator.get("home").text
    assert "ada Pending approval" in text_of(administrator.get("accounts"))
    administrator.change("approve", "ada")
    assert ada.sign_in("ada").ok
    assert ada.is_signed_in()
    assert 'id="waiting-accounts"' not in administrator.get("home").text


@pytest.mark.parametrize(
    ("name", "password", "reason"),
    [
        (ADMINISTRATOR, PASSWORD, "already in use"),
        ("with space", PASSWORD, "username is not valid"),
        ("a/b", PASSWORD, "username is not valid"),
        ("x" * 65, PASSWORD, "username is not valid"),
        ("short", "short", "at least 10 characters"),
        ("common", "Password123!", "too common"),
        ("repeated", "aaaaaaaaaaaaa", "too common"),
        ("willibald", "iamwillibald", "must not contain the username"),
    ],
)
def test_a_sign_up_that_is_refused_says_why(
    hub: PlainHub, name: str, password: str, reason: str
) -> None:
    answer = hub.browser().sign_up(name, password)
    assert answer.status_code == 400
    assert reason in text_of(answer)


def test_only_administrators_reach_the_accounts(hub: PlainHub) -> None:
    bob = hub.new_user("bob")
    assert bob.get("accounts").status_code == 403
    assert bob.change("approve", "bob").status_code == 403
    assert 'href="/hub/accounts"' not in bob.get("home").text
    anonymous = hub.browser()
    assert "/hub/login" in anonymous.get("accounts").url
    assert anonymous.change("approve", "bob").status_code == 403


def test_neither_a_link_nor_another_site_changes_an_account(hub: PlainHub) -> None:
    hub.browser().sign_up("sly")
    administrator = hub.administrator()
    url = f"{hub.url}/hub/accounts"
    form = {"action": "approve", "username": "sly"}
    assert administrator.session.post(url, data=form, timeout=60).status_code == 403
    administrator.session.headers["Sec-Fetch-Site"] = "cross-site"
    assert administrator.change("approve", "sly").status_code == 403
    assert hub.browser().sign_in("sly").status_code == 403


def test_an_invitation_works_once(hub: PlainHub) -> None:
    administrator = hub.administrator()
    link = link_of(administrator.change("invite", groups="vision, speech", days="1"))
    assert "vision, speech" in text_of(administrator.get("accounts"))
    cleo = hub.browser()
    assert cleo.get(link.partition("/hub/")[2]).ok
    assert "Your account has been created" in text_of(cleo.use_link(link, "cleo"))
    again = hub.browser().use_link(link, "carl")
    assert again.status_code == 410
    assert "This link is not valid any more" in text_of(again)
    assert cleo.sign_in("cleo").ok
    model = administrator.session.get(f"{hub.url}/hub/api/users/cleo", timeout=60).json()
    assert set(model["groups"]) == {"vision", "speech"}
    assert model["admin"] is False
    assert "vision, speech" not in text_of(administrator.get("accounts"))


def test_an_invitation_has_a_name_and_makes_an_administrator(hub: PlainHub) -> None:
    administrator = hub.administrator()
    link = link_of(administrator.change("invite", "dora", admin="1"))
    dora = hub.browser()
    dora.use_link(link, "other")
    assert hub.browser().sign_in("other").status_code == 403
    assert dora.sign_in("dora").ok
    assert dora.get("accounts").ok


def test_a_revoked_invitation_is_refused(hub: PlainHub) -> None:
    administrator = hub.administrator()
    link = link_of(administrator.change("invite"))
    page = administrator.get("accounts").text
    identifier = page.rpartition('name="invitation" value="')[2].partition('"')[0]
    administrator.change("revoke-invitation", invitation=identifier)
    assert hub.browser().use_link(link, "emil").status_code == 410


def test_a_password_is_changed_with_the_old_one_and_signs_out_other_browsers(
    hub: PlainHub,
) -> None:
    fay, other = hub.new_user("fay"), hub.browser()
    other.sign_in("fay")
    new = "another-long-secret"
    form = {"action": "change-password", "password": new, "repeated_password": new}
    assert "The current password is wrong" in text_of(
        fay.post("account", current_password="not-the-password", **form)
    )
    assert other.is_signed_in()
    changed = fay.post("account", current_password=PASSWORD, **form)
    assert "The password has been changed" in text_of(changed)
    assert fay.is_signed_in()
    assert not other.is_signed_in()
    assert other.sign_in("fay").status_code == 403
    assert other.sign_in("fay", new).ok


def test_an_administrator_resets_a_password_by_a_link_for_one_use(hub: PlainHub) -> None:
    gus = hub.new_user("gus")
    administrator = hub.administrator()
    old = link_of(administrator.change("reset", "gus"))
    link = link_of(administrator.change("reset", "gus"))
    new = "another-long-secret"
    assert hub.browser().use_link(old, password=new).status_code == 410
    assert "The password has been changed" in text_of(hub.browser().use_link(link, password=new))
    assert hub.browser().use_link(link, password=new).status_code == 410
    assert not gus.is_signed_in()
    assert gus.sign_in("gus").status_code == 403
    assert gus.sign_in("gus", new).ok


def test_an_account_is_disabled_and_approved_again(hub: PlainHub) -> None:
    hal = hub.new_user("hal")
    token = hal.session.post(
        f"{hub.url}/hub/api/users/hal/tokens",
        headers={"X-XSRFToken": hal.session.cookies.get("_xsrf", path="/hub/")},
        timeout=60,
    ).json()["token"]
    header = {"Authorization": f"token {token}"}
    me = f"{hub.url}/hub/api/user"
    assert requests.get(me, headers=header, timeout=60).ok
    administrator = hub.administrator()
    administrator.change("disable", "hal")
    assert not hal.is_signed_in()
    assert requests.get(me, headers=header, timeout=60).status_code == 403
    assert NOT_APPROVED in text_of(hal.sign_in("hal"))
    administrator.change("approve", "hal")
    assert hal.sign_in("hal").ok


def test_an_account_is_deleted_with_its_user(hub: PlainHub) -> None:
    ida = hub.new_user("ida")
    administrator = hub.administrator()
    administrator.change("delete", "ida")
    assert not ida.is_signed_in()
    assert ida.sign_in("ida").status_code == 403
    users = administrator.session.get(f"{hub.url}/hub/api/users", timeout=60).json()
    assert "ida" not in [row["name"] for row in users]
    assert "You cannot do this" in text_of(administrator.change("delete", ADMINISTRATOR))
    assert administrator.change("delete", "ida").status_code == 404
    # Whoever gets the name gets the files: only an administrator gives it again.
    assert "already in use" in text_of(hub.browser().sign_up("ida"))
    link = link_of(administrator.change("invite"))
    assert "already in use" in text_of(hub.browser().use_link(link, "ida"))
    link = link_of(administrator.change("invite", "ida"))
    assert hub.browser().use_link(link, "ida").ok


def test_errors_are_in_the_readers_language(hub: PlainHub) -> None:
    browser = hub.browser("zh-CN,zh;q=0.9,en;q=0.8")
    answer = browser.sign_in("nobody", "not-the-password")
    assert "用户名或密码错误。" in text_of(answer)
    assert "登录" in text_of(answer)
