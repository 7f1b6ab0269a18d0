"""A changed text differs where its data differs, and nowhere else."""

from __future__ import annotations

import copy
import difflib
import io
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from jupyter_mlws.dvc.yaml_loader import Lines
from jupyter_mlws.workflows.document import rewriting
from jupyter_mlws.workflows.document.parse import Document
from jupyter_mlws.workflows.document.printing import flow
from jupyter_mlws.workflows.document.rewriting import RewriteError, are_equal
from tests.series import length

TEXT = """\
# A comment that stays
vars:
  - workflow: {name: 酒}   # and this
  - params.yaml
  - forest: {n_estimators: 10, optim: {lr: 0.1}}
  - linear:
      algorithm: 'ridge'    # quoted
      alpha: 1

stages:
  # what it does
  forest:
    cmd: jupyter mlws node train --data a ${forest}
    deps:
    - a   # the first
    - b
    # behind b
    outs: [x, w]
    meta: {at: [1, 2]}

  linear:
    cmd: >
      jupyter mlws node train
      --data b
    desc: |
      two
      lines

  # the end
"""


def load(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def rewrite(text: str, data: Any) -> str:
    return rewriting.rewrite(Document("dvc.yaml", text, load(text) or {}, Lines()), data)


def changed(before: str, after: str) -> list[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return [line for line in list(lines)[2:] if not line.startswith("@@")]


def set_in(data: Any, path: list[Any], value: Any) -> None:
    for key in path[:-1]:
        data = data[key]
    data[path[-1]] = value


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (["vars", 2, "forest", "n_estimators"], 50, ["-10", "+50"]),
        (["vars", 2, "forest", "optim", "lr"], 1e-7, ["+1.0e-07"]),
        (["vars", 2, "forest", "new"], "on", ['+, new: "on"}']),
        (["vars", 3, "linear", "algorithm"], "it's", ["-'ridge'    # q", "+'it''s'    # q"]),
        (["vars", 3, "linear", "new"], [1, "b c"], ['+      new: [1, "b c"]']),
        (["stages", "forest", "deps"], ["a", "b", "c"], ["+    - c"]),
        (["stages", "forest", "deps"], ["b"], ["-    - a   # the first"]),
        (["stages", "forest", "deps"], ["z", "a", "b"], ["+    - z"]),
        (["stages", "forest", "outs"], ["w"], ["-[x, w]", "+[w]"]),
        (["stages", "forest", "outs"], ["x", "z"], ["-[x, w]", "+[x, z]"]),
        (["stages", "forest", "meta", "at"], [3, -4], ["+[3, -4]"]),
        (["stages", "forest", "frozen"], True, ["+    frozen: true"]),
        (["stages", "linear", "desc"], "one", ["+    desc: one"]),
        (["stages", "linear", "cmd"], "echo: #x", ['+    cmd: "echo: #x"']),
        (["stages", "new"], {"cmd": "x", "deps": ["a"], "meta": {"at": [0, 1]}},
         ["+  new:", "+    cmd: x", "+    deps:", "+    - a", "+    meta: {at: [0, 1]}"]),
    ],
)  # fmt: skip
def test_only_the_lines_that_must_change_do(
    path: list[Any], value: Any, expected: list[str]
) -> None:
    wanted = load(TEXT)
    set_in(wanted, path, value)
    after = rewrite(TEXT, wanted)
    assert are_equal(load(after), wanted)
    lines = changed(TEXT, after)
    for part in expected:
        assert any(line[0] == part[0] and part[1:] in line for line in lines), lines
    assert len([line for line in lines if line[0] == "+"]) <= max(
        1, len([part for part in expected if part[0] == "+"])
    )


def test_a_removed_stage_takes_its_own_lines_alone() -> None:
    wanted = load(TEXT)
    del wanted["stages"]["forest"]
    after = rewrite(TEXT, wanted)
    assert after == TEXT[: TEXT.index("  forest:\n")] + TEXT[TEXT.index("\n  linear:\n") :]


def test_a_new_key_stands_behind_the_one_before_it() -> None:
    wanted = load(TEXT)
    stage = wanted["stages"]["linear"]
    wanted["stages"]["linear"] = {"cmd": stage["cmd"], "deps": ["b"], "desc": stage["desc"]}
    after = rewrite(TEXT, wanted)
    assert "      --data b\n    deps:\n    - b\n    desc: |\n" in after


@pytest.mark.parametrize("text", ["", "# only this\n", "---\n", "{}\n", "# c\n{}\n"])
def test_a_text_without_data_is_filled(text: str) -> None:
    wanted = {"vars": [{"workflow": {"name": "x"}}], "stages": {"a": {"cmd": "x", "outs": ["o"]}}}
    after = rewrite(text, wanted)
    assert are_equal(load(after), wanted)
    assert "stages:\n  a:\n    cmd: x\n    outs:\n      - o\n" in after


@pytest.mark.parametrize(
    "text",
    ["stages: {}\n", "stages: {}  # none\n", "stages:\n", "stages: {}", "vars: []\nstages: null\n"],
)
def test_an_empty_place_becomes_a_block(text: str) -> None:
    wanted = {**load(text), "stages": {"a": {"cmd": "x"}, "b": {"cmd": "z"}}}
    after = rewrite(text, wanted)
    assert are_equal(load(after), wanted)
    assert "\n  a:\n    cmd: x\n  b:\n    cmd: z" in after
    assert ("# none" in after) == ("# none" in text)


def test_windows_line_ends_stay() -> None:
    text = TEXT.replace("\n", "\r\n")
    wanted = load(text)
    wanted["stages"]["new"] = {"cmd": "x", "deps": ["a"]}
    del wanted["vars"][2]
    after = rewrite(text, wanted)
    assert are_equal(load(after), wanted)
    assert after.count("\n") == after.count("\r\n")


ANCHORS = """\
base: &base {a: 1, b: 2}
other: *base
stages:
  x: &x
    <<: *base
    cmd: x
  y: *x
"""


def test_what_is_shared_is_changed_at_one_place_or_not_at_all() -> None:
    wanted = copy.deepcopy(load(ANCHORS))
    wanted["other"] = {"a": 5}
    assert rewrite(ANCHORS, wanted) == ANCHORS.replace("other: *base", "other: {a: 5}")
    wanted = copy.deepcopy(load(ANCHORS))
    wanted["stages"]["y"] = {"cmd": "z"}
    assert load(rewrite(ANCHORS, wanted))["stages"]["y"] == {"cmd": "z"}
    for path in (["base", "a"], ["stages", "x", "cmd"], ["base"]):
        wanted = copy.deepcopy(load(ANCHORS))
        set_in(wanted, path, 7)
        with pytest.raises(RewriteError):
            rewrite(ANCHORS, wanted)


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**12), 10**12),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.sampled_from(
        ["on", "1e5", "0o7", "12:30", "2020-01-01", "a: b", "a #b", " a", "~", "-", "1_0"]
    ),
)
KEYS = st.one_of(
    st.sampled_from(["cmd", "deps", "outs", "a", "b"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
).filter(lambda key: key != "<<")
DATA = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
ROOT = st.dictionaries(KEYS, DATA, max_size=5)


@given(SCALARS)
@settings(max_examples=length(60, 300), deadline=None)
def test_every_value_is_read_back_as_it_was(value: Any) -> None:
    for quote in (None, "'", '"'):
        printed = f"a: [{flow(value, quote=quote)}]\nb: {flow(value, inside=False, quote=quote)}\n"
        assert are_equal(load(printed), {"a": [value], "b": value})


def altered(draw: st.DrawFn, value: Any) -> Any:
    """The value with some of its parts changed, removed and added."""
    if isinstance(value, dict):
        kept = {k: altered(draw, v) for k, v in value.items() if draw(st.integers(0, 4))}
        return {**kept, **draw(st.dictionaries(KEYS, DATA, max_size=1))}
    if isinstance(value, list):
        kept = [altered(draw, part) for part in value if draw(st.integers(0, 4))]
        place = draw(st.integers(0, len(kept)))
        return [*kept[:place], *draw(st.lists(DATA, max_size=1)), *kept[place:]]
    return value if draw(st.integers(0, 2)) else draw(SCALARS)


@st.composite
def changes(draw: st.DrawFn) -> tuple[str, Any, bool]:
    """A text in one of many styles, the data that it is to hold, and whether it is in ours."""
    held, ours = draw(ROOT), draw(st.booleans())
    if ours:
        text = rewrite("", held)
    else:
        yaml = YAML(typ="safe", pure=True)
        yaml.default_flow_style = draw(st.sampled_from([None, True, False]))
        yaml.allow_unicode = True
        stream = io.StringIO()
        yaml.dump(held, stream)
        text = stream.getvalue()
    if draw(st.booleans()):
        text = f"# before\n{text}# behind\n"
    # Not all that others print is read as it was, or at all.
    assume(_reads(text))
    return text, altered(draw, load(text) or {}), ours


def _reads(text: str) -> bool:
    try:
        load(text)
    except YAMLError:
        return False
    return True


@given(changes())
@settings(max_examples=length(60, 400), deadline=None)
@pytest.mark.slow(reason="many real runs")
def test_any_text_becomes_one_of_any_data(change: tuple[str, Any, bool]) -> None:
    text, wanted, ours = change
    try:
        after = rewrite(text, wanted)
    except RewriteError:
        # Forms that hardly anybody writes, such as `[a, b: c]`, may be refused; never be damaged.
        assert not ours
        return
    assert are_equal(load(after) or {}, wanted)
    if "# before" in text:
        assert after.startswith("# before\n")
    if are_equal(load(text) or {}, wanted):
        assert after == text
