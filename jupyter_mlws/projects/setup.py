"""Initialization of a project: git, DVC and ``.gitignore``."""

from __future__ import annotations

from pathlib import Path

from jupyter_mlws.git.adapter import Git

IGNORED_FILES = """\
# jupyter-mlws: experiment tracking and what notebooks leave
/mlflow.db*
/mlruns
.ipynb_checkpoints
__pycache__/
"""


def initialize(target: Path) -> None:
    """Make ``target`` a git repository with DVC; files that are there already stay as they are.

    Nothing is staged: the first commit takes all files.
    """
    git = Git(target)
    git.create()
    ignore = target / ".gitignore"
    before = ignore.read_text(encoding="utf-8") if ignore.exists() else ""
    if "/mlflow.db*" not in before.splitlines():
        gap = "\n" if before and not before.endswith("\n") else ""
        ignore.write_text(before + gap + IGNORED_FILES, encoding="utf-8")
    if not (target / ".dvc" / "config").exists():
        from mlws.dvc.repo import initialize as initialize_dvc

        initialize_dvc(target)
        # DVC stages its own files; a commit of what is staged would then lack everything else.
        git.run("reset", "--quiet", "--", ".dvc", ".dvcignore")
