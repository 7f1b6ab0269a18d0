"""What the fast lane prints into `dvc.lock` is what DVC would print, to the byte."""

from __future__ import annotations

from typing import Any

import pytest
from dvc.utils.serialize import dumps_yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mlws.dvc.native import yaml_dumper
from tests.series import length

WORDS = st.one_of(
    st.text(alphabet="abcexof0123456789T_/.-:=$#中é, +{}", min_size=1, max_size=25),
    st.sampled_from(["true", "~", "0o17", "1e3", "1_000", "12:30:45", "2001-12-14", ".inf", "<<"]),
).flatmap(lambda text: st.just(text.strip() or "a"))
LONG = st.text(alphabet="abc/", min_size=60, max_size=110)
COMMANDS = st.lists(st.one_of(WORDS, WORDS, WORDS, LONG), min_size=1, max_size=14).map(" ".join)
HASHES = st.from_regex(r"\A[0-9a-f]{32}\Z")
FILES = st.fixed_dictionaries(
    {"path": WORDS, "hash": st.just("md5"), "md5": HASHES, "size": st.integers(0, 10**9)}
)
VALUES = st.one_of(
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
    COMMANDS,
    st.lists(WORDS, max_size=3),
    st.lists(st.dictionaries(WORDS, WORDS, min_size=1, max_size=2), max_size=2),
)
ENTRIES = st.fixed_dictionaries(
    {
        "cmd": st.one_of(COMMANDS, st.lists(COMMANDS, min_size=1, max_size=3)),
        "deps": st.lists(FILES, min_size=1, max_size=2),
        "params": st.dictionaries(WORDS, st.dictionaries(WORDS, VALUES, min_size=1), min_size=1),
        "outs": st.lists(FILES, max_size=2),
    }
)
NAMES = st.from_regex(r"\A[a-z_][a-z0-9_-]{0,10}(@[a-z0-9]+)?\Z")


@pytest.mark.exhaustive
@settings(max_examples=length(80, 300), deadline=None, derandomize=True)
@given(NAMES, ENTRIES)
@pytest.mark.slow(reason="many real commits and transfers")
def test_an_entry_is_printed_as_dvc_prints_it(name: str, entry: dict[str, Any]) -> None:
    expected = dumps_yaml({"schema": "2.0", "stages": {name: entry}})

    assert yaml_dumper.LOCK_FILE_HEADER + yaml_dumper.stage(name, entry) == expected
    assert yaml_dumper.entry(entry) == dumps_yaml(entry)
