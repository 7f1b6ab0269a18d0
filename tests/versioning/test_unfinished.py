"""Every operation against every unfinished one: refused by name, or harmless; and the ways on."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlws.core.errors import NoOperationError, UnfinishedOperationError
from jupyter_mlws.versioning.code.models import (
    Resolution,
    RollbackMode,
    SideChoice,
    StageRequest,
)
from jupyter_mlws.versioning.data.models import DatasetImport
from jupyter_mlws.versioning.models import OPERATION_ACTIONS, OperationAction
from jupyter_mlws.versioning.repository import Needs
from jupyter_mlws.workflows.journal.store import RunRequest
from jupyter_mlws.workspace import Workspace
from mlws.core.errors import MLWSError
from mlws.core.project import Project
from tests import python
from tests.versioning.working_trees import add_data, tree_of

Command = Callable[..., str]
FILES = 30
KILL = """
import os, sys, pathlib
from jupyter_mlws.workspace import Workspace
workspace = Workspace.open(pathlib.Path(sys.argv[1]))
replace, count = pathlib.Path.replace, 0
def die(self, target):
    global count
    if "/restore-" in str(self):
        count += 1
        if count > 11:
            os.kill(os.getpid(), 9)
    return replace(self, target)
pathlib.Path.replace = die
"""


@pytest.fixture
def history(workspace: Project, git: Command) -> Project:
    """Two versions of many files, and branches that conflict with the newest."""
    root = workspace.root
    for number in range(FILES):
        (root / f"file-{number}.py").write_text("one\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "One")
    git(root, "tag", "one")
    git(root, "checkout", "-qb", "other")
    for text in ("theirs", "theirs too"):
        (root / "file-0.py").write_text(f"{text}\n")
        git(root, "commit", "-qam", text)
    git(root, "checkout", "-q", "main")
    for number in range(FILES):
        (root / f"file-{number}.py").write_text("two\n")
    git(root, "commit", "-qam", "Two")
    git(root, "branch", "free", "main~1")
    return workspace


def kill_restore(root: Path, git: Command) -> None:
    (root / "train.py").write_text("uncommitted\n")
    (root / "staged.py").write_text("staged\n")
    git(root, "add", "staged.py")
    assert python.run(KILL + "workspace.snapshots.restore('one')", str(root)).returncode == -9
    written = [path.read_text() for path in root.glob("file-*.py")]
    assert 0 < written.count("one\n") < FILES - 1


def kill_stash(root: Path, git: Command) -> None:
    for number in range(FILES):
        (root / f"file-{number}.py").write_text("work\n")
    (root / "fresh.py").write_text("fresh\n")
    assert python.run(KILL + "workspace.stashes.push('Work')", str(root)).returncode == -9


def begin(*command: str) -> Callable[[Path, Command], None]:
    """Let git itself begin something that stops."""

    def run(root: Path, git: Command) -> None:
        (root / "fresh.py").write_text("fresh\n")
        answer = subprocess.run(["git", *command], cwd=root, capture_output=True, check=False)
        assert command[0] == "bisect" or answer.returncode == 1, answer.stderr

    return run


def begin_revert(root: Path, git: Command) -> None:
    (root / "file-0.py").write_text("three\n")
    git(root, "commit", "-qam", "Three")
    begin("revert", "--no-edit", "HEAD~1")(root, git)


def begin_am(root: Path, git: Command) -> None:
    patch = git(root, "format-patch", "--stdout", "one..other")
    (root / ".git" / "patches").write_text(patch)
    subprocess.run(["git", "am", "-q", "--3way", ".git/patches"], cwd=root, check=False)


def begin_bisect(root: Path, git: Command) -> None:
    git(root, "bisect", "start", "HEAD", "HEAD~3")


STATES: dict[str, Callable[[Path, Command], None]] = {
    "restore": kill_restore,
    "stash": kill_stash,
    "merge": begin("merge", "other"),
    "rebase": begin("rebase", "other"),
    "cherry-pick": begin("cherry-pick", "one..other"),
    "revert": begin_revert,
    "am": begin_am,
    "bisect": begin_bisect,
}
OURS = ("restore", "stash")
"""States that a process of ours left when it was killed."""

Operation = Callable[[Workspace], Any]
EVERYTHING = StageRequest(all=True)
OPERATIONS: dict[str, tuple[Needs, Operation]] = {
    "commit": (Needs.VERSION, lambda w: w.snapshots.create("New", ["new.py"])),
    "commit everything": (Needs.VERSION, lambda w: w.snapshots.create("New")),
    "commit staged": (Needs.VERSION, lambda w: w.snapshots.create("New", staged_only=True)),
    "restore": (Needs.VERSION, lambda w: w.snapshots.restore("one")),
    "restore a path": (Needs.VERSION, lambda w: w.snapshots.restore("one", ["file-1.py"])),
    "restore a safety copy": (Needs.VERSION, lambda w: w.safety.restore(_safety(w))),
    "discard": (Needs.VERSION, lambda w: w.staging.discard(EVERYTHING)),
    "stash": (Needs.VERSION, lambda w: w.stashes.push()),
    "pop": (Needs.VERSION, lambda w: w.stashes.apply(w.stashes.list()[0].id)),
    "merge": (Needs.VERSION, lambda w: w.merges.merge("free")),
    "check out": (Needs.VERSION, lambda w: w.branches.checkout("free")),
    "create and check out": (Needs.VERSION, lambda w: w.branches.create("b", checkout=True)),
    "pull": (Needs.VERSION, lambda w: w.remotes.pull("origin", "main")),
    "revert": (Needs.VERSION, lambda w: w.rewrites.roll_back("one", RollbackMode.REVERT)),
    "roll back": (Needs.VERSION, lambda w: w.rewrites.roll_back("one", RollbackMode.RESTORE)),
    "stage": (Needs.FILES, lambda w: w.staging.stage(StageRequest(paths=["new.py"]))),
    "unstage": (Needs.FILES, lambda w: w.staging.unstage(StageRequest(paths=["new.py"]))),
    "resolve": (
        Needs.FILES,
        lambda w: w.merges.resolve("file-0.py", Resolution(take=SideChoice.OURS)),
    ),
    "add data": (Needs.FILES, lambda w: w.datasets.add("new.csv")),
    "import data": (
        Needs.FILES,
        lambda w: w.datasets.import_url(DatasetImport(url="file:///none", path="i.csv")),
    ),
    "pull data": (Needs.FILES, lambda w: w.datasets.pull("data~1wine.csv")),
    "run": (Needs.FILES, lambda w: w.runs.execute("none/dvc.yaml", RunRequest())),
    "tag": (Needs.NOTHING, lambda w: w.branches.tags.create("now", "HEAD", None)),
    "create a branch": (Needs.NOTHING, lambda w: w.branches.create("kept")),
    "delete a branch": (Needs.NOTHING, lambda w: w.branches.delete("kept", force=True)),
    "set a remote": (Needs.NOTHING, lambda w: w.remotes.put("more", "https://example.com/x.git")),
    "verify": (Needs.NOTHING, lambda w: w.snapshots.verify("HEAD")),
    "repair": (Needs.NOTHING, lambda w: w.snapshots.repair("HEAD")),
    "collect": (Needs.NOTHING, lambda w: w.snapshots.collect(confirm=False)),
    "drop a stash": (Needs.NOTHING, lambda w: w.stashes.drop(w.stashes.list()[-1].id)),
    "recover": (Needs.NOTHING, lambda w: w.snapshots.recover()),
}


def _safety(workspace: Workspace) -> str:
    copies = workspace.safety.list()
    return copies[0].id if copies else _skip()


def _skip() -> Any:
    raise UnfinishedOperationError(operation="none", paths=[])


@pytest.fixture
def ready(history: Project, git: Command, tmp_path: Path) -> Iterator[Workspace]:
    """With a stash, and a remote that the branch can be pulled from."""
    root = history.root
    git(tmp_path, "clone", "-q", "--bare", str(root), "bare.git")
    git(root, "remote", "add", "origin", str(tmp_path / "bare.git"))
    (root / "stashed.py").write_text("stashed\n")
    git(root, "stash", "push", "-qu")
    workspace = Workspace(history)
    yield workspace
    workspace.close()


def _refused(operation: Operation, workspace: Workspace) -> str | None:
    try:
        operation(workspace)
    except UnfinishedOperationError as error:
        return str(error.facts["operation"])
    except MLWSError:
        # For another reason, such as nothing to unstage: it was let through.
        return None
    return None


@pytest.mark.parametrize("state", STATES)
def test_every_operation_in_every_unfinished_state(
    ready: Workspace, git: Command, state: str
) -> None:
    root = ready.project.root
    STATES[state](root, git)
    (root / "new.py").write_text("new\n")
    (root / "new.csv").write_text("new\n")
    head = git(root, "rev-parse", "HEAD")
    status = ready.snapshots.status()
    assert (status.operation, tuple(status.actions)) == (state, OPERATION_ACTIONS[state])
    with ready.project.lock("test"):
        # A restore may still run; what git has left does not, whoever holds the lock.
        offered = ready.snapshots.status().actions
    assert offered == ([] if state in OURS else status.actions)

    wrong = {}
    for name, (needs, operation) in OPERATIONS.items():
        refuse = needs is Needs.VERSION or (needs is Needs.FILES and state in OURS)
        before = tree_of(root)
        refused = _refused(operation, ready)
        if name == "restore a safety copy" and refused == "none":
            continue
        if refused != (state if refuse else None) or (refuse and tree_of(root) != before):
            wrong[name] = refused
    assert wrong == {}
    assert git(root, "rev-parse", "HEAD") == head
    assert ready.snapshots.status().operation == state


CONTINUE, SKIP, ABORT = OperationAction


def _commit_one(workspace: Workspace, git: Command) -> list[str]:
    """The files of a commit of everything, to which one new file was added."""
    root = workspace.project.root
    (root / "new.py").write_text("new\n")
    workspace.snapshots.create("New")
    return git(root, "show", "--format=", "--name-only", "HEAD").split()


def test_an_aborted_restore_brings_everything_back(history: Project, git: Command) -> None:
    root = history.root
    (root / "file-10.py").unlink()
    git(root, "commit", "-qam", "One file less")
    kill_restore(root, git)
    (root / "file-1.py").write_text("changed since\n")
    workspace = Workspace(history)
    with pytest.raises(UnfinishedOperationError):
        _commit_one(workspace, git)

    step = workspace.operations.run(ABORT)

    assert (step.operation, step.unfinished, step.conflicts) == ("restore", None, [])
    texts = {(root / f"file-{n}.py").read_text() for n in range(FILES) if n not in (1, 10)}
    assert texts == {"two\n"}
    assert not (root / "file-10.py").exists()
    assert (root / "file-1.py").read_text() == "changed since\n"
    assert (root / "train.py").read_text() == "uncommitted\n"
    assert git(root, "diff", "--cached", "--name-only").split() == ["staged.py"]
    assert _commit_one(workspace, git) == ["file-1.py", "new.py", "staged.py", "train.py"]


def test_a_finished_restore_says_which_version_the_files_are_of(
    history: Project, git: Command
) -> None:
    root = history.root
    kill_restore(root, git)
    (root / "file-1.py").write_text("changed since\n")
    workspace = Workspace(history)
    assert workspace.operations.run(CONTINUE).unfinished is None
    texts = {(root / f"file-{n}.py").read_text() for n in range(FILES) if n != 1}
    assert texts == {"one\n"}
    assert (root / "file-1.py").read_text() == "changed since\n"
    status = workspace.snapshots.status()
    assert status.restored is not None
    assert status.restored.subject == "One"


@pytest.mark.parametrize("action", [CONTINUE, ABORT])
def test_a_killed_stash_is_finished_or_aborted(
    history: Project, git: Command, action: OperationAction
) -> None:
    root = history.root
    kill_stash(root, git)
    workspace = Workspace(history)
    workspace.operations.run(action)
    done = action is CONTINUE
    texts = {(root / f"file-{n}.py").read_text() for n in range(FILES)}
    assert texts == {"two\n" if done else "work\n"}
    assert (root / "fresh.py").exists() is not done
    if done:
        assert _commit_one(workspace, git) == ["new.py"]
    workspace.snapshots.restore("HEAD")
    (root / "fresh.py").unlink(missing_ok=True)
    workspace.stashes.apply(workspace.stashes.list()[0].id)
    assert (root / "fresh.py").read_text() == "fresh\n"
    assert (root / "file-29.py").read_text() == "work\n"


POP = """
import os, sys, pathlib
from jupyter_mlws.versioning.code import switching
from jupyter_mlws.workspace import Workspace
switching.end_switch = lambda project: os.kill(os.getpid(), 9)
stashes = Workspace.open(pathlib.Path(sys.argv[1])).stashes
stashes.apply(stashes.list()[0].id)
"""


def test_a_killed_pop_is_undone_and_can_be_repeated(history: Project, git: Command) -> None:
    root = history.root
    (root / "fresh.py").write_text("fresh\n" * 100)
    (root / "more.py").write_text("more\n")
    (root / "file-2.py").write_text("work\n")
    workspace = Workspace(history)
    stash = workspace.stashes.push("Work")
    assert python.run(POP, str(root)).returncode == -9
    # As a git that was killed while it wrote this file leaves it.
    (root / "fresh.py").write_text("fresh\n" * 50)
    assert _commit_one(workspace, git) == ["new.py"]
    assert not (root / "fresh.py").exists()
    workspace.stashes.apply(stash.id)
    assert (root / "fresh.py").read_text() == "fresh\n" * 100
    assert (root / "file-2.py").read_text() == "work\n"


IMPORT = """
import os, sys, pathlib
from dvc.stage import Stage
from jupyter_mlws.versioning.data.models import DatasetImport
from jupyter_mlws.workspace import Workspace
Stage.add_outs = lambda *args, **kwargs: os.kill(os.getpid(), 9)
Workspace.open(pathlib.Path(sys.argv[1])).datasets.import_url(
    DatasetImport(url=sys.argv[2], path="imported.csv"))
"""
REPAIR = """
import os, sys, pathlib
from mlws.dvc.integrity import IntegrityStore
from jupyter_mlws.workspace import Workspace
IntegrityStore.take = lambda *args: os.kill(os.getpid(), 9)
Workspace.open(pathlib.Path(sys.argv[1])).snapshots.repair("HEAD")
"""


def test_a_killed_import_or_repair_is_in_no_commit(
    history: Project, git: Command, tmp_path: Path
) -> None:
    root = history.root
    workspace = Workspace(history)
    (tmp_path / "source.csv").write_text("a,b\n1,2\n")
    assert python.run(IMPORT, str(root), f"file://{tmp_path}/source.csv").returncode == -9
    assert (root / "imported.csv").exists()
    assert "imported.csv" not in _commit_one(workspace, git)

    (item,) = [one for one in workspace.snapshots.list().items[0].data if one.files is None]
    cache = root / ".dvc" / "cache" / "files" / "md5" / item.md5[:2] / item.md5[2:]
    cache.chmod(0o644)
    cache.write_text("damaged\n")
    assert python.run(REPAIR, str(root)).returncode == -9
    assert workspace.snapshots.status().operation is None
    (root / "new.py").write_text("newer\n")
    workspace.snapshots.create("Newer")
    assert git(root, "show", "--format=", "--name-only", "HEAD").split() == ["new.py"]
    assert workspace.snapshots.repair("HEAD").lost == []


@pytest.mark.parametrize("state", [state for state in STATES if state not in OURS])
def test_what_git_has_begun_is_skipped_and_aborted(
    history: Project, git: Command, state: str
) -> None:
    root = history.root
    before = git(root, "rev-parse", "HEAD").strip()
    STATES[state](root, git)
    if state == "revert":
        before = git(root, "rev-parse", "HEAD").strip()
    workspace = Workspace(history)
    if state == "merge":
        with pytest.raises(NoOperationError):
            workspace.operations.run(SKIP)
    elif state not in ("rebase", "revert"):
        # Two commits are to be picked, and the second conflicts as well.
        assert workspace.operations.run(SKIP).unfinished == state
    if state != "bisect":
        with pytest.raises(UnfinishedOperationError):
            workspace.operations.run(CONTINUE)
        (root / "file-0.py").write_text("resolved\n")
    step = workspace.operations.run(ABORT)
    assert (step.operation, step.unfinished) == (state, None)
    assert step.commit == before
    if state != "bisect":
        assert step.safety is not None
        assert git(root, "show", f"{step.safety}:file-0.py") == "resolved\n"
    assert workspace.snapshots.status().operation is None
    with pytest.raises(NoOperationError):
        workspace.operations.run(ABORT)


def test_a_rebase_is_continued_through_its_conflicts_with_its_data(
    history: Project, git: Command
) -> None:
    root = history.root
    workspace = Workspace(history)
    workspace.branches.checkout("other")
    (root / "data" / "wine.csv").write_text("theirs\n")
    add_data(root, "data/wine.csv")
    git(root, "commit", "-qam", "Data of theirs")
    workspace.branches.checkout("main")
    begin("rebase", "other")(root, git)
    (root / "fresh.py").unlink()

    workspace.merges.resolve("file-0.py", Resolution(text="both\n"))
    step = workspace.operations.run(CONTINUE)

    assert (step.operation, step.unfinished, step.conflicts) == ("rebase", None, [])
    assert (root / "data" / "wine.csv").read_text() == "theirs\n"
    status = workspace.snapshots.status()
    assert (status.branch, status.operation, status.changes) == ("main", None, [])
    assert git(root, "show", "HEAD:file-0.py") == "both\n"


def test_a_series_of_picks_is_named_between_its_commits(history: Project, git: Command) -> None:
    root = history.root
    begin("cherry-pick", "one..other")(root, git)
    (root / "file-0.py").write_text("both\n")
    # The commit ends this pick: what is left of the series is in git's list alone.
    git(root, "commit", "-qam", "Picked by hand")
    workspace = Workspace(history)
    assert workspace.snapshots.status().operation == "cherry-pick"
    step = workspace.operations.run(CONTINUE)
    assert step.unfinished == "cherry-pick"
    assert [conflict.path for conflict in step.conflicts] == ["file-0.py"]
    workspace.merges.resolve("file-0.py", Resolution(take=SideChoice.THEIRS))
    assert workspace.operations.run(CONTINUE).unfinished is None
    assert (root / "file-0.py").read_text() == "theirs too\n"
