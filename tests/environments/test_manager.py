"""Environments of a project are created, changed and installed by uv, and stay usable meanwhile."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from jupyter_mlws.core.errors import (
    AlreadyExistsError,
    EnvironmentToolError,
    NotTrustedError,
    PackageChangeError,
    ProjectEnvironmentNotFoundError,
)
from jupyter_mlws.core.trust import withdraw_trust
from jupyter_mlws.environments.manager import EnvironmentManager
from jupyter_mlws.environments.models import CreateEnvironment
from mlws.core.errors import InvalidRequestError, MLWSError, OutsideWorkspaceError
from mlws.core.project import Project
from mlws.environments.definitions import State, Tool


@pytest.fixture
def manager(project: Project, wheels: Path, monkeypatch: pytest.MonkeyPatch) -> EnvironmentManager:
    """The environments of an empty project, whose packages come from a directory."""
    monkeypatch.setenv("UV_FIND_LINKS", str(wheels))
    monkeypatch.setenv("UV_OFFLINE", "1")
    return EnvironmentManager(project)


def version_in(project: Project, name: str) -> str:
    code = "import alpha; print(alpha.VERSION)"
    python = project.root / name / ".venv/bin/python"
    return subprocess.run([python, "-c", code], capture_output=True, text=True).stdout.strip()


def test_its_life(manager: EnvironmentManager, project: Project) -> None:
    assert manager.all() == []
    lines: list[str] = []
    made = manager.create(
        CreateEnvironment(name="torch", packages=["alpha==1.0"]),
        lambda done, total=None, unit="", message="": lines.append(message),
    )
    assert (made.tool, made.state, made.lock) == (Tool.UV, State.READY, "envs/torch/uv.lock")
    assert any("alpha" in line for line in lines)
    assert version_in(project, "envs/torch") == "1.0"
    manager.add("torch", ["alpha>1", "beta-two"])
    detail = manager.get("torch")
    assert (detail.packages, detail.differences) == ({"alpha": "2.0", "beta-two": "2.0"}, [])
    assert detail.size > 0
    assert detail.required == ["alpha", "beta-two"]
    assert (detail.kernel, detail.needs_ipykernel) == ("env-torch", False)
    manager.remove("torch", ["beta-two"])
    assert manager.get("torch").packages == {"alpha": "2.0"}
    with pytest.raises(AlreadyExistsError):
        manager.create(CreateEnvironment(name="torch"))
    assert manager.delete("torch").paths == ["envs/torch"]
    assert manager.all() == []
    with pytest.raises(ProjectEnvironmentNotFoundError):
        manager.get("torch")


def test_a_changed_lock_is_seen_and_installed(
    manager: EnvironmentManager, project: Project
) -> None:
    manager.create(CreateEnvironment(name="project", packages=["alpha==1.0"]))
    file = project.root / "pyproject.toml"
    file.write_text(file.read_text().replace("alpha==1.0", "alpha==2.0"))
    assert manager.lock("project").state is State.CHANGED
    (difference,) = manager.get("project").differences
    assert (difference.name, difference.version, difference.locked) == ("alpha", "1.0", "2.0")
    assert version_in(project, ".") == "1.0"
    assert manager.sync("project").state is State.READY
    assert version_in(project, ".") == "2.0"
    # Of the root only what is installed is deleted.
    assert manager.delete("project").paths == [".venv"]
    assert manager.all()[0].state is State.MISSING


def test_what_cannot_be_resolved_changes_nothing(
    manager: EnvironmentManager, project: Project
) -> None:
    manager.create(CreateEnvironment(name="a", packages=["alpha==1.0"]))
    files = [project.root / "envs/a" / name for name in ("pyproject.toml", "uv.lock")]
    before = [file.read_bytes() for file in files]
    with pytest.raises(PackageChangeError, match="missing-package"):
        manager.add("a", ["missing-package"])
    assert [file.read_bytes() for file in files] == before
    files[1].write_text("no TOML [")
    with pytest.raises(PackageChangeError, match=r"uv\.lock"):
        manager.sync("a")
    assert version_in(project, "envs/a") == "1.0"
    with pytest.raises(PackageChangeError):
        manager.create(CreateEnvironment(name="b", packages=["missing-package"]))
    assert not (project.root / "envs/b").exists()


@pytest.mark.parametrize("moved", [False, True])
def test_a_killed_installation_leaves_the_one_before(
    manager: EnvironmentManager, project: Project, moved: bool
) -> None:
    manager.create(CreateEnvironment(name="a", packages=["alpha==1.0"]))
    prefix = project.root / "envs/a/.venv"

    def stop(done: float, total: float | None = None, unit: str = "", message: str = "") -> None:
        if "Installed" in message:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        manager.sync("a", stop)
    assert version_in(project, "envs/a") == "1.0"
    assert not prefix.with_name(".venv.new").exists()
    # As a kill leaves it: a half-made new one, and perhaps the old one already out of its place.
    prefix.with_name(".venv.new").mkdir()
    if moved:
        prefix.rename(prefix.with_name(".venv.old"))
    manager.sync("a")
    assert version_in(project, "envs/a") == "1.0"
    assert sorted(path.name for path in prefix.parent.iterdir()) == [
        ".venv", "pyproject.toml", "uv.lock"
    ]  # fmt: skip


def test_two_installations_at_once(manager: EnvironmentManager, project: Project) -> None:
    manager.create(CreateEnvironment(name="a", packages=["alpha==1.0"]))
    faults: list[MLWSError] = []

    def change(packages: list[str]) -> None:
        try:
            EnvironmentManager(project).add("a", packages)
        except MLWSError as error:
            faults.append(error)

    threads = [
        threading.Thread(target=change, args=([one],)) for one in ("alpha==2.0", "beta-two==1.0")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert manager.get("a").packages == {"alpha": "2.0", "beta-two": "1.0"}
    assert manager.get("a").state is State.READY


def test_a_requirements_file(manager: EnvironmentManager, project: Project) -> None:
    (project.root / "requirements.txt").write_text("# pinned\nalpha==1.0\n")
    (found,) = manager.all()
    assert (found.tool, found.lock, found.state) == (
        Tool.REQUIREMENTS, "requirements.txt", State.MISSING
    )  # fmt: skip
    assert manager.sync("project").state is State.READY
    assert version_in(project, ".") == "1.0"
    with pytest.raises(EnvironmentToolError):
        manager.add("project", ["beta-two"])
    (project.root / "requirements.txt").write_text("alpha>=1.0\n")
    assert manager.lock("project").lock == "pylock.toml"
    assert manager.sync("project").state is State.READY
    assert version_in(project, ".") == "2.0"


@pytest.mark.parametrize(
    ("file", "text", "tool"),
    [
        ("pixi.toml", "[workspace]\n", Tool.PIXI),
        ("environment.yml", "dependencies: [python]\n", Tool.CONDA),
    ],
)
def test_a_program_that_is_missing_is_named(
    manager: EnvironmentManager,
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    text: str,
    tool: Tool,
) -> None:
    (project.root / file).write_text(text)
    monkeypatch.setenv("PATH", "/nowhere")
    (found,) = manager.all()
    assert (found.tool, found.state) == (tool, State.MISSING)
    with pytest.raises(EnvironmentToolError, match=tool.value):
        manager.sync("project")


def test_a_link_keeps_what_it_leads_to(
    manager: EnvironmentManager, project: Project, tmp_path: Path
) -> None:
    manager.create(CreateEnvironment(name="a", packages=["alpha==1.0"]))
    prefix, elsewhere = project.root / "envs/a/.venv", tmp_path / "shared"
    prefix.rename(elsewhere)
    prefix.symlink_to(elsewhere)
    for _ in range(2):
        manager.sync("a")
        assert version_in(project, "envs/a") == "1.0"
    assert (elsewhere / "bin/python").exists()
    (project.root / "envs/b").symlink_to(elsewhere)
    assert [one.name for one in manager.all()] == ["a"]
    with pytest.raises(ProjectEnvironmentNotFoundError):
        manager.delete("b")


def test_an_environment_made_by_hand_is_not_replaced(
    manager: EnvironmentManager, project: Project, tmp_path: Path
) -> None:
    (project.root / ".venv").mkdir()
    with pytest.raises(AlreadyExistsError, match="venv"):
        manager.create(CreateEnvironment(name="project"))
    (project.root / "envs").symlink_to(tmp_path)
    with pytest.raises(OutsideWorkspaceError):
        manager.create(CreateEnvironment(name="a"))
    assert not (project.root / "pyproject.toml").exists()


def test_work_is_stopped_without_a_line_of_output(
    manager: EnvironmentManager, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as a download that takes minutes."""
    program = project.root / "pixi"
    program.write_text("#!/bin/sh\nsleep 60 & wait\n")
    program.chmod(0o755)
    (project.root / "pixi.toml").write_text("[workspace]\n")
    monkeypatch.setenv("PATH", str(project.root), prepend=os.pathsep)
    began = time.monotonic()

    def stop(done: float, total: float | None = None, unit: str = "", message: str = "") -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        manager.sync("project", stop)
    assert time.monotonic() - began < 30


def test_a_pipe_in_place_of_a_file_stops_nothing(
    manager: EnvironmentManager, project: Project
) -> None:
    os.mkfifo(project.root / "pyproject.toml")
    os.mkfifo(project.root / "requirements.txt")
    assert [one.tool for one in manager.all()] == [Tool.REQUIREMENTS]


@pytest.mark.parametrize("text", ["[[", "project = 1\n", "[tool.other]\n", "\0"])
def test_files_that_define_none(manager: EnvironmentManager, project: Project, text: str) -> None:
    (project.root / "pyproject.toml").write_text(text)
    (project.root / "envs").mkdir()
    (project.root / "envs/file").write_text("")
    assert [one.state for one in manager.all()] in ([], [State.MISSING])


def test_bad_input_names_the_field(manager: EnvironmentManager) -> None:
    for request, field in (
        ({"name": "../a"}, "name"),
        ({"name": "-a"}, "name"),
        ({"name": "a", "python": "3"}, "python"),
        ({"name": "a", "packages": ["--index-url=x"]}, "packages.0"),
    ):
        with pytest.raises(InvalidRequestError) as refused:
            manager.create(CreateEnvironment(**request))
        assert [fault.field for fault in refused.value.faults] == [field]


def test_nothing_runs_in_a_project_that_is_not_trusted(
    manager: EnvironmentManager, project: Project
) -> None:
    (project.root / "pyproject.toml").write_text("[project]\nname = 'a'\nversion = '0'\n")
    withdraw_trust(project.root)
    assert manager.all()[0].state is State.MISSING
    for call in (
        lambda: manager.sync("project"),
        lambda: manager.lock("project"),
        lambda: manager.add("project", ["alpha"]),
        lambda: manager.create(CreateEnvironment(name="b")),
    ):
        with pytest.raises(NotTrustedError):
            call()
