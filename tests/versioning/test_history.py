"""History by pages, filters and names that files had before."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mlws.core.errors import VersionItemNotFoundError
from jupyter_mlws.git.adapter import Git
from jupyter_mlws.versioning.models import CodeVersion, HistoryQuery
from jupyter_mlws.workspace import Workspace

Command = Callable[..., str]


@pytest.fixture
def root(versions: Workspace, git: Command) -> Path:
    """A file that was renamed twice, a merge, and a branch that is not merged."""
    root = versions.snapshots.project.root
    text = "".join(f"line {number}\n" for number in range(20))
    for name, more in (("first.py", "a\n"), ("second.py", "b\n"), ("src/third.py", "c\n")):
        (root / "src").mkdir(exist_ok=True)
        for old in ("first.py", "second.py"):
            if old != name and (root / old).exists():
                git(root, "mv", old, name)
        text += more
        (root / name).write_text(text)
        git(root, "add", "-A")
        git(root, "commit", "-qm", f"As {name}")
    git(root, "checkout", "-qb", "side", "HEAD~1")
    (root / "side.py").write_text("side\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "Side")
    git(root, "checkout", "-q", "main")
    git(root, "merge", "-q", "--no-ff", "-m", "Join", "side")
    git(root, "checkout", "-qb", "apart")
    (root / "apart.py").write_text("apart\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "Apart")
    git(root, "checkout", "-q", "main")
    return root


def pages(versions: Workspace, limit: int, **filters: object) -> list[CodeVersion]:
    found: list[CodeVersion] = []
    cursor = None
    while True:
        query = HistoryQuery(limit=limit, cursor=cursor, **filters)
        page = versions.snapshots.history(query)
        assert len(page.items) <= limit
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found


def subjects(found: list[CodeVersion]) -> list[str]:
    return [version.message.split("\n")[0] for version in found]


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_a_file_is_followed_through_its_names(versions: Workspace, root: Path, limit: int) -> None:
    found = pages(versions, limit, path="src/third.py")
    assert subjects(found) == ["As src/third.py", "As second.py", "As first.py"]
    # All that a commit changed is told, not the file alone.
    assert [c.old_path for c in found[0].changes] == ["second.py"]


def test_data_has_the_history_of_the_file_that_names_it(versions: Workspace, root: Path) -> None:
    (root / "data" / "wine.csv").write_text("two\n")
    versions.snapshots.create("Two")
    assert subjects(pages(versions, 5, path="data/wine.csv")) == ["Two", "Code and data"]


def test_parents_and_refs_draw_a_graph(versions: Workspace, root: Path, git: Command) -> None:
    found = {version.commit_id: version for version in pages(versions, 3)}
    assert list(found) == git(root, "rev-list", "HEAD").split()
    join = next(iter(found.values()))
    assert (len(join.parents), join.refs) == (2, ["main"])
    assert all(parent in found for version in found.values() for parent in version.parents)
    # Against the first parent: what the merge brought.
    assert [change.path for change in join.changes] == ["side.py"]
    assert "Apart" not in subjects(list(found.values()))


def test_all_branches_and_no_hidden_refs(versions: Workspace, root: Path, git: Command) -> None:
    (root / "train.py").write_text("work\n")
    versions.stashes.push("Aside")
    found = pages(versions, 2, all=True)
    assert set(subjects(found)) >= {"Apart", "Join", "Side"}
    assert not any("Aside" in subject or "index on" in subject for subject in subjects(found))


def test_pages_stay_while_commits_are_made(versions: Workspace, root: Path, git: Command) -> None:
    first = versions.snapshots.history(HistoryQuery(limit=2))
    git(root, "commit", "-q", "--allow-empty", "-m", "Meanwhile")
    second = versions.snapshots.history(HistoryQuery(limit=2, cursor=first.next_cursor))
    assert subjects([*first.items, *second.items]) == subjects(pages(versions, 50))[1:5]
    filtered = versions.snapshots.history(HistoryQuery(limit=1, q="as "))
    git(root, "commit", "-q", "--allow-empty", "-m", "As a new one")
    following = HistoryQuery(limit=1, q="as ", cursor=filtered.next_cursor)
    assert subjects(versions.snapshots.history(following).items) == ["As second.py"]


@pytest.mark.parametrize(
    "name", ["--output=x", "main..side", "^main", "no-such", "@{u}", "-1", ":/x", "main side", ""]
)
def test_what_names_no_version_is_refused(versions: Workspace, root: Path, name: str) -> None:
    with pytest.raises(VersionItemNotFoundError):
        versions.snapshots.history(HistoryQuery(ref=name))
    with pytest.raises(VersionItemNotFoundError):
        versions.snapshots.history(HistoryQuery(cursor=f"{name}.5"))
    assert not (root / "x").exists()


def test_filters_hold_together(versions: Workspace, root: Path, git: Command) -> None:
    git(root, "commit", "-q", "--allow-empty", "--author=人 <ren@example.com>", "-m", "修正")
    assert subjects(pages(versions, 5, author="ren@", q="修")) == ["修正"]
    assert pages(versions, 5, author="ren@", q="side") == []
    assert subjects(pages(versions, 5, ref="side", q="SIDE")) == ["Side"]


def test_data_of_a_page_is_that_of_each_version(versions: Workspace, root: Path) -> None:
    for number in range(4):
        (root / "train.py").write_text(f"{number}\n")
        if number % 2:
            (root / "data" / "wine.csv").write_text(f"{number}\n")
        versions.snapshots.create(f"Version {number}")
    page = versions.snapshots.list(HistoryQuery(limit=20))
    fresh = Workspace(versions.snapshots.project)
    for item in page.items:
        assert fresh.snapshots.get(item.id).data == item.data
    fresh.close()


def test_a_call_of_git_that_takes_too_long_is_ended_with_what_it_started(root: Path) -> None:
    from jupyter_mlws.git.adapter import GitFailedError

    with pytest.raises(GitFailedError, match="timed out"):
        Git(root).attempt("-c", "alias.wait=!sleep 987654", "wait", timeout=0.3)
    processes = subprocess.run(["ps", "-ef"], capture_output=True, text=True, check=False)
    assert "987654" not in processes.stdout
