"""Moves the current branch forward to a commit of ours, code and data together."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from jupyter_mlws.core.progress import ProgressCallback
from jupyter_mlws.git.commits import commit_tree, run_hook
from jupyter_mlws.versioning.repository import Repository
from jupyter_mlws.versioning.worktree.switching import Switching

TIMEOUT = 600.0
"""Seconds for git to write the files of another version."""


class FastForward:
    """Of one project; the caller holds the project's lock."""

    def __init__(self, repository: Repository) -> None:
        self._project = repository.project
        self._git = repository.git
        self._switching = Switching(repository)

    def commit(self, tree: str, parents: Sequence[str], message: str, source: str) -> str:
        """A commit that no ref names yet; hooks have their say, as with git's own commands.

        ``source`` is git's word for where the message comes from. Errors: 30207 where a hook
        refuses, 30209 where it can't be signed.
        """
        if len(parents) > 1:
            run_hook(self._git, "pre-merge-commit")
        file = self._project.state / f"{uuid.uuid4().hex[:12]}.index.message"
        file.write_text(message.strip() + "\n", encoding="utf-8")
        try:
            run_hook(self._git, "prepare-commit-msg", str(file), source)
            run_hook(self._git, "commit-msg", str(file))
            text = file.read_text(encoding="utf-8")
        finally:
            file.unlink(missing_ok=True)
        sign = self._git.setting("commit.gpgsign", "bool") == "true"
        return commit_tree(self._git, tree, parents, text, sign=sign)

    def to(self, target: str, progress: ProgressCallback, *, thorough: bool = False) -> list[str]:
        """Go to a commit that HEAD is an ancestor of; the paths of data that changed.

        Errors as those of :meth:`.Switching.run`.
        """

        def move() -> None:
            if self._git.find("HEAD") != target:
                self._git.attempt("merge", "--ff-only", "--quiet", target, timeout=TIMEOUT)

        return self._switching.run(target, move, progress, thorough=thorough)
