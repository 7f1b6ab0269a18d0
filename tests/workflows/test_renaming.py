"""A node that is renamed together with its files has its results, and so has what reads them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from jupyter_mlws.workflows.manager import WorkflowManager
from jupyter_mlws.workflows.models import Run
from mlws.core.project import Project
from tests.workflows.conftest import PATH, dvc

RAN = "echo ran >> ran.txt"
TEXT = f"""\
vars:
  - forest: {{depth: 3}}
stages:
  forest:
    cmd: {RAN}; cp data.csv out/forest.table.csv; echo ${{forest}}
    deps: [data.csv]
    outs: [out/forest.table.csv]
  half:
    cmd: {RAN}; head -2 out/forest.table.csv > out/half.csv
    deps: [out/forest.table.csv]
    outs: [out/half.csv]
"""
RENAMED = TEXT.replace("  forest:\n", "  trees:\n").replace("forest.", "trees.")
RENAMED = RENAMED.replace("- forest:", "- trees:").replace("${forest}", "${trees}")
SWEEP = f"""\
stages:
  forest:
    matrix:
      depth: [1, 2]
    cmd: {RAN}; echo ${{item.depth}} > out/forest.depth.${{key}}.json
    deps: [data.csv]
    outs:
      - out/forest.depth.${{key}}.json
"""
COMPONENT = """\
from jupyter_mlws.components import Metrics, Table, component


@component(category="Evaluate")
def gather(tables: list[Table]) -> Metrics:
    return {name: len(table) for name, table in zip(tables.names, tables)}
"""
GATHER = """\
  gather:
    cmd: jupyter mlws node gather --tables out/forest.table.csv --metrics out/gather.metrics.json
    deps: [out/forest.table.csv]
    metrics: [out/gather.metrics.json]
"""


@pytest.fixture
def ran(project: Project, write: Callable[..., object]) -> Callable[[], int]:
    """Return the number of commands that ran."""
    write("data.csv", "a\n1\n2\n")
    return lambda: len((project.root / "ran.txt").read_text().splitlines())


def test_nothing_runs_again(
    project: Project, workflows: WorkflowManager, write, run, ran: Callable[[], int]
) -> None:
    write(PATH, TEXT)
    assert run().status == "COMPLETED"
    write(PATH, RENAMED)
    actions = {node.id: node.action.value for node in workflows.plan(PATH).nodes}
    assert actions == {"trees": "restorable", "half": "restorable"}
    assert run().status == "COMPLETED"
    assert (project.root / "out" / "trees.table.csv").read_text() == "a\n1\n2\n"
    assert (project.root / "out" / "half.csv").read_text() == "a\n1\n"
    assert ran() == 2
    # And back: what it was before is still known.
    write(PATH, TEXT)
    assert run().status == "COMPLETED"
    assert ran() == 2


def test_a_run_without_a_plan_before_finds_them_as_well_and_dvc_agrees(
    project: Project, write, run, ran: Callable[[], int]
) -> None:
    write(PATH, TEXT)
    run()
    write(PATH, RENAMED.replace("  half:", "  part:").replace("out/half.", "out/part."))
    assert run().status == "COMPLETED"
    assert (project.root / "out" / "part.csv").is_file()
    assert ran() == 2
    dvc(project.root, "repro")
    assert ran() == 2


@pytest.mark.exhaustive
def test_plain_dvc_restores_them_after_a_plan(
    project: Project, workflows: WorkflowManager, write, run, ran: Callable[[], int]
) -> None:
    write(PATH, TEXT)
    run()
    write(PATH, RENAMED)
    workflows.plan(PATH)
    dvc(project.root, "repro")
    assert ran() == 2
    assert (project.root / "out" / "trees.table.csv").is_file()


def test_other_settings_or_inputs_run(write, run, ran: Callable[[], int]) -> None:
    write(PATH, TEXT)
    run()
    write(PATH, RENAMED.replace("depth: 3", "depth: 4"))
    run()
    assert ran() > 2
    before = ran()
    write("data.csv", "a\n5\n")
    write(PATH, RENAMED.replace("trees", "oaks"))
    run()
    assert ran() == before + 2


def test_the_variants_of_a_sweep_have_theirs(
    project: Project, write, run, ran: Callable[[], int]
) -> None:
    write(PATH, SWEEP)
    assert run().status == "COMPLETED"
    write(PATH, SWEEP.replace("forest", "trees"))
    assert run().status == "COMPLETED"
    assert (project.root / "out" / "trees.depth.2.json").read_text() == "2\n"
    assert ran() == 2


@pytest.mark.exhaustive
def test_a_comparison_shows_the_present_names(
    project: Project, write, run: Callable[..., Run], states, ran: Callable[[], int]
) -> None:
    write("components/gather.py", COMPONENT)
    write(PATH, TEXT + GATHER)
    ended = run()
    assert ended.status == "COMPLETED", ended.error
    metrics = project.root / "out" / "gather.metrics.json"
    assert json.loads(metrics.read_text()) == {"forest": 2}
    write(PATH, RENAMED + GATHER.replace("forest", "trees"))
    ended = run()
    assert states(ended)["gather"] == "COMPLETED"
    assert json.loads(metrics.read_text()) == {"trees": 2}
    assert ran() == 2
