"""Tables of git and of DVC compared by row: commits, the index, the working tree."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from jupyter_mlws.versioning.models import TableChange, TableDiffQuery
from jupyter_mlws.workspace import Workspace
from mlws.core.errors import MLWSError
from mlws.core.project import Project

OLD = pd.DataFrame({"id": [1, 2, 3, 4], "name": ["a", "b", "c", "d"], "price": [1.5, 2, 3, 4]})
NEW = pd.DataFrame({"id": [2, 3, 4, 5], "name": ["b", "<i>", "d", "e"], "price": [2, 3.5, 4, 5]})
WRITERS: dict[str, Callable[[pd.DataFrame, Path], object]] = {
    ".csv": lambda table, file: table.to_csv(file, index=False),
    ".tsv": lambda table, file: table.to_csv(file, index=False, sep="\t"),
    ".parquet": lambda table, file: table.to_parquet(file),
    ".jsonl": lambda table, file: table.to_json(file, orient="records", lines=True),
    ".xlsx": lambda table, file: table.to_excel(file, index=False),
}


def compared(versions: Workspace, path: str, **query: object) -> TableChange:
    request = TableDiffQuery.model_validate({"path": path, **query})
    return versions.tables.comparisons.compare(request)


def counts(change: TableChange) -> tuple[str | None, int, int, int]:
    assert change.problem is None, change.problem
    return change.key, change.added, change.deleted, change.modified


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_table_in_git_is_compared_by_key(
    versions: Workspace, workspace: Project, git: Callable[..., str], suffix: str
) -> None:
    file = workspace.root / f"t{suffix}"
    WRITERS[suffix](OLD, file)
    git(workspace.root, "add", "-f", ".")
    git(workspace.root, "commit", "-qm", "old")
    WRITERS[suffix](NEW, file)
    change = compared(versions, file.name)
    assert counts(change) == ("id", 1, 1, 1)
    modified = next(row for row in change.rows if row.state == "modified")
    assert modified.key == "3"
    assert {one.name: (one.from_, one.to) for one in modified.values} == {
        "name": ("c", "<i>"),
        "price": ("3.0", "3.5"),
    }
    # Staged, and then changed again.
    git(workspace.root, "add", "-f", ".")
    WRITERS[suffix](OLD, file)
    assert counts(compared(versions, file.name, staged=True)) == ("id", 1, 1, 1)
    assert counts(compared(versions, file.name, staged=False)) == ("id", 1, 1, 1)
    assert counts(compared(versions, file.name)) == ("id", 0, 0, 0)
    # Staged again: the result of before is not that of the new index.
    WRITERS[suffix](NEW.iloc[:1], file)
    git(workspace.root, "add", "-f", ".")
    assert counts(compared(versions, file.name, staged=True)) == ("id", 0, 3, 0)


def test_rows_without_a_key_are_matched_by_position_where_that_is_certain(
    versions: Workspace, workspace: Project, git: Callable[..., str]
) -> None:
    file = workspace.root / "t.parquet"
    table = pd.DataFrame(
        {"a": pd.array([1, None, 1, 2], dtype="Int64"), "b": ["x", "y", "x", None]}
    )
    table.to_parquet(file)
    git(workspace.root, "add", "-f", ".")
    git(workspace.root, "commit", "-qm", "old")
    table.loc[1, "a"] = 5
    table.loc[3, "b"] = "z"
    table.to_parquet(file)
    change = compared(versions, "t.parquet")
    assert counts(change) == (None, 0, 0, 2)
    assert [(row.key, [(v.name, v.from_, v.to) for v in row.values]) for row in change.rows] == [
        ("2", [("a", "", "5")]),
        ("4", [("b", "", "z")]),
    ]
    # A row more: which one it was is not known.
    pd.concat([table.iloc[:1], table.iloc[3:], table]).to_parquet(file)
    assert counts(compared(versions, "t.parquet"))[3] == 0


def test_a_table_that_dvc_tracks_is_compared_in_versions_and_folders(
    versions: Workspace, workspace: Project
) -> None:
    root = workspace.root
    (root / "sets" / "inner").mkdir(parents=True)
    for table, name in ((OLD, "first"), (NEW, "second")):
        table.to_csv(root / "one.csv", index=False)
        table.to_csv(root / "sets" / "inner" / "t.csv", index=False)
        for path in ("one.csv", "sets"):
            versions.datasets.add(path)
        versions.snapshots.create(name)
    for path in ("one.csv", "sets/inner/t.csv"):
        change = compared(versions, path, **{"from": "HEAD~1", "to": "HEAD"})
        assert counts(change) == ("id", 1, 1, 1), path
        assert compared(versions, path, **{"from": "HEAD"}).modified == 0
    (root / "one.csv").unlink()
    assert compared(versions, "one.csv").state == "deleted"

    # The cache of another machine does not have it.
    for file in (root / ".dvc" / "cache").rglob("*"):
        if file.is_file() and not file.name.endswith(".dir"):
            file.unlink()
    change = compared(versions, "one.csv", **{"from": "HEAD~1", "to": "HEAD"})
    assert change.problem is not None
    assert "data pull" in change.problem.en


def test_what_is_no_table_is_told(
    versions: Workspace, workspace: Project, git: Callable[..., str], tmp_path: Path
) -> None:
    root = workspace.root
    secret = tmp_path / "secret.csv"
    secret.write_text("password\n1\n")
    (root / "link.csv").symlink_to(secret)
    (root / "bad.parquet").write_text("PAR1")
    (root / "note.txt").write_text("x")
    git(root, "add", "-f", ".")
    git(root, "commit", "-qm", "odd")
    (root / "bad.parquet").write_text("PAR")
    assert compared(versions, "bad.parquet").problem is not None
    problem = compared(versions, "note.txt").problem
    assert problem is not None
    assert ".parquet" in problem.en
    # A link is not followed out of the project.
    change = compared(versions, "link.csv")
    assert "password" not in json.dumps(change.model_dump(mode="json"), default=str)
    for path, code in (("no.csv", "30404"), ("../secret.csv", "50302")):
        with pytest.raises(MLWSError) as refused:
            compared(versions, path)
        assert refused.value.code == code
