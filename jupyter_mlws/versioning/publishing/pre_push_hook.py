"""git's ``pre-push`` hook, which refuses to push code before its data is on the remote.

``git config mlws.prepush false`` prevents its installation.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from jupyter_mlws.core.errors import DataNotPushedError, DataRemoteMissingError
from jupyter_mlws.git.adapter import Git
from jupyter_mlws.git.history import changes_of
from jupyter_mlws.versioning.data_index import DataIndex, format_paths
from jupyter_mlws.versioning.publishing.outbox import sent_of
from mlws.core.atomic import temp_path
from mlws.core.errors import MLWSError
from mlws.core.i18n import environment_language
from mlws.dvc.data import open_data
from mlws.dvc.pointers import DataPointer, is_relevant

SETTING = "mlws.prepush"
SKIP_HOOK_VARIABLE = "MLWS_DATA_HAS_ARRIVED"
"""Environment variable of a push that has checked the data already."""
HOOK_MARKER = "# jupyter-mlws: code is pushed once its data has arrived"
PREVIOUS_HOOK = "pre-push.before-mlws"
"""New name of an existing hook; ours calls it first."""
SCRIPT = """\
#!/bin/sh
{mark}
# To remove it: git config mlws.prepush false, and delete this file.
refs=$(cat)
theirs="$(dirname "$0")/{theirs}"
if [ -x "$theirs" ]; then
    printf '%s\\n' "$refs" | "$theirs" "$@" || exit
fi
[ -z "${passed}" ] || exit 0
if [ ! -x {python} ]; then
    echo "jupyter-mlws not found in {shown}; could not check whether the data was pushed." >&2
    exit 0
fi
printf '%s\\n' "$refs" | {python} -c '{code}' "$@"
"""
HOOK_CODE = (
    "import sys; sys.path[:1] = []; "
    "from jupyter_mlws.versioning.publishing.pre_push_hook import main; "
    "sys.exit(main(sys.argv[1:]))"
)
"""Without the project's folder in ``sys.path``, which ``-m`` would add."""


def skip_pre_push_hook(git: Git) -> Git:
    """Return a git adapter whose pushes skip the hook, because they were checked already."""
    return replace(git, environment={**git.environment, SKIP_HOOK_VARIABLE: "1"})


def install(git: Git) -> None:
    """Install the pre-push hook; an existing hook is kept and runs before it.

    Not if hooks are kept outside git's own folder (``core.hooksPath``): such a folder may be
    versioned, or shared with other repositories.
    """
    if git.setting("core.hooksPath") or git.setting(SETTING, "bool") == "false":
        return
    hook = git.root / git.path("hooks/pre-push")
    python = shlex.quote(sys.executable)
    text = SCRIPT.format(
        mark=HOOK_MARKER,
        theirs=PREVIOUS_HOOK,
        passed=SKIP_HOOK_VARIABLE,
        python=python,
        shown=sys.executable,
        code=HOOK_CODE,
    )
    current_text = _read_hook(hook)
    theirs = hook.with_name(PREVIOUS_HOOK)
    foreign = os.path.lexists(hook) and HOOK_MARKER not in current_text
    if current_text == text:
        return
    if foreign and (
        os.path.lexists(theirs)
        or any(HOOK_MARKER in _read_hook(path) for path in hook.parent.glob("pre-push.*"))
    ):
        # Another program renamed our hook, and its own hook calls it.
        return
    hook.parent.mkdir(exist_ok=True)
    ours = temp_path(hook)
    ours.write_text(text, encoding="utf-8")
    ours.chmod(0o755)
    if foreign:
        hook.rename(theirs)
    ours.replace(hook)


def _read_hook(path: Path) -> str:
    if not path.is_file():
        return ""
    return path.read_text(encoding="utf-8", errors="replace")


def data_of_commits(git: Git, content: DataIndex, commits: Sequence[str]) -> list[DataPointer]:
    """Return the data that the commits name and that belongs on the remote.

    Only commits that change a file that names data count.
    """
    changes = changes_of(git, commits)
    relevant = [
        commit
        for commit, entries in changes.items()
        if any(is_relevant(path) for e in entries for path in (e.path, e.old_path) if path)
    ]
    return sent_of(item for commit in relevant for item in content.data_at(commit))


def distinct(items: Iterable[DataPointer]) -> list[DataPointer]:
    """Return one item for each distinct content."""
    by_content: dict[tuple[str | None, bool], DataPointer] = {}
    for item in items:
        by_content.setdefault((item.md5, item.legacy), item)
    return list(by_content.values())


def check(git: Git, remote: str, rows: Iterable[Sequence[str]]) -> None:
    """Refuse a push whose data is not on the data remote.

    ``rows`` are the rows that git passes to the hook: local ref and commit, remote ref and commit.
    Raises RemoteUnreachableError if the remote cannot be reached, DataRemoteMissingError if there
    is none, DataNotPushedError.
    """
    content = DataIndex(git)
    items: list[DataPointer] = []
    tips: list[DataPointer] = []
    for _, tip, _, before in rows:
        if not tip.strip("0") or git.find(tip) is None:
            # A deleted ref, or a tag of an object that is not a commit.
            continue
        base = before if before.strip("0") and git.find(before) else None
        exclusions = [f"^{base}"] if base else ["--not", f"--remotes={remote}"]
        commits = git.run("rev-list", tip, *exclusions, "--").decode().split()
        items += data_of_commits(git, content, commits)
        if commits:
            tips += sent_of(content.data_at(git.resolve(tip)))
    required_items = distinct([*tips, *items])
    if not required_items:
        return
    with open_data(git.root) as data:
        if data.remote.name is None:
            paths = format_paths({item.path for item in required_items})
            raise DataRemoteMissingError(paths=paths)
        absent = data.remote.missing(required_items)
        # Data that only older commits name and no store has is lost already.
        lost_items = set(data.cache.missing([each.item for each in absent])) - {*tips}
        absent = [each for each in absent if each.item not in lost_items]
    if absent:
        paths = format_paths({each.path for each in absent})
        raise DataNotPushedError(paths=paths, named=", ".join(paths[:20]))


def main(arguments: Sequence[str]) -> int:
    """Run the hook: return 0 to let git push, 1 to refuse with a printed reason."""
    # git sets these for its hooks; in a worktree our own calls of git must not use them.
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"):
        os.environ.pop(name, None)
    rows = [line.split() for line in sys.stdin.read().splitlines() if line.strip()]
    try:
        check(Git(Path.cwd()), arguments[0], rows)
    except MLWSError as error:
        language = environment_language(os.environ)
        lines = [f"{error.code}  {error.message.in_(language)}", error.solution.in_(language)]
        sys.stderr.write("\n".join(lines) + "\n")
        return 1
    return 0
