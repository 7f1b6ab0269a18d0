"""Before a run every node tells what will happen and why."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mlws.workflows.journal.store import RunRequest
from jupyter_mlws.workflows.manager import WorkflowManager
from jupyter_mlws.workflows.models import PlanQuery, Run
from jupyter_mlws.workflows.run.plan import makespan
from mlws.core.errors import DVCNotInitializedError, MLWSError
from mlws.core.i18n import CHINESE
from mlws.core.project import Project
from mlws.document.parse import parse
from mlws.engine.graph import StageGraph

PATH = "dvc.yaml"
TEXT = """\
vars:
  - tree: {depth: 50, name: oak}
stages:
  tree:
    cmd: cat data.txt > tree.txt; echo --it ${tree} >> tree.txt
    deps: [data.txt]
    outs: [tree.txt]
  wood:
    cmd: cp tree.txt wood.txt
    deps: [tree.txt]
    outs: [wood.txt]
"""


@pytest.fixture
def planned(workflows: WorkflowManager, write) -> Callable[..., dict[str, tuple[str, list[str]]]]:
    write("data.txt", "1\n")
    write(PATH, TEXT)

    def plan(**asked: object) -> dict[str, tuple[str, list[str]]]:
        nodes = workflows.plan(PATH, PlanQuery(**asked)).nodes
        return {node.id: (node.action.value, [*map(str, node.reasons)]) for node in nodes}

    return plan


def test_reasons_follow_what_changed(project: Project, planned, write, run) -> None:
    assert planned() == {"tree": ("run", ["never ran"]), "wood": ("run", ["never ran"])}
    run()
    assert planned() == {"tree": ("cached", ["up to date"]), "wood": ("cached", ["up to date"])}
    write(PATH, TEXT.replace("depth: 50", "depth: 100"))
    assert planned() == {
        "tree": ("run", ["depth 50 → 100"]),
        "wood": ("run", ["upstream tree will run"]),
    }
    write(PATH, TEXT)
    write("data.txt", "2\n")
    assert planned()["tree"] == ("run", ["data.txt changed"])
    assert planned(targets=["tree"]).keys() == {"tree"}
    assert planned(force=True)["wood"] == ("run", ["forced"])


def test_what_the_run_cache_has_is_restorable_all_the_way_down(
    project: Project, workflows: WorkflowManager, planned, write, run: Callable[..., Run]
) -> None:
    first = run()
    write("data.txt", "2\n")
    run()
    write("data.txt", "1\n")
    for name in ("tree.txt", "wood.txt"):
        (project.root / name).unlink()
    plan = planned()
    assert {action for action, _ in plan.values()} == {"restorable"}
    assert plan["tree"][1][-1] == f"in the run cache, from run {first.id}"
    assert {node.restored_from for node in workflows.plan(PATH).nodes} == {first.id}
    assert set(run().counts) == {"CACHED"}
    assert (project.root / "wood.txt").read_text().startswith("1\n")


def test_a_lock_of_dvc_2_leads_to_what_the_run_cache_has(
    project: Project, planned, write, run: Callable[..., Run]
) -> None:
    lock = project.root / "dvc.lock"
    run()
    old = lock.read_text().replace("      hash: md5\n", "")
    lock.write_text(old)
    write("data.txt", "2\n")
    run()
    assert "hash: md5" in lock.read_text()
    lock.write_text(old)
    for name in ("tree.txt", "wood.txt"):
        (project.root / name).unlink()
    assert {action for action, _ in planned().values()} == {"restorable"}
    assert set(run().counts) == {"CACHED"}
    assert (project.root / "wood.txt").read_text().startswith("2\n")


def test_a_plan_changes_nothing(project: Project, planned, git) -> None:
    before = git(project.root, "status", "--porcelain", "--ignored")
    planned()
    assert git(project.root, "status", "--porcelain", "--ignored") == before


def test_the_time_it_took_is_the_estimate(workflows: WorkflowManager, planned, run) -> None:
    run()
    plan = workflows.plan(PATH, PlanQuery(force=True))
    times = [node.estimate_seconds for node in plan.nodes]
    assert plan.estimate_seconds == pytest.approx(sum(times), abs=0.01)
    assert plan.without_estimate == 0
    idle = workflows.plan(PATH)
    assert (idle.estimate_seconds, idle.without_estimate) == (0, 0)


def test_without_a_history_there_is_no_estimate(workflows: WorkflowManager, planned) -> None:
    plan = workflows.plan(PATH)
    assert (plan.estimate_seconds, plan.without_estimate) == (None, 2)


def test_new_variants_of_a_sweep_are_estimated_by_what_it_took_before(
    workflows: WorkflowManager, write, run
) -> None:
    def sweep(values: str) -> str:
        return f"""\
stages:
  fit:
    matrix: {{depth: [{values}]}}
    cmd: sleep 0.3; echo ${{item.depth}} > ${{key}}.txt
    outs: ["${{key}}.txt"]
"""

    write(PATH, "stages:\n  fit: {cmd: sleep 0.3; echo 1 > 1.txt, outs: [1.txt]}\n")
    run()
    for values, count in (("1, 2, 3", 3), ("1, 2, 3, 4, 5", 5)):
        write(PATH, sweep(values))
        plan = workflows.plan(PATH, PlanQuery(force=True, jobs=1))
        assert plan.without_estimate == 0
        assert plan.estimate_seconds > count * 0.3
        run()


@pytest.mark.parametrize(("jobs", "expected"), [(1, 10), (2, 6), (4, 6)])
def test_the_estimate_is_the_critical_path_with_so_many_jobs(jobs: int, expected: float) -> None:
    text = """\
stages:
  short: {cmd: a, outs: [a]}
  long: {cmd: b, outs: [b]}
  longer: {cmd: c, deps: [b], outs: [c]}
  other: {cmd: d, outs: [d]}
"""
    graph = StageGraph(parse(PATH, text).stages())
    seconds = {"short": 1.0, "long": 2.0, "longer": 4.0, "other": 3.0}
    assert makespan(graph, seconds, jobs) == expected


def test_the_estimate_heeds_what_nodes_ask_for() -> None:
    text = "stages:\n" + "".join(
        f"  n{n}: {{cmd: a, outs: [a{n}], meta: {{cpu: 2}}}}\n" for n in range(3)
    )
    graph = StageGraph(parse(PATH, text).stages())
    seconds = dict.fromkeys(("n0", "n1", "n2"), 5.0)
    assert makespan(graph, seconds, 2) == 15
    assert makespan(graph, seconds, 4) == 10


def test_reasons_speak_chinese(workflows: WorkflowManager, planned) -> None:
    (reason,) = workflows.plan(PATH).nodes[0].reasons
    assert reason.in_(CHINESE) == "从未运行"


def test_an_unknown_target_is_named(workflows: WorkflowManager, planned) -> None:
    with pytest.raises(MLWSError) as refused:
        workflows.plan(PATH, PlanQuery(targets=["nope"]))
    assert (refused.value.code, refused.value.facts["name"]) == ("40401", "nope")


def test_a_run_needs_dvc(
    project: Project, workflows: WorkflowManager, planned, tmp_path: Path
) -> None:
    (project.root / ".dvc").rename(tmp_path / "gone")
    with pytest.raises(DVCNotInitializedError):
        workflows.runs.execute(PATH, RunRequest())


@pytest.mark.parametrize("examiner", ["engine", "DVC"])
def test_a_text_that_is_not_saved_has_a_plan_and_nothing_is_written(
    project: Project, workflows: WorkflowManager, planned, write, run, git, examiner: str
) -> None:
    if examiner == "DVC":
        write(".dvcignore", "*.tmp\n")
    run()
    before = git(project.root, "status", "--porcelain", "--ignored")
    draft = TEXT.replace("depth: 50", "depth: 100")
    nodes = {node.id: node for node in workflows.plan(PATH, PlanQuery(), draft).nodes}
    assert [str(reason) for reason in nodes["tree"].reasons] == ["depth 50 → 100"]
    assert nodes["wood"].action.value == "run"
    assert (project.root / PATH).read_text() == TEXT
    assert git(project.root, "status", "--porcelain", "--ignored") == before
    assert planned()["tree"] == ("cached", ["up to date"])


def test_dvc_in_a_folder_shows_the_stages_and_says_how_to_run_them(
    workflows: WorkflowManager, project: Project, write: Callable[..., Path]
) -> None:
    shutil.rmtree(project.root / ".dvc")
    subfolder = project.root / "sub"
    subfolder.mkdir()
    subprocess.run(["dvc", "init", "--quiet", "--subdir"], cwd=subfolder, check=True)
    write("sub/params.yaml", "names: [a, b]\next: txt\n")
    write(
        "sub/dvc.yaml",
        "stages:\n"
        "  make:\n"
        "    foreach: ${names}\n"
        "    do: {cmd: 'echo ${item} > ${item}.${ext}', outs: ['${item}.${ext}']}\n"
        "  join: {cmd: 'cat a.txt > all.${ext}', deps: [a.txt], outs: ['all.${ext}']}\n",
    )
    workflow = workflows.get("sub/dvc.yaml")
    assert {node.id: node.outs for node in workflow.nodes} == {
        "make@a": ["sub/a.txt"],
        "make@b": ["sub/b.txt"],
        "join": ["sub/all.txt"],
    }
    assert [(edge.source, edge.target) for edge in workflow.edges] == [("make@a", "join")]
    with pytest.raises(DVCNotInitializedError) as refusal:
        workflows.plan("sub/dvc.yaml")
    assert "run `jupyter mlws repro` there" in str(refusal.value.solution)
    # Nothing is set up in the root folder: it would hold the repository below it.
    command = [sys.executable, "-m", "jupyter_mlws", "repro"]
    subprocess.run(command, cwd=subfolder, check=True)
    assert (subfolder / "all.txt").read_text(encoding="utf-8") == "a\n"
    assert not (project.root / ".dvc").exists()
