"""A changed text differs where its data differs, and nowhere else."""

from __future__ import annotations

import copy
import io
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from mlws.document import rewriting
from mlws.document.parse import Document
from mlws.document.printing import flow
from mlws.document.rewriting import RewriteError, are_equal
from mlws.dvc.yaml_loader import Lines
from tests.series import length


def load(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def rewrite(text: str, data: Any) -> str:
    return rewriting.rewrite(Document("dvc.yaml", text, load(text) or {}, Lines()), data)


def test_a_new_key_stands_behind_the_one_before_it() -> None:
    target = {"stages": {"a": {"cmd": "b", "deps": ["b"], "desc": "two\nlines\n"}}}
    after = rewrite(
        "stages:\n  a:\n    cmd: >-\n      b\n    desc: |\n      two\n      lines\n", target
    )
    assert "      b\n    deps:\n      - b\n    desc: |\n" in after


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
    target = copy.deepcopy(load(ANCHORS))
    target["stages"]["y"] = {"cmd": "z"}
    assert load(rewrite(ANCHORS, target))["stages"]["y"] == {"cmd": "z"}
    for path in (["base", "a"], ["stages", "x", "cmd"], ["base"]):
        target = place = copy.deepcopy(load(ANCHORS))
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = 7
        with pytest.raises(RewriteError):
            rewrite(ANCHORS, target)


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
    text, target, ours = change
    try:
        after = rewrite(text, target)
    except RewriteError:
        # Forms that hardly anybody writes, such as `[a, b: c]`, may be refused; never be damaged.
        assert not ours
        return
    assert are_equal(load(after) or {}, target)
    if "# before" in text:
        assert after.startswith("# before\n")
    if are_equal(load(text) or {}, target):
        assert after == text
