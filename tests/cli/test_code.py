"""Merging, undoing, staging, tags, stashes and fetching by words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import nbformat
import pexpect
import pytest

from jupyter_mlws.api.client import segment
from jupyter_mlws.client.local import LocalTransport
from jupyter_mlws.client.project import (
    Origin,
    ProjectClient,
    open_project,
)
from mlws.core.project import Project
from tests.command_line import call
from tests.server import Server
from tests.versioning.git_server import PASSWORD, USER, served

Git = Callable[..., str]


@pytest.fixture(autouse=True)
def runtime(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers of other tests, or of the person who runs them, are not seen."""
    (home / "runtime").mkdir()
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(home / "runtime"))


@pytest.fixture
def diverged(project: Project, git: Git) -> Project:
    """``main`` and ``other`` changed the same file; ``clean`` another one."""
    root = project.root
    (root / "a.py").write_text("base\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "Base")
    for branch, path in (("other", "a.py"), ("clean", "b.py"), ("main", "a.py")):
        if branch == "main":
            git(root, "checkout", "-q", "main")
        else:
            git(root, "checkout", "-qb", branch, "main")
        (root / path).write_text(f"{branch}\n")
        git(root, "add", "-A")
        git(root, "commit", "-qm", f"On {branch}")
    return project


def words(folder: Path, *line: str, code: int = 0, language: str = "C.UTF-8") -> str:
    done = call(folder, *line, code=code, language=language)
    return done.stdout + done.stderr


@pytest.mark.slow(reason="real programs, one after the other")
def test_a_table_is_merged_by_row(project: Project, git: Git) -> None:
    root, text = project.root, "id,a,b\n1,x,1\n2,y,2\n"
    for branch, content in (
        ("main", text),
        ("other", text.replace("1,x,1", "1,x,7").replace("2,y", "2,other")),
        ("main", text.replace("1,x,1", "1,mine,1").replace("2,y", "2,main")),
    ):
        git(root, "checkout", "-q", *(["-b", "other"] if branch == "other" else ["main"]))
        (root / "t.csv").write_text(content)
        git(root, "add", "-f", "t.csv")
        git(root, "commit", "-qm", branch)
    words(root, "merge", "other", code=1)
    told = words(root, "merge", "--rows", "t.csv", code=1)
    assert "1 conflicts" in told
    assert "other" in told
    assert "merge --continue" in words(root, "merge", "--rows", "--prefer", "theirs", "t.csv")
    assert (root / "t.csv").read_text() == "id,a,b\n1,mine,7\n2,other,2\n"
    words(root, "merge", "--continue")


@pytest.mark.slow(reason="real programs, one after the other")
def test_a_person_merges_resolves_and_undoes(diverged: Project, git: Git) -> None:
    root = diverged.root
    assert "merged" in words(root, "merge", "clean")
    assert "a.py" in words(root, "merge", "other", code=1)
    assert "双方修改" in words(root, "merge", code=1, language="zh_CN.UTF-8")
    assert "30201" in words(root, "merge", "--continue", code=1)
    words(root, "merge", "other", "--abort", code=2)
    words(root, "merge", "--ours", code=2)
    assert "Merge aborted" in words(root, "merge", "--abort")
    words(root, "merge", "other", code=1)
    assert "merge --continue" in words(root, "merge", "--both", "a.py")
    done = json.loads(words(root, "merge", "--continue", "-m", "Both", "--json"))
    assert (done["outcome"], (root / "a.py").read_text()) == ("merged", "main\nother\n")
    assert "Reverted to" in words(root, "revert")
    assert (root / "a.py").read_text() == "main\n"
    assert git(root, "log", "-1", "--format=%s").startswith("Revert to")
    assert "30404" in words(root, "revert", "no-such", code=1)


@pytest.mark.slow(reason="real programs, one after the other")
def test_a_person_tidies_the_history(diverged: Project, git: Git) -> None:
    root = diverged.root
    (root / "own.py").write_text("1\n")
    words(root, "commit", "-m", "Own")
    (root / "own.py").write_text("2\n")
    assert "Own" in words(root, "commit", "--amend")
    assert "new commits: 1" in words(root, "cherry-pick", "clean")
    assert "30287" in words(root, "cherry-pick", "clean", code=1)
    assert "new commits: 1" in words(root, "revert", "HEAD~1", "--only")
    assert not (root / "own.py").exists()
    words(root, "revert", "--only", "-m", "x", code=2)
    kept = words(root, "squash", "HEAD~1", "-m", "One")
    assert git(root, "log", "-1", "--format=%s").strip() == "One"
    assert "operation continue" in words(root, "rebase", "other", code=1)
    words(root, "operation", "abort")
    assert "30404" in words(root, "rebase", code=1)
    words(root, "safety", kept.split("mlws safety ")[1].split("`")[0])
    assert "Revert" in git(root, "log", "-1", "--format=%s")
    (root / "own.py").write_text("1\n")
    assert "--message" in words(root, "commit", code=2)


@pytest.mark.slow(reason="real programs, one after the other")
def test_a_person_goes_on_with_what_git_has_begun(diverged: Project, git: Git) -> None:
    root = diverged.root
    head = git(root, "rev-parse", "HEAD")
    subprocess.run(["git", "rebase", "-q", "other"], cwd=root, check=False)
    status = words(root, "status")
    assert "In progress: rebase" in status
    assert "operation skip" in status
    for line in (["commit", "-m", "x"], ["merge", "--continue"], ["merge", "--abort"]):
        refusal = words(root, *line, code=1)
        assert "rebase" in refusal
        assert "operation continue" in refusal
    assert "operation continue" in words(root, "merge", code=1)
    assert "30201" in words(root, "operation", "continue", code=1)
    assert "变基" in words(root, "operation", language="zh_CN.UTF-8")
    assert "kept as" in words(root, "operation", "abort")
    assert git(root, "rev-parse", "HEAD") == head
    assert "30260" in words(root, "operation", "skip", code=1)
    assert "Nothing is in progress" in words(root, "operation")
    subprocess.run(["git", "cherry-pick", "other"], cwd=root, check=False, capture_output=True)
    words(root, "merge", "--theirs", "a.py")
    assert "Ended: cherry-pick" in words(root, "operation", "continue")
    assert git(root, "log", "-1", "--format=%s") == "On other\n"


@pytest.mark.slow(reason="real programs, one after the other")
def test_a_typing_error_of_a_path_is_no_success_and_a_notebook_no_json(
    project: Project, git: Git
) -> None:
    root = project.root
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [
        nbformat.v4.new_code_cell("x = 1\ny = 2", id="one"),
        nbformat.v4.new_markdown_cell("# Kept", id="two"),
        nbformat.v4.new_code_cell("gone", id="three"),
    ]
    nbformat.write(notebook, root / "train.ipynb")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "A notebook")
    notebook.cells[0].source = "x = 1\ny = 3"
    notebook.cells[0].outputs = [nbformat.v4.new_output("stream", text="3")]
    del notebook.cells[2]
    nbformat.write(notebook, root / "train.ipynb")

    for line in (["restore", "HEAD", "nosuch.py"], ["restore", "HEAD", "train.ipynb", "x"]):
        assert "30404" in words(root, *line, code=1)
    said = words(root, "diff", "-p", "train.ipynb").splitlines()
    assert said == [
        "Cell 1 (code): modified  outputs differ",
        "@@ -1,2 +1,2 @@",
        " x = 1",
        "-y = 2",
        "+y = 3",
        "Cell 3 (code): deleted",
        "@@ -1 +0,0 @@",
        "-gone",
    ]
    git(root, "checkout", "-q", "train.ipynb")
    original = nbformat.read(root / "train.ipynb", as_version=4)
    original.metadata["title"] = "Other"
    nbformat.write(original, root / "train.ipynb")
    assert "Only metadata differs" in words(root, "diff", "-p", "train.ipynb")
    words(root, "restore", "HEAD", "train.ipynb", "--yes")
    assert git(root, "status", "--porcelain") == ""


def test_a_person_stages_tags_and_puts_aside(diverged: Project, git: Git) -> None:
    root = diverged.root
    (root / "a.py").write_text("changed\n")
    (root / "c.py").write_text("new\n")
    assert "未暂存" in words(root, "stage", "a.py", language="zh_CN.UTF-8")
    words(root, "commit", "-m", "x", "--staged", "a.py", code=2)
    made = json.loads(words(root, "commit", "-m", "Staged", "--staged", "--json"))
    assert git(root, "show", "--format=", "--name-only", made["id"]).split() == ["a.py"]
    words(root, "stage")
    assert "untracked" in words(root, "unstage")
    assert "v1" in words(root, "tag", "v1", "-m", "First")
    assert "First" in words(root, "tag")
    assert "v1" in words(root, "tag", "-d", "v1")
    words(root, "tag", "-d", code=2)
    assert "Work" in words(root, "stash", "-m", "Work")
    assert not (root / "c.py").exists()
    (stash,) = json.loads(words(root, "stash", "list", "--json"))
    assert "c.py" in words(root, "stash", "pop", stash["id"][:8], "--keep")
    assert (root / "c.py").exists()
    assert "Work" in words(root, "stash", "drop")
    assert "30404" in words(root, "stash", "pop", code=1)


def test_the_same_through_the_server_and_on_the_files(
    diverged: Project, git: Git, home: Path, tmp_path: Path
) -> None:
    root = diverged.root
    git(tmp_path, "init", "-q", "--bare", "bare.git")
    git(root, "remote", "add", "origin", str(tmp_path / "bare.git"))
    git(root, "push", "-q", "origin", "main", "other")
    git(root, "update-ref", "-d", "refs/remotes/origin/other")
    with Server(home, root):
        remote = open_project(root, "en", Origin.CLI)
        assert remote.runs is None
        local = ProjectClient(diverged, LocalTransport(diverged, "en"), "en", Origin.CLI)
        shapes = []
        head = git(root, "rev-parse", "main").strip()
        for session in (remote, local):
            shapes.append(_walk(session, root))
            git(root, "reset", "-q", "--hard", head)
            git(root, "update-ref", "-d", "refs/remotes/origin/other")
        local.close()
    assert shapes[0] == shapes[1]


def _walk(session: ProjectClient, root: Path) -> list[Any]:
    """The shapes of all that a session answers on one way through everything."""

    def quiet(text: str) -> None: ...

    found = [
        session.follow("git/merge", {"ref": "other"}, quiet),
        session.get("git/conflicts"),
        session.post("git/merge/abort"),
        session.follow("git/merge", {"ref": "other", "message": "Again"}, quiet),
        session.post("git/conflicts/a.py", {"take": "theirs"}),
        session.follow("git/merge/continue", {}, quiet),
        session.follow("git/rollback", {"to": "HEAD~1", "mode": "revert"}, quiet),
        session.post("git/tag", {"name": "v1", "ref": "HEAD", "message": "One"}),
        session.list("git/tags")[0],
        session.delete("git/tag/v1"),
        session.follow("git/fetch", {"prune": True}, quiet),
    ]
    (root / "a.py").write_text("work\n")
    found += [
        session.post("git/stage", {"all": True}),
        session.post("git/unstage", {"paths": ["a.py"]}),
    ]
    stash = session.follow("git/stashes", {"message": "Work"}, quiet)
    found += [
        session.list("git/stashes")[0],
        session.follow(f"git/stashes/{segment(stash['id'])}/apply", {"keep": True}, quiet),
    ]
    found += [session.delete(f"git/stashes/{segment(stash['id'])}"), stash]
    return [set(row) for row in found]


@pytest.mark.parametrize("through_a_server", [False, True])
def test_a_terminal_is_asked_for_the_password(
    project: Project, git: Git, home: Path, tmp_path: Path, through_a_server: bool
) -> None:
    (tmp_path / "served").mkdir()
    git(tmp_path / "served", "init", "-q", "--bare", "bare.git")
    git(project.root, "push", "-q", str(tmp_path / "served" / "bare.git"), "main")
    server = Server(home, project.root) if through_a_server else nullcontext()
    with server, served(tmp_path / "served") as address:
        git(project.root, "remote", "add", "origin", f"{address}/bare.git")
        child = pexpect.spawn(
            sys.executable,
            ["-m", "jupyter_mlws", "fetch"],
            cwd=str(project.root),
            env={**os.environ, "LANG": "C.UTF-8"},
            encoding="utf-8",
            timeout=60,
        )
        child.expect("Username for 'http://127.0.0.1:")
        child.sendline(USER)
        child.expect("Password for ")
        child.sendline(PASSWORD)
        child.expect("origin/main")
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == 0
        # Nobody is asked in a script.
        if not through_a_server:
            assert "30101" in words(project.root, "fetch", code=1)
