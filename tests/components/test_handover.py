"""What one node stores, another loads as it was, or the first says that it cannot be."""

from __future__ import annotations

import importlib
import json
import math
import re
import zipfile
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression

from jupyter_mlws.components import handover, plainly
from jupyter_mlws.components.values import TRUSTED_NAMES, ArtifactError, read

FRAME = pd.DataFrame(
    {
        "a": [1, 2, 3],
        "文": ["x", None, "z"],
        "c": pd.Categorical(["u", "v", "u"]),
        "d": pd.date_range("2020-01-01", periods=3, tz="UTC"),
    }
)


@pytest.fixture
def there_and_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    (tmp_path / "nodes").mkdir()
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "nodes")
    handover.enter("../home")

    def call(value: Any, suffix: str) -> Any:
        path = f"../out/node.value{suffix}"
        handover.store(value, path)
        first = (tmp_path / "out" / f"node.value{suffix}").read_bytes()
        handover.store(value, path)
        assert (tmp_path / "out" / f"node.value{suffix}").read_bytes() == first
        return handover.load(path)

    return call


@pytest.mark.parametrize(
    "value",
    [
        FRAME,
        FRAME.set_index("a"),
        FRAME.set_index(["a", "c"]),
        FRAME.groupby("c", observed=True).agg({"a": ["mean", "sum"]}),
        pd.DataFrame(np.eye(2)),
        pd.DataFrame({3: [1], "x": [2]}),
        pd.DataFrame([[1, 2]], columns=["same", "same"]),
        pd.DataFrame({"x": [1.0, 2.0]}, index=pd.date_range("2020", periods=2, freq="D")),
        pd.DataFrame(),
    ],
)
def test_tables(there_and_back: Callable[..., Any], value: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(there_and_back(value, ".parquet"), value)


def test_series_and_indexes(there_and_back: Callable[..., Any]) -> None:
    for series in (FRAME["a"], FRAME["c"].value_counts(), FRAME["a"].rename(None)):
        pd.testing.assert_series_equal(there_and_back(series, ".parquet"), series)
    pd.testing.assert_index_equal(there_and_back(FRAME.columns, ".parquet"), FRAME.columns)


def test_arrays_and_models(there_and_back: Callable[..., Any]) -> None:
    for array in (np.eye(3, dtype="float32"), np.array(["a", "bc"]), np.float64(0.1)):
        found = there_and_back(array, ".npy")
        assert found.dtype == array.dtype
        assert np.array_equal(found, array)
    model = LinearRegression().fit([[1.0], [2.0]], [1.0, 3.0])
    assert there_and_back(model, ".skops").predict([[4.0]]) == model.predict([[4.0]])


@pytest.mark.parametrize(
    "name",
    [
        "numpy.f2py.crackfortran.myeval",
        "numpy.load",
        "numpy.testing._private.utils.runstring",
        "scipy.io.loadmat",
        "sklearn.utils.fixes.delayed",
        "sklearn.datasets._base.load_files",
    ],
)
def test_a_model_that_names_a_function_is_refused(name: str, tmp_path: Path) -> None:
    module, _, function = name.rpartition(".")
    schema = {
        "__class__": function,
        "__module__": module,
        "__loader__": "FunctionNode",
        "__id__": 1,
        "content": {"module_path": module, "function": function},
        "protocol": 2,
        "_skops_version": "0.13.0",
    }
    with zipfile.ZipFile(tmp_path / "model.skops", "w") as archive:
        archive.writestr("schema.json", json.dumps(schema))
    with pytest.raises(ArtifactError, match=re.escape(f"untrusted types: {name}")):
        read("Model", tmp_path / "model.skops")


def test_trusted_names_are_classes() -> None:
    """Of those that this release of scikit-learn has; older ones are named as well."""
    present = 0
    for name in TRUSTED_NAMES:
        module, _, attribute = name.rpartition(".")
        try:
            value = getattr(importlib.import_module(module), attribute, None)
        except ModuleNotFoundError:
            continue
        assert value is None or isinstance(value, type), name
        present += value is not None
    assert present > len(TRUSTED_NAMES) / 2


@pytest.mark.parametrize(
    ("value", "suffix"),
    [
        (3, ".parquet"),
        (pd.DataFrame({"x": [object()]}), ".parquet"),
        ([1], ".npy"),
        (np.array([object()]), ".npy"),
        (np.ma.masked_array([1], [True]), ".npy"),
        (FRAME, ".json"),
        (object(), ".json"),
        (b"bytes", ".json"),
    ],
)
def test_what_would_come_back_changed_is_refused_by_name(
    there_and_back: Callable[..., Any], value: Any, suffix: str, tmp_path: Path
) -> None:
    with pytest.raises(ArtifactError, match=r"node\.value, a .* into one node"):
        there_and_back(value, suffix)
    assert not list((tmp_path / "out").iterdir())


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.complex_numbers(allow_nan=False)
    | st.dates()
    | st.datetimes()
    | st.timedeltas(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3) | st.integers() | st.just("$"), inner, max_size=3)
        | st.frozensets(st.integers(), max_size=3)
        | st.sets(st.text(max_size=2), max_size=3)
    ),
    max_leaves=10,
)


@given(PLAIN)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_plain_values_come_back_as_they_were(value: Any) -> None:
    import json

    found = plainly.decode(json.loads(json.dumps(plainly.encode(value))))
    assert found == value
    assert type(found) is type(value)


def test_what_json_has_no_word_for() -> None:
    for value in (
        *(range(2, 9, 3), Path("a/b"), date(2020, 1, 2), datetime(2020, 1, 2, 3), timedelta(1, 2)),
        *(np.float64(0.1), np.int8(3), np.bool_(True), {(1, 2): {3}}),
    ):
        found = plainly.decode(plainly.encode(value))
        assert found == value
        assert type(found) is type(value)
    assert math.isnan(plainly.decode(plainly.encode(float("nan"))))
    assert np.array_equal(plainly.decode(plainly.encode(np.eye(2))), np.eye(2))
