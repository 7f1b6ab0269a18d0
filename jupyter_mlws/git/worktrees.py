"""Worktrees of a repository, and its submodules."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from jupyter_mlws.git.adapter import Git, decode, split_nul
from jupyter_mlws.git.merge import SUBMODULE
from jupyter_mlws.git.refs import HEADS
from mlws.core.secrets import mask_credentials

MODULES_FILE = ".gitmodules"
SETTING = re.compile(r"submodule\.(.*)\.(path|url)", re.DOTALL)


@dataclass(frozen=True)
class Worktree:
    """A folder that has a version of the repository checked out.

    ``path`` is absolute; ``branch`` is None without one; ``missing``: the folder is gone.
    """

    path: str
    commit: str | None
    branch: str | None
    current: bool
    locked: bool
    missing: bool


@dataclass(frozen=True)
class Submodule:
    """A repository below this one.

    ``commit`` is the one that the index records, ``head`` the one in its folder: None if the
    submodule is not initialized. Credentials in ``url`` are masked.
    """

    path: str
    url: str
    commit: str
    head: str | None


def list_worktrees(git: Git) -> list[Worktree]:
    """Return the worktrees of the repository, the main one first."""
    trees = []
    for block in decode(git.run("worktree", "list", "--porcelain", "-z")).split("\0\0"):
        facts = dict(line.partition(" ")[::2] for line in block.split("\0") if line)
        if "worktree" not in facts or "bare" in facts:
            continue
        trees.append(
            Worktree(
                path=facts["worktree"],
                commit=facts["HEAD"] if facts.get("HEAD", "0").strip("0") else None,
                branch=facts["branch"].removeprefix(HEADS) if "branch" in facts else None,
                current=Path(facts["worktree"]) == git.root.resolve(),
                locked="locked" in facts,
                missing="prunable" in facts,
            )
        )
    return trees


def list_submodules(git: Git) -> list[Submodule]:
    """Return the submodules that the index has, by path."""
    if not (git.root / MODULES_FILE).is_file():
        return []
    output = git.run("config", "--file", MODULES_FILE, "--list", "-z", codes=(0, 1, 128))
    settings: dict[str, dict[str, str]] = {}
    for line in split_nul(output):
        name, _, value = line.partition("\n")
        if setting := SETTING.fullmatch(name):
            settings.setdefault(setting[1], {})[setting[2]] = value
    addresses = {one["path"]: one.get("url", "") for one in settings.values() if "path" in one}
    if not addresses:
        return []
    submodules = []
    for row in split_nul(git.run("ls-files", "--stage", "-z", "--", *addresses)):
        facts, _, path = row.partition("\t")
        mode, sha, _ = facts.split(" ")
        if mode == SUBMODULE and path in addresses:
            folder = git.root / path
            is_there = (folder / ".git").exists() and not folder.is_symlink()
            submodules.append(
                Submodule(
                    path=path,
                    url=mask_credentials(addresses[path]),
                    commit=sha,
                    head=Git(folder).find("HEAD") if is_there else None,
                )
            )
    return submodules
