"""What is shown of an output, where its content says more than its name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_mlws.workflows.previews import preview

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"


@pytest.mark.parametrize(
    ("schema", "mime"),
    [
        (SCHEMA, "application/vnd.vegalite.v5+json"),
        (SCHEMA.replace("v5", "v4.17.0"), "application/vnd.vegalite.v4+json"),
    ],
)
def test_a_chart_is_told_by_its_schema(tmp_path: Path, schema: str, mime: str) -> None:
    chart = {"$schema": schema, "mark": "bar", "data": {"values": [{"x": 1}]}}
    file = tmp_path / "loss.vl.json"
    file.write_text(json.dumps(chart))
    shown = preview("Metrics", file, ".json")
    assert (shown.type, shown.mime, shown.spec) == ("VegaLite", mime, chart)


@pytest.mark.parametrize("value", [{"$schema": "https://example.org"}, {"$schema": 5}, [1], 0.5])
def test_other_json_stays_what_it_is(tmp_path: Path, value: object) -> None:
    file = tmp_path / "metrics.json"
    file.write_text(json.dumps(value))
    shown = preview("Metrics", file, ".json")
    assert (shown.type, shown.metrics) == ("Metrics", value)
