"""Runs checks, and prints what they find: for people in 80 columns, for programs as JSON."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from mlws.core.errors import MLWSError
from mlws.core.i18n import Message
from mlws.core.secrets import mask_credentials
from mlws.repro.doctor.checks import CHECKS
from mlws.repro.doctor.findings import (
    Check,
    CheckResult,
    Finding,
    Severity,
    from_error,
    warning,
)
from mlws.repro.doctor.subject import Subject
from mlws.repro.options import Area

EXIT_PROBLEMS = 1
MAX_COLUMNS = 80
INDENT = 9
"""Columns before the name of a check, in which its state is."""
NAME_WIDTH = 26
MAX_FINDINGS = 5
"""Findings of one check that are printed; JSON has all."""
STATES = {
    Severity.OK: Message("ok"),
    Severity.WARNING: Message("warning"),
    Severity.PROBLEM: Message("problem"),
}
COLORS = {Severity.OK: "green", Severity.WARNING: "yellow", Severity.PROBLEM: "red"}
WORD = re.compile(r"`[^`]*`\S*|[\u2e80-\u9fff\uff00-\uffef]|[^\s`\u2e80-\u9fff\uff00-\uffef]+|\s+")
"""A command in backticks, a Chinese character, another word, or the space between."""


def run(
    folder: Path,
    language: str,
    areas: Sequence[str] = (),
    *,
    as_json: bool = False,
    checks: Sequence[Check] = CHECKS,
) -> int:
    """Print the findings of some areas, all by default; return 1 if one is a problem, else 0.

    UsageError for an unknown area.
    """
    names = dict.fromkeys(check.area.value for check in checks)
    for area in areas:
        if area not in names:
            message = Message(
                "No such area: {name}. Areas are: {names}.", name=area, names=", ".join(names)
            )
            raise click.UsageError(message.in_(language))
    subject = Subject(folder.resolve())
    selection = [check for check in checks if not areas or check.area in map(Area, areas)]
    results = [examine(check, subject) for check in selection if check.applies(subject)]
    if as_json:
        click.echo(json.dumps(to_record(subject, results, language), ensure_ascii=False, indent=2))
    else:
        width = min(MAX_COLUMNS, shutil.get_terminal_size((MAX_COLUMNS, 24)).columns)
        for line in (*iter_lines(results, language, width), summary(results, language)):
            # Names of files may be no text.
            click.echo(line.encode("utf-8", "backslashreplace").decode())
    return EXIT_PROBLEMS if any(one.severity is Severity.PROBLEM for one in results) else 0


def examine(check: Check, subject: Subject) -> CheckResult:
    """Make one check. An error of the check itself is a finding, too."""
    findings: list[Finding] = []
    try:
        findings.extend(check.examine(subject))
    except MLWSError as error:
        findings.append(from_error(error))
    except subprocess.TimeoutExpired as error:
        cause = Message(
            "`{program}` did not answer within {seconds:g} s.",
            program=" ".join(str(word) for word in error.cmd[:1]),
            seconds=error.timeout,
        )
        findings.append(warning(cause, Message("Check whether the disk is slow or not reachable.")))
    except (OSError, sqlite3.Error) as error:
        cause = Message("This could not be checked: {reason}", reason=str(error))
        findings.append(warning(cause, Message("Remove the cause, and run the command again.")))
    return CheckResult(check, findings)


def to_record(subject: Subject, results: Sequence[CheckResult], language: str) -> dict[str, Any]:
    """Return the result for programs."""

    def text(message: Message) -> str:
        return mask_credentials(message.in_(language))

    return {
        "folder": str(subject.root),
        "problems": count(results, Severity.PROBLEM),
        "warnings": count(results, Severity.WARNING),
        "checks": [
            {
                "id": result.check.id,
                "area": result.check.area,
                "title": result.check.title.in_(language),
                "state": result.severity,
                "findings": [
                    {
                        "state": finding.severity,
                        "cause": text(finding.cause),
                        "repair": text(finding.repair),
                        "command": mask_credentials(finding.command),
                    }
                    for finding in result.findings
                ],
            }
            for result in results
        ],
    }


def count(results: Sequence[CheckResult], severity: Severity) -> int:
    """Return the number of findings of a severity."""
    return sum(finding.severity is severity for one in results for finding in one.findings)


def iter_lines(results: Sequence[CheckResult], language: str, width: int) -> Iterator[str]:
    """Yield a line for each check, and below it what is wrong and how to repair it."""
    for result in results:
        facts = [one.cause.in_(language) for one in result.findings if one.severity is Severity.OK]
        state = pad(STATES[result.severity].in_(language), INDENT)
        line = pad(result.check.title.in_(language), NAME_WIDTH) + ", ".join(facts)
        yield color(state, result.severity) + clip(mask_credentials(line).rstrip(), width - INDENT)
        faults = [one for one in result.findings if one.severity is not Severity.OK]
        for finding in faults[:MAX_FINDINGS]:
            yield from indent(finding.cause.in_(language), "", width)
            yield from indent(finding.repair.in_(language), "→ ", width)
        if len(faults) > MAX_FINDINGS:
            more = Message(
                "… and {count} more; `--json` lists all.", count=len(faults) - MAX_FINDINGS
            )
            yield from indent(more.in_(language), "", width)


def summary(results: Sequence[CheckResult], language: str) -> str:
    """Return the line that counts problems and warnings."""
    problems, warnings = (count(results, one) for one in (Severity.PROBLEM, Severity.WARNING))
    message = Message(
        "\nChecks: {checks}. Problems: {problems}. Warnings: {warnings}.",
        checks=len(results),
        problems=problems,
        warnings=warnings,
    )
    return message.in_(language)


def indent(text: str, mark: str, width: int) -> Iterator[str]:
    """Yield the lines of a text below the name of a check; commands are not broken."""
    space, room, line = " " * INDENT, width - INDENT - len(mark), ""
    for word in WORD.findall(" ".join(mask_credentials(text).split())):
        if line and columns(line + word) > room and not word.isspace():
            yield f"{space}{mark}{line.rstrip()}"
            mark, line = " " * len(mark), ""
        line += word if line else word.lstrip()
    yield f"{space}{mark}{line.rstrip()}"


def color(text: str, severity: Severity) -> str:
    """Return a text in the color of a severity, where a terminal shows colors."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return click.style(text, fg=COLORS[severity], bold=severity is Severity.PROBLEM)


def columns(text: str) -> int:
    """Return the columns that a text takes in a terminal: two for each Chinese character."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def pad(text: str, width: int) -> str:
    """Return a text with spaces up to a number of columns, one at least."""
    return text + " " * max(width - columns(text), 1)


def clip(text: str, width: int) -> str:
    """Return a text that fits into a number of columns; the end of a long one is left out."""
    if columns(text) <= width:
        return text
    while columns(text) > width - 1:
        text = text[:-1]
    return f"{text}…"
