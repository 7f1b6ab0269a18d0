"""Checks of git and of the repository."""

from __future__ import annotations

import re
import shlex
import shutil
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psutil

from mlws.core.i18n import Message
from mlws.core.project import unfinished_operation
from mlws.repro.doctor.findings import Finding, note, problem, run_command, wait_for, warning
from mlws.repro.doctor.subject import Subject

MIN_GIT = (2, 31)
"""The first release with ``ls-files --deduplicate``."""
LOCKS = ("index.lock", "HEAD.lock", "config.lock", "packed-refs.lock", "shallow.lock")
MIN_LOCK_AGE = timedelta(minutes=1)
"""The age from which a lock without a process is left over."""
MAX_REFLOG_ENTRIES = 50
"""The newest entries of the reflog among which an intact commit is searched."""


def check_program(subject: Subject) -> Iterator[Finding]:
    """Find a missing or old git."""
    if shutil.which("git") is None:
        yield problem(
            Message("The program git is not on PATH."),
            Message("Install it, for example with `{command}`.", command="apt install git"),
        )
        return
    text = subject.git("version").stdout.strip()
    yield from compare_version(text, MIN_GIT)
    yield note(text.removeprefix("git version "))


def compare_version(text: str, oldest: tuple[int, int]) -> Iterator[Finding]:
    """Yield a problem if the answer of ``git version`` names one before the oldest that works."""
    match = re.search(r"(\d+)\.(\d+)", text)
    if match is not None and (int(match[1]), int(match[2])) < oldest:
        yield problem(
            Message(
                "{path} is {version}; {needed} or newer is needed.",
                path=shutil.which("git"),
                version=text,
                needed=".".join(map(str, oldest)),
            ),
            Message("Upgrade it, for example with `{command}`.", command="apt install git"),
        )


def check_repository(subject: Subject) -> Iterator[Finding]:
    """Find a folder outside of a repository, and one in which git refuses to work."""
    if subject.git_root is None:
        if subject.setting("core", "no_scm").lower() == "true":
            return
        yield problem(
            Message("{path} is not in a git repository.", path=subject.root),
            run_command(f"git init {shlex.quote(str(subject.root))}"),
        )
        return
    answer = subject.git_answer
    if answer is None:
        return
    if answer.returncode == 0:
        yield note(str(subject.git_root))
        return
    reason = answer.stderr.strip()
    root, entry = str(subject.git_root), subject.git_root / ".git"
    if "dubious ownership" in reason:
        yield problem(
            Message(
                "git does not work in {path}, which belongs to another user (“dubious ownership”).",
                path=root,
            ),
            Message(
                "If you trust its owner, run `{command}`.",
                command=f"git config --global --add safe.directory {shlex.quote(root)}",
            ),
        )
    elif entry.is_file():
        yield problem(
            Message(
                "{path} names a repository that is not there: {reason}",
                path=entry,
                reason=reason.removeprefix("fatal: "),
            ),
            Message(
                "For a worktree, run `{command}` in its main repository.",
                command=f"git worktree repair {shlex.quote(root)}",
            ),
        )
    elif not re.match(r"ref: refs/\S|[0-9a-f]{40}", read_head(entry)):
        head = shlex.quote(str(entry / "HEAD"))
        yield problem(
            Message("{path} is missing or does not name a branch.", path=entry / "HEAD"),
            Message(
                "Write the name of your branch into it: `{command}`.",
                command=f"echo 'ref: refs/heads/main' > {head}",
            ),
        )
    else:
        yield problem(
            Message("git can't read {path}: {reason}", path=entry, reason=first_line(reason)),
            Message("Repair what git names, or clone the repository again."),
        )


def check_head(subject: Subject) -> Iterator[Finding]:
    """Find a HEAD without a commit, and one whose commit or trees are lost."""
    name = subject.git("symbolic-ref", "--quiet", "HEAD").stdout.strip() or "HEAD"
    branch = name.removeprefix("refs/heads/")
    trees = subject.git("ls-tree", "-r", "-d", "HEAD")
    if trees.returncode == 0:
        index = subject.git("ls-files", "--stage", "--error-unmatch", "--", ".gitignore")
        if index.returncode > 1:
            path = subject.git_directory / "index"
            yield problem(
                Message(
                    "The index {path} is damaged: {reason}",
                    path=path,
                    reason=first_line(index.stderr),
                ),
                Message(
                    "Make a new one; files stay as they are: `{command}`.",
                    command=f"rm {shlex.quote(str(path))} && git reset",
                ),
            )
        yield note(branch)
        return
    if subject.git("config", "--get-regexp", r"remote\..*\.promisor").stdout:
        # A partial clone gets trees from its remote when it needs them.
        yield note(branch)
        return
    common = subject.git("rev-parse", "--git-common-dir").stdout.strip()
    ref = Path(subject.root, common, name)
    reflog = subject.git_directory / "logs" / "HEAD"
    if not ref.exists() and not reflog.exists() and not subject.git("for-each-ref", name).stdout:
        yield warning(
            Message("The branch {branch} has no commit yet.", branch=branch),
            Message(
                "Make the first one: `{command}`.", command="git add . && git commit -m 'Begin'"
            ),
        )
        return
    cause = Message(
        "The last commit of {branch} can't be read: {reason}",
        branch=branch,
        reason=first_line(trees.stderr),
    )
    commit = last_commit(subject, reflog)
    if commit is None:
        repair = Message("Clone the repository again, or restore {path}.", path=ref)
    else:
        command = f"git update-ref {name} {commit}"
        if ref.is_file():
            # git refuses to update what it cannot read.
            command = f"rm {shlex.quote(str(ref))} && {command}"
        repair = Message(
            "The newest intact commit of the reflog is {commit}; to go back to it, run "
            "`{command}`.",
            commit=commit[:8],
            command=command,
        )
    yield problem(cause, repair)


def last_commit(subject: Subject, reflog: Path) -> str | None:
    """Return the newest commit of a reflog that git can read with its trees."""
    if not reflog.is_file():
        return None
    lines = reflog.read_text(encoding="utf-8", errors="replace").splitlines()
    fields = [line.split(" ", 2) for line in lines[-MAX_REFLOG_ENTRIES:]]
    commits = dict.fromkeys(parts[1] for parts in reversed(fields) if len(parts) == 3)
    return next(
        (one for one in commits if not subject.git("ls-tree", "-r", "-d", one).returncode), None
    )


def check_identity(subject: Subject) -> Iterator[Finding]:
    """Find a missing name or address of the author of commits."""
    answer = subject.git("-c", "user.useConfigOnly=true", "var", "GIT_AUTHOR_IDENT")
    if answer.returncode == 0:
        return
    every = (("user.name", "'Your Name'"), ("user.email", "you@example.com"))
    # Or git refuses what one of them has.
    missing = [
        (name, value)
        for name, value in every
        if not subject.git("config", "--get", name).stdout.strip()
    ] or every
    cause = Message(
        "Not set in git's settings: {names}.", names=", ".join(name for name, _ in missing)
    )
    repair = run_command(
        " && ".join(f"git config --global {name} {value}" for name, value in missing)
    )
    # git may take them from the system's account and name.
    has_default = subject.git("var", "GIT_AUTHOR_IDENT").returncode == 0
    yield warning(cause, repair) if has_default else problem(cause, repair)


def check_operation(subject: Subject) -> Iterator[Finding]:
    """Find a merge or rebase that was not finished, and its conflicts."""
    operation = unfinished_operation(subject.git_directory)
    lines = subject.git("ls-files", "--unmerged", "-z").stdout.split("\0")
    conflicts = dict.fromkeys(line.partition("\t")[2] for line in lines if line)
    if operation is None and not conflicts:
        return
    if operation == "bisect":
        yield warning(
            Message("A bisection has not been finished."), run_command("git bisect reset")
        )
        return
    if operation is None:
        yield problem(
            Message("Files have conflicts: {paths}.", paths=some_of(conflicts)),
            Message("Resolve them, and then run `{command}`.", command="git add -A"),
        )
        return
    cause = Message("A git {operation} has not been finished.", operation=operation)
    if conflicts:
        cause = Message(
            "A git {operation} has not been finished; conflicts: {paths}.",
            operation=operation,
            paths=some_of(conflicts),
        )
    yield problem(
        cause,
        Message(
            "Resolve conflicts, `git add` the files, and run `{command}`; or undo it with "
            "`{undo}`.",
            command=f"git {operation} --continue",
            undo=f"git {operation} --abort",
        ),
    )


def check_locks(subject: Subject) -> Iterator[Finding]:
    """Find lock files of git, left over by a killed process or of one that works."""
    paths = [path for name in LOCKS if (path := subject.git_directory / name).exists()]
    if not paths:
        return
    process = next(iter_git_processes(subject.git_root or subject.root), None)
    for path in paths:
        age = timedelta(seconds=max(round(time.time() - path.stat().st_mtime), 0))
        if process is not None:
            yield warning(
                Message(
                    "{path} is {age} old; git works here as process {pid}.",
                    path=path,
                    age=age,
                    pid=process,
                ),
                wait_for(process),
            )
        else:
            # Git of another container or machine is not among the processes here.
            weigh = problem if age >= MIN_LOCK_AGE else warning
            yield weigh(
                Message(
                    "{path} is {age} old, and no git process works here: a killed one left it.",
                    path=path,
                    age=age,
                ),
                run_command(f"rm {shlex.quote(str(path))}"),
            )


def iter_git_processes(root: Path) -> Iterator[int]:
    """Yield the ids of the processes of git that work in a folder or below it."""
    for process in psutil.process_iter(["name", "cwd", "cmdline"]):
        folder, words = process.info["cwd"], process.info["cmdline"] or ()
        # The file system monitor runs all the time, and takes no lock.
        if process.info["name"] != "git" or "fsmonitor--daemon" in words:
            continue
        if folder and Path(folder).is_relative_to(root):
            yield process.pid


def read_head(directory: Path) -> str:
    """Return the text of a repository's HEAD, empty if there is none."""
    try:
        return (directory / "HEAD").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def first_line(text: str) -> str:
    """Return the first line of what git says, without its prefix."""
    return (text.strip().splitlines() or [""])[0].removeprefix("fatal: ").removeprefix("error: ")


def some_of(paths: Iterator[str] | dict[str, None], limit: int = 3) -> str:
    """Return the first paths as a list in a sentence."""
    names = list(paths)
    more = "" if len(names) <= limit else f" … (+{len(names) - limit})"
    return ", ".join(names[:limit]) + more
