"""Projects: found, made, and never half-made."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mlws.projects import manager
from jupyter_mlws.projects.manager import ProjectManager
from jupyter_mlws.projects.models import Template
from jupyter_mlws.projects.setup import initialize
from mlws.core.errors import MLWSError
from mlws.core.project import Project


def _code(call: Callable[[], object]) -> str:
    with pytest.raises(MLWSError) as error:
        call()
    return error.value.code


def test_the_default_is_the_project_the_root_lies_in(project: Project) -> None:
    inside = project.root / "notebooks"
    inside.mkdir()
    listed = ProjectManager(inside).list()
    assert [(row.id, row.path, row.default) for row in listed] == [(".", "..", True)]
    assert ProjectManager(inside).workspace().project == project


def test_projects_below_the_root_are_found_by_their_id(tmp_path: Path) -> None:
    projects = ProjectManager(tmp_path)
    assert _code(projects.workspace) == "50402"
    made = projects.create("team/first", Template.EMPTY)
    assert (made.id, made.path, made.dvc, made.head) == ("team~1first", "team/first", True, None)
    assert [row.id for row in projects.list()] == ["team~1first"]
    assert projects.workspace("team~1first").project.root == tmp_path / "team" / "first"


def test_what_git_cannot_read_is_no_project_and_hides_none(
    project: Project, tmp_path: Path
) -> None:
    root = project.root.parent
    for name, head in (("empty", None), ("binary", b"\xff\xfe"), ("unborn", b"ref: refs/heads/x")):
        (root / name / ".git").mkdir(parents=True)
        if head is not None:
            (root / name / ".git" / "HEAD").write_bytes(head)
    (root / "elsewhere").mkdir()
    (root / "elsewhere" / ".git").write_text(f"gitdir: {tmp_path / 'nowhere'}\n")
    (root / "inside").mkdir()
    (root / "inside" / ".git").symlink_to(root / "nowhere")
    projects = ProjectManager(root)
    assert [row.path for row in projects.list()] == ["project"]
    for name in ("empty", "binary", "elsewhere"):
        assert _code(lambda name=name: projects.describe(name)) == "50402"


def test_an_empty_project_keeps_the_files_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("print(1)")
    (tmp_path / ".gitignore").write_text("secret")
    ProjectManager(tmp_path).create(".", Template.EMPTY)
    assert (tmp_path / "train.py").read_text() == "print(1)"
    assert (tmp_path / ".gitignore").read_text().splitlines()[0] == "secret"
    assert "/mlflow.db*" in (tmp_path / ".gitignore").read_text().splitlines()


def test_the_first_commit_of_a_new_project_holds_all_files(
    tmp_path: Path, git: Callable[..., str]
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "train.py").write_text("print(1)\n")
    projects = ProjectManager(tmp_path)
    for name in ("mine", "new"):
        identifier = projects.create(name, Template.EMPTY).id
        workspace = projects.workspace(identifier)
        assert [one.path for one in workspace.snapshots.status().changes if one.staged] == []
        # What Ctrl+Enter does where nothing is staged.
        workspace.snapshots.create("First")
        assert git(tmp_path / name, "status", "--porcelain") == ""
        committed = git(tmp_path / name, "ls-files").split()
        assert {".dvc/config", ".dvcignore", ".gitignore"} <= set(committed)
        assert ("train.py" in committed) == (name == "mine")
    projects.close()


def test_setting_up_dvc_keeps_what_is_staged(project: Project, git: Callable[..., str]) -> None:
    shutil.rmtree(project.root / ".dvc")
    (project.root / "train.py").write_text("print(1)\n")
    git(project.root, "add", "train.py")
    initialize(project.root)
    assert git(project.root, "diff", "--cached", "--name-only").split() == ["train.py"]


def test_what_exists_or_lies_outside_is_refused(project: Project) -> None:
    projects = ProjectManager(project.root.parent)
    assert _code(lambda: projects.create("project", Template.EMPTY)) == "50203"
    assert _code(lambda: projects.create("../elsewhere", Template.EMPTY)) == "50302"
    assert _code(lambda: projects.workspace("..~1..")) == "50302"
    assert _code(lambda: projects.workspace("nothing")) == "50402"
    (project.root.parent / "full").mkdir()
    (project.root.parent / "full" / "file").write_text("x")
    assert _code(lambda: projects.create("full", Template.EXAMPLE)) == "50203"


def test_a_project_that_could_not_be_made_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(target: Path) -> None:
        (target / ".git").mkdir()
        raise OSError("disk full")

    monkeypatch.setattr(manager, "initialize", fail)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "train.py").write_text("kept")
    for name in ("mine", "new"):
        with pytest.raises(OSError, match="disk full"):
            ProjectManager(tmp_path).create(name, Template.EMPTY)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["train.py"]
    assert not (tmp_path / "new").exists()
