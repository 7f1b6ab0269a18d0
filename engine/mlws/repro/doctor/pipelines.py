"""Checks of pipelines and data: their files, stages, outputs and what git and DVC ignore."""

from __future__ import annotations

import json
import os
import posixpath
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlws.core.errors import MLWSError, WorkflowUnreadableError
from mlws.core.i18n import Message
from mlws.document.parse import load
from mlws.dvc.ignores import Ignores
from mlws.dvc.native.ignored_paths import NAME as DVC_IGNORE
from mlws.dvc.pointers import LOCK_FILE, PIPELINE_FILE, DataPointer, load_mapping, names_data
from mlws.dvc.unsupported import UnsupportedStageError
from mlws.repro.checks import check
from mlws.repro.doctor.findings import (
    Finding,
    note,
    problem,
    run_command,
    warning,
)
from mlws.repro.doctor.subject import Subject
from mlws.repro.errors import Reason, ReproError
from mlws.repro.repository import POINTER

CONFLICT_MARK = re.compile(rb"^<{7} ", re.MULTILINE)


def check_files(subject: Subject) -> Iterator[Finding]:
    """Find unreadable `dvc.yaml`, `dvc.lock` and `.dvc` files."""
    repository, faults = subject.pipelines
    if repository is None:
        file, error = faults[-1]
        if isinstance(error, PermissionError):
            cause = Message(
                "{path} can't be read: {reason}.", path=error.filename, reason=error.strerror
            )
            yield problem(cause, run_command(f"chmod u+rw {shlex.quote(str(error.filename))}"))
        elif isinstance(error, UnsupportedStageError):
            yield unreadable(file, None, error.reason)
        else:
            raise error
        return
    unread: dict[str, Exception] = dict(faults)
    for path in subject.paths:
        text = subject.texts[path]
        mark = CONFLICT_MARK.search(text)
        if mark is not None:
            yield problem(
                Message(
                    "{path}:{line}: a merge has left conflict markers.",
                    path=path,
                    line=text.count(b"\n", 0, mark.start()) + 1,
                ),
                Message(
                    "Resolve them in an editor, and then run `{command}`.",
                    command=f"git add {shlex.quote(path)}",
                ),
            )
            continue
        fault = find_fault(path, text) or unread.get(path)
        if isinstance(fault, WorkflowUnreadableError):
            reason = fault.reason
            if isinstance(reason, Message):
                # The line is shown beside the path.
                reason = reason.facts.get("reason", reason)
            yield unreadable(path, fault.line, reason)
        elif isinstance(fault, MLWSError):
            yield problem(
                Message("{path}: {reason}", path=path, reason=fault.message), fault.solution
            )
    yield note(str(len(subject.paths)))


def find_fault(path: str, content: bytes) -> WorkflowUnreadableError | None:
    """Return the error of a text that is not YAML, or of a lock file that is none."""
    try:
        data, lines = load(path, content.decode("utf-8"))
    except UnicodeDecodeError:
        return WorkflowUnreadableError(
            path=path, reason=Message("the file is not UTF-8"), line=None
        )
    except WorkflowUnreadableError as error:
        return error
    if posixpath.basename(path) != LOCK_FILE or data is None:
        return None
    stages = data.get("stages") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(stages or {}, dict):
        reason = Message("it is not a mapping with `stages`")
        return WorkflowUnreadableError(path=path, reason=reason, line=1)
    for name, entry in (stages or {}).items():
        if not isinstance(entry, dict):
            reason = Message("the entry of the stage {name!r} is not a mapping", name=name)
            line = lines.get(("stages", name))
            return WorkflowUnreadableError(path=path, reason=reason, line=line)
    return None


def unreadable(path: str, line: int | None, reason: Any) -> Finding:
    """Return the problem of a file that can't be read, with what puts it right."""
    place = f"{path}:{line}" if line else path
    repair = Message(
        "Correct it in an editor, or take the last committed one: `{command}`.",
        command=f"git checkout -- {shlex.quote(path)}",
    )
    if posixpath.basename(path) == LOCK_FILE:
        repair = Message(
            "Take the last committed one with `{command}`; without it, all stages run again.",
            command=f"git checkout -- {shlex.quote(path)}",
        )
    return problem(Message("{place}: {reason}", place=place, reason=reason), repair)


def check_graph(subject: Subject) -> Iterator[Finding]:
    """Find outputs of two stages or inside of each other, and cycles."""
    repository, faults = subject.pipelines
    if repository is None:
        return
    repairs = {
        Reason.DUPLICATE_OUTPUT: Message("Give the output of one of the two stages another path."),
        Reason.OVERLAPPING_OUTPUT: Message("Give the output of one stage a folder of its own."),
        Reason.STAGE_IN_OUTPUT: Message("Move the file of the stage out of the output's folder."),
        Reason.CYCLE: Message("Take one of the files out of `deps` of one of these stages."),
    }
    try:
        check(repository.graph)
    except ReproError as error:
        facts = error.message.facts
        causes = {
            Reason.DUPLICATE_OUTPUT: Message(
                "Two stages write {output}: {first} and {second}.", **facts
            ),
            Reason.OVERLAPPING_OUTPUT: Message(
                "The output {output} of {second} is inside {above}, the output of {first}.", **facts
            ),
            Reason.STAGE_IN_OUTPUT: Message(
                "The stage {stage} is defined inside {output}, an output of another stage.", **facts
            ),
            Reason.CYCLE: Message("These stages need each other: {stages}.", **facts),
        }
        yield problem(causes[error.reason], repairs[error.reason])
    else:
        if not faults:
            yield note(str(len(repository.nodes)))


def check_ignored(subject: Subject) -> Iterator[Finding]:
    """Find pipelines and outputs that `.gitignore` or `.dvcignore` hides."""
    if subject.has_git:
        answer = subject.git("ls-files", "-z", "-o", "-i", "--exclude-standard", "--directory")
        files = [
            path
            for path in answer.stdout.split("\0")
            if (names_data(path) or posixpath.basename(path) == PIPELINE_FILE)
            and POINTER not in path.split("/")[:-1]
        ]
        for path, rule in ignore_rules(subject, files):
            yield problem(
                Message(
                    "{rule} makes git ignore {path}, so that it is not found.", rule=rule, path=path
                ),
                Message(
                    "Remove that line, and then run `{command}`.",
                    command=f"git add {shlex.quote(path)}",
                ),
            )
        for path, rule in ignore_rules(subject, subject.outputs(stored=False)):
            yield warning(
                Message(
                    "{rule} makes git ignore {path}, which DVC does not store either "
                    "(`cache: false`).",
                    rule=rule,
                    path=path,
                ),
                Message("Remove that line, or `cache: false` from the output."),
            )
    file = subject.root / DVC_IGNORE
    if not file.is_file():
        return
    from pathspec import GitIgnoreSpec

    # A blank line would not be counted.
    lines = [line.strip() or "#" for line in file.read_text("utf-8", "replace").splitlines()]
    patterns = GitIgnoreSpec.from_lines(lines)
    repository, _ = subject.pipelines
    every = repository.list_files() if repository is not None else ()
    files = [path for path in every if not path.startswith(f"{POINTER}/")]
    for path in (*files, *subject.outputs(stored=True), *subject.outputs(stored=False)):
        index = next(
            (
                match.index
                for form in (path, f"{path}/")
                if (match := patterns.check_file(form)).include
            ),
            None,
        )
        if index is not None:
            yield problem(
                Message(
                    "{file}:{line} makes DVC ignore {path}.",
                    file=DVC_IGNORE,
                    line=index + 1,
                    path=path,
                ),
                Message("Remove that line of {file}, or change it.", file=DVC_IGNORE),
            )


def ignore_rules(subject: Subject, paths: Any) -> Iterator[tuple[str, str]]:
    """Yield those paths that git ignores, with the file, line and pattern that says so."""
    names = list(paths)
    if not names:
        return
    answer = subject.git("check-ignore", "-v", "-z", "--stdin", stdin="\0".join(names))
    fields = answer.stdout.split("\0")[:-1]
    for source, line, pattern, path in zip(*(fields[start::4] for start in range(4)), strict=True):
        if not pattern.startswith("!"):
            yield path, f"{source}:{line} ({pattern})"


def check_data(subject: Subject) -> Iterator[Finding]:
    """Find data that is neither in the working folder nor in the cache."""
    imports = {
        path
        for path, text in subject.texts.items()
        if path.endswith(POINTER) and load_mapping(text).get("deps")
    }
    for item in subject.data:
        if item.md5 is None or os.path.lexists(subject.root / item.path):
            continue
        if is_cached(subject.cache, item):
            continue
        path = shlex.quote(item.path)
        cause = Message(
            "{path}, which {source} names (md5 {md5}), is neither here nor in the cache.",
            path=item.path,
            source=item.source,
            md5=item.md5[:8],
        )
        if item.source in imports:
            yield warning(cause, run_command(f"dvc update {shlex.quote(item.source)}"))
        elif subject.remotes and item.pushed:
            yield warning(cause, Message("Get it: `{command}`.", command=f"dvc pull {path}"))
        elif item.pipeline:
            yield warning(
                cause, Message("Regenerate it: `{command}`.", command=f"mlws repro {path}")
            )
        else:
            yield problem(
                cause,
                Message(
                    "No remote is set up that could have it. Copy it here from elsewhere, and "
                    "run `{command}`.",
                    command=f"dvc commit {shlex.quote(item.source)}",
                ),
            )


def is_cached(cache: Path, item: DataPointer) -> bool:
    """Return whether the cache has data, a folder with all of its files."""
    store = cache if item.legacy else cache / "files" / "md5"
    md5 = item.md5 or ""
    listing = store / md5[:2] / md5[2:]
    if not listing.is_file() or not item.folder:
        return listing.is_file()
    try:
        names = [str(entry["md5"]) for entry in json.loads(listing.read_bytes())]
    except (ValueError, TypeError, KeyError):
        return False
    return all((store / name[:2] / name[2:]).is_file() for name in names)


def check_tracked(subject: Subject) -> Iterator[Finding]:
    """Find data that both git and DVC version."""
    paths = subject.outputs(stored=True)
    for path in sorted(Ignores(subject.root).tracked(paths)):
        quoted = shlex.quote(path)
        yield problem(
            Message("Both git and DVC version {path}.", path=path),
            Message(
                "Leave it to DVC: `{command}`.",
                command=f"git rm -r --cached {quoted} && git commit -m 'Leave {path} to DVC'",
            ),
        )
