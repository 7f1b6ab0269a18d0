"""Log records as JSON lines with ECS's names, and back as people read them."""

from __future__ import annotations

import json
import logging

import pytest

from jupyter_mlws.logs.formatting import ECSFormatter, HubFormatter, ServiceFormatter, plain


def record(message: str, *arguments: object, failure: bool = False) -> logging.LogRecord:
    info = None
    if failure:
        try:
            raise ValueError("token=abcdef")
        except ValueError as error:
            info = (type(error), error, error.__traceback__)
    return logging.LogRecord("hub.part", logging.WARNING, "part.py", 7, message, arguments, info)


def test_a_record_is_one_line_with_ecs_names_and_without_credentials() -> None:
    text = ECSFormatter().format(record("of %s\nwith token=%s", "ada", "0123"))
    assert "\n" not in text
    row = json.loads(text)
    assert row["message"] == "of ada\nwith token=…"
    assert (row["log.level"], row["log.logger"]) == ("warning", "hub.part")
    assert row["@timestamp"].endswith("Z")
    assert row["log.origin"] == {"file": {"name": "part.py", "line": 7}}


@pytest.mark.parametrize(
    ("formatter", "dataset"),
    [
        (ECSFormatter(), "mlws.server"),
        (HubFormatter("%(message)s", "%H"), "mlws.hub"),
        (ServiceFormatter(), "mlws.service"),
    ],
)
def test_each_program_says_which_it_is(formatter: logging.Formatter, dataset: str) -> None:
    assert json.loads(formatter.format(record("x")))["event.dataset"] == dataset


def test_a_failure_has_its_type_and_trace() -> None:
    row = json.loads(ECSFormatter().format(record("failed", failure=True)))
    assert row["error.type"] == "ValueError"
    assert "raise ValueError" in row["error.stack_trace"]
    assert "abcdef" not in row["error.stack_trace"]


def test_arguments_that_do_not_fit_are_no_failure() -> None:
    assert json.loads(ECSFormatter().format(record("%d of", "x")))["message"] == "%d of"


def test_people_read_such_lines_as_any_other() -> None:
    said = plain(ECSFormatter().format(record("hello %s", "ada")))
    assert said.startswith("[W 20")
    assert said.endswith(" hub.part] hello ada")
    assert "Traceback" in plain(ECSFormatter().format(record("failed", failure=True)))
    for line in ("plain text", '{"@timestamp": broken', '{"@timestamp": 1}', '{"@timestamp": []}'):
        assert plain(line) == line
