"""The catalogue of errors: complete, documented, in both languages, and all of it used."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import jupyter_mlws
from jupyter_mlws.errors import (
    CATALOGUE,
    AlreadyExistsError,
    Fault,
    WorkflowItemNotFoundError,
    as_markdown,
    of_system,
)
from jupyter_mlws.i18n import CHINESE, TERMS, Message

PACKAGE = Path(jupyter_mlws.__file__).parent
DOCS = Path(__file__).parent.parent / "docs"
CJK = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def sources() -> str:
    files = [path for path in PACKAGE.rglob("*.py") if path.name != "errors.py"]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def test_the_page_of_error_codes_is_the_catalogue() -> None:
    assert (DOCS / "errors.md").read_text(encoding="utf-8") == as_markdown()


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_an_error_is_raised_speaks_both_languages_and_has_the_facts_it_names(
    code: str, sources: str
) -> None:
    error = CATALOGUE[code]
    assert f"{error.__name__}(" in sources or f'"{code}"' in sources or error.__name__ in sources
    for message in (error.message, error.solution):
        chinese = message.in_(CHINESE)
        assert CJK.search(chinese)
        assert not CJK.search(message.en)
        fields = re.findall(r"\{(\w+)", message.en)
        assert sorted(fields) == sorted(re.findall(r"\{(\w+)", chinese))
        assert set(fields) <= set(error.names())


def test_an_error_carries_its_facts_and_faults() -> None:
    error = AlreadyExistsError(faults=[Fault("name", Message("must not be blank"))], name="wine")
    body = error.as_dict("zh-CN")
    assert body["details"] == {"name": "wine"}
    assert body["errors"] == [
        {"field": "name", "message": Message("must not be blank").in_(CHINESE)}
    ]
    assert "wine" in body["message"]
    assert CJK.search(body["message"])


def test_what_a_sentence_calls_a_thing_is_in_the_readers_language(sources: str) -> None:
    named = set(re.findall(r'Error\([^()]*\bkind="([^"]+)"', sources))
    named |= set(re.findall(r'\.lock\("([^"]+)"', sources))
    assert named
    assert named <= set(TERMS)
    body = WorkflowItemNotFoundError(kind="workflow", name="x").as_dict("zh-CN")
    assert body["message"] == "找不到工作流 'x'。"
    assert body["details"]["kind"] == "workflow"


def test_a_full_disk_and_a_name_that_is_too_long_are_known_wherever_they_come_from() -> None:
    with pytest.raises(OSError, match="too long") as too_long:
        (PACKAGE / ("数" * 100) / "a").stat()
    error = of_system(too_long.value)
    assert error is not None
    assert error.code == "50201"
    assert error.faults[0].message.en.startswith(f"The name '{'数' * 60}…' exceeds")
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("PRAGMA max_page_count = 2")
        with pytest.raises(sqlite3.OperationalError) as full:
            database.executescript("CREATE TABLE a (b); CREATE TABLE c (d); CREATE TABLE e (f);")
    error = of_system(full.value)
    assert error is not None
    assert error.code == "30102"
    assert of_system(ValueError("no")) is None
