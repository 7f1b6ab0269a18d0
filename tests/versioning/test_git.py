"""The git adapter on real repositories: odd names, unborn and detached heads, private indexes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mlws.core.errors import GitCommandError, VersionItemNotFoundError
from jupyter_mlws.git.adapter import Entry, Git
from jupyter_mlws.git.commits import commit_tree
from jupyter_mlws.git.diffs import Difference, differences, worktree_diff
from jupyter_mlws.git.history import LogQuery, changes_of, list_commits
from jupyter_mlws.git.index import PrivateIndex, reset_index
from jupyter_mlws.git.refs import current_branch, update_ref

ODD = ["-dash.txt", "with space.txt", "训练.py", "tab\tand\nnewline.txt", '"quoted".txt', ":(top)x"]

Command = Callable[..., str]


@pytest.fixture
def root(tmp_path: Path, git: Command) -> Path:
    root = tmp_path / "repo"
    root.mkdir()
    git(root, "init", "-q")
    return root


def test_before_the_first_commit_everything_works(root: Path, git: Command) -> None:
    repository = Git(root)
    (root / "a.txt").write_text("one\n")
    (root / "b.txt").write_text("two\n")
    git(root, "add", "a.txt")
    status = repository.status()
    assert (status.branch, status.head, status.upstream) == ("main", None, None)
    assert set(status.entries) == {
        Entry("a.txt", "added", staged=True, index_state="added"),
        Entry("b.txt", "untracked", worktree_state="untracked"),
    }
    assert current_branch(repository) == "refs/heads/main"
    assert repository.find("HEAD") is None
    assert list_commits(repository, LogQuery("--all")) == []
    assert differences(repository, repository.tree_of(None)) == [
        Difference("a.txt", "added", None, 1, 0)
    ]
    assert b"+two" in worktree_diff(repository, "b.txt", repository.tree_of(None))
    assert list_commits(repository, LogQuery("--all")) == []


def test_odd_names_are_taken_literally(root: Path, git: Command) -> None:
    for name in ODD:
        (root / name).write_text("x\n")
    (root / "link").symlink_to("训练.py")
    assert {e.path for e in Git(root).status().entries} == {*ODD, "link"}
    private = PrivateIndex(root, index=root / ".git" / "private")
    private.read_tree(None)
    private.add([*ODD, "link", "gone"])
    sha = commit_tree(private, private.write_tree(), [], "All of them\n")
    assert {entry.path for entry in private.tree(sha)} == {*ODD, "link"}
    assert [entry.mode for entry in private.tree(sha, "link")] == ["120000"]
    assert private.blob(sha, "训练.py") == b"x\n"
    assert update_ref(private, "refs/heads/main", sha, None, "test")
    reset_index(Git(root), [*ODD, "link"])
    assert Git(root).status().entries == []
    for name in ODD:
        (root / name).write_text("y\n")
        assert b"+y" in worktree_diff(Git(root), name, "HEAD")
    for name in ODD:
        assert [c.sha for c in list_commits(Git(root), LogQuery(sha, path=name))] == [sha]
    assert {e.path for e in changes_of(Git(root), [sha])[sha]} == {*ODD, "link"}


def test_names_that_are_no_utf8_come_back_as_they_were(root: Path) -> None:
    name = os.fsdecode(b"caf\xe9.txt")
    (root / name).write_text("x")
    assert [entry.path for entry in Git(root).status().entries] == [name]


def test_renames_deletions_and_conflicts_are_told_apart(root: Path, git: Command) -> None:
    for name in ("a", "b", "c", "d"):
        (root / name).write_text(f"{name}\n" * 20)
    git(root, "add", "-A")
    git(root, "commit", "-qm", "one")
    git(root, "mv", "a", "moved")
    (root / "b").unlink()
    git(root, "rm", "-q", "--cached", "c")
    (root / "d").write_text("changed\n")
    entries = {entry.path: entry for entry in Git(root).status().entries}
    assert entries == {
        "moved": Entry("moved", "renamed", True, "a", "renamed", None),
        "b": Entry("b", "deleted", False, None, None, "deleted"),
        "c": Entry("c", "modified", True, None, "deleted", "untracked"),
        "d": Entry("d", "modified", False, None, None, "modified"),
    }
    listed = {row.path: row for row in differences(Git(root), "HEAD")}
    assert listed["moved"] == Difference("moved", "renamed", "a", 0, 0)
    assert listed["d"] == Difference("d", "modified", None, 1, 20)


def test_conflicts_and_unfinished_merges_are_seen(root: Path, git: Command) -> None:
    (root / "a").write_text("base\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "base")
    git(root, "checkout", "-qb", "other")
    (root / "a").write_text("other\n")
    git(root, "commit", "-qam", "other")
    git(root, "checkout", "-q", "main")
    (root / "a").write_text("main\n")
    git(root, "commit", "-qam", "main")
    assert Git(root).unfinished() is None
    with pytest.raises(Exception, match="merge"):
        git(root, "merge", "-q", "other")
    assert Git(root).unfinished() == "merge"
    assert Git(root).status().entries == [Entry("a", "conflicted", worktree_state="conflicted")]


def test_history_pages_filters_and_reads_trailers(root: Path, git: Command) -> None:
    for number in range(5):
        (root / f"f{number % 2}.txt").write_text(str(number))
        git(root, "add", "-A")
        git(
            root, "commit", "-q", "--author", f"人{number} <p{number}@x.org>",
            "-m", f"训练：第{number}版 \"quoted\" (a*b)", "-m", f"Mlws-Run: r{number}\nMlws-Run: x",
        )  # fmt: skip
    repository = Git(root)
    head = repository.resolve("HEAD")
    git(root, "tag", "-a", "v1", "-m", "tag")
    git(root, "update-ref", "refs/mlws/safety/x", head)
    everything = list_commits(repository, LogQuery(head))
    assert [c.subject for c in everything] == [
        f'训练：第{n}版 "quoted" (a*b)' for n in (4, 3, 2, 1, 0)
    ]
    assert everything[0].trailers == {"Mlws-Run": ["r4", "x"]}
    assert everything[0].refs == ["main", "v1"]
    assert [c.sha for c in list_commits(repository, LogQuery(head, skip=2, limit=2))] == [
        c.sha for c in everything[2:4]
    ]
    assert len(list_commits(repository, LogQuery(head, path="f1.txt"))) == 2
    assert len(list_commits(repository, LogQuery(head, text="(A*B)"))) == 5
    assert [c.author for c in list_commits(repository, LogQuery(head, author="p3@"))] == ["人3"]
    assert changes_of(repository, [head, everything[4].sha]) == {
        head: [Entry("f0.txt", "modified")],
        everything[4].sha: [Entry("f0.txt", "added")],
    }


@pytest.mark.parametrize("name", ["--all", "-x", "", "no-such", "HEAD:f", "a\0b"])
def test_names_of_no_commit_are_refused(root: Path, git: Command, name: str) -> None:
    (root / "f").write_text("x")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "one")
    with pytest.raises(VersionItemNotFoundError):
        Git(root).resolve(name)


def test_a_ref_moves_only_from_where_it_was_seen(root: Path, git: Command) -> None:
    for number in range(2):
        git(root, "commit", "-q", "--allow-empty", "-m", str(number))
    repository = Git(root)
    first, second = repository.resolve("HEAD~1"), repository.resolve("HEAD")
    assert not update_ref(repository, "refs/heads/main", first, first, "late")
    assert repository.resolve("main") == second
    assert update_ref(repository, "refs/heads/main", first, second, "back")
    assert not update_ref(repository, "refs/heads/main", second, None, "as if unborn")
    git(root, "checkout", "-q", "--detach")
    assert current_branch(repository) is None
    assert repository.status().branch is None


def test_a_call_without_end_is_stopped(root: Path) -> None:
    with pytest.raises(GitCommandError) as error:
        Git(root, environment={"GIT_EDITOR": "sleep 60"}).run(
            "-c", "alias.wait=!sleep 60", "wait", timeout=0.3
        )
    assert "0.3 s" in error.value.facts["reason"]
