"""Who changed each line of a file last, beside what git itself prints."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jupyter_mlws.workspace import Workspace
from mlws.core.errors import MLWSError

Command = Callable[..., str]


def refused(call: Callable[[], object]) -> MLWSError:
    with pytest.raises(MLWSError) as error:
        call()
    return error.value


def test_each_line_has_the_commit_that_git_names(versions: Workspace, git: Command) -> None:
    root = versions.snapshots.project.root
    file = root / "多 行.py"
    for number, author in enumerate(["安娜 <anna@example.com>", "B <b@example.com>"]):
        lines = [f"line {line}" if line % 3 else f"round {number}" for line in range(9)]
        file.write_text("\n".join(lines) + "\n")
        git(root, "add", "-A")
        git(root, "commit", "-qm", f"Round {number}\n\nBody", "--author", author)
    text = file.read_text()
    file.write_text("not committed\n" + text)
    result = versions.snapshots.comparison.blame("多 行.py")
    expected = [
        line.split(" ", 1)[0].lstrip("^")
        for line in git(root, "blame", "-s", "-l", "--", file.name).splitlines()
    ]
    named = [one.commit for one in result.lines for _ in range(one.count)]
    assert len(expected) == len(named)
    for sha, commit in zip(expected, named, strict=True):
        assert (commit is None) == (set(sha) == {"0"})
        assert commit is None or commit.startswith(sha)
    assert [one.start for one in result.lines] == sorted(one.start for one in result.lines)
    assert (result.lines[0].commit, result.lines[0].count) == (None, 1)
    second = next(one for one in result.lines if one.subject == "Round 0")
    assert second.author == "安娜"
    shown = git(root, "log", "-1", "--format=%aI", str(second.commit)).strip()
    assert second.timestamp == shown.replace("Z", "+00:00")
    assert second.previous is None
    assert next(one for one in result.lines if one.subject == "Round 1").previous == second.commit
    old = versions.snapshots.comparison.blame("多 行.py", "HEAD~1")
    assert {one.subject for one in old.lines} == {"Round 0"}


def test_what_has_no_blame_is_told(versions: Workspace, git: Command) -> None:
    root = versions.snapshots.project.root
    (root / "new.py").write_text("new\n")
    blame = versions.snapshots.comparison.blame
    for path, at in (("new.py", None), ("no.py", None), ("train.py", "nothing"), ("no.py", "HEAD")):
        assert refused(lambda path=path, at=at: blame(path, at)).code == "30404"
    assert (
        refused(lambda: blame("../x")).code
        == refused(lambda: versions.snapshots.comparison.file("../x")).code
    )
    (root / "empty.py").write_text("")
    git(root, "add", "empty.py")
    assert blame("empty.py").lines == []
