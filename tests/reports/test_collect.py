"""What a report tells of two versions."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mlws.core.errors import NotTrustedError, VersionItemNotFoundError
from jupyter_mlws.core.trust import trust
from jupyter_mlws.reports.models import NodePart, Report
from jupyter_mlws.versioning.models import CellState
from mlws.core.errors import InvalidRequestError
from mlws.document.terms import Action
from tests.reports.conftest import FILE, Versions, collect, commit

Git = Callable[..., str]


def test_the_graph_has_new_and_changed_nodes_and_edges(report: Report) -> None:
    (graph,) = report.graphs
    assert {node.id: node.state.value for node in graph.nodes} == {
        "load": "unchanged",
        "clean": "added",
        "train": "modified",
    }
    train = next(node for node in graph.nodes if node.id == "train")
    assert [part.part for part in train.parts] == [NodePart.COMMAND, NodePart.DEPENDENCIES]
    assert {(edge.source, edge.target, edge.state.value) for edge in graph.edges} == {
        ("load", "clean", "added"),
        ("clean", "train", "added"),
        ("load", "train", "deleted"),
    }


def test_a_metric_is_better_or_worse_by_its_name(report: Report) -> None:
    assert [(one.name, one.change, one.better) for one in report.metrics] == [
        ("metrics.json:accuracy", 0.125, True),
        ("metrics.json:loss", 1, False),
    ]


def test_a_notebook_is_compared_by_cell(report: Report) -> None:
    (notebook,) = report.notebooks
    (cell,) = notebook.cells
    assert (cell.number, cell.state) == (2, CellState.MODIFIED)
    assert "+print('```')" in cell.unified


def test_a_table_in_git_is_compared_by_its_key(report: Report) -> None:
    table = next(one for one in report.tables if one.path == "prices.csv")
    assert (table.rows_before, table.rows_after, table.key) == (3, 3, "id")
    assert (table.added, table.deleted, table.modified) == (1, 1, 1)
    assert [(one.name, one.before, one.after) for one in table.columns] == [("at", None, "text")]
    changed = table.rows[0]
    assert (changed.key, changed.values[0].from_, changed.values[0].to) == ("3", "3.0", "9.5")


def test_a_table_of_dvc_without_a_key_is_compared_by_whole_rows(report: Report) -> None:
    table = next(one for one in report.tables if one.path == "data/raw.parquet")
    assert (table.key, table.added, table.deleted) == (None, 1, 0)
    assert table.rows[0].values[0].to == "1.5"


def test_a_table_that_is_not_in_the_cache_is_named_with_what_to_do(versions: Versions) -> None:
    shutil.rmtree(versions.root / ".dvc/cache")
    report = collect(versions.root, f"{versions.base}..{versions.head}")
    table = next(one for one in report.tables if one.path == "data/raw.parquet")
    assert "jupyter mlws data pull" in str(table.problem)
    assert report.check.absent == ["data/raw.parquet"]
    assert not report.check.problems
    assert report.plans is None


def test_packages_data_and_other_files_are_listed(report: Report) -> None:
    assert [(one.name, one.from_, one.to) for one in report.environments] == [
        ("numpy", "2.0.0", "2.1.0")
    ]
    assert [one.path for one in report.data] == ["data/raw.parquet"]
    paths = {file.path for file in report.files}
    assert {"params.yaml", "uv.lock"} <= paths
    assert not {"dvc.yaml", "notes.ipynb", "prices.csv", FILE} & paths


def test_the_plan_says_what_runs_if_the_head_is_checked_out(
    report: Report, versions: Versions, git: Git
) -> None:
    assert report.plans is not None
    (plan,) = report.plans
    assert {node.action for node in plan.nodes} == {Action.RUN}
    git(versions.root, "checkout", "-q", versions.base)
    assert collect(versions.root, f"{versions.base}..{versions.head}").plans is None


def test_a_damaged_object_is_a_problem(versions: Versions) -> None:
    for file in (versions.root / ".dvc/cache/files/md5").rglob("*"):
        if file.is_file():
            file.chmod(0o644)
            file.write_bytes(b"damaged")
    report = collect(versions.root, f"{versions.base}..{versions.head}")
    assert [one.problem.value for one in report.check.problems] == ["damaged"]


@pytest.mark.parametrize("text", ["a..b..c", "--output=x..HEAD", "HEAD....HEAD", "HEAD..-x"])
def test_what_is_no_range_is_refused_with_its_field(versions: Versions, text: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        collect(versions.root, text)
    assert caught.value.faults[0].field == "versions"


def test_an_unknown_version_is_named(versions: Versions) -> None:
    with pytest.raises(VersionItemNotFoundError, match="no-such"):
        collect(versions.root, "no-such..HEAD")


def test_three_dots_begin_at_the_merge_base_and_the_default_at_main(
    versions: Versions, git: Git
) -> None:
    git(versions.root, "checkout", "-qb", "feature", versions.base)
    (versions.root / "new.txt").write_text("x")
    commit(versions.root, "Feature")
    assert collect(versions.root, "main...feature").base.id == versions.base
    assert [file.path for file in collect(versions.root, "main...").files] == ["new.txt"]
    assert collect(versions.root).base.id == versions.head


def test_nothing_of_the_project_runs(versions: Versions, tmp_path: Path) -> None:
    trust(versions.root)
    components = versions.root / "components"
    components.mkdir()
    mark = tmp_path / "ran"
    (components / "bad.py").write_text(f"open({str(mark)!r}, 'w')\n@component\ndef f(): ...\n")
    (versions.root / "dvc.yaml").write_text(
        "stages: {a: {cmd: jupyter mlws node bad --out x, outs: [x]}}"
    )
    commit(versions.root, "Component")
    report = collect(versions.root, "HEAD~1..HEAD")
    assert report.plans is not None
    assert report.plans[0].nodes
    assert not mark.exists()


def test_settings_of_an_untrusted_repository_start_no_program(
    versions: Versions, tmp_path: Path, git: Git
) -> None:
    root, mark, program = versions.root, tmp_path / "ran", tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {mark}\ncat\n")
    program.chmod(0o755)
    (root / ".git/info/attributes").write_text("* diff=bad filter=bad\n")
    settings = (
        "core.fsmonitor", "diff.external", "diff.bad.textconv", "filter.bad.clean", "gpg.program"
    )  # fmt: skip
    for name in settings:
        git(root, "config", name, str(program))
    git(root, "config", "log.showSignature", "true")
    signature = " -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----"
    head, message = git(root, "cat-file", "commit", "HEAD").split("\n\n", 1)
    (tmp_path / "commit").write_text(f"{head}\ngpgsig{signature}\n\n{message}")
    sha = git(root, "hash-object", "-t", "commit", "-w", str(tmp_path / "commit")).strip()
    git(root, "update-ref", "HEAD", sha)
    mark.unlink(missing_ok=True)
    (root / "params.yaml").write_text("rate: 3\n")
    report = collect(root, f"{versions.base}..HEAD")
    assert report.plans is not None
    assert report.dirty is None
    assert not mark.exists()
    # git would fetch what is missing by a program of its settings.
    git(root, "config", "remote.origin.promisor", "true")
    with pytest.raises(NotTrustedError):
        collect(root, f"{versions.base}..HEAD")


@pytest.mark.parametrize("text", ["stages: {a: 1}", "stages: [1]", "stages: ["])
def test_a_workflow_that_is_invalid_has_a_reason_instead_of_a_plan(
    versions: Versions, text: str
) -> None:
    (versions.root / "dvc.yaml").write_text(text)
    commit(versions.root, "Invalid")
    report = collect(versions.root, "HEAD~1..HEAD")
    assert report.plans is not None
    assert report.plans[0].problem is not None


def test_rows_that_are_longer_than_the_head_are_no_table(versions: Versions) -> None:
    (versions.root / "prices.csv").write_text("id,name\n1,2,3\n4,5,6\n")
    commit(versions.root, "Long rows")
    (table,) = collect(versions.root, "HEAD~1..HEAD").tables
    assert "more values than its head" in str(table.problem)
