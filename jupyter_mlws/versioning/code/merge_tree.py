"""What two commits merge to, with notebooks merged by their cells. Nothing is changed by it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath

from jupyter_mlws.core.progress import ProgressCallback, no_progress
from jupyter_mlws.core.project import Project
from jupyter_mlws.versioning.cells.process import (
    MergedNotebook,
    NotebookRefusedError,
    merge_notebooks,
)
from jupyter_mlws.versioning.git.adapter import Git
from jupyter_mlws.versioning.git.merge import (
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
from jupyter_mlws.versioning.git.private_index import private_index

IGNORE_FILES = frozenset({".gitignore", ".dvcignore"})


@dataclass(frozen=True)
class Joined:
    """``tree`` holds what both merge to; of ``conflicts`` it has ours, or git's markers.

    ``notebooks`` were merged by their cells, those among the conflicts only in part; ``lists`` by
    their lines.
    """

    tree: str
    conflicts: dict[str, Sides]
    notebooks: dict[str, MergedNotebook] = field(default_factory=dict)
    lists: dict[str, bytes] = field(default_factory=dict)


def join(
    project: Project, git: Git, ours: str, theirs: str, progress: ProgressCallback = no_progress
) -> Joined:
    """Merge two commits; error 30217 where they have no commit in common."""
    merged = merge_tree(git, ours, theirs)
    conflicts = dict(merged.conflicts)
    notebooks: dict[str, MergedNotebook] = {}
    for path, sides in _notebooks(git, ours, theirs, merged).items():
        progress(0, message="notebooks")
        try:
            base, one, other = (content(git, sides.get(stage)) for stage in (BASE, OURS, THEIRS))
            notebook = merge_notebooks(base, one, other)
        except NotebookRefusedError:
            # No notebook on one side, or too large: the person chooses a side.
            conflicts[path] = sides
            continue
        notebooks[path] = notebook
        if notebook.conflicts:
            conflicts[path] = sides
        else:
            conflicts.pop(path, None)
    lists = _ignore_files(git, conflicts)
    for path in lists:
        del conflicts[path]
    texts = {path: notebook.text for path, notebook in notebooks.items() if path not in conflicts}
    tree = _tree(project, merged, {**texts, **lists})
    return Joined(tree, conflicts, notebooks, lists)


def _ignore_files(git: Git, conflicts: dict[str, Sides]) -> dict[str, bytes]:
    """Lists of ignored paths, with the lines of both: whoever adds data adds a line at the end."""
    merged = {
        path: merged_text(git, sides)
        for path, sides in conflicts.items()
        if PurePosixPath(path).name in IGNORE_FILES
    }
    return {path: text for path, text in merged.items() if text is not None}


def _notebooks(git: Git, ours: str, theirs: str, merged: MergedTree) -> dict[str, Sides]:
    """Notebooks that both changed, also where git found that their lines fit together.

    Lines that fit can still be no notebook, or one with an id twice.
    """
    base = merge_base(git, ours, theirs)
    moved = {OURS: _moved(git, base, ours), THEIRS: _moved(git, base, theirs)}
    both = [path for path in moved[OURS] if path in moved[THEIRS] and _is_notebook(path)]
    found = {
        path: sides
        for path, sides in merged.conflicts.items()
        if _is_notebook(path) and {OURS, THEIRS} <= set(sides)
    }
    for path in both:
        places = {BASE: path, OURS: moved[OURS][path], THEIRS: moved[THEIRS][path]}
        # Where one side renamed it, it is at the new place; two new places git tells as a conflict.
        place = next((p for p in (places[OURS], places[THEIRS]) if p != path), path)
        if place in merged.conflicts:
            continue
        sides = {
            stage: Side(entry.mode, entry.sha)
            for stage, commit in ((BASE, base), (OURS, ours), (THEIRS, theirs))
            for entry in git.tree(commit, places[stage])
        }
        if len({side.sha for side in sides.values()}) == len(places):
            found[place] = sides
    return found


def _moved(git: Git, base: str, end: str) -> dict[str, str]:
    """What a side changed, and where it is there."""
    rows = git.differences(base, end)
    return {row.old_path or row.path: row.path for row in rows if row.state != "deleted"}


def _is_notebook(path: str) -> bool:
    return path.endswith(".ipynb")


def _tree(project: Project, merged: MergedTree, texts: dict[str, bytes]) -> str:
    if not texts:
        return merged.tree
    with private_index(project) as private:
        private.read_tree(merged.tree)
        for path, text in texts.items():
            private.put(path, text)
        return private.write_tree()
