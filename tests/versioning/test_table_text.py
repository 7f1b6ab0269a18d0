"""Tables in git's own diffs, as a user of git sees them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from jupyter_mlws.git.adapter import Git
from jupyter_mlws.workflows import table_text
from jupyter_mlws.workspace import Workspace
from mlws.core.project import Project

OLD = pd.DataFrame({"id": [1, 2], "name": ["a", "文"]})
NEW = OLD.assign(name=["a", "changed"])


@pytest.mark.exhaustive
def test_git_shows_rows_of_tables_once_it_is_turned_on(
    versions: Workspace, workspace: Project, git: Callable[..., str]
) -> None:
    root = workspace.root
    attributes = root / ".git" / "info" / "attributes"
    attributes.parent.mkdir(exist_ok=True)
    attributes.write_text("*.bin -diff")
    for table in (OLD, NEW):
        table.to_parquet(root / "t.parquet")
        table.to_excel(root / "t.xlsx", index=False)
        table.to_csv(root / "data.csv", index=False)
        versions.datasets.add("data.csv")
        git(root, "add", "-f", "t.parquet", "t.xlsx", "data.csv.dvc")
        git(root, "commit", "-qm", "tables")
    # The project's modules are not imported.
    (root / "json.py").write_text("raise SystemExit('imported')")
    assert "Binary files" in git(root, "diff", "HEAD~1", "--", "t.parquet")
    table_text.install(Git(root))
    table_text.install(Git(root))
    for path in ("t.parquet", "t.xlsx", "data.csv.dvc"):
        shown = git(root, "diff", "HEAD~1", "--", path).splitlines()
        assert {"-2,文", "+2,changed", " 1,a"} <= {*shown}, path
        assert "+2,changed" in git(root, "log", "-p", "-1", "--", path)
    # A file that is no table does not stop the others from being shown.
    (root / "t.xlsx").write_text("x")
    assert "+(not a table: " in git(root, "diff", "HEAD", "--", "t.xlsx")

    table_text.remove(Git(root))
    assert attributes.read_text() == "*.bin -diff\n"
    assert "Binary files" in git(root, "diff", "HEAD~1", "--", "t.parquet")
    settings = git(root, "config", "--local", "--list")
    assert "textconv" not in settings


def test_the_command_prints_utf8_whatever_the_terminal(tmp_path: Path) -> None:
    OLD.to_parquet(tmp_path / "t.parquet")
    import sys

    output = subprocess.run(
        [sys.executable, "-m", "jupyter_mlws", "data", "textconv", "t.parquet"],
        cwd=tmp_path,
        env={"LC_ALL": "C", "PATH": ""},
        capture_output=True,
        check=True,
    ).stdout
    assert output.decode() == "id,name\n1,a\n2,文\n"
