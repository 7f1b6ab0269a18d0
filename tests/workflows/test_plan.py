"""Before a run every node tells what will happen and why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mlws.errors import MLWSError
from jupyter_mlws.project import Project
from jupyter_mlws.workflows.manager import WorkflowManager
from jupyter_mlws.workflows.models import ExecuteRequest, Run

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
        nodes = workflows.plan(PATH, **asked).nodes
        return {node.id: (node.action.value, node.reasons) for node in nodes}

    return plan


def test_reasons_follow_what_changed(project: Project, planned, write, run) -> None:
    assert planned() == {"tree": ("run", ["never ran"]), "wood": ("run", ["never ran"])}
    run()
    assert planned() == {"tree": ("cached", ["up to date"]), "wood": ("cached", ["up to date"])}
    write(PATH, TEXT.replace("depth: 50", "depth: 100"))
    assert planned() == {
        "tree": ("run", ["depth 50 → 100"]),
        "wood": ("run", ["upstream tree runs"]),
    }
    write(PATH, TEXT)
    write("data.txt", "2\n")
    assert planned()["tree"] == ("run", ["data.txt changed"])
    assert planned(targets=["tree"]).keys() == {"tree"}
    assert planned(force=True)["wood"] == ("run", ["forced"])


def test_what_the_run_cache_has_is_restorable_all_the_way_down(
    project: Project, planned, write, run: Callable[..., Run]
) -> None:
    run()
    write("data.txt", "2\n")
    run()
    write("data.txt", "1\n")
    for name in ("tree.txt", "wood.txt"):
        (project.root / name).unlink()
    plan = planned()
    assert {action for action, _ in plan.values()} == {"restorable"}
    assert plan["tree"][1][-1] == "in the run cache"
    assert set(run().counts) == {"CACHED"}
    assert (project.root / "wood.txt").read_text().startswith("1\n")


def test_a_plan_changes_nothing(project: Project, planned, git) -> None:
    before = git(project.root, "status", "--porcelain", "--ignored")
    planned()
    assert git(project.root, "status", "--porcelain", "--ignored") == before


def test_the_time_it_took_is_the_estimate(workflows: WorkflowManager, planned, run) -> None:
    run()
    plan = workflows.plan(PATH, force=True)
    assert all(node.estimate_seconds is not None for node in plan.nodes)


def test_reasons_speak_chinese(workflows: WorkflowManager, planned) -> None:
    assert workflows.plan(PATH, language="zh-CN").nodes[0].reasons == ["从未运行"]


def test_an_unknown_target_is_named(workflows: WorkflowManager, planned) -> None:
    with pytest.raises(MLWSError) as refused:
        workflows.plan(PATH, ["nope"])
    assert (refused.value.code, refused.value.facts["name"]) == ("40401", "nope")


def test_a_run_needs_dvc(
    project: Project, workflows: WorkflowManager, planned, tmp_path: Path
) -> None:
    (project.root / ".dvc").rename(tmp_path / "gone")
    with pytest.raises(MLWSError) as refused:
        workflows.execute(PATH, ExecuteRequest())
    assert refused.value.code == "30204"
