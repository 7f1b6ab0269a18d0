"""Amend, cherry-pick, revert, squash and rebase on real git and DVC, beside git itself."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import nbformat
import pytest

from jupyter_mlws.git.adapter import Git
from jupyter_mlws.versioning.code.models import MergeOutcome, Resolution, RewriteOutcome
from jupyter_mlws.versioning.models import OperationAction
from jupyter_mlws.workspace import Workspace
from mlws.core.errors import MLWSError
from mlws.core.project import Project
from mlws.dvc.pointers import read_pointers
from tests import python
from tests.series import length
from tests.versioning.working_trees import tree_of

Command = Callable[..., str]
v4 = nbformat.v4


def refused(call: Callable[[], object]) -> MLWSError:
    with pytest.raises(MLWSError) as error:
        call()
    return error.value


@pytest.fixture
def root(versions: Workspace) -> Path:
    return versions.snapshots.project.root


def commit(versions: Workspace, subject: str, **files: str) -> str:
    """Commit files, by their names without suffix; ``wine`` is data."""
    root = versions.snapshots.project.root
    for name, text in files.items():
        path = root / "data/wine.csv" if name == "wine" else root / f"{name}.py"
        path.write_text(text)
    return versions.snapshots.create(subject).id


def switch(versions: Workspace, name: str) -> None:
    versions.branches.checkout(name, None, create=False)


def subjects(git: Command, root: Path, name: str = "HEAD") -> list[str]:
    return git(root, "log", "--format=%s", "--reverse", name).splitlines()


def intact(git: Command, dvc: Command, root: Path) -> None:
    assert git(root, "fsck", "--no-dangling") == ""
    assert git(root, "status", "--porcelain") == ""
    assert "up to date" in dvc(root, "status")


# Amend


def test_the_last_commit_is_amended(
    versions: Workspace, root: Path, git: Command, dvc: Command
) -> None:
    git(root, "config", "user.name", "Somebody Else")
    first = commit(versions, "Work\n\nIts body.", train="2\n", wine="a,b\n3,4\n")
    git(root, "config", "user.name", "The Amender")
    (root / "data/wine.csv").write_text("a,b\n5,6\n")
    (root / "new.py").write_text("new\n")
    amended = versions.snapshots.create(None, amend=True)
    assert subjects(git, root)[-2:] == ["Code and data", "Work"]
    assert git(root, "log", "-1", "--format=%an %cn").strip() == "Somebody Else The Amender"
    assert git(root, "log", "-1", "--format=%b").startswith("Its body.\n\nMlws-Snapshot: v1")
    assert git(root, "log", "-g", "-1", "--format=%gs", "main").strip() == "commit (amend): Work"
    assert git(root, "show", "--name-only", "--format=", amended.id).split() == [
        "data/wine.csv.dvc", "new.py", "train.py",
    ]  # fmt: skip
    intact(git, dvc, root)
    # Only the message, also where nothing has changed.
    versions.snapshots.create("Better words", amend=True)
    assert subjects(git, root)[-2:] == ["Code and data", "Better words"]
    intact(git, dvc, root)
    # Back to the first, with its data.
    copy = next(one for one in reversed(versions.safety.list()) if one.reason == "amend")
    assert (copy.branch, copy.base) == ("main", first)
    versions.safety.restore(copy.id)
    assert git(root, "rev-parse", "main").strip() == first
    assert (root / "data/wine.csv").read_text() == "a,b\n3,4\n"
    assert not (root / "new.py").exists()
    intact(git, dvc, root)


def test_what_is_staged_alone_is_amended(versions: Workspace, root: Path, git: Command) -> None:
    commit(versions, "Work", train="2\n")
    (root / "train.py").write_text("3\n")
    git(root, "add", "train.py")
    (root / "train.py").write_text("4\n")
    versions.snapshots.create(None, amend=True, staged_only=True)
    assert git(root, "show", "HEAD:train.py") == "3\n"
    assert git(root, "status", "--porcelain") == " M train.py\n"


# Cherry-pick and revert


def test_a_commit_is_picked_and_reverted_as_git_does_it(
    versions: Workspace, root: Path, git: Command, dvc: Command, tmp_path: Path
) -> None:
    versions.branches.create("other", "main", checkout=True)
    git(root, "config", "user.name", "Somebody Else")
    picked = commit(versions, "Wanted\n\nBody.", new="new\n", wine="a,b\n9,9\n")
    commit(versions, "Unwanted", train="bad\n")
    switch(versions, "main")
    copy = tmp_path / "copy"
    shutil.copytree(root, copy, symlinks=True)
    (root / "train.py").write_text("not committed\n")
    result = versions.rewrites.cherry_pick("other~1")
    assert (result.outcome, result.count, result.data) == (
        RewriteOutcome.DONE, 1, ["data/wine.csv"]
    )  # fmt: skip
    assert (root / "data/wine.csv").read_text() == "a,b\n9,9\n"
    assert (root / "train.py").read_text() == "not committed\n"
    git(copy, "cherry-pick", picked)
    same = ("log", "-1", "--format=%T%n%an%n%ad%n%B"), ("log", "-g", "-1", "--format=%gs", "main")
    for command in same:
        assert git(root, *command) == git(copy, *command)
    git(root, "checkout", "train.py")
    versions.rewrites.revert("HEAD")
    git(copy, "revert", "--no-edit", "HEAD")
    for command in (("log", "-1", "--format=%T%n%s"), same[1]):
        assert git(root, *command) == git(copy, *command)
    assert (root / "data/wine.csv").read_text() == "a,b\n1,2\n"
    intact(git, dvc, root)
    versions.rewrites.revert("HEAD")
    assert subjects(git, root)[-1] == 'Reapply "Wanted"'
    assert (root / "data/wine.csv").read_text() == "a,b\n9,9\n"
    intact(git, dvc, root)


def test_what_cant_be_picked_or_reverted(versions: Workspace, root: Path, git: Command) -> None:
    git(root, "branch", "other")
    commit(versions, "Ours", ours="1\n")
    git(root, "checkout", "-q", "other")
    commit(versions, "Theirs", theirs="1\n")
    git(root, "checkout", "-q", "main")
    assert versions.merges.merge("other").outcome is MergeOutcome.MERGED
    assert refused(lambda: versions.rewrites.revert("HEAD")).code == "30287"
    assert refused(lambda: versions.rewrites.cherry_pick("other")).code == "30287"
    assert refused(lambda: versions.rewrites.cherry_pick("nothing")).code == "30404"
    git(root, "checkout", "-q", "--orphan", "alone")
    git(root, "commit", "-qm", "Alone")
    assert refused(lambda: versions.rewrites.revert("main~1")).code == "30287"
    assert refused(lambda: versions.rewrites.cherry_pick("main")).code == "30287"
    # It changes nothing here.
    assert refused(lambda: versions.rewrites.cherry_pick("main^2")).code == "30287"
    assert subjects(git, root) == ["Alone"]


# Squash


def test_the_last_commits_are_squashed(
    versions: Workspace, root: Path, git: Command, dvc: Command
) -> None:
    git(root, "config", "user.name", "Somebody Else")
    first = commit(versions, "One", train="1\n")
    git(root, "config", "user.name", "The Squasher")
    commit(versions, "Two", wine="a,b\n3,4\n")
    last = commit(versions, "Three", train="3\n")
    (root / "open.py").write_text("not committed\n")
    before = tree_of(root)
    result = versions.rewrites.squash(first)
    assert subjects(git, root)[-2:] == ["Code and data", "One"]
    body = git(root, "log", "-1", "--format=%B")
    assert body.startswith("One\n\nTwo\n\nThree\n\nMlws-Snapshot: v1\n")
    assert git(root, "log", "-1", "--format=%an").strip() == "Somebody Else"
    assert git(root, "rev-parse", f"{last}^{{tree}}", "HEAD^{tree}").split()[0] == (
        git(root, "rev-parse", "HEAD^{tree}").strip()
    )
    assert tree_of(root) == before
    assert git(root, "status", "--porcelain") == "?? open.py\n"
    assert result.safety is not None
    versions.safety.restore(result.safety)
    assert git(root, "rev-parse", "main").strip() == last
    assert tree_of(root) == before
    (root / "open.py").unlink()
    intact(git, dvc, root)
    assert refused(lambda: versions.rewrites.squash("HEAD")).code == "30287"


# Rebase


@pytest.fixture
def diverged(versions: Workspace, git: Command) -> Workspace:
    """``main`` with two commits of code and data that ``other``, with one, lacks."""
    root = versions.snapshots.project.root
    git(root, "branch", "other")
    commit(versions, "Code", train="2\n")
    commit(versions, "Data", wine="a,b\n3,4\n")
    switch(versions, "other")
    commit(versions, "Theirs", theirs="1\n")
    switch(versions, "main")
    return versions


def test_a_branch_is_rebased_as_git_does_it(
    diverged: Workspace, git: Command, dvc: Command, tmp_path: Path
) -> None:
    root = diverged.snapshots.project.root
    old = git(root, "rev-parse", "main").strip()
    copy = tmp_path / "copy"
    shutil.copytree(root, copy, symlinks=True)
    (root / "open.py").write_text("not committed\n")
    result = diverged.rewrites.rebase("other")
    git(copy, "rebase", "-q", "other")
    assert (result.outcome, result.count) == (RewriteOutcome.DONE, 2)
    for command in (
        ("log", "--format=%T %an %ad %B", "main"),
        ("log", "-g", "-1", "--format=%gs", "main"),
    ):
        assert git(root, *command) == git(copy, *command)
    (root / "open.py").unlink()
    intact(git, dvc, root)
    assert diverged.rewrites.rebase("other").outcome is RewriteOutcome.UP_TO_DATE
    assert result.safety is not None
    diverged.safety.restore(result.safety)
    assert git(root, "rev-parse", "main").strip() == old
    assert not (root / "theirs.py").exists()
    intact(git, dvc, root)


@pytest.mark.parametrize("action", ["continue", "abort", "git"])
def test_a_rebase_with_conflicts_in_code_and_data(
    diverged: Workspace, git: Command, dvc: Command, action: str
) -> None:
    versions, root = diverged, diverged.snapshots.project.root
    switch(versions, "other")
    commit(versions, "Other data", wine="a,b\n7,7\n", train="other\n")
    switch(versions, "main")
    old, before = git(root, "rev-parse", "main").strip(), tree_of(root)
    result = versions.rewrites.rebase("other")
    assert result.outcome is RewriteOutcome.CONFLICTS
    assert [item.path for item in result.conflicts] == ["train.py"]
    assert versions.snapshots.status().operation == "rebase"
    state = versions.merges.conflicts()
    assert (state.ours, state.commit) == ("other", git(root, "rev-parse", "main~1").strip())
    if action == "abort":
        versions.operations.run(OperationAction.ABORT)
        assert git(root, "rev-parse", "main").strip() == old
        assert tree_of(root) == before
        intact(git, dvc, root)
        return
    versions.merges.resolve("train.py", Resolution(text="both\n"))
    if action == "git":
        # Someone finishes it in a terminal; the data follows at the next operation.
        with pytest.raises(subprocess.CalledProcessError):
            git(root, "-c", "core.editor=true", "rebase", "--continue")
        git(root, "checkout", "--theirs", "data/wine.csv.dvc")
        git(root, "add", "data/wine.csv.dvc")
        git(root, "-c", "core.editor=true", "rebase", "--continue")
        versions.snapshots.recover()
    else:
        step = versions.operations.run(OperationAction.CONTINUE)
        assert [item.path for item in step.conflicts] == ["data/wine.csv.dvc"]
        versions.merges.resolve("data/wine.csv.dvc", Resolution(take="theirs"))
        assert versions.operations.run(OperationAction.CONTINUE).unfinished is None
    assert subjects(git, root)[-4:] == ["Theirs", "Other data", "Code", "Data"]
    assert (root / "data/wine.csv").read_text() == "a,b\n3,4\n"
    assert (root / "train.py").read_text() == "both\n"
    intact(git, dvc, root)


def test_uncommitted_work_is_not_lost_by_conflicts(diverged: Workspace, git: Command) -> None:
    versions, root = diverged, diverged.snapshots.project.root
    switch(versions, "other")
    commit(versions, "Other", train="other\n")
    switch(versions, "main")
    (root / "train.py").write_text("work\n")
    for call in (
        lambda: versions.rewrites.rebase("other"),
        lambda: versions.rewrites.cherry_pick("other"),
    ):
        error = refused(call)
        assert error.code == "30202"
        assert versions.snapshots.status().operation is None
        assert (root / "train.py").read_text() == "work\n"


def test_rewritten_commits_are_signed_where_git_is_configured_to(
    diverged: Workspace, signing: None, git: Command
) -> None:
    versions, root = diverged, diverged.snapshots.project.root
    data = git(root, "rev-parse", "HEAD").strip()
    versions.rewrites.rebase("other")
    versions.rewrites.squash("HEAD~1", "Both")
    versions.rewrites.revert("HEAD")
    versions.rewrites.cherry_pick(data)
    for name in ("HEAD", "HEAD~1", "HEAD~2"):
        assert "SSH SIGNATURE" in git(root, "cat-file", "commit", name)


def test_a_commit_with_a_damaged_author_is_refused(
    versions: Workspace, root: Path, git: Command
) -> None:
    commit(versions, "Fine", a="1\n")
    raw = git(root, "cat-file", "commit", "HEAD")
    lines = ["author nobody" if one.startswith("author ") else one for one in raw.split("\n")]
    file = root.parent / "commit"
    file.write_text("\n".join(lines))
    damaged = git(root, "hash-object", "-t", "commit", "-w", "--literally", str(file)).strip()
    error = refused(lambda: versions.rewrites.cherry_pick(damaged))
    assert "its author is damaged" in error.message.en


def test_pushed_commits_are_rewritten_only_when_that_is_confirmed(
    diverged: Workspace, git: Command, tmp_path: Path
) -> None:
    versions, root = diverged, diverged.snapshots.project.root
    git(tmp_path, "init", "-q", "--bare", "remote.git")
    git(root, "remote", "add", "origin", str(tmp_path / "remote.git"))
    git(root, "push", "-q", "origin", "main")
    refs = git(root, "show-ref", "--heads")
    (root / "train.py").write_text("more\n")
    for call in (
        lambda: versions.rewrites.squash("HEAD~1"),
        lambda: versions.rewrites.rebase("other"),
        lambda: versions.snapshots.create(None, amend=True),
        lambda: versions.rewrites.undo(),
    ):
        error = refused(call)
        assert (error.code, "origin/main" in error.message.en) == ("30285", True)
        assert git(root, "show-ref", "--heads") == refs
    versions.snapshots.create(None, amend=True, force=True)
    versions.rewrites.squash("HEAD~1", "Both", force=True)
    versions.rewrites.rebase("other", force=True)
    assert subjects(git, root)[-2:] == ["Theirs", "Both"]


def test_hooks_of_the_repository_take_part(diverged: Workspace, git: Command) -> None:
    versions, root = diverged, diverged.snapshots.project.root
    hooks = root / ".git/hooks"
    hooks.mkdir(exist_ok=True)

    def hook(name: str, text: str) -> None:
        (hooks / name).write_text(f"#!/bin/sh\n{text}\n")
        (hooks / name).chmod(0o755)

    hook("pre-rebase", "echo no rebase of $1; exit 1")
    error = refused(lambda: versions.rewrites.rebase("other"))
    assert "no rebase of other" in error.message.en
    (hooks / "pre-rebase").unlink()
    hook("post-rewrite", "cat > rewritten.$1")
    old = git(root, "log", "-2", "--format=%H").split()
    versions.rewrites.rebase("other")
    rows = [line.split() for line in (root / "rewritten.rebase").read_text().splitlines()]
    assert [row[0] for row in rows] == old[::-1]
    assert [row[1] for row in rows] == git(root, "log", "-2", "--format=%H").split()[::-1]


def test_notebooks_are_merged_by_cells(versions: Workspace, root: Path, git: Command) -> None:
    def write(*sources: str) -> None:
        cells = [v4.new_code_cell(source, id=f"cell{n}") for n, source in enumerate(sources)]
        (root / "note.ipynb").write_text(nbformat.writes(v4.new_notebook(cells=cells)) + "\n")

    def read() -> list[str]:
        document = nbformat.read(root / "note.ipynb", as_version=4)
        nbformat.validate(document)
        return [cell.source for cell in document.cells]

    write("a = 1", "b = 1", "c = 1")
    commit(versions, "Notebook")
    git(root, "branch", "other")
    write("a = 2", "b = 1", "c = 1")
    commit(versions, "Ours")
    commit(versions, "More", train="more\n")
    switch(versions, "other")
    write("a = 1", "b = 3", "c = 1")
    commit(versions, "Theirs")
    switch(versions, "main")
    # Their lines are beside each other, so that git itself has a conflict.
    result = versions.rewrites.rebase("other")
    assert (result.outcome, result.count) == (RewriteOutcome.DONE, 2)
    assert read() == ["a = 2", "b = 3", "c = 1"]
    assert git(root, "status", "--porcelain") == ""
    write("a = 2", "b = 4", "c = 1")
    commit(versions, "Same cell")
    result = versions.rewrites.revert("other")
    assert result.outcome is RewriteOutcome.CONFLICTS
    assert [item.path for item in result.conflicts] == ["note.ipynb"]
    assert len(read()) >= 3
    detail = versions.merges.conflict("note.ipynb")
    assert detail.cells is not None
    versions.merges.resolve("note.ipynb", Resolution(take="theirs"))
    assert versions.operations.run(OperationAction.CONTINUE).unfinished is None
    assert read()[1] == "b = 1"
    assert subjects(git, root)[-1] == 'Revert "Theirs"'


# Killed at any step

KILLED = """
import os, sys, pathlib
from mlws.core.project import Project
from jupyter_mlws.workspace import Workspace
from jupyter_mlws.versioning.models import OperationAction
workspace = Workspace(Project.open(pathlib.Path(sys.argv[1])))
left = int(sys.argv[3])
CHANGES = {"subprocess.Popen", "os.rename", "os.remove", "os.link", "os.mkdir", "os.rmdir"}
def count(event, arguments):
    global left
    if event in CHANGES or event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), 9)
action = {
    "amend": lambda: workspace.snapshots.create(None, amend=True),
    "squash": lambda: workspace.rewrites.squash("HEAD~1"),
    "cherry-pick": lambda: workspace.rewrites.cherry_pick("other"),
    "revert": lambda: workspace.rewrites.revert("HEAD"),
    "rebase": lambda: workspace.rewrites.rebase("other"),
    "conflict": lambda: workspace.rewrites.rebase("clash"),
}[sys.argv[2]]
sys.addaudithook(count)
action()
left = 0
print("done")
"""
EVERY = length(37, exhaustive=6)
"""Distance of the steps at which it is killed; a whole series has some 300."""


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "operation", ["amend", "squash", "cherry-pick", "revert", "rebase", "conflict"]
)
def test_killed_at_any_step_nothing_is_half(
    diverged: Workspace, git: Command, dvc: Command, tmp_path: Path, operation: str
) -> None:
    template = diverged.snapshots.project.root
    switch(diverged, "other")
    others = {} if operation in ("rebase", "conflict") else {"wine": "a,b\n5,6\n"}
    commit(diverged, "Data of others", other="1\n", **others)
    git(template, "branch", "clash")
    switch(diverged, "clash")
    commit(diverged, "Clash", train="clash\n")
    switch(diverged, "main")
    diverged.close()
    step, is_done = 1 + random.Random(operation).randrange(EVERY), False
    while not is_done:
        root = tmp_path / f"at{step}"
        shutil.copytree(template, root, symlinks=True)
        git(root, "update-index", "-q", "--refresh")
        if operation == "amend":
            (root / "train.py").write_text("amended\n")
            (root / "data/wine.csv").write_text("a,b\n8,8\n")
        before = git(root, "rev-parse", "main").strip()
        answer = python.run(KILLED, str(root), operation, str(step))
        is_done = answer.returncode == 0
        assert is_done or answer.returncode == -signal.SIGKILL, answer.stderr
        assert git(root, "fsck", "--no-dangling") == ""
        every_ref_has_its_data(root, git)
        with closing(Workspace(Project.open(root))) as versions:
            versions.snapshots.recover()
            if versions.snapshots.status().operation is not None:
                versions.operations.run(OperationAction.ABORT)
                assert git(root, "rev-parse", "main").strip() == before
            assert git(root, "symbolic-ref", "HEAD").strip() == "refs/heads/main"
            if operation == "amend" and git(root, "rev-parse", "main").strip() == before:
                assert (root / "data/wine.csv").read_text() == "a,b\n8,8\n"
                versions.snapshots.create(None, amend=True)
            intact(git, dvc, root)
            # And it works the next time.
            commit(versions, "Next", next="1\n")
        shutil.rmtree(root)
        step += EVERY
    assert step > EVERY


def every_ref_has_its_data(root: Path, git: Command) -> None:
    """Assert that the cache has what each commit of each ref names."""
    for sha in git(root, "rev-list", "--all").split():
        for path in git(root, "ls-tree", "-r", "--name-only", "-z", sha).split("\0"):
            if path.endswith(".dvc"):
                pointer = read_pointers({path: git(root, "show", f"{sha}:{path}").encode()})[0]
                digest = pointer.md5
                assert digest is not None
                assert (root / ".dvc/cache/files/md5" / digest[:2] / digest[2:]).exists()


# The same as git itself, whatever the order


class Beside:
    """A project, and a copy in which git itself does the same."""

    def __init__(self, versions: Workspace, git: Command, copy: Path, seed: int) -> None:
        self.versions, self.git, self.copy = versions, git, copy
        self.root = versions.snapshots.project.root
        shutil.copytree(self.root, copy, symlinks=True)
        self.random = random.Random(seed)
        self.count = 0

    def in_git(self, *arguments: str) -> bool:
        """Run git in the copy; return whether it succeeded, after an abort if not."""
        settings = ("-c", "core.editor=true", "-c", "advice.detachedHead=false")
        answer = subprocess.run(
            ["git", *settings, *arguments], cwd=self.copy, capture_output=True, check=False
        )
        if answer.returncode == 0:
            return True
        operation = Git(self.copy).unfinished()
        if operation is not None:
            self.git(self.copy, operation, "--abort")
        return False

    def ours(self, call: Callable[[], object]) -> bool:
        """Do it here; return whether it is done, after an abort if there are conflicts."""
        try:
            result = call()
        except MLWSError:
            return False
        if getattr(result, "conflicts", None):
            self.versions.operations.run(OperationAction.ABORT)
            return False
        return True

    def write(self) -> None:
        """Change one of three files, in one of three places."""
        name = self.random.choice(["one", "two", "three"])
        place = self.random.randrange(3)
        self.count += 1
        for root in (self.root, self.copy):
            path = root / f"{name}.txt"
            lines = path.read_text().split("\n---\n") if path.exists() else ["0", "0", "0"]
            lines[place] = str(self.count)
            path.write_text("\n---\n".join(lines))

    def step(self) -> str:
        names = self.git(self.root, "branch", "--format=%(refname:short)").split()
        current = self.git(self.root, "branch", "--show-current").strip()
        other = self.random.choice(names)
        log = self.git(self.root, "rev-list", "--first-parent", "-6", current).split()
        number = len(log)
        actions = ["commit"] * 4 + [
            "amend", "undo", "branch", "checkout", "checkout", "pick", "revert", "squash",
            "rebase", "merge", "tag",
        ]  # fmt: skip
        action = self.random.choice(actions)
        message = f"{action} {self.count}"
        here = there = True
        if action == "commit":
            self.write()
            here = self.ours(lambda: self.versions.snapshots.create(message))
            there = self.in_git("add", "-A") and self.in_git("commit", "-qm", message)
        elif action == "amend":
            self.write()
            here = self.ours(lambda: self.versions.snapshots.create(message, amend=True))
            there = self.in_git("add", "-A") and self.in_git(
                "commit", "-q", "--amend", "-m", message
            )
        elif action == "undo" and number > 2:
            here = self.ours(self.versions.rewrites.undo)
            parents = self.git(self.copy, "rev-list", "--parents", "-1", "HEAD").split()
            there = len(parents) == 2 and self.in_git("reset", "-q", "--soft", "HEAD~1")
            if here:
                self.versions.snapshots.create(message)
                self.in_git("commit", "-qm", message)
        elif action == "branch" and len(names) < 4:
            name = f"b{self.count}x{self.random.randrange(1000)}"
            here = self.ours(lambda: self.versions.branches.create(name, "HEAD", checkout=True))
            there = self.in_git("checkout", "-q", "-b", name)
        elif action == "checkout":
            here = self.ours(lambda: self.versions.branches.checkout(other, None, create=False))
            there = self.in_git("checkout", "-q", other)
        elif action == "pick" and other != current:
            if self.is_pickable(other):
                here = self.ours(lambda: self.versions.rewrites.cherry_pick(other))
                there = self.in_git("cherry-pick", other)
        elif action == "revert":
            back = self.random.randrange(min(3, number))
            # Of the data of a first commit, git itself knows nothing.
            if number > back + 2 and not self.is_merge(f"HEAD~{back}"):
                here = self.ours(lambda: self.versions.rewrites.revert(f"HEAD~{back}"))
                there = self.in_git("revert", "--no-edit", f"HEAD~{back}")
        elif action == "squash" and number > 3 and not self.merges_in("HEAD~3..HEAD"):
            here = self.ours(lambda: self.versions.rewrites.squash("HEAD~1"))
            todo = "sequence.editor=sed -i '2,$s/^pick/fixup/'"
            there = self.in_git("-c", todo, "rebase", "-q", "-i", "HEAD~2")
        elif action == "rebase" and other != current and not self.merges_in(f"{other}..HEAD"):
            here = self.ours(lambda: self.versions.rewrites.rebase(other))
            there = self.in_git("rebase", "-q", other)
        elif action == "merge" and other != current:
            here = self.ours(lambda: self.versions.merges.merge(other))
            there = self.in_git("merge", "-q", "--no-edit", other)
        elif action == "tag":
            name = f"t{self.count}x{self.random.randrange(1000)}"
            here = self.ours(lambda: self.versions.branches.tags.create(name, "HEAD", None))
            there = self.in_git("tag", name)
        assert here == there, (action, other, here, there)
        return action

    def is_merge(self, name: str) -> bool:
        return len(self.git(self.root, "rev-list", "--parents", "-1", name).split()) > 2

    def merges_in(self, span: str) -> bool:
        return bool(self.git(self.root, "rev-list", "--merges", span))

    def is_pickable(self, name: str) -> bool:
        """Return whether a pick of it can be compared: git stops at one that changes nothing."""
        missing = self.git(self.root, "rev-list", f"HEAD..{name}").split()
        return bool(missing) and not self.is_merge(name)

    def state(self, root: Path) -> dict[str, object]:
        names = self.git(root, "branch", "--format=%(refname:short)").split()
        subjects = dict(
            line.split(" ", 1)
            for line in self.git(root, "log", "--all", "--reflog", "--format=%H %s").splitlines()
            if " " in line
        )

        def readable(line: str) -> str:
            return " ".join(subjects.get(word, word) for word in line.split(" "))

        return {
            "head": self.git(root, "symbolic-ref", "HEAD"),
            "tags": self.git(root, "tag"),
            **{f"trees of {n}": self.git(root, "log", "--format=%T", n) for n in names},
            **{
                f"reflog of {n}": [
                    readable(line)
                    for line in self.git(root, "log", "-g", "--format=%gs", n, "--").splitlines()
                ]
                for n in names
            },
            "files": {k: v for k, v in tree_of(root).items() if not k.startswith(".mlws")},
        }


@pytest.mark.parametrize("seed", range(length(3, exhaustive=50)))
def test_a_series_of_operations_is_as_with_git(
    versions: Workspace, git: Command, dvc: Command, tmp_path: Path, seed: int
) -> None:
    beside = Beside(versions, git, tmp_path / "copy", seed)
    for _ in range(20):
        action = beside.step()
        here, there = beside.state(beside.root), beside.state(beside.copy)
        assert here == there, action
    intact(git, dvc, beside.root)
