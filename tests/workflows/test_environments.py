"""Runs record the environments of their nodes; plans and comparisons name what differs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mlws.environments.manager import EnvironmentManager
from jupyter_mlws.environments.models import CreateEnvironment, PackageChange
from jupyter_mlws.workflows.manager import WorkflowManager
from jupyter_mlws.workflows.models import Run
from mlws.core.project import Project
from tests.environments.conftest import install, wheels  # noqa: F401  fixtures
from tests.workflows.conftest import PATH, dvc

FLOW = """\
stages:
  tell:
    cmd: venv/bin/python tell.py > told.txt
    deps: [tell.py]
    outs: [told.txt]
  copy:
    cmd: cp told.txt copy.txt
    deps: [told.txt]
    outs: [copy.txt]
  here:
    cmd: python -c 'print(1)' > here.txt
    outs: [here.txt]
"""
POLICY = "vars:\n  - workflow: {{name: Told, environment: {}}}\n"


@pytest.fixture
def venv(write, project: Project, install: Callable[..., None]) -> Callable[[str], None]:  # noqa: F811
    """Install a version of the package that a node prints: ``venv("1.0")``."""
    write(".gitignore", "venv\n")
    write("tell.py", "import beta_two\nimport alpha\nprint(alpha.VERSION)\n")

    def to(version: str) -> None:
        install(project.root / "venv", f"alpha=={version}")

    install(project.root / "venv", "beta-two==1.0")
    return to


def notes(workflows: WorkflowManager) -> dict[str, str | None]:
    plan = workflows.plan(PATH)
    return {node.id: node.environment and str(node.environment) for node in plan.nodes}


def test_a_run_names_what_its_nodes_ran_in(
    write, workflows: WorkflowManager, run: Callable[..., Run], venv: Callable[[str], None]
) -> None:
    venv("1.0")
    write(PATH, FLOW)
    first = run()
    ids = {node.id: node.environment for node in first.nodes}
    assert ids["copy"] is None
    assert None not in (ids["tell"], ids["here"])
    found = workflows.comparer.environments(PATH, first.id)
    by_node = {node: one for one in found.environments for node in one.nodes}
    assert by_node["tell"].packages == {"alpha": "1.0", "beta-two": "1.0"}
    assert "pytest" in by_node["here"].packages
    assert found.previous is None
    # Nodes that do not run again keep theirs.
    second = run()
    again = workflows.comparer.environments(PATH, second.id)
    assert {one.id for one in again.environments} == {ids["tell"], ids["here"]}
    assert again.changes == []


def test_the_plan_warns_of_another_environment(
    write, workflows: WorkflowManager, run: Callable[..., Run], venv: Callable[[str], None]
) -> None:
    venv("1.0")
    write(PATH, FLOW)
    first = run()
    assert set(notes(workflows).values()) == {None}
    venv("2.0")
    assert notes(workflows) == {
        "tell": "same inputs, other environment: alpha 1.0 → 2.0",
        "copy": None,
        "here": None,
    }
    # Only a warning: nothing runs.
    assert {node.status.value for node in run().nodes} == {"CACHED"}
    second = run(again=["tell"])
    found = workflows.comparer.environments(PATH, second.id, first.id)
    assert [
        (one.nodes, [(p.name, p.before, p.after) for p in one.packages]) for one in found.changes
    ] == [(["tell"], [("alpha", "1.0", "2.0")])]
    assert workflows.comparer.compare(PATH, second.id).environments == found.changes
    assert set(notes(workflows).values()) == {None}


def test_the_project_decides(
    write,
    workflows: WorkflowManager,
    run: Callable[..., Run],
    venv: Callable[[str], None],
    project: Project,
) -> None:
    venv("1.0")
    write(PATH, POLICY.format("ignore") + FLOW)
    run()
    venv("2.0")
    assert set(notes(workflows).values()) == {None}
    write(PATH, POLICY.format("rerun") + FLOW)
    plan = {
        node.id: (node.action.value, str(node.reasons[0])) for node in workflows.plan(PATH).nodes
    }
    assert plan == {
        "tell": ("run", "same inputs, other environment: alpha 1.0 → 2.0"),
        "copy": ("run", "upstream tell will run"),
        "here": ("cached", "up to date"),
    }
    states = {node.id: node.status.value for node in run().nodes}
    assert states == {"tell": "COMPLETED", "copy": "COMPLETED", "here": "CACHED"}
    assert (project.root / "copy.txt").read_text() == "2.0\n"
    assert dvc(project.root, "status") == "Data and pipelines are up to date.\n"
    assert {node.status.value for node in run().nodes} == {"CACHED"}


@pytest.mark.exhaustive
def test_a_result_of_another_branch_keeps_its_environment(
    write, workflows: WorkflowManager, run: Callable[..., Run], venv: Callable[[str], None]
) -> None:
    """The environment belongs to the result, not to the newest run."""
    venv("1.0")
    write(PATH, FLOW)
    run()
    venv("2.0")
    write("tell.py", "import alpha\nprint('two', alpha.VERSION)\n")
    run()
    assert set(notes(workflows).values()) == {None}
    write("tell.py", "import beta_two\nimport alpha\nprint(alpha.VERSION)\n")
    # Restored from the run cache.
    run()
    assert notes(workflows)["tell"] == "same inputs, other environment: alpha 1.0 → 2.0"


def test_a_failed_node_names_its_environment_too(
    write, workflows: WorkflowManager, run: Callable[..., Run], venv: Callable[[str], None]
) -> None:
    venv("1.0")
    write("tell.py", "import missing_module\n")
    write(PATH, FLOW)
    failed = {node.id: node for node in run().nodes}["tell"]
    assert failed.status.value == "FAILED"
    assert failed.environment is not None


UV_FLOW = """\
stages:
  tell:
    cmd: uv run --frozen --project envs/tools python tell.py > told.txt
    deps: [tell.py, envs/tools/uv.lock]
    outs: [told.txt]
  here:
    cmd: python -c 'print(1)' > here.txt
    outs: [here.txt]
"""


@pytest.mark.exhaustive
def test_a_lock_of_uv_reruns_and_reproduces(
    write,
    workflows: WorkflowManager,
    run: Callable[..., Run],
    project: Project,
    wheels: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A changed lock reruns its stages, in DVC, too; an earlier lock makes the same bytes."""
    monkeypatch.setenv("UV_FIND_LINKS", str(wheels))
    monkeypatch.setenv("UV_OFFLINE", "1")
    environments = EnvironmentManager(project)
    environments.create(CreateEnvironment(name="tools", packages=["alpha==1.0"]))
    write("tell.py", "import alpha\nprint(alpha.VERSION)\n")
    write(PATH, UV_FLOW)
    first = run()
    locks = [project.root / "envs/tools/uv.lock", project.root / "dvc.lock"]
    before = [file.read_bytes() for file in locks]
    environments.add("tools", ["alpha==2.0"])
    assert "Running stage 'tell'" in dvc(project.root, "repro")
    assert (project.root / "told.txt").read_text() == "2.0\n"
    second = run(force=True)
    found = workflows.comparer.environments(PATH, second.id, first.id)
    (change,) = found.changes
    assert (change.nodes, change.packages) == (
        ["tell"],
        [PackageChange(name="alpha", before="1.0", after="2.0")],
    )
    locks[0].write_bytes(before[0])
    plan = {node.id: node.action.value for node in workflows.plan(PATH).nodes}
    assert plan["tell"] in ("run", "restorable")
    assert run(force=True).status == "COMPLETED"
    assert (project.root / "told.txt").read_text() == "1.0\n"
    assert [file.read_bytes() for file in locks] == before
