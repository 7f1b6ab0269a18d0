"""``make test-changed`` runs what a change can reach."""

from __future__ import annotations

import subprocess

import pytest

from scripts.changed_tests import AREAS, ROOT, reached, test_files

IS_DATA = (".gitkeep", ".md")


@pytest.mark.parametrize(
    ("path", "test"),
    [
        ("jupyter_mlws/git/refs.py", "tests/versioning/test_branches.py"),
        ("engine/mlws/core/locking.py", "tests/core/test_locking.py"),
        ("jupyter_mlws/server/endpoints/workflows.py", "tests/workflows/test_handlers.py"),
        ("tests/versioning/conftest.py", "tests/versioning/test_remotes.py"),
        ("src/git/changes/changesView.tsx", "tests/ui/test_code.py"),
        ("hub_config/backup.py", "tests/hub/test_backup.py"),
    ],
)
def test_a_change_reaches_tests_by_import_and_by_area(path: str, test: str) -> None:
    assert test in reached([path])
    assert len(reached([path])) < len(test_files())


def test_a_file_of_no_area_reaches_all_tests() -> None:
    for path in ("unknown.toml", "pyproject.toml", "requirements/dev.txt"):
        assert reached([path]) == test_files()


def test_each_area_has_tests_and_each_file_of_the_product_reaches_one() -> None:
    for start in AREAS:
        assert any(
            test == start or test.startswith((f"{start}/", f"{start}_")) for test in test_files()
        ), start
    names = subprocess.run(
        ["git", "ls-files", "jupyter_mlws", "engine/mlws", "hub_config", "src", "style", "schema"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    untested = [name for name in names if not name.endswith(IS_DATA) and not reached([name])]
    assert untested == []
