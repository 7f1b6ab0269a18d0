"""SIGKILL at any moment of commit, restore, push and collection loses nothing.

``MLWS_CRASHES`` sets how many moments are tried, ``MLWS_CRASH_SEED`` which; a hundred are the
measure, CI takes fewer. The steps' boundaries are tried one by one in ``test_killed``.
"""

from __future__ import annotations

import os
import random
import select
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mlws.versioning.models import OperationAction
from jupyter_mlws.workspace import Workspace
from mlws.core.project import Project
from tests import python
from tests.series import length
from tests.versioning.working_trees import tree_of

Command = Callable[..., str]
CRASHES = length(3, 8, "MLWS_CRASHES")
SEED = int(os.environ.get("MLWS_CRASH_SEED", "1"))
LIMIT = 60
WORK = """
import sys, pathlib
from mlws.dvc.data import open_data
from jupyter_mlws.workspace import Workspace
root = pathlib.Path(sys.argv[1])
versions = Workspace.open(root)
with open_data(root):
    print("ready", flush=True)
sys.stdin.readline()
what = sys.argv[2]
if what == "commit":
    versions.snapshots.create(sys.argv[3])
elif what == "restore":
    versions.snapshots.restore(sys.argv[3])
elif what == "push":
    versions.remotes.push()
elif what == "gc":
    versions.snapshots.collect(confirm=True)
print("done", flush=True)
"""
KINDS = ("commit", "restore", "push", "gc")


class Crasher:
    """Does work in processes of its own, and kills them at some moment or not at all."""

    def __init__(self, root: Path, chance: random.Random) -> None:
        self._root = root
        self._chance = chance
        self._took = dict.fromkeys(KINDS, 0.5)

    def run(self, kind: str, *arguments: str, kill: bool) -> bool:
        """Whether the work got to its end."""
        process = python.Python(WORK, str(self._root), kind, *arguments)
        assert process.stdout.readline() == b"ready\n"
        began = time.monotonic()
        process.stdin.write(b"\n")
        process.stdin.flush()
        patience = self._chance.uniform(0, 0.9 * self._took[kind]) if kill else LIMIT
        ended, _, _ = select.select([process.stdout], [], [], patience)
        if not ended:
            process.kill()
        output, errors = process.communicate()
        done = output == b"done\n"
        assert done or process.returncode == -9, errors.decode()
        if done:
            self._took[kind] = time.monotonic() - began
        return done


def plain(tree: dict[str, bytes]) -> dict[str, bytes]:
    """Without what adding data means: the lines of ``.dvc`` and ``.gitignore`` files."""
    return {
        path: content
        for path, content in tree.items()
        if not path.endswith((".dvc", ".gitignore")) and not path.startswith("mlflow.db")
    }


def restored_of(root: Path, commit: str, clone: Path, git: Command) -> dict[str, bytes]:
    """What a clean clone holds of a commit after ``dvc pull``."""
    from dvc.repo import Repo

    git(clone, "checkout", "-q", "--detach", commit)
    repo = Repo(str(clone))
    try:
        repo.pull(force=True)
    finally:
        repo.close()
    return tree_of(clone)


def change(root: Path, number: int, chance: random.Random) -> None:
    """Something new in code and data."""
    (root / "train.py").write_text(f"print({number})\n")
    (root / f"code-{number}.py").write_text("x\n" * chance.randrange(1, 2000))
    (root / "data" / "wine.csv").write_bytes(chance.randbytes(chance.randrange(1, 300_000)))
    for name in range(chance.randrange(1, 6)):
        (root / "data" / "images" / f"{number}-{name}.bin").write_bytes(chance.randbytes(5000))


@pytest.mark.exhaustive
@pytest.mark.slow(reason="kills commit after commit")
@pytest.mark.timeout(240 + 40 * CRASHES)
def test_killed_at_any_moment_nothing_is_lost(
    workspace: Project, git: Command, tmp_path: Path
) -> None:
    chance = random.Random(SEED)
    root = workspace.root
    git(tmp_path, "init", "-q", "--bare", "bare.git")
    git(root, "remote", "add", "origin", str(tmp_path / "bare.git"))
    with (root / ".dvc" / "config").open("a") as file:
        file.write(
            f"[core]\n    remote = store\n['remote \"store\"']\n    url = {tmp_path / 'remote'}\n"
        )
    git(root, "commit", "-qam", "A remote for data")
    git(tmp_path, "clone", "-q", str(root), "clone")
    crasher = Crasher(root, chance)
    # What each kind of work takes, and what every commit holds.
    held: dict[str, dict[str, bytes]] = {}
    change(root, 0, chance)
    assert crasher.run("commit", "0", kill=False)
    held[git(root, "rev-parse", "HEAD").strip()] = tree_of(root)
    killed = dict.fromkeys(KINDS, 0)

    number = 0
    while sum(killed.values()) < CRASHES:
        number += 1
        assert number < 10 * CRASHES, "work ends before it can be killed"
        kind = KINDS[number % len(KINDS)]
        head = git(root, "rev-parse", "HEAD").strip()
        before = tree_of(root)
        arguments = []
        if kind == "commit":
            change(root, number, chance)
            before = tree_of(root)
            arguments = [str(number)]
        elif kind == "restore":
            arguments = [chance.choice([*held])]
        killed[kind] += not crasher.run(kind, *arguments, kill=True)
        after = git(root, "rev-parse", "HEAD").strip()
        if kind == "restore":
            assert after == head
        else:
            assert plain(tree_of(root)) == plain(before)
        if after != head:
            held[after] = tree_of(root)

        # The next command succeeds, and finishes what is to be finished.
        versions = Workspace(workspace)
        versions.snapshots.recover()
        if versions.snapshots.status().operation is not None:
            versions.operations.run(OperationAction.CONTINUE)
        status = versions.snapshots.status()
        assert status.operation is None
        if kind == "restore":
            now = tree_of(root)
            differing = [
                sorted(path for path in {*now, *other} if now.get(path) != other.get(path))
                for other in (before, held[arguments[0]])
            ]
            assert [] in differing, (number, differing)
            versions.snapshots.restore("HEAD")
        elif status.changes:
            made = versions.snapshots.create(f"After {number}")
            assert made.proof is not None
            assert made.proof.data_remote
            held[made.id] = tree_of(root)
        assert versions.snapshots.verify("HEAD").problems == []
        versions.close()
        # Leftovers are cleaned.
        names = [path.name for path in workspace.state.iterdir()]
        assert [n for n in names if n.startswith(("snapshot-", "restore-", "switching"))] == []
        assert not (root / ".git" / "index.lock").exists()
        refs = git(root, "for-each-ref", "--format=%(refname)", "refs/mlws").split()
        assert [ref for ref in refs if not ref.startswith("refs/mlws/safety/")] == []

    git(root, "fsck", "--strict")
    assert crasher.run("push", kill=False)
    git(tmp_path / "clone", "remote", "set-url", "origin", str(tmp_path / "bare.git"))
    git(tmp_path / "clone", "fetch", "-q")
    commits = git(root, "rev-list", "HEAD").split()
    assert set(held) <= set(commits)
    for commit, tree in held.items():
        assert restored_of(root, commit, tmp_path / "clone", git) == tree, commit
    sys.stdout.write(f"killed {killed} in {number} tries; {len(commits)} commits restored\n")
