"""Findings of checks, and the records of the checks that make them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from mlws.core.errors import MLWSError
from mlws.core.i18n import Message
from mlws.repro.doctor.subject import Subject
from mlws.repro.options import Area


class Severity(StrEnum):
    """The weight of a finding; only problems change the exit code."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Need(StrEnum):
    """What a check cannot do without; where it is missing, another check says so."""

    GIT = "git"
    DVC = "dvc"


NO_REPAIR = Message.verbatim("")


@dataclass(frozen=True)
class Finding:
    """Something that a check has to say: what is wrong and why, and how to repair it.

    A fact ``command`` of the repair is a line for a shell. A finding that is OK has no repair.
    """

    severity: Severity
    cause: Message
    repair: Message = NO_REPAIR

    @property
    def command(self) -> str:
        """The line to type, empty if there is none."""
        return str(self.repair.facts.get("command", ""))


class Check(NamedTuple):
    """One check: ``examine`` yields nothing if all is well."""

    id: str
    area: Area
    title: Message
    examine: Callable[[Subject], Iterable[Finding]]
    needs: Iterable[Need] = ()

    def applies(self, subject: Subject) -> bool:
        """Return whether the subject has what the check needs."""
        has = {Need.GIT: subject.has_git, Need.DVC: subject.dvc_root is not None}
        return all(has[need] for need in self.needs)


class CheckResult(NamedTuple):
    """A check with what it has found."""

    check: Check
    findings: list[Finding]

    @property
    def severity(self) -> Severity:
        """That of the worst finding."""
        order = list(Severity)
        return max(
            (finding.severity for finding in self.findings), key=order.index, default=order[0]
        )


def problem(cause: Message, repair: Message) -> Finding:
    """Return a finding that keeps something from working."""
    return Finding(Severity.PROBLEM, cause, repair)


def warning(cause: Message, repair: Message) -> Finding:
    """Return a finding that may surprise, but keeps nothing from working."""
    return Finding(Severity.WARNING, cause, repair)


def note(text: str) -> Finding:
    """Return a fact that is shown beside a check, such as a version."""
    return Finding(Severity.OK, Message.verbatim(text))


def run_command(command: str) -> Message:
    """Return the repair that is one command."""
    return Message("Run `{command}`.", command=command)


def wait_for(process: object) -> Message:
    """Return the repair for what a process with an id holds."""
    return Message("Wait for it. If it hangs, end it with `{command}`.", command=f"kill {process}")


def from_error(error: MLWSError) -> Finding:
    """Return an error of the catalogue, which has its own solution, as a problem."""
    return problem(error.message, error.solution)
