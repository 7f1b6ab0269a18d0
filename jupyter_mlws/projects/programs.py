"""Lists what of a project can run once its authors are trusted. None of it runs for that."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from jupyter_mlws.components.registry import FOLDER, Registry
from jupyter_mlws.workflows.document.files import Documents
from mlws.core.errors import MLWSError
from mlws.core.project import Project
from mlws.document.parse import parse

PROGRAM_SETTING = re.compile(
    r"(filter\..*\.(clean|smudge|process)|diff\.external|diff\..*\.(command|textconv)"
    r"|merge\..*\.driver|core\.(fsmonitor|hookspath|sshcommand|gitproxy|askpass|editor|pager"
    r"|alternaterefscommand)|sequence\.editor|gpg\.(.*\.)?program|credential\.(.*\.)?helper"
    r"|remote\..*\.(uploadpack|receivepack|vcs)|uploadpack\.packobjectshook|alias\..*"
    r"|include(if\..*)?\.path)"
)
"""Settings of git that name a program, or a file with more settings."""
TIMEOUT = 10
"""Seconds to wait for git."""


@dataclass(frozen=True)
class Programs:
    """Names of what can run: git's hooks and settings, components, and stages of workflows."""

    hooks: list[str]
    settings: list[str]
    components: list[str]
    stages: list[str]


def find_programs(project: Project) -> Programs:
    """Return what of a project can run. Files that cannot be read run nothing either."""
    common = project.git_directory
    if (common / "commondir").is_file():
        # Of a worktree.
        common = Path(common, (common / "commondir").read_text(encoding="utf-8").strip())
    settings = _git_config(common / "config", "--name-only", "--list")
    places = _git_config(common / "config", "--type=path", "--get", "core.hooksPath")
    hooks = Path(project.root, places[0]) if places else common / "hooks"
    stages: list[str] = []
    for path in Documents(project, Registry(project.root)).paths():
        try:
            text = project.resolve(path).read_text(encoding="utf-8")
            stages += (f"{path}:{name}" for name in parse(path, text).data.get("stages") or ())
        except (MLWSError, OSError, ValueError, TypeError):
            continue
    return Programs(
        sorted(
            file.name
            for file in (hooks.iterdir() if hooks.is_dir() else ())
            if file.suffix != ".sample" and file.is_file() and os.access(file, os.X_OK)
        ),
        sorted({name for name in settings if PROGRAM_SETTING.fullmatch(name)}),
        sorted(file.stem for file in (project.root / FOLDER).glob("*.py")),
        stages,
    )


def _git_config(configuration: Path, *arguments: str) -> list[str]:
    """Return what git reads from one file of settings; reading runs nothing."""
    if not configuration.is_file():
        return []
    result = subprocess.run(
        ["git", "config", "--file", configuration, "--includes", "--null", *arguments],
        check=False,
        capture_output=True,
        timeout=TIMEOUT,
    )
    return [os.fsdecode(row) for row in result.stdout.split(b"\0") if row]
