"""The fast reader of YAML against ruamel.yaml, with which DVC reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlws.dvc import yaml_loader
from mlws.dvc.unsupported import UnsupportedStageError

NUMBERS = st.from_regex(r"[-+]?[0-9]{0,3}\.?[0-9]{0,3}([eE][-+]?[0-9]{1,2})?", fullmatch=True)
SCALARS = NUMBERS | st.text("0123456789.eE+-_:xobnaifINF~ ", max_size=8).map(str.strip)


@given(SCALARS)
def test_a_scalar_is_read_as_ruamel_reads_it(scalar: str) -> None:
    text = f"value: {scalar}\n"
    try:
        value = yaml_loader.read(text)
    except UnsupportedStageError:
        return
    expected, _ = yaml_loader.read_by_ruamel(text)
    assert repr(value) == repr(expected)


@pytest.mark.parametrize(
    ("scalar", "value"),
    [("1e-3", 0.001), ("1E5", 1e5), ("+12", 12), ("1.", 1.0), ("017", 17), ("-0", 0)],
)
def test_usual_numbers_need_no_other_reader(scalar: str, value: float) -> None:
    assert yaml_loader.read(f"[{scalar}]") == [value]
