"""Killed at any step, a snapshot or restore leaves nothing half, and the next one works."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from hashlib import md5
from pathlib import Path

import pytest

from jupyter_mlws.core.errors import UnfinishedOperationError
from jupyter_mlws.environments.record import Environment
from jupyter_mlws.git.adapter import Git
from jupyter_mlws.versioning.models import OperationAction
from jupyter_mlws.versioning.snapshots.manager import SnapshotManager
from jupyter_mlws.workspace import Workspace
from mlws.core.errors import OperationInProgressError
from mlws.core.project import Project
from mlws.dvc.pointers import names_data, read_pointers
from mlws.environments.programs import Language
from tests import python
from tests.versioning.working_trees import add_data, log_run, tag_of, tree_of

Command = Callable[..., str]
STEPS = [
    "select", "journal", "data", "tree", "check", "commit", "hold", "push", "verify", "runs",
    "publish", "index", "environments", "tag", "tidy", "done",
]  # fmt: skip
"""Every step that a snapshot with data, runs and a remote tells of, in order."""
WITH_RUNS = ("hold", "runs", "publish", "tag")
"""Steps that are tried with a tracked run, which costs seconds."""
PUBLISHED = STEPS.index("index")

CREATE = """
import os, sys, pathlib
from mlws.core.project import Project
from jupyter_mlws.versioning.snapshots.manager import SnapshotManager
manager = SnapshotManager(Project.open(pathlib.Path(sys.argv[1])))
steps = []
def told(step):
    steps.append(step)
    if step == sys.argv[2]:
        os.kill(os.getpid(), 9)
manager.create("Killed", on_step=told)
print(*steps)
"""
RESTORE = """
import os, sys, pathlib
from mlws.core.project import Project
from jupyter_mlws.versioning.snapshots.manager import SnapshotManager
def progress(done, total=None, unit="", message=""):
    if message == sys.argv[2]:
        os.kill(os.getpid(), 9)
SnapshotManager(Project.open(pathlib.Path(sys.argv[1]))).restore("HEAD~1", progress=progress)
"""


def _run(code: str, root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return python.run(code, str(root), *arguments)


@pytest.fixture
def full(workspace: Project, dvc: Command, git: Command, tmp_path: Path) -> Project:
    """A project with a workflow and a remote, and with changes of code and data."""
    root = workspace.root
    (root / "dvc.yaml").write_text("stages: {}\n")
    git(root, "add", "dvc.yaml")
    git(root, "commit", "-qm", "Workflow")
    (root / ".dvc" / "config.local").write_text(
        f"[core]\n    remote = store\n['remote \"store\"']\n    url = {tmp_path / 'remote'}\n"
    )
    (root / "train.py").write_text("print('two')\n")
    (root / "new.py").write_text("new\n")
    (root / "data" / "wine.csv").write_text("a,b\n3,4\n")
    (root / "data" / "images" / "deep" / "5.bin").write_bytes(b"five")
    return workspace


def _track(project: Project) -> None:
    """Enter a run that has ended into MLflow and the journal."""
    commit = Git(project.root).find("HEAD")
    facts = {"mlflow_run": log_run(project), "commit": commit, "ended": time.time()}
    row = ("r", "dvc.yaml", "COMPLETED", time.time(), json.dumps(facts))
    with closing(project.database()) as database:
        database.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?)", row)


def _note_environment(project: Project) -> None:
    """Note in what environment the new data was made."""
    environment = Environment(Language.PYTHON, "CPython", "3.11.7", "linux", {"alpha": "1.0"})
    files = {"data/wine.csv": (project.root / "data/wine.csv").read_bytes()}
    rows = [(path, md5(content).hexdigest(), environment.id) for path, content in files.items()]
    with closing(project.database()) as database:
        database.execute(
            "INSERT INTO environments VALUES (?, ?)", (environment.id, environment.text)
        )
        database.executemany("INSERT INTO result_environments VALUES (?, ?, ?)", rows)


def _named_data_is_stored(root: Path, git: Command, commit: str) -> bool:
    paths = git(root, "ls-tree", "-r", "-z", "--name-only", commit).split("\0")
    texts = {
        path: git(root, "show", f"{commit}:{path}").encode() for path in paths if names_data(path)
    }
    cache = root / ".dvc" / "cache" / "files" / "md5"
    hashes = {item.md5 for item in read_pointers(texts) if item.md5}
    for folder in [one for one in hashes if one.endswith(".dir")]:
        listing = json.loads((cache / folder[:2] / folder[2:]).read_text())
        hashes.update(row["md5"] for row in listing)
    return all((cache / one[:2] / one[2:]).is_file() for one in hashes)


def test_these_are_all_the_steps(full: Project) -> None:
    answer = _run(CREATE, full.root, "none")
    assert answer.stdout.split() == STEPS, answer.stderr


@pytest.mark.parametrize("step", STEPS)
def test_a_killed_snapshot_leaves_nothing_half(
    full: Project, git: Command, step: str, request: pytest.FixtureRequest
) -> None:
    root = full.root
    tracked = step in WITH_RUNS
    if tracked:
        request.getfixturevalue("mlflow_store")
        _track(full)
    _note_environment(full)
    base = git(root, "rev-parse", "HEAD").strip()
    before = {path: text for path, text in tree_of(root).items() if not path.endswith(".dvc")}

    assert _run(CREATE, root, step).returncode == -9

    head = git(root, "rev-parse", "HEAD").strip()
    published = STEPS.index(step) >= PUBLISHED
    assert (head != base) is published
    assert _named_data_is_stored(root, git, head)
    after = {path: text for path, text in tree_of(root).items() if not path.endswith(".dvc")}
    # Which environments made the data is written after the commit.
    ours = {path for path in after if path.startswith(("mlflow.db", ".mlws/"))}
    assert {p: t for p, t in after.items() if p not in ours} == {
        p: t for p, t in before.items() if p not in ours
    }

    (root / "more.py").write_text("more\n")
    manager = SnapshotManager(full)
    try:
        made = manager.create("After")
    finally:
        manager.close()
    assert made.parents == [head]
    assert made.proof is not None
    assert (made.proof.data_local, made.proof.data_remote) == (True, True)
    assert git(root, "status", "--porcelain") == ""
    assert git(root, "for-each-ref", "refs/mlws") == ""
    (path,) = git(root, "ls-tree", "-r", "--name-only", "HEAD", ".mlws").split()
    assert "alpha==1.0" in git(root, "show", f"HEAD:{path}")
    assert "alpha==1.0" in (root / path).read_text()
    assert [p.name for p in full.state.iterdir() if "snapshot" in p.name or "index" in p.name] == []
    git(root, "fsck", "--strict")
    if not tracked:
        return
    # The run is named by exactly one of the two commits, and its tag says by which.
    names = git(root, "log", "--format=%H %(trailers:key=Mlws-Run,valueonly)", "--grep", "Mlws-Run")
    commit, identifier = names.split()
    assert tag_of(root, identifier, "mlws.snapshot") == commit


def test_the_commit_is_held_before_its_data_is_sent(full: Project, git: Command) -> None:
    held: dict[str, str] = {}

    def told(step: str) -> None:
        refs = git(full.root, "for-each-ref", "--format=%(objectname)", "refs/mlws/pending")
        held[step] = refs.strip()

    manager = SnapshotManager(full)
    made = manager.create("Held", on_step=told)
    manager.close()
    assert held["push"] == held["verify"] == held["publish"] == made.id
    assert held["commit"] == held["done"] == ""


def test_a_file_that_names_data_is_written_whole_or_not_at_all(full: Project) -> None:
    before = (full.root / "data" / "wine.csv.dvc").read_text()
    code = CREATE.replace(
        "manager =",
        "import dvc.utils.serialize as yaml\n"
        "def die(path, data):\n"
        "    open(path, 'w').close()\n"
        "    os.kill(os.getpid(), 9)\n"
        "yaml.dump_yaml = die\nmanager =",
    )
    assert _run(code, full.root, "none").returncode == -9
    assert (full.root / "data" / "wine.csv.dvc").read_text() == before


COLLECT = """
import os, sys, pathlib
from mlws.core.project import Project
from jupyter_mlws.versioning.snapshots.manager import SnapshotManager
def progress(done, total=None, unit="", message=""):
    if message == sys.argv[2] and done >= float(sys.argv[3]):
        os.kill(os.getpid(), 9)
SnapshotManager(Project.open(pathlib.Path(sys.argv[1]))).collect(confirm=True, progress=progress)
"""


@pytest.mark.parametrize(("message", "done"), [("versions", "0"), ("cache", "0"), ("cache", "3")])
def test_a_killed_collection_frees_nothing_that_is_named(
    full: Project, git: Command, message: str, done: str
) -> None:
    root = full.root
    manager = SnapshotManager(full)
    for text in ("one\n", "two\n", "three\n"):
        (root / "data" / "wine.csv").write_text(text)
        add_data(root, "data/wine.csv")
    manager.create("Three")
    before = tree_of(root)
    assert _run(COLLECT, root, message, done).returncode == -9
    assert tree_of(root) == before
    assert manager.verify("HEAD").problems == []
    manager.collect(confirm=True)
    assert manager.collect().objects == 0
    assert manager.verify("HEAD").problems == []
    manager.close()


def test_no_git_commits_between_the_branch_and_the_index(full: Project, git: Command) -> None:
    root = full.root
    assert _run(CREATE, root, "index").returncode == -9
    answer = subprocess.run(
        ["git", "commit", "-qam", "Undone"], cwd=root, capture_output=True, check=False
    )
    assert b"index.lock" in answer.stderr
    SnapshotManager(full).recover()
    assert git(root, "status", "--porcelain") == ""


def test_recovery_leaves_newer_staging_alone(full: Project, git: Command) -> None:
    root = full.root
    assert _run(CREATE, root, "tag").returncode == -9
    (root / "train.py").write_text("print('three')\n")
    git(root, "add", "train.py")
    (root / "train.py").write_text("print('four')\n")
    SnapshotManager(full).recover()
    assert git(root, "show", ":train.py") == "print('three')\n"
    assert git(root, "status", "--porcelain") == "MM train.py\n"


@pytest.mark.parametrize("step", ["plan", "fetch", "check", "lay out", "keep"])
def test_a_restore_killed_before_its_switch_changed_nothing(
    full: Project, git: Command, step: str
) -> None:
    root = full.root
    manager = SnapshotManager(full)
    manager.create("Two", ["train.py", "data"])
    before = tree_of(root)
    assert _run(RESTORE, root, step).returncode == -9
    assert tree_of(root) == before
    manager.restore("HEAD~1")
    manager.close()
    assert (root / "train.py").read_text() == "print('one')\n"
    assert (root / "data" / "wine.csv").read_text() == "a,b\n1,2\n"
    assert list(full.state.glob("restore-*")) == []


def _die_at_first_data(root: Path) -> None:
    """Data comes after code: by then the code is the old version's, the data is not."""
    code = RESTORE.replace(
        "def progress",
        "from mlws.dvc.worktree import DataWorktree\n"
        "DataWorktree.checkout = lambda self, item: os.kill(os.getpid(), 9)\ndef progress",
    )
    assert _run(code, root, "none").returncode == -9


def _finish(project: Project) -> None:
    Workspace(project).operations.run(OperationAction.CONTINUE)


def _two(project: Project) -> SnapshotManager:
    (project.root / "train.py").write_text("print('two')\n")
    (project.root / "data" / "wine.csv").write_text("two\n")
    manager = SnapshotManager(project)
    manager.create("Two")
    return manager


def test_a_restore_killed_in_its_switch_is_finished(workspace: Project) -> None:
    root = workspace.root
    manager = _two(workspace)
    _die_at_first_data(root)
    assert (root / "train.py").read_text() == "print('one')\n"
    assert (root / "data" / "wine.csv").read_text() == "two\n"
    assert manager.status().operation == "restore"
    with pytest.raises(UnfinishedOperationError):
        manager.create("One again")
    _finish(workspace)
    assert (root / "data" / "wine.csv").read_text() == "a,b\n1,2\n"
    assert manager.status().operation is None
    manager.create("One again")
    assert manager.status().changes == []
    assert list(workspace.state.glob("restore-*")) == []
    manager.restore("HEAD~1")
    assert (root / "data" / "wine.csv").read_text() == "two\n"


def test_an_aborted_restore_brings_the_data_back(workspace: Project) -> None:
    root = workspace.root
    manager = _two(workspace)
    (root / "data" / "images" / "3.bin").write_bytes(b"uncommitted")
    code = RESTORE.replace(
        "def progress",
        "from mlws.dvc.worktree import DataWorktree\n"
        "checkout, count = DataWorktree.checkout, []\n"
        "def die(self, item):\n"
        "    if count:\n"
        "        os.kill(os.getpid(), 9)\n"
        "    count.append(checkout(self, item))\n"
        "DataWorktree.checkout = die\ndef progress",
    )
    assert _run(code, root, "none").returncode == -9
    Workspace(workspace).operations.run(OperationAction.ABORT)
    assert (root / "train.py").read_text() == "print('two')\n"
    assert (root / "data" / "wine.csv").read_text() == "two\n"
    assert (root / "data" / "images" / "3.bin").read_bytes() == b"uncommitted"
    assert manager.status().operation is None
    assert [change.path for change in manager.status().changes] == ["data/images.dvc"]


def test_what_a_person_changes_after_the_crash_is_theirs(workspace: Project) -> None:
    root = workspace.root
    manager = _two(workspace)
    _die_at_first_data(root)
    (root / "train.py").write_text("print('mine')\n")
    (root / "data" / "wine.csv").write_text("mine\n")
    _finish(workspace)
    assert (root / "train.py").read_text() == "print('mine')\n"
    assert (root / "data" / "wine.csv").read_text() == "mine\n"
    assert manager.status().operation is None


def test_what_a_killed_restore_replaced_can_be_had_again(workspace: Project, git: Command) -> None:
    root = workspace.root
    manager = _two(workspace)
    (root / "train.py").write_text("print('uncommitted')\n")
    (root / "data" / "wine.csv").write_text("uncommitted\n")
    _die_at_first_data(root)
    _finish(workspace)
    assert (root / "data" / "wine.csv").read_text() == "a,b\n1,2\n"
    safety = git(root, "for-each-ref", "--format=%(refname)", "refs/mlws/safety").split()
    manager.restore(safety[0])
    assert (root / "train.py").read_text() == "print('uncommitted')\n"
    assert (root / "data" / "wine.csv").read_text() == "uncommitted\n"


def test_a_git_that_died_with_its_machine_blocks_nothing(workspace: Project, git: Command) -> None:
    root = workspace.root
    manager = _two(workspace)
    _die_at_first_data(root)
    lock = root / ".git" / "index.lock"
    lock.touch()
    os.utime(lock, (time.time() - 60, time.time() - 60))
    _finish(workspace)
    manager.create("Three")
    assert git(root, "status", "--porcelain") == ""


def test_a_commit_waits_for_another_git_and_for_no_dead_one(
    workspace: Project, git: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The branch moves only together with the index: git must not see the new files as deleted."""
    root = workspace.root
    manager = SnapshotManager(workspace)
    head = git(root, "rev-parse", "HEAD")
    (root / "train.py").write_text("print('edited')\n")
    # The clock alone: nobody waits twenty seconds for a test.
    monkeypatch.setattr("jupyter_mlws.git.index.ORPHAN_LOCK_AGE", 0.1)
    lock = root / ".git" / "index.lock"
    # With `-a`, git holds the lock while the message is edited.
    editor = {**os.environ, "GIT_EDITOR": "sleep 600 #"}
    with subprocess.Popen(
        ["git", "commit", "-qa"], cwd=root, env=editor, start_new_session=True
    ) as holder:
        while not lock.exists():
            assert holder.poll() is None
            time.sleep(0.01)
        (root / "new.py").write_text("new\n")
        with pytest.raises(OperationInProgressError):
            manager.create("New", ["new.py"])
        assert git(root, "rev-parse", "HEAD") == head
        assert git(root, "status", "--porcelain") == " M train.py\n?? new.py\n"
        os.killpg(holder.pid, signal.SIGKILL)
    assert lock.exists()
    manager.create("New", ["new.py"])
    assert git(root, "status", "--porcelain") == " M train.py\n"
    git(root, "commit", "-qm", "By git itself", "--allow-empty")
    assert git(root, "show", "--format=", "--name-only", "HEAD") == ""
    assert not lock.exists()


def test_half_a_file_of_data_is_cleaned_up(workspace: Project, git: Command) -> None:
    root = workspace.root
    _two(workspace)
    before = tree_of(root)
    code = RESTORE.replace(
        "def progress",
        "from mlws.dvc.worktree import DataWorktree\n"
        "replace = pathlib.Path.replace\n"
        "def die(self, target):\n"
        "    if self.parent.suffix == '.mlws-part':\n"
        "        os.kill(os.getpid(), 9)\n"
        "    return replace(self, target)\n"
        "pathlib.Path.replace = die\ndef progress",
    )
    assert _run(code, root, "none").returncode == -9
    assert set(tree_of(root)) - set(before)
    _finish(workspace)
    assert set(tree_of(root)) == set(before)
    assert (root / "data" / "wine.csv").read_text() == "a,b\n1,2\n"


def test_what_dvc_tries_links_with_is_cleaned_up(workspace: Project) -> None:
    root = workspace.root
    (root / "data" / "images" / "3.bin").write_bytes(b"three")
    manager = _two(workspace)
    names = {path.name for path in (root / "data").iterdir()}
    code = RESTORE.replace(
        "def progress",
        "import fcntl\n"
        "ioctl = fcntl.ioctl\n"
        "def die(file, *rest):\n"
        "    if '/data/.' in os.readlink(f'/proc/self/fd/{file}'):\n"
        "        os.kill(os.getpid(), 9)\n"
        "    return ioctl(file, *rest)\n"
        "fcntl.ioctl = die\ndef progress",
    )
    # A single file is placed from a folder of its own: what is tried in data/ is for `images`.
    assert _run(code, root, "none").returncode == -9
    assert {path.name for path in (root / "data").iterdir()} > names
    cache = root / ".dvc" / "cache" / "files" / "md5"
    assert [*cache.glob(".*.tmp")]
    kept = root / "data" / f".{'a' * 22}.tmp"
    kept.write_text("not of DVC")
    _finish(workspace)
    assert {path.name for path in (root / "data").iterdir()} == {*names, kept.name}
    assert not (root / "data" / "images" / "3.bin").exists()
    manager.collect(confirm=True)
    assert [*cache.glob(".*.tmp")] == []


CHECKOUT = """
import os, sys, pathlib
from mlws.dvc.worktree import DataWorktree
from jupyter_mlws.workspace import Workspace
setattr(DataWorktree, sys.argv[2], lambda self, item: os.kill(os.getpid(), 9))
Workspace.open(pathlib.Path(sys.argv[1])).branches.checkout("old")
"""


@pytest.mark.parametrize("moment", ["checkout", "remove"])
def test_a_killed_checkout_is_finished_or_undone(
    workspace: Project, git: Command, moment: str
) -> None:
    root = workspace.root
    git(root, "branch", "old")
    manager = _two(workspace)
    # In the new version there is data where the old one has code.
    git(root, "checkout", "-q", "old")
    (root / "place").write_text("code\n")
    git(root, "add", "place")
    git(root, "commit", "-qm", "Code at the place")
    git(root, "checkout", "-q", "main")
    (root / "place").write_text("data\n")
    add_data(root, "place")
    manager.create("Data at the place")
    new = tree_of(root)
    assert _run(CHECKOUT, root, moment).returncode == -9
    manager.recover()
    assert manager.status().operation is None
    assert manager.status().changes == []
    if moment == "remove":
        assert tree_of(root) == new
        assert manager.status().branch == "main"
    else:
        assert (root / "place").read_text() == "code\n"
        assert (root / "data" / "wine.csv").read_text() == "a,b\n1,2\n"
        assert manager.status().branch == "old"
