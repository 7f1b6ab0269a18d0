"""Types and faults of expressions before a run, held against what pandas computes."""

from __future__ import annotations

import random
from pathlib import Path

import pandas as pd
import pytest

from jupyter_mlws.components import values
from jupyter_mlws.components.expression_types import examine
from jupyter_mlws.components.expressions import FUNCTIONS
from jupyter_mlws.components.library.transform import convert_types, formula
from jupyter_mlws.components.table_schema import table_schema
from tests.components.test_columns import random_table

OPERATORS = ["+", "-", "*", "/", "//", "%", "**", "&", "|", "and", "or", "<", "<=", "==", "!=", ">"]
CONSTANTS = ("1", "2.5", "'Bonn'", "True", "0", "3", "'2026-01-03'")
TYPES = ("number", "integer", "text", "boolean")


def random_expression(chance: random.Random, table: pd.DataFrame, depth: int = 0) -> str:
    def part() -> str:
        return random_expression(chance, table, depth + 1)

    kind = chance.random()
    if depth > 2 or kind < 0.3:
        return f"`{chance.choice(list(table))}`"
    if kind < 0.45:
        return chance.choice(CONSTANTS)
    if kind < 0.72:
        return f"({part()} {chance.choice(OPERATORS)} {part()})"
    if kind < 0.76:
        return f"({part()} in ['Bonn', 3])"
    if kind < 0.83:
        return f"({chance.choice(['not ', '-'])}{part()})"
    name = chance.choice(sorted(FUNCTIONS))
    pairs = ("minimum", "maximum", "fill_missing", "contains", "starts_with")
    count = 3 if name in ("if_else", "replace") else 2 if name in pairs else 1
    return f"{name}({', '.join(part() for _ in range(count))})"


@pytest.mark.exhaustive
@pytest.mark.filterwarnings("ignore")
def test_types_before_a_run_are_those_after_it(tmp_path: Path) -> None:
    known = computed = 0
    for seed in range(300):
        chance = random.Random(seed)
        table = random_table(chance)
        if chance.random() < 0.3:
            column = chance.choice(list(table))
            kind = chance.choice(TYPES)
            try:
                table = convert_types(table, columns=[column], to=kind, invalid="missing")  # type: ignore[arg-type]
            except (TypeError, ValueError):
                continue
        expression = random_expression(chance, table)
        report = examine(expression, table_schema(table))
        try:
            values.write("Table", formula(table, column="x", expression=expression), tmp_path / "x")
        except Exception:  # noqa: BLE001  an expression that does not suit the table
            continue
        computed += 1
        known += report.type is not None
        actual = table_schema(values.read("Table", tmp_path / "x")).columns["x"].type
        assert report.mismatches == [], (seed, expression)
        assert report.type in (None, actual) or actual is None, (seed, expression)
    # Most expressions have a type.
    assert known > computed / 2 > 50


def test_learned_rules_hold_for_their_table() -> None:
    from jupyter_mlws.components.learned_checks import learned_settings
    from jupyter_mlws.components.library.check import check_table

    for seed in range(20):
        table = random_table(random.Random(seed))
        settings = learned_settings(table)
        assert check_table(table, **settings).report == {"rows": len(table), "violations": 0}
        assert set(settings["columns"]) == set(table.columns)


def test_learned_ranges_have_some_slack() -> None:
    from jupyter_mlws.components.learned_checks import learned_settings

    table = pd.DataFrame(
        {
            "id": range(100),
            "score": [n / 99 for n in range(100)],
            "change": [n - 50.0 for n in range(100)],
            "day": pd.date_range("2026-01-01", periods=100),
            "same": [7] * 100,
        }
    )
    settings = learned_settings(table)
    assert settings["ranges"] == [
        "id=0..109", "score=0.0..1.1", "change=-59.9..58.9", "day=2025-12-22..2026-04-20",
        "same=7..7",
    ]  # fmt: skip
    assert settings["unique"] == ["id", "day"]
    assert settings["minimum_rows"] == 50
