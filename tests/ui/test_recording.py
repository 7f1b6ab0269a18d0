"""The replies that the canvas gets in its browser tests without a lab are those of a real server.

A server that answers in another way than recorded fails here; ``MLWS_RECORD=1`` records anew.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest

from tests.ui.canvas import NODES, WORKFLOW
from tests.ui.conftest import Lab
from tests.workflows.test_columns import CSV, expression_workflow, workflow

pytestmark = pytest.mark.browser

SOURCE = Path(__file__).parents[2]
FILE = SOURCE / "src/__tests__/browser/recording.json"
VOLATILE = {
    "commit", "created", "duration", "ended", "environment", "estimate_seconds", "head", "last_seq",
    "mlflow_run", "run_id", "size", "started", "timestamp", "updated",
}  # fmt: skip
"""What differs from one making of the example to the next: compared by type.

``last_seq`` counts a run's events, and how many are those of its progress depends on time.
"""
PICTURE = ".png"
"""Its bytes depend on the processor, by which zlib chooses its way to compress."""
ENCODED_PICTURE = "iVBORw0KGgo"
TABLES = {
    "drop": workflow("[]", '""'),
    "formula": expression_workflow("formula", '{column: "half", expression: "pric / 2"}'),
    "rename_columns": expression_workflow("rename_columns", "{names: []}"),
    "check_table": expression_workflow("check_table", "{minimum_rows: 1}"),
}
"""Workflows of one table, which take the place of the example's own."""
FROM_FILE = """\
stages:
  load:
    wdir: ../../
    cmd: jupyter mlws node load_table --file "data/wine.csv" --table load.parquet \
--separator '' --encoding '' --decimal ''
    deps: ["data/wine.csv"]
    outs: [load.parquet]
  next:
    wdir: ../../
    cmd: jupyter mlws node split --data load.parquet --train a.parquet --test b.parquet
    deps: [load.parquet]
    outs: [a.parquet, b.parquet]
"""
"""By which the canvas asks for the columns of a file."""
TUNED = "workflows/tuned/dvc.yaml"
PARAMS = "workflows/tuned/params.yaml"
ADDED = "  added:\n    cmd: echo 1 > x\n    outs: [x]\n"
LONG_NAMES = ["mean_average_precision_at_fifty_of_the_validation_images", "weighted.f1_score_macro"]
STEPS = "".join(
    f"  step{number}:\n    cmd: cp {before} s{number}.txt\n    deps: [{before}]\n"
    f"    params: [rate]\n    outs: [s{number}.txt]\n"
    for number, before in enumerate(["params.yaml", *(f"s{one}.txt" for one in range(13))])
)
TUNED_TEXT = f"""\
stages:
{STEPS}  measure:
    cmd: cp measure.json scores.json
    deps: [measure.json]
    metrics: [scores.json]
"""
"""A chain that fills the drawing, with parameters in their own file, and long names of metrics."""


@dataclass(frozen=True)
class Request:
    """A request to the API, as the canvas sends it."""

    path: str
    body: dict[str, Any] | None = None


def of_workflow(*parts: str, path: str = WORKFLOW) -> str:
    """The address of a workflow, or of a part of it."""
    return "/".join(["workflows", path.replace("/", "~1"), *parts])


def of_text(text: str, *selected: str) -> Iterator[Request]:
    """What the canvas asks of a text that need not be saved, and of selected nodes in it."""
    yield Request("workflows/validate", {"path": WORKFLOW, "text": text})
    yield Request(of_workflow("plan"), {"text": text})
    for node in selected:
        yield Request("workflows/columns", {"path": WORKFLOW, "text": text, "node": node})


def requests(wine: str, texts: dict[str, str], runs: list[str]) -> Iterator[Request]:
    """All requests of the tests."""
    for path in ("projects", "components", "datasets?limit=200", "models?limit=200", "workflows"):
        yield Request(path)
    for part in ("runs", "runs/latest", "results"):
        yield Request(of_workflow(part))
    yield from of_text(wine, *(node for node in NODES if node != "load"))
    yield from of_run(runs[0])
    yield from of_outputs(runs[0])
    yield from of_run(runs[-1])

    # A deeper forest: three nodes have to run.
    yield from of_text(wine.replace("max_depth: 3", "max_depth: 5"))

    text = wine.replace("data/wine.csv", "data/nosuch.csv")
    yield Request("workflows/validate", {"path": WORKFLOW, "text": text})

    # What is chosen in the lists of columns, one after another.
    text = texts["drop"]
    yield from of_text(text, "drop")
    for before, after, node in (
        ("[]", "[city]", "drop"),
        ("[city]", "[city, price]", "train"),
        ('target: ""', 'target: "churn"', "drop"),
        ("[city, price]", "[city, price, churn]", "train"),
    ):
        text = text.replace(before, after)
        yield from of_text(text, "drop", node)
    yield from of_text(texts["drop"], "load")
    body = {"path": WORKFLOW, "text": texts["drop"], "node": "load"}
    yield Request("workflows/source", body)
    for name in ("formula", "rename_columns", "check_table"):
        yield from of_text(texts[name], "next")
    body = {"path": WORKFLOW, "text": texts["check_table"], "node": "next"}
    yield Request("workflows/checks", body)
    body = {"path": "workflows/new/dvc.yaml", "text": FROM_FILE, "node": "next"}
    yield Request("workflows/columns", body)


def of_run(run: str, path: str = WORKFLOW) -> Iterator[Request]:
    """A run with what it made."""
    yield Request(of_workflow("runs", run, path=path))
    for part in ("comparison", "results", "text"):
        yield Request(of_workflow("runs", run, part, path=path))


def of_outputs(run: str) -> Iterator[Request]:
    """What a report and the table of a node show of a run."""
    shown = {"load": ["table"], "features": ["table"], "split": ["train", "test"], "forest": []}
    shown |= {"linear": [], "compare": ["table", "metrics"], "plot": ["figure"]}
    for node, ports in shown.items():
        yield Request(of_workflow("runs", run, "nodes", node, "outputs"))
        for port in ports:
            yield Request(of_workflow("runs", run, "nodes", node, "outputs", port, "preview"))
    table = of_workflow("runs", run, "nodes", "features", "outputs", "table")
    page = {"offset": 0, "limit": 200, "sort": None, "descending": False, "filters": []}
    over = [{"column": "alcohol", "operator": "greater", "value": "14"}]
    for body in (
        page,
        page | {"sort": "malic_acid"},
        page | {"sort": "malic_acid", "filters": over},
    ):
        yield Request(f"{table}/table", body)
    yield Request(f"{table}/statistics", {"column": "alcohol"})
    yield Request(of_workflow("runs", run, "nodes", "forest", "log?offset=0"))


def of_failure(wine: str, failed: str, run: str) -> Iterator[Request]:
    """What there is to say of the workflow after a run that failed."""
    for part in ("runs", "runs/latest", "results"):
        yield Request(of_workflow(part))
    yield from of_run(run)
    for part in ("split/log?offset=0", "plot/outputs", "load/outputs"):
        yield Request(of_workflow("runs", run, "nodes", part))
    for text in (failed, wine):
        yield Request(of_workflow("plan"), {"text": text})


def answers(lab: Lab, asked: Iterator[Request]) -> list[dict[str, Any]]:
    """The replies of a lab to requests; slashes in names are escaped in requests alone."""
    replies = []
    for one in asked:
        path, *query = one.path.split("?")
        data = lab.fetch(one.path, one.body)
        replies.append({"path": "?".join([unquote(path), *query]), "body": one.body, "data": data})
    return replies


def run_ids(lab: Lab, path: str = WORKFLOW) -> list[str]:
    """The runs of a workflow, newest first."""
    return [run["id"] for run in lab.fetch(of_workflow("runs", path=path))["items"]]


def record_tuned(lab: Lab) -> tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, str]]:
    """The replies before and after a change of parameters, and the names of what differs."""
    file, params = lab.root / TUNED, lab.root / PARAMS
    file.parent.mkdir()
    file.write_text(TUNED_TEXT)
    params.write_text("rate: 0.1\n")
    (file.parent / "measure.json").write_text(json.dumps(dict.fromkeys(LONG_NAMES, 0.123456)))
    # Never committed: the run itself keeps what it read.
    assert lab.mlws("run", TUNED).returncode == 0
    plan = Request(of_workflow("plan", path=TUNED), {"text": TUNED_TEXT})
    before = answers(lab, iter([plan]))
    params.write_text("rate: 0.5\n")
    (run,) = run_ids(lab, TUNED)
    commit = lab.fetch(of_workflow("runs", run, path=TUNED))["commit"]

    def after() -> Iterator[Request]:
        yield plan
        yield Request("workflows/validate", {"path": TUNED, "text": TUNED_TEXT})
        for part in ("runs", "runs/latest", "results"):
            yield Request(of_workflow(part, path=TUNED))
        outputs = "nodes/measure/outputs"
        (port,) = lab.fetch(of_workflow("runs", run, outputs, path=TUNED))["items"]
        name = quote(port["port"], safe="")
        for part in (outputs, f"{outputs}/{name}/preview"):
            yield Request(of_workflow("runs", run, part, path=TUNED))
        yield from of_run(run, path=TUNED)
        yield Request(f"git/diff?from={commit}&path={quote(PARAMS, safe='')}")

    return before, answers(lab, after()), {run: "run-tuned", commit: "commit-tuned"}


def record_versions(lab: Lab, wine: str) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The replies about an edited workflow and a snapshot, and the names of what differs."""
    edited = wine[: wine.index("  plot:\n")].replace("n_estimators: 100", "n_estimators: 77")
    edited = edited.replace("  compare:\n", "  judge:\n") + ADDED
    (lab.root / WORKFLOW).write_text(edited)
    snapshots = lab.fetch("snapshots?limit=50")["items"]
    newest = snapshots[0]["id"]
    asked = [
        Request("snapshots?limit=50"),
        Request(f"git/diff?from={newest}&path={quote(WORKFLOW, safe='')}"),
        Request(f"snapshots/diff?from={newest}"),
        Request(of_workflow("script")),
    ]
    names = {one["id"]: f"commit-{number}" for number, one in enumerate(snapshots)}
    names |= {one["short"]: f"short-{number}" for number, one in enumerate(snapshots)}
    logged = [run for one in snapshots for run in one["runs"]]
    names |= {run: f"mlflow-{number}" for number, run in enumerate(logged)}
    places = dict.fromkeys(place for one in snapshots for place in one["environments"])
    for number, place in enumerate(places):
        # In a trailer, and in the name of a file.
        names |= {place: f"environment-{number}", place[:12]: f"environment-{number}"}
    return answers(lab, iter(asked)), names


def record(lab: Lab) -> dict[str, Any]:
    """The replies of a lab, and the files of the workspace that the canvas reads."""
    wine = (lab.root / WORKFLOW).read_text()
    (lab.root / "data.csv").write_text(CSV)
    texts = {name: text.replace("workflows/a/", "workflows/wine/") for name, text in TABLES.items()}
    runs = run_ids(lab)
    replies = answers(lab, requests(wine, texts, runs))
    before, after, names = record_tuned(lab)
    replies += after

    failed = wine.replace("stratify: target", "stratify: nosuch")
    replies += answers(lab, of_text(failed, "split"))
    (lab.root / WORKFLOW).write_text(failed)
    assert lab.mlws("run", WORKFLOW).returncode == 1
    runs = run_ids(lab)
    later = {"tuned": before, "failed": answers(lab, of_failure(wine, failed, runs[0]))}
    later["versions"], commits = record_versions(lab, wine)
    names |= commits
    files = {WORKFLOW: wine, TUNED: TUNED_TEXT, PARAMS: (lab.root / PARAMS).read_text()}
    made = json.dumps({"files": files, "texts": texts, "replies": replies, "later": later})
    # Of the oldest, "run-1".
    for number, run in enumerate(reversed(runs), 1):
        names[run] = f"run-{number}"
    places = {lab.root: "/workspace", sys.prefix: "/environment", SOURCE: "/source"}
    for name, shown in {**names, **{str(one): shown for one, shown in places.items()}}.items():
        made = made.replace(name, shown)
    recording: dict[str, Any] = json.loads(made)
    return recording


def comparable(value: Any, key: str = "") -> Any:
    """A reply without what differs from one making of the example to the next."""
    if key == "thumbnail" or key.endswith(PICTURE) or str(value).startswith(ENCODED_PICTURE):
        return type(value).__name__
    if isinstance(value, dict):
        # The lines of an error's trace are those of the libraries.
        has_trace = "Traceback" in str(value.get("text", "") or value.get("log", ""))
        # A run is written to MLflow after its end.
        left_out = {"mlflow_run"} | ({"text", "log", "size"} if has_trace else set())
        if str(value.get("path", "")).endswith(PICTURE):
            left_out |= {"md5"}
        return {name: comparable(one, name) for name, one in value.items() if name not in left_out}
    if isinstance(value, list):
        return [comparable(one, key) for one in value]
    return type(value).__name__ if key in VOLATILE and value is not None else value


def test_the_recorded_replies_are_those_of_the_server(lab: Lab) -> None:
    made = record(lab)
    if os.environ.get("MLWS_RECORD"):
        FILE.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n")
    recorded, now = comparable(json.loads(FILE.read_text())), comparable(made)
    assert (recorded["files"], recorded["texts"]) == (now["files"], now["texts"])
    # One at a time: what differs is to be read.
    for before, after in zip(
        (one for each in (recorded["replies"], *recorded["later"].values()) for one in each),
        (one for each in (now["replies"], *now["later"].values()) for one in each),
        strict=True,
    ):
        assert before == after
