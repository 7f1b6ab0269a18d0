"""Runs in the terminal: the list fits it, and runs are named by titles, names and short IDs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from click.shell_completion import ShellComplete
from rich.cells import cell_len

from jupyter_mlws.cli import experiment_views, run_views
from jupyter_mlws.cli.console import Cell, NotebookScreen, Table, plain
from jupyter_mlws.cli.context import CommandContext
from jupyter_mlws.cli.main import build
from jupyter_mlws.cli.views import Views
from jupyter_mlws.client.project import Origin
from jupyter_mlws.workspace import Workspace
from mlws.core.project import Project
from tests.cli.test_main import in_terminal
from tests.command_line import call

VIEWS = Views("en")


@pytest.fixture
def runs(project: Project, mlflow_store: None) -> list[str]:
    """Three runs of a script, the newest first, with more metrics than a terminal has room for."""
    workspace = Workspace(project)
    ids = []
    for depth in (3, 6, 9):
        metrics = {"accuracy": depth / 10, **{f"metric_{number}": 0.5 for number in range(9)}}
        run = workspace.tracking.ask(
            "log_run",
            experiment="E",
            name="best" if depth == 9 else None,
            params={"kind": "forest", "depth": depth},
            metrics=metrics if depth > 3 else {"rare": 1.0},
            tags={},
            start=1000.0 + depth,
            end=1002.0 + depth,
            status="COMPLETED",
        )
        ids.insert(0, run)
    workspace.close()
    return ids


def words(project: Project, *line: str, code: int = 0) -> str:
    done = call(project.root, *line, code=code)
    return done.stdout + done.stderr


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_the_list_fits_the_terminal(project: Project, runs: Sequence[str], columns: int) -> None:
    lines = [line.rstrip() for line in in_terminal(project.root, columns, "runs")]
    head = lines[0].split()
    assert head[:2] == ["ID", "Run"]
    assert ("accuracy" in head) == (columns >= 80)
    assert head[head.index("Status") + 1] == "Started"
    assert lines[1].startswith(f"{runs[0][:6]}  best")
    assert all(cell_len(line) <= columns for line in lines[:4])


def test_the_sorted_metric_comes_first(project: Project, runs: Sequence[str]) -> None:
    lines = words(project, "runs", "--sort", "metric_3").splitlines()
    assert lines[0].split()[:4] == ["ID", "Run", "metric_3", "accuracy"]
    lines = words(project, "runs", "-s", "accuracy", "-n", "1").splitlines()
    assert lines[1].split()[:2] == [runs[0][:6], "best"]


def test_a_run_is_shown_changed_and_deleted(project: Project, runs: Sequence[str]) -> None:
    second = runs[1][:6]
    assert "forest, depth 6 → 0.6" in words(project, "runs")
    words(project, "runs", "rename", second, "一 号")
    words(project, "runs", "star", "一 号", "best")
    assert "★ 一 号" in words(project, "runs", "list", "--starred")
    words(project, "runs", "star", "best", "--undo")
    assert "team=a" in words(project, "runs", "tag", "一 号", "best", "team=a", "x=1")
    assert "x=1" not in words(project, "runs", "tag", "一 号", "-d", "x")
    words(project, "runs", "tag", "一 号", code=2)
    assert "tags.mlflow.x" in words(project, "runs", "tag", "best", "mlflow.x=1", code=1)
    words(project, "runs", "note", "一 号", "# Good")
    assert words(project, "runs", "note", "一 号") == "# Good\n"
    words(project, "runs", "archive", "best")
    assert "best" not in words(project, "runs")
    assert "best (archived)" in words(project, "runs", "--archived")
    shown = words(project, "runs", "show", second)
    for text in (runs[1], "一 号", "# Good", "team=a", "depth", "metric_8"):
        assert text in shown
    assert "depth" in words(project, "compare", "best", second)
    assert "30404" in words(project, "runs", "show", "nothing", code=1)
    assert "run 一 号" in words(project, "lineage", f"run:{second}")

    assert "--yes" in words(project, "runs", "delete", second, code=2)
    restore = f"jupyter mlws runs restore {runs[1]}"
    assert restore in words(project, "runs", "delete", second, "--yes")
    assert "一 号" not in words(project, "runs")
    assert "一 号" in words(project, "runs", "--deleted")
    assert "deleted" in words(project, "runs", "show", "一 号")
    words(project, "runs", "restore", "一 号")
    assert "一 号" in words(project, "runs")


def test_a_deletion_in_a_terminal_is_confirmed(project: Project, runs: Sequence[str]) -> None:
    lines = in_terminal(project.root, 80, "runs", "delete", "best", keys=b"n\n", code=1)
    assert any("Delete these runs? [y/N]" in line for line in lines)
    assert "best" in words(project, "runs")
    in_terminal(project.root, 80, "runs", "delete", "best", keys=b"y\n")
    assert "best" not in words(project, "runs")


def test_names_and_short_ids_are_completed(project: Project, runs: Sequence[str]) -> None:
    context = CommandContext(project.root, NotebookScreen(), "en", Origin.CLI)

    def completions(*line: str, incomplete: str = "") -> list[str]:
        complete = ShellComplete(build("en"), {"obj": context}, "mlws", "")
        return [item.value for item in complete.get_completions(list(line), incomplete)]

    short = [run[:6] for run in runs]
    assert completions("compare") == ["latest", "best", *short]
    assert completions("runs", "show", incomplete="bes") == ["best"]
    assert {"show", "rename", "delete"} <= set(completions("runs"))
    assert "--sort" in completions("runs", incomplete="--so")
    assert completions("runs", "restore") == []


def test_short_ids_are_as_long_as_they_must_be() -> None:
    ids = ["aaaaaa11", "aaaaaa12", "aaaabbbb", "ffffffff"]
    rows: list[dict[str, Any]] = [{"id": one, "run": one} for one in ids]
    rows.append({"id": None, "run": "20260101-000000-abcdef"})
    short = ["aaaaaa11", "aaaaaa12", "aaaabb", "ffffff", "abcdef"]
    assert [*run_views.short_ids(rows).values()] == [short[-1], *short[:-1]]


def test_a_flexible_column_is_cut_before_others_are_hidden() -> None:
    row = [Cell("1234"), Cell("a long title of a run → 0.907"), Cell("value")]
    table = Table(["ID", "Run", "Metric"], [row], required=2, order=[0, 2, 1], flexible=1)
    (line,) = plain(table.fit(45)).splitlines()[1:]
    assert line == "1234  a long title of a run → 0.907  value"
    (line,) = plain(table.fit(40)).splitlines()[1:]
    assert line == "1234  a long title of…→ 0.907  value"


def graph(*edges: tuple[str, str, str]) -> dict[str, Any]:
    names = dict.fromkeys(name for source, target, _ in edges for name in (source, target))
    return {
        "of": "run:1",
        "nodes": [
            {"id": name, "kind": name.partition(":")[0], "label": name, "facts": {"title": "best"}}
            for name in names
        ],
        "edges": [dict(zip(("source", "target", "relation"), edge, strict=True)) for edge in edges],
        "truncated": False,
    }


def test_lineage_is_a_tree_that_says_what_is_left_out() -> None:
    chain = [(f"dataset:{n + 1}", f"dataset:{n}", "needs") for n in range(5)]
    result = graph(
        ("snapshot:1", "run:1", "code"),
        ("dataset:0", "run:1", "read"),
        ("dataset:9", "run:1", "read"),
        ("dataset:1", "dataset:9", "needs"),
        *chain,
        ("run:1", "model:1", "logged"),
    )
    blocks = experiment_views.lineage(VIEWS, result, depth=2)
    assert "".join(map(plain, blocks)).splitlines() == [
        "run best",
        "Upstream",
        "├─ code  snapshot snapshot:1",
        "├─ read  dataset dataset:0",
        "│  └─ needs  dataset dataset:1",
        "└─ read  dataset dataset:9",
        "   └─ needs  dataset dataset:1  ↑",
        "… 4 more, --depth 6",
        "Downstream",
        "└─ logged  model model:1",
    ]


def test_the_json_of_lineage_is_the_graph(project: Project, runs: Sequence[str]) -> None:
    answer = json.loads(words(project, "lineage", "run:best", "--depth", "1", "--json"))
    assert answer["of"] == f"run:{runs[0]}"
    assert {node["kind"] for node in answer["nodes"]} >= {"run", "params"}


FILE_STORE = """
import mlflow
mlflow.set_experiment("old")
with mlflow.start_run(run_name="kept in files"):
    mlflow.log_metric("loss", float("nan"))
    mlflow.log_metrics({f"m{number}": number for number in range(40)})
"""


def test_runs_of_mlflow_2_are_read_and_told_of(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = (project.root / "mlruns").as_uri()
    allowed = {"MLFLOW_TRACKING_URI": uri, "MLFLOW_ALLOW_FILE_STORE": "true"}
    subprocess.run(
        [sys.executable, "-c", FILE_STORE], check=True, env=os.environ | allowed, cwd=project.root
    )
    assert "mlflow migrate-filestore --source mlruns" in words(project, "runs")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    listed = words(project, "runs").splitlines()
    assert "kept in files" in listed[1]
    assert "m39" not in listed[0]
    assert "m39" in words(project, "runs", "--wide")
    assert "loss    NaN" in words(project, "runs", "show", "kept in files")
