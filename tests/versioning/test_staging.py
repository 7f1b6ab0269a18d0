"""Staging by file and by hunk, and diffs of what is staged: on git's own index."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from pydantic import ValidationError

from jupyter_mlws.versioning.code.models import HunkChoice, StageRequest
from jupyter_mlws.versioning.models import FileDiff, SnapshotCreate
from jupyter_mlws.workspace import Workspace
from mlws.core.errors import MLWSError

Command = Callable[..., str]
LONG = "".join(f"line {number}\n" for number in range(40))


@pytest.fixture
def root(versions: Workspace, git: Command) -> Path:
    """``long.txt`` is committed with 40 lines; three of them have changed."""
    root = versions.snapshots.project.root
    (root / "long.txt").write_text(LONG)
    git(root, "add", "-A")
    git(root, "commit", "-qm", "Long")
    (root / "long.txt").write_text(changed(2, 20, 38))
    return root


def changed(*numbers: int) -> str:
    lines = LONG.splitlines()
    for number in numbers:
        lines[number] += " changed"
    return "\n".join(lines) + "\n"


def refused(call: Callable[[], object]) -> MLWSError:
    with pytest.raises(MLWSError) as error:
        call()
    return error.value


def hunks(path: str, diff: FileDiff, *numbers: int, lines: list[str] | None = None) -> StageRequest:
    ids = [diff.hunks[number].id for number in numbers]
    return StageRequest(hunks=[HunkChoice(path=path, ids=ids, lines=lines)])


def test_hunks_are_staged_and_committed_alone(
    versions: Workspace, root: Path, git: Command
) -> None:
    (root / "train.py").write_text("print('not staged')\n")
    diff = versions.snapshots.comparison.staged_file("long.txt", in_index=False)
    assert [hunk.old_start for hunk in diff.hunks] == [1, 18, 36]
    assert "+line 20 changed" in diff.hunks[1].lines
    versions.staging.stage(hunks("long.txt", diff, 0, 2))
    change = next(c for c in versions.snapshots.status().changes if c.path == "long.txt")
    assert (change.staged, change.index_state, change.worktree_state) == (
        True,
        "modified",
        "modified",
    )
    assert git(root, "show", ":long.txt") == changed(2, 38)
    staged = versions.snapshots.comparison.staged_file("long.txt", in_index=True)
    assert [hunk.old_start for hunk in staged.hunks] == [1, 36]
    assert [row.path for row in versions.snapshots.comparison.staged_files(in_index=True)] == [
        "long.txt"
    ]
    unstaged = versions.snapshots.comparison.staged_files(in_index=False)
    assert [row.path for row in unstaged] == ["long.txt", "train.py"]
    versions.staging.unstage(hunks("long.txt", staged, 1))
    made = versions.snapshots.create("One hunk", staged_only=True)
    assert git(root, "show", f"{made.id}:long.txt") == changed(2)
    assert git(root, "show", f"{made.id}:train.py") == "print('one')\n"
    assert (root / "long.txt").read_text() == changed(2, 20, 38)
    assert [c.path for c in versions.snapshots.status().changes] == ["long.txt", "train.py"]
    assert git(root, "diff", "--cached", "--name-only") == ""
    assert refused(lambda: versions.snapshots.create("None", staged_only=True)).code == "30203"


def test_a_hunk_of_a_file_that_changed_is_refused(versions: Workspace, root: Path) -> None:
    diff = versions.snapshots.comparison.staged_file("long.txt", in_index=False)
    (root / "long.txt").write_text("above\n" + changed(2, 20, 38))
    error = refused(lambda: versions.staging.stage(hunks("long.txt", diff, 1)))
    assert (error.code, error.facts["path"]) == ("30251", "long.txt")
    assert versions.snapshots.comparison.staged_files(in_index=True) == []
    error = refused(lambda: versions.staging.discard(hunks("long.txt", diff, 1)))
    assert error.code == "30251"
    assert (root / "long.txt").read_text().startswith("above\n")


def test_a_line_replaces_the_one_beside_it(versions: Workspace, root: Path, git: Command) -> None:
    lines = LONG.splitlines(keepends=True)
    lines[10:13] = ["ten\n", "eleven\n", "twelve\n"]
    (root / "long.txt").write_text("".join(lines))
    diff = versions.snapshots.comparison.staged_file("long.txt", in_index=False)
    versions.staging.stage(hunks("long.txt", diff, 0, lines=["-11", "+11"]))
    assert "line 9\nten\nline 11\nline 12\n" in git(root, "show", ":long.txt")
    staged = versions.snapshots.comparison.staged_file("long.txt", in_index=True)
    versions.staging.unstage(hunks("long.txt", staged, 0, lines=["+11"]))
    assert "line 9\nline 11\n" in git(root, "show", ":long.txt")


def test_lines_that_are_not_there_are_refused(
    versions: Workspace, root: Path, git: Command
) -> None:
    diff = versions.snapshots.comparison.staged_file("long.txt", in_index=False)
    for line in ("+4", "-4", "+21"):
        error = refused(
            lambda line=line: versions.staging.stage(hunks("long.txt", diff, 0, lines=["+3", line]))
        )
        assert (error.code, error.status) == ("30251", 409)
        assert line in str(error.facts["reason"])
    (root / "long.txt").write_text("above\n" + changed(2, 20, 38))
    for act in (versions.staging.stage, versions.staging.discard):
        error = refused(lambda act=act: act(hunks("long.txt", diff, 0, lines=["+3"])))
        assert (error.code, error.status) == ("30251", 409)
    assert git(root, "diff", "--cached", "--name-only") == ""
    (root / "long.txt").unlink()
    gone = versions.snapshots.comparison.staged_file("long.txt", in_index=False)
    error = refused(lambda: versions.staging.stage(hunks("long.txt", gone, 0, lines=["-1"])))
    assert error.faults[0].field == "hunks.0"
    with pytest.raises(ValidationError):
        HunkChoice(path="long.txt", ids=[diff.hunks[0].id], lines=[])


def test_files_are_staged_and_unstaged(versions: Workspace, root: Path, git: Command) -> None:
    (root / "new" / "deep").mkdir(parents=True)
    (root / "new" / "deep" / "数据.py").write_text("new\n")
    (root / "new" / os.fsdecode(b"caf\xe9")).write_text("odd name\n")
    (root / "train.py").unlink()
    versions.staging.stage(StageRequest(paths=["new", "train.py"]))
    assert 'A\t"new/caf\\351"' in git(root, "diff", "--cached", "--name-status")
    states = {c.path: c.index_state for c in versions.snapshots.status().changes}
    assert states["train.py"] == "deleted"
    assert states["new/deep/数据.py"] == "added"
    assert states["long.txt"] is None
    versions.staging.unstage(StageRequest(paths=["new/deep"]))
    versions.staging.stage(StageRequest(all=True))
    assert not any(c.worktree_state for c in versions.snapshots.status().changes)
    versions.staging.unstage(StageRequest(all=True))
    assert git(root, "diff", "--cached", "--name-only") == ""
    assert not (root / "train.py").exists()


def test_discarded_work_is_kept_in_a_hidden_commit(
    versions: Workspace, root: Path, git: Command
) -> None:
    (root / "new.py").write_text("new\n")
    (root / "train.py").write_text("print('two')\n")
    (root / "data" / "wine.csv").write_text("changed\n")
    versions.staging.stage(StageRequest(paths=["train.py"]))
    (root / "train.py").write_text("print('three')\n")
    diff = versions.snapshots.comparison.staged_file("long.txt", in_index=False)
    gone = versions.staging.discard(hunks("long.txt", diff, 1))
    assert (root / "long.txt").read_text() == changed(2, 38)
    assert git(root, "show", f"{gone.safety}:long.txt") == changed(2, 20, 38)
    gone = versions.staging.discard(StageRequest(paths=["new.py", "train.py", "data/wine.csv"]))
    assert gone.paths == ["data/wine.csv", "new.py", "train.py"]
    assert not (root / "new.py").exists()
    # Back to what is staged, as with `git restore`.
    assert (root / "train.py").read_text() == "print('two')\n"
    assert (root / "data" / "wine.csv").read_text() == "a,b\n1,2\n"
    assert git(root, "show", f"{gone.safety}:new.py") == "new\n"
    assert git(root, "show", f"{gone.safety}:train.py") == "print('three')\n"
    versions.staging.discard(StageRequest(all=True))
    assert [c.path for c in versions.snapshots.status().changes] == ["train.py"]


def test_what_cant_be_staged_is_told(versions: Workspace, root: Path, git: Command) -> None:
    (root / "data" / "wine.csv").write_text("changed\n")
    (root / "new.py").write_text("new\n")
    git(root, "config", "mlws.largefile", "1000")
    (root / "large.bin").write_bytes(b"x" * 1000)
    staging = versions.staging
    error = refused(lambda: staging.stage(StageRequest(paths=["data/wine.csv"])))
    assert (error.code, error.facts["paths"]) == ("30253", ["data/wine.csv"])
    assert refused(lambda: staging.stage(StageRequest(paths=["large.bin"]))).code == "30210"
    assert refused(lambda: staging.stage(StageRequest(paths=["no-such"]))).code == "30404"
    assert refused(lambda: staging.stage(StageRequest(paths=["../x"]))).code == "50302"
    error = refused(lambda: staging.stage(StageRequest()))
    assert {fault.field for fault in error.faults} == {"paths", "hunks", "all"}
    new = StageRequest(hunks=[HunkChoice(path="new.py", ids=["0" * 16])])
    assert refused(lambda: staging.stage(new)).faults[0].field == "hunks.0"
    assert git(root, "diff", "--cached", "--name-only") == ""
    with pytest.raises(ValidationError):
        SnapshotCreate(message="x", paths=["a"], staged=True)


def test_a_staged_credential_is_seen_whatever_the_file_holds_now(
    versions: Workspace, root: Path
) -> None:
    (root / "train.py").write_text("key = 'AKIAABCDEFGHIJKLMNOP'\n")
    versions.staging.stage(StageRequest(paths=["train.py"]))
    (root / "train.py").write_text("key = None\n")
    assert refused(lambda: versions.snapshots.create("Key", staged_only=True)).code == "30206"


def test_new_files_are_ignored_by_their_exact_path(
    versions: Workspace, root: Path, git: Command
) -> None:
    (root / ".gitignore").write_text("/data\n__pycache__")
    names = [".env", "odd [a] *.txt", "!why", "#x", "ends ", "folder/a.txt", "folder/b.txt"]
    (root / "folder").mkdir()
    for name in (*names, "odd a b.txt"):
        (root / name).write_text("x")
    versions.staging.stage(StageRequest(paths=[".env"]))
    versions.staging.ignore([*names[:5], "folder"])
    status = git(root, "status", "--porcelain", "-uall", "--no-renames")
    assert not any(name in status for name in names)
    assert "odd a b.txt" in status
    assert git(root, "diff", "--cached", "--name-only") == ""
    assert (root / ".gitignore").read_text().startswith("/data\n__pycache__\n/.env\n")
    (root / "train.py").write_text("changed\n")
    assert refused(lambda: versions.staging.ignore(["train.py"])).code == "30218"
    assert refused(lambda: versions.staging.ignore(["nowhere"])).code == "30404"


def test_before_the_first_commit(tmp_path: Path, home: Path, git: Command) -> None:

    git(tmp_path, "init", "-q", "fresh")
    root = tmp_path / "fresh"
    (root / "a.py").write_text("a\n")
    (root / "b.py").write_text("b\n")
    versions = Workspace.open(root)
    versions.staging.stage(StageRequest(paths=["a.py", "b.py"]))
    assert versions.snapshots.comparison.staged_file("a.py", in_index=True).new == "a\n"
    versions.staging.unstage(StageRequest(paths=["b.py"]))
    made = versions.snapshots.create("First", staged_only=True)
    assert [c.path for c in versions.snapshots.get(made.id).changes] == ["a.py"]
    versions.close()


def test_line_ends_and_missing_ones_survive(versions: Workspace, root: Path, git: Command) -> None:
    before = LONG.replace("\n", "\r\n").encode()
    (root / "dos.txt").write_bytes(before)
    git(root, "add", "-A")
    git(root, "commit", "-qm", "Windows")
    now = before.replace(b"line 2\r\n", b"second\r\n").replace(b"line 39\r\n", b"last")
    (root / "dos.txt").write_bytes(now)
    diff = versions.snapshots.comparison.staged_file("dos.txt", in_index=False)
    versions.staging.stage(hunks("dos.txt", diff, 1))
    staged = git(root, "rev-parse", ":dos.txt").strip()
    (root / "expected").write_bytes(before.replace(b"line 39\r\n", b"last"))
    assert git(root, "hash-object", "expected").strip() == staged


def test_notebooks_are_compared_by_cells(versions: Workspace, root: Path, git: Command) -> None:
    v4 = nbformat.v4
    first = v4.new_notebook(cells=[v4.new_code_cell(text) for text in ("a = 1\nb = 2", "c", "d")])
    (root / "nb.ipynb").write_text(nbformat.writes(first))
    git(root, "add", "-A")
    git(root, "commit", "-qm", "Notebook")
    second = v4.new_notebook(
        cells=[v4.new_code_cell(text) for text in ("new", "a = 1\nb = 3", "d")]
    )
    second.cells[2].outputs = [v4.new_output("stream", text="d")]
    (root / "nb.ipynb").write_text(nbformat.writes(second))
    for diff in (
        versions.snapshots.comparison.file("nb.ipynb"),
        versions.snapshots.comparison.staged_file("nb.ipynb", in_index=False),
    ):
        assert diff.cells is not None
        assert [(c.state.value, c.new, c.outputs_changed) for c in diff.cells] == [
            ("added", "new", False),
            ("modified", "a = 1\nb = 3", False),
            ("deleted", None, False),
            ("unchanged", "d", True),
        ]
        assert "+b = 3" in diff.cells[1].unified
    (root / "nb.ipynb").write_text("{")
    assert versions.snapshots.comparison.file("nb.ipynb").cells is None


def test_a_discard_is_undone_with_what_was_staged(
    versions: Workspace, root: Path, git: Command
) -> None:
    git(root, "add", "long.txt")
    (root / "long.txt").write_text(changed(2, 20, 30, 38))
    (root / "data" / "wine.csv").write_text("a,b\n5,6\n")
    (root / "train.py").write_text("stays\n")
    staged = git(root, "diff", "--cached")
    gone = versions.staging.discard(StageRequest(paths=["long.txt", "data/wine.csv"]))
    assert (root / "long.txt").read_text() == changed(2, 20, 38)
    copy = versions.safety.list()[0]
    assert (copy.id, copy.reason) == (gone.safety, "discard")
    assert copy.files == ["data/wine.csv", "long.txt"]
    (root / "train.py").write_text("changed later\n")
    versions.safety.restore(copy.id)
    assert git(root, "diff", "--cached") == staged
    assert (root / "long.txt").read_text() == changed(2, 20, 30, 38)
    assert (root / "data" / "wine.csv").read_text() == "a,b\n5,6\n"
    assert (root / "train.py").read_text() == "changed later\n"
    assert refused(lambda: versions.safety.restore("0" * 40)).code == "30404"


def test_a_restore_is_undone_with_what_was_staged(
    versions: Workspace, root: Path, git: Command
) -> None:
    for staged in (False, True):
        if staged:
            git(root, "add", "long.txt")
        before = git(root, "status", "--porcelain")
        restored = versions.snapshots.restore("HEAD~1")
        assert git(root, "status", "--porcelain") != before
        assert restored.safety is not None
        versions.safety.restore(restored.safety)
        assert git(root, "status", "--porcelain") == before
        assert (root / "long.txt").read_text() == changed(2, 20, 38)


def test_copies_of_one_second_are_listed_newest_first(versions: Workspace, root: Path) -> None:
    copies = []
    for number in range(8):
        (root / "train.py").write_text(f"{number}\n")
        copies.append(versions.staging.discard(StageRequest(paths=["train.py"])).safety)
    assert [copy.id for copy in versions.safety.list()] == copies[::-1]


def test_large_and_binary_files_are_told_as_such(versions: Workspace, root: Path) -> None:
    (root / "train.py").write_bytes(b"\0" * 10)
    diff = versions.snapshots.comparison.staged_file("train.py", in_index=False)
    assert (diff.binary, diff.old_size, diff.new_size, diff.hunks) == (True, 13, 10, [])
    (root / "long.txt").write_text("x\n" * 1_000_000)
    diff = versions.snapshots.comparison.staged_file("long.txt", in_index=False)
    assert (diff.truncated, diff.new_size, diff.hunks) == (True, 2_000_000, [])
