"""A run is repeated in the environment that made it, also in another clone."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlws.client.local import LocalTransport
from jupyter_mlws.client.project import Origin, ProjectClient
from mlws.core.project import Project
from tests.environments.conftest import Person, build_wheel

FLOW = """\
stages:
  tell:
    cmd: {} tell.py > told.txt
    deps: [tell.py{}]
    outs: [told.txt]
"""
IN_TOOLS = FLOW.format("uv run --frozen --project envs/tools python", ", envs/tools/uv.lock")


def command_of(output: str) -> str:
    return next(line.strip() for line in output.splitlines() if line.strip().startswith("cd "))


@pytest.mark.exhaustive
def test_a_lock_repeats_a_run_here_and_in_another_clone(person: Person, tmp_path: Path) -> None:
    person("jupyter mlws env create tools alpha==1.0")
    (person.folder / "dvc.yaml").write_text(IN_TOOLS)
    person("jupyter mlws run")
    told, lock = (person.folder / name for name in ("told.txt", "dvc.lock"))
    assert told.read_text() == "1.0\n"
    before = lock.read_bytes()
    person("jupyter mlws commit -m one && git tag one")
    assert "damaged" not in person("jupyter mlws verify one")
    person("jupyter mlws env add --name tools alpha==2.0")
    assert "uv.lock" in person("jupyter mlws plan")
    person("jupyter mlws run && jupyter mlws commit -m two && dvc push -q")
    (row,) = [row for row in person("jupyter mlws diff one HEAD").splitlines() if "alpha" in row]
    assert row.split() == ["alpha", "(envs/tools)", "1.0", "2.0"]
    assert told.read_text() == "2.0\n"

    output = person("jupyter mlws reproduce one")
    assert "built from the lock of tools" in output
    person(command_of(output))
    worktree = person.folder / command_of(output).split()[1]
    assert (worktree / "told.txt").read_text() == "1.0\n"
    assert (worktree / "dvc.lock").read_bytes() == before
    # The present environment is as it was.
    assert person("envs/tools/.venv/bin/python tell.py") == "2.0\n"

    clone = Person(tmp_path / "clone", person.variables)
    person(f"git clone -q . {clone.folder}")
    clone("jupyter mlws trust")
    output = clone("jupyter mlws reproduce one")
    assert "built from the lock of tools" in output
    clone(command_of(output))
    assert (clone.folder / "reproductions").is_dir()
    worktree = clone.folder / command_of(output).split()[1]
    assert (worktree / "told.txt").read_text() == "1.0\n"
    assert (worktree / "dvc.lock").read_bytes() == before


@pytest.mark.exhaustive
def test_a_restored_lock_and_versions_of_a_model_name_their_packages(person: Person) -> None:
    person("jupyter mlws env create tools alpha==1.0")
    (person.folder / "dvc.yaml").write_text(IN_TOOLS)
    person("jupyter mlws run && jupyter mlws commit -m one && git tag one")
    person("jupyter mlws env add --name tools alpha==2.0")
    person("jupyter mlws run && jupyter mlws commit -m two")
    project = Project.open(person.folder)
    client = ProjectClient(project, LocalTransport(project, "en"), "en", Origin.CLI)
    for run in reversed(client.list("runs")):
        client.post("models", {"name": "teller", "run_id": run["id"]})
    client.close()
    output = person("jupyter mlws compare teller:1 teller:2")
    assert ["alpha", "1.0", "2.0"] in [row.split() for row in output.splitlines()]
    output = person("jupyter mlws restore one --yes")
    assert "jupyter mlws env sync tools" in output
    person("jupyter mlws env sync tools")
    assert person("envs/tools/.venv/bin/python tell.py") == "1.0\n"
    assert "env sync" not in person("jupyter mlws restore HEAD --yes -- tell.py")


def test_a_damaged_lock_is_found(person: Person) -> None:
    (person.folder / "uv.lock").write_text("<<<<<<< one\n")
    person("git add . && git commit -qm broken")
    assert "uv.lock" in person("jupyter mlws verify HEAD", code=1)


@pytest.mark.exhaustive
def test_a_record_repeats_a_run_without_a_lock(person: Person, index: Path) -> None:
    build_wheel(index, "beta", "3.0")
    person("uv venv -q mine && uv pip install -q --python mine alpha==1.0 beta")
    (person.folder / ".gitignore").write_text("mine\n")
    (person.folder / "dvc.yaml").write_text(FLOW.format("python", ""))
    active = "uv run --no-project --python mine/bin/python "
    person(active + "jupyter mlws run")
    person("jupyter mlws commit -m one && git tag one")
    person("uv pip install -q --python mine alpha==2.0")
    output = person("jupyter mlws reproduce one")
    assert "built from the record of the run, in .venv-" in output
    command = command_of(output)
    assert "uv run --no-project --python .venv-" in command
    person(command)
    assert (person.folder / command.split()[1] / "told.txt").read_text() == "1.0\n"


@pytest.mark.exhaustive
def test_what_cannot_be_had_is_named_before_the_run(person: Person, index: Path) -> None:
    build_wheel(index, "beta", "3.0")
    person("uv venv -q mine && uv pip install -q --python mine alpha==1.0 beta")
    (person.folder / ".gitignore").write_text("mine\n")
    (person.folder / "dvc.yaml").write_text(FLOW.format("python", ""))
    person("uv run --no-project --python mine/bin/python jupyter mlws run")
    person("jupyter mlws commit -m one && git tag one")
    (index / "beta-3.0-py3-none-any.whl").unlink()
    person("uv cache clean -q")
    output = person("jupyter mlws reproduce one")
    assert "beta 3.0: not available: " in output
    worktree = person.folder / command_of(output).split()[1]
    (prefix,) = worktree.glob(".venv-*")
    assert [path.name for path in prefix.glob("lib/*/site-packages/*.dist-info")] == [
        "alpha-1.0.dist-info"
    ]
    output = person("jupyter mlws reproduce one --path other --no-environment")
    assert "beta" not in output
