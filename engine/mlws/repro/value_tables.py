"""`metrics show`, `metrics diff` and `params diff`: tables of values, as DVC prints them."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from mlws.core.errors import MLWSError
from mlws.core.i18n import Message
from mlws.repro.console import Ending, reporting
from mlws.repro.options import ValueOptions, Values
from mlws.repro.repository import Repository
from mlws.repro.revisions import WORKSPACE, CommitRevision, Commits, Revision
from mlws.repro.values import (
    Readings,
    by_name,
    compare,
    read_metrics,
    read_parameters,
)

NOTHING = "-"
"""Marks a missing value."""
NAMES = {Values.METRICS: "Metric", Values.PARAMETERS: "Param"}

Results = dict[str, Readings | MLWSError]
"""The values of the files of each revision, or the error that prevents reading them."""


def show(folder: Path, language: str, options: ValueOptions, *, as_json: bool = False) -> int:
    """Print the metrics of a folder's repository; return the exit code."""
    ending = Ending()
    with reporting(ending, language):
        root, here = Repository.locate(folder)
        commits = Commits(root)
        is_workspace = not (options.all_branches or options.all_tags or options.all_commits)
        names_by_commit: dict[str, list[str]] = {}
        if not is_workspace:
            names_by_commit = commits.names(
                branches=options.all_branches, tags=options.all_tags, every=options.all_commits
            )
        hashes = {",".join(names): commit for commit, names in names_by_commit.items()}
        results = _read(root, here, options, hashes, language)
        if results[WORKSPACE] == results.get(commits.branch):
            del results[WORKSPACE]
        if is_workspace:
            results = {"": results[WORKSPACE]}
        _warn(results, language)
        if as_json:
            _print_json(
                {
                    name: {"error": readings}
                    if isinstance(readings, MLWSError)
                    else {
                        "data": {
                            _at(path, here): {"error": one.fault}
                            if one.fault
                            else {"data": one.value}
                            for path, one in readings.items()
                        }
                    }
                    for name, readings in results.items()
                }
            )
        else:
            rows = [
                {"Revision": name, "Path": _at(path, here)}
                | {
                    key: _text(value, options.precision)
                    for key, value in by_name(reading.value or {}).items()
                }
                for name, readings in results.items()
                if not isinstance(readings, MLWSError)
                for path, reading in readings.items()
            ]
            keys = sorted({key for row in rows for key in row} - {"Revision", "Path"})
            _print_table(rows, ["Revision"] * (not is_workspace) + ["Path", *keys], options)
    return ending.code


def diff(folder: Path, language: str, options: ValueOptions, *, as_json: bool = False) -> int:
    """Print how metrics or parameters differ between two revisions; return the exit code."""
    ending = Ending()
    with reporting(ending, language):
        root, here = Repository.locate(folder)
        commits = Commits(root)
        if commits.is_empty:
            return ending.code
        hashes = {name: commits.find(name) for name in options.revisions if name != WORKSPACE}
        results = _read(root, here, options, hashes, language)
        _warn({name: results[name] for name in options.revisions}, language)
        old, new = (
            {} if isinstance(side, MLWSError) else side
            for side in map(results.__getitem__, options.revisions)
        )
        changes = {
            _at(path, here): change
            for path, change in compare(old, new, every=options.every).items()
        }
        if as_json:
            _print_json(changes)
            return ending.code
        title = NAMES[options.values]
        before, after = options.revisions
        rows = [
            {
                "Path": path,
                title: name,
                before: _text(change["old"], options.precision),
                after: _text(change["new"], options.precision),
                "Change": _text(change.get("diff"), options.precision),
            }
            for path, file_changes in changes.items()
            for name, change in file_changes.items()
        ]
        has_change = ["Change"] if options.values is Values.METRICS else []
        columns = [] if options.hides_path else ["Path"]
        _print_table(rows, [*columns, title, before, after, *has_change], options)
    return ending.code


def _read(
    root: Path, here: str, options: ValueOptions, hashes: Mapping[str, str], language: str
) -> Results:
    """Return the values of the working tree and of commits, whose hashes are by their names."""
    targets = [posixpath.normpath(posixpath.join(here, target)) for target in options.targets]
    results: Results = {}
    for name, commit in {WORKSPACE: "", **hashes}.items():
        with TemporaryDirectory(prefix="mlws-") as folder:
            try:
                place = Path(folder).resolve()
                revision = (
                    CommitRevision(place, root, Commits(root), commit) if commit else Revision(root)
                )
                if options.values is Values.METRICS:
                    results[name] = read_metrics(revision, targets)
                else:
                    results[name] = read_parameters(revision, targets, of_stages=options.of_stages)
            except MLWSError as error:
                results[name] = error
                warning = Message(
                    "failed to load metrics in revision '{revision}', {reason}",
                    revision=name,
                    reason=error.as_dict(language)["message"],
                )
                click.echo(f"WARNING: {warning.in_(language)}", err=True)
    return results


def _warn(results: Results, language: str) -> None:
    """Name the revisions with values that cannot be read."""
    names = [
        name
        for name, readings in results.items()
        if isinstance(readings, MLWSError) or any(one.fault for one in readings.values())
    ]
    if names:
        message = Message(
            "DVC failed to load some metrics for following revisions: '{revisions}'.",
            revisions=", ".join(names),
        )
        click.echo(message.in_(language), err=True)


def _at(path: str, here: str) -> str:
    return posixpath.relpath(path, here or ".")


def _text(value: Any, precision: int) -> str:
    if value is None:
        return NOTHING
    return str(round(value, precision) if isinstance(value, float) else value)


def _print_json(results: Any) -> None:
    def describe(error: Exception) -> dict[str, str]:
        return {"type": type(error).__name__, "msg": str(error)}

    click.echo(json.dumps(results, ensure_ascii=False, default=describe))


def _print_table(
    rows: Sequence[Mapping[str, str]], columns: Sequence[str], options: ValueOptions
) -> None:
    if not rows and not options.markdown:
        return
    from tabulate import tabulate

    table = tabulate(
        [[row.get(column, NOTHING) for column in columns] for row in rows],
        columns,
        tablefmt="github" if options.markdown else "plain",
        disable_numparse=True,
    )
    click.echo(f"{table}\n" if options.markdown else table)
