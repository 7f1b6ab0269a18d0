"""Merge of two commits to a tree, with notebooks merged by their cells; changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from jupyter_mlws.git.adapter import Git
from jupyter_mlws.git.diffs import differences
from jupyter_mlws.git.index import private_index
from jupyter_mlws.git.merge import (
    BASE,
    OURS,
    THEIRS,
    MergedTree,
    Side,
    Sides,
    content,
    merge_base,
    merge_tree,
    merged_text,
)
from jupyter_mlws.notebook_format.process import (
    MergedNotebook,
    NotebookRefusedError,
    merge_notebooks,
)
from mlws.core.progress import ProgressCallback, no_progress
from mlws.core.project import Project

IGNORE_FILES = frozenset({".gitignore", ".dvcignore"})


@dataclass(frozen=True)
class MergeResult:
    """Result of merging two commits; ``tree`` is the merged tree.

    For paths in ``conflicts`` it holds ours, or text with git's markers. ``notebooks`` were
    merged by cells, those among the conflicts only in part; ``lists`` by lines.
    """

    tree: str
    conflicts: dict[str, Sides]
    notebooks: dict[str, MergedNotebook]
    lists: dict[str, bytes]


def merge_commits(
    project: Project,
    git: Git,
    ours: str,
    theirs: str,
    progress: ProgressCallback = no_progress,
    *,
    base: str | None = None,
) -> MergeResult:
    """Merge two commits; UnrelatedHistoriesError if they have no common commit.

    ``base``: the commit from which both sides' changes are taken, by default their merge base.
    """
    merged = merge_tree(git, ours, theirs, base)
    start = base or merge_base(git, ours, theirs)
    conflicts = dict(merged.conflicts)
    notebooks: dict[str, MergedNotebook] = {}
    for path, sides in _notebooks_changed_by_both(git, start, ours, theirs, merged).items():
        progress(0, message="notebooks")
        try:
            before, one, other = (content(git, sides.get(stage)) for stage in (BASE, OURS, THEIRS))
            notebook = merge_notebooks(before, one, other)
        except NotebookRefusedError:
            # No notebook on one side, or too large: the user chooses a side.
            conflicts[path] = sides
            continue
        notebooks[path] = notebook
        if notebook.conflicts:
            conflicts[path] = sides
        else:
            conflicts.pop(path, None)
    # Adding data appends a line to an ignore file, so both sides often change the same place.
    lists: dict[str, bytes] = {}
    for path, sides in list(conflicts.items()):
        if PurePosixPath(path).name in IGNORE_FILES:
            text = merged_text(git, sides)
            if text is not None:
                lists[path] = text
                del conflicts[path]
    texts = {path: notebook.text for path, notebook in notebooks.items() if path not in conflicts}
    texts |= lists
    if not texts:
        return MergeResult(merged.tree, conflicts, notebooks, lists)
    with private_index(project) as private:
        private.read_tree(merged.tree)
        for path in texts:
            private.put(path, texts[path])
        return MergeResult(private.write_tree(), conflicts, notebooks, lists)


def _notebooks_changed_by_both(
    git: Git, base: str, ours: str, theirs: str, merged: MergedTree
) -> dict[str, Sides]:
    """Return the notebooks that both sides changed, even if git merged their lines cleanly.

    A clean merge by lines may be an invalid notebook, or have a duplicate id.
    """
    new_paths = {OURS: _changed_paths(git, base, ours), THEIRS: _changed_paths(git, base, theirs)}
    both = [path for path in new_paths[OURS] if path in new_paths[THEIRS] and _is_notebook(path)]
    notebooks = {
        path: sides
        for path, sides in merged.conflicts.items()
        if _is_notebook(path) and {OURS, THEIRS} <= set(sides)
    }
    for path in both:
        places = {BASE: path, OURS: new_paths[OURS][path], THEIRS: new_paths[THEIRS][path]}
        # A side that renamed it determines its path; git reports two new paths as a conflict.
        place = next((p for p in (places[OURS], places[THEIRS]) if p != path), path)
        if place in merged.conflicts:
            continue
        sides = {
            stage: Side(entry.mode, entry.sha)
            for stage, commit in ((BASE, base), (OURS, ours), (THEIRS, theirs))
            for entry in git.tree(commit, places[stage])
        }
        if len({side.sha for side in sides.values()}) == len(places):
            notebooks[place] = sides
    return notebooks


def _changed_paths(git: Git, base: str, end: str) -> dict[str, str]:
    """Return the paths that a side changed, each with its path on that side."""
    rows = differences(git, base, end)
    return {row.old_path or row.path: row.path for row in rows if row.state != "deleted"}


def _is_notebook(path: str) -> bool:
    return path.endswith(".ipynb")
