"""Previews of outputs whose content says more than their name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_mlws.core.errors import PreviewError
from jupyter_mlws.workflows.models import Preview
from jupyter_mlws.workflows.previews import plot, preview
from mlws.core.errors import MLWSError
from mlws.document.parse import parse

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


@pytest.mark.parametrize(
    "part",
    [
        {"data": {"url": "https://elsewhere.example/steal"}},
        {"layer": [{"data": {"url": "file.csv"}}]},
        {"mark": "image", "encoding": {"url": {"field": "x"}}},
        {"transform": [{"lookup": "x", "from": {"data": {"url": "x.csv"}, "key": "y"}}]},
    ],
)
def test_a_chart_loads_no_address(tmp_path: Path, part: dict[str, object]) -> None:
    file = tmp_path / "loss.vl.json"
    file.write_text(json.dumps({"$schema": SCHEMA, "mark": "bar", **part}))
    with pytest.raises(PreviewError) as error:
        preview("Metrics", file, ".json")
    assert "url" in str(error.value.facts["reason"])


def test_a_chart_sets_nothing_of_the_page(tmp_path: Path) -> None:
    rows = {"values": [{"url": "https://a.example", "clicks": 3}]}
    chart = {"$schema": SCHEMA, "mark": "bar", "data": rows}
    file = tmp_path / "loss.vl.json"
    file.write_text(json.dumps({**chart, "usermeta": {"embedOptions": {"patch": "https://a"}}}))
    assert preview("Metrics", file, ".json").spec == chart


ROWS = "epoch,loss,score\n1,0.9,0.1\n2,0.5,0.6\n"


def values(shown: Preview | None) -> list[dict[str, object]]:
    assert shown is not None
    assert (shown.type, shown.mime) == ("VegaLite", "application/vnd.vegalite.v5+json")
    found: list[dict[str, object]] = shown.spec["data"]["values"]
    return found


def test_a_plots_file_is_drawn_as_dvc_draws_it(tmp_path: Path) -> None:
    table = tmp_path / "loss.csv"
    table.write_text(ROWS)
    said = {"x": "epoch", "y": "loss", "title": "How it learns"}
    shown = plot(table, ".csv", said, tmp_path)
    assert [(row["epoch"], row["loss"]) for row in values(shown)] == [(1.0, 0.9), (2.0, 0.5)]
    assert "How it learns" in json.dumps(shown.spec)
    assert "<DVC_METRIC" not in json.dumps(shown.spec)
    # Without more words: the last column, by the number of the row.
    assert [(row["step"], row["score"]) for row in values(plot(table, ".csv", {}, tmp_path))] == [
        (0, 0.1),
        (1, 0.6),
    ]
    both = values(plot(table, ".csv", {"x": "epoch", "y": ["loss", "score"]}, tmp_path))
    assert {(row["rev"], row["value"]) for row in both} == {
        ("loss", 0.9),
        ("loss", 0.5),
        ("score", 0.1),
        ("score", 0.6),
    }
    nested = tmp_path / "roc.json"
    nested.write_text(json.dumps({"roc": [{"fpr": 0, "tpr": 0}, {"fpr": 1, "tpr": 1}]}))
    drawn = plot(nested, ".json", {"x": "fpr", "y": "tpr", "template": "scatter"}, tmp_path)
    assert len(values(drawn)) == 2


def test_what_does_not_fit_a_plots_file_is_told(tmp_path: Path) -> None:
    table = tmp_path / "loss.csv"
    table.write_text(ROWS)
    for said, word in (({"y": "nothing"}, "nothing"), ({"template": "moon"}, "moon")):
        with pytest.raises(PreviewError) as caught:
            plot(table, ".csv", said, tmp_path)
        assert word in str(caught.value)
    chart = tmp_path / "chart.json"
    chart.write_text(json.dumps({"$schema": SCHEMA, "data": {"values": [{"x": 1}]}}))
    assert plot(chart, ".json", {}, tmp_path) is None
    with pytest.raises(MLWSError, match="40401"):
        plot(tmp_path / "gone.csv", ".csv", {}, tmp_path)


def test_what_is_said_of_plots_is_read_of_stage_and_file() -> None:
    text = (
        "stages:\n  fit:\n    cmd: fit\n    wdir: ..\n    plots:\n"
        "    - out/loss.csv:\n        y: loss\n"
        "    - out/roc.png\nplots:\n- ../out/loss.csv:\n    x: epoch\n"
    )
    (stage,) = parse("flows/dvc.yaml", text).stages()
    assert stage.plots == {"out/loss.csv": {"y": "loss", "x": "epoch"}, "out/roc.png": {}}
