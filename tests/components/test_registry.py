"""A project's own components: in the palette when saved, never imported into this process."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from jupyter_mlws.components.node import main
from jupyter_mlws.components.registry import Registry
from jupyter_mlws.core.trust import trust

OWN = """\
print("noise on stdout")
from jupyter_mlws.components import Table, component

@component
def keep_rows(data: Table, *, count: int = 3) -> Table:
    \"\"\"Keep the first rows.\"\"\"
    return data.head(count)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "components").mkdir()
    (tmp_path / ".git").mkdir()
    trust(tmp_path)
    return tmp_path


def test_a_saved_function_is_a_component_and_a_changed_one_is_read_again(root: Path) -> None:
    file = root / "components" / "own.py"
    file.write_text(OWN)
    registry = Registry(root)
    own = registry.all()["keep_rows"]
    assert (own.source, own.path, own.title) == ("project", "components/own.py", "Keep rows")
    assert own.settings["properties"]["count"]["default"] == 3
    assert not [name for name in sys.modules if name.startswith("mlws_project_components")]
    file.write_text(OWN.replace("count: int = 3", "count: int = 30"))
    assert registry.all()["keep_rows"].settings["properties"]["count"]["default"] == 30
    file.unlink()
    assert "keep_rows" not in registry.all()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def broken(:\n", "line 1: SyntaxError"),
        ("\nraise ValueError('no')\n", "line 2: ValueError: no"),
        (OWN.replace("-> Table", ""), "declare its return type"),
        (OWN.replace("keep_rows", "split"), "the library has a component 'split' already"),
        ("import os; os._exit(3)\n", "exit status 3"),
    ],
)
def test_a_broken_file_says_why_and_hides_nothing_else(root: Path, text: str, words: str) -> None:
    (root / "components" / "bad.py").write_text(text)
    components = Registry(root).all()
    assert any(words in (component.error or "") for component in components.values())
    assert components["split"].error is None


def test_a_projects_component_runs_as_a_node(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pandas as pd

    (root / "components" / "own.py").write_text(OWN)
    monkeypatch.chdir(root)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    pd.DataFrame({"a": range(9)}).to_csv("a.csv", index=False)
    assert main(["keep_rows", "--data", "a.csv", "--table", "b.parquet", "--count", "4"]) == 0
    assert len(pd.read_parquet("b.parquet")) == 4
    sys.modules.pop("mlws_project_components.own")
