"""All components × kinds of columns: what validation calls fine runs, and errors are ours."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_mlws.components import values
from jupyter_mlws.components.columns import UNKNOWN, Fitted, Value
from jupyter_mlws.components.declaration import MARK, settings_model
from jupyter_mlws.components.failures import ComponentError, run_component
from jupyter_mlws.components.library.clean import impute_missing
from jupyter_mlws.components.library.train import train_classifier, train_clusters, train_regressor
from jupyter_mlws.components.models import Component
from jupyter_mlws.components.optional_dependencies import TORCH, installed
from jupyter_mlws.components.registry import library, load_function
from jupyter_mlws.components.table_schema import table_schema

ROWS = 30
WORDS = ["slow", "fast", "friendly", "rude", "clean", "dirty", "cheap", "dear"]
RANDOM = np.random.default_rng(0)
KINDS: dict[str, Any] = {
    "integer": RANDOM.integers(0, 9, ROWS),
    "float": RANDOM.normal(size=ROWS),
    "nullable integer": pd.array(RANDOM.integers(0, 9, ROWS), dtype="Int64"),
    "boolean": [True, False] * (ROWS // 2),
    "category": ["aa", "bb", "cc"] * (ROWS // 3),
    "pandas category": pd.Categorical(["aa", "bb", "cc"] * (ROWS // 3)),
    "text": [" ".join(RANDOM.choice(WORDS, 6)) for _ in range(ROWS)],
    "text of dates": pd.date_range("2024-01-01", periods=ROWS).strftime("%Y-%m-%d"),
    "date": pd.date_range("2024-01-01", periods=ROWS),
    "date with zone": pd.date_range("2024-01-01", periods=ROWS, tz="UTC"),
    "span": pd.to_timedelta(range(ROWS), unit="D"),
    "identifier": [f"{n * 7919:x}" for n in range(ROWS)],
    "row number": range(1, ROWS + 1),
    "constant": [1] * ROWS,
    "missing number": [np.nan] * ROWS,
    "missing": [None] * ROWS,
    "mixed": [1, "two", 3.5] * (ROWS // 3),
    "infinite": [np.inf, *RANDOM.normal(size=ROWS - 1)],
    "huge": [1e200, 1e-200] * (ROWS // 2),
    "bytes": [b"x", b"y"] * (ROWS // 2),
    "list": [[1], [2]] * (ROWS // 2),
}
NAMES = ("a b", "a.b", "a b ", "价格", "price [€] <net>", 'of "x"')
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "formula": {"column": "new", "expression": "feature"},
    "pivot_table": {"rows": ["y"], "columns": "x", "values": "feature"},
    "filter_rows": {"column": "feature", "value": "1", "expression": "x > 0"},
    "check_table": {
        "ranges": ["feature=0..10"],
        "unique": ["feature"],
        "complete": ["feature"],
        "violations": "warn",
    },
    "vectorize_text": {"column": "feature"},
    "unpivot_table": {"columns": ["x", "feature"]},
    "train_network": {"network": "mlp", "epochs": 1},
    "train_classifier": {"n_estimators": 2},
    "train_regressor": {"n_estimators": 2},
    "model_training": {"n_estimators": 2},
    "tune_model": {"folds": 2, "parameters": ["n_estimators=2,3"]},
    "cross_validate": {"folds": 2},
    "plot_importance": {"repeats": 1},
    "plot_learning_curve": {"folds": 2, "points": 2},
}
"""Settings that a person would have to choose, and smaller numbers than the defaults."""
FEW_CHOICES = frozenset({"train_classifier", "train_regressor", "model_training", "tune_model"})
"""Components whose choices are walked over by themselves, in test_needs.py."""
ROWS_TELL = re.compile(
    r"too few rows|only one class|no words are left|has no rows|has \d rows|"
    r"no row has a value|no column is left|fewer|varies less|the fraction"
)
"""Failures that only the run knows: by how many rows there are, and the values of all of them."""
TELLING = frozenset(
    {
        *(
            "float",
            "nullable integer",
            "nullable integer, gaps",
            "boolean, gaps",
            "category",
            "pandas category",
        ),
        *("text, gaps", "date, gaps", "span", "missing", "infinite", "list", "no rows"),
    }
)
"""Tables for all choices of settings, and for all models, where the others wait for `test-all`."""
COMPONENTS = [one for one in library() if any(port.type == "Table" for port in one.inputs)]


@cache
def tables() -> dict[str, Any]:
    """A table for each kind of column, with and without gaps, as a node reads it from a file."""
    x, y, z = RANDOM.normal(size=ROWS), ["yes", "no"] * (ROWS // 2), RANDOM.normal(size=ROWS)
    result = {}
    for (name, cells), has_gaps in product(KINDS.items(), (False, True)):
        table = pd.DataFrame({"x": x, "feature": pd.Series(cells), "y": y, "z": z})
        if has_gaps:
            table["feature"] = table["feature"].mask(table.index % 5 == 0)
        result[f"{name}, gaps" if has_gaps else name] = reread(values.storable(table))
    numbers = result["float"]
    more = {name: numbers["feature"] * n for n, name in enumerate(NAMES, 2)}
    result["strange names"] = reread(numbers.assign(**more))
    result["one row"] = numbers.head(1)
    result["no rows"] = numbers.head(0)
    return result


def reread(table: Any) -> Any:
    file = io.BytesIO()
    table.to_parquet(file)
    return pd.read_parquet(io.BytesIO(file.getvalue()))


TRAINED_ON: dict[int, Any] = {}
"""The table of each model, by its id."""


@cache
def model(kind: str, label: str) -> Any:
    """A model or transformer of a table: of the same kind, or of numbers if it has no model."""
    for table in (tables()[label], tables()["float"]):
        # What is wrong with the rows that it learns is another case.
        with contextlib.suppress(Exception):
            result = fit(kind, table)
            TRAINED_ON[id(result)] = table
            return result
    raise AssertionError(kind)


def fit(kind: str, table: Any) -> Any:
    if kind == "transformer":
        return impute_missing(table).imputer
    if kind == "clusterer":
        return train_clusters(table, preparation="automatic").model
    if kind == "regressor":
        return train_regressor(table, target="z", preparation="automatic", algorithm="ridge")
    algorithm = "logistic_regression"
    return train_classifier(table, target="y", preparation="automatic", algorithm=algorithm)


def variants(component: Component) -> Iterator[dict[str, Any]]:
    """Settings of a component: its defaults with columns, and each choice of a setting."""
    properties = component.settings.get("properties", {})
    base = dict(SETTINGS.get(component.name, {}))
    for name in component.settings.get("required", []):
        if name not in base:
            is_list = properties[name].get("type") == "array"
            base[name] = ["feature"] if is_list else "feature"
    targets: list[dict[str, Any]] = [{}]
    if "target" in properties:
        has_regressor = any("regressor" in port.kinds for port in component.inputs)
        has_classifier = any("classifier" in port.kinds for port in component.inputs)
        is_regressor = component.name == "train_regressor" or (has_regressor and not has_classifier)
        targets = [{"target": "z" if is_regressor else "y"}]
        if not any(port.type == "Model" and port.required for port in component.inputs):
            targets.append({"target": "feature"})
    choices: list[dict[str, Any]] = [{}]
    for name, schema in properties.items():
        if name == "preparation" or component.name not in FEW_CHOICES | {"train_network"}:
            items = schema.get("items", {})
            choices += [
                {name: one} for one in schema.get("enum", ()) if one != schema.get("default")
            ]
            choices += [{name: [one]} for one in items.get("enum", ())]
    for target, choice in product(targets, choices):
        yield {**base, **target, **choice}


def cases(
    component: Component, is_full: bool
) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yield a label, the inputs and the settings of each case of a component."""
    # What “Prepare Columns” gives a learner has tests of its own.
    ports = [one for one in component.inputs if one.type != "Model" or one.required]
    has_model = any(port.type == "Model" for port in ports)
    for (n, settings), label in product(enumerate(variants(component)), tables()):
        if not is_full and label not in TELLING and (n > 0 or has_model):
            continue
        inputs: dict[str, Any] = {}
        for port in ports:
            if port.type == "Table":
                one = tables()[label]
            elif port.type == "Model":
                kind = "regressor" if settings.get("target") == "z" else port.kinds[0]
                one = model(kind, label)
            else:
                continue
            inputs[port.name] = [one] if port.multiple else one
        yield label, inputs, settings
    # Two tables, or a model and a table, whose columns are of different kinds.
    others = ("float", "category", "date", "boolean, gaps", "list")
    for one, other in product(others, others):
        inputs = {}
        for n, port in enumerate(ports):
            if port.type == "Table":
                table = tables()[one if n == 0 else other]
                inputs[port.name] = [table, tables()[other]] if port.multiple else table
            elif port.type == "Model":
                inputs[port.name] = model(port.kinds[0], one)
                inputs[port.name] = [inputs[port.name]] if port.multiple else inputs[port.name]
        if len(ports) > 1 or ports[0].multiple:
            yield f"{one} / {other}", inputs, next(variants(component))


def misfits(function: Any, inputs: Mapping[str, Any], settings: dict[str, Any]) -> list[Any]:
    """Return what validation tells about the columns before the run."""
    needs = getattr(function, MARK).needs
    if needs is None:
        return []
    schemas = {
        name: [schema_of(one) for one in (value if isinstance(value, list) else [value])]
        for name, value in inputs.items()
    }
    return list(needs(settings, schemas))


def schema_of(value: Any) -> Value:
    """The columns of a table, or those that a model was trained on."""
    if isinstance(value, pd.DataFrame):
        return table_schema(value)
    return Fitted(table_schema(TRAINED_ON[id(value)]), UNKNOWN)


@pytest.mark.parametrize("is_full", [False, pytest.param(True, marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize(
    "component",
    [
        pytest.param(one, id=one.name, marks=() if place % 6 == 0 else pytest.mark.exhaustive)
        for place, one in enumerate(COMPONENTS)
    ],
)
def test_what_fails_was_told(component: Component, is_full: bool, tmp_path: Path) -> None:
    if component.name == "train_network" and not installed(TORCH.module):
        pytest.skip("PyTorch is not installed")
    loaded = load_function(component.name, tmp_path)
    assert loaded is not None
    function, _ = loaded
    faults = []
    for label, inputs, settings in cases(component, is_full):
        options = settings_model(function).model_validate(settings).model_dump()
        problems = misfits(function, inputs, options)
        failure = cause = None
        try:
            with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                result = run_component(function, inputs, options)
                for port in component.outputs:
                    value = getattr(result, port.name) if hasattr(result, "_fields") else result
                    if port.type == "Table":
                        values.write(port.type, value, tmp_path / f"table{port.extension}")
        except (ComponentError, values.ArtifactError) as error:
            failure = str(error)
            cause = error.__cause__
        case = f"{label} {settings}"
        if failure and "its log has the reason" in failure:
            faults.append(f"{case}: a library's error is not explained: {cause!r:.300}")
        elif failure and not problems and not ROWS_TELL.search(failure):
            faults.append(f"{case}: not told: {failure}")
        elif not failure and any(one.is_certain for one in problems):
            faults.append(f"{case}: runs, but validation says {[str(o.message) for o in problems]}")
    assert not faults, "\n".join(faults[:20]) + f"\n{len(faults)} faults"
