"""The Hub's pages in Chinese and English, JupyterHub's own included."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jupyterhub._data import DATA_FILES_PATH

from hub_config.settings import ROOT
from jupyter_mlws.hub.page_translation import template_texts
from mlws.core.i18n import CHINESE, Message
from tests.accounts.plain_hub import PlainHub, text_of

SAME = {"JupyterHub", "UTC", "URL"}
"""Texts that are the same in Chinese."""
NOT_TRANSLATED = {"accept-share.html", "admin.html"}
TEMPLATES = [
    path
    for folder in (ROOT / "hub_config" / "templates", Path(DATA_FILES_PATH) / "templates")
    for path in sorted(folder.glob("*.html"))
    if path.name not in NOT_TRANSLATED
]
ENGLISH_WORD = re.compile(r"[A-Za-z]{3,}")
NAMES = {"JupyterHub", "JavaScript", "HTTP", "HTTPS", "API", "UTC", "URL", "OAuth", "Tests"}
HIDDEN = {"Error"}
"""The title of a dialog that JupyterHub fills in with an English message."""


@pytest.mark.parametrize(
    "path", TEMPLATES, ids=lambda path: f"{path.parent.parent.name}-{path.name}"
)
def test_every_text_of_a_template_has_a_translation(path: Path) -> None:
    texts = set(template_texts(path.read_text(encoding="utf-8"))) - SAME
    assert [text for text in texts if Message(text).in_(CHINESE) == text] == []


@pytest.mark.parametrize(
    "page", ["home", "spawn", "token", "account", "accounts", "signup", "login", "logout"]
)
def test_a_page_is_wholly_in_chinese(hub: PlainHub, page: str) -> None:
    browser = hub.browser("zh-CN,zh;q=0.9,en;q=0.8")
    if page not in ("signup", "login"):
        browser.sign_in("admin")
    answer = browser.get(page)
    # Scopes and times of tokens are programs' words.
    text = re.sub(r"<(pre|select|time).*?</\1>", "", answer.content.decode(), flags=re.DOTALL)
    visible = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", text, flags=re.DOTALL)
    words = set(ENGLISH_WORD.findall(visible)) - NAMES - HIDDEN
    assert words <= {"admin"}, words
    if page == "spawn":
        assert "服务器选项" in visible
    assert 'documentElement.lang = "zh-CN"' in answer.text


def test_attributes_and_english_pages_are_as_they_were(hub: PlainHub) -> None:
    browser = hub.browser("zh-CN")
    browser.sign_in("admin")
    assert 'placeholder="由用户选择"' in browser.get("accounts").content.decode()
    assert 'aria-label="切换导航"' in browser.get("home").content.decode()
    english = hub.browser()
    english.sign_in("admin")
    page = english.get("home")
    assert "Named Servers" in text_of(page)
    assert 'documentElement.lang = "en"' in page.text


def test_an_error_is_in_the_readers_language(hub: PlainHub) -> None:
    assert "404 : 未找到" in text_of(hub.browser("zh-CN").get("no-such-page"))
    assert "404 : Not Found" in text_of(hub.browser().get("no-such-page"))
    answer = hub.browser().get("login/%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert(1)" not in answer.text
