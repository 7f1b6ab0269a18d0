"""Datasets on real git and DVC: tracked, listed with their versions, brought back, moved."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from jupyter_mlws.core.operations import CancelledOperationError
from jupyter_mlws.versioning.data.models import DataRemotePut, DatasetsQuery
from jupyter_mlws.workspace import Workspace
from mlws.core.errors import MLWSError
from mlws.core.i18n import CHINESE
from mlws.core.project import Project

Command = Callable[..., str]

WORKFLOW = """\
vars:
- place: made
stages:
  clean:
    cmd: cp -r data/images/deep/0.bin data/clean.bin
    deps: [data/images/deep]
    outs: [data/clean.bin]
  templated:
    cmd: cp data/wine.csv ${place}.csv
    deps: [data/wine.csv]
    outs:
    - ${place}.csv
"""


def refused(call: Callable[[], object]) -> MLWSError:
    with pytest.raises(MLWSError) as error:
        call()
    return error.value


@pytest.fixture
def root(workspace: Project) -> Path:
    return workspace.root


def test_a_path_becomes_data_and_each_change_a_version(
    versions: Workspace, root: Path, git: Command, dvc: Command
) -> None:
    (root / "data" / "新 数据").mkdir()
    (root / "data" / "新 数据" / "a.txt").write_text("one\n")
    made = versions.datasets.add("data/新 数据")
    assert (made.path, made.id) == ("data/新 数据", "data~1新 数据")
    assert (made.files, made.size, made.state.value) == (1, 4, "unchanged")
    assert (root / "data" / "新 数据.dvc").is_file()
    assert git(root, "status", "--porcelain", "-z") == " M data/.gitignore\0?? data/新 数据.dvc\0"
    first = versions.snapshots.create("First")
    (root / "data" / "新 数据" / "b.txt").write_text("two\n")
    assert versions.datasets.get(made.id).state.value == "modified"
    again = versions.datasets.add("data/新 数据")
    assert (again.files, again.state.value) == (2, "unchanged")
    second = versions.snapshots.create("Second")
    (root / "train.py").write_text("not about data\n")
    versions.snapshots.create("Code")

    got = versions.datasets.get(made.id)
    assert [(v.commit, v.subject, v.md5, v.current) for v in got.versions] == [
        (second.id, "Second", again.md5, True),
        (first.id, "First", made.md5, False),
    ]
    assert got.local is True
    page = versions.datasets.get(made.id, limit=1)
    assert page.next_cursor == second.id
    rest = versions.datasets.get(made.id, limit=1, cursor=page.next_cursor)
    assert [v.commit for v in rest.versions] == [first.id]
    assert rest.next_cursor is None
    assert "up to date" in dvc(root, "status")


def test_a_version_comes_back_by_commit_or_hash(versions: Workspace, root: Path) -> None:
    before = versions.datasets.get("data~1wine.csv")
    (root / "data" / "wine.csv").write_text("two\n")
    (root / "train.py").write_text("stays\n")
    versions.snapshots.create("Two", ["data"])
    (root / "data" / "wine.csv").write_text("not recorded\n")
    result = versions.datasets.checkout("data~1wine.csv", "HEAD~1")
    assert (root / "data" / "wine.csv").read_text() == "a,b\n1,2\n"
    assert (root / "train.py").read_text() == "stays\n"
    # What was not recorded is one restore away.
    assert result.safety is not None
    versions.snapshots.restore("HEAD")
    assert (root / "data" / "wine.csv").read_text() == "two\n"
    assert before.md5 is not None
    versions.datasets.checkout("data~1wine.csv", before.md5)
    assert (root / "data" / "wine.csv").read_text() == "a,b\n1,2\n"
    error = refused(lambda: versions.datasets.checkout("data~1wine.csv", "no-such"))
    assert (error.code, error.facts["kind"]) == ("30404", "version")
    assert refused(lambda: versions.datasets.checkout("no-such", "HEAD")).facts["kind"] == "dataset"


def test_one_version_is_current_where_content_has_come_back(
    versions: Workspace, root: Path
) -> None:
    for number, text in enumerate(("two\n", "a,b\n1,2\n")):
        (root / "data" / "wine.csv").write_text(text)
        versions.snapshots.create(f"Change {number}")
    found = versions.datasets.get("data~1wine.csv").versions
    assert [(one.subject, one.current) for one in found] == [
        ("Change 1", True),
        ("Change 0", False),
        ("Code and data", False),
    ]
    assert found[0].md5 == found[2].md5
    second = versions.datasets.get("data~1wine.csv", limit=1, cursor=found[1].commit)
    assert [one.current for one in second.versions] == [False]


def test_datasets_are_listed_with_their_state(versions: Workspace, root: Path) -> None:
    (root / "data" / "wine.csv").write_text("changed\n")
    shutil.rmtree(root / "data" / "images")
    first = versions.datasets.list(DatasetsQuery(limit=1))
    assert [(d.path, d.state.value, d.files) for d in first.items] == [
        ("data/images", "deleted", 3)
    ]
    second = versions.datasets.list(DatasetsQuery(limit=1, cursor=first.next_cursor))
    assert [(d.path, d.state.value, d.output) for d in second.items] == [
        ("data/wine.csv", "modified", False)
    ]
    assert second.next_cursor is None
    assert [d.path for d in versions.datasets.list(DatasetsQuery(q="WINE")).items] == [
        "data/wine.csv"
    ]


def test_datasets_are_listed_while_files_come_and_go(versions: Workspace, root: Path) -> None:
    folder = root / "data" / "images"
    stopped = threading.Event()

    def change() -> None:
        files = [folder / f"{number}.tmp" for number in range(40)]
        while not stopped.is_set():
            for file in files:
                file.write_bytes(b"half written")
            for file in files:
                file.unlink()

    changing = threading.Thread(target=change)
    changing.start()
    try:
        states = {
            item.state.value
            for _ in range(40)
            for item in versions.datasets.list().items
            if item.path == "data/images"
        }
    finally:
        stopped.set()
        changing.join()
    assert states <= {"unchanged", "modified"}
    (images,) = versions.datasets.list(DatasetsQuery(q="images")).items
    assert images.state.value == "unchanged"


def test_who_makes_and_needs_data_is_told(versions: Workspace, root: Path, dvc: Command) -> None:
    (root / "dvc.yaml").write_text(WORKFLOW)
    (root / "broken").mkdir()
    (root / "broken" / "dvc.yaml").write_text("stages: [")
    images = versions.datasets.get("data~1images")
    assert [(use.workflow, use.node) for use in images.consumers] == [("dvc.yaml", "clean")]
    assert images.producers == []
    shutil.rmtree(root / "broken")
    dvc(root, "repro", "-q")
    made = versions.datasets.get("data~1clean.bin")
    assert made.output
    assert [use.node for use in made.producers] == ["clean"]
    assert [use.node for use in versions.datasets.get("made.csv").producers] == ["templated"]
    wine = versions.datasets.get("data~1wine.csv")
    assert [use.node for use in wine.consumers] == ["templated"]
    versions.snapshots.create("Run")
    assert [v.subject for v in versions.datasets.get("made.csv").versions] == ["Run"]
    error = refused(lambda: versions.datasets.add("made.csv"))
    assert (error.code, error.faults[0].field) == ("30219", "path")


def test_own_data_is_listed_before_outputs_and_both_are_counted_on_each_page(
    versions: Workspace, root: Path, dvc: Command
) -> None:
    (root / "dvc.yaml").write_text(WORKFLOW)
    dvc(root, "repro", "-q")
    paths: list[str] = []
    cursor = None
    for _ in range(4):
        page = versions.datasets.list(DatasetsQuery(limit=1, cursor=cursor))
        paths += [item.path for item in page.items]
        assert (page.own.count, page.outputs.count) == (2, 2)
        cursor = page.next_cursor
    assert cursor is None
    assert paths == ["data/images", "data/wine.csv", "data/clean.bin", "made.csv"]
    assert page.own.size == 300 + len("a,b\n1,2\n")
    assert page.outputs.size == 100 + len("a,b\n1,2\n")
    found = versions.datasets.list(DatasetsQuery(q="made"))
    assert (found.own.count, found.outputs.count) == (0, 1)


def test_what_cannot_be_added_is_told_and_left(
    versions: Workspace, root: Path, git: Command
) -> None:
    (root / "link").symlink_to("train.py")
    (root / "away").symlink_to(root.parent)
    for path in ("no-such", ".", "link", ".dvc/tmp"):
        error = refused(lambda path=path: versions.datasets.add(path))  # type: ignore[misc]
        assert (error.code, [f.field for f in error.faults]) == ("50201", ["path"])
    for path in ("../x", "/etc/passwd", ".git/config", "away/x"):
        assert refused(lambda path=path: versions.datasets.add(path)).code == "50302"  # type: ignore[misc]
    error = refused(lambda: versions.datasets.add("train.py"))
    assert (error.code, error.facts["paths"]) == ("30218", ["train.py"])
    assert "git rm -r --cached" in error.solution.in_(CHINESE)
    for path in ("data", "data/images/deep"):
        error = refused(lambda path=path: versions.datasets.add(path))  # type: ignore[misc]
        assert error.code == "30219"
    (root / ".dvcignore").write_text("*.tmp\n")
    (root / "x.tmp").write_text("x")
    error = refused(lambda: versions.datasets.add("x.tmp"))
    assert error.code == "30219"
    (root / ".dvcignore").unlink()
    assert not list(root.glob("**/*.tmp.dvc"))


def test_a_broken_workflow_elsewhere_stops_nothing(versions: Workspace, root: Path) -> None:
    (root / "dvc.yaml").write_text("stages: [")
    (root / "more.csv").write_text("more\n")
    assert versions.datasets.add("more.csv").size == 5


def test_a_dataset_goes_to_its_remote_and_comes_back(
    versions: Workspace, root: Path, tmp_path: Path
) -> None:
    error = refused(lambda: versions.datasets.push("data~1images"))
    assert (error.code, error.facts["paths"]) == ("30214", ["data/images"])
    (root / ".dvc" / "config.local").write_text(
        f"[core]\n    remote = store\n['remote \"store\"']\n    url = {tmp_path / 'store'}\n"
    )
    moved = versions.datasets.push("data~1images")
    assert (moved.path, moved.remote) == ("data/images", "store")
    shutil.rmtree(root / ".dvc" / "cache")
    shutil.rmtree(root / "data" / "images")
    assert versions.datasets.get("data~1images").local is False
    # It is at the remote already, from where it came.
    versions.datasets.push("data~1images")
    told: list[tuple[float, str]] = []
    versions.datasets.pull(
        "data~1images",
        lambda done, total=None, unit="", message="": told.append((done, message)),
    )
    assert (root / "data" / "images" / "deep" / "2.bin").read_bytes() == bytes([2]) * 100
    assert told[-1][1] == "fetch"
    assert told[-1][0] >= 300
    (root / "data" / "images" / "deep" / "2.bin").unlink()
    (root / "data" / "images" / "deep" / "2.bin").write_bytes(b"mine")
    error = refused(lambda: versions.datasets.pull("data~1images"))
    assert (error.code, error.facts["paths"]) == ("30202", ["data/images"])
    (root / "data" / "wine.csv").unlink()
    error = refused(lambda: versions.datasets.push("data~1wine.csv"))
    assert error.code == "30402"


def test_data_of_a_clone_is_not_pulled_and_its_remote_is_named(
    versions: Workspace, root: Path, tmp_path: Path, git: Command
) -> None:
    store = tmp_path / "store"
    versions.data_remotes.put("store", DataRemotePut(url=str(store), default=True))
    versions.snapshots.create("Remote")
    git(tmp_path, "clone", "-q", str(root), "clone")
    clone = Workspace.open(tmp_path / "clone")

    def states() -> dict[str, str]:
        return {item.path: item.state.value for item in clone.datasets.list().items}

    assert states() == {"data/images": "not_pulled", "data/wine.csv": "not_pulled"}
    changes = {change.path: change.state.value for change in clone.snapshots.status().changes}
    assert changes == states()
    shutil.move(store, f"{store}.away")
    plan = clone.snapshots.restore_plan("HEAD")
    assert plan.unreachable is not None
    assert plan.unreachable.remote == "store"
    assert str(store) in plan.unreachable.reason.en
    assert refused(lambda: clone.snapshots.restore("HEAD")).code == "30101"
    shutil.move(f"{store}.away", store)
    assert clone.snapshots.restore_plan("HEAD").unreachable is None
    for name in ("data~1images", "data~1wine.csv"):
        clone.datasets.pull(name)
    assert set(states().values()) == {"unchanged"}
    # What only the working tree lacks was deleted here.
    (tmp_path / "clone" / "data" / "wine.csv").unlink()
    shutil.rmtree(tmp_path / "clone" / "data" / "images")
    assert set(states().values()) == {"deleted"}
    clone.close()


def test_all_data_of_a_clone_is_pulled_at_once(
    versions: Workspace, root: Path, tmp_path: Path, git: Command
) -> None:
    store = tmp_path / "store"
    versions.data_remotes.put("store", DataRemotePut(url=str(store), default=True))
    pointer = root / "data" / "wine.csv.dvc"
    versions.snapshots.create("Remote")
    for item in versions.datasets.list().items:
        versions.datasets.push(item.id)
    git(tmp_path, "clone", "-q", str(root), "clone")
    with closing(Workspace.open(tmp_path / "clone")) as clone:
        size = sum(item.size or 0 for item in versions.datasets.list().items)
        absent = clone.datasets.places().absent
        assert (absent.files, absent.size) == (4, size)
        assert clone.datasets.storage().absent == absent
        there = tmp_path / "clone" / "data" / "wine.csv.dvc"
        # As DVC 2 wrote it: without a size.
        there.write_text(re.sub("  size: .*\n", "", pointer.read_text()))
        assert clone.datasets.places().absent.size is None
        git(tmp_path / "clone", "checkout", "-q", ".")

        shutil.move(store, f"{store}.away")
        assert clone.datasets.places().absent.files == 4
        error = refused(clone.datasets.pull_all)
        assert (error.code, error.facts["remote"]) == ("30101", "store")
        shutil.move(f"{store}.away", store)

        def stop(done: float, total: float | None = None, unit: str = "", text: str = "") -> None:
            if done:
                raise CancelledOperationError

        with pytest.raises(CancelledOperationError):
            clone.datasets.pull_all(stop)
        heard: list[tuple[float, float | None, str]] = []
        pulled = clone.datasets.pull_all(
            lambda done, t=None, u="", m="": heard.append((done, t, u))
        )
        assert pulled.items
        assert heard[-1][2] == "B"
        assert heard[-1][0] == heard[-1][1]
        assert (tmp_path / "clone" / "data" / "wine.csv").read_text() == "a,b\n1,2\n"
        assert clone.datasets.places().absent.files == 0
        assert clone.datasets.pull_all().items == []


def test_data_that_no_remote_has_is_named(root: Path, tmp_path: Path, git: Command) -> None:
    git(tmp_path, "clone", "-q", str(root), "clone")
    with closing(Workspace.open(tmp_path / "clone")) as clone:
        assert clone.datasets.places().absent.files == 4
        assert refused(clone.datasets.pull_all).code == "30214"
        (tmp_path / "store").mkdir()
        clone.data_remotes.put("store", DataRemotePut(url=str(tmp_path / "store"), default=True))
        # It is not offered to pull what the remote lacks.
        assert clone.datasets.places().absent.files == 0
        assert clone.datasets.storage().absent.files == 4
        error = refused(clone.datasets.pull_all)
        assert (error.code, error.facts["paths"]) == ("30402", "data/images, data/wine.csv")


def test_without_dvc_it_says_how_to_begin(tmp_path: Path, git: Command) -> None:
    git(tmp_path, "init", "-q", "plain")
    (tmp_path / "plain" / "a").write_text("a")
    plain = Workspace.open(tmp_path / "plain")
    assert plain.datasets.list().items == []
    assert refused(lambda: plain.datasets.add("a")).code == "30204"
