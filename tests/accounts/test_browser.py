"""Sign-up, approval and sign-in in a browser: both languages, light and dark, also on a phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from tests.accounts.plain_hub import ADMINISTRATOR, PASSWORD, PlainHub
from tests.browser import browser, jp_asyncio_loop, jp_server_cleanup, page, shoot

__all__ = ["browser", "jp_asyncio_loop", "jp_server_cleanup", "page", "shoot"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

Open = Callable[..., Page]
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}


@dataclass(frozen=True)
class Words:
    """Texts of the pages in one language."""

    user: str
    language: str
    username: str
    password: str
    repeat: str
    create: str
    waits: str
    accounts: str
    approve: str
    sign_in: str
    sessions: str


ENGLISH = Words(
    user="una",
    language="en-GB",
    username="Username",
    password="Password",
    repeat="Repeat password",
    create="Create Account",
    waits="You can sign in after an administrator's approval.",
    accounts="Accounts",
    approve="Approve",
    sign_in="Sign in",
    sessions="Sessions",
)
CHINESE = Words(
    user="zoe",
    language="zh-CN",
    username="用户名",
    password="密码",
    repeat="重复密码",
    create="创建账号",
    waits="管理员批准后即可登录。",
    accounts="账号管理",
    approve="批准",
    sign_in="登录",
    sessions="会话",
)


@pytest.fixture
def open_window(browser: Browser) -> Iterator[Open]:
    """Open a window with cookies of its own."""
    contexts = []

    def open_page(words: Words, viewport: dict[str, int], colours: str) -> Page:
        context = browser.new_context(
            viewport=viewport, locale=words.language, color_scheme=colours
        )
        contexts.append(context)
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()


def sign_in(window: Page, hub: PlainHub, name: str, words: Words) -> None:
    window.goto(f"{hub.url}/hub/login?next=%2Fhub%2Faccount")
    window.locator("#username_input").fill(name)
    window.locator("#password_input").fill(PASSWORD)
    window.get_by_role("button", name=words.sign_in, exact=True).click()
    expect(window.get_by_role("heading", name=words.sessions)).to_be_visible()


def fits(window: Page) -> None:
    """Neither the page nor a part of it scrolls sideways to show a button."""
    assert window.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    cut_off = """buttons => buttons.filter(
        button => button.getBoundingClientRect().right > window.innerWidth
    ).map(button => button.textContent)"""
    assert window.locator("button").evaluate_all(cut_off) == []


@pytest.mark.parametrize(
    ("words", "viewport", "colours"),
    [(ENGLISH, DESKTOP, "light"), (CHINESE, PHONE, "dark")],
    ids=["english", "chinese-on-a-phone"],
)
def test_a_user_signs_up_is_approved_and_signs_in(
    hub: PlainHub,
    open_window: Open,
    shoot: Callable[..., None],
    words: Words,
    viewport: dict[str, int],
    colours: str,
) -> None:
    user = open_window(words, viewport, colours)
    user.goto(f"{hub.url}/hub/signup")
    user.get_by_label(words.username).fill(words.user)
    user.get_by_label(words.password, exact=True).fill(PASSWORD)
    user.get_by_label(words.repeat).fill(PASSWORD)
    fits(user)
    shoot(f"sign-up-{words.language}", user)
    user.get_by_role("button", name=words.create).click()
    expect(user.get_by_text(words.waits)).to_be_visible()

    administrator = open_window(words, viewport, colours)
    sign_in(administrator, hub, ADMINISTRATOR, words)
    administrator.goto(f"{hub.url}/hub/home")
    expect(administrator.locator("#waiting-notice")).to_contain_text("1")
    shoot(f"home-{words.language}", administrator)
    administrator.goto(f"{hub.url}/hub/accounts")
    fits(administrator)
    shoot(f"accounts-{words.language}", administrator)
    row = administrator.locator(f'tr[data-user="{words.user}"]')
    row.get_by_role("button", name=words.approve).click()
    expect(administrator.locator("#waiting-accounts")).to_have_count(0)

    sign_in(user, hub, words.user, words)
    fits(user)
    shoot(f"account-{words.language}", user)
    assert user.evaluate("document.documentElement.lang").startswith(words.language[:2])


def test_every_action_on_accounts_is_in_reach_on_a_phone(
    hub: PlainHub, open_window: Open, shoot: Callable[..., None]
) -> None:
    hub.browser().sign_up("a-user-with-a-long-name")
    administrator = open_window(ENGLISH, PHONE, "light")
    sign_in(administrator, hub, ADMINISTRATOR, ENGLISH)
    administrator.goto(f"{hub.url}/hub/accounts")
    invite = administrator.locator("#invite")
    invite.get_by_label("Groups").fill("students, tutors-of-the-second-year")
    invite.get_by_role("button").click()
    expect(administrator.get_by_role("button", name="Revoke")).to_be_visible()
    shoot("accounts-phone-en", administrator)
    fits(administrator)


def test_the_secret_of_an_invitation_stays_in_the_browser(hub: PlainHub, open_window: Open) -> None:
    administrator = open_window(ENGLISH, DESKTOP, "light")
    sign_in(administrator, hub, ADMINISTRATOR, ENGLISH)
    administrator.goto(f"{hub.url}/hub/accounts")
    administrator.locator("#invite").get_by_role("button").click()
    link = administrator.locator("#link").input_value()
    user = open_window(ENGLISH, DESKTOP, "light")
    requests: list[str] = []
    user.on("request", lambda request: requests.append(request.url))
    user.goto(link)
    user.get_by_label("Username").fill("vera")
    user.get_by_label("Password", exact=True).fill(PASSWORD)
    user.get_by_label("Repeat password").fill(PASSWORD)
    user.get_by_role("button", name="Create Account").click()
    expect(user.get_by_text("Your account has been created.")).to_be_visible()
    secret = link.partition("#")[2]
    assert len(secret) > 40
    assert not any(secret in url.partition("#")[0] for url in requests)


def test_deleting_asks_first(hub: PlainHub, open_window: Open) -> None:
    hub.browser().sign_up("wim")
    administrator = open_window(CHINESE, DESKTOP, "light")
    sign_in(administrator, hub, ADMINISTRATOR, CHINESE)
    administrator.goto(f"{hub.url}/hub/accounts")
    questions: list[str] = []

    def refuse(dialog: Dialog) -> None:
        questions.append(dialog.message)
        dialog.dismiss()

    administrator.once("dialog", refuse)
    delete = administrator.locator('tr[data-user="wim"]').get_by_role("button", name="删除")
    delete.click()
    expect(delete).to_be_visible()
    assert questions == ["删除此账号并停止其服务器？用户的文件将保留。"]
    administrator.once("dialog", lambda dialog: dialog.accept())
    delete.click()
    expect(administrator.locator('tr[data-user="wim"]')).to_have_count(0)
