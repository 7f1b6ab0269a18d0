"""The reference that the lab shows: guides, and a page for each component, command and error."""

from __future__ import annotations

import json
import re

import pytest

from jupyter_mlws.components.registry import library
from jupyter_mlws.reference.guides import FRONT_MATTER, catalogue, directory, guides
from jupyter_mlws.reference.pages import pages
from mlws.core.errors import CATALOGUE

MOST_IN_A_LIST = 500
CHINESE = re.compile(r"[\u4e00-\u9fff]")
CODE = re.compile(r"```.*?```|`.*?`", re.DOTALL)


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
    for name in ("component-split", "command-commit", "error-30206", "how-to-undo"):
        assert not CHINESE.search(pages("en")[name].text)
        assert CHINESE.search(pages("zh-CN")[name].text)
        assert CHINESE.search(pages("zh-CN")[name].part)


def test_heads_of_tables_are_in_the_language_of_the_reader() -> None:
    for page in pages("zh-CN").values():
        for head in re.findall(r"^\| (.+) \|\n\|-", page.text, re.MULTILINE):
            assert CHINESE.search(head), (page.id, head)


def test_every_guide_of_the_site_is_a_page_that_the_lab_can_render() -> None:
    contents = pages("en")
    assert {"how-to/undo", "tutorials/first-workflow", "reference/versions"} <= guides().keys()
    files = {path.relative_to(directory()) for path in directory().glob("[ht]*/[!i]*.md")}
    assert {f"{page}.md" for page in guides() if not page.startswith("reference")} == {
        path.as_posix() for path in files
    }
    for page in guides():
        text = contents[page.replace("/", "-")].text
        prose = CODE.sub("", text)
        # Neither directives nor roles, comments, HTML or links to files that are not there.
        assert not re.search(r"\{\w|:::|<!--|^---|\.md\b", prose, re.MULTILINE), page
        for target in re.findall(r"\]\(#(.+?)\)", prose):
            assert target in contents
        assert not re.search(r"^ *```\w+ ", text, re.MULTILINE), page


def test_every_translation_of_a_guide_is_on_its_page() -> None:
    for page in guides():
        entry = pages("zh-CN")[page.replace("/", "-")]
        text = f"{entry.title}\n{entry.text}"
        # Words for the search of the site are not shown.
        front = FRONT_MATTER.match((directory() / f"{page}.md").read_text(encoding="utf-8"))
        for english, translation in catalogue(page).items():
            # Links lead to other addresses than on the site.
            is_on_page = translation.partition("[")[0] in text
            assert is_on_page or (front and english in front[0]), page


def test_guides_keep_the_blocks_of_code_of_the_site() -> None:
    page = pages("zh-CN")["tutorials-first-workflow"]
    assert page.title == "十分钟完成第一个工作流"
    assert "```yaml\nvars:\n  - workflow: {name: Wine}\n" in page.text
    assert "[参数扫描](#how-to-sweep)" in pages("zh-CN")["how-to-from-dvc"].text
    assert "> **警告**\n> \n> " in pages("zh-CN")["reference-containers"].text


async def test_a_page_is_served(fetch) -> None:
    answer = await fetch("mlws/api/v1/reference", params={"limit": str(MOST_IN_A_LIST)})
    entries = json.loads(answer.body)["data"]["items"]
    parts = ["Tutorials", "How-to guides", "Reference", "Components", "Commands", "Errors"]
    assert list(dict.fromkeys(entry["part"] for entry in entries)) == parts
    headers = {"Accept-Language": "zh-CN"}
    answer = await fetch("mlws/api/v1/reference/component-split", headers=headers)
    page = json.loads(answer.body)["data"]
    assert page["part"] == "组件"
    assert "`test_size`" in page["text"]


async def test_a_page_that_is_missing_is_an_error_of_ours(fetch) -> None:
    answer = await fetch("mlws/api/v1/reference/component-nothing", raise_error=False)
    assert answer.code == 404
    assert json.loads(answer.body)["code"] == "50404"
