"""The reference that the lab shows: a page for each component, command and error."""

from __future__ import annotations

import json
import re

import pytest

from jupyter_mlws.components.registry import library
from jupyter_mlws.core.errors import CATALOGUE
from jupyter_mlws.reference.pages import pages

MOST_IN_A_LIST = 500
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_every_page_has_a_title_and_a_text(language: str) -> None:
    contents = pages(language)
    assert {f"component-{component.name}" for component in library()} <= contents.keys()
    assert {f"error-{code}" for code in CATALOGUE} <= contents.keys()
    assert {"command-commit", "command-node", "magics"} <= contents.keys()
    assert len(contents) <= MOST_IN_A_LIST
    for page in contents.values():
        assert page.title
        assert page.text.strip()


def test_pages_are_in_the_language_of_the_reader() -> None:
    for name in ("component-split", "command-commit", "error-30206"):
        assert not CHINESE.search(pages("en")[name].text)
        assert CHINESE.search(pages("zh-CN")[name].text)
        assert CHINESE.search(pages("zh-CN")[name].part)


async def test_a_page_is_served(fetch) -> None:
    answer = await fetch("mlws/api/v1/reference", params={"limit": str(MOST_IN_A_LIST)})
    entries = json.loads(answer.body)["data"]["items"]
    assert entries[0]["part"] == "Components"
    headers = {"Accept-Language": "zh-CN"}
    answer = await fetch("mlws/api/v1/reference/component-split", headers=headers)
    page = json.loads(answer.body)["data"]
    assert page["part"] == "组件"
    assert "`test_size`" in page["text"]


async def test_a_page_that_is_missing_is_an_error_of_ours(fetch) -> None:
    answer = await fetch("mlws/api/v1/reference/component-nothing", raise_error=False)
    assert answer.code == 404
    assert json.loads(answer.body)["code"] == "50404"
