"""The catalogue of errors: complete, documented, in both languages, and all of it used."""

from __future__ import annotations

import ast
import json
import re
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path

import click
import pytest

import jupyter_mlws
import mlws
from jupyter_mlws.cli.main import build
from jupyter_mlws.core.errors import (
    AlreadyExistsError,
    RoleRequiredError,
    WorkflowItemNotFoundError,
    of_system,
)
from mlws.core.errors import CATALOGUE, Fault, MLWSError, WorkflowUnreadableError
from mlws.core.i18n import CHINESE, ENGLISH, TERMS, Message

FILES = sorted(
    path for package in (jupyter_mlws, mlws) for path in Path(package.__file__).parent.rglob("*.py")
)
CJK = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def sources() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in FILES if path.name != "errors.py")


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_an_error_speaks_both_languages_and_has_the_facts_it_names(code: str) -> None:
    error = CATALOGUE[code]
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
    body = RoleRequiredError(name="wine", needed="owner", role="reader").as_dict("zh-CN")
    assert body["message"] == "此操作需要“所有者”角色；您在项目 'wine' 中的角色是“只读成员”。"


def test_a_full_disk_and_a_name_that_is_too_long_are_known_wherever_they_come_from() -> None:
    with pytest.raises(OSError, match="too long") as too_long:
        Path("数" * 100, "a").stat()
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


def test_a_fact_that_is_a_sentence_is_in_the_readers_language_also_after_storage() -> None:
    reason = Message("line {line}: {reason}", line=3, reason=Message("it is not UTF-8"))
    error = WorkflowUnreadableError(path="dvc.yaml", reason=reason, line=3)
    assert error.as_dict("en")["details"]["reason"] == "line 3: it is not UTF-8"
    restored = MLWSError.restore(**json.loads(json.dumps(error.record)))
    for one in (error, restored):
        body = one.as_dict(CHINESE)
        assert body["message"] == "无法将 'dvc.yaml' 读取为工作流：第 3 行：不是 UTF-8 编码"
        assert body["details"]["reason"] == "第 3 行：不是 UTF-8 编码"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_reason_of_an_error_is_a_message_where_it_is_a_sentence_of_ours(path: Path) -> None:
    nodes = [*ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    calls = [
        node
        for node in nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id.endswith("Error")
    ]
    reasons = [one.value for call in calls for one in call.keywords if one.arg == "reason"]
    variables = {reason.id for reason in reasons if isinstance(reason, ast.Name)}
    for node in nodes:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)]) if name in variables:
                reasons.append(node.value)
    for reason in reasons:
        if isinstance(reason, ast.Constant | ast.JoinedStr):
            parts = reason.values if isinstance(reason, ast.JoinedStr) else [reason]
            texts = [str(part.value) for part in parts if isinstance(part, ast.Constant)]
            assert not re.search(r"[a-z]{2}", " ".join(texts)), f"{path.name}: {texts}"


@pytest.mark.parametrize("code", sorted(CATALOGUE))
@pytest.mark.parametrize("language", [ENGLISH, CHINESE])
def test_the_commands_that_a_solution_names_exist(code: str, language: str) -> None:
    for command in re.findall(
        r"`([^`]*\bmlws [a-z][^`]*)`", CATALOGUE[code].solution.in_(language)
    ):
        program, subprogram, *words = shlex.split(command)
        assert (program, subprogram) == ("jupyter", "mlws")
        found: click.Command = build(language)
        while isinstance(found, click.Group):
            found = found.commands[words.pop(0)]
        found.parse_args(click.Context(found), words)
