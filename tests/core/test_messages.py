"""The server's messages: every one translated, none left over, and what a message does."""

from __future__ import annotations

import ast
import json
import re
import sys
from pathlib import Path

import pytest
from pydantic import Field

from jupyter_mlws.core.errors import ImageUnavailableError
from jupyter_mlws.core.schemas import Record, encode_json
from mlws.core.i18n import CHINESE, ENGLISH, TERM, Message, preferred_language, term, translate

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
CJK = re.compile(r"[\u4e00-\u9fff]")
FIELD = re.compile(r"\{(\w+)")


@pytest.mark.parametrize("package", [ROOT / "engine" / "mlws", ROOT / "jupyter_mlws"])
def test_the_catalogue_has_what_the_code_says_and_no_more(package: Path) -> None:
    import messages

    catalogue, extracted = messages.read(package), messages.extract(package)
    ids = {(entry.context, entry.id) for entry in extracted if entry.id}
    assert {(entry.context, entry.id) for entry in catalogue if entry.id} == ids, "make messages"
    for entry in catalogue:
        assert entry.string, f"not translated: {entry.id!r}"
        if entry.id and entry.context != TERM:
            assert sorted(FIELD.findall(entry.id)) == sorted(FIELD.findall(entry.string)), entry.id


@pytest.mark.parametrize("package", ["engine/mlws", "jupyter_mlws", "hub_config"])
def test_no_text_in_the_code_is_chinese(package: str) -> None:
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = node.value if isinstance(node, ast.Constant) else None
            allowed = path.relative_to(ROOT / package).as_posix() in (
                "core/command_help.py",
                "components/chinese.py",
            )
            assert allowed or not (isinstance(text, str) and CJK.search(text)), (path, text)


def test_a_message_is_filled_translated_and_stored() -> None:
    inner = Message("an integer")
    message = Message("{setting} must be {types}.", setting="x", types=inner)
    assert message.in_(ENGLISH) == "x must be an integer."
    assert CJK.search(message.in_(CHINESE))
    assert "integer" not in message.in_(CHINESE)
    assert Message.parse(message.as_dict()) == message
    assert Message("{a} of {b}").fill(a=1).en == "1 of {b}"
    assert Message.verbatim("{x} [y]").en == "{x} [y]"
    assert term("snapshot", CHINESE) == "\u5feb\u7167"
    assert term("unknown", CHINESE) == "unknown"


class Answer(Record):
    """A reply with messages."""

    reason: Message
    hints: list[Message] = Field(default_factory=list)


def test_a_models_messages_are_sent_in_the_readers_language() -> None:
    answer = Answer(reason=Message("an integer"), hints=[Message("must not be blank")])
    said = answer.model_dump(mode="json", context={"language": CHINESE})
    assert [bool(CJK.search(text)) for text in (said["reason"], *said["hints"])] == [True, True]
    assert answer.model_dump(mode="json")["reason"] == "an integer"
    assert answer.model_dump()["reason"] == Message("an integer")
    assert json.loads(encode_json({"data": [answer]}, CHINESE))["data"] == [said]
    assert translate([{"why": answer.reason}], CHINESE) == [{"why": said["reason"]}]


def test_a_models_message_may_be_the_text_of_another_program() -> None:
    text = "{x} is no field"
    assert Answer.model_validate({"reason": text}).reason.en == text
    assert Answer.model_validate_json(f'{{"reason": "{text}"}}').reason.en == text
    schema = Answer.model_json_schema(mode="serialization")["properties"]["reason"]
    assert schema == {"title": "Reason", "type": "string"}


def test_sentences_in_the_details_of_an_error_are_translated() -> None:
    error = ImageUnavailableError(image="lab", reason=Message("an integer"))
    body = error.as_dict(CHINESE)
    assert CJK.search(body["message"])
    assert body["details"]["image"] == "lab"
    assert CJK.search(body["details"]["reason"])


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", CHINESE),
        ("fr, zh;q=0.5", CHINESE),
        ("en;q=0.4, zh;q=0.6", CHINESE),
        ("zh;q=0, fr", ENGLISH),
        ("zh;q=best", ENGLISH),
        ("", ENGLISH),
    ],
)
def test_the_preferred_language_is_one_that_the_reader_accepts(header: str, language: str) -> None:
    assert preferred_language(header) == language
