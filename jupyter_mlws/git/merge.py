"""Merges as git has them: what two commits merge to, and the sides of what is in conflict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from jupyter_mlws.core.errors import UnrelatedHistoriesError
from jupyter_mlws.git.adapter import Git, GitFailedError, decode, join_nul, split_nul

BASE, OURS, THEIRS = 1, 2, 3
"""git's stages of a path in conflict."""
STAGES = {"base": BASE, "ours": OURS, "theirs": THEIRS}
TIMEOUT = 600.0
"""Seconds for git to merge, or to write the files of another version."""
INCOMING = "MERGE_HEAD"
STOP_REFS = ("MERGE_HEAD", "REBASE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD")
"""Commits that an operation has stopped at, in git's own order."""
SUBMODULE, LINK = "160000", "120000"


@dataclass(frozen=True)
class Side:
    """A path in one of the versions that are merged; modes as in a tree."""

    mode: str
    sha: str


Sides = Mapping[int, Side]
"""The sides of a path, by stage; one that lacks the path is not there."""


@dataclass(frozen=True)
class MergedTree:
    """Result of git's merge of two commits; files in ``conflicts`` have conflict markers."""

    tree: str
    conflicts: dict[str, Sides]


def merge_base(git: Git, ours: str, theirs: str) -> str:
    """Return the merge base of two commits; UnrelatedHistoriesError if there is none.

    It is the empty tree if the branch was cloned from a remote that had no commits yet.
    """
    try:
        output = git.attempt("merge-base", ours, theirs)
    except GitFailedError as error:
        if not _is_cloned_empty(git, ours, theirs):
            raise UnrelatedHistoriesError() from error
        return git.tree_of(None)
    return output.decode().strip()


def _is_cloned_empty(git: Git, ours: str, theirs: str) -> bool:
    """Return whether ``theirs`` is the upstream, and no earlier state of it is related to ours.

    A remote that is added by hand, perhaps the wrong one, is no upstream; one whose history was
    replaced has a related commit in the reflog.
    """
    if git.find("@{upstream}") != theirs:
        return False
    states = git.run("reflog", "show", "--format=%H", "@{upstream}", "--").decode().split()
    return bool(states) and not git.run("merge-base", ours, *states, codes=(0, 1))


def merge_tree(git: Git, ours: str, theirs: str, base: str | None = None) -> MergedTree:
    """Merge two commits; the working tree is not touched. Raises UnrelatedHistoriesError.

    ``base``: the commit from which both sides' changes are taken, by default their merge base.
    """
    if base is None:
        merge_base(git, ours, theirs)
    options = ["--write-tree", "-z", "--no-messages"]
    options.append("--allow-unrelated-histories" if base is None else f"--merge-base={base}")
    output = git.run("merge-tree", *options, ours, theirs, codes=(0, 1), timeout=TIMEOUT)
    tree, *rows = split_nul(output)
    return MergedTree(tree, _parse_sides(rows))


def read_conflicts(git: Git) -> dict[str, Sides]:
    """Return the conflicts in the user's index, by path."""
    return _parse_sides(split_nul(git.run("ls-files", "--unmerged", "-z")))


def _parse_sides(rows: list[str]) -> dict[str, Sides]:
    sides: dict[str, dict[int, Side]] = {}
    for row in rows:
        facts, tab, path = row.partition("\t")
        if tab:
            mode, sha, stage = facts.split(" ")
            sides.setdefault(path, {})[int(stage)] = Side(mode, sha)
    return dict(sides)


def set_sides(git: Git, path: str, sides: Sides) -> None:
    """Set the stages of ``path`` in the user's index: 1 to 3 for a conflict, 0 if resolved.

    Without ``sides`` the path is removed from the index.
    """
    rows = [f"0 {'0' * 40}\t{path}"]
    rows += [f"{side.mode} {side.sha} {stage}\t{path}" for stage, side in sorted(sides.items())]
    git.run("update-index", "-z", "--index-info", stdin=join_nul(rows))


def incoming(git: Git) -> str | None:
    """Return the commit that is being merged; None if there is none."""
    return git.find(INCOMING)


def commit_at_stop(git: Git) -> str | None:
    """Return the commit that is being merged, applied or reverted; None if there is none."""
    return next((sha for name in STOP_REFS if (sha := git.find(name)) is not None), None)


def rebase_target(git: Git) -> str | None:
    """Return the commit onto which commits are being rebased; None if there is no rebase."""
    file = git.root / git.path("rebase-merge/onto")
    return git.find(file.read_text(encoding="ascii").strip()) if file.is_file() else None


def without_editor(git: Git) -> Git:
    """Return the repository with messages as git proposes them; no editor opens."""
    editor = {"GIT_EDITOR": ":", "GIT_SEQUENCE_EDITOR": ":"}
    return replace(git, environment={**git.environment, **editor})


def content(git: Git, side: Side | None) -> bytes | None:
    """Return the content of a side; None if it lacks the path, or for a submodule."""
    if side is None or side.mode == SUBMODULE:
        return None
    return git.blobs([side.sha])[side.sha]


def merged_text(git: Git, sides: Sides) -> bytes | None:
    """Return both sides' lines, ours first where they differ; None if one is missing or binary."""
    texts = [content(git, sides.get(stage)) for stage in (OURS, BASE, THEIRS)]
    ours, base, theirs = texts
    if ours is None or theirs is None:
        return None
    contents = [ours, base or b"", theirs]
    shas = [git.hash(text, write=True) for text in contents]
    try:
        return git.attempt("merge-file", "--union", "--object-id", "-p", *shas)
    except GitFailedError:
        # git's word for binary files.
        return None


def name_of(git: Git, sha: str) -> str:
    """Return a branch or tag at a commit, else the beginning of its id."""
    options = ("--count=1", "--format=%(refname:short)", "--points-at", sha)
    output = git.run("for-each-ref", *options, "refs/heads/", "refs/remotes/", "refs/tags/")
    return decode(output).strip() or sha[:8]
